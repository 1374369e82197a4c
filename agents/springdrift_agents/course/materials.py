"""What lessons give to students: worlds to tell apart, policies to believe or not, and finished runs."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift import OBS, Action, InclinedMassVectorEnv, World
from springdrift_agents.evaluation.evaluate import world_seeds
from springdrift_agents.policies.base import Memory, Policy
from springdrift_agents.policies.learned import Learned, read
from springdrift_agents.policies.registry import policy
from springdrift_agents.policies.rules import cycles_of, error_of, sense

Floats = NDArray[np.float64]
RUNS = Path(__file__).with_name("runs")  # made by tests/bench/lesson_runs.py
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


class Run(NamedTuple):
    """A training run of lesson 6 that is over."""

    policy: Learned  # the best on the validation worlds
    curve: tuple[Floats, Floats]  # steps, and the cost on the validation worlds then


def runs(kind: str) -> list[Run]:
    """Three finished runs on ``abrupt``, with different seeds, of what lesson 6 calls ``learn``.

    Args:
        kind: ``"one"`` frame, ``"four"`` frames, or one that sees the ``"truth"``.

    >>> [len(run.curve[0]) for run in runs("one")]
    [8, 8, 8]

    Raises:
        ValueError: there are no runs of that kind.
    """
    found = sorted(RUNS.glob(f"{kind}-?.json")) if kind.isalpha() else []
    if not found:
        kinds = sorted({path.stem.partition("-")[0] for path in RUNS.glob("*-?.json")})
        raise ValueError(f"there are no runs {kind!r:.40}: there are {', '.join(kinds)}")
    policies = [read(path.with_suffix("")) for path in found]
    return [
        Run(one, (np.array(one.card.trained["curve_steps"]), np.array(one.card.trained["curve_costs"])))
        for one in policies
    ]


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
