"""Runs kept in one SQLite file: what was compared, every episode, and recorded ones cycle by cycle.

A run is known by the hash of what decides its numbers, the code included. So a comparison that was stopped
goes on where it stopped, one that is repeated is read back, and one whose code has changed is made anew.
Each part (a policy in a scenario) is written whole or not at all; processes that write at once wait for
each other.
"""

import csv
import hashlib
import io
import json
import platform
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

import numpy as np

from springdrift import ENV_ID, TERMS, Action
from springdrift.incline.state import DRIFTING
from springdrift_agents.evaluation import provenance
from springdrift_agents.evaluation.diagnosis import FINDINGS
from springdrift_agents.evaluation.evaluate import Episodes, title_of
from springdrift_agents.evaluation.rollout import begun, rollout
from springdrift_agents.files import replacing, write_text
from springdrift_agents.policies.base import Policy, observe_of

APPLICATION, VERSION = 0x53505244, 1  # "SPRD", and the layout of the tables
_EPISODE = "episode INTEGER NOT NULL REFERENCES episodes(id) ON DELETE CASCADE"


def _reals(names: Sequence[str]) -> str:
    return ", ".join(f"{name} REAL NOT NULL" for name in names)


SCHEMA = f"""
CREATE TABLE runs (
  id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, created TEXT NOT NULL, manifest TEXT NOT NULL);
CREATE TABLE parts (
  id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  scenario TEXT NOT NULL, policy TEXT NOT NULL, calendar REAL, UNIQUE (run, scenario, policy));
CREATE TABLE episodes (
  id INTEGER PRIMARY KEY, part INTEGER NOT NULL REFERENCES parts(id) ON DELETE CASCADE,
  seed INTEGER NOT NULL, {_reals(TERMS)}, {_reals(FINDINGS)}, UNIQUE (part, seed));
CREATE TABLE drivers (
  id INTEGER PRIMARY KEY, driver_key INTEGER NOT NULL, {_reals(DRIFTING)},
  UNIQUE (driver_key, {", ".join(DRIFTING)}));
CREATE TABLE models (
  {_EPISODE}, version INTEGER NOT NULL, requested INTEGER, deployed INTEGER NOT NULL,
  PRIMARY KEY (episode, version));
CREATE TABLE decisions (
  {_EPISODE}, cycle INTEGER NOT NULL, action TEXT NOT NULL, {_reals(TERMS)}, PRIMARY KEY (episode, cycle));
CREATE TABLE measurements (
  {_EPISODE}, cycle INTEGER NOT NULL, model_version INTEGER NOT NULL,
  driver INTEGER NOT NULL REFERENCES drivers(id),
  {_reals(("error", "swing", "level", "alarm"))}, PRIMARY KEY (episode, cycle),
  FOREIGN KEY (episode, model_version) REFERENCES models(episode, version));
"""
TABLES = ("runs", "parts", "episodes", "drivers", "models", "decisions", "measurements")


def manifest(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a run's numbers rest on: its configuration, the packages, and the state of the source."""
    packages = {}
    for name in ("springdrift", "gymnasium", "numpy", "numba", "scipy", "river"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    try:
        git = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        git = ""
    return {
        "env": ENV_ID,
        "config": dict(config),
        "packages": packages,
        "python": platform.python_version(),
        "git": git,
        "code": provenance.code(),
    }


def hash_of(config: Mapping[str, Any]) -> str:
    """A name for a configuration and the code that runs it: the same for the same."""
    text = json.dumps({"env": ENV_ID, **config, "code": provenance.code()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Store:
    """A file of runs; use it in a ``with``.

    Args:
        path: the file; it is begun where there is none.
        write: whether runs are to be added; if not, the file must be there, and stays as it is.

    Raises:
        ValueError: the file is something else, is damaged, or is from another version.
    """

    def __init__(self, path: Path, write: bool = True) -> None:
        self.path = path
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
        elif not path.is_file():
            raise ValueError(f"there is no file {path}")
        try:
            place = f"{path.resolve().as_uri()}?mode={'rwc' if write else 'ro'}"
            self._db = sqlite3.connect(place, timeout=60.0, isolation_level=None, uri=True)
            self._db.execute("PRAGMA foreign_keys = ON")
            tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            known = self._db.execute("PRAGMA application_id").fetchone()[0]
            if not write and not tables:
                raise ValueError(f"{path} is empty: give a file that springdrift compare --db wrote")
            if tables and known != APPLICATION:
                raise ValueError(f"{path} is an SQLite file, but not springdrift's: give another name")
            layout = self._db.execute("PRAGMA user_version").fetchone()[0]
            if tables and layout != VERSION:
                raise ValueError(f"{path} has layout {layout}, this version reads {VERSION}")
            if self._db.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                raise ValueError(f"{path} is damaged: PRAGMA quick_check finds faults")
            if not write:
                return
            self._db.execute("PRAGMA journal_mode = WAL")
            with self._writing():
                if not self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    for statement in SCHEMA.split(";"):
                        self._db.execute(statement)
                    self._db.execute(f"PRAGMA application_id = {APPLICATION}")
                    self._db.execute(f"PRAGMA user_version = {VERSION}")
        except sqlite3.DatabaseError as wrong:
            raise ValueError(f"{path} is not a readable SQLite file ({wrong})") from wrong

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def run(self, config: Mapping[str, Any]) -> int:
        """The run of a configuration, begun if it is not there."""
        name = hash_of(config)
        with self._writing():
            self._db.execute(
                "INSERT OR IGNORE INTO runs (hash, created, manifest) VALUES (?, ?, ?)",
                (name, datetime.now(UTC).isoformat(timespec="seconds"), json.dumps(manifest(config))),
            )
        return int(self._db.execute("SELECT id FROM runs WHERE hash = ?", (name,)).fetchone()[0])

    def older(self, config: Mapping[str, Any]) -> list[str]:
        """When the same configuration was run with other code, the first time first."""
        told, here = [], json.loads(json.dumps(dict(config)))
        for created, text in self._db.execute("SELECT created, manifest FROM runs ORDER BY id"):
            known = json.loads(text)
            if known["config"] == here and known["env"] == ENV_ID and known.get("code") != provenance.code():
                told.append(created)
        return told

    def read(self, run: int, scenario: str, policy: str) -> Episodes | None:
        """A part of a run as it was written, or None."""
        columns = ", ".join((*TERMS, *FINDINGS))
        rows = self._db.execute(
            f"SELECT seed, calendar, {columns} FROM episodes JOIN parts ON part = parts.id "
            "WHERE run = ? AND scenario = ? AND policy = ? ORDER BY episodes.id",
            (run, scenario, policy),
        ).fetchall()
        if not rows:
            return None
        seeds = np.array([row[0] for row in rows], np.uint64)
        values = np.array([row[2:] for row in rows], np.float64)
        calendar = float("nan") if rows[0][1] is None else rows[0][1]
        return Episodes(policy, scenario, seeds, values[:, : len(TERMS)], values[:, len(TERMS) :], calendar)

    def write(self, run: int, part: Episodes) -> None:
        """A part of a run, whole; one that is there already stays."""
        others = [term for term in part.term_names if term not in TERMS]
        if others:
            raise ValueError(f"a run file has no column for the cost term {others[0]!r}: leave out --db")
        terms = np.stack([part.term(term) for term in TERMS], axis=1)
        names = ", ".join(("part", "seed", *TERMS, *FINDINGS))
        marks = ", ".join("?" * (2 + len(TERMS) + len(FINDINGS)))
        with self._writing():
            key = (run, part.scenario, part.policy)
            added = self._db.execute(
                "INSERT OR IGNORE INTO parts (run, scenario, policy, calendar) VALUES (?, ?, ?, ?)",
                (*key, None if np.isnan(part.calendar) else part.calendar),
            ).rowcount
            if not added:
                return
            place = self._part(*key)
            rows = [
                (place, seed, *paid, *found)
                for seed, paid, found in zip(
                    part.seeds.tolist(), terms.tolist(), part.findings.tolist(), strict=True
                )
            ]
            self._db.executemany(f"INSERT INTO episodes ({names}) VALUES ({marks})", rows)

    def _part(self, run: int, scenario: str, policy: str) -> int:
        row = self._db.execute(
            "SELECT id FROM parts WHERE run = ? AND scenario = ? AND policy = ?", (run, scenario, policy)
        ).fetchone()
        return int(row[0])

    def record(self, run: int, scenario: Any, name: str, policy: Policy, seed: int, **options: Any) -> None:
        """Play an episode that the run holds once more, and keep it cycle by cycle.

        Raises:
            ValueError: the run holds no such episode.
        """
        row = self._db.execute(
            "SELECT episodes.id FROM episodes JOIN parts ON part = parts.id "
            "WHERE run = ? AND scenario = ? AND policy = ? AND seed = ?",
            (run, title_of(scenario), name, seed),
        ).fetchone()
        if row is None:
            raise ValueError(f"the run holds no episode of {name} in {title_of(scenario)} with seed {seed}")
        episode = int(row[0])
        world: Any = begun(np.array([seed], np.uint64), scenario, observe=observe_of(policy), **options)
        with self._writing():
            if self._db.execute("SELECT 1 FROM decisions WHERE episode = ?", (episode,)).fetchone():
                return
            self._db.execute("INSERT INTO models VALUES (?, 0, NULL, 0)", (episode,))
            running = 0
            requested: int | None = None

            def value(field: str) -> float:
                return float(world.batch.lanes(field, 1)[0])

            for cycle, one in enumerate(rollout(policy, world)):
                action = Action(int(one.actions[0]))
                if one.retrains[0]:
                    requested = cycle
                terms = world.out.costs[:, 0].tolist()
                self._db.execute(
                    f"INSERT INTO decisions VALUES (?, ?, ?, {', '.join('?' * len(TERMS))})",
                    (episode, cycle, action.name, *terms),
                )
                state = {field: value(field) for field in (*DRIFTING, "driver_key", "version")}
                seen = [value(field) for field in ("measured_error", "measured_swing", "level", "alarm")]
                self._db.execute(
                    "INSERT INTO measurements VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (episode, cycle, running, self._driver(state), *seen),
                )
                if int(state["version"]) > running:
                    running = int(state["version"])
                    self._db.execute(
                        "INSERT INTO models VALUES (?, ?, ?, ?)", (episode, running, requested, cycle + 1)
                    )

    def _driver(self, state: Mapping[str, float]) -> int:
        """The row of the driver table for what was in force, added if it is new."""
        values = (int(state["driver_key"]), *(round(state[name], 6) for name in DRIFTING))
        names = ", ".join(("driver_key", *DRIFTING))
        self._db.execute(
            f"INSERT OR IGNORE INTO drivers ({names}) VALUES ({', '.join('?' * len(values))})", values
        )
        where = " AND ".join(f"{name} = ?" for name in ("driver_key", *DRIFTING))
        return int(self._db.execute(f"SELECT id FROM drivers WHERE {where}", values).fetchone()[0])

    def rows(self, table: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Column names and rows of a table.

        Raises:
            ValueError: an unknown table.
        """
        if table not in TABLES:
            raise ValueError(f"unknown table {table!r}; allowed: {', '.join(TABLES)}")
        found = self._db.execute(f"SELECT * FROM {table}")
        return [column[0] for column in found.description], found.fetchall()

    def export(self, table: str, path: Path) -> int:
        """Write a table to .csv or .parquet; returns the number of rows.

        Raises:
            ValueError: an unknown table or ending.
            ImportError: Parquet without pyarrow; says what to install.
        """
        names, rows = self.rows(table)
        if path.suffix == ".csv":
            text = io.StringIO()
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(names)
            writer.writerows(rows)
            write_text(path, text.getvalue())
        elif path.suffix == ".parquet":
            _write_parquet(path, names, rows)
        else:
            raise ValueError(f"cannot write {path.name!r}; allowed endings: .csv, .parquet")
        return len(rows)


def _write_parquet(path: Path, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as missing:
        raise ImportError('Parquet needs pyarrow: pip install "springdrift[data]"') from missing
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    table = pyarrow.table({name: list(column) for name, column in zip(names, columns, strict=True)})
    with replacing(path) as part:
        pyarrow.parquet.write_table(table, part)
