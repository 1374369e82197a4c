"""Lesson 10: right answers pass in any form, wrong ones get the hint that is meant for them."""

import gymnasium as gym
import numpy as np
import pytest

from course_common import LessonChecks, cells_of, hint_of, script_of, solutions_of
from springdrift import OPS_ID, Action
from springdrift_agents.course import check
from springdrift_agents.course.lesson10 import NEXT
from springdrift_agents.course.rollbacks import WithRollback, played
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.policies.registry import policy
from springdrift_agents.policies.rules import cycles_of, error_of, sense

RIGHT = solutions_of(10)
# worlds of exercise 10.4: scenario, seed, the rule that played so far, and the cycle of the decision
DASHBOARDS = {
    "A": ("gradual", 15, "fine-tune:tune=0.9", 126),
    "B": ("bad-release", 11, "threshold", 100),
    "C": ("faulty-sensor", 47, "threshold", 88),
    "D": ("tilt", 15, "fine-tune:tune=0.9", 122),
    "E": ("wear", 7, "fine-tune:tune=0.9", 128),
}


class TestLesson10(LessonChecks):
    lesson = 10


def situation(letter):
    """The env of a dashboard of exercise 10.4 as its decision is made, and the row of the lesson's table."""
    scenario, seed, rule, cycle = DASHBOARDS[letter]
    env, operator, memory = gym.make(OPS_ID, scenario=scenario).unwrapped, policy(rule), None
    seen, _ = env.reset(seed=seed)
    last = []
    for _ in range(cycle):
        action, memory = operator.predict(seen, memory)
        seen, *_ = env.step(int(action))
        last = [*last[-1:], seen]

    def column(name, scale):
        values = [float(scale(sense(one, name))) for one in last]
        return ", ".join("none" if v > 1e3 else f"{v:.2f}".replace("-", "−") for v in values)

    tuned = float(cycles_of(sense(last[-1], "since_fine_tune")))
    cells = [
        letter,
        *(column(name, error_of) for name in ("error", "previous_error")),
        *(column(name, float) for name in ("swing", "level", "correlation", "push")),
        f"{float(cycles_of(sense(last[-1], 'model_age'))):.0f}",
        f"{tuned:.0f} cycles ago" if tuned < 100 else "never",
    ]
    return env, f"| {' | '.join(cells)} |"


@pytest.mark.parametrize("letter", DASHBOARDS)
def test_a_dashboard_is_as_the_lesson_says_and_so_is_what_costs_least(letter):
    env, row = situation(letter)
    assert row in "\n".join(cell.text for cell in cells_of(script_of(10)) if cell.markdown)
    costs = []
    for action in Action:
        twin = env.fork()
        costs.append(-sum(twin.step(action if cycle == 0 else Action.WAIT)[1] for cycle in range(20)))
    assert Action(int(np.argmin(costs))).name.lower() == NEXT[letter]
    least, second = np.sort(costs)[:2]
    assert second - least > 0.5, "it is clear which decision costs least"


def story(*parents):
    """Versions with these parents, each served once, in the order of their numbers."""
    return [{"number": float(n), "parent": float(parent)} for n, parent in enumerate(parents)]


def climbed(told, start=None):
    parents = {one["number"]: one["parent"] for one in told}
    found = [told[-1]["number"] if start is None else start]
    while parents[found[-1]] >= 0:
        found.append(parents[found[-1]])
    return found


def generations(
    base="kind <> 'fine-tuned'",
    own="v.episode = g.e AND v.parent = g.n",
    tuned="v.kind = 'fine-tuned'",
    join="m.episode = g.e AND m.model_version = g.n",
    first=0,
    shown="g.k, count(*), avg(m.error)",
    order="1",
):
    return (
        f"WITH RECURSIVE g(e, n, k) AS (SELECT episode, version, {first} FROM model_versions WHERE {base} "
        f"UNION ALL SELECT v.episode, v.version, k + 1 FROM g JOIN model_versions v ON {own} AND {tuned}) "
        f"SELECT {shown} FROM g JOIN measurements m ON {join} GROUP BY g.k ORDER BY {order}"
    )


def solved(columns, y, pull):
    return np.linalg.solve(columns.T @ columns + pull * np.eye(columns.shape[1]), columns.T @ y)


def held(columns, y, full, pull):
    return full + solved(columns, y - columns @ full, pull)


def interval(full, without, times=1.96, ddof=1):
    gap = np.asarray(without) - full
    half = times * gap.std(axis=1, ddof=ddof) / gap.shape[1] ** 0.5
    return np.stack([gap.mean(axis=1), gap.mean(axis=1) - half, gap.mean(axis=1) + half], axis=1)


def unpaired(full, without):
    gap = without.mean(axis=1) - full.mean()
    half = 1.96 * np.sqrt((without.var(axis=1, ddof=1) + full.var(ddof=1)) / len(full))
    return np.stack([gap, gap - half, gap + half], axis=1)


WRONG = [
    ("10.1", lambda told: range(int(told[-1]["number"]), -1, -1), "not the number below it"),
    ("10.1", lambda told: climbed(told, max(one["number"] for one in told)), "need not be the newest"),
    ("10.1", lambda told: climbed(told)[::-1], "the other way round"),
    ("10.1", lambda told: climbed(told)[1:], "belongs to its lineage"),
    ("10.1", lambda told: [*climbed(told), -1], "-1 is no version"),
    ("10.1", lambda told: list(dict.fromkeys(one["number"] for one in reversed(told))), "that ever served"),
    ("10.1", lambda told: [0] * len(climbed(told)), "from parent to parent"),
    ("10.2", generations(base="parent IS NULL", tuned="1"), "starts anew with 0"),
    ("10.2", generations(tuned="1"), "counted twice"),
    ("10.2", generations(own="v.parent = g.n"), "in the step, take the parent of the same episode"),
    ("10.2", generations(join="m.model_version = g.n"), "join the measurements by episode and version"),
    ("10.2", generations(first=1), "has generation 0"),
    ("10.2", generations(own="v.episode = g.e AND v.version = g.n + 1"), "not the version before by number"),
    (
        "10.2",
        generations(shown="g.k, count(DISTINCT m.episode * 100 + m.model_version), avg(m.error)"),
        "that counts versions",
    ),
    ("10.2", generations(shown="g.k, count(*), sum(m.error)"), "take the mean"),
    ("10.2", generations(shown="g.k, count(*), max(m.error)"), "that is the largest error"),
    ("10.2", generations(order="1 DESC"), "generation 0 comes first"),
    ("10.2", generations(shown="count(*), g.k, avg(m.error)", order="2"), "not in the order"),
    (
        "10.2",
        "SELECT kind = 'fine-tuned', count(*), avg(error) FROM measurements m JOIN model_versions v "
        "ON v.episode = m.episode AND v.version = m.model_version GROUP BY 1 ORDER BY 1",
        "not how many fine-tunings",
    ),
    (
        "10.2",
        "SELECT generation, count(*), avg(error) FROM measurements GROUP BY 1",
        "no table has a generation",
    ),
    ("10.2", "DELETE FROM measurements", "only reading is allowed"),
    (
        "10.2",
        "WITH RECURSIVE g(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM g) SELECT max(n), 0, 0 FROM g",
        "runs too long",
    ),
    ("10.3", lambda c, y, full, pull: solved(c, y, 0), "where is the pull?"),
    ("10.3", lambda c, y, full, pull: solved(c, y, pull), "pulls the weights toward 0"),
    ("10.3", lambda c, y, full, pull: held(c, y, full, pull) - full, "add `full`"),
    ("10.3", lambda c, y, full, pull: full + solved(c, y, pull), "a fit of y itself"),
    ("10.3", lambda c, y, full, pull: held(c, y, full, -pull), "the sign of the pull"),
    ("10.3", lambda c, y, full, pull: (solved(c, y, 0) + pull * full) / (1 + pull), "an average of two fits"),
    ("10.3", lambda c, y, full, pull: held(c, y, full, pull * pull), "the pull is not squared"),
    (
        "10.3",
        lambda c, y, full, pull: (
            full + np.linalg.solve(c.T @ c / len(y) + pull * np.eye(len(full)), c.T @ (y - c @ full) / len(y))
        ),
        "summed, not averaged",
    ),
    ("10.3", lambda c, y, full, pull: full, "nothing has moved"),
    ("10.3", lambda c, y, full, pull: full + 1, "set the derivative to zero"),
    ("10.3", lambda c, y, full, pull: y, "expected a result of shape"),
    *(
        ("10.4", NEXT | {letter: word}, f"{letter}: ")
        for letter, right in NEXT.items()
        for word in ("wait", "intervene", "retrain", "fine_tune", "rollback")
        if word != right
    ),
    ("10.4", NEXT | {"B": "undo"}, "expected one of 'wait'"),
    ("10.5", lambda e, p, a, r: np.zeros(len(e), bool), "never rolls back"),
    ("10.5", lambda e, p, a, r: np.ones(len(e), bool), "undo each other"),
    ("10.5", lambda e, p, a, r: (e > 0.7) & (r > 10), "swaps a good version for a bad one"),
    ("10.5", lambda e, p, a, r: p < e, "of two errors is noise"),
    ("10.5", lambda e, p, a, r: p < 0.9 * e, "where every release is sound"),
    ("10.5", lambda e, p, a, r: p / e, "expected truths"),
    ("10.5", lambda e, p, a, r: p[0] < e[0], "expected 2 truths"),
    ("10.6", lambda full, without: interval(without, full), "the sign"),
    ("10.6", unpaired, "world by world first"),
    ("10.6", lambda full, without: interval(full, without, 1.96 * len(full) ** 0.5), "root of their number"),
    ("10.6", lambda full, without: interval(full, without, 1), "not 1"),
    ("10.6", lambda full, without: interval(full, without, 2), "not 2"),
    ("10.6", lambda full, without: interval(full, without, ddof=0), "ddof=1"),
    ("10.6", lambda full, without: interval(full, without)[:, [1, 0, 2]], "in this order"),
    ("10.6", lambda full, without: interval(full, without).T, "expected a result of shape (5, 3)"),
    ("10.6", lambda full, without: interval(full, without) + 1, "row by row"),
]


@pytest.mark.parametrize(("exercise", "answer", "hint"), WRONG)
def test_wrong_answers_get_their_hint(exercise, answer, hint):
    assert hint in hint_of(exercise, answer)


def stacked(columns, y, full, pull):
    """The same as rows of data that say: each weight is that of the full fit."""
    rows = np.vstack((columns, np.sqrt(pull) * np.eye(len(full))))
    return np.linalg.lstsq(rows, np.concatenate((y, np.sqrt(pull) * full)), rcond=None)[0]


RIGHTS = [
    ("10.1", lambda told: (int(one) for one in climbed(told))),
    ("10.2", generations()),
    ("10.3", stacked),
    ("10.4", {letter: word.upper() for letter, word in NEXT.items()}),
    ("10.4", {letter.lower(): Action[word.upper()] for letter, word in NEXT.items()}),
    ("10.5", lambda error, previous, age, rested: previous < 0.6 * error),
    ("10.5", lambda error, previous, age, rested: (age < 4) & (previous < error / 2)),
    ("10.6", lambda full, without: interval(full, without).tolist()),
]


@pytest.mark.parametrize(("exercise", "answer"), RIGHTS)
def test_right_answers_written_differently_pass(exercise, answer):
    verdict = check(exercise, answer)
    assert verdict, verdict.message


def test_the_lineage_of_a_played_episode_is_that_of_the_world():
    env = gym.make(OPS_ID, scenario="stationary")
    told = [env.reset(seed=0)[1]["version"]]
    plan = {0: Action.FINE_TUNE, 2: Action.RETRAIN, 6: Action.ROLLBACK, 7: Action.FINE_TUNE}
    told += [env.step(plan.get(cycle, Action.WAIT))[4]["version"] for cycle in range(10)]
    assert RIGHT.lineage_of(told) == [3, 1, 0]
    assert RIGHT.lineage_of(told[:7]) == [2, 1, 0]


def test_a_rule_on_top_that_never_rolls_back_changes_nothing():
    seeds, base = world_seeds("evaluation", 1, 8), policy("fine-tune")
    silent = WithRollback(base, lambda error, previous, age, rested: np.zeros(len(error), bool))
    alone, below = (evaluate(one, "bad-release", seeds, env=OPS_ID).terms for one in (base, silent))
    np.testing.assert_array_equal(alone, below)


def test_a_rule_on_top_sees_what_the_dashboard_says():
    seeds, seen = world_seeds("evaluation", 2, 8), []

    def watch(*columns):
        seen.append(np.array(columns))
        return np.zeros(8, bool)

    found = played(policy("fine-tune"), watch, "bad-release", seeds)
    assert (found.saved.value, found.share) == (0.0, 0.0)
    error, previous, age, rested = np.array(seen).transpose(1, 0, 2)
    assert (error > 0).all()
    assert (previous[0] > 1e3).all(), "there is no version before"
    assert (previous[-1] < 1e3).any()
    np.testing.assert_allclose(age[:3], np.repeat(np.arange(3)[:, None], 8, axis=1), atol=1e-5)
    assert (rested > 99.0).all()
