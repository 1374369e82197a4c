"""Plans of hindsight that are kept: found once, replayed by everyone.

A plan can be checked by playing it, so what ships is evidence and no claim: on the worlds of evaluation seed
0, at the default prices and latency. ``springdrift plan`` searches them anew.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift import ENV_ID, Costs
from springdrift_agents.evaluation.evaluate import results_of
from springdrift_agents.evaluation.rollout import Prices
from springdrift_agents.evaluation.seeds import world_seeds
from springdrift_agents.files import write_text
from springdrift_agents.planning.hindsight import Planner
from springdrift_agents.policies.base import Policy
from springdrift_agents.policies.registry import policy, policy_names

KEPT = Path(__file__).with_name("plans.json")
SEED = 0  # of the evaluation worlds that plans are kept for


@cache
def kept() -> dict[str, tuple[str, ...]]:
    """The plans that ship: for each scenario a text a world, a digit a cycle, as ``Action`` numbers them."""
    if not KEPT.exists():
        return {}
    found = json.loads(KEPT.read_text(encoding="utf-8"))
    if found["env"] != ENV_ID:
        raise ValueError(f"{KEPT} holds plans for {found['env']}, not for {ENV_ID}: search them anew")
    return {scenario: tuple(plans) for scenario, plans in found["plans"].items()}


def plan_of(scenario: Any, seed: int) -> NDArray[np.int64] | None:
    """The kept plan of a world, (cycles,), or None; plans are kept for built-in scenarios, by name."""
    plans = kept().get(scenario, ()) if isinstance(scenario, str) else ()
    place = seed - int(world_seeds("evaluation", SEED, 1)[0])
    return _numbers(plans[place]) if 0 <= place < len(plans) else None


def _numbers(text: str) -> NDArray[np.int64]:
    return np.array([int(digit) for digit in text], np.int64)


def reference(
    scenario: Any,
    seed: int,
    costs: Prices = None,
    policies: Sequence[Policy] = (),
    *,
    env: str = ENV_ID,
) -> NDArray[np.int64]:
    """What hindsight decides in a world, (cycles,); it loses to none of ``policies``.

    The kept plan where there is one for these prices and no policy beats it, else a search that begins with
    all of them.
    """
    known = env == ENV_ID and Costs.of(costs) == Costs()
    old = plan_of(scenario, seed) if known else None
    planner = Planner(scenario, seed, costs, env=env)
    rivals = [planner.plan_of(one) for one in policies]
    if old is None:
        return planner.search(start=rivals).decisions
    tried = planner.costs_of(np.array([old, *rivals]))
    return old if tried[0] <= tried.min() else planner.search(start=[old, *rivals]).decisions


def search(
    worlds: Mapping[str, int],
    rounds: int = 300,
    jobs: int = 1,
    done: Callable[[str], None] = lambda _: None,
) -> dict[str, list[str]]:
    """Plans for so many worlds of each scenario, none of which loses to any built-in policy.

    Args:
        worlds: how many of each scenario.
        rounds: the most rounds of each search.
        jobs: processes; the plans are the same whatever their number.
        done: hears the scenario of each plan as it is found.
    """
    work = [
        (_search, (scenario, int(seed), rounds))
        for scenario, count in worlds.items()
        for seed in world_seeds("evaluation", SEED, count)
    ]
    found: dict[str, list[str]] = {scenario: [] for scenario in worlds}
    for (_, (scenario, *_)), plan in zip(work, results_of(work, jobs), strict=True):
        found[scenario].append(plan)
        done(scenario)
    return found


def _search(scenario: str, seed: int, rounds: int) -> str:
    planner = Planner(scenario, seed)
    rivals = [planner.plan_of(policy(name)) for name in _rivals(scenario)]
    old = plan_of(scenario, seed)
    plan = planner.search(rounds, patience=60, start=rivals if old is None else [*rivals, old])
    return "".join(map(str, plan.decisions.tolist()))


def _rivals(scenario: str) -> Sequence[str]:
    tuned = [
        f"{rule}@{place}" for rule in ("threshold", "cusum", "page-hinkley") for place in {scenario, "mix"}
    ]
    return [*(name for name in policy_names() if name != "adwin"), *sorted(tuned)]


def keep(found: Mapping[str, Sequence[str]], path: Path = KEPT) -> None:
    """Write plans, beside those of other scenarios that are kept already."""
    plans = {**kept(), **found}
    write_text(path, json.dumps({"env": ENV_ID, "seed": SEED, "plans": plans}, indent=1) + "\n")
    kept.cache_clear()
