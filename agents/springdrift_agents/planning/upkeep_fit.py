"""Count ``springdrift/Upkeep-v0`` from the big world, and take its policies back there.

``python -m springdrift_agents.planning.upkeep_fit`` writes the counts that ship anew, in a minute or two.

Levels forget: a mild change and a severe one read alike, and so do the first cycle of a sagging swing and
the tenth. So costs in the two worlds agree in order and roughly in size, not exactly; :func:`both_worlds`
says how far.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from springdrift import OBS, THREE_ACTIONS, Action, Costs, World
from springdrift.incline.observation import OBSERVE
from springdrift.upkeep.env import (
    CYCLES,
    DATA,
    FAR,
    IN_TRAINING,
    LATENCY,
    MIXED,
    OFF,
    SHAPE,
    STALE,
    STALENESS,
    STATES,
    SWING,
    TRAINING,
    Counts,
    UpkeepEnv,
    training_of,
    transitions,
)
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.planning.exact import evaluate_policy, value_iteration
from springdrift_agents.policies.base import Memory
from springdrift_agents.policies.rules import cycles_of, error_of

SCENARIO = "abrupt"
WORLDS, SEED = 2**18, 0  # of the counts that ship
UNIT = {"forecast": 1.0, "swing": 1.0, "intervene": 0.0, "retrain": 0.0}  # fees come in Upkeep itself
BATCH = 2**14  # worlds that run side by side
STRAY = 0.2  # share of random decisions where a policy is followed


def states(observation: Any) -> NDArray[np.int64]:
    """The state of Upkeep that each big world is in, (n,), for observations (n, 26) of ``observe="truth"``.

    Raises:
        ValueError: observations of another kind.
    """
    truth = OBSERVE["truth"]
    seen = np.asarray(observation)
    if seen.ndim != 2 or seen.shape[1] != len(truth):
        raise ValueError(
            f'expected observations (n, {len(truth)}) of observe="truth", got shape {seen.shape}'
        )

    def column(name: str) -> Any:
        return seen[:, truth.index(name)].astype(np.float64)

    left = np.clip(np.rint(column("in_flight") * (LATENCY + 1)) - 1.0, 1, 2)  # of a model in training
    flying = column("in_flight") > 0.0
    new = ~flying & (column("model_age") == 0.0) & (column("time_left") < 1.0)
    training = np.select(
        [flying & (left == 2), flying, new], [TRAINING.index(name) for name in ("2 left", "1 left", "new")]
    )
    asked = np.select([flying, new], [LATENCY - left, LATENCY], 0.0)  # cycles ago
    mixed = np.rint(cycles_of(column("since_change"))) - asked < MIXED
    stale = error_of(column("true_error")) >= STALE
    staleness = np.select([mixed, stale], [STALENESS.index("mixed"), STALENESS.index("stale")])
    swing = np.digitize(np.abs(column("true_swing")), (OFF, FAR))
    return np.ravel_multi_index((staleness, swing, training), SHAPE)


class Habits:
    """How n worlds are explored.

    Each world has habits of its own: how often it pushes, whether it goes on pushing, how often it
    retrains. None depends on what happens, so that no hidden cause of a decision is taken for its effect.
    With a guide, every other world follows that policy of Upkeep but for one decision in five: it decides
    from the levels alone, and leads to where a good policy spends its time.
    """

    def __init__(self, count: int, rng: np.random.Generator, guide: ArrayLike | None) -> None:
        self.rng = rng
        self.push = rng.choice([0.02, 0.1, 0.4, 0.8], count)
        self.stay = rng.choice([0.0, 0.8], count)
        self.retrain = rng.choice([0.01, 0.03, 0.1], count)
        self.guide = np.zeros(STATES, np.int64) if guide is None else np.asarray(guide, np.int64)
        self.guided = (np.arange(count) % 2 == 0) & (guide is not None)
        self._base = np.zeros(count, np.int64)

    def decide(self, here: NDArray[np.int64]) -> NDArray[np.int64]:
        """Decisions (n,) for worlds in the states ``here`` (n,)."""
        stay, push, retrain, stray = self.rng.random((4, len(here)))
        self._base = np.where(stay < self.stay, self._base, push < self.push)
        free = np.where(retrain < self.retrain, Action.RETRAIN, self._base)
        return np.where(self.guided & (stray >= STRAY), self.guide[here], free)


def count(worlds: int, seed: int, guide: ArrayLike | None = None) -> Counts:
    """Explore tuning worlds of the ``abrupt`` scenario for an episode each, and count.

    Args:
        worlds: how many.
        seed: which.
        guide: a policy of Upkeep (36,) that every other world follows, strayingly; see :class:`Habits`.

    >>> known = count(8, seed=1)
    >>> int(known.starts.sum()), known.transitions.shape
    (8, (36, 3, 36))
    """
    seeds, rng = world_seeds("tuning", seed, worlds), np.random.default_rng(seed)
    parts = [_explore(seeds[first : first + BATCH], rng, guide) for first in range(0, worlds, BATCH)]
    times, starts, sums = (np.sum(part, axis=0) for part in zip(*parts, strict=True))
    return Counts(times, starts, *(sums[:2] / np.maximum(sums[2], 1.0)))


def _explore(
    seeds: NDArray[np.uint64], rng: np.random.Generator, guide: ArrayLike | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Transitions (36, 3, 36), starts (36,), and by arrival: costs of forecast and swing, and number."""
    worlds = len(seeds)
    world = World(worlds, SCENARIO, UNIT, observe="truth", cycles=CYCLES, latency=LATENCY)
    world.seed(np.arange(worlds), seeds)
    world.begin(np.ones(worlds, np.bool_))
    world.fill_idle()
    habits = Habits(worlds, rng, guide)
    here = states(world.out.obs)
    starts, size = np.bincount(here, minlength=STATES), (STATES, THREE_ACTIONS.n, STATES)
    times, sums = np.zeros(STATES * THREE_ACTIONS.n * STATES, np.int64), np.zeros((3, STATES))
    for _ in range(CYCLES):
        actions = habits.decide(here)
        world.advance(actions)
        # asked for while one is in training, a retraining is a wait
        vain = (actions == Action.RETRAIN) & np.isin(training_of(here), IN_TRAINING)
        taken = np.where(vain, Action.WAIT, actions)
        before, here = here, states(world.out.obs)
        times += np.bincount(np.ravel_multi_index((before, taken, here), size), minlength=len(times))
        for row, weights in zip(sums, (*world.out.costs[:2], None), strict=True):
            row += np.bincount(here, weights, STATES)
    found = times.reshape(size)
    busy = np.isin(training_of(np.arange(STATES)), IN_TRAINING)
    found[busy, Action.RETRAIN] = found[busy, Action.WAIT]
    return found, starts, sums


class Fit(NamedTuple):
    """Counts, and the policy that guided their second round of exploration."""

    counts: Counts
    guide: NDArray[np.int64]  # (36,)


def fit(worlds: int = WORLDS, seed: int = SEED) -> Fit:
    """Explore by habits alone, solve what was counted, and explore again with that policy as a guide.

    Raises:
        ValueError: an action was never tried in some state.
    """
    guide = value_iteration(transitions(count(worlds, seed), Costs())).policy
    return Fit(count(worlds, seed, guide), guide)


def to_text(found: Fit) -> str:
    """The data file that the world reads."""
    known = found.counts
    listed = [[*map(int, at), int(known.transitions[tuple(at)])] for at in np.argwhere(known.transitions)]
    parts = {
        "command": "python -m springdrift_agents.planning.upkeep_fit",
        "scenario": SCENARIO,
        "guide": found.guide.tolist(),
        "starts": known.starts.tolist(),
        "forecast": [float(f"{cost:.6g}") for cost in known.forecast],
        "swing": [float(f"{cost:.6g}") for cost in known.swing],
    }
    head = [f'"{name}": {json.dumps(part)},\n' for name, part in parts.items()]
    rows = ",\n".join(
        ", ".join(json.dumps(row) for row in listed if row[:2] == [state, action])
        for state in range(STATES)
        for action in range(THREE_ACTIONS.n)
    )
    return "{\n" + "".join(head) + '"transitions": [\n' + rows + "\n]\n}\n"


class UpkeepPolicy:
    """A policy of Upkeep in the big world, as Stable-Baselines3 asks for it.

    It reads ``observe="truth"`` and remembers nothing. Training must take the usual 3 cycles.

    Args:
        table: an action for each state (36,), or for each cycle and state (cycles, 36), as backward
            induction finds them for an episode of so many cycles.

    Raises:
        ValueError: a table of another shape, or with what is no action.
    """

    def __init__(self, table: ArrayLike) -> None:
        self.table = np.asarray(table)
        if self.table.ndim not in (1, 2) or self.table.shape[-1] != STATES or not self.table.size:
            raise ValueError(
                f"expected actions ({STATES},) or (cycles, {STATES}), got shape {self.table.shape}"
            )
        if not np.isin(self.table, range(THREE_ACTIONS.n)).all():
            raise ValueError(f"a policy holds actions from 0 to {THREE_ACTIONS.n - 1}")
        self.table = self.table.astype(np.int64)

    def predict(
        self,
        observation: Any,
        state: Memory | None = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[Any, Memory | None]:
        """As in :class:`springdrift_agents.policies.rules.Policy`."""
        seen = np.asarray(observation)
        batch = np.atleast_2d(seen)
        here = states(batch)
        if self.table.ndim == 1:
            actions = self.table[here]
        else:
            cycles = len(self.table)
            done = np.rint((1.0 - batch[:, OBS.index("time_left")]) * cycles).astype(np.int64)
            actions = self.table[np.minimum(done, cycles - 1), here]
        return (actions if seen.ndim == 2 else actions[0]), state


def simple_policies() -> dict[str, NDArray[np.int64]]:
    """Policies of Upkeep that need no solver, (36,) each, for comparison.

    >>> list(simple_policies())
    ['never', 'always', 'swing', 'retrain', 'both']
    """
    staleness, swing, training = np.unravel_index(np.arange(STATES), SHAPE)
    off, stale = swing > SWING.index("on"), staleness == STALENESS.index("stale")
    due = stale & (training == TRAINING.index("idle"))
    return {
        "never": np.full(STATES, Action.WAIT),
        "always": np.full(STATES, Action.INTERVENE),
        "swing": np.where(off, Action.INTERVENE, Action.WAIT),
        "retrain": np.where(due, Action.RETRAIN, Action.WAIT),
        "both": np.where(due, Action.RETRAIN, np.where(off, Action.INTERVENE, Action.WAIT)),
    }


class Pair(NamedTuple):
    """What a policy costs an episode, in the small world and in the big one."""

    policy: str
    small: float  # exact
    big: float  # mean
    error: float  # standard error of ``big``


def both_worlds(policies: Mapping[str, ArrayLike], episodes: int = 1000, seed: int = 0) -> list[Pair]:
    """Mean cost of an episode of 200 cycles, in Upkeep exactly and in the big world by simulation.

    Args:
        policies: tables of actions by name, (36,) or (200, 36).
        episodes: evaluation worlds, the same for every policy.
        seed: which.
    """
    small, seeds, found = UpkeepEnv(), world_seeds("evaluation", seed, episodes), []
    for name, table in policies.items():
        values = evaluate_policy(small.P, table, gamma=1.0, horizon=CYCLES).values
        cost = evaluate(UpkeepPolicy(table), SCENARIO, seeds, observe="truth", cycles=CYCLES).cost
        error = float(cost.std(ddof=1)) / len(cost) ** 0.5
        found.append(Pair(name, -float(values @ small.initial_state_distrib), float(cost.mean()), error))
    return found


if __name__ == "__main__":
    DATA.write_text(to_text(fit()))
