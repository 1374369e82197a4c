"""The course: exercises that check themselves.

>>> from springdrift_agents.course import check
>>> check("1.1", None)
○ 1.1: there is no answer yet: replace the dots by your own
"""

import sys
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

from springdrift_agents.course import fast
from springdrift_agents.course.exercise import Exercise, Score, Unanswered, Verdict, Wrong
from springdrift_agents.text import say

TOPICS = (  # of the lessons, as their files are named
    *("machine", "drift", "detection", "decisions", "planning", "learning", "comparison", "time"),
    *("data", "versions"),
)
LESSONS = len(TOPICS)
_passed: dict[str, bool] = {}  # what the last check of each exercise said

if TYPE_CHECKING:
    FAST: bool  # lessons run on little data


def __getattr__(name: str) -> Any:
    """``FAST`` when it is asked for: who asks will show results, and is to say that they are fast mode's."""
    if name != "FAST":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if fast.is_on():
        fast.announce()
    return fast.is_on()


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
    _passed[exercise] = verdict.passed
    _print_in_a_script(verdict)
    return verdict


def total(lesson: int) -> Score:
    """The points of a lesson's exercises whose last check in this session passed.

    >>> total(1).of  # shown as "Lesson 1: 3 of 10 points; still open: 1.3, 1.5, 1.6"
    10

    Raises:
        ValueError: there is no such lesson.
    """
    every = exercises(lesson).values()
    open_ones = tuple(one.id for one in every if not _passed.get(one.id))
    points = sum(one.points for one in every if one.id not in open_ones)
    score = Score(lesson, points, sum(one.points for one in every), open_ones)
    _print_in_a_script(score)
    return score


def _print_in_a_script(shown: Any) -> None:
    """Print what a notebook shows by itself."""
    caller = sys._getframe(2).f_globals
    if caller.get("__name__") == "__main__" and "__file__" in caller:
        say(shown)


def _judged(exercise: Exercise, answer: Any) -> Verdict:
    try:
        exercise.judge(answer)
    except Unanswered as hint:
        return Verdict(exercise.id, False, str(hint), answered=False)
    except Wrong as hint:
        return Verdict(exercise.id, False, str(hint))
    except Exception as odd:  # a judge that stumbles over an answer has not passed it
        return Verdict(
            exercise.id, False, f"the answer could not be judged: {type(odd).__name__}: {odd!s:.200}"
        )
    points = f"{exercise.points} point{'s' if exercise.points > 1 else ''}"
    return Verdict(exercise.id, True, f"right: {exercise.title} ({points})")
