"""What a policy did right and wrong, told from the truth that it could not see."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift import Action
from springdrift.incline.reward import TARGET
from springdrift.incline.state import COMMISSIONING_CYCLES

WINDOW = COMMISSIONING_CYCLES  # cycles that a fit sees
CALM = 0.2  # of the target: a swing nearer to it needs no push
MOVED = {"stiffness": 0.5, "tilt": 0.02, "magnet": 0.1}  # N/m, rad, 1: what a new model would notice
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
    """

    def __init__(self, truth: dict[str, Any]) -> None:
        n = len(truth["cycle"])
        self.found = {name: np.zeros(n) for name in FINDINGS}
        self._open = np.full(n, -1.0)  # cycle of a change that no retraining has followed yet
        self._last = np.full(n, -np.inf)  # cycle of the last change
        self._dirty = np.zeros(n, np.bool_)  # the last fit saw a mixed window
        self._stale = np.zeros(n, np.bool_)  # the world changed and no model asked for since is live
        self._bad = np.zeros(n, np.bool_)  # the model that is live was fitted on a mixed window
        self._version = truth["version"].copy()
        self.needless_retrain, self.needless_push = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        self.situation = np.full(n, SITUATIONS.index("the rest"))  # of the last cycle
        self._fitted = {name: truth[name].copy() for name in MOVED}
        self._swing = truth["swing"].copy()

    def note(
        self,
        live: NDArray[np.bool_],
        actions: NDArray[np.integer[Any]],
        charged: NDArray[np.bool_],
        truth: dict[str, Any],
        push: NDArray[np.floating[Any]],
    ) -> None:
        """A cycle that has ended.

        Args:
            live: which episodes go on, (n,).
            actions: the decisions, (n,).
            charged: where a retraining was started, (n,).
            truth: of the cycle, as in ``info``.
            push: the controller's push as the dashboard shows it, (n,).
        """
        found, cycle = self.found, truth["cycle"] - 1.0
        charged = charged & live
        found["cycles"] += live
        found["interventions"] += live & (actions == Action.INTERVENE)
        found["retrains"] += charged
        answered = charged & (self._open >= 0)
        found["delay"] += np.where(answered, cycle - self._open, 0.0)
        mixed = charged & (cycle - self._last < WINDOW)
        found["mixed_retrains"] += mixed
        moved = np.zeros(len(live), np.bool_)
        for name, least in MOVED.items():
            moved |= np.abs(truth[name] - self._fitted[name]) > least
        self.needless_retrain = charged & ~answered & ~self._dirty & ~moved
        found["needless_retrains"] += self.needless_retrain
        for name in MOVED:
            self._fitted[name][charged] = truth[name][charged]
        self._dirty = np.where(charged, mixed, self._dirty)
        self._open[charged] = -1.0
        changed = live & (truth["last_change"] == cycle)
        found["changes"] += changed
        found["missed"] += changed & (self._open >= 0)
        self._open[changed] = cycle[changed]
        self._last[changed] = cycle[changed]
        calm = np.abs(self._swing / TARGET - 1.0) < CALM
        self.needless_push = live & (actions == Action.INTERVENE) & calm
        found["needless_pushes"] += self.needless_push
        by_model = live & (actions != Action.INTERVENE) & (np.abs(push) > 0.02)
        found["wrong_way"] += by_model & (push * truth["work"] < 0)
        self._swing = truth["swing"].copy()
        self._stale |= changed
        self.situation = np.select([self._stale, self._bad], [0, 1], 2)
        shipped = truth["version"] > self._version  # live from the next cycle on
        self._version = truth["version"].copy()
        self._bad = np.where(shipped, self._dirty, self._bad)
        self._stale &= ~(shipped & (self._open < 0))

    def close(self) -> NDArray[np.float64]:
        """The findings, (n, 10); changes still without a retraining count as missed."""
        self.found["missed"] += self._open >= 0
        self._open[:] = -1.0
        return np.stack([self.found[name] for name in FINDINGS], axis=1)
