"""The observation is one table. The Box, the docs, the rules, the plots and the kernels all read it."""

from typing import Any, NamedTuple, Self

import numpy as np
from gymnasium import spaces

from springdrift.game.jit import inlined


class Column(NamedTuple):
    """One number of an observation."""

    name: str
    low: float
    high: float
    unit: str
    meaning: str


class Table(tuple[Column, ...]):
    """An ordered table of columns, each with a unique name.

    >>> DASHBOARD.index("swing")
    4
    >>> DASHBOARD.index("mood")
    Traceback (most recent call last):
    KeyError: "no 'mood' in the observation; it has: error, error_fast, error_slow, bias, swing, \
swing_change, correlation, push, override_effect, since_retrain, since_intervene, in_flight, \
model_age, fit_error, alarm, peak, level, time_left"
    """

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self)

    def index(self, name: Any, *_: Any) -> int:
        """Place of the column of a name; raises KeyError where there is none, and says which there are."""
        for place, column in enumerate(self):
            if column.name == name:
                return place
        raise KeyError(f"no {name!r} in the observation; it has: {', '.join(self.names)}")

    def box(self) -> "spaces.Box[Any]":
        """The observation space, shape (len(self),), float32."""
        low = np.array([column.low for column in self], np.float32)
        high = np.array([column.high for column in self], np.float32)
        return spaces.Box(low, high, dtype=np.float32)

    def described(self, **columns: tuple[str, str]) -> Self:
        """The same table with other (unit, meaning) of some columns: what they mean in another world.

        >>> DASHBOARD.described(push=("1", "0 here: nothing pushes"))[7].meaning
        '0 here: nothing pushes'
        """
        for name in columns:
            self.index(name)
        return type(self)(
            column._replace(unit=columns[column.name][0], meaning=columns[column.name][1])
            if column.name in columns
            else column
            for column in self
        )


ERROR_HALF = 0.25  # relative error that reads 0
AGE_HALF = 20.0  # cycles that read 1/2
_ONE, _ERROR_HALF, _AGE_HALF = np.float32(1.0), np.float32(ERROR_HALF), np.float32(AGE_HALF)

DASHBOARD = Table(
    (
        Column("error", -1, 1, "tanh(ln(e/0.25)/2)", "rms forecast error e of the cycle, of the target rms"),
        Column("error_fast", -1, 1, "the same", "its moving average over about 3 cycles"),
        Column("error_slow", -1, 1, "the same", "its moving average over about 20 cycles"),
        Column("bias", -1, 1, "b/(1+|b|)", "mean forecast error b of the cycle, in target amplitudes"),
        Column("swing", -1, 1, "A/A* - 1", "measured amplitude against target; the gauge ends at 1"),
        Column("swing_change", -1, 1, "of A*", "its change in the last cycle; the gauge ends at 1"),
        Column("correlation", -1, 1, "1", "correlation of forecast and measurement over the cycle"),
        Column("push", -1, 1, "of F0", "push of the controller (or the operator) in the cycle; minus brakes"),
        Column("override_effect", -1, 1, "of A*", "change of swing in the last cycle of intervention"),
        Column("since_retrain", 0, 1, "n/(n+20)", "cycles since retraining was last asked for"),
        Column("since_intervene", 0, 1, "n/(n+20)", "cycles since the last intervention"),
        Column("in_flight", 0, 1, "(n+1)/(latency+1)", "n cycles of training left; 0 when none is in flight"),
        Column("model_age", 0, 1, "n/(n+20)", "cycles since the model was deployed"),
        Column("fit_error", -1, 1, "tanh(ln(e/0.25)/2)", "error of the newest fit on its own window"),
        Column("alarm", 0, 1, "s/(s+1)", "Page-Hinkley statistic s of the forecast error since deployment"),
        Column(
            "peak", 0, 1, "1 - rms/peak", "how far one measurement stands out: 0 even, 0.65 a single outlier"
        ),
        Column("level", -1, 1, "d/(1+|d|)", "measured level against commissioning, in target amplitudes"),
        Column("time_left", 0, 1, "1", "share of the episode before the deadline"),
    )
)
# what is seen beside it where versions can be fine-tuned and rolled back
VERSIONS = Table(
    (
        Column(
            "previous_error", -1, 1, "as error", "error that the version before would have had; 1 for none"
        ),
        Column("since_fine_tune", 0, 1, "n/(n+20)", "cycles since the last fine-tuning"),
        Column("since_rollback", 0, 1, "n/(n+20)", "cycles since the last rollback"),
    )
)


@inlined
def log_error(error: Any) -> Any:
    """(e - h)/(e + h) = tanh(ln(e/h)/2): the logarithm's shape, bounded, without a logarithm."""
    return (error - _ERROR_HALF) / (error + _ERROR_HALF)


@inlined
def age(cycles: Any) -> Any:
    """Cycles as a number from 0 to 1: half at 20."""
    return cycles / (cycles + _AGE_HALF)


@inlined
def bounded(value: Any) -> Any:
    """Any number as one from -1 to 1, in order."""
    return value / (_ONE + abs(value))


@inlined
def clip(value: Any) -> Any:
    """The number itself, held at 1 on either side."""
    return _ONE if value > _ONE else (-_ONE if value < -_ONE else value)
