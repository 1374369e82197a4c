"""Checks that hold for every lesson of the course: subclass :class:`LessonChecks` in a lesson's test file."""

import ast
import importlib.util
import math
import re
import sys
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest

from springdrift_agents.course import check, exercises

TUTORIALS = Path(__file__).parent.parent / "tutorials"
HEADING = re.compile(r"### Exercise (\d+\.\d+): (.+) \((\d+) points?\)")
CLOSED = (
    "1.2",
    "1.6",
    "3.1",
    "4.5",
    "5.1",
    "5.2",
    "5.6",
    "6.2",
    "6.3",
    "6.5",
    "8.6",
    "9.3",
)  # closed formulas
NO_ANSWER = ("there is no answer yet", "your function returns nothing")


class Cell(NamedTuple):
    """A cell of a percent-format script."""

    markdown: bool
    text: str  # of a markdown cell without its comment marks


class Posed(NamedTuple):
    """An exercise as the script of a lesson poses it."""

    id: str
    title: str
    points: int
    name: str  # what the call of check names
    starter: str  # the code cell between the heading and that call


def script_of(lesson: int) -> Path:
    """The script of a lesson."""
    (path,) = TUTORIALS.glob(f"lesson{lesson}_*.py")
    return path


def cells_of(path: Path) -> list[Cell]:
    """The cells of a percent-format script, in order."""
    cells = []
    for part in re.split(r"^# %%", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        kind, _, body = part.partition("\n")
        text = body.strip()
        if "[markdown]" in kind:
            cells.append(Cell(True, re.sub(r"^# ?", "", text, flags=re.MULTILINE)))
        elif text:
            cells.append(Cell(False, text))
    return cells


def posed_in(path: Path) -> list[Posed]:
    """The exercises that a script poses: heading, starter and call of check, in neighbouring cells."""
    cells, found = cells_of(path), []
    for place, cell in enumerate(cells):
        heading = HEADING.search(cell.text) if cell.markdown else None
        if heading is None:
            assert not cell.markdown or "### Exercise" not in cell.text, (
                f"{path.name}: odd heading {cell.text}"
            )
            continue
        starter, call = cells[place + 1], cells[place + 2]
        for code in (starter, call):
            assert not code.markdown, f"{path.name}: {heading[0]} lacks a code cell"
        named = re.fullmatch(r'check\("([\d.]+)", (\w+)\)', call.text)
        assert named, f"{path.name}: {heading[0]} is not followed by its check, but by {call.text!r}"
        assert named[1] == heading[1], f"{path.name}: {heading[0]} is followed by the check of {named[1]}"
        found.append(Posed(heading[1], heading[2], int(heading[3]), named[2], starter.text))
    return found


def starter_of(posed: Posed) -> Any:
    """What the student's name stands for as long as nothing was answered."""
    for statement in ast.parse(posed.starter).body:
        names = [statement.name] if isinstance(statement, (ast.FunctionDef, ast.ClassDef)) else []
        if isinstance(statement, ast.Assign):
            names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
        if posed.name in names:
            space: dict[str, Any] = {"np": np}
            exec(compile(ast.Module([statement], []), "starter", "exec"), space)
            return space[posed.name]
    raise AssertionError(f"the starter of {posed.id} does not define {posed.name}")


def solutions_of(lesson: int) -> ModuleType:
    """The module of a lesson's reference solutions."""
    path = TUTORIALS / "solutions" / f"lesson{lesson}.py"
    spec = importlib.util.spec_from_file_location(f"solutions_lesson{lesson}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def hint_of(exercise: str, answer: Any) -> str:
    """The hint that a wrong answer gets; fails the test when the answer passes."""
    verdict = check(exercise, answer)
    assert not verdict, f"{exercise} lets {answer!r} pass"
    return verdict.message


class LessonChecks:
    """One lesson is whole: script, exercises and solutions agree."""

    lesson: ClassVar[int]

    def test_the_script_poses_the_exercises_of_the_module(self):
        posed = [(p.id, p.title, p.points, p.name) for p in posed_in(script_of(self.lesson))]
        known = [(e.id, e.title, e.points, e.name) for e in exercises(self.lesson).values()]
        assert posed == known
        assert [e for e, *_ in posed] == [f"{self.lesson}.{n + 1}" for n in range(len(posed))]
        assert 3 <= len(posed) <= 6

    def test_the_script_has_a_goal_and_a_take_away(self):
        cells = cells_of(script_of(self.lesson))
        assert cells[0].text.startswith(f"# Lesson {self.lesson}: ")
        for part in ("**Goal", "**You need", "**Time"):
            assert part in cells[0].text
        assert cells[-1].markdown
        assert cells[-1].text.startswith("## Take away")

    def test_every_reference_solution_passes(self):
        solutions = solutions_of(self.lesson)
        for one in exercises(self.lesson).values():
            verdict = check(one.id, getattr(solutions, one.name))
            assert verdict, verdict.message

    def test_a_wrong_constant_does_not_pass_and_a_rounded_one_does(self):
        solutions = solutions_of(self.lesson)
        for one in exercises(self.lesson).values():
            if one.id in CLOSED:
                right = getattr(solutions, one.name)
                assert hint_of(one.id, lambda *given, right=right: np.multiply(right(*given), 1.009))
                assert check(one.id, lambda *given, right=right: np.multiply(right(*given), 1.0005))

    def test_every_starter_fails_as_not_answered(self):
        for posed in posed_in(script_of(self.lesson)):
            message = hint_of(posed.id, starter_of(posed))
            assert any(kind in message for kind in NO_ANSWER), message

    @pytest.mark.parametrize(
        "answer",
        [None, ..., "", [], {}, object(), 10**400, math.nan]
        + [lambda *_: 1 / 0, lambda *_: "?", lambda *_: 10**400, lambda *_: math.inf, lambda *_: 1j]
        + [[[46], [49]], dict.fromkeys("ABCD", np.arange(2)), [np.arange(2)] * 4, np.array("2"), 2 + 1j]
        + [lambda *_: [[1], [2]], lambda *_: {"a": 1}, lambda *_: [[1], 2], lambda *_: np.array(["2"])]
        + [lambda *_: (n for n in "abc"), lambda *_: [None, 1], lambda *_: {1, 2}, Decimal("sNaN")],
    )
    def test_nonsense_gets_a_hint_and_no_crash(self, answer):
        for one in exercises(self.lesson):
            hint = hint_of(one, answer)
            assert hint
            assert "could not be judged" not in hint
