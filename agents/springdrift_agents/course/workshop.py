"""What boxes are made of: the order to a warden, and caches packed once for all of them."""

import json
import os
import shutil
import site
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

DISK, FILE, FILES, PROCESSES = 2**28, 2**26, 256, 64  # bytes in all and in a file, open files, processes
MEMORY, LEAST_MEMORY = 4096, 1024  # MB: usual, and to import what lessons import
WARDEN = Path(__file__).with_name("warden.py")  # a script: it needs what only Unix has
DOORS = (".X11-unix", ".ICE-unix", "tmux-*", "ssh-*", "dbus-*")
KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "PYTHONPATH", "LD_LIBRARY_PATH")


class Kit(NamedTuple):
    """What every box is furnished with, prepared once."""

    folder: str
    rooms: str  # folder for the boxes
    namespaces: bool  # boxes are closed by the kernel


class Workshop:
    """Prepares the kit: caches, so that no box compiles anything anew. A context manager.

    Args:
        namespaces: whether boxes are closed by the kernel; None is: where it can be done.

    Raises:
        ValueError: the system has no limits for processes, or no namespaces although they are asked for.
    """

    def __init__(self, namespaces: bool | None = None) -> None:
        if os.name != "posix":
            raise ValueError("running students' code needs Linux or macOS: on Windows, use WSL")
        able = namespaces_work() if namespaces is not False else False
        if namespaces and not able:
            raise ValueError("this system does not let an ordinary user make namespaces")
        self.namespaces = able

    def __enter__(self) -> Kit:
        self.folder = tempfile.TemporaryDirectory(prefix="springdrift-", ignore_cleanup_errors=True)
        kit, rooms = Path(self.folder.name, "kit"), Path(self.folder.name, "rooms")
        kit.mkdir()
        rooms.mkdir()
        _pack_caches(kit)
        return Kit(str(kit), str(rooms), self.namespaces)

    def __exit__(self, *_: object) -> None:
        self.folder.cleanup()


def _pack_caches(folder: Path) -> None:
    """The compiled kernels and the list of fonts, as a box finds them."""
    from numba.core.caching import _CacheLocator

    import springdrift
    from springdrift.incline import kernel

    springdrift.warm_up()
    place = _CacheLocator.get_suitable_cache_subpath(kernel.__file__)
    (folder / "numba" / place).mkdir(parents=True)
    for file in Path(kernel.advance.stats.cache_path).glob("*.nb[ic]"):
        shutil.copy(file, folder / "numba" / place)
    for name in ("tmp", "matplotlib"):
        (folder / name).mkdir()
    try:
        from matplotlib import font_manager, get_cachedir
    except ModuleNotFoundError:
        return
    font_manager.findfont("DejaVu Sans")  # writes the list, should there be none
    for file in Path(get_cachedir()).glob("fontlist*.json"):
        shutil.copy(file, folder / "matplotlib")


def private() -> list[Path]:
    """Folders that no box needs: the reference solutions, and the doors to what runs outside (sockets)."""
    solutions = Path(__file__).resolve().parents[3] / "tutorials" / "solutions"
    doors = [Path("/run"), *(door for kind in DOORS for door in Path("/tmp").glob(kind))]
    return [folder for folder in (solutions, *doors) if folder.is_dir() and not folder.is_symlink()]


@cache
def namespaces_work() -> bool:
    """Whether this system lets an ordinary user close a process off with namespaces."""
    if not sys.platform.startswith("linux"):
        return False
    with tempfile.TemporaryDirectory(prefix="springdrift-") as box, tempfile.TemporaryDirectory() as kit:
        order = order_of(box, kit, run=[sys.executable, "-I", "-S", "-c", ""], pipes=[], namespaces=True)
        done = subprocess.run(command(order), capture_output=True, text=True, check=False)
        return '{"end": "exit", "code": 0}' in done.stdout


def order_of(
    box: str, kit: str, *, run: list[str], pipes: list[int], namespaces: bool, **more: Any
) -> dict[str, Any]:
    """What the warden of a box is to do: ``run`` a command in the folder ``box``, furnished from ``kit``."""
    order: dict[str, Any] = {
        "work": None,
        "hide": [],
        "limits": {},
        "environment": {},
        "disk": DISK,
        "processes": PROCESSES,
    }
    order |= {"memory": MEMORY * 2**20, "box": box, "kit": kit, "run": run, "pipes": pipes}
    return order | {"namespaces": namespaces} | more


def limits(memory: int, seconds: float, namespaces: bool) -> dict[str, int]:
    """What the kernel lets the process of a box use at most, by name of the limit.

    Args:
        memory: MB.
        seconds: of computing.
        namespaces: the box is closed off by them.
    """
    found = {
        "RLIMIT_AS": memory * 2**20,
        "RLIMIT_CPU": int(seconds) + 10,
        "RLIMIT_FSIZE": FILE,
        "RLIMIT_NOFILE": FILES,
        "RLIMIT_CORE": 0,
    }
    if namespaces and tuple(map(int, os.uname().release.split(".")[:2])) >= (5, 14):
        found["RLIMIT_NPROC"] = 4 * PROCESSES  # older kernels count all that the user runs; threads count
    return found


def command(order: dict[str, Any]) -> list[str]:
    """How to start a warden."""
    return [sys.executable, "-I", "-S", str(WARDEN), json.dumps(order)]


def environment(box: str) -> dict[str, str]:
    """Nothing of the user's own, one thread, no window, lessons in fast mode."""
    return {name: os.environ[name] for name in KEPT if name in os.environ} | {
        "HOME": box,
        "USER": "student",  # who has no entry in the list of users
        "PYTHONUSERBASE": site.getuserbase(),  # packages of the user's own, whose home the box is not
        "TMPDIR": f"{box}/tmp",
        "MPLCONFIGDIR": f"{box}/matplotlib",
        "NUMBA_CACHE_DIR": f"{box}/numba",
        "MPLBACKEND": "Agg",
        "SDL_VIDEODRIVER": "dummy",
        "SDL_AUDIODRIVER": "dummy",
        "SPRINGDRIFT_FAST": "1",
        "SPRINGDRIFT_SCORES": f"{box}/scores.csv",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
