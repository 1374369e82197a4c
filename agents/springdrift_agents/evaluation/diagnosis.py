"""What a policy did right and wrong, told from the truth that it could not see."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift.game.actions import Action
from springdrift.game.world import World
from springdrift.incline.reward import TARGET
from springdrift.incline.state import COMMISSIONING_CYCLES
from springdrift_agents.evaluation.rollout import Cycle, truth_of

CALM = 0.2  # of the target: a swing nearer to it needs no push
STRONG = 0.02  # of the strongest: a push of the controller that counts as one


class Signs(NamedTuple):
    """What in a world's truth and observation tells what happened there, by name."""

    window: int  # cycles that a fit sees
    moved: Mapping[str, float]  # of the truth, and what a new model would notice of each
    swing: str = ""  # true amplitude; the column "swing" of the observation where there is none
    target: float = 1.0  # of that amplitude
    work: str = ""  # what the push did to the energy


MACHINE = Signs(
    window=COMMISSIONING_CYCLES,
    moved={"stiffness": 0.5, "tilt": 0.02, "magnet": 0.1},  # N/m, rad, 1
    swing="swing",
    target=TARGET,
    work="work",
)


def signs_of(world: World) -> Signs:
    """How to tell what happened in these worlds; what cannot be told there counts 0."""
    there = set(world.truth_names)
    if {*MACHINE.moved, MACHINE.swing, MACHINE.work} <= there:
        return MACHINE
    own: Signs = getattr(world, "signs", Signs(window=COMMISSIONING_CYCLES, moved={}))
    return own


FINDINGS = (
    "cycles",
    "interventions",
    "retrains",  # those that were started and paid
    "changes",  # the world changed abruptly, or began to drift
    "missed",  # changes that no retraining followed before the next change or the deadline
    "delay",  # cycles from a change to the retraining that followed, summed over the others
    "needless_retrains",  # nothing had moved since the last fit on a clean window
    "mixed_retrains",  # on a window that straddles a change
    "needless_pushes",  # with the swing within CALM of its target
    "wrong_way",  # cycles in which the controller pushed against what it meant to do
)
SITUATIONS = ("late detection", "bad window", "the rest")


class Diagnosis:
    """Findings of n episodes side by side, gathered cycle by cycle.

    :meth:`note` takes each cycle as it ends, and :meth:`close` returns the findings, (n, 10), one column
    for each of ``FINDINGS``.

    Args:
        world: the worlds at the start of the episodes.
    """

    def __init__(self, world: World) -> None:
        n, truth = world.count, truth_of(world)
        self.signs = signs_of(world)
        self.found = {name: np.zeros(n) for name in FINDINGS}
        self._open = np.full(n, -1.0)  # cycle of a change that no retraining has followed yet
        self._last = np.full(n, -np.inf)  # cycle of the last change
        self._dirty = np.zeros(n, np.bool_)  # the last fit saw a mixed window
        self._stale = np.zeros(n, np.bool_)  # the world changed and no model asked for since is live
        self._bad = np.zeros(n, np.bool_)  # the model that is live was fitted on a mixed window
        self._version, self._cycle = truth.get("version", np.zeros(n)).copy(), 0
        self.needless_retrain, self.needless_push = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        self.situation = np.full(n, SITUATIONS.index("the rest"))  # of the last cycle
        self._fitted = {name: truth[name].copy() for name in self.signs.moved}
        self._calm = self._near(world, truth)

    def _near(self, world: World, truth: Mapping[str, Any]) -> NDArray[np.bool_]:
        """Where the swing is near its target, (n,)."""
        if self.signs.swing:
            return np.abs(truth[self.signs.swing] / self.signs.target - 1.0) < CALM
        near: NDArray[np.bool_] = np.abs(_column(world, "swing")) < CALM
        return near

    def note(self, one: Cycle) -> None:
        """Take a cycle that has ended."""
        live, actions, truth = one.live, one.actions, one.truth
        found, cycle, charged = self.found, self._cycle, one.retrains
        self._cycle += 1
        found["cycles"] += live
        found["interventions"] += live & (actions == Action.INTERVENE)
        found["retrains"] += charged
        answered = charged & (self._open >= 0)
        found["delay"] += np.where(answered, cycle - self._open, 0.0)
        mixed = charged & (cycle - self._last < self.signs.window)
        found["mixed_retrains"] += mixed
        moved = np.zeros(len(live), np.bool_)
        for name, least in self.signs.moved.items():
            moved |= np.abs(truth[name] - self._fitted[name]) > least
        self.needless_retrain = charged & ~answered & ~self._dirty & ~moved
        found["needless_retrains"] += self.needless_retrain
        for name in self.signs.moved:
            self._fitted[name][charged] = truth[name][charged]
        self._dirty = np.where(charged, mixed, self._dirty)
        self._open[charged] = -1.0
        changed = live & (truth["last_change"] == cycle) if "last_change" in truth else np.zeros_like(live)
        found["changes"] += changed
        found["missed"] += changed & (self._open >= 0)
        self._open[changed] = self._last[changed] = cycle
        self.needless_push = live & (actions == Action.INTERVENE) & self._calm
        found["needless_pushes"] += self.needless_push
        if self.signs.work:
            push = _column(one.world, "push")
            by_model = live & (actions != Action.INTERVENE) & (np.abs(push) > STRONG)
            found["wrong_way"] += by_model & (push * truth[self.signs.work] < 0)
        self._calm = self._near(one.world, truth)
        self._stale |= changed
        self.situation = np.select([self._stale, self._bad], [0, 1], 2)
        version = truth.get("version", self._version)
        shipped = version > self._version  # live from the next cycle on
        self._version = version.copy()
        self._bad = np.where(shipped, self._dirty, self._bad)
        self._stale &= ~(shipped & (self._open < 0))

    def close(self) -> NDArray[np.float64]:
        """The findings, (n, 10); changes still without a retraining count as missed."""
        self.found["missed"] += self._open >= 0
        self._open[:] = -1.0
        return np.stack([self.found[name] for name in FINDINGS], axis=1)


def _column(world: World, name: str) -> NDArray[np.floating[Any]]:
    """A column of the dashboard as it stands now, (n,)."""
    if name in world.observation.names:
        return world.out.obs[:, world.observation.index(name)]
    if name == "push":  # raw signals do not hold it
        stored: NDArray[np.float32] = world.batch.lanes("level_push", world.count)  # type: ignore[attr-defined]
        return stored
    return np.ones(world.count)
