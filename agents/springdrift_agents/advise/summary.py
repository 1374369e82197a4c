"""An advice as plain data for ``--json``, and as a few lines for a terminal."""

from typing import Any

import numpy as np

from springdrift_agents.advise.advice import Advice, rates, square_root
from springdrift_agents.advise.words import LABELS, caveats, describe, sentences
from springdrift_agents.evaluation.statistics import Interval


def _interval(interval: Interval | None) -> dict[str, float | None] | None:
    if interval is None:
        return None
    return {key: float(v) if np.isfinite(v) else None for key, v in interval._asdict().items()}


def _label(advice: Advice, name: str) -> str:
    if name in ("optimum", "both"):
        return LABELS[name][0].upper() + LABELS[name][1:]
    return describe(advice, name)


def rows(advice: Advice) -> list[dict[str, Any]]:
    """A row for each strategy, the optimum and the dummy: cost a year, what it saves, how often it acts."""
    judged = advice.judged
    found = []
    for name in (*judged.candidates, "optimum"):
        terms = judged.costs(name).mean(axis=0) * advice.cycles.per_year
        retrainings, interventions = rates(advice, name)
        found.append(
            {
                "strategy": name,
                "label": _label(advice, name),
                "cost_a_year": float(terms.sum()),
                "errors": float(terms[0]),
                "interventions": float(terms[1]),
                "retrainings": float(terms[2]),
                "saving": _interval(advice.saving(name)),
                "retrainings_a_year": retrainings,
                "interventions_a_year": interventions,
            }
        )
    if advice.judged.recommended != "never":
        costs = [judged.total(runs).sum(axis=1).mean() for runs in judged.dummies]
        found.append(
            {
                "strategy": "dummy",
                "label": LABELS["dummy"].capitalize(),
                "cost_a_year": float(np.mean(costs) * advice.cycles.per_year),
            }
        )
    return found


def as_data(advice: Advice) -> dict[str, Any]:
    """Everything as plain data: what ``--json`` writes."""
    judged, season, sense = advice.judged, advice.season, advice.sensitivity
    first, last = advice.cycles.times[[0, -1]].astype("datetime64[s]").astype(str)
    aging = advice.aging
    return {
        "advice": sentences(advice),
        "recommended": judged.recommended,
        "prices": None if advice.prices is None else vars(advice.prices),
        "currency": advice.currency,
        "series": {
            "name": advice.recording.name,
            "from": first,
            "to": last,
            "measurements": len(advice.recording),
            "step": str(advice.recording.step),
            "cycles": len(advice.cycles.values),
            "cycle": advice.length(1),
            "measurements_a_cycle": advice.period,
            "cycles_of_the_longer_season": advice.cycles.long_period,
            "season": None if season is None else season._asdict(),
        },
        "problems": [str(one) for one in advice.findings],
        "latency": advice.latency,
        "label_delay": advice.delay,
        "window": judged.window,
        "windows": {str(w): {"chosen": a, "judged": b} for w, (a, b) in judged.windows.items()},
        "baseline": judged.baseline,
        "usual_error": judged.normal.usual,
        "strategies": rows(advice),
        "best_calendar": _interval(judged.calendar),
        "square_root_calendar": _interval(square_root(advice)),
        "staleness": {
            "age": aging.age.tolist(),
            "error": aging.error.tolist(),
            "low": aging.low.tolist(),
            "high": aging.high.tolist(),
            "slope": _interval(aging.slope),
        },
        "sensitivity": None if sense is None else sense._asdict(),
        "by_ratio": [one._asdict() for one in advice.ratios],
        "alarms": {
            name: [
                {
                    "time": str(advice.cycles.times[one.cycle].astype("datetime64[s]")),
                    "reason": one.reason,
                    "paid": one.gain > 0,
                    "gain": one.gain,
                }
                for one in found
            ]
            for name, found in advice.alarms.items()
        },
        "policy": advice.policy,
        "caveats": caveats(advice),
    }


def as_text(advice: Advice) -> str:
    """A few lines for a terminal."""
    lines = [*sentences(advice), ""]
    if advice.prices is not None:
        table = rows(advice)
        width = max(len(row["label"]) for row in table)
        lines.append(f"{'strategy':{width}}  {'a year':>12}  saved against never, 95 %")
        for row in table:
            saving = row.get("saving")
            said = ""
            if saving and row["strategy"] != "never":
                parts = [advice.money(v if v is not None else float("inf")) for v in saving.values()]
                said = f"{parts[0]} [{parts[1]}, {parts[2]}]"
            lines.append(f"{row['label']:{width}}  {advice.money(row['cost_a_year']):>12}  {said}".rstrip())
        lines.append("")
    if advice.findings:
        lines += ["Found in the data:", *(f"  {one}" for one in advice.findings), ""]
    return "\n".join(lines).rstrip() + "\n"
