"""Lesson 5: right answers pass in any form, wrong ones get the hint that is meant for them."""

import numpy as np
import pytest

from course_common import LessonChecks, hint_of, solutions_of
from springdrift import Action, UpkeepEnv
from springdrift_agents.course import check
from springdrift_agents.course.lesson5 import IMPROVED, LOWEST_PRICE, hidden_values, hidden_world
from springdrift_agents.planning.exact import policy_iteration

RIGHT = solutions_of(5)
worth = RIGHT.action_worth


class TestLesson5(LessonChecks):
    lesson = 5


def test_the_price_is_the_one_that_planning_finds():
    """And it is no close call: what it is worth to know changes between whole prices."""

    def retrains(price):
        return (policy_iteration(UpkeepEnv(costs={"retrain": price}).P, 0.99).policy == Action.RETRAIN).any()

    assert [retrains(price) for price in range(1, 13)] == [price < LOWEST_PRICE for price in range(1, 13)]
    assert retrains(LOWEST_PRICE - 0.5)
    assert not retrains(LOWEST_PRICE - 0.1)


# ---------------------------------------------------------------- wrong answers


def each(P, action_value):
    """An array over the states, from a function of the worths of a state's actions."""
    return np.array([action_value(P, state) for state in P])


def in_place(P, values, gamma):
    for state in P:
        values[state] = max(worth(P, state, action, values, gamma) for action in P[state])
    return values


def backup_without(*, gamma=True, end=True):
    def backup(P, values, discount):
        factor = discount if gamma else 1.0

        def one(P, s):
            return max(
                sum(p * (r + factor * values[n] * (not (done and end))) for p, n, r, done in P[s][a])
                for a in P[s]
            )

        return each(P, one)

    return backup


def best(P, s, values, gamma, choose=max):
    return choose(P[s], key=lambda a: worth(P, s, a, values, gamma))


def last(plan, state, action, shift=0):
    taken = np.flatnonzero(plan[:, state] == action)
    return len(plan) - taken[-1] + shift if len(taken) else 0


WRONG = [
    ("5.1", lambda P, s, a: np.mean([r for _, _, r, _ in P[s][a]]), "equally likely"),
    ("5.1", lambda P, s, a: sum(r for _, _, r, _ in P[s][a]), "sum of the rewards"),
    ("5.1", lambda P, s, a: -sum(p * r for p, _, r, _ in P[s][a]), "the sign is turned"),
    ("5.1", lambda P, s, a: max(P[s][a])[2], "likeliest outcome alone"),
    ("5.1", lambda P, s, a: max(r for _, _, r, _ in P[s][a]), "go through P[state][action]"),
    ("5.1", lambda P, s, a: P[s], "expected numbers, your function returned"),
    ("5.1", lambda P, s, a: [p * r for p, _, r, _ in P[s][a]], "expected a result of shape ()"),
    ("5.1", lambda P: 0.0, "raised TypeError"),
    ("5.1", -3.49, "expected a function, got float"),
    ("5.1", lambda P, s, a: float("nan"), "go through P[state][action]"),
    ("5.2", backup_without(gamma=False), "gamma is missing"),
    ("5.2", lambda P, v, g: g * backup_without(gamma=False)(P, v, g), "discounts the reward of this very"),
    ("5.2", backup_without(end=False), "has nothing after it"),
    (
        "5.2",
        lambda P, v, g: each(P, lambda P, s: np.mean([worth(P, s, a, v, g) for a in P[s]])),
        "at random is worth",
    ),
    (
        "5.2",
        lambda P, v, g: each(P, lambda P, s: min(worth(P, s, a, v, g) for a in P[s])),
        "the worst action",
    ),
    (
        "5.2",
        lambda P, v, g: each(P, lambda P, s: max(worth(P, s, a, 0 * v, g) for a in P[s])),
        "of this step alone",
    ),
    (
        "5.2",
        lambda P, v, g: each(
            P, lambda P, s: max(sum(p * g * v[n] * (not d) for p, n, _, d in P[s][a]) for a in P[s])
        ),
        "the reward of the step itself is missing",
    ),
    ("5.2", in_place, "you overwrite values"),
    (
        "5.2",
        lambda P, v, g: each(
            P, lambda P, s: max(r + g * v[n] * (not d) for a in P[s] for _, n, r, d in P[s][a])
        ),
        "luckiest outcome",
    ),
    (
        "5.2",
        lambda P, v, g: each(P, lambda P, s: [worth(P, s, a, v, g) for a in P[s]]),
        "expected a result of shape (5,), got (5, 3)",
    ),
    ("5.2", lambda P, v, g: v, "for each state: for each action"),
    ("5.2", lambda P, v, g: {s: 0.0 for s in P}, "expected numbers"),
    (
        "5.3",
        lambda P, v, g: each(P, lambda P, s: max(worth(P, s, a, v, g) for a in P[s])),
        "these are values",
    ),
    ("5.3", lambda P, v, g: each(P, lambda P, s: best(P, s, 0 * v, g)), "reward of this step alone"),
    ("5.3", lambda P, v, g: each(P, lambda P, s: best(P, s, v, g, min)), "the worst action"),
    ("5.3", lambda P, v, g: each(P, lambda P, s: best(P, s, v, 1.0)), "gamma is missing"),
    (
        "5.3",
        lambda P, v, g: each(
            P, lambda P, s: max(P[s], key=lambda a: sum(p * v[n] * (not d) for p, n, _, d in P[s][a]))
        ),
        "reward of the step itself is missing",
    ),
    (
        "5.3",
        lambda P, v, g: each(
            P, lambda P, s: max(P[s], key=lambda a: sum(p * (r + g * v[n]) for p, n, r, _ in P[s][a]))
        ),
        "has nothing after it",
    ),
    ("5.3", lambda P, v, g: np.zeros(len(P), int), "compute what each action is worth"),
    ("5.3", lambda P, v, g: 0, "expected a result of shape (5,)"),
    ("5.4", 3, "look at the first grid again"),
    ("5.4", 8, "the last whole price at which it pays"),
    ("5.4", 10.0, "is there no lower price"),
    ("5.4", 12, "a deadline and no discount"),
    ("5.4", 7, "count the states"),
    ("5.4", "9", "expected a number, got str"),
    ("5.4", True, "expected a number, got bool"),
    ("5.5", lambda plan, s, a: np.flatnonzero(plan[:, s] == a)[-1], "cycles done, not left"),
    ("5.5", lambda plan, s, a: last(plan, s, a, -1), "one cycle too few"),
    ("5.5", lambda plan, s, a: last(plan, s, a, 1), "one cycle too many"),
    ("5.5", lambda plan, s, a: len(plan) - np.argmax(plan[:, s] == a), "the first row with the action"),
    ("5.5", lambda plan, s, a: (plan[:, s] == a).sum(), "how many rows have the action"),
    ("5.5", lambda plan, s, a: last(plan, 0, a), "look down the column"),
    (
        "5.5",
        lambda plan, s, a: len(plan) - np.flatnonzero(plan[:, s] == a)[-1],
        "your function raised IndexError",
    ),
    (
        "5.5",
        lambda plan, s, a: min(len(plan) - t for t in range(len(plan)) if plan[t, s] == a),
        "return 0 for it; now your function raised ValueError: min() ",
    ),
    ("5.5", lambda plan, s, a: last(plan, s, a) or -1, "return 0 for it"),
    ("5.5", 11, "expected a function, got int"),
    (
        "5.6",
        lambda n, c: (n[:, 1] * c[:, 1]).sum() / n[:, 1].sum() - (n[:, 0] * c[:, 0]).sum() / n[:, 0].sum(),
        "whoever they were",
    ),
    ("5.6", lambda n, c: (c[:, 1] - c[:, 0]).mean(), "not of the same size"),
    ("5.6", lambda n, c: np.average(c[:, 1] - c[:, 0], weights=n[:, 1]), "those who retrained: that is the"),
    ("5.6", lambda n, c: np.average(c[:, 1] - c[:, 0], weights=n[:, 0]), "those who waited: asked is"),
    ("5.6", lambda n, c: -RIGHT.adjusted_effect(n, c), "the sign is not"),
    ("5.6", lambda n, c: c[:, 1] - c[:, 0], "expected a result of shape ()"),
    ("5.6", lambda n, c: -3.0, "in each group take cost"),
]


@pytest.mark.parametrize(("exercise", "answer", "hint"), WRONG)
def test_wrong_answers_get_their_hint(exercise, answer, hint):
    assert hint in hint_of(exercise, answer)


# ---------------------------------------------------------------- right answers, written differently


def arrays(P):
    """A table as arrays: probabilities of going on (S, A, S), and rewards (S, A)."""
    onward, reward = np.zeros((len(P), len(P[0]), len(P))), np.zeros((len(P), len(P[0])))
    for s in P:
        for a in P[s]:
            for p, n, r, done in P[s][a]:
                onward[s, a, n] += p * (1 - done)
                reward[s, a] += p * r
    return onward, reward


def q_values(P, values, gamma):
    onward, reward = arrays(P)
    return reward + gamma * onward @ np.asarray(values)


def from_the_end(plan, state, action):
    for left, row in enumerate(plan[::-1], start=1):
        if row[state] == action:
            return float(left)
    return 0.0


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        ("5.1", lambda table, s, a: np.dot(*np.array([(p, r) for p, _, r, _ in table[s][a]]).T)),
        ("5.1", lambda table, s, a: arrays(table)[1][s, a]),
        ("5.2", lambda P, v, g: q_values(P, v, g).max(axis=1).tolist()),
        ("5.3", lambda P, v, g: list(q_values(P, v, g).argmax(axis=1))),
        ("5.4", np.float64(9.0)),
        ("5.4", np.int64(9)),
        ("5.5", from_the_end),
        ("5.5", lambda plan, s, a: a in plan[:, s] and from_the_end(plan, s, a)),
        (
            "5.6",
            lambda n, c: np.average(c[:, 1], weights=n.sum(1)) - np.average(c[:, 0], weights=n.sum(1)),
        ),
        ("5.6", lambda n, c: np.array(RIGHT.adjusted_effect(n, c))),
    ],
)
def test_right_answers_pass_however_they_are_written(exercise, answer):
    found = check(exercise, answer)
    assert found, found


@pytest.mark.parametrize(("seed", "gamma"), IMPROVED)
def test_hidden_policies_are_no_close_calls(seed, gamma):
    values = np.sort(q_values(hidden_world(seed), hidden_values(seed), gamma), axis=1)
    assert (values[:, -1] - values[:, -2]).min() > 0.1


def test_the_example_of_the_lesson():
    worlds, costs = np.array([[900, 100], [100, 900]]), np.array([[4.0, 6.0], [20.0, 12.0]])
    assert RIGHT.adjusted_effect(worlds, costs) == pytest.approx(-3.0)
    waited, retrained = (worlds * costs).sum(axis=0) / worlds.sum(axis=0)
    assert (waited, retrained) == pytest.approx((5.6, 11.4))
