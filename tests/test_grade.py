"""Grading: a class with every fault there is. All get a clear line, none passes that should not."""

import csv
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from faults import ALL, CLASS, COURSE, RIGHT, notebook
from springdrift_agents import course
from springdrift_agents.cli.app import app
from springdrift_agents.course import protocol
from springdrift_agents.course.exercise import Exercise, number
from springdrift_agents.course.grade import grade, to_csv, write_csv
from springdrift_agents.course.isolation import check_apart, strongest
from springdrift_agents.course.leaderboard import contest
from springdrift_agents.course.pool import SandboxPool
from springdrift_agents.course.sandbox import Sandbox
from springdrift_agents.course.submission_run import Limits, Record, SubmissionRun
from springdrift_agents.course.submissions import LESSON, SCRIPT, find, lesson_of, owner_of

QUICK = Limits(timeout=10.0, each=2.5, memory=2048)
SOLVED = sorted(Path("tutorials/solutions").glob("lesson*.py"))
closed = pytest.mark.skipif(strongest() == "none", reason="no namespaces for ordinary users here")


def hand_in(folder: Path, names) -> Path:
    for name in names:
        file = folder / name / CLASS[name].file
        file.parent.mkdir(parents=True)
        file.write_text(CLASS[name].text, encoding="utf-8")
    return folder


def running(what: str) -> bool:
    return what in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def faults_of(report) -> list[str]:
    """Where a report is not what its student deserves."""
    student, verdicts = CLASS[report.student], {row.exercise: row for row in report.rows}
    lost = tuple(exercise for exercise, row in verdicts.items() if row.points == 0)
    texts = [row.verdict for row in report.rows]
    wrong = []
    if list(verdicts) != list(ALL) or [row.of for row in report.rows] != [1, 2, 1, 1]:
        wrong.append(f"rows {report.rows}")
    if lost != student.failed:
        wrong.append(f"failed {lost}, deserved {student.failed}: {texts}, {report.notes}")
    if not any(student.said in text for text in texts) or student.noted not in " ".join(report.notes):
        wrong.append(f"said {texts}, noted {report.notes}")
    if not all(text and text.isprintable() and len(text) <= 400 for text in [*texts, *report.notes]):
        wrong.append("a text is empty, too long or not printable")
    return [f"{report.student}: {text}" for text in wrong]


SOME = (
    "right-exported",
    "wrong",
    "raises-inside",
    "loop-stubborn",
    "exit-inside",
    "child",
    "forger",
    "pipes",
)


@pytest.mark.attack
@pytest.mark.parametrize("names", [SOME, pytest.param(tuple(CLASS), marks=pytest.mark.slow)], ids=len)
def test_each_submission_gets_what_it_deserves_and_nothing_stays_behind(names, tmp_path):
    reports = grade(hand_in(tmp_path, names), COURSE, limits=QUICK, jobs=2)
    assert [report.student for report in reports] == sorted(names)
    assert [fault for report in reports for fault in faults_of(report)] == []
    assert not running("77.125")


@pytest.mark.attack
@pytest.mark.parametrize(
    "names",
    [
        ("right-cells", "child"),
        pytest.param(("exit-hard", "bomb", "loop-stubborn"), marks=pytest.mark.slow),
    ],
    ids=len,
)
def test_without_namespaces_the_grades_are_the_same(names, tmp_path):
    reports = grade(hand_in(tmp_path, names), COURSE, limits=QUICK, isolation="none")
    assert [fault for report in reports for fault in faults_of(report)] == []
    assert not running("77.125")


SPY = """
import ctypes, os, signal, socket

def tried(action, *arguments):
    try:
        return action(*arguments)
    except OSError:
        return "no"

neighbour = tried(open, {neighbour!r})
trace = tried(open, {trace!r}, "w")
line = tried(socket.create_connection, ("127.0.0.1", {port}), 1.0)
others = [name for name in os.listdir("/proc") if name.isdigit() and tried(os.kill, int(name), 0) != "no"]
try:
    os.kill(-1, signal.SIGTERM)
except OSError:
    pass
solution = tried(open, {solution!r})
doors = tried(os.listdir, "/run")  # sockets of what runs outside
kernel = tried(open, "/proc/sys/kernel/core_pattern", "w")
devices = set(os.listdir("/dev")) - set(("null", "zero", "random", "urandom", "shm")) or "no"
deeper = "no" if ctypes.CDLL(None).unshare(0x10000000) else "a namespace within the namespace"
found = [neighbour, trace, line, solution, doors, kernel, devices, deeper]
period = 2.0 if found == ["no"] * 8 and len(others) <= 2 else [found, others]
mass = 1.0 if os.listdir() == [] and "SECRET_TOKEN" not in os.environ else os.listdir()
"""


@closed
@pytest.mark.attack
def test_a_sandbox_is_closed(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "42")
    folder = hand_in(tmp_path / "class", ["right-cells"])
    neighbour = folder / "right-cells/lesson1_machine.py"
    with socket.create_server(("127.0.0.1", 0)) as server:
        spy = SPY.format(
            neighbour=str(neighbour),
            trace=str(tmp_path / "trace"),
            port=server.getsockname()[1],
            solution=str(SOLVED[0].resolve()),
        )
        (folder / "spy_lesson1.py").write_text(spy)
        found = {report.student: report for report in grade(folder, COURSE, limits=QUICK)}
    points = {row.exercise: row.points for row in found["spy"].rows}
    assert points == {"1.1": 1, "1.2": 0, "1.3": 0, "1.4": 1}, found["spy"].rows
    assert not (tmp_path / "trace").exists()
    assert sum(row.points for row in found["right-cells"].rows) == 5


def test_who_and_which_lesson(tmp_path):
    files = {
        "ann/lesson2_drift.py": "",
        "ann/old/lesson2.ipynb": "",
        "ann/.hidden/lesson1.py": "",
        "ann/notes.txt": "",
        "bob_Lesson-1.ipynb": "",
        "cleo/homework.py": "check('2.1', 5)",
        "gus/late.py": "check('10.2', rows)",
        "dan/work.ipynb": '"source": ["check(\\"1.2\\", mean_of)"]',
        "eve/names.py": "rule = 1\nmass = 2",
        "fay/other.py": "hello = 1",
        "__MACOSX/lesson1.py": "",
        "lesson1_machine.py": "",
    }
    for moment, (name, text) in enumerate(files.items()):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (moment, moment))
    more = {"2.1": "age", "10.2": "rows"}
    two = (*COURSE, *(Exercise(id, name, name, lambda answer: None) for id, name in more.items()))
    found = {(one.student, one.lesson): (one.file.name, one.note) for one in find(tmp_path, two)}
    assert found == {
        ("ann", 2): ("lesson2.ipynb", "lesson2_drift.py is older and was left out"),
        ("bob", 1): ("bob_Lesson-1.ipynb", ""),
        ("cleo", 2): ("homework.py", ""),
        ("dan", 1): ("work.ipynb", ""),
        ("eve", 1): ("names.py", ""),
        ("fay", None): ("other.py", ""),
        ("gus", 10): ("late.py", ""),
        (tmp_path.name, 1): ("lesson1_machine.py", ""),
    }
    assert owner_of("lesson3_detection-zoe", SCRIPT) == ("zoe", "", "")
    assert owner_of("Roe Max_55_assignsubmission_file_lesson1", SCRIPT) == ("Roe Max", "55", "moodle")
    assert lesson_of(tmp_path / "ann/lesson2_drift.py", COURSE) is None


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("period = 2.0\n")


@pytest.fixture
def oddly_named(tmp_path):
    """A folder of submissions, and whose each is."""
    write(
        tmp_path,
        "Doe Jane_1_assignsubmission_file_/lesson1.py",
        "Doe Jane_2_assignsubmission_file_/lesson1.py",
        "Roe Max_55_assignsubmission_file_lesson1.py",
        "M\udcfcller/lesson1.py",
        "M\udcfdller/lesson1.py",
        "M\udcfeller_lesson1.py",
        "two\nlines\x1b/lesson1.py",
    )
    named = ("Doe Jane_1", "Doe Jane_2", "M\ufffdller", "M\ufffdller (2)", "M\ufffdller (3)")
    return tmp_path, [*named, "Roe Max", "two lines\ufffd"]


def test_no_two_names_are_alike(oddly_named):
    folder, names = oddly_named
    assert [one.student for one in find(folder, COURSE)] == names


@pytest.mark.attack
def test_a_file_cannot_be_named_into_another_students_grade(tmp_path):
    """Moodle writes the participant's number before the name that the student chose."""
    write(tmp_path, "Doe Jane_1_assignsubmission_file_Roe Max_2_assignsubmission_file_lesson1.py")
    write(tmp_path, "doejane_3_77_roemax_4_88_lesson1.py")
    assert {one.student: one.account for one in find(tmp_path, COURSE)} == {
        "Doe Jane": "moodle 1",
        "doejane": "canvas 3",
    }


def test_a_number_is_one_person(tmp_path):
    """However two exports write the name: two lines for a participant would leave the last one's grade."""
    write(tmp_path, "Doe Jane_1_assignsubmission_file_/lesson1.py")
    write(tmp_path, "Jane Doe_1_assignsubmission_onlinetext_/lesson2.py", "janedoe_1_9_lesson1.py")
    two = (*COURSE, Exercise("2.1", "age", "age", lambda answer: None))
    found = [(one.student, one.lesson, one.account) for one in find(tmp_path, two)]
    assert found == [
        ("Doe Jane", 1, "moodle 1"),
        ("Doe Jane", 2, "moodle 1"),
        ("janedoe", 1, "canvas 1"),
    ]


@pytest.mark.slow
def test_all_names_can_be_written(oddly_named, tmp_path):
    folder, found = oddly_named
    reports = grade(folder, COURSE, limits=QUICK)
    assert [report.student for report in reports] == found
    assert [report.rows[0].points for report in reports] == [1] * 7
    write_csv(tmp_path / "grades.csv", reports)
    lines = list(csv.DictReader((tmp_path / "grades.csv").read_text(encoding="utf-8").splitlines()))
    assert [line["student"] for line in lines[::4]] == found


@pytest.mark.attack
def test_nobody_is_lost_without_a_line(tmp_path):
    write(tmp_path, "ann/lesson1.py", "word/lesson1.docx", "Zip Zoe_7_assignsubmission_file_hw.zip")
    write(tmp_path, "bob_lesson1.docx", "ann/lesson2.docx", "notes.txt", "out/grades.csv", ".git/lesson1.py")
    (tmp_path / "empty").mkdir()
    (tmp_path / "linked").mkdir()
    (tmp_path / "ann/lesson3.py").symlink_to(tmp_path / "ann/lesson1.py")
    (tmp_path / "linked/lesson1.py").symlink_to(tmp_path / "ann/lesson1.py")
    (tmp_path / "away").symlink_to(tmp_path / "ann")
    reports = grade(tmp_path, COURSE, limits=QUICK)
    barred = {report.student: report.notes for report in reports if report.lesson is None}
    assert barred == {
        student: [f"nothing that can be graded (found: {what})"]
        for student, what in {
            "away": "away (a link)",
            "bob": "bob_lesson1.docx",
            "empty": "nothing",
            "linked": "linked/lesson1.py (a link)",
            "word": "word/lesson1.docx",
            "Zip Zoe": "Zip Zoe_7_assignsubmission_file_hw.zip",
        }.items()
    }
    (ann,) = [report for report in reports if report.student == "ann"]
    assert ann.notes == [
        "lesson2.docx cannot be graded and was left out; lesson3.py is a link and was left out"
    ]
    lines = list(csv.DictReader(to_csv(reports).splitlines()))
    assert {line["student"] for line in lines} == {*barred, "ann"}
    assert {line["verdict"] for line in lines if line["student"] == "word"} == {
        "nothing that can be graded (found: word/lesson1.docx)",
        "not handed in",
    }
    with pytest.raises(ValueError, match=r"nothing to grade in .*found: lesson1.docx"):
        find(tmp_path / "word", COURSE)


@pytest.mark.attack
def test_a_folder_that_cannot_be_hidden_is_refused(tmp_path):
    write(tmp_path, "ann/lesson1.py")
    place = Path(protocol.__file__).parent
    for folder in (place, Path(sys.prefix), Path("/")):
        with pytest.raises(ValueError, match="could not be hidden from each other: put the submissions into"):
            grade(folder, COURSE)
        with pytest.raises(ValueError, match="put the submissions into a folder of their own"):
            contest(folder, "mix", 2, 1)
    check_apart(tmp_path)


def test_places_and_null_bytes_are_said_once(tmp_path):
    (tmp_path / "ann_lesson1.ipynb").write_text(notebook("# %%\nperiod = 2.0\n\n# %%\nmass = = 1\n"))
    (tmp_path / "ben_lesson1.py").write_text("period = 2.0\0")
    ann, ben = grade(tmp_path, COURSE, limits=QUICK)
    assert ann.notes == ["cell 2 raised SyntaxError: invalid syntax in line 1"]
    assert {row.verdict for row in ben.rows} == {"not a text file: there are null bytes in it"}


CHATTER = """
import os, struct, gc, json, sys, time

server = next(one for one in gc.get_objects() if type(one).__name__ == "Server")
while True:
    try:
        server.say({"cell": 0, "label": "x", "binds": []})
        time.sleep(0.01)
    except BaseException:
        pass
"""


@pytest.mark.attack
def test_forged_messages_do_not_give_more_time(tmp_path):
    (tmp_path / "ann_lesson1.py").write_text(f"# %%\n{CHATTER}")
    began = time.monotonic()
    (ann,) = grade(tmp_path, COURSE, limits=QUICK._replace(timeout=3.0))
    assert time.monotonic() - began < 30.0
    assert not any(row.points for row in ann.rows)
    assert "its time was over" in ann.notes[0]
    record = Record(lost=5.0)
    with SandboxPool() as assets:
        limits = QUICK._replace(timeout=3.0)
        SubmissionRun(tmp_path / "ann_lesson1.py", COURSE, limits, record).complete(assets)
    assert record.lost > 6.0
    assert record.unreadable == "its process ended again when all of its time was over"


def _hungry(answer):
    bytearray(3 * 2**30)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have no such limit")
@pytest.mark.attack
def test_a_judge_has_a_limit_of_memory(tmp_path):
    (tmp_path / "ann_lesson1.py").write_text("a = 1\nperiod = 2.0\n")
    (ann,) = grade(tmp_path, (Exercise("1.5", "a", "A", _hungry), *COURSE), limits=QUICK)
    verdicts = {row.exercise: (row.points, row.verdict) for row in ann.rows}
    assert verdicts["1.5"] == (
        0,
        "the answer could not be judged: that took more memory than --memory allows",
    )
    assert verdicts["1.1"][0] == 1


@pytest.mark.attack
def test_the_table_is_complete_and_inert(tmp_path):
    for name in ("=cmd|'calc'!A0", "ben [red]"):
        (tmp_path / name).mkdir()
    (tmp_path / "=cmd|'calc'!A0" / "lesson1.py").write_text("period = 2.0")
    (tmp_path / "ben [red]" / "lesson2.py").write_text("age = 1")
    (tmp_path / "ben [red]" / "what.py").write_text("")
    two = (*COURSE, Exercise("2.1", "age", "Age", lambda answer: number(answer, 1, hint="")))
    lines = list(csv.DictReader(to_csv(grade(tmp_path, two, limits=QUICK)).splitlines()))
    assert list(lines[0]) == ["student", "lesson", "exercise", "points", "of", "verdict"]
    first, second = ([line for line in lines if line["student"].endswith(end)] for end in ("A0", "[red]"))
    assert [(line["exercise"], line["points"]) for line in first] == [
        ("1.1", "1"), ("1.2", "0"), ("1.3", "0"), ("1.4", "0"), ("2.1", "0"),
    ]  # fmt: skip
    assert first[0]["student"].startswith("'=cmd")
    assert first[-1]["verdict"] == "not handed in"
    assert {line["verdict"] for line in second if line["lesson"] == "1"} == {"not handed in"}
    assert [line["verdict"][:23] for line in second if not line["exercise"]] == ["no lesson of the course"]


@pytest.mark.attack
def test_what_cannot_be_graded_is_said(tmp_path):
    with pytest.raises(ValueError, match="there is no folder"):
        grade(tmp_path / "none", COURSE)
    with pytest.raises(ValueError, match=r"nothing to grade in .*alice/lesson1_machine.py"):
        grade(tmp_path, COURSE)
    with pytest.raises(ValueError, match="memory at least 1024 MB"):
        grade(tmp_path, COURSE, limits=Limits(memory=3))


@pytest.mark.parametrize("solved", [SOLVED[:1], pytest.param(SOLVED[1:], marks=pytest.mark.slow)], ids=len)
def test_reference_solutions_pass_and_starters_do_not(solved, tmp_path):
    """Through the sandbox and back, as a teacher runs it; two at a time."""
    lessons = [int(LESSON.search(path.name)[1]) for path in solved]
    for path in solved:
        (tmp_path / f"right_{path.name}").write_text(path.read_text())
    exercises = [one for lesson in lessons for one in course.exercises(lesson).values()]
    for lesson in lessons:
        names = "\n".join(f"{one.name} = ..." for one in exercises if one.lesson == lesson)
        (tmp_path / f"starter_lesson{lesson}.py").write_text(names)
    for report in grade(tmp_path, exercises, jobs=2):
        for row in report.rows:
            assert (row.points == row.of) == (report.student == "right"), row


def test_the_command(tmp_path, monkeypatch):
    (tmp_path / "class").mkdir()
    (tmp_path / "class/ann_lesson1.py").write_text("\n".join(RIGHT.values()))
    (tmp_path / "class/:x:").mkdir()
    (tmp_path / "class/ben_lesson1.py").write_text("x = 1 / 0\nperiod = 2.0\nint('root:x:0')")
    monkeypatch.setattr(course, "exercises", lambda lesson: {one.id: one for one in COURSE})
    args = ["grade", str(tmp_path / "class"), "-o", str(tmp_path / "g.csv"), "-l", "1", "--timeout", "8"]
    shown = CliRunner().invoke(app, args)
    assert shown.exit_code == 0, shown.output
    for text in (
        "ann",
        "5/5",
        "100 %",
        "1/5",
        "Period",
        "2/2",
        "line 1 raised ZeroDivisionError",
        "'root:x:0'",
        " :x: ",
        "g.csv (13 lines)",
    ):
        assert text in shown.output
    lines = list(csv.DictReader((tmp_path / "g.csv").read_text().splitlines()))
    assert [line["points"] for line in lines if line["student"] != ":x:"] == [
        "1",
        "2",
        "1",
        "1",
        "1",
        "0",
        "0",
        "0",
    ]
    again = CliRunner().invoke(app, [*args, "--json"])
    _, ann, ben = json.loads(again.stdout)
    assert (ann["student"], ann["points"], ann["of"]) == ("ann", 5, 5)
    assert ben["lessons"][0]["notes"][0] == "line 1 raised ZeroDivisionError: division by zero in line 1"
    wrong = CliRunner().invoke(app, ["grade", str(tmp_path), "-l", "one"])
    assert isinstance(wrong.exception, ValueError)


@pytest.mark.parametrize(
    "tree",
    [
        [1, 2],
        {"k": "what", "of": []},
        {"k": "array", "type": "O", "shape": [1], "data": "MTIzNDU2Nzg="},
        {"k": "array", "type": "<f8", "shape": [10**9], "data": "MTIzNDU2Nzg="},
        {"k": "array", "type": "<f8", "shape": [1], "data": "MTIz"},
        {"k": "array", "type": "<f8", "shape": [1], "data": "?"},
        {"k": "array", "type": "U1000000000", "shape": [1], "data": "MTIzNDU2Nzg="},
        {"k": "array", "type": "<f8", "shape": [1]},
        {"k": "record", "class": "os:system", "of": ["true"]},
        {"k": "record", "class": "springdrift_agents.cli.main:main", "of": []},
        {"k": "record", "class": "springdrift_agents.files:os", "of": []},
        {"k": "ref", "at": 0, "type": "x", "callable": True},
        {"k": "set", "of": [{"k": "list", "of": []}]},
        {"k": "dict", "of": [1]},
        {"of": []},
    ],
)
@pytest.mark.attack
def test_a_forged_value_is_none(tree):
    with pytest.raises(protocol.ProtocolError):
        protocol.decode(tree)


@pytest.mark.parametrize(
    "body", [b"", b"[", b"3", b"[1,[2]]", b"[" * 10**5, b"\xff", b'{"a":' + b"9" * 5000 + b"}"]
)
@pytest.mark.attack
def test_a_forged_message_is_none(body):
    with pytest.raises(protocol.ProtocolError):
        protocol.unpack(body)


@pytest.mark.attack
def test_a_message_is_no_larger_than_its_limits():
    with pytest.raises(protocol.ProtocolError, match="too long"):
        protocol.length_of(protocol.HEAD.pack(2**24 + 1))
    with pytest.raises(protocol.ProtocolError, match="too many values"):
        protocol.unpack(b'{"value":[' + b"[]," * 200_000 + b"[]]}")
    with pytest.raises(protocol.ProtocolError, match="too many to hand over"):
        protocol.pack(protocol.encode([0] * 200_001))
    with pytest.raises(protocol.ProtocolError, match="too large to hand over"):
        protocol.encode(bytes(2**23 + 1))


REMOTE = """
import numpy as np

def grow(state):
    state = np.zeros(1) if state is None else state
    state += 1  # in place: the one that was given back changes too
    return state

class Plan:
    steps = (1, 2, 3)
    def __len__(self): return 3
    def __getitem__(self, place): return self.steps[place]
    def fail(self): raise KeyError("gone")
    def odd(self): raise type("Odd", (ArithmeticError,), {})("no")

def numbers():
    yield from range(5)

plan = Plan()
"""


@pytest.fixture(scope="module")
def sandbox():
    with SandboxPool() as assets, Sandbox(assets, memory=2048, seconds=60) as sandbox:
        sandbox.send("run", data=REMOTE.encode(), file="a.py", skip=[], limit=5.0, total=5.0)
        while "ran" not in sandbox.receive():
            pass
        yield sandbox


def test_what_comes_back_stands_for_what_was_there(sandbox):
    """A rule that changes its old memory in place is seen to do so, though all a judge has is a copy."""
    sandbox.within(10)
    grow = sandbox.ask("get", name="grow")
    first = grow(None)
    assert first == 1.0
    second = grow(first)
    assert (second, first) == (2.0, 1.0)
    assert grow(first) == 3.0
    assert grow(first.copy()) == 2.0  # a value of the judge's own is one


def test_an_object_in_a_sandbox_behaves_like_one(sandbox):
    sandbox.within(10)
    plan, numbers = sandbox.ask("get", name="plan"), sandbox.ask("get", name="numbers")
    assert (len(plan), plan[1], list(plan), plan.steps) == (3, 2, [1, 2, 3], (1, 2, 3))
    assert list(numbers()) == [0, 1, 2, 3, 4]
    assert callable(numbers)
    assert not callable(plan)
    assert type(plan).__name__ == "Plan"
    assert not hasattr(plan, "nothing")
    with pytest.raises(KeyError, match="gone"):
        plan.fail()
    with pytest.raises(ArithmeticError, match="no") as odd:
        plan.odd()
    assert type(odd.value).__name__ == "Odd"
    with pytest.raises(TypeError):
        numbers(1, 2)


def _sleepy(answer):
    time.sleep(1000)


def _deadly(answer):
    os._exit(5)


@pytest.mark.attack
def test_a_judge_that_hangs_or_dies_costs_its_exercise_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("springdrift_agents.course.grading_worker.SLACK", 0.0)
    (tmp_path / "ann_lesson1.py").write_text("\n".join(RIGHT.values()) + "\na = b = 1\n")
    (tmp_path / "ben_lesson1.py").write_text("period = 2.0\n")
    odd = (Exercise("1.5", "a", "A", _sleepy), Exercise("1.6", "b", "B", _deadly))
    ann, ben = grade(tmp_path, (*odd, *COURSE), limits=QUICK._replace(each=0.5))
    verdicts = {row.exercise: (row.points, row.verdict) for row in ann.rows}
    assert [verdicts[exercise][0] for exercise in ALL] == [1, 2, 1, 1]
    assert "the judge took longer than 2.5 s" in verdicts["1.5"][1]
    assert "the judge's process ended over it" in verdicts["1.6"][1]
    assert [row.points for row in ben.rows] == [0, 0, 1, 0, 0, 0]


@pytest.mark.attack
def test_all_jobs_end_when_one_is_stopped(tmp_path):
    for name in ("ann", "ben", "cy"):
        (tmp_path / f"{name}_lesson1.py").write_text("import time\ntime.sleep(77.25)\n")

    before = set(multiprocessing.active_children())

    def stop(_):
        raise KeyboardInterrupt

    (tmp_path / "dan_lesson1.py").write_text("")
    with pytest.raises(KeyboardInterrupt):
        grade(tmp_path, COURSE, limits=Limits(timeout=400.0), jobs=4, done=stop)
    assert set(multiprocessing.active_children()) <= before
    assert not running("time.sleep(77.25)")
