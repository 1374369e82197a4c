"""Rules for worlds whose operator can also fine-tune, and roll back to the version before."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift import FIVE_ACTIONS, Action
from springdrift_agents.policies.base import Floats
from springdrift_agents.policies.expert import Expert
from springdrift_agents.policies.rules import (
    DASHBOARD,
    RULES,
    Retrain,
    Rule,
    Swing,
    Threshold,
    cycles_of,
    error_of,
    sense,
)


def _due(observation: Floats, tune: float, pause: float) -> NDArray[np.bool_]:
    """Where the error is high enough to fine-tune, the last time is long enough ago, and nothing trains."""
    raised = error_of(sense(observation, "error_fast")) > tune
    rested = cycles_of(sense(observation, "since_fine_tune")) >= pause - 0.01
    due: NDArray[np.bool_] = raised & rested & (sense(observation, "in_flight") == 0.0)
    return due


@dataclass(frozen=True)
class _OpsRule(Rule):
    """A rule that reads what is seen of versions, and decides among all five."""

    columns = DASHBOARD.names
    actions = FIVE_ACTIONS.names


@dataclass(frozen=True)
class FineTune(_OpsRule):
    """Fine-tune when the forecast error is raised a little, retrain when it is high, else push by hand."""

    tune: float = 0.5  # rms error, of the target's rms, beyond which to fine-tune
    pause: float = 4  # cycles between two fine-tunings
    error: float = 1.2  # and beyond which to retrain
    cooldown: float = 10
    start: float = Swing.start
    stop: float = Swing.stop
    slots = Swing.slots
    needs = (*Threshold.needs, "since_fine_tune")

    def decide(self, observation: Floats, memory: NDArray[Any]) -> NDArray[np.int64]:
        found = Threshold(self.error, self.cooldown, self.start, self.stop).decide(observation, memory)
        tune = _due(observation, self.tune, self.pause) & (found != Action.RETRAIN)
        return np.where(tune, Action.FINE_TUNE, found)


@dataclass(frozen=True)
class Rollback(_OpsRule):
    """Roll back when the error after a deployment is worse than before it, else retrain as ``threshold``.

    It compares the cycle ``trial`` cycles after the deployment with the last one before it.
    """

    worse: float = 1.2  # times the error before
    trial: float = 1  # cycles in service before the judgment
    error: float = Retrain.error
    cooldown: float = Retrain.cooldown
    start: float = Swing.start
    stop: float = Swing.stop
    slots = 2  # hysteresis, and the error before the deployment that is to be judged; 0 for none
    needs = (*Threshold.needs, "error", "model_age")

    def decide(self, observation: Floats, memory: NDArray[Any]) -> NDArray[np.int64]:
        by_rule = Threshold(self.error, self.cooldown, self.start, self.stop)
        found = by_rule.decide(observation, memory[:, :1])
        error = error_of(sense(observation, "error"))
        busy = sense(observation, "in_flight") > 0.0
        due = ~busy & (memory[:, 1] > 0.0)
        due &= cycles_of(sense(observation, "model_age")) >= self.trial - 0.01
        worse = due & (error > self.worse * memory[:, 1])
        memory[due, 1] = 0.0
        before = busy | (found == Action.RETRAIN)
        memory[before, 1] = error[before]
        return np.where(worse, Action.ROLLBACK, found)


@dataclass(frozen=True)
class Champion(_OpsRule):
    """Keep the better of two versions in service, by what the one before would have said; else retrain.

    The version in service is the champion and the one before its challenger. Retraining waits until the
    error has been high for ``fresh`` cycles, so that the window holds the new world.
    """

    better: float = 0.7  # the challenger's error, of the champion's
    least: float = 0.2  # rms error below which nothing is changed
    error: float = 0.5
    fresh: float = 3
    cooldown: float = 10
    start: float = Swing.start
    stop: float = Swing.stop
    slots = 2  # hysteresis, and cycles of high error
    needs = (*Threshold.needs, "error", "previous_error", "since_rollback")

    def decide(self, observation: Floats, memory: NDArray[Any]) -> NDArray[np.int64]:
        by_hand = Swing(self.start, self.stop).decide(observation, memory[:, :1])
        error = error_of(sense(observation, "error"))
        high = error_of(sense(observation, "error_fast")) > self.error
        memory[:, 1] = np.where(high, memory[:, 1] + 1.0, 0.0)
        retrain = Retrain(self.error, self.cooldown).decide(observation, memory)
        ask = (memory[:, 1] > self.fresh) & (retrain == Action.RETRAIN)
        beaten = (error_of(sense(observation, "previous_error")) < self.better * error) & (error > self.least)
        rested = cycles_of(sense(observation, "since_rollback")) >= 1.0
        found = np.where(ask & ~beaten, Action.RETRAIN, by_hand)
        return np.where(beaten & rested, Action.ROLLBACK, found)


@dataclass(frozen=True)
class Operations(_OpsRule):
    """Use all five decisions: champion and challenger, fine-tuning, retraining, and pushing by hand."""

    better: float = 0.6
    least: float = Champion.least
    tune: float = 0.6
    pause: float = 4
    error: float = 0.8
    fresh: float = 3
    cooldown: float = 12
    start: float = Swing.start
    stop: float = Swing.stop
    slots = Champion.slots
    needs = (*Champion.needs, "since_fine_tune")

    def decide(self, observation: Floats, memory: NDArray[Any]) -> NDArray[np.int64]:
        keep = Champion(self.better, self.least, self.error, self.fresh, self.cooldown, self.start, self.stop)
        found = keep.decide(observation, memory)
        tune = _due(observation, self.tune, self.pause) & (found <= Action.INTERVENE)
        return np.where(tune, Action.FINE_TUNE, found)


OPS_RULES: dict[str, type[Rule]] = {
    "fine-tune": FineTune,
    "rollback": Rollback,
    "champion": Champion,
    "operations": Operations,
}
ALL_RULES: dict[str, type[Rule]] = {**RULES, "expert": Expert, **OPS_RULES}
