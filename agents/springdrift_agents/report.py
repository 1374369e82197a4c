"""What a comparison found: summary rows, CSV, JSON and tables for the terminal."""

import csv
import io
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from springdrift import TERMS
from springdrift_agents.evaluate import Episodes
from springdrift_agents.statistics import mean_interval

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
                **{term: float(part.terms[:, column].mean()) for column, term in enumerate(TERMS)},
                "interventions": float(part.interventions.mean()),
                "retrains": float(part.retrains.mean()),
            }
        )
    return rows


def write_text(path: Path, text: str) -> None:
    """Write a whole file or nothing: a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def write_csv(path: Path, parts: Sequence[Episodes]) -> None:
    """One line an episode; the same file for the same comparison."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("scenario", "policy", "seed", "cycles", "cost", *TERMS, "interventions", "retrains"))
    for part in parts:
        cost = part.cost
        for i, seed in enumerate(part.seeds.tolist()):
            terms = [repr(value) for value in part.terms[i].tolist()]
            counts = (int(part.interventions[i]), int(part.retrains[i]))
            writer.writerow(
                (part.scenario, part.policy, seed, int(part.cycles[i]), repr(float(cost[i])), *terms, *counts)
            )
    write_text(path, text.getvalue())


def to_json(rows: Sequence[Row], **about: Any) -> str:
    """The summary as JSON text."""
    return json.dumps({**about, "results": list(rows)}, indent=1)


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
    table = _table("Cost of an episode with its 95 % interval, its terms, and how often the policy acted")
    table.add_column("policy", no_wrap=True)
    for name in ("cost", "95 %", *TERMS, "pushes", "retrains"):
        table.add_column(name, justify="right", no_wrap=True)
    shown = None
    for row in rows:
        if row["scenario"] != shown:
            if shown is not None:
                table.add_section()
            shown = row["scenario"]
            table.add_row(f"[bold cyan]{shown}[/]")
        cells = [figure(row[name]) for name in ("cost", *TERMS, "interventions", "retrains")]
        cells.insert(1, f"{figure(row['low'], row['cost'])}–{figure(row['high'], row['cost'])}")
        best = row["policy"] in best_of(rows, row["scenario"])
        table.add_row(f"  {row['policy']}", *cells, style="bold green" if best else "")
    return table


def matrix_table(rows: Sequence[Row]) -> Table:
    """Scenarios down, policies across: mean cost and half the width of its interval."""
    policies = list(dict.fromkeys(row["policy"] for row in rows))
    table = _table("Mean cost of an episode ± half its 95 % interval; the lowest is bold")
    table.add_column("scenario", style="cyan", no_wrap=True)
    for policy in policies:
        table.add_column(policy, justify="right", overflow="fold")
    for scenario in dict.fromkeys(row["scenario"] for row in rows):
        best = best_of(rows, scenario)
        cells = []
        for policy in policies:
            row = next(r for r in rows if (r["scenario"], r["policy"]) == (scenario, policy))
            half = (row["high"] - row["low"]) / 2
            cell = f"{figure(row['cost'])} ±{figure(half, row['cost'])}"
            cells.append(f"[bold green]{cell}[/]" if policy in best else cell)
        table.add_row(scenario, *cells)
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
