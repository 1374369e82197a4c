"""The answer of a comparison in a few sentences, each with how sure it is."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from springdrift_agents.evaluation.evaluate import Episodes
from springdrift_agents.evaluation.report import Row, best_of, split, summarise
from springdrift_agents.evaluation.statistics import Interval, stratified_interval


def verdict(parts: Sequence[Episodes], overall: Sequence[Row], plain: str = "never") -> list[str]:
    """Up to five sentences: who is cheapest, by how much, whether timing matters, what is paid for.

    Args:
        parts: all episodes of a comparison; every policy met the same worlds.
        overall: its ranking, as :func:`springdrift_agents.evaluation.report.ranking` gives it.
        plain: the policy that the cheapest is held against, if it was compared.
    """
    own, searched = split(parts)
    names = [row["policy"] for row in overall]
    costs = {name: [part.cost for part in own if part.policy == name] for name in names}
    best, worlds = names[0], sum(map(len, costs[names[0]]))
    scenarios = list(dict.fromkeys(part.scenario for part in own))
    where = scenarios[0] if len(scenarios) == 1 else f"{len(scenarios)} scenarios"
    which = "is the cheapest on" if len(names) > 1 else "was alone on"
    said = [f"{best} {which} {where}: {overall[0]['cost']} an episode ({worlds:,} worlds)."]
    for other in dict.fromkeys((plain, *names[1:2])):
        if other in names and other != best:
            said.append(_against(best, other, costs))
    calendar, mine = overall[0]["calendar"], overall[0]["cost"].value
    if calendar > 0 and abs(calendar - mine) > 1e-9:
        saved = 100 * (1 - mine / calendar)
        worth = f"saves {saved:.0f} %" if saved >= 0.5 else "saves nothing"
        said.append(f"Its timing {worth}: as many retrainings at fixed dates cost {calendar:.1f}.")
    if len(scenarios) > 1 and len(names) > 1:
        said.append(_elsewhere(best, own))
    if searched:
        above = overall[0]["optimality gap"]
        said.append(f"A plan that knew the future costs {above:.1f} less: that much is left to win.")
    said.append(_terms(best, own))
    return [sentence for sentence in said if sentence][:5]


def _against(best: str, other: str, costs: Mapping[str, Sequence[NDArray[np.float64]]]) -> str:
    """How much less the best costs than another, in percent of the other's cost."""
    pairs = zip(costs[other], costs[best], strict=True)
    base = float(np.mean(np.concatenate(list(costs[other]))))
    if base <= 0:
        return ""
    apart = Interval(*(100 * value / base for value in stratified_interval([o - b for o, b in pairs])))
    if apart.low != apart.low:
        return f"It costs {apart.value:.0f} % less than {other}; one world says nothing of how sure that is."
    shown = f"[{apart.low:.0f}, {apart.high:.0f}]"
    if apart.low <= 0:
        return f"{other} cannot be told apart from it: {apart.value:.1f} % dearer, 95 % interval {shown}."
    return f"It costs {apart.value:.0f} % less than {other}, 95 % interval {shown}."


def _terms(best: str, own: Sequence[Episodes]) -> str:
    """What the best policy pays for."""
    mine = [part for part in own if part.policy == best]
    means = {term: np.mean([part.term(term).mean() for part in mine]) for term in mine[0].term_names}
    return f"It pays {', '.join(f'{value:.1f} {term}' for term, value in means.items())}."


def _elsewhere(best: str, own: Sequence[Episodes]) -> str:
    """The scenarios in which another policy is cheaper on average."""
    rows = summarise(own)
    firsts = {row["scenario"]: best_of(rows, row["scenario"]) for row in rows}
    others = [f"{sorted(first)[0]} on {name}" for name, first in firsts.items() if best not in first]
    if not others:
        return "It is the cheapest on each of them."
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    return f"It is not the cheapest everywhere: {', '.join(others[:3])}{more}."


def price_line(costs: Mapping[str, float], latency: int) -> str:
    """What a comparison was made at.

    >>> price_line({"forecast": 0.3, "retrain": 3.0, "forecast_cap": 2.0}, 3)
    'Prices: forecast 0.3, retrain 3 (forecast_cap 2); a new model is live after 3 cycles.'
    """
    own = ", ".join(f"{name} {value:g}" for name, value in costs.items() if not name.endswith("_cap"))
    caps = ", ".join(f"{name} {value:g}" for name, value in costs.items() if name.endswith("_cap"))
    return f"Prices: {own}{f' ({caps})' if caps else ''}; a new model is live after {latency} cycles."
