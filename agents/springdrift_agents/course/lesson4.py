"""Exercises of lesson 4: decisions and costs."""

from typing import Any

import numpy as np

from springdrift import THREE_ACTIONS, Costs
from springdrift_agents.course import variants
from springdrift_agents.course.exercise import (
    Case,
    Exercise,
    Wrong,
    array,
    function,
    given,
    number,
    option,
    reals,
    words,
)
from springdrift_agents.course.patience import judge_patient

# ---------------------------------------------------------------- 4.1

BREAK_EVEN = (Costs().intervene / Costs().swing) ** 0.5


def _judge_break_even(answer: Any) -> None:
    number(
        answer,
        BREAK_EVEN,
        mistakes={
            BREAK_EVEN**2: "that is the *square* of the deviation: what must be squared to give it?",
            100 * BREAK_EVEN: "give it as a share of the target, not in percent",
            1
            + BREAK_EVEN: "that is A/A*, the amplitude as a share of the target; asked is how far it is off",
            1
            - BREAK_EVEN: "that is A/A*, the amplitude as a share of the target; asked is how far it is off",
            (1 / Costs().swing) ** 0.5: "a push costs 0.6, not 1: look at the table of decisions again",
        },
        hint="a push costs 0.6 and a cycle of swing costs 3 times the squared deviation: for which deviation "
        "are the two equal?",
    )


# ---------------------------------------------------------------- 4.2


def _judge_clean_request(answer: Any) -> None:
    at = variants.given("4.2")["change"]
    known = {  # by request and go-live, counted from the change
        (0, 3): "at the change the window holds the old world alone: its six cycles lie before the change",
        (5, 8): f"in cycle {at + 5} the window holds the cycles {at - 1} to {at + 4}, and {at - 1} still "
        "belongs to the old world",
        (7, 10): "one cycle later than need be: which cycles does the window hold for a request in cycle "
        f"{at + 6}?",
        (6, 12): "the new model does not wait for the window again: it is live three cycles after the "
        "request",
        (6, 8): "in the cycle of the request training begins; count three cycles on from it, as in the text",
        (6, 10): "one too many: a request in cycle c is live from cycle c + 3 on",
        (3, 6): "after three cycles only half of the window is new: latency and window are two things",
    }
    said = reals(given(answer))
    if said.shape == (2,) and tuple((said - at).tolist()) in known:
        raise Wrong(known[tuple((said - at).tolist())])
    array(
        said,
        (at + 6, at + 9),
        within=1e-9,
        hint="write down the six cycles that a request in cycle c sees. The oldest of them must not lie "
        f"before cycle {at}. Then add the latency",
    )


# ---------------------------------------------------------------- 4.3

REMEDIES = {"A": "intervene", "B": "retrain", "C": "wait", "D": "wait", "E": "retrain"}
_WHY = {
    (
        "A",
        "wait",
    ): "A: the controller already pushes as hard as it can, and the swing still falls: it does not "
    "pass by itself",
    (
        "A",
        "retrain",
    ): "A: the forecast error is as small as that of a new model: what could a retraining improve?",
    (
        "B",
        "wait",
    ): "B: the error has been high for three cycles and the level has moved away: it does not pass",
    (
        "B",
        "intervene",
    ): "B: the swing is on its target: a push by hand has nothing to mend. What is wrong is the forecast",
    ("C", "intervene"): "C: the swing was never far off: there is nothing to push for",
    (
        "C",
        "retrain",
    ): "C: look at the newest error. Two cycles in the window are broken, and the model is not",
    ("D", "intervene"): "D: the swing is off, but in which direction does it move, and who brings it back?",
    ("D", "retrain"): "D: the forecast is right again: a new model would forecast the same",
    ("E", "wait"): "E: high error, no correlation, and the swing still falls: nothing of it is passing",
    (
        "E",
        "intervene",
    ): "E: one push helps for a cycle or two, and then the wrong forecast spoils the swing again",
}


def _judge_remedies(answer: Any) -> None:
    allowed = [name.lower() for name in THREE_ACTIONS.names]
    for letter, said in words(answer, list(REMEDIES), "letters and decisions").items():
        word = option(letter, said, allowed, numbered=True)
        if word != REMEDIES[letter]:
            raise Wrong(_WHY[letter, word])


# ---------------------------------------------------------------- 4.5

_PRICES = ((0.02, 9.0), (0.0082, 3.0), (0.5, 4.0), (1.3, 0.2))


def _calendar(slope: float, fee: float) -> float:
    return float(np.sqrt(2 * fee / slope))


def _judge_calendar(answer: Any) -> None:
    function(
        answer,
        [
            Case(price, _calendar(*price))
            for price in (*_PRICES, *variants.more("4.5", (0.005, 1.5), (0.2, 9.0)))
        ],
        mistakes={
            "the 2 is missing: the staleness of a period is the area of a *triangle*, a T²/2": (
                lambda slope, fee: np.sqrt(fee / slope)
            ),
            "the root is missing: where is the derivative of C/T + a T/2 zero?": lambda slope, fee: (
                2 * fee / slope
            ),
            "the two got swapped: a dearer retraining must make the period longer": (
                lambda slope, fee: np.sqrt(2 * slope / fee)
            ),
            "the two arguments got swapped: the slope comes first": (
                lambda slope, fee: np.sqrt(2 * slope / fee)
            ),
            "that is the lowest cost of a cycle, not the period that reaches it": (
                lambda slope, fee: np.sqrt(2 * slope * fee)
            ),
            "the 2 belongs over a, next to C: solve C/T² = a/2 for T once more": (
                lambda slope, fee: np.sqrt(fee / (2 * slope))
            ),
            "do not round: the formula is a real number, and the caller may round it": (
                lambda slope, fee: np.round(_calendar(slope, fee))
            ),
        },
        within=1e-3,
        hint="a cycle costs C/T + a T/2 on average: for which T is the derivative with respect to T zero?",
    )


# ---------------------------------------------------------------- 4.6


def _ages() -> list[Case]:
    rng = np.random.default_rng(46)
    cases = []
    for slope, level, count in ((0.01, 0.0, 30), (0.4, 1.5, 12), (2.0, 0.2, 50)):
        age = np.sort(rng.uniform(0.5, 40.0, count))
        cost = level + slope * age * rng.gamma(8.0, 1 / 8, count)
        cases.append(Case((age, cost), float((age * cost).sum() / (age**2).sum())))
    return cases


def _judge_slope(answer: Any) -> None:
    function(
        answer,
        _ages(),
        within=1e-4,
        mistakes={
            "that line has an intercept of its own (as np.polyfit gives it): ours goes through the origin": (
                lambda age, cost: np.polyfit(age, cost, 1)[0]
            ),
            "that is the mean of the ratios c/t, which listens too much to the youngest ages. Minimise the "
            "sum of squares": lambda age, cost: (cost / age).mean(),
            "that is the ratio of the means: close, but it is not where the sum of squares is smallest": (
                lambda age, cost: cost.mean() / age.mean()
            ),
            "that takes the first and the last point only: use all of them": (
                lambda age, cost: (cost[-1] - cost[0]) / (age[-1] - age[0])
            ),
            "upside down: that fits t = a c": lambda age, cost: (age * cost).sum() / (cost**2).sum(),
        },
        hint="the derivative of the sum of (c - a t)² with respect to a is -2 times the sum of t (c - a t): "
        "set it to zero and solve for a",
    )
    age = np.array([0.0, 1.0, 2.0])
    function(
        answer,
        [Case((age, np.array([0.0, 3.0, 4.0])), 2.2)],
        within=1e-4,
        hint="with an age of 0 among the ages it goes wrong: do not divide by each age",
    )


EXERCISES: tuple[Exercise, ...] = (
    Exercise("4.1", "break_even_swing", "When a push is worth its price", _judge_break_even, 1),
    Exercise("4.2", "clean_request", "A clean window", _judge_clean_request, 1),
    Exercise("4.3", "remedies", "Five dashboards", _judge_remedies, 2),
    Exercise("4.4", "PatientRule", "A patient rule", judge_patient, 3),
    Exercise("4.5", "best_calendar", "The best calendar", _judge_calendar, 1),
    Exercise("4.6", "staleness_slope", "The slope of staleness", _judge_slope, 2),
)
