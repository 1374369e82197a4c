"""Exercises of lesson 9: real series, and advice on one's own."""

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift.game.actions import Action
from springdrift_agents.advise.monitor import Monitor
from springdrift_agents.course import variants
from springdrift_agents.course.exercise import Case, Exercise, function

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


def _matrix(seed: int, cycles: int) -> Floats:
    """A staleness matrix, nan below the diagonal; errors grow with age, unevenly."""
    rng = np.random.default_rng(seed)
    age = np.arange(cycles) - np.arange(cycles)[:, None]
    error = 0.3 + 0.05 * age * rng.uniform(0.5, 1.5, (cycles, 1)) + rng.gamma(1.0, 0.3, (cycles, cycles))
    return np.where(age >= 0, error, np.nan)


# ---------------------------------------------------------------- 9.1


def _by_age(matrix: Floats, most: int, mean: Callable[[Any], Any] = np.mean) -> Floats:
    return np.array([mean(np.diagonal(matrix, age)) for age in range(most + 1)])


def _judge_by_age(answer: Any) -> None:
    function(
        answer,
        [Case((_matrix(91, 12), 5), _by_age(_matrix(91, 12), 5))]
        + [Case((_matrix(92, 30), 9), _by_age(_matrix(92, 30), 9))],
        within=1e-3,
        mistakes={
            "a column holds models of all ages, served in one cycle: a diagonal holds one age": (
                lambda m, most: np.nanmean(m, axis=0)[: most + 1]
            ),
            "a row is the life of one model: a diagonal is one age of all models": (
                lambda m, most: np.nanmean(m, axis=1)[: most + 1]
            ),
            "that is the life of the first model alone: take the mean over all models of an age": (
                lambda m, most: m[0, : most + 1]
            ),
            "the youngest age is 0: a model in the cycle it was made for": (
                lambda m, most: _by_age(m, most + 1)[1:]
            ),
            "that is the sum over the models of an age: take the mean": lambda m, most: _by_age(
                m, most, np.sum
            ),
            "that is the median: the mean was asked for": lambda m, most: _by_age(m, most, np.median),
        },
        hint="for each age from 0 to `most`, the mean of np.diagonal(matrix, age): the cells that lie `age` "
        "columns to the right of the diagonal",
    )


# ---------------------------------------------------------------- 9.2


def _by_pair(
    matrix: Floats, made: Whole, served: Whole, cell: Callable[[Floats], float] = np.nanmean
) -> Floats:
    count = int(max(made.max(), served.max())) + 1
    return np.array(
        [[cell(matrix[np.ix_(made == a, served == b)]) for b in range(count)] for a in range(count)]
    )


def _pairs(seed: int, cycles: int, keys: int) -> tuple[Floats, Whole, Whole]:
    rng = np.random.default_rng(seed)
    made, served = (rng.integers(0, keys, cycles) for _ in range(2))
    return _matrix(seed, cycles) + 0.7 * (made[:, None] != served) + 0.2 * made[:, None], made, served


def _judge_by_pair(answer: Any) -> None:
    tests = [_pairs(93, 40, 2), _pairs(94, 60, 3)]
    function(
        answer,
        [Case(test, _by_pair(*test)) for test in tests],
        within=1e-3,
        mistakes={
            "rows and columns are swapped: the row is the key under which a model was made": (
                lambda m, made, served: _by_pair(m, made, served).T
            ),
            "a model is made under made[i] and serves under served[t]: you use the same keys for both": (
                lambda m, made, served: _by_pair(m, served, served)
            ),
            "a model is made under made[i] and serves under served[t]: you use the same keys for *both*": (
                lambda m, made, served: _by_pair(m, made, made)
            ),
            "the cells below the diagonal are no zeros: nobody can serve a model that is not made yet": (
                lambda m, made, served: _by_pair(np.nan_to_num(m), made, served)
            ),
            "that is the sum: take the mean": lambda m, made, served: _by_pair(m, made, served, np.nansum),
        },
        hint="for each pair of keys a, b: take the cells with made == a (rows) and served == b (columns), as "
        "in matrix[np.ix_(made == a, served == b)], and their np.nanmean",
    )


# ---------------------------------------------------------------- 9.3


def _slope(ages: Floats, costs: Floats) -> float:
    return float(np.polyfit(ages, costs, 1)[0])


def _curve(slope: float, seed: int, youngest: int = 0) -> tuple[Floats, Floats]:
    ages = np.arange(float(youngest), youngest + 30.0)
    wobble = np.random.default_rng(seed).normal(0.0, 2.0 * slope, 30)
    return ages, 0.4 + slope * ages + wobble


def _judge_interval(answer: Any) -> None:
    wanted = [(0.05, 3.0), (0.4, 11.0), (0.008, 0.5)]
    wanted += variants.more("9.3", (0.01, 0.5), (0.5, 12.0))
    tests = [(*_curve(slope, place, place), price) for place, (slope, price) in enumerate(wanted)]
    function(
        answer,
        [Case(test, sqrt(2 * test[2] / _slope(test[0], test[1]))) for test in tests],
        within=1e-3,
        mistakes={
            "where is the 2? See exercise 4.5": lambda ages, c, price: sqrt(price / _slope(ages, c)),
            "that is the slope itself: the interval is the root of 2 C / a": lambda ages, c, price: _slope(
                ages, c
            ),
            "the root is missing": lambda ages, c, price: 2 * price / _slope(ages, c),
            "upside down: the dearer a retraining, the longer the interval": (
                lambda ages, c, price: sqrt(2 * _slope(ages, c) / price)
            ),
            "a is how much the cost *grows* with each cycle of age, the slope, not the cost itself": (
                lambda ages, c, price: sqrt(2 * price / c.mean())
            ),
            "the slope between two points is mostly chance: fit a line to all (np.polyfit of degree 1)": (
                lambda ages, c, price: sqrt(abs(2 * price * (ages[-1] - ages[0]) / (c[-1] - c[0])))
            ),
            "np.polyfit returns the slope first, and what the line begins with second": (
                lambda ages, c, price: sqrt(abs(2 * price / np.polyfit(ages, c, 1)[1]))
            ),
        },
        hint="a = np.polyfit(ages, costs, 1)[0] is the slope; the interval is the root of 2 C / a",
    )


# ---------------------------------------------------------------- 9.4


def _cost(
    price: Floats,
    baseline: Floats,
    plan: Whole,
    latency: int,
    hand: float,
    retrain: float,
    *,
    both: bool = False,
    free: bool = False,
    newer: int = 0,
) -> float:
    """What a plan costs; the keywords make mistakes."""
    cost, serving, training, lands = 0.0, 0, 0, -1
    for t, action in enumerate(plan):
        if t == lands:
            serving = min(training + newer * latency, t)
        if action == Action.INTERVENE:
            cost += baseline[t] + hand + both * price[serving, t]
        else:
            cost += price[serving, t] * (not (free and action == Action.RETRAIN))
        if action == Action.RETRAIN:
            cost += retrain
            training, lands = t, t + latency
            if not latency:
                serving = t
    return float(cost)


def _plans() -> list[tuple[Any, ...]]:
    tests = []
    for seed, cycles, latency, hand, retrain in (
        (95, 20, 3, 0.6, 3.0),
        (96, 35, 1, 0.2, 1.5),
        (97, 50, 6, 1.0, 8.0),
    ):
        rng = np.random.default_rng(seed)
        plan = np.where(rng.random(cycles) < 0.2, 1, 0)
        plan[4 :: latency + 5] = 2
        tests.append((_matrix(seed, cycles), rng.uniform(0.8, 1.6, cycles), plan, latency, hand, retrain))
    return tests


def _judge_cost(answer: Any) -> None:
    function(
        answer,
        [Case(test, _cost(*test)) for test in _plans()],
        within=1e-6,
        mistakes={
            "the new model serves at once in your sum: it comes `latency` cycles after the request": (
                lambda p, b, plan, latency, hand, retrain: _cost(p, b, plan, 0, hand, retrain)
            ),
            "an override serves the baseline *instead of* the model: the model's cost falls away": (
                lambda *given: _cost(*given, both=True)
            ),
            "the cycle of the request is served, too: by the old model": lambda *given: _cost(
                *given, free=True
            ),
            "the new model is the one fitted when it was asked for, row t of the matrix, not the row of the "
            "cycle in which it begins to serve": lambda *given: _cost(*given, newer=1),
            "an override costs the baseline's error *and* the fee": (
                lambda p, b, plan, latency, hand, retrain: _cost(p, b, plan, latency, 0.0, retrain)
            ),
            "where is the price of the retrainings?": (
                lambda p, b, plan, latency, hand, retrain: _cost(p, b, plan, latency, hand, 0.0)
            ),
            "nobody serves the new models in your sum: from request + latency on, change the row": (
                lambda p, b, plan, latency, hand, retrain: _cost(p, b, plan, 10**6, hand, retrain)
            ),
        },
        hint="go through the cycles and keep the row that serves (0 at first), and the cycle in which a new "
        "one begins: plan[t] == 1 costs baseline[t] + hand, anything else price[serving, t]; plan[t] == 2 "
        "costs `retrain` on top and puts row t into service from cycle t + latency on",
    )


# ---------------------------------------------------------------- 9.5


def _simplest(costs: Floats, clear: Callable[[Floats, int], Whole]) -> int:
    means = costs.mean(axis=0)
    return int(np.flatnonzero(~clear(costs, int(means.argmin())))[0])


def _paired(costs: Floats, best: int) -> Any:
    gap = costs - costs[:, [best]]
    return gap.mean(axis=0) > 2 * gap.std(axis=0, ddof=1) / sqrt(len(costs))


def _unpaired(costs: Floats, best: int) -> Any:
    errors = costs.std(axis=0, ddof=1) / sqrt(len(costs))
    return costs.mean(axis=0) - costs[:, best].mean() > 2 * np.hypot(errors, errors[best])


def _spread(costs: Floats, best: int) -> Any:
    gap = costs - costs[:, [best]]
    return gap.mean(axis=0) > 2 * gap.std(axis=0, ddof=1)


def _judged(seed: int, extra: tuple[float, ...]) -> Floats:
    """Costs (30 blocks, strategies): luck that all share, and a little of each strategy's own."""
    rng = np.random.default_rng(seed)
    return 20 + rng.normal(0, 6, (30, 1)) + np.array(extra) + rng.normal(0, 0.6, (30, len(extra)))


def _judge_simplest(answer: Any) -> None:
    tests = [
        _judged(98, (9.0, 3.0, 0.1, 0.0)),
        _judged(99, (0.1, 0.0, 2.0)),
        _judged(100, (2.2, 2.2, 1.0, 0.0, 0.02)),
        _judged(101, (2.4, 0.0)),
    ]
    function(
        answer,
        [Case((test,), _simplest(test, _paired)) for test in tests],
        within=1e-9,
        mistakes={
            "that is the cheapest: asked is the simplest that is not *clearly* dearer": (
                lambda costs: costs.mean(axis=0).argmin()
            ),
            "all strategies met the same blocks: take the differences block by block first, and their spread "
            "then, as in lesson 7": lambda costs: _simplest(costs, _unpaired),
            "the spread of differences is not the error of their mean: divide by the root of their count": (
                lambda costs: _simplest(costs, _spread)
            ),
            "strategies are numbered from 0": lambda costs: _simplest(costs, _paired) + 1,
            "that is the *last* that is not clearly dearer: the first is the simplest": (
                lambda costs: np.flatnonzero(~_paired(costs, costs.mean(axis=0).argmin()))[-1]
            ),
        },
        hint="best = costs.mean(axis=0).argmin(); gap = costs - costs[:, [best]]; a strategy is clearly "
        "dearer if the mean of its gap is larger than 2 * gap.std(axis=0, ddof=1) / sqrt(blocks); return the "
        "first that is not",
    )


# ---------------------------------------------------------------- 9.6


def _monitored(errors: Floats, level: float, latency: int) -> Whole:
    """What :class:`springdrift_agents.advise.Monitor` does: 1 where it retrains."""
    monitor = Monitor(
        {
            "trigger": "threshold",
            "parameters": {"level": level, "wait": 0, "cooldown": 0},
            "usual": 1.0,
            "latency": latency,
        }
    )
    told = [None, *errors.tolist()[:-1]]
    return np.array([monitor.step(error).action == "RETRAIN" for error in told], np.int64)


def _watched(errors: Floats, level: float, latency: int, blind: int = 1, lag: int = 1) -> Whole:
    asked, free = np.zeros(len(errors), np.int64), 0
    for t in range(lag, len(errors)):
        if t >= free and errors[t - lag] > level:
            asked[t], free = 1, t + latency + blind
    return asked


def _judge_monitor(answer: Any) -> None:
    tests = []
    for seed, level, latency in ((102, 1.2, 3), (103, 1.5, 1), (104, 0.9, 5)):
        tests.append((np.random.default_rng(seed).gamma(3.0, 0.45, 60), level, latency))
    function(
        answer,
        [Case(test, _monitored(*test)) for test in tests],
        within=1e-9,
        mistakes={
            "while a model is in training nothing is asked for": (
                lambda e, level, latency: _watched(e, level, 0, 1)
            ),
            "in the cycle in which the new model begins, the newest error is still the old model's: it says "
            "nothing of the new one": lambda e, level, latency: _watched(e, level, latency, 0),
            "as cycle t begins, errors[t] is not known yet: the newest is errors[t - 1]": (
                lambda e, level, latency: _watched(e, level, latency, 1, 0)
            ),
            "that waits a cycle too long after the new model has begun": (
                lambda e, level, latency: _watched(e, level, latency, 2)
            ),
        },
        hint="go through the cycles t = 1, 2, and so on: ask (1) if errors[t - 1] > level and the model in "
        "service has made that error itself; a model asked for in cycle t makes the errors from t + latency "
        "on",
    )


EXERCISES: tuple[Exercise, ...] = (
    Exercise("9.1", "error_by_age", "How a model ages", _judge_by_age, 1),
    Exercise("9.2", "error_by_pair", "The key behind the squares", _judge_by_pair, 2),
    Exercise("9.3", "interval_from", "The calendar from a curve", _judge_interval, 1),
    Exercise("9.4", "cost_of_plan", "What a plan costs", _judge_cost, 2),
    Exercise("9.5", "simplest", "The simplest that is good enough", _judge_simplest, 2),
    Exercise("9.6", "when_to_ask", "In production", _judge_monitor, 2),
)
