"""Is the game worth playing? Fixed strategies side by side, and what is certain about their order.

Every strategy meets the same worlds, so a claim rests on differences world by world and the 95 % interval
of their mean, which the worlds' own spread does not widen.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift import SCENARIOS
from springdrift_agents.evaluation.evaluate import compare
from springdrift_agents.evaluation.report import Row, summarise
from springdrift_agents.evaluation.statistics import Interval, mean_interval
from springdrift_agents.policies.registry import policy

STRATEGIES = (
    "never",
    "always",
    "swing",
    "periodic:every=20",
    "periodic:every=40",
    "retrain",
    "threshold",
    "threshold:error=0.5:cooldown=8",
)
BOTH = STRATEGIES[-2:]
QUIET = ("stationary", "shock", "faulty-sensor")
STALE = ("gradual", "abrupt", "recurring", "compound")
TOGETHER = ("abrupt", "recurring", "compound", "mix")
TIE = 0.01  # of the cost: a strategy that is cheaper by no more than this has not won
BADLY = 1.5  # times the cost of the best
Costs = Mapping[tuple[str, str], NDArray[np.float64]]  # (scenario, strategy): cost of each world
Part = tuple[str, bool]  # figures, and whether they bear out their part of a claim


class Verdict(NamedTuple):
    """A claim about the game, whether it holds, and the figures behind it."""

    claim: str
    holds: bool
    figures: str


def separation(
    episodes: int, seed: int = 0, done: Callable[[], None] = lambda: None
) -> tuple[list[Row], list[Verdict]]:
    """Fixed strategies on every scenario, and whether each wins somewhere and loses elsewhere.

    Args:
        episodes: worlds of each scenario.
        seed: which worlds.
        done: is called as each strategy has been through a scenario.
    """
    strategies = {spec: policy(spec) for spec in STRATEGIES}
    parts = compare(strategies, list(SCENARIOS), episodes, seed, done=lambda _: done())
    return summarise(parts), judge({(part.scenario, part.policy): part.cost for part in parts})


def judge(costs: Costs) -> list[Verdict]:
    """What the costs say of each claim; every strategy has the same worlds in a scenario.

    A claim of several parts holds when each of them does, so no part needs a stricter interval.
    """
    scenarios = tuple(dict.fromkeys(scenario for scenario, _ in costs))

    def best(scenario: str, among: tuple[str, ...] = STRATEGIES) -> str:
        return min(among, key=lambda spec: float(costs[scenario, spec].mean()))

    def beyond(scenario: str, spec: str, other: str, times: float = 1.0) -> Interval:
        """How much a strategy costs beyond so many times what another does."""
        return mean_interval(costs[scenario, spec] - times * costs[scenario, other])

    def dearer(scenario: str, spec: str, times: float = 1.0, among: tuple[str, ...] = STRATEGIES) -> Part:
        rival = best(scenario, among)
        gap = beyond(scenario, spec, rival, times)
        left = "" if times == 1.0 else f"{times:g} × "
        return f"{scenario} {gap} beyond {left}{rival}", gap.low > 0.0

    def wins(scenario: str, spec: str) -> Part:
        tie = TIE * float(costs[scenario, spec].mean())
        gaps = {rival: beyond(scenario, rival, spec) for rival in STRATEGIES if rival != spec}
        nearest = min(gaps, key=lambda rival: gaps[rival].low)
        return f"{scenario}: {nearest} costs {gaps[nearest]} more", gaps[nearest].low >= -tie

    def fails(scenario: str, spec: str) -> bool:
        far = costs[scenario, spec].mean() > BADLY * costs[scenario, best(scenario)].mean()
        return bool(far) and dearer(scenario, spec, BADLY)[1]

    beaten = {spec: [scenario for scenario in scenarios if fails(scenario, spec)] for spec in STRATEGIES}
    return [
        _verdict(
            "always acting costs at least half as much again as the best, everywhere",
            [dearer(scenario, "always", BADLY) for scenario in scenarios],
        ),
        _verdict(
            "never acting is right where nothing should be done: no other is cheaper",
            [wins(scenario, "never") for scenario in QUIET],
        ),
        _verdict(
            "never acting costs more than twice the best where the model goes stale",
            [dearer(scenario, "never", 2.0) for scenario in STALE],
        ),
        _verdict(
            "intervening alone wins where retraining cannot help: no other is cheaper",
            [wins("wear", "swing")],
        ),
        _verdict(
            "intervening alone costs at least a fifth more than the best where the model goes stale",
            [dearer(scenario, "swing", 1.2) for scenario in STALE],
        ),
        _verdict(
            "retraining alone loses to both together",
            [dearer(scenario, "retrain", among=BOTH) for scenario in TOGETHER],
        ),
        _verdict(
            "no one fixed setting is good everywhere: each costs at least half as much again as the best, "
            "on two scenarios or more",
            [
                (f"{spec} on {len(where)}: {', '.join(where)}", len(where) >= 2)
                for spec, where in beaten.items()
            ],
        ),
    ]


def _verdict(claim: str, parts: list[Part]) -> Verdict:
    """A claim holds when all its parts do; what contradicts it is shown alone."""
    wrong = [text for text, fine in parts if not fine]
    return Verdict(claim, not wrong, "; ".join(wrong or [text for text, _ in parts]))
