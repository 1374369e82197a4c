"""Sines without a library call: the same bits on every machine."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift.game.jit import allocating, compiled

# Taylor's series of sin(2 pi x) for |x| <= 1/4 turn; the first term left out is below 1e-12
_TERMS = np.array(
    [(-1.0) ** n * (2.0 * np.pi) ** (2 * n + 1) / float(np.prod(np.arange(1, 2 * n + 2))) for n in range(10)]
)
_A0, _A1, _A2, _A3, _A4, _A5, _A6, _A7, _A8, _A9 = _TERMS.tolist()


@compiled
def sine(turns: Any) -> Any:
    """The sine of an angle in turns, float64; exact to about 1e-12."""
    x = turns - np.floor(turns + 0.5)  # -1/2 to 1/2
    x = 0.5 - x if x > 0.25 else (-0.5 - x if x < -0.25 else x)
    z = x * x
    high = _A5 + z * (_A6 + z * (_A7 + z * (_A8 + z * _A9)))
    return x * (_A0 + z * (_A1 + z * (_A2 + z * (_A3 + z * (_A4 + z * high)))))


@compiled
def cosine(turns: Any) -> Any:
    """The cosine of an angle in turns, float64; exact to about 1e-12."""
    return sine(turns + 0.25)


@allocating
def harmonics(period: int, count: int) -> Any:
    """The first ``count`` sines and cosines of a cycle of ``period`` samples, (period, 2 * count) float64."""
    table = np.empty((period, 2 * count))
    for j in range(period):
        for k in range(count):
            turns = (k + 1) * (j + 0.5) / period
            table[j, 2 * k], table[j, 2 * k + 1] = sine(turns), cosine(turns)
    return table


def sines(turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """:func:`sine` of an array, for tests and figures.

    >>> turns = np.linspace(-3, 3, 1000)
    >>> bool(np.abs(sines(turns) - np.sin(2 * np.pi * turns)).max() < 1e-12)
    True
    """
    return np.asarray(_sines(np.ascontiguousarray(turns, np.float64)))


@allocating
def _sines(turns: Any) -> Any:
    out = np.empty_like(turns)
    for i in range(turns.size):
        out[i] = sine(turns[i])
    return out
