"""Lesson 1: right answers pass in any form, wrong ones get the hint that is meant for them."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from course_common import LessonChecks, hint_of, solutions_of
from springdrift import Params, simulate
from springdrift_agents.course import _judged, check
from springdrift_agents.course.exercise import Exercise

RIGHT = solutions_of(1)


class TestLesson1(LessonChecks):
    lesson = 1


def halves(a, n, reach, move=lambda a, reach: abs(a - 2 * reach)):
    for _ in range(n):
        a = move(a, reach) if a > reach else a
    return a


def reach(mu, k, tilt):
    return mu * 9.81 * math.cos(tilt) / k


WRONG = [
    ("1.1", 9.81 * math.sin(20) / 8, "np.sin takes radians"),
    ("1.1", 9.81 * math.cos(math.radians(20)) / 8, "presses the mass on the slope"),
    ("1.1", 9.81 / 8, "the slope carries a part"),
    ("1.1", 41.94, "in centimetres"),
    ("1.1", 2.384, "upside down"),
    ("1.1", -0.4194, "the sign is not"),
    ("1.1", 0.5, "solve for x"),
    ("1.1", "0.42", "expected a number, got str '0.42': leave the quotation marks out"),
    ("1.1", np.complex128(0.4194 + 5j), "expected a number, got complex128"),
    ("1.1", [0.42, 0.42], "expected a number, got list"),
    (
        "1.2",
        lambda m, k: str(2 * np.pi * (m / k) ** 0.5),
        "a number is expected, your function returned text",
    ),
    ("1.2", lambda m, k: 2 * np.pi * (m / k) ** 0.5 + 5j, "your function returned complex numbers"),
    ("1.2", lambda m, k: True, "a number is expected, your function returned truth values"),
    ("1.2", lambda m, k: 6.28 * 1.0099 * np.sqrt(m / k), "2 pi times the root"),
    ("1.1", float("nan"), "nan"),
    ("1.2", lambda m, k: 2 * np.pi * m / k, "the root is missing"),
    ("1.2", lambda m, k: 2 * np.pi * np.sqrt(k / m), "upside down"),
    ("1.2", lambda m, k: np.sqrt(k / m), "angular frequency"),
    ("1.2", lambda m, k: np.sqrt(k / m) / 2 / np.pi, "that is the frequency"),
    ("1.2", lambda m, k: np.pi * np.sqrt(m / k), "half a swing"),
    ("1.2", lambda m, k: np.sqrt(m / k), "factor 2 pi"),
    ("1.2", lambda m, k: np.sqrt(2 * np.pi * m / k), "not over 2 pi"),
    ("1.2", lambda m, k: 2.0, "2 pi times the root"),
    ("1.2", lambda m: 2.0, "your function raised TypeError"),
    ("1.2", 2.0, "expected a function, got float"),
    ("1.3", lambda a, n, mu, k, tilt: halves(a, n, reach(mu, k, tilt)), "two half swings"),
    ("1.3", lambda a, n, mu, k, tilt: halves(a, 2 * n, reach(mu, k, 0)), "not with its whole weight"),
    ("1.3", lambda a, n, mu, k, tilt: halves(a, 2 * n, reach(mu, k, math.pi / 2 - tilt)), "the sine's share"),
    ("1.3", lambda a, n, mu, k, tilt: a * (1 - 4 * reach(mu, k, tilt)) ** n, "twice the swing loses twice"),
    ("1.3", lambda a, n, mu, k, tilt: a * math.exp(-n * mu), "twice the swing loses twice"),
    ("1.3", lambda a, n, mu, k, tilt: a - 4 * n * reach(mu, k, tilt), "an amplitude below zero"),
    ("1.3", lambda a, n, mu, k, tilt: max(0, a - 4 * n * reach(mu, k, tilt)), "does not creep back"),
    (
        "1.3",
        lambda a, n, mu, k, tilt: halves(a, 2 * n, reach(mu, k, tilt), lambda a, r: a - 2 * r),
        "the mass stops on the same side",
    ),
    (
        "1.3",
        lambda a, n, mu, k, tilt: (
            [a := abs(a - 2 * reach(mu, k, tilt)) for _ in range(2 * n)][-1] if n else a
        ),
        "nobody checks whether the mass gets away",
    ),
    ("1.3", lambda a, n, mu, k, tilt: a - mu, "two for each cycle"),
    ("1.4", lambda f, k, s: 4 * f / k, "the same for every delay"),
    ("1.4", lambda f, k, s: 4 * f / k * np.sin(2 * np.pi * s), "is a sine 1 there"),
    ("1.4", lambda f, k, s: 4 * f / k * np.cos(s), "a whole turn, 2 pi"),
    ("1.4", lambda f, k, s: 4 * f / k * np.cos(360 * s), "takes radians"),
    ("1.4", lambda f, k, s: 4 * f / k * np.cos(np.pi * s), "should brake with the whole force"),
    ("1.4", lambda f, k, s: 2 * f / k * np.cos(2 * np.pi * s), "half a swing gains"),
    ("1.4", lambda f, k, s: max(0, 4 * f / k * np.cos(2 * np.pi * s)), "it brakes"),
    ("1.4", lambda f, k, s: abs(4 * f / k * np.cos(2 * np.pi * s)), "keep it"),
    ("1.4", lambda f, k, s: f, "4 F / k"),
    ("1.5", lambda y: RIGHT.fit_lags(y)[[1, 0, 2]], "changed places"),
    ("1.5", lambda y: RIGHT.fit_lags(y)[[2, 0, 1]], "c came first"),
    (
        "1.5",
        lambda y: [*np.linalg.lstsq(np.stack((y[1:-1], y[:-2]), 1), y[2:], rcond=None)[0], 0.0],
        "a column of ones",
    ),
    ("1.5", lambda y: [*RIGHT.fit_lags(y - y.mean())[:2], y.mean()], "that is the level, not c"),
    ("1.5", lambda y: RIGHT.fit_lags(y[::-1]), "predicts the past"),
    ("1.5", lambda y: RIGHT.fit_lags(y)[:2], "expected a result of shape (3,), got (2,)"),
    ("1.5", lambda y: [*RIGHT.fit_lags(y)[:2], y.mean()], "that is the level, not c"),
    ("1.5", lambda y: [1.0, 0.0, 0.0], "side by side"),
    ("1.5", lambda y: np.append(np.polyfit(y[:-1], y[1:], 1), 0.0)[[0, 2, 1]], "model with one lag"),
    ("1.6", lambda r, p, n: RIGHT.ghost(r[::-1], p, n), "older value first"),
    ("1.6", lambda r, p, n: [p[0] * r[1] + p[1] * r[0] + p[2]] * n, "the same value again and again"),
    ("1.6", lambda r, p, n: [r[1], *RIGHT.ghost(r, p, n)][:n], "one that was measured"),
    ("1.6", lambda r, p, n: [*r, *RIGHT.ghost(r, p, n)], "expected a result of shape (8,), got (10,)"),
    ("1.6", lambda r, p, n: RIGHT.ghost(r, (p[0], p[1], 0), n), "the level c"),
    (
        "1.6",
        lambda r, p, n: [r := (r[0], p[0] * r[1] + p[1] * r[0] + p[2]) for _ in range(n)] and [1.0] * n,
        "the newer value becomes the older one",
    ),
    ("1.6", lambda r, p, n: 0.5, "expected a result of shape (8,), got ()"),
]


@pytest.mark.parametrize(("exercise", "answer", "hint"), WRONG)
def test_wrong_answers_get_their_hint(exercise, answer, hint):
    assert hint in hint_of(exercise, answer)


def test_a_ghost_whose_older_value_stays_is_told_so():
    def ghost(recent, lags, steps):
        older, newer = recent
        path = []
        for _ in range(steps):
            newer = lags[0] * newer + lags[1] * older + lags[2]
            path.append(newer)
        return path

    assert "only one of the two lags moves on" in hint_of("1.6", ghost)


def by_formula(amplitude, cycles, friction, stiffness, tilt):
    """No loop: the number of half swings until it sticks, in closed form."""
    d = reach(friction, stiffness, tilt)
    moves = max(0, min(2 * cycles, math.ceil((amplitude - d) / (2 * d))))
    return abs(amplitude - 2 * d * moves)


def by_recursion(recent, lags, steps):
    older, newer = map(float, recent)
    new = lags[0] * newer + lags[1] * older + lags[2]
    return [new, *by_recursion((newer, new), lags, steps - 1)] if steps else []


def by_normal_equations(y):
    rows = np.array([(y[t - 1], y[t - 2], 1.0) for t in range(2, len(y))])
    return list(np.linalg.solve(rows.T @ rows, rows.T @ y[2:]))


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        ("1.1", 0.42),
        ("1.1", np.array(0.4194)),
        ("1.1", [0.4194]),
        ("1.1", np.array([[0.4194]])),
        ("1.1", Decimal("0.4194")),
        ("1.1", Fraction(4194, 10000)),
        ("1.2", lambda mass, stiffness: [Decimal(2 * math.pi * (mass / stiffness) ** 0.5)]),
        ("1.2", lambda mass, stiffness: 2 * 3.14 * (mass / stiffness) ** 0.5),
        ("1.3", lambda *given: np.array([by_formula(*given)])),
        ("1.4", lambda force, stiffness, late: 4 * force / stiffness * math.cos(2 * 3.14 * late)),
        ("1.2", lambda mass, stiffness: 2 * math.pi / (stiffness / mass) ** 0.5),
        ("1.3", by_formula),
        ("1.4", lambda force, stiffness, late: -4 * force / stiffness * math.cos(2 * math.pi * (late - 0.5))),
        ("1.5", by_normal_equations),
        ("1.5", lambda y: tuple(np.linalg.pinv(np.c_[y[1:-1], y[:-2], np.ones(len(y) - 2)]) @ y[2:])),
        ("1.6", by_recursion),
    ],
)
def test_right_answers_pass_however_they_are_written(exercise, answer):
    assert check(exercise, answer)


def test_a_judge_that_stumbles_over_an_answer_says_so():
    def judge(answer):
        raise KeyError("odd")

    verdict = _judged(Exercise("1.1", "x", "X", judge), 1)
    assert not verdict
    assert verdict.message == "the answer could not be judged: KeyError: 'odd'"


@pytest.mark.parametrize(("friction", "cycles"), [(0.005, 10), (0.005, 30), (0.03, 2), (0.03, 5)])
def test_the_formula_of_1_3_is_what_the_machine_does(friction, cycles):
    params = Params(friction=friction)
    run = simulate(params, x0=params.equilibrium + 0.3, duration=2.0 * cycles)
    left = RIGHT.amplitude_left(0.3, cycles, friction, params.stiffness, params.tilt)
    assert abs(run.x[-1] - params.equilibrium) == pytest.approx(left, abs=1e-3)
