"""Rules: policies a person could follow with the dashboard in view.

Every policy here, as every policy of the house, has Stable-Baselines3's ``predict``: a batch of
observations in, a batch of decisions out, and whatever it remembers travels in ``state``.
"""

import json
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from springdrift import OBS, Action
from springdrift.game.arguments import did_you_mean
from springdrift.game.observation import AGE_HALF, ERROR_HALF
from springdrift_agents.policies.detectors import Cusum, Detector, Ewma, PageHinkley, River

Floats = NDArray[np.floating[Any]]
Memory = tuple[NDArray[Any], ...]


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


def observe_of(policy: Any) -> str:
    """What a policy is to be shown: its own ``observe``, else the dashboard.

    >>> observe_of(Never())
    'monitor'
    """
    return str(getattr(policy, "observe", "monitor"))


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
                raise ValueError(f"{type(self).__name__}.{field.name} must be 0 or more, got {value}")

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

    def decide(self, observation: Floats, memory: NDArray[Any]) -> NDArray[np.int64]:
        by_hand = Swing(self.start, self.stop).decide(observation, memory)
        retrain = Retrain(self.error, self.cooldown).decide(observation, memory)
        return np.where(retrain == Action.RETRAIN, retrain, by_hand)


@dataclass(frozen=True)
class DetectorRule(Rule):
    """Retrain when a change detector alarms on the forecast error, else push by hand as ``Swing`` does.

    The detector reads ln(error / usual) / scale, held at its start while a model is in training.
    ``fresh`` is how many cycles to wait after the alarm, for a window that holds the new world alone.
    """

    threshold: float = 8.0
    fresh: float = 3  # cycles
    usual: float = 0.08  # error of a healthy model, of the target's rms
    scale: float = 0.4  # standard deviation of its logarithm
    start: float = Swing.start
    stop: float = Swing.stop

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
        alarm = (detector.update(own, z.astype(np.float64)) > detector.threshold) & (z > 0.0)
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

    def detector(self) -> Detector:
        return Ewma(min(self.weight, 1.0), self.threshold, two_sided=False)


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

    def detector(self) -> Detector:
        return River(lambda: _adwin(min(max(self.delta, 1e-12), 1.0)), self.threshold)


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


def policy_names() -> list[str]:
    """Every policy of the house: the rules, then the learned ones that ship."""
    from springdrift_agents.policies.learned import shipped  # it builds on this module

    return [*RULES, *shipped()]


class About(NamedTuple):
    """A policy as lists show it."""

    summary: str
    parameters: dict[str, float]


def policies_about() -> dict[str, About]:
    """What each policy of the house does, and its parameters with their defaults."""
    from springdrift_agents.policies import learned  # it builds on this module

    found = {name: About((rule.__doc__ or "").split("\n")[0], asdict(rule())) for name, rule in RULES.items()}
    for name in learned.shipped():
        found[name] = About(learned.load(name).summary, {})
    return found


def name_of(spec: str) -> str:
    """The policy's name in a spec, without parameters and the scenario it was tuned for.

    >>> name_of("cusum@mix:slack=1")
    'cusum'
    """
    return spec.partition(":")[0].partition("@")[0]


def policy(spec: str, trust: bool = False) -> Policy:
    """A rule, tuned for a scenario after an @, with parameters after colons; or a learned policy.

    A learned one goes by its name, or by the path of a .safetensors file, or of Stable-Baselines3's .zip
    when it is trusted: see :func:`springdrift_agents.load`.

    Raises:
        ValueError: an unknown name, scenario or parameter, or a value that is not a number, and what is
            allowed.

    >>> policy("threshold:error=0.5:cooldown=8").cooldown
    8.0
    >>> policy("cusum@mix") == policy("cusum")
    False
    >>> policy("periodic:evry=3")
    Traceback (most recent call last):
    ValueError: 'periodic' has no parameter 'evry'; it has: every
    """
    from springdrift_agents.policies import learned  # it builds on this module

    if spec in learned.shipped() or spec.endswith((learned.SUFFIX, ".zip")):
        return learned.load(spec, trust)
    head, *given = spec.split(":")
    name, at, scenario = head.partition("@")
    if name not in RULES:
        hint = did_you_mean(name, policy_names())
        raise ValueError(
            f"unknown policy {name!r}{hint} Allowed: {', '.join(policy_names())}, or a {learned.SUFFIX} file"
        )
    allowed = [field.name for field in fields(RULES[name])]
    values: dict[str, float] = {}
    if at:
        tuned = {place: rules[name] for place, rules in settings().items() if name in rules}
        if scenario not in tuned:
            raise ValueError(
                f"{name!r} is not tuned for {scenario!r}; it is for: {', '.join(tuned) or 'nothing'}"
            )
        values.update(tuned[scenario])
    for setting in given:
        key, _, value = setting.partition("=")
        if key not in allowed:
            raise ValueError(f"{name!r} has no parameter {key!r}; it has: {', '.join(allowed) or 'none'}")
        try:
            values[key] = float(value)
        except ValueError:
            raise ValueError(f"{name}:{key} must be a number, got {value!r}") from None
    return RULES[name](**values)


SETTINGS = Path(__file__).with_name("tuned.json")


@cache
def settings() -> dict[str, dict[str, dict[str, float]]]:
    """The tuned settings that ship: scenario, then rule, then parameter. ``springdrift tune`` writes them."""
    kept: dict[str, dict[str, dict[str, float]]] = json.loads(SETTINGS.read_text())["settings"]
    return kept
