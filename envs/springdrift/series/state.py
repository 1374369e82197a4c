"""What a batch of forecasts in service is made of: scenarios, staleness matrices, and its lanes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift.series.generator import TRUTH_NAMES as SERIES_TRUTH
from springdrift.series.scenario import Plans
from springdrift.series.staleness import Staleness

# what a lane carries from cycle to cycle, float64
FIELDS = (
    *("cycle", "deadline", "row", "start", "onset", "unit", "scale", "home"),
    *("version", "candidate", "in_flight", "ready", "lands", "fit_error", "model_age"),
    *("since_retrain", "since_intervene", "error_fast", "error_slow"),
    *("alarm", "alarm_mean", "alarm_count", "override_effect", "previous_swing", "push"),
    *("decision", "error", "naive_error"),
)
_places = list(range(len(FIELDS)))
CYCLE, DEADLINE, ROW, START, ONSET, UNIT, SCALE, HOME, *_places = _places
VERSION, CANDIDATE, IN_FLIGHT, READY, LANDS, FIT_ERROR, MODEL_AGE, *_places = _places
SINCE_RETRAIN, SINCE_INTERVENE, ERROR_FAST, ERROR_SLOW, *_places = _places
ALARM, ALARM_MEAN, ALARM_COUNT, OVERRIDE_EFFECT, PREVIOUS_SWING, PUSH, *_places = _places
DECISION, TRUE_ERROR, TRUE_NAIVE = _places

# what is noted of every cycle, and shown once it is known
NOTE_ERROR, NOTE_NAIVE, NOTE_BIAS, NOTE_CORRELATION, NOTE_PEAK, NOTE_LEVEL = range(6)
NOTE_SPARED, NOTE_OVERRODE, NOTES = range(6, 9)

TRUTH_NAMES = (
    *SERIES_TRUTH,
    *("onset", "scenario", "cycle", "start", "scale", "naive_error"),
    *("version", "model_age", "error", "decision"),
)
EXOGENOUS = TRUTH_NAMES[: TRUTH_NAMES.index("version")]


class Rows(NamedTuple):
    """The scenarios that episodes can be of, a row each."""

    plans: Plans
    members: NDArray[np.int64]  # (S, M) rows of a mixture's members, or its own; -1 behind the last
    track: NDArray[np.int64]  # (S,) which recording, -1 for a generated series
    shape: NDArray[np.int64]  # (S, 5) as forecaster.Shape
    history: NDArray[np.int64]  # (S,) cycles before the first
    validation: NDArray[np.int64]  # (S,) of them, those on which the usual error is measured
    cycles: NDArray[np.int64]  # (S,) the deadline
    release_every: NDArray[np.int64]
    cold: NDArray[np.int64]  # (S,) 1 for a cold start
    tolerance: NDArray[np.float64]


class Tracks(NamedTuple):
    """The staleness matrices of some recordings, one behind the other."""

    pairs: NDArray[np.int64]  # (R,) where the pairs of each begin
    places: NDArray[np.int64]  # (R,) where its cycles begin
    cycles: NDArray[np.int64]  # (R,)
    first: NDArray[np.int64]  # (R,) its first fit
    stats: NDArray[np.float32]  # (pairs, 5)
    cost_error: NDArray[np.float32]  # (pairs,)
    naive: NDArray[np.float32]  # (cycles, 6)
    fit_error: NDArray[np.float32]  # (cycles,)
    level: NDArray[np.float32]  # (cycles,)


class Lanes(NamedTuple):
    """What a batch of n lanes carries."""

    seeds: NDArray[np.uint64]  # (n,)
    episodes: NDArray[np.uint32]  # (n,) number of the next episode
    state: NDArray[np.float64]  # (n, FIELDS)
    notes: NDArray[np.float64]  # (n, ring, NOTES), cycle t at t modulo the ring
    models: NDArray[np.float64]  # (n, 2, PROFILE + P): deployed and in training
    y: NDArray[np.float32]  # (n, cycles * P) a drawn series, cycle by cycle
    seen: NDArray[np.float32]  # the same as measured
    truth: NDArray[np.float32]  # (n, cycles, SERIES_TRUTH) its truth


class Rules(NamedTuple):
    """What a batch has in common."""

    costs: NDArray[np.float64]  # (4,): forecast, intervene, retrain, cap
    latency: int
    mode: int


def tracks_of(tables: list[Staleness]) -> Tracks:
    """The staleness matrices one behind the other; one empty cycle where there is none."""
    pairs = np.cumsum([0, *(len(table.cost_error) for table in tables)])
    places = np.cumsum([0, *(table.cycles for table in tables)])
    if not tables:
        nothing = np.zeros(1, np.int64)
        return Tracks(
            *(nothing, nothing.copy(), nothing.copy(), nothing.copy(), np.zeros((1, 5), np.float32)),
            *(np.zeros(1, np.float32), np.zeros((1, 6), np.float32)),
            *(np.zeros(1, np.float32), np.zeros(1, np.float32)),
        )
    return Tracks(
        pairs[:-1].astype(np.int64),
        places[:-1].astype(np.int64),
        np.array([table.cycles for table in tables], np.int64),
        np.array([table.first for table in tables], np.int64),
        *(
            np.ascontiguousarray(np.concatenate([getattr(table, name) for table in tables]))
            for name in ("stats", "cost_error", "naive", "fit_error", "level")
        ),
    )
