"""The staleness matrix: every fit that could be asked for, made once, and what each is worth in every cycle.

Nothing an agent does changes a recorded series, so E[fitted at i, served in cycle t] is a table. Row t
of it holds the fits of cycles 0 to t; no fit and no forecast sees its future.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift.game.jit import allocating, compiled, inlined
from springdrift.series.estimators import file_of, fits, keep, recall
from springdrift.series.forecaster import (
    BIAS,
    CONSTANT,
    CORRELATION,
    ERROR,
    LAG1,
    LAG2,
    LEVEL,
    LONG_COS,
    LONG_SIN,
    MOST_HARMONICS,
    PEAK,
    PROFILE,
    SERVED,
    STATS,
    Shape,
    baseline,
    compare,
    fit,
    forecast,
    mean_of,
)
from springdrift.series.waves import cosine, harmonics, sine

RIDGE_MODEL = "ridge"


@dataclass(frozen=True)
class Staleness:
    """What every fit is worth in every cycle of a series of N cycles.

    Fits are numbered by the cycle at whose start they were made; the first possible one is ``first``.
    Numbers of a pair lie in rows: fit ``i`` in cycle ``t`` is row ``place(i, t)`` of ``stats``.
    """

    shape: Shape
    first: int  # the first cycle that has history enough for a fit
    stats: NDArray[np.float32]  # (pairs, 5): error, bias, correlation, peak and mean of the forecast
    cost_error: NDArray[np.float32]  # (pairs,) rms error against what really happened
    naive: NDArray[np.float32]  # (N, 6): the same five of the safe baseline, and its true error
    fit_error: NDArray[np.float32]  # (N,) rms error of each fit on its own window
    level: NDArray[np.float32]  # (N,) mean measurement of each cycle

    @property
    def cycles(self) -> int:
        """Cycles of the series."""
        return len(self.level)

    def place(self, fitted: Any, cycle: Any) -> Any:
        """Row of a pair, or of arrays of them."""
        return pair(fitted - self.first, cycle - self.first)

    def matrix(self) -> NDArray[np.float32]:
        """The true rms errors, (N - first, N - first), [fitted, served]; nan below the diagonal."""
        n = self.cycles - self.first
        square = np.full((n, n), np.nan, np.float32)
        served, fitted = np.tril_indices(n)
        square[fitted, served] = self.cost_error
        return square


def pair(fitted: Any, cycle: Any) -> Any:
    """Row of the pair (fit, cycle), both counted from the first fit: the triangle, cycle by cycle."""
    return cycle * (cycle + 1) // 2 + fitted


compiled_pair = inlined(pair)


def harmonics_of(shape: Shape) -> NDArray[np.float64]:
    """The harmonics that a model of this shape may use, (P, 2K)."""
    return np.asarray(harmonics(shape.period, min(MOST_HARMONICS, (shape.period - 1) // 2)))


BLOCK = 64  # fits that are compared side by side
_MISS, _SQUARES, _LARGEST, _F, _FF, _FY, _STEADY, _SUMS = range(8)


@compiled
def _steady(models: Any, first: int, n: int, level: float, turns: float, long_period: int, sums: Any) -> None:
    """What each fit of a block says of every sample of a cycle, and nothing compared yet."""
    wave, across = (sine(turns), cosine(turns)) if long_period > 0 else (0.0, 0.0)
    for i in range(np.uint64(n)):
        k = np.uint64(first) + i
        steady = models[CONSTANT, k] + models[LEVEL, k] * level
        if long_period > 0:
            steady += models[LONG_SIN, k] * wave + models[LONG_COS, k] * across
        sums[_STEADY, i] = steady
        for row in range(_STEADY):
            sums[row, i] = 0.0


@compiled
def _add_up(models: Any, first: int, n: int, t: int, seen: Any, row: Any, back: int, sums: Any) -> None:
    """The sums of :func:`~springdrift.series.forecaster.compare`, for a block of fits side by side."""
    home = row[0]
    for j in range(row.shape[0]):
        y = row[j] - home
        one, two = float(seen[t - back, j]), float(seen[t - back - 1, j])
        for i in range(np.uint64(n)):
            k = np.uint64(first) + i
            lags = models[LAG1, k] * one + models[LAG2, k] * two
            f = sums[_STEADY, i] + models[PROFILE + j, k] + lags - home
            e = f - y
            sums[_MISS, i] += e
            sums[_SQUARES, i] += e * e
            sums[_LARGEST, i] = max(sums[_LARGEST, i], e * e)
            sums[_F, i] += f
            sums[_FF, i] += f * f
            sums[_FY, i] += f * y


@compiled
def _finish(row: Any, n: int, sums: Any, stats: Any) -> None:
    """The stats of a block from their sums, as :func:`~springdrift.series.forecaster.compare` has them."""
    period, home = row.shape[0], row[0]
    sum_y = sum_yy = 0.0
    for j in range(period):
        y = row[j] - home
        sum_y += float(y)
        sum_yy += float(y * y)
    spread_y = period * sum_yy - sum_y * sum_y
    flat_y = spread_y <= 1e-12 * period * sum_yy
    for i in range(n):
        squares, largest, sum_f, sum_ff = sums[_SQUARES, i], sums[_LARGEST, i], sums[_F, i], sums[_FF, i]
        stats[i, ERROR] = np.sqrt(squares / period)
        stats[i, BIAS] = sums[_MISS, i] / period
        spread_f = period * sum_ff - sum_f * sum_f
        flat = flat_y or spread_f <= 1e-12 * period * sum_ff
        product = period * sums[_FY, i] - sum_f * sum_y
        together = 0.0 if flat else product / (np.sqrt(spread_f) * np.sqrt(spread_y))
        stats[i, CORRELATION] = min(1.0, max(-1.0, together))
        stats[i, PEAK] = 0.0 if largest <= 0.0 else 1.0 - np.sqrt(squares / (period * largest))
        stats[i, SERVED] = home + sum_f / period


@allocating
def _ridge(y: Any, seen: Any, first: int, born: int, shape: Any, waves: Any, same: bool, out: Any) -> None:
    """Fill in the table for the ridge model, cycle by cycle, :data:`BLOCK` fits side by side."""
    stats, cost_error, fit_error = out
    count, back = seen.shape[0], 1 + shape.delay
    models = np.empty((PROFILE + shape.period, count))
    model, sums, true = np.empty(PROFILE + shape.period), np.empty((_SUMS, BLOCK)), np.empty((BLOCK, STATS))
    place = 0
    for t in range(first, count):
        fit_error[t] = fit(seen, t, born if t >= born else 0, shape, waves, model)
        models[:, t] = model
        level = mean_of(seen[t - back])
        turns = (t % shape.long_period) / shape.long_period if shape.long_period > 0 else 0.0
        for start in range(first, t + 1, BLOCK):
            n = min(BLOCK, t + 1 - start)
            rows = slice(place, place + n)
            _steady(models, start, n, level, turns, shape.long_period, sums)
            _add_up(models, start, n, t, seen, seen[t], back, sums)
            _finish(seen[t], n, sums, stats[rows])
            if same:
                for i in range(n):
                    cost_error[place + i] = stats[place + i, ERROR]
            else:
                for row in range(_STEADY):
                    sums[row, :n] = 0.0
                _add_up(models, start, n, t, seen, y[t], back, sums)
                _finish(y[t], n, sums, true)
                for i in range(n):
                    cost_error[place + i] = true[i, ERROR]
            place += n


@allocating
def _naive(y: Any, seen: Any, first: int, shape: Any, naive: Any, level: Any) -> None:
    count, period = seen.shape
    said, found = np.empty(period), np.empty(STATS)
    for t in range(count):
        level[t] = mean_of(seen[t])
        if t >= first:
            baseline(seen, t, shape, said)
            compare(said, seen[t], found)
            for k in range(STATS):
                naive[t, k] = found[k]
            compare(said, y[t], found)
            naive[t, STATS] = found[ERROR]


@allocating
def _compare_all(said: Any, row: Any, truth: Any, stats: Any, cost_error: Any) -> None:
    """Stats of several forecasts of one cycle, said (n, P)."""
    found = np.empty(STATS)
    for i in range(said.shape[0]):
        compare(said[i], row, found)
        for k in range(STATS):
            stats[i, k] = found[k]
        compare(said[i], truth, found)
        cost_error[i] = found[ERROR]


def staleness(
    y: Any,
    shape: Shape,
    *,
    seen: Any = None,
    model: Any = RIDGE_MODEL,
    born: int = 0,
    jobs: int = 1,
    cache: str | os.PathLike[str] | None = None,
) -> Staleness:
    """Make every fit of a series once and compare it with every cycle from then on.

    Args:
        y: (N, P) what happened, cycle by cycle, all finite; taken as float32.
        shape: how fits see it.
        seen: (N, P) what was measured, where that differs.
        model: "ridge", or a function without arguments that makes a fresh estimator with scikit-learn's
            ``fit(X, y)`` and ``predict(X)``; X is :func:`~springdrift.series.estimators.features` without
            the cycles, one row a sample.
        born: a cold start: no fit made from this cycle on uses a cycle before it as a target.
        jobs: fits made side by side (by joblib), for models other than "ridge".
        cache: folder in which tables of such models are kept, by the content of all that decides them.

    Raises:
        ValueError: a series too short for a single fit, or not of finite numbers.

    >>> rng = np.random.default_rng(0)
    >>> y = np.sin(np.arange(30 * 8) * np.pi / 4).reshape(30, 8) + 0.1 * rng.standard_normal((30, 8))
    >>> found = staleness(y, Shape(period=8, long_period=0, window=5, delay=0, baseline=0))
    >>> found.matrix().shape  # the first seven cycles are history
    (23, 23)
    """
    y, seen = _checked(y, seen, shape)
    first, count = shape.history - shape.validation, len(y)
    n = count - first
    waves = harmonics_of(shape)
    naive, level = np.zeros((count, STATS + 1), np.float32), np.zeros(count, np.float32)
    _naive(y, seen, first, shape, naive, level)
    out = (
        np.empty((pair(0, n), STATS), np.float32),
        np.empty(pair(0, n), np.float32),
        np.zeros(count, np.float32),
    )
    if isinstance(model, str) and model == RIDGE_MODEL:
        _ridge(y, seen, first, max(born, 0), shape, waves, y is seen, out)
    elif callable(model):
        kept = file_of(cache, y, seen, shape, model, born)
        if kept is None or not recall(kept, out):
            _estimators(y, seen, first, born, shape, waves, model, jobs, out)
            if kept is not None:
                keep(kept, out)
    else:
        raise ValueError(
            f'model must be "{RIDGE_MODEL}" or a function that makes an estimator with fit and predict, got '
            f"{model!r}"
        )
    return Staleness(shape, first, out[0], out[1], naive, out[2], level)


def _checked(y: Any, seen: Any, shape: Shape) -> tuple[NDArray[Any], NDArray[Any]]:
    whole = np.ascontiguousarray(y, np.float32)
    if whole.ndim != 2 or whole.shape[1] != shape.period:
        raise ValueError(f"y must hold numbers of shape (cycles, {shape.period}), got {whole.shape}")
    other = whole if seen is None else np.ascontiguousarray(seen, np.float32)
    if other.shape != whole.shape:
        raise ValueError(f"seen must be as y, {whole.shape}, got {other.shape}")
    if not (np.isfinite(whole).all() and np.isfinite(other).all()):
        raise ValueError("a series must be finite: fill what is missing first")
    if len(whole) <= shape.history:
        raise ValueError(
            f"{len(whole)} cycles are too few: with this window and label delay {shape.history} are history"
        )
    return whole, other


def _estimators(
    y: Any, seen: Any, first: int, born: int, shape: Shape, waves: Any, make: Any, jobs: int, out: Any
) -> None:
    """Fill in the table for estimators of a user's own."""
    stats, cost_error, fit_error = out
    made = fits(seen, range(first, len(seen)), born, shape, waves, make, jobs)
    for t in range(first, len(y)):
        said = np.stack([made[i - first][0][t - i] for i in range(first, t + 1)])
        rows = slice(pair(0, t - first), pair(0, t - first + 1))
        _compare_all(said, seen[t], y[t], stats[rows], cost_error[rows])
        fit_error[t] = made[t - first][1]


@allocating
def say_all(model: Any, seen: Any, first: int, shape: Any, said: Any) -> None:
    """What a model says of the cycles from ``first`` on, into ``said`` (n, P)."""
    for n in range(said.shape[0]):
        forecast(model, seen, first + n, shape, said[n])


@allocating
def baseline_all(seen: Any, first: int, shape: Any, said: Any) -> None:
    """What the safe baseline says of the cycles from ``first`` on, into ``said`` (n, P)."""
    for n in range(said.shape[0]):
        baseline(seen, first + n, shape, said[n])


def baselines(seen: NDArray[np.float32], first: int, count: int, shape: Shape) -> NDArray[np.float64]:
    """What the safe baseline says of ``count`` cycles from ``first`` on, (count, P)."""
    said = np.empty((count, shape.period))
    baseline_all(seen, first, shape, said)
    return said


def forecasts(
    seen: NDArray[np.float32],
    fitted: int,
    shape: Shape,
    model: str | Callable[[], Any] = RIDGE_MODEL,
    born: int = 0,
) -> NDArray[np.float64]:
    """What one fit says of every cycle from its own on, (N - fitted, P): a row of forecasts.

    Args:
        seen: (N, P) measurements.
        fitted: the cycle at whose start the fit is made.
        shape: how the series is cut.
        model: as for :func:`staleness`.
        born: no fit from this cycle on sees an earlier one.
    """
    waves, count = harmonics_of(shape), len(seen)
    if isinstance(model, str):
        row, said = np.empty(PROFILE + shape.period), np.empty((count - fitted, shape.period))
        fit(seen, fitted, born if fitted >= born else 0, shape, waves, row)
        say_all(row, seen, fitted, shape, said)
        return said
    return fits(seen, range(fitted, fitted + 1), born, shape, waves, model)[0][0]
