"""How the kernel is compiled: IEEE arithmetic as written, so that results are the same bit for bit
whatever the width of the vectors, the size of the batch or the number of threads.

Numba optimises every function and makes machine code of it, then links it into each caller and does
both again, level by level. Here only what Python calls (:func:`allocating`, :func:`side_by_side`) becomes
machine code; what that calls reaches it as plain code, and the whole is optimised once.

numpy's error model: a division has no check of its own, which would keep a loop from vectorising.
"""

import ctypes
from functools import partial
from typing import Any

from numba import _dynfunc, njit  # type: ignore[attr-defined]
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import AnalysisPass, register_pass
from numba.core.typed_passes import NativeLowering

from springdrift.game.cache import kept

_njit: Any = njit


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


def allocating(function: Any = None, *, slow: bool = False) -> Any:
    """Compile a function that Python calls, or that makes arrays.

    With ``slow`` a line on stderr says that compiling, where nothing was kept, takes a while.
    """
    if function is None:
        return partial(allocating, slow=slow)
    return kept(_njit(nogil=True, error_model="numpy", no_cfunc_wrapper=True)(function), slow)


def side_by_side(function: Any) -> Any:
    """Compile a function called from Python whose ``prange`` loops go to Numba's threads."""
    return kept(_njit(nogil=True, parallel=True, error_model="numpy")(function), slow=True)


def compiled(function: Any = None, *, arrays: bool = False) -> Any:
    """Compile a function that only compiled ones call; ``arrays``: it makes or returns some.

    Without, Numba need not count references; to count those of a block cost 6 % of a cycle.
    """
    options = {"pipeline_class": _PartCompiler, "nogil": True, "_nrt": arrays, "error_model": "numpy"}
    return _njit(**options)(function) if function else _njit(**options)


def inlined(function: Any) -> Any:
    """Compile into every function that calls it; it neither makes nor returns an array."""
    options = {"pipeline_class": _PartCompiler, "forceinline": True, "_nrt": False, "error_model": "numpy"}
    return _njit(**options)(function)
