"""Random numbers of a cycle: what a lane draws is a function of its keys, the cycle and the stream alone."""

from typing import Any

import numpy as np

from springdrift.game import streams
from springdrift.game.jit import compiled, inlined
from springdrift.incline.dynamics import sin_cos
from springdrift.incline.machine import HALF, ONE, TWO, ZERO, F
from springdrift.incline.state import DRIFTING, MEASUREMENTS

from . import LANES
from . import layout as L
from . import scratch as T

PARAMETERS = len(DRIFTING)


@inlined
def words(w: Any, i: Any, cycle: Any, stream: Any) -> Any:
    """Two random words of a lane."""
    return streams.threefry(w[L.KEY0 + i], w[L.KEY1 + i], np.uint32(np.int32(cycle)), np.uint32(stream))


@inlined
def turn(half_turns: Any) -> Any:
    """Sine and cosine of pi times ``half_turns``, for -1 to 1, from a quarter of the angle, doubled twice.

    No library call: the same on every machine.
    """
    sine, cosine = sin_cos(F(0.25 * np.pi * half_turns))
    sine, cosine = TWO * sine * cosine, cosine * cosine - sine * sine
    return TWO * sine * cosine, cosine * cosine - sine * sine


@inlined
def _half_to_full(word: Any) -> Any:
    """Random sign, size uniform from 1/2 to 1."""
    size = TWO * streams.uniform(word) - ONE
    return HALF * size + (HALF if size > ZERO else -HALF)


@inlined
def _eighth(word: Any) -> Any:
    """One of 0 to 7."""
    return np.float32(np.int32(word & np.uint32(7)))


@compiled
def _uses(s: Any) -> Any:
    """How many lanes have a use for: the walks of the first two parameters, of the next two, of the last
    (or a coin), shocks, outliers, dropouts."""
    first = second = last = shocks = outliers = dropouts = 0
    for i in range(LANES):
        first += 1 if s[L.WALK + i] + s[L.WALK + LANES + i] > ZERO else 0
        second += 1 if s[L.WALK + 2 * LANES + i] + s[L.WALK + 3 * LANES + i] > ZERO else 0
        last += 1 if s[L.WALK + 4 * LANES + i] > ZERO or s[L.CYCLE + i] < ZERO else 0
        shocks += 1 if s[L.SHOCK_RATE + i] > ZERO else 0
        outliers += 1 if s[L.OUTLIER_RATE + i] > ZERO else 0
        dropouts += 1 if s[L.DROPOUT_RATE + i] > ZERO else 0
    return first, second, last, shocks, outliers, dropouts


@compiled
def draw(s: Any, w: Any, t: Any) -> None:
    """All random numbers of a cycle into the scratch; those that no lane has a use for are left out."""
    for r in range(T.WALKS, T.KICK_AT):
        t[r] = ZERO
    for i in range(LANES):
        s[L.SHOCK + i], t[T.FREEZE_AT + i] = ZERO, F(MEASUREMENTS)
    for pair in range(MEASUREMENTS // 2):
        for i in range(LANES):
            a, b = words(w, i, s[L.CYCLE + i], streams.NOISE + pair)
            t[T.NORMALS + 2 * pair * LANES + i] = streams.normal(a)
            t[T.NORMALS + (2 * pair + 1) * LANES + i] = streams.normal(b)
    first, second, last, shocks, outliers, dropouts = _uses(s)
    for pair in range(PARAMETERS // 2):
        if (first if pair == 0 else second) > 0:
            for i in range(LANES):
                a, b = words(w, i, s[L.CYCLE + i], streams.WALK + pair)
                t[T.WALKS + 2 * pair * LANES + i] = streams.normal(a)
                t[T.WALKS + (2 * pair + 1) * LANES + i] = streams.normal(b)
    if last > 0:
        for i in range(LANES):
            a, b = words(w, i, s[L.CYCLE + i], streams.WALK + PARAMETERS // 2)
            t[T.WALKS + (PARAMETERS - 1) * LANES + i] = streams.normal(a)
            t[T.COIN + i] = streams.uniform(b)
    if shocks > 0:
        for i in range(LANES):
            a, b = words(w, i, s[L.CYCLE + i], streams.SHOCK)
            hit = streams.uniform(a) < s[L.SHOCK_RATE + i] and s[L.CYCLE + i] >= ZERO
            s[L.SHOCK + i] = _half_to_full(b) * s[L.SHOCK_SIZE + i] if hit else ZERO
            t[T.KICK_AT + i] = _eighth(a)
    if outliers > 0:
        for i in range(LANES):
            a, b = words(w, i, s[L.CYCLE + i], streams.FAULT)
            hit = streams.uniform(a) < s[L.OUTLIER_RATE + i] and s[L.CYCLE + i] >= ZERO
            t[T.FAULT_BY + i] = _half_to_full(b) * s[L.OUTLIER_SIZE + i] if hit else ZERO
            t[T.FAULT_AT + i] = _eighth(a)
    if dropouts > 0:
        for i in range(LANES):
            a, b = words(w, i, s[L.CYCLE + i], streams.FAULT + 1)
            frozen = streams.uniform(a) < s[L.DROPOUT_RATE + i] and s[L.CYCLE + i] >= ZERO
            t[T.FREEZE_AT + i] = _eighth(b) if frozen else F(MEASUREMENTS)
