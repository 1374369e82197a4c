"""What was found wrong with a file or a series, and what was done about it: nothing is mended silently."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

SHOWN = 5  # row numbers that a sentence names


class DataError(ValueError):
    """The data cannot be used as they are; the message says what is wrong, where, and what to do."""


@dataclass(frozen=True)
class Finding:
    """One kind of problem in the data."""

    what: str  # "values that are missing"
    count: int  # 0 where nothing is counted, such as how dates were read
    rows: tuple[int, ...]  # the first few, counted as a spreadsheet does: the header is row 1
    done: str  # "left out"

    def __str__(self) -> str:
        where = f" ({rows_text(self.rows, self.count)})" if self.rows else ""
        number = f"{self.count:,} " if self.count else ""
        return f"{number}{_one(self.what) if self.count == 1 else self.what}{where}: {self.done}"


_SINGULAR = {
    **{"rows": "row", "times": "time", "values": "value", "gaps": "gap", "measurements": "measurement"},
    **{"that are": "that is", "that come": "that comes", "that do": "that does", "that have": "that has"},
}


def _one(what: str) -> str:
    """The name of a kind of problem, for one of them.

    >>> _one("times that come more than once"), _one("empty rows")
    ('time that comes more than once', 'empty row')
    """
    return re.sub(rf"\b({'|'.join(_SINGULAR)})\b", lambda found: _SINGULAR[found[1]], what)


def finding(what: str, rows: Iterable[int], done: str) -> Finding:
    """A finding at these rows; all are counted, the first few are kept.

    >>> print(finding("empty rows", [4, 9], "left out"))
    2 empty rows (rows 4, 9): left out
    """
    every = list(map(int, rows))
    return Finding(what, len(every), tuple(every[:SHOWN]), done)


def rows_text(rows: Iterable[int], count: int | None = None) -> str:
    """Row numbers for a sentence.

    >>> rows_text([3]), rows_text([3, 4, 5, 6, 7, 8])
    ('row 3', 'rows 3, 4, 5, 6, 7 and 1 more')
    """
    every = list(rows)
    count = len(every) if count is None else count
    named = ", ".join(str(row) for row in every[:SHOWN])
    more = f" and {count - min(len(every), SHOWN):,} more" if count > min(len(every), SHOWN) else ""
    return f"{'row' if count == 1 else 'rows'} {named}{more}"
