"""Submissions are read as Python and IPython read them: no right answer loses points over its form."""

import json
from pathlib import Path

import pytest

from faults import COURSE, RIGHT
from springdrift_agents.course import cells
from springdrift_agents.course.grade import grade
from springdrift_agents.course.magics import Shell
from springdrift_agents.course.submission_run import Limits
from springdrift_agents.course.submissions import SCRIPT, find, owner_of

QUICK = Limits(timeout=20.0, each=5.0, memory=2048)
ANSWERS = "\n".join(RIGHT.values())


def notebook(*sources: str) -> bytes:
    code = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": source} for source in sources]
    return json.dumps({"cells": code, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


# by name: what is handed in, and what is in its file's name beside
WRITTEN = {
    "question": (notebook("period = 2.0  # or 2.1?", "mass = 1  # kg?"), ".ipynb"),
    "time": (notebook("%time period = 2.0", "%%time\nmass = 1"), ".ipynb"),
    "profiled": (notebook("%%prun\nperiod = 2.0", "%prun -s cumulative mass = 1"), ".ipynb"),
    "captured": (notebook("%%capture output\nperiod = 2.0\nprint(period)", "mass = 1"), ".ipynb"),
    "continued": (notebook("!pip install \\\n    something\nperiod = 2.0\nmass = 1"), ".ipynb"),
    "shell": (
        notebook("listing = !ls\nperiod = 2.0 + len(listing)", "if period:\n    !ls\n    mass = 1"),
        ".ipynb",
    ),
    "nested": (notebook("for _ in range(2):\n    %time period = 2.0\nmass = 1\nmass?"), ".ipynb"),
    "awaiting": (
        notebook(
            "import asyncio\nasync def two():\n    await asyncio.sleep(0.001)\n    return 2.0",
            "period = await two()",
            "mass = await two() / 2",
        ),
        ".ipynb",
    ),
    "exported": (
        b"#!/usr/bin/env python\n# coding: utf-8\n\n# In[1]:\n\n\n"
        b"get_ipython().run_line_magic('matplotlib', 'inline')\n"
        b"get_ipython().run_line_magic('time', 'period = 2.0')\n"
        b"\n# In[ ]:\n\n\nget_ipython().system('ls')\nmass = 1\n",
        ".py",
    ),
    "form feed": (b"def one():\n    return 1\n\x0c\nperiod = 2.0\n\x0c\nmass = one()\n", ".py"),
    "separator": ("note = '\u2028'  # \u2028 \x1c\nperiod = 2.0\nmass = 1\n".encode(), ".py"),
    "old line ends": (b"period = 2.0\rdef one():\r    return 1\rmass = one()\r", ".py"),
    "windows": (b"\xef\xbb\xbfperiod = 2.0\r\nmass = 1\r\n", ".py"),
    "docstring": (
        b'# %%\ndef one():\n    """\n# %% no cell\n\n# %% [markdown] nor this\n    """\n    return 1\n'
        b"\n# %%\nperiod = 2.0\nmass = one()\n",
        ".py",
    ),
    "latin": (
        "# -*- coding: latin-1 -*-\nname = 'Größe'\nperiod = 2.0 * (len(name) == 5)\nmass = 1\n".encode(
            "latin-1"
        ),
        ".py",
    ),
    "unclosed": (b'# %%\nperiod = 2.0\n\n# %%\ntext = """never closed\n\n# %%\nmass = 1\n', ".py"),
    "bracket": (b"# %%\nperiod = 2.0\n\n# %%\nmean_of = (1\n\n# %%\nmass = 1\n", ".py"),
    "quote": (b"# %%\n!echo don't\nperiod = 2.0\n\n# %%\nmass = 1\n", ".py"),
    "future": (
        b"# %%\nfrom __future__ import annotations\n\n# %%\ndef f(x: nothing): pass\nperiod, mass = 2.0, 1\n",
        ".py",
    ),
}


SOME = ("time", "shell", "awaiting", "docstring", "latin", "unclosed")


@pytest.mark.parametrize("names", [SOME, pytest.param(tuple(WRITTEN), marks=pytest.mark.slow)], ids=len)
def test_however_it_is_written_a_right_answer_counts(names, tmp_path):
    for name, (data, kind) in ((name, WRITTEN[name]) for name in names):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"lesson1{kind}").write_bytes(data)
    reports = grade(tmp_path, COURSE, limits=QUICK)
    lost = {
        report.student: (row.exercise, row.verdict, report.notes)
        for report in reports
        for row in report.rows
        if row.exercise in ("1.1", "1.4") and not row.points
    }
    assert len(reports) == len(names)
    assert lost == {}


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ('# %%\na = """\n# %% in\n"""\n# %%\nb = 1\n', ["cell 1 (line 2)", "cell 2 (line 6)"]),
        ('# %%\na = """\n# %% broken\nb = 1\n', ["cell 1 (line 2)", "cell 2 (line 4)"]),
        (
            "# %%\na = '''x'''\n# %%\nb = \"it's\"\n# %%\nc = 1\n",
            ["cell 1 (line 2)", "cell 2 (line 4)", "cell 3 (line 6)"],
        ),
        ("x = '# %%'\ny = 2\n", ["line 1", "line 2"]),
        ('"""\n# %% in the first text\n"""\nx = 1\n', ["line 1", "line 4"]),
        ("a = 1; b = 2\n@print\ndef f():\n    pass\n", ["line 1", "line 2"]),
    ],
)
def test_marks_are_comments(text, labels):
    assert [cell.label for cell in cells.split(text.encode(), notebook=False)] == labels


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"x = 1\ny = 2\nz = 'Gr\xf6\xdfe'\n", "it is not utf-8, nor does it declare another"),
        (b"x = 'Gr\xf6\xdfe'\n", "invalid or missing encoding declaration"),
        (b"# coding: nothing\nx = 1\n", "unknown encoding"),
        (b"x = 1\0", "null bytes"),
    ],
)
def test_what_python_cannot_decode_is_said(data, said):
    with pytest.raises(SyntaxError, match=said):
        cells.split(data, notebook=False)


def test_a_shell_runs_what_it_is_given_and_nothing_else():
    ran = []
    shell = Shell(ran.append)
    shell.run_line_magic("time", "x = 1")
    shell.run_line_magic("timeit", "-n 3 y = 1")
    shell.run_line_magic("prun", "-q -l 3 z = 1 -2")
    shell.run_line_magic("matplotlib", "inline")
    shell.run_cell_magic("time", "", "a = 1\n")
    shell.run_cell_magic("bash", "", "rm -r /\n")
    assert shell.system("ls") is None
    assert shell.getoutput("ls") == []
    assert ran == ["x = 1", "z = 1 -2", "\na = 1\n"]


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("Doe Jane_4711_assignsubmission_file_lesson1", ("Doe Jane", "4711")),
        ("Doe Jane_4711_assignsubmission_file", ("Doe Jane", "4711")),
        ("doejane_1234_98765_lesson1_machine", ("doejane", "1234")),
        ("doejane_LATE_1234_98765_Lesson 1-2", ("doejane", "1234")),
        ("bob_lesson1 (1)", ("bob", "")),
        ("bob_lesson1(12)", ("bob", "")),
        ("Lesson-1_bob - Copy", ("bob", "")),
        ("bob_lesson01_machine", ("bob", "")),
        ("lesson9_data_bob", ("bob", "")),
        ("doejane_1234_98765_lesson10_versions", ("doejane", "1234")),
        ("Lesson 10-bob", ("bob", "")),
        ("Mu\u0308ller_lesson1", ("M\u00fcller", "")),
    ],
)
def test_names_that_systems_give(name, owner):
    assert owner_of(name, SCRIPT)[:2] == owner


def test_one_student_in_two_spellings_is_one_student(tmp_path):
    (tmp_path / "Mu\u0308ller").mkdir()
    (tmp_path / "Mu\u0308ller/lesson1 (1).py").write_text("period = 2.0\n")
    (tmp_path / "M\u00fcller_lesson2.py").write_text("x = 1\n")
    (tmp_path / "doejane_1234_98765_lesson1-1.ipynb").write_text("{}")
    (tmp_path / "doejane_1234_98766_notes.txt").write_text("")
    found = {(one.student, one.lesson, Path(one.file).name) for one in find(tmp_path, COURSE)}
    assert found == {
        ("doejane", 1, "doejane_1234_98765_lesson1-1.ipynb"),
        ("M\u00fcller", 1, "lesson1 (1).py"),
        ("M\u00fcller", None, "M\u00fcller_lesson2.py"),
    }
