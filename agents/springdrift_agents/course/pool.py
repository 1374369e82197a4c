"""What every sandbox of a run shares: how they are closed off, and caches packed once for all of them."""

import inspect
import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from springdrift_agents.course import cgroup
from springdrift_agents.course.isolation import ISOLATIONS, strongest, works
from springdrift_agents.files import temporary_folder


class Assets(NamedTuple):
    """What sandboxes are made from, prepared once."""

    folder: str  # what every workspace begins with
    workspaces: str  # folder in which each sandbox gets one of its own
    isolation: str  # one of ISOLATIONS
    groups: str = ""  # folder in which each sandbox gets a control group; empty where none can be had


class SandboxPool:
    """Prepares the assets, so that no sandbox compiles anything anew. A context manager.

    Args:
        isolation: one of ``ISOLATIONS``; None is the strongest that works here.

    Raises:
        ValueError: the system has no limits for processes, or not the isolation that is asked for.
    """

    def __init__(self, isolation: str | None = None) -> None:
        if os.name != "posix":
            raise ValueError("running students' code needs Linux or macOS: on Windows, use WSL")
        if isolation is not None and isolation not in ISOLATIONS:
            raise ValueError(f"isolation must be one of {', '.join(ISOLATIONS)}, got {isolation!r}")
        if isolation is not None and not works(isolation):
            raise ValueError(f"sandboxes cannot be closed off by {isolation} on this system")
        self.isolation = isolation or strongest()

    def __enter__(self) -> Assets:
        self._ends = ExitStack()
        folder = self._ends.enter_context(temporary_folder())
        assets, workspaces = folder / "assets", folder / "workspaces"
        try:
            assets.mkdir()
            workspaces.mkdir()
            _pack_caches(assets)
        except BaseException:
            self._ends.close()
            raise
        return Assets(str(assets), str(workspaces), self.isolation, cgroup.divisible())

    def __exit__(self, *_: object) -> None:
        self._ends.close()


def _pack_caches(folder: Path) -> None:
    """The compiled kernels and the list of fonts, as a sandbox finds them."""
    from numba.core.caching import _CacheLocator

    import springdrift
    from springdrift.incline import model, world
    from springdrift.series import kernel

    springdrift.warm_up()
    springdrift.warm_up(springdrift.SERIES_ID)
    functions = (model.fit, world.KERNELS[0][0].advance, kernel.advance)  # one of each folder of sources
    for function in functions:
        place = _CacheLocator.get_suitable_cache_subpath(inspect.getfile(function.py_func))
        (folder / "numba" / place).mkdir(parents=True)
        kept = function.stats.cache_path  # None where nothing can be kept: each sandbox compiles anew
        for file in Path(kept).glob("*.nb[ic]") if kept else ():
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
