"""Attacks on the sandbox: what a hostile submission reaches for is not there, what it hoards is bounded."""

import csv
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from faults import COURSE, RIGHT
from springdrift_agents import course
from springdrift_agents.cli import course as commands
from springdrift_agents.cli.app import app
from springdrift_agents.course import cgroup, isolation, pool, seccomp
from springdrift_agents.course.exercise import Exercise
from springdrift_agents.course.grade import grade, to_csv, totals
from springdrift_agents.course.leaderboard import contest
from springdrift_agents.course.pool import Assets, SandboxPool
from springdrift_agents.course.sandbox import Ended, NotStarted, Sandbox
from springdrift_agents.course.submission_run import Limits, Record, SubmissionRun
from springdrift_agents.course.submissions import DEEPEST, find, read_file

pytestmark = [
    pytest.mark.attack,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone closes sandboxes off"),
]
QUICK = Limits(timeout=20.0, each=5.0, memory=2048)
CLOSED = [
    pytest.param(name, marks=pytest.mark.skipif(not isolation.works(name), reason=f"no {name} here"))
    for name in isolation.ISOLATIONS
    if name != "none"
]
filtered = pytest.mark.skipif(not seccomp.program(os.uname().machine), reason="no filter for this processor")


@pytest.fixture(scope="module", params=CLOSED)
def closed(request):
    """Assets of sandboxes that the kernel closes off, in each way that works here."""
    with SandboxPool(request.param) as assets:
        yield assets


@pytest.fixture(scope="module")
def assets():
    """Assets of the strongest sandboxes that work here."""
    with SandboxPool() as assets:
        yield assets


def found_by(assets: Assets, source: str, *, memory: int = 2048, work: Path | None = None):
    """What a submission leaves in the name ``found``."""
    with Sandbox(assets, memory=memory, seconds=60, work=work) as sandbox:
        sandbox.within(40.0)
        sandbox.send("run", data=source.encode(), file="a.py", skip=[], limit=30.0, total=30.0)
        while "ran" not in (message := sandbox.receive()):
            assert "failed" not in message, message
        sandbox.within(10.0)
        return sandbox.ask("get", name="found")


TRIED = """
import os, socket, stat, sys
found = []
def tried(what, action, *arguments):
    try:
        action(*arguments)
    except (OSError, ImportError):
        return
    found.append(what)
"""


def test_what_lies_outside_does_not_exist(closed, tmp_path):
    """Files, FIFOs and sockets in a shared temporary folder; the checkout with its history and solutions."""
    secret, fifo, door = tmp_path / "policy.py", tmp_path / "fifo", tmp_path / "door"
    secret.write_text("rival = 1\n")
    os.mkfifo(fifo)
    checkout = Path(__file__).resolve().parent.parent
    judge = Path(course.__file__).with_name("lesson1.py")
    with socket.socket(socket.AF_UNIX) as server, open(os.open(fifo, os.O_RDWR), "rb"):
        server.bind(str(door))
        server.listen()
        found = found_by(
            closed,
            TRIED
            + f"""
def beyond(folder):  # what a folder holds beside the way to Python and the package
    ways = {[sys.prefix, sys.base_prefix, str(checkout)]!r}
    first = [os.path.relpath(way, folder).split(os.sep)[0] for way in ways]
    if not set(os.listdir(folder)) - set(first):
        raise FileNotFoundError

tried("file", open, {str(secret)!r})
tried("folder", os.listdir, {str(tmp_path)!r})
tried("fifo", os.open, {str(fifo)!r}, os.O_WRONLY | os.O_NONBLOCK)
tried("socket", lambda: socket.socket(socket.AF_UNIX).connect({str(door)!r}))
tried("temporary", beyond, {tempfile.gettempdir()!r})
tried("history", os.stat, {str(checkout / ".git")!r})
tried("solutions", os.listdir, {str(checkout / "tutorials/solutions")!r})
tried("tests", os.listdir, {str(checkout / "tests")!r})
tried("judge", open, {str(judge)!r})
tried("compiled judges", os.listdir, {str(judge.parent / "__pycache__")!r})
tried("import of a judge", __import__, "springdrift_agents.course.lesson1")
tried("home", os.listdir, {str(Path.home() / "Desktop")!r})
tried("run", os.listdir, "/run")
tried("supervisor", os.open, "/proc/1/mem", os.O_RDWR)
tried("supervisor's output", os.open, "/proc/1/fd/1", os.O_WRONLY)
tried("supervisor's memory", os.open, "/proc/1/maps", os.O_RDONLY)
tried("passwd", open, "/etc/passwd")
tried("new file", open, "/new", "w")
tried("package", open, {str(judge.parent / "new.py")!r}, "w")
tried("device", os.mknod, "device", stat.S_IFBLK | 0o600, 0)
found += sorted(set(os.listdir("/dev")) - set(("null", "random", "urandom", "shm")))
if os.getuid() == 0:
    found.append("root")
""",
        )
    assert found == []


CALLS = """
import ctypes, mmap, os, socket
c = ctypes.CDLL(None, use_errno=True)
found = []
tries = dict(
    memfd=lambda: c.memfd_create(b"x", 0),
    shm=lambda: c.shmget(0, 1 << 20, 0o1600),
    messages=lambda: c.msgget(0, 0o1600),
    key=lambda: c.syscall({add_key}, b"user", b"note", b"text", 4, -3),
    keyring=lambda: c.syscall({keyctl}, 0, -3, 0),
    trace=lambda: c.ptrace(16, os.getppid(), 0, 0),
    namespace=lambda: c.unshare(0x10000000),
    mount=lambda: c.mount(b"none", b"/", b"tmpfs", 0, None),
    network=lambda: socket.socket(socket.AF_INET).fileno(),
    hypervisor=lambda: socket.socket(40, socket.SOCK_STREAM).fileno(),
    descriptor=lambda: socket.socketpair()[0].sendmsg([b"x"]),
    shared=lambda: len(mmap.mmap(-1, 1 << 20)),
)
for name, call in tries.items():
    try:
        if call() >= 0:
            found.append(name)
    except OSError:
        pass
import asyncio, subprocess, sys
async def later():
    await asyncio.sleep(0.001)
asyncio.run(later())
if subprocess.run([sys.executable, "-I", "-S", "-c", ""]).returncode:
    found.append("no process of its own")
"""


@filtered
def test_calls_that_hide_memory_or_leave_notes_are_refused(closed):
    """And what is honest still works: a loop of asyncio, a process of its own."""
    table = list(seccomp.ARCHITECTURES).index(os.uname().machine)
    numbers = {name: seccomp.FORBIDDEN[name][table] for name in ("add_key", "keyctl")}
    assert found_by(closed, CALLS.format(**numbers)) == []


@filtered
def test_without_namespaces_there_is_still_no_network_and_no_hidden_memory():
    table = list(seccomp.ARCHITECTURES).index(os.uname().machine)
    numbers = {name: seccomp.FORBIDDEN[name][table] for name in ("add_key", "keyctl")}
    with SandboxPool("none") as assets:
        assert found_by(assets, CALLS.format(**numbers)) == []


HOARDS = {
    "sockets": (
        """
import os, socket, time
for _ in range(30):
    if os.fork() == 0:
        pairs = []
        try:
            while True:
                pairs.append(socket.socketpair())
        except OSError:
            pass
        time.sleep(60)
time.sleep(60)
""",
        "used more than 1024 MB of memory",
    ),
    "files": (
        "for number in range(12_000):\n    open(f'{number}', 'w').close()\nimport time; time.sleep(60)",
        "made more than 10000 files",
    ),
    "disk and memory": (
        "import os, time\n"
        "for number in range(3):\n    open(f'{number}', 'wb').write(bytes(60 * 2**20))\n"
        "os.fork(), os.fork()\nkept = bytearray(b'x') * (2**20 * 180)\ntime.sleep(60)",
        "used more than 1024 MB of memory",
    ),
}


@pytest.mark.parametrize("what", HOARDS)
def test_what_a_submission_hoards_is_bounded(closed, what):
    source, said = HOARDS[what]
    with pytest.raises(Ended, match=said):
        found_by(closed, source, memory=1024)


def test_what_is_sent_back_and_kept_is_bounded(assets, monkeypatch):
    """Each answer is within the limits, and so is their sum."""
    monkeypatch.setattr("springdrift_agents.course.sandbox.MOST_COPIES", 2**22)
    with Sandbox(assets, memory=2048, seconds=60) as sandbox:
        sandbox.send(
            "run", data=b"def much():\n    return [bytes(10**6)]", file="a.py", skip=[], limit=9, total=9
        )
        while "ran" not in sandbox.receive():
            pass
        sandbox.within(20.0)
        much = sandbox.ask("get", name="much")
        for _ in range(3):
            much()
        with pytest.raises(course.Wrong, match="handed over more than 4 MB"):
            much()


# ---------------------------------------------------------------- sizes, before anything is read


def sparse(path: Path, size: int = 3 * 10**9) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)
    return path


def test_a_file_is_read_only_when_it_is_small_and_plain(tmp_path):
    with pytest.raises(ValueError, match="it has 3000 MB; at most 1 are read"):
        read_file(sparse(tmp_path / "large"), 10**6)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ValueError, match="no plain file"):
        read_file(tmp_path / "fifo", 10**6)
    (tmp_path / "link").symlink_to(tmp_path / "large")
    with pytest.raises(OSError, match="symbolic"):
        read_file(tmp_path / "link", 10**6)
    (tmp_path / "small").write_bytes(b"x" * 10)
    assert read_file(tmp_path / "small", 10) == b"x" * 10
    with pytest.raises(ValueError, match="at most"):
        read_file(tmp_path / "small", 9)
    with pytest.raises(ValueError, match="at most"):
        read_file(Path("/proc/self/maps"), 9)  # says that it has no bytes at all


def test_large_submissions_and_policies_are_not_read(tmp_path):
    sparse(tmp_path / "class/ann_lesson1.py")
    (tmp_path / "class/ben_lesson1.py").write_text("period = 2.0\n")
    ann, ben = grade(tmp_path / "class", COURSE, limits=QUICK)
    assert {row.verdict for row in ann.rows} == {
        "the file cannot be graded: it has 3000 MB; at most 100 are read"
    }
    assert ben.rows[0].points == 1
    sparse(tmp_path / "policies/ann/policy.py")
    (row,) = [
        row for row in contest(tmp_path / "policies", "mix", 2, 1, references=["never"]) if not row.built_in
    ]
    assert row.verdict == "policy.py: it has 3000 MB; at most 10 are read"


# ---------------------------------------------------------------- one student never ends a class


def test_no_folder_ends_a_class(tmp_path, monkeypatch):
    """Folders without permission, in each other 1,900 times, and with more files than anybody hands in."""
    group, closed = tmp_path / "class", tmp_path / "class/closed"
    (group / "ann").mkdir(parents=True)
    (group / "ann/lesson1.py").write_text("\n".join(RIGHT.values()))
    closed.mkdir()
    (group / "deep").mkdir()
    (group / "deep/lesson1.py").write_text("period = 2.0\n")
    here = os.getcwd()
    os.chdir(group / "deep")
    try:
        for _ in range(1900):
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.chdir(here)
    scan = os.scandir

    def guarded(place):
        if place == closed:
            raise PermissionError(13, "Permission denied")
        return scan(place)

    monkeypatch.setattr(os, "scandir", guarded)
    try:
        reports = grade(group, COURSE, limits=QUICK)
    finally:
        monkeypatch.undo()
        subprocess.run(["rm", "-rf", str(group / "deep")], check=True)
    ann, closed_one, deep, absent = reports
    assert sum(row.points for row in ann.rows) == 5
    assert closed_one.rows[0].points is None
    assert closed_one.rows[0].verdict.startswith("NOT GRADED: nothing that can be graded")
    assert "the folder closed cannot be read: Permission denied" in closed_one.broken
    assert deep.rows[0].points == 1
    assert deep.notes == [f"folders lie more than {DEEPEST} deep in each other"]
    assert (absent.student, {row.points for row in absent.rows}) == ("closed", {None})
    assert totals(reports) == {"ann": (5, 5), "closed": (None, 5), "deep": (1, 5)}
    lines = [line for line in csv.DictReader(to_csv(reports).splitlines()) if line["student"] == "closed"]
    assert {line["points"] for line in lines} == {""}


def test_a_real_folder_without_permission_is_named(tmp_path):
    if os.getuid() == 0:
        pytest.skip("root may read everything")
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann/lesson1.py").write_text("period = 2.0")
    (tmp_path / "ben").mkdir(mode=0)
    try:
        found = {one.student: one for one in find(tmp_path, COURSE)}
    finally:
        (tmp_path / "ben").chmod(0o700)
    assert "cannot be read: Permission denied" in found["ben"].barred
    assert found["ben"].broken


def test_odd_names_in_the_temporary_folder_cost_nobody_a_point(tmp_path, monkeypatch):
    shared = tmp_path / "shared"
    shared.mkdir()
    for number in range(4000):
        (shared / f"{number}-{'tmux-' * 40}").mkdir()
    (tmp_path / "class").mkdir()
    (tmp_path / "class/ann_lesson1.py").write_text("\n".join(RIGHT.values()))
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    monkeypatch.setenv("TMPDIR", str(shared))
    (ann,) = grade(tmp_path / "class", COURSE, limits=QUICK)
    assert sum(row.points for row in ann.rows) == 5


@pytest.fixture
def broken(monkeypatch, assets):
    """A pool whose sandboxes do not start."""
    lost = assets._replace(folder="/nowhere")
    monkeypatch.setattr(SandboxPool, "__enter__", lambda self: lost)
    monkeypatch.setattr(SandboxPool, "__exit__", lambda *_: None)
    return lost


def test_a_sandbox_that_does_not_start_is_no_fault_of_the_students(broken, tmp_path, monkeypatch):
    with pytest.raises(NotStarted):
        Sandbox(broken, memory=2048, seconds=9)
    (tmp_path / "ann_lesson1.py").write_text("period = 2.0\n")
    record = Record()
    SubmissionRun(tmp_path / "ann_lesson1.py", COURSE, QUICK, record).complete(broken)
    assert record.broken.startswith("the sandbox did not start")
    monkeypatch.setattr(course, "exercises", lambda lesson: {one.id: one for one in COURSE})
    out = tmp_path / "out/grades.csv"
    shown = CliRunner().invoke(app, ["grade", str(tmp_path), "-o", str(out), "-l", "1"])
    assert shown.exit_code == commands.NOT_ALL
    assert "no fault of these students" in shown.output
    lines = list(csv.DictReader(out.read_text().splitlines()))
    assert {line["points"] for line in lines} == {""}
    assert all(line["verdict"].startswith("NOT GRADED: the sandbox did not start") for line in lines)


def test_an_exercise_that_cannot_be_sent_ends_no_class(tmp_path):
    (tmp_path / "ann_lesson1.py").write_text("period = 2.0\n")
    lock = threading.Lock()
    odd = Exercise("1.9", "odd", "Odd", lambda answer: lock.release())
    (ann,) = grade(tmp_path, (*COURSE, odd), limits=QUICK)
    assert {row.points for row in ann.rows} == {None}
    assert "cannot pickle" in ann.broken


def test_a_folder_too_large_to_copy_costs_its_policy_alone(tmp_path, monkeypatch):
    """Without namespaces a policy gets a copy of its folder."""
    monkeypatch.setattr("springdrift_agents.course.submissions.MOST_COPIED", 1000)
    for name, text in (("ann", "x = 1\n"), ("ben", "x" * 2000)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "policy.py").write_text(text)
    board = contest(tmp_path, "mix", 2, 1, references=["never"], isolation="none")
    said = {row.student: (row.verdict, row.broken) for row in board if not row.built_in}
    assert "neither a function policy() nor a class Policy" in said["ann"][0]
    assert said["ben"][0].startswith("its files cannot be taken: it has")
    assert not said["ben"][1]


def test_a_policy_that_cannot_be_played_is_no_fault_of_the_students(broken, tmp_path):
    (tmp_path / "ann_policy.py").write_text("x = 1\n")
    out = tmp_path / "out/board.csv"
    args = ["leaderboard", str(tmp_path), "-n", "2", "-p", "never", "-o", str(out), "--json"]
    shown = CliRunner().invoke(app, args)
    assert shown.exit_code == commands.NOT_ALL
    assert "not played: " in out.read_text()


# ---------------------------------------------------------------- results


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A class of one."""
    (tmp_path / "class").mkdir()
    (tmp_path / "class/ann_lesson1.py").write_text("\n".join(RIGHT.values()))
    monkeypatch.setattr(course, "exercises", lambda lesson: {one.id: one for one in COURSE})
    return tmp_path / "class"


def test_a_place_that_cannot_be_written_is_refused_before_the_work(small, tmp_path, monkeypatch):
    monkeypatch.setattr(commands.grading, "grade", lambda *_, **__: pytest.fail("work began"))
    monkeypatch.setattr(commands.contest, "contest", lambda *_, **__: pytest.fail("work began"))
    (tmp_path / "file").write_text("")
    for command in ("grade", "leaderboard"):
        for out, said in ((tmp_path / "file/g.csv", "cannot write"), (tmp_path, "it is a folder")):
            shown = CliRunner().invoke(app, [command, str(small), "-o", str(out)])
            assert isinstance(shown.exception, ValueError)
            assert said in str(shown.exception)


def test_a_result_that_cannot_be_written_is_printed(small, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(commands, "write_text", full)
    shown = CliRunner().invoke(app, ["grade", str(small), "-o", str(tmp_path / "g.csv"), "-l", "1"])
    assert isinstance(shown.exception, OSError)
    assert "No space left" in str(shown.exception)
    assert "ann,1,1.2,2,2,right: Mean" in shown.output


def test_results_are_written_student_by_student(small, tmp_path, monkeypatch):
    (small / "ben_lesson1.py").write_text("period = 2.0\n")
    real = commands.grading.grade

    def stopping(*given, done, **more):
        def first(report):
            done(report)
            raise KeyboardInterrupt

        return real(*given, done=first, **more)

    monkeypatch.setattr(commands.grading, "grade", stopping)
    shown = CliRunner().invoke(app, ["grade", str(small), "-o", str(tmp_path / "g.csv"), "-l", "1"])
    assert shown.exit_code != 0
    assert "what was graded before is in" in shown.output
    lines = list(csv.DictReader((tmp_path / "g.partial.csv").read_text().splitlines()))
    assert [line["exercise"] for line in lines] == ["1.1", "1.2", "1.3", "1.4"]
    assert not (tmp_path / "g.csv").exists()


# ---------------------------------------------------------------- what holds here is told


def test_the_command_tells_what_protects(small, tmp_path):
    shown = CliRunner().invoke(app, ["grade", str(small), "-o", str(tmp_path / "g.csv"), "-l", "1"])
    assert shown.exit_code == 0, shown.output
    words = " ".join(shown.output.split())
    assert isolation.protection(isolation.strongest()) in words


def test_each_way_of_closing_off_says_what_it_is():
    said = {name: isolation.protection(name) for name in isolation.ISOLATIONS}
    assert len(set(said.values())) == 3
    assert "can read and write your files" in said["none"]
    assert all("no network" in said[name] for name in ("bubblewrap", "namespaces"))


def test_elsewhere_than_on_linux_nothing_is_promised_that_linux_alone_has(monkeypatch):
    monkeypatch.setattr(isolation.sys, "platform", "darwin")
    isolation.works.cache_clear()
    try:
        assert isolation.strongest() == "none"
    finally:
        isolation.works.cache_clear()
    said = isolation.protection("none")
    assert "system calls not filtered on this system" in said
    assert "with Linux" in said
    for absent in ("bubblewrap", "without a network", "control group"):
        assert absent not in said


def test_the_order_holds_nothing_that_grows(tmp_path):
    order = isolation.order_of("namespaces", str(tmp_path), str(tmp_path), ["true"])
    assert len(json.dumps(order)) < 20_000
    assert {place.kind for place in order["places"]} <= {"bind", "tmpfs", "folder", "link", "proc"}
    shown = [
        Path(place.source) for place in order["places"] if place.kind == "bind" and place.path != "/assets"
    ]
    for hidden in (Path.home(), Path(tempfile.gettempdir()), Path("/run"), Path("/"), Path.cwd()):
        assert not any(hidden.is_relative_to(place) for place in shown), hidden
    assert not any(stat.S_ISSOCK(os.stat(place).st_mode) for place in shown)


# ---------------------------------------------------------------- control groups


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """A folder that looks as one of control groups does, and a process that is in it."""
    own = tmp_path / "groups" / "user" / "grading.scope"
    own.mkdir(parents=True)
    for name, text in (("controllers", "cpu memory pids"), ("subtree_control", ""), ("procs", "")):
        (own / f"cgroup.{name}").write_text(text)
    (tmp_path / "self").write_text("4:memory:/elsewhere\n0::/user/grading.scope\n")
    monkeypatch.setattr(cgroup, "MOUNT", tmp_path / "groups")
    monkeypatch.setattr(cgroup, "SELF", tmp_path / "self")
    return own


def test_a_group_that_was_handed_over_is_divided(groups, monkeypatch):
    assert cgroup.divisible() == ""  # nobody handed it over
    monkeypatch.setattr(os, "getxattr", lambda path, name: b"1", raising=False)
    (groups / cgroup.LEAF).mkdir()
    (groups / cgroup.LEAF / "cgroup.procs").write_text("")
    assert cgroup.divisible() == str(groups)
    assert (groups / cgroup.LEAF / "cgroup.procs").read_text() == str(os.getpid())
    assert (groups / "cgroup.subtree_control").read_text() == "+memory +pids"
    (groups / "cgroup.subtree_control").write_text("memory pids")  # as the kernel shows it
    cgroup.SELF.write_text(f"0::/user/grading.scope/{cgroup.LEAF}\n")  # a grading worker, or the next run
    assert cgroup.divisible() == str(groups)
    assert "in a control group of its own" in isolation.protection("namespaces")


@pytest.mark.parametrize("said", ["", "4:memory:/elsewhere\n", "0::/nowhere\n", "0::/\n0::/\n"])
def test_without_a_group_of_ones_own_the_supervisor_counts(groups, said):
    cgroup.SELF.write_text(said)
    assert cgroup.divisible() == ""
    assert "counted" in isolation.protection("namespaces")


def test_a_sandbox_starts_within_limits_of_the_kernel(groups, assets):
    """Every process of it is one of the group's; the group goes with it."""
    with Sandbox(assets._replace(groups=str(groups)), memory=2048, seconds=60) as sandbox:
        folder = sandbox.group.folder
        assert (folder / "memory.max").read_text() == str(2**31 + cgroup.MARGIN)
        assert (folder / "pids.max").read_text() == str(isolation.THREADS)
        assert (folder / "memory.swap.max").read_text() == "0"
        assert (folder / "cgroup.procs").read_text() == "0\n"  # the shell before all else: itself
        (folder / "memory.events").write_text("low 0\noom 1\noom_kill 1\n")
        sandbox._kill()
        assert sandbox._reason() == "it used more than 2048 MB of memory"
        for file in folder.iterdir():  # the kernel's own files go with the folder
            file.unlink()
    assert not folder.exists()


def test_a_group_that_cannot_be_made_stops_no_sandbox(assets, tmp_path):
    with Sandbox(assets._replace(groups=str(tmp_path / "none")), memory=2048, seconds=60) as sandbox:
        assert sandbox.group is None


@pytest.mark.skipif(not cgroup.divisible(), reason="no control groups of version 2 to divide here")
def test_the_kernel_ends_what_takes_more_than_its_group_may():
    group = cgroup.ControlGroup(cgroup.divisible(), 0, 16)
    hoard = "x = bytearray(2 * 64 << 20)\nwhile True: pass"
    ended = subprocess.run(group.enter([sys.executable, "-c", hoard]), check=False, timeout=60)
    assert (ended.returncode, group.out_of_memory()) == (-9, True)
    group.remove()
    assert not group.folder.exists()


# ---------------------------------------------------------------- a grader that was killed


def test_what_a_killed_grader_left_is_swept_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    script = (
        "import sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
        "from springdrift_agents.course import pool\n"
        "pool._pack_caches = lambda folder: None\n"
        "with pool.SandboxPool() as assets:\n"
        "    open(assets.workspaces + '/left', 'w').write('x')\n"
        "    print(assets.workspaces, flush=True); sys.stdin.readline()"
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
    left, kept = (Path(one.stdout.readline().strip()) for one in (killed, living))
    assert (left / "left").read_text() == (kept / "left").read_text() == "x"
    killed.kill()
    killed.communicate()
    monkeypatch.setattr(pool, "_pack_caches", lambda folder: None)
    with SandboxPool() as assets:
        assert Path(assets.workspaces).is_dir()
        assert not left.parent.exists()
        assert (kept / "left").exists()  # of one that lives
    living.communicate("go on\n")
    assert living.returncode == 0
    assert list(tmp_path.iterdir()) == []
