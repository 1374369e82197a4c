"""Seeds as users pass them, one or one for each env of a batch."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from springdrift.game.arguments import is_whole

MAX_SEED = 2**63


def check_seed(seed: Any) -> int:
    """A seed as an int, or an error that says what is allowed."""
    if not is_whole(seed) or not 0 <= seed < MAX_SEED:
        raise ValueError(f"seed must be a whole number from 0 to 2^63 - 1, got {seed!r}")
    return int(seed)


def check_seeds(seed: Any, count: int) -> list[int | None]:
    """A seed or None for each env, or an error that says what is allowed."""
    seed = seed.tolist() if isinstance(seed, np.ndarray) else seed
    if seed is None:
        return [None] * count
    if is_whole(seed):
        last = int(seed) + count - 1
        if not 0 <= seed <= last < MAX_SEED:
            raise ValueError(f"seed must be a whole number from 0 to 2^63 - {count}, got {seed!r}")
        return list(range(int(seed), last + 1))
    if isinstance(seed, str) or not isinstance(seed, Sequence):
        raise ValueError(f"seed must be None, a whole number or {count} of them, got {seed!r}")
    if len(seed) != count:
        raise ValueError(f"seed must be one number or {count} of them, got {len(seed)}")
    return [None if one is None else check_seed(one) for one in seed]
