"""Which strategy would have cost least: chosen on earlier data, judged on later, and how sure that is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from springdrift.series.forecaster import BASELINES, LAST, SEASON, Shape
from springdrift.series.staleness import RIDGE_MODEL, Staleness, staleness
from springdrift_agents.advise.findings import DataError
from springdrift_agents.advise.monitor import Monitor
from springdrift_agents.advise.strategies import (
    INTERVENE,
    RETRAIN,
    Normal,
    Prices,
    Run,
    Table,
    beginning,
    best_possible,
    calendars,
    follow,
    normal_error,
    replayed,
    settings,
    stretch,
)
from springdrift_agents.evaluation.statistics import Interval

Floats = NDArray[np.float64]

# from the simplest to the most involved: of strategies that cost the same, the first is recommended
FAMILIES = ("never", "calendar", "override", "threshold", "cusum", "page-hinkley", "adwin", "both", "learned")
LEARNING = 0.4  # share of the cycles on which settings are first chosen
STRETCHES = 4  # rolling origins
PHASES = (
    4  # starts within a stretch: what a strategy costs depends on the model that it happens to start with
)
SHORTEST = 30  # cycles of a stretch
WINDOWS = (7, 14, 28, 56)  # cycles that a fit may look back
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


def shifted_stretches(
    stretches: Sequence[tuple[int, Table]], earliest: int, cycles: int
) -> list[tuple[int, int, int]]:
    """Starts, lengths and numbers of the stretches whose policies are in force, of the shifted ones.

    A stretch begins again at every quarter of its length: so every cycle is judged with models of every
    age. The first settings are also played on what lay before, where cycles count for the spread alone.
    """
    made = []
    for number, (start, table) in enumerate(stretches):
        offsets = [table.cycles * phase // PHASES for phase in range(1, PHASES)]
        begun = [start + offset for offset in offsets]
        if number == 0:
            step = max(1, table.cycles // PHASES)
            begun += range(start - step, earliest - 1, -step)
        made += [(a, min(table.cycles, cycles - a), number) for a in begun if earliest <= a < cycles]
    return made


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


# ---------------------------------------------------------------- choosing and judging


def judge(
    values: Floats,
    long_period: int,
    prices: Prices,
    *,
    latency: int = 1,
    delay: int = 0,
    window: int | None = None,
    model: Any = RIDGE_MODEL,
    rate: int = 100,
    families: Sequence[str] = FAMILIES,
    tell: Callable[[str], None] = lambda what: None,
) -> Judged:
    """Choose each strategy's settings on earlier cycles, judge it on later ones, and recommend one.

    Args:
        values: (N, P) of the series, a row a cycle.
        long_period: cycles of a longer season, 0 for none.
        prices: in the user's money.
        latency: cycles from the request of a retraining to its deployment.
        delay: cycles until a measurement is known.
        window: cycles that a fit looks back; tried out if None.
        model: as :func:`springdrift.series.staleness.staleness` takes it.
        rate: cycles between two false alarms of a detector.
        families: strategies to compare.
        tell: is told what is being done.

    Raises:
        DataError: too few cycles.
    """
    y = np.ascontiguousarray(values, np.float64)
    windows = [window] if window else [w for w in WINDOWS if w * 4 <= len(y)] or [WINDOWS[0]]
    longest = max(Shape(y.shape[1], long_period, w, delay, LAST).history for w in windows)
    origins = _origins(len(y), longest)
    baseline = _baseline(y, long_period, delay, longest, origins[0])
    tried: dict[int, Staleness] = {}
    scores: dict[int, tuple[float, float]] = {}
    for w in windows:
        tell(f"fitting on {w} cycles")
        tried[w] = staleness(y, Shape(y.shape[1], long_period, w, delay, baseline), model=model)
        scores[w] = tuple(  # type: ignore[assignment]
            _best_calendar_cost(stretch(tried[w], a, b - a, latency), prices)
            for a, b in ((longest, origins[0]), (origins[0], len(y)))
        )
    chosen = min(windows, key=lambda w: scores[w][0])
    found = tried[chosen]
    ends = [*origins[1:], len(y)]
    stretches = [(a, stretch(found, a, b - a, latency)) for a, b in zip(origins, ends, strict=True)]
    normal = normal_error(stretch(found, longest, origins[0] - longest, latency))
    candidates = {name: Candidate(name) for name in families}
    for start, table in stretches:
        tell(f"judging from cycle {start} of {len(y)} on")
        past = stretch(found, longest, start - longest, latency)
        best = choose(past, prices, rate, chosen, families)
        for name, chosen_policy in best.items():
            policy = beginning(chosen_policy, table)
            candidates[name].policies.append(policy)
            candidates[name].runs.append(follow(table, Monitor(policy)))
    whole = stretch(found, longest, len(y) - longest, latency)
    for name, policy in choose(whole, prices, rate, chosen, families).items():
        candidates[name].final = beginning(policy, whole, whole.cycles)
    shifted = []
    for a, length, number in shifted_stretches(stretches, longest, len(y)):
        table = stretch(found, a, length, latency)
        shifted.append((a, table))
        for candidate in candidates.values():
            policy = beginning(candidate.policies[number], table)
            candidate.shifted.append(follow(table, Monitor(policy)))
    tell("the best possible decisions")
    optimum = Candidate(
        "optimum",
        runs=[best_possible(table, prices) for _, table in stretches],
        shifted=[best_possible(table, prices) for _, table in shifted],
    )
    name_of = {one: label for label, one in BASELINES.items()}
    judged = Judged(
        found, chosen, scores, name_of[baseline], normal, prices, stretches, candidates, shifted, optimum, [],
        "never", calendar_interval(whole, prices), longest,
    )  # fmt: skip
    judged = judged._replace(recommended=recommend(judged))
    return judged._replace(dummies=dummies(judged))


def _origins(cycles: int, first: int) -> list[int]:
    start = first + round(LEARNING * (cycles - first))
    count = max(1, min(STRETCHES, (cycles - start) // SHORTEST))
    if cycles - start < SHORTEST:
        raise DataError(
            f"{cycles} cycles leave {max(0, cycles - start)} to judge strategies on after {first} of "
            f"history; at least {SHORTEST} are needed"
        )
    return np.linspace(start, cycles, count + 1).astype(int)[:-1].tolist()


def _baseline(y: Floats, long_period: int, delay: int, first: int, last: int) -> int:
    """The safe baseline with the smaller error on the cycles that decide: the last cycle, or a season ago."""
    if long_period == 0:
        return LAST
    back = 1 + delay
    season = -(-back // long_period) * long_period
    rows = np.arange(first, last)
    errors = {
        kind: np.sqrt(np.mean((y[rows] - y[rows - lag]) ** 2))
        for kind, lag in ((LAST, back), (SEASON, season))
    }
    return min(errors, key=lambda kind: errors[kind])


def _best_calendar_cost(table: Table, prices: Prices) -> float:
    runs = (follow(table, Monitor(policy)) for policy in _calendar_policies(table))
    return min(float(run.costs(table, prices).sum()) for run in runs) / table.cycles


def _calendar_policies(table: Table) -> list[dict[str, Any]]:
    base = {"latency": table.latency, "label_delay": table.delay}
    found = [{**base, "trigger": "calendar", "parameters": {"every": every}} for every in calendars(table)]
    return [{**base, "trigger": "never"}, *found]


def choose(
    past: Table, prices: Prices, rate: int, window: int, families: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Of each family the policy that would have cost least on past cycles."""
    normal, by_hand = normal_error(past), "override" in families
    best: dict[str, tuple[float, dict[str, Any]]] = {}
    for family in families:
        name = family
        if family == "both":
            triggers = [one for one in best if one not in ("never", "override")]
            name = f"{min(triggers, key=lambda one: best[one][0])} + override" if triggers else "override"
        for policy in _limited(name, past, normal, prices, rate, window, by_hand, best):
            cost = float(follow(past, Monitor(policy)).costs(past, prices).sum())
            if family not in best or cost < best[family][0]:
                best[family] = cost, policy
    return {family: policy for family, (_, policy) in best.items()}


def _limited(
    name: str, past: Table, normal: Normal, prices: Prices, rate: int, window: int, by_hand: bool, best: Any
) -> list[dict[str, Any]]:
    """A family's settings; both together take the trigger's best ones and vary the override."""
    trigger, _, override = name.partition(" + ")
    if not override:
        return list(settings(name, past, normal, prices, rate, window, by_hand))
    parts = best[trigger][1]
    return [
        {**parts, "override": policy["override"]}
        for policy in settings("override", past, normal, prices, rate, window)
    ]


def recommend(judged: Judged) -> str:
    """The simplest strategy that is not clearly dearer than the cheapest one.

    Where one can leave the model alone, only those count that are clearly cheaper than that.
    """
    able = list(judged.candidates)
    if "never" in able:
        able = [name for name in able if name != "never" and judged.difference(name, "never").high < 0.0]
    if not able:
        return "never"
    means = {name: float(judged.costs(name).sum(axis=1).mean()) for name in able}
    cheapest = min(means, key=means.__getitem__)
    return next(name for name in able if name == cheapest or judged.difference(name, cheapest).low <= 0.0)


def calendar_interval(table: Table, prices: Prices) -> Interval:
    """The best interval of a calendar and its 95 % interval: what resampled blocks of cycles find best."""
    every = calendars(table)
    costs = np.stack(
        [follow(table, Monitor(p)).costs(table, prices).sum(axis=1) for p in _calendar_policies(table)[1:]]
    )
    n = table.cycles
    best = every[int(np.argmin(costs.sum(axis=1)))]
    block = block_length(n, best)
    sums = np.cumsum(np.concatenate((np.zeros((len(every), 1)), costs, costs[:, :block]), axis=1), axis=1)
    blocks = sums[:, block : block + n] - sums[:, :n]
    rng = np.random.default_rng(0)
    drawn = rng.integers(n, size=(RESAMPLES, max(2, n // block)))
    found = np.array([every[int(np.argmin(blocks[:, rows].sum(axis=1)))] for rows in drawn])
    low, high = np.percentile(found, (2.5, 97.5))
    return Interval(float(best), float(low), float(high))


def dummies(judged: Judged, count: int = 20) -> list[list[Run]]:
    """Runs that retrain and override as often as the recommended strategy, at random times."""
    rng = np.random.default_rng(0)
    made, chosen = [], judged.candidates[judged.recommended]
    for _ in range(count):
        runs = []
        for run, (_, table) in zip(
            [*chosen.runs, *chosen.shifted], [*judged.stretches, *judged.shifted], strict=True
        ):
            actions = np.zeros(table.cycles, np.int64)
            often = int((run.actions == RETRAIN).sum())
            slots = rng.permutation(table.cycles // table.latency)[:often] * table.latency
            actions[slots] = RETRAIN
            free = rng.permutation(np.flatnonzero(actions == 0))
            actions[free[: int((run.actions == INTERVENE).sum())]] = INTERVENE
            runs.append(replayed(table, actions))
        made.append(runs)
    return made
