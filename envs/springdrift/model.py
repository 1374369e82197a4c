"""The deployed forecast model: an autoregression with input and level.

``y[t] = a1 y[t-1] + a2 y[t-2] + a3 y[t-3] + a4 y[t-4] + b w[t] + c``, where ``w[t]`` is the mean force
over the last two intervals. With two lags this *is* the sampled oscillator under a force held between
measurements: a1 = 2 cos(omega dt), a2 = -1, b = 2 (1 - cos(omega dt)) / k, and the level follows from
c. So a refit is system identification: the roots tell frequency and damping.
"""

from typing import Any

import numpy as np

from springdrift.jit import compiled
from springdrift.state import COEFFICIENTS, LAGS

# Weight of the previous coefficients in a refit: variance of a residual over the variance of a change.
RIDGE_LAG = 2e-3  # m^2
RIDGE_FORCE = 2.0  # N^2
RIDGE_LEVEL = 1e-6


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
    gram = np.zeros((COEFFICIENTS, COEFFICIENTS))
    right = np.zeros(COEFFICIENTS)
    row = np.empty(COEFFICIENTS)
    row[LAGS + 1] = 1.0
    for t in range(LAGS, n):
        for i in range(LAGS):
            row[i] = y[t - 1 - i] - mean
        row[LAGS] = 0.5 * (u[t] + u[t - 1])
        # regress what the previous model leaves unexplained, so that the ridge pulls toward zero
        left = y[t] - previous[LAGS + 1]
        for i in range(LAGS):
            left -= previous[i] * y[t - 1 - i]
        left -= previous[LAGS] * row[LAGS]
        for i in range(COEFFICIENTS):
            right[i] += row[i] * left
            for j in range(i + 1):
                gram[i, j] += row[i] * row[j]
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
    for t in range(LAGS, n):
        residual = y[t] - fitted[LAGS + 1] - fitted[LAGS] * 0.5 * (u[t] + u[t - 1])
        for i in range(LAGS):
            residual -= fitted[i] * y[t - 1 - i]
        squares += residual * residual
    return float(np.sqrt(squares / max(n - LAGS, 1)))
