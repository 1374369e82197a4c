"""Files written whole or not at all, and one process at a time in a folder of results.

A file is written beside its place and moved into it, so that a reader never sees half of one. What is no
plain file (a device, a pipe, standard output) is written to, never replaced.
"""

import errno
import json
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    import fcntl
else:
    import msvcrt

TEMPORARY = ".springdrift-"  # how the names of files being written begin
LOCK = ".springdrift.lock"
FOLDER = "springdrift-work"  # how the names of temporary folders begin
_DESCRIPTOR = re.compile(r"/dev/(?:std(in|out|err)|fd/(\d+))")
_OPEN = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file or nothing, making its folder if need be.

    Raises:
        OSError: it cannot be written; the error names ``path``, and what was there is as it was.
    """
    with replacing(path) as part:
        part.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """The same for text, in UTF-8 with its line ends as they are."""
    write_bytes(path, text.encode("utf-8"))


def read_json(path: Path, most: int = 1 << 26) -> Any:
    """What a JSON file holds; it may be from anyone.

    Raises:
        ValueError: it is no JSON, no plain file, nested too deeply or larger than ``most`` bytes.
        FileNotFoundError: there is no such file.
    """
    try:
        return json.loads(read_bytes(path, most))
    except RecursionError as wrong:
        raise ValueError(f"{path} is nested too deeply for anything that springdrift writes") from wrong
    except ValueError as wrong:
        if str(path) in str(wrong):
            raise
        raise ValueError(f"{path} is no JSON ({wrong})") from wrong


def read_bytes(path: Path, most: int) -> bytes:
    """The content of a file that may be from anyone.

    Raises:
        ValueError: it is no plain file, or larger than ``most`` bytes.
        FileNotFoundError: there is no such file.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError(f"{path} is no plain file")
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{path} is larger than {most:,} bytes: nothing that springdrift writes is")
    return data


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary file to write in; when the block ends well, its content becomes that of ``path``.

    Symbolic links are followed. A file that was there keeps its permissions, and a new one gets those that
    the umask leaves. A device or a pipe receives the content by being written to. Temporary files of
    processes that were killed are removed from the folder on the way.

    Raises:
        OSError: it cannot be written; the error names ``path``, and what was there is as it was.
    """
    try:
        target = Path(os.path.realpath(path)) if _is_plain(path) else None
        begun = _begin(target) if target else None
        if target is None or begun is None:
            with temporary_folder() as folder:
                part = folder / f"whole{path.suffix}"
                yield part
                _pour(part, path)
            return
        handle, name = begun
        try:
            yield Path(name)
            _finish(handle, name, target)
        except BaseException:
            with suppress(OSError):
                os.close(handle)
            with suppress(FileNotFoundError):
                os.unlink(name)
            raise
    except OSError as wrong:
        if wrong.errno is None or (wrong.filename and TEMPORARY not in str(wrong.filename)):
            raise
        raise type(wrong)(wrong.errno, wrong.strerror, str(path)) from wrong


def _is_plain(path: Path) -> bool:
    """Whether the path is, or will be, a regular file that a new one may take the place of."""
    if _DESCRIPTOR.fullmatch(str(path)):
        return False
    try:
        kind = os.stat(path).st_mode
    except FileNotFoundError:
        return True
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, "it is a folder, and a file is needed", str(path))
    return stat.S_ISREG(kind)


def _pour(part: Path, path: Path) -> None:
    """Write a file's content to a device, a pipe, or a descriptor such as /dev/stdout."""
    named = _DESCRIPTOR.fullmatch(str(path))
    if named:
        number = int(named[2]) if named[2] else ("in", "out", "err").index(named[1])
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        handle = os.dup(number)
    else:
        quick = getattr(os, "O_NONBLOCK", 0)  # a pipe that nobody reads is refused, not waited for
        handle = os.open(path, os.O_WRONLY | os.O_TRUNC | quick)
        if quick:
            os.set_blocking(handle, True)
    with os.fdopen(handle, "wb") as file, part.open("rb") as content:
        while block := content.read(1 << 20):
            file.write(block)


def _begin(target: Path) -> tuple[int, str] | None:
    """A fresh file beside the target, locked for as long as it is being written: its handle and name.

    None where a file may be written, but nothing beside it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep(target.parent)
    mode = 0o600 if target.exists() else 0o666
    while True:
        name = str(target.parent / f"{TEMPORARY}{os.urandom(6).hex()}{target.suffix[:16]}")
        try:
            handle = os.open(name, _OPEN | os.O_EXCL, mode)
        except PermissionError:
            if not os.access(target, os.W_OK):
                raise
            return None
        if sys.platform == "win32":
            return handle, name
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:  # not swept away between the two lines
            return handle, name
        os.close(handle)


def _finish(handle: int, name: str, target: Path) -> None:
    """Move what was written into its place, with the owner and permissions of what was there."""
    with suppress(FileNotFoundError):
        there = os.stat(target)
        if sys.platform != "win32":
            if (there.st_uid, there.st_gid) != (os.geteuid(), os.getegid()):
                with suppress(PermissionError):
                    os.chown(name, there.st_uid, there.st_gid)
        os.chmod(name, stat.S_IMODE(there.st_mode))
    if sys.platform == "win32":
        os.close(handle)  # an open file cannot be moved there
    try:
        os.replace(name, target)
    except OSError as wrong:
        if wrong.errno != errno.EBUSY:  # a file that is mounted by itself, as containers do
            raise
        _pour(Path(name), target)
        os.unlink(name)
    if sys.platform != "win32":
        os.close(handle)


def sweep(folder: Path) -> None:
    """Remove files that killed processes were writing in a folder; those being written stay."""
    for entry in os.scandir(folder):
        if not entry.name.startswith(TEMPORARY) or not entry.is_file(follow_symlinks=False):
            continue
        with suppress(OSError):  # another sweeps too, or it may not be removed
            if sys.platform != "win32":
                handle = os.open(entry.path, os.O_RDWR)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # its writer holds this while it lives
                    os.unlink(entry.path)
                finally:
                    os.close(handle)
            else:
                os.unlink(entry.path)  # refused while a process has it open


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a folder of this process's own, gone when the block ends; those of killed processes go as well."""
    _sweep_folders()
    with tempfile.TemporaryDirectory(prefix=f"{FOLDER}-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with exclusive(folder):
            yield folder


def _sweep_folders() -> None:
    """Remove temporary folders of this user whose process has ended; other users' are not looked at."""
    if sys.platform == "win32":
        return  # what another process uses cannot be told there
    for entry in os.scandir(tempfile.gettempdir()):
        if not entry.name.startswith(f"{FOLDER}-") or not entry.is_dir(follow_symlinks=False):
            continue
        with suppress(OSError, ValueError):
            about = entry.stat(follow_symlinks=False)
            lock = Path(entry.path) / LOCK
            if about.st_uid != os.geteuid() or not lock.is_file():
                continue
            with exclusive(Path(entry.path)):
                shutil.rmtree(entry.path, ignore_errors=True)


def check_writable(path: Path) -> None:
    """Find out whether a file can be written, before the work whose result it is to hold.

    Its folder is made; nothing else changes.

    Raises:
        ValueError: it cannot; says why.
    """
    try:
        if not _is_plain(path):
            if not _DESCRIPTOR.fullmatch(str(path)) and not os.access(path, os.W_OK):
                raise PermissionError(errno.EACCES, "permission denied")
            return
        begun = _begin(Path(os.path.realpath(path)))
        if begun:
            os.close(begun[0])
            os.unlink(begun[1])
    except OSError as wrong:
        raise ValueError(f"cannot write {path}: {wrong.strerror}") from wrong


# ---------------------------------------------------------------- one process at a time


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Keep a folder, or a file that is to be written, to this process until the block ends.

    The lock ends with its process however that ends, so that a dead one is never in the way.

    Raises:
        ValueError: another process has it; says which, since when and what to do.
        OSError: the lock's file cannot be made.
    """
    if path.is_dir():
        file = path / LOCK
    elif _is_plain(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.parent / f".{path.name[:200]}.lock"
    else:
        yield  # devices and pipes are for all
        return
    while True:
        handle = os.open(file, _OPEN, 0o666)
        if not _take(handle):
            os.close(handle)
            raise ValueError(f"{path} is in use by {_holder(file)}: let it end, or give another place")
        with suppress(FileNotFoundError):  # removed by the one that held it, after it was opened here
            if os.path.samestat(os.fstat(handle), os.stat(file)):
                break
        os.close(handle)
    os.truncate(handle, 0)
    os.write(handle, f"process {os.getpid()}, since {datetime.now():%Y-%m-%d %H:%M:%S}".encode())
    try:
        yield
    finally:
        if sys.platform != "win32":
            with suppress(OSError):
                os.unlink(file)
        os.close(handle)


def _take(handle: int) -> bool:
    """Lock an open file, if no other process has it."""
    try:
        if sys.platform != "win32":
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            os.lseek(handle, 1 << 30, os.SEEK_SET)  # a byte past the text, which others may read
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            os.lseek(handle, 0, os.SEEK_SET)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _holder(file: Path) -> str:
    try:
        said = file.read_text(encoding="utf-8").strip()[:100]
    except OSError:
        said = ""
    return f"another springdrift ({said})" if said.startswith("process ") else "another springdrift"
