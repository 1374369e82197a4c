"""Scores of games: one line of CSV each, appended at once, so that games side by side lose nothing."""

import csv
import io
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import NamedTuple

from springdrift.game.arguments import MOST
from springdrift_agents.files import read_bytes

MOST_BYTES = 1 << 26  # of a file: some 600,000 games


class Score(NamedTuple):
    """A finished game. Files of earlier versions lack the last two, which are None then."""

    time: str  # UTC, ISO 8601
    player: str
    scenario: str
    seed: int
    cost: float
    never: float  # cost of leaving the model alone, on the same world
    threshold: float  # cost of the rule, on the same world
    cycles: int | None = None  # to the deadline: games of another length do not compare
    truth: bool | None = None  # the hidden truth was shown at some time


EARLIER = Score._fields[:7]


def scores_path() -> Path:
    """Where scores are kept: SPRINGDRIFT_SCORES, or the user's data folder."""
    given = os.environ.get("SPRINGDRIFT_SCORES")
    if given:
        return Path(given)
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "springdrift" / "scores.csv"


def now() -> str:
    """The time as scores write it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def append(score: Score, path: Path) -> None:
    """Add a line; the first one brings the header, as does the first one to a file of an earlier version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = ",".join(Score._fields)
    known = path.is_file() and header in _text(path).splitlines()
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        text = text_of([score], head=not known)
        if os.lseek(handle, 0, os.SEEK_END):
            os.lseek(handle, -1, os.SEEK_END)
            if os.read(handle, 1) != b"\n":  # a torn line stays one
                text = "\n" + text
        os.write(handle, text.encode())
    finally:
        os.close(handle)


def text_of(scores: Iterable[Score], head: bool = True) -> str:
    """Scores as CSV; a None is an empty cell.

    >>> print(text_of([Score("now", "Ann, B", "poc", 1, 2.5, 9.0, 3.0, 40, False)], head=False), end="")
    now,"Ann, B",poc,1,2.5,9.0,3.0,40,False
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([Score._fields, *scores] if head else scores)
    return text.getvalue()


def best_first(scores: Iterable[Score]) -> list[Score]:
    """By world and length of the game; within these the cheapest first, and before all who saw the truth."""

    def place(one: Score) -> tuple[str, int, int, bool, float]:
        return one.scenario, one.seed, one.cycles or 0, bool(one.truth), one.cost

    return sorted(scores, key=place)


def read(path: Path, left_out: list[int] | None = None) -> list[Score]:
    """All scores, oldest first; none where there is no file.

    Args:
        path: the file.
        left_out: receives the numbers of lines that hold no whole score, as one that was being written when
            the power went.

    Raises:
        ValueError: a file that is not one of scores, or a larger one than anybody plays.
    """
    if not path.exists():
        return []
    found: list[Score] = []
    rows = csv.reader(io.StringIO(_text(path), newline=""))
    ours = False  # a header was seen
    for number, row in _numbered(rows):
        if tuple(row) in (Score._fields, EARLIER):
            ours = True
            continue
        try:
            found.append(_score(row))
        except (ValueError, TypeError, KeyError) as wrong:
            if not ours:
                raise ValueError(
                    f"{path}, line {number}: not a score ({','.join(row)[:60]!r}); a line holds "
                    f"{', '.join(Score._fields)}"
                ) from wrong
            if left_out is not None:
                left_out.append(number)
    return found


def _text(path: Path) -> str:
    return read_bytes(path, MOST_BYTES).decode("utf-8", "replace")


def _numbered(rows: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Rows with their numbers; one that is too long to be one of CSV is empty."""
    for number in count(1):
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            row = []
        yield number, row


def _score(row: Sequence[str]) -> Score:
    time, player, scenario, seed, cost, never, threshold, *more = row
    cycles, truth = more or ("", "")
    found = Score(
        time, player, scenario, int(seed), float(cost), float(never), float(threshold),
        int(cycles) if cycles else None, {"": None, "True": True, "False": False}[truth],
    )  # fmt: skip
    if found.seed < 0 or not 1 <= (1 if found.cycles is None else found.cycles) <= MOST:
        raise ValueError("a seed or number of cycles that no game has")
    if not all(math.isfinite(value) for value in (found.cost, found.never, found.threshold)):
        raise ValueError("a cost that no game has")
    return found
