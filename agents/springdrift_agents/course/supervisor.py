"""Supervisor of a sandbox: a process that starts the student's process, watches it and outlives it.

It runs as a script with the standard library alone, so that it starts at once. What it is to do comes as
JSON on its input; what becomes of the student's process goes to its output, a line of JSON each.

With bubblewrap it starts inside the sandbox, as the first process there. Without, it builds the same itself,
where the kernel lets it: namespaces of its own, and a file system that holds a list of places and nothing
else. Where neither is possible it does what any process can: limits, a filter of system calls, and ending
every descendant that it finds.
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import shutil
import signal
import sys
import time
from typing import Any

# flags of unshare and of mount
NEW_MOUNTS, NEW_HOST, NEW_IPC, NEW_USER = 0x20000, 0x4000000, 0x8000000, 0x10000000
NEW_PIDS, NEW_NET = 0x20000000, 0x40000000
READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC, REMOUNT = 1, 2, 4, 8, 32
BIND, RECURSIVE, PRIVATE, DETACH = 0x1000, 0x4000, 0x40000, 2
DIE_WITH_PARENT, DUMPABLE, SECCOMP, ADOPT, NO_NEW_PRIVILEGES = 1, 4, 22, 36, 38  # of prctl
MOUNT_SETATTR, HERE, WHOLE_TREE = 442, -100, 0x8000  # the call has one number everywhere
PIVOT_ROOT = {"x86_64": 155}.get(os.uname().machine, 41)
KEYCTL = {"x86_64": 250}.get(os.uname().machine, 219)
GLANCE, SLOWLY = 0.05, 0.2  # seconds between two looks at what runs: in a namespace, in a whole system
FREE_SOCKETS, SOCKET = 16, 2**19  # sockets that count for nothing, and bytes that each other one may hold
LINUX = sys.platform.startswith("linux")


class Attributes(ctypes.Structure):
    """Argument of mount_setattr."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


class Filter(ctypes.Structure):
    """Argument of prctl for a filter of system calls."""

    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_char_p)]


def system(name: str, *arguments: Any) -> None:
    """A call of the C library.

    Raises:
        OSError: it failed.
    """
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) == -1:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def tell(**what: Any) -> None:
    """A line to whoever started the supervisor."""
    os.write(1, (json.dumps(what) + "\n").encode())


def unshare() -> None:
    """Enter namespaces of our own, as a user without privileges outside.

    Raises:
        OSError: the system does not allow it.
    """
    user, group = os.getuid(), os.getgid()
    system("unshare", NEW_USER | NEW_MOUNTS | NEW_PIDS | NEW_NET | NEW_IPC | NEW_HOST)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user or 1000} {user} 1"),
        ("gid_map", f"{group or 1000} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    with contextlib.suppress(OSError), open("/proc/sys/user/max_user_namespaces", "w") as file:
        file.write("0")  # within ours: nobody gets privileges by making another


def build(places: list[list[Any]], root: str) -> None:
    """Make a file system of places alone, and move into it.

    Args:
        places: kind, path in the sandbox, and what it is made of, as in ``isolation.Place``.
        root: an empty folder outside.

    Raises:
        OSError: the system does not allow it.
    """
    system("mount", None, b"/", None, RECURSIVE | PRIVATE, None)
    mount_tmpfs(root, 2**20)
    os.chmod(root, 0o755)
    closed = [root]
    for kind, path, source in places:
        target = root + path
        if kind == "bind":
            bind(source, target)
        elif kind == "tmpfs":
            os.makedirs(target, exist_ok=True)
            mount_tmpfs(target, source)
        elif kind == "folder":
            os.makedirs(target, exist_ok=True)
            mount_tmpfs(target, 2**20)
            closed.append(target)
        elif kind == "link":
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.symlink(source, target)
        elif kind == "proc":
            os.makedirs(target)
            flags = READ_ONLY | NO_SUID | NO_DEVICES | NO_EXEC
            system("mount", b"proc", os.fsencode(target), b"proc", flags, None)
        else:
            raise ValueError(f"unknown kind of place {kind!r}")
    for folder in closed:
        flags = REMOUNT | BIND | READ_ONLY | NO_SUID | NO_DEVICES
        system("mount", None, os.fsencode(folder), None, flags, None)
    os.chdir(root)
    system("syscall", PIVOT_ROOT, b".", b".")  # the old root now lies over the new one
    system("umount2", b".", DETACH)
    os.chdir("/")


def mount_tmpfs(folder: str, size: int) -> None:
    """Mount an empty folder in memory, of so many bytes and a file for each 16 KB."""
    options = f"size={size},nr_inodes={max(size // 2**14, 1024)},mode=0755".encode()
    system("mount", b"none", os.fsencode(folder), b"tmpfs", NO_SUID | NO_DEVICES, options)


def bind(source: str, target: str) -> None:
    """Show a file or folder at another place, where it can only be read; a device can be used."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.exists(target):
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
    place = os.fsencode(target)
    system("mount", os.fsencode(source), place, None, BIND | RECURSIVE, None)
    if source.startswith("/dev/"):
        return
    wanted = Attributes(READ_ONLY | NO_SUID | NO_DEVICES, 0, 0, 0)
    system("syscall", MOUNT_SETATTR, HERE, place, WHOLE_TREE, ctypes.byref(wanted), ctypes.sizeof(wanted))


def start(order: dict[str, Any]) -> int:
    """Start the student's process, with its limits; returns its id."""
    workspace = order["workspace"]
    shutil.copytree(order["assets"], workspace, dirs_exist_ok=True)
    work = os.path.join(workspace, "work")
    os.makedirs(work, exist_ok=True)
    child = os.fork()
    if child:
        for pipe in order["pipes"]:
            os.close(pipe)  # so that its end is seen at the other side
        return child
    try:
        os.setpgid(0, 0)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        os.chdir(work)
        for name, limit in order["limits"].items():
            try:
                _, most = resource.getrlimit(getattr(resource, name))
                if most != resource.RLIM_INFINITY:
                    limit = min(limit, most)
                resource.setrlimit(getattr(resource, name), (limit, limit))
            except (ValueError, OSError):
                pass  # a limit that this system does not know
        if LINUX:
            with contextlib.suppress(OSError):
                system("syscall", KEYCTL, 1, None)  # a session keyring of its own
            system("prctl", NO_NEW_PRIVILEGES, 1, 0, 0, 0)
            install(bytes.fromhex(order["filter"]))
        os.execve(order["run"][0], order["run"], order["environment"])
    finally:
        os._exit(127)


def install(steps: bytes) -> None:
    """Let the kernel filter the system calls of this process and of all that come from it."""
    if steps:
        system("prctl", SECCOMP, 2, ctypes.byref(Filter(len(steps) // 8, steps)), 0, 0)


def parents() -> dict[int, int]:
    """The parent of each process in sight; empty where the system does not say."""
    found = {}
    for name in os.listdir("/proc") if LINUX else ():
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    found[int(name)] = int(file.read().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
    return found


def descendants() -> list[int]:
    """The processes below this one, as far as they can be seen."""
    if os.getpid() == 1:  # the first of a namespace: all others are below it
        return [int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"]
    of = parents()
    below: list[int] = []
    border = {os.getpid()}
    while border:
        border = {process for process, parent in of.items() if parent in border}
        below += border
    return below


def held(processes: list[int]) -> int:
    """Bytes of memory that processes hold, what lies in sockets of their namespace included."""
    pages = 0
    for process in processes:
        try:
            with open(f"/proc/{process}/statm") as file:
                pages += int(file.read().split()[1])
        except (OSError, ValueError, IndexError):
            continue
    sockets = 0
    if os.getpid() == 1:
        with contextlib.suppress(OSError, ValueError, IndexError), open("/proc/self/net/sockstat") as file:
            sockets = max(int(file.readline().split()[2]) - FREE_SOCKETS, 0)
    return pages * resource.getpagesize() + sockets * SOCKET


def stored(folder: str, own: bool, most: int) -> tuple[int, int]:
    """Bytes and number of files in a folder; counting ends beyond ``most`` files.

    Args:
        folder: the workspace.
        own: it is a file system of its own, which knows.
        most: files.
    """
    if own:
        found = os.statvfs(folder)
        return (found.f_blocks - found.f_bfree) * found.f_frsize, found.f_files - found.f_ffree
    size = files = 0
    for place, folders, names in os.walk(folder):
        files += len(folders) + len(names)
        for name in names:
            with contextlib.suppress(OSError):
                size += os.lstat(os.path.join(place, name)).st_blocks * 512
        if files > most:
            break
    return size, files


def excess(order: dict[str, Any]) -> dict[str, Any] | None:
    """The first limit that is exceeded, as the end of the student's process; None while all hold."""
    own = order["isolation"] != "none"
    here = descendants()
    size, files = stored(order["workspace"], own, order["files"])
    memory = held(here) + (size if own else 0)
    if own:
        memory += stored("/dev/shm", own, 0)[0]
    found = {"processes": len(here), "memory": memory, "disk": size, "files": files}
    return next(({"end": name, "code": order[name]} for name in found if found[name] > order[name]), None)


def watch(child: int, order: dict[str, Any]) -> dict[str, Any]:
    """Wait for the end of the student's process, and say what it was."""
    ear, mouth = os.pipe()
    os.set_blocking(mouth, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
    pause = GLANCE if os.getpid() == 1 else SLOWLY
    while True:
        while True:
            try:
                gone, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return {"end": "exit", "code": 0}
            if gone == child:
                code = os.waitstatus_to_exitcode(status)
                return {"end": "signal", "code": -code} if code < 0 else {"end": "exit", "code": code}
            if gone == 0:
                break
        end = excess(order)
        if end:
            return end
        if select.select([ear], [], [], pause)[0]:
            os.read(ear, 4096)


def sweep(child: int) -> None:
    """End the student's process and all that came of it."""
    for _ in range(200):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        for process in descendants():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.01)


def keep(order: dict[str, Any]) -> None:
    """Start the student's process, stay until it ends, and clear up behind it."""
    alone = order["isolation"] == "none"
    if LINUX:
        system("prctl", DUMPABLE, 0, 0, 0, 0)  # the student's process cannot look into this one
    child = start(order)
    tell(started=child)
    if alone:

        def leave(*_: Any) -> None:
            sweep(child)
            os._exit(0)

        signal.signal(signal.SIGTERM, leave)
    end = watch(child, order)
    if alone:
        sweep(child)  # otherwise the kernel does it, when the first process of the namespace ends
    tell(**end)


def main() -> None:
    """Do as the order says."""
    order = json.load(sys.stdin)
    try:
        if order["isolation"] != "namespaces":
            if LINUX and order["isolation"] == "none":
                system("prctl", ADOPT, 1, 0, 0, 0)
                system("prctl", DIE_WITH_PARENT, signal.SIGTERM, 0, 0, 0)
            keep(order)
            return
        unshare()
        first = os.fork()  # the first process of the new namespace
        if first:
            system("prctl", DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
            for pipe in order["pipes"]:
                os.close(pipe)
            os.waitpid(first, 0)
            return
        system("prctl", DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        build(order["places"], order["root"])
        keep(order)
        os._exit(0)
    except Exception as wrong:  # whatever it was, the one who waits must hear of it
        tell(end="set-up", text=f"{type(wrong).__name__}: {wrong}"[:500])
        os._exit(1)


if __name__ == "__main__":
    main()
