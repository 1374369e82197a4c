"""A class of students, with every fault that a submission can have, and what each deserves."""

import json
import textwrap
from typing import NamedTuple

import numpy as np

from springdrift_agents.course import cells
from springdrift_agents.course.exercise import Case, Exercise, called, choice, function, number


def _judge_mean(answer):
    function(
        answer,
        [Case((np.array([1.0, 2.0, 6.0]),), 3.0), Case((np.array([-4.0, 0.0]),), -2.0)],
        mistakes={"that is the sum": lambda values: values.sum()},
        hint="add up and divide",
    )


def _judge_rule(answer):
    choice(called(answer, 0.9), ("wait", "retrain"), "retrain", {"wait": "the error is high: 0.9"})


COURSE = (
    Exercise("1.1", "period", "Period", lambda answer: number(answer, 2.0, hint="look again")),
    Exercise("1.2", "mean_of", "Mean", _judge_mean, points=2),
    Exercise("1.3", "rule", "Rule", _judge_rule),
    Exercise("1.4", "mass", "Mass", lambda answer: number(answer, 1.0, hint="weigh it")),
)
RIGHT = {
    "period": "period = 2.0",
    "mean_of": "def mean_of(values):\n    return sum(values) / len(values)",
    "rule": "def rule(error):\n    return 'retrain' if error > 0.5 else 'wait'",
    "mass": "mass = 1",
}


def percent(extra: str = "", after: str = "mean_of", **changed: str | None) -> str:
    """A script with the right answers but for those changed; ``extra`` is a cell after one of them."""
    texts = []
    for name, text in (RIGHT | changed).items():
        texts += [text] if text is not None else []
        texts += [textwrap.dedent(extra).strip()] if extra and name == after else []
    return "".join(f"# %% [markdown]\n# Some prose.\n\n# %%\n{text}\n\n" for text in texts)


def notebook(script: str) -> str:
    code = [cell.source for cell in cells.split(script.encode(), notebook=False)]
    found = [{"cell_type": "markdown", "metadata": {}, "source": ["# A lesson"]}]
    found += [{"cell_type": "code", "metadata": {}, "outputs": [], "source": text} for text in code]
    return json.dumps({"cells": found, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


class Student(NamedTuple):
    """What a student hands in, and what should come of it."""

    text: str
    failed: tuple[str, ...] = ()  # exercises that do not pass
    said: str = ""  # in the verdict of one of them
    noted: str = ""  # in the notes about the submission
    file: str = "lesson1.py"


ALL = ("1.1", "1.2", "1.3", "1.4")
STUBBORN = """
def mean_of(values):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
"""
FORGER = """
import builtins, inspect, os, sys
import springdrift_agents.course as course
import springdrift_agents.course.exercise as exercise
import springdrift_agents.course.protocol as protocol
from springdrift_agents.course.exercise import Verdict

course.check = lambda name, answer: Verdict(name, True, "right")
exercise.number = exercise.function = exercise.choice = exercise.given = lambda *a, **k: None
exercise.near = lambda *a: True
exercise.Wrong.__init__ = lambda *a: os._exit(0)
course.exercises = lambda *a: {}
builtins.isinstance = lambda *a: True
verdict = {"k": "record", "class": "springdrift_agents.course.exercise:Verdict", "of": [1, True, "right"]}
protocol.encode = lambda *a: verdict
print("\\u2713 1.1: right")
for name in ("grades.csv", "../grades.csv", "out/grades.csv"):
    try:
        open(name, "w").write("me,1,1.1,1,1,right\\n")
    except OSError:
        pass
"""
CHAMELEON = """
import numpy as np

class Equal(float):
    def __eq__(self, other): return True
    __ne__ = __lt__ = __gt__ = __eq__
    def __abs__(self): return 0.0
    def __sub__(self, other): return 0.0
    __rsub__ = __sub__
    def __float__(self): return 2.0
    def __reduce__(self): return (eval, ("__import__('os')._exit(0)",))
    __hash__ = float.__hash__

period = Equal(7.0)

class Result:
    def __array__(self, *a, **k): raise SystemExit
    def __getattr__(self, name): return Result()
    def __call__(self, *a, **k): return Result()
    def __len__(self): return 10**9
    def __iter__(self):
        while True: yield 1.0

mean_of = Result()

def rule(error):
    import sys
    frame = sys._getframe()
    while frame:
        for value in list(frame.f_locals.values()):
            if getattr(value, "right", None) is not None:
                return value.right
        frame = frame.f_back
    return Equal(1.0)

mass = np.ma.masked_array([1.0], mask=[True])
"""
PIPES = """
import os, json, struct
def shout(tree):
    head = json.dumps(tree).encode()
    for fd in range(3, 40):
        try: os.write(fd, struct.pack("<I", len(head)) + head)
        except OSError: pass
shout({"ran": 1})
shout({"value": 2.0})
shout({"verdict": [True, "right"], "passed": True, "points": 5})
for fd in range(3, 40):
    try: os.write(fd, b"\\xff" * 64)
    except OSError: pass
"""
LINGER = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(77.125)"], start_new_session=True)
"""
BOMB = """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""
FLOOD = """
import os
for _ in range(40):
    os.write(1, bytes(10**8))
    os.write(2, bytes(10**8))
"""
FILES = """
with open("big", "wb") as file:
    for _ in range(40):
        file.write(bytes(10**8))
"""
OTHERWISE = percent(
    "%matplotlib inline\n!pip install something\ndisplay(period)",
    period="import numpy as np\nperiod = np.array(2.0000001)",
    mean_of="mean_of = np.mean",
    rule="class Rule:\n    def __call__(self, error):\n        return ' Retrain '\nrule = Rule()",
    mass="from fractions import Fraction\nmass = Fraction(2, 2)",
)
PLAIN = "\n".join(RIGHT.values())


def mean(line: str) -> str:
    """A submission whose function for the mean is ``line``, all else right."""
    return percent(mean_of=f"def mean_of(values):\n    {line}")


ONE, TWO, THREE = ("1.1",), ("1.2",), ("1.3",)
CLASS = {
    "right-plain": Student(PLAIN, file="lesson1_machine.py"),
    "right-cells": Student(percent(), file="lesson1_machine.py"),
    "right-notebook": Student(notebook(percent()), file="sub/Lesson 1.ipynb"),
    "right-otherwise": Student(notebook(OTHERWISE), file="lesson-1.ipynb"),
    "right-exported": Student(percent().replace("# %%", "# In[3]:")),
    "starter": Student(
        percent(period="period = ...", mean_of="def mean_of(v):\n    ..."), ONE + TWO, "no answer"
    ),
    "wrong": Student(percent(period="period = -2", mean_of="mean_of = sum"), ONE + TWO, "that is the sum"),
    "other-kinds": Student(
        percent(period="period = 'two'", mean_of="mean_of = 3", rule="rule = print", mass="mass = {1: [1]}"),
        ALL,
        "expected a function, got int",
    ),
    "odd-result": Student(percent(rule="rule = lambda error: error"), THREE, "expected one of"),
    "deleted": Student(percent(mean_of=None), TWO, "there is no mean_of: was its cell deleted"),
    "renamed": Student(percent(mean_of="def mean_off(v):\n    return 0"), TWO, "(there is mean_off)"),
    "raises": Student(percent(mean_of="x = 1 / 0\nmean_of = max"), TWO, "ZeroDivisionError: div", "line 11"),
    "raises-plain": Student(
        PLAIN + "\nprint(nothing)\nimport nowhere", (), "", "'nothing' is not defined in line 7"
    ),
    "raises-inside": Student(mean("return [][1]"), TWO, "raised IndexError: list index"),
    "syntax-cell": Student(percent(mean_of="def mean_of(x:\n  1"), TWO, "raised SyntaxError"),
    "syntax-plain": Student("period = 2.0\nmass = (1\nx = 3\n", ALL, "syntax error in line 2"),
    "loop-inside": Student(mean("while True: pass"), TWO, "does a loop in it never end"),
    "loop-stubborn": Student(percent(mean_of=STUBBORN), TWO, "did not stop by itself"),
    "loop-cell": Student(percent("while True:\n    pass"), noted="took longer than 2.5 s"),
    "loop-cell-stubborn": Student(
        notebook(percent(STUBBORN + "mean_of(1)", after="period")),
        noted="cell 2 did not",
        file="lesson1.ipynb",
    ),
    "huge": Student(percent("import numpy as np\nx = np.ones(10**12)"), noted="MemoryError"),
    "huge-inside": Student(mean("return 'x' * 10**11"), TWO, "MemoryError"),
    "huge-answer": Student(mean("return 'x' * 10**8"), TWO, "too large to hand over"),
    "deep-answer": Student(
        percent(period="period = []\nfor _ in range(10**5): period = [period]"), ONE, "nested"
    ),
    "long-answer": Student(percent(period="period = 10 ** 10**5"), ONE, "digits"),
    "exit": Student(percent("import sys\nsys.exit()"), noted="tried to end the program"),
    "exit-hard": Student(percent("import os\nos._exit(3)"), noted="ended the program (exit code 3)"),
    "exit-inside": Student(mean("import os; os._exit(0)"), TWO, "ended the program (exit code 0)"),
    "quit-inside": Student(mean("raise SystemExit"), TWO, "ends the program"),
    "crash": Student(percent("import ctypes\nctypes.string_at(0)"), noted="SIGSEGV"),
    "recursion": Student(mean("return mean_of(values)"), TWO, "RecursionError"),
    "flood": Student(percent(FLOOD)),
    "files": Student(percent(FILES), noted="OSError"),
    "child": Student(percent(LINGER)),
    "bomb": Student(percent(BOMB), noted="cell 3 (line 18)"),
    "input": Student(percent("input('name?')"), noted="EOFError"),
    "forger": Student(
        percent(FORGER, period="period = 3.0", rule="rule = lambda e: 'wait'"), ONE + THREE, "error is high"
    ),
    "chameleon": Student(CHAMELEON, ALL, "look again"),
    "pipes": Student(
        percent(PIPES, period="period = 3.0", mean_of="mean_of = 0"), ONE + TWO, "look again", "pipe"
    ),
    "empty": Student("", ALL, "there is no period"),
    "garbage": Student("\x00\xff\ufeff(", ALL, "null"),
    "no-notebook": Student("{'cells': 1", ALL, "not a notebook", file="lesson1.ipynb"),
    "deep-notebook": Student('{"cells":' + "[" * 10**5, ALL, "not a notebook", file="lesson1.ipynb"),
}
