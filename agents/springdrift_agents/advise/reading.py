"""Read columns of text from a CSV file, a Parquet file, a SQLite table or a data frame."""

import codecs
import csv
import io
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift.game.arguments import did_you_mean
from springdrift_agents.advise.findings import DataError, Finding, finding, rows_text
from springdrift_agents.text import one_line

TABLES = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
DELIMITERS = (",", ";", "\t", "|")
LARGEST = 2**31  # bytes of a text file
BAD_SHARE = 0.02  # of the rows that may be broken
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

Column = NDArray[Any]  # (n,) of str, float64, int64, datetime64 or object


class Columns(NamedTuple):
    """Columns of a table as they were read."""

    data: dict[str, Column]
    rows: NDArray[np.int64]  # (n,) row number of each, as a spreadsheet counts
    findings: tuple[Finding, ...]
    separator: str = ""  # of a text file's fields


def read(source: Any, names: Sequence[str], *, table: str | None = None) -> Columns:
    """The named columns of a file or a data frame.

    Args:
        source: path of a CSV, Parquet or SQLite file, or a data frame that narwhals knows (pandas,
            polars, pyarrow and others).
        names: of the columns.
        table: of a SQLite file that has several.

    Raises:
        DataError: not such a file, no such column, or too many broken rows; says where.
        OSError: the file cannot be opened.
    """
    if not isinstance(source, str | Path):
        return _from_frame(source, names)
    path = Path(source)
    if path.is_dir():
        raise DataError(f"{path} is a folder; a CSV, Parquet or SQLite file was expected")
    with path.open("rb") as file:
        start = file.read(16)
    if not start:
        raise DataError(f"{path} is empty")
    if start.startswith(b"SQLite format 3\0"):
        return _from_sqlite(path, names, table)
    if start.startswith(b"PAR1"):
        return _from_parquet(path, names)
    if start.startswith((b"PK\x03\x04", b"\x1f\x8b", b"\xd0\xcf\x11\xe0")):
        raise DataError(f"{path} is a spreadsheet or an archive: save it as CSV first")
    return _from_csv(path, names)


def _pick(present: Sequence[str], names: Sequence[str], where: str) -> None:
    for name in names:
        if present.count(name) > 1:
            raise DataError(f"{where} has {present.count(name)} columns named {name!r}: rename one")
        if name not in present:
            shown = ", ".join(repr(one) for one in present[:20])
            raise DataError(f"{where} has no column {name!r}{did_you_mean(name, present)} It has: {shown}")


# ---------------------------------------------------------------- text


def _decode(path: Path) -> tuple[str, list[Finding]]:
    if path.stat().st_size > LARGEST:
        raise DataError(f"{path} has {path.stat().st_size:,} bytes; at most {LARGEST:,} are read")
    raw = path.read_bytes()
    encoding = next((name for bom, name in BOMS if raw.startswith(bom)), "")
    try:
        text = raw.decode(encoding or "utf-8")
    except UnicodeDecodeError as wrong:
        if encoding:
            raise DataError(f"{path} says it is {encoding} and is not: {wrong}") from None
        row = raw.count(b"\n", 0, wrong.start) + 1
        note = finding("row with letters that are not UTF-8", [row], "the file was read as Windows-1252")
        text, notes = raw.decode("cp1252", errors="replace"), [note]
    else:
        notes = []
    if "\0" in text:
        row = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(f"{path} is no text file: row {row} holds a zero byte")
    return text, notes


def _delimiter(lines: Sequence[str]) -> str:
    """The separator that gives most rows the same number of fields, and more than one."""
    best, found = (0.0, 0), ""
    for mark in DELIMITERS:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=mark) if row)
        if not widths:
            continue
        width, count = widths.most_common(1)[0]
        score = (count / sum(widths.values()), width)
        if width > 1 and (score[0] > best[0] + 0.05 or (abs(score[0] - best[0]) <= 0.05 and score > best)):
            best, found = score, mark
    return found or ","


def _from_csv(path: Path, names: Sequence[str]) -> Columns:
    text, notes = _decode(path)
    mark = _delimiter([line for line in text[:65536].splitlines()[:50] if line])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    header: list[str] = []
    kept: list[list[str]] = []
    rows, broken, empty = [], [], []
    places: list[int] = []
    try:
        for number, fields in enumerate(reader, 1):
            if not header:
                header = [field.strip() for field in fields]
                if header:
                    _pick(header, names, str(path))
                    places = [header.index(name) for name in names]
            elif not any(fields):
                empty.append(number)
            elif len(fields) != len(header):
                broken.append(number)
            else:
                rows.append(number)
                kept.append([fields[place] for place in places])
    except csv.Error as wrong:
        raise DataError(f"{path}, line {reader.line_num}: {wrong}") from None
    if not kept:
        raise DataError(f"{path} has a header and no rows")
    if len(broken) > max(1, BAD_SHARE * len(kept)):
        raise DataError(
            f"{path}: {len(broken):,} of {len(kept) + len(broken):,} rows do not have the {len(header)} "
            f"fields of the header ({rows_text(broken)}); the separator was taken to be {mark!r}"
        )
    if broken:
        notes.append(finding(f"rows without the {len(header)} fields of the header", broken, "left out"))
    if len(empty) > 1 or (empty and empty[-1] != number):
        notes.append(finding("empty rows", empty, "left out"))
    columns = {name: np.array([row[k] for row in kept]) for k, name in enumerate(names)}
    return Columns(columns, np.array(rows), tuple(notes), mark)


# ---------------------------------------------------------------- databases, Parquet and data frames


def _from_sqlite(path: Path, names: Sequence[str], table: str | None) -> Columns:
    def quoted(name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as base:
            tables = [row[0] for row in base.execute(TABLES)]
            if table is None and len(tables) != 1:
                raise DataError(
                    f"{path} has the tables {', '.join(tables) or '(none)'}: name one with --table"
                )
            table = table or tables[0]
            if table not in tables:
                raise DataError(
                    f"{path} has no table {table!r}{did_you_mean(table, tables)} It has: {', '.join(tables)}"
                )
            present = [row[1] for row in base.execute(f"PRAGMA table_info({quoted(table)})")]
            _pick(present, names, f"{path}, table {table}")
            found = base.execute(f"SELECT {', '.join(map(quoted, names))} FROM {quoted(table)}").fetchall()
    except (sqlite3.Error, UnicodeDecodeError) as wrong:
        raise DataError(f"{path} cannot be read as a SQLite database: {one_line(wrong)}") from None
    if not found:
        raise DataError(f"{path}, table {table}, has no rows")
    data = {name: _plain([row[k] for row in found]) for k, name in enumerate(names)}
    return Columns(data, np.arange(len(found)) + 1, ())


def _plain(values: Sequence[Any]) -> Column:
    """Numbers as float64 where all are numbers or missing, else text."""
    if all(value is None or isinstance(value, int | float) for value in values):
        return np.array([np.nan if value is None else value for value in values], np.float64)
    return np.array(["" if value is None else str(value) for value in values])


def _from_parquet(path: Path, names: Sequence[str]) -> Columns:
    import pyarrow as pa  # of the extra ``data``
    from pyarrow import parquet

    try:
        present = parquet.read_schema(path).names
        _pick(present, names, str(path))
        found = parquet.read_table(path, columns=list(names))
    except pa.ArrowException as wrong:
        raise DataError(f"{path} cannot be read as Parquet: {wrong}") from None
    return _from_frame(found, names)


def _from_frame(frame: Any, names: Sequence[str]) -> Columns:
    import narwhals as nw  # of the extra ``advise``

    try:
        table = nw.from_native(frame)
        if isinstance(table, nw.LazyFrame):
            table = table.collect()
    except TypeError:
        raise DataError(
            f"expected a path or a data frame that narwhals knows, got {type(frame).__name__}"
        ) from None
    _pick(table.columns, names, "the data frame")
    if not len(table):
        raise DataError("the data frame has no rows")
    data = {}
    for name in names:
        column = table[name]
        kind = column.dtype
        if kind.is_temporal():
            zone = getattr(kind, "time_zone", None)
            if zone:
                column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
            data[name] = column.to_numpy().astype("datetime64[us]")
        elif kind.is_numeric():
            data[name] = column.cast(nw.Float64).to_numpy().astype(np.float64)
        else:
            data[name] = _plain(column.to_list())
    return Columns(data, np.arange(len(table)) + 1, ())
