"""What is reported of a lane: the observation, in the columns of its table, and the truth."""

from typing import Any

import numpy as np

from springdrift.game.jit import inlined
from springdrift.game.observation import age, bounded, clip, log_error
from springdrift.series import columns as O
from springdrift.series.generator import TRUTH_NAMES as SERIES_TRUTH
from springdrift.series.laws import PARAMETERS
from springdrift.series.observation import HISTORY, OBSERVE, SHOWN
from springdrift.series.state import (
    ALARM,
    BEFORE,
    CYCLE,
    DEADLINE,
    DECISION,
    DEPLOYED,
    ERROR_FAST,
    ERROR_SLOW,
    FIT_ERROR,
    IN_FLIGHT,
    IS_BAD,
    MODEL_AGE,
    NOTE_BIAS,
    NOTE_CORRELATION,
    NOTE_ERROR,
    NOTE_LEVEL,
    NOTE_NAIVE,
    NOTE_PEAK,
    NOTE_SPARED,
    NUMBER,
    ONSET,
    OVERRIDE_EFFECT,
    PREVIOUS_ERROR,
    PREVIOUS_SWING,
    PUSH,
    READY,
    ROW,
    SCALE,
    SINCE_FINE_TUNE,
    SINCE_INTERVENE,
    SINCE_RETRAIN,
    SINCE_ROLLBACK,
    START,
    TRUE_ERROR,
    TRUE_NAIVE,
    VERSION,
)

F = np.float32
ZERO, ONE = F(0.0), F(1.0)
MODES = {name: mode for mode, name in enumerate(OBSERVE)}
OPS_MODES = len(MODES)  # added to a mode where what is seen of versions stands behind it
WIDTHS = np.array([len(table) for table in OBSERVE.values()])
SIGNALS_MODE, TRUTH_MODE = MODES["signals"], MODES["truth"]
_OF_LANE = np.array(
    [ONSET, ROW, CYCLE, START, SCALE, TRUE_NAIVE, VERSION, MODEL_AGE, TRUE_ERROR, DECISION], np.int64
)
OF_SERIES = len(SERIES_TRUTH)  # rows of truth that the series has
LAST_CHANGE = SERIES_TRUTH.index("last_change")
_USUAL_VALUE, _PER = np.array(SHOWN, np.float32).T.copy()


@inlined
def _clock(s: Any, o: Any, latency: int, flight: int, old: int, left: int) -> None:
    """The columns that dashboard and signals share, at their places in either."""
    training = F(max(0.0, s[READY] - s[CYCLE]))
    o[flight] = F(s[IN_FLIGHT]) * (training + ONE) / F(latency + 1)
    o[old] = age(F(s[MODEL_AGE]))
    o[left] = F((s[DEADLINE] - s[CYCLE]) / s[DEADLINE])


@inlined
def _monitor(s: Any, notes: Any, delay: int, latency: int, o: Any) -> None:
    """The dashboard, as far as measurements are known."""
    known = int(s[CYCLE]) - 1 - delay
    ring = notes.shape[0]
    note = notes[max(known, 0) % ring] if known >= 0 else notes[ring - 1]
    before = notes[max(known - 1, 0) % ring] if known >= 1 else note
    swing = F(min(0.0, -note[NOTE_SPARED]))
    o[O.ERROR] = log_error(F(note[NOTE_ERROR]))
    o[O.ERROR_FAST] = log_error(F(s[ERROR_FAST]))
    o[O.ERROR_SLOW] = log_error(F(s[ERROR_SLOW]))
    o[O.BIAS] = bounded(F(note[NOTE_BIAS]))
    o[O.SWING] = clip(swing)
    o[O.SWING_CHANGE] = clip(swing - F(s[PREVIOUS_SWING])) if known >= 0 else ZERO
    o[O.CORRELATION] = clip(F(note[NOTE_CORRELATION]))
    o[O.PUSH] = bounded(F(s[PUSH]))
    o[O.OVERRIDE_EFFECT] = clip(F(s[OVERRIDE_EFFECT]))
    o[O.SINCE_RETRAIN] = age(F(s[SINCE_RETRAIN]))
    o[O.SINCE_INTERVENE] = age(F(s[SINCE_INTERVENE]))
    o[O.FIT_ERROR] = log_error(F(s[FIT_ERROR]))
    o[O.ALARM] = F(s[ALARM]) / (ONE + F(s[ALARM]))
    o[O.PEAK] = F(note[NOTE_PEAK])
    o[O.LEVEL] = bounded(F(0.5 * (note[NOTE_LEVEL] + before[NOTE_LEVEL])))
    _clock(s, o, latency, O.IN_FLIGHT, O.MODEL_AGE, O.TIME_LEFT)


@inlined
def _true(s: Any, truth: Any, o: Any) -> None:
    """The privileged columns behind the dashboard."""
    for p in range(len(PARAMETERS)):
        o[O.TRUE_PARAMETERS + p] = clip((truth[p] - _USUAL_VALUE[p]) / _PER[p])
    o[O.TRUE_ERROR] = log_error(F(s[TRUE_ERROR]))
    o[O.TRUE_NAIVE] = log_error(F(s[TRUE_NAIVE]))
    changed = truth[LAST_CHANGE] >= ZERO
    o[O.SINCE_CHANGE] = age(F(max(0.0, s[CYCLE] - float(truth[LAST_CHANGE])))) if changed else ONE


@inlined
def _signals(s: Any, notes: Any, delay: int, latency: int, o: Any) -> None:
    """What is known of the last cycles, oldest first."""
    ring, newest = notes.shape[0], int(s[CYCLE]) - 1 - delay
    for n in range(HISTORY):
        note = notes[(newest - (HISTORY - 1 - n) + 2 * ring) % ring]
        o[O.ERRORS + n] = log_error(F(note[NOTE_ERROR]))
        o[O.NAIVES + n] = log_error(F(note[NOTE_NAIVE]))
        o[O.BIASES + n] = bounded(F(note[NOTE_BIAS]))
        o[O.LEVELS + n] = bounded(F(note[NOTE_LEVEL]))
    _clock(s, o, latency, O.SIGNALS_IN_FLIGHT, O.SIGNALS_MODEL_AGE, O.SIGNALS_TIME_LEFT)


@inlined
def _versions(lanes: Any, i: int, o: Any, first: int) -> None:
    """What is seen of versions, in the columns from ``first`` on."""
    s = lanes.state[i]
    known = lanes.versions[i, BEFORE, NUMBER] >= 0.0
    o[first] = log_error(F(s[PREVIOUS_ERROR])) if known else ONE
    o[first + 1], o[first + 2] = age(F(s[SINCE_FINE_TUNE])), age(F(s[SINCE_ROLLBACK]))


@inlined
def _truth_of_versions(lanes: Any, i: int, truth: Any, first: int) -> None:
    """The rows of truth from ``first`` on: those of versions."""
    mine = lanes.versions[i, DEPLOYED]
    truth[first, i] = F(mine[IS_BAD])
    truth[first + 1, i] = F(lanes.versions[i, BEFORE, NUMBER])
    for k in range(IS_BAD):
        truth[first + 2 + k, i] = F(mine[k])


@inlined
def report(lanes: Any, i: int, rows: Any, rules: Any, obs: Any, truth: Any) -> None:
    """Observation and truth of a lane."""
    s, notes = lanes.state[i], lanes.notes[i]
    row = int(s[ROW])
    delay = rows.shape[row, 3]
    place = int(s[START]) + max(0, int(s[CYCLE]) - 1)
    for k in range(OF_SERIES):
        truth[k, i] = (
            lanes.truth[i, place, k] if rows.track[row] < 0 else (-ONE if k == LAST_CHANGE else ZERO)
        )
    for k in range(_OF_LANE.shape[0]):
        truth[OF_SERIES + k, i] = F(s[_OF_LANE[k]])
    kind = rules.mode % OPS_MODES
    if kind == SIGNALS_MODE:
        _signals(s, notes, delay, rules.latency, obs[i])
    else:
        _monitor(s, notes, delay, rules.latency, obs[i])
        if kind == TRUTH_MODE:
            _true(s, truth[:OF_SERIES, i], obs[i])
    if rules.mode >= OPS_MODES:
        _versions(lanes, i, obs[i], WIDTHS[kind])
        _truth_of_versions(lanes, i, truth, OF_SERIES + _OF_LANE.shape[0])
