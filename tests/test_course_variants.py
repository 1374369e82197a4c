"""Variants of exercises, points of a session, and lessons that say when they run in fast mode."""

import json
import os
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from course_common import TUTORIALS, exercises, script_of, solutions_of
from springdrift_agents import course
from springdrift_agents.cli.app import app
from springdrift_agents.course import check, notebooks, package, total, variants

SEED = 7


@pytest.fixture(autouse=True)
def usual(monkeypatch):
    """Each test begins in variant 0, with nothing checked."""
    monkeypatch.setenv(variants.VARIABLE, "0")
    monkeypatch.setattr(course, "_passed", {})


def passed(lesson):
    solutions = solutions_of(lesson)
    return {one.id: bool(check(one.id, getattr(solutions, one.name))) for one in exercises(lesson).values()}


def test_a_lesson_states_each_quantity_once():
    for one in variants.QUANTITIES:
        text = script_of(int(one.exercise[0])).read_text(encoding="utf-8")
        assert text.count(one.told(0)) == 1, one
        assert len(set(one.values)) == len(one.values) > 3
        assert one.value(SEED) in one.values[1:], "a variant differs from the lesson in every number"


@pytest.mark.parametrize("lesson", range(1, course.LESSONS + 1))
def test_solutions_pass_in_their_own_variant(lesson):
    for seed in (SEED, 8, 9):
        variants.use(seed)
        assert all(passed(lesson).values())


@pytest.mark.parametrize("seed", [SEED, 8, 9])
def test_answers_of_another_class_do_not_pass(seed):
    first = {name: getattr(solutions_of(int(name[0])), exercises(int(name[0]))[name].name) for name in STATED}
    variants.use(seed)
    assert not any(check(name, answer) for name, answer in first.items())


STATED = sorted({one.exercise for one in variants.QUANTITIES})


def test_hidden_inputs_of_a_variant_are_its_own():
    ranges = (0.2, 3.0), (1, 9)
    assert variants.more("1.2", *ranges) == []
    found = {}
    for seed in (SEED, 8):
        variants.use(seed)
        found[seed] = variants.more("1.2", *ranges)
        assert found[seed] == variants.more("1.2", *ranges)
        assert found[seed] != variants.more("1.3", *ranges)
        for real, whole in found[seed]:
            assert 0.2 <= real <= 3.0
            assert whole in range(1, 10)
    assert found[SEED] != found[8]


def test_a_function_that_knows_the_usual_inputs_by_heart_does_not_pass():
    by_heart = {(1.0, 9.8696): 2.0, (2.0, 5.0): 3.9738, (0.3, 14.0): 0.91976}

    def period_of(mass, stiffness):
        return by_heart.get((mass, round(stiffness, 4)), 2.0)

    assert check("1.2", period_of)
    variants.use(SEED)
    assert not check("1.2", period_of)


@pytest.mark.parametrize("wrong", [-1, 2**31, 1.5, True, "7"])
def test_what_is_no_variant_is_refused(wrong):
    with pytest.raises(ValueError, match="whole number from 0 to"):
        variants.use(wrong)


def test_a_variant_of_the_environment_is_looked_at(monkeypatch):
    monkeypatch.setenv(variants.VARIABLE, "seven")
    assert "SPRINGDRIFT_VARIANT must be a whole number" in check("1.1", 0.4).message


def test_a_package_of_a_variant_is_whole(tmp_path):
    """Students read its numbers, their notebook judges by them, and the instructors' solutions are right."""
    package.build(TUTORIALS, tmp_path, variant=SEED)
    stretch = next(one for one in variants.QUANTITIES if one.exercise == "1.1")
    (path,) = (tmp_path / package.STUDENTS).glob("lesson1_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "".join("".join(cell["source"]) for cell in cells)
    assert stretch.told(SEED) in text
    assert stretch.told(0) not in text
    first = next("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert first.startswith(variants.line_of(SEED))
    code = (tmp_path / package.INSTRUCTORS / "solutions" / "lesson1.py").read_text(encoding="utf-8")
    space = {}
    exec(compile(code, "solutions", "exec"), space)
    assert variants.current() == SEED
    assert check("1.1", space["stretch"])


def test_a_class_is_graded_by_its_variant(tmp_path):
    """Judges work in processes of their own, and must know it there."""
    stiffness, tilt = (one.value(SEED) for one in variants.QUANTITIES if one.exercise == "1.1")
    (tmp_path / "in").mkdir()
    answer = f"import numpy as np\nstretch = 9.81 * np.sin(np.radians({tilt})) / {stiffness}\n"
    (tmp_path / "in" / "ann_lesson1.py").write_text(answer)
    args = ["grade", str(tmp_path / "in"), "--seed", str(SEED), "--out", str(tmp_path / "grades.csv")]
    shown = CliRunner().invoke(app, args)
    assert shown.exit_code == 0, shown.output
    assert "ann,1,1.1,1,1,right" in (tmp_path / "grades.csv").read_text(encoding="utf-8")


# ---------------------------------------------------------------- points of a session


def test_points_are_those_of_the_last_checks():
    right = solutions_of(1)
    assert total(1).points == 0
    check("1.1", right.stretch)
    check("1.3", right.amplitude_left)
    assert str(total(1)) == "Lesson 1: 3 of 10 points; still open: 1.2, 1.4, 1.5, 1.6"
    check("1.3", None)
    assert total(1).points == 1
    assert all(passed(1).values())
    assert str(total(1)) == "Lesson 1: 10 of 10 points: all of it"
    assert total(2).points == 0
    with pytest.raises(ValueError, match="there is no lesson 0"):
        total(0)


def test_an_untouched_exercise_is_not_called_wrong():
    def stub(mass, stiffness): ...

    assert str(check("1.1", ...)).startswith("○ 1.1: there is no answer yet")
    assert str(check("1.2", stub)).startswith("○ 1.2: ")
    assert str(check("1.1", 0.1)).startswith("✗ 1.1: ")
    assert str(check("1.1", solutions_of(1).stretch)).startswith("✓ 1.1: ")


# ---------------------------------------------------------------- fast mode

LESSON = """# %% [markdown]
# # Lesson 0: Small

# %%
import math
from springdrift_agents.course import FAST, check, total
worlds = 2 if FAST else 4

# %%
print(worlds)

# %%
worlds + 1

# %%
check("1.1", ...)

# %% tags=["hide-input"] jupyter={"source_hidden": true} other=1
import matplotlib.pyplot as plt
plt.plot([worlds])
plt.show()
"""
SAYS = "fast mode, little data: the numbers differ from those in the text"


def test_a_notebook_says_so_under_each_result(tmp_path):
    script = tmp_path / "lesson0_small.py"
    script.write_text(LESSON)
    notebook = notebooks.to_notebook(script)
    assert notebook.cells[-1].metadata == {"tags": ["hide-input"], "jupyter": {"source_hidden": True}}
    notebooks.execute(notebook, tmp_path, surroundings={"SPRINGDRIFT_FAST": "1"})
    said = [SAYS in json.dumps(cell.outputs) for cell in notebook.cells if cell.cell_type == "code"]
    assert said == [False, True, True, False, True]


@pytest.mark.parametrize("fast", ["1", "0"])
def test_a_script_says_so_first_and_last(fast, tmp_path):
    (tmp_path / "mine.py").write_text(re.sub(r"^# %%.*$|.*plt.*$", "", LESSON, flags=re.MULTILINE))
    env = os.environ | {"SPRINGDRIFT_FAST": fast}
    command = [sys.executable, "mine.py"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    answer = "○ 1.1: there is no answer yet: replace the dots by your own"
    assert done.stdout.splitlines() == ([SAYS, "2", answer, SAYS] if fast == "1" else ["4", answer])
