"""Exercises of lesson 3: detection."""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift_agents.course import variants
from springdrift_agents.course.exercise import Case, Exercise, Wrong, called, function, lone, near, plain

Floats = NDArray[np.float64]

# ---------------------------------------------------------------- 3.1


def _beyond(limit: float) -> float:
    """Probability of a value above the limit."""
    return 1.0 - NormalDist().cdf(limit)


_LIMITS = (1.0, 2.576, 3.0, 2.2)


def _shewhart(answer: Any) -> None:
    function(
        answer,
        [
            Case((limit,), 1 / (2 * _beyond(limit)))
            for (limit,) in (*((one,) for one in _LIMITS), *variants.more("3.1", (0.8, 3.2)))
        ],
        within=1e-3,
        mistakes={
            "that is the probability of a false alarm in a cycle; on average one has to wait one over it": (
                lambda limit: 2 * _beyond(limit)
            ),
            "a value may lie outside on either side, below -L as well": lambda limit: 1 / _beyond(limit),
            "that counts the values inside the limits; an alarm is a value outside": (
                lambda limit: 1 / (1 - 2 * _beyond(limit))
            ),
            "one over the probability of lying below L? An alarm is a value outside the limits": (
                lambda limit: 1 / (1 - _beyond(limit))
            ),
            "that is how many quiet values come before the alarm; the run length counts the alarm too": (
                lambda limit: 1 / (2 * _beyond(limit)) - 1
            ),
            "the density is not a probability: use NormalDist().cdf": lambda limit: (
                1 / (2 * NormalDist().pdf(limit))
            ),
        },
        hint="a value lies outside with the probability p, twice what lies above L; the mean length is 1 / p",
    )


# ---------------------------------------------------------------- 3.2


def cusum(values: Floats, slack: float) -> Floats:
    """One-sided CUSUM from 0, along the first axis."""
    total = np.zeros(values.shape[1:])
    path = np.empty_like(values)
    for t, value in enumerate(values):
        total = np.maximum(0.0, total + value - slack)
        path[t] = total
    return path


def _sum_with(step: Callable[[float, float, float], float]) -> Callable[[Floats, float], Floats]:
    """A path from a rule for one step: the sum before, the value, the slack."""

    def path(values: Floats, slack: float) -> Floats:
        total, found = 0.0, []
        for value in values:
            total = step(total, float(value), slack)
            found.append(total)
        return np.array(found)

    return path


def _early_reset(values: Floats, slack: float) -> Floats:
    """The slack is taken off after the reset."""
    return _sum_with(lambda total, value, k: max(0.0, total + value) - k)(values, slack)


_VALUES = np.random.default_rng(3).standard_normal((3, 40)) + np.array([[0.0], [0.6], [-0.4]])
_SUMS = [
    (_VALUES[0], 0.5),
    (_VALUES[1], 0.25),
    (_VALUES[2], 0.0),
    (np.array([-1.0, 2.0, 0.3, 1.5]), 0.5),
]


def _cusum(answer: Any) -> None:
    function(
        answer,
        [Case(given, cusum(*given)) for given in _SUMS],
        within=1e-6,
        mistakes={
            "the sum never goes back to 0: where it would fall below, it starts anew": lambda v, k: np.cumsum(
                v - k
            ),
            "cutting off at the end is not the same: the sum starts anew as soon as it would fall below 0": (
                lambda v, k: np.maximum(0.0, np.cumsum(v - k))
            ),
            "the slack is missing": lambda v, k: cusum(v, 0.0),
            "the slack is taken off, not added": lambda v, k: cusum(v, -k),
            "take the slack off before the reset: the sum is never below 0": _early_reset,
            "the slack is taken off the value itself; it is no limit that the value has to exceed to count": (
                _sum_with(lambda total, value, k: total + max(0.0, value - k))
            ),
            "that is the CUSUM of the falls: a rise of the values must fill it": lambda v, k: cusum(-v, k),
            "you sum up sizes, whatever their sign; only a rise must fill the sum": lambda v, k: cusum(
                np.abs(v), k
            ),
            "S_0 came along: the first number is the sum after the first value": lambda v, k: np.append(
                0.0, cusum(v, k)[:-1]
            ),
        },
        hint="from value to value: add the value, take off the slack, and where that is below 0 go on from 0",
    )


# ---------------------------------------------------------------- 3.3


def _siegmund(slack: float, threshold: float) -> float:
    """Siegmund's in-control run length; the same formula as in detectors, which takes long to import."""
    reach = 2 * slack * (threshold + 1.166)
    return (math.exp(reach) - reach - 1) / (2 * slack * slack)


def _root(of: Callable[[float], float], goal: float) -> float:
    """Where a growing function reaches the goal."""
    low, high = -1.0, 60.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if of(middle) < goal else (low, middle)
    return low


def _wanted(arl0: float, slack: float) -> float:
    return _root(lambda threshold: _siegmund(slack, threshold), arl0)


_THRESHOLDS = [
    Case(given, _wanted(*given)) for given in ((200.0, 0.5), (1000.0, 0.5), (370.0, 0.25), (100.0, 1.0))
]


def _threshold(answer: Any) -> None:
    found = [lone(called(answer, *case.arguments)) for case in _THRESHOLDS]
    right = [case.right for case in _THRESHOLDS]
    if all(map(plain, found)) and near(found, right, 0.1):
        if near(found, right, 0.01):
            return
        raise Wrong("nearly: search more finely, to a hundredth of the threshold")
    function(
        answer,
        _THRESHOLDS,
        mistakes={
            "the excess 1.166 is still in it: b = h + 1.166, and wanted is h": lambda arl, k: (
                1.166 + _wanted(arl, k)
            ),
            "1.166 was taken off twice: siegmund adds it by itself": lambda arl, k: _wanted(arl, k) - 1.166,
            "this detector is one-sided: it has the whole ARL0 for its one side": lambda arl, k: _wanted(
                2 * arl, k
            ),
            "the slack is not always 0.5: use the one that is given": lambda arl, k: _wanted(arl, 0.5),
        },
        hint="without a shift, siegmund(0.0, slack, threshold) is the ARL0; search the threshold between 0 "
        "and, say, 50: where the ARL0 in the middle is too small, go on in the upper half",
    )


# ---------------------------------------------------------------- 3.4

_RECORDS = [
    Case((np.array([12, 200, 87, 200, 45, 200]), np.array([True, False, True, False, True, False])), 248.0),
    Case((np.array([30, 10, 200]), np.array([True, True, True])), 80.0),
    Case((np.array([150, 150, 150, 40]), np.array([False, False, False, True])), 490.0),
]


def _censored(answer: Any) -> None:
    function(
        answer,
        _RECORDS,
        within=1e-6,
        mistakes={
            "that is the mean of the runs that ended with an alarm; the long ones are missing": (
                lambda n, a: n[a].mean()
            ),
            "the records that ended early are counted as if an alarm had come then": lambda n, a: n.mean(),
            "upside down: that is the rate of alarms, in alarms a cycle": lambda n, a: a.sum() / n.sum(),
            "the cycles of the quiet records alone? An alarm could have sounded in the others too": (
                lambda n, a: n[~a].sum() / a.sum()
            ),
            "divide by the number of alarms, not by the number of quiet records": lambda n, a: (
                n.sum() / max((~a).sum(), 1)
            ),
            "a median knows nothing of what comes after the end of a record": lambda n, a: np.median(n),
        },
        hint="the rate is the number of alarms over all cycles that were watched; the ARL0 is one over it",
    )


# ---------------------------------------------------------------- 3.5


def _worlds(seed: int, cycles: int, worlds: int) -> Floats:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((cycles, worlds)) + 0.4 * rng.standard_normal(worlds)


_QUIET = [(_worlds(1, 60, 40), 0.5, 0.1), (_worlds(2, 30, 80), 0.25, 0.05), (_worlds(3, 45, 20), 0.5, 0.25)]


def _flat(z: Floats, slack: float, share: float) -> float:
    return float(np.quantile(cusum(z, slack), 1 - share))


def _quiet(answer: Any) -> None:
    found = [lone(called(answer, *given)) for given in _QUIET]
    for one in found:
        if not plain(one):
            raise Wrong(f"expected a finite number, the threshold, your function returned {repr(one)[:40]}")
    thresholds = np.array([float(one) for one in found])
    tops = [np.sort(cusum(z, slack).max(axis=0)) for z, slack, _ in _QUIET]
    allowed = [round(share * z.shape[1]) for z, _, share in _QUIET]
    low = np.array([top[-1 - count] for top, count in zip(tops, allowed, strict=True)])
    high = np.array([top[-count] for top, count in zip(tops, allowed, strict=True)])
    if (thresholds >= low - 1e-9).all() and (thresholds < high).all():
        return
    mistakes: dict[str, Callable[[Floats, float, float], float]] = {
        "that is a quantile of all values of all paths; a world alarms when the largest value of its path is "
        "too large": _flat,
        "that looks at the last value of each path; a world may have alarmed long before": (
            lambda z, k, share: float(np.quantile(cusum(z, k)[-1], 1 - share))
        ),
        "that is a limit for single values: first sum them up with the CUSUM": (
            lambda z, k, share: float(np.quantile(z.max(axis=0), 1 - share))
        ),
        "nearly every world alarms at that threshold: which end of the sorted worlds do you take?": (
            lambda z, k, share: float(np.quantile(cusum(z, k).max(axis=0), share))
        ),
        "no world at all alarms at that threshold; a few may": lambda z, k, share: float(cusum(z, k).max()),
        "the worlds are the columns of z: your sums run along the rows": lambda z, k, share: float(
            np.quantile(cusum(z.T, k).max(axis=0), 1 - share)
        ),
        "you sorted a number for each cycle, not for each world: take the largest along the first axis": (
            lambda z, k, share: float(np.quantile(cusum(z, k).max(axis=1), 1 - share))
        ),
    }
    for why, mistaken in mistakes.items():
        if near(thresholds, [mistaken(*given) for given in _QUIET], 1e-3):
            raise Wrong(why)
    tops = [cusum(z, slack).max(axis=0) for z, slack, _ in _QUIET]
    alarms = [int((top > threshold).sum()) for top, threshold in zip(tops, thresholds, strict=True)]
    sets = list(zip(alarms, allowed, map(len, tops), strict=True))
    alarm, few, count = max(sets, key=lambda one: abs(one[0] - one[1]))  # the one that is missed by most
    if alarm > few:
        raise Wrong(f"{alarm} of {count} hidden worlds alarm at your threshold, and {few} were allowed")
    raise Wrong(
        f"{alarm} of {count} hidden worlds alarm at your threshold, though {few} were allowed: sort the "
        "largest values of the worlds' paths, and leave as many above the threshold as are allowed"
    )


# ---------------------------------------------------------------- 3.6

_GRID = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0])
_ARL0 = np.array([12.0, 39.0, 117.0, 335.0, 930.0, 2550.0, 19000.0])
_DELAY = np.array([2.6, 4.4, 6.4, 8.4, 10.3, 12.3, 16.3])
_PRICES = ((3.0, 0.5, 60.0), (0.5, 1.0, 30.0), (100.0, 0.2, 200.0), (5.0, 3.0, 10.0))


def _cost(price_false: float, price_delay: float, gap: float, arl0: Floats, delay: Floats) -> Floats:
    return np.asarray(price_false / arl0 + price_delay * delay / gap)


def _least(h: Floats, cost: Floats) -> float:
    return float(h[np.argmin(cost)])


def _cheapest(answer: Any) -> None:
    order = np.array([3, 0, 5, 1, 6, 2, 4])  # a table need not be sorted
    tables = [(_GRID, _ARL0, _DELAY)] * 3 + [(_GRID[order], _ARL0[order], _DELAY[order])]
    function(
        answer,
        [
            Case((*table, *prices), _least(table[0], _cost(*prices, *table[1:])))
            for table, prices in zip(tables, _PRICES, strict=True)
        ],
        within=1e-6,
        mistakes={
            "that is the place in the table; wanted is the threshold that stands there": (
                lambda h, arl, d, pf, pd, gap: int(np.argmin(_cost(pf, pd, gap, arl, d)))
            ),
            "that is the cost of the cheapest threshold; wanted is the threshold": (
                lambda h, arl, d, pf, pd, gap: float(np.min(_cost(pf, pd, gap, arl, d)))
            ),
            "a change does not come in every cycle: the cost of delay is spread over the gap": (
                lambda h, arl, d, pf, pd, gap: _least(h, _cost(pf, pd, 1.0, arl, d))
            ),
            "that is the dearest": lambda h, arl, d, pf, pd, gap: float(
                h[np.argmax(_cost(pf, pd, gap, arl, d))]
            ),
            "that has the shortest delay, and the most false alarms: a larger ARL0 makes these cheaper, so "
            "divide their price by it": lambda h, arl, d, pf, pd, gap: _least(h, d),
            "that is simply the fewest false alarms": lambda h, arl, d, pf, pd, gap: _least(h, -arl),
            "the prices do not matter to your function": lambda h, arl, d, pf, pd, gap: _least(
                h, _cost(1.0, 1.0, gap, arl, d)
            ),
        },
        hint="compute the cost per cycle for each threshold, price_false / ARL0 + price_delay * delay / gap, "
        "and return the threshold at which it is least",
    )


EXERCISES: tuple[Exercise, ...] = (
    Exercise("3.1", "shewhart_arl", "How quiet is a limit?", _shewhart),
    Exercise("3.2", "cusum_path", "A CUSUM by hand", _cusum, points=2),
    Exercise("3.3", "threshold_for", "The threshold for a wanted ARL0", _threshold, points=2),
    Exercise("3.4", "censored_arl", "The ARL0 from records that end", _censored, points=2),
    Exercise("3.5", "quiet_threshold", "A threshold from your own quiet data", _quiet, points=3),
    Exercise("3.6", "cheapest_threshold", "The cheapest threshold", _cheapest, points=2),
)
