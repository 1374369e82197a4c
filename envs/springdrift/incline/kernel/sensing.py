"""What is known of a cycle once it has ended: measurements, their faults, the dashboard and the truth."""

from typing import Any

import numpy as np

from springdrift.game.jit import compiled
from springdrift.game.observation import clip
from springdrift.incline.dynamics import clamp, greater, lesser
from springdrift.incline.machine import (
    FAST,
    HALF,
    INTERVENING,
    ONE,
    PAGE_HINKLEY_SLACK,
    PER_NORM,
    PER_TARGET,
    SENSOR_HIGH,
    SENSOR_LOW,
    SLOW,
    STRONGEST,
    TINY,
    TWO,
    ZERO,
    F,
)
from springdrift.incline.state import MEASUREMENTS, TURNS, WINDOW

from . import LANES
from . import layout as L
from . import scratch as T
from .layout import STRIDE, history, window


@compiled
def measure(s: Any, t: Any) -> None:
    """What the sensor reports of the cycle."""
    for i in range(LANES):
        s[L.FAULTS + i] = ZERO
    for j in range(MEASUREMENTS):
        here = F(j)
        newest = T.SEEN + j * LANES
        for i in range(LANES):
            off = t[T.FAULT_BY + i] if t[T.FAULT_AT + i] == here else ZERO
            y = t[T.TRUE_X + j * LANES + i] + s[L.NOISE + i] * t[T.NORMALS + j * LANES + i] + off
            frozen = t[T.FREEZE_AT + i] <= here
            t[newest + i] = t[newest - LANES + i] if frozen else clamp(y, SENSOR_LOW, SENSOR_HIGH)
            s[L.FAULTS + i] += ONE if (frozen or off != ZERO) else ZERO


@compiled
def assess(s: Any, t: Any) -> None:
    """Truth and dashboard of the cycle that has ended.

    With forecasts f, measurements y and true positions x, all less the level of commissioning: the error is
    ``sqrt(mean (f - y)^2 / norm)``, its truth ``mean (f - x)^2 / norm``; the swing is ``sqrt(2 var y)`` over
    two cycles; the alarm is Page and Hinkley's ``max(0, alarm + error - mean error - slack)``.
    """
    n, per_n = F(MEASUREMENTS), F(1.0 / MEASUREMENTS)
    for i in range(LANES):
        miss = squares = largest = truth = ZERO
        sum_y = sum_yy = sum_f = sum_ff = sum_fy = old_y = old_yy = ZERO
        home = s[L.HOME + i]
        for j in range(MEASUREMENTS):
            f = t[T.FORECAST + j * LANES + i] - home
            y = t[T.SEEN + j * LANES + i] - home
            old = t[T.OLD + j * LANES + i] - home
            wrong = f - (t[T.TRUE_X + j * LANES + i] - home)
            truth += wrong * wrong
            e = f - y
            miss += e
            squares += e * e
            largest = greater(largest, e * e)
            sum_y += y
            sum_yy += y * y
            sum_f += f
            sum_ff += f * f
            sum_fy += f * y
            old_y += old
            old_yy += old * old
        s[L.ERROR + i] = truth * PER_NORM
        error = np.sqrt(squares * PER_NORM)
        s[L.MEASURED_ERROR + i] = error
        s[L.BIAS + i] = miss * per_n
        s[L.PEAK + i] = ONE - np.sqrt((squares + TINY) / (n * (largest + TINY)))
        spread = greater(n * sum_yy - sum_y * sum_y, TINY) * greater(n * sum_ff - sum_f * sum_f, TINY)
        s[L.CORRELATION + i] = clip((n * sum_fy - sum_f * sum_y) / np.sqrt(spread))
        level = (sum_y + old_y) * (HALF * per_n)
        s[L.LEVEL + i] = home + level
        variance = (sum_yy + old_yy) * (HALF * per_n) - level * level
        s[L.PREVIOUS_SWING + i] = s[L.MEASURED_SWING + i]
        s[L.MEASURED_SWING + i] = np.sqrt(TWO * greater(variance, ZERO))
        s[L.ERROR_FAST + i] += FAST * (error - s[L.ERROR_FAST + i])
        s[L.ERROR_SLOW + i] += SLOW * (error - s[L.ERROR_SLOW + i])
        count = s[L.ALARM_COUNT + i] + ONE
        mean = s[L.ALARM_MEAN + i] + (error - s[L.ALARM_MEAN + i]) / count
        s[L.ALARM_COUNT + i], s[L.ALARM_MEAN + i] = count, mean
        s[L.ALARM + i] = greater(ZERO, s[L.ALARM + i] + error - mean - PAGE_HINKLEY_SLACK)
    for i in range(LANES):
        intervened = s[L.DECISION + i] == INTERVENING
        change = (s[L.MEASURED_SWING + i] - s[L.PREVIOUS_SWING + i]) * PER_TARGET
        s[L.OVERRIDE_EFFECT + i] = clip(change) if intervened else s[L.OVERRIDE_EFFECT + i]
        s[L.SINCE_INTERVENE + i] = ZERO if intervened else s[L.SINCE_INTERVENE + i] + ONE
        s[L.SINCE_RETRAIN + i] += ONE
        s[L.SINCE_FINE_TUNE + i] += ONE
        s[L.SINCE_ROLLBACK + i] += ONE
        s[L.MODEL_AGE + i] += ONE
        s[L.SERVED + i] += ONE
        s[L.LEVEL_PUSH + i] = (t[T.OPERATOR + i] if intervened else t[T.CONTROL + i]) / STRONGEST
        s[L.SAMPLES + i] = lesser(s[L.SAMPLES + i] + F(MEASUREMENTS), F(WINDOW))
        s[L.CYCLE + i] += ONE


@compiled
def record(s: Any, t: Any) -> None:
    """Put the cycle into the rings, in the place of their oldest."""
    turn = F((int(s[L.TURN]) + 1) % TURNS)
    for i in range(LANES):
        s[L.TURN + i] = turn
    y, u, f = window(s, L.WINDOW_Y, 0), window(s, L.WINDOW_U, 0), history(s, L.WINDOW_F, 0)
    for r in range(STRIDE):
        s[y + np.uint64(r)] = t[T.SEEN + r]
    for r in range(STRIDE):
        s[u + np.uint64(r)] = t[T.ASKED + r]
    for r in range(STRIDE):
        s[f + np.uint64(r)] = t[T.FORECAST + r]
