"""Judging exercise 4.4: a rule whose memory travels in ``state``, played on streams of dashboards."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift import OBS, THREE_ACTIONS, Action
from springdrift_agents.course.exercise import Unanswered, Wrong, called, given
from springdrift_agents.policies.rules import error_of, sense

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


def judge_patient(answer: Any) -> None:
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
