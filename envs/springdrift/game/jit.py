"""How the kernel is compiled: IEEE arithmetic as written, so that results are the same bit for bit
whatever the width of the vectors, the size of the batch or the number of threads.

numpy's error model: a division has no check of its own, which would keep a loop from vectorising.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit

PACKAGE = Path(__file__).parents[1]
WORLDS = ("incline", "series")


@cache
def sources(room: str) -> tuple[Path, ...]:
    """Every file that compiled code in a room of the package may be made of; worlds know no other."""
    rooms = ("game", room) if room in WORLDS else ("game", *WORLDS)
    return tuple(sorted(path for name in rooms for path in (PACKAGE / name).rglob("*.py")))


@cache
def stamp(room: str) -> str:
    """Digest of :func:`sources`.

    Numba keeps compiled code for as long as the file of a function stays as it is, whatever becomes of
    the constants and functions that it took from others; with this, for as long as none of them changes.
    """
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources(room))).hexdigest()


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
        package, _, rest = dispatcher.py_func.__module__.partition(".")
        index._source_stamp = stamp(rest.partition(".")[0] if package == "springdrift" else "")
    return dispatcher
