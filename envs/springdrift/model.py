"""The deployed forecast model: an autoregression with input and level.

``y[t] = a1 y[t-1] + a2 y[t-2] + a3 y[t-3] + a4 y[t-4] + b w[t] + c``, where ``w[t]`` is the mean force
over the last two intervals. With two lags this *is* the sampled oscillator under a force held between
measurements: a1 = 2 cos(omega dt), a2 = -1, b = 2 (1 - cos(omega dt)) / k, and the level follows from
c. So a refit is system identification: the roots tell frequency and damping.
"""

from typing import Any

import numpy as np

from springdrift.jit import allocating, compiled
from springdrift.state import COEFFICIENTS, LAGS

# Weight of the previous coefficients in a refit: variance of a residual over the variance of a change.
RIDGE_LAG = 2e-3  # m^2
RIDGE_FORCE = 2.0  # N^2
RIDGE_LEVEL = 1e-6

SPAN = 8  # numbers in an equation of a fit: lags, force, level, what is to be explained, and one idle
STEP = 22  # equations that are added up at a time


@compiled
def solve(gram: Any, right: Any) -> None:
    """Solve gram z = right in place for a symmetric positive definite gram, by Cholesky's factor."""
    n = right.shape[0]
    for j in range(n):
        for k in range(j):
            gram[j, j] -= gram[j, k] * gram[j, k]
        gram[j, j] = np.sqrt(gram[j, j])
        for i in range(j + 1, n):
            for k in range(j):
                gram[i, j] -= gram[i, k] * gram[j, k]
            gram[i, j] /= gram[j, j]
    for i in range(n):
        for k in range(i):
            right[i] -= gram[i, k] * right[k]
        right[i] /= gram[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            right[i] -= gram[k, i] * right[k]
        right[i] /= gram[i, i]


@compiled
def _add_products(sums: Any, equations: Any, i: int) -> None:
    """Add to ``sums`` (SPAN,), one after the other, STEP equations (STEP * SPAN,) times their element i.

    The length of ``sums`` is not known when compiling, which lets the loop vectorise.
    """
    factor = equations[i:]
    for j in range(sums.shape[0]):
        total = sums[j]
        for t in range(STEP):
            total += factor[t * SPAN] * equations[t * SPAN + j]
        sums[j] = total


@allocating
def fit(y: Any, u: Any, previous: Any, fitted: Any) -> float:
    """Ridge regression toward the previous coefficients on one window; returns its in-sample rms error.

    Args:
        y: (n,) measurements, m, oldest first; n may be too short to say anything, then ``fitted``
            stays close to ``previous``.
        u: (n,) force in the interval before each measurement, N.
        previous: (6,) coefficients a1..a4, b, c to lean on.
        fitted: (6,) receives the new ones.
    """
    n = y.shape[0]
    mean = 0.0
    for t in range(n):
        mean += y[t]
    mean /= max(n, 1)
    count = max(n - LAGS, 0)
    steps = -(-count // STEP)
    equations = np.zeros(steps * STEP * SPAN)  # those beyond the last say 0 = 0
    for t in range(count):
        row = equations[t * SPAN : (t + 1) * SPAN]
        force = 0.5 * (u[t + LAGS] + u[t + LAGS - 1])
        # regress what the previous model leaves unexplained, so that the ridge pulls toward zero
        left = y[t + LAGS] - previous[LAGS + 1]
        for i in range(LAGS):
            row[i] = y[t + LAGS - 1 - i] - mean
            left -= previous[i] * y[t + LAGS - 1 - i]
        row[LAGS], row[LAGS + 1] = force, 1.0
        row[LAGS + 2] = left - previous[LAGS] * force
    gram = np.zeros((COEFFICIENTS, SPAN))
    for step in range(steps):
        for i in range(COEFFICIENTS):
            _add_products(gram[i], equations[step * STEP * SPAN : (step + 1) * STEP * SPAN], i)
    right = gram[:, LAGS + 2].copy()
    for i in range(LAGS):
        gram[i, i] += RIDGE_LAG
    gram[LAGS, LAGS] += RIDGE_FORCE
    gram[LAGS + 1, LAGS + 1] += RIDGE_LEVEL
    solve(gram, right)
    fitted[LAGS + 1] = previous[LAGS + 1] + right[LAGS + 1]
    for i in range(LAGS):
        fitted[i] = previous[i] + right[i]
        fitted[LAGS + 1] -= right[i] * mean
    fitted[LAGS] = previous[LAGS] + right[LAGS]
    squares = 0.0
    for t in range(count):
        residual = y[t + LAGS] - fitted[LAGS + 1] - fitted[LAGS] * 0.5 * (u[t + LAGS] + u[t + LAGS - 1])
        for i in range(LAGS):
            residual -= fitted[i] * y[t + LAGS - 1 - i]
        squares += residual * residual
    return float(np.sqrt(squares / max(count, 1)))
