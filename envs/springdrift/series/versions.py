"""Versions of the forecast: what is asked for, when it ships, and the one that served before, compiled."""

from typing import Any

import numpy as np

from springdrift.game import streams
from springdrift.game.actions import Action
from springdrift.game.jit import compiled, inlined
from springdrift.series.forecaster import (
    DAMPED,
    ERROR,
    MOST_HARMONICS,
    PROFILE,
    Shape,
    compare,
    fit,
    forecast,
    tune,
)
from springdrift.series.generator import episode_words
from springdrift.series.optimum import deployed_in
from springdrift.series.state import (
    ALARM,
    ALARM_COUNT,
    ALARM_MEAN,
    ANCHOR,
    BEFORE,
    BEFORE_ANCHOR,
    CANDIDATE,
    CYCLE,
    DEPLOYED,
    FIT_ERROR,
    FITTED_FROM,
    FITTED_TO,
    IN_FLIGHT,
    IS_BAD,
    IS_TUNED,
    LANDS,
    MODEL_AGE,
    NUMBER,
    OWN_ERROR,
    PARENT,
    PREVIOUS,
    PREVIOUS_ERROR,
    READY,
    RECORD,
    ROW,
    SERVED_FOR,
    SINCE_FINE_TUNE,
    SINCE_RETRAIN,
    SINCE_ROLLBACK,
    START,
    TRAINED,
    UNIT,
    VERSION,
    VERSIONS,
)
from springdrift.series.waves import harmonics

FINE_TUNE, ROLLBACK = int(Action.FINE_TUNE), int(Action.ROLLBACK)
RECORDED = len(RECORD)


@inlined
def shape_of(rows: Any, row: int) -> Any:
    """How the series of a row of the scenario table is cut."""
    s = rows.shape[row]
    return Shape(s[0], s[1], s[2], s[3], s[4])


@inlined
def keeps(lanes: Any) -> bool:
    """Whether versions are kept to go back to."""
    return lanes.versions.shape[1] > 0


@inlined
def computed(lanes: Any, i: int, rows: Any, row: int) -> bool:
    """Whether what serves must be computed: all that a staleness matrix does not hold."""
    if rows.track[row] < 0:
        return True
    if not keeps(lanes):
        return False
    return lanes.versions[i, DEPLOYED, IS_TUNED] + lanes.versions[i, DEPLOYED, IS_BAD] > 0.0


@compiled(arrays=True)
def train(lanes: Any, i: int, rows: Any, tracks: Any, at: int, first: int, which: int) -> float:
    """Make the fit at the start of cycle ``at`` into the deployed (0) or next (1) model; its own error."""
    row = int(lanes.state[i, ROW])
    track = rows.track[row]
    model = lanes.models[i, which]
    if track >= 0:
        place = tracks.places[track] + at
        if keeps(lanes):
            for k in range(tracks.models.shape[1]):
                model[k] = tracks.models[place, k]
        return float(tracks.fit_error[place])
    shape = shape_of(rows, row)
    waves = harmonics(shape.period, min(MOST_HARMONICS, (shape.period - 1) // 2))
    seen = lanes.seen[i, : at * shape.period].reshape(at, shape.period)
    return float(np.float32(fit(seen, at, first, shape, waves, model[: PROFILE + shape.period])))


@compiled(arrays=True)
def _tune(lanes: Any, i: int, rows: Any, tracks: Any, at: int, first: int, rules: Any) -> float:
    """Fine-tune the anchor of the deployed model into the next one; its own error."""
    row = int(lanes.state[i, ROW])
    shape, track = shape_of(rows, row), rows.track[row]
    waves = harmonics(shape.period, min(MOST_HARMONICS, (shape.period - 1) // 2))
    flat = lanes.seen[i] if track < 0 else tracks.seen[tracks.samples[track] :]
    seen = flat[: at * shape.period].reshape(at, shape.period)
    anchor, model = (
        lanes.models[i, ANCHOR, : PROFILE + shape.period],
        lanes.models[i, TRAINED, : PROFILE + shape.period],
    )
    return float(np.float32(tune(seen, at, first, shape, waves, anchor, rules.tuned, rules.pull, model)))


@inlined
def goes_wrong(seed: Any, episode: Any, t: Any, rate: float) -> bool:
    """Whether the deployment of what is asked for in cycle ``t`` of an episode goes wrong."""
    one, other = episode_words(seed, episode)
    a, _ = streams.threefry(one, other, np.uint32(t), np.uint32(streams.RELEASE))
    return float(streams.uniform(a)) < rate


@compiled(arrays=True)
def request(lanes: Any, i: int, rows: Any, tracks: Any, rules: Any, decision: int) -> None:
    """Ask for a retraining, or for a fine-tuning: it sees what is known as the cycle begins."""
    s, row = lanes.state[i], int(lanes.state[i, ROW])
    t, place = int(s[CYCLE]), int(s[START] + s[CYCLE])
    first = int(s[START]) if rows.cold[row] > 0 else 0
    s[CANDIDATE], s[IN_FLIGHT] = place, 1.0
    if decision == FINE_TUNE:
        s[FIT_ERROR] = _tune(lanes, i, rows, tracks, place, first, rules) / s[UNIT]
        s[SINCE_FINE_TUNE], s[READY], s[LANDS] = -1.0, t + 1, t + 1
    else:
        s[FIT_ERROR] = train(lanes, i, rows, tracks, place, first, TRAINED) / s[UNIT]
        s[SINCE_RETRAIN], s[READY] = -1.0, t + rules.latency
        s[LANDS] = deployed_in(t, rules.latency, rows.release_every[row])
    if keeps(lanes):
        mine, last = lanes.versions[i, TRAINED], t - rows.shape[row, 3]
        window = rules.tuned if decision == FINE_TUNE else rows.shape[row, 2]
        mine[NUMBER], mine[PARENT] = s[VERSIONS] + 1.0, lanes.versions[i, DEPLOYED, NUMBER]
        mine[FITTED_FROM] = min(max(float(last - window), first - s[START]), float(last))
        mine[FITTED_TO], mine[OWN_ERROR], mine[SERVED_FOR] = last, s[FIT_ERROR], 0.0
        mine[IS_TUNED], rate = 1.0 if decision == FINE_TUNE else 0.0, rows.plans.bad_release[row]
        mine[IS_BAD] = 1.0 if goes_wrong(lanes.seeds[i], lanes.episodes[i] - np.uint32(1), t, rate) else 0.0


@inlined
def first_version(lanes: Any, i: int, fitted_from: float, fitted_to: float) -> None:
    """The version that was commissioned, and none before it."""
    models, versions = lanes.models[i], lanes.versions[i]
    versions[:, :] = 0.0
    versions[DEPLOYED, PARENT], versions[BEFORE, NUMBER], versions[BEFORE, PARENT] = -1.0, -1.0, -1.0
    versions[DEPLOYED, FITTED_FROM], versions[DEPLOYED, FITTED_TO] = fitted_from, fitted_to
    versions[DEPLOYED, OWN_ERROR] = lanes.state[i, FIT_ERROR]
    for k in range(models.shape[1]):
        models[ANCHOR, k] = models[DEPLOYED, k]
        models[BEFORE, k], models[BEFORE_ANCHOR, k] = 0.0, 0.0


@inlined
def _restart(s: Any) -> None:
    """A version goes into service: its age and its alarm start anew."""
    s[MODEL_AGE], s[ALARM], s[ALARM_MEAN], s[ALARM_COUNT] = 0.0, 0.0, 0.0, 0.0


@inlined
def _keep(lanes: Any, i: int) -> None:
    """What served until now is the version before; the one in training takes its place in the records."""
    s, models, versions = lanes.state[i], lanes.models[i], lanes.versions[i]
    fresh = versions[TRAINED, IS_TUNED] == 0.0
    for k in range(models.shape[1]):
        models[BEFORE, k], models[BEFORE_ANCHOR, k] = models[DEPLOYED, k], models[ANCHOR, k]
        if fresh:
            models[ANCHOR, k] = models[TRAINED, k]
    for k in range(RECORDED):
        versions[BEFORE, k], versions[DEPLOYED, k] = versions[DEPLOYED, k], versions[TRAINED, k]
    s[PREVIOUS], s[VERSIONS] = s[VERSION], versions[TRAINED, NUMBER]


@inlined
def ship(lanes: Any, i: int) -> None:
    """A model that is ready, in a slot, is deployed."""
    s = lanes.state[i]
    if s[IN_FLIGHT] == 0.0 or s[CYCLE] < s[LANDS]:
        return
    part = 1.0
    if keeps(lanes):
        _keep(lanes, i)
        part = DAMPED if lanes.versions[i, DEPLOYED, IS_BAD] > 0.0 else 1.0
    s[VERSION], s[IN_FLIGHT], s[LANDS] = s[CANDIDATE], 0.0, -1.0
    _restart(s)
    deployed, fresh = lanes.models[i, DEPLOYED], lanes.models[i, TRAINED]
    for k in range(deployed.shape[0]):
        deployed[k] = part * fresh[k]


@inlined
def roll_back(lanes: Any, i: int) -> None:
    """Put the version before into service; the one that it replaces is now the one before."""
    s, models, versions = lanes.state[i], lanes.models[i], lanes.versions[i]
    for k in range(models.shape[1]):
        models[DEPLOYED, k], models[BEFORE, k] = models[BEFORE, k], models[DEPLOYED, k]
        models[ANCHOR, k], models[BEFORE_ANCHOR, k] = models[BEFORE_ANCHOR, k], models[ANCHOR, k]
    for k in range(RECORDED):
        versions[DEPLOYED, k], versions[BEFORE, k] = versions[BEFORE, k], versions[DEPLOYED, k]
    s[VERSION], s[PREVIOUS] = s[PREVIOUS], s[VERSION]
    s[SINCE_ROLLBACK] = -1.0  # counts up to 0 at the end of this cycle
    _restart(s)


@inlined
def look_back(lanes: Any, i: int, rows: Any, tracks: Any, said: Any, stats: Any) -> None:
    """Error that the version before would have had in the newest known cycle, once a cycle is done."""
    s, row = lanes.state[i], int(lanes.state[i, ROW])
    if lanes.versions[i, BEFORE, NUMBER] < 0.0:
        return
    shape, track = shape_of(rows, row), rows.track[row]
    t = int(s[START] + s[CYCLE]) - 1 - shape.delay
    flat = lanes.seen[i] if track < 0 else tracks.seen[tracks.samples[track] :]
    seen = flat[: (t + 1) * shape.period].reshape(t + 1, shape.period)
    forecast(lanes.models[i, BEFORE], seen, t, shape, said)
    compare(said, seen[t], stats)
    s[PREVIOUS_ERROR] = stats[ERROR] / s[UNIT]
