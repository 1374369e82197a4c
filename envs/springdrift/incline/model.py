"""The deployed forecast model: an autoregression with input and level.

``y[t] = a1 y[t-1] + a2 y[t-2] + a3 y[t-3] + a4 y[t-4] + b w[t] + c``, where ``w[t]`` is the mean force
over the last two intervals. With two lags this *is* the sampled oscillator under a force held between
measurements: a1 = 2 cos(omega dt), a2 = -1, b = 2 (1 - cos(omega dt)) / k, and the level follows from
c. So a refit is system identification: the roots tell frequency and damping.
"""

from typing import Any

import numpy as np

from springdrift.game.jit import allocating, compiled, inlined
from springdrift.incline.state import ALIGNED, COEFFICIENTS, LAGS, WINDOW

# Weight of the previous coefficients in a refit: variance of a residual over the variance of a change.
RIDGE_LAG = 2e-3  # m^2
RIDGE_FORCE = 2.0  # N^2
RIDGE_LEVEL = 1e-6
TUNED, TUNED_PULL = 24, 1000.0  # measurements that a fine-tuning uses, and its weights over those of a refit

FITS = 16  # made side by side: two vectors of float64
VECTOR = 8
STEP = 4  # measurements and equations that are gone through at a time
FORCE, LEVEL, REST = LAGS, LAGS + 1, COEFFICIENTS  # places of b and c, and of what is to be explained

SUMS = REST + 1  # products of a column

# Room for fits, float64, each row one number of every fit. Equation t says what measurement t + LAGS is.
_ROOM = (
    ("y", WINDOW),  # m, measurements, oldest first
    ("u", WINDOW),  # N, force in the interval before each
    ("previous", COEFFICIENTS),  # the coefficients to lean on
    ("fitted", COEFFICIENTS),  # the new ones
    ("error", 1),  # m, their in-sample rms error
    ("mean", 1),  # m, of the measurements
    ("centred", WINDOW),  # m, measurements less their mean: the columns of the lags
    ("push", WINDOW),  # N, the column of the force
    ("unexplained", WINDOW),  # m, what the previous model leaves to explain of each equation
    ("gram", COEFFICIENTS * SUMS),  # column by column: its products with all columns, summed
)
_ends = np.cumsum([0, *(size * FITS for _, size in _ROOM)]).tolist()
Y, U, PREVIOUS, FITTED, ERROR, MEAN, CENTRED, PUSH, UNEXPLAINED, GRAM, ROOM = _ends


@compiled(arrays=True)
def room() -> Any:
    """Room for ``FITS`` fits at the start of a cache line: vectors that cross one cost twice.

    It begins with zeros, so that idle fits are of something finite.
    """
    raw = np.empty(ROOM + ALIGNED)
    start = -raw.ctypes.data % (4 * ALIGNED) // 8
    raw[start : start + FITTED] = 0.0
    return raw[start : start + ROOM]


@inlined
def _at(row: Any, k: Any) -> Any:
    """Place of fit ``k`` in a row. Unsigned: an index that may be negative, for all the compiler knows,
    keeps a loop from vectorising."""
    return np.uint64(row * FITS) + k


@compiled
def _add_up(column: Any, total: Any, fits: int, n: int) -> None:
    for k in range(np.uint64(fits)):
        total[k] = 0.0
    for t in range(0, n, STEP):
        now = column[t * FITS :]
        for k in range(np.uint64(fits)):
            so_far = total[k]
            for j in range(STEP):
                so_far += now[_at(j, k)]
            total[k] = so_far


@compiled
def _centre(y: Any, mean: Any, centred: Any, fits: int, n: int) -> None:
    for t in range(0, n, STEP):
        now, goal = y[t * FITS :], centred[t * FITS :]
        for k in range(np.uint64(fits)):
            for j in range(STEP):
                goal[_at(j, k)] = now[_at(j, k)] - mean[k]


@compiled
def _equate(y: Any, u: Any, previous: Any, push: Any, unexplained: Any, fits: int, count: int) -> None:
    """What is left to explain: if that is regressed, the ridge pulls toward the previous model."""
    for t in range(0, count, STEP):
        now, asked, force, rest = y[t * FITS :], u[t * FITS :], push[t * FITS :], unexplained[t * FITS :]
        for k in range(np.uint64(fits)):
            for j in range(STEP):
                mean = 0.5 * (asked[_at(j + LAGS, k)] + asked[_at(j + LAGS - 1, k)])
                left = now[_at(j + LAGS, k)] - previous[_at(LEVEL, k)]
                for i in range(LAGS):
                    left -= previous[_at(i, k)] * now[_at(j + LAGS - 1 - i, k)]
                force[_at(j, k)] = mean
                rest[_at(j, k)] = left - previous[_at(FORCE, k)] * mean


@compiled
def _multiply(column: Any, centred: Any, push: Any, rest: Any, sums: Any, fits: int, count: int) -> None:
    """Products of a column with the four lags, the force, the level and the rest, each summed."""
    for j in range(SUMS):
        for k in range(np.uint64(fits)):
            sums[_at(j, k)] = 0.0
    for t in range(0, count, STEP):
        this, now, force, left = column[t * FITS :], centred[t * FITS :], push[t * FITS :], rest[t * FITS :]
        for k in range(np.uint64(fits)):
            a1, a2, a3, a4 = sums[_at(0, k)], sums[_at(1, k)], sums[_at(2, k)], sums[_at(3, k)]
            b, c, r = sums[_at(FORCE, k)], sums[_at(LEVEL, k)], sums[_at(REST, k)]
            for j in range(STEP):
                factor = this[_at(j, k)]
                a1 += factor * now[_at(j + 3, k)]
                a2 += factor * now[_at(j + 2, k)]
                a3 += factor * now[_at(j + 1, k)]
                a4 += factor * now[_at(j, k)]
                b += factor * force[_at(j, k)]
                c += factor
                r += factor * left[_at(j, k)]
            sums[_at(0, k)], sums[_at(1, k)], sums[_at(2, k)], sums[_at(3, k)] = a1, a2, a3, a4
            sums[_at(FORCE, k)], sums[_at(LEVEL, k)], sums[_at(REST, k)] = b, c, r


@compiled
def _subtract(gram: Any, goal: int, row: int, by: int, fits: int) -> None:
    """Take the product of two rows from a third, fit by fit."""
    left, one, other = gram[goal * FITS :], gram[row * FITS :], gram[by * FITS :]
    for k in range(np.uint64(fits)):
        left[k] -= one[k] * other[k]


@compiled
def _divide(gram: Any, goal: int, by: int, fits: int) -> None:
    left, other = gram[goal * FITS :], gram[by * FITS :]
    for k in range(np.uint64(fits)):
        left[k] /= other[k]


@compiled
def _solve(gram: Any, fits: int) -> None:
    """Solve by Cholesky's factor in place; the solutions stand in the row of the rest.

    Row ``i`` of column ``j`` is row ``j * SUMS + i`` of the whole.
    """
    for j in range(COEFFICIENTS):
        for m in range(j):
            for i in range(j, SUMS):
                _subtract(gram, j * SUMS + i, m * SUMS + i, m * SUMS + j, fits)
        pivot = gram[(j * SUMS + j) * FITS :]
        for k in range(np.uint64(fits)):
            pivot[k] = np.sqrt(pivot[k])
        for i in range(j + 1, SUMS):
            _divide(gram, j * SUMS + i, j * SUMS + j, fits)
    for j in range(COEFFICIENTS - 1, -1, -1):
        for m in range(j + 1, COEFFICIENTS):
            _subtract(gram, j * SUMS + REST, j * SUMS + m, m * SUMS + REST, fits)
        _divide(gram, j * SUMS + REST, j * SUMS + j, fits)


@compiled
def _judge(y: Any, push: Any, fitted: Any, error: Any, fits: int, count: int) -> None:
    """In-sample rms error of the new coefficients."""
    for k in range(np.uint64(fits)):
        error[k] = 0.0
    for t in range(0, count, STEP):
        now, force = y[t * FITS :], push[t * FITS :]
        for k in range(np.uint64(fits)):
            squares = error[k]
            for j in range(STEP):
                miss = (
                    now[_at(j + LAGS, k)] - fitted[_at(LEVEL, k)] - fitted[_at(FORCE, k)] * force[_at(j, k)]
                )
                for i in range(LAGS):
                    miss -= fitted[_at(i, k)] * now[_at(j + LAGS - 1 - i, k)]
                squares += miss * miss
            error[k] = squares
    for k in range(np.uint64(fits)):
        error[k] = np.sqrt(error[k] / max(count, 1))


@compiled
def fit_side_by_side(e: Any, fits: int, n: int, pull: float) -> None:
    """Ridge regressions toward the previous coefficients, each on a window of its own.

    Args:
        e: a :func:`room` with y, u and previous of the first ``fits`` filled in; receives fitted and error.
        fits: 1, or a multiple of ``VECTOR`` up to ``FITS``: others are slower than the next.
        n: measurements of each window, a multiple of ``STEP`` up to ``WINDOW``; too few say little, then
            the coefficients stay close to the previous ones.
        pull: how much stronger than usual is the pull toward the previous coefficients.
    """
    y, u, previous, fitted, mean = e[Y:U], e[U:PREVIOUS], e[PREVIOUS:FITTED], e[FITTED:ERROR], e[MEAN:CENTRED]
    centred, push, rest, gram = e[CENTRED:PUSH], e[PUSH:UNEXPLAINED], e[UNEXPLAINED:GRAM], e[GRAM:ROOM]
    count = max(n - LAGS, 0)
    _add_up(y, mean, fits, n)
    for k in range(np.uint64(fits)):
        mean[k] /= max(n, 1)
    _centre(y, mean, centred, fits, n)
    _equate(y, u, previous, push, rest, fits, count)
    for i in range(LAGS):
        lag = centred[(LAGS - 1 - i) * FITS :]
        _multiply(lag, centred, push, rest, gram[i * SUMS * FITS :], fits, count)
    _multiply(push, centred, push, rest, gram[FORCE * SUMS * FITS :], fits, count)
    _add_up(rest, gram[(LEVEL * SUMS + REST) * FITS :], fits, count)
    for k in range(np.uint64(fits)):
        for i in range(LAGS):
            gram[_at(i * SUMS + i, k)] += RIDGE_LAG * pull
        gram[_at(FORCE * SUMS + FORCE, k)] += RIDGE_FORCE * pull
        gram[_at(LEVEL * SUMS + LEVEL, k)] = count + RIDGE_LEVEL * pull
    _solve(gram, fits)
    for k in range(np.uint64(fits)):
        level = previous[_at(LEVEL, k)] + gram[_at(LEVEL * SUMS + REST, k)]
        for i in range(LAGS):
            fitted[_at(i, k)] = previous[_at(i, k)] + gram[_at(i * SUMS + REST, k)]
            level -= gram[_at(i * SUMS + REST, k)] * mean[k]
        fitted[_at(FORCE, k)] = previous[_at(FORCE, k)] + gram[_at(FORCE * SUMS + REST, k)]
        fitted[_at(LEVEL, k)] = level
    _judge(y, push, fitted, e[ERROR:MEAN], fits, count)


@allocating
def fit(y: Any, u: Any, previous: Any, fitted: Any) -> float:
    """One ridge regression toward the previous coefficients; returns its in-sample rms error.

    Args:
        y: (n,) measurements, m, oldest first; n as in :func:`fit_side_by_side`.
        u: (n,) force in the interval before each measurement, N.
        previous: (6,) coefficients a1..a4, b, c to lean on.
        fitted: (6,) receives the new ones.

    Raises:
        ValueError: windows of a length that no fit has.
    """
    n = y.shape[0]
    if n > WINDOW or n % STEP > 0 or u.shape[0] != n:
        raise ValueError("a fit takes as many forces as measurements, a multiple of 4 up to 48")
    e = room()
    for t in range(n):
        e[Y + t * FITS], e[U + t * FITS] = y[t], u[t]
    for i in range(COEFFICIENTS):
        e[PREVIOUS + i * FITS] = previous[i]
    fit_side_by_side(e, 1, n, 1.0)
    for i in range(COEFFICIENTS):
        fitted[i] = e[FITTED + i * FITS]
    return float(e[ERROR])
