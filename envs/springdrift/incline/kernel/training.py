"""Retrainings: the decision, the fit of the window as it stands, and the deployment when its time comes."""

from typing import Any

import numpy as np

from springdrift.game.jit import compiled
from springdrift.incline import model
from springdrift.incline.dynamics import greater
from springdrift.incline.machine import NORM, ONE, RETRAINING, ZERO
from springdrift.incline.state import COEFFICIENTS, MEASUREMENTS

from . import LANES
from . import layout as L
from .layout import window


@compiled
def _fit_some(s: Any, lanes: Any, e: Any, used: int) -> None:
    """Fit lanes that may all use as many measurements, the last ``used``."""
    count = lanes.shape[0]
    fits = 1 if count == 1 else -(-count // model.VECTOR) * model.VECTOR
    for ago in range(used // MEASUREMENTS):
        y, u = window(s, L.WINDOW_Y, ago), window(s, L.WINDOW_U, ago)
        for j in range(MEASUREMENTS):
            to = (used - (ago + 1) * MEASUREMENTS + j) * model.FITS
            for k in range(count):
                place = np.uint64(j * LANES + lanes[k])
                e[model.Y + to + k], e[model.U + to + k] = s[y + place], s[u + place]
    for j in range(COEFFICIENTS):
        for k in range(count):
            e[model.PREVIOUS + j * model.FITS + k] = s[L.MODEL + j * LANES + lanes[k]]
    model.fit_side_by_side(e, fits, used)
    for k in range(count):
        s[L.CANDIDATE_FIT_ERROR + lanes[k]] = e[model.ERROR + k] / np.sqrt(NORM)
        for j in range(COEFFICIENTS):
            s[L.CANDIDATE + j * LANES + lanes[k]] = e[model.FITTED + j * model.FITS + k]


@compiled(arrays=True)
def _fit_lanes(s: Any, lanes: Any, count: int) -> None:
    """Fit the candidates of the first ``count`` lanes in a list, neighbours in it side by side."""
    e, first = model.room(), 0
    while first < count:
        used, last = s[L.SAMPLES + lanes[first]], first + 1
        while last < count and last < first + model.FITS and s[L.SAMPLES + lanes[last]] == used:
            last += 1
        _fit_some(s, lanes[first:last], e, int(used))
        first = last


@compiled(arrays=True)
def _train(s: Any, latency: int) -> None:
    """Start the retrainings that have been charged."""
    lanes, count = np.empty(LANES, np.int64), 0
    for i in range(LANES):
        if s[L.CHARGED + i] > ZERO:
            lanes[count] = i
            count += 1
            s[L.IN_FLIGHT + i] = ONE
            s[L.TRAINING + i] = latency
            s[L.SINCE_RETRAIN + i] = -ONE  # counts up to 0 at the end of this cycle
    _fit_lanes(s, lanes, count)


@compiled
def decide(s: Any, latency: int) -> None:
    """Carry out the decisions that stand in the state, as far as they start something."""
    asked = 0
    for i in range(LANES):
        starts = ONE - s[L.IN_FLIGHT + i] if s[L.DECISION + i] == RETRAINING else ZERO
        s[L.CHARGED + i] = starts
        asked += 1 if starts > ZERO else 0
    if asked > 0:
        _train(s, latency)


@compiled
def deploy(s: Any, i: int) -> None:
    """Put the candidate of one lane into service; its alarm starts anew."""
    for j in range(COEFFICIENTS):
        s[L.MODEL + j * LANES + i] = s[L.CANDIDATE + j * LANES + i]
    s[L.FIT_ERROR + i] = s[L.CANDIDATE_FIT_ERROR + i]
    s[L.IN_FLIGHT + i] = 0.0
    s[L.VERSION + i] += 1.0
    s[L.MODEL_AGE + i] = 0.0
    s[L.ALARM + i] = 0.0
    s[L.ALARM_MEAN + i] = 0.0
    s[L.ALARM_COUNT + i] = 0.0


@compiled
def ship(s: Any) -> None:
    """Training goes on; a model that is ready ships in the next release slot."""
    ready = 0
    for i in range(LANES):
        s[L.TRAINING + i] = greater(ZERO, s[L.TRAINING + i] - s[L.IN_FLIGHT + i])
        ready += 1 if s[L.IN_FLIGHT + i] > s[L.TRAINING + i] else 0
    if ready > 0:
        for i in range(LANES):
            every = s[L.RELEASE_EVERY + i]
            slot_open = every == ZERO or s[L.CYCLE + i] % every == ZERO
            if s[L.IN_FLIGHT + i] > s[L.TRAINING + i] and slot_open:
                deploy(s, i)
