"""One cycle of a batch of forecasts in service, compiled. The scalar env is a batch of one over this code.

Every lane is one forecast on one series, and computes what it would compute alone. The series is either
drawn for the episode, and then fits are made when they are asked for; or it is a recording, and then every
fit was made before and a cycle is a look-up in the staleness matrix. Both ways give the same bits.
"""

from typing import Any

import numpy as np

from springdrift.game import streams
from springdrift.game.actions import Action
from springdrift.game.jit import allocating, inlined
from springdrift.series.costs import TERMS
from springdrift.series.forecaster import (
    BIAS,
    CORRELATION,
    ERROR,
    MOST_HARMONICS,
    PEAK,
    PROFILE,
    SERVED,
    STATS,
    Shape,
    baseline,
    compare,
    fit,
    forecast,
    mean_of,
    usual_of,
)
from springdrift.series.generator import Drawn, episode_keys, generate, whole_from
from springdrift.series.observation import USUAL
from springdrift.series.optimum import deployed_in
from springdrift.series.output import report
from springdrift.series.staleness import compiled_pair
from springdrift.series.state import (
    ALARM,
    ALARM_COUNT,
    ALARM_MEAN,
    CANDIDATE,
    CYCLE,
    DEADLINE,
    DECISION,
    ERROR_FAST,
    ERROR_SLOW,
    FIT_ERROR,
    HOME,
    IN_FLIGHT,
    LANDS,
    MODEL_AGE,
    NOTE_BIAS,
    NOTE_CORRELATION,
    NOTE_ERROR,
    NOTE_LEVEL,
    NOTE_NAIVE,
    NOTE_OVERRODE,
    NOTE_PEAK,
    NOTE_SPARED,
    ONSET,
    OVERRIDE_EFFECT,
    PREVIOUS_SWING,
    PUSH,
    READY,
    ROW,
    SCALE,
    SINCE_INTERVENE,
    SINCE_RETRAIN,
    START,
    TRUE_ERROR,
    TRUE_NAIVE,
    UNIT,
    VERSION,
)
from springdrift.series.waves import harmonics

F = np.float32
ZERO, ONE = F(0.0), F(1.0)
FAST, SLOW = 0.3, 0.05  # weights of the moving averages
SLACK = 0.05  # units, of the alarm
NONE_YET = 100.0  # cycles that a new episode shows since things that never happened
WAIT, INTERVENE, RETRAIN = int(Action.WAIT), int(Action.INTERVENE), int(Action.RETRAIN)


@inlined
def _shape_of(rows: Any, row: int) -> Any:
    s = rows.shape[row]
    return Shape(s[0], s[1], s[2], s[3], s[4])


@inlined
def _squared(error: Any, scale: Any) -> Any:
    relative = float(error) / scale
    return relative * relative


@inlined
def _spared(model: Any, naive: Any, scale: Any) -> Any:
    """The signed root of what the baseline spares, in squared scales up to 1."""
    excess = min(_squared(model, scale), 1.0) - min(_squared(naive, scale), 1.0)
    return np.sqrt(excess) if excess > 0.0 else -np.sqrt(-excess)


# ---------------------------------------------------------------- the two kinds of series


@inlined
def _drawn_cycle(lanes: Any, i: int, shape: Any, t: int, found: Any, said: Any, stats: Any) -> float:
    """Stats of model and baseline in cycle ``t`` of a drawn series, float32 (2, 6); returns its mean."""
    period = shape.period
    seen = lanes.seen[i, : (t + 1) * period].reshape(t + 1, period)
    true = lanes.y[i, t * period : (t + 1) * period]
    for which in range(2):
        if which == 0:
            forecast(lanes.models[i, 0], seen, t, shape, said)
        else:
            baseline(seen, t, shape, said)
        compare(said, seen[t], stats)
        for k in range(STATS):
            found[which, k] = stats[k]
        compare(said, true, stats)
        found[which, STATS] = stats[ERROR]
    return float(F(mean_of(seen[t])))


@inlined
def _recorded_cycle(tracks: Any, track: int, version: int, t: int, found: Any) -> float:
    """The same of a recording."""
    first, place = tracks.first[track], tracks.places[track] + t
    row = tracks.pairs[track] + compiled_pair(version - first, t - first)
    for k in range(STATS):
        found[0, k] = tracks.stats[row, k]
        found[1, k] = tracks.naive[place, k]
    found[0, STATS], found[1, STATS] = tracks.cost_error[row], tracks.naive[place, STATS]
    return float(tracks.level[place])


@allocating
def _train(lanes: Any, i: int, rows: Any, tracks: Any, at: int, first: int, which: int) -> float:
    """Make the fit at the start of cycle ``at`` into the deployed (0) or next (1) model; its own error."""
    row = int(lanes.state[i, ROW])
    track = rows.track[row]
    if track >= 0:
        return float(tracks.fit_error[tracks.places[track] + at])
    shape = _shape_of(rows, row)
    waves = harmonics(shape.period, min(MOST_HARMONICS, (shape.period - 1) // 2))
    seen = lanes.seen[i, : at * shape.period].reshape(at, shape.period)
    model = lanes.models[i, which, : PROFILE + shape.period]
    return float(F(fit(seen, at, first, shape, waves, model)))


# ---------------------------------------------------------------- the start of an episode


@allocating
def draw_series(chosen: Any, starts: Any, lanes: Any, rows: Any, tracks: Any, flags: Any) -> None:
    """Choose what the next episode in the lanes ``chosen`` is of, from row ``starts[lane]``, and draw it.

    ``flags``, (cycles * P,), is room for what became of each sample.
    """
    for k in range(chosen.shape[0]):
        i = chosen[k]
        s, members = lanes.state[i], rows.members[starts[i]]
        keys = episode_keys(lanes.seeds[i], lanes.episodes[i])
        lanes.episodes[i] += np.uint32(1)
        a, b = streams.threefry(keys[0], keys[1], np.uint32(0), np.uint32(streams.BIRTH))
        count = 0
        while count < members.shape[0] and members[count] >= 0:
            count += 1
        row = members[whole_from(a, 0, count - 1)]
        track, history, cycles = rows.track[row], rows.history[row], rows.cycles[row]
        s[:] = 0.0
        s[ROW], s[DEADLINE], s[START] = row, cycles, history
        if track >= 0:
            s[START], s[ONSET] = whole_from(b, history, tracks.cycles[track] - cycles), -1.0
            continue
        count, period, long_period = history + cycles, rows.shape[row, 0], rows.shape[row, 1]
        size = count * period
        out = Drawn(
            lanes.y[i, :size].reshape(count, period),
            lanes.seen[i, :size].reshape(count, period),
            flags[:size].reshape(count, period),
            lanes.truth[i, :count],
        )
        waves = harmonics(period, 2)
        s[ONSET] = generate(rows.plans, row, keys, history, long_period, waves, out)


@inlined
def _level(lanes: Any, i: int, rows: Any, tracks: Any, row: int, t: int) -> float:
    """Mean measurement of a cycle."""
    track, period = rows.track[row], rows.shape[row, 0]
    if track >= 0:
        return float(tracks.level[tracks.places[track] + t])
    return float(F(mean_of(lanes.seen[i, t * period : (t + 1) * period])))


@inlined
def _open(lanes: Any, i: int, own: float, usual: float, home: float, tolerance: float) -> None:
    """The dashboard of a forecast that was commissioned a moment ago."""
    s, notes = lanes.state[i], lanes.notes[i]
    s[UNIT], s[SCALE], s[HOME] = usual / USUAL, usual * tolerance, home
    s[VERSION], s[CANDIDATE], s[FIT_ERROR] = s[START], s[START], own / s[UNIT]
    s[LANDS] = -1.0
    s[SINCE_RETRAIN], s[SINCE_INTERVENE] = NONE_YET, NONE_YET
    s[ERROR_FAST], s[ERROR_SLOW] = USUAL, USUAL
    s[TRUE_ERROR], s[TRUE_NAIVE] = USUAL, USUAL
    for k in range(notes.shape[0]):
        notes[k, :] = 0.0
        notes[k, NOTE_ERROR], notes[k, NOTE_NAIVE], notes[k, NOTE_CORRELATION] = USUAL, USUAL, 1.0


# ---------------------------------------------------------------- the cycle


@inlined
def _note(s: Any, notes: Any, t: int, found: Any, level: float, overrode: bool) -> None:
    """Write down what the cycle will look like once it is known."""
    note = notes[t % notes.shape[0]]
    note[NOTE_ERROR] = found[0, ERROR] / s[UNIT]
    note[NOTE_NAIVE] = found[1, ERROR] / s[UNIT]
    note[NOTE_BIAS] = found[0, BIAS] / s[UNIT]
    note[NOTE_CORRELATION] = found[0, CORRELATION]
    note[NOTE_PEAK] = found[0, PEAK]
    note[NOTE_LEVEL] = (level - s[HOME]) / s[UNIT]
    note[NOTE_SPARED] = _spared(found[0, ERROR], found[1, ERROR], s[SCALE])
    note[NOTE_OVERRODE] = 1.0 if overrode else 0.0


@inlined
def _assess(s: Any, notes: Any, delay: int, latest: int) -> None:
    """The clocks, and what the newest known cycle adds to the dashboard."""
    s[SINCE_RETRAIN] += 1.0
    s[SINCE_INTERVENE] = 0.0 if s[DECISION] == INTERVENE else s[SINCE_INTERVENE] + 1.0
    s[MODEL_AGE] += 1.0
    known = latest - delay
    if known < 0:
        return
    note = notes[known % notes.shape[0]]
    error = note[NOTE_ERROR]
    s[ERROR_FAST] += FAST * (error - s[ERROR_FAST])
    s[ERROR_SLOW] += SLOW * (error - s[ERROR_SLOW])
    s[ALARM_COUNT] += 1.0
    s[ALARM_MEAN] += (error - s[ALARM_MEAN]) / s[ALARM_COUNT]
    s[ALARM] = max(0.0, s[ALARM] + error - s[ALARM_MEAN] - SLACK)
    if note[NOTE_OVERRODE] > 0.0:
        s[OVERRIDE_EFFECT] = note[NOTE_SPARED]


@inlined
def _ship(lanes: Any, i: int) -> None:
    """A model that is ready, in a slot, is deployed."""
    s = lanes.state[i]
    if s[IN_FLIGHT] == 0.0 or s[CYCLE] < s[LANDS]:
        return
    s[VERSION], s[IN_FLIGHT], s[MODEL_AGE], s[LANDS] = s[CANDIDATE], 0.0, 0.0, -1.0
    s[ALARM], s[ALARM_MEAN], s[ALARM_COUNT] = 0.0, 0.0, 0.0
    deployed, fresh = lanes.models[i, 0], lanes.models[i, 1]
    for k in range(deployed.shape[0]):
        deployed[k] = fresh[k]


@inlined
def _cycle(lanes: Any, i: int, rows: Any, tracks: Any, rules: Any, work: Any, terms: Any) -> None:
    """One cycle of a lane; its decision stands in the state."""
    s = lanes.state[i]
    found, said, stats = work
    row, t = int(s[ROW]), int(s[CYCLE])
    place = int(s[START]) + t
    charged = s[DECISION] == RETRAIN and s[IN_FLIGHT] == 0.0
    if charged:
        first = int(s[START]) if rows.cold[row] > 0 else 0
        s[FIT_ERROR] = _train(lanes, i, rows, tracks, place, first, 1) / s[UNIT]
        s[CANDIDATE], s[IN_FLIGHT], s[SINCE_RETRAIN] = place, 1.0, -1.0
        s[READY] = t + rules.latency
        s[LANDS] = deployed_in(t, rules.latency, rows.release_every[row])
    shape = _shape_of(rows, row)
    if rows.track[row] >= 0:
        level = _recorded_cycle(tracks, rows.track[row], int(s[VERSION]), place, found)
    else:
        level = _drawn_cycle(lanes, i, shape, place, found, said[: shape.period], stats)
    overrode = s[DECISION] == INTERVENE
    served = 1 if overrode else 0
    price, intervene, retrain, cap = rules.costs[0], rules.costs[1], rules.costs[2], rules.costs[3]
    terms[0, i] = price * min(_squared(found[served, STATS], s[SCALE]), cap)
    terms[1, i] = intervene if overrode else 0.0
    terms[2, i] = retrain if charged else 0.0
    s[PUSH] = (found[served, SERVED] - s[HOME]) / s[UNIT]
    s[TRUE_ERROR], s[TRUE_NAIVE] = found[0, STATS] / s[UNIT], found[1, STATS] / s[UNIT]
    notes = lanes.notes[i]
    newest = notes[max(0, t - 1 - shape.delay) % notes.shape[0]]
    s[PREVIOUS_SWING] = min(0.0, -newest[NOTE_SPARED]) if t - 1 - shape.delay >= 0 else 0.0
    _note(s, notes, t, found, level, overrode)
    _assess(s, notes, shape.delay, t)
    s[CYCLE] += 1.0
    _ship(lanes, i)


@allocating
def show(chosen: Any, lanes: Any, rows: Any, rules: Any, out: Any) -> None:
    """Report observation and truth of the lanes ``chosen`` once more."""
    obs, _, _, _, truth = out
    for k in range(chosen.shape[0]):
        report(lanes, chosen[k], rows, rules, obs, truth)


@allocating
def begin(chosen: Any, lanes: Any, rows: Any, tracks: Any, rules: Any, out: Any) -> None:
    """Start the episodes that :func:`draw_series` drew into the lanes ``chosen``.

    Observation, costs (0) and truth of these lanes are reported; reward and end are left as they are.
    """
    obs, terms, _, _, truth = out
    found, stats = np.empty((2, STATS + 1), F), np.empty(STATS)
    said = np.empty(lanes.models.shape[2] - PROFILE)
    for k in range(chosen.shape[0]):
        i = chosen[k]
        row, start = int(lanes.state[i, ROW]), int(lanes.state[i, START])
        track, validation, window = rows.track[row], rows.validation[row], rows.shape[row, 2]
        shape, errors, home = _shape_of(rows, row), np.empty(validation, F), 0.0
        # the usual error: of the fit half a window before the start, from then to the start
        for fitted in (start - validation, start):
            first = start if rows.cold[row] > 0 and fitted == start else 0
            own = _train(lanes, i, rows, tracks, fitted, first, 0)
            for t in range(fitted, start):
                if track >= 0:
                    _recorded_cycle(tracks, track, fitted, t, found)
                else:
                    _drawn_cycle(lanes, i, shape, t, found, said[: shape.period], stats)
                errors[t - fitted] = found[0, ERROR]
        for t in range(start - window, start):
            home += _level(lanes, i, rows, tracks, row, t) / window
        _open(lanes, i, own, usual_of(errors), home, rows.tolerance[row])
        for term in range(len(TERMS)):
            terms[term, i] = 0.0
        report(lanes, i, rows, rules, obs, truth)


@inlined
def _step(lanes: Any, i: int, rows: Any, tracks: Any, rules: Any, work: Any, out: Any) -> int:
    """One cycle of a lane, reported; 1 where its episode ends. One that has ended stands still, all 0."""
    obs, terms, reward, over, truth = out
    over[i] = 0
    if lanes.state[i, CYCLE] >= lanes.state[i, DEADLINE]:
        terms[:, i], reward[i], obs[i, :], truth[:, i] = 0.0, 0.0, ZERO, ZERO
        return 0
    _cycle(lanes, i, rows, tracks, rules, work, terms)
    report(lanes, i, rows, rules, obs, truth)
    reward[i] = -(terms[0, i] + terms[1, i] + terms[2, i])
    over[i] = 1 if lanes.state[i, CYCLE] >= lanes.state[i, DEADLINE] else 0
    return over[i]


@allocating
def advance(actions: Any, lanes: Any, rows: Any, tracks: Any, rules: Any, out: Any) -> int:
    """One cycle of every lane whose episode goes on; returns how many episodes ended."""
    period, ended = lanes.models.shape[2] - PROFILE, 0
    work = (np.empty((2, STATS + 1), F), np.empty(period), np.empty(STATS))
    for i in range(actions.shape[0]):
        lanes.state[i, DECISION] = actions[i]
        ended += _step(lanes, i, rows, tracks, rules, work, out)
    return ended
