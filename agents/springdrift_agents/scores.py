"""Scores of games: one line of CSV each, appended at once, so that games side by side lose nothing."""

import csv
import io
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple


class Score(NamedTuple):
    """A finished game."""

    time: str  # UTC, ISO 8601
    player: str
    scenario: str
    seed: int
    cost: float
    never: float  # cost of leaving the model alone, on the same world
    threshold: float  # cost of the rule, on the same world


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
    """Add a line; the first one brings the header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if os.fstat(handle).st_size == 0:
            writer.writerow(Score._fields)
        writer.writerow(score)
        os.write(handle, text.getvalue().encode())
    finally:
        os.close(handle)


def read(path: Path) -> list[Score]:
    """All scores, oldest first; none where there is no file.

    Raises:
        ValueError: a file that holds something else, and where.
    """
    if not path.exists():
        return []
    found = []
    with path.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.reader(file), start=1):
            if tuple(row) == Score._fields:
                continue
            try:
                time, player, scenario, seed, *costs = row
                found.append(Score(time, player, scenario, int(seed), *map(float, costs)))
            except (ValueError, TypeError) as wrong:
                raise ValueError(
                    f"{path}, line {number}: not a score ({','.join(row)[:60]!r}); a line holds "
                    f"{', '.join(Score._fields)}"
                ) from wrong
    return found
