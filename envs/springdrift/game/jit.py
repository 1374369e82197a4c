"""How the kernel is compiled: IEEE arithmetic as written, so that results are the same bit for bit
whatever the width of the vectors, the size of the batch or the number of threads.

numpy's error model: a division has no check of its own, which would keep a loop from vectorising.
"""

import hashlib
from pathlib import Path
from typing import Any

from numba import njit

# What the kernel is made of. Numba keeps compiled code for as long as the file of a function stays as it
# is, whatever becomes of the constants and functions that it took from others.
PACKAGE = Path(__file__).parents[1]
SOURCES = sorted(path for room in ("game", "incline") for path in (PACKAGE / room).rglob("*.py"))
STAMP = hashlib.sha256(b"".join(path.read_bytes() for path in SOURCES)).hexdigest()

_njit: Any = njit


def allocating(function: Any) -> Any:
    """Compile a function that makes arrays or is called from Python."""
    return _kept(_njit(cache=True, nogil=True, _nrt=True, error_model="numpy")(function))


def side_by_side(function: Any) -> Any:
    """Compile a function called from Python whose ``prange`` loops go to Numba's threads."""
    return _kept(_njit(cache=True, nogil=True, parallel=True, error_model="numpy")(function))


def compiled(function: Any) -> Any:
    """Compile a function that is called by compiled ones, and neither makes nor returns an array.

    Numba need not count references then; to count those of a block cost 6 % of a cycle.
    """
    return _kept(_njit(cache=True, nogil=True, _nrt=False, error_model="numpy")(function))


def inlined(function: Any) -> Any:
    """Compile into every function that calls it; it neither makes nor returns an array."""
    return _njit(forceinline=True, _nrt=False, error_model="numpy")(function)


def _kept(dispatcher: Any) -> Any:
    """Take from the cache only what was compiled from these very sources."""
    index = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if index is not None:  # there is none where nothing is compiled or kept
        index._source_stamp = STAMP
    return dispatcher
