"""What others decided and paid in the worlds that the page ranks games in: played here, shipped as data."""

import json
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from springdrift import SCENARIOS, World
from springdrift_agents.evaluation.evaluate import REFERENCE
from springdrift_agents.evaluation.rollout import begun, rollout
from springdrift_agents.evaluation.seeds import world_seeds
from springdrift_agents.files import write_text
from springdrift_agents.planning import plans
from springdrift_agents.play.web.link import text_of
from springdrift_agents.policies.base import Policy, observe_of
from springdrift_agents.policies.registry import policy

KEPT = Path(__file__).with_name("references.json")
POLICIES = ("never", "threshold@mix", "ppo-mix")  # and hindsight
WORLDS = 20  # of each scenario: those of evaluation seed 0, whose seeds are 0, 1, 2 and so on

Games = dict[str, dict[str, list[dict[str, str | float]]]]


@cache
def kept() -> Games:
    """The games that ship: scenario, then policy, then a plan and its cost for each world."""
    found: Games = json.loads(KEPT.read_text(encoding="utf-8"))
    return found


def compute() -> Games:
    """Play every reference policy, and hindsight's kept plans, in the worlds of every scenario."""
    seeds = world_seeds("evaluation", plans.SEED, WORLDS)
    found: Games = {}
    for scenario in SCENARIOS:
        decided = {name: decisions_of(policy(name), scenario, seeds) for name in POLICIES}
        searched = [plans.plan_of(scenario, int(seed)) for seed in seeds]
        decided[REFERENCE] = [plan for plan in searched if plan is not None]
        found[scenario] = {
            name: [
                {"plan": text_of(plan.tolist(), World.actions), "cost": cost_of(scenario, int(seed), plan)}
                for seed, plan in zip(seeds, games, strict=True)
            ]
            for name, games in decided.items()
        }
    return found


def keep(path: Path = KEPT) -> None:
    """Compute the games anew and write them."""
    write_text(path, json.dumps(compute(), indent=0) + "\n")
    kept.cache_clear()


def decisions_of(chosen: Policy, scenario: str, seeds: NDArray[np.uint64]) -> list[NDArray[np.int64]]:
    """What a policy decides in each world, up to its deadline."""
    played = rollout(chosen, begun(seeds, scenario, observe=observe_of(chosen)))
    cycles = [(cycle.actions.copy(), cycle.live.copy()) for cycle in played]
    made, live = (np.array(column).T for column in zip(*cycles, strict=True))
    return [plan[: lived.sum()] for plan, lived in zip(made, live, strict=True)]


def cost_of(scenario: str, seed: int, decisions: NDArray[np.int64]) -> float:
    """What the decisions cost: minus the rewards, added up cycle by cycle."""
    world, cost = begun(np.array([seed], np.uint64), scenario), 0.0
    for action in decisions:
        world.advance(np.array([action], np.int64))
        cost -= float(world.out.reward[0])
    return cost
