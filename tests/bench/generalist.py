"""Does a learned policy earn its keep? Beside the best tuned rule of every scenario, on the same worlds."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift import SCENARIOS, Scenario
from springdrift_agents.evaluation.evaluate import Script, cheapest, evaluate, side_by_side, world_seeds
from springdrift_agents.evaluation.statistics import Interval, gap_interval, mean_interval
from springdrift_agents.planning import plans
from springdrift_agents.policies.base import Policy
from springdrift_agents.policies.registry import policy
from springdrift_agents.policies.settings import settings
from springdrift_agents.training.practice import HELD_OUT

CHEAPER = ("mix", "gradual", "abrupt", "recurring", "compound")  # where it should cost less than any rule
NO_WORSE = ("stationary", "wear", "shock", "faulty-sensor")  # where it should cost at most 2 % more
CHOOSING = 512  # validation worlds on which the best rule is chosen
GAP = {"mix": 0.3, "compound": 0.3}  # share of the gap to hindsight that it should close


class Standing(NamedTuple):
    """A policy in a scenario, beside the rule that costs least there."""

    policy: str
    scenario: str
    cost: Interval
    rule: str  # the best of all rules, those tuned for this very scenario among them
    rule_cost: float
    saved: Interval  # what the rule costs more, on the same worlds
    gap: Interval | None  # share of the gap from the rule to hindsight that is closed; nan: no clear gap
    searched: int  # worlds of that gap

    @property
    def worse(self) -> float:
        """How much more than the rule it costs, as a share of the rule's cost."""
        return -self.saved.value / self.rule_cost


def rules_for(scenario: str) -> list[str]:
    """The rules in the race: as they are, tuned for all scenarios, and tuned for this one."""
    places = [place for place in dict.fromkeys(("mix", scenario)) if place in settings()]
    return ["never", *(f"{rule}@{place}" for place in places for rule in settings()[place])]


def best_rule(scenario: str | Scenario, near: str, episodes: int = CHOOSING) -> str:
    """The rule that costs least, chosen on validation worlds, so that it is judged on others.

    Args:
        scenario: the worlds.
        near: the built-in scenario whose tuned rules suit them.
        episodes: how many of them.
    """
    return cheapest(rules_for(near), scenario, world_seeds("validation", 0, episodes))[0]


def standings(
    policies: Mapping[str, Policy],
    scenarios: Sequence[str] = tuple(SCENARIOS),
    episodes: int = 1000,
    seed: int = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Standing]:
    """Every policy in every scenario, on evaluation worlds; scenarios may be held-out ones."""
    worlds = {**SCENARIOS, **HELD_OUT}
    seeds = world_seeds("evaluation", seed, episodes)
    found = []
    for name in scenarios:
        tell(name)
        rule = best_rule(worlds[name], _near(name))
        rule_costs = evaluate(policy(rule), worlds[name], seeds).cost
        least = hindsight_costs(worlds[name], seeds)
        for title, one in policies.items():
            mine = evaluate(one, worlds[name], seeds).cost
            count = len(least)
            found.append(
                Standing(
                    title,
                    name,
                    mean_interval(mine),
                    rule,
                    float(rule_costs.mean()),
                    mean_interval(rule_costs - mine),
                    gap_interval(mine[:count], rule_costs[:count], least) if count > 1 else None,
                    count,
                )
            )
    return found


def _near(name: str) -> str:
    """The built-in scenario whose tuned rules suit a held-out one."""
    return name if name in SCENARIOS else name.rpartition("-")[0]


def hindsight_costs(scenario: str | Scenario, seeds: NDArray[np.uint64]) -> NDArray[np.float64]:
    """What kept plans cost in the first of these worlds, for as many as there are.

    Plans are kept for the built-in scenarios; another scenario of the same name has none.
    """
    name = scenario if isinstance(scenario, str) else scenario.name
    if not isinstance(scenario, str) and scenario is not SCENARIOS.get(name):
        return np.empty(0)
    known = [plans.plan_of(name, int(seed)) for seed in seeds]
    there = [plan for plan in known if plan is not None]
    if not there:
        return np.empty(0)
    return evaluate(Script(side_by_side(there)), scenario, seeds[: len(there)]).cost


def gap_told(gap: Interval) -> str:
    """A share of a gap in words, with its interval."""
    value, low, high = (100 * number for number in gap)
    return f"{value:.0f} % [{low:.0f}, {high:.0f}]" if value == value else "no clear gap"


def verdicts(found: Sequence[Standing]) -> list[tuple[str, bool, str]]:
    """What a generalist should be, whether each policy is, and the figure."""
    said = []
    for one in found:
        if one.scenario in CHEAPER:
            claim = f"{one.policy} costs less than {one.rule} on {one.scenario}"
            said.append((claim, one.saved.low > 0, f"less {one.saved}, of {one.rule_cost:.1f}"))
        if one.scenario in NO_WORSE:
            claim = f"{one.policy} costs at most 2 % more than {one.rule} on {one.scenario}"
            said.append((claim, one.worse <= 0.02, f"{100 * one.worse:+.1f} %"))
        if one.scenario in GAP and one.gap:
            share = GAP[one.scenario]
            claim = (
                f"{one.policy} closes {100 * share:.0f} % of the gap on {one.scenario}, and surely some of it"
            )
            holds = one.gap.value >= share and one.gap.low > 0.0
            said.append((claim, holds, f"{gap_told(one.gap)}, {one.searched} worlds"))
    return said
