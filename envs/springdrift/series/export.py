"""A series as tables that refer to each other: measurements, the hidden drivers behind a key, and the truth.

``measurements(series_id, t, y, driver_key)`` refers to ``drivers(series_id, driver_key, ...)``: a JOIN finds
what moved the series. ``truth(series_id, t, y, what)`` says what really happened and what became of each
measurement. Written as SQLite with enforced foreign keys, as CSV, or as Parquet.
"""

import contextlib
import csv
import os
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np

from springdrift.series.generator import KEY, LAST_CHANGE, Drawn, draw
from springdrift.series.laws import PARAMETERS
from springdrift.series.recording import Recording
from springdrift.series.scenario import Scenario

WHAT = ("fine", "outlier", "stuck", "missing")
FORMATS = ("sqlite", "csv", "parquet")
Table = tuple[tuple[str, ...], list[tuple[Any, ...]]]  # columns and rows

SCHEMA = f"""
CREATE TABLE series (
    series_id INTEGER PRIMARY KEY, name TEXT NOT NULL, period INTEGER NOT NULL, long_period INTEGER NOT NULL,
    unit TEXT NOT NULL, interval TEXT NOT NULL, source TEXT NOT NULL, licence TEXT NOT NULL
) STRICT;
CREATE TABLE drivers (
    series_id INTEGER NOT NULL REFERENCES series, driver_key INTEGER NOT NULL,
    {", ".join(f'"{name}" REAL' for name in PARAMETERS)}, since INTEGER,
    PRIMARY KEY (series_id, driver_key)
) STRICT;
CREATE TABLE measurements (
    series_id INTEGER NOT NULL REFERENCES series, t INTEGER NOT NULL, y REAL, driver_key INTEGER NOT NULL,
    PRIMARY KEY (series_id, t), FOREIGN KEY (series_id, driver_key) REFERENCES drivers
) STRICT;
CREATE TABLE truth (
    series_id INTEGER NOT NULL, t INTEGER NOT NULL, y REAL NOT NULL, what TEXT NOT NULL,
    PRIMARY KEY (series_id, t), FOREIGN KEY (series_id, t) REFERENCES measurements
) STRICT;
"""


def _drivers(drawn: Drawn, scenario: Scenario) -> tuple[np.ndarray[Any, Any], list[tuple[Any, ...]]]:
    """The driver's key in force in each cycle, (N,), and a row for each key.

    Where laws cycle through a driver table its keys are these; else each stretch between two abrupt
    changes has a key of its own. A parameter that walks or creeps is given as it was on average.
    """
    truth = drawn.truth
    recurring = len(np.unique(truth[:, KEY])) > 1
    stretches = np.unique(truth[:, LAST_CHANGE], return_inverse=True)[1]
    keys = truth[:, KEY].astype(np.int64) if recurring else stretches.astype(np.int64)
    rows = []
    for key in np.unique(keys):
        mine = keys == key
        means = truth[mine, : len(PARAMETERS)].astype(np.float64).mean(0)
        first = int(np.flatnonzero(mine)[0]) * scenario.period
        rows.append((0, int(key), *(round(float(value), 6) for value in means), first))
    return keys, rows


def tables_of(
    source: Scenario | Recording, seed: int = 0, episode: int = 0, cycles: int | None = None
) -> dict[str, Table]:
    """The tables of a series by name, each with its columns and rows; what holds a key comes before.

    Args:
        source: a recording, or a generated scenario that is no mixture.
        seed: of the generated series.
        episode: of that seed.
        cycles: of the generated series, its history aside; None leaves it to the scenario.

    Raises:
        ValueError: a mixture.

    >>> from springdrift.series.scenario import GENERATED
    >>> found = tables_of(GENERATED["recurring"], seed=1)
    >>> {name: len(rows) for name, (columns, rows) in found.items()}
    {'series': 1, 'drivers': 2, 'measurements': 5352, 'truth': 5352}
    """
    columns = ("series_id", "name", "period", "long_period", "unit", "interval", "source", "licence")
    if isinstance(source, Recording):
        keys, drivers = np.zeros(source.length, np.int64), [(0, 0, *[None] * len(PARAMETERS), None)]
        y, seen, flags = source.y, source.seen, np.zeros(source.y.shape, np.uint8)
        about = (source.name, source.period, source.long_period, source.unit, source.interval)
        origin = (source.source, source.licence)
    else:
        if source.members:
            raise ValueError(f"{source.name!r} is a mixture: take one of {', '.join(source.members)}")
        drawn = draw(source, seed, episode, cycles)
        keys, drivers = _drivers(drawn, source)
        y, seen, flags = drawn.y, drawn.seen, drawn.flags
        about = (source.name, source.period, source.long_period, "amplitudes", "hour")
        origin = (f"generated: scenario {source.name}, seed {seed}, episode {episode}", "MIT")
    each, said = np.repeat(keys, source.period).tolist(), seen.astype(np.float64).ravel().tolist()
    what = [WHAT[flag] for flag in flags.ravel().tolist()]
    measured = [None if kind == "missing" else value for value, kind in zip(said, what, strict=True)]
    count = len(said)
    return {
        "series": (columns, [(0, *about, *origin)]),
        "drivers": (("series_id", "driver_key", *PARAMETERS, "since"), drivers),
        "measurements": (
            ("series_id", "t", "y", "driver_key"),
            list(zip([0] * count, range(count), measured, each, strict=True)),
        ),
        "truth": (
            ("series_id", "t", "y", "what"),
            list(zip([0] * count, range(count), y.astype(np.float64).ravel().tolist(), what, strict=True)),
        ),
    }


def export(tables: dict[str, Table], path: str | os.PathLike[str], form: str = "sqlite") -> list[Path]:
    """Write tables to a file (SQLite) or to a folder of one file a table (CSV, Parquet); whole or not at all.

    Returns:
        The files written.

    Raises:
        ValueError: an unknown form.
        FileExistsError: there is something at the path already.
        ImportError: Parquet without pyarrow.
    """
    if form not in FORMATS:
        raise ValueError(f"unknown format {form!r}; allowed: {', '.join(FORMATS)}")
    goal = Path(path)
    if goal.exists():
        raise FileExistsError(f"{goal} is there already: choose another path, or remove it first")
    part = goal.with_name(f"{goal.name}.{os.getpid()}.part")
    try:
        if form == "sqlite":
            goal.parent.mkdir(parents=True, exist_ok=True)
            _sqlite(tables, part)
        else:
            part.mkdir(parents=True)
            for name, table in tables.items():
                (_csv if form == "csv" else _parquet)(table, part / f"{name}.{form}")
        part.rename(goal)
    finally:
        _clear(part)
    return [goal] if form == "sqlite" else sorted(goal.iterdir())


def _clear(part: Path) -> None:
    if part.is_dir():
        for file in part.iterdir():
            file.unlink()
        part.rmdir()
    part.unlink(missing_ok=True)


def _sqlite(tables: dict[str, Table], path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA foreign_keys = ON")
        file.executescript(SCHEMA)
        with file:
            for name, (columns, rows) in tables.items():
                places = ", ".join("?" * len(columns))
                file.executemany(f"INSERT INTO {name} VALUES ({places})", rows)
        wrong = file.execute("PRAGMA foreign_key_check").fetchall()
        if wrong:
            raise sqlite3.IntegrityError(f"rows refer to what is not there: {wrong[:3]}")


def _csv(table: Table, path: Path) -> None:
    columns, rows = table
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def _parquet(table: Table, path: Path) -> None:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise ImportError('Parquet needs pyarrow: pip install "springdrift[data]"') from None
    columns, rows = table
    parquet.write_table(pyarrow.table(dict(zip(columns, zip(*rows, strict=True), strict=True))), path)
