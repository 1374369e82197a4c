"""Runs kept in one SQLite file: what was compared, every episode, and recorded ones cycle by cycle.

A run is known by the hash of what decides its numbers, the code included. So a comparison that was stopped
goes on where it stopped, one that is repeated is read back, and one whose code has changed is made anew.
Each part (a policy in a scenario) is written whole or not at all; processes that write at once wait for
each other.
"""

import csv
import errno
import hashlib
import io
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np

from springdrift import ENV_ID, TERMS
from springdrift.incline.reward import OPS_TERMS
from springdrift_agents.evaluation import provenance
from springdrift_agents.evaluation.cycles import CycleWriter
from springdrift_agents.evaluation.diagnosis import FINDINGS
from springdrift_agents.evaluation.evaluate import Episodes, title_of
from springdrift_agents.evaluation.rollout import begun
from springdrift_agents.evaluation.tables import APPLICATION, RECORDED, SCHEMA, TABLES, VERSION
from springdrift_agents.files import replacing, temporary_folder, write_text
from springdrift_agents.policies.base import Policy, observe_of
from springdrift_agents.text import one_line

# of every table: its place, name and type, and what holds for it
COLUMNS = (
    "SELECT m.name, x.* FROM sqlite_master AS m JOIN pragma_table_xinfo(m.name) AS x WHERE m.type = 'table'"
)


@cache
def _columns() -> frozenset[tuple[Any, ...]]:
    """What :data:`COLUMNS` finds in a file as it is begun."""
    with closing(sqlite3.connect(":memory:")) as new:
        new.executescript(SCHEMA)
        return frozenset(new.execute(COLUMNS))


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
        self._ends = ExitStack()  # what ends with the store
        if not write and not path.is_file():
            raise ValueError(f"there is no file {path}")
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(self._place(write), timeout=60.0, isolation_level=None, uri=True)
            try:
                self._check(write)
                if write:
                    self._lay_out()
                else:
                    self._db.execute("PRAGMA query_only = ON")
            except BaseException:
                self.close()
                raise
        except sqlite3.DatabaseError as wrong:
            if getattr(wrong, "sqlite_errorname", "") == "SQLITE_FULL":  # text that is no UTF-8 has none
                raise self._failed(wrong) from wrong
            raise ValueError(f"{path} is not a readable SQLite file ({one_line(wrong)})") from wrong
        except UnicodeDecodeError as wrong:
            raise ValueError(
                f"{path} is not a readable SQLite file: it holds text that is not UTF-8"
            ) from wrong

    def _place(self, write: bool) -> str:
        """The address to open: the file itself, as it is to be read, or a copy where only that can be read.

        What a writer has not merged yet lies in a second file, and SQLite must be able to write to merge it.
        """
        folder, file = self.path.resolve().parent, self.path.resolve()
        if write:
            return f"{file.as_uri()}?mode=rwc"
        if os.access(folder, os.W_OK) and os.access(file, os.W_OK):
            return f"{file.as_uri()}?mode=rw"  # the last one to close it leaves nothing beside it
        beside = file.with_name(f"{file.name}-wal")
        if not beside.exists() or not beside.stat().st_size:
            return f"{file.as_uri()}?mode=ro&immutable=1"
        folder = self._ends.enter_context(temporary_folder())
        for one in (file, beside):
            shutil.copyfile(one, folder / one.name)
        return f"{(folder / file.name).as_uri()}?mode=rw"

    def _check(self, write: bool) -> None:
        self._db.execute("PRAGMA foreign_keys = ON")
        tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        known = self._db.execute("PRAGMA application_id").fetchone()[0]
        if not write and not tables:
            raise ValueError(f"{self.path} is empty: give a file that springdrift compare --db wrote")
        if tables and known != APPLICATION:
            raise ValueError(f"{self.path} is an SQLite file, but not springdrift's: give another name")
        layout = self._db.execute("PRAGMA user_version").fetchone()[0]
        if tables and layout != VERSION:
            raise ValueError(
                f"{self.path} has layout {layout}, this version reads {VERSION}: give another name"
            )
        if self._db.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise ValueError(f"{self.path} is damaged: PRAGMA quick_check finds faults")
        changed = _columns() - set(self._db.execute(COLUMNS)) if tables else set()
        if changed:
            table = min(changed)[0]
            raise ValueError(
                f"{self.path} is damaged: columns of its table {table} are not those it was made with"
            )

    def _lay_out(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        with self._writing():
            if not self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                for statement in SCHEMA.split(";"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA application_id = {APPLICATION}")
                self._db.execute(f"PRAGMA user_version = {VERSION}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()
        self._ends.close()

    def _failed(self, wrong: sqlite3.Error) -> OSError:
        """An error of a file that was in order when it was opened, as a sentence."""
        known = {
            "SQLITE_FULL": (errno.ENOSPC, "the disk is full"),
            "SQLITE_BUSY": (errno.EBUSY, "another process has been writing to it for a minute"),
            "SQLITE_READONLY": (errno.EROFS, "it may be read only"),
            "SQLITE_CORRUPT": (errno.EIO, "it is damaged"),
        }
        name = getattr(wrong, "sqlite_errorname", "") or ""
        number, said = known.get("_".join(name.split("_")[:2]), (errno.EIO, one_line(wrong)))
        return OSError(number, f"{said}; every part that was written whole is kept", str(self.path))

    @contextmanager
    def _safely(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as wrong:
            raise self._failed(wrong) from wrong
        except UnicodeDecodeError as wrong:  # in a row, or in what SQLite says of the file
            raise ValueError(f"{self.path} is damaged: it holds text that is not UTF-8") from wrong

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._safely():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # some faults end it by themselves
                    self._db.execute("ROLLBACK")
                raise

    def run(self, config: Mapping[str, Any]) -> int:
        """The run of a configuration, begun if it is not there."""
        name = provenance.hash_of(config)
        with self._writing():
            self._db.execute(
                "INSERT OR IGNORE INTO runs (hash, created, manifest) VALUES (?, ?, ?)",
                (
                    name,
                    datetime.now(UTC).isoformat(timespec="seconds"),
                    json.dumps(provenance.manifest(config)),
                ),
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

    def read(self, run: int, scenario: str, policy: str, terms: tuple[str, ...] = TERMS) -> Episodes | None:
        """A part of a run as it was written, with the cost ``terms`` of its world, or None.

        Raises:
            ValueError: it is not as it was written.
        """
        columns = ", ".join((*OPS_TERMS, *FINDINGS))
        with self._safely():
            found = self._db.execute(
                "SELECT parts.id, calendar, sha256, hash FROM parts JOIN runs ON run = runs.id "
                "WHERE run = ? AND scenario = ? AND policy = ?",
                (run, scenario, policy),
            ).fetchone()
            if found is None:
                return None
            rows = self._db.execute(
                f"SELECT seed, {columns} FROM episodes WHERE part = ? ORDER BY id", (found[0],)
            ).fetchall()
        if _digest((found[3], scenario, policy, found[1]), rows) != found[2]:
            raise ValueError(
                f"{self.path} is damaged: what it holds of {policy} in {scenario} is not what was written. "
                "Move it away, and the same command makes it anew"
            )
        seeds = np.array([row[0] for row in rows], np.uint64)
        values = np.array([row[1:] for row in rows], np.float64)
        calendar = float("nan") if found[1] is None else found[1]
        paid = values[:, [OPS_TERMS.index(term) for term in terms]]
        return Episodes(policy, scenario, seeds, paid, values[:, len(OPS_TERMS) :], calendar, terms)

    def write(self, run: int, part: Episodes) -> None:
        """A part of a run, whole; one that is there already stays."""
        others = [term for term in part.term_names if term not in OPS_TERMS]
        if others:
            raise ValueError(f"a run file has no column for the cost term {others[0]!r}: leave out --db")
        terms = np.stack([part.term(term) for term in OPS_TERMS], axis=1)
        names = ", ".join(("part", "seed", *OPS_TERMS, *FINDINGS))
        marks = ", ".join("?" * (2 + len(OPS_TERMS) + len(FINDINGS)))
        rows = [
            (seed, *paid, *found)
            for seed, paid, found in zip(
                part.seeds.tolist(), terms.tolist(), part.findings.tolist(), strict=True
            )
        ]
        calendar = None if np.isnan(part.calendar) else float(part.calendar)
        key = (run, part.scenario, part.policy)
        with self._writing():
            name = self._db.execute("SELECT hash FROM runs WHERE id = ?", (run,)).fetchone()[0]
            digest = _digest((name, part.scenario, part.policy, calendar), rows)
            added = self._db.execute(
                "INSERT OR IGNORE INTO parts (run, scenario, policy, calendar, sha256) "
                "VALUES (?, ?, ?, ?, ?)",
                (*key, calendar, digest),
            ).rowcount
            if not added:
                return
            place = self._part(*key)
            self._db.executemany(
                f"INSERT INTO episodes ({names}) VALUES ({marks})", [(place, *row) for row in rows]
            )

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
            CycleWriter(self._db, episode, world).play(policy)
            self._db.execute("INSERT INTO recordings VALUES (?, ?)", (episode, self._recorded(episode)))

    def _recorded(self, episode: int) -> str:
        """Digest of all that is kept of an episode cycle by cycle."""
        rows = [row for query in RECORDED.values() for row in self._db.execute(query, (episode,))]
        return _digest((episode,), rows)

    def verify(self) -> None:
        """Find out whether every part and every recorded episode is as it was written.

        Raises:
            ValueError: one is not; says which.
        """
        with self._safely():
            (state,) = self._db.execute("PRAGMA integrity_check(1)").fetchone()
            if state != "ok":  # rows and their indexes tell two stories
                raise ValueError(f"{self.path} is damaged: {one_line(state)}")
            parts = self._db.execute("SELECT run, scenario, policy FROM parts").fetchall()
            kept = self._db.execute("SELECT episode, sha256 FROM recordings").fetchall()
            for episode, digest in kept:
                if self._recorded(episode) != digest:
                    raise ValueError(
                        f"{self.path} is damaged: the recorded episode {episode} is not as written"
                    )
        for part in parts:
            self.read(*part)

    def rows(self, table: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Column names and rows of a table.

        Raises:
            ValueError: an unknown table.
        """
        if table not in TABLES:
            raise ValueError(f"unknown table {table!r}; allowed: {', '.join(TABLES)}")
        with self._safely():
            found = self._db.execute(f"SELECT * FROM {table}")
            return [column[0] for column in found.description], found.fetchall()

    def export(self, table: str, path: Path) -> int:
        """Write a table to .csv or .parquet; returns the number of rows.

        Raises:
            ValueError: an unknown table or ending, or a file that is not as it was written.
            ImportError: Parquet without pyarrow; says what to install.
        """
        names, rows = self.rows(table)
        self.verify()
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


def _digest(head: Sequence[Any], rows: Sequence[Sequence[Any]]) -> str:
    """A checksum of what SQLite holds, which knows no negative zero."""
    digest = hashlib.sha256(repr(tuple(head)).encode())
    for row in rows:
        plain = tuple(value + 0.0 if isinstance(value, float) else value for value in row)
        digest.update(f"\n{plain!r}".encode())
    return digest.hexdigest()


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
