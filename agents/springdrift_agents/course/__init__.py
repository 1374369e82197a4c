"""The course: exercises that check themselves.

>>> from springdrift_agents.course import check
>>> check("1.1", None)
✗ 1.1: there is no answer yet: replace the dots by your own
"""

import os
import sys
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from springdrift_agents.course.exercise import Exercise, Verdict, Wrong
from springdrift_agents.text import say

LESSONS = 8
FAST = os.environ.get("SPRINGDRIFT_FAST", "") not in ("", "0")  # lessons then run on little data


def exercises(lesson: int | None = None) -> dict[str, Exercise]:
    """The exercises of a lesson, or of the whole course, by id.

    Raises:
        ValueError: there is no such lesson.
    """
    if lesson is not None and not 1 <= lesson <= LESSONS:
        raise ValueError(f"there is no lesson {lesson}: the course has lessons 1 to {LESSONS}")
    found: dict[str, Exercise] = {}
    for place in range(1, LESSONS + 1) if lesson is None else (lesson,):
        for one in import_module(f"springdrift_agents.course.lesson{place}").EXERCISES:
            found[one.id] = one
    return found


def check(exercise: str, answer: Any) -> Verdict:
    """Judge an answer: passed, or a hint. A notebook shows the verdict; a script prints it.

    Raises:
        ValueError: there is no such exercise.
    """
    lesson, _, _ = str(exercise).partition(".")
    known = exercises(int(lesson)) if lesson.isdigit() and 1 <= int(lesson) <= LESSONS else {}
    if exercise not in known:
        near = get_close_matches(str(exercise), known or exercises(), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; the lessons are 1 to {LESSONS}"
        raise ValueError(f"there is no exercise {exercise!r}{hint}")
    verdict = _judged(known[exercise], answer)
    caller = sys._getframe(1).f_globals
    if caller.get("__name__") == "__main__" and "__file__" in caller:
        say(verdict)
    return verdict


def _judged(exercise: Exercise, answer: Any) -> Verdict:
    try:
        exercise.judge(answer)
    except Wrong as hint:
        return Verdict(exercise.id, False, str(hint))
    except Exception as odd:  # a judge that stumbles over an answer has not passed it
        return Verdict(
            exercise.id, False, f"the answer could not be judged: {type(odd).__name__}: {odd!s:.200}"
        )
    points = f"{exercise.points} point{'s' if exercise.points > 1 else ''}"
    return Verdict(exercise.id, True, f"right: {exercise.title} ({points})")
