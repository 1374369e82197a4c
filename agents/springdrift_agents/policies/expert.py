"""The best rule that we could write by hand: what a learned policy has to beat."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift import Action
from springdrift_agents.policies.base import Floats
from springdrift_agents.policies.rules import Rule, cycles_of, error_of, sense

# what it remembers of a world, a column each
AGE, HOPELESS, COLD, SUM, SINCE, OFFSET, TRAINING, PUSHING, SAG, MEAN = range(10)
UNFITTED = 0.02, 0.9  # a fit error outside of these is that of no fit at all


@dataclass(frozen=True)
class Expert(Rule):
    """Tell drift from noise, wait for a clean window, retrain where it pays, and push by hand meanwhile.

    Each clause stands for something that went wrong without it.
    """

    hopeless: float = 0.08  # a first fit worse than this means a world that no model follows: hands off
    data: float = 3  # cycles to gather before a first fit, where there is none
    usual: float = 0.25  # error of a healthy model, of the target's rms
    slack: float = 0.9  # rise of ln(error / usual) that is no sign of drift
    threshold: float = 0.1  # evidence at which the model is held to be stale
    beyond: float = 0.35  # most evidence beyond that, so that it also fades fast
    fresh: float = 4.5  # cycles of it before a retraining, so that the window holds the new world
    cooldown: float = 6  # cycles between two retrainings
    memory: float = 12  # cycles over which the forecast's error and bias are averaged
    creep: float = 1.0  # average error at which the model is held to be stale however slowly it got there
    offset: float = 0.2  # average bias, of the target amplitude, at which the model is held to be stale
    worthwhile: float = 0.06  # share of the episode that must be left for a retraining to pay
    start: float = 0.55  # swing at which to push by hand while the model is sound
    stop: float = 0.45  # and at which to stop
    stale_start: float = 0.3  # the same while it is stale or being replaced
    stale_stop: float = 0.3
    worn: float = 0.16  # average sag beyond which a sound model is held to be too weak for its machine
    worn_start: float = 0.24  # the same then
    worn_stop: float = 0.3
    surplus: float = 0.4  # how much more of it is borne when there is too much swing rather than too little
    ahead: float = 0.5  # cycles by which the swing is extrapolated
    sag: float = 12  # cycles over which the swing is averaged
    slots = 10
    needs = ("error", "bias", "swing", "swing_change", "fit_error", "in_flight", "since_retrain", "time_left")
    divides = ("usual", "memory", "sag")

    def decide(self, observation: Floats, memory: NDArray[Any]) -> NDArray[np.int64]:
        training = sense(observation, "in_flight") > 0.0
        self._look_at_the_first_fit(observation, memory)
        stale = self._stale(observation, memory, training)
        left = sense(observation, "time_left") > self.worthwhile
        rested = cycles_of(sense(observation, "since_retrain")) >= self.cooldown - 0.01
        ask = stale & (memory[:, SINCE] > self.fresh) & rested
        cold = memory[:, COLD] > 0.0
        ask = np.where(cold, memory[:, AGE] > self.data, ask) & left & ~training
        push = self._push(observation, memory, stale | training | cold)
        hands_off = memory[:, HOPELESS] > 0.0
        found = np.where(ask, Action.RETRAIN, np.where(push, Action.INTERVENE, Action.WAIT))
        return np.where(hands_off, Action.WAIT, found)

    def _look_at_the_first_fit(self, observation: Floats, memory: NDArray[Any]) -> None:
        fit = error_of(sense(observation, "fit_error"))
        first = memory[:, AGE] == 0.0
        none = (fit < UNFITTED[0]) | (fit > UNFITTED[1])
        memory[first, COLD] = none[first]
        memory[first, HOPELESS] = (~none & (fit > self.hopeless))[first]
        memory[:, AGE] += 1.0

    def _stale(
        self, observation: Floats, memory: NDArray[Any], training: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Where a capped CUSUM of the error, or the slow average of the bias, says that it is stale."""
        deployed = (memory[:, TRAINING] > 0.0) & ~training
        memory[:, TRAINING] = training
        for slot in (SUM, SINCE, OFFSET, MEAN, COLD):
            memory[deployed, slot] = 0.0
        error = error_of(sense(observation, "error"))
        memory[:, MEAN] += (np.minimum(error, 2.0) - memory[:, MEAN]) / max(self.memory, 1.0)
        rise = np.log(np.maximum(error, 1e-6) / self.usual) - self.slack
        memory[:, SUM] = np.clip(memory[:, SUM] + rise, 0.0, self.threshold + self.beyond)
        bias = sense(observation, "bias")
        bias = bias / np.maximum(1.0 - np.abs(bias), 1e-3)
        memory[:, OFFSET] += (bias - memory[:, OFFSET]) / max(self.memory, 1.0)
        crept = (memory[:, MEAN] > self.creep) | (np.abs(memory[:, OFFSET]) > self.offset)
        stale: NDArray[np.bool_] = (memory[:, SUM] > self.threshold) | crept
        memory[:, SINCE] = np.where(stale, memory[:, SINCE] + 1.0, 0.0)
        return stale

    def _push(self, observation: Floats, memory: NDArray[Any], stale: NDArray[np.bool_]) -> NDArray[np.bool_]:
        swing = sense(observation, "swing")
        memory[:, SAG] += (swing - memory[:, SAG]) / max(self.sag, 1.0)
        worn = memory[:, SAG] < -self.worn
        start = np.where(stale, self.stale_start, np.where(worn, self.worn_start, self.start))
        stop = np.where(stale, self.stale_stop, np.where(worn, self.worn_stop, self.stop))
        to_come = swing + self.ahead * sense(observation, "swing_change")
        off = np.where(to_come > 0.0, to_come - self.surplus, -to_come)
        push: NDArray[np.bool_] = off > np.where(memory[:, PUSHING] > 0.0, np.minimum(start, stop), start)
        memory[:, PUSHING] = push
        return push
