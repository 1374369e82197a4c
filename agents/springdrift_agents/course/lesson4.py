"""Exercises of lesson 4: decisions and costs."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift import OBS, THREE_ACTIONS, Action, Costs
from springdrift_agents.course import variants
from springdrift_agents.course.exercise import (
    Case,
    Exercise,
    Unanswered,
    Wrong,
    array,
    called,
    function,
    given,
    number,
    option,
    reals,
    words,
)
from springdrift_agents.policies.rules import error_of, sense

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


# ---------------------------------------------------------------- 4.4

Floats = NDArray[np.floating[Any]]
PATIENCE = 6


def _patient(
    rows: Floats,
    count: NDArray[np.int64],
    *,
    patience: int = PATIENCE,
    read: Callable[[Any], Any] = error_of,
    gauge: str = "error_fast",
    forgives: bool = True,
    flies: bool = True,
    restarts: bool = True,
    both_sides: bool = True,
    push_first: bool = False,
) -> NDArray[np.int64]:
    """The rule of exercise 4.4, or one with a fault, on dashboards (n, 18); updates ``count`` (n,)."""
    high = read(sense(rows, gauge).astype(np.float64)) > 0.7
    idle = sense(rows, "in_flight") == 0
    up = high & idle if flies else high
    count[:] = np.where(up, count + 1, 0 if forgives else count)
    ask = count >= patience
    if restarts:
        count[ask] = 0
    swing = sense(rows, "swing")
    off = np.abs(swing) > 0.4 if both_sides else swing < -0.4
    if push_first:
        return np.where(off, Action.INTERVENE, np.where(ask, Action.RETRAIN, Action.WAIT))
    return np.where(ask, Action.RETRAIN, np.where(off, Action.INTERVENE, Action.WAIT))


def _stream(seed: int, machines: int = 4, cycles: int = 36) -> Floats:
    """Dashboards (cycles, machines, 18) in which long and short troubles come and go.

    Requests of machine 2 get lost: no training follows. Its error is for a time so high that it is beyond
    0.7 even on the gauge's own scale, long enough for a rule that forgets error_of to retrain.
    """
    rng = np.random.default_rng(seed)
    rows = rng.uniform(-0.3, 0.3, (cycles, machines, len(OBS))).astype(np.float32)
    rows[..., OBS.index("in_flight")] = 0.0
    for machine in range(machines):
        error, now = rng.uniform(0.05, 0.5, (2, cycles))
        begin = 2 + machine
        for length in ((9, 4, 7), (5, 8, 6), (16, 3, 3), (3, 3, 12))[machine % 4]:
            error[begin : begin + length] = rng.uniform(0.9, 1.3, length)
            now[begin + 1 : begin + length + 2] = 1.0
            begin += length + 1
        if machine == 2:
            error[6:14] = 2.0
        for gauge, values in (("error_fast", error), ("error", now)):
            rows[:, machine, OBS.index(gauge)] = (values - 0.25) / (values + 0.25)
        swing = rng.uniform(-0.9, 0.9, cycles)
        swing[np.abs(np.abs(swing) - 0.4) < 0.05] = 0.1
        rows[:, machine, OBS.index("swing")] = swing
    count = np.zeros(machines, np.int64)
    flight = np.zeros(machines)
    for row in rows:
        row[:, OBS.index("in_flight")] = flight / 4
        asked = _patient(row, count) == Action.RETRAIN
        flight = np.where(asked, 3, np.maximum(flight - 1, 0)) * (np.arange(machines) != 2)
    return rows


_FAULTS: dict[str, Callable[..., NDArray[np.int64]]] = {
    "your rule never retrains: does your counter come back in `state`? Return it as the memory, and go on "
    "from it in the next cycle": partial(_patient, patience=10**6),
    "you compare the gauge itself with 0.7. It is scaled: error_of turns it back into an error": partial(
        _patient, read=lambda scaled: scaled
    ),
    "you read `error`, the error of one cycle. Asked is `error_fast`, its average over about three": partial(
        _patient, gauge="error"
    ),
    "you retrain in the first cycle of a high error: count to 6 first, so that the window is clean": partial(
        _patient, patience=1
    ),
    "one cycle too early: RETRAIN when the counter reaches 6, with this cycle counted": partial(
        _patient, patience=5
    ),
    "one cycle too late: RETRAIN when the counter reaches 6, with this cycle counted": partial(
        _patient, patience=7
    ),
    "the six cycles must follow one another: when the error is not high, the counter goes back to 0": partial(
        _patient, forgives=False
    ),
    "while a model is in training (in_flight above 0) the counter stays at 0": partial(_patient, flies=False),
    "the swing can be too large as well: look at its size, not its sign": partial(_patient, both_sides=False),
    "retraining comes first: push by hand only if you do not retrain": partial(_patient, push_first=True),
    "you push when the error is high, or wait when the swing is off: look at rule 3 again": (
        lambda rows, count: np.where(
            _patient(rows, count) == Action.RETRAIN, Action.RETRAIN, np.full(len(rows), Action.WAIT)
        )
    ),
}


def _play(decide: Callable[[Floats, Any], tuple[Any, Any]], stream: Floats) -> NDArray[np.int64]:
    """Decisions (cycles, n) of a rule along a stream."""
    state: Any = None
    decisions = []
    for row in stream:
        actions, state = decide(row, state)
        decisions.append(actions)
    return np.array(decisions)


def _judge_patient(answer: Any) -> None:
    given(answer)
    rule = called(answer) if callable(answer) else answer
    if not hasattr(rule, "predict"):
        raise Wrong("PatientRule needs a method named predict")

    def predict(rows: Any, state: Any, start: Any = None) -> tuple[Any, Any]:
        def ask(observation: Any) -> Any:
            found = rule.predict(observation, state=state, episode_start=start, deterministic=True)
            if found is None or found is ...:
                raise Unanswered(
                    "there is no answer yet: predict returns nothing (does it end with a return?)"
                )
            return found

        result = called(ask, rows)
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise Wrong("predict returns two things: the decisions, and the memory that it wants back")
        try:
            actions = np.asarray(result[0])
        except ValueError:
            raise Wrong("the decisions must be one whole number for each machine") from None
        if actions.shape != rows.shape[:-1]:
            raise Wrong(
                f"for dashboards of shape {rows.shape} the decisions must have shape {rows.shape[:-1]}, "
                f"yours have {actions.shape}"
            )
        if actions.dtype.kind not in "iu":
            raise Wrong(f"decisions are whole numbers (WAIT, INTERVENE, RETRAIN), yours are {actions.dtype}")
        return actions, result[1]

    stream, other = _stream(1), _stream(2, machines=3)
    mine = _play(predict, stream)
    right = _reference(_patient, stream)
    if not np.array_equal(mine, right):
        if _right_with_starts(predict, stream, right):
            raise Wrong(
                "episode_start may be None, which says that no machine starts anew: ask for that first. "
                "count[None] = 0 sets every counter to 0"
            )
        raise Wrong(_fault_of(mine, stream, right))
    short = (stream[:18], other[:18])
    woven = _woven(predict, *short)
    if not all(np.array_equal(a, _reference(_patient, b)) for a, b in zip(woven, short, strict=True)):
        raise Wrong(
            "two fleets of machines, asked in turn, get in each other's way: the counters must travel in "
            "`state` and nowhere else (not in self, not in a global name)"
        )
    _judge_new_episode(predict)
    single = _play(predict, stream[:18, 0])
    if not np.array_equal(single, right[:18, 0]):
        raise Wrong("for a single dashboard, shape (18,), the decisions differ from those in a batch")


def _reference(rule: Callable[..., NDArray[np.int64]], stream: Floats) -> NDArray[np.int64]:
    count = np.zeros(stream.shape[1], np.int64)
    return np.array([rule(row, count) for row in stream])


def _right_with_starts(predict: Callable[..., Any], stream: Floats, right: NDArray[np.int64]) -> bool:
    """Whether the decisions are right when episode_start is never None."""
    none = np.zeros(stream.shape[1], np.bool_)
    try:
        return np.array_equal(_play(lambda row, state: predict(row, state, none), stream), right)
    except Wrong:
        return False


def _woven(predict: Callable[..., Any], *streams: Floats) -> list[NDArray[np.int64]]:
    """Decisions along several streams that are asked in turn."""
    states: list[Any] = [None] * len(streams)
    found: list[list[Any]] = [[] for _ in streams]
    for cycle in range(len(streams[0])):
        for place, stream in enumerate(streams):
            actions, states[place] = predict(stream[cycle], states[place])
            found[place].append(actions)
    return [np.array(each) for each in found]


def _judge_new_episode(predict: Callable[..., Any]) -> None:
    """The memory of machines that start anew is void, and that of the others is not."""
    row = np.zeros((2, len(OBS)), np.float32)
    row[:, OBS.index("error_fast")] = 0.8
    state: Any = None
    for _ in range(PATIENCE - 1):
        _, state = predict(row, state, np.zeros(2, np.bool_))
    actions, _ = predict(row, state, np.array([False, True]))
    if actions[0] != Action.RETRAIN:
        raise Wrong("an episode_start of one machine made another one forget its counter")
    if actions[1] != Action.WAIT:
        raise Wrong(
            "a machine that starts a new episode (episode_start) still has its old counter: set it to 0 first"
        )


def _fault_of(mine: NDArray[np.int64], stream: Floats, right: NDArray[np.int64]) -> str:
    """The hint for decisions that are not the right ones."""
    for why, fault in _FAULTS.items():
        if np.array_equal(mine, _reference(fault, stream)):
            return why
    cycle, machine = map(int, np.argwhere(mine != right)[0])
    error = error_of(float(stream[cycle, machine, OBS.index("error_fast")]))
    swing = float(stream[cycle, machine, OBS.index("swing")])
    names = list(THREE_ACTIONS.names)
    said = int(mine[cycle, machine])
    return (
        f"in cycle {cycle} of a test, with error {error:.4f} and swing {swing:.4f}, you decide "
        f"{names[said] if 0 <= said < 3 else said}, not {names[right[cycle, machine]]}: follow the three "
        "rules by hand up to there"
    )


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
    Exercise("4.4", "PatientRule", "A patient rule", _judge_patient, 3),
    Exercise("4.5", "best_calendar", "The best calendar", _judge_calendar, 1),
    Exercise("4.6", "staleness_slope", "The slope of staleness", _judge_slope, 2),
)
