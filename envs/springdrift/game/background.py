"""Compile in a process of its own what is not in the cache yet, while this process goes on without.

What is missing is written into a queue, a folder beside the cache. One process at a time on a machine works
it off, whoever asked, and ends when nothing is left; it outlives the process that started it, so that a short
script leaves a warm cache behind. A lock that it holds for as long as it lives says that it is at work.
"""

import hashlib
import json
import os
import pickle
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from springdrift.game.cache import holds, queue_folder, stamp

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

CHOICE = "SPRINGDRIFT_COMPILE"  # in the environment
FIRST, BACKGROUND = "first", "background"  # its values: before the first step, whatever it takes; or so
PATIENCE = 30.0  # seconds for it to start
_START = """
import os, sys
if os.fork(): os._exit(0)
import json
folder, sys.path[:] = json.loads(sys.argv[1])
import signal
signal.signal(signal.SIGALRM, signal.SIG_DFL)
signal.alarm(900)  # seconds after which it ends, come what may
from springdrift.game.background import work
work(folder)
"""


class _Process:
    """What this process has asked for, and whether it may start another."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.started: set[str] = set()  # what a process that was started here had to compile
        self.able = fcntl is not None and not getattr(sys, "frozen", False) and _is_python(sys.executable)


def _is_python(program: str | None) -> bool:
    """Whether a program is an interpreter, and not an application with one inside."""
    return Path(program or "").name.lower().startswith(("python", "pypy"))


_process = _Process()


def under_way(dispatcher: Any, types: tuple[Any, ...]) -> bool:
    """Ask for the code of a function for some types; whether it is being made elsewhere.

    False where it is made already, where it cannot be made elsewhere, and where that was tried in vain.

    Raises:
        ValueError: ``SPRINGDRIFT_COMPILE`` has a value that it does not know.
    """
    chosen = os.environ.get(CHOICE, BACKGROUND)
    if chosen not in (FIRST, BACKGROUND):
        raise ValueError(f"{CHOICE} must be {FIRST} or {BACKGROUND}, got {chosen!r}")
    if chosen == FIRST or not _process.able:
        return False
    folder = queue_folder()
    if folder is None or holds(dispatcher, types) is not False:
        return False
    function = dispatcher.py_func
    wanted = (function.__module__, function.__name__, types)
    name = f"{stamp('')[:16]}-{hashlib.sha256(repr(wanted).encode()).hexdigest()[:16]}.wanted"
    try:
        if name not in _process.asked:
            _write(folder / name, wanted)
            _process.asked.add(name)
        return _at_work(folder / name, wanted)
    except (OSError, subprocess.SubprocessError):  # read-only, no locks, no processes allowed, none left
        _process.able = False
        with suppress(OSError):
            (folder / name).unlink()
        return False


def _write(file: Path, wanted: tuple[Any, ...]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(pickle.dumps(wanted))
    part.replace(file)


def _at_work(file: Path, wanted: tuple[Any, ...]) -> bool:
    """Whether a background process runs; starts one where none does, once for what it is asked for."""
    lock = os.open(file.with_name("lock"), os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        if file.name in _process.started:
            return False
        _write(file, wanted)  # another may have taken it and failed
        paths = [os.path.abspath(path) for path in sys.path if isinstance(path, str)]
        subprocess.run(  # it leaves a process behind, which holds the lock from the first moment on
            [sys.executable, "-E", "-c", _START, json.dumps([str(file.parent), paths])],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, CHOICE: FIRST},
            pass_fds=(lock,),
            start_new_session=True,  # no interrupt from the keyboard reaches it
            check=True,
            timeout=PATIENCE,
        )
        _process.started |= _process.asked
        return True
    finally:
        os.close(lock)


def rest() -> None:
    """Wait until no background process is at work."""
    folder = queue_folder()
    if fcntl and folder and folder.exists():
        with (folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)


def work(folder: str) -> None:
    """Compile all that a queue holds, until it is empty; what a background process does."""
    taken: set[str] = set()
    while found := [file for file in Path(folder).glob("*.wanted") if file.name not in taken]:
        for file in found:
            taken.add(file.name)
            with suppress(Exception):  # who asked sees that it is missing, compiles it and hears why
                wanted = file.read_bytes()
                file.unlink()
                if file.name.startswith(stamp("")[:16]):  # of these sources
                    module, name, types = pickle.loads(wanted)
                    getattr(import_module(module), name).compile(types)
