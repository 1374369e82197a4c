"""How the kernel is compiled: IEEE arithmetic as written, so that results are the same bit for bit
whatever the width of the vectors, the size of the batch or the number of threads.

Numba optimises every function and makes machine code of it, then links it into each caller and does
both again, level by level. Here only what Python calls (:func:`allocating`, :func:`side_by_side`) becomes
machine code; what that calls reaches it as plain code, and the whole is optimised once.

numpy's error model: a division has no check of its own, which would keep a loop from vectorising.

Compiling takes half a minute. Where nothing is kept yet, a call for a few worlds is interpreted instead while
the code is made in the background, and gives the same bits. Two things must be written so that it does:
``float(x)`` of a float32 stays one when compiled and becomes a double when interpreted, and a number written
out, such as ``2.0``, is a double when compiled and takes the precision of its partner when interpreted. So
write ``float(x)`` where a float32 meets a number written out or a double, and nowhere else.
"""

import ctypes
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from numba import _dynfunc, njit  # type: ignore[attr-defined]
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import AnalysisPass, register_pass
from numba.core.registry import CPUDispatcher
from numba.core.typed_passes import NativeLowering

from springdrift.game.background import under_way
from springdrift.game.cache import kept, tell

_njit: Any = njit
FEW = 16  # lanes that are interpreted for as long as there is no code


class _Part(JITCodeLibrary):
    """Code that waits for its callers: neither optimised nor made machine code on its own."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
def _refuse(*_: Any) -> None:
    """What Python runs if it calls such code: no result, which is a SystemError."""


@register_pass(mutates_CFG=False, analysis_only=True)
class _Offer(AnalysisPass):
    """Let compiled functions call one that has no machine code."""

    _name = "springdrift_offer"

    def __init__(self) -> None:
        AnalysisPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        lowered = state.cr
        described, address = lowered.fndesc, ctypes.cast(_refuse, ctypes.c_void_p).value
        function = _dynfunc.make_function(
            described.lookup_module(), described.qualname, "", address, lowered.env, (state.library,)
        )
        state.targetctx.insert_user_function(function, described, [state.library])
        state.cr = lowered._replace(cfunc=function)
        return False


class _PartCompiler(CompilerBase):
    def define_pipelines(self) -> list[Any]:
        state = self.state
        state.library = _Part(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = state.flags.no_cpython_wrapper = state.flags.no_cfunc_wrapper = True
        passes = DefaultPassBuilder.define_nopython_pipeline(state)
        passes.add_pass_after(_Offer, NativeLowering)
        passes.finalize()
        return [passes]


class _Here(threading.local):
    """What the calls of a thread are to do where code is missing."""

    interpreting = False  # inside of a call that is interpreted
    compiling = False  # before anything else


_here = _Here()


@contextmanager
def compiled_first() -> Iterator[None]:
    """Compile what is missing at once, in this process and thread, as warming up does."""
    before, _here.compiling = _here.compiling, True
    try:
        yield
    finally:
        _here.compiling = before


def _interpreter(function: Any, cycle: bool) -> Any:
    """A function that runs another in the interpreter, with all that it calls."""
    calls = 0

    def run(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        before, _here.interpreting, start = _here.interpreting, True, time.perf_counter()
        try:
            with np.errstate(all="ignore"):  # as compiled code does
                return function(*arguments)
        finally:
            _here.interpreting = before
            if cycle and calls == 2:  # the first takes longer
                tell("background", INTERPRETED.format(_rounded(1.0 / (time.perf_counter() - start))))

    return run


def _rounded(rate: float) -> str:
    """A rate to one digit, since it is one cycle's."""
    return f"{float(f'{rate:.0e}'):,.0f}"


INTERPRETED = (
    "springdrift: compiling in the background, once; until that is done, in a minute or so, an env runs "
    "interpreted, at about {} steps a second"
)


def _interpreted_at_first(dispatcher: Any, lanes: Any, cycle: bool) -> Any:
    """Let calls whose code is missing run in the interpreter while it is made in the background."""
    if not hasattr(dispatcher, "py_func"):  # compiling is switched off
        return dispatcher
    compile_now, function = dispatcher._compile_for_args, dispatcher.py_func
    interpreted = _interpreter(function, cycle)

    def compile_for_args(*arguments: Any, **named: Any) -> Any:
        if _here.interpreting:
            return function
        if lanes and not _here.compiling and lanes(*arguments) <= FEW:
            types = tuple(map(dispatcher.typeof_pyval, arguments))
            dispatcher._types_active_call.clear()
            if under_way(dispatcher, types):
                return interpreted
        return compile_now(*arguments, **named)

    dispatcher._compile_for_args = compile_for_args
    return dispatcher


def allocating(
    function: Any = None, *, slow: bool = False, lanes: Callable[..., int] | None = None, cycle: bool = False
) -> Any:
    """Compile a function that Python calls, or that makes arrays.

    Args:
        function: to be compiled; None to be told later, as a decorator with arguments is.
        slow: a line on stderr says that compiling, where nothing was kept, takes a while.
        lanes: how many lanes a call with some arguments is for. Those for a few are interpreted until their
            code is there; without it, every call waits for its code.
        cycle: a call takes a cycle of every lane: its speed is what is told on stderr.
    """
    if function is None:
        return partial(allocating, slow=slow, lanes=lanes, cycle=cycle)
    dispatcher = kept(_njit(nogil=True, error_model="numpy", no_cfunc_wrapper=True)(function), slow)
    return _interpreted_at_first(dispatcher, lanes, cycle)


def side_by_side(function: Any) -> Any:
    """Compile a function called from Python whose ``prange`` loops go to Numba's threads."""
    return kept(_njit(nogil=True, parallel=True, error_model="numpy")(function), slow=True)


class _Inner(CPUDispatcher):
    """A function that compiled ones call; called from Python it is interpreted."""

    def __call__(self, *arguments: Any) -> Any:
        return self.py_func(*arguments)


def _inner(dispatcher: Any) -> Any:
    if hasattr(dispatcher, "py_func"):
        dispatcher.__class__ = _Inner
    return dispatcher


def compiled(function: Any = None, *, arrays: bool = False) -> Any:
    """Compile a function that only compiled ones call; ``arrays``: it makes or returns some.

    Without, Numba need not count references; to count those of a block cost 6 % of a cycle.
    """
    if function is None:
        return partial(compiled, arrays=arrays)
    options = {"pipeline_class": _PartCompiler, "nogil": True, "_nrt": arrays, "error_model": "numpy"}
    return _inner(_njit(**options)(function))


def inlined(function: Any) -> Any:
    """Compile into every function that calls it; it neither makes nor returns an array."""
    options = {"pipeline_class": _PartCompiler, "forceinline": True, "_nrt": False, "error_model": "numpy"}
    return _inner(_njit(**options)(function))
