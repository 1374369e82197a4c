"""Retrainings and fine-tunings: the decision, the fit of the window as it stands, and when it ships."""

from typing import Any

import numpy as np

from springdrift.game.jit import compiled
from springdrift.incline import model
from springdrift.incline.dynamics import greater
from springdrift.incline.machine import FINE_TUNING, NORM, ONE, RETRAINING, ROLLING_BACK, ZERO, F
from springdrift.incline.state import COEFFICIENTS, MEASUREMENTS, WINDOW

from . import LANES
from . import layout as L
from .layout import window
from .versions import deploy, roll_back


@compiled
def _fit_some(s: Any, lanes: Any, e: Any, used: int, tuned: int, pull: float) -> None:
    """Fit lanes that may all use as many measurements, the last ``used``.

    A retraining leans a little on the deployed model; a fine-tuning (``tuned`` 1), strongly on its anchor.
    """
    count = lanes.shape[0]
    fits = 1 if count == 1 else -(-count // model.VECTOR) * model.VECTOR
    lean = L.ANCHOR if tuned > 0 else L.MODEL
    for ago in range(used // MEASUREMENTS):
        y, u = window(s, L.WINDOW_Y, ago), window(s, L.WINDOW_U, ago)
        for j in range(MEASUREMENTS):
            to = (used - (ago + 1) * MEASUREMENTS + j) * model.FITS
            for k in range(count):
                place = np.uint64(j * LANES + lanes[k])
                e[model.Y + to + k], e[model.U + to + k] = s[y + place], s[u + place]
    for j in range(COEFFICIENTS):
        for k in range(count):
            e[model.PREVIOUS + j * model.FITS + k] = s[lean + j * LANES + lanes[k]]
    model.fit_side_by_side(e, fits, used, pull)
    for k in range(count):
        s[L.CANDIDATE_FIT_ERROR + lanes[k]] = e[model.ERROR + k] / np.sqrt(NORM)
        for j in range(COEFFICIENTS):
            s[L.CANDIDATE + j * LANES + lanes[k]] = e[model.FITTED + j * model.FITS + k]


@compiled(arrays=True)
def _fit_lanes(s: Any, lanes: Any, count: int, tuned: int, most: int, pull: float) -> None:
    """Fit the candidates of the first ``count`` lanes in a list, neighbours in it side by side."""
    e, first = model.room(), 0
    while first < count:
        used, last = min(int(s[L.SAMPLES + lanes[first]]), most), first + 1
        while (
            last < count and last < first + model.FITS and min(int(s[L.SAMPLES + lanes[last]]), most) == used
        ):
            last += 1
        _fit_some(s, lanes[first:last], e, used, tuned, pull)
        first = last


@compiled
def _request(s: Any, i: int, latency: int, tuned: int, most: int) -> None:
    """Note what has been asked for in one lane, and the version that it will be."""
    s[L.IN_FLIGHT + i] = ONE
    s[L.TRAINING + i] = ONE if tuned > 0 else F(latency)
    s[(L.SINCE_FINE_TUNE if tuned > 0 else L.SINCE_RETRAIN) + i] = -ONE  # counts up to 0 as this cycle ends
    s[L.CANDIDATE_VERSION + i] = s[L.VERSIONS + i] + ONE
    s[L.CANDIDATE_PARENT + i] = s[L.VERSION + i]
    s[L.CANDIDATE_FITTED_TO + i] = s[L.CYCLE + i]
    s[L.CANDIDATE_FITTED_FROM + i] = s[L.CYCLE + i] - F(min(int(s[L.SAMPLES + i]), most) // MEASUREMENTS)
    s[L.CANDIDATE_SERVED + i], s[L.CANDIDATE_BAD + i] = ZERO, ZERO
    s[L.CANDIDATE_TUNED + i] = F(tuned)


@compiled(arrays=True)
def _train(s: Any, latency: int) -> None:
    """Start the retrainings and fine-tunings that have been charged."""
    for tuned in range(2):
        lanes, count = np.empty(LANES, np.int64), 0
        asked = FINE_TUNING if tuned > 0 else RETRAINING
        most = model.TUNED if tuned > 0 else WINDOW
        pull = model.TUNED_PULL if tuned > 0 else 1.0
        for i in range(LANES):
            if s[L.CHARGED + i] > ZERO and s[L.DECISION + i] == asked:
                lanes[count] = i
                count += 1
                _request(s, i, latency, tuned, most)
        if count > 0:
            _fit_lanes(s, lanes, count, tuned, most, pull)


@compiled
def decide(s: Any, latency: int) -> None:
    """Carry out the decisions that stand in the state, as far as they change something of the model."""
    fits = rollbacks = 0
    for i in range(LANES):
        decision = s[L.DECISION + i]
        starts = ONE - s[L.IN_FLIGHT + i] if decision in (RETRAINING, FINE_TUNING) else ZERO
        back = ONE if decision == ROLLING_BACK and s[L.PREVIOUS_VERSION + i] >= ZERO else ZERO
        s[L.CHARGED + i] = starts + back
        fits += 1 if starts > ZERO else 0
        rollbacks += 1 if back > ZERO else 0
    if fits > 0:
        _train(s, latency)
    if rollbacks > 0:
        for i in range(LANES):
            if s[L.DECISION + i] == ROLLING_BACK and s[L.CHARGED + i] > ZERO:
                roll_back(s, i)


@compiled
def ship(s: Any, w: Any) -> None:
    """Training goes on; a model that is ready ships in the next release slot, a fine-tuned one at once."""
    ready = 0
    for i in range(LANES):
        s[L.TRAINING + i] = greater(ZERO, s[L.TRAINING + i] - s[L.IN_FLIGHT + i])
        ready += 1 if s[L.IN_FLIGHT + i] > s[L.TRAINING + i] else 0
    if ready > 0:
        for i in range(LANES):
            every = s[L.RELEASE_EVERY + i]
            slot_open = every == ZERO or s[L.CYCLE + i] % every == ZERO or s[L.CANDIDATE_TUNED + i] > ZERO
            if s[L.IN_FLIGHT + i] > s[L.TRAINING + i] and slot_open:
                deploy(s, w, i)
