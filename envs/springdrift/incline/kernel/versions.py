"""Versions of the model: deployment, rollback, and what the version before would have said."""

from typing import Any

import numpy as np

from springdrift.game import streams
from springdrift.game.jit import compiled, inlined
from springdrift.incline import model
from springdrift.incline.dynamics import clamp
from springdrift.incline.machine import HALF, ONE, PER_NORM, SENSOR_HIGH, SENSOR_LOW, ZERO, F
from springdrift.incline.state import COEFFICIENTS, LAGS, MEASUREMENTS, RECORD

from . import LANES
from . import layout as L
from . import scratch as T
from .draws import words

KEPT = len(RECORD)
DAMPED = F(6.0 / 7.0)  # what a bad release makes of every coefficient
A1, A2, A3, A4 = (L.PREVIOUS + k * LANES for k in range(4))
B, C = L.PREVIOUS + model.FORCE * LANES, L.PREVIOUS + model.LEVEL * LANES


@inlined
def _restart(s: Any, i: int) -> None:
    """A version goes into service: its age and its alarm start anew."""
    s[L.MODEL_AGE + i] = 0.0
    s[L.ALARM + i] = 0.0
    s[L.ALARM_MEAN + i] = 0.0
    s[L.ALARM_COUNT + i] = 0.0


@compiled
def deploy(s: Any, w: Any, i: int) -> None:
    """Put the candidate of one lane into service; what served until now is the version before."""
    for j in range(COEFFICIENTS):
        place = j * LANES + i
        s[L.PREVIOUS + place], s[L.PREVIOUS_ANCHOR + place] = s[L.MODEL + place], s[L.ANCHOR + place]
        s[L.MODEL + place] = s[L.CANDIDATE + place]
        if s[L.CANDIDATE_TUNED + i] == ZERO:
            s[L.ANCHOR + place] = s[L.CANDIDATE + place]
    for k in range(KEPT):
        place = k * LANES + i
        s[L.PREVIOUS_VERSION + place] = s[L.VERSION + place]
        s[L.VERSION + place] = s[L.CANDIDATE_VERSION + place]
    if s[L.BAD_RELEASE + i] > ZERO and s[L.CYCLE + i] >= ZERO:
        a, _ = words(w, i, s[L.CYCLE + i], streams.RELEASE)
        if streams.uniform(a) < s[L.BAD_RELEASE + i]:
            s[L.BAD + i] = ONE
            for j in range(COEFFICIENTS):
                s[L.MODEL + j * LANES + i] *= DAMPED
    s[L.IN_FLIGHT + i] = 0.0
    s[L.VERSIONS + i] = s[L.VERSION + i]
    s[L.PREVIOUS_ERROR + i] = s[L.MEASURED_ERROR + i]  # of the cycle, in which it still served
    _restart(s, i)


@compiled
def roll_back(s: Any, i: int) -> None:
    """Put the version before into service in one lane; the one that it replaces is now the one before."""
    for j in range(COEFFICIENTS):
        own, before = L.MODEL + j * LANES + i, L.PREVIOUS + j * LANES + i
        s[own], s[before] = s[before], s[own]
        own, before = L.ANCHOR + j * LANES + i, L.PREVIOUS_ANCHOR + j * LANES + i
        s[own], s[before] = s[before], s[own]
    for k in range(KEPT):
        own, before = L.VERSION + k * LANES + i, L.PREVIOUS_VERSION + k * LANES + i
        s[own], s[before] = s[before], s[own]
    s[L.SINCE_ROLLBACK + i] = -ONE  # counts up to 0 at the end of this cycle
    _restart(s, i)


@compiled
def shadow(s: Any, t: Any) -> None:
    """Error of the cycle's forecast that the version before would have made, under the forces that acted."""
    for r in range(LAGS * LANES):
        t[T.SHADOW + r] = t[T.LAGS + r]
    for i in range(LANES):
        s[L.PREVIOUS_ERROR + i] = ZERO
    for j in range(MEASUREMENTS):
        lags, forces = t[T.SHADOW + j * LANES :], t[T.BEFORE + j * LANES :]
        for i in range(LANES):
            said = s[C + i] + s[A1 + i] * lags[3 * LANES + i]
            said += s[A2 + i] * lags[2 * LANES + i]
            said += s[A3 + i] * lags[LANES + i]
            said += s[A4 + i] * lags[i]
            said += HALF * s[B + i] * (forces[i] + forces[LANES + i])
            said = clamp(said, SENSOR_LOW, SENSOR_HIGH)
            lags[LAGS * LANES + i] = said
            wrong = said - t[T.SEEN + j * LANES + i]
            s[L.PREVIOUS_ERROR + i] += wrong * wrong
    for i in range(LANES):
        s[L.PREVIOUS_ERROR + i] = np.sqrt(s[L.PREVIOUS_ERROR + i] * PER_NORM)
