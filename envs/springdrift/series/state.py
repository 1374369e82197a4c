"""What a batch of forecasts in service is made of: scenarios, staleness matrices, and its lanes."""

from typing import Any, NamedTuple

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
    *("previous", "previous_error", "since_fine_tune", "since_rollback", "versions"),
)
_places = list(range(len(FIELDS)))
CYCLE, DEADLINE, ROW, START, ONSET, UNIT, SCALE, HOME, *_places = _places
VERSION, CANDIDATE, IN_FLIGHT, READY, LANDS, FIT_ERROR, MODEL_AGE, *_places = _places
SINCE_RETRAIN, SINCE_INTERVENE, ERROR_FAST, ERROR_SLOW, *_places = _places
ALARM, ALARM_MEAN, ALARM_COUNT, OVERRIDE_EFFECT, PREVIOUS_SWING, PUSH, *_places = _places
DECISION, TRUE_ERROR, TRUE_NAIVE, *_places = _places
PREVIOUS, PREVIOUS_ERROR, SINCE_FINE_TUNE, SINCE_ROLLBACK, VERSIONS = _places

# the version in service, the one in training, and the one that served before: places of their numbers and
# of their coefficients, behind which stand those of the retrainings that the first and the last go back to
DEPLOYED, TRAINED, BEFORE, KEPT = range(4)
ANCHOR, BEFORE_ANCHOR, MODELS = range(3, 6)
# what is kept of a version, in this order
RECORD = ("number", "parent", "fitted_from", "fitted_to", "fit_error", "served", "tuned", "bad")
NUMBER, PARENT, FITTED_FROM, FITTED_TO, OWN_ERROR, SERVED_FOR, IS_TUNED, IS_BAD = range(len(RECORD))

# what is noted of every cycle, and shown once it is known
NOTE_ERROR, NOTE_NAIVE, NOTE_BIAS, NOTE_CORRELATION, NOTE_PEAK, NOTE_LEVEL = range(6)
NOTE_SPARED, NOTE_OVERRODE, NOTES = range(6, 9)

TRUTH_NAMES = (
    *SERIES_TRUTH,
    *("onset", "scenario", "cycle", "start", "scale", "naive_error"),
    *("version", "model_age", "error", "decision"),
)
VERSION_NAMES = RECORD[:IS_BAD]
OPS_TRUTH_NAMES = (*TRUTH_NAMES, "bad", "previous_version")  # where versions can be rolled back
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
    samples: NDArray[np.int64]  # (R + 1,) where the samples of each begin and end; 0 where none are kept
    y: NDArray[np.float32]  # (samples,)
    seen: NDArray[np.float32]  # (samples,)
    models: NDArray[np.float64]  # (cycles, PROFILE + P) of each fit, where versions are kept


class Lanes(NamedTuple):
    """What a batch of n lanes carries."""

    seeds: NDArray[np.uint64]  # (n,)
    episodes: NDArray[np.uint32]  # (n,) number of the next episode
    state: NDArray[np.float64]  # (n, FIELDS)
    notes: NDArray[np.float64]  # (n, ring, NOTES), cycle t at t modulo the ring
    models: NDArray[np.float64]  # (n, 2, PROFILE + P): deployed and in training; MODELS of them for versions
    y: NDArray[np.float32]  # (n, cycles * P) a drawn series, cycle by cycle
    seen: NDArray[np.float32]  # the same as measured
    truth: NDArray[np.float32]  # (n, cycles, SERIES_TRUTH) its truth
    versions: NDArray[np.float64]  # (n, KEPT, RECORD); (n, 0, RECORD) where no versions are kept


class Rules(NamedTuple):
    """What a batch has in common."""

    costs: NDArray[np.float64]  # (4,), or (6,) where versions are kept, by the places of costs
    latency: int
    mode: int
    tuned: int  # cycles that a fine-tuning sees
    pull: tuple[float, float]  # of a fine-tuning toward its anchor: on lags and level, on harmonics


def tracks_of(tables: list[Staleness], kept: list[tuple[Any, Any, Any]]) -> Tracks:
    """The staleness matrices one behind the other; one empty cycle where there is none.

    ``kept`` holds y and seen, (N, P), and the fits' coefficients, (N, PROFILE + P), of each where versions
    are kept, and nothing elsewhere.
    """
    pairs = np.cumsum([0, *(len(table.cost_error) for table in tables)])
    places = np.cumsum([0, *(table.cycles for table in tables)])
    width = max((models.shape[1] for _, _, models in kept), default=0)
    samples: Any = (
        np.cumsum([0, *(y.size for y, _, _ in kept)]).astype(np.int64),
        np.concatenate([np.zeros(0, np.float32), *(y.ravel() for y, _, _ in kept)]),
        np.concatenate([np.zeros(0, np.float32), *(seen.ravel() for _, seen, _ in kept)]),
        np.concatenate(
            [np.zeros((0, width)), *(np.pad(m, ((0, 0), (0, width - m.shape[1]))) for *_, m in kept)]
        ),
    )
    if not tables:
        nothing = np.zeros(1, np.int64)
        return Tracks(
            *(nothing, nothing.copy(), nothing.copy(), nothing.copy(), np.zeros((1, 5), np.float32)),
            *(np.zeros(1, np.float32), np.zeros((1, 6), np.float32)),
            *(np.zeros(1, np.float32), np.zeros(1, np.float32)),
            *samples,
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
        *samples,
    )
