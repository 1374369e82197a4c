"""Strategies on a recorded series: what each would have done in every cycle, and what that cost."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift.series.forecaster import BIAS, CORRELATION, ERROR, PEAK, SERVED
from springdrift.series.optimum import Problem, optimum
from springdrift.series.staleness import Staleness, pair
from springdrift_agents.advise.dashboard import Seen
from springdrift_agents.advise.learned import SHIPPED, load
from springdrift_agents.advise.monitor import Chart, Monitor

Floats = NDArray[np.float64]
FALSE_ALARM = 100  # cycles between two false alarms of a detector
WAIT, INTERVENE, RETRAIN = 0, 1, 2
ACTIONS = ("WAIT", "INTERVENE", "RETRAIN")
ALARMS = 20  # false alarms by which a limit is set


@dataclass(frozen=True)
class Prices:
    """What things cost, in the user's money."""

    error: float  # for each unit of error of each measurement
    retrain: float
    intervene: float

    def __post_init__(self) -> None:
        for name in ("error", "retrain", "intervene"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e15:
                raise ValueError(f"{name}-cost must be a number from 0 on, got {value!r}")


class Table(NamedTuple):
    """A stretch of cycles with the errors of every model that could serve in them."""

    measured: NDArray[np.float32]  # errors of each (fit, cycle) pair of the whole series
    naive: Floats  # (T,) errors of the safe baseline
    start: int  # fits of the series before the first of the stretch
    cycles: int
    period: int  # measurements a cycle
    latency: int
    delay: int
    found: Staleness  # of the whole series
    first: int  # cycle of the series in which the stretch begins

    def seen(self, fitted: int, cycle: int, newest: int) -> Seen:
        """What is known of a cycle in which the model fitted as ``fitted`` began was in service.

        Args:
            fitted: cycle of the stretch.
            cycle: of the stretch.
            newest: cycle of the stretch in which the newest fit was made.
        """
        found, at = self.found, self.first + cycle
        own, naive = found.stats[found.place(self.first + fitted, at)], found.naive[at]
        error, bias, correlation, peak, mean = (
            float(own[k]) for k in (ERROR, BIAS, CORRELATION, PEAK, SERVED)
        )
        return Seen(
            *(error, float(naive[ERROR]), bias, correlation, peak, float(found.level[at]), mean),
            *(float(naive[SERVED]), float(found.fit_error[self.first + newest])),
        )

    def home(self, cycle: int) -> float:
        """Mean measurement of the window before a cycle of the stretch."""
        at = self.first + cycle
        return float(self.found.level[max(0, at - self.found.shape.window) : at].mean())

    def error(self, fitted: int, cycle: int) -> float:
        """Rms error in a cycle of the model fitted as cycle ``fitted`` began; both of the stretch."""
        at = self.start + cycle
        return float(self.measured[at * (at + 1) // 2 + self.start + fitted])

    def aged(self, cycles: NDArray[np.int64], age: int) -> Floats:
        """Rms errors in these cycles of models that are ``age`` cycles old."""
        at = self.start + cycles
        return self.measured[pair(at - age, at)].astype(np.float64)

    def errors(self, fitted: NDArray[np.int64]) -> Floats:
        """Rms errors of the models in service, one a cycle, (T,)."""
        places = pair(self.start + fitted, self.start + np.arange(self.cycles))
        return self.measured[places].astype(np.float64)


def stretch(found: Staleness, start: int, cycles: int, latency: int) -> Table:
    """The ``cycles`` cycles from cycle ``start`` of a series on, with a model fitted as they begin."""
    return Table(
        found.stats[:, ERROR],
        found.naive[start : start + cycles, -1].astype(np.float64),
        start - found.first,
        cycles,
        found.shape.period,
        latency,
        found.shape.delay,
        found,
        start,
    )


class Run(NamedTuple):
    """What a strategy did on a stretch."""

    actions: NDArray[np.int64]  # (T,)
    serving: NDArray[np.int64]  # (T,) fit in service
    reasons: tuple[str, ...]

    def costs(self, table: Table, prices: Prices) -> Floats:
        """Money by cycle and term, (T, 3): errors, interventions, retrainings."""
        by_hand = self.actions == INTERVENE
        errors = np.where(by_hand, table.naive, table.errors(self.serving))
        terms = np.zeros((table.cycles, 3))
        terms[:, 0] = prices.error * table.period * errors
        terms[:, 1] = prices.intervene * by_hand
        terms[:, 2] = prices.retrain * (self.actions == RETRAIN)
        return terms


def follow(table: Table, monitor: Monitor) -> Run:
    """Run a monitor over a stretch, as production would: it sees errors when they are known."""
    actions = np.zeros(table.cycles, np.int64)
    serving = np.zeros(table.cycles, np.int64)
    reasons = []
    monitor.reset()
    model, training, lands = 0, 0, -1
    for t in range(table.cycles):
        if t == lands:
            model = training
        serving[t] = model
        known = t - 1 - table.delay
        error = table.error(int(serving[known]), known) if known >= 0 else None
        baseline = float(table.naive[known]) if known >= 0 else None
        if monitor.trigger == "learned" and known >= 0:
            newest = max(training, model)
            action, reason = monitor.step(seen=table.seen(int(serving[known]), known, newest))
        else:
            action, reason = monitor.step(error, baseline)
        actions[t] = ACTIONS.index(action)
        reasons.append(reason)
        if action == "RETRAIN":
            training, lands = t, t + table.latency
    return Run(actions, serving, tuple(reasons))


def beginning(policy: dict[str, Any], table: Table, cycle: int = 0) -> dict[str, Any]:
    """A policy as it begins in a cycle of a stretch: a learned one counts from the level of then."""
    return {**policy, "level": table.home(cycle)} if policy["trigger"] == "learned" else policy


def replayed(table: Table, actions: NDArray[np.int64]) -> Run:
    """The run in which these decisions were made, whatever made them."""
    serving = np.zeros(table.cycles, np.int64)
    model, training, lands = 0, 0, -1
    for t in range(table.cycles):
        if t == lands:
            model = training
        serving[t] = model
        if actions[t] == RETRAIN:
            training, lands = t, t + table.latency
    return Run(actions, serving, ("",) * table.cycles)


def best_possible(table: Table, prices: Prices) -> Run:
    """The cheapest decisions that could have been made, with the future known, by dynamic programming."""
    money = prices.error * table.period
    problem = Problem(
        # the programme squares errors, and here their size is paid for
        error=np.sqrt(table.measured),
        seen=np.sqrt(table.measured),
        naive=np.sqrt(table.naive).astype(np.float32),
        start=table.start,
        cycles=table.cycles,
        scale=1.0,
        forecast=float(money),
        intervene=float(prices.intervene),
        retrain=float(prices.retrain),
        cap=float("inf"),
        latency=table.latency,
        release_every=0,
        delay=table.delay,
    )
    return replayed(table, optimum(problem).actions)


# ---------------------------------------------------------------- which settings there are


class Normal(NamedTuple):
    """How large the error of a fresh model is."""

    usual: float  # rms
    spread: float  # standard deviation of its logarithm


def normal_error(table: Table, oldest: int = 3) -> Normal:
    """Errors of young models over a stretch: their median, and the spread of the lower half.

    The upper half may hold models that were fitted across a change, and must not count as normal.
    """
    served = np.arange(oldest, table.cycles)
    errors = np.maximum(np.concatenate([table.aged(served, age) for age in range(1, oldest + 1)]), 1e-12)
    low, usual = np.quantile(errors, (0.1587, 0.5))
    return Normal(float(usual), max(float(np.log(usual / low)), 1e-3))


def limit_at_rate(trigger: str, table: Table, normal: Normal, rate: int, parameters: Any) -> float:
    """The limit at which a chart alarms about every ``rate`` cycles when models are fresh.

    It reads errors drawn from the lower half of young models' errors and its mirror image.
    """
    rng = np.random.default_rng(0)
    errors = table.aged(np.arange(2, table.cycles), 2)
    below = normal.usual - errors[errors <= normal.usual]
    again = normal.usual + rng.choice(below, ALARMS * rate) * rng.choice((-1.0, 1.0), ALARMS * rate)
    chart = Chart(trigger, normal.usual, normal.spread, parameters["slack"])
    low, high = 0.0, 40.0
    for _ in range(11):
        middle = (low + high) / 2
        often = alarms(chart, again.tolist(), middle)
        low, high = (middle, high) if often > ALARMS else (low, middle)
    return high


def alarms(chart: Chart, errors: Sequence[float], limit: float) -> int:
    """How often a monitor asks for a retraining; the first cycle of a model tells nothing of it."""
    count, fresh = 0, False
    chart.reset()
    for error in errors:
        if not fresh:
            fresh = True
        elif chart.add(error) > limit:
            count, fresh = count + 1, False
            chart.reset()
    return count


def settings(
    family: str, table: Table, normal: Normal, prices: Prices, rate: int, window: int, by_hand: bool = True
) -> Iterator[dict[str, Any]]:
    """The policies of a family that are tried on past data; ``by_hand``: whether overriding is a choice."""
    base: dict[str, Any] = {
        "usual": normal.usual,
        "spread": normal.spread,
        "error_cost": prices.error * table.period,
        "latency": table.latency,
        "label_delay": table.delay,
    }
    trigger, _, override = family.partition(" + ")
    hands: Sequence[Any] = (None,)
    if "override" in (trigger, override):
        hands = [
            {"margin": share * prices.intervene, "memory": memory}
            for share, memory in itertools.product((0.5, 1.0, 2.0), (1, 3, 8))
        ]
    waits = sorted({0, window // 3, (2 * window) // 3})
    tried: list[dict[str, float]] = [{}]
    if trigger == "calendar":
        tried = [{"every": every} for every in calendars(table)]
    elif trigger == "threshold":
        tried = [
            {"level": level, "cooldown": cooldown, "wait": wait}
            for level in (1.15, 1.3, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0)
            for cooldown in (table.latency, 4 * table.latency)
            for wait in waits
        ]
    elif trigger in ("cusum", "page-hinkley"):
        tried = []
        for slack in (0.5, 1.0):
            limit = limit_at_rate(trigger, table, normal, rate, {"slack": slack})
            tried += [{"limit": limit, "slack": slack, "wait": wait} for wait in waits]
    elif trigger == "adwin":
        tried = [{"delta": 1.0 / rate, "wait": wait} for wait in waits]
    elif trigger == "learned":
        base |= {
            "network": SHIPPED,
            "sha256": load(SHIPPED).sha256,
            "level": table.home(0),
            "by_hand": by_hand,
        }
    elif trigger == "override":
        trigger = "never"
    for parameters, hand in itertools.product(tried, hands):
        yield {**base, "trigger": trigger, "parameters": parameters, "override": hand}


def calendars(table: Table) -> list[int]:
    """Intervals that are tried: each up to 12, then on in steps of an eighth."""
    found, every = [], 1
    while every <= table.cycles // 2:
        found.append(every)
        every += max(1, every // 8)
    return found
