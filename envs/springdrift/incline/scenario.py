"""Scenarios: worlds as data. Everything that lists scenarios loops over ``SCENARIOS``."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift.game import arguments
from springdrift.game.plain import made, plain
from springdrift.incline.composition import check_laws, check_params
from springdrift.incline.drift import (
    LAWS,
    Dropout,
    Jump,
    Law,
    Outlier,
    Recurring,
    Seasonal,
    Shock,
    Trend,
    Walk,
)
from springdrift.incline.dynamics import Params
from springdrift.incline.plan import MOST_MEMBERS, SLOTS, plan_of

K = float(np.pi**2)  # N/m, stiffness for a period of one cycle
NOISE = 0.006  # m
LOUDEST = 1.0  # m, noise in which a swing of 0.3 m is lost
_OF_MEMBERS = ("params", "laws", "noise", "onset", "gap", "cycles", "release_every", "cold_start")


@dataclass(frozen=True)
class Scenario:
    """One kind of world.

    Laws compose, but each needs a place of its own: one Walk, Trend, Jump and Seasonal for each parameter,
    one Recurring, Shock, Outlier and Dropout. All seasons share one period; a Walk and a Trend on one
    parameter share their bounds; and wherever laws may take a parameter, season included, lies within
    ``springdrift.incline.drift.LIMITS``. A mixture takes all it is from its members.

    Raises:
        ValueError: a field out of range, or laws that do not fit together, naming them and what is allowed.

    >>> Scenario("mine", "stiffness jumps once", laws=(Jump("stiffness", (6.0, 15.0)),), gap=(200, 200)).name
    'mine'
    """

    name: str
    summary: str
    laws: tuple[Law, ...] = ()
    remedy: str = ""  # what an operator who knew the truth would do
    params: Params = field(default_factory=Params)
    noise: float = NOISE  # m, standard deviation of a measurement
    onset: tuple[int, int] = (15, 50)  # cycle in which drift begins, drawn once an episode
    gap: tuple[int, int] = (40, 90)  # cycles between abrupt changes
    cycles: int = 200  # the deadline; one cycle is one decision
    release_every: int = 0  # cycles between the slots in which a model can ship; 0 is any time
    cold_start: bool = False  # no fitted model and no recorded history at the start
    members: "tuple[str | Scenario, ...]" = ()  # a mixture: one of these, drawn for each episode

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"Scenario.name must be a text that is not empty, got {self.name!r}")
        for name in ("summary", "remedy"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"Scenario.{name} must be a text, got {getattr(self, name)!r}")
        for name in ("laws", "members"):
            if not isinstance(getattr(self, name), tuple):
                raise ValueError(
                    f"Scenario.{name} must be a tuple, as (one,) is, got {getattr(self, name)!r}"
                )
        arguments.span("Scenario.onset", self.onset, 1, arguments.MOST)
        arguments.span("Scenario.gap", self.gap, 1, arguments.MOST)
        arguments.whole("Scenario.cycles", self.cycles, 1, arguments.MOST)
        arguments.whole("Scenario.release_every", self.release_every, 0, arguments.MOST)
        arguments.flag("Scenario.cold_start", self.cold_start)
        arguments.number("Scenario.noise", self.noise, 0.0, LOUDEST, "m")
        check_params(self.params)
        check_laws(self.params, self.laws)
        self.plan()  # every law writes what the kernel reads
        self._check_members()

    def _check_members(self) -> None:
        if len(self.members) > MOST_MEMBERS:
            raise ValueError(f"Scenario.members holds at most {MOST_MEMBERS} names, got {len(self.members)}")
        own: dict[str, Scenario] = {}
        for member in self.members:
            if not isinstance(member, str | Scenario):
                raise ValueError(f"Scenario.members must hold names or Scenarios, got {member!r}")
            name = member if isinstance(member, str) else member.name
            if name == self.name:
                raise ValueError(f"Scenario.members of {name!r} holds {name!r} itself")
            if isinstance(member, Scenario) and own.setdefault(name, member) != member:
                raise ValueError(f"Scenario.members holds two different scenarios named {name!r}")
        if self.members:
            plain = Scenario(self.name, self.summary)
            for name in _OF_MEMBERS:
                if getattr(self, name) != getattr(plain, name):
                    raise ValueError(
                        f"Scenario.{name} of a mixture would never be used, got {getattr(self, name)!r}: "
                        "set it in the scenarios that are its members"
                    )

    def to_dict(self) -> dict[str, Any]:
        """The scenario as plain data: what JSON can hold, without what is as it would be anyway.

        >>> Scenario("mine", "", laws=(Shock(0.1, 0.5),)).to_dict()
        {'name': 'mine', 'summary': '', 'laws': [{'law': 'Shock', 'rate': 0.1, 'size': 0.5}]}
        """
        usual, found = Scenario(self.name, self.summary), {"name": self.name, "summary": self.summary}
        for name in (one.name for one in fields(self)):
            value = getattr(self, name)
            if value != getattr(usual, name):
                found[name] = _TO_PLAIN.get(name, plain)(value)
        return found

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Scenario":
        """The scenario that :meth:`to_dict` wrote, from JSON as well.

        Raises:
            ValueError: a field or a law that there is not, and what a ``Scenario`` refuses.

        >>> Scenario.from_dict(SCENARIOS["compound"].to_dict()) == SCENARIOS["compound"]
        True
        >>> Scenario.from_dict({"name": "mine", "sumary": ""})
        Traceback (most recent call last):
        ValueError: unknown field 'sumary' of a scenario; did you mean 'summary'? Allowed: name, summary, \
laws, remedy, params, noise, onset, gap, cycles, release_every, cold_start, members
        """
        if not isinstance(data, Mapping):
            raise ValueError(f"a scenario as plain data must be a mapping of field to value, got {data!r}")
        found = made(cls, {"summary": "", **data}, "a scenario", _FROM_PLAIN)
        assert isinstance(found, Scenario)
        return found

    def plan(self, cycles: int | None = None) -> NDArray[np.float64]:
        """The numbers the kernel reads, without the members."""
        return plan_of(
            self.params,
            self.laws,
            self.onset,
            self.gap,
            cycles=self.cycles if cycles is None else cycles,
            release_every=self.release_every,
            cold_start=self.cold_start,
            noise=self.noise,
        )


def _laws_of(data: Any) -> tuple[Law, ...]:
    laws = []
    for one in data:
        if not isinstance(one, Mapping) or one.get("law") not in LAWS:
            raise ValueError(
                f"a law as plain data is a mapping with 'law', one of {', '.join(LAWS)}, got {one!r}"
            )
        rest = {name: value for name, value in one.items() if name != "law"}
        laws.append(made(LAWS[one["law"]], rest, one["law"], {}))
    return tuple(laws)


def _members_of(data: Any) -> "tuple[str | Scenario, ...]":
    return tuple(one if isinstance(one, str) else Scenario.from_dict(one) for one in data)


_TO_PLAIN: dict[str, Any] = {
    "laws": lambda laws: [{"law": type(law).__name__, **plain(law)} for law in laws],
    "params": lambda params: {
        name: value for name, value in asdict(params).items() if value != getattr(Params(), name)
    },
}


_FROM_PLAIN: dict[str, Any] = {
    "laws": _laws_of,
    "members": _members_of,
    "params": lambda data: made(Params, data, "a scenario's params", {}),
}


_STIFF = Walk("stiffness", 0.35, (5.0, 17.0))
_DRIVERS = Recurring(
    (
        {"stiffness": K, "tilt": np.pi / 6},
        {"stiffness": 0.6 * K, "tilt": 0.50},
        {"stiffness": 1.6 * K, "tilt": 0.56},
        {"stiffness": 0.8 * K, "tilt": 0.44},
    )
)

# Sprott's two-well oscillator, x'' + 0.25 x' - x + x^3 = 0.4 cos t, with lengths in units of 0.3 m and
# times in units of 0.45 s, on a level table.
_LENGTH, _TIME = 0.3, 0.45
_TWO_WELLS = Params(
    tilt=0.0,
    stiffness=-1 / _TIME**2,
    cubic=1 / (_TIME * _LENGTH) ** 2,
    damping=0.25 / _TIME,
    friction=0.0,
    drive=0.4 * _LENGTH / _TIME**2,
    drive_omega=1 / _TIME,
)

_ALL = (
    Scenario("stationary", "nothing drifts", remedy="leave the model alone"),
    Scenario("gradual", "the spring's stiffness walks at random", (_STIFF,), "retrain, again and again"),
    Scenario(
        "abrupt",
        "the stiffness jumps",
        (Jump("stiffness", (5.5, 16.5), 2.5),),
        "wait for a clean window, retrain once",
    ),
    Scenario(
        "recurring", "a hidden key cycles through driver rows", (_DRIVERS,), "retrain after each change"
    ),
    Scenario(
        "wear",
        "friction grows past what the controller can make up",
        (Trend("friction", (0.7e-4, 1.2e-4), (0.0, 0.028)),),
        "intervene when the swing sags; retraining cures nothing",
    ),
    Scenario(
        "tilt",
        "the incline creeps: level and trend, with a season",
        (Trend("tilt", (0.0008, 0.002), (0.3, 0.9), either_way=True), Seasonal("tilt", 0.01, 40)),
        "retrain now and then",
    ),
    Scenario(
        "fade",
        "the electromagnet weakens",
        (Trend("magnet", (-0.006, -0.0035), (0.12, 1.0)),),
        "retrain little; intervene once the controller is too weak",
    ),
    Scenario("shock", "kicks: looks like drift, is not", (Shock(0.04, 0.25),), "wait: it passes"),
    Scenario(
        "faulty-sensor",
        "outliers and a freezing sensor: looks like drift, is not",
        (Outlier(0.06, 0.3), Dropout(0.02)),
        "wait; never train on a spoilt window",
    ),
    Scenario(
        "driver",
        "an unseen periodic force comes and goes",
        (Recurring(({"drive": 0.0}, {"drive": 1.0})),),
        "wait: the force is not in the model's reach, and it goes as it came",
        params=Params(drive_omega=1.6),
        gap=(25, 60),
    ),
    Scenario(
        "compound",
        "many at once: stiffness jumps and walks, friction grows, the incline creeps, kicks, outliers",
        (
            replace(_STIFF, step=0.08),
            Jump("stiffness", (6.0, 15.0), 2.0),
            Trend("friction", (0.2e-4, 0.6e-4), (0.0, 0.028)),
            Trend("tilt", (0.0, 0.001), (0.3, 0.9), either_way=True),
            Shock(0.02, 0.2),
            Outlier(0.02, 0.3),
        ),
        "tell the causes apart",
    ),
    Scenario(
        "chaos",
        "a snap-through spring, driven: error that no retraining removes",
        (),
        "wait: neither retraining nor pushing helps",
        params=_TWO_WELLS,
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
        "the stiffness jumps, and a new model ships only at fixed release slots",
        (Jump("stiffness", (5.5, 16.5), 2.5),),
        "time the request to the slot; intervene while waiting",
        release_every=10,
    ),
)
_MIX = Scenario(
    "mix",
    "one of the others, drawn for each episode and not announced",
    remedy="tell them apart",
    members=tuple(scenario.name for scenario in _ALL),
)
SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in (*_ALL, _MIX)}


class ScenarioTable(NamedTuple):
    """Scenarios as the kernel reads them: their names and their plans (S, PLAN_SIZE)."""

    names: tuple[str, ...]
    plans: NDArray[np.float64]
    scenarios: tuple[Scenario, ...]
    known: Mapping[str, Scenario]  # that a name can stand for

    def row(self, scenario: "str | Scenario") -> int:
        """Row of a scenario, by its name or itself.

        Raises:
            ValueError: it is not in the table.
        """
        if isinstance(scenario, str) and scenario in self.names:
            return self.names.index(scenario)
        chosen = resolve(scenario, self.known)
        if chosen not in self.scenarios:
            other = "another one of that name is among them" if chosen.name in self.names else "allowed"
            raise ValueError(
                f"scenario {chosen.name!r} is not among this env's ({other}: {', '.join(self.names)}); "
                "pass it when the env is made"
            )
        return self.scenarios.index(chosen)


def resolve(scenario: Any, known: Mapping[str, Scenario] = SCENARIOS) -> Scenario:
    """The scenario of a name among those ``known``, the one passed, or the one that plain data describes.

    >>> resolve("abrubt")
    Traceback (most recent call last):
    ValueError: unknown scenario 'abrubt'; did you mean 'abrupt'? Allowed: stationary, gradual, abrupt, \
recurring, wear, tilt, fade, shock, faulty-sensor, driver, compound, chaos, poc, release-train, mix, \
or a springdrift.Scenario
    """
    if isinstance(scenario, Scenario):
        return scenario
    if isinstance(scenario, Mapping):
        return Scenario.from_dict(scenario)
    if isinstance(scenario, str) and scenario in known:
        return known[scenario]
    hint = arguments.did_you_mean(scenario, known)
    raise ValueError(
        f"unknown scenario {scenario!r}{hint} Allowed: {', '.join(known)}, or a springdrift.Scenario"
    )


def tabulate(
    extra: Scenario, cycles: int | None = None, known: Mapping[str, Scenario] = SCENARIOS
) -> ScenarioTable:
    """All scenarios ``known``, with ``extra`` and members of its own behind them.

    ``cycles`` replaces every scenario's deadline.
    """
    own = [member for member in extra.members if isinstance(member, Scenario)]
    table = {**known, **{scenario.name: scenario for scenario in (*own, extra)}}
    names = tuple(table)
    plans = np.array([scenario.plan(cycles) for scenario in table.values()])
    for row, scenario in enumerate(table.values()):
        for place, one in enumerate(scenario.members or (scenario.name,)):
            member = one.name if isinstance(one, Scenario) else one
            if member not in names:
                raise ValueError(
                    f"scenario {scenario.name!r} has unknown member {member!r}; allowed: {', '.join(names)}"
                )
            if member != scenario.name and table[member].members:
                raise ValueError(f"scenario {scenario.name!r} has the mixture {member!r} as a member")
            plans[row, SLOTS["members"] + place] = names.index(member)
    return ScenarioTable(names, plans, tuple(table.values()), known)
