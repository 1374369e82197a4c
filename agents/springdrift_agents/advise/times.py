"""Read dates and numbers as people write them: each choice is made on evidence, or asked for."""

import re
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from springdrift_agents.advise.findings import DataError, Finding, finding, rows_text

Times = NDArray[np.datetime64]

MISSING = frozenset(("", "-", "?", ".", "na", "n/a", "nan", "nat", "null", "none", "#n/a", "missing", "\\n"))
UNREADABLE = 0.05  # of the rows that may hold no readable time or value
EXCEL_START = np.datetime64("1899-12-30", "us")
EPOCHS = (("s", 1), ("ms", 1_000), ("us", 1_000_000), ("ns", 1_000_000_000))
EARLIEST, LATEST = np.datetime64("1600-01-01", "us"), np.datetime64("2200-01-01", "us")
_CLOCK = r"(?:[T ]+(\d{1,2})(?::(\d{2})(?::(\d{2}(?:[.,]\d+)?))?)?(?: ?([AaPp])[Mm])?)?"
_ZONE = r"\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?"
ISO = re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?" + _CLOCK + _ZONE)
COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})" + _CLOCK + _ZONE)
TURNED = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})" + _CLOCK + _ZONE)
ORDERS = ("day-first", "month-first")


def read_times(
    column: NDArray[Any], rows: NDArray[np.int64], *, order: str | None = None, zone: str | None = None
) -> tuple[Times, NDArray[np.bool_], list[Finding]]:
    """Times of a column.

    Args:
        column: (n,) of text, numbers or datetime64.
        rows: (n,) row numbers, for messages.
        order: "day-first" or "month-first" for dates such as 03/04/2024; found from the column if None.
        zone: name of the time zone in which times without an offset are written, such as "Europe/Vienna".

    Returns:
        Times (n,) as datetime64[us], in UTC where an offset or a zone was given; which rows have one;
        and findings.

    Raises:
        DataError: no times, two readings that are equally good, or an unknown zone.
    """
    if order is not None and order not in ORDERS:
        raise DataError(f"the order of dates must be {' or '.join(ORDERS)}, got {order!r}")
    notes: list[Finding] = []
    if np.issubdtype(column.dtype, np.datetime64):
        times = column.astype("datetime64[us]")
        aware = np.zeros(len(times), np.bool_)
    elif column.dtype.kind in "fiu":
        times, note = _from_numbers(column.astype(np.float64))
        notes.append(note)
        aware = np.zeros(len(times), np.bool_)
    else:
        times, aware, notes = _from_text(column, rows, order)
    good = ~np.isnat(times)
    if not good.any():
        sample = ", ".join(repr(str(value)) for value in column[:3])
        raise DataError(
            f"the time column holds no times that can be read, such as {sample}; ISO dates (2024-03-31 "
            "14:00), day- or month-first dates, Excel's day numbers and seconds since 1970 are"
        )
    bad = rows[~good]
    if bad.size > max(1, UNREADABLE * len(rows)):
        raise DataError(f"{bad.size:,} of {len(rows):,} times cannot be read ({rows_text(bad.tolist())})")
    if bad.size:
        notes.append(finding("times that cannot be read", bad, "these rows were left out"))
    if zone is not None:
        times = _to_utc(times, ~aware & good, rows, zone, notes)
    return times, good, notes


def _from_numbers(values: NDArray[np.float64]) -> tuple[Times, Finding]:
    """Excel's day numbers, years, or seconds, milli-, micro- or nanoseconds since 1970: by their size."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise DataError("the time column holds no numbers")
    typical, whole = float(np.median(finite)), bool((finite == np.floor(finite)).all())

    def made(kind: str, times: Times) -> tuple[Times, Finding]:
        times[~np.isfinite(values)] = np.datetime64("NaT")
        return times, finding("times that are numbers", [], f"read as {kind}")

    plain = np.where(np.isfinite(values), values, 0.0)
    if whole and finite.min() >= 1600 and finite.max() <= 2200:
        return made("years", (plain.astype(np.int64) - 1970).astype("datetime64[Y]").astype("datetime64[us]"))
    if whole and finite.min() >= 1.6e7 and finite.max() <= 2.2e7:
        days = np.array([f"{int(v):08d}" for v in plain])
        times, _, _ = _from_text(days, np.arange(len(days)) + 1, None)
        return made("dates without separators, such as 20240331", times)
    if 10_000 <= typical < 110_000:
        return made("Excel's day numbers", EXCEL_START + np.round(plain * 86_400e6).astype("timedelta64[us]"))
    for unit, per_second in EPOCHS:
        seconds = plain / per_second
        if 1e8 <= typical / per_second < 7.3e9:
            return made(
                f"{unit} since 1970", np.round(seconds * 1e6).astype(np.int64).astype("datetime64[us]")
            )
    raise DataError(
        f"the time column holds numbers such as {finite[0]:g} that are no years, no Excel day numbers and no "
        "seconds since 1970: write times as 2024-03-31 14:00"
    )


def _from_text(
    column: NDArray[Any], rows: NDArray[np.int64], order: str | None
) -> tuple[Times, NDArray[np.bool_], list[Finding]]:
    if ISO.fullmatch(str(column[0]).strip()):
        plain = _plain_iso(column)
        if plain is not None:
            return plain, np.zeros(len(plain), np.bool_), []
    texts = [str(value).strip() for value in column]
    filled = [text for text in texts if text.lower() not in MISSING]
    numeric = sum(_is_number(text) for text in filled[:200])
    if filled and numeric == len(filled[:200]) and not COMPACT.fullmatch(filled[0]):
        times, note = _from_numbers(
            np.array([float(text.replace(",", ".")) if _is_number(text) else np.nan for text in texts])
        )
        return times, np.zeros(len(texts), np.bool_), [note]
    notes: list[Finding] = []
    if order is None and filled and TURNED.fullmatch(filled[0]):
        order, said = _order_of(filled)
        notes.append(finding("dates with the year last", [], said))
    seen: dict[str, tuple[Any, bool]] = {}
    times = np.empty(len(texts), "datetime64[us]")
    aware = np.zeros(len(texts), np.bool_)
    for k, text in enumerate(texts):
        if text not in seen:
            seen[text] = _one(text, order)
        times[k], aware[k] = seen[text]
    if aware.any() and not aware[~np.isnat(times)].all():
        lone = rows[~aware & ~np.isnat(times)]
        notes.append(finding("times without an offset among others with one", lone, "read as UTC"))
    return times, aware, notes


def _plain_iso(column: NDArray[Any]) -> Times | None:
    """ISO times as NumPy reads them, all at once; None where some have offsets or another form."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of an offset
            times = column.astype("datetime64[us]")
    except (ValueError, UserWarning, DeprecationWarning):
        return None
    return None if np.isnat(times).any() else times


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", ".", 1))
    except ValueError:
        return False
    return True


def _one(text: str, order: str | None) -> tuple[Any, bool]:
    """A time as microseconds since 1970 (UTC where it has an offset), and whether it has one."""
    nothing = (np.datetime64("NaT"), False)
    match = ISO.fullmatch(text) or COMPACT.fullmatch(text)
    if match:
        year, month, day = match[1], match[2], match[3] or "1"
    else:
        match = TURNED.fullmatch(text)
        if not match or order is None:
            return nothing
        first, second = (1, 2) if order == "day-first" else (2, 1)
        day, month, year = match[first], match[second], match[3]
        if len(year) == 2:
            year = f"{'19' if int(year) > 68 else '20'}{year}"
    seconds = float((match[6] or "0").replace(",", "."))
    hour = int(match[4] or 0)
    if match[7]:
        hour = hour % 12 + (12 if match[7] in "Pp" else 0)
    try:
        moment = datetime(int(year), int(month), int(day), 0, int(match[5] or 0))
        if not (0 <= hour <= 24 and 0 <= seconds < 61):
            return nothing
        moment += timedelta(hours=hour, seconds=seconds)
    except (ValueError, OverflowError):
        return nothing
    offset = match[8]
    if offset and offset not in ("Z", "UTC", "GMT"):
        minutes = int(offset[1:3]) * 60 + int(offset[-2:] if len(offset) > 3 else 0)
        moment -= timedelta(minutes=minutes if offset[0] == "+" else -minutes)
    return np.datetime64(moment, "us"), bool(offset)


def _order_of(texts: Sequence[str]) -> tuple[str, str]:
    """Whether dates such as 03/04/2024 put the day or the month first, and what says so."""
    pairs = {(int(m[1]), int(m[2])) for m in map(TURNED.fullmatch, texts) if m}
    day_first = any(first > 12 for first, _ in pairs)
    month_first = any(second > 12 for _, second in pairs)
    if day_first != month_first:
        order = ORDERS[0] if day_first else ORDERS[1]
        return order, f"read {order}, since a number above 12 stands {'first' if day_first else 'second'}"
    if day_first:
        raise DataError("dates mix day-first and month-first: numbers above 12 stand in both places")
    spread = {}
    for order in ORDERS:
        times = np.unique(np.array([_one(text, order)[0] for text in texts], "datetime64[us]"))
        steps = np.diff(times.astype(np.int64)).astype(np.float64)
        spread[order] = float(np.std(steps) / np.mean(steps)) if steps.size > 1 else 0.0
    best, other = sorted(ORDERS, key=spread.__getitem__)
    if spread[other] > 2.0 * spread[best] + 0.05:
        return best, f"read {best}, since the times are evenly spaced that way"
    raise DataError(
        f"dates such as {texts[0]!r} may be day-first or month-first, and nothing in the column tells: "
        "say which with --dates day-first or --dates month-first"
    )


def _to_utc(
    times: Times, which: NDArray[np.bool_], rows: NDArray[np.int64], zone: str, notes: list[Finding]
) -> Times:
    """Local times to UTC. Of an hour that comes twice, the second reading in the file is the later one."""
    try:
        where = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise DataError(f"unknown time zone {zone!r}; names such as 'Europe/Vienna' are known") from None
    made, twice, never = times.copy(), [], []
    seen: set[datetime] = set()
    for k in np.flatnonzero(which):
        local: datetime = times[k].item()
        early, late = (local.replace(tzinfo=where, fold=fold) for fold in (0, 1))
        moment = early
        if early.utcoffset() != late.utcoffset():
            if early.astimezone(UTC).astimezone(where).replace(tzinfo=None) != local:
                never.append(rows[k])
            else:
                twice.append(rows[k])
                moment = late if local in seen else early
                seen.add(local)
        made[k] = np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")
    if twice:
        notes.append(finding(f"times that come twice in {zone}", twice, "the second of two is the later one"))
    if never:
        notes.append(finding(f"times that do not exist in {zone}", never, "moved on by the hour left out"))
    return made


# ---------------------------------------------------------------- numbers


def read_numbers(
    column: NDArray[Any],
    rows: NDArray[np.int64],
    name: str,
    *,
    decimal: str | None = None,
    separator: str = "",
) -> tuple[NDArray[np.float64], list[Finding]]:
    """Numbers of a column, (n,) float64, nan where one is missing, and findings.

    Args:
        column: (n,) of text or numbers.
        rows: (n,) row numbers, for messages.
        name: of the column, for messages.
        decimal: "." or ","; found from the column if None.
        separator: of the file's fields, which tells what a lone comma means.

    Raises:
        DataError: the column is text, or its decimal mark cannot be told.
    """
    notes: list[Finding] = []
    if column.dtype.kind in "fiub":
        values = column.astype(np.float64)
    elif column.dtype.kind == "M":
        raise DataError(f"column {name!r} holds times, and numbers were expected")
    elif (plain := _plain_numbers(column)) is not None:
        values = plain
    else:
        values, notes = _numbers_from_text([str(v).strip() for v in column], rows, name, decimal, separator)
    wild = ~np.isfinite(values) & ~np.isnan(values)
    if wild.any():
        notes.append(finding(f"values of {name!r} that are infinite", rows[wild], "taken as missing"))
        values[wild] = np.nan
    if np.isnan(values).all():
        raise DataError(f"column {name!r} holds no number")
    return values, notes


def _plain_numbers(column: NDArray[Any]) -> NDArray[np.float64] | None:
    """Numbers as NumPy reads them, all at once; None where some have another form."""
    try:
        return column.astype(np.float64)
    except (ValueError, TypeError):
        return None


def _numbers_from_text(
    texts: list[str], rows: NDArray[np.int64], name: str, decimal: str | None, separator: str
) -> tuple[NDArray[np.float64], list[Finding]]:
    notes: list[Finding] = []
    if decimal is None:
        decimal, said = _decimal_of(texts, name, separator)
        if said:
            notes.append(finding(f"values of {name!r} with commas", [], said))
    group = "." if decimal == "," else ","
    values, bad = np.full(len(texts), np.nan), []
    for k, text in enumerate(texts):
        if text.lower() in MISSING:
            continue
        try:
            values[k] = float(text.replace(group, "").replace(decimal, "."))
        except ValueError:
            bad.append(k)
    if len(bad) > max(1, UNREADABLE * len(texts)):
        raise DataError(
            f"column {name!r} is text: {len(bad):,} of {len(texts):,} values are no numbers, such as "
            f"{texts[bad[0]]!r} in row {rows[bad[0]]}"
        )
    if bad:
        notes.append(finding(f"values of {name!r} that are no numbers", rows[bad], "taken as missing"))
    return values, notes


def _decimal_of(texts: Sequence[str], name: str, separator: str) -> tuple[str, str]:
    """The decimal mark, and what says so where there was something to decide."""
    commas = [text for text in texts if "," in text]
    if not commas:
        return ".", ""
    points = [text for text in texts if "." in text]
    both = [text for text in commas if "." in text]
    if both:
        last = {max(text.rfind(","), text.rfind(".")) == text.rfind(",") for text in both}
        if len(last) > 1:
            raise DataError(f"column {name!r} uses both 1.234,5 and 1,234.5")
        mark = "," if last.pop() else "."
        return mark, f"the last mark of numbers such as {both[0]!r} is the decimal one"
    grouped = re.compile(r"[+-]?\d{1,3}(,\d{3})+")
    if not all(grouped.fullmatch(text) for text in commas):
        if points:
            raise DataError(f"column {name!r} has decimal commas ({commas[0]!r}) and points ({points[0]!r})")
        return ",", f"the comma is the decimal mark of numbers such as {commas[0]!r}"
    if points:
        return ".", f"commas group digits in numbers such as {commas[0]!r}"
    if separator == ";":
        return ",", f"read as decimal commas ({commas[0]!r}), since semicolons separate the fields"
    raise DataError(
        f"numbers of column {name!r} such as {commas[0]!r} may mean thousands or thousandths: "
        "say which with --decimal . or --decimal ,"
    )
