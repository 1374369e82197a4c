"""What a cycle hands out: the observation, the costs, and both in the arrays of the caller."""

from typing import Any

import numpy as np

from springdrift.game.jit import compiled, inlined
from springdrift.game.observation import age, bounded, clip, log_error
from springdrift.game.transpose import SIDE, transpose
from springdrift.incline.machine import (
    FINE_TUNING,
    INTERVENING,
    ONE,
    PER_TARGET,
    RETRAINING,
    ROLLING_BACK,
    STRONGEST,
    TWO,
    ZERO,
    F,
)
from springdrift.incline.observation import OBSERVE, OPS_MODES, SIGNALS_MODE, TRUTH_MODE
from springdrift.incline.outputs import BILL, OVER, REWARD, TRUTH_FIELDS
from springdrift.incline.reward import (
    FINE_TUNE,
    INTERVENE,
    OPS_TERMS,
    RETRAIN,
    ROLLBACK,
    forecast_cost,
    swing_cost,
)
from springdrift.incline.state import HISTORY_CYCLES, MEASUREMENTS, row

from . import LANES
from . import columns as O
from . import layout as L
from .layout import STRIDE, history, window
from .motion import copy

TRUTH_PLACES = np.array([row(name) * LANES for name in TRUTH_FIELDS])
WIDTHS = np.array([len(table) * LANES for table in OBSERVE.values()])
FORECAST_TERM, SWING_TERM, INTERVENE_TERM, RETRAIN_TERM, FINE_TUNE_TERM, ROLLBACK_TERM = (
    OPS_TERMS.index(name) * LANES
    for name in ("forecast", "swing", "intervene", "retrain", "fine_tune", "rollback")
)


@inlined
def _clock(s: Any, o: Any, i: int, latency: int, in_flight: int, model_age: int, time_left: int) -> None:
    """The columns that dashboard and signals share, at their places in either."""
    o[in_flight + i] = s[L.IN_FLIGHT + i] * (s[L.TRAINING + i] + ONE) / F(latency + 1)
    o[model_age + i] = age(s[L.MODEL_AGE + i])
    o[time_left + i] = (s[L.DEADLINE + i] - s[L.CYCLE + i]) / s[L.DEADLINE + i]


@compiled
def monitor(s: Any, o: Any, latency: int) -> None:
    """The dashboard of a block, column by column."""
    for i in range(LANES):
        o[O.ERROR + i] = log_error(s[L.MEASURED_ERROR + i])
        o[O.ERROR_FAST + i] = log_error(s[L.ERROR_FAST + i])
        o[O.ERROR_SLOW + i] = log_error(s[L.ERROR_SLOW + i])
        o[O.BIAS + i] = bounded(s[L.BIAS + i] * PER_TARGET)
        o[O.SWING + i] = clip(s[L.MEASURED_SWING + i] * PER_TARGET - ONE)
        o[O.SWING_CHANGE + i] = clip((s[L.MEASURED_SWING + i] - s[L.PREVIOUS_SWING + i]) * PER_TARGET)
        o[O.CORRELATION + i] = s[L.CORRELATION + i]
        o[O.PUSH + i] = s[L.LEVEL_PUSH + i]
        o[O.OVERRIDE_EFFECT + i] = s[L.OVERRIDE_EFFECT + i]
        o[O.SINCE_RETRAIN + i] = age(s[L.SINCE_RETRAIN + i])
        o[O.SINCE_INTERVENE + i] = age(s[L.SINCE_INTERVENE + i])
        o[O.FIT_ERROR + i] = log_error(s[L.CANDIDATE_FIT_ERROR + i])
        o[O.ALARM + i] = s[L.ALARM + i] / (ONE + s[L.ALARM + i])
        o[O.PEAK + i] = s[L.PEAK + i]
        o[O.LEVEL + i] = bounded((s[L.LEVEL + i] - s[L.HOME + i]) * PER_TARGET)
        _clock(s, o, i, latency, O.IN_FLIGHT, O.MODEL_AGE, O.TIME_LEFT)


@compiled
def _truth(s: Any, o: Any) -> None:
    """The privileged columns behind the dashboard."""
    for i in range(LANES):
        o[O.TRUE_STIFFNESS + i] = clip((s[L.STIFFNESS + i] * F(1.0 / np.pi**2) - ONE) * F(1.0 / 3.0))
        o[O.TRUE_FRICTION + i] = clip(s[L.FRICTION + i] * F(1.0 / 0.02) - ONE)
        o[O.TRUE_TILT + i] = clip(TWO * (s[L.TILT + i] - F(np.pi / 6.0)))
        o[O.TRUE_MAGNET + i] = clip(s[L.MAGNET + i] - ONE)
        o[O.TRUE_DRIVE + i] = clip(s[L.DRIVE + i])
        o[O.TRUE_ERROR + i] = log_error(np.sqrt(s[L.ERROR + i]))
        o[O.TRUE_SWING + i] = clip(s[L.SWING + i] * PER_TARGET - ONE)
        changed = s[L.LAST_CHANGE + i] >= ZERO
        o[O.SINCE_CHANGE + i] = age(s[L.CYCLE + i] - s[L.LAST_CHANGE + i]) if changed else ONE


@compiled
def _signals(s: Any, o: Any, latency: int) -> None:
    """Raw measurements, forecasts and forces of the last cycles."""
    per_range, per_push = F(1.0 / 1.5), ONE / STRONGEST
    for ago in range(HISTORY_CYCLES):
        y, u = window(s, L.WINDOW_Y, ago), window(s, L.WINDOW_U, ago)
        f, place = history(s, L.WINDOW_F, ago), (HISTORY_CYCLES - 1 - ago) * STRIDE
        for j in range(MEASUREMENTS):
            for i in range(LANES):
                here, home = np.uint64(j * LANES + i), s[L.HOME + i]
                o[O.MEASURED + place + j * LANES + i] = clip((s[y + here] - home) * per_range)
                o[O.FORECAST + place + j * LANES + i] = clip((s[f + here] - home) * per_range)
                o[O.FORCE + place + j * LANES + i] = clip(s[u + here] * per_push)
    for i in range(LANES):
        _clock(s, o, i, latency, O.SIGNALS_IN_FLIGHT, O.SIGNALS_MODEL_AGE, O.SIGNALS_TIME_LEFT)


@compiled
def _versions(s: Any, o: Any, first: int) -> None:
    """What is seen of versions, in the columns from ``first`` on."""
    for i in range(LANES):
        known = s[L.PREVIOUS_VERSION + i] >= ZERO
        o[first + i] = log_error(s[L.PREVIOUS_ERROR + i]) if known else ONE
        o[first + LANES + i] = age(s[L.SINCE_FINE_TUNE + i])
        o[first + 2 * LANES + i] = age(s[L.SINCE_ROLLBACK + i])


@compiled
def observe(s: Any, o: Any, latency: int, mode: int) -> None:
    """The observation of a block, in the columns of its table."""
    kind = mode % OPS_MODES
    if kind == SIGNALS_MODE:
        _signals(s, o, latency)
    else:
        monitor(s, o, latency)
        if kind == TRUTH_MODE:
            _truth(s, o)
    if mode >= OPS_MODES:
        _versions(s, o, WIDTHS[kind])


@compiled
def charge(s: Any, costs: Any, c: Any) -> None:
    """The bill of a block's cycle: c[row * LANES + lane], the terms, the reward, and the end."""
    intervene, retrain, fine_tune, rollback = (
        costs[INTERVENE],
        costs[RETRAIN],
        costs[FINE_TUNE],
        costs[ROLLBACK],
    )
    for i in range(LANES):
        c[FORECAST_TERM + i] = forecast_cost(costs, float(s[L.ERROR + i]))
        c[SWING_TERM + i] = swing_cost(costs, float(s[L.SWING + i]))
        decision, charged = s[L.DECISION + i], float(s[L.CHARGED + i])
        c[INTERVENE_TERM + i] = intervene if decision == INTERVENING else 0.0
        c[RETRAIN_TERM + i] = retrain * charged if decision == RETRAINING else 0.0
        c[FINE_TUNE_TERM + i] = fine_tune * charged if decision == FINE_TUNING else 0.0
        c[ROLLBACK_TERM + i] = rollback * charged if decision == ROLLING_BACK else 0.0
    for i in range(LANES):
        total = c[i]
        for term in range(1, REWARD):
            total += c[term * LANES + i]
        c[REWARD * LANES + i] = -total
        c[OVER * LANES + i] = 1.0 if s[L.CYCLE + i] >= s[L.DEADLINE + i] else 0.0


@compiled
def report(s: Any, o: Any, c: Any, first: int, obs: Any, bill: Any, truth: Any) -> int:
    """Hand a block's results to the places in the output arrays that exist; how many episodes ended."""
    last = min(first + LANES, obs.shape[0])
    # slices: an index that may be negative, for all the compiler knows, keeps a loop from vectorising
    rows, ended, tiled = obs[first:last], 0, 0
    if rows.shape[0] == LANES:
        flat, width = rows.reshape(-1), rows.shape[1]
        tiled = width // SIDE * SIDE
        for column in range(0, tiled, SIDE):
            for i in range(0, LANES, SIDE):
                transpose(o, column * LANES + i, LANES, flat, i * width + column, width)
    for column in range(tiled, rows.shape[1]):
        for i in range(rows.shape[0]):
            rows[i, column] = o[column * LANES + i]
    for i in range(rows.shape[0]):
        ended += 1 if c[OVER * LANES + i] > 0.0 else 0
    for term in range(BILL):
        copy(bill[term][first:last], c[term * LANES : (term + 1) * LANES])
    for column in range(truth.shape[0]):
        place = TRUTH_PLACES[column]
        copy(truth[column][first:last], s[place : place + LANES])
    return ended
