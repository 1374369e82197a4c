"""Every lesson runs from its first line to its last, as a script and as a notebook."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from springdrift_agents import course
from springdrift_agents.cli.app import app
from springdrift_agents.course import fast, notebooks
from springdrift_agents.course import package as packages
from springdrift_agents.course.leaderboard import contest

LESSONS = notebooks.scripts(Path("tutorials"))
FAST = {"SPRINGDRIFT_FAST": "1", "MPLBACKEND": "Agg", "SDL_VIDEODRIVER": "dummy", "OMP_NUM_THREADS": "1"}
SMALL = """# %% [markdown]
# # Lesson 0: Small
#
# A sum.

# %%
import sys
print(1 + 1, file=sys.stderr)

# %%
{line}
"""


def number_of(script: Path) -> int:
    return int(script.stem.partition("_")[0].removeprefix("lesson"))


def test_there_are_lessons():
    assert [script.stem for script in LESSONS] == [
        f"lesson{number}_{topic}" for number, topic in enumerate(course.TOPICS, start=1)
    ]
    assert len(LESSONS) == course.LESSONS


def test_no_two_exercises_share_a_name():
    """The grader finds an answer by its name, in one script or in ten."""
    names = [one.name for one in course.exercises().values()]
    assert len(set(names)) == len(names) >= course.LESSONS * 3


@pytest.mark.parametrize(
    "script",
    [LESSONS[0], *(pytest.param(script, marks=pytest.mark.slow) for script in LESSONS[1:])],
    ids=lambda path: path.stem,
)
def test_a_lesson_runs_as_a_notebook(script, tmp_path):
    """From its first cell to its last, in any folder; its script holds the same code."""
    found = notebooks.to_notebook(script)
    surroundings = {name: text for name, text in FAST.items() if name != "MPLBACKEND"}  # figures stay in it
    notebooks.execute(found, tmp_path, surroundings=surroundings)
    assert list(tmp_path.iterdir()) == [], "a lesson leaves nothing in the student's folder"
    code = [cell for cell in found.cells if cell.cell_type == "code"]
    outputs = [output for cell in code for output in cell.outputs]
    assert all(cell.execution_count for cell in code if cell.source)
    assert "Traceback" not in json.dumps([output for output in outputs if output.output_type == "stream"])
    assert any("image/png" in output.get("data", {}) for output in outputs), "a lesson has pictures"
    assert "✗" not in json.dumps(outputs, ensure_ascii=False), "an untouched exercise is not wrong"
    assert f"Lesson {number_of(script)}: 0 of " in outputs[-1].data["text/plain"], "it ends with its points"


def test_a_lesson_runs_as_a_script(tmp_path):
    done = subprocess.run(
        [sys.executable, str(LESSONS[0].resolve())],
        cwd=tmp_path,
        env=os.environ | FAST,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Traceback" not in done.stderr + done.stdout
    lines = done.stdout.splitlines()
    assert lines[0] == lines[-1] == fast.LINE
    assert lines[-2].startswith("Lesson 1: 0 of 10 points")
    assert list(tmp_path.iterdir()) == [], "a lesson leaves nothing in the student's folder"


def execute(source: Path, out: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "springdrift_agents.cli.main", "notebooks", "--execute"]
    return subprocess.run(
        [*command, "--source", str(source), "--out", str(out)],
        env=os.environ | FAST,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_notebook_says_what_its_script_says(tmp_path):
    script = tmp_path / "lesson0_small.py"
    script.write_text(SMALL.format(line="x = 3"))
    (path,) = notebooks.build([script], tmp_path / "out")
    first = path.read_bytes()
    found = json.loads(first)
    assert [cell["cell_type"] for cell in found["cells"]] == ["markdown", "code", "code"]
    assert "".join(found["cells"][0]["source"]) == "# Lesson 0: Small\n\nA sum."
    assert "".join(found["cells"][2]["source"]) == "x = 3"
    assert found["metadata"]["kernelspec"]["name"] == "python3"
    assert notebooks.build([script], tmp_path / "out")[0].read_bytes() == first


def test_a_notebook_that_fails_says_where(tmp_path):
    (tmp_path / "lesson0_small.py").write_text(SMALL.format(line="1 / 0"))
    done = execute(tmp_path, tmp_path / "out")
    assert done.returncode == 1
    assert "lesson0_small.py: a cell raised ZeroDivisionError: division by zero" in done.stderr
    assert not (tmp_path / "out" / "lesson0_small.ipynb").exists()


def test_where_the_lessons_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (notebooks.lessons_folder() / LESSONS[0].name).exists()  # of the checkout
    with pytest.raises(ValueError, match="there are no lessons in"):
        notebooks.scripts(tmp_path)


def test_a_package_keeps_answers_from_students(tmp_path):
    """No solution, judge or hidden input is in the folder that students get; all are in the other one."""
    args = ["package", "-o", str(tmp_path / "course")]
    shown = CliRunner().invoke(app, args)
    assert shown.exit_code == 0, shown.output
    students, instructors = tmp_path / "course/students", tmp_path / "course/instructors"
    assert {path.name for path in students.iterdir()} == {f"{path.stem}.ipynb" for path in LESSONS} | {
        "README.md"
    }
    assert len(list((instructors / "solutions").iterdir())) == course.LESSONS
    judges = {path.name for path in (instructors / "judges").iterdir()}
    assert judges == {f"lesson{number}.py" for number in range(1, course.LESSONS + 1)} | {
        "databases.py",
        "patience.py",
        "rollbacks.py",
    }
    assert (instructors / "teachers_guide.md").is_file()
    given = "".join(
        "".join(cell["source"])
        for path in students.glob("*.ipynb")
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
    )
    for path in (instructors / "solutions").iterdir():
        bodies = re.findall(r"^def .*?(?=^\S|\Z)", path.read_text(encoding="utf-8"), re.M | re.S)
        assert not [body for body in bodies if body.strip() in given]
    again = CliRunner().invoke(app, args)
    assert "is there already" in str(again.exception)
    with pytest.raises(ValueError, match="an instructor package needs it"):
        packages.build(_alone(tmp_path), tmp_path / "other")


def _alone(folder: Path) -> Path:
    """A folder with a lesson and nothing else."""
    (folder / "alone").mkdir()
    shutil.copy(LESSONS[0], folder / "alone")
    return folder / "alone"


GUIDE = Path("tutorials/teachers_guide.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("script", LESSONS, ids=lambda path: path.stem)
def test_the_teachers_guide_knows_the_lesson(script):
    number = number_of(script)
    title = script.read_text(encoding="utf-8").splitlines()[1].partition(": ")[2]
    points = sum(one.points for one in course.exercises(number).values())
    row = next(line for line in GUIDE.splitlines() if line.startswith(f"| {number} "))
    assert row.split("|")[1].strip() == f"{number} {title}"
    assert row.split("|")[4].strip() == str(points)


def test_the_teachers_guide_counts_the_exercises():
    assert f", {len(course.exercises())} exercises" in GUIDE


def test_the_policy_of_the_teachers_guide_plays(tmp_path):
    (text,) = re.findall(
        r"^> ```python\n((?:>.*\n)+?)> ```", GUIDE[GUIDE.index("> None at the start") :], re.M
    )
    (tmp_path / "policy.py").write_text("\n".join(line[2:] for line in text.splitlines()))
    board = {row.student: row for row in contest(tmp_path, "mix", 100, 0, references=["never", "threshold"])}
    mine = board[tmp_path.name].cost.value
    assert board["threshold"].cost.value < mine < board["never"].cost.value
