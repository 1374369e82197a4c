"""Laws of the series world: what moves which parameter of a generated series, and what spoils it, as data."""

from dataclasses import dataclass
from typing import Any

from springdrift.game import arguments

# What a law can move, its value where nothing moves it, and what it may reach.
PARAMETERS = ("level", "amplitude", "shape", "lag", "long", "effect", "noise")
USUAL = {"level": 0.0, "amplitude": 1.0, "shape": 0.0, "lag": 0.0, "long": 0.3, "effect": 0.0, "noise": 1.0}
LIMITS = {
    "level": (-50.0, 50.0),  # in amplitudes of an undisturbed season
    "amplitude": (0.0, 5.0),
    "shape": (-1.0, 2.0),  # 0: one peak a cycle; 1: two
    "lag": (-0.5, 0.5),  # of a cycle
    "long": (-2.0, 2.0),  # amplitude of the longer season
    "effect": (-5.0, 5.0),  # of the hidden driver: a bump late in the cycle
    "noise": (0.1, 10.0),  # factor
}
FURTHEST = 3.5  # standard deviations; streams.normal never draws one further out
DRIVER_ROWS = 8  # most rows of a driver table
LARGEST = 20.0  # of a promotion or an outlier, in amplitudes


def _known(law: Any) -> str:
    """Name of a law and its parameter, for errors; raises ValueError where no law can move that."""
    kind, parameter = type(law).__name__, law.parameter
    if parameter not in PARAMETERS:
        raise ValueError(
            f"no law of the series world can move {parameter!r}; allowed: {', '.join(PARAMETERS)}"
        )
    return f"{kind}({parameter!r})"


def _width(law: Any) -> float:
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

    >>> Walk("lag", step=1.0, bounds=(-0.2, 0.2))
    Traceback (most recent call last):
    ValueError: Walk('lag').step must be a number from 0 to 0.114286 (the width of its bounds / 3.5), got 1.0
    """

    parameter: str
    step: float
    bounds: tuple[float, float]

    def __post_init__(self) -> None:
        width = _width(self)
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
        width = _width(self)
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
        name = f"{_known(self)}.least"
        arguments.number(name, self.least, 0.0, _width(self) / 2, "(half the width of its bounds)")


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
                if parameter not in PARAMETERS:
                    raise ValueError(f"no driver row can set {parameter!r}; allowed: {', '.join(PARAMETERS)}")
                arguments.number(f"Recurring.rows[{key}][{parameter!r}]", value, *LIMITS[parameter])


@dataclass(frozen=True)
class Chaos:
    """From the onset on, the parameter is off by -``size`` to ``size``, as the logistic map goes.

    Each cycle's value follows from the last one's, but not by any line: its autocorrelation is zero, so
    no model that is linear in the past finds anything in it.
    """

    parameter: str
    size: float

    def __post_init__(self) -> None:
        low, high = LIMITS[self.parameter] if _known(self) else (0.0, 0.0)
        arguments.number(f"{_known(self)}.size", self.size, 0.0, (high - low) / 2)


@dataclass(frozen=True)
class Promotion:
    """In a share ``rate`` of the cycles the whole cycle is higher, or lower, by half of ``size`` to ``size``.

    It really happens, it is gone in the next cycle, and it is not drift.
    """

    rate: float
    size: float

    def __post_init__(self) -> None:
        arguments.number("Promotion.rate", self.rate, 0, 1, "a cycle")
        arguments.number("Promotion.size", self.size, 0, LARGEST, "amplitudes")


@dataclass(frozen=True)
class Outlier:
    """In a share ``rate`` of the cycles one measurement is off by half of ``size`` to ``size``."""

    rate: float
    size: float

    def __post_init__(self) -> None:
        arguments.number("Outlier.rate", self.rate, 0, 1, "a cycle")
        arguments.number("Outlier.size", self.size, 0, LARGEST, "amplitudes")


@dataclass(frozen=True)
class Stuck:
    """From a random moment of the cycle the meter repeats its last value to the end of the cycle."""

    rate: float

    def __post_init__(self) -> None:
        arguments.number("Stuck.rate", self.rate, 0, 1, "a cycle")


@dataclass(frozen=True)
class Missing:
    """From a random moment on, a quarter of a cycle is not measured; it is filled from the cycle before."""

    rate: float

    def __post_init__(self) -> None:
        arguments.number("Missing.rate", self.rate, 0, 1, "a cycle")


@dataclass(frozen=True)
class BadRelease:
    """A share ``rate`` of the deployments goes wrong: what is served is not what was fitted.

    The fit looks right; the forecasts of the version are damped by half. The next deployment is another draw.
    """

    rate: float

    def __post_init__(self) -> None:
        arguments.number("BadRelease.rate", self.rate, 0, 1, "a deployment")


Law = Walk | Trend | Jump | Recurring | Chaos | Promotion | Outlier | Stuck | Missing | BadRelease
