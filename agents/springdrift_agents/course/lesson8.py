"""Exercises of lesson 8: respecting time."""

from collections.abc import Callable
from math import ceil, floor, log, log2, log10, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift import THREE_ACTIONS
from springdrift_agents.course import variants
from springdrift_agents.course.exercise import Case, Exercise, Wrong, function, option, words

Floats = NDArray[np.float64]

# ---------------------------------------------------------------- 8.1


def _gathered(
    waiting: float, excess: float, latency: int, deadline: int, cost: Callable[..., float] | None = None
) -> int:
    """The number of cycles of data that costs least, by trying all."""

    def bill(n: int) -> float:
        return waiting * (n + latency) + (deadline - n - latency) * excess / n

    chosen = cost or bill
    return min(range(1, deadline - latency + 1), key=lambda n: (chosen(n), n))


_PROOFS = (
    (1.0, 6.0, 8, 60),
    (0.5, 20.0, 30, 120),
    (2.0, 3.0, 12, 40),
    (0.3, 50.0, 10, 45),
    (4.0, 0.5, 2, 12),
)


def _judge_gathered(answer: Any) -> None:
    function(
        answer,
        [Case(proof, _gathered(*proof)) for proof in _PROOFS],
        within=1e-9,
        mistakes={
            "that is the place in the list of bills, which begins with 0; the first bill is that of n = 1: "
            "add 1": lambda w, e, lag, end: _gathered(w, e, lag, end) - 1,
            "where is the latency? The model runs for deadline - n - latency cycles": (
                lambda w, e, lag, end: _gathered(w, e, lag, end, lambda n: w * n + (end - n) * e / n)
            ),
            "that is the lowest bill itself: asked is the n that reaches it": (
                lambda w, e, lag, end: (
                    w * (_gathered(w, e, lag, end) + lag)
                    + (end - _gathered(w, e, lag, end) - lag) * e / _gathered(w, e, lag, end)
                )
            ),
            "n cycles of data make the excess n times *smaller*: divide by n": (
                lambda w, e, lag, end: _gathered(
                    w, e, lag, end, lambda n: w * (n + lag) + (end - n - lag) * e * n
                )
            ),
            "gathering has its price, too: each cycle without a model costs `waiting`": (
                lambda w, e, lag, end: _gathered(w, e, lag, end, lambda n: (end - n - lag) * e / n)
            ),
            "the square root may be larger than deadline - latency, and so many cycles there are not": (
                lambda w, e, lag, end: round(sqrt(e * (end - lag) / w))
            ),
            "where is the latency in the square root? And n cannot be more than deadline - latency": (
                lambda w, e, lag, end: round(sqrt(e * end / w))
            ),
        },
        hint="write the bill as a function of n: waiting * (n + latency), and then deadline - n - latency "
        "cycles at excess / n each. Compute it for n = 1, 2, ... deadline - latency and return the n with "
        "the lowest bill",
    )


# ---------------------------------------------------------------- 8.2


def _break_even(saving: float, fee: float, latency: int) -> int:
    return floor(latency + fee / saving) + 1


_OFFERS = ((1.0, 3.0, 3), (0.8, 3.0, 3), (0.25, 5.0, 6), (2.0, 3.0, 1), (0.7, 0.5, 12))


def _judge_break_even(answer: Any) -> None:
    function(
        answer,
        [
            Case(offer, _break_even(*offer))
            for offer in (*_OFFERS, *variants.more("8.2", (0.2, 2.0), (0.5, 6.0), (1, 12)))
        ],
        within=1e-9,
        mistakes={
            "with that many cycles left it only gets its fee back: it pays from one cycle more on": (
                lambda saving, fee, latency: ceil(latency + fee / saving)
            ),
            "during the latency the old model still runs: only n - latency cycles save anything": (
                lambda saving, fee, latency: floor(fee / saving) + 1
            ),
            "the number of cycles is whole: with how many left does it pay for the first time?": (
                lambda saving, fee, latency: latency + fee / saving
            ),
            "the latency costs time, not money: it belongs to the cycles, outside the division": (
                lambda saving, fee, latency: floor((fee + latency) / saving) + 1
            ),
        },
        hint="with n cycles left it saves saving * (n - latency) and costs fee: what is the smallest whole n "
        "for which the saving is larger than the fee?",
    )


# ---------------------------------------------------------------- 8.3


def _slot(request: int, latency: int, every: int) -> int:
    return -(-(request + latency) // every) * every


_REQUESTS = ((27, 3, 10), (28, 3, 10), (21, 3, 10), (33, 12, 10), (5, 1, 7), (41, 9, 25))


def _judge_slot(answer: Any) -> None:
    function(
        answer,
        [
            Case(request, _slot(*request))
            for request in (*_REQUESTS, *variants.more("8.3", (5, 60), (1, 12), (5, 25)))
        ],
        within=1e-9,
        mistakes={
            "that slot is over when the model is ready: it leaves with the next one, so round *up*": (
                lambda request, latency, every: (request + latency) // every * every
            ),
            "a model that is ready just in time for a slot takes it: 27 + 3 is 30, and it is live from 30": (
                lambda request, latency, every: ((request + latency) // every + 1) * every
            ),
            "the training takes time: the model is ready only in cycle request + latency": (
                lambda request, latency, every: -(-request // every) * every
            ),
            "that is the cycle in which the model is ready: it must wait for a slot": (
                lambda request, latency, every: request + latency
            ),
            "the latency comes before the slot, not after it: first the training ends, then a slot opens": (
                lambda request, latency, every: -(-request // every) * every + latency
            ),
            "rounding to the *nearest* slot sometimes goes back in time: round up": (
                lambda request, latency, every: round((request + latency) / every) * every
            ),
        },
        hint="the model is ready in cycle request + latency; it is live from the first multiple of `every` "
        "that is not earlier than that",
    )


# ---------------------------------------------------------------- 8.4

CURES = {
    "gradual": "retrain",
    "tilt": "retrain",
    "wear": "intervene",
    "fade": "intervene",
    "driver": "wait",
    "chaos": "wait",
}
_WHY = {
    "gradual": "gradual: the spring is another one than the model learned. Who can learn it?",
    "tilt": "tilt: the middle of the swing moves away from where the model expects it. Is that in its reach?",
    "wear": "wear: the forecast stays right; the magnet's usual push no longer makes up for the friction",
    "fade": "fade: the forecast stays right; the magnet has become too weak for the controller's usual push",
    "driver": "driver: the force has a rhythm of its own, unknown to the model, and it goes as it came",
    "chaos": "chaos: the model cannot forecast it, old or new, and a push by hand needs a swing to push",
}


def _judge_cures(answer: Any) -> None:
    allowed = [name.lower() for name in THREE_ACTIONS.names]
    for name, said in words(answer, list(CURES), "scenarios and decisions").items():
        if option(name, said, allowed, numbered=True) != CURES[name]:
            raise Wrong(_WHY[name])


# ---------------------------------------------------------------- 8.5


def _pairs(seed: int, rate: float, pairs: int = 30, steps: int = 120) -> tuple[Floats, Floats, float]:
    """Times, distances (pairs, steps) that grow unevenly up to the largest there is, and a ceiling."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0.0, 24.0 / rate, steps)
    own = rate * (1 + 0.25 * rng.normal(size=(pairs, 1)))
    wobble = np.cumsum(rng.normal(0, 0.15, (pairs, steps)), axis=1)
    grown = np.exp(np.log(1e-7) + own * t + wobble)
    return t, grown / (1.0 + grown), 1e-2


def _exponent(
    t: Floats,
    distances: Floats,
    ceiling: float,
    *,
    logarithm: Callable[[Any], Any] = np.log,
    mean_first: bool = False,
    whole: bool = False,
) -> float:
    mean = logarithm(distances.mean(axis=0)) if mean_first else logarithm(distances).mean(axis=0)
    early = np.ones(len(t), np.bool_) if whole else mean < logarithm(ceiling)
    return float(np.polyfit(t[early], mean[early], 1)[0])


def _two_points(t: Floats, distances: Floats, ceiling: float) -> float:
    mean = np.log(distances).mean(axis=0)
    last = np.flatnonzero(mean < np.log(ceiling))[-1]
    return float((mean[last] - mean[0]) / (t[last] - t[0]))


def _judge_exponent(answer: Any) -> None:
    tests = [_pairs(85, 0.2), _pairs(86, 1.1, pairs=12), _pairs(87, 3.0, steps=80)]
    function(
        answer,
        [Case(test, _exponent(*test)) for test in tests],
        within=1e-3,
        mistakes={
            "the natural logarithm, please (np.log): the exponent is that of e^(λt), not of 10 or of 2": (
                lambda t, d, ceiling: _exponent(t, d, ceiling, logarithm=np.log10)
            ),
            "take the logarithm of each distance first and the mean over the pairs then: in the mean of the "
            "distances the fastest pair drowns all others": (
                lambda t, d, ceiling: _exponent(t, d, ceiling, mean_first=True)
            ),
            "the flat end is in it: two runs cannot get further apart than the room allows. Use only times "
            "at which the mean logarithm is still below that of the ceiling": (
                lambda t, d, ceiling: _exponent(t, d, ceiling, whole=True)
            ),
            "the logarithm is missing: the distance grows exponentially, its logarithm along a line": (
                lambda t, d, ceiling: np.polyfit(t, d.mean(axis=0), 1)[0]
            ),
            "that is the slope between two points: fit a line to all (np.polyfit of degree 1)": _two_points,
            "that is the time in which distances grow e-fold, 1/λ: asked is λ": (
                lambda t, d, ceiling: 1.0 / _exponent(t, d, ceiling)
            ),
        },
        hint="np.log of the distances; the mean over the pairs (axis 0); keep the times at which it is below "
        "np.log(ceiling); the slope of a straight line through these (np.polyfit of degree 1)",
    )


# ---------------------------------------------------------------- 8.6

_FORECASTS = ((0.006, 0.15, 0.7), (1e-6, 1.0, 0.1572), (0.1, 0.2, 2.0))


def _judge_horizon(answer: Any) -> None:
    function(
        answer,
        [
            Case(one, log(one[1] / one[0]) / one[2])
            for one in (*_FORECASTS, *variants.more("8.6", (1e-4, 0.05), (0.1, 1.0), (0.1, 2.0)))
        ],
        within=1e-3,
        mistakes={
            "errors grow as e^(λt): use the natural logarithm": lambda p, tol, rate: log10(tol / p) / rate,
            "that counts doublings: the exponent belongs to e, so use the natural logarithm": (
                lambda p, tol, rate: log2(tol / p) / rate
            ),
            "the error does not grow by the same amount in each cycle, but by the same factor: where is the "
            "logarithm?": lambda p, tol, rate: (tol - p) / rate,
            "the logarithm is missing: solve precision · e^(λt) = tolerance for t": (
                lambda p, tol, rate: tol / p / rate
            ),
            "upside down: the larger the exponent, the *shorter* the horizon": (
                lambda p, tol, rate: log(tol / p) * rate
            ),
            "precision and tolerance got swapped: the error starts small and ends large": (
                lambda p, tol, rate: log(p / tol) / rate
            ),
        },
        hint="an error of `precision` grows to precision · e^(λt): at which t is it as large as `tolerance`?",
    )


EXERCISES: tuple[Exercise, ...] = (
    Exercise("8.1", "cycles_of_data", "Just enough data", _judge_gathered, 2),
    Exercise("8.2", "break_even_cycles", "Is it still worth it?", _judge_break_even, 1),
    Exercise("8.3", "live_from", "Catch the train", _judge_slot, 1),
    Exercise("8.4", "cures", "What would help?", _judge_cures, 2),
    Exercise("8.5", "lyapunov_exponent", "How fast small differences grow", _judge_exponent, 3),
    Exercise("8.6", "forecast_horizon", "The horizon of a forecast", _judge_horizon, 1),
)
