"""Exercises of lesson 2: drift, and a hidden driver behind a foreign key."""

import re
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift_agents.course import variants
from springdrift_agents.course.databases import hidden_runs, hidden_series
from springdrift_agents.course.exercise import Case, Exercise, Wrong, function, given
from springdrift_agents.course.materials import STRANGERS
from springdrift_agents.course.queries import query

Floats = NDArray[np.float64]

# ---------------------------------------------------------------- 2.1

_SUSPECTS = ("abrupt", "gradual", "wear", "shock", "faulty-sensor")
_CLUES = {
    "A": "look at its error: is the model wrong at all? And what becomes of the swing?",
    "B": "its error changes its level at once and keeps it for a long time",
    "C": "how long does each rise of its error last, and how does the swing take it?",
    "D": "when did it happen? Is there a moment at which the error takes a step?",
}


def _named(answer: Any) -> None:
    given(answer)
    if isinstance(answer, np.ndarray):
        answer = answer.tolist()
    if isinstance(answer, dict):
        answer = [answer.get(letter, answer.get(letter.lower())) for letter in STRANGERS]
    if isinstance(answer, str) or not isinstance(answer, Sequence):
        raise Wrong(f"expected a list of four names, got {type(answer).__name__}")
    if len(answer) != len(STRANGERS):
        raise Wrong(f"expected four names, for A, B, C and D, got {len(answer)}")
    names = [re.sub("[ _]", "-", name.strip().lower()) if isinstance(name, str) else name for name in answer]
    for name in names:
        if not isinstance(name, str) or name not in _SUSPECTS:
            raise Wrong(f"expected names out of {', '.join(map(repr, _SUSPECTS))}, got {name!r}")
    for letter, name in zip(STRANGERS, names, strict=True):
        if name != STRANGERS[letter][0]:
            raise Wrong(f"{letter} is someone else: {_CLUES[letter]}")


# ---------------------------------------------------------------- 2.2


def _world(answer: Any) -> None:
    from springdrift import Jump, Params, Scenario, Trend

    given(answer)
    if isinstance(answer, type) or not isinstance(answer, Scenario):
        raise Wrong(f"expected a springdrift.Scenario, got {type(answer).__name__}")
    jumps = [law for law in answer.laws if isinstance(law, Jump)]
    trends = [law for law in answer.laws if isinstance(law, Trend)]
    if len(answer.laws) != 2 or len(jumps) != 1 or len(trends) != 1:
        raise Wrong(
            "it takes two laws: one for what changes at once, one for what grows steadily; "
            f"yours has: {', '.join(type(law).__name__ for law in answer.laws) or 'none'}"
        )
    jump, trend = jumps[0], trends[0]
    least, cycles = (variants.given("2.2")[name] for name in ("least", "cycles"))
    if (jump.parameter, trend.parameter) == ("friction", "stiffness"):
        raise Wrong("which of the two jumps, and which grows? You have them the other way round")
    if jump.parameter != "stiffness" or trend.parameter != "friction":
        raise Wrong("the laws move the wrong parameter: stiffness jumps, friction grows")
    if not np.allclose(jump.bounds, (6.0, 15.0)):
        raise Wrong(f"the stiffness jumps to a value from 6 to 15 N/m, yours to {jump.bounds}")
    if not np.isclose(jump.least, least):
        raise Wrong(f"a jump is at least {least} N/m; yours may be as small as {jump.least}: see Jump.least")
    if trend.either_way:
        raise Wrong("with either_way the friction shrinks in half of the episodes; here it grows")
    if not np.allclose(trend.rate, (5e-5, 1e-4), rtol=1e-3, atol=0):
        raise Wrong(f"the friction grows by 0.00005 to 0.0001 a cycle, yours by {trend.rate}")
    if not np.isclose(trend.bounds[1], 0.03):
        raise Wrong(f"the friction never exceeds 0.03, yours never {trend.bounds[1]}: see Trend.bounds")
    for name, right, meaning in (
        ("onset", (20, 30), "the drift begins in a cycle from 20 to 30"),
        ("gap", (50, 70), "abrupt changes are 50 to 70 cycles apart"),
    ):
        if tuple(getattr(answer, name)) != right:
            raise Wrong(f"{meaning}; your {name} is {tuple(getattr(answer, name))}")
    if answer.cycles != cycles:
        raise Wrong(
            f"the episode ends after {cycles} cycles, yours after {answer.cycles}: see Scenario.cycles"
        )
    usual = Scenario("usual", "")
    for name, meaning in (
        ("noise", "of the noise of a measurement nothing was said"),
        ("release_every", "a model can ship at any time"),
        ("cold_start", "the machine starts with a fitted model"),
    ):
        if getattr(answer, name) != getattr(usual, name):
            raise Wrong(
                f"{meaning}: leave {name} at {getattr(usual, name)}, yours is {getattr(answer, name)}"
            )
    for field in fields(Params):
        mine, own = getattr(answer.params, field.name), getattr(usual.params, field.name)
        if mine != own:
            raise Wrong(
                f"the machine itself is the usual one: leave params.{field.name} at {own}, yours is {mine}"
            )


# ---------------------------------------------------------------- 2.3


def lasting(errors: Floats, limit: float, run: int) -> int:
    """First cycle that ends ``run`` cycles in a row above ``limit``; -1 if there is none."""
    streak = 0
    for cycle, error in enumerate(errors):
        streak = streak + 1 if error > limit else 0
        if streak == run:
            return cycle
    return -1


def _counting_all(errors: Floats, limit: float, run: int) -> int:
    above = np.flatnonzero(errors > limit)
    return int(above[run - 1]) if len(above) >= run else -1


def _start_of_run(errors: Floats, limit: float, run: int) -> int:
    end = lasting(errors, limit, run)
    return end - run + 1 if end >= 0 else -1


_ERRORS = (
    [0.1, 0.9, 0.1, 0.8, 0.9, 0.1, 0.7, 0.9, 1.1, 1.2, 0.2],
    [0.5, 0.6, 0.5, 0.6, 0.7, 0.8, 0.9],
    [0.9, 0.1, 0.9, 0.1, 0.9, 0.1],
    [0.2, 1.4, 1.5, 0.2, 0.3],
    [1.0, 1.0, 1.0, 0.1],
)
_LIMITS = ((0.6, 3), (0.5, 4), (0.5, 3), (0.5, 2), (0.5, 1))
_PATIENT = [
    Case((np.array(errors), limit, run), lasting(np.array(errors), limit, run))
    for errors, (limit, run) in zip(_ERRORS, _LIMITS, strict=True)
]


def _lasts(answer: Any) -> None:
    function(
        answer,
        _PATIENT,
        within=1e-9,
        mistakes={
            "in a row: a cycle below the limit starts the count anew": _counting_all,
            "that is where the run begins; the alarm can only sound where it is complete": _start_of_run,
            "above the limit, not at it": lambda e, limit, run: lasting(e, limit - 1e-9, run),
            "that is the first cycle above the limit, without any patience": lambda e, limit, run: lasting(
                e, limit, 1
            ),
            "one cycle too late: the alarm sounds in the last cycle of the run, not after it": (
                lambda e, limit, run: lasting(e, limit, run) + (lasting(e, limit, run) >= 0)
            ),
            "that takes one cycle in a row too many": lambda e, limit, run: lasting(e, limit, run + 1),
            "cycles are counted from 0": lambda e, limit, run: lasting(e, limit, run) + 1,
            "the last lasting run, not the first": lambda e, limit, run: _last(e, limit, run),
        },
        hint="keep a count: one more in a cycle above the limit, back to 0 in any other; the answer is the "
        "cycle in which the count reaches run",
    )


def _last(errors: Floats, limit: float, run: int) -> int:
    ends = [n for n in range(run - 1, len(errors)) if (errors[n - run + 1 : n + 1] > limit).all()]
    return ends[-1] if ends else -1


# ---------------------------------------------------------------- 2.4 and 2.5

_COLUMNS = {
    "driver_key": "driver_key is a column of drivers, not of measurements: join the two",
    "error": "error is a column of measurements: is that table in your FROM or JOIN?",
}
_FROM = "FROM measurements m JOIN drivers d ON d.id = m.driver"
_BY_DRIVER = f"SELECT d.driver_key, count(*), avg(m.error) {_FROM} GROUP BY d.driver_key ORDER BY 3 DESC"


def _by_driver(answer: Any) -> None:
    query(
        answer,
        _BY_DRIVER,
        hidden_runs,
        columns=_COLUMNS,
        mistakes={
            f"SELECT d.driver_key, count(*), avg(m.error) {_FROM} GROUP BY d.id ORDER BY 3 DESC": (
                "you group by the rows of drivers; a key may have several of them: group by driver_key"
            ),
            "SELECT driver, count(*), avg(error) FROM measurements GROUP BY driver ORDER BY 3 DESC": (
                "the column driver is the foreign key, the number of a row; the driver_key stands in that "
                "row of drivers: follow it with a JOIN"
            ),
            "SELECT driver_key, count(*), avg(error) FROM measurements, drivers GROUP BY 1 ORDER BY 3 DESC": (
                "every cycle was paired with every driver: the JOIN lacks its ON"
            ),
            f"SELECT d.driver_key, count(*), sum(m.error) {_FROM} GROUP BY d.driver_key ORDER BY 3 DESC": (
                "that is the sum of the errors, which grows with the number of cycles: take the mean"
            ),
            "SELECT d.driver_key, count(*), avg(m.error) FROM measurements m JOIN drivers d "
            "ON d.driver_key = m.driver GROUP BY d.driver_key ORDER BY 3 DESC": (
                "the foreign key points to drivers.id, not to driver_key"
            ),
            f"SELECT driver_key, count(DISTINCT d.id), avg(error) {_FROM} GROUP BY 1 ORDER BY 3 DESC": (
                "that counts rows of drivers; the cycles are the rows of measurements"
            ),
            f"SELECT d.driver_key, count(*), max(m.error) {_FROM} GROUP BY d.driver_key ORDER BY 3 DESC": (
                "that is the largest error, not the mean"
            ),
            f"SELECT d.driver_key, count(*), avg(m.error) {_FROM}": (
                "that is one mean over everything: what says that you want one row for each key?"
            ),
        },
        hint="join measurements with drivers ON drivers.id = measurements.driver, GROUP BY driver_key, and "
        "take count(*) and avg(error)",
    )


def _match(
    where: str = "models.episode = m.episode AND models.version = m.model_version",
    fitted: str = "w.episode = models.episode AND w.cycle = coalesce(models.requested - 1, 0)",
    same: str = "was.driver_key = d.driver_key",
    what: str = "avg(m.error)",
    order: str = "1",
) -> str:
    return (
        f"SELECT {same}, count(*), {what} {_FROM} JOIN models ON {where} JOIN measurements w ON {fitted} "
        f"JOIN drivers was ON was.id = w.driver GROUP BY 1 ORDER BY {order}"
    )


def _by_match(answer: Any) -> None:
    query(
        answer,
        _match(),
        hidden_runs,
        columns=_COLUMNS,
        mistakes={
            _match(order="1 DESC"): "the row with 0 comes first",
            _match(same="was.driver_key <> d.driver_key"): (
                "0 and 1 are the wrong way round: 1 stands for the same driver_key"
            ),
            _match(same="was.id = d.id"): (
                "you compare rows of drivers; two rows may have the same driver_key: compare the keys"
            ),
            _match(where="models.version = m.model_version"): (
                "each episode has a model with that version: join by episode and version"
            ),
            _match(where="models.episode = m.episode"): (
                "each cycle was paired with all models of its episode; model_version tells which was at work"
            ),
            _match(fitted="w.cycle = coalesce(models.requested - 1, 0)"): (
                "the cycle before the request was looked up in every episode: it must be the model's own"
            ),
            _match(fitted="w.episode = models.episode AND w.cycle = models.requested - 1"): (
                "the models without a request are gone: what is NULL - 1, and what does coalesce do?"
            ),
            _match(fitted="w.episode = models.episode AND w.cycle = coalesce(models.requested, 0)"): (
                "in the cycle of its request a model is already fitted: it learnt from the cycles before"
            ),
            _match(fitted="w.episode = models.episode AND w.cycle = models.deployed"): (
                "that is the driver when the model went to work; it was fitted earlier, before its request"
            ),
            _match(fitted="w.episode = models.episode AND w.cycle = max(models.deployed - 1, 0)"): (
                "that is the driver when the model went to work; it was fitted earlier, before its request"
            ),
            _match(what="sum(m.error)"): "that is the sum of the errors: take the mean",
            _BY_DRIVER: "that is the answer to exercise 2.4: now the model at work comes in",
        },
        hint="start from measurements; join the driver in force by measurements.driver; join, by episode and "
        "version, the query shown above as a table in brackets; then GROUP BY whether the two keys are equal",
    )


# ---------------------------------------------------------------- 2.6


def _mean_day(
    days: int,
    *,
    on: str = "d.series_id = m.series_id AND d.driver_key = m.driver_key",
    where: str = "m.t >= 24 * {}",
    group: str = "d.effect",
    hour: str = "m.t % 24",
    what: str = "avg(m.y)",
    order: str = "1, 2",
    more: str = "",
) -> str:
    return (
        f"SELECT {group}, {hour}, {what} FROM measurements m JOIN drivers d ON {on} {more} "
        f"WHERE {where.format(days)} GROUP BY {group}, {hour} ORDER BY {order}"
    )


def _by_effect(answer: Any) -> None:
    days = variants.given("2.6")["days"]
    query(
        answer,
        _mean_day(days),
        hidden_series,
        columns={
            "effect": "effect is a column of drivers, not of measurements: join the two",
            "y": "y is a column of measurements: is that table in your FROM or JOIN?",
            "hour": "there is no column of hours: it is `t % 24`",
        },
        mistakes={
            _mean_day(days, on="d.driver_key = m.driver_key"): (
                "a driver is known by two columns: the same key means another driver in another series, so "
                "join by series_id and driver_key"
            ),
            _mean_day(days, on="d.series_id = m.series_id"): (
                "every measurement was paired with all drivers of its series: driver_key tells which"
            ),
            _mean_day(days, on="1"): "every measurement was paired with every driver: the JOIN lacks its ON",
            _mean_day(days, group="d.driver_key"): (
                "you group by the key; several keys may have the same effect: group by the effect"
            ),
            _mean_day(days, group="m.series_id"): "you group by the series: group by the effect",
            _mean_day(days, where="m.t >= 0"): f"the first {days} days are still in it: see WHERE",
            _mean_day(days, where="m.t >= {}"): f"t counts hours: {days} days are 24 times as many",
            _mean_day(
                days, where="m.t > 24 * {}"
            ): "the days begin with hour 0: t may be as small as 24 * days",
            _mean_day(days, where="m.t < 24 * {}"): f"that is the first {days} days: they are to be left out",
            _mean_day(days, hour="m.t / 24"): "t / 24 numbers the days; the hour is the remainder, t % 24",
            _mean_day(days, hour="m.t % 24 + 1"): "hours are counted from 0",
            _mean_day(
                days, what="sum(m.y)"
            ): "that is the sum, which grows with the number of days: take the mean",
            _mean_day(days, what="sum(m.y) / count(*)"): (
                "count(*) counts it, too: a missing measurement is taken for a zero; avg(y) leaves it out"
            ),
            _mean_day(
                days, what="avg(r.y)", more="JOIN truth r ON r.series_id = m.series_id AND r.t = m.t"
            ): ("truth.y is what nobody measured: take measurements.y"),
            _mean_day(days, order="2, 1"): "sorted by the effect first, and by the hour within",
        },
        hint="join measurements with drivers by series_id and driver_key, leave the first days out with "
        "WHERE, GROUP BY effect and t % 24, and take avg(y)",
    )


EXERCISES: tuple[Exercise, ...] = (
    Exercise("2.1", "culprits", "Who did it?", _named),
    Exercise("2.2", "workshop", "A world of your own", _world, points=2),
    Exercise("2.3", "first_lasting", "Does it last?", _lasts, points=2),
    Exercise("2.4", "error_by_driver", "Explain the error by the driver", _by_driver, points=2),
    Exercise("2.5", "error_by_match", "Explain the error by the mismatch", _by_match, points=3),
    Exercise("2.6", "mean_day", "The key of a series", _by_effect, points=2),
)
