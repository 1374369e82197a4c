"""Rules: policies a person could follow with the dashboard in view.

A batch of observations in, a batch of decisions out, and whatever a rule remembers travels in ``state``.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from springdrift import OBS, Action
from springdrift.game.observation import AGE_HALF, ERROR_HALF, VERSIONS, Table
from springdrift_agents.policies.base import Floats, Memory
from springdrift_agents.policies.detectors import (
    Cusum,
    Detector,
    Ewma,
    PageHinkley,
    River,
    update,
)

BEYOND = 16  # most columns that observe="truth" puts behind the dashboard; "signals" shows more, and others


DASHBOARD = Table((*OBS, *VERSIONS))  # where versions can be rolled back; it begins as it does elsewhere


def sense(observation: Floats, name: str) -> Floats:
    """A column of the dashboard by name, shape (n,).

    >>> sense(np.zeros((2, len(OBS))), "swing").shape
    (2,)
    """
    return observation[..., DASHBOARD.index(name)]


def error_of(scaled: Any) -> Any:
    """The rms forecast error, as a share of the target's rms, behind an error column of the dashboard.

    >>> float(error_of(0.0))
    0.25
    """
    return ERROR_HALF * (1.0 + scaled) / np.maximum(1.0 - scaled, 1e-9)


def cycles_of(scaled: Any) -> Any:
    """The number of cycles behind a ``since`` column of the dashboard.

    >>> float(cycles_of(0.5))
    20.0
    """
    return AGE_HALF * scaled / np.maximum(1.0 - scaled, 1e-9)


@dataclass(frozen=True)
class Rule:
    """A policy that decides from the dashboard and ``slots`` numbers of memory an env.

    Its fields are its parameters: numbers from 0 on, and above 0 where the rule divides by one.

    Raises:
        ValueError: a parameter out of range, naming it.

    >>> CusumRule(scale=0)
    Traceback (most recent call last):
    ValueError: CusumRule.scale must be finite and above 0, got 0
    """

    slots: ClassVar[int] = 0
    columns: ClassVar[tuple[str, ...]] = tuple(column.name for column in OBS)
    needs: ClassVar[tuple[str, ...]] = ()  # columns without which it cannot decide
    actions: ClassVar[tuple[str, ...]] = ("WAIT", "INTERVENE", "RETRAIN")
    divides: ClassVar[tuple[str, ...]] = ()  # parameters that it divides by, or takes the logarithm of
    most: ClassVar[Mapping[str, float]] = MappingProxyType({})  # the highest value of some parameters

    def __post_init__(self) -> None:
        for name in (one.name for one in fields(self)):
            value, title = getattr(self, name), f"{type(self).__name__}.{name}"
            if not isinstance(value, int | float):
                continue
            if name in self.divides and not 0 < value < math.inf:
                raise ValueError(f"{title} must be finite and above 0, got {value}")
            if not value >= 0:
                raise ValueError(f"{title} must be 0 or more, got {value}")
            if value > self.most.get(name, math.inf):
                raise ValueError(f"{title} must be at most {self.most[name]:g}, got {value}")

    def blank(self, count: int) -> NDArray[Any]:
        """Memory of ``count`` envs at the start of their episodes, first axis (count,)."""
        return np.zeros((count, self.slots))

    def decide(self, observation: Floats, memory: NDArray[Any]) -> NDArray[np.int64]:
        """Decisions (n,) for observations (n, D); updates memory (n, slots) in place."""
        raise NotImplementedError

    def predict(
        self,
        observation: Any,
        state: Memory | None = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[Any, Memory | None]:
        """Decisions from the dashboard, which ``observe="monitor"`` and ``"truth"`` begin with.

        Raises:
            ValueError: observations without the dashboard's columns.
        """
        observation = np.asarray(observation)
        batch = np.atleast_2d(observation)
        if batch.ndim != 2 or batch.shape[1] < len(OBS) or batch.shape[1] > len(OBS) + BEYOND:
            raise ValueError(
                f'rules read the dashboard: expected observations (n, {len(OBS)}) of observe="monitor" or '
                f'"truth", got shape {observation.shape}'
            )
        memory = self.blank(len(batch)) if state is None else state[0].copy()
        if state is not None and episode_start is not None:
            fresh = np.broadcast_to(np.asarray(episode_start, np.bool_), len(batch))
            if fresh.any():
                memory[fresh] = self.blank(int(fresh.sum()))
        actions = self.decide(batch, memory)
        return (actions if observation.ndim == 2 else actions[0]), (memory,)


@dataclass(frozen=True)
class Never(Rule):
    """Leave the model alone."""

    def decide(self, observation: Floats, memory: NDArray[Any]) -> NDArray[np.int64]:
        return np.full(len(observation), Action.WAIT)


@dataclass(frozen=True)
class Always(Rule):
    """Push by hand in every cycle."""

    def decide(self, observation: Floats, memory: NDArray[Any]) -> NDArray[np.int64]:
        return np.full(len(observation), Action.INTERVENE)


@dataclass(frozen=True)
class Periodic(Rule):
    """Retrain by the calendar, whatever happens."""

    every: float = 40  # cycles
    slots = 1
    divides = ("every",)

    def decide(self, observation: Floats, memory: NDArray[Any]) -> NDArray[np.int64]:
        memory[:, 0] += 1.0
        due = memory[:, 0] >= self.every
        memory[due, 0] = 0.0
        return np.where(due, Action.RETRAIN, Action.WAIT)


@dataclass(frozen=True)
class Swing(Rule):
    """Push by hand while the swing is off its target.

    Hysteresis: from beyond ``start`` until within ``stop``, both as shares of the target amplitude.
    """

    start: float = 0.3  # of the target amplitude
    stop: float = 0.25
    slots = 1
    needs = ("swing",)

    def decide(self, observation: Floats, memory: NDArray[Any]) -> NDArray[np.int64]:
        off = np.abs(sense(observation, "swing"))
        pushing = (off > self.start) | ((memory[:, 0] > 0.0) & (off > self.stop))
        memory[:, 0] = pushing
        return np.where(pushing, Action.INTERVENE, Action.WAIT)


@dataclass(frozen=True)
class Retrain(Rule):
    """Retrain when the forecast error is high; never intervene.

    The error is its average over about three cycles. The cool-down leaves time for a window without
    the old world in it, and for the new model to show what it can do.
    """

    error: float = 0.7  # rms, of the target's rms
    cooldown: float = 6  # cycles between two requests
    needs = ("error_fast",)

    def decide(self, observation: Floats, memory: NDArray[Any]) -> NDArray[np.int64]:
        stale = error_of(sense(observation, "error_fast")) > self.error
        rested = cycles_of(sense(observation, "since_retrain")) >= self.cooldown - 0.01
        ask = stale & rested & (sense(observation, "in_flight") == 0.0)
        return np.where(ask, Action.RETRAIN, Action.WAIT)


@dataclass(frozen=True)
class Threshold(Rule):
    """Retrain when the forecast error is high, else push by hand while the swing is off.

    ``Retrain`` and ``Swing`` together; retraining comes first.
    """

    error: float = Retrain.error
    cooldown: float = Retrain.cooldown
    start: float = Swing.start
    stop: float = Swing.stop
    slots = Swing.slots
    needs = (*Retrain.needs, *Swing.needs)

    def decide(self, observation: Floats, memory: NDArray[Any]) -> NDArray[np.int64]:
        by_hand = Swing(self.start, self.stop).decide(observation, memory)
        retrain = Retrain(self.error, self.cooldown).decide(observation, memory)
        return np.where(retrain == Action.RETRAIN, retrain, by_hand)


@dataclass(frozen=True)
class DetectorRule(Rule):
    """Retrain when a change detector alarms on the forecast error, else push by hand as ``Swing`` does.

    The detector reads ln(error / usual) / scale, held at its start while a model is in training; an error
    that is missing (nan) is skipped.
    ``fresh`` is how many cycles to wait after the alarm, for a window that holds the new world alone.
    """

    threshold: float = 8.0
    fresh: float = 3  # cycles
    usual: float = 0.08  # error of a healthy model, of the target's rms
    scale: float = 0.4  # standard deviation of its logarithm
    start: float = Swing.start
    stop: float = Swing.stop
    needs = ("error", *Swing.needs)
    divides: ClassVar[tuple[str, ...]] = ("usual", "scale")

    def detector(self) -> Detector:
        """The detector that this rule runs."""
        raise NotImplementedError

    def blank(self, count: int) -> NDArray[Any]:
        own = self.detector().start(count)
        return np.concatenate((np.zeros((count, 2)).astype(own.dtype), own), axis=1)

    def decide(self, observation: Floats, memory: NDArray[Any]) -> NDArray[np.int64]:
        detector = self.detector()
        hysteresis = memory[:, :1].astype(np.float64)
        by_hand = Swing(self.start, self.stop).decide(observation, hysteresis)
        memory[:, :1] = hysteresis
        z = np.log(np.maximum(error_of(sense(observation, "error")), 1e-6) / self.usual) / self.scale
        own = memory[:, 2:]
        alarm = (update(detector, own, z.astype(np.float64)) > detector.threshold) & (z > 0.0)
        busy = sense(observation, "in_flight") > 0.0
        waiting = memory[:, 1].astype(np.float64)  # cycles until the request, and one; 0 is none
        waiting = np.where(alarm & (waiting == 0.0), 1.0 + self.fresh, np.maximum(waiting - 1.0, 0.0))
        ask = (alarm & (self.fresh == 0)) | ((waiting > 0.0) & (waiting <= 1.0))
        ask &= ~busy
        memory[:, 1] = np.where(ask | busy, 0.0, waiting)
        again = ask | busy
        if again.any():
            own[again] = detector.start(int(again.sum()))
        return np.where(ask, Action.RETRAIN, by_hand)


@dataclass(frozen=True)
class CusumRule(DetectorRule):
    """Retrain when a CUSUM of the forecast error alarms, else push by hand while the swing is off."""

    slack: float = 2.0  # standard deviations

    def detector(self) -> Detector:
        return Cusum(self.slack, self.threshold, two_sided=False)


@dataclass(frozen=True)
class EwmaRule(DetectorRule):
    """Retrain when a moving average of the forecast error leaves its limits, else push by hand."""

    weight: float = 0.4
    threshold: float = 6.0
    divides = (*DetectorRule.divides, "weight")
    most = MappingProxyType({"weight": 1.0})

    def detector(self) -> Detector:
        return Ewma(self.weight, self.threshold, two_sided=False)


@dataclass(frozen=True)
class PageHinkleyRule(DetectorRule):
    """Retrain when the forecast error rises above its running mean (Page-Hinkley), else push by hand."""

    slack: float = 0.5  # standard deviations

    def detector(self) -> Detector:
        return PageHinkley(self.slack, self.threshold)


@dataclass(frozen=True)
class AdwinRule(DetectorRule):
    """Retrain when river's ADWIN finds that the forecast error has risen, else push by hand."""

    threshold: float = 0.5  # ADWIN says yes or no
    delta: float = 0.05  # the smaller, the fewer false alarms
    divides = (*DetectorRule.divides, "delta")
    most = MappingProxyType({"delta": 1.0})

    def detector(self) -> Detector:
        return River(partial(_adwin, self.delta), self.threshold)


@dataclass(frozen=True)
class PluggedRule(DetectorRule):
    """Retrain when a detector of the user's alarms on the forecast error, else push by hand."""

    made: Any = field(default=None, kw_only=True)  # the detector, whose own threshold holds

    def detector(self) -> Detector:
        found: Detector = self.made
        return found


def _adwin(delta: float) -> Any:
    try:
        from river.drift import ADWIN
    except ModuleNotFoundError:
        raise ImportError('the rule adwin needs river: pip install "springdrift[cli]"') from None
    return ADWIN(delta=delta, clock=1, grace_period=5, min_window_length=2)


RULES: dict[str, type[Rule]] = {
    "never": Never,
    "always": Always,
    "periodic": Periodic,
    "swing": Swing,
    "retrain": Retrain,
    "threshold": Threshold,
    "cusum": CusumRule,
    "ewma": EwmaRule,
    "page-hinkley": PageHinkleyRule,
    "adwin": AdwinRule,
}
