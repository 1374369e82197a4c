"""Strategies as they were judged: what each cost, what one costs more than another, how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from springdrift.series.staleness import Staleness
from springdrift_agents.advise.strategies import RETRAIN, Normal, Prices, Run, Table
from springdrift_agents.evaluation.statistics import Interval

Floats = NDArray[np.float64]

RESAMPLES = 1000


@dataclass
class Candidate:
    """A strategy as it was judged."""

    name: str
    policies: list[dict[str, Any]] = field(default_factory=list)  # in force on each stretch
    runs: list[Run] = field(default_factory=list)  # on each stretch
    shifted: list[Run] = field(default_factory=list)  # on each of the shifted ones
    final: dict[str, Any] = field(default_factory=dict)  # chosen on the whole record


class Judged(NamedTuple):
    """All that a report says."""

    found: Staleness
    window: int
    windows: dict[int, tuple[float, float]]  # cost a cycle of the best calendar: where chosen, where judged
    baseline: str
    normal: Normal
    prices: Prices
    stretches: list[tuple[int, Table]]  # first cycle of each, and its errors
    candidates: dict[str, Candidate]
    shifted: list[tuple[int, Table]]  # the same stretches, begun earlier or later
    optimum: Candidate  # with the future known
    dummies: list[list[Run]]  # as many retrainings as the recommended strategy, at random times
    recommended: str
    calendar: Interval  # best interval of a calendar, cycles
    first: int  # first cycle of the record that decides

    def candidate(self, name: str) -> Candidate:
        """A strategy, or the "optimum"."""
        return self.optimum if name == "optimum" else self.candidates[name]

    def costs(self, name: str) -> Floats:
        """Money by cycle and term over all that was judged, (J, 3), the mean over all starts."""
        one = self.candidate(name)
        return self.total([*one.runs, *one.shifted])

    def total(self, runs: Sequence[Run]) -> Floats:
        """The same of runs on the stretches and on the shifted ones, one after the other."""
        return total(runs, [*self.stretches, *self.shifted], self.prices)

    def difference(self, name: str, other: str) -> Interval:
        """What a strategy costs more than another, money a cycle.

        Its spread is that over the whole record, the cycles among them on which the first settings were
        chosen: their mean would flatter the strategy, but what is judged is often too short to know how much
        it varies.
        """
        whole = self._record(name) - self._record(other)
        judged = whole[-sum(table.cycles for _, table in self.stretches) :]
        return block_interval(judged, self.block, among=whole)

    def _record(self, name: str) -> Floats:
        """Money by cycle, over all that was played, (R,)."""
        one, stretches = self.candidate(name), [*self.stretches, *self.shifted]
        first = min(start for start, _ in stretches)
        return total([*one.runs, *one.shifted], stretches, self.prices, first).sum(axis=1)

    @property
    def block(self) -> int:
        """Length of the blocks that are resampled: what happens in one says little of the next.

        It is at least a stretch: a model left alone stays stale to the end of it.
        """
        cycles = sum(table.cycles for _, table in self.stretches)
        retrainings = sum(int((run.actions == RETRAIN).sum()) for run in self.optimum.runs)
        longest = max(table.cycles for _, table in self.stretches)
        return max(block_length(cycles, cycles / max(retrainings, 1)), min(longest, cycles // 4))


def block_length(cycles: int, apart: float) -> int:
    """Blocks of two retrainings or of the root of all cycles, and never fewer than six of them."""
    return max(1, min(int(max(2 * apart, np.sqrt(cycles))), cycles // 6))


def total(
    runs: Sequence[Run], stretches: Sequence[tuple[int, Table]], prices: Prices, first: int | None = None
) -> Floats:
    """Money by cycle and term from the first stretch on, (J, 3): the mean of the runs that cover a cycle.

    Args:
        runs: one on each stretch.
        stretches: first cycle of each, and its errors.
        prices: in the user's money.
        first: begin with this cycle of the record instead.
    """
    first = stretches[0][0] if first is None else first
    last = max(start + table.cycles for start, table in stretches)
    sums, runs_of = np.zeros((last - first, 3)), np.zeros((last - first, 1))
    for run, (start, table) in zip(runs, stretches, strict=True):
        if start + table.cycles <= first:
            continue
        own = run.costs(table, prices)[max(0, first - start) :]
        rows = slice(max(start, first) - first, start + table.cycles - first)
        sums[rows] += own
        runs_of[rows] += 1
    return sums / runs_of


def block_interval(values: Floats, block: int, seed: int = 0, among: Floats | None = None) -> Interval:
    """Mean of a dependent series and its 95 % interval by circular block bootstrap (Politis & Romano 1992).

    The bootstrap's standard error is used with Student's t for the number of blocks: few blocks know
    little of their own spread.

    Args:
        values: the series, (n,).
        block: length of the blocks.
        seed: of the resampling.
        among: a longer series of the same kind, from which blocks are drawn; the series itself if None.

    >>> block_interval(np.zeros(40), 5)
    Interval(value=0.0, low=0.0, high=0.0)
    """
    known = values if among is None else among
    n, mean, drawn, blocks = len(known), float(np.mean(values)), len(values) // block, len(known) // block
    if blocks < 2 or drawn < 1:
        return Interval(mean, float("-inf"), float("inf"))
    doubled = np.concatenate(([0.0], np.cumsum(np.concatenate((known, known[:block])))))
    sums = doubled[block : block + n] - doubled[:n]  # of each block, wherever it begins
    rng = np.random.default_rng(seed)
    means = sums[rng.integers(n, size=(RESAMPLES, drawn))].mean(axis=1) / block
    half = float(scipy.stats.t.ppf(0.975, blocks - 1) * means.std() * np.sqrt(blocks / (blocks - 1)))
    return Interval(mean, mean - half, mean + half)
