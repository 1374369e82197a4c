"""Exercises that check themselves: what one is, and how answers are judged.

A judge takes a student's answer and returns nothing when it is right; otherwise it raises :class:`Wrong`
with a hint that teaches. The helpers below do the common cases, and recognise the answers that are wrong
in a way a teacher has seen before. Everything is offline, deterministic and quick.
"""

import math
import numbers
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LONGEST = 10_000  # items of an iterator that are read


class Wrong(Exception):
    """An answer that does not pass; its message is the hint."""


class Unanswered(Wrong):
    """There is no answer yet."""


@dataclass(frozen=True)
class Exercise:
    """One exercise of the course."""

    id: str  # such as "2.3": lesson, exercise
    name: str  # of the variable or function in the student's script that holds the answer
    title: str
    judge: Callable[[Any], None]  # raises Wrong with a hint
    points: int = 1

    @property
    def lesson(self) -> int:
        """The lesson it belongs to."""
        return int(self.id.partition(".")[0])


class Verdict(NamedTuple):
    """What :func:`springdrift_agents.course.check` says of an answer; true when it passes."""

    exercise: str
    passed: bool
    message: str
    answered: bool = True

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        sign = "✓" if self.passed else "✗" if self.answered else "○"
        return f"{sign} {self.exercise}: {self.message}"

    def __repr__(self) -> str:
        return str(self)


class Score(NamedTuple):
    """Points of a lesson's exercises that have passed: see :func:`springdrift_agents.course.total`."""

    lesson: int
    points: int
    of: int
    open: tuple[str, ...]  # exercises that have not passed

    def __str__(self) -> str:
        still = f"; still open: {', '.join(self.open)}" if self.open else ": all of it"
        return f"Lesson {self.lesson}: {self.points} of {self.of} points{still}"

    def __repr__(self) -> str:
        return str(self)


def given(answer: Any) -> Any:
    """The answer, when there is one: a starter's ``...`` or None is no answer yet."""
    if answer is None or answer is Ellipsis:
        raise Unanswered("there is no answer yet: replace the dots by your own")
    return answer


def number(
    answer: Any, right: float, *, within: float = 0.01, mistakes: Mapping[float, str] | None = None, hint: str
) -> None:
    """Judge a number.

    Args:
        answer: the student's.
        right: the right one.
        within: tolerance, relative; absolute where ``right`` is 0.
        mistakes: answers known to be wrong in an instructive way, and what to say of each.
        hint: for every other wrong answer.
    """
    answer = lone(given(answer))
    if not _real(answer):
        text = ": leave the quotation marks out" if isinstance(answer, str) and answer else ""
        raise Wrong(f"expected a number, got {type(answer).__name__} {_short(answer)}{text}")
    try:
        value = float(answer)
    except OverflowError:
        raise Wrong("the answer is far too large a number") from None
    except ValueError:
        raise Wrong("the answer is nan: it is no number") from None
    if math.isnan(value):
        raise Wrong("the answer is nan: somewhere 0/0 or a missing value crept in")
    if near(value, right, within):
        return
    for mistake, why in (mistakes or {}).items():
        if near(value, mistake, within):
            raise Wrong(why)
    if right and near(value, -right, within):
        raise Wrong("the size is right, the sign is not")
    raise Wrong(hint)


def lone(value: Any) -> Any:
    """The number in a list, tuple or array that holds nothing else; any other value as it is.

    >>> lone([0.42]), lone(np.array([[2.0]])), lone((1, 2))
    (0.42, 2.0, (1, 2))
    """
    if isinstance(value, (list, tuple)) and len(value) == 1 and not isinstance(value[0], (list, tuple)):
        value = value[0]
    if isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind in "biufcUO":
        return value.item()
    return value


def _real(value: Any) -> bool:
    return isinstance(value, (numbers.Real, Decimal)) and not isinstance(value, bool)


def plain(value: Any) -> bool:
    """Whether something is a single real number, of a size that one can compute with.

    >>> plain(np.float32(2.0)), plain(True), plain(10**400), plain(float("nan"))
    (True, False, False, False)
    """
    try:
        return _real(value) and bool(abs(float(value)) < 1e9)
    except (OverflowError, ValueError):
        return False


def reals(value: Any, said: str = "got") -> NDArray[np.float64]:
    """Real numbers of any kind, in lists or arrays, as an array of float64.

    >>> reals([1, 2.5])
    array([1. , 2.5])

    Raises:
        Wrong: it holds something else, such as texts or complex numbers.
    """
    try:
        values = np.asarray(value)
        kind = values.dtype.kind
        if kind in "iuf" or (kind == "O" and all(map(_real, values.flat))):
            return values.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        kind = "O"  # a ragged list, or a number that is too large
    what = {"U": "text", "S": "bytes", "c": "complex numbers", "b": "truth values"}.get(kind)
    if what is None:
        raise Wrong(f"expected numbers, {said} {type(value).__name__} {_short(value)}")
    raise Wrong(
        f"{'numbers are' if np.ndim(value) else 'a number is'} expected, {said} {what}: {_short(value)}"
    )


def near(value: Any, right: Any, within: float) -> bool:
    """Whether real numbers or arrays agree, relatively; absolutely where ``right`` is 0."""
    try:
        value, right = reals(value), np.asarray(right, np.float64)
    except Wrong:
        return False
    return value.shape == right.shape and bool(
        np.all(np.abs(value - right) <= within * np.where(right == 0.0, 1.0, np.abs(right)))
    )


def array(answer: Any, right: Any, *, within: float = 0.01, hint: str) -> NDArray[np.float64]:
    """Judge an array of numbers, a list or an array; returns it as float64."""
    values = reals(given(answer))
    if values.shape != np.shape(right):
        raise Wrong(f"expected shape {np.shape(right)}, got {values.shape}")
    if not near(values, right, within):
        raise Wrong(hint)
    return values


def choice(answer: Any, options: Sequence[str], right: str, hints: Mapping[str, str]) -> None:
    """Judge a choice between words; ``hints`` says why each other one is wrong."""
    given(answer)
    if not isinstance(answer, str) or answer.strip().lower() not in options:
        raise Wrong(f"expected one of {', '.join(map(repr, options))}, got {answer!r}")
    word = answer.strip().lower()
    if word != right:
        raise Wrong(hints[word])


def words(answer: Any, keys: Sequence[str], what: str) -> dict[str, Any]:
    """The values of a dict by its keys, whose case does not matter; none of them is missing."""
    given(answer)
    if not isinstance(answer, Mapping):
        raise Wrong(f"expected a dict of {what}, got {type(answer).__name__}")
    folded = {key.strip().lower(): value for key, value in answer.items() if isinstance(key, str)}
    found = {key: answer.get(key, folded.get(key.lower())) for key in keys}
    empty = [key for key, word in found.items() if word is None or word is ...]
    if len(empty) == len(keys) and all(key.lower() in folded for key in keys):
        given(None)
    if empty:
        raise Wrong(f"{empty[0]} is still missing")
    return found


def option(key: str, word: Any, options: Sequence[str], *, numbered: bool = False) -> str:
    """A word out of several, in any case, or where these are numbered the number of one."""
    word = lone(word)
    if isinstance(word, str) and word.strip().lower() in options:
        return word.strip().lower()
    if numbered and plain(word) and word in range(len(options)):
        return options[int(word)]
    raise Wrong(f"{key}: expected one of {', '.join(map(repr, options))}, got {_short(word)}")


def called(function: Any, *arguments: Any) -> Any:
    """What a student's function returns; whatever it raises becomes a hint.

    Array arguments are handed over as copies, so that a function that changes them does no harm.
    """
    given(function)
    if not callable(function):
        raise Wrong(f"expected a function, got {type(function).__name__}")
    own = [argument.copy() if isinstance(argument, np.ndarray) else argument for argument in arguments]
    try:
        result = function(*own)
        if isinstance(result, Iterator):
            result = list(islice(result, LONGEST))
    except Wrong:
        raise
    except Exception as wrong:
        shown = ", ".join(_short(argument) for argument in arguments)
        raise Wrong(f"your function raised {type(wrong).__name__}: {wrong} (called with {shown})") from None
    if result is None or result is Ellipsis:
        raise Unanswered("your function returns nothing: does it end with a return?")
    return result


def _short(value: Any) -> str:
    text = repr(value).replace("\n", " ")
    return text if len(text) <= 60 else f"{text[:57]}..."


def _listed(result: Any) -> Any:
    """The items of a generator and the like as a list, in a box too; anything else as it is."""
    known = (str, bytes, Sequence, Mapping, Set, np.ndarray)
    if isinstance(result, known) or not isinstance(result, Iterable) or hasattr(result, "__array__"):
        return result
    try:
        return list(islice(result, LONGEST))
    except Wrong:
        raise
    except TypeError:  # it has no items, or they cannot be asked for
        return result
    except Exception as wrong:
        raise Wrong(f"your function raised {type(wrong).__name__}: {wrong}") from None


class Case(NamedTuple):
    """Arguments of a function and what it should return."""

    arguments: tuple[Any, ...]
    right: Any


def function(
    answer: Any,
    cases: Sequence[Case],
    *,
    within: float = 0.01,
    mistakes: Mapping[str, Callable[..., Any]] | None = None,
    hint: str,
) -> None:
    """Judge a function by what it returns on inputs that the student has not seen.

    Args:
        answer: the student's function.
        cases: inputs and right results, numbers or arrays.
        within: tolerance, as in :func:`near`.
        mistakes: hints, and functions that are wrong in that way: when one of them returns what the
            student's does in every case, its hint is given.
        hint: for every other wrong function.
    """
    results = [called(answer, *case.arguments) for case in cases]
    for place, case in enumerate(cases):
        result = lone(results[place]) if np.ndim(case.right) == 0 else _listed(results[place])
        results[place] = reals(result, "your function returned")
    if all(near(result, case.right, within) for case, result in zip(cases, results, strict=True)):
        return
    for why, mistaken in (mistakes or {}).items():
        if all(
            near(result, mistaken(*case.arguments), within)
            for case, result in zip(cases, results, strict=True)
        ):
            raise Wrong(why)
    for case, result in zip(cases, results, strict=True):
        if result.shape != np.shape(case.right):
            raise Wrong(f"expected a result of shape {np.shape(case.right)}, got {result.shape}")
    raise Wrong(hint)
