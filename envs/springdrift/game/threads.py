"""Threads that move the worlds of a batch side by side, asleep or awake between two calls.

A thread that sleeps takes 30 to 70 microseconds to come, and a cycle of 4096 worlds lasts 250. Numba's
threads stay awake for a while. Of the layers they can run on, oneTBB alone (the extra ``threads``) bears
both a fork of the process and calls from several threads at once.
"""

import ctypes
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module, metadata
from typing import Any

import numba

MOST_THREADS = 256
LIBRARIES = ("libtbb.so.12", "libtbb.12.dylib", "tbb12.dll")  # as Numba knows them


@cache
def stay_awake() -> bool:
    """Whether Numba's threads are oneTBB's."""
    try:
        # Numba asks for the library by its name alone, and does not know where the package puts it
        for file in metadata.files("tbb") or ():
            if file.name in LIBRARIES:
                ctypes.CDLL(str(file.locate()))
        import_module("numba.np.ufunc.tbbpool")
    except (metadata.PackageNotFoundError, OSError, ImportError):
        return False
    numba.get_num_threads()  # starts them, on the layer that NUMBA_THREADING_LAYER asks for
    layer: str = numba.threading_layer()  # type: ignore[attr-defined]
    return layer == "tbb"


def in_step(threads: int, work: Callable[..., Any], *arguments: Any) -> Any:
    """What a function with ``prange`` loops makes of the arguments with so many of Numba's threads."""
    most: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    others, wanted = numba.get_num_threads(), min(threads, most)
    if others == wanted:
        return work(*arguments)
    numba.set_num_threads(wanted)
    try:
        return work(*arguments)
    finally:
        numba.set_num_threads(others)


@cache
def _sleepers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MOST_THREADS)  # each starts when it is first needed


if hasattr(os, "register_at_fork"):  # a child has none of its parent's threads
    os.register_at_fork(after_in_child=_sleepers.cache_clear)


def together(work: Callable[..., Any], parts: Sequence[tuple[Any, ...]]) -> list[Any]:
    """What ``work`` makes of each part: the first here, the others each in a thread that is woken."""
    own, *others = parts
    running = [_sleepers().submit(work, *part) for part in others]
    return [work(*own), *(one.result() for one in running)]
