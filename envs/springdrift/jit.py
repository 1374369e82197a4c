"""How the kernel is compiled: IEEE arithmetic as written, so that results are the same bit for bit
whatever the width of the vectors, the size of the batch or the number of threads."""

from typing import Any

from numba import njit

# numpy's error model: a division has no check of its own, which would keep a loop from vectorising
compiled: Any = njit(cache=True, error_model="numpy", nogil=True)
inlined: Any = njit(forceinline=True, error_model="numpy")
