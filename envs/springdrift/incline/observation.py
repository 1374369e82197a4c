"""The observation is one table. The Box, the docs, the rules and the plots all read it."""

from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

from springdrift.game.jit import inlined
from springdrift.incline.state import DRIFTING, HISTORY


class Sense(NamedTuple):
    """One number of an observation."""

    name: str
    low: float
    high: float
    unit: str
    meaning: str


class Table(tuple[Sense, ...]):
    """An ordered table of senses, each with a unique name.

    >>> OBS.index("swing")
    4
    >>> OBS.index("mood")
    Traceback (most recent call last):
    KeyError: "no 'mood' in the observation; it has: error, error_fast, error_slow, bias, swing, \
swing_change, correlation, push, override_effect, since_retrain, since_intervene, in_flight, \
model_age, fit_error, alarm, peak, level, time_left"
    """

    def index(self, name: Any, *_: Any) -> int:
        """Column of a name."""
        for column, sense in enumerate(self):
            if sense.name == name:
                return column
        raise KeyError(f"no {name!r} in the observation; it has: {', '.join(s.name for s in self)}")

    def box(self) -> "spaces.Box[Any]":
        """The observation space, shape (len(self),), float32."""
        low = np.array([sense.low for sense in self], np.float32)
        high = np.array([sense.high for sense in self], np.float32)
        return spaces.Box(low, high, dtype=np.float32)


ERROR_HALF = 0.25  # relative error that reads 0
AGE_HALF = 20.0  # cycles that read 1/2
_ONE, _ERROR_HALF, _AGE_HALF = np.float32(1.0), np.float32(ERROR_HALF), np.float32(AGE_HALF)

OBS = Table(
    (
        Sense("error", -1, 1, "tanh(ln(e/0.25)/2)", "rms forecast error e of the cycle, of the target rms"),
        Sense("error_fast", -1, 1, "the same", "its moving average over about 3 cycles"),
        Sense("error_slow", -1, 1, "the same", "its moving average over about 20 cycles"),
        Sense("bias", -1, 1, "b/(1+|b|)", "mean forecast error b of the cycle, in target amplitudes"),
        Sense("swing", -1, 1, "A/A* - 1", "measured amplitude against target; the gauge ends at 1"),
        Sense("swing_change", -1, 1, "of A*", "its change in the last cycle; the gauge ends at 1"),
        Sense("correlation", -1, 1, "1", "correlation of forecast and measurement over the cycle"),
        Sense("push", -1, 1, "of F0", "push of the controller (or the operator) in the cycle; minus brakes"),
        Sense("override_effect", -1, 1, "of A*", "change of swing in the last cycle of intervention"),
        Sense("since_retrain", 0, 1, "n/(n+20)", "cycles since retraining was last asked for"),
        Sense("since_intervene", 0, 1, "n/(n+20)", "cycles since the last intervention"),
        Sense("in_flight", 0, 1, "(n+1)/(latency+1)", "n cycles of training left; 0 when none is in flight"),
        Sense("model_age", 0, 1, "n/(n+20)", "cycles since the model was deployed"),
        Sense("fit_error", -1, 1, "tanh(ln(e/0.25)/2)", "error of the newest fit on its own window"),
        Sense("alarm", 0, 1, "s/(s+1)", "Page-Hinkley statistic s of the forecast error since deployment"),
        Sense(
            "peak", 0, 1, "1 - rms/peak", "how far one measurement stands out: 0 even, 0.65 a single outlier"
        ),
        Sense("level", -1, 1, "d/(1+|d|)", "measured level against commissioning, in target amplitudes"),
        Sense("time_left", 0, 1, "1", "share of the episode before the deadline"),
    )
)
SIGNALS = Table(
    tuple(
        Sense(f"{kind}_{HISTORY - n}_ago", -1, 1, unit, f"{what}, {HISTORY - n} before the next one")
        for kind, unit, what in (
            ("measured", "d/1.5 m", "measurement against the commissioning level"),
            ("forecast", "d/1.5 m", "forecast against the commissioning level"),
            ("force", "F/F0", "force asked of the magnet"),
        )
        for n in range(HISTORY)
    )
    + tuple(OBS[OBS.index(name)] for name in ("in_flight", "model_age", "time_left"))
)
_TRUE = (
    ("stiffness", "k/k0 - 1, a third of it"),
    ("friction", "mu/0.02 - 1"),
    ("tilt", "(tilt - 30 deg), rad, doubled"),
    ("magnet", "B - 1"),
    ("drive", "D/1 N"),
)
TRUTH = Table(
    tuple(OBS)
    + tuple(Sense(f"true_{name}", -1, 1, unit, f"true {name}; the gauge ends at 1") for name, unit in _TRUE)
    + (
        Sense("true_error", -1, 1, "as error", "true rms forecast error"),
        Sense("true_swing", -1, 1, "A/A* - 1", "true amplitude against target"),
        Sense("since_change", 0, 1, "n/(n+20)", "cycles since the world last changed; 1 before it does"),
    )
)
assert tuple(name for name, _ in _TRUE) == DRIFTING
OBSERVE = {"monitor": OBS, "signals": SIGNALS, "truth": TRUTH}


@inlined
def log_error(error: Any) -> Any:
    """(e - h)/(e + h) = tanh(ln(e/h)/2): the logarithm's shape, bounded, without a logarithm."""
    return (error - _ERROR_HALF) / (error + _ERROR_HALF)


@inlined
def age(cycles: Any) -> Any:
    return cycles / (cycles + _AGE_HALF)


@inlined
def bounded(value: Any) -> Any:
    return value / (_ONE + abs(value))


@inlined
def gauge(value: Any) -> Any:
    """An instrument that ends at 1 on either side."""
    return _ONE if value > _ONE else (-_ONE if value < -_ONE else value)
