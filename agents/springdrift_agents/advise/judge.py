"""Which strategy would have cost least: chosen on earlier data, judged on later, and how sure that is."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift.series.forecaster import BASELINES, LAST, SEASON, Shape
from springdrift.series.staleness import RIDGE_MODEL, Staleness, staleness
from springdrift_agents.advise.findings import DataError
from springdrift_agents.advise.judged import RESAMPLES, Candidate, Judged, block_length
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


class _Record(NamedTuple):
    """Every fit of a series with what it would have forecast, in parts."""

    found: Staleness
    latency: int
    first: int  # cycle that decides
    cycles: int

    def part(self, start: int, end: int) -> Table:
        """Some cycles of it."""
        return stretch(self.found, start, end - start, self.latency)

    def before(self, cycle: int) -> Table:
        """What a choice at that cycle rests on."""
        return self.part(self.first, cycle)

    @property
    def whole(self) -> Table:
        """All that can be played."""
        return self.before(self.cycles)

    def calendar_costs(self, cycle: int, prices: Prices) -> tuple[float, float]:
        """What the best calendar costs a cycle, before a cycle and from it on."""
        past, future = self.before(cycle), self.part(cycle, self.cycles)
        return _best_calendar_cost(past, prices), _best_calendar_cost(future, prices)


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
    first = max(Shape(y.shape[1], long_period, w, delay, LAST).history for w in windows)
    origins = _origins(len(y), first)
    baseline = _baseline(y, long_period, delay, first, origins[0])
    tried: dict[int, _Record] = {}
    for w in windows:
        tell(f"fitting on {w} cycles")
        shape = Shape(y.shape[1], long_period, w, delay, baseline)
        tried[w] = _Record(staleness(y, shape, model=model), latency, first, len(y))
    scores = {w: record.calendar_costs(origins[0], prices) for w, record in tried.items()}
    chosen = min(windows, key=lambda w: scores[w][0])
    record = tried[chosen]
    best = partial(choose, prices=prices, rate=rate, window=chosen, families=families)
    stretches = [(a, record.part(a, b)) for a, b in pairwise((*origins, len(y)))]
    candidates = {name: Candidate(name) for name in families}
    _play(candidates, record, stretches, best, tell)
    shifted = _play_shifted(candidates, record, stretches)
    tell("the best possible decisions")
    runs, more = ([best_possible(table, prices) for _, table in part] for part in (stretches, shifted))
    name_of = {one: label for label, one in BASELINES.items()}
    judged = Judged(
        record.found, chosen, scores, name_of[baseline], normal_error(record.before(origins[0])), prices,
        stretches, candidates, shifted, Candidate("optimum", runs=runs, shifted=more), [],
        "never", calendar_interval(record.whole, prices), first,
    )  # fmt: skip
    judged = judged._replace(recommended=recommend(judged))
    return judged._replace(dummies=dummies(judged))


def _play(
    candidates: dict[str, Candidate],
    record: _Record,
    stretches: Sequence[tuple[int, Table]],
    best: Callable[[Table], dict[str, dict[str, Any]]],
    tell: Callable[[str], None],
) -> None:
    """Play every stretch with the settings that were best on all that lay before it."""
    for start, table in stretches:
        tell(f"judging from cycle {start} of {record.cycles} on")
        for name, chosen in best(record.before(start)).items():
            policy = beginning(chosen, table)
            candidates[name].policies.append(policy)
            candidates[name].runs.append(follow(table, Monitor(policy)))
    for name, chosen in best(record.whole).items():
        candidates[name].final = beginning(chosen, record.whole, record.whole.cycles)


def _play_shifted(
    candidates: dict[str, Candidate], record: _Record, stretches: Sequence[tuple[int, Table]]
) -> list[tuple[int, Table]]:
    """Play the stretches begun earlier or later, with the settings that were in force on them."""
    shifted = []
    for start, length, number in shifted_stretches(stretches, record.first, record.cycles):
        table = record.part(start, start + length)
        shifted.append((start, table))
        for candidate in candidates.values():
            policy = beginning(candidate.policies[number], table)
            candidate.shifted.append(follow(table, Monitor(policy)))
    return shifted


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
