"""Forecast, push and motion: eight intervals of a cycle, from one measurement to the next.

``x'' = g sin a - k x - k3 x^3 - c x' - mu g cos a sgn(x') + B u + D sin(phase)``, for a mass of 1 kg, in
substeps of ``h``. Damping is semi-implicit: every force enters the speed times ``gain = h / (1 + c h/2)``.
"""

from typing import Any

import numpy as np

from springdrift.game.jit import compiled, inlined
from springdrift.incline import model
from springdrift.incline.dynamics import bump, clamp, greater, lesser, sin_cos, substep
from springdrift.incline.machine import (
    CONTROLLER_GAIN,
    CONTROLLER_LIMIT,
    HALF,
    HIGH_STOP,
    HOLD,
    INTERVAL,
    INTERVENING,
    LOW_STOP,
    ONE,
    OPERATOR_GAIN,
    OPERATOR_LIMIT,
    PER_TARGET,
    PROBE,
    PROBING,
    SENSOR_HIGH,
    SENSOR_LOW,
    STRONGEST,
    TWO,
    ZERO,
    F,
    G,
)
from springdrift.incline.state import LAGS, MEASUREMENTS

from . import LANES
from . import layout as L
from . import scratch as T
from .layout import STRIDE, window

A1, A2, A3, A4 = (L.MODEL + k * LANES for k in range(4))
B, C = L.MODEL + model.FORCE * LANES, L.MODEL + model.LEVEL * LANES


@compiled
def copy(goal: Any, source: Any) -> None:
    """Copy between views; their length is not known when compiling, which lets the loop vectorise."""
    for i in range(goal.shape[0]):
        goal[i] = source[i]


@compiled
def recall(s: Any, t: Any) -> None:
    """What the cycle ahead looks back on: the measurements of the last one and its last push."""
    y, u = window(s, L.WINDOW_Y, 0), window(s, L.WINDOW_U, 0)
    for r in range(STRIDE):
        t[T.OLD + r] = s[y + np.uint64(r)]
    for r in range(LAGS * LANES):
        t[T.LAGS + r] = s[y + np.uint64(STRIDE - LAGS * LANES + r)]
    last = u + np.uint64(STRIDE - LANES)
    copy(t[T.BEFORE : T.BEFORE + LANES], s[last : last + np.uint64(LANES)])


@compiled
def prepare(s: Any, t: Any, h: Any) -> None:
    """What holds for a whole cycle: forces, factors of the integrator, how strongly it is pushed."""
    for i in range(LANES):
        sine, cosine = sin_cos(s[L.TILT + i])
        t[T.PULL + i] = G * sine
        damp = HALF * s[L.DAMPING + i] * h
        t[T.GAIN + i] = h / (ONE + damp)
        t[T.KEEP + i] = (ONE - damp) / (ONE + damp)
        t[T.GRIP + i] = s[L.FRICTION + i] * G * cosine * t[T.GAIN + i]
        t[T.LINEAR + i] = s[L.STIFFNESS + i] * t[T.GAIN + i]
        t[T.HARDENING + i] = s[L.CUBIC + i] * t[T.GAIN + i]
        t[T.PLACE + i] = s[L.X + i]
        t[T.SPEED + i] = s[L.V + i]
        t[T.LOWEST + i] = s[L.X + i]
        t[T.HIGHEST + i] = s[L.X + i]
        # F0 clamp(hold + gain (1 - A/A*)): brakes where the swing A is too large
        control = HOLD + CONTROLLER_GAIN * (ONE - s[L.MEASURED_SWING + i] * PER_TARGET)
        t[T.CONTROL + i] = STRONGEST * clamp(control, -CONTROLLER_LIMIT, CONTROLLER_LIMIT)
        operator = OPERATOR_GAIN * (ONE - s[L.SWING + i] * PER_TARGET)
        t[T.OPERATOR + i] = STRONGEST * clamp(operator, -OPERATOR_LIMIT, OPERATOR_LIMIT)
        t[T.RING + i] = TWO * s[L.TURN_COS + i]
        s[L.WORK + i] = ZERO


@inlined
def push(s: Any, t: Any, j: Any) -> None:
    """Forecast measurement j, choose the force of the interval before it, and kick the mass if it is due.

    The forecast is ``y = c + a1 y1 + a2 y2 + a3 y3 + a4 y4 + b (u1 + u) / 2``, with the forecasts (at first
    measurements) y1, y2, ... and the force u1 before. The controller pushes the way it sees the mass go.
    Places that depend on j have loops of their own: where too many may be the same, none is vectorised.
    """
    here, lags, before = F(j), t[T.LAGS + j * LANES :], t[T.BEFORE + j * LANES :]
    for i in range(LANES):
        # where the model sees the mass go without a push
        free = s[C + i] + s[A1 + i] * lags[3 * LANES + i] + s[A2 + i] * lags[2 * LANES + i]
        free = free + s[A3 + i] * lags[LANES + i] + s[A4 + i] * lags[i]
        ahead = free + HALF * s[B + i] * before[i] - lags[3 * LANES + i]
        t[T.FREE + i] = free
        t[T.PUSH + i] = t[T.CONTROL + i] * (ONE if ahead > ZERO else (-ONE if ahead < ZERO else ZERO))
    for i in range(LANES):
        # where the operator sees it go: speed in the middle of the interval
        x = t[T.PLACE + i]
        spring = (s[L.STIFFNESS + i] + s[L.CUBIC + i] * x * x) * x
        middle = t[T.SPEED + i] + F(0.5 * INTERVAL) * (t[T.PULL + i] - spring)
        operator = t[T.OPERATOR + i] if middle >= ZERO else -t[T.OPERATOR + i]
        coin = t[T.COIN + i] + t[T.COIN + i]
        probe = PROBE * STRONGEST if coin >= ONE else -PROBE * STRONGEST
        t[T.COIN + i] = coin - (ONE if coin >= ONE else ZERO)
        decision = s[L.DECISION + i]
        u = operator if decision == INTERVENING else (probe if decision == PROBING else t[T.PUSH + i])
        t[T.PUSH + i] = u
        t[T.FORCE + i] = (t[T.PULL + i] + s[L.MAGNET + i] * u) * t[T.GAIN + i]
        t[T.SPEED + i] = t[T.SPEED + i] + (s[L.SHOCK + i] if t[T.KICK_AT + i] == here else ZERO)
        t[T.START + i] = x
        sine, cosine = s[L.DRIVE_SIN + i], s[L.DRIVE_COS + i]
        drive = s[L.DRIVE + i] * t[T.GAIN + i]
        t[T.DRIVE_NOW + i] = drive * sine
        t[T.DRIVE_NEXT + i] = drive * (sine * s[L.TURN_COS + i] + cosine * s[L.TURN_SIN + i])
        s[L.DRIVE_SIN + i] = sine * s[L.SWEEP_COS + i] + cosine * s[L.SWEEP_SIN + i]
        s[L.DRIVE_COS + i] = cosine * s[L.SWEEP_COS + i] - sine * s[L.SWEEP_SIN + i]
    for i in range(LANES):
        forecast = t[T.FREE + i] + HALF * s[B + i] * (before[i] + t[T.PUSH + i])
        lags[LAGS * LANES + i] = clamp(forecast, SENSOR_LOW, SENSOR_HIGH)
        before[LANES + i] = t[T.PUSH + i]


@inlined
def glide(t: Any, substeps: int, half: Any, stops: bool) -> None:
    """Move through substeps of an interval, with the end stops or as if there were none.

    All of it happens in the scratch, in places known when compiling, so that it can stay in registers.
    The unseen force goes by sin(a + b) = 2 cos(b) sin(a) - sin(a - b).
    """
    for _ in range(substeps):
        for i in range(LANES):
            drive = t[T.DRIVE_NOW + i]
            ahead = t[T.DRIVE_NEXT + i]
            t[T.DRIVE_NOW + i] = ahead
            t[T.DRIVE_NEXT + i] = t[T.RING + i] * ahead - drive
            x, v = substep(
                t[T.PLACE + i],
                t[T.SPEED + i],
                t[T.FORCE + i] + drive,
                t[T.LINEAR + i],
                t[T.HARDENING + i],
                t[T.KEEP + i],
                t[T.GRIP + i],
                half,
            )
            if stops:
                x, v = bump(x, v, LOW_STOP, HIGH_STOP)
            t[T.PLACE + i] = x
            t[T.SPEED + i] = v
            # adding zero keeps these plain stores: a store only where the value changes is slower
            t[T.LOWEST + i] = lesser(t[T.LOWEST + i], x) + ZERO
            t[T.HIGHEST + i] = greater(t[T.HIGHEST + i], x) + ZERO


@inlined
def _arrive(s: Any, t: Any, j: Any) -> None:
    """What an interval leaves behind: the work of the magnet, and where the mass is at measurement j."""
    force, true_x = t[T.ASKED + j * LANES :], t[T.TRUE_X + j * LANES :]
    for i in range(LANES):
        s[L.WORK + i] += s[L.MAGNET + i] * force[i] * (t[T.PLACE + i] - t[T.START + i])
        true_x[i] = t[T.PLACE + i]


@compiled
def _swing_free(s: Any, t: Any, substeps: int) -> None:
    """Forecast, push and move through the eight intervals of a cycle as if there were no end stops."""
    h = F(INTERVAL / substeps)
    prepare(s, t, h)
    for j in range(MEASUREMENTS):
        push(s, t, j)
        glide(t, substeps, HALF * h, False)
        _arrive(s, t, j)


@compiled
def _note(path: Any, n: int, t: Any) -> None:
    """Write down where a block is, as row ``n`` of its path."""
    copy(path[n], t[T.PLACE : T.PLACE + LANES])


@compiled
def _swing(s: Any, t: Any, substeps: int, path: Any) -> None:
    """The same with the end stops, and substep by substep where a path is followed."""
    h = F(INTERVAL / substeps)
    parts = substeps if path.shape[0] > 0 else 1
    prepare(s, t, h)
    for j in range(MEASUREMENTS):
        push(s, t, j)
        for part in range(parts):
            if path.shape[0] > 0:
                _note(path, j * substeps + part, t)
            glide(t, substeps // parts, HALF * h, True)
        _arrive(s, t, j)
    if path.shape[0] > 0:
        _note(path, MEASUREMENTS * substeps, t)


@compiled
def _stopped(lowest: Any, highest: Any) -> bool:
    """Whether a lane has passed an end stop."""
    free = 0
    for i in range(lowest.shape[0]):
        free += 1 if lowest[i] >= LOW_STOP else 0
        free += 1 if highest[i] <= HIGH_STOP else 0
    return free < 2 * lowest.shape[0]


@compiled
def move(s: Any, t: Any, substeps: int, path: Any) -> None:
    """A cycle of motion as if there were no end stops; where a lane passes one, again with them.

    A ``path`` with rows, (8 * substeps + 1, LANES), receives all places, m, the first as the cycle begins;
    with the end stops from the start, which are no other where none is passed.
    """
    for i in range(LANES):
        t[T.KEPT_SIN + i], t[T.KEPT_COS + i] = s[L.DRIVE_SIN + i], s[L.DRIVE_COS + i]
        t[T.KEPT_COIN + i] = t[T.COIN + i]
    followed = path.shape[0] > 0
    if not followed:
        _swing_free(s, t, substeps)
    if followed or _stopped(t[T.LOWEST : T.LOWEST + LANES], t[T.HIGHEST : T.HIGHEST + LANES]):
        for i in range(LANES):
            s[L.DRIVE_SIN + i], s[L.DRIVE_COS + i] = t[T.KEPT_SIN + i], t[T.KEPT_COS + i]
            t[T.COIN + i] = t[T.KEPT_COIN + i]
        _swing(s, t, substeps, path)
    for i in range(LANES):
        s[L.X + i] = t[T.PLACE + i]
        s[L.V + i] = t[T.SPEED + i]
        s[L.SWING + i] = HALF * (t[T.HIGHEST + i] - t[T.LOWEST + i])
        # keep the rotations on the unit circle: (3 - r^2) / 2 is 1/r where r is nearly 1
        sine, cosine = s[L.DRIVE_SIN + i], s[L.DRIVE_COS + i]
        shrink = F(1.5) - HALF * (sine * sine + cosine * cosine)
        s[L.DRIVE_SIN + i] *= shrink
        s[L.DRIVE_COS + i] *= shrink
        sine, cosine = s[L.SEASON_SIN + i], s[L.SEASON_COS + i]
        shrink = F(1.5) - HALF * (sine * sine + cosine * cosine)
        s[L.SEASON_SIN + i] *= shrink
        s[L.SEASON_COS + i] *= shrink
