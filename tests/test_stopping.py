"""A command that is told to end leaves nothing running and nothing lying about."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

from springdrift_agents import files, limits
from springdrift_agents.cli import main as cli

pytestmark = pytest.mark.attack


@pytest.fixture
def running(tmp_path):
    """Starts the command, waits until it says so, and gives it with its workers."""
    started = []

    def start(*args, ready):
        process = subprocess.Popen(
            [sys.executable, "-m", "springdrift_agents.cli.main", *args],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # also under nohup
        )
        started.append(process)
        end = time.monotonic() + 600
        while not ready(process):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < end
            time.sleep(0.1)
        return process, psutil.Process(process.pid).children(recursive=True)

    (tmp_path / "tmp").mkdir()
    yield start
    for process in started:
        left = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        for one in (process, *left):  # workers hold the pipe that is read below
            with suppress(psutil.NoSuchProcess):
                one.kill()
        process.communicate()


def alive(processes):
    """Those that still run, after a while to end in."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        left = [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
        if not left:
            break
        time.sleep(0.1)
    return left


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_end_the_workers_too(running, tmp_path, number):
    db = tmp_path / "a.db"
    args = ["compare", "-n", "20000", "-s", "mix,wear,abrupt", "-p", "never,threshold,swing", "--jobs", "2"]
    process, workers = running(
        *args,
        *("--db", str(db), "-o", str(tmp_path / "out")),
        ready=lambda one: (
            sum(
                child.memory_info().rss > 100 << 20
                for child in psutil.Process(one.pid).children(recursive=True)
            )
            >= 2
        ),
    )
    assert len(workers) >= 2
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert told.splitlines()[-1] == "springdrift: stopped; the same command goes on where it stopped"
    assert alive(workers) == []
    assert not [path for path in (tmp_path / "tmp").iterdir() if "springdrift" in path.name]
    assert list((tmp_path / "out").iterdir()) == []  # neither results nor a lock
    with files.exclusive(tmp_path / "out"):
        pass


def test_a_hangup_that_is_ignored_stays_ignored():
    """As under nohup."""
    script = (
        "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from springdrift_agents.cli import main\n"
        "main._end_on_signals(); print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)\n"
        "print(callable(signal.getsignal(signal.SIGTERM)))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "True\nTrue\n"


def test_folders_of_killed_processes_go_and_others_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(files.tempfile, "tempdir", str(tmp_path))
    script = (
        "import sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
        "from springdrift_agents.files import temporary_folder\n"
        "with temporary_folder() as folder:\n"
        "    (folder / 'big').write_text('x'); print(folder, flush=True); sys.stdin.readline()"
    )
    killed, living = (
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    )
    folders = [process.stdout.readline().strip() for process in (killed, living)]
    killed.kill()
    killed.communicate()
    (tmp_path / "springdrift-work-of-another-kind").mkdir()
    (tmp_path / "springdrift-work-link").symlink_to(tmp_path)
    with files.temporary_folder() as mine:
        there = {str(path) for path in tmp_path.iterdir()}
    assert there == {
        folders[1],
        str(mine),
        *(str(tmp_path / f"springdrift-work-{x}") for x in ("of-another-kind", "link")),
    }
    living.communicate("go on\n")
    assert not os.path.exists(folders[1])


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(28, "No space left on device", "runs/a"),
            "runs/a: No space left on device; the same command",
        ),
        (
            OSError(28, "the disk is full; every part that was written whole is kept", "a.db"),
            "a.db: the disk is full",
        ),
        (ConnectionError("the scheduler has gone"), "the scheduler has gone; the same command goes on"),
        (MemoryError(), "there is not enough memory for this; the same command goes on"),
        (ValueError("no such thing"), "springdrift: no such thing"),
    ],
)
def test_errors_after_the_start_are_a_sentence_that_says_how_to_go_on(error, said, monkeypatch):
    from springdrift_agents.cli import app as commands

    def fail():
        raise error

    monkeypatch.setattr(commands, "app", fail)
    monkeypatch.setattr(sys, "argv", ["springdrift", "compare", "--db=a.db"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert said in str(ended.value.code)
    assert ended.value.code.startswith("springdrift: ")
    assert "\n" not in ended.value.code
    assert ("goes on where it stopped" in ended.value.code) == (not isinstance(error, ValueError))


def test_a_damaged_study_is_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "sweep.db").write_bytes(b"not a database" * 999)
    monkeypatch.setattr(
        sys, "argv", ["springdrift", "train", "ppo", "--sweep", "-s", "poc", "-o", str(tmp_path)]
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert "file is not a database" in ended.value.code
    assert "\n" not in ended.value.code


def test_jobs_are_bounded_by_work_and_memory(monkeypatch):
    told = []
    monkeypatch.setattr(limits, "memory", lambda: 3_000_000_000)
    assert limits.jobs(2, 9, told.append) == 2
    assert told == []
    assert limits.jobs(3000, 6, told.append) == 6
    assert limits.jobs(3000, 4000, told.append) == 9
    monkeypatch.setattr(limits, "memory", lambda: None)
    assert limits.jobs(3000, 4000, told.append) == 512
    monkeypatch.setattr(limits, "memory", lambda: 1000)
    assert limits.jobs(3, 4, told.append) == 1
    assert told == [
        "--jobs 3000: 6 processes start, as many as there are pieces of work",
        "--jobs 3000: 9 processes start, 2,861 MB of memory hold no more",
        "--jobs 3000: 512 processes start, the most at once",
        "--jobs 3: 1 processes start, 0 MB of memory hold no more",
    ]
    assert (limits.memory() or 1) > 0


@pytest.mark.parametrize(
    "command",
    [
        ["compare", "-n", "4294967296"],
        ["tune", "swing", "-n", "4294967296"],
        ["map", "-n", "4294967296"],
        ["regret", "-n", "4294967296"],
        ["budget", "-n", "4294967296"],
        ["train", "ppo", "--episodes", "4294967296"],
        ["plan", "-n", "4294967296"],
    ],
    ids=lambda command: command[0],
)
def test_more_episodes_than_memory_holds_are_refused_at_once(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["springdrift", *command])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert "GB are there: at most" in ended.value.code
