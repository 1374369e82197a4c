"""Rules: policies a person could follow with the dashboard in view.

Every policy here, as every policy of the house, has Stable-Baselines3's ``predict``: a batch of
observations in, a batch of decisions out, and whatever it remembers travels in ``state``.
"""

from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from springdrift import OBS, Action
from springdrift.observation import AGE_HALF, ERROR_HALF

Floats = NDArray[np.floating[Any]]
Memory = tuple[NDArray[np.float64], ...]


class Policy(Protocol):
    """What can decide: anything with Stable-Baselines3's ``predict``."""

    def predict(
        self,
        observation: Any,
        state: Memory | None = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[Any, Memory | None]:
        """Decisions (n,) and the memory to hand back, for observations (n, D); scalars for (D,)."""
        ...


def sense(observation: Floats, name: str) -> Floats:
    """A column of the dashboard by name, shape (n,).

    >>> sense(np.zeros((2, len(OBS))), "swing").shape
    (2,)
    """
    return observation[..., OBS.index(name)]


def error_of(scaled: Any) -> Any:
    """The rms forecast error, as a share of the target's rms, behind an error gauge.

    >>> float(error_of(0.0))
    0.25
    """
    return ERROR_HALF * (1.0 + scaled) / np.maximum(1.0 - scaled, 1e-9)


def cycles_of(scaled: Any) -> Any:
    """The number of cycles behind a ``since`` gauge.

    >>> float(cycles_of(0.5))
    20.0
    """
    return AGE_HALF * scaled / np.maximum(1.0 - scaled, 1e-9)


@dataclass(frozen=True)
class Rule:
    """A policy that decides from the dashboard and ``slots`` numbers of memory an env."""

    slots = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value >= 0:
                raise ValueError(f"{type(self).__name__}.{field.name} must not be negative, got {value}")

    def decide(self, observation: Floats, memory: NDArray[np.float64]) -> NDArray[np.int64]:
        """Decisions (n,) for observations (n, D); updates memory (n, slots) in place."""
        raise NotImplementedError

    def predict(
        self,
        observation: Any,
        state: Memory | None = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[Any, Memory | None]:
        """As in :class:`Policy`; rules read ``observe="monitor"`` or ``"truth"``.

        Raises:
            ValueError: observations without the dashboard's columns.
        """
        observation = np.asarray(observation)
        batch = np.atleast_2d(observation)
        if batch.ndim != 2 or batch.shape[1] < len(OBS) or batch.shape[1] > 2 * len(OBS):
            raise ValueError(
                f'rules read the dashboard: expected observations (n, {len(OBS)}) of observe="monitor" or '
                f'"truth", got shape {observation.shape}'
            )
        memory = np.zeros((len(batch), self.slots)) if state is None else state[0].copy()
        if episode_start is not None:
            memory[np.broadcast_to(np.asarray(episode_start, np.bool_), len(batch))] = 0.0
        actions = self.decide(batch, memory)
        return (actions if observation.ndim == 2 else actions[0]), (memory,)


@dataclass(frozen=True)
class Never(Rule):
    """Leave the model alone."""

    def decide(self, observation: Floats, memory: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.full(len(observation), Action.WAIT)


@dataclass(frozen=True)
class Always(Rule):
    """Push by hand in every cycle."""

    def decide(self, observation: Floats, memory: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.full(len(observation), Action.INTERVENE)


@dataclass(frozen=True)
class Periodic(Rule):
    """Retrain by the calendar, whatever happens."""

    every: float = 40  # cycles
    slots = 1

    def decide(self, observation: Floats, memory: NDArray[np.float64]) -> NDArray[np.int64]:
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

    def decide(self, observation: Floats, memory: NDArray[np.float64]) -> NDArray[np.int64]:
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

    def decide(self, observation: Floats, memory: NDArray[np.float64]) -> NDArray[np.int64]:
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

    def decide(self, observation: Floats, memory: NDArray[np.float64]) -> NDArray[np.int64]:
        by_hand = Swing(self.start, self.stop).decide(observation, memory)
        retrain = Retrain(self.error, self.cooldown).decide(observation, memory)
        return np.where(retrain == Action.RETRAIN, retrain, by_hand)


RULES: dict[str, type[Rule]] = {
    "never": Never,
    "always": Always,
    "periodic": Periodic,
    "swing": Swing,
    "retrain": Retrain,
    "threshold": Threshold,
}


def policy(spec: str) -> Rule:
    """The policy of a name, with other parameters after colons if wanted.

    Raises:
        ValueError: an unknown name or parameter, or a value that is not a number, and what is allowed.

    >>> policy("threshold:error=0.5:cooldown=8").cooldown
    8.0
    >>> policy("periodic:evry=3")
    Traceback (most recent call last):
    ValueError: 'periodic' has no parameter 'evry'; it has: every
    """
    name, *settings = spec.split(":")
    if name not in RULES:
        near = get_close_matches(name, RULES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise ValueError(f"unknown policy {name!r}{hint} Allowed: {', '.join(RULES)}")
    allowed = [field.name for field in fields(RULES[name])]
    values: dict[str, float] = {}
    for setting in settings:
        key, _, value = setting.partition("=")
        if key not in allowed:
            raise ValueError(f"{name!r} has no parameter {key!r}; it has: {', '.join(allowed) or 'none'}")
        try:
            values[key] = float(value)
        except ValueError:
            raise ValueError(f"{name}:{key} must be a number, got {value!r}") from None
    return RULES[name](**values)
