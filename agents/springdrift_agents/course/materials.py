"""What lessons hand to their students: four worlds to tell apart, and four policies to believe or not."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift import OBS, Action, InclinedMassVectorEnv, World
from springdrift_agents.evaluation.evaluate import world_seeds
from springdrift_agents.policies.base import Memory, Policy
from springdrift_agents.policies.registry import policy
from springdrift_agents.policies.rules import cycles_of, error_of, sense

Floats = NDArray[np.float64]
STRANGERS = {"A": ("wear", 0), "B": ("abrupt", 1), "C": ("faulty-sensor", 3), "D": ("gradual", 3)}


def strangers() -> dict[str, tuple[Floats, Floats]]:
    """Four worlds left alone: forecast error and swing as an operator sees them, (200,) each."""
    found = {}
    for letter, (name, seed) in STRANGERS.items():
        world = World(1, name)
        world.seed(np.zeros(1, np.int64), np.array([seed], np.uint64))
        world.begin(np.ones(1, np.bool_))
        seen, over = [], 0
        while not over:
            over = world.advance(np.zeros(1, np.int64))
            seen.append(world.out.obs[0].copy())
        gauges = np.array(seen, np.float64)
        found[letter] = (error_of(gauges[:, OBS.index("error")]), 1.0 + gauges[:, OBS.index("swing")])
    return found


class Suspect(NamedTuple):
    """A policy for ``abrupt`` that somebody is proud of, and what was said with it.

    It was reported with ``observe="truth"``.
    """

    policy: Policy
    trained_on: NDArray[np.uint64]  # worlds that were used to make it
    reported_on: NDArray[np.uint64]  # worlds of the report


def suspects() -> dict[str, Suspect]:
    """Four policies and their reports: which of them would you believe?

    >>> list(suspects())
    ['A', 'B', 'C', 'D']
    """
    published, tuning = world_seeds("evaluation", 0, 64), world_seeds("tuning", 0, 128)
    mixed = np.random.default_rng(7).permutation(np.concatenate((tuning, published)))
    return {
        "A": Suspect(_PolicyA(published), mixed, published),
        "B": Suspect(_PolicyB(), tuning, published),
        "C": Suspect(policy("page-hinkley"), tuning, published),
        "D": Suspect(policy("threshold"), tuning, world_seeds("evaluation", 195, 10)),
    }


class _PolicyB:
    """Retrains five cycles after a change that it cannot know of."""

    def predict(
        self,
        observation: Any,
        state: Memory | None = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[Any, Memory | None]:
        if observation.shape[1] > len(OBS):
            since = observation[:, -1]
            stale = (since < 0.999) & (np.round(cycles_of(since)) == 5)
        else:
            stale = error_of(sense(observation, "error_slow")) > 0.7
        ask = stale & (sense(observation, "in_flight") == 0)
        off = np.abs(sense(observation, "swing")) > 0.3
        return np.where(ask, Action.RETRAIN, np.where(off, Action.INTERVENE, Action.WAIT)), state


class _PolicyA:
    """Knows worlds by their first dashboard, and what to do in them by heart."""

    def __init__(self, seeds: NDArray[np.uint64]) -> None:
        envs = InclinedMassVectorEnv(len(seeds), scenario="abrupt", observe="truth")
        observation, _ = envs.reset(seed=seeds.tolist())
        self.known = {row[: len(OBS)].tobytes(): place for place, row in enumerate(observation)}
        plans, ended = [], np.zeros(1, np.bool_)
        while not ended.any():
            plans.append(_PolicyB().predict(observation)[0])
            observation, _, ended, _, _ = envs.step(plans[-1])
        self.plans = np.array(plans)  # (cycles, worlds)

    def predict(
        self,
        observation: Any,
        state: Memory | None = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[Any, Memory | None]:
        dashboard = np.ascontiguousarray(observation[:, : len(OBS)])
        if state is None:
            places = np.array([self.known.get(row.tobytes(), -1) for row in dashboard])
            state = (places, np.zeros(1, np.int64))
        places, cycle = state
        by_rule, _ = policy("retrain").predict(dashboard)
        by_heart = self.plans[int(cycle[0]) % len(self.plans), places]
        return np.where(places < 0, by_rule, by_heart), (places, cycle + 1)
