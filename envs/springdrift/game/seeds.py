"""Seeds as users pass them, one or one for each env of a batch."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from springdrift.game.arguments import is_whole

WORDS = 2**64  # seeds of so many values are told apart; larger ones are folded into them


def fold(seed: int) -> int:
    """The seed as a number below 2^64: itself, or a hash of a larger one.

    >>> fold(2**63), fold(2**64 + 5) < 2**64
    (9223372036854775808, True)
    """
    return seed if seed < WORDS else int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])


def check_seed(seed: Any) -> int:
    """A seed as an int; raises ValueError where it is not a whole number from 0 on."""
    if not is_whole(seed) or seed < 0:
        raise ValueError(f"seed must be a whole number, 0 or more, got {seed!r}")
    return int(seed)


def check_seeds(seed: Any, count: int) -> list[int | None]:
    """A seed or None for each env: those after a single one follow it.

    Raises:
        ValueError: neither None, nor a whole number from 0 on, nor one of these for each env.

    >>> check_seeds(7, 3), check_seeds([7, None], 2)
    ([7, 8, 9], [7, None])
    """
    seed = seed.tolist() if isinstance(seed, np.ndarray) else seed
    if seed is None:
        return [None] * count
    if is_whole(seed):
        first = check_seed(seed)
        return list(range(first, first + count))
    if isinstance(seed, str) or not isinstance(seed, Sequence):
        raise ValueError(f"seed must be None, a whole number or {count} of them, got {seed!r}")
    if len(seed) != count:
        raise ValueError(f"seed must be one number or {count} of them, got {len(seed)}")
    return [None if one is None else check_seed(one) for one in seed]
