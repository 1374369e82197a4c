"""Seeds of worlds: the same for every policy, and never the same for two purposes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

PURPOSES = ("evaluation", "training", "tuning", "validation", "benchmark")  # seeds of two never meet
SEEDS = 2**28  # choices of worlds for each purpose


def world_seeds(purpose: str, seed: int, count: int) -> NDArray[np.uint64]:
    """Seeds of ``count`` worlds, disjoint between purposes and between seeds below 2^28.

    Raises:
        ValueError: an unknown purpose, or a seed or count out of range.

    >>> world_seeds("evaluation", 1, 2).tolist()
    [4294967296, 4294967297]
    """
    if purpose not in PURPOSES:
        raise ValueError(f"unknown purpose {purpose!r}; allowed: {', '.join(PURPOSES)}")
    if not 0 <= seed < SEEDS:
        raise ValueError(f"seed must be a whole number from 0 to 2^28 - 1, got {seed}")
    if not 1 <= count <= 2**32:
        raise ValueError(f"the number of episodes must be from 1 to 2^32, got {count}")
    first = (PURPOSES.index(purpose) << 60) + (seed << 32)
    return np.uint64(first) + np.arange(count, dtype=np.uint64)


def seeds_of(seeds: Any) -> NDArray[np.uint64]:
    """Seeds of worlds as an array (n,), or an error that says what was expected.

    >>> seeds_of([])
    Traceback (most recent call last):
    ValueError: seeds must be at least one whole number from 0 to 2^64 - 1, in one row, got []
    """
    array = np.asarray(seeds)
    if array.ndim != 1 or not array.size or array.dtype.kind not in "iu" or array.min() < 0:
        got = np.array2string(array, threshold=8) if array.size else "[]"
        raise ValueError(f"seeds must be at least one whole number from 0 to 2^64 - 1, in one row, got {got}")
    return array.astype(np.uint64)
