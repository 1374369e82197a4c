"""Exercises of lesson 10: versions, rollback and fine-tuning."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift import FIVE_ACTIONS
from springdrift_agents.course import variants
from springdrift_agents.course.databases import hidden_versions
from springdrift_agents.course.exercise import Case, Exercise, Wrong, function, option, words
from springdrift_agents.course.queries import query
from springdrift_agents.course.rollbacks import judge_roll_back

Floats = NDArray[np.float64]
Told = list[dict[str, float]]

# ---------------------------------------------------------------- 10.1


def _told(parents: Sequence[int], served: Sequence[int]) -> Told:
    """What ``info["version"]`` says of versions with these parents that are in service in this order."""
    return [{"number": float(n), "parent": float(parents[n]), "served": 1.0} for n in served]


def _lineage(told: Told, first: int | None = None) -> list[float]:
    parent = {one["number"]: one["parent"] for one in told}
    chain = [told[-1]["number"] if first is None else float(first)]
    while parent[chain[-1]] >= 0:
        chain.append(parent[chain[-1]])
    return chain


def _judge_lineage(answer: Any) -> None:
    histories = [
        ((-1, 0, 1, 1, 3, 0), (0, 0, 1, 1, 2, 1, 3, 3, 4, 4, 3, 0, 5, 5, 4, 4)),
        ((-1, 0, 0, 2, 3, 3, 5, 6), (0, 1, 0, 2, 2, 3, 4, 3, 5, 5, 6, 7, 7, 6)),
        ((-1, 0, 1), (0, 0, 1, 2, 1, 0)),
    ]
    tests = [_told(*history) for history in histories]
    function(
        answer,
        [Case((told,), _lineage(told)) for told in tests],
        within=1e-9,
        mistakes={
            "the parent of a version is not the number below it: after a rollback the next one descends "
            "from the version that was put back": lambda told: np.arange(told[-1]["number"], -1, -1),
            "begin with the version in service in the last cycle, which need not be the newest": (
                lambda told: _lineage(told, int(max(one["number"] for one in told)))
            ),
            "the other way round: the version in service comes first": lambda told: _lineage(told)[::-1],
            "the version in service belongs to its lineage, too": lambda told: _lineage(told)[1:],
            "-1 is no version: it says that there is no parent": lambda told: [*_lineage(told), -1.0],
            "that is every version that ever served; asked are the ancestors of the last one": (
                lambda told: list(dict.fromkeys(one["number"] for one in told[::-1]))
            ),
        },
        hint='note parent[number] for each version in told; begin with told[-1]["number"] and go from '
        "parent to parent, until the parent is -1",
    )


# ---------------------------------------------------------------- 10.2

_TUNED = "v.kind = 'fine-tuned'"


def _generations(
    *,
    base: str = "kind <> 'fine-tuned'",
    step: str = f"v.episode = g.episode AND v.parent = g.version WHERE {_TUNED}",
    first: int = 0,
    join: str = "g.episode = m.episode AND g.version = m.model_version",
    count: str = "count(*)",
    what: str = "avg(m.error)",
    order: str = "1",
) -> str:
    return (
        "WITH RECURSIVE generations(episode, version, generation) AS ("
        f"SELECT episode, version, {first} FROM model_versions WHERE {base} UNION ALL "
        f"SELECT v.episode, v.version, g.generation + 1 FROM model_versions v JOIN generations g ON {step}) "
        f"SELECT generation, {count}, {what} FROM measurements m JOIN generations g ON {join} "
        f"GROUP BY generation ORDER BY {order}"
    )


def _judge_generations(answer: Any) -> None:
    query(
        answer,
        _generations(),
        hidden_versions,
        columns={
            "error": "error is a column of measurements: join it with your generations",
            "generation": "no table has a generation: it is what your recursion counts",
            "version": "measurements call it model_version",
        },
        mistakes={
            _generations(base="parent IS NULL", step="v.episode = g.episode AND v.parent = g.version"): (
                "you count all versions since the commissioned one; a retraining starts anew with 0"
            ),
            _generations(step="v.episode = g.episode AND v.parent = g.version"): (
                "a retrained version is counted twice, as one that starts anew and as a child: the step of "
                "the recursion takes fine-tuned versions alone"
            ),
            _generations(step=f"v.parent = g.version WHERE {_TUNED}"): (
                "each episode has a version of that number: in the step, take the parent of the same episode"
            ),
            _generations(join="g.version = m.model_version"): (
                "each episode has a version of that number: join the measurements by episode and version"
            ),
            _generations(first=1): "a version that was not fine-tuned has generation 0",
            _generations(step=f"v.episode = g.episode AND v.version = g.version + 1 WHERE {_TUNED}"): (
                "the parent is not the version before by number: see the column parent"
            ),
            _generations(count="count(DISTINCT m.episode || '.' || m.model_version)"): (
                "that counts versions; the cycles are the rows of measurements"
            ),
            _generations(what="sum(m.error)"): "that is the sum of the errors: take the mean",
            _generations(what="max(m.error)"): "that is the largest error: take the mean",
            _generations(order="1 DESC"): "generation 0 comes first",
            "SELECT kind = 'fine-tuned', count(*), avg(error) FROM measurements m JOIN model_versions v ON "
            "v.episode = m.episode AND v.version = m.model_version GROUP BY 1 ORDER BY 1": (
                "that tells fine-tuned versions from others, but not how many fine-tunings lie behind them"
            ),
        },
        hint="begin with the versions whose kind is not 'fine-tuned', as generation 0; in the step, join "
        "model_versions with what was found by episode and parent, where the child is 'fine-tuned', and add "
        "1; then join measurements by episode and version, and GROUP BY generation",
    )


# ---------------------------------------------------------------- 10.3


def _fitted(columns: Floats, y: Floats, pull: float = 0.0) -> Floats:
    inner = columns.T @ columns + pull * np.eye(columns.shape[1])
    return np.asarray(np.linalg.solve(inner, columns.T @ y), np.float64)


def _fine_tuned(columns: Floats, y: Floats, full: Floats, pull: float) -> Floats:
    return full + _fitted(columns, y - columns @ full, pull)


def _fits() -> list[tuple[Any, ...]]:
    sizes = ((12, 3, 2.0), (8, 2, 30.0), (40, 5, 0.7))
    sizes += tuple((20, 3, pull) for (pull,) in variants.more("10.3", (0.5, 40.0)))
    tests = []
    for place, (count, width, pull) in enumerate(sizes):
        rng = np.random.default_rng(1030 + place)
        columns = rng.normal(0.0, 1.0, (count, width))
        full = rng.normal(0.0, 1.0, width)
        y = columns @ (full + rng.normal(0.0, 0.5, width)) + rng.normal(0.0, 0.3, count)
        tests.append((columns, y, full, pull))
    return tests


def _judge_fine_tune(answer: Any) -> None:
    function(
        answer,
        [Case(test, _fine_tuned(*test)) for test in _fits()],
        within=1e-4,
        mistakes={
            "that is a fit on the newest data alone: where is the pull?": lambda c, y, full, pull: _fitted(
                c, y
            ),
            "that pulls the weights toward 0: fit what `full` leaves over, y - columns @ full; add `full`": (
                lambda c, y, full, pull: _fitted(c, y, pull)
            ),
            "that is how far the weights move: add `full`": (
                lambda c, y, full, pull: _fitted(c, y - c @ full, pull)
            ),
            "you add `full` to a fit of y itself: fit what `full` leaves over, y - columns @ full": (
                lambda c, y, full, pull: full + _fitted(c, y, pull)
            ),
            "the sign of the pull: it drives the weights away from `full`": (
                lambda c, y, full, pull: _fitted(c, y - c @ full, -pull) + full
            ),
            "an average of two fits is not the minimum of that sum: each weight moves as far as its data are "
            "worth": lambda c, y, full, pull: (_fitted(c, y) + pull * full) / (1 + pull),
            "the pull is not squared": lambda c, y, full, pull: _fine_tuned(c, y, full, pull**2),
            "the errors are summed, not averaged: do not divide by their number": (
                lambda c, y, full, pull: _fine_tuned(c, y, full, pull * len(y))
            ),
            "nothing has moved: these are the weights of the full fit": lambda c, y, full, pull: full,
        },
        hint="set the derivative to zero: with w = full + d, (X'X + pull I) d = X'(y - X full), which "
        "np.linalg.solve does; return full + d",
    )


# ---------------------------------------------------------------- 10.4

# dashboards of the lesson, and what costs least in each: see tests/test_course_lesson10.py
NEXT = {"A": "retrain", "B": "rollback", "C": "wait", "D": "fine_tune", "E": "intervene"}
_FEW = "A: it was fine-tuned three cycles ago and still errs by 0.6: "
_TRIED = "B: the version before errs by 0.07 in the same cycles: "
_SENSOR = (
    "C: in one cycle both versions err as never before, and the correlation is gone: that is the sensor. "
)
_LEVEL = "D: the forecast is off, and the shape is right (the correlation is high): "
_WEAK = "E: the forecast is right, the controller pushes as hard as it can, and the swing falls: "
_WHY = {
    ("A", "wait"): f"{_FEW}that does not pass by itself",
    ("A", "intervene"): f"{_FEW}the swing is on its target, what is wrong is the forecast",
    ("A", "fine_tune"): f"{_FEW}another patch would lean on the same old fit; what would not?",
    ("A", "rollback"): f"{_FEW}the version before is worse by far",
    ("B", "wait"): f"{_TRIED}each cycle of waiting costs, and somebody better is at hand",
    ("B", "intervene"): f"{_TRIED}the swing is hardly off; who serves is the question",
    ("B", "retrain"): f"{_TRIED}three cycles and a price of 3 for what is there already",
    ("B", "fine_tune"): f"{_TRIED}a patch is fitted on few cycles; that version is known to be good",
    ("C", "intervene"): f"{_SENSOR}The swing is fine",
    ("C", "retrain"): f"{_SENSOR}A model fitted on it would learn the fault",
    ("C", "fine_tune"): f"{_SENSOR}Of the three cycles that a fine-tuning sees it would be a third",
    ("C", "rollback"): f"{_SENSOR}Before it the version in service was the better one",
    ("D", "wait"): f"{_LEVEL}it was so in the cycle before, and it does not pass",
    ("D", "intervene"): f"{_LEVEL}the swing is on its target: there is nothing to push for",
    ("D", "retrain"): f"{_LEVEL}only the level has moved, and for that there is a cheaper and quicker remedy",
    ("D", "rollback"): f"{_LEVEL}no other version has served yet",
    ("E", "wait"): f"{_WEAK}it does not pass by itself",
    ("E", "retrain"): f"{_WEAK}no model can push harder",
    ("E", "fine_tune"): f"{_WEAK}no model can push harder",
    ("E", "rollback"): f"{_WEAK}no other version has served yet",
}


def _judge_next(answer: Any) -> None:
    allowed = [name.lower() for name in FIVE_ACTIONS.names]
    for letter, said in words(answer, list(NEXT), "letters and decisions").items():
        word = option(letter, said, allowed, numbered=True)
        if word != NEXT[letter]:
            raise Wrong(_WHY[letter, word])


# ---------------------------------------------------------------- 10.6


def _worth(full: Floats, without: Floats, times: float = 1.96, ddof: int = 1) -> Floats:
    extra = without - full
    half = times * extra.std(axis=1, ddof=ddof) / np.sqrt(extra.shape[1])
    return np.column_stack((extra.mean(axis=1), extra.mean(axis=1) - half, extra.mean(axis=1) + half))


def _unpaired(full: Floats, without: Floats) -> Floats:
    extra = without.mean(axis=1) - full.mean()
    half = 1.96 * np.hypot(without.std(axis=1, ddof=1), full.std(ddof=1)) / np.sqrt(len(full))
    return np.column_stack((extra, extra - half, extra + half))


def _judge_worth(answer: Any) -> None:
    tests = []
    for seed, worlds in ((1061, 25), (1062, 12), (1063, 60)):
        rng = np.random.default_rng(seed)
        full = 30.0 + rng.gamma(2.0, 6.0, worlds)
        without = full + rng.normal(rng.uniform(-1.0, 6.0, (5, 1)), 2.5, (5, worlds))
        tests.append((full, without))
    function(
        answer,
        [Case(test, _worth(*test)) for test in tests],
        within=1e-3,
        mistakes={
            "the sign: a decision is worth what the rule costs *more* without it": (
                lambda full, without: _worth(without, full)
            ),
            "all rules met the same worlds: take the differences world by world first (lesson 7)": _unpaired,
            "the spread of the worlds is not the error of the mean: divide by the root of their number": (
                lambda full, without: _worth(full, without, 1.96 * np.sqrt(len(full)))
            ),
            "the interval reaches 1.96 standard errors to each side, not 1": (
                lambda full, without: _worth(full, without, 1.0)
            ),
            "the interval reaches 1.96 standard errors to each side, not 2": (
                lambda full, without: _worth(full, without, 2.0)
            ),
            "the standard deviation of a sample has n - 1 below: ddof=1": (
                lambda full, without: _worth(full, without, ddof=0)
            ),
            "the columns are mean, low, high, in this order": (
                lambda full, without: _worth(full, without)[:, [1, 0, 2]]
            ),
        },
        hint="extra = without - full, row by row; the mean of a row, and 1.96 * extra.std(axis=1, ddof=1) / "
        "sqrt(worlds) to each side of it; np.column_stack puts the three columns together",
    )


EXERCISES: tuple[Exercise, ...] = (
    Exercise("10.1", "lineage_of", "Where a version comes from", _judge_lineage, 1),
    Exercise("10.2", "error_by_generation", "Copies of copies", _judge_generations, 3),
    Exercise("10.3", "fine_tune", "A fit that leans", _judge_fine_tune, 2),
    Exercise("10.4", "next_decision", "Five dashboards, five decisions", _judge_next, 2),
    Exercise("10.5", "roll_back", "When to go back", judge_roll_back, 2),
    Exercise("10.6", "worth_of", "What a decision is worth", _judge_worth, 2),
)
