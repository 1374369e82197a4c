"""What a sandbox is made of: the list of places that a student's process can see, and who closes it off.

All else does not exist in there: no other student's file, no solution, no judge, no socket of a service.
bubblewrap builds it where it is installed; otherwise the supervisor does the same with namespaces of its own;
where the kernel forbids both, what remains is told by :func:`protection`.
"""

import json
import os
import shutil
import site
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import springdrift
from springdrift_agents.course import cgroup, seccomp
from springdrift_agents.files import temporary_folder

DISK, SHARED, FILE = 2**28, 2**26, 2**26  # bytes: of the workspace, of /dev/shm, and of a file
FILES, OPEN_FILES, PROCESSES = 10_000, 256, 64
THREADS = 4 * PROCESSES  # of all of them
MEMORY, LEAST_MEMORY = 4096, 1024  # MB: usual, and to import what lessons import
ISOLATIONS = ("bubblewrap", "namespaces", "none")  # the strongest first
COURSE = Path(__file__).parent
SUPERVISOR = COURSE / "supervisor.py"  # a script: it needs what only Unix has
SERVED: tuple[str, ...] = ("__init__.py", "cells.py", "exercise.py", "fast.py", "magics.py", "materials.py")
SERVED += ("protocol.py", "runs", "server.py", "supervisor.py", "variants.py")
LIBRARIES: tuple[str, ...] = (
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
)
SYSTEM: tuple[str, ...] = ("/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo")
SYSTEM += ("/sys/devices/system/cpu", "/nix/store", "/gnu/store")
OF_PYTHON = ("bin", "lib", "lib64", "pyvenv.cfg")
DEVICES = ("null", "random", "urandom")  # not zero: a shared map of it is memory that counts for nobody
KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "PYTHONPATH", "LD_LIBRARY_PATH")
WORKSPACE, ASSETS = "/workspace", "/assets"  # in a sandbox


class Place(NamedTuple):
    """A place in the file system of a sandbox."""

    kind: (
        str  # bind: as outside, but read-only; tmpfs: empty, in memory; folder: holds binds alone; link; proc
    )
    path: str
    source: Any = None  # of a bind or link; bytes of a tmpfs


def places() -> list[Place]:
    """What every sandbox holds: libraries, Python and the packages it may import, without the judges."""
    found = [Place("folder", "/dev"), Place("tmpfs", "/dev/shm", SHARED), Place("proc", "/proc")]
    found[1:1] = [Place("bind", f"/dev/{name}", f"/dev/{name}") for name in DEVICES]
    shown: list[Path] = []
    for path in _unique(_wanted()):
        if path.is_symlink() and (str(path) in LIBRARIES or path.name == "lib64"):
            found.append(Place("link", str(path), os.readlink(path)))
        elif path.exists() and not any(path.is_relative_to(other) for other in shown):
            found.append(Place("bind", str(path), str(path)))
            shown.append(path)
    for folder in _unique((COURSE.absolute(), COURSE.resolve())):
        found.append(Place("folder", str(folder)))
        found += [Place("bind", str(folder / name), str(COURSE / name)) for name in SERVED]
    return found


def _wanted() -> Iterator[Path]:
    """Paths that a sandbox shows, as they are and without links."""
    for path in _named():
        yield path.absolute()
        if not path.is_symlink():
            yield path.resolve()


def _named() -> Iterator[Path]:
    yield from map(Path, LIBRARIES + SYSTEM)
    for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix):
        if prefix not in ("/", "/usr", "/usr/local"):  # whose libraries are there already
            yield from (Path(prefix, name) for name in OF_PYTHON)
    program = Path(sys.executable)
    while program.is_symlink():
        yield program.parent.resolve() / program.name
        program = program.parent / os.readlink(program)
    yield program
    if site.ENABLE_USER_SITE:
        yield Path(site.getusersitepackages())
    yield from (Path(package).parent for package in (springdrift.__file__, COURSE))
    for name in ("PYTHONPATH", "LD_LIBRARY_PATH"):
        yield from (Path(part) for part in os.environ.get(name, "").split(os.pathsep) if os.path.isabs(part))


def _unique(paths: Iterable[Path]) -> list[Path]:
    return list(dict.fromkeys(paths))


def check_apart(folder: Path) -> None:
    """Make sure that no sandbox shows a class's folder.

    Raises:
        ValueError: it lies in what a sandbox shows, or the other way round.
    """
    whole = folder.resolve()
    shown = [Path(place.source) for place in places() if place.kind == "bind"]
    for place in (Path(sys.prefix), Path(tempfile.gettempdir()), *shown):
        inside = place in shown and whole.is_relative_to(place.resolve())
        if inside or place.resolve().is_relative_to(whole) or place.is_relative_to(whole):
            raise ValueError(
                f"{folder} and {place}, which the sandbox needs, are not apart, so students' files could not "
                "be hidden from each other: put the submissions into a folder of their own"
            )


def order_of(isolation: str, workspace: str, assets: str, run: Sequence[str], **more: Any) -> dict[str, Any]:
    """What a supervisor is to do: ``run`` a command in a workspace.

    Args:
        isolation: one of ``ISOLATIONS``.
        workspace: an empty folder outside; in a closed sandbox it is ``/workspace``.
        assets: folder of what every workspace begins with.
        run: the command.
        more: what differs from the usual.
    """
    closed = isolation != "none"
    order: dict[str, Any] = {
        "isolation": isolation,
        "root": workspace,
        "workspace": WORKSPACE if closed else workspace,
        "assets": ASSETS if closed else assets,
        "run": list(run),
        "pipes": [],
        "limits": {},
        "environment": {},
        "filter": seccomp.program(os.uname().machine).hex(),
        "memory": MEMORY * 2**20,
        "disk": DISK,
        "files": FILES,
        "processes": PROCESSES,
    }
    if closed:
        own = [Place("bind", ASSETS, assets), Place("tmpfs", WORKSPACE, DISK)]
        order["places"] = [*places(), *own, *more.pop("work", ())]
    return order | more


def command(order: dict[str, Any]) -> list[str]:
    """How to start the supervisor of a sandbox; it reads its order from its input."""
    supervisor = [sys.executable, "-I", "-S", str(SUPERVISOR.absolute())]
    if order["isolation"] != "bubblewrap":
        return supervisor
    found = ["bwrap", "--unshare-user", "--uid", "1000", "--gid", "1000", "--unshare-pid", "--unshare-net"]
    found += ["--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--as-pid-1", "--die-with-parent"]
    found += ["--cap-drop", "ALL", "--clearenv"]
    closed = ["/"]
    for kind, path, source in order["places"]:
        if kind == "bind":
            found += ["--dev-bind" if path.startswith("/dev/") else "--ro-bind", source, path]
        elif kind == "link":
            found += ["--symlink", source, path]
        elif kind == "proc":
            found += ["--proc", path]
        else:
            found += ["--size", str(source or 2**20), "--tmpfs", path]
        if kind in ("proc", "folder"):
            closed.append(path)
    for path in closed:
        found += ["--remount-ro", path]
    return [*found, "--", *supervisor]


@cache
def works(isolation: str) -> bool:
    """Whether a sandbox can be closed off in this way here: one is built, to see."""
    if isolation == "none":
        return True
    if not sys.platform.startswith("linux") or (isolation == "bubblewrap" and not shutil.which("bwrap")):
        return False
    with temporary_folder() as folder:
        root, assets = str(folder / "root"), str(folder / "assets")
        os.mkdir(root)
        os.mkdir(assets)
        order = order_of(isolation, root, assets, [sys.executable, "-I", "-S", "-c", ""])
        done = subprocess.run(
            command(order), input=json.dumps(order), capture_output=True, text=True, check=False
        )
        return '{"end": "exit", "code": 0}' in done.stdout


def strongest() -> str:
    """The strongest isolation that works here."""
    return next(name for name in ISOLATIONS if works(name))


def protection(isolation: str) -> str:
    """What a sandbox protects from on this machine, in a sentence or two."""
    linux = sys.platform.startswith("linux")
    filtered = linux and bool(seccomp.program(os.uname().machine))
    unfiltered = f"system calls not filtered on this {'processor' if linux else 'system'}"
    calls = "system calls filtered" if filtered else unfiltered
    if isolation == "none":
        cure = "Install bubblewrap, or grade in a virtual machine or container"
        found = (
            f"students' code runs in a sandbox without namespaces ({calls}): limited in time and memory, "
            f"{'without a network, ' if filtered else ''}but it can read and write your files. "
            f"{cure if linux else 'Grade in a virtual machine or container with Linux'}"
        )
    else:
        by = "bubblewrap" if isolation == "bubblewrap" else "namespaces of its own; bubblewrap is not here"
        found = (
            f"students' code runs in a sandbox ({by}; {calls}): it sees Python, its packages and its own "
            "file, no network, no other process, no file of yours"
        )
    if linux:
        kernel = "limited by the kernel in a control group of its own"
        found += (
            f". Its memory is {kernel if cgroup.divisible() else 'counted as it runs: no control groups'}"
        )
    root = ". You are root: grade as an ordinary user" if os.getuid() == 0 else ""
    return found + root


def limits(memory: int, seconds: float, isolation: str) -> dict[str, int]:
    """What the kernel lets the process of a sandbox use at most, by name of the limit.

    Args:
        memory: MB.
        seconds: of computing.
        isolation: how the sandbox is closed off.
    """
    found = {
        "RLIMIT_AS": memory * 2**20,
        "RLIMIT_CPU": int(seconds) + 10,
        "RLIMIT_FSIZE": FILE,
        "RLIMIT_NOFILE": OPEN_FILES,
        "RLIMIT_CORE": 0,
    }
    if isolation != "none" and tuple(map(int, os.uname().release.split(".")[:2])) >= (5, 14):
        found["RLIMIT_NPROC"] = THREADS  # older kernels count all that the user runs; threads count
    return found


def environment(workspace: str) -> dict[str, str]:
    """Nothing of the user's own, one thread, no window, lessons in fast mode."""
    return {name: os.environ[name] for name in KEPT if name in os.environ} | {
        "HOME": workspace,
        "USER": "student",  # who has no entry in the list of users
        "PYTHONUSERBASE": site.getuserbase(),  # packages of the user's own, whose home the workspace is not
        "TMPDIR": f"{workspace}/tmp",
        "MPLCONFIGDIR": f"{workspace}/matplotlib",
        "NUMBA_CACHE_DIR": f"{workspace}/numba",
        "SPRINGDRIFT_COMPILE": "first",  # no process beside it
        "MPLBACKEND": "Agg",
        "SDL_VIDEODRIVER": "dummy",
        "SDL_AUDIODRIVER": "dummy",
        "SPRINGDRIFT_FAST": "1",
        "SPRINGDRIFT_SCORES": f"{workspace}/scores.csv",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
