"""What a comparison found: summary rows, CSV, JSON and tables for the terminal."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from springdrift import TERMS
from springdrift_agents.evaluation.diagnosis import FINDINGS
from springdrift_agents.evaluation.evaluate import REFERENCE, Episodes
from springdrift_agents.evaluation.statistics import (
    gap_closed,
    iqm,
    mean_interval,
    probability_of_improvement,
    stratified_interval,
)
from springdrift_agents.files import write_text
from springdrift_agents.policies.operations import ALL_RULES
from springdrift_agents.policies.registry import name_of

Row = dict[str, Any]


def summarise(parts: Sequence[Episodes]) -> list[Row]:
    """One row for each policy and scenario: mean cost with its 95 % interval, by term, and counts."""
    rows = []
    for part in parts:
        cost = mean_interval(part.cost)
        rows.append(
            {
                "scenario": part.scenario,
                "policy": part.policy,
                "episodes": len(part.seeds),
                "cost": cost.value,
                "low": cost.low,
                "high": cost.high,
                **{term: float(part.term(term).mean()) for term in dict.fromkeys((*TERMS, *part.term_names))},
                "iqm": float(iqm(part.cost)),
                "calendar": None if np.isnan(part.calendar) else part.calendar,
                **dict(zip(FINDINGS, part.findings.mean(axis=0).tolist(), strict=True)),
            }
        )
    return rows


def write_csv(path: Path, parts: Sequence[Episodes]) -> None:
    """One line an episode; the same file for the same comparison."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = parts[0].term_names if parts else TERMS
    writer.writerow(("scenario", "policy", "seed", "cost", *names, *FINDINGS))
    for part in parts:
        cost = part.cost
        for i, seed in enumerate(part.seeds.tolist()):
            terms = [repr(value) for value in part.terms[i].tolist()]
            counts = part.findings[i].astype(int).tolist()
            writer.writerow((part.scenario, part.policy, seed, repr(float(cost[i])), *terms, *counts))
    write_text(path, text.getvalue())


def as_json(value: Any, indent: int | None = None) -> str:
    """JSON text; null stands where a number is not known.

    >>> as_json({"low": float("nan")})
    '{"low": null}'
    """
    return json.dumps(_known(value), indent=indent, allow_nan=False)


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _known(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_known(one) for one in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def to_json(rows: Sequence[Row], **about: Any) -> str:
    """The summary as JSON text."""
    return as_json({**about, "results": list(rows)}, indent=1)


def best_of(rows: Sequence[Row], scenario: str) -> set[str]:
    """The policies of lowest mean cost; more than one where they did the same."""
    here = [row for row in rows if row["scenario"] == scenario]
    least = min(row["cost"] for row in here)
    return {row["policy"] for row in here if row["cost"] == least}


def figure(value: float, like: float | None = None) -> str:
    """A number with as many decimals as a table needs: none from a hundred on.

    >>> figure(123.45), figure(12.345), figure(0.4, like=200.0)
    ('123', '12.3', '0')
    """
    return f"{value:.0f}" if abs(value if like is None else like) >= 99.95 else f"{value:.1f}"


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD, pad_edge=False)


def detail_table(rows: Sequence[Row]) -> Table:
    """Every policy in every scenario: cost, interval, cost by term, counts."""
    table = _table(
        "Cost of an episode: interval, terms, acts, and what as many retrainings at fixed dates cost"
    )
    table.add_column("policy", no_wrap=True)
    for name in ("cost", "95 %", *TERMS, "pushes", "retrains", "fixed dates"):
        table.add_column(name, justify="right", no_wrap=True)
    shown = None
    for row in rows:
        if row["scenario"] != shown:
            if shown is not None:
                table.add_section()
            shown = row["scenario"]
            table.add_row(f"[bold cyan]{escape(shown)}[/]")
        cells = [figure(row[name]) for name in ("cost", *TERMS, "interventions", "retrains")]
        cells.insert(1, f"{figure(row['low'], row['cost'])}–{figure(row['high'], row['cost'])}")
        cells.append("" if row["calendar"] is None else figure(row["calendar"]))
        best = row["policy"] in best_of(rows, row["scenario"])
        table.add_row(f"  {escape(row['policy'])}", *cells, style="bold green" if best else "")
    return table


def matrix_table(rows: Sequence[Row], policies: Sequence[str]) -> Table:
    """Scenarios down, policies across: mean cost and half the width of its interval."""
    table = _table("Mean cost of an episode ± half its 95 % interval; the lowest is bold")
    table.add_column("scenario", style="cyan", no_wrap=True)
    for policy in policies:
        table.add_column(escape(policy), justify="right", no_wrap=True)
    for scenario in dict.fromkeys(row["scenario"] for row in rows):
        best = best_of(rows, scenario)
        cells = []
        for policy in policies:
            row = next(r for r in rows if (r["scenario"], r["policy"]) == (scenario, policy))
            half = (row["high"] - row["low"]) / 2
            cell = f"{figure(row['cost'])} ±{figure(half, row['cost'])}"
            cells.append(f"[bold green]{cell}[/]" if policy in best else cell)
        table.add_row(escape(scenario), *cells)
    return table


def split(parts: Sequence[Episodes]) -> tuple[list[Episodes], dict[str, Episodes]]:
    """The policies' parts, and those of hindsight by scenario: it was searched on fewer worlds."""
    return (
        [part for part in parts if part.policy != REFERENCE],
        {part.scenario: part for part in parts if part.policy == REFERENCE},
    )


def is_rule(spec: str) -> bool:
    """Whether a policy is a rule, tuned or not, and not a learned one.

    >>> is_rule("cusum@mix:slack=1"), is_rule("ppo-mix")
    (True, False)
    """
    return name_of(spec) in ALL_RULES


def ranking(parts: Sequence[Episodes], dummy: str = "periodic", seed: int = 0) -> list[Row]:
    """Every policy over all scenarios together, cheapest first.

    Mean and interquartile mean with stratified bootstrap intervals; the mean difference to ``dummy`` (the
    first policy where it was not compared) on the same worlds and the probability of an episode cheaper
    than its; and, where ``hindsight`` was searched, the share of the gap from the best rule to it that is
    closed and the optimality gap (the cost above it), on the worlds of the search. What is missing is nan
    or None.
    """
    parts, searched = split(parts)
    names = list(dict.fromkeys(part.policy for part in parts))
    scenarios = list(dict.fromkeys(part.scenario for part in parts))
    costs = {name: [part.cost for part in parts if part.policy == name] for name in names}

    def on_searched(name: str) -> float:
        both = zip(costs[name], scenarios, strict=True)
        return float(np.mean([cost[: len(searched[s].seeds)].mean() for cost, s in both]))

    reference = float(np.mean([part.cost.mean() for part in searched.values()])) if searched else float("nan")
    rules = [on_searched(name) for name in names if is_rule(name)] if searched else []
    least = min(rules, default=float("nan"))
    dummy = dummy if dummy in names else names[0]
    rows: list[Row] = []
    for name in names:
        row: Row = {
            "policy": name,
            "cost": stratified_interval(costs[name], seed=seed),
            "iqm": stratified_interval(costs[name], iqm, seed),
            "difference": None,
            "better": float("nan"),
            "gap": gap_closed(on_searched(name), least, reference) if searched else float("nan"),
            "optimality gap": on_searched(name) - reference if searched else float("nan"),
            "calendar": _calendar(parts, name),
        }
        if name != dummy:
            pairs = zip(costs[name], costs[dummy], strict=True)
            row["difference"] = stratified_interval([mine - other for mine, other in pairs], seed=seed)
            row["better"] = probability_of_improvement(costs[name], costs[dummy])
        rows.append(row)
    return sorted(rows, key=lambda row: row["cost"].value)


def _calendar(parts: Sequence[Episodes], name: str) -> float:
    """Mean cost of calendars that retrain as often; where it never retrains, its own cost stands."""
    here = [part for part in parts if part.policy == name]
    return float(np.mean([part.cost.mean() if np.isnan(part.calendar) else part.calendar for part in here]))


def reference_table(parts: Sequence[Episodes]) -> Table:
    """Hindsight beside the best policy of each scenario, on the worlds it was searched on."""
    parts, searched = split(parts)
    table = _table("Against hindsight: a plan that has read the future, on the worlds it was searched for")
    table.add_column("scenario", style="cyan")
    for name in ("worlds", "hindsight", "best policy", "its cost", "above hindsight"):
        table.add_column(name, justify="left" if name == "best policy" else "right", no_wrap=True)
    for scenario, plan in searched.items():
        here = [part for part in parts if part.scenario == scenario]
        best = min(here, key=lambda part: part.cost[: len(plan.seeds)].mean())
        cost, least = best.cost[: len(plan.seeds)].mean(), plan.cost.mean()
        above = f"{100 * (cost / least - 1):.0f} %" if least > 0 else ""
        table.add_row(
            escape(scenario), str(len(plan.seeds)), figure(least), escape(best.policy), figure(cost), above
        )
    return table


def ranking_table(rows: Sequence[Row]) -> Table:
    """The ranking, readable."""
    dummy = next(row["policy"] for row in rows if row["difference"] is None)
    more = f"; difference to {dummy} on the same worlds" if len(rows) > 1 else ""
    table = _table(escape(f"All scenarios together [95 % interval]{more}"))
    table.add_column("policy", no_wrap=True)
    titles = (
        *("mean cost", "IQM", "fixed dates", f"less {escape(dummy)}", "P(better)"),
        *("of the gap to hindsight", "above hindsight"),
    )
    for name in titles:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        apart = row["difference"]
        table.add_row(
            escape(row["policy"]),
            str(row["cost"]),
            str(row["iqm"]),
            f"{row['calendar']:.1f}",
            str(apart) if apart else "",
            "" if row["better"] != row["better"] else f"{row['better']:.2f}",
            _share(row["gap"]),
            "" if row["optimality gap"] != row["optimality gap"] else f"{row['optimality gap']:.1f}",
        )
    return table


def _share(gap: float) -> str:
    """Share of the gap from the best rule to hindsight that is closed, for a table."""
    return "" if gap != gap else "none" if gap <= 0 else f"{100 * gap:.0f} %"


def habits_table(parts: Sequence[Episodes]) -> Table:
    """What each policy did right and wrong, over all scenarios: means an episode."""
    table = _table("What was right and wrong, told from the truth: means an episode, all scenarios together")
    table.add_column("policy", no_wrap=True)
    titles = (
        "retrains",
        "needless",
        "on old and new data",
        "cycles late",
        "changes missed",
        "pushes",
        "needless",
        "wrong way",
    )
    for name in titles:
        table.add_column(name, justify="right", no_wrap=True)
    parts, _ = split(parts)
    for name in dict.fromkeys(part.policy for part in parts):
        here = [part for part in parts if part.policy == name]
        total = {key: float(np.mean([part.finding(key).mean() for part in here])) for key in FINDINGS}
        answered = total["changes"] - total["missed"]
        delay = f"{total['delay'] / answered:.1f}" if answered > 1e-9 else "–"
        missed = f"{100 * total['missed'] / total['changes']:.0f} %" if total["changes"] else "–"
        counts = [f"{total[key]:.1f}" for key in ("retrains", "needless_retrains", "mixed_retrains")]
        pushes = [f"{total[key]:.1f}" for key in ("interventions", "needless_pushes", "wrong_way")]
        table.add_row(escape(name), *counts, delay, missed, *pushes)
    return table


def speed_tables(found: dict[str, Any]) -> list[Table]:
    """What ``springdrift bench speed`` measured."""
    race = _table("Env steps a second: median of the rounds; ratios to the first line of each group")
    for name in ("", "envs", "steps/s", "±", "ratio"):
        race.add_column(name, justify="right" if name else "left", no_wrap=True)
    group = ""
    for one in found["speeds"]:
        title = f"{one.section}, {one.envs} envs" if one.section == "side by side" else one.section
        if title != group:
            race.add_section()
            race.add_row(f"[bold cyan]{title}[/]")
        group = title
        rate = f"{one.per_second:,.0f}" if one.per_second else ""
        race.add_row(
            f"  {one.name}", f"{one.envs or ''}", rate, f"{100 * one.spread:.0f} %", f"{one.ratio:.2f}"
        )
    inside = _table("Inside an env step")
    for name in ("", "ns an env", "operations", "of the machine's limit"):
        inside.add_column(name, justify="right" if name else "left", no_wrap=True)
    limit = found["peak operations a second"]
    for phase in found["phases"]:
        share = 100 * phase.operations / phase.nanoseconds * 1e9 / limit if phase.operations else 0.0
        cells = (f"{phase.operations:,.0f}", f"{share:.0f} %") if phase.operations else ("", "")
        inside.add_row(phase.name, f"{phase.nanoseconds:.1f}", *cells)
    inside.add_row("[dim]the limit: float32 operations a second, measured[/]", "", f"{limit / 1e9:.0f} G/s")
    rest = _table("Set-up, memory, training")
    rest.add_column("")
    rest.add_column("", justify="right")
    for name, value in found["set-up"].items():
        rest.add_row(name, f"{value:,.0f}" if value >= 100 else f"{value:.2f}")
    for name, value in found["rendering"].items():
        rest.add_row(name, f"{value:.0f}")
    for name, value in found["training"].items():
        shown = f"{value:,.0f}" if value >= 1 else f"{100 * value:.1f} %"
        rest.add_row(f"SB3 PPO at 256 envs: {name}", shown)
    return [race, inside, rest]
