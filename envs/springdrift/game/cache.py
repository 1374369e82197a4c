"""Where compiled code is kept between two processes, and what happens when it cannot be kept.

Numba keeps compiled code for as long as the file of a function stays as it is, whatever becomes of the
constants and functions that it took from others. Here it is kept for as long as all the sources are.
"""

import gc
import glob
import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from numba.core.caching import FunctionCache, IndexDataCacheFile, NullCache
from numba.core.runtime import rtsys  # type: ignore[attr-defined]

PACKAGE = Path(__file__).parents[1]
WORLDS = ("incline", "series")


@cache
def sources(room: str) -> tuple[Path, ...]:
    """Every file that compiled code in a room of the package may be made of; worlds know no other."""
    rooms = ("game", room) if room in WORLDS else ("game", *WORLDS)
    return tuple(sorted(path for name in rooms for path in (PACKAGE / name).rglob("*.py")))


@cache
def stamp(room: str) -> str:
    """Digest of :func:`sources`."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources(room))).hexdigest()


UNKEPT = (
    "springdrift: compiled code cannot be kept ({}), so every process compiles anew; "
    "set NUMBA_CACHE_DIR to a folder that can be written to"
)


_told: set[str] = set()


def tell(topic: str, sentence: str) -> None:
    """Say something on stderr, once a process for each topic."""
    if topic not in _told:
        _told.add(topic)
        print(sentence, file=sys.stderr, flush=True)


def _announce(slow: bool) -> None:
    if slow:
        tell("slow", "springdrift: compiling its kernel, which takes some seconds the first time ...")


class _Files(IndexDataCacheFile):
    """An index and the code that it tells of, safe while other processes write theirs.

    Numba writes the index first and numbers the code: a process that reads between the two, or two that
    compile at once for other types, would take one code for another. Here a file of code has the name of
    what it is the code of, and is whole before the index tells of it.
    """

    def save(self, key: Any, data: Any) -> None:
        name = self._data_name(hashlib.sha256(repr(key).encode()).hexdigest()[:16])
        self._save_data(name, data)
        known = self._load_index()
        known[key] = name
        self._save_index(known)

    def _data_name(self, which: str) -> str:
        return f"{self._index_name.removesuffix('.nbi')}.{which}.nbc"


class _Kept(FunctionCache):
    """Numba's cache of a function; files that cannot be read are made anew."""

    def __init__(self, function: Any, slow: bool) -> None:
        super().__init__(function)
        self._slow = slow
        package, _, rest = function.__module__.partition(".")
        room = rest.partition(".")[0] if package == "springdrift" else ""
        # Numba's name of the files says where the source lies; one source may be several modules
        self._any_sources = f"{function.__module__}-{self._impl.filename_base}"
        self._these_sources = f"{self._any_sources}-{stamp(room)[:16]}"
        self._cache_file = _Files(self._cache_path, self._these_sources, stamp(room))

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Code that is kept, or None; all that only compiling needs, SciPy among it, is left until then."""
        rtsys.initialize(target_context)
        found = None
        try:
            with self._guard_against_spurious_io_errors():
                found = self._load_overload(sig, target_context)
        except Exception:  # a file cut short or damaged: unpickling raises whatever it likes
            self._forget()
        if found is None:
            _announce(self._slow)
        return found

    def holds(self, types: Any, codegen: Any) -> bool:
        """Whether there is code for some types; nothing is loaded."""
        try:
            return self._index_key(types, codegen) in self._cache_file._load_index()
        except Exception:  # a damaged index: loading mends it
            return True

    def _forget(self) -> None:
        try:
            Path(self._cache_file._index_path).unlink(missing_ok=True)
        except OSError:
            self.disable()

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
            for file in Path(self._cache_path).glob(f"{glob.escape(self._any_sources)}*.nb[ic]"):
                if not file.name.startswith(self._these_sources):
                    file.unlink(missing_ok=True)
        except OSError as error:
            tell("unkept", UNKEPT.format(error.strerror or error))


class _Unkept(NullCache):
    """For where no folder can be written to."""

    def __init__(self, why: str, slow: bool) -> None:
        self._why, self._slow = why, slow

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        _announce(self._slow)
        tell("unkept", UNKEPT.format(self._why))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without looking for garbage among the objects that Numba makes, which takes a quarter of its time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def kept(dispatcher: Any, slow: bool) -> Any:
    """Let the compiled code of one of Numba's dispatchers outlive the process.

    Args:
        dispatcher: of a function that Python calls; a plain function where compiling is switched off.
        slow: whether compiling takes long enough to say so on stderr.
    """
    if not hasattr(dispatcher, "py_func"):
        return dispatcher
    function, compile_one = dispatcher.py_func, dispatcher.compile

    def compile_at_rest(signature: Any) -> Any:
        with _no_collection():
            return compile_one(signature)

    dispatcher.compile = compile_at_rest
    try:
        dispatcher._cache = _Kept(function, slow)
    except (RuntimeError, OSError, KeyError):  # no folder, or no user whose home it could be
        dispatcher._cache = _Unkept("no folder for it", slow)
    return dispatcher


def holds(dispatcher: Any, types: tuple[Any, ...]) -> bool | None:
    """Whether the cache has the code of a function for some types; None where none can be kept."""
    kept_code = dispatcher._cache
    return kept_code.holds(types, dispatcher.targetctx.codegen()) if isinstance(kept_code, _Kept) else None


@cache
def queue_folder() -> Path | None:
    """Where it is written down what is to be compiled in the background; None where nothing can be kept."""
    try:
        return Path(FunctionCache(holds).cache_path) / "background"
    except (RuntimeError, OSError, KeyError):
        return None
