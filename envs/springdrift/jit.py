"""How the kernel is compiled: IEEE arithmetic as written, so that results are the same bit for bit
whatever the width of the vectors, the size of the batch or the number of threads."""

import hashlib
from pathlib import Path
from typing import Any

from numba import njit

# What the kernel is made of. Numba keeps compiled code for as long as the file of a function stays as it
# is, whatever becomes of the constants and functions that it took from others.
SOURCES = (
    *("actions", "arguments", "drift", "dynamics", "jit", "kernel", "model", "observation", "reward"),
    *("state", "streams", "transpose"),
)
STAMP = hashlib.sha256(
    b"".join(Path(__file__).with_name(f"{name}.py").read_bytes() for name in SOURCES)
).hexdigest()


def compiled(function: Any) -> Any:
    """Compile, or take from the cache what was compiled from these very sources."""
    # numpy's error model: a division has no check of its own, which would keep a loop from vectorising
    dispatcher = njit(cache=True, error_model="numpy", nogil=True)(function)
    index = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if index is not None:  # there is none where nothing is compiled or kept
        index._source_stamp = STAMP
    return dispatcher


inlined: Any = njit(forceinline=True, error_model="numpy")
