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
from springdrift.series import costs
from springdrift.series.forecaster import (
    BIAS,
    CORRELATION,
    ERROR,
    PEAK,
    PROFILE,
    SERVED,
    STATS,
    baseline,
    compare,
    forecast,
    mean_of,
    usual_of,
)
from springdrift.series.generator import Drawn, episode_keys, generate, whole_from
from springdrift.series.observation import USUAL
from springdrift.series.output import report
from springdrift.series.staleness import compiled_pair
from springdrift.series.state import (
    ALARM,
    ALARM_COUNT,
    ALARM_MEAN,
    BEFORE,
    CANDIDATE,
    CYCLE,
    DEADLINE,
    DECISION,
    DEPLOYED,
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
    NUMBER,
    ONSET,
    OVERRIDE_EFFECT,
    PREVIOUS,
    PREVIOUS_SWING,
    PUSH,
    ROW,
    SCALE,
    SERVED_FOR,
    SINCE_FINE_TUNE,
    SINCE_INTERVENE,
    SINCE_RETRAIN,
    SINCE_ROLLBACK,
    START,
    TRUE_ERROR,
    TRUE_NAIVE,
    UNIT,
    VERSION,
)
from springdrift.series.versions import (
    FINE_TUNE,
    ROLLBACK,
    computed,
    first_version,
    keeps,
    look_back,
    request,
    roll_back,
    shape_of,
    ship,
    train,
)
from springdrift.series.waves import harmonics

F = np.float32
ZERO, ONE = F(0.0), F(1.0)
FAST, SLOW = 0.3, 0.05  # weights of the moving averages
SLACK = 0.05  # units, of the alarm
NONE_YET = 100.0  # cycles that a new episode shows since things that never happened
INTERVENE, RETRAIN = int(Action.INTERVENE), int(Action.RETRAIN)
OWN_TERMS = len(costs.TERMS)  # behind them stand those of versions


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
def _computed_cycle(
    model: Any, y: Any, measured: Any, shape: Any, t: int, found: Any, said: Any, stats: Any
) -> float:
    """Stats of model and baseline in cycle ``t`` of a series, float32 (2, 6); returns its mean."""
    period = shape.period
    seen = measured[: (t + 1) * period].reshape(t + 1, period)
    true = y[t * period : (t + 1) * period]
    for which in range(2):
        if which == 0:
            forecast(model, seen, t, shape, said)
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


# ---------------------------------------------------------------- the start of an episode


@allocating(slow=True, lanes=lambda chosen, *_: chosen.shape[0])
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
    s[SINCE_FINE_TUNE], s[SINCE_ROLLBACK], s[PREVIOUS] = NONE_YET, NONE_YET, -1.0
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
    s[SINCE_FINE_TUNE] += 1.0
    s[SINCE_ROLLBACK] += 1.0
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
def _decide(lanes: Any, i: int, rows: Any, tracks: Any, rules: Any) -> bool:
    """Carry out the decision that stands in the state, as far as it changes a model; whether it does."""
    s = lanes.state[i]
    if s[DECISION] == RETRAIN or (s[DECISION] == FINE_TUNE and keeps(lanes)):
        if s[IN_FLIGHT] == 0.0:
            request(lanes, i, rows, tracks, rules, int(s[DECISION]))
            return True
    elif s[DECISION] == ROLLBACK and keeps(lanes) and lanes.versions[i, BEFORE, NUMBER] >= 0.0:
        roll_back(lanes, i)
        return True
    return False


@inlined
def _charge(s: Any, rules: Any, error: Any, charged: bool, terms: Any, i: int) -> None:
    """What the cycle costs, term by term."""
    c, decision = rules.costs, s[DECISION]
    terms[0, i] = c[costs.FORECAST] * min(_squared(error, s[SCALE]), c[costs.FORECAST_CAP])
    terms[1, i] = c[costs.INTERVENE] if decision == INTERVENE else 0.0
    terms[2, i] = c[costs.RETRAIN] if charged and decision == RETRAIN else 0.0
    if terms.shape[0] > OWN_TERMS:
        terms[3, i] = c[costs.FINE_TUNE] if charged and decision == FINE_TUNE else 0.0
        terms[4, i] = c[costs.ROLLBACK] if charged and decision == ROLLBACK else 0.0


@inlined
def _cycle(lanes: Any, i: int, rows: Any, tracks: Any, rules: Any, work: Any, terms: Any) -> None:
    """One cycle of a lane; its decision stands in the state."""
    s = lanes.state[i]
    found, said, stats = work
    row, t = int(s[ROW]), int(s[CYCLE])
    charged = _decide(lanes, i, rows, tracks, rules)
    place, shape, track = int(s[START]) + t, shape_of(rows, row), rows.track[row]
    if computed(lanes, i, rows, row):
        y = lanes.y[i] if track < 0 else tracks.y[tracks.samples[track] :]
        seen = lanes.seen[i] if track < 0 else tracks.seen[tracks.samples[track] :]
        model = lanes.models[i, DEPLOYED]
        level = _computed_cycle(model, y, seen, shape, place, found, said[: shape.period], stats)
    else:
        level = _recorded_cycle(tracks, track, int(s[VERSION]), place, found)
    overrode = s[DECISION] == INTERVENE
    served = 1 if overrode else 0
    _charge(s, rules, found[served, STATS], charged, terms, i)
    s[PUSH] = (found[served, SERVED] - s[HOME]) / s[UNIT]
    s[TRUE_ERROR], s[TRUE_NAIVE] = found[0, STATS] / s[UNIT], found[1, STATS] / s[UNIT]
    notes = lanes.notes[i]
    newest = notes[max(0, t - 1 - shape.delay) % notes.shape[0]]
    s[PREVIOUS_SWING] = min(0.0, -newest[NOTE_SPARED]) if t - 1 - shape.delay >= 0 else 0.0
    _note(s, notes, t, found, level, overrode)
    _assess(s, notes, shape.delay, t)
    s[CYCLE] += 1.0
    if keeps(lanes):
        lanes.versions[i, DEPLOYED, SERVED_FOR] += 1.0
    ship(lanes, i)
    if keeps(lanes):
        look_back(lanes, i, rows, tracks, said[: shape.period], stats)


@allocating(lanes=lambda chosen, *_: chosen.shape[0])
def show(chosen: Any, lanes: Any, rows: Any, rules: Any, out: Any) -> None:
    """Report observation and truth of the lanes ``chosen`` once more."""
    obs, _, _, _, truth = out
    for k in range(chosen.shape[0]):
        report(lanes, chosen[k], rows, rules, obs, truth)


@allocating(lanes=lambda chosen, *_: chosen.shape[0])
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
        shape, errors, home = shape_of(rows, row), np.empty(validation, F), 0.0
        # the usual error: of the fit half a window before the start, from then to the start
        for fitted in (start - validation, start):
            first = start if rows.cold[row] > 0 and fitted == start else 0
            own = train(lanes, i, rows, tracks, fitted, first, 0)
            for t in range(fitted, start):
                if track >= 0:
                    _recorded_cycle(tracks, track, fitted, t, found)
                else:
                    model = lanes.models[i, DEPLOYED]
                    _computed_cycle(
                        model, lanes.y[i], lanes.seen[i], shape, t, found, said[: shape.period], stats
                    )
                errors[t - fitted] = found[0, ERROR]
        for t in range(start - window, start):
            home += _level(lanes, i, rows, tracks, row, t) / window
        _open(lanes, i, own, usual_of(errors), home, rows.tolerance[row])
        if keeps(lanes):
            last = 0.0 - shape.delay
            first_version(lanes, i, last if rows.cold[row] > 0 else last - window, last)
        for term in range(terms.shape[0]):
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
    total = terms[0, i] + terms[1, i] + terms[2, i]
    for term in range(OWN_TERMS, terms.shape[0]):
        total += terms[term, i]
    reward[i] = -total
    over[i] = 1 if lanes.state[i, CYCLE] >= lanes.state[i, DEADLINE] else 0
    return over[i]


@allocating(slow=True, lanes=lambda actions, *_: actions.shape[0], cycle=True)
def advance(actions: Any, lanes: Any, rows: Any, tracks: Any, rules: Any, out: Any) -> int:
    """One cycle of every lane whose episode goes on; returns how many episodes ended."""
    period, ended = lanes.models.shape[2] - PROFILE, 0
    work = (np.empty((2, STATS + 1), F), np.empty(period), np.empty(STATS))
    for i in range(actions.shape[0]):
        lanes.state[i, DECISION] = actions[i]
        ended += _step(lanes, i, rows, tracks, rules, work, out)
    return ended
