"""Drift laws: what moves which parameter, as data.

A law is a small frozen dataclass; laws compose in a scenario. Each says what it checks, where it may take a
parameter, and which numbers of a plan it writes; ``kernel/drift.py`` reads those. What an episode draws from
them is a pure function of its seed, never of the agent.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

from springdrift.game import arguments
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

LAWS: "dict[str, type[Law]]" = {}  # every law there is, by name; one's own are among them


class Number(NamedTuple):
    """A number of a plan, or as many as ``size``, and what it is where no law writes it."""

    size: int = 1
    default: float = 0.0


EACH = Number(len(DRIFTING))  # one for each parameter that can drift


class Put(Protocol):
    """Writes a number into a plan: of a parameter where it has one for each, in a row of the driver table."""

    def __call__(self, name: str, value: float, parameter: str | None = None, row: int = 0) -> None: ...


class Law(ABC):
    """Something that moves a parameter, kicks the mass or spoils a measurement.

    A law is a frozen dataclass that checks its own numbers when it is made. One of your own derives from
    this: it must :meth:`write`, and says in the other methods what there is to check beside other laws.
    """

    numbers: ClassVar[Mapping[str, Number]] = {}  # of a plan, that the kernel reads for this law

    def __init_subclass__(cls) -> None:
        LAWS[cls.__name__] = cls

    @abstractmethod
    def write(self, put: Put) -> None:
        """Write what the kernel reads of the law."""

    def check_machine(self, params: Params) -> None:  # noqa: B027
        """Raises ValueError where it does not fit how the machine starts."""

    def check_beside(self, other: "Law") -> None:  # noqa: B027
        """Raises ValueError where it does not fit another law; asked of both of a pair."""

    def bounds_of(self, parameter: str) -> tuple[float, float] | None:
        """Within which it keeps a parameter; None where it does not."""
        return None

    def places(self, parameter: str) -> Mapping[str, tuple[float, float]]:
        """Where else it may put a parameter, from lowest to highest, by what an error calls it."""
        return {}

    def adds(self, parameter: str) -> Mapping[str, float]:
        """How far it carries a parameter beyond that, to either side, by what an error calls it."""
        return {}


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


def _put_bounds(law: Any, put: Put) -> None:
    """Where the kernel holds a parameter that walks or trends."""
    put("low", law.bounds[0], law.parameter)
    put("high", law.bounds[1], law.parameter)


@dataclass(frozen=True)
class Walk(Law):
    """Random walk, reflected at its bounds; ``step`` is its standard deviation a cycle.

    A step is at most 3.5 standard deviations long and must not pass both bounds at once. With a
    :class:`Trend` on the same parameter it is held at the bounds, not reflected.

    >>> Walk("stiffness", step=5.0, bounds=(5.0, 12.0))
    Traceback (most recent call last):
    ValueError: Walk('stiffness').step must be a number from 0 to 2 (the width of its bounds / 3.5), got 5.0
    """

    numbers: ClassVar = {"walk": EACH}

    parameter: str
    step: float
    bounds: tuple[float, float]

    def __post_init__(self) -> None:
        width = _bounds(self)
        name = f"{_known(self)}.step"
        arguments.number(name, self.step, 0.0, width / FURTHEST, "(the width of its bounds / 3.5)")

    def bounds_of(self, parameter: str) -> tuple[float, float] | None:
        return self.bounds if parameter == self.parameter else None

    def write(self, put: Put) -> None:
        put("walk", self.step, self.parameter)
        _put_bounds(self, put)


@dataclass(frozen=True)
class Trend(Law):
    """Linear trend with a rate a cycle drawn from ``rate``, held at its bounds.

    ``either_way`` draws its sign as well.
    """

    numbers: ClassVar = {"trend_low": EACH, "trend_high": EACH, "either_way": EACH}

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

    def check_beside(self, other: Law) -> None:
        if isinstance(other, Walk) and other.parameter == self.parameter and other.bounds != self.bounds:
            raise ValueError(
                f"Scenario.laws: the Walk and the Trend on {self.parameter} have bounds {other.bounds} and "
                f"{self.bounds}; they must be the same"
            )

    def bounds_of(self, parameter: str) -> tuple[float, float] | None:
        return self.bounds if parameter == self.parameter else None

    def write(self, put: Put) -> None:
        put("trend_low", self.rate[0], self.parameter)
        put("trend_high", self.rate[1], self.parameter)
        put("either_way", self.either_way, self.parameter)
        _put_bounds(self, put)


@dataclass(frozen=True)
class Jump(Law):
    """At each change the parameter jumps to a uniform draw from ``bounds``, at least ``least`` away."""

    numbers: ClassVar = {"jump_low": EACH, "jump_high": EACH, "least": EACH._replace(default=-1.0)}  # no jump

    parameter: str
    bounds: tuple[float, float]
    least: float = 0.0

    def __post_init__(self) -> None:
        width = _bounds(self)
        arguments.number(
            f"{_known(self)}.least", self.least, 0.0, width / 2, "(half the width of its bounds)"
        )

    def places(self, parameter: str) -> Mapping[str, tuple[float, float]]:
        name = f"Jump({parameter!r}).bounds = {self.bounds}"
        return {name: self.bounds} if parameter == self.parameter else {}

    def write(self, put: Put) -> None:
        put("jump_low", self.bounds[0], self.parameter)
        put("jump_high", self.bounds[1], self.parameter)
        put("least", self.least, self.parameter)


@dataclass(frozen=True)
class Recurring(Law):
    """At each change a hidden key moves to another row of the driver table, which sets parameters.

    ``rows[key]`` maps parameters to values: the table behind the foreign key ``driver_key``. Row 0 is in
    force at the start; what a row does not name stays as it is.
    """

    numbers: ClassVar = {
        "rows": Number(),
        "drivers": Number(DRIVER_ROWS * len(DRIFTING), math.nan),  # row by row, nan where a row sets nothing
    }

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

    def check_machine(self, params: Params) -> None:
        for parameter, value in self.rows[0].items():
            start = getattr(params, parameter)
            if value != start:
                raise ValueError(
                    f"Recurring.rows[0] sets {parameter} to {value} and is in force at the start, but "
                    f"Scenario.params.{parameter} is {start}; they must be the same"
                )

    def check_beside(self, other: Law) -> None:
        if isinstance(other, Jump) and any(other.parameter in row for row in self.rows):
            raise ValueError(
                f"Scenario.laws: Jump and Recurring both set {other.parameter} at a change: the driver row "
                "would overwrite the jump"
            )

    def places(self, parameter: str) -> Mapping[str, tuple[float, float]]:
        values = [row[parameter] for row in self.rows if parameter in row]
        return {f"a driver row's {parameter} = {value}": (value, value) for value in values}

    def write(self, put: Put) -> None:
        put("rows", len(self.rows))
        for key, row in enumerate(self.rows):
            for parameter, value in row.items():
                put("drivers", value, parameter, key)


@dataclass(frozen=True)
class Seasonal(Law):
    """A sine of ``amplitude`` on top of the parameter, with a period in cycles and a random phase.

    All seasons of a scenario turn together: they share one period and one phase.
    """

    numbers: ClassVar = {"season": EACH, "season_period": Number(default=2.0)}

    parameter: str
    amplitude: float
    period: float

    def __post_init__(self) -> None:
        name = _known(self)
        arguments.finite(f"{name}.amplitude", self.amplitude)
        arguments.number(f"{name}.period", self.period, 2, arguments.MOST, "cycles")

    def check_beside(self, other: Law) -> None:
        if isinstance(other, Seasonal) and other.period != self.period:
            raise ValueError(
                f"Scenario.laws: the seasons on {self.parameter} and {other.parameter} have periods "
                f"{self.period} and {other.period}; all seasons of a scenario share one period"
            )

    def adds(self, parameter: str) -> Mapping[str, float]:
        name = f"Seasonal({parameter!r}).amplitude"
        return {name: abs(self.amplitude)} if parameter == self.parameter else {}

    def write(self, put: Put) -> None:
        put("season", self.amplitude, self.parameter)
        put("season_period", self.period)


@dataclass(frozen=True)
class Shock(Law):
    """Velocity kicks of random sign and half of ``size`` to ``size``, m/s, at ``rate`` a cycle."""

    numbers: ClassVar = {"shock_rate": Number(), "shock_size": Number()}

    rate: float
    size: float

    def __post_init__(self) -> None:
        arguments.number("Shock.rate", self.rate, 0, 1, "a cycle")
        arguments.number("Shock.size", self.size, 0, STRONGEST_KICK, "m/s")

    def write(self, put: Put) -> None:
        put("shock_rate", self.rate)
        put("shock_size", self.size)


@dataclass(frozen=True)
class Outlier(Law):
    """In a share ``rate`` of the cycles one measurement is off by half of ``size`` to ``size``, m.

    The gauge still ends at -2 and 3 m.
    """

    numbers: ClassVar = {"outlier_rate": Number(), "outlier_size": Number()}

    rate: float
    size: float

    def __post_init__(self) -> None:
        arguments.number("Outlier.rate", self.rate, 0, 1, "a cycle")
        arguments.number("Outlier.size", self.size, 0, WORST_OUTLIER, "m")

    def write(self, put: Put) -> None:
        put("outlier_rate", self.rate)
        put("outlier_size", self.size)


@dataclass(frozen=True)
class Dropout(Law):
    """From a random moment the sensor repeats its last value to the end of the cycle."""

    numbers: ClassVar = {"dropout_rate": Number()}

    rate: float

    def __post_init__(self) -> None:
        arguments.number("Dropout.rate", self.rate, 0, 1, "a cycle")

    def write(self, put: Put) -> None:
        put("dropout_rate", self.rate)


@dataclass(frozen=True)
class BadRelease(Law):
    """A share ``rate`` of the deployments goes wrong: what is served is not what was fitted.

    The fit looks right; the forecasts of the version are damped by a seventh. The next deployment is another
    draw.
    """

    numbers: ClassVar = {"bad_release": Number()}

    rate: float

    def __post_init__(self) -> None:
        arguments.number("BadRelease.rate", self.rate, 0, 1, "a deployment")

    def write(self, put: Put) -> None:
        put("bad_release", self.rate)
