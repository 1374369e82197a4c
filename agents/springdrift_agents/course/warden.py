"""The warden of a sandbox: a process of its own, that starts a student's process and outlives it.

It runs as a script with the standard library alone, so that it starts at once. What it is to do comes as
JSON in its only argument; what became of the student's process goes to its output, a line of JSON each.

On Linux it locks itself and the student's process into namespaces of their own: no network, no other
processes in sight, every file read-only but a small folder in memory, and when the first process of a
namespace ends, the kernel ends all others. Where that is not allowed, and on other systems, it does what
an ordinary process can do: limits, and ending every descendant that it finds.
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

NEW_MOUNTS, NEW_IPC, NEW_USER, NEW_PIDS, NEW_NET = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
NO_SUID, NO_DEVICES, NO_EXEC, BIND, RECURSIVE, PRIVATE = 2, 4, 8, 0x1000, 0x4000, 0x40000  # of mount
DEVICES = ("null", "zero", "random", "urandom")
DIE_WITH_PARENT, ADOPT, NO_NEW_PRIVILEGES = 1, 36, 38  # of prctl
MOUNT_SETATTR, READ_ONLY, HERE, WHOLE_TREE = 442, 1, -100, 0x8000  # the call has one number everywhere
GLANCE, SLOWLY = 0.05, 0.2  # seconds between two looks at what runs: in a namespace, in a whole system
LINUX = sys.platform.startswith("linux")


class Attributes(ctypes.Structure):
    """Argument of mount_setattr."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


def system(name: str, *arguments: Any) -> None:
    """A call of the C library.

    Raises:
        OSError: it failed.
    """
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def tell(**what: Any) -> None:
    """A line to whoever started the warden."""
    os.write(1, (json.dumps(what) + "\n").encode())


def enter(order: dict[str, Any]) -> None:
    """Into namespaces of our own, where nothing can be written but the box.

    Raises:
        OSError: the system does not allow it.
    """
    # Within, the student's process has no privileges: user 0 is nobody there. Files still belong to us.
    user, group = os.getuid(), os.getgid()
    system("unshare", NEW_USER | NEW_MOUNTS | NEW_PIDS | NEW_NET | NEW_IPC)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user or 1000} {user} 1"),
        ("gid_map", f"{group or 1000} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    with contextlib.suppress(OSError), open("/proc/sys/user/max_user_namespaces", "w") as file:
        file.write("0")  # within ours: nobody gets privileges by making another
    system("mount", None, b"/", None, RECURSIVE | PRIVATE, None)
    wanted = Attributes(READ_ONLY, 0, 0, 0)
    system("syscall", MOUNT_SETATTR, HERE, b"/", WHOLE_TREE, ctypes.byref(wanted), ctypes.sizeof(wanted))
    size = f"size={order['disk']},mode=0700"
    cover(order["box"], size)
    known = {name: os.open(f"/dev/{name}", os.O_PATH) for name in DEVICES}
    cover("/dev", "size=64k,mode=0755")
    for name, device in known.items():
        os.close(os.open(f"/dev/{name}", os.O_CREAT))
        system("mount", f"/proc/self/fd/{device}".encode(), f"/dev/{name}".encode(), None, BIND, None)
        os.close(device)
    os.mkdir("/dev/shm")
    cover("/dev/shm", size)


def cover(place: str, options: str) -> None:
    """Put an empty folder in memory over another one."""
    system("mount", b"none", os.fsencode(place), b"tmpfs", NO_SUID | NO_DEVICES, options.encode())


def furnish(order: dict[str, Any]) -> None:
    """Put the kit and the student's own files into the box, then hide what is no business of theirs."""
    box = order["box"]
    shutil.copytree(order["kit"], box, dirs_exist_ok=True)
    work = os.path.join(box, "work")
    if order["work"]:
        shutil.copytree(order["work"], work, symlinks=True)
    else:
        os.mkdir(work)
    for place in order["hide"] if order["namespaces"] else ():
        cover(place, "size=4k,mode=0")


def start(order: dict[str, Any]) -> int:
    """Start the student's process, with its limits; returns its id."""
    child = os.fork()
    if child:
        for pipe in order["pipes"]:
            os.close(pipe)  # so that its end is seen at the other side
        return child
    try:
        os.setpgid(0, 0)
        if LINUX:
            system("prctl", NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        for name, limit in order["limits"].items():
            try:
                _, most = resource.getrlimit(getattr(resource, name))
                if most != resource.RLIM_INFINITY:
                    limit = min(limit, most)
                resource.setrlimit(getattr(resource, name), (limit, limit))
            except (ValueError, OSError):
                pass  # a limit that this system does not know
        os.chdir(os.path.join(order["box"], "work"))
        os.execve(order["run"][0], order["run"], order["environment"])
    finally:
        os._exit(127)


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


def resident(processes: list[int]) -> int:
    """Bytes of memory that processes hold."""
    pages = 0
    for process in processes:
        try:
            with open(f"/proc/{process}/statm") as file:
                pages += int(file.read().split()[1])
        except (OSError, ValueError, IndexError):
            continue
    return pages * resource.getpagesize()


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
        here = descendants()
        if len(here) > order["processes"]:
            return {"end": "processes", "code": order["processes"]}
        if resident(here) > order["memory"]:
            return {"end": "memory", "code": order["memory"]}
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
    furnish(order)
    child = start(order)
    tell(started=child)
    if not order["namespaces"]:

        def leave(*_: Any) -> None:
            sweep(child)
            os._exit(0)

        signal.signal(signal.SIGTERM, leave)
    end = watch(child, order)
    if not order["namespaces"]:
        sweep(child)  # within namespaces the kernel does it, when this process ends
    tell(**end)


def main() -> None:
    """Do as the order says."""
    order = json.loads(sys.argv[1])
    try:
        if not order["namespaces"]:
            if LINUX:
                system("prctl", ADOPT, 1, 0, 0, 0)
                system("prctl", DIE_WITH_PARENT, signal.SIGTERM, 0, 0, 0)
            keep(order)
            return
        enter(order)
        first = os.fork()  # the first process of the new namespace
        if first:
            system("prctl", DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
            for pipe in order["pipes"]:
                os.close(pipe)
            os.waitpid(first, 0)
            return
        system("prctl", DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        system("mount", b"proc", b"/proc", b"proc", READ_ONLY | NO_SUID | NO_DEVICES | NO_EXEC, None)
        keep(order)
        os._exit(0)
    except Exception as wrong:  # whatever it was, the one who waits must hear of it
        tell(end="set-up", text=f"{type(wrong).__name__}: {wrong}"[:500])
        os._exit(1)


if __name__ == "__main__":
    main()
