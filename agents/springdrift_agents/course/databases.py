"""Databases that students do not see, on which the queries of lessons 2 and 10 are judged."""

import sqlite3

import numpy as np

from springdrift.series.export import SCHEMA as SERIES
from springdrift_agents.course.queries import read_only
from springdrift_agents.evaluation.tables import SCHEMA as RUNS

# cycles of three episodes: (cycle in which a driver comes into force, its id)
_REGIMES = (((0, 1), (9, 4), (21, 2)), ((0, 1), (14, 3), (22, 5)), ((0, 1), (6, 2), (16, 6)))
_REQUESTS = ((None, 9, 17), (None, 15), (None, 11, 15))  # of model versions 0, 1, ...
_DRIVERS = ((1, 0, 0.005), (2, 1, 0.005), (3, 2, 0.005), (4, 1, 0.008), (5, 0, 0.008), (6, 2, 0.008))
_CYCLES = 28


def hidden_runs() -> sqlite3.Connection:
    """A small run file in memory, which can only be read."""
    rng = np.random.default_rng(7)
    db = sqlite3.connect(":memory:")
    db.executescript(RUNS)
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
    return read_only(db)


_KEYS = (((0, 0.0), (1, 2.0), (2, 0.0)), ((0, 2.0), (1, 0.0), (2, -1.0)))  # of two series: key, its effect
_IN_FORCE = ((1, 0, 2, 1, 0, 1), (0, 1, 1, 2, 2, 0))  # keys of each series, for a sixth of its days each
_DAYS = 36


def hidden_series() -> sqlite3.Connection:
    """A file as ``springdrift series`` writes it, but with two series, in memory, which can only be read."""
    rng = np.random.default_rng(26)
    db = sqlite3.connect(":memory:")
    db.executescript(SERIES)
    hours = np.arange(24 * _DAYS)
    for series, (rows, sixths) in enumerate(zip(_KEYS, _IN_FORCE, strict=True)):
        db.execute(
            "INSERT INTO series VALUES (?, 'hidden', 24, 7, 'units', 'hour', 'made', 'MIT')", (series,)
        )
        for row in rows:
            db.execute("INSERT INTO drivers (series_id, driver_key, effect) VALUES (?, ?, ?)", (series, *row))
        keys = np.repeat(sixths, len(hours) // len(sixths)).tolist()
        effects = np.array([dict(rows)[key] for key in keys])
        true = (
            1.0 + np.sin(hours * np.pi / 12) + effects * (hours % 24 > 17) + rng.normal(0.0, 0.2, len(hours))
        )
        what = rng.choice(["fine", "outlier", "missing"], len(hours), p=[0.9, 0.05, 0.05]).tolist()
        seen = np.where(np.array(what) == "outlier", true + 5.0, true).tolist()
        measured = [None if kind == "missing" else y for kind, y in zip(what, seen, strict=True)]
        times = hours.tolist()
        own = [series] * len(times)
        db.executemany(
            "INSERT INTO measurements VALUES (?, ?, ?, ?)", zip(own, times, measured, keys, strict=True)
        )
        db.executemany(
            "INSERT INTO truth VALUES (?, ?, ?, ?)", zip(own, times, true.tolist(), what, strict=True)
        )
    return read_only(db)


# versions of three episodes: (kind, parent); what served in each cycle is drawn
_VERSIONS = (
    (("c", None), ("t", 0), ("t", 1), ("f", 2), ("t", 3), ("t", 3), ("f", 5)),
    (("c", None), ("f", 0), ("t", 1), ("t", 2), ("t", 3), ("f", 1)),
    (("c", None), ("t", 0), ("f", 0), ("t", 2), ("f", 3), ("t", 4)),
)
_KINDS = {"c": "commissioned", "f": "fitted", "t": "fine-tuned"}


def hidden_versions() -> sqlite3.Connection:
    """A run file of worlds with five decisions, in memory, which can only be read."""
    rng = np.random.default_rng(102)
    db = sqlite3.connect(":memory:")
    db.executescript(RUNS)
    db.execute("INSERT INTO runs VALUES (1, 'h', 'now', '{}')")
    db.execute("INSERT INTO parts VALUES (1, 1, 'two-speed', 'operations', NULL, '')")
    db.execute("INSERT INTO drivers VALUES (1, 0, 9.87, 0.005, 0.5, 1, 0)")
    width = len(db.execute("SELECT * FROM episodes").description)
    for episode, versions in enumerate(_VERSIONS, start=31):
        db.execute(
            f"INSERT INTO episodes VALUES ({', '.join('?' * width)})",
            (episode, 1, episode, *[0.0] * (width - 3)),
        )
        generations: list[int] = []
        for number, (kind, parent) in enumerate(versions):
            own = 0 if kind != "t" or parent is None else generations[parent] + 1
            generations.append(own)
            asked = None if number == 0 else 6 * number - 2
            db.execute("INSERT INTO models VALUES (?, ?, ?, ?)", (episode, number, asked, 6 * number))
            db.execute(
                "INSERT INTO model_versions VALUES (?, ?, ?, ?, ?, ?, 0.1, 6)",
                (episode, number, parent, _KINDS[kind], 6 * number - 8, 6 * number - 2),
            )
        for cycle in range(6 * len(versions)):
            number = int(rng.integers(max(cycle // 6 - 1, 0), cycle // 6 + 1))  # some are rolled back
            error = 0.1 + 0.2 * generations[number] + 0.03 * number + rng.uniform(0.0, 0.3)
            db.execute(
                "INSERT INTO measurements VALUES (?, ?, ?, 1, ?, 0.3, 0.5, 0)",
                (episode, cycle, number, float(error)),
            )
    return read_only(db)
