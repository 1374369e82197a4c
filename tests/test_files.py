"""Results are written whole or not at all, to whatever -o names, by one process at a time."""

import errno
import os
import resource
import select
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from springdrift_agents import files
from springdrift_agents.cli.app import app

pytestmark = pytest.mark.attack


@pytest.fixture
def umask():
    """Sets the umask for one test."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def left(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(("mask", "expected"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_what_the_umask_leaves(tmp_path, umask, mask, expected):
    umask(mask)
    files.write_text(tmp_path / "deep" / "a.csv", "x")
    assert mode(tmp_path / "deep" / "a.csv") == expected


@pytest.mark.parametrize("kept", [0o600, 0o640, 0o755, 0o666])
def test_a_file_that_is_there_keeps_its_permissions(tmp_path, umask, kept):
    file = tmp_path / "a.csv"
    file.write_text("before")
    file.chmod(kept)
    files.write_text(file, "after")
    assert (file.read_text(), mode(file)) == ("after", kept)


def test_links_are_followed(tmp_path):
    (tmp_path / "there").mkdir()
    target, link, chain = tmp_path / "there" / "real.csv", tmp_path / "link.csv", tmp_path / "chain.csv"
    link.symlink_to(target)
    chain.symlink_to("link.csv")
    for text in ("first", "second"):  # the link is dangling before the first
        files.write_text(chain, text)
        assert (target.read_text(), link.is_symlink(), chain.is_symlink()) == (text, True, True)
    assert left(tmp_path / "there") == ["real.csv"]
    loop = tmp_path / "loop"
    loop.symlink_to("loop")
    with pytest.raises(OSError, match="loop"):
        files.write_text(loop, "x")


def test_a_device_stays_a_device(tmp_path):
    null = tmp_path / "null"
    null.symlink_to("/dev/null")
    before = os.stat("/dev/null")
    files.write_text(Path("/dev/null"), "x")
    files.write_text(null, "x")
    after = os.stat("/dev/null")
    assert stat.S_ISCHR(after.st_mode)
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert null.is_symlink()
    with pytest.raises(OSError, match="full") as wrong:
        files.write_text(Path("/dev/full"), "x")
    assert wrong.value.errno == errno.ENOSPC


def test_a_pipe_receives_it_and_stays(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="pipe"):  # nobody reads
        files.write_text(pipe, "x")
    got = []
    end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(end, True)

    def read():
        with os.fdopen(end, "rb") as file:
            select.select([end], [], [], 60)  # until the writer has come
            got.append(file.read())

    reader = threading.Thread(target=read)
    writer = threading.Thread(target=files.write_bytes, args=(pipe, b"y" * 300_000))
    writer.start()
    reader.start()
    writer.join()
    reader.join()
    assert got == [b"y" * 300_000]
    assert stat.S_ISFIFO(os.stat(pipe).st_mode)


def test_standard_output_gets_what_it_is_given_in_order(tmp_path):
    script = (
        "from pathlib import Path; from springdrift_agents.files import write_text\n"
        "print('before'); write_text(Path('/dev/stdout'), 'table\\n'); print('after')"
    )
    expected = "before\ntable\nafter\n"
    found = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    assert found.stdout == expected
    with (tmp_path / "log").open("w") as log:
        subprocess.run([sys.executable, "-c", script], stdout=log, check=True)
    assert (tmp_path / "log").read_text() == expected


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match=r"a\.csv") as wrong:
            files.write_bytes(file, bytes(5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert wrong.value.errno == errno.EFBIG
    assert (file.read_text(), left(tmp_path)) == ("before", ["a.csv"])
    with pytest.raises(OSError, match="folder"):
        files.write_text(tmp_path, "x")
    assert left(tmp_path) == ["a.csv"]


def test_the_next_write_sweeps_what_a_killed_one_left_and_only_that(tmp_path):
    script = (
        "import os, sys; from pathlib import Path; from springdrift_agents.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as part:\n"
        "    part.write_text('half'); print('writing', flush=True); sys.stdin.readline()"
    )
    start = [sys.executable, "-c", script, str(tmp_path / "a.csv")]
    killed, living = (
        subprocess.Popen(start, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    )
    for process in (killed, living):
        assert process.stdout.readline() == "writing\n"
    assert len(left(tmp_path)) == 2
    killed.kill()
    killed.communicate()
    files.write_text(tmp_path / "b.csv", "whole")
    assert len(left(tmp_path)) == 2  # b.csv, and the file of the process that lives
    living.communicate("go on\n")
    assert living.returncode == 0
    assert left(tmp_path) == ["a.csv", "b.csv"]
    assert (tmp_path / "a.csv").read_text() == "half"


def holder(folder):
    """A process that has the folder until it is ended."""
    script = (
        "import sys; from pathlib import Path; from springdrift_agents.files import exclusive\n"
        "with exclusive(Path(sys.argv[1])):\n"
        "    print('mine', flush=True); sys.stdin.readline()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "mine\n"
    return process


@pytest.mark.parametrize("place", ["folder", "file.json"])
def test_a_second_process_gets_a_sentence_and_a_dead_one_is_not_in_the_way(tmp_path, place):
    path = tmp_path / place
    if place == "folder":
        path.mkdir()
    first = holder(path)
    with pytest.raises(ValueError, match=rf"{place} is in use by .*process {first.pid}, since"):
        files.exclusive(path).__enter__()
    first.kill()
    first.communicate()
    with files.exclusive(path), pytest.raises(ValueError, match=f"process {os.getpid()}"):
        files.exclusive(path).__enter__()
    assert left(tmp_path) == (["folder"] if place == "folder" else [])
    second = holder(path)
    second.communicate("go on\n")
    assert second.returncode == 0


COMMANDS = [
    ["compare", "-n", "2", "-s", "poc", "-p", "never", "-o"],
    ["map", "-s", "poc", "-n", "2", "-o"],
    ["regret", "-s", "poc", "-n", "1", "-p", "never", "-o"],
    ["detectors", "-n", "10", "-o"],
    ["train", "ppo", "-s", "poc", "-n", "64", "-o"],
    ["train", "ppo", "--sweep", "-s", "poc", "-n", "64", "-o"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_every_command_that_fills_a_folder_has_it_to_itself(tmp_path, command):
    with files.exclusive(tmp_path):
        found = CliRunner().invoke(app, [*command, str(tmp_path)])
    assert isinstance(found.exception, ValueError)
    assert f"{tmp_path} is in use by another springdrift (process {os.getpid()}" in str(found.exception)
    assert left(tmp_path) == []


@pytest.mark.parametrize("command", [["tune", "never"], ["plan"], ["export", "none.db"]])
def test_every_command_that_writes_a_file_asks_before_it_works(tmp_path, command):
    command = ["tune", "swing", "-s", "poc"] if command[0] == "tune" else command
    found = CliRunner().invoke(app, [*command, "-o", str(tmp_path)])
    assert f"cannot write {tmp_path}: it is a folder, and a file is needed" in str(found.exception)
    file = tmp_path / "a.json"
    with files.exclusive(file):
        found = CliRunner().invoke(app, [*command, "-o", str(file)])
    assert f"{file} is in use" in str(found.exception)
