"""What others decided and paid in the worlds that the page ranks games in: played here, shipped as data."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from springdrift import ENV_ID, OPS_ID, SERIES_ID, SERIES_OPS_ID
from springdrift.registry import world_spec
from springdrift.series.recording import Recording
from springdrift_agents.evaluation.evaluate import REFERENCE
from springdrift_agents.evaluation.rollout import begun, rollout
from springdrift_agents.evaluation.seeds import world_seeds
from springdrift_agents.files import write_text
from springdrift_agents.planning import plans
from springdrift_agents.planning.hindsight import Planner
from springdrift_agents.play.web.link import text_of
from springdrift_agents.policies.base import Policy, observe_of
from springdrift_agents.policies.registry import policy

KEPT = Path(__file__).with_name("references.json")
RULE = "threshold@mix"
POLICIES = {  # in each kind of world; the second is the rule to beat, and the last is a learned policy
    ENV_ID: ("never", RULE, "generalist"),
    OPS_ID: ("never", RULE, "operations@mix-ops", "ppo-ops"),
    SERIES_ID: ("never", RULE, "generalist-series"),
    SERIES_OPS_ID: ("never", "champion", "distilled-ops-series"),
}
AFTERWARDS = {
    ENV_ID: REFERENCE,
    OPS_ID: REFERENCE,
    SERIES_ID: "optimum",
}  # the name of that plan, where there is one
WORLDS = 20  # of each scenario: those of evaluation seed 0, whose seeds are 0, 1, 2 and so on
ROUNDS, FEW = 30, 8  # of a search where no plan is kept, and from one kept for fewer decisions

Plans = list[NDArray[np.int64]]
Games = dict[str, dict[str, dict[str, list[dict[str, str | float]]]]]


@cache
def kept() -> Games:
    """The games that ship: env, then scenario, then policy, then a plan and its cost for each world."""
    found: Games = json.loads(KEPT.read_text(encoding="utf-8"))
    return found


def scenarios_of(env: str) -> list[str]:
    """The scenarios of a kind of world that the page can play: all but recordings."""
    known = world_spec(env).scenarios
    return [name for name in known if not isinstance(known[name], Recording)]


def compute(envs: Sequence[str] = tuple(POLICIES)) -> Games:
    """Play every reference policy, and plans made afterwards, in the worlds of every scenario."""
    return {env: {scenario: _games(env, scenario) for scenario in scenarios_of(env)} for env in envs}


def _games(env: str, scenario: str) -> dict[str, list[dict[str, str | float]]]:
    seeds, actions = world_seeds("evaluation", plans.SEED, WORLDS), world_spec(env).actions
    decided = {name: decisions_of(policy(name, env=env), scenario, seeds, env) for name in POLICIES[env]}
    if env in AFTERWARDS:
        decided[AFTERWARDS[env]] = [
            _afterwards(env, scenario, int(seed), [games[place] for games in decided.values()])
            for place, seed in enumerate(seeds)
        ]
    return {
        name: [
            {"plan": text_of(plan.tolist(), actions), "cost": cost_of(scenario, int(seed), plan, env)}
            for seed, plan in zip(seeds, games, strict=True)
        ]
        for name, games in decided.items()
    }


def _afterwards(env: str, scenario: str, seed: int, known: Plans) -> NDArray[np.int64]:
    """A plan that knew the future: exact on series, kept or searched for on the incline."""
    if env == SERIES_ID:
        return plans.reference(scenario, seed, env=env)
    plan = plans.plan_of(scenario, seed)
    if plan is not None and env == ENV_ID:
        return plan
    rounds, start = (ROUNDS, known) if plan is None else (FEW, [*known, plan])
    return Planner(scenario, seed, env=env).search(rounds=rounds, start=start).decisions


def keep(path: Path = KEPT) -> None:
    """Compute the games anew and write them."""
    write_text(path, json.dumps(compute(), indent=0) + "\n")
    kept.cache_clear()


def decisions_of(chosen: Policy, scenario: str, seeds: NDArray[np.uint64], env: str = ENV_ID) -> Plans:
    """What a policy decides in each world, up to its deadline."""
    played = rollout(chosen, begun(seeds, scenario, env=env, observe=observe_of(chosen)))
    cycles = [(cycle.actions.copy(), cycle.live.copy()) for cycle in played]
    made, live = (np.array(column).T for column in zip(*cycles, strict=True))
    return [plan[: lived.sum()] for plan, lived in zip(made, live, strict=True)]


def cost_of(scenario: str, seed: int, decisions: NDArray[np.int64], env: str = ENV_ID) -> float:
    """What the decisions cost: minus the rewards, added up cycle by cycle."""
    world, cost = begun(np.array([seed], np.uint64), scenario, env=env), 0.0
    for action in decisions:
        world.advance(np.array([action], np.int64))
        cost -= float(world.out.reward[0])
    return cost
