"""Exercises of lesson 6: policies that learn."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift.incline.observation import OBSERVE
from springdrift_agents.course import variants
from springdrift_agents.course.exercise import Case, Exercise, Wrong, called, choice, function, given, lone

Floats = NDArray[np.float64]
NEVER = -1.0  # stands for infinity, which cannot be compared with a tolerance

# ---------------------------------------------------------------- 6.1


def _stays_from(steps: Floats, costs: Floats, goal: float) -> float:
    above = np.flatnonzero(costs > goal)
    first = above[-1] + 1 if len(above) else 0
    return float(steps[first]) if first < len(steps) else NEVER


def _first_below(steps: Floats, costs: Floats, goal: float) -> float:
    return float(steps[np.argmax(costs <= goal)])


def _endless(found: Any) -> bool:
    return isinstance(found, (float, np.floating)) and bool(np.isposinf(found))


def _judge_steps_to(answer: Any) -> None:
    def reached(*arguments: Any) -> Any:
        found = lone(called(answer, *arguments))
        return NEVER if _endless(found) else found

    steps = np.arange(1.0, 9.0) * 2560.0
    curves = (
        (np.array([101.0, 40.0, 9.0, 7.5, 8.2, 7.6, 7.2, 7.1]), 7.7),
        (np.array([60.0, 7.7, 7.0, 6.9, 7.3, 30.0, 7.7, 7.2]), 7.7),
        (np.array([101.0, 80.0, 44.0, 26.0, 25.0, 26.0, 25.2, 24.9]), 26.0),
    )
    function(
        reached,
        [Case((steps, *curve), _stays_from(steps, *curve)) for curve in curves],
        mistakes={
            "that is where the curve first touches the goal: in one of the hidden curves it comes up again "
            "later, so nothing is learned for good at that point": _first_below,
            "that is the place in the array: return how many steps were done there, steps[place]": (
                lambda steps, costs, goal: np.flatnonzero(steps == _stays_from(steps, costs, goal))[0]
            ),
            "a cost equal to the goal reaches it too: at or below": (
                lambda steps, costs, goal: _stays_from(steps, costs, goal - 1e-9)
            ),
            "that is the last point above the goal: asked is the first of those after it": (
                lambda steps, costs, goal: steps[np.flatnonzero(costs > goal)[-1]]
            ),
        },
        hint="find the last point of the curve that lies above the goal: from the next point on it stays at "
        "or below; what if there is no such point, or if it is the last one?",
    )
    above = (np.full(8, 30.0), np.array([5.0] * 7 + [9.0]))
    for costs in above:
        if not _endless(lone(called(answer, steps, costs, 7.7))):
            raise Wrong(
                "a curve that ends above the goal has not reached it: return float('inf') for it, which is "
                "larger than every number of steps"
            )
    function(
        reached,
        [Case((steps, np.full(8, 5.0), 7.7), steps[0])],
        hint="a curve that is never above the goal is there from its first point on: return steps[0]",
    )


# ---------------------------------------------------------------- 6.2


_FEES = ((3.0, 0.6, 4, 0.97), (3.0, 0.6, 4, 0.8), (5.0, 0.4, 7, 0.9), (1.0, 2.0, 2, 0.5))


def _gain(fee: float, saving: float, latency: int, gamma: float) -> float:
    return -fee + saving * gamma**latency / (1.0 - gamma)


def _judge_gain(answer: Any) -> None:
    function(
        answer,
        [
            Case(arguments, _gain(*arguments))
            for arguments in (*_FEES, *variants.more("6.2", (0.5, 6.0), (0.1, 2.0), (1, 9), (0.4, 0.98)))
        ],
        within=1e-3,
        mistakes={
            "the fee is missing: it is paid now, so it counts in full": lambda f, s, n, g: _gain(
                0.0, s, n, g
            ),
            "the wait is missing: the first saving comes latency cycles from now and counts gamma**latency": (
                lambda f, s, n, g: _gain(f, s, 0, g)
            ),
            "one cycle too late: the first saving comes latency cycles from now, not latency + 1": (
                lambda f, s, n, g: _gain(f, s, n + 1, g)
            ),
            "the size is right, the sign is not: a gain is what is saved minus what is paid": (
                lambda f, s, n, g: -_gain(f, s, n, g)
            ),
            "the fee is paid now: do not discount it": lambda f, s, n, g: g**n * (-f + s / (1.0 - g)),
            "that counts the savings after the latency in full: each counts gamma times the one before; "
            "together they are worth saving / (1 - gamma) at the moment of the first": (
                lambda f, s, n, g: -f + s * g**n
            ),
            "only savings after the latency count: you added up those before it": (
                lambda f, s, n, g: -f + s * (1.0 - g**n) / (1.0 - g)
            ),
        },
        hint="a saving in every cycle from now on is worth saving * (1 + gamma + gamma**2 + ...) = "
        "saving / (1 - gamma); here it begins latency cycles later; then take off the fee",
    )


# ---------------------------------------------------------------- 6.3


def _remembered(memory: Floats, seen: Floats, start: Any) -> Floats:
    wide = seen.shape[1]
    kept = np.where(start[:, None], 0.0, memory[:, wide:])
    return np.concatenate((kept, seen), axis=1)


def _judge_remember(answer: Any) -> None:
    rng = np.random.default_rng(5)
    cases = []
    for count, frames, wide, begun in ((4, 3, 2, [0, 1, 0, 0]), (3, 4, 5, [1, 0, 1]), (2, 2, 3, [0, 0])):
        arguments = (
            rng.normal(size=(count, frames * wide)),
            rng.normal(size=(count, wide)),
            np.array(begun, np.bool_),
        )
        cases.append(Case(arguments, _remembered(*arguments)))

    def shifted(memory: Floats, seen: Floats, start: Any) -> Floats:
        return _remembered(memory, seen, np.zeros_like(start))

    function(
        answer,
        cases,
        within=1e-3,
        mistakes={
            "worlds that have just begun still remember the episode before: set old frames to 0": shifted,
            "you wiped the newest frame too: where an episode has begun, the observation itself stays": (
                lambda memory, seen, start: np.where(start[:, None], 0.0, shifted(memory, seen, start))
            ),
            "the newest frame is to come last: drop the first of the old ones and append": (
                lambda memory, seen, start: np.concatenate(
                    (seen, np.where(start[:, None], 0.0, memory[:, : -seen.shape[1]])), axis=1
                )
            ),
            "it is the oldest frame that is dropped: the columns at the front": (
                lambda memory, seen, start: np.concatenate(
                    (np.where(start[:, None], 0.0, memory[:, : -seen.shape[1]]), seen), axis=1
                )
            ),
            "you repeat the first observation in all frames of a world that has begun: zeros are asked for": (
                lambda memory, seen, start: np.where(
                    start[:, None],
                    np.tile(seen, memory.shape[1] // seen.shape[1]),
                    shifted(memory, seen, start),
                )
            ),
        },
        hint="with D = observation.shape[1]: take memory[:, D:], set the rows of worlds that have just begun "
        "to 0, and put the observation behind it (np.concatenate along axis 1)",
    )


# ---------------------------------------------------------------- 6.4

TRUTH = frozenset(sense.name for sense in OBSERVE["truth"])
DASHBOARD = frozenset(sense.name for sense in OBSERVE["monitor"])


def _judge_leaks(answer: Any) -> None:
    given(answer)
    flat = np.ndim(answer) > 0 if isinstance(answer, np.ndarray) else not isinstance(answer, str)
    if not flat or not isinstance(answer, Iterable):
        raise Wrong(f"expected a set of names, got {type(answer).__name__}")
    listed = [getattr(one, "name", one) for one in islice(answer, 1000)]
    names = {name for name in listed if isinstance(name, str)}
    if not all(isinstance(name, str) for name in listed):
        raise Wrong("expected a set of names: each a text such as 'swing'")
    strange = sorted(names - TRUTH)
    if strange:
        raise Wrong(f'{strange[0]!r:.60} is no column of observe="truth"')
    leaks = TRUTH - DASHBOARD
    if names == TRUTH:
        raise Wrong("most of these an operator does see: take away the columns of the dashboard")
    seen = sorted(names & DASHBOARD)
    if seen:
        raise Wrong(f"{seen[0]!r} is on the operator's dashboard: it is no leak")
    if "since_change" not in names and names:
        raise Wrong(
            "not all leaks are called true_...: ask of every other column whether an operator could know it"
        )
    if names != leaks:
        raise Wrong(
            f'{len(leaks)} columns are in observe="truth" and not on the dashboard, you name {len(names)}: '
            "a difference of two sets finds them all"
        )


# ---------------------------------------------------------------- 6.5


def _share(mixed: Floats, retrains: Floats) -> float:
    return float(mixed.sum() / retrains.sum())


def _mean_ratio(mixed: Floats, retrains: Floats) -> float:
    some = retrains > 0
    return float((mixed[some] / retrains[some]).mean())


def _judge_share(answer: Any) -> None:
    records = (
        (np.array([1.0, 0.0, 3.0, 0.0, 2.0]), np.array([1.0, 0.0, 9.0, 2.0, 2.0])),
        (np.array([0.0, 2.0, 0.0, 4.0]), np.array([5.0, 2.0, 0.0, 6.0])),
    )
    function(
        answer,
        [Case(record, _share(*record)) for record in records],
        within=1e-3,
        mistakes={
            "that is the mean of the episodes' shares: an episode with one retraining then weighs as much as "
            "one with nine. Count retrainings, not episodes": _mean_ratio,
            "that is the mean of the episodes' shares, with 0 where nobody retrained: count retrainings, not "
            "episodes": lambda mixed, retrains: (mixed / np.maximum(retrains, 1.0)).mean(),
            "that is how many mixed retrainings an episode has: asked is their share of all retrainings": (
                lambda mixed, retrains: mixed.mean()
            ),
            "that is the share of episodes with a mixed retraining: count retrainings": (
                lambda mixed, retrains: (mixed > 0).mean()
            ),
            "that is the share on clean windows": lambda mixed, retrains: 1.0 - _share(mixed, retrains),
        },
        hint="how many retrainings were there in all episodes, and how many of them on a mixed window? "
        "(nan comes from 0/0 in an episode without a retraining)",
    )
    zero = np.zeros(3)
    result = called(answer, zero, zero)
    result = int(result) if isinstance(result, (bool, np.bool_)) else result  # of `some and ...`
    function(
        lambda *_: result,
        [Case((zero, zero), 0.0)],
        hint="where nobody retrained in any episode, return 0.0 and not nan",
    )


# ---------------------------------------------------------------- 6.6

FILES = ("policy.zip", "policy.pkl", "policy.pt", "policy.safetensors")


def _judge_file(answer: Any) -> None:
    choice(
        answer,
        FILES,
        "policy.safetensors",
        {
            "policy.zip": "a zip of Stable-Baselines3 holds pickles, and a pickle is a program: it runs as "
            "it is opened",
            "policy.pkl": "a pickle is a program that builds objects: whoever wrote it decides what runs",
            "policy.pt": "torch.save writes pickles too. torch.load refuses most code today, but the format "
            "itself can hold it",
        },
    )


EXERCISES: tuple[Exercise, ...] = (
    Exercise("6.1", "steps_to", "When a curve has arrived", _judge_steps_to, 2),
    Exercise("6.2", "gain_of_retraining", "What patience is worth", _judge_gain, 2),
    Exercise("6.3", "remember", "A memory of frames", _judge_remember, 2),
    Exercise("6.4", "leaks", "Columns that no operator has", _judge_leaks, 1),
    Exercise("6.5", "share_mixed", "Retrainings on a mixed window", _judge_share, 2),
    Exercise("6.6", "safe_file", "A file from a stranger", _judge_file, 1),
)
