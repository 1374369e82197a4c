"""Scenarios of the series world: generated series as data."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from springdrift.game import arguments
from springdrift.game.plain import made, plain
from springdrift.series.costs import TOLERANCE
from springdrift.series.laws import (
    DRIVER_ROWS,
    LIMITS,
    PARAMETERS,
    USUAL,
    BadRelease,
    Chaos,
    Jump,
    Law,
    Missing,
    Outlier,
    Promotion,
    Recurring,
    Stuck,
    Trend,
    Walk,
)

NOISE = 0.07  # amplitudes of a season
MEMBERS = 32  # most members of a mixture
MOST_CYCLES = 100_000
MOST_PERIOD = 400  # samples a cycle
_OF_MEMBERS = (
    *("laws", "base", "noise", "onset", "gap", "cycles", "period", "long_period", "release_every"),
    *("tolerance", "cold_start"),
)


@dataclass(frozen=True)
class Scenario:
    """One kind of generated series.

    Laws compose, but each needs a place of its own: one Walk or Trend, Jump and Chaos for each parameter,
    one Recurring, Promotion, Outlier, Stuck, Missing and BadRelease. A mixture takes all it is from its
    members.

    Raises:
        ValueError: a field out of range, or laws that do not fit together, naming them and what is allowed.

    >>> Scenario("mine", "the season moves once", laws=(Jump("lag", (-0.2, 0.2), 0.1),), gap=(200, 200)).name
    'mine'
    """

    name: str
    summary: str
    laws: tuple[Law, ...] = ()
    remedy: str = ""  # what an operator who knew the truth would do
    base: tuple[tuple[str, float], ...] = ()  # parameters that are not as usual from the start
    noise: float = NOISE  # standard deviation of what no model can know, in amplitudes
    onset: tuple[int, int] = (15, 50)  # cycle in which drift begins, drawn once an episode
    gap: tuple[int, int] = (40, 90)  # cycles between abrupt changes
    cycles: int = 200  # the deadline; one cycle is one decision
    period: int = 24  # samples a cycle
    long_period: int = 7  # cycles of the longer season, 0 for none
    release_every: int = 0  # cycles between the slots in which a model can ship; 0 is any time
    tolerance: float = TOLERANCE  # the scale of errors, in usual errors of the commissioned model
    cold_start: bool = False  # no fitted model at the start, and nothing to fit one on
    members: tuple[str, ...] = ()  # a mixture: one of these, drawn for each episode

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"Scenario.name must be a text that is not empty, got {self.name!r}")
        for name in ("summary", "remedy"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"Scenario.{name} must be a text, got {getattr(self, name)!r}")
        for name in ("laws", "members", "base"):
            if not isinstance(getattr(self, name), tuple):
                raise ValueError(
                    f"Scenario.{name} must be a tuple, as (one,) is, got {getattr(self, name)!r}"
                )
        arguments.span("Scenario.onset", self.onset, 1, arguments.MOST)
        arguments.span("Scenario.gap", self.gap, 1, arguments.MOST)
        arguments.whole("Scenario.cycles", self.cycles, 1, MOST_CYCLES)
        arguments.whole("Scenario.period", self.period, 2, MOST_PERIOD)
        arguments.whole("Scenario.long_period", self.long_period, 0, 1000)
        arguments.whole("Scenario.release_every", self.release_every, 0, arguments.MOST)
        arguments.number("Scenario.tolerance", self.tolerance, 0.01, 1e6)
        arguments.flag("Scenario.cold_start", self.cold_start)
        arguments.number("Scenario.noise", self.noise, 0.0, 10.0, "amplitudes")
        for name, value in self.base:
            if name not in PARAMETERS:
                raise ValueError(f"Scenario.base has unknown {name!r}; allowed: {', '.join(PARAMETERS)}")
            arguments.number(f"Scenario.base[{name!r}]", value, *LIMITS[name])
        _check_laws(self.laws)
        self._check_members()

    def to_dict(self) -> dict[str, Any]:
        """The scenario as plain data: what JSON can hold, without what is as it would be anyway.

        >>> Scenario("mine", "", laws=(Promotion(0.1, 0.5),)).to_dict()
        {'name': 'mine', 'summary': '', 'laws': [{'law': 'Promotion', 'rate': 0.1, 'size': 0.5}]}
        """
        usual = Scenario(self.name, self.summary)
        found: dict[str, Any] = {"name": self.name, "summary": self.summary}
        for name in (one.name for one in fields(self)):
            value = getattr(self, name)
            if value != getattr(usual, name):
                laws = [{"law": type(law).__name__, **plain(law)} for law in self.laws]
                found[name] = laws if name == "laws" else plain(value)
        return found

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Scenario":
        """The scenario that :meth:`to_dict` wrote, from JSON as well.

        Raises:
            ValueError: a field or a law that there is not, and what a ``Scenario`` refuses.

        >>> Scenario.from_dict(GENERATED["compound"].to_dict()) == GENERATED["compound"]
        True
        """
        found = made(cls, {"summary": "", **data}, "a scenario", {"laws": _laws_of})
        assert isinstance(found, Scenario)
        return found

    def _check_members(self) -> None:
        if len(self.members) > MEMBERS:
            raise ValueError(f"Scenario.members holds at most {MEMBERS} names, got {len(self.members)}")
        for member in self.members:
            if not isinstance(member, str) or member == self.name:
                raise ValueError(f"Scenario.members must hold names of others, got {member!r}")
        if self.members:
            plain = Scenario(self.name, self.summary)
            for name in _OF_MEMBERS:
                if getattr(self, name) != getattr(plain, name):
                    raise ValueError(
                        f"Scenario.{name} of a mixture would never be used, got {getattr(self, name)!r}: "
                        "set it in the scenarios that are its members"
                    )


def _laws_of(data: Any) -> tuple[Law, ...]:
    """Laws from plain data; raises ValueError where there is no such law, or it refuses its numbers."""
    kinds = {kind.__name__: kind for kind in get_args(Law)}
    laws = []
    for one in data:
        if not isinstance(one, Mapping) or one.get("law") not in kinds:
            raise ValueError(
                f"a law as plain data is a mapping with 'law', one of {', '.join(kinds)}, got {one!r}"
            )
        rest = {name: value for name, value in one.items() if name != "law"}
        laws.append(made(kinds[one["law"]], rest, one["law"], {}))
    return tuple(laws)


def _check_laws(laws: tuple[Law, ...]) -> None:
    taken: set[tuple[str, str]] = set()
    for law in laws:
        if not isinstance(law, Law):
            raise ValueError(f"Scenario.laws must hold laws of the series world, got {law!r}")
        kind = "Walk or Trend" if isinstance(law, Walk | Trend) else type(law).__name__
        place = kind, getattr(law, "parameter", "")
        if place in taken:
            about = f" on {place[1]!r}" if place[1] else ""
            raise ValueError(f"Scenario.laws has two laws of one place: {kind}{about}")
        taken.add(place)


class Plans(NamedTuple):
    """The numbers that the generator reads of S scenarios; a row each."""

    base: NDArray[np.float64]  # (S, P), as the other tables of a number a parameter
    walk: NDArray[np.float64]
    trend: NDArray[np.float64]  # (S, P, 2), lowest and highest rate
    either_way: NDArray[np.float64]
    bounds: NDArray[np.float64]  # (S, P, 2)
    jump: NDArray[np.float64]  # (S, P, 3), lowest, highest, least; least is -1 where nothing jumps
    chaos: NDArray[np.float64]
    drivers: NDArray[np.float64]  # (S, DRIVER_ROWS, P), nan where a row sets nothing
    rows: NDArray[np.int64]  # (S,) rows of the driver table
    spoilt: NDArray[np.float64]  # (S, 6): promotion rate and size, outlier rate and size, stuck, missing
    timing: NDArray[np.int64]  # (S, 4): onset and gap, lowest and highest
    noise: NDArray[np.float64]  # (S,)
    bad_release: NDArray[np.float64]  # (S,) share of deployments that go wrong


def plans_of(scenarios: tuple[Scenario, ...]) -> Plans:
    """The plans of some scenarios, row by row."""
    count, p = len(scenarios), len(PARAMETERS)
    plans = Plans(
        *(np.zeros((count, p)), np.zeros((count, p)), np.zeros((count, p, 2)), np.zeros((count, p))),
        *(np.zeros((count, p, 2)), np.zeros((count, p, 3)), np.zeros((count, p))),
        *(np.full((count, DRIVER_ROWS, p), np.nan), np.zeros(count, np.int64), np.zeros((count, 6))),
        *(np.zeros((count, 4), np.int64), np.zeros(count), np.zeros(count)),
    )
    for row, scenario in enumerate(scenarios):
        usual = {**USUAL, **dict(scenario.base)}
        plans.base[row] = [usual[name] for name in PARAMETERS]
        plans.bounds[row] = [LIMITS[name] for name in PARAMETERS]
        plans.jump[row, :, 2] = -1.0
        plans.timing[row] = (*scenario.onset, *scenario.gap)
        plans.noise[row] = scenario.noise
        for law in scenario.laws:
            _put(plans, row, law)
    return plans


def _put(plans: Plans, row: int, law: Law) -> None:
    place = PARAMETERS.index(getattr(law, "parameter", PARAMETERS[0]))
    match law:
        case Walk(_, step, bounds):
            plans.walk[row, place], plans.bounds[row, place] = step, bounds
        case Trend(_, rate, bounds, either_way):
            plans.trend[row, place], plans.bounds[row, place] = rate, bounds
            plans.either_way[row, place] = either_way
        case Jump(_, bounds, least):
            plans.jump[row, place] = (*bounds, least)
        case Chaos(_, size):
            plans.chaos[row, place] = size
        case Recurring(rows):
            plans.rows[row] = len(rows)
            for key, values in enumerate(rows):
                for name, value in values.items():
                    plans.drivers[row, key, PARAMETERS.index(name)] = value
        case Promotion(rate, size):
            plans.spoilt[row, 0:2] = rate, size
        case Outlier(rate, size):
            plans.spoilt[row, 2:4] = rate, size
        case Stuck(rate):
            plans.spoilt[row, 4] = rate
        case Missing(rate):
            plans.spoilt[row, 5] = rate
        case BadRelease(rate):
            plans.bad_release[row] = rate
        case _:
            raise TypeError(f"expected a law of the series world, got {law!r}")


_JUMPS = (Jump("lag", (-0.4, 0.4), 0.2), Jump("shape", (0.0, 0.8), 0.2))
_WALKS = (Walk("lag", 0.012, (-0.3, 0.3)), Walk("amplitude", 0.02, (0.5, 1.6)))

_AWAY = {"effect": 0.0, "lag": 0.0}

_ALL = (
    Scenario("stationary", "nothing drifts", remedy="leave the model alone"),
    Scenario("gradual", "the season's phase and amplitude walk", _WALKS, "retrain, again and again"),
    Scenario("abrupt", "the season's phase and shape jump", _JUMPS, "override until a new model is there"),
    Scenario(
        "recurring",
        "a hidden key cycles through driver rows",
        (
            Recurring(
                (
                    {"lag": 0.0, "effect": 0.0, "amplitude": 1.0},
                    {"lag": 0.1, "effect": 0.5, "amplitude": 1.0},
                    {"lag": -0.1, "effect": 0.0, "amplitude": 1.4},
                    {"lag": 0.15, "effect": -0.5, "amplitude": 0.8},
                )
            ),
        ),
        "retrain after each change",
    ),
    Scenario(
        "tilt",
        "the level creeps, under a meter that throws outliers: its error shows the meter more than the drift",
        (Trend("level", (0.008, 0.02), (-10.0, 10.0), either_way=True), Outlier(0.7, 6.0)),
        "retrain by the calendar",
    ),
    Scenario(
        "shock",
        "promotion days: look like drift, are not",
        (Promotion(0.05, 1.2),),
        "wait: it passes",
    ),
    Scenario(
        "faulty-sensor",
        "outliers, a stuck meter and missing values: look like drift, are not",
        (Outlier(0.05, 4.0), Stuck(0.04), Missing(0.05)),
        "wait; never train on a spoilt window",
    ),
    Scenario(
        "driver",
        "a hidden driver comes for some days, seldom, and goes as it came",
        (Recurring((_AWAY, _AWAY, _AWAY, {"effect": 2.0, "lag": 0.15})),),
        "override while it is there: a model fitted on a visit is of no use after it",
        gap=(4, 8),
        tolerance=5.0,
    ),
    Scenario(
        "compound",
        "many at once: the season walks and jumps, the level creeps, promotions, outliers",
        (
            Walk("amplitude", 0.008, (0.5, 1.6)),
            *_JUMPS,
            Trend("level", (0.0, 0.015), (-10.0, 10.0), either_way=True),
            Promotion(0.02, 1.0),
            Outlier(0.02, 3.0),
        ),
        "tell the causes apart",
    ),
    Scenario(
        "chaos",
        "the season's amplitude turns chaotic: error that no retraining removes",
        (Chaos("amplitude", 0.6),),
        "wait: neither retraining nor the baseline helps",
    ),
    Scenario(
        "poc",
        "a cold start and a short deadline: no fitted model, little data, no time",
        (),
        "gather just enough data, train, use what time is left",
        cycles=40,
        cold_start=True,
    ),
    Scenario(
        "release-train",
        "the season jumps, and a new model ships only at fixed release slots",
        _JUMPS,
        "time the request to the slot; override while waiting",
        release_every=10,
    ),
)
_MIX = Scenario(
    "mix",
    "one of the others, drawn for each episode and not announced",
    remedy="tell them apart",
    members=tuple(scenario.name for scenario in _ALL),
)
GENERATED: dict[str, Scenario] = {scenario.name: scenario for scenario in (*_ALL, _MIX)}
# names of the incline that have no counterpart here, and why
NO_COUNTERPART = {
    "wear": "friction takes energy from a swing; a series that is only forecast has none to lose",
    "fade": "an actuator weakens; here the forecast is the only actuator",
}
