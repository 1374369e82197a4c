"""From measurements as they came to a series on a regular grid, with every repair named."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift_agents.advise.findings import DataError, Finding, finding, rows_text
from springdrift_agents.advise.reading import read
from springdrift_agents.advise.times import Times, read_numbers, read_times

FEWEST = 50  # measurements that say anything
OFF_GRID = 0.05  # share of steps that may be no multiple of the usual one
TWICE = 0.1  # share of times that may come more than once
HOUR = 3600.0
DAY = 24 * HOUR
MONTH = 30.436875 * DAY

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Step(NamedTuple):
    """The time from one measurement to the next: so many months, or else so many seconds."""

    seconds: float
    months: int = 0

    def ticks(self, times: Times) -> Floats:
        """Times as numbers of steps since 1970, whole ones where they lie on the grid of the first."""
        if self.months:
            return times.astype("datetime64[M]").astype(np.int64) / self.months
        micro = times.astype("datetime64[us]").astype(np.int64)
        return (micro - micro[0]) / (self.seconds * 1e6)

    def __str__(self) -> str:
        if self.months:
            return {1: "month", 3: "quarter", 12: "year"}.get(self.months, f"{self.months} months")
        units = (("week", 7 * DAY), ("day", DAY), ("hour", HOUR), ("minute", 60.0), ("second", 1.0))
        for unit, size in units:
            count = self.seconds / size
            if count >= 1 and abs(count - round(count)) < 1e-9:
                return unit if round(count) == 1 else f"{round(count)} {unit}s"
        return f"{self.seconds:g} seconds"


@dataclass(frozen=True)
class Recording:
    """A series on a regular grid."""

    name: str
    times: Times  # (n,) datetime64[us]
    values: Floats  # (n,); nan where one is missing
    step: Step
    drivers: dict[str, Floats]  # (n,) each, known beside the series
    findings: tuple[Finding, ...]

    def __len__(self) -> int:
        return len(self.values)


def load(
    source: Any,
    time: str,
    value: str,
    *,
    drivers: tuple[str, ...] = (),
    table: str | None = None,
    dates: str | None = None,
    zone: str | None = None,
    decimal: str | None = None,
) -> Recording:
    """A file or data frame as a series on a regular grid; gaps hold nan.

    Args:
        source: as :func:`springdrift_agents.advise.reading.read` takes it.
        time: name of the column with the times.
        value: name of the column with the measurements.
        drivers: names of columns that help to forecast.
        table: of a SQLite file.
        dates: "day-first" or "month-first", where the column does not tell.
        zone: time zone of times without an offset.
        decimal: "." or ",", where the column does not tell.

    Raises:
        DataError: the data cannot be used; says what is wrong, where, and what to do.
    """
    names = tuple(dict.fromkeys((time, value, *drivers)))
    if len(names) != 2 + len(drivers):
        raise DataError(f"time, value and drivers must be different columns, got {time}, {value}, {drivers}")
    columns = read(source, names, table=table)
    notes = list(columns.findings)
    times, good, said = read_times(columns.data[time], columns.rows, order=dates, zone=zone)
    notes += said
    held = []
    for name in names[1:]:
        numbers, said = read_numbers(
            columns.data[name], columns.rows, name, decimal=decimal, separator=columns.separator
        )
        held.append(numbers[good])
        notes += said
    return to_grid(value, times[good], np.array(held), columns.rows[good], names[2:], tuple(notes))


def to_grid(
    name: str,
    times: Times,
    held: Floats,
    rows: Ints,
    drivers: tuple[str, ...] = (),
    findings: tuple[Finding, ...] = (),
) -> Recording:
    """Sort, merge what comes twice, and lay on a regular grid.

    Args:
        name: of the series.
        times: (n,) in any order.
        held: (1 + drivers, n) values and drivers.
        rows: (n,) row numbers, for messages.
        drivers: their names.
        findings: so far.

    Raises:
        DataError: too few, constant, or not regular.
    """
    notes = list(findings)
    for tidy in (_in_order, _merge):
        times, held, rows, said = tidy(times, held, rows)
        notes += said
    if len(times) < FEWEST:
        raise DataError(
            f"{len(times)} different times are too few to judge a strategy; at least {FEWEST} are needed"
        )
    known = held[0][~np.isnan(held[0])]
    if known.size == 0 or known.min() == known.max():
        raise DataError(f"{name!r} is constant ({known[0]:g})" if known.size else f"{name!r} holds no number")
    step = step_of(times)
    places, kept, off = _places(step, times)
    if off.size:
        notes.append(
            finding(f"times off the grid of one {step}", rows[off], "moved to the nearest place or left out")
        )
    wide = np.full((len(held), int(places[-1]) + 1), np.nan)
    wide[:, places] = held[:, kept]
    never = wide.shape[1] - len(places)
    if never:
        notes.append(Finding(f"times missing on the grid of one {step}", never, (), "see gaps"))
    absent = rows[kept][np.isnan(held[0][kept])]
    if absent.size:
        notes.append(finding(f"values of {name!r} that are missing", absent, "see gaps"))
    return Recording(
        name,
        _grid(step, times[kept[0]], wide.shape[1]),
        wide[0],
        step,
        {driver: wide[1 + k] for k, driver in enumerate(drivers)},
        tuple(notes),
    )


def _in_order(times: Times, held: Floats, rows: Ints) -> tuple[Times, Floats, Ints, list[Finding]]:
    """Rows from the oldest to the newest."""
    forward = np.diff(times.astype(np.int64))
    if (forward >= 0).all():
        return times, held, rows, []
    back = rows[1:][forward < 0]
    if (forward <= 0).all():
        said = Finding("rows out of order", back.size, (), "the newest row came first; turned round")
    else:
        said = Finding("rows out of order", back.size, tuple(back[:5].tolist()), "sorted by time")
    order = np.argsort(times, kind="stable")
    return times[order], held[:, order], rows[order], [said]


def _merge(times: Times, held: Floats, rows: Ints) -> tuple[Times, Floats, Ints, list[Finding]]:
    """One row for each time: rows that are alike once, others by the mean of what they hold."""
    kept, first, group, counts = np.unique(times, return_index=True, return_inverse=True, return_counts=True)
    if len(kept) == len(times):
        return times, held, rows, []
    again = rows[np.setdiff1d(np.arange(len(times)), first)]
    if again.size > TWICE * len(times):
        raise DataError(
            f"{again.size:,} of {len(times):,} rows repeat a time ({rows_text(again.tolist())}): does the "
            "file hold several series? Keep one of them"
        )
    merged = np.empty((len(held), len(kept)))
    for k, row in enumerate(held):
        there = ~np.isnan(row)
        total = np.bincount(group[there], row[there], len(kept))
        number = np.bincount(group[there], minlength=len(kept))
        merged[k] = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    twice = np.flatnonzero(counts > 1)
    hours = times.astype("datetime64[h]")[first[twice]].astype(object)
    autumn = all(hour.month in (9, 10, 11, 3, 4) and hour.hour < 5 for hour in hours) and 0 < len(hours) <= 8
    hourly = len(kept) > 1 and np.median(np.diff(kept)) <= np.timedelta64(1, "h")
    said = "their mean was kept"
    if autumn and hourly:
        said += "; this looks like the hour that comes twice when clocks go back: name the zone with --zone"
    return kept, merged, rows[first], [finding("times that come more than once", again, said)]


def step_of(times: Times) -> Step:
    """The usual time between measurements.

    Raises:
        DataError: there is none.
    """
    seconds = np.diff(times.astype("datetime64[us]").astype(np.int64)).astype(np.float64) / 1e6
    usual = float(np.median(seconds))
    if usual >= 27 * DAY:
        months: Ints = np.diff(times.astype("datetime64[M]").astype(np.int64)).astype(np.int64)
        common = int(np.median(months))
        if common >= 1 and np.mean(months % common == 0) > 1 - OFF_GRID:
            return Step(common * MONTH, common)
    near = np.abs(seconds / usual - np.round(seconds / usual)) < 0.1
    if near.mean() < 1 - OFF_GRID:
        spread = ", ".join(f"{np.quantile(seconds, q):g}" for q in (0.1, 0.5, 0.9))
        raise DataError(
            f"the times are not evenly spaced: steps are {spread} s (10 %, half and 90 % are shorter); "
            "resample the series first, say to hourly or daily means"
        )
    return Step(_whole(float(seconds.sum() / np.round(seconds / usual).sum())))


def _whole(seconds: float) -> float:
    """The whole number of seconds nearby, if there is one: clocks are read with rounding errors."""
    return float(round(seconds)) if abs(seconds - round(seconds)) < 1e-4 * seconds else seconds


def _places(step: Step, times: Times) -> tuple[Ints, Ints, Ints]:
    """Places on the grid, which rows stand there, and which rows were off it."""
    ticks = step.ticks(times)
    ticks = ticks - ticks[0]
    if not step.months:  # clocks that run a little fast or slow do not count as off the grid
        phase = np.median(ticks - np.round(ticks))
        ticks = ticks - phase
    places = np.round(ticks).astype(np.int64)
    off = np.flatnonzero(np.abs(ticks - places) > 0.25)
    kept = np.flatnonzero(np.concatenate(([True], np.diff(places) > 0)))
    places = places[kept]
    return places - places[0], kept, off


def _grid(step: Step, start: np.datetime64, count: int) -> Times:
    if step.months:
        first = start.astype("datetime64[M]")
        return (first + np.arange(count) * step.months).astype("datetime64[us]")
    return start + np.round(np.arange(count) * step.seconds * 1e6).astype("timedelta64[us]")


# ---------------------------------------------------------------- gaps


def mend(recording: Recording, period: int) -> Recording:
    """The longest part of a recording without large gaps, its small ones filled.

    A gap of up to one period is filled with what was there one period before, moved to the level around
    the gap; a longer one splits the record, and the longest part is kept.

    Args:
        recording: with nan where values are missing.
        period: measurements of a season.

    Raises:
        DataError: no part is long enough.
    """
    gaps = _runs(np.isnan(recording.values))
    large = [(a, b) for a, b in gaps if b - a > period]
    edges = [0, *(edge for gap in large for edge in gap), len(recording)]
    parts = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
    first, last = max(parts, key=lambda part: part[1] - part[0])
    while last > first and np.isnan(recording.values[first]):
        first += 1
    while last > first and np.isnan(recording.values[last - 1]):
        last -= 1
    notes = list(recording.findings)
    if large:
        longest = max(b - a for a, b in large)
        share = (last - first) / len(recording)
        notes.append(
            Finding(
                f"gaps of more than one season ({period} measurements), the longest of {longest:,}",
                len(large),
                (),
                f"the record was split there and its longest part kept, {_span(recording, first, last)} "
                f"({share:.0%} of it)",
            )
        )
    if last - first < FEWEST:
        raise DataError(f"between its gaps the series has no part of {FEWEST} measurements")
    values = recording.values[first:last].copy()
    small = _runs(np.isnan(values))
    for a, b in small:
        _fill(values, a, b, period)
    if small:
        count = sum(b - a for a, b in small)
        notes.append(
            Finding(
                f"missing values in {len(small):,} small gaps",
                count,
                (),
                "filled with what was there one season before, moved to the level around the gap",
            )
        )
    drivers = {name: _carry(row[first:last], name, notes) for name, row in recording.drivers.items()}
    return replace(
        recording,
        times=recording.times[first:last],
        values=values,
        drivers=drivers,
        findings=tuple(notes),
    )


def _fill(values: Floats, a: int, b: int, period: int) -> None:
    left, right = values[a - 1], values[b]
    line = left + (right - left) * (np.arange(a, b) - a + 1) / (b - a + 1)
    if a - period - 1 < 0:
        values[a:b] = line
        return
    before = values[a - period - 1 : b - period + 1]
    if np.isnan(before).any():
        values[a:b] = line
        return
    bent = before[0] + (before[-1] - before[0]) * np.linspace(0, 1, len(before))
    values[a:b] = line + (before - bent)[1:-1]


def _carry(row: Floats, name: str, notes: list[Finding]) -> Floats:
    """A driver without holes: the last known value holds."""
    missing = np.isnan(row)
    if not missing.any():
        return row
    last = np.maximum.accumulate(np.where(missing, -1, np.arange(len(row))))
    start = int(np.argmin(missing))
    filled = np.where(last >= 0, row[np.maximum(last, 0)], row[start])
    notes.append(
        Finding(f"missing values of {name!r}", int(missing.sum()), (), "the last one known was kept")
    )
    return filled


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Start and end of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _span(recording: Recording, first: int, last: int) -> str:
    start, end = recording.times[[first, last - 1]].astype("datetime64[m]")
    return f"{start} to {end}"
