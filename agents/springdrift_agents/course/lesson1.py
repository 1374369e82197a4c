"""Exercises of lesson 1: the machine."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift.incline.dynamics import GRAVITY
from springdrift_agents.course import variants
from springdrift_agents.course.exercise import (
    Case,
    Exercise,
    Wrong,
    called,
    function,
    lone,
    near,
    number,
    plain,
)

Floats = NDArray[np.float64]

# ---------------------------------------------------------------- 1.1


def _stretch(answer: Any) -> None:
    posed = variants.given("1.1")
    k, tilt = posed["stiffness"], posed["tilt"]  # N/m, degrees
    pull, press = GRAVITY * float(np.sin(np.radians(tilt))), GRAVITY * float(np.cos(np.radians(tilt)))
    number(
        answer,
        pull / k,
        within=0.005,
        mistakes={
            GRAVITY * float(np.sin(tilt)) / k: f"np.sin takes radians, and {tilt} are degrees: see "
            "np.radians",
            press / k: "that is the cosine's share, which presses the mass on the slope; "
            "which share pulls it down the slope?",
            GRAVITY / k: "on a wall it would hang there: the slope carries a part of the weight",
            k / pull: "upside down: a stiffer spring is stretched less, not more",
            k * pull: "a stiffer spring is stretched less: divide by the stiffness",
            100 * pull / k: "that is in centimetres; the answer is wanted in metres",
            pull / GRAVITY / k: "the mass is not yet a force: multiply it by g",
        },
        hint="set the pull of gravity along the slope, m g sin(tilt), equal to k x and solve for x",
    )


# ---------------------------------------------------------------- 1.2

_SPRINGS = ((1.0, float(np.pi**2)), (2.0, 5.0), (0.3, 14.0))


def _period_with(of: Callable[[float, float], float]) -> list[Case]:
    pairs = [*_SPRINGS, *variants.more("1.2", (0.2, 3.0), (4.0, 16.0))]
    return [Case(pair, of(*pair)) for pair in pairs]


def _period(answer: Any) -> None:
    tau = 2 * np.pi
    function(
        answer,
        _period_with(lambda m, k: tau * np.sqrt(m / k)),
        within=1e-3,
        mistakes={
            "the root is missing": lambda m, k: tau * m / k,
            "upside down: a stiffer spring swings faster, a heavier mass slower": lambda m, k: (
                tau * np.sqrt(k / m)
            ),
            "that is the angular frequency, in radians a second; the period is how long a whole swing "
            "takes": lambda m, k: np.sqrt(k / m),
            "that is the frequency, in swings a second; the period is one over it": lambda m, k: (
                np.sqrt(k / m) / tau
            ),
            "that is half a swing: there, but not back": lambda m, k: np.pi * np.sqrt(m / k),
            "the factor 2 pi is missing": lambda m, k: np.sqrt(m / k),
            "the root goes over the fraction, not over 2 pi": lambda m, k: np.sqrt(tau * m / k),
        },
        hint="the period is 2 pi times the root of mass over stiffness",
    )


# ---------------------------------------------------------------- 1.3


def _loss(friction: float, stiffness: float, tilt: float) -> float:
    """How far from the middle the mass can stick, m."""
    return float(friction * GRAVITY * np.cos(tilt) / stiffness)


def _halves(amplitude: float, count: int, reach: float) -> float:
    for _ in range(count):
        amplitude = abs(amplitude - 2 * reach) if amplitude > reach else amplitude
    return amplitude


_TILT = float(np.pi / 6)
_FADING = [
    (0.3, 5, 0.005, 10.0, _TILT),
    (0.25, 3, 0.008, 6.0, 0.2),
    (0.4, 0, 0.02, 9.0, _TILT),
    (0.3, 12, 0.03, float(np.pi**2), _TILT),  # sticks on the far side
    (0.31, 40, 0.01, 12.0, 0.6),  # sticks long before
    (0.01, 2, 0.02, 8.0, 0.4),  # never gets away
]


def _no_sticking(a: float, n: int, mu: float, k: float, tilt: float) -> float:
    return a - 4 * n * _loss(mu, k, tilt)


def _fading(answer: Any) -> None:
    large, small = (lone(called(answer, a, 3, 0.005, 10.0, _TILT)) for a in (0.5, 0.25))
    if plain(large) and plain(small) and small and near(large, 2 * small, 1e-6):
        raise Wrong(
            "twice the swing loses twice as much? Friction takes the same from a large one and a small"
        )
    ranges = (0.1, 0.4), (0, 9), (0.004, 0.03), (5.0, 16.0), (0.1, 0.7)
    tried = [*_FADING, *variants.more("1.3", *ranges)]
    cases = [Case(given, _halves(given[0], 2 * given[1], _loss(*given[2:]))) for given in tried]
    function(
        answer,
        cases,
        mistakes={
            "a cycle has two half swings, and each loses 2 mu N / k": lambda a, n, mu, k, tilt: _halves(
                a, n, _loss(mu, k, tilt)
            ),
            "the mass presses on the slope with m g cos(tilt), not with its whole weight": (
                lambda a, n, mu, k, tilt: _halves(a, 2 * n, _loss(mu, k, 0.0))
            ),
            "the sine's share pulls the mass down the slope; which share presses it on?": (
                lambda a, n, mu, k, tilt: _halves(a, 2 * n, _loss(mu, k, np.pi / 2 - tilt))
            ),
            "an amplitude below zero? Look at the half swing in which the mass sticks": _no_sticking,
            "where 2 mu N / k is more than is left, the mass stops on the same side: take the distance "
            "from the middle, which is not below zero": lambda a, n, mu, k, tilt: _signed(
                a, 2 * n, _loss(mu, k, tilt)
            ),
            "the mass does not creep back to the middle: where does it stick?": (
                lambda *given: max(0.0, _no_sticking(*given))
            ),
            "nobody checks whether the mass gets away at all: what holds when the amplitude is at most "
            "mu N / k?": lambda a, n, mu, k, tilt: _restless(a, 2 * n, _loss(mu, k, tilt)),
        },
        hint="go through the half swings in a loop, two for each cycle: compare the amplitude with mu N / k, "
        "where N = m g cos(tilt), and only if it is larger go on to the next turning point",
    )


def _signed(amplitude: float, count: int, reach: float) -> float:
    for _ in range(count):
        amplitude = amplitude - 2 * reach if amplitude > reach else amplitude
    return amplitude


def _restless(amplitude: float, count: int, reach: float) -> float:
    for _ in range(count):
        amplitude = abs(amplitude - 2 * reach)
    return amplitude


# ---------------------------------------------------------------- 1.4

_PUSHES = [(0.1, 10.0, 0.0), (0.05, 8.0, 0.1), (0.12, 6.0, 0.3), (0.2, 14.0, 0.5), (0.1, 9.0, 0.7)]
_TURN = 2 * np.pi


def _gain(answer: Any) -> None:
    function(
        answer,
        [
            Case((f, k, s), 4 * f / k * np.cos(_TURN * s))
            for f, k, s in (*_PUSHES, *variants.more("1.4", (0.03, 0.3), (5.0, 16.0), (0.0, 1.0)))
        ],
        mistakes={
            "the same for every delay: what becomes of a push that comes half a period late?": (
                lambda f, k, s: 4 * f / k
            ),
            "without a delay the push does all its work: is a sine 1 there?": lambda f, k, s: (
                4 * f / k * np.sin(_TURN * s)
            ),
            "the cosine wants an angle: a whole period late is a whole turn, 2 pi": lambda f, k, s: (
                4 * f / k * np.cos(s)
            ),
            "NumPy's cosine takes radians: a whole turn is 2 pi, not 360": lambda f, k, s: (
                4 * f / k * np.cos(360 * s)
            ),
            "a period is a whole turn: half a period late should brake with the whole force": (
                lambda f, k, s: 4 * f / k * np.cos(np.pi * s)
            ),
            "that is what half a swing gains": lambda f, k, s: 2 * f / k * np.cos(_TURN * s),
            "a push at the wrong moment does not stop at doing nothing: it brakes": lambda f, k, s: max(
                0.0, 4 * f / k * np.cos(_TURN * s)
            ),
            "the size is right, and the sign says whether the swing gains or loses: keep it": (
                lambda f, k, s: abs(4 * f / k * np.cos(_TURN * s))
            ),
        },
        hint="without a delay the gain is 4 F / k; a delay multiplies it by the cosine of its part of a turn",
    )


# ---------------------------------------------------------------- 1.5


def _series(seed: int, n: int, k: float, level: float, noise: float) -> Floats:
    rng = np.random.default_rng(seed)
    t = 0.25 * np.arange(n)
    return level + 0.3 * np.cos(np.sqrt(k) * t + seed) + noise * rng.standard_normal(n)


def _least_squares(y: Floats, columns: list[Floats], goal: Floats) -> Floats:
    return np.asarray(np.linalg.lstsq(np.column_stack(columns), goal, rcond=None)[0], np.float64)


def lags_of(y: Floats) -> Floats:
    """Least-squares (a1, a2, c) of y[t] = a1 y[t-1] + a2 y[t-2] + c."""
    return _least_squares(y, [y[1:-1], y[:-2], np.ones(len(y) - 2)], y[2:])


_RECORDED = [
    Case((y,), lags_of(y))
    for y in (
        _series(1, 48, 9.0, 0.5, 0.006),
        _series(2, 60, 6.0, 0.8, 0.02),
        _series(3, 9, 14.0, -0.3, 0.01),
    )
]


def _without_level(y: Floats) -> Floats:
    return np.append(_least_squares(y, [y[1:-1], y[:-2]], y[2:]), 0.0)


def _with_mean(y: Floats) -> Floats:
    return np.append(lags_of(y)[:2], y.mean())


def _backwards(y: Floats) -> Floats:
    return _least_squares(y, [y[1:-1], y[2:], np.ones(len(y) - 2)], y[:-2])


def _one_lag(y: Floats) -> Floats:
    a, c = _least_squares(y, [y[:-1], np.ones(len(y) - 1)], y[1:])
    return np.array([a, 0.0, c])


def _fit(answer: Any) -> None:
    function(
        answer,
        _RECORDED,
        mistakes={
            "a1 and a2 have changed places: a1 belongs to the value just before": lambda y: lags_of(y)[
                [1, 0, 2]
            ],
            "c came first: the order is a1, a2, c": lambda y: lags_of(y)[[2, 0, 1]],
            "the level is missing: the regression needs a column of ones for c": _without_level,
            "that is the level, not c: in the middle x0 = a1 x0 + a2 x0 + c holds": _with_mean,
            "that predicts the past from what came after": _backwards,
            "that is the model with one lag: the value before the last is missing": _one_lag,
        },
        hint="put y[1:-1], y[:-2] and a column of ones side by side and regress y[2:] on them; returned are "
        "three numbers, a1, a2 and c",
    )


# ---------------------------------------------------------------- 1.6


def roll(recent: Any, lags: Any, steps: int) -> Floats:
    """Open-loop forecast from (older, newer) with (a1, a2, c)."""
    older, newer = recent
    a1, a2, c = lags
    path = []
    for _ in range(steps):
        older, newer = newer, a1 * newer + a2 * older + c
        path.append(newer)
    return np.array(path)


_GHOSTS = [
    Case(((0.62, 0.75), (1.2, -0.95, 0.35), 8), None),
    Case(((0.3, 0.41), (1.5, -1.0, 0.25), 5), None),
    Case(((-0.2, 0.1), (0.4, 0.3, 0.1), 1), None),
]


def _ghost(answer: Any) -> None:
    cases = [
        Case((np.array(recent), np.array(lags), n), roll(recent, lags, n)) for (recent, lags, n), _ in _GHOSTS
    ]
    function(
        answer,
        cases,
        within=1e-3,
        mistakes={
            "recent holds the older value first: a1 goes with the newer one": lambda r, p, n: roll(
                (r[1], r[0]), p, n
            ),
            "the same value again and again: each forecast takes the place of a measurement in the next": (
                lambda r, p, n: np.full(n, roll(r, p, 1)[0])
            ),
            "only one of the two lags moves on: the forecast before becomes the newer value, and what was "
            "newer becomes the older": lambda r, p, n: _stuck_lag(r, p, n),
            "the first value is one that was measured: begin with the first forecast": lambda r, p, n: (
                np.append(r[1], roll(r, p, n))[:n]
            ),
            "the level c is missing": lambda r, p, n: roll(r, (p[0], p[1], 0.0), n),
        },
        hint="one step is a1 * newer + a2 * older + c; then the newer value becomes the older one, the "
        "forecast becomes the newer one, and so on",
    )


def _stuck_lag(recent: Any, lags: Any, steps: int) -> Floats:
    older, newer = recent
    path = []
    for _ in range(steps):
        newer = lags[0] * newer + lags[1] * older + lags[2]
        path.append(newer)
    return np.array(path)


EXERCISES: tuple[Exercise, ...] = (
    Exercise("1.1", "stretch", "Where the mass hangs", _stretch),
    Exercise("1.2", "period_of", "The length of the season", _period),
    Exercise("1.3", "amplitude_left", "What friction leaves", _fading, points=2),
    Exercise("1.4", "push_gain", "A push that comes late", _gain, points=2),
    Exercise("1.5", "fit_lags", "Learn the machine from its past", _fit, points=2),
    Exercise("1.6", "ghost", "The ghost", _ghost, points=2),
)
