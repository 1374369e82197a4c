"""Plans of hindsight that are kept: found once, replayed by everyone.

A plan can be checked by playing it, so what ships is evidence and no claim: on the worlds of evaluation seed
0, at the default prices and latency. ``springdrift plan`` searches them anew.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift import ENV_ID, THREE_ACTIONS, Costs
from springdrift.game.arguments import MOST
from springdrift.registry import world_spec
from springdrift.series import MOST_OPS_CYCLES, SeriesWorld, optimum
from springdrift_agents.evaluation.evaluate import results_of
from springdrift_agents.evaluation.rollout import Prices, begun
from springdrift_agents.evaluation.seeds import world_seeds
from springdrift_agents.files import read_json, write_text
from springdrift_agents.planning.hindsight import Planner
from springdrift_agents.policies.base import Policy
from springdrift_agents.policies.registry import policy, policy_names

KEPT = Path(__file__).with_name("plans.json")
SEED = 0  # of the evaluation worlds that plans are kept for
PLAN = re.compile(rf"[0-{THREE_ACTIONS.n - 1}]+")


@cache
def kept() -> dict[str, tuple[str, ...]]:
    """The plans that ship, as :func:`read` gives them; none where there is no file."""
    return read(KEPT) if KEPT.exists() else {}


def read(path: Path) -> dict[str, tuple[str, ...]]:
    """The plans in a file, which may be from anyone.

    For each scenario a text a world, a digit a cycle, as ``Action`` numbers them.

    Raises:
        ValueError: a file that :func:`keep` did not write, or for another env; says where it is wrong.
        FileNotFoundError: there is none.
    """
    found = read_json(path)
    if not isinstance(found, dict) or not isinstance(found.get("plans"), dict):
        raise ValueError(f"{path} holds no plans: an object with env, seed and plans is needed")
    for key, wanted in (("env", ENV_ID), ("seed", SEED)):
        given = found.get(key)
        if type(given) is not type(wanted) or given != wanted:
            raise ValueError(
                f"{path} holds plans for {key}={str(given)[:60]!r}, not for {wanted!r}: search them anew"
            )
    for scenario, plans in found["plans"].items():
        name = scenario[:60]
        if not isinstance(plans, list):
            raise ValueError(f"{path}: the plans for {name!r} must be a list, got {type(plans).__name__}")
        for place, text in enumerate(plans):
            if not isinstance(text, str) or len(text) > MOST or not PLAN.fullmatch(text):
                raise ValueError(
                    f"{path}: plan {place} for {name!r} must be text of one to {MOST:,} digits from 0 to "
                    f"{THREE_ACTIONS.n - 1}, got {str(text)[:20]!r}"
                )
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

    The exact optimum on a series, where nothing that is decided moves the world; with five decisions only
    of episodes up to ``MOST_OPS_CYCLES``. Elsewhere the kept plan where there is one for these prices and
    no policy beats it, else a search that begins with all of them.
    """
    best = _optimum(scenario, seed, costs, env)
    if best is not None:
        return best
    known = env == ENV_ID and Costs.of(costs) == Costs()
    old = plan_of(scenario, seed) if known else None
    planner = Planner(scenario, seed, costs, env=env)
    rivals = [planner.plan_of(one) for one in policies]
    if old is None:
        return planner.search(start=rivals).decisions
    tried = planner.costs_of(np.array([old, *rivals]))
    return old if tried[0] <= tried.min() else planner.search(start=[old, *rivals]).decisions


def _optimum(scenario: Any, seed: int, costs: Prices, env: str) -> NDArray[np.int64] | None:
    """The best decisions there are, (cycles,), or None where only a search can say."""
    if not issubclass(world_spec(env).world, SeriesWorld):
        return None
    world = begun(np.array([seed], np.uint64), scenario, env=env, costs=costs)
    assert isinstance(world, SeriesWorld)
    problem = world.problem()
    if world.keeps and problem.cycles > MOST_OPS_CYCLES:
        return None
    return optimum(problem).actions


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
        f"{rule}@{place}"
        for rule in ("threshold", "cusum", "page-hinkley", "expert")
        for place in {scenario, "mix"}
    ]
    return [*(name for name in policy_names() if name != "adwin"), *sorted(tuned)]


def keep(found: Mapping[str, Sequence[str]], path: Path = KEPT) -> None:
    """Write plans, beside those of other scenarios that ship or that the file holds already.

    Raises:
        ValueError: there is a file, and it holds no plans; it is left as it is.
        OSError: it cannot be written.
    """
    plans = {**kept(), **(read(path) if path.is_file() else {}), **found}
    write_text(path, json.dumps({"env": ENV_ID, "seed": SEED, "plans": plans}, indent=1) + "\n")
    kept.cache_clear()
