"""What a result rests on: the sources of the worlds and of the policies, and the packages that compute it.

A result that is kept is known by all of it, so that after a change it is made anew and never mixed with what
the code before made.
"""

import hashlib
import inspect
import json
import platform
import subprocess
import sys
import sysconfig
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import springdrift
import springdrift_agents
from springdrift import ENV_ID

WORLDS, AGENTS = Path(springdrift.__file__).parent, Path(springdrift_agents.__file__).parent
DRAWING = "render"  # pictures change no result
COMPARED = ("policies", "evaluation", "planning")  # rooms whose code a comparison runs
TRAINED = (*COMPARED, "training")
NUMERIC = ("numpy", "numba", "river")
DRAWN = ("matplotlib", "pygame-ce", "ipykernel", "nbclient")
LEARNING = ("torch", "stable-baselines3", "sb3-contrib")


@cache
def code(rooms: tuple[str, ...] = COMPARED, packages: tuple[str, ...] = NUMERIC) -> dict[str, str]:
    """Digests of the sources that decide a result, and the versions of the packages that compute it.

    >>> sorted(code())[:2]
    ['agents', 'numba']
    """
    worlds = (file for file in WORLDS.rglob("*") if DRAWING not in file.relative_to(WORLDS).parts)
    agents = (file for room in rooms for file in (AGENTS / room).rglob("*"))
    found = {"worlds": _digest(worlds, WORLDS), "agents": _digest(agents, AGENTS)}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def training_code() -> dict[str, str]:
    """The same of what a training run rests on."""
    return code(TRAINED, NUMERIC + LEARNING)


@cache
def everything() -> dict[str, str]:
    """The same of whatever decides what a page shows: all sources, and packages that compute and draw."""
    found = {"worlds": _digest(WORLDS.rglob("*"), WORLDS), "agents": _digest(AGENTS.rglob("*"), AGENTS)}
    return code((), NUMERIC + LEARNING + DRAWN) | found


def _digest(files: Iterable[Path], root: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(files):
        if "__pycache__" not in file.parts and file.is_file():
            digest.update(f"{file.relative_to(root).as_posix()}\n".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def manifest(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a run's numbers rest on: its configuration, the packages, and the state of the source."""
    packages = {}
    for name in ("springdrift", "gymnasium", "numpy", "numba", "scipy", "river"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    try:
        git = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        git = ""
    return {
        "env": ENV_ID,
        "config": dict(config),
        "packages": packages,
        "python": platform.python_version(),
        "git": git,
        "code": code(),
    }


def hash_of(config: Mapping[str, Any]) -> str:
    """A name for a configuration and the code that runs it: the same for the same."""
    text = json.dumps({"env": ENV_ID, **config, "code": code()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def identity(policy: Any) -> str:
    """Text that is the same for two policies only if they decide alike: parameters, and code of one's own.

    >>> from springdrift_agents.policies.rules import Periodic
    >>> identity(Periodic(every=8))
    'Periodic(every=8)'
    """
    kind = type(policy)
    if kind.__module__.partition(".")[0] == springdrift_agents.__name__ and is_dataclass(policy):
        return repr(policy)  # its code is in ``code``
    known = json.dumps([_plain(policy, ()), _own_code(kind)])
    return f"{kind.__qualname__} {hashlib.sha256(known.encode()).hexdigest()}"


def _plain(value: Any, above: tuple[int, ...]) -> Any:
    """A value as JSON that is the same in every process for the same value."""
    if value is None or isinstance(value, bool | int | float | complex | str | bytes | np.generic):
        return f"{type(value).__name__} {value!r}"
    if id(value) in above:
        return "itself"
    above = (*above, id(value))
    if isinstance(value, np.ndarray) and value.dtype != object:
        data = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return [str(value.dtype), list(value.shape), data]
    if isinstance(value, Mapping):
        return [
            "mapping",
            *sorted(([_plain(part, above) for part in pair] for pair in value.items()), key=str),
        ]
    if isinstance(value, set | frozenset):
        return ["set", *sorted((_plain(part, above) for part in value), key=str)]
    if isinstance(value, list | tuple | np.ndarray):
        return [type(value).__name__, *(_plain(part, above) for part in value)]
    if isinstance(value, type | ModuleType) or inspect.isroutine(value):
        return [getattr(value, "__module__", ""), getattr(value, "__qualname__", str(value))]
    if is_dataclass(value):
        held: Mapping[str, Any] = {field.name: getattr(value, field.name) for field in fields(value)}
    elif hasattr(value, "__dict__"):
        held = vars(value)
    else:
        said = repr(value)
        return said if " at 0x" not in said else uuid.uuid4().hex  # nothing to know it by
    return [type(value).__module__, type(value).__qualname__, _plain(held, above)]


def _own_code(kind: type) -> list[str]:
    """Digests of the sources of a class and of what it uses, packages that are installed left out."""
    found: dict[str, str] = {}
    waiting: list[Any] = list(kind.__mro__)
    seen: set[str] = set()
    while waiting:
        one = waiting.pop()
        name = one.__name__ if isinstance(one, ModuleType) else getattr(one, "__module__", None)
        if not isinstance(name, str) or name in seen:
            continue
        module = sys.modules.get(name)
        try:
            file = Path(inspect.getfile(module or one))
            if _installed(file):
                continue
            found[name] = hashlib.sha256(file.read_bytes()).hexdigest()
            seen.add(name)
        except (TypeError, OSError):  # built in, or typed into a session
            if isinstance(one, type) and name == "__main__":
                found[one.__qualname__] = _typed(one)
            continue
        waiting += vars(module).values() if module else ()
    return [f"{name} {digest}" for name, digest in sorted(found.items())]


def _typed(kind: type) -> str:
    try:
        return hashlib.sha256(inspect.getsource(kind).encode()).hexdigest()
    except (TypeError, OSError):
        return uuid.uuid4().hex


def _installed(file: Path) -> bool:
    """Whether a file is Python's, an installed package's, or springdrift's own, which ``code`` covers."""
    paths = sysconfig.get_paths()
    places = [Path(paths[name]) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return any(file.is_relative_to(place) for place in (*places, WORLDS, AGENTS))
