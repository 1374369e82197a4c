"""Lesson 7: right answers pass in any form, wrong ones get the hint that is meant for them."""

import itertools
import math
from statistics import NormalDist

import numpy as np
import pytest

from course_common import LessonChecks, hint_of, solutions_of
from springdrift_agents.course import check
from springdrift_agents.course.lesson7 import VERDICTS
from springdrift_agents.course.materials import suspects
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.evaluation.statistics import iqm, mean_interval, probability_of_improvement

RIGHT = solutions_of(7)


class TestLesson7(LessonChecks):
    lesson = 7


def verdicts(**other):
    return {**VERDICTS, **other}


def around(mean, error):
    return mean, mean - 1.96 * error, mean + 1.96 * error


def apart(a, b):
    return around(a.mean() - b.mean(), np.sqrt(a.var() / len(a) + b.var() / len(b)))


WRONG = [
    ("7.1", apart, "met *different* worlds"),
    ("7.1", lambda a, b: around((a - b).mean(), (a - b).std()), "where single worlds lie"),
    ("7.1", lambda a, b: around((a - b).mean(), (a - b).std() / len(a)), "the square root of n, not by n"),
    (
        "7.1",
        lambda a, b: around((a - b).mean(), (a - b).std() / np.sqrt(len(a)) / 1.96),
        "for 95 % take 1.96",
    ),
    ("7.1", lambda a, b: RIGHT.paired_interval(b, a), "mine minus other"),
    ("7.1", lambda a, b: (a - b).mean(), "expected a result of shape (3,), got ()"),
    ("7.1", lambda a, b: np.percentile(a - b, [50, 2.5, 97.5]), "d = mine - other"),
    ("7.2", lambda d, h: np.ceil(1.96 * d.std() / h), "four times as many"),
    ("7.2", lambda d, h: np.ceil((d.std() / h) ** 2), "the 1.96 is missing"),
    ("7.2", lambda d, h: np.ceil((2 * 1.96 * d.std() / h) ** 2), "not from end to end"),
    ("7.2", lambda d, h: 1.96**2 * d.std() / h**2, "must be squared together"),
    ("7.2", lambda d, h: np.ceil((1.96 * d.std() / h) ** 2 / len(d)), "only their standard deviation counts"),
    ("7.2", lambda d, h: 500, "solve for n"),
    ("7.2", lambda d, h: (1.96 * d.std(ddof=1) / h) ** 2, "no parts of a world"),
    ("7.2", lambda d, h: (1.96 * d.std() / h) ** 2, "no parts of a world"),
    ("7.2", lambda d, h: int((1.96 * d.std() / h) ** 2), "rounded down"),
    ("7.2", lambda d, h: (1.96 * d.std(ddof=1) / h) ** 2 // 1, "rounded down"),
    ("7.2", lambda d, h: round((1.96 * d.std(ddof=1) / h) ** 2), "to the nearest whole number"),
    ("7.2", lambda d, h: np.ceil((1.96 * d.std() / h) ** 2) + 1, "then round up"),
    ("7.2", lambda d, h: str(RIGHT.worlds_needed(d, h)), "your function returned text"),
    ("7.2", lambda d, h: d, "expected a result of shape ()"),
    ("7.3", np.mean, "one dreadful world moves it"),
    ("7.3", np.median, "that is the median"),
    ("7.3", lambda c: c[len(c) // 4 : -len(c) // 4].mean(), "sort the costs first"),
    ("7.3", lambda c: np.sort(c)[len(c) // 8 : len(c) - len(c) // 8].mean(), "a quarter at *each* end"),
    ("7.3", lambda c: np.sort(c)[: -len(c) // 4].mean(), "cut the cheap one as well"),
    ("7.3", lambda c: np.sort(c)[len(c) // 4 :].mean(), "cut the dear one as well"),
    ("7.3", lambda c: np.percentile(c, 75) - np.percentile(c, 25), "the width of the middle half"),
    ("7.3", lambda c: 20.0, "leave out the lowest and the highest quarter"),
    ("7.4", lambda a, b: (a[:, None] > b).mean() + 0.5 * (a[:, None] == b).mean(), "these are costs"),
    ("7.4", lambda a, b: (a[:, None] < b).mean(), "ties are missing"),
    ("7.4", lambda a, b: (a[:, None] <= b).mean(), "count it one half"),
    ("7.4", lambda a, b: float(a.mean() < b.mean()), "you compare two means"),
    ("7.4", lambda a, b: (a < b).mean(), "operands could not be broadcast"),
    ("7.4", lambda a, b: 0.5, "every cost of the other"),
    ("7.5", lambda a, b: bool(set(a) & set(b)), "which worlds are it?"),
    ("7.5", lambda a, b: len(set(a) & set(b)), "which worlds are it?"),
    ("7.5", lambda a, b: [s for s in np.sort(a) if s in b] + [np.sort(b)[0]], "seeds occur in both"),
    ("7.5", lambda a, b: [int(s) for s in a if s in b], "not in ascending order"),
    ("7.5", lambda a, b: sorted([int(s) for s in b if s in a] * 2), "each leaked seed once"),
    ("7.5", lambda a, b: np.isin(b, a), "these are truths"),
    ("7.5", lambda a, b: np.intersect1d(a, b).astype(float), "a float keeps 16"),
    ("7.5", lambda a, b: np.setdiff1d(b, a), "these are the clean ones"),
    ("7.5", lambda a, b: [x for x, y in zip(a, b, strict=False) if x == y], "not place by place"),
    ("7.5", lambda a, b: ["none"], "expected a list of seeds"),
    ("7.5", lambda a, b: 1.5, "expected a list of seeds"),
    ("7.5", lambda a, b: [[int(x)] for x in sorted(set(a) & set(b))], "one with ["),
    ("7.5", lambda a, b: dict.fromkeys(sorted(set(map(int, a)) & set(map(int, b)))), "returned dict"),
    ("7.5", lambda a, b: set(a) & set(b), "a set has no order"),
    ("7.5", lambda a, b: np.zeros(2**20), "over 10000 items"),
    ("7.5", lambda a, b: itertools.count(), "you found 0 of them, and 10000 that are none"),
    ("7.5", lambda a, b: np.intersect1d(a, b)[:, None], "expected a list of seeds"),
    ("7.5", lambda a, b: np.intersect1d(a.astype(float), b.astype(float)), "a float keeps 16"),
    ("7.5", lambda a, b: [int(s) for s in np.intersect1d(a * 1.0, b * 1.0)], "too large for floats"),
    ("7.5", lambda a, b: [s for s in np.unique(a) if float(s) in b.astype(float)], "too large for floats"),
    ("7.5", lambda a, b: np.unique(a)[np.isin(np.unique(a) * 1.0, b * 1.0)], "too large for floats"),
    ("7.6", verdicts(A="lucky"), "64 worlds are many for mere luck"),
    ("7.6", verdicts(A="sound"), "on fresh ones, and look at the list trained_on"),
    ("7.6", verdicts(B="sound"), 'with observe="monitor"'),
    ("7.6", verdicts(C="peeks"), "it never looked"),
    ("7.6", verdicts(C="lucky"), "no proof of luck"),
    ("7.6", verdicts(C="leaked"), "does any of your checks"),
    ("7.6", verdicts(D="leaked"), "on how many worlds does it rest"),
    ("7.6", verdicts(D="sound"), "on five hundred others"),
    ("7.6", verdicts(D="guilty"), "expected one of 'leaked', 'lucky', 'peeks', 'sound', got 'guilty'"),
    ("7.6", verdicts(D=...), "D is still missing"),
    ("7.6", "sound", "expected a dict"),
    ("7.6", dict.fromkeys("abcd", ...), "there is no answer yet"),
    ("7.6", {letter.lower(): word for letter, word in verdicts(D="sound").items()}, "on five hundred others"),
    ("7.6", {}, "A is still missing"),
]


@pytest.mark.parametrize(("exercise", "answer", "hint"), WRONG)
def test_wrong_answers_get_their_hint(exercise, answer, hint):
    assert hint in hint_of(exercise, answer)


def ends(a, b):
    """The same interval with another divisor of the variance."""
    d = np.subtract(a, b)
    return list(around(float(np.mean(d)), float(np.std(d)) / len(d) ** 0.5))


def wins(mine, other):
    """Pair by pair, in plain Python."""
    score = sum((a < b) + 0.5 * (a == b) for a in mine for b in other)
    return score / (len(mine) * len(other))


RIGHTS = [
    ("7.1", ends),
    ("7.2", lambda d, h: int((1.96 / h) ** 2 * np.var(d)) + 1),
    ("7.2", lambda d, h: [math.ceil((1.96 * d.std(ddof=1) / h) ** 2)]),
    ("7.2", lambda d, h: np.ceil((1.96 / h) ** 2 * np.var(d))),
    ("7.2", lambda d, h: math.ceil((NormalDist().inv_cdf(0.975) / h) ** 2 * np.var(d, ddof=1))),
    ("7.2", lambda d, h: next(n for n in range(1, 10**6) if 1.96 * d.std() / n**0.5 <= h)),
    ("7.3", iqm),
    ("7.3", lambda c: sum(sorted(c)[len(c) // 4 : 3 * len(c) // 4]) / (len(c) // 2)),
    ("7.4", wins),
    ("7.4", lambda a, b: probability_of_improvement([a], [b])),
    ("7.5", lambda a, b: sorted(set(map(int, a)) & set(map(int, b)))),
    ("7.5", lambda a, b: tuple(s for s in np.unique(a) if s in set(b))),
    ("7.5", lambda a, b: (int(s) for s in np.intersect1d(a, b))),
    ("7.5", lambda a, b: dict.fromkeys(np.intersect1d(a, b).tolist()).keys()),
    ("7.5", lambda a, b: [*map(int, np.unique(a)[np.isin(np.unique(a), b)])]),
    ("7.6", {letter.lower(): word for letter, word in VERDICTS.items()}),
    ("7.6", {letter: word.title() for letter, word in VERDICTS.items()}),
]


@pytest.mark.parametrize(("exercise", "answer"), RIGHTS)
def test_right_answers_written_differently_pass(exercise, answer):
    verdict = check(exercise, answer)
    assert verdict, verdict.message


# ---------------------------------------------------------------- the suspects are what they are said to be


@pytest.fixture(scope="module")
def lineup():
    return suspects()


def cost_of(suspect, worlds, observe):
    return mean_interval(evaluate(suspect.policy, "abrupt", worlds, observe=observe).cost)


@pytest.mark.parametrize("name", VERDICTS)
def test_the_evidence_speaks_for_the_verdict(name, lineup):
    suspect, fresh = lineup[name], world_seeds("evaluation", 77, 256)
    reported = cost_of(suspect, suspect.reported_on, "truth")
    elsewhere = cost_of(suspect, fresh, "truth")
    by_sight = cost_of(suspect, suspect.reported_on, "monitor")
    leaks = np.intersect1d(suspect.trained_on, suspect.reported_on)
    assert (by_sight.value > 1.3 * reported.value) == (VERDICTS[name] == "peeks")
    assert (len(leaks) > 0) == (VERDICTS[name] == "leaked")
    assert (len(suspect.reported_on) < 20) == (VERDICTS[name] == "lucky")
    too_good = elsewhere.value > 1.25 * reported.value
    assert too_good == (VERDICTS[name] in ("leaked", "lucky"))


def test_every_report_sounds_as_good_as_the_sound_one(lineup):
    costs = {name: cost_of(one, one.reported_on, "truth").value for name, one in lineup.items()}
    assert max(costs.values()) == costs["C"]
