"""Control groups (version 2): the kernel's own limits on the memory and processes of a sandbox.

They can be had where a folder of the control groups is this user's to divide: systemd hands one over with
``Delegate=yes``, a container's administrator by making it writable. Elsewhere the supervisor counts.
"""

import os
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

MOUNT, SELF = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
NEEDED = {"memory", "pids"}
LEAF = "springdrift-grader"  # where the grader itself moves: a group that is divided holds no process
MARGIN = 2**26  # bytes above the limit that the supervisor counts by, so that it is the one to say so
ENTER = 'echo 0 > "$0/cgroup.procs" && exec "$@"'  # for sh: into the group first, so nothing is outside


def divisible() -> str:
    """Folder of control groups in which sandboxes can have theirs; empty where there is none."""
    try:
        (line,) = (line for line in SELF.read_text().splitlines() if line.startswith("0::"))
        own = MOUNT / line[3:].lstrip("/")
        if own.name == LEAF:
            own = own.parent
        if not os.access(own, os.W_OK):
            return ""
        if _words(own / "cgroup.subtree_control") >= NEEDED:
            return str(own)
        if _words(own / "cgroup.controllers") >= NEEDED and _delegated(own):
            _divide(own)
            return str(own)
    except (OSError, ValueError):
        pass
    return ""


def _words(file: Path) -> set[str]:
    return set(file.read_text().split())


def _delegated(own: Path) -> bool:
    """Whether systemd has handed the group over: dividing another one would be undone or in its way."""
    for name in ("user.delegate", "trusted.delegate"):
        with suppress(OSError):
            return os.getxattr(own, name) == b"1"
    return False


def _divide(own: Path) -> None:
    leaf = own / LEAF
    leaf.mkdir(exist_ok=True)
    (leaf / "cgroup.procs").write_text(str(os.getpid()))
    try:
        (own / "cgroup.subtree_control").write_text("+memory +pids")
    except OSError:  # other processes are in the group
        (own / "cgroup.procs").write_text(str(os.getpid()))
        leaf.rmdir()
        raise


class ControlGroup:
    """A group for one sandbox.

    Args:
        parent: what :func:`divisible` found.
        memory: bytes that its processes, sockets and files in memory may take together.
        processes: with their threads.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, parent: str, memory: int, processes: int) -> None:
        self.folder = Path(parent, f"springdrift-{secrets.token_hex(6)}")
        self.folder.mkdir()
        try:
            (self.folder / "memory.max").write_text(str(memory + MARGIN))
            (self.folder / "pids.max").write_text(str(processes))
            with suppress(OSError):  # a kernel without swap has no such file
                (self.folder / "memory.swap.max").write_text("0")
        except BaseException:
            self.remove()
            raise

    def enter(self, command: Sequence[str]) -> list[str]:
        """The command, run within the group from its first instruction on."""
        return ["/bin/sh", "-c", ENTER, str(self.folder), *command]

    def out_of_memory(self) -> bool:
        """Whether the kernel has ended a process here for want of memory."""
        try:
            events = dict(line.split() for line in (self.folder / "memory.events").read_text().splitlines())
        except (OSError, ValueError):
            return False
        return int(events.get("oom_kill", 0)) > 0

    def remove(self) -> None:
        """End what still runs in the group, and remove it."""
        for _ in range(100):
            with suppress(OSError):  # an older kernel has no such file: the supervisor has ended them then
                kill = os.open(self.folder / "cgroup.kill", os.O_WRONLY)
                with os.fdopen(kill, "w") as file:
                    file.write("1")
            try:
                self.folder.rmdir()
                return
            except FileNotFoundError:
                return
            except OSError:  # what was ended is still leaving
                time.sleep(0.01)
