"""Lesson 9: right answers pass in any form, wrong ones get the hint that is meant for them."""

import math

import numpy as np
import pytest

from course_common import LessonChecks, hint_of, solutions_of
from springdrift.series import SeriesWorld, cost_of
from springdrift_agents.course import check

RIGHT = solutions_of(9)


class TestLesson9(LessonChecks):
    lesson = 9


def of_age(mean, first=0):
    return lambda m, most: [mean(np.diagonal(m, age)) for age in range(first, most + 1 + first)]


def folded(m, made, served, cell=np.nanmean):
    keys = range(max(*made, *served) + 1)
    return [[cell(m[np.ix_(made == a, served == b)]) for b in keys] for a in keys]


def slope(ages, costs):
    return np.polyfit(ages, costs, 1)[0]


def played(price, baseline, plan, latency, hand, retrain, *, instead=True, request=True, late=False):
    cost, row, coming = 0.0, 0, {}
    for t, decision in enumerate(plan):
        if t in coming:
            row = t if late else coming[t]
        if decision == 1:
            cost += baseline[t] + hand + (0.0 if instead else price[row, t])
        elif decision == 0 or request:
            cost += price[row, t]
        if decision == 2:
            cost += retrain
            coming[t + latency] = t
    return cost


def chosen(costs, dearer):
    gap = costs - costs[:, [costs.mean(axis=0).argmin()]]
    return np.flatnonzero(~dearer(costs, gap))[0]


def paired(costs, gap):
    return gap.mean(axis=0) > 2 * gap.std(axis=0, ddof=1) / math.sqrt(len(gap))


def unpaired(costs, gap):
    error = costs.std(axis=0, ddof=1) / math.sqrt(len(costs))
    return gap.mean(axis=0) > 2 * np.hypot(error, error[costs.mean(axis=0).argmin()])


def asking(errors, level, latency, quiet, newest=1):
    asked, free = [0] * len(errors), 0
    for t in range(newest, len(errors)):
        if t >= free and errors[t - newest] > level:
            asked[t], free = 1, t + latency + quiet
    return asked


WRONG = [
    ("9.1", lambda m, most: np.nanmean(m, axis=0)[: most + 1], "a column holds models of all ages"),
    ("9.1", lambda m, most: np.nanmean(m, axis=1)[: most + 1], "a row is the life of one model"),
    ("9.1", lambda m, most: m[0, : most + 1], "the first model alone"),
    ("9.1", of_age(np.mean, 1), "the youngest age is 0"),
    ("9.1", of_age(np.sum), "that is the sum"),
    ("9.1", of_age(np.median), "that is the median"),
    (
        "9.1",
        lambda m, most: [np.diagonal(m, -age).mean() for age in range(most + 1)],
        "np.diagonal(matrix, age)",
    ),
    ("9.1", lambda m, most: of_age(np.mean)(m, most)[:-1], "expected a result of shape (6,), got (5,)"),
    ("9.2", lambda m, made, served: np.transpose(folded(m, made, served)), "rows and columns are swapped"),
    ("9.2", lambda m, made, served: folded(m, served, served), "the same keys for both"),
    ("9.2", lambda m, made, served: folded(m, made, made), "the same keys for *both*"),
    ("9.2", lambda m, made, served: folded(np.nan_to_num(m), made, served), "are no zeros"),
    ("9.2", lambda m, made, served: folded(m, made, served, np.nansum), "take the mean"),
    ("9.2", lambda m, made, served: folded(m, made, served, np.mean), "np.nanmean"),
    ("9.3", lambda ages, c, price: math.sqrt(price / slope(ages, c)), "where is the 2?"),
    ("9.3", lambda ages, c, price: slope(ages, c), "the slope itself"),
    ("9.3", lambda ages, c, price: 2 * price / slope(ages, c), "the root is missing"),
    ("9.3", lambda ages, c, price: math.sqrt(2 * slope(ages, c) / price), "upside down"),
    ("9.3", lambda ages, c, price: math.sqrt(2 * price / np.mean(c)), "*grows*"),
    ("9.3", lambda ages, c, price: math.sqrt(2 * price * 29 / abs(c[-1] - c[0])), "between two points"),
    ("9.3", lambda ages, c, price: math.sqrt(2 * price / abs(np.polyfit(ages, c, 1)[1])), "the slope first"),
    ("9.3", lambda ages, c, price: 27.0, "the root of 2 C / a"),
    ("9.4", lambda p, b, plan, lag, hand, fee: played(p, b, plan, 10**6, hand, fee), "nobody serves the new"),
    ("9.4", lambda *given: played(*given, instead=False), "*instead of* the model"),
    ("9.4", lambda *given: played(*given, request=False), "the cycle of the request is served"),
    ("9.4", lambda *given: played(*given, late=True), "row t of the matrix"),
    ("9.4", lambda p, b, plan, lag, hand, fee: played(p, b, plan, lag, 0.0, fee), "*and* the fee"),
    (
        "9.4",
        lambda p, b, plan, lag, hand, fee: played(p, b, plan, lag, hand, 0.0),
        "the price of the retrainings",
    ),
    ("9.4", lambda p, b, plan, lag, hand, fee: 1.0, "go through the cycles"),
    ("9.5", lambda costs: costs.mean(axis=0).argmin(), "that is the cheapest"),
    ("9.5", lambda costs: chosen(costs, unpaired), "block by block first"),
    (
        "9.5",
        lambda costs: chosen(costs, lambda c, g: g.mean(axis=0) > 2 * g.std(axis=0, ddof=1)),
        "is not the error",
    ),
    ("9.5", lambda costs: chosen(costs, paired) + 1, "numbered from 0"),
    ("9.5", lambda costs: 0, "clearly dearer if"),
    ("9.6", lambda e, level, lag: asking(e, level, 0, 1), "in training nothing is asked"),
    ("9.6", lambda e, level, lag: asking(e, level, lag, 0), "still the old model's"),
    ("9.6", lambda e, level, lag: asking(e, level, lag, 1, newest=0), "the newest is errors[t - 1]"),
    ("9.6", lambda e, level, lag: asking(e, level, lag, 2), "a cycle too long"),
    ("9.6", lambda e, level, lag: e > level, "your function returned truth values"),
    ("9.6", lambda e, level, lag: np.zeros(len(e), int), "made that error itself"),
]


@pytest.mark.parametrize(("exercise", "answer", "hint"), WRONG)
def test_wrong_answers_get_their_hint(exercise, answer, hint):
    assert hint in hint_of(exercise, answer)


def cell_by_cell(matrix, made, served):
    sums = np.zeros((max(made) + 1, max(served) + 1, 2))
    for i in range(len(matrix)):
        for t in range(i, len(matrix)):
            sums[made[i], served[t]] += matrix[i, t], 1
    return sums[..., 0] / sums[..., 1]


RIGHTS = [
    ("9.1", of_age(np.mean)),
    ("9.1", lambda m, most: (float(np.trace(m, age)) / (len(m) - age) for age in range(most + 1))),
    ("9.2", cell_by_cell),
    ("9.2", lambda m, made, served: folded(m, made, served)),
    ("9.3", lambda ages, c, price: (2 * price * np.var(ages) / np.cov(ages, c, ddof=0)[0, 1]) ** 0.5),
    ("9.4", lambda *given: played(*given)),
    ("9.5", lambda costs: chosen(costs, paired)),
    ("9.6", lambda e, level, lag: asking(e, level, lag, 1)),
]


@pytest.mark.parametrize(("exercise", "answer"), RIGHTS)
def test_right_answers_written_differently_pass(exercise, answer):
    verdict = check(exercise, answer)
    assert verdict, verdict.message


@pytest.mark.parametrize("seed", range(5))
def test_a_plan_costs_what_the_world_says(seed):
    """The student's sum and the one that the optimum is found with are the same."""
    world = SeriesWorld(1, "elnino", cycles=60)
    world.seed(np.zeros(1, int), np.array([seed], np.uint64))
    world.begin(np.ones(1, bool))
    problem = world.problem()
    here = slice(problem.start, problem.start + 60)
    price = problem.forecast * np.minimum(
        (world.tables[0].matrix()[here, here] / problem.scale) ** 2, problem.cap
    )
    baseline = problem.forecast * np.minimum((problem.naive / problem.scale) ** 2, problem.cap)
    plan = np.where(np.random.default_rng(seed).random(60) < 0.2, 1, 0)
    plan[3 + seed :: 9] = 2
    mine = RIGHT.cost_of_plan(price, baseline, plan, problem.latency, problem.intervene, problem.retrain)
    assert mine == pytest.approx(cost_of(problem, plan), rel=1e-6)
