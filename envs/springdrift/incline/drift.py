"""Drift laws: what moves which parameter, as data, and the plain numbers the kernel reads.

A law is a small frozen dataclass; laws compose in a scenario. :func:`plan_of` turns them into one
row of numbers. What an episode draws from them is a pure function of its seed, never of the agent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift.game import arguments
from springdrift.game.jit import inlined
from springdrift.incline.dynamics import Params
from springdrift.incline.state import DRIFTING, LIMITS

# What a scenario may set that no law moves: the integrator resolves it at 64 substeps a cycle.
STEADY = {
    "cubic": (-100.0, 100.0),  # N/m^3
    "damping": (0.0, 10.0),  # N s/m
    "drive_omega": (-25.0, 25.0),  # rad/s
}
FURTHEST = 3.5  # standard deviations; streams.normal never draws one further out
STRONGEST_KICK = 10.0  # m/s, ten times the speed of the target swing
WORST_OUTLIER = 5.0  # m, the sensor's whole range
DRIVER_ROWS = 8  # most rows of a driver table
MEMBERS = 32  # most members of a mixture


def _known(law: Any) -> str:
    """Name of a law and its parameter, for errors; raises ValueError where no law can move that."""
    kind, parameter = type(law).__name__, law.parameter
    if parameter not in DRIFTING:
        raise ValueError(f"no drift law can move {parameter!r}; allowed: {', '.join(DRIFTING)}")
    return f"{kind}({parameter!r})"


def _bounds(law: Any) -> float:
    """Width of a law's bounds; raises ValueError where they are empty or beyond what is allowed."""
    name = f"{_known(law)}.bounds"
    low, high = arguments.interval(name, law.bounds)
    floor, ceiling = LIMITS[law.parameter]
    if not floor <= low < high <= ceiling:
        raise ValueError(f"{name} must lie within [{floor:g}, {ceiling:g}], low < high, got {law.bounds!r}")
    return high - low


@dataclass(frozen=True)
class Walk:
    """Random walk, reflected at its bounds; ``step`` is its standard deviation a cycle.

    A step is at most 3.5 standard deviations long and must not pass both bounds at once. With a
    :class:`Trend` on the same parameter it is held at the bounds, not reflected.

    >>> Walk("stiffness", step=5.0, bounds=(5.0, 12.0))
    Traceback (most recent call last):
    ValueError: Walk('stiffness').step must be a number from 0 to 2 (the width of its bounds / 3.5), got 5.0
    """

    parameter: str
    step: float
    bounds: tuple[float, float]

    def __post_init__(self) -> None:
        width = _bounds(self)
        name = f"{_known(self)}.step"
        arguments.number(name, self.step, 0.0, width / FURTHEST, "(the width of its bounds / 3.5)")


@dataclass(frozen=True)
class Trend:
    """Linear trend with a rate a cycle drawn from ``rate``, held at its bounds.

    ``either_way`` draws its sign as well.
    """

    parameter: str
    rate: tuple[float, float]
    bounds: tuple[float, float]
    either_way: bool = False

    def __post_init__(self) -> None:
        width = _bounds(self)
        name = f"{_known(self)}.rate"
        for rate in arguments.interval(name, self.rate):
            arguments.number(name, rate, -width, width, "(the width of its bounds)")
        arguments.flag(f"{_known(self)}.either_way", self.either_way)


@dataclass(frozen=True)
class Jump:
    """At each change the parameter jumps to a uniform draw from ``bounds``, at least ``least`` away."""

    parameter: str
    bounds: tuple[float, float]
    least: float = 0.0

    def __post_init__(self) -> None:
        width = _bounds(self)
        arguments.number(
            f"{_known(self)}.least", self.least, 0.0, width / 2, "(half the width of its bounds)"
        )


@dataclass(frozen=True)
class Recurring:
    """At each change a hidden key moves to another row of the driver table, which sets parameters.

    ``rows[key]`` maps parameters to values: the table behind the foreign key ``driver_key``. Row 0 is in
    force at the start; what a row does not name stays as it is.
    """

    rows: tuple[dict[str, float], ...]

    def __post_init__(self) -> None:
        if not isinstance(self.rows, tuple) or not all(isinstance(row, dict) for row in self.rows):
            raise ValueError(
                f"Recurring.rows must be a tuple of dicts, parameter to value, got {self.rows!r}"
            )
        if not 2 <= len(self.rows) <= DRIVER_ROWS:
            raise ValueError(f"Recurring needs 2 to {DRIVER_ROWS} rows, got {len(self.rows)}")
        for key, row in enumerate(self.rows):
            for parameter, value in row.items():
                if parameter not in DRIFTING:
                    raise ValueError(f"no driver row can set {parameter!r}; allowed: {', '.join(DRIFTING)}")
                arguments.number(f"Recurring.rows[{key}][{parameter!r}]", value, *LIMITS[parameter])


@dataclass(frozen=True)
class Seasonal:
    """A sine of ``amplitude`` on top of the parameter, with a period in cycles and a random phase.

    All seasons of a scenario turn together: they share one period and one phase.
    """

    parameter: str
    amplitude: float
    period: float

    def __post_init__(self) -> None:
        name = _known(self)
        arguments.finite(f"{name}.amplitude", self.amplitude)
        arguments.number(f"{name}.period", self.period, 2, arguments.MOST, "cycles")


@dataclass(frozen=True)
class Shock:
    """Velocity kicks of random sign and half of ``size`` to ``size``, m/s, at ``rate`` a cycle."""

    rate: float
    size: float

    def __post_init__(self) -> None:
        arguments.number("Shock.rate", self.rate, 0, 1, "a cycle")
        arguments.number("Shock.size", self.size, 0, STRONGEST_KICK, "m/s")


@dataclass(frozen=True)
class Outlier:
    """In a share ``rate`` of the cycles one measurement is off by half of ``size`` to ``size``, m.

    The gauge still ends at -2 and 3 m.
    """

    rate: float
    size: float

    def __post_init__(self) -> None:
        arguments.number("Outlier.rate", self.rate, 0, 1, "a cycle")
        arguments.number("Outlier.size", self.size, 0, WORST_OUTLIER, "m")


@dataclass(frozen=True)
class Dropout:
    """From a random moment the sensor repeats its last value to the end of the cycle."""

    rate: float

    def __post_init__(self) -> None:
        arguments.number("Dropout.rate", self.rate, 0, 1, "a cycle")


Law = Walk | Trend | Jump | Recurring | Seasonal | Shock | Outlier | Dropout

_P = len(DRIFTING)
_PLAN = (
    *(("base", _P), ("walk", _P), ("trend_low", _P), ("trend_high", _P), ("either_way", _P)),
    *(("low", _P), ("high", _P), ("jump_low", _P), ("jump_high", _P), ("least", _P), ("season", _P)),
    *((name, 1) for name in ("season_period", "onset_low", "onset_high", "gap_low", "gap_high")),
    *((name, 1) for name in ("shock_rate", "shock_size", "outlier_rate", "outlier_size", "dropout_rate")),
    *((name, 1) for name in ("rows", "release_every", "cold_start", "cycles")),
    *((name, 1) for name in ("cubic", "damping", "noise", "drive_omega")),
    ("drivers", DRIVER_ROWS * _P),  # the driver table, row by row, nan where a row sets nothing
    ("members", MEMBERS),  # rows of the plans of a mixture's members, -1 behind the last
)
SLOTS: dict[str, int] = {}
_total = 0
for _name, _size in _PLAN:
    SLOTS[_name] = _total
    _total += _size
PLAN_SIZE = _total


def slot(name: str) -> int:
    """Place of a quantity in a plan; for a quantity per parameter, of its first."""
    return SLOTS[name]


def plan_of(
    params: Params,
    laws: Sequence[Law],
    onset: tuple[int, int],
    gap: tuple[int, int],
    **settings: float,
) -> NDArray[np.float64]:
    """The numbers the kernel reads of a scenario, shape (PLAN_SIZE,); its members are not among them yet."""
    plan = np.zeros(PLAN_SIZE)
    drivers = np.full((DRIVER_ROWS, _P), np.nan)

    def put(name: str, value: float, parameter: str | None = None) -> None:
        plan[slot(name) + (DRIFTING.index(parameter) if parameter else 0)] = value

    for parameter in DRIFTING:
        put("base", getattr(params, parameter), parameter)
        put("low", LIMITS[parameter][0], parameter)
        put("high", LIMITS[parameter][1], parameter)
        put("least", -1.0, parameter)  # no jump
    put("season_period", 2.0)
    for law in laws:
        match law:
            case Walk(parameter, step, (low, high)):
                put("walk", step, parameter)
                put("low", low, parameter)
                put("high", high, parameter)
            case Trend(parameter, (slow, fast), (low, high), either_way):
                put("trend_low", slow, parameter)
                put("trend_high", fast, parameter)
                put("either_way", either_way, parameter)
                put("low", low, parameter)
                put("high", high, parameter)
            case Jump(parameter, (low, high), least):
                put("jump_low", low, parameter)
                put("jump_high", high, parameter)
                put("least", least, parameter)
            case Recurring(rows):
                put("rows", len(rows))
                for key, row in enumerate(rows):
                    for parameter, value in row.items():
                        drivers[key, DRIFTING.index(parameter)] = value
            case Seasonal(parameter, amplitude, period):
                put("season", amplitude, parameter)
                put("season_period", period)
            case Shock(rate, size):
                put("shock_rate", rate)
                put("shock_size", size)
            case Outlier(rate, size):
                put("outlier_rate", rate)
                put("outlier_size", size)
            case Dropout(rate):
                put("dropout_rate", rate)
    for name, value in zip(("onset_low", "onset_high"), onset, strict=True):
        put(name, value)
    for name, value in zip(("gap_low", "gap_high"), gap, strict=True):
        put(name, value)
    put("cubic", params.cubic)
    put("damping", params.damping)
    put("drive_omega", params.drive_omega)
    for name, value in settings.items():
        put(name, value)
    plan[slot("drivers") : slot("drivers") + drivers.size] = drivers.ravel()
    plan[slot("members") : slot("members") + MEMBERS] = -1.0
    return plan


@inlined
def reflect(value: Any, low: Any, high: Any) -> Any:
    """Fold a value that stepped over a bound back inside; one fold is enough for a step below the width."""
    value = low + abs(value - low)
    return high - abs(high - value)


@inlined
def jump_to(draw: Any, now: Any, low: Any, high: Any, least: Any) -> Any:
    """A uniform draw from [low, high] less the points nearer than ``least`` to where the parameter is."""
    left = max(0.0, min(now - least, high) - low)
    right = max(0.0, high - max(now + least, low))
    place = draw * (left + right)
    return low + place if place < left else high - right + (place - left)
