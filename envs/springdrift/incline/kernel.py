"""One cycle of a whole batch, compiled. The scalar env is a batch of one over this same code.

A block of ``LANES`` envs goes through each phase of a cycle together: every inner loop runs over
neighbouring lanes with a fixed count and no branch or library call, so it compiles to vector
instructions, and each lane computes exactly what it would compute alone. Rare events (a fit, an
abrupt change, the start of an episode) are handled lane by lane. What is computed is the same for any
number of lanes; ``kernel_narrow`` and ``kernel_wide`` are this source with others.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from springdrift.game import streams
from springdrift.game.actions import Action
from springdrift.game.jit import allocating, compiled, inlined, side_by_side
from springdrift.game.observation import age, bounded, log_error
from springdrift.game.observation import clip as gauge
from springdrift.game.transpose import SIDE, transpose
from springdrift.incline import model
from springdrift.incline.drift import MEMBERS, jump_to, reflect, slot
from springdrift.incline.dynamics import (
    BUMPERS,
    GRAVITY,
    Params,
    bump,
    clamp,
    greater,
    lesser,
    sin_cos,
    substep,
)
from springdrift.incline.observation import OBSERVE
from springdrift.incline.reward import INTERVENE, RETRAIN, TARGET, TERMS, forecast_cost, swing_cost
from springdrift.incline.state import (
    ALIGNED,
    COEFFICIENTS,
    COMMISSIONING_CYCLES,
    CYCLE_SECONDS,
    DRIFTING,
    HISTORY_CYCLES,
    KEYS,
    LAGS,
    MEASUREMENTS,
    ROWS,
    TURNS,
    WINDOW,
    WINDOW_CYCLES,
    Batch,
    row,
)

LANES: int = globals().get("LANES", 64)  # of a block: four vectors

F = np.float32  # the state's type; a plain float would turn the arithmetic around it to float64
ZERO, HALF, ONE, TWO = F(0.0), F(0.5), F(1.0), F(2.0)

INTERVAL = CYCLE_SECONDS / MEASUREMENTS  # s
G = F(GRAVITY)
FRICTION_FORCE = Params().friction * GRAVITY * float(np.cos(Params().tilt))  # N on a new machine
STRONGEST = F(6.0 * FRICTION_FORCE)  # N, F0
HOLD = F(0.18)  # of F0: what makes up the friction loss of a new machine
CONTROLLER_GAIN, CONTROLLER_LIMIT = F(2.0), F(0.5)  # of F0
OPERATOR_GAIN, OPERATOR_LIMIT = F(4.0), F(1.0)  # of F0
SENSOR_LOW, SENSOR_HIGH = F(-2.0), F(3.0)  # m, where the gauge ends; forecasts end there too
PROBE = F(0.5)  # of F0: the random pushes of commissioning
TARGET_SWING, PER_TARGET = F(TARGET), F(1.0 / TARGET)
NORM = TARGET * TARGET / 2.0  # m^2, variance of the target swing
PER_NORM = F(1.0 / (MEASUREMENTS * NORM))
SPREAD = 0.05  # m, of the start amplitude
PAGE_HINKLEY_SLACK = F(0.05)  # of the target rms
FAST, SLOW = F(0.3), F(0.05)  # weights of the moving averages
TINY = F(1e-12)
LOW_STOP, HIGH_STOP = F(BUMPERS[0]), F(BUMPERS[1])


def at(name: str) -> int:
    """First place of a field in a block: add the lane, and ``j * LANES`` for element j of an array."""
    return row(name) * LANES


X, V, CUBIC, DAMPING, SIGMA = (at(n) for n in ("x", "v", "cubic", "damping", "noise"))
STIFFNESS, FRICTION, TILT, MAGNET, DRIVE = (at(n) for n in DRIFTING)
D_SIN, D_COS, T_SIN, T_COS = (at(n) for n in ("drive_sin", "drive_cos", "turn_sin", "turn_cos"))
SW_SIN, SW_COS = at("sweep_sin"), at("sweep_cos")
BASE, WALK, TREND, LOW, HIGH, SEASON = (
    at(f"{n}_stiffness") for n in ("base", "walk", "trend", "low", "high", "season")
)
S_SIN, S_COS, ST_SIN, ST_COS = (
    at(n) for n in ("season_sin", "season_cos", "season_turn_sin", "season_turn_cos")
)
ONSET, NEXT_CHANGE, LAST_CHANGE, KEY = (at(n) for n in ("onset", "next_change", "last_change", "driver_key"))
SHOCK_RATE, SHOCK_SIZE, OUTLIER_RATE, OUTLIER_SIZE, DROPOUT_RATE = (
    at(n) for n in ("shock_rate", "shock_size", "outlier_rate", "outlier_size", "dropout_rate")
)
SCENARIO, CYCLE, DEADLINE = (at(n) for n in ("scenario", "cycle", "deadline"))
MODEL, CANDIDATE, IN_FLIGHT, TRAINING, RELEASE = (
    at(n) for n in ("model", "candidate", "in_flight", "training", "release_every")
)
FIT_ERROR, CANDIDATE_FIT_ERROR, VERSION, MODEL_AGE, SAMPLES = (
    at(n) for n in ("fit_error", "candidate_fit_error", "version", "model_age", "samples")
)
TURN, WINDOW_Y, WINDOW_U, WINDOW_F = (at(n) for n in ("turn", "window_y", "window_u", "window_f"))
MEASURED_SWING, PREVIOUS_SWING, HOME, LEVEL = (
    at(n) for n in ("measured_swing", "previous_swing", "home", "level")
)
ERROR_FAST, ERROR_SLOW, ALARM, ALARM_MEAN, ALARM_COUNT = (
    at(n) for n in ("error_fast", "error_slow", "alarm", "alarm_mean", "alarm_count")
)
OVERRIDE_EFFECT, SINCE_RETRAIN, SINCE_INTERVENE, PUSH = (
    at(n) for n in ("override_effect", "since_retrain", "since_intervene", "level_push")
)
SWING, ERROR, KICK, FAULTS, WORK, DECISION, CHARGED = (
    at(n) for n in ("swing", "error", "shock", "faults", "work", "decision", "charged")
)
MEASURED_ERROR, BIAS, CORRELATION, PEAK = (at(n) for n in ("measured_error", "bias", "correlation", "peak"))
KEY0, KEY1, SEED0, SEED1, EPISODE = (k * LANES for k in range(len(KEYS)))

WAITING, INTERVENING, RETRAINING = F(int(Action.WAIT)), F(int(Action.INTERVENE)), F(int(Action.RETRAIN))
PROBING = F(-1)  # the decision in force while commissioning, and no Action: random pushes
TOGETHER = 8  # blocks that start their episodes side by side
P = len(DRIFTING)
STRIDE = MEASUREMENTS * LANES  # from a cycle in a ring to the next

# Scratch of a block, shared by all blocks of a call.
_SCRATCH = (
    ("normals", MEASUREMENTS),  # standard normal measurement noise
    ("walks", P),  # standard normal steps of the walks; from here up to kick_at, 0 where not drawn
    ("coin", 1),  # its binary digits are the signs of the pushes of commissioning
    ("fault_by", 1),
    ("kick_at", 1),
    ("fault_at", 1),
    ("freeze_at", 1),
    ("control", 1),  # N, the controller's push this cycle
    ("operator", 1),  # N, the operator's push this cycle
    ("place", 1),  # m; from here on, what moves in a substep
    ("speed", 1),  # m/s
    ("lowest", 1),
    ("highest", 1),
    ("drive_now", 1),  # m/s, the unseen force in this substep and in the next
    ("drive_next", 1),
    ("kept_sin", 1),  # where the unseen force and the coin stood as the cycle began
    ("kept_cos", 1),
    ("kept_coin", 1),
    ("pull", 1),  # m/s^2
    ("force", 1),  # m/s, pull and magnet together in a substep
    ("gain", 1),
    ("keep", 1),
    ("grip", 1),
    ("linear", 1),
    ("hardening", 1),
    ("ring", 1),  # 2 cos of its turn in a substep
    ("start", 1),  # m, position at the last measurement
    ("lags", LAGS),  # m, the last measurements of the cycle before; the forecasts of this one follow
    ("forecast", MEASUREMENTS),  # m
    ("before", 1),  # N, the last push of the cycle before; those of this one follow
    ("asked", MEASUREMENTS),  # N, forces asked of the magnet
    ("true_x", MEASUREMENTS),  # m, true positions at the measurements
    ("old", MEASUREMENTS),  # m, the measurements of the cycle before; those of this one follow
    ("seen", MEASUREMENTS),  # m
)
_ends = np.cumsum([0, *(size * LANES for _, size in _SCRATCH)]).tolist()
SCRATCH = _ends[-1]
NORMALS, WALKS, COIN, FAULT_BY, KICK_AT, FAULT_AT, FREEZE_AT, CONTROL, OPERATOR, *_ends = _ends
PLACE, SPEED, LOWEST, HIGHEST, DRIVE_NOW, DRIVE_NEXT, KEPT_SIN, KEPT_COS, KEPT_COIN, *_ends = _ends
PULL, FORCE, GAIN, KEEP, GRIP, LINEAR, HARDENING, *_ends = _ends
RING, START, LAG, FORECAST, BEFORE, ASKED, TRUE_X, OLD, SEEN, _ = _ends

TRUTH_NAMES = (
    *DRIFTING,
    *("driver_key", "last_change", "onset", "scenario", "cycle", "version", "model_age"),
    *("swing", "error", "shock", "faults", "work", "decision", "x", "v"),
)
TRUTH_PLACES = np.array([at(name) for name in TRUTH_NAMES])
REWARD, OVER, BILL = len(TERMS), len(TERMS) + 1, len(TERMS) + 2  # rows of a bill, and their number

# Places in a plan.
PLAN_SLOTS = {name: slot(name) for name in ("base", "walk", "trend_low", "trend_high", "either_way")}
L_BASE, L_WALK, L_TREND_LOW, L_TREND_HIGH, L_EITHER = PLAN_SLOTS.values()
L_LOW, L_HIGH, L_JUMP_LOW, L_JUMP_HIGH, L_LEAST, L_SEASON = (
    slot(n) for n in ("low", "high", "jump_low", "jump_high", "least", "season")
)
L_PERIOD, L_ONSET, L_ONSET_HIGH, L_GAP, L_GAP_HIGH, L_ROWS = (
    slot(n) for n in ("season_period", "onset_low", "onset_high", "gap_low", "gap_high", "rows")
)
L_SHOCK, L_SHOCK_SIZE, L_OUTLIER, L_OUTLIER_SIZE, L_DROPOUT = (
    slot(n) for n in ("shock_rate", "shock_size", "outlier_rate", "outlier_size", "dropout_rate")
)
L_DRIVERS, L_MEMBERS = slot("drivers"), slot("members")
L_RELEASE, L_COLD, L_CYCLES, L_CUBIC, L_DAMPING, L_NOISE, L_OMEGA = (
    slot(n) for n in ("release_every", "cold_start", "cycles", "cubic", "damping", "noise", "drive_omega")
)


class Rules(NamedTuple):
    """What a batch has in common. Put together within the kernel: a flat call is three times cheaper."""

    plans: NDArray[np.float64]  # (S, PLAN_SIZE)
    costs: NDArray[np.float64]  # (6,)
    latency: int  # cycles from the request of a retraining to its deployment
    substeps: int  # of an interval


# ---------------------------------------------------------------- random numbers


@inlined
def _words(w: Any, i: Any, cycle: Any, stream: Any) -> Any:
    return streams.threefry(w[KEY0 + i], w[KEY1 + i], np.uint32(np.int32(cycle)), np.uint32(stream))


@inlined
def _half_to_full(word: Any) -> Any:
    """Random sign, size uniform from 1/2 to 1."""
    size = TWO * streams.uniform(word) - ONE
    return HALF * size + (HALF if size > ZERO else -HALF)


@inlined
def _eighth(word: Any) -> Any:
    """One of 0 to 7."""
    return np.float32(np.int32(word & np.uint32(7)))


@compiled
def _uses(s: Any) -> Any:
    """How many lanes have a use for: the walks of the first two parameters, of the next two, of the last
    (or a coin), shocks, outliers, dropouts."""
    first = second = last = shocks = outliers = dropouts = 0
    for i in range(LANES):
        first += 1 if s[WALK + i] + s[WALK + LANES + i] > ZERO else 0
        second += 1 if s[WALK + 2 * LANES + i] + s[WALK + 3 * LANES + i] > ZERO else 0
        last += 1 if s[WALK + 4 * LANES + i] > ZERO or s[CYCLE + i] < ZERO else 0
        shocks += 1 if s[SHOCK_RATE + i] > ZERO else 0
        outliers += 1 if s[OUTLIER_RATE + i] > ZERO else 0
        dropouts += 1 if s[DROPOUT_RATE + i] > ZERO else 0
    return first, second, last, shocks, outliers, dropouts


@compiled
def _draw(s: Any, w: Any, t: Any) -> None:
    """All random numbers of a cycle into the scratch; those that no lane has a use for are left out."""
    for r in range(WALKS, KICK_AT):
        t[r] = ZERO
    for i in range(LANES):
        s[KICK + i], t[FREEZE_AT + i] = ZERO, F(MEASUREMENTS)
    for pair in range(MEASUREMENTS // 2):
        for i in range(LANES):
            a, b = _words(w, i, s[CYCLE + i], streams.NOISE + pair)
            t[NORMALS + 2 * pair * LANES + i] = streams.normal(a)
            t[NORMALS + (2 * pair + 1) * LANES + i] = streams.normal(b)
    first, second, last, shocks, outliers, dropouts = _uses(s)
    for pair in range(P // 2):
        if (first if pair == 0 else second) > 0:
            for i in range(LANES):
                a, b = _words(w, i, s[CYCLE + i], streams.WALK + pair)
                t[WALKS + 2 * pair * LANES + i] = streams.normal(a)
                t[WALKS + (2 * pair + 1) * LANES + i] = streams.normal(b)
    if last > 0:
        for i in range(LANES):
            a, b = _words(w, i, s[CYCLE + i], streams.WALK + P // 2)
            t[WALKS + (P - 1) * LANES + i] = streams.normal(a)
            t[COIN + i] = streams.uniform(b)
    if shocks > 0:
        for i in range(LANES):
            a, b = _words(w, i, s[CYCLE + i], streams.SHOCK)
            hit = streams.uniform(a) < s[SHOCK_RATE + i] and s[CYCLE + i] >= ZERO
            s[KICK + i] = _half_to_full(b) * s[SHOCK_SIZE + i] if hit else ZERO
            t[KICK_AT + i] = _eighth(a)
    if outliers > 0:
        for i in range(LANES):
            a, b = _words(w, i, s[CYCLE + i], streams.FAULT)
            hit = streams.uniform(a) < s[OUTLIER_RATE + i] and s[CYCLE + i] >= ZERO
            t[FAULT_BY + i] = _half_to_full(b) * s[OUTLIER_SIZE + i] if hit else ZERO
            t[FAULT_AT + i] = _eighth(a)
    if dropouts > 0:
        for i in range(LANES):
            a, b = _words(w, i, s[CYCLE + i], streams.FAULT + 1)
            frozen = streams.uniform(a) < s[DROPOUT_RATE + i] and s[CYCLE + i] >= ZERO
            t[FREEZE_AT + i] = _eighth(b) if frozen else F(MEASUREMENTS)


# ---------------------------------------------------------------- drift


@compiled
def _change(s: Any, w: Any, i: int, plan: Any) -> None:
    """An abrupt change in one lane: jumps, the next driver row, and the time of the next change."""
    cycle = s[CYCLE + i]
    changed = False
    for p in range(P):
        least = plan[L_LEAST + p]
        if least >= 0.0:
            a, _ = _words(w, i, cycle, streams.CHANGE + 1 + p)
            now = float(s[BASE + p * LANES + i])
            low, high = plan[L_JUMP_LOW + p], plan[L_JUMP_HIGH + p]
            s[BASE + p * LANES + i] = jump_to(float(streams.uniform(a)), now, low, high, least)
            changed = True
    a, b = _words(w, i, cycle, streams.CHANGE)
    rows = int(plan[L_ROWS])
    if rows > 0:
        key = (int(s[KEY + i]) + 1 + int(streams.uniform(a) * (rows - 1))) % rows
        s[KEY + i] = key
        for p in range(P):
            value = plan[L_DRIVERS + key * P + p]
            if not np.isnan(value):
                s[BASE + p * LANES + i] = value
        changed = True
    if changed:
        s[LAST_CHANGE + i] = cycle
    gap = plan[L_GAP] + np.floor(streams.uniform(b) * (plan[L_GAP_HIGH] - plan[L_GAP] + 1.0))
    s[NEXT_CHANGE + i] = cycle + gap


@compiled
def _drift(s: Any, w: Any, t: Any, plans: Any) -> None:
    """Move the world by one cycle; nothing here reads what the agent did."""
    due = 0
    for i in range(LANES):
        due += 1 if s[CYCLE + i] == s[NEXT_CHANGE + i] else 0
    if due > 0:
        for i in range(LANES):
            if s[CYCLE + i] == s[NEXT_CHANGE + i]:
                _change(s, w, i, plans[int(s[SCENARIO + i])])
    for i in range(LANES):
        sine, cosine = s[S_SIN + i], s[S_COS + i]
        s[S_SIN + i] = sine * s[ST_COS + i] + cosine * s[ST_SIN + i]
        s[S_COS + i] = cosine * s[ST_COS + i] - sine * s[ST_SIN + i]
    for p in range(P):
        for i in range(LANES):
            place = p * LANES + i
            move = s[TREND + place] + s[WALK + place] * t[WALKS + place]
            now = s[BASE + place]
            moved = now + (move if s[CYCLE + i] >= s[ONSET + i] else ZERO)
            held = clamp(moved, s[LOW + place], s[HIGH + place])
            folded = reflect(moved, s[LOW + place], s[HIGH + place])
            now = held if s[TREND + place] != ZERO else folded
            s[BASE + place] = now
            s[STIFFNESS + place] = now + s[SEASON + place] * s[S_SIN + i]
    for i in range(LANES):
        moving = ZERO
        for p in range(P):
            moving += abs(s[TREND + p * LANES + i]) + s[WALK + p * LANES + i]
        started = s[CYCLE + i] == s[ONSET + i] and moving > ZERO
        s[LAST_CHANGE + i] = s[CYCLE + i] if started else s[LAST_CHANGE + i]


# ---------------------------------------------------------------- decisions


@compiled(arrays=True)
def _fit_lanes(s: Any, lanes: Any, count: int) -> None:
    """Fit the candidates of the first ``count`` lanes in a list, neighbours in it side by side."""
    e, first = model.room(), 0
    while first < count:
        used, last = s[SAMPLES + lanes[first]], first + 1
        while last < count and last < first + model.FITS and s[SAMPLES + lanes[last]] == used:
            last += 1
        _fit_some(s, lanes[first:last], e, int(used))
        first = last


@compiled
def _fit_some(s: Any, lanes: Any, e: Any, used: int) -> None:
    """Fit lanes that may all use as many measurements, the last ``used``."""
    count = lanes.shape[0]
    fits = 1 if count == 1 else -(-count // model.VECTOR) * model.VECTOR
    for ago in range(used // MEASUREMENTS):
        y, u = _place(s, WINDOW_Y, WINDOW_CYCLES, ago), _place(s, WINDOW_U, WINDOW_CYCLES, ago)
        for j in range(MEASUREMENTS):
            to = (used - (ago + 1) * MEASUREMENTS + j) * model.FITS
            for k in range(count):
                place = np.uint64(j * LANES + lanes[k])
                e[model.Y + to + k], e[model.U + to + k] = s[y + place], s[u + place]
    for j in range(COEFFICIENTS):
        for k in range(count):
            e[model.PREVIOUS + j * model.FITS + k] = s[MODEL + j * LANES + lanes[k]]
    model.fit_side_by_side(e, fits, used)
    for k in range(count):
        s[CANDIDATE_FIT_ERROR + lanes[k]] = e[model.ERROR + k] / np.sqrt(NORM)
        for j in range(COEFFICIENTS):
            s[CANDIDATE + j * LANES + lanes[k]] = e[model.FITTED + j * model.FITS + k]


@compiled
def _deploy_lane(s: Any, i: int) -> None:
    for j in range(COEFFICIENTS):
        s[MODEL + j * LANES + i] = s[CANDIDATE + j * LANES + i]
    s[FIT_ERROR + i] = s[CANDIDATE_FIT_ERROR + i]
    s[IN_FLIGHT + i] = 0.0
    s[VERSION + i] += 1.0
    s[MODEL_AGE + i] = 0.0
    s[ALARM + i] = 0.0
    s[ALARM_MEAN + i] = 0.0
    s[ALARM_COUNT + i] = 0.0


@compiled(arrays=True)
def _train(s: Any, latency: int) -> None:
    """Start the retrainings that have been charged."""
    lanes, count = np.empty(LANES, np.int64), 0
    for i in range(LANES):
        if s[CHARGED + i] > ZERO:
            lanes[count] = i
            count += 1
            s[IN_FLIGHT + i] = ONE
            s[TRAINING + i] = latency
            s[SINCE_RETRAIN + i] = -ONE  # counts up to 0 at the end of this cycle
    _fit_lanes(s, lanes, count)


@compiled
def _decide(s: Any, latency: int) -> None:
    asked = 0
    for i in range(LANES):
        starts = ONE - s[IN_FLIGHT + i] if s[DECISION + i] == RETRAINING else ZERO
        s[CHARGED + i] = starts
        asked += 1 if starts > ZERO else 0
    if asked > 0:
        _train(s, latency)


# ---------------------------------------------------------------- the cycle


@compiled(arrays=True)
def _scratch() -> Any:
    """Room for a block's scratch at the start of a cache line: vectors that cross one cost twice."""
    raw = np.empty(SCRATCH + ALIGNED, F)
    start = -raw.ctypes.data % (4 * ALIGNED) // 4
    return raw[start : start + SCRATCH]


@compiled
def _copy(goal: Any, source: Any) -> None:
    """Copy between views; their length is not known when compiling, which lets the loop vectorise."""
    for i in range(goal.shape[0]):
        goal[i] = source[i]


@inlined
def _place(s: Any, ring: Any, cycles: Any, ago: Any) -> Any:
    """Where a ring of ``cycles`` cycles holds the one ``ago`` cycles back.

    Unsigned: an index that may be negative, for all the compiler knows, keeps a loop from vectorising.
    """
    return np.uint64(ring + (int(s[TURN]) + cycles - ago) % cycles * STRIDE)


@compiled
def _recall(s: Any, t: Any) -> None:
    """What the cycle ahead looks back on: the measurements of the last one and its last push."""
    y, u = _place(s, WINDOW_Y, WINDOW_CYCLES, 0), _place(s, WINDOW_U, WINDOW_CYCLES, 0)
    for r in range(STRIDE):
        t[OLD + r] = s[y + np.uint64(r)]
    for r in range(LAGS * LANES):
        t[LAG + r] = s[y + np.uint64(STRIDE - LAGS * LANES + r)]
    last = u + np.uint64(STRIDE - LANES)
    _copy(t[BEFORE : BEFORE + LANES], s[last : last + np.uint64(LANES)])


@compiled
def _record(s: Any, t: Any) -> None:
    """Put the cycle into the rings, in the place of their oldest."""
    turn = F((int(s[TURN]) + 1) % TURNS)
    for i in range(LANES):
        s[TURN + i] = turn
    y, u = _place(s, WINDOW_Y, WINDOW_CYCLES, 0), _place(s, WINDOW_U, WINDOW_CYCLES, 0)
    f = _place(s, WINDOW_F, HISTORY_CYCLES, 0)
    for r in range(STRIDE):
        s[y + np.uint64(r)] = t[SEEN + r]
    for r in range(STRIDE):
        s[u + np.uint64(r)] = t[ASKED + r]
    for r in range(STRIDE):
        s[f + np.uint64(r)] = t[FORECAST + r]


@compiled
def _prepare(s: Any, t: Any, h: Any) -> None:
    """What holds for a whole cycle: forces, factors of the integrator, the model's first lags."""
    for i in range(LANES):
        sine, cosine = sin_cos(s[TILT + i])
        t[PULL + i] = G * sine
        damp = HALF * s[DAMPING + i] * h
        t[GAIN + i] = h / (ONE + damp)
        t[KEEP + i] = (ONE - damp) / (ONE + damp)
        t[GRIP + i] = s[FRICTION + i] * G * cosine * t[GAIN + i]
        t[LINEAR + i] = s[STIFFNESS + i] * t[GAIN + i]
        t[HARDENING + i] = s[CUBIC + i] * t[GAIN + i]
        t[PLACE + i] = s[X + i]
        t[SPEED + i] = s[V + i]
        t[LOWEST + i] = s[X + i]
        t[HIGHEST + i] = s[X + i]
        control = HOLD + CONTROLLER_GAIN * (ONE - s[MEASURED_SWING + i] * PER_TARGET)
        t[CONTROL + i] = STRONGEST * clamp(control, -CONTROLLER_LIMIT, CONTROLLER_LIMIT)
        operator = OPERATOR_GAIN * (ONE - s[SWING + i] * PER_TARGET)
        t[OPERATOR + i] = STRONGEST * clamp(operator, -OPERATOR_LIMIT, OPERATOR_LIMIT)
        t[RING + i] = TWO * s[T_COS + i]
        s[WORK + i] = ZERO


@inlined
def _push(s: Any, t: Any, j: Any) -> None:
    """Forecast measurement j, choose the force of the interval before it, and kick the mass if it is due."""
    here, lags, before = F(j), t[LAG + j * LANES :], t[BEFORE + j * LANES :]
    for i in range(LANES):
        # where the model sees the mass go without a push
        free = s[MODEL + 5 * LANES + i] + s[MODEL + i] * lags[3 * LANES + i]
        free += s[MODEL + LANES + i] * lags[2 * LANES + i]
        free += s[MODEL + 2 * LANES + i] * lags[LANES + i]
        free += s[MODEL + 3 * LANES + i] * lags[i]
        half_b = HALF * s[MODEL + 4 * LANES + i]
        ahead = free + half_b * before[i] - lags[3 * LANES + i]
        control = t[CONTROL + i] * (ONE if ahead > ZERO else (-ONE if ahead < ZERO else ZERO))
        # where the operator sees it go: speed in the middle of the interval
        x = t[PLACE + i]
        spring = (s[STIFFNESS + i] + s[CUBIC + i] * x * x) * x
        middle = t[SPEED + i] + F(0.5 * INTERVAL) * (t[PULL + i] - spring)
        operator = t[OPERATOR + i] if middle >= ZERO else -t[OPERATOR + i]
        coin = t[COIN + i] + t[COIN + i]
        probe = PROBE * STRONGEST if coin >= ONE else -PROBE * STRONGEST
        t[COIN + i] = coin - (ONE if coin >= ONE else ZERO)
        decision = s[DECISION + i]
        u = operator if decision == INTERVENING else (probe if decision == PROBING else control)
        lags[LAGS * LANES + i] = clamp(free + half_b * (before[i] + u), SENSOR_LOW, SENSOR_HIGH)
        before[LANES + i] = u
        t[FORCE + i] = (t[PULL + i] + s[MAGNET + i] * u) * t[GAIN + i]
        t[SPEED + i] = t[SPEED + i] + (s[KICK + i] if t[KICK_AT + i] == here else ZERO)
        t[START + i] = x
        sine, cosine = s[D_SIN + i], s[D_COS + i]
        drive = s[DRIVE + i] * t[GAIN + i]
        t[DRIVE_NOW + i] = drive * sine
        t[DRIVE_NEXT + i] = drive * (sine * s[T_COS + i] + cosine * s[T_SIN + i])
        s[D_SIN + i] = sine * s[SW_COS + i] + cosine * s[SW_SIN + i]
        s[D_COS + i] = cosine * s[SW_COS + i] - sine * s[SW_SIN + i]


@inlined
def _glide(t: Any, substeps: int, half: Any, stops: bool) -> None:
    """Move through the substeps of an interval, with the end stops or as if there were none.

    All of it happens in the scratch, in places known when compiling, so that it can stay in registers.
    The unseen force goes by sin(a + b) = 2 cos(b) sin(a) - sin(a - b).
    """
    for _ in range(substeps):
        for i in range(LANES):
            drive = t[DRIVE_NOW + i]
            ahead = t[DRIVE_NEXT + i]
            t[DRIVE_NOW + i] = ahead
            t[DRIVE_NEXT + i] = t[RING + i] * ahead - drive
            x, v = substep(
                t[PLACE + i],
                t[SPEED + i],
                t[FORCE + i] + drive,
                t[LINEAR + i],
                t[HARDENING + i],
                t[KEEP + i],
                t[GRIP + i],
                half,
            )
            if stops:
                x, v = bump(x, v, LOW_STOP, HIGH_STOP)
            t[PLACE + i] = x
            t[SPEED + i] = v
            # adding zero keeps these plain stores: a store only where the value changes is slower
            t[LOWEST + i] = lesser(t[LOWEST + i], x) + ZERO
            t[HIGHEST + i] = greater(t[HIGHEST + i], x) + ZERO


@inlined
def _interval(s: Any, t: Any, j: Any, substeps: int, half: Any, stops: bool) -> None:
    """From one measurement to the next, number j."""
    _push(s, t, j)
    _glide(t, substeps, half, stops)
    force, true_x = t[ASKED + j * LANES :], t[TRUE_X + j * LANES :]
    for i in range(LANES):
        s[WORK + i] += s[MAGNET + i] * force[i] * (t[PLACE + i] - t[START + i])
        true_x[i] = t[PLACE + i]


@compiled
def _swing_free(s: Any, t: Any, substeps: int) -> None:
    """Forecast, push and move through the eight intervals of a cycle as if there were no end stops."""
    h = F(INTERVAL / substeps)
    _prepare(s, t, h)
    for j in range(MEASUREMENTS):
        _interval(s, t, j, substeps, HALF * h, False)


@compiled
def _swing(s: Any, t: Any, substeps: int) -> None:
    """The same with the end stops."""
    h = F(INTERVAL / substeps)
    _prepare(s, t, h)
    for j in range(MEASUREMENTS):
        _interval(s, t, j, substeps, HALF * h, True)


@compiled
def _stopped(lowest: Any, highest: Any) -> bool:
    """Whether a lane has passed an end stop."""
    free = 0
    for i in range(lowest.shape[0]):
        free += 1 if lowest[i] >= LOW_STOP else 0
        free += 1 if highest[i] <= HIGH_STOP else 0
    return free < 2 * lowest.shape[0]


@compiled
def _move(s: Any, t: Any, substeps: int) -> None:
    """A cycle of motion as if there were no end stops; where a lane passes one, again with them."""
    for i in range(LANES):
        t[KEPT_SIN + i], t[KEPT_COS + i], t[KEPT_COIN + i] = s[D_SIN + i], s[D_COS + i], t[COIN + i]
    _swing_free(s, t, substeps)
    if _stopped(t[LOWEST : LOWEST + LANES], t[HIGHEST : HIGHEST + LANES]):
        for i in range(LANES):
            s[D_SIN + i], s[D_COS + i], t[COIN + i] = t[KEPT_SIN + i], t[KEPT_COS + i], t[KEPT_COIN + i]
        _swing(s, t, substeps)
    for i in range(LANES):
        s[X + i] = t[PLACE + i]
        s[V + i] = t[SPEED + i]
        # keep the rotations on the unit circle
        shrink = F(1.5) - HALF * (s[D_SIN + i] * s[D_SIN + i] + s[D_COS + i] * s[D_COS + i])
        s[D_SIN + i] *= shrink
        s[D_COS + i] *= shrink
        shrink = F(1.5) - HALF * (s[S_SIN + i] * s[S_SIN + i] + s[S_COS + i] * s[S_COS + i])
        s[S_SIN + i] *= shrink
        s[S_COS + i] *= shrink
        s[SWING + i] = HALF * (t[HIGHEST + i] - t[LOWEST + i])


@compiled
def _measure(s: Any, t: Any) -> None:
    """What the sensor reports of the cycle."""
    for i in range(LANES):
        s[FAULTS + i] = ZERO
    for j in range(MEASUREMENTS):
        here = F(j)
        newest = SEEN + j * LANES
        for i in range(LANES):
            off = t[FAULT_BY + i] if t[FAULT_AT + i] == here else ZERO
            y = t[TRUE_X + j * LANES + i] + s[SIGMA + i] * t[NORMALS + j * LANES + i] + off
            frozen = t[FREEZE_AT + i] <= here
            t[newest + i] = t[newest - LANES + i] if frozen else clamp(y, SENSOR_LOW, SENSOR_HIGH)
            s[FAULTS + i] += ONE if (frozen or off != ZERO) else ZERO


@compiled
def _assess(s: Any, t: Any) -> None:
    """Truth and dashboard of the cycle that has ended."""
    n, per_n = F(MEASUREMENTS), F(1.0 / MEASUREMENTS)
    for i in range(LANES):
        miss = squares = largest = truth = ZERO
        sum_y = sum_yy = sum_f = sum_ff = sum_fy = old_y = old_yy = ZERO
        home = s[HOME + i]
        for j in range(MEASUREMENTS):
            f = t[FORECAST + j * LANES + i] - home
            y = t[SEEN + j * LANES + i] - home
            old = t[OLD + j * LANES + i] - home
            wrong = f - (t[TRUE_X + j * LANES + i] - home)
            truth += wrong * wrong
            e = f - y
            miss += e
            squares += e * e
            largest = greater(largest, e * e)
            sum_y += y
            sum_yy += y * y
            sum_f += f
            sum_ff += f * f
            sum_fy += f * y
            old_y += old
            old_yy += old * old
        s[ERROR + i] = truth * PER_NORM
        error = np.sqrt(squares * PER_NORM)
        s[MEASURED_ERROR + i] = error
        s[BIAS + i] = miss * per_n
        s[PEAK + i] = ONE - np.sqrt((squares + TINY) / (n * (largest + TINY)))
        spread = greater(n * sum_yy - sum_y * sum_y, TINY) * greater(n * sum_ff - sum_f * sum_f, TINY)
        s[CORRELATION + i] = gauge((n * sum_fy - sum_f * sum_y) / np.sqrt(spread))
        level = (sum_y + old_y) * (HALF * per_n)
        s[LEVEL + i] = home + level
        variance = (sum_yy + old_yy) * (HALF * per_n) - level * level
        s[PREVIOUS_SWING + i] = s[MEASURED_SWING + i]
        s[MEASURED_SWING + i] = np.sqrt(TWO * greater(variance, ZERO))
        s[ERROR_FAST + i] += FAST * (error - s[ERROR_FAST + i])
        s[ERROR_SLOW + i] += SLOW * (error - s[ERROR_SLOW + i])
        count = s[ALARM_COUNT + i] + ONE
        mean = s[ALARM_MEAN + i] + (error - s[ALARM_MEAN + i]) / count
        s[ALARM_COUNT + i] = count
        s[ALARM_MEAN + i] = mean
        s[ALARM + i] = greater(ZERO, s[ALARM + i] + error - mean - PAGE_HINKLEY_SLACK)
    for i in range(LANES):
        intervened = s[DECISION + i] == INTERVENING
        change = (s[MEASURED_SWING + i] - s[PREVIOUS_SWING + i]) * PER_TARGET
        s[OVERRIDE_EFFECT + i] = gauge(change) if intervened else s[OVERRIDE_EFFECT + i]
        s[SINCE_INTERVENE + i] = ZERO if intervened else s[SINCE_INTERVENE + i] + ONE
        s[SINCE_RETRAIN + i] += ONE
        s[MODEL_AGE + i] += ONE
        s[PUSH + i] = (t[OPERATOR + i] if intervened else t[CONTROL + i]) / STRONGEST
        s[SAMPLES + i] = lesser(s[SAMPLES + i] + F(MEASUREMENTS), F(WINDOW))
        s[CYCLE + i] += ONE


@compiled
def _ship(s: Any) -> None:
    """Training goes on; a model that is ready ships in the next release slot."""
    ready = 0
    for i in range(LANES):
        s[TRAINING + i] = greater(ZERO, s[TRAINING + i] - s[IN_FLIGHT + i])
        ready += 1 if s[IN_FLIGHT + i] > s[TRAINING + i] else 0
    if ready > 0:
        for i in range(LANES):
            every = s[RELEASE + i]
            slot_open = every == ZERO or s[CYCLE + i] % every == ZERO
            if s[IN_FLIGHT + i] > s[TRAINING + i] and slot_open:
                _deploy_lane(s, i)


@compiled
def _cycle(s: Any, w: Any, t: Any, rules: Any) -> None:
    """One whole cycle of a block, once the decisions that stand in the state are taken."""
    _draw(s, w, t)
    _drift(s, w, t, rules.plans)
    _recall(s, t)
    _move(s, t, rules.substeps)
    _measure(s, t)
    _assess(s, t)
    _record(s, t)
    _ship(s)


# ---------------------------------------------------------------- the start of an episode


@compiled
def _birth(s: Any, w: Any, i: int, start: int, plans: Any, substeps: int) -> None:
    """Draw an episode's world into one lane of zeros, at the start of commissioning."""
    w[KEY0 + i], w[KEY1 + i] = streams.threefry(
        w[SEED0 + i], w[SEED1 + i], w[EPISODE + i], np.uint32(streams.EPISODE)
    )
    count = 0
    while count < MEMBERS and plans[start, L_MEMBERS + count] >= 0.0:
        count += 1
    a, b = _words(w, i, 0.0, streams.BIRTH)
    row = int(plans[start, L_MEMBERS + int(streams.uniform(a) * count)])
    plan = plans[row]
    s[SCENARIO + i] = float(row)
    s[ONSET + i] = plan[L_ONSET] + np.floor(streams.uniform(b) * (plan[L_ONSET_HIGH] - plan[L_ONSET] + 1.0))
    s[NEXT_CHANGE + i] = s[ONSET + i]
    s[LAST_CHANGE + i] = -1.0
    for p in range(P):
        place = p * LANES + i
        a, b = _words(w, i, 0.0, streams.BIRTH + 1 + p)
        rate = plan[L_TREND_LOW + p] + streams.uniform(a) * (plan[L_TREND_HIGH + p] - plan[L_TREND_LOW + p])
        mirrored = plan[L_EITHER + p] > 0.0 and streams.uniform(b) < 0.5
        s[TREND + place] = -rate if mirrored else rate
        s[BASE + place] = plan[L_BASE + p]
        s[STIFFNESS + place] = plan[L_BASE + p]
        s[WALK + place] = plan[L_WALK + p]
        s[LOW + place] = plan[L_LOW + p]
        s[HIGH + place] = plan[L_HIGH + p]
        s[SEASON + place] = plan[L_SEASON + p]
    a, b = _words(w, i, 0.0, streams.BIRTH + 1 + P)
    # phases by sin_cos of a quarter turn, doubled twice: no library call, the same on every machine
    s[S_SIN + i], s[S_COS + i] = _turn(2.0 * streams.uniform(a) - 1.0)
    s[ST_SIN + i], s[ST_COS + i] = _turn(2.0 / plan[L_PERIOD])
    s[D_SIN + i], s[D_COS + i] = _turn(2.0 * streams.uniform(b) - 1.0)
    substep_turn = plan[L_OMEGA] * INTERVAL / substeps
    s[T_SIN + i], s[T_COS + i] = _turn(substep_turn / np.pi)
    s[SW_SIN + i], s[SW_COS + i] = _turn(plan[L_OMEGA] * INTERVAL / np.pi)
    s[SHOCK_RATE + i] = plan[L_SHOCK]
    s[SHOCK_SIZE + i] = plan[L_SHOCK_SIZE]
    s[OUTLIER_RATE + i] = plan[L_OUTLIER]
    s[OUTLIER_SIZE + i] = plan[L_OUTLIER_SIZE]
    s[DROPOUT_RATE + i] = plan[L_DROPOUT]
    s[RELEASE + i] = plan[L_RELEASE]
    s[CUBIC + i] = plan[L_CUBIC]
    s[DAMPING + i] = plan[L_DAMPING]
    s[SIGMA + i] = plan[L_NOISE]
    s[DEADLINE + i] = plan[L_CYCLES]
    s[CYCLE + i] = -float(COMMISSIONING_CYCLES)
    s[DECISION + i] = PROBING
    a, b = _words(w, i, 0.0, streams.BIRTH + 2 + P)
    sine, cosine = _turn(2.0 * streams.uniform(a) - 1.0)
    amplitude = TARGET + SPREAD * (2.0 * streams.uniform(b) - 1.0)
    rest = float(G * sin_cos(s[TILT + i])[0] / s[STIFFNESS + i])
    s[X + i] = rest + amplitude * cosine
    s[V + i] = -amplitude * np.sqrt(abs(s[STIFFNESS + i])) * sine
    s[HOME + i] = rest
    s[MEASURED_SWING + i] = TARGET
    s[SWING + i] = TARGET
    # what the last model would be if the mass were seen as it is now: tomorrow is as today
    s[MODEL + i] = 1.0


@inlined
def _turn(half_turns: Any) -> Any:
    """Sine and cosine of pi times ``half_turns``, for -1 to 1, from a quarter of the angle."""
    sine, cosine = sin_cos(F(0.25 * np.pi * half_turns))
    sine, cosine = TWO * sine * cosine, cosine * cosine - sine * sine
    return TWO * sine * cosine, cosine * cosine - sine * sine


@compiled
def _commission(s: Any, i: int, plan: Any) -> None:
    """End commissioning in one lane: the level is measured, and the first model, fitted, is deployed."""
    s[HOME + i] = s[LEVEL + i]
    s[CYCLE + i] = 0.0
    s[DECISION + i] = WAITING
    s[CHARGED + i] = 0.0
    s[TRAINING + i] = 0.0
    if plan[L_COLD] > 0.0:
        s[SAMPLES + i] = 0.0
        s[FIT_ERROR + i] = 1.0
        s[CANDIDATE_FIT_ERROR + i] = 1.0
    else:
        _deploy_lane(s, i)
    s[VERSION + i] = 0.0
    s[MODEL_AGE + i] = 0.0
    s[ALARM + i] = 0.0
    s[ALARM_MEAN + i] = 0.0
    s[ALARM_COUNT + i] = 0.0
    s[ERROR_FAST + i] = 0.1
    s[ERROR_SLOW + i] = 0.1
    s[MEASURED_ERROR + i] = 0.1
    s[ERROR + i] = 0.0
    s[BIAS + i] = 0.0
    s[PEAK + i] = 0.0
    s[CORRELATION + i] = 1.0
    s[PREVIOUS_SWING + i] = s[MEASURED_SWING + i]
    s[PUSH + i] = 0.0
    s[WORK + i] = 0.0
    s[SINCE_RETRAIN + i] = 100.0
    s[SINCE_INTERVENE + i] = 100.0
    for ago in range(HISTORY_CYCLES):  # no forecasts yet: show what was measured
        y, f = _place(s, WINDOW_Y, WINDOW_CYCLES, ago), _place(s, WINDOW_F, HISTORY_CYCLES, ago)
        for j in range(MEASUREMENTS):
            s[f + np.uint64(j * LANES + i)] = s[y + np.uint64(j * LANES + i)]


# ---------------------------------------------------------------- observation

NOTHING, MONITOR, SIGNALS, TRUTH = range(-1, 3)
MODES = dict(zip(OBSERVE, (MONITOR, SIGNALS, TRUTH), strict=True))
N_MONITOR, N_TRUTH = len(OBSERVE["monitor"]), len(OBSERVE["truth"])


@compiled
def _monitor(s: Any, o: Any, latency: int) -> None:
    """The dashboard of a block, column by column: o[column * LANES + lane]."""
    whole_flight = F(latency + 1)
    for i in range(LANES):
        o[i] = log_error(s[MEASURED_ERROR + i])
        o[LANES + i] = log_error(s[ERROR_FAST + i])
        o[2 * LANES + i] = log_error(s[ERROR_SLOW + i])
        o[3 * LANES + i] = bounded(s[BIAS + i] * PER_TARGET)
        o[4 * LANES + i] = gauge(s[MEASURED_SWING + i] * PER_TARGET - ONE)
        o[5 * LANES + i] = gauge((s[MEASURED_SWING + i] - s[PREVIOUS_SWING + i]) * PER_TARGET)
        o[6 * LANES + i] = s[CORRELATION + i]
        o[7 * LANES + i] = s[PUSH + i]
        o[8 * LANES + i] = s[OVERRIDE_EFFECT + i]
        o[9 * LANES + i] = age(s[SINCE_RETRAIN + i])
        o[10 * LANES + i] = age(s[SINCE_INTERVENE + i])
        o[11 * LANES + i] = s[IN_FLIGHT + i] * (s[TRAINING + i] + ONE) / whole_flight
        o[12 * LANES + i] = age(s[MODEL_AGE + i])
        o[13 * LANES + i] = log_error(s[CANDIDATE_FIT_ERROR + i])
        o[14 * LANES + i] = s[ALARM + i] / (ONE + s[ALARM + i])
        o[15 * LANES + i] = s[PEAK + i]
        o[16 * LANES + i] = bounded((s[LEVEL + i] - s[HOME + i]) * PER_TARGET)
        o[17 * LANES + i] = (s[DEADLINE + i] - s[CYCLE + i]) / s[DEADLINE + i]


@compiled
def _truth(s: Any, o: Any) -> None:
    """The privileged columns behind the dashboard."""
    for i in range(LANES):
        j = N_MONITOR * LANES + i
        o[j] = gauge((s[STIFFNESS + i] * F(1.0 / np.pi**2) - ONE) * F(1.0 / 3.0))
        o[j + LANES] = gauge(s[FRICTION + i] * F(1.0 / 0.02) - ONE)
        o[j + 2 * LANES] = gauge(TWO * (s[TILT + i] - F(np.pi / 6.0)))
        o[j + 3 * LANES] = gauge(s[MAGNET + i] - ONE)
        o[j + 4 * LANES] = gauge(s[DRIVE + i])
        o[j + 5 * LANES] = log_error(np.sqrt(s[ERROR + i]))
        o[j + 6 * LANES] = gauge(s[SWING + i] * PER_TARGET - ONE)
        changed = s[LAST_CHANGE + i] >= ZERO
        o[j + 7 * LANES] = age(s[CYCLE + i] - s[LAST_CHANGE + i]) if changed else ONE


@compiled
def _signals(s: Any, o: Any, latency: int) -> None:
    """Raw measurements, forecasts and forces of the last cycles."""
    per_range, per_push, whole_flight = F(1.0 / 1.5), ONE / STRONGEST, F(latency + 1)
    length = HISTORY_CYCLES * STRIDE
    for ago in range(HISTORY_CYCLES):
        y, u = _place(s, WINDOW_Y, WINDOW_CYCLES, ago), _place(s, WINDOW_U, WINDOW_CYCLES, ago)
        f, place = _place(s, WINDOW_F, HISTORY_CYCLES, ago), (HISTORY_CYCLES - 1 - ago) * STRIDE
        for j in range(MEASUREMENTS):
            for i in range(LANES):
                here, home = np.uint64(j * LANES + i), s[HOME + i]
                o[place + j * LANES + i] = gauge((s[y + here] - home) * per_range)
                o[length + place + j * LANES + i] = gauge((s[f + here] - home) * per_range)
                o[2 * length + place + j * LANES + i] = gauge(s[u + here] * per_push)
    for i in range(LANES):
        j = 3 * length + i
        o[j] = s[IN_FLIGHT + i] * (s[TRAINING + i] + ONE) / whole_flight
        o[j + LANES] = age(s[MODEL_AGE + i])
        o[j + 2 * LANES] = (s[DEADLINE + i] - s[CYCLE + i]) / s[DEADLINE + i]


@compiled
def _observe(s: Any, o: Any, latency: int, mode: int) -> None:
    if mode == SIGNALS:
        _signals(s, o, latency)
    else:
        _monitor(s, o, latency)
        if mode == TRUTH:
            _truth(s, o)


@compiled
def _charge(s: Any, costs: Any, c: Any) -> None:
    """The bill of a block's cycle: c[row * LANES + lane]."""
    intervene, retrain = costs[INTERVENE], costs[RETRAIN]
    for i in range(LANES):
        c[i] = forecast_cost(costs, float(s[ERROR + i]))
        c[LANES + i] = swing_cost(costs, float(s[SWING + i]))
        c[2 * LANES + i] = intervene if s[DECISION + i] == INTERVENING else 0.0
        c[3 * LANES + i] = retrain * float(s[CHARGED + i])
    for i in range(LANES):
        c[REWARD * LANES + i] = -(c[i] + c[LANES + i] + c[2 * LANES + i] + c[3 * LANES + i])
        c[OVER * LANES + i] = 1.0 if s[CYCLE + i] >= s[DEADLINE + i] else 0.0


@compiled
def _report(s: Any, o: Any, c: Any, first: int, obs: Any, bill: Any, truth: Any) -> int:
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
        _copy(bill[term][first:last], c[term * LANES : (term + 1) * LANES])
    for column in range(TRUTH_PLACES.shape[0]):
        place = TRUTH_PLACES[column]
        _copy(truth[column][first:last], s[place : place + LANES])
    return ended


class Outputs(NamedTuple):
    """What a call reports of n envs."""

    obs: NDArray[np.float32]  # (n, D)
    bill: NDArray[np.float64]  # (6, n): the TERMS, the reward, and 1 where the episode is over
    truth: NDArray[np.float32]  # (T, n), in the order of TRUTH_NAMES

    def first(self, count: int) -> "Outputs":
        """Views without what :func:`empty_outputs` adds to the rows."""
        return Outputs(self.obs, self.bill[:, :count], self.truth[:, :count])


_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def empty_outputs(count: int, width: int) -> Outputs:
    """Unfilled arrays for ``count`` envs with observations of ``width`` numbers; other rows may be longer.

    Rows a power of two apart would share the same few places of a cache.
    """
    length = count if count % 256 else count + 48
    return Outputs(
        np.empty((count, width), _FLOAT32),
        np.empty((BILL, length), _FLOAT64),
        np.empty((len(TRUTH_NAMES), length), _FLOAT32),
    )


@allocating(slow=True)
def start(
    chosen: Any,
    starts: Any,
    real: Any,
    keys: Any,
    plans: Any,
    substeps: int,
    own: Any,
    words: Any,
    asked: Any,
) -> None:
    """Draw the next episodes of some lanes into blocks of their own, where commissioning begins.

    Args:
        chosen: (n,) lanes of the batch.
        starts: row of ``plans`` for each lane of the batch: the scenario of its next episode.
        real, keys: storage of the batch; its blocks may have another width.
        plans: the scenario table's.
        substeps: of an interval.
        own: (blocks, ROWS * LANES) of zeros, receives the lanes, one after the other.
        words: (blocks, 5 * LANES) receives their keys.
        asked: (3, blocks * LANES) of zeros, receives decisions: those of commissioning, then a retraining
            where there are records to fit, then none.
    """
    width = real.shape[1] // ROWS
    for block in range(own.shape[0]):
        s, w = own[block], words[block]
        for i in range(LANES):
            lane = chosen[min(block * LANES + i, chosen.shape[0] - 1)]  # idle places repeat the last lane
            for k in range(len(KEYS)):
                w[k * LANES + i] = keys[lane // width, k * width + lane % width]
            _birth(s, w, i, starts[lane], plans, substeps)
            # so that its rings stand as those of its neighbours when it comes to them
            turn = int(real[lane // width, TURN // LANES * width + lane % width])
            s[TURN + i] = (turn + TURNS - COMMISSIONING_CYCLES) % TURNS
            asked[0, block * LANES + i] = int(PROBING)
            if plans[int(s[SCENARIO + i]), L_COLD] <= 0.0:
                asked[1, block * LANES + i] = int(RETRAINING)


@allocating
def settle(own: Any, words: Any, plans: Any) -> None:
    """End the commissioning of all lanes in ``own``; the model that was fitted is deployed."""
    for block in range(own.shape[0]):
        s = own[block]
        for i in range(LANES):
            _commission(s, i, plans[int(s[SCENARIO + i])])
            words[block, EPISODE + i] += np.uint32(1)


@allocating
def deliver(
    own: Any,
    words: Any,
    chosen: Any,
    seen: Any,
    known: Any,
    real: Any,
    keys: Any,
    obs: Any,
    bill: Any,
    truth: Any,
) -> None:
    """Bring the lanes in ``own`` home to ``chosen`` in the batch, with what is ``seen`` and ``known``.

    Terms become 0; reward and end are left as they are.
    """
    width, count = real.shape[1] // ROWS, chosen.shape[0]
    blocks, lanes = chosen // width, chosen % width
    for first in range(0, count, LANES):
        s, w, last = own[first // LANES], words[first // LANES], min(first + LANES, count)
        for r in range(ROWS):  # lanes within: neighbours lie in one cache line
            for n in range(first, last):
                real[blocks[n], r * width + lanes[n]] = s[r * LANES + n - first]
        for k in range(len(KEYS)):
            for n in range(first, last):
                keys[blocks[n], k * width + lanes[n]] = w[k * LANES + n - first]
    for n in range(count):
        for column in range(obs.shape[1]):
            obs[chosen[n], column] = seen[n, column]
    for column in range(truth.shape[0]):
        for n in range(count):
            truth[column, chosen[n]] = known[column, n]
    for term in range(REWARD):
        for n in range(count):
            bill[term, chosen[n]] = 0.0


@allocating(slow=True)
def begin(
    chosen: Any,
    starts: Any,
    real: Any,
    keys: Any,
    plans: Any,
    costs: Any,
    latency: int,
    substeps: int,
    mode: int,
    obs: Any,
    bill: Any,
    truth: Any,
) -> None:
    """Start the next episode in the lanes ``chosen``, of scenario row ``starts[lane]``.

    For commissioning the lanes are gathered in blocks of their own: six cycles in which the magnet pushes
    at random and nothing drifts, then a retraining that is deployed at once, unless the start is a cold
    one. Observation, terms and truth of these lanes are reported; reward and end are left as they are.
    """
    count = chosen.shape[0]
    blocks = (count + LANES - 1) // LANES
    own, words = np.zeros((blocks, ROWS * LANES), F), np.zeros((blocks, len(KEYS) * LANES), np.uint32)
    asked = np.zeros((3, blocks * LANES), np.int64)
    seen, known = np.empty((count, obs.shape[1]), F), np.empty((truth.shape[0], count), F)
    owed = np.empty((BILL, count))
    start(chosen, starts, real, keys, plans, substeps, own, words, asked)
    probing, fitting, waiting = asked[0], asked[1], asked[2]
    for _ in range(COMMISSIONING_CYCLES):
        advance(probing, 0, blocks, own, words, plans, costs, latency, substeps, NOTHING, seen, owed, known)
    advance(fitting, 0, blocks, own, words, plans, costs, latency, 0, NOTHING, seen, owed, known)
    settle(own, words, plans)
    advance(waiting, 0, blocks, own, words, plans, costs, latency, 0, mode, seen, owed, known)
    deliver(own, words, chosen, seen, known, real, keys, obs, bill, truth)


_begin = getattr(begin, "py_func", begin)


def begin_all(chosen: NDArray[np.intp], *arguments: Any) -> None:
    """:func:`begin` from Python, some blocks at a time: the cycle is compiled once, for :func:`advance`."""
    for first in range(0, chosen.size, TOGETHER * LANES):
        _begin(chosen[first : first + TOGETHER * LANES], *arguments)


@allocating(slow=True)
def advance(
    actions: Any,
    first: int,
    last: int,
    real: Any,
    keys: Any,
    plans: Any,
    costs: Any,
    latency: int,
    substeps: int,
    mode: int,
    obs: Any,
    bill: Any,
    truth: Any,
) -> int:
    """One cycle of the blocks from ``first`` up to ``last``; returns how many episodes ended.

    ``substeps`` are those of an interval: with 0 the decisions are taken and no time passes. The results go
    where :class:`Outputs` says, or nowhere if ``mode`` is NOTHING.
    """
    rules = Rules(plans, costs, latency, substeps)
    t, o, c = _scratch(), np.empty(obs.shape[1] * LANES, F), np.empty(BILL * LANES)
    ended = 0
    for block in range(first, last):
        s, w = real[block], keys[block]
        lane = block * LANES
        asked = actions[lane : lane + LANES]
        for i in range(asked.shape[0]):
            s[DECISION + i] = asked[i]
        _decide(s, latency)
        if substeps > 0:
            _cycle(s, w, t, rules)
        if mode != NOTHING:
            _observe(s, o, latency, mode)
            _charge(s, costs, c)
            ended += _report(s, o, c, lane, obs, bill, truth)
    return ended


@side_by_side
def advance_together(
    edges: Any,
    actions: Any,
    real: Any,
    keys: Any,
    plans: Any,
    costs: Any,
    latency: int,
    substeps: int,
    mode: int,
    obs: Any,
    bill: Any,
    truth: Any,
) -> int:
    """:func:`advance` of the blocks between each two ``edges``, side by side in Numba's threads."""
    ended = 0
    for part in prange(edges.shape[0] - 1):
        ended += advance(
            actions,
            edges[part],
            edges[part + 1],
            real,
            keys,
            plans,
            costs,
            latency,
            substeps,
            mode,
            obs,
            bill,
            truth,
        )
    return ended


@allocating
def show(s: Any, o: Any, latency: int, mode: int) -> None:
    """The observation of a block once more, o[column * LANES + lane]; called from Python."""
    _observe(s, o, latency, mode)


@allocating(slow=True)
def trace(
    real: Any, keys: Any, lane: int, plans: Any, latency: int, substeps: int, path: Any, seen: Any
) -> None:
    """Follow one lane through the cycle ahead, on copies of its block; the decision stands in the state.

    Args:
        real: (ROWS * LANES,) copy of a block; it is moved on.
        keys: (5 * LANES,) copy of its keys.
        lane: which of the block.
        plans: the scenario table's.
        latency: as in :func:`advance`.
        substeps: of an interval.
        path: (8 * substeps + 1,) receives the positions, m, the first as the cycle begins.
        seen: (3, 8) receives forecasts, m, forces asked of the magnet, N, and measurements, m.
    """
    t = _scratch()
    _decide(real, latency)
    _draw(real, keys, t)
    _drift(real, keys, t, plans)
    _recall(real, t)
    h = F(INTERVAL / substeps)
    _prepare(real, t, h)
    path[0] = t[PLACE + lane]
    for j in range(MEASUREMENTS):
        _push(real, t, j)
        seen[0, j], seen[1, j] = t[FORECAST + j * LANES + lane], t[ASKED + j * LANES + lane]
        for n in range(substeps):
            _glide(t, 1, HALF * h, True)
            path[j * substeps + n + 1] = t[PLACE + lane]
        for i in range(LANES):
            t[TRUE_X + j * LANES + i] = t[PLACE + i]
    _measure(real, t)
    for j in range(MEASUREMENTS):
        seen[2, j] = t[SEEN + j * LANES + lane]


def start_keys(batch: Batch, lanes: NDArray[np.integer], seeds: NDArray[np.uint64]) -> None:
    """Give lanes their seeds; the next episode of each is its episode 0."""
    words = batch.keys.reshape(-1, len(KEYS), batch.width)
    block, lane = np.divmod(lanes, batch.width)
    words[block, KEYS.index("seed0"), lane] = (seeds & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    words[block, KEYS.index("seed1"), lane] = (seeds >> np.uint64(32)).astype(np.uint32)
    words[block, KEYS.index("episode"), lane] = 0
