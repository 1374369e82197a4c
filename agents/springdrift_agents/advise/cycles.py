"""Cut a series into the cycles in which decisions are made, with a longer season where there is one."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift_agents.advise.findings import DataError, Finding
from springdrift_agents.advise.grid import Recording
from springdrift_agents.advise.period import autocorrelation, detrended
from springdrift_agents.advise.times import Times

FEWEST = 60  # cycles on which strategies can be compared
WANTED = 120  # cycles; a season is divided until there are so many
LONGEST_SEASON = 60  # cycles


class Cycles(NamedTuple):
    """A series as decisions see it."""

    values: NDArray[np.float64]  # (N, P), a row a cycle
    times: Times  # (N,) start of each
    long_period: int  # cycles of a longer season, 0 for none
    drivers: dict[str, NDArray[np.float64]]  # (N, P) each
    findings: tuple[Finding, ...]

    @property
    def per_year(self) -> float:
        """Cycles a year."""
        days = (self.times[-1] - self.times[0]) / np.timedelta64(1, "D")
        return 365.25 * (len(self.times) - 1) / float(days)


def cut(recording: Recording, period: int) -> Cycles:
    """A recording without gaps as whole cycles; samples that fill none are left off its start.

    A cycle is one season, or a part of one where the record holds few seasons; the season is then the
    longer one that the model knows.

    Raises:
        DataError: too few cycles.
    """
    n = len(recording)
    if not 2 <= period <= n:
        raise DataError(f"the period must be from 2 to {n} measurements, got {period}")
    size, notes = period, []
    parts = [k for k in range(2, period) if period % k == 0 and period // k >= 2]
    while n // size < WANTED and parts:
        size = period // parts.pop(0)
    long_period = period // size if size < period else _longer(recording.values, period)
    count = n // size
    if count < FEWEST:
        raise DataError(
            f"{n} measurements are {n // period} seasons of {period}, or {count} cycles of {size}: too few "
            f"to compare strategies; at least {FEWEST} cycles are needed"
        )
    if size < period:
        notes.append(
            Finding(
                f"seasons of {period} measurements",
                n // period,
                (),
                f"each is {long_period} cycles of {size}",
            )
        )
    start = n - count * size

    def rows(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.ascontiguousarray(values[start:].reshape(count, size))

    return Cycles(
        rows(recording.values),
        recording.times[start::size],
        long_period,
        {name: rows(row) for name, row in recording.drivers.items()},
        (*recording.findings, *notes),
    )


def _longer(values: NDArray[np.float64], period: int) -> int:
    """Cycles of a longer season, such as the week of a daily one; 0 where none stands out."""
    count = len(values) // period
    means = detrended(values[len(values) - count * period :]).reshape(count, period)
    longest = min(LONGEST_SEASON, count // 8)
    if longest < 3:
        return 0
    # what the daily course leaves: each sample less the same one a cycle before
    steps = np.diff(means, axis=0).ravel()
    lags = autocorrelation(steps, longest * period)[::period][: longest + 1]
    best = max(range(2, longest + 1), key=lambda k: lags[k])
    return best if lags[best] > max(0.25, 6.0 / np.sqrt(count * period)) and lags[best] > lags[1] + 0.2 else 0


def without_drivers(cycles: Cycles, window: int) -> NDArray[np.float64]:
    """The series less what known drivers explain, (N, P).

    The weights in a cycle come from ridge regression of cycle-to-cycle changes over the ``window`` cycles
    before it: nothing of it or after it is looked at.
    """
    if not cycles.drivers:
        return cycles.values
    known = np.stack(list(cycles.drivers.values()), axis=-1)  # (N, P, D)
    scale = known.reshape(-1, known.shape[-1]).std(axis=0)
    known = (known - known[0].mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    moves, wanted = np.diff(known, axis=0), np.diff(cycles.values, axis=0)
    gram = np.einsum("tpi,tpj->tij", moves, moves)
    right = np.einsum("tpi,tp->ti", moves, wanted)
    clean = cycles.values.copy()
    eye = np.eye(known.shape[-1])
    for t in range(2, len(clean)):
        past = slice(max(0, t - 1 - window), t - 1)
        total = gram[past].sum(axis=0)
        weights = np.linalg.solve(total + (1e-3 * np.trace(total) + 1e-9) * eye, right[past].sum(axis=0))
        clean[t] = cycles.values[t] - known[t] @ weights
    return clean
