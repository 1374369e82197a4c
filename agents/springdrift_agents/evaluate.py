"""Run policies through worlds: the same worlds for every policy (common random numbers)."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift import TERMS, Action, Costs, InclinedMassVectorEnv, Scenario
from springdrift_agents.rules import Memory, Policy

PURPOSES = ("evaluation", "training", "tuning", "validation")  # seeds of two purposes never meet
SEEDS = 2**28  # choices of worlds for each purpose
BATCH = 1024  # episodes that run side by side


def world_seeds(purpose: str, seed: int, count: int) -> NDArray[np.uint64]:
    """Seeds of ``count`` worlds, disjoint between purposes and between seeds below 2^28.

    Raises:
        ValueError: an unknown purpose, or a seed or count out of range.

    >>> world_seeds("evaluation", 1, 2).tolist()
    [4294967296, 4294967297]
    """
    if purpose not in PURPOSES:
        raise ValueError(f"unknown purpose {purpose!r}; allowed: {', '.join(PURPOSES)}")
    if not 0 <= seed < SEEDS:
        raise ValueError(f"seed must be a whole number from 0 to 2^28 - 1, got {seed}")
    if not 1 <= count <= 2**32:
        raise ValueError(f"the number of episodes must be from 1 to 2^32, got {count}")
    first = (PURPOSES.index(purpose) << 60) + (seed << 32)
    return np.uint64(first) + np.arange(count, dtype=np.uint64)


class Episodes(NamedTuple):
    """What each of n episodes cost, and how often the policy acted."""

    policy: str
    scenario: str
    seeds: NDArray[np.uint64]  # (n,)
    terms: NDArray[np.float64]  # (n, 4), in the order of TERMS
    interventions: NDArray[np.int64]  # (n,)
    retrains: NDArray[np.int64]  # (n,), those that were started
    cycles: NDArray[np.int64]  # (n,)

    @property
    def cost(self) -> NDArray[np.float64]:
        """Total cost of each episode, shape (n,)."""
        return self.terms.sum(axis=1)


def evaluate(
    policy: Policy,
    scenario: str | Scenario,
    seeds: NDArray[np.uint64],
    *,
    name: str = "",
    costs: Costs | Mapping[str, float] | None = None,
    observe: str = "monitor",
    cycles: int | None = None,
) -> Episodes:
    """One episode of a policy in each world of ``seeds``.

    >>> from springdrift_agents.rules import policy
    >>> evaluate(policy("never"), "stationary", world_seeds("evaluation", 0, 4)).cost.shape
    (4,)
    """
    title = scenario if isinstance(scenario, str) else scenario.name
    parts = [
        _evaluate(policy, scenario, seeds[first : first + BATCH], costs, observe, cycles)
        for first in range(0, len(seeds), BATCH)
    ]
    terms, interventions, retrains, lengths = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Episodes(name, title, seeds, terms, interventions, retrains, lengths)


def _evaluate(
    policy: Policy,
    scenario: str | Scenario,
    seeds: NDArray[np.uint64],
    costs: Costs | Mapping[str, float] | None,
    observe: str,
    cycles: int | None,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    n = len(seeds)
    envs = InclinedMassVectorEnv(
        n, scenario=scenario, costs=costs, observe=observe, cycles=cycles, copy=False
    )
    observation, _ = envs.reset(seed=seeds.tolist())
    terms = np.zeros((n, len(TERMS)))
    counts = np.zeros((3, n), np.int64)
    state: Memory | None = None
    start, live = np.ones(n, np.bool_), np.ones(n, np.bool_)
    while live.any():
        actions, state = policy.predict(observation, state=state, episode_start=start, deterministic=True)
        actions = np.asarray(actions)
        counts[0] += live & (actions == Action.INTERVENE)
        counts[1] += live & (actions == Action.RETRAIN) & envs.action_masks()[:, Action.RETRAIN]
        counts[2] += live
        observation, _, ended, _, info = envs.step(actions)
        for column, term in enumerate(TERMS):
            terms[:, column] += np.where(live, info["terms"][term], 0.0)
        live &= ~ended
        start = ended.copy()
    return terms, *counts


def compare(
    policies: Mapping[str, Policy],
    scenarios: Sequence[str],
    episodes: int,
    seed: int = 0,
    *,
    costs: Costs | Mapping[str, float] | None = None,
    done: Callable[[Episodes], None] = lambda _: None,
) -> list[Episodes]:
    """Every policy through the same worlds of every scenario; ``done`` hears of each part as it ends."""
    seeds = world_seeds("evaluation", seed, episodes)
    parts = []
    for scenario in scenarios:
        for name, policy in policies.items():
            parts.append(evaluate(policy, scenario, seeds, name=name, costs=costs))
            done(parts[-1])
    return parts
