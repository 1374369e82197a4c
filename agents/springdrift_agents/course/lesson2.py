"""Exercises of lesson 2: drift, and a hidden driver behind a foreign key."""

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift_agents.course import variants
from springdrift_agents.course.exercise import Case, Exercise, Wrong, function, given
from springdrift_agents.course.materials import STRANGERS

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


# ---------------------------------------------------------------- 2.4 and 2.5: queries

_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_STEPS, _LOOKS = 1000, 1000  # steps of SQLite between two looks at a query, and looks before it is stopped
_LONGEST, _ROWS = 10_000, 200  # bytes of a value, rows of an answer that are fetched

# cycles of three episodes: (cycle in which a driver comes into force, its id)
_REGIMES = (((0, 1), (9, 4), (21, 2)), ((0, 1), (14, 3), (22, 5)), ((0, 1), (6, 2), (16, 6)))
_REQUESTS = ((None, 9, 17), (None, 15), (None, 11, 15))  # of model versions 0, 1, ...
_DRIVERS = ((1, 0, 0.005), (2, 1, 0.005), (3, 2, 0.005), (4, 1, 0.008), (5, 0, 0.008), (6, 2, 0.008))
_CYCLES = 28


def hidden_database() -> sqlite3.Connection:
    """A small run file in memory, which can only be read; a query that takes too long is stopped."""
    from springdrift_agents.evaluation.tables import SCHEMA

    rng = np.random.default_rng(7)
    db = sqlite3.connect(":memory:")
    db.executescript(SCHEMA)
    db.execute("INSERT INTO runs VALUES (1, 'h', 'now', '{}')")
    db.execute("INSERT INTO parts VALUES (1, 1, 'recurring', 'threshold', NULL, '')")
    db.executemany(
        "INSERT INTO drivers VALUES (?, ?, ?, ?, 0.5, 1, 0)",
        [(place, key, 9.87 - 2.0 * key, friction) for place, key, friction in _DRIVERS],
    )
    width = len(db.execute("SELECT * FROM episodes").description)
    keys = {place: key for place, key, _ in _DRIVERS}
    for episode, (regimes, requests) in enumerate(zip(_REGIMES, _REQUESTS, strict=True), start=11):
        db.execute(
            f"INSERT INTO episodes VALUES ({', '.join('?' * width)})",
            (episode, 1, episode, *[0.0] * (width - 3)),
        )
        live = [0 if request is None else request + 3 for request in requests]
        for version, request in enumerate(requests):
            db.execute("INSERT INTO models VALUES (?, ?, ?, ?)", (episode, version, request, live[version]))
        for cycle in range(_CYCLES):
            driver = [place for start, place in regimes if start <= cycle][-1]
            version = sum(start <= cycle for start in live) - 1
            error = 0.1 + 0.6 * keys[driver] + rng.uniform(0.0, 0.5)
            db.execute(
                "INSERT INTO measurements VALUES (?, ?, ?, ?, ?, 0.3, 0.5, 0)",
                (episode, cycle, version, driver, float(error)),
            )
    db.commit()
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
    db.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY)
    looks = iter(range(_LOOKS))
    db.set_progress_handler(lambda: next(looks, None) is None, _STEPS)
    return db


Rows = list[tuple[Any, ...]]


def _found(query: str) -> Rows:
    """Rows of a query on the hidden database.

    Raises:
        sqlite3.Error: it is no query that can be run there.
    """
    db = hidden_database()
    try:
        return db.execute(query).fetchmany(_ROWS)
    finally:
        db.close()


def _rounded(rows: Rows, digits: int) -> Rows:
    return [(*row[:-1], round(row[-1], digits)) for row in rows]


def _same(one: Rows, other: Rows, within: float = 1e-3) -> bool:
    return len(one) == len(other) and all(
        len(a) == len(b) and all(_alike(x, y, within) for x, y in zip(a, b, strict=True))
        for a, b in zip(one, other, strict=True)
    )


def _alike(one: Any, other: Any, within: float) -> bool:
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return abs(one - other) <= within * max(1.0, abs(other))
    return bool(one == other)


_SAID = (
    ("not authorized", "only reading is allowed here: write one SELECT"),
    ("interrupted", "your query runs too long: is a JOIN without its ON, or a recursion without an end?"),
    ("one statement", "write one query only, with at most one semicolon at its end"),
    ("no such column: driver_key", "driver_key is a column of drivers, not of measurements: join the two"),
    ("no such column: error", "error is a column of measurements: is that table in your FROM or JOIN?"),
    ("ambiguous column name", "two of your tables have a column of that name: say which, as in drivers.id"),
    ("misuse of aggregate", "a mean or a count cannot stand in WHERE or ON: these look at single rows"),
)


def _query(answer: Any, right: str, mistakes: dict[str, str], hint: str) -> None:
    """Judge a query by its rows; ``mistakes`` holds hints by queries that are wrong in a known way."""
    given(answer)
    if not isinstance(answer, str):
        raise Wrong(f"expected a string with a query, got {type(answer).__name__}")
    if not answer.strip():
        raise Wrong("there is no answer yet: the string is empty")
    try:
        rows = _found(answer)
    except (sqlite3.Error, sqlite3.Warning, ValueError) as said:
        for text, meaning in _SAID:
            if text in str(said):
                raise Wrong(f"{meaning} (SQLite says: {said})") from None
        raise Wrong(f"SQLite says: {said}") from None
    wanted = _found(right)
    if _same(rows, wanted):
        return
    for mistaken, why in mistakes.items():
        if _same(rows, _found(mistaken)):
            raise Wrong(why)
    if any(_same(rows, _rounded(wanted, digits), 1e-9) for digits in range(3)):
        raise Wrong("the rows are right, but rounding loses what is asked: return the mean itself, unrounded")
    if not rows:
        raise Wrong("your query finds nothing at all: which condition is never met?")
    if len(rows[0]) != len(wanted[0]):
        raise Wrong(f"expected {len(wanted[0])} columns, your query returns {len(rows[0])}")
    for value in (value for row in rows for value in row):
        if value is None:
            raise Wrong("there is a NULL in your answer: a join or a subtraction met a missing value")
        if not isinstance(value, (int, float)):
            raise Wrong(f"expected numbers in every column, your query returns {value!r}")
    if len(rows) == len(wanted) and any(
        _same(sorted(columns), sorted(wanted)) for columns in _reordered(rows)
    ):
        raise Wrong(
            "the rows are in the wrong order: see ORDER BY"
            if _same(sorted(rows), sorted(wanted))
            else "the numbers are right, the columns are not in the order that was asked for"
        )
    if len(rows) != len(wanted):
        raise Wrong(
            f"expected {len(wanted)} rows from the hidden database, your query finds {len(rows)}: {hint}"
        )
    raise Wrong(hint)


def _reordered(rows: Rows) -> list[Rows]:
    orders = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    return [[tuple(row[place] for place in order) for row in rows] for order in orders]


_FROM = "FROM measurements m JOIN drivers d ON d.id = m.driver"
_BY_DRIVER = f"SELECT d.driver_key, count(*), avg(m.error) {_FROM} GROUP BY d.driver_key ORDER BY 3 DESC"


def _by_driver(answer: Any) -> None:
    _query(
        answer,
        _BY_DRIVER,
        {
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
        "join measurements with drivers ON drivers.id = measurements.driver, GROUP BY driver_key, and take "
        "count(*) and avg(error)",
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
    _query(
        answer,
        _match(),
        {
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
        "start from measurements; join the driver in force by measurements.driver; join, by episode and "
        "version, the query shown above as a table in brackets; then GROUP BY whether the two keys are equal",
    )


EXERCISES: tuple[Exercise, ...] = (
    Exercise("2.1", "culprits", "Who did it?", _named),
    Exercise("2.2", "workshop", "A world of your own", _world, points=2),
    Exercise("2.3", "first_lasting", "Does it last?", _lasts, points=2),
    Exercise("2.4", "error_by_driver", "Explain the error by the driver", _by_driver, points=2),
    Exercise("2.5", "error_by_match", "Explain the error by the mismatch", _by_match, points=3),
)
