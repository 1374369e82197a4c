"""Judging SQL by the rows that a query finds in a hidden database, which it can only read."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from springdrift_agents.course.exercise import Wrong, given

_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_STEPS, _LOOKS = 1000, 1000  # steps of SQLite between two looks at a query, and looks before it is stopped
_LONGEST, _ROWS = 10_000, 200  # bytes of a value, rows of an answer that are fetched

Rows = list[tuple[Any, ...]]
Database = Callable[[], sqlite3.Connection]


def read_only(db: sqlite3.Connection) -> sqlite3.Connection:
    """The same database, from now on to be read alone; a query that takes too long is stopped."""
    db.commit()
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
    db.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY)
    looks = iter(range(_LOOKS))
    db.set_progress_handler(lambda: next(looks, None) is None, _STEPS)
    return db


def _found(query: str, database: Database) -> Rows:
    """Rows of a query on a hidden database.

    Raises:
        sqlite3.Error: it is no query that can be run there.
    """
    db = database()
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


_SAID = {
    "not authorized": "only reading is allowed here: write one SELECT",
    "interrupted": "your query runs too long: is a JOIN without its ON, or a recursion without an end?",
    "one statement": "write one query only, with at most one semicolon at its end",
    "ambiguous column name": "two of your tables have a column of that name: say which, as in drivers.y",
    "misuse of aggregate": "a mean or a count cannot stand in WHERE or ON: these look at single rows",
}


def query(
    answer: Any,
    right: str,
    database: Database,
    *,
    mistakes: Mapping[str, str],
    columns: Mapping[str, str],
    hint: str,
) -> None:
    """Judge a query by its rows.

    Args:
        answer: the student's.
        right: a right one.
        database: makes the hidden database, with :func:`read_only`.
        mistakes: queries that are wrong in a known way, and what to say of each.
        columns: what to say where SQLite knows no column of a name.
        hint: for every other wrong query.
    """
    given(answer)
    if not isinstance(answer, str):
        raise Wrong(f"expected a string with a query, got {type(answer).__name__}")
    if not answer.strip():
        raise Wrong("there is no answer yet: the string is empty")
    try:
        rows = _found(answer, database)
    except (sqlite3.Error, sqlite3.Warning, ValueError) as said:
        unknown = {f"no such column: {name}": meaning for name, meaning in columns.items()}
        for text, meaning in {**unknown, **_SAID}.items():
            if text in str(said):
                raise Wrong(f"{meaning} (SQLite says: {said})") from None
        raise Wrong(f"SQLite says: {said}") from None
    wanted = _found(right, database)
    if _same(rows, wanted):
        return
    for mistaken, why in mistakes.items():
        if _same(rows, _found(mistaken, database)):
            raise Wrong(why)
    _compare(rows, wanted, hint)
    raise Wrong(hint)


def _compare(rows: Rows, wanted: Rows, hint: str) -> None:
    """Say in what the rows differ from those that were asked for, where that can be told."""
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
    if len(rows) == len(wanted) and any(_same(sorted(moved), sorted(wanted)) for moved in _reordered(rows)):
        raise Wrong(
            "the rows are in the wrong order: see ORDER BY"
            if _same(sorted(rows), sorted(wanted))
            else "the numbers are right, the columns are not in the order that was asked for"
        )
    if len(rows) != len(wanted):
        raise Wrong(
            f"expected {len(wanted)} rows from the hidden database, your query finds {len(rows)}: {hint}"
        )


def _reordered(rows: Rows) -> list[Rows]:
    orders = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    return [[tuple(row[place] for place in order) for row in rows] for order in orders]
