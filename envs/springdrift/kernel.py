"""One cycle of a whole batch, compiled. The scalar env is a batch of one over this same code.

A block of ``LANES`` envs goes through each phase of a cycle together: every inner loop runs over
neighbouring lanes with a fixed count and no branch or library call, so it compiles to vector
instructions, and each lane computes exactly what it would compute alone. Rare events (a fit, an
abrupt change, the start of an episode) are handled lane by lane.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from springdrift import streams
from springdrift.actions import Action
from springdrift.drift import jump_to, reflect, slot
from springdrift.dynamics import BUMPERS, GRAVITY, Params, bump, clamp, greater, lesser, sin_cos, substep
from springdrift.model import fit
from springdrift.observation import OBSERVE, age, bounded, gauge, log_error
from springdrift.reward import TARGET, TERMS, forecast_cost, swing_cost
from springdrift.scenario import ScenarioTable
from springdrift.state import (
    COEFFICIENTS,
    COMMISSIONING_CYCLES,
    CYCLE_SECONDS,
    DRIFTING,
    HISTORY,
    KEYS,
    LAGS,
    LANES,
    MEASUREMENTS,
    ROWS,
    WINDOW,
    Batch,
    at,
    key_at,
)

INTERVAL = CYCLE_SECONDS / MEASUREMENTS  # s
FRICTION_FORCE = Params().friction * GRAVITY * float(np.cos(Params().tilt))  # N on a new machine
STRONGEST = 6.0 * FRICTION_FORCE  # N, F0
HOLD = 0.18  # of F0: what makes up the friction loss of a new machine
CONTROLLER_GAIN, CONTROLLER_LIMIT = 2.0, 0.5  # of F0
OPERATOR_GAIN, OPERATOR_LIMIT = 4.0, 1.0  # of F0
SENSOR = (-2.0, 3.0)  # m, where the gauge ends; forecasts end there too
PROBE = 0.5  # of F0: the random pushes of commissioning
NORM = TARGET * TARGET / 2.0  # m^2, variance of the target swing
SHORT_START = 0.05  # m, spread of the start amplitude
PAGE_HINKLEY_SLACK = 0.05  # of the target rms
FAST, SLOW = 0.3, 0.05  # weights of the moving averages

# Places in a block. `name + lane` is a lane's value, `name + j * LANES + lane` an array's element.
X, V, CUBIC, DAMPING, SIGMA = (at(n) for n in ("x", "v", "cubic", "damping", "noise"))
STIFFNESS, FRICTION, TILT, MAGNET, DRIVE = (at(n) for n in DRIFTING)
D_SIN, D_COS, T_SIN, T_COS = (at(n) for n in ("drive_sin", "drive_cos", "turn_sin", "turn_cos"))
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
WINDOW_Y, WINDOW_U, WINDOW_F = (at(n) for n in ("window_y", "window_u", "window_f"))
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
MEASURED_ERROR, BIAS, CORRELATION, PEAK, COST = (
    at(n) for n in ("measured_error", "bias", "correlation", "peak", "cost")
)
KEY0, KEY1, SEED0, SEED1, EPISODE = (key_at(n) for n in KEYS)

WAIT, INTERVENE, RETRAIN = (int(a) for a in Action)
PROBING = 3  # the decision in force while commissioning: random pushes
P = len(DRIFTING)
STEP_U = (WINDOW - MEASUREMENTS) * LANES  # from a window's start to its newest cycle
STEP_F = (HISTORY - MEASUREMENTS) * LANES
LAST = (WINDOW - 1) * LANES

# Scratch of a block, shared by all blocks of a call.
(
    NORMALS,  # 8: standard normal measurement noise
    WALKS,  # 5: standard normal steps of the walks
    DRAW_A,
    DRAW_B,
    KICK_AT,
    FAULT_AT,
    FAULT_BY,
    FREEZE_AT,
    CONTROL,  # N, the controller's push this cycle
    OPERATOR,  # N, the operator's push this cycle
    PULL,  # m/s^2
    FORCE,  # m/s^2
    GAIN,
    KEEP,
    GRIP,
    LOWEST,
    HIGHEST,
    TRACK,  # 4 measurements, then 8 forecasts
    TRUE_X,  # 8 true positions at the measurements
    SPARE,
) = (
    start * LANES
    for start in np.cumsum([0, 8, 5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 12, 8]).tolist()
)
SCRATCH = SPARE + LANES

TRUTH_NAMES = (
    *DRIFTING,
    *("driver_key", "last_change", "onset", "scenario", "cycle", "version", "model_age"),
    *("swing", "error", "shock", "faults", "work", "decision", "x", "v"),
)
TRUTH_PLACES = np.array([at(name) for name in TRUTH_NAMES])
TERM_COUNT = len(TERMS)
AUX = TERM_COUNT + len(TRUTH_NAMES)  # columns of the side output: cost terms, then truth

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
L_RELEASE, L_COLD, L_CYCLES, L_CUBIC, L_DAMPING, L_NOISE, L_OMEGA = (
    slot(n) for n in ("release_every", "cold_start", "cycles", "cubic", "damping", "noise", "drive_omega")
)


class Rules(NamedTuple):
    """What a batch has in common, as the kernel reads it."""

    plans: NDArray[np.float64]
    drivers: NDArray[np.float64]
    members: NDArray[np.int64]
    costs: NDArray[np.float64]
    latency: int  # cycles from the request of a retraining to its deployment
    substeps: int  # an interval


def rules_of(table: ScenarioTable, costs: NDArray[np.float64], latency: int, substeps: int) -> Rules:
    """The kernel's view of the options; ``substeps`` are those of a cycle."""
    return Rules(table.plans, table.drivers, table.members, costs, latency, substeps // MEASUREMENTS)


# ---------------------------------------------------------------- random numbers


@njit(forceinline=True)
def _words(w: Any, i: Any, cycle: Any, stream: Any) -> Any:
    return streams.threefry(w[KEY0 + i], w[KEY1 + i], np.uint32(np.int32(cycle)), np.uint32(stream))


@njit(cache=True)
def _draw(s: Any, w: Any, t: Any) -> None:
    """All random numbers of a cycle into the scratch."""
    for pair in range(MEASUREMENTS // 2):
        for i in range(LANES):
            a, b = _words(w, i, s[CYCLE + i], streams.NOISE + pair)
            t[NORMALS + 2 * pair * LANES + i] = streams.normal(a)
            t[NORMALS + (2 * pair + 1) * LANES + i] = streams.normal(b)
    for i in range(LANES):
        a, b = _words(w, i, s[CYCLE + i], streams.WALK)
        t[WALKS + i] = streams.normal(a)
        t[WALKS + LANES + i] = streams.normal(b)
        a, b = _words(w, i, s[CYCLE + i], streams.WALK + 1)
        t[WALKS + 2 * LANES + i] = streams.normal(a)
        t[WALKS + 3 * LANES + i] = streams.normal(b)
        t[WALKS + 4 * LANES + i] = 0.0
    for i in range(LANES):
        a, b = _words(w, i, s[CYCLE + i], streams.SHOCK)
        hit = streams.uniform(a) < s[SHOCK_RATE + i] and s[CYCLE + i] >= 0.0
        size = 2.0 * streams.uniform(b) - 1.0
        size = (0.5 * size + (0.5 if size > 0.0 else -0.5)) * s[SHOCK_SIZE + i]  # half to full size
        s[KICK + i] = size if hit else 0.0
        t[KICK_AT + i] = np.float64(np.int32(a & np.uint32(7)))
    for i in range(LANES):
        a, b = _words(w, i, s[CYCLE + i], streams.FAULT)
        hit = streams.uniform(a) < s[OUTLIER_RATE + i] and s[CYCLE + i] >= 0.0
        size = 2.0 * streams.uniform(b) - 1.0
        size = (0.5 * size + (0.5 if size > 0.0 else -0.5)) * s[OUTLIER_SIZE + i]
        t[FAULT_BY + i] = size if hit else 0.0
        t[FAULT_AT + i] = np.float64(np.int32(a & np.uint32(7)))
    for i in range(LANES):
        a, b = _words(w, i, s[CYCLE + i], streams.FAULT + 1)
        frozen = streams.uniform(a) < s[DROPOUT_RATE + i] and s[CYCLE + i] >= 0.0
        t[FREEZE_AT + i] = np.float64(np.int32(b & np.uint32(7))) if frozen else 8.0


# ---------------------------------------------------------------- drift


@njit(cache=True)
def _change(s: Any, w: Any, i: int, plan: Any, drivers: Any) -> None:
    """An abrupt change in one lane: jumps, the next driver row, and the time of the next change."""
    cycle = s[CYCLE + i]
    changed = False
    for p in range(P):
        least = plan[L_LEAST + p]
        if least >= 0.0:
            a, _ = _words(w, i, cycle, streams.CHANGE + 1 + p)
            now = s[BASE + p * LANES + i]
            low, high = plan[L_JUMP_LOW + p], plan[L_JUMP_HIGH + p]
            s[BASE + p * LANES + i] = jump_to(streams.uniform(a), now, low, high, least)
            changed = True
    a, b = _words(w, i, cycle, streams.CHANGE)
    rows = int(plan[L_ROWS])
    if rows > 0:
        key = (int(s[KEY + i]) + 1 + int(streams.uniform(a) * (rows - 1))) % rows
        s[KEY + i] = float(key)
        for p in range(P):
            if not np.isnan(drivers[key, p]):
                s[BASE + p * LANES + i] = drivers[key, p]
        changed = True
    if changed:
        s[LAST_CHANGE + i] = cycle
    gap = plan[L_GAP] + np.floor(streams.uniform(b) * (plan[L_GAP_HIGH] - plan[L_GAP] + 1.0))
    s[NEXT_CHANGE + i] = cycle + gap


@njit(cache=True)
def _drift(s: Any, w: Any, t: Any, rules: Any) -> None:
    """Move the world by one cycle; nothing here reads what the agent did."""
    for i in range(LANES):
        if s[CYCLE + i] == s[NEXT_CHANGE + i]:
            row = int(s[SCENARIO + i])
            _change(s, w, i, rules.plans[row], rules.drivers[row])
    for i in range(LANES):
        sine, cosine = s[S_SIN + i], s[S_COS + i]
        s[S_SIN + i] = sine * s[ST_COS + i] + cosine * s[ST_SIN + i]
        s[S_COS + i] = cosine * s[ST_COS + i] - sine * s[ST_SIN + i]
    for p in range(P):
        for i in range(LANES):
            place = p * LANES + i
            move = s[TREND + place] + s[WALK + place] * t[WALKS + place]
            now = s[BASE + place]
            moved = now + (move if s[CYCLE + i] >= s[ONSET + i] else 0.0)
            trending = s[TREND + place] != 0.0
            held = clamp(moved, s[LOW + place], s[HIGH + place])
            folded = reflect(moved, s[LOW + place], s[HIGH + place])
            now = held if trending else folded
            s[BASE + place] = now
            value = now + s[SEASON + place] * s[S_SIN + i]
            s[STIFFNESS + place] = value
    for i in range(LANES):
        moving = 0.0
        for p in range(P):
            moving += abs(s[TREND + p * LANES + i]) + s[WALK + p * LANES + i]
        started = s[CYCLE + i] == s[ONSET + i] and moving > 0.0
        s[LAST_CHANGE + i] = s[CYCLE + i] if started else s[LAST_CHANGE + i]


# ---------------------------------------------------------------- decisions


@njit(cache=True)
def _fit_lane(s: Any, i: int) -> None:
    """Fit the candidate of one lane on its window as it stands."""
    n = int(s[SAMPLES + i])
    y, u = np.empty(n), np.empty(n)
    previous, fitted = np.empty(COEFFICIENTS), np.empty(COEFFICIENTS)
    for j in range(n):
        y[j] = s[WINDOW_Y + (WINDOW - n + j) * LANES + i]
        u[j] = s[WINDOW_U + (WINDOW - n + j) * LANES + i]
    for j in range(COEFFICIENTS):
        previous[j] = s[MODEL + j * LANES + i]
    s[CANDIDATE_FIT_ERROR + i] = fit(y, u, previous, fitted) / np.sqrt(NORM)
    for j in range(COEFFICIENTS):
        s[CANDIDATE + j * LANES + i] = fitted[j]


@njit(cache=True)
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


@njit(cache=True)
def _decide(s: Any, latency: int) -> None:
    for i in range(LANES):
        s[CHARGED + i] = 0.0
        if s[DECISION + i] == RETRAIN and s[IN_FLIGHT + i] == 0.0:
            _fit_lane(s, i)
            s[IN_FLIGHT + i] = 1.0
            s[TRAINING + i] = float(latency)
            s[CHARGED + i] = 1.0
            s[SINCE_RETRAIN + i] = -1.0  # counts up to 0 at the end of this cycle


# ---------------------------------------------------------------- the cycle


@njit(cache=True)
def _move(s: Any, w: Any, t: Any, substeps: int) -> None:
    """Forecast, push and move through the eight intervals of a cycle."""
    h = INTERVAL / substeps
    for i in range(LANES):
        sine, cosine = sin_cos(s[TILT + i])
        t[PULL + i] = GRAVITY * sine
        damp = 0.5 * s[DAMPING + i] * h
        t[GAIN + i] = h / (1.0 + damp)
        t[KEEP + i] = (1.0 - damp) / (1.0 + damp)
        t[GRIP + i] = s[FRICTION + i] * GRAVITY * cosine * t[GAIN + i]
        t[LOWEST + i] = s[X + i]
        t[HIGHEST + i] = s[X + i]
        control = HOLD + CONTROLLER_GAIN * (1.0 - s[MEASURED_SWING + i] / TARGET)
        t[CONTROL + i] = STRONGEST * clamp(control, -CONTROLLER_LIMIT, CONTROLLER_LIMIT)
        operator = OPERATOR_GAIN * (1.0 - s[SWING + i] / TARGET)
        t[OPERATOR + i] = STRONGEST * clamp(operator, -OPERATOR_LIMIT, OPERATOR_LIMIT)
        s[WORK + i] = 0.0
    for lag in range(LAGS):
        for i in range(LANES):
            t[TRACK + lag * LANES + i] = s[WINDOW_Y + (WINDOW - LAGS + lag) * LANES + i]
    for r in range(STEP_U):
        s[WINDOW_U + r] = s[WINDOW_U + MEASUREMENTS * LANES + r]
    for j in range(MEASUREMENTS):
        for i in range(LANES):
            # where the model sees the mass go without a push
            free = s[MODEL + 5 * LANES + i]
            free += s[MODEL + i] * t[TRACK + (j + 3) * LANES + i]
            free += s[MODEL + LANES + i] * t[TRACK + (j + 2) * LANES + i]
            free += s[MODEL + 2 * LANES + i] * t[TRACK + (j + 1) * LANES + i]
            free += s[MODEL + 3 * LANES + i] * t[TRACK + j * LANES + i]
            before = s[WINDOW_U + STEP_U + (j - 1) * LANES + i]
            half_b = 0.5 * s[MODEL + 4 * LANES + i]
            ahead = free + half_b * before - t[TRACK + (j + 3) * LANES + i]
            along = 1.0 if ahead > 0.0 else (-1.0 if ahead < 0.0 else 0.0)
            control = t[CONTROL + i] * along
            # where the operator sees it go: speed in the middle of the interval
            x = s[X + i]
            middle = s[V + i] + 0.5 * INTERVAL * (t[PULL + i] - (s[STIFFNESS + i] + s[CUBIC + i] * x * x) * x)
            operator = t[OPERATOR + i] * (1.0 if middle >= 0.0 else -1.0)
            probe = PROBE * STRONGEST * (1.0 if t[NORMALS + j * LANES + i] > 0.0 else -1.0)
            decision = s[DECISION + i]
            u = operator if decision == INTERVENE else (probe if decision == PROBING else control)
            s[WINDOW_U + STEP_U + j * LANES + i] = u
            t[FORCE + i] = t[PULL + i] + s[MAGNET + i] * u
            t[TRACK + (j + 4) * LANES + i] = clamp(free + half_b * (before + u), SENSOR[0], SENSOR[1])
            s[V + i] += s[KICK + i] if t[KICK_AT + i] == j else 0.0
            t[SPARE + i] = x
        for _ in range(substeps):
            for i in range(LANES):
                force = t[FORCE + i] + s[DRIVE + i] * s[D_SIN + i]
                x, v = substep(
                    s[X + i],
                    s[V + i],
                    force,
                    s[STIFFNESS + i],
                    s[CUBIC + i],
                    t[KEEP + i],
                    t[GAIN + i],
                    t[GRIP + i],
                    0.5 * h,
                )
                x, v = bump(x, v, BUMPERS[0], BUMPERS[1])
                s[X + i] = x
                s[V + i] = v
                sine, cosine = s[D_SIN + i], s[D_COS + i]
                s[D_SIN + i] = sine * s[T_COS + i] + cosine * s[T_SIN + i]
                s[D_COS + i] = cosine * s[T_COS + i] - sine * s[T_SIN + i]
                t[LOWEST + i] = lesser(t[LOWEST + i], x)
                t[HIGHEST + i] = greater(t[HIGHEST + i], x)
        for i in range(LANES):
            t[TRUE_X + j * LANES + i] = s[X + i]
            u = s[MAGNET + i] * s[WINDOW_U + STEP_U + j * LANES + i]
            s[WORK + i] += u * (s[X + i] - t[SPARE + i])
    for i in range(LANES):
        # keep both rotations on the unit circle
        shrink = 1.5 - 0.5 * (s[D_SIN + i] * s[D_SIN + i] + s[D_COS + i] * s[D_COS + i])
        s[D_SIN + i] *= shrink
        s[D_COS + i] *= shrink
        s[SWING + i] = 0.5 * (t[HIGHEST + i] - t[LOWEST + i])


@njit(cache=True)
def _measure(s: Any, t: Any) -> None:
    """What the sensor reports of the cycle, into the window."""
    for r in range(STEP_U):
        s[WINDOW_Y + r] = s[WINDOW_Y + MEASUREMENTS * LANES + r]
    for r in range(STEP_F):
        s[WINDOW_F + r] = s[WINDOW_F + MEASUREMENTS * LANES + r]
    for i in range(LANES):
        s[FAULTS + i] = 0.0
    for j in range(MEASUREMENTS):
        for i in range(LANES):
            off = t[FAULT_BY + i] if t[FAULT_AT + i] == j else 0.0
            y = t[TRUE_X + j * LANES + i] + s[SIGMA + i] * t[NORMALS + j * LANES + i] + off
            frozen = t[FREEZE_AT + i] <= j
            last = s[WINDOW_Y + STEP_U + (j - 1) * LANES + i]
            s[WINDOW_Y + STEP_U + j * LANES + i] = last if frozen else clamp(y, SENSOR[0], SENSOR[1])
            s[FAULTS + i] += 1.0 if (frozen or off != 0.0) else 0.0
            s[WINDOW_F + STEP_F + j * LANES + i] = t[TRACK + (j + 4) * LANES + i]


@njit(cache=True)
def _assess(s: Any, t: Any, costs: Any) -> None:
    """Truth and dashboard of the cycle that has ended, and what it cost."""
    n = float(MEASUREMENTS)
    for i in range(LANES):
        miss = squares = largest = truth = 0.0
        sum_y = sum_yy = sum_f = sum_ff = sum_fy = old_y = old_yy = 0.0
        home = s[HOME + i]
        for j in range(MEASUREMENTS):
            f = s[WINDOW_F + STEP_F + j * LANES + i] - home
            y = s[WINDOW_Y + STEP_U + j * LANES + i] - home
            old = s[WINDOW_Y + STEP_U - MEASUREMENTS * LANES + j * LANES + i] - home
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
        s[ERROR + i] = truth / (n * NORM)
        error = np.sqrt(squares / (n * NORM))
        s[MEASURED_ERROR + i] = error
        s[BIAS + i] = miss / n
        s[PEAK + i] = 1.0 - np.sqrt((squares + 1e-12) / (n * (largest + 1e-12)))
        spread = (n * sum_yy - sum_y * sum_y) * (n * sum_ff - sum_f * sum_f)
        s[CORRELATION + i] = gauge((n * sum_fy - sum_f * sum_y) / np.sqrt(greater(spread, 1e-12)))
        level = (sum_y + old_y) / (2.0 * n)
        s[LEVEL + i] = home + level
        variance = (sum_yy + old_yy) / (2.0 * n) - level * level
        s[PREVIOUS_SWING + i] = s[MEASURED_SWING + i]
        s[MEASURED_SWING + i] = np.sqrt(2.0 * greater(variance, 0.0))
        s[ERROR_FAST + i] += FAST * (error - s[ERROR_FAST + i])
        s[ERROR_SLOW + i] += SLOW * (error - s[ERROR_SLOW + i])
        count = s[ALARM_COUNT + i] + 1.0
        mean = s[ALARM_MEAN + i] + (error - s[ALARM_MEAN + i]) / count
        s[ALARM_COUNT + i] = count
        s[ALARM_MEAN + i] = mean
        s[ALARM + i] = greater(0.0, s[ALARM + i] + error - mean - PAGE_HINKLEY_SLACK)
    for i in range(LANES):
        intervened = s[DECISION + i] == INTERVENE
        change = (s[MEASURED_SWING + i] - s[PREVIOUS_SWING + i]) / TARGET
        s[OVERRIDE_EFFECT + i] = gauge(change) if intervened else s[OVERRIDE_EFFECT + i]
        s[SINCE_INTERVENE + i] = 0.0 if intervened else s[SINCE_INTERVENE + i] + 1.0
        s[SINCE_RETRAIN + i] += 1.0
        s[MODEL_AGE + i] += 1.0
        s[PUSH + i] = (t[OPERATOR + i] if intervened else t[CONTROL + i]) / STRONGEST
        s[SAMPLES + i] = lesser(s[SAMPLES + i] + MEASUREMENTS, float(WINDOW))
        s[CYCLE + i] += 1.0
        s[COST + i] = forecast_cost(costs, s[ERROR + i])
        s[COST + LANES + i] = swing_cost(costs, s[SWING + i])
        s[COST + 2 * LANES + i] = costs[2] if intervened else 0.0
        s[COST + 3 * LANES + i] = costs[3] * s[CHARGED + i]


@njit(cache=True)
def _ship(s: Any) -> None:
    """Training goes on; a model that is ready ships in the next release slot."""
    for i in range(LANES):
        if s[IN_FLIGHT + i] > 0.0:
            s[TRAINING + i] = max(0.0, s[TRAINING + i] - 1.0)
            every = s[RELEASE + i]
            open_slot = every == 0.0 or s[CYCLE + i] % every == 0.0
            if s[TRAINING + i] == 0.0 and open_slot:
                _deploy_lane(s, i)


@njit(cache=True)
def _cycle(s: Any, w: Any, t: Any, rules: Any) -> None:
    """One whole cycle of a block; the decisions stand in the state."""
    _decide(s, rules.latency)
    _draw(s, w, t)
    _drift(s, w, t, rules)
    _move(s, w, t, rules.substeps)
    _measure(s, t)
    _assess(s, t, rules.costs)
    _ship(s)


# ---------------------------------------------------------------- the start of an episode


@njit(cache=True)
def _birth(s: Any, w: Any, i: int, start: int, rules: Any) -> None:
    """Draw an episode's world into one lane, at the start of commissioning."""
    for row in range(ROWS):
        s[row * LANES + i] = 0.0
    w[KEY0 + i], w[KEY1 + i] = streams.threefry(
        w[SEED0 + i], w[SEED1 + i], w[EPISODE + i], np.uint32(streams.EPISODE)
    )
    count = 0
    while count < rules.members.shape[1] and rules.members[start, count] >= 0:
        count += 1
    a, b = _words(w, i, 0.0, streams.BIRTH)
    row = rules.members[start, int(streams.uniform(a) * count)]
    plan = rules.plans[row]
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
    substep_turn = plan[L_OMEGA] * INTERVAL / rules.substeps
    s[T_SIN + i], s[T_COS + i] = _turn(substep_turn / np.pi)
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
    s[DECISION + i] = float(PROBING)
    a, b = _words(w, i, 0.0, streams.BIRTH + 2 + P)
    sine, cosine = _turn(2.0 * streams.uniform(a) - 1.0)
    amplitude = TARGET + SHORT_START * (2.0 * streams.uniform(b) - 1.0)
    rest = GRAVITY * sin_cos(s[TILT + i])[0] / s[STIFFNESS + i]
    s[X + i] = rest + amplitude * cosine
    s[V + i] = -amplitude * np.sqrt(abs(s[STIFFNESS + i])) * sine
    s[HOME + i] = rest
    s[MEASURED_SWING + i] = TARGET
    s[SWING + i] = TARGET
    # what the last model would be if the mass were seen as it is now: tomorrow is as today
    s[MODEL + i] = 1.0


@njit(forceinline=True)
def _turn(half_turns: Any) -> Any:
    """Sine and cosine of pi times ``half_turns``, for -1 to 1, from a quarter of the angle."""
    sine, cosine = sin_cos(0.25 * np.pi * half_turns)
    sine, cosine = 2.0 * sine * cosine, cosine * cosine - sine * sine
    return 2.0 * sine * cosine, cosine * cosine - sine * sine


@njit(cache=True)
def _commission(s: Any, i: int, plan: Any) -> None:
    """End commissioning in one lane: the level is measured, and the first model is fitted and deployed."""
    s[HOME + i] = s[LEVEL + i]
    s[CYCLE + i] = 0.0
    s[DECISION + i] = float(WAIT)
    if plan[L_COLD] > 0.0:
        s[SAMPLES + i] = 0.0
        s[FIT_ERROR + i] = 1.0
        s[CANDIDATE_FIT_ERROR + i] = 1.0
    else:
        _fit_lane(s, i)
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
    for j in range(HISTORY):  # no forecasts yet: show what was measured
        s[WINDOW_F + j * LANES + i] = s[WINDOW_Y + (WINDOW - HISTORY + j) * LANES + i]
    for j in range(TERM_COUNT):
        s[COST + j * LANES + i] = 0.0


@njit(cache=True, nogil=True)
def begin(real: Any, keys: Any, chosen: Any, starts: Any, rules: Any) -> None:
    """Start the next episode in the lanes ``chosen``, of scenario row ``starts[lane]``.

    The lanes are gathered in a block of their own for the six cycles of commissioning, in which the
    magnet pushes at random and nothing drifts.
    """
    s, w, t = np.zeros(ROWS * LANES), np.zeros(len(KEYS) * LANES, np.uint32), np.zeros(SCRATCH)
    for first in range(0, chosen.shape[0], LANES):
        taken = min(LANES, chosen.shape[0] - first)
        for i in range(LANES):
            lane = chosen[first + min(i, taken - 1)]  # idle places repeat the last lane
            for k in range(len(KEYS)):
                w[k * LANES + i] = keys[lane // LANES, k * LANES + lane % LANES]
            _birth(s, w, i, starts[lane], rules)
        for _ in range(COMMISSIONING_CYCLES):
            _cycle(s, w, t, rules)
        for i in range(taken):
            lane = chosen[first + i]
            _commission(s, i, rules.plans[int(s[SCENARIO + i])])
            for row in range(ROWS):
                real[lane // LANES, row * LANES + lane % LANES] = s[row * LANES + i]
            w[EPISODE + i] += np.uint32(1)
            for k in range(len(KEYS)):
                keys[lane // LANES, k * LANES + lane % LANES] = w[k * LANES + i]


# ---------------------------------------------------------------- observation

MONITOR, SIGNALS, TRUTH = range(3)
MODES = dict(zip(OBSERVE, (MONITOR, SIGNALS, TRUTH), strict=True))
N_MONITOR, N_TRUTH = len(OBSERVE["monitor"]), len(OBSERVE["truth"])


@njit(cache=True)
def _monitor(s: Any, o: Any, latency: int) -> None:
    """The dashboard of a block, column by column: o[column * LANES + lane]."""
    for i in range(LANES):
        o[i] = log_error(s[MEASURED_ERROR + i])
        o[LANES + i] = log_error(s[ERROR_FAST + i])
        o[2 * LANES + i] = log_error(s[ERROR_SLOW + i])
        o[3 * LANES + i] = bounded(s[BIAS + i] / TARGET)
        o[4 * LANES + i] = gauge(s[MEASURED_SWING + i] / TARGET - 1.0)
        o[5 * LANES + i] = gauge((s[MEASURED_SWING + i] - s[PREVIOUS_SWING + i]) / TARGET)
        o[6 * LANES + i] = s[CORRELATION + i]
        o[7 * LANES + i] = s[PUSH + i]
        o[8 * LANES + i] = s[OVERRIDE_EFFECT + i]
        o[9 * LANES + i] = age(s[SINCE_RETRAIN + i])
        o[10 * LANES + i] = age(s[SINCE_INTERVENE + i])
        o[11 * LANES + i] = s[IN_FLIGHT + i] * (s[TRAINING + i] + 1.0) / (latency + 1.0)
        o[12 * LANES + i] = age(s[MODEL_AGE + i])
        o[13 * LANES + i] = log_error(s[CANDIDATE_FIT_ERROR + i])
        o[14 * LANES + i] = s[ALARM + i] / (1.0 + s[ALARM + i])
        o[15 * LANES + i] = s[PEAK + i]
        o[16 * LANES + i] = bounded((s[LEVEL + i] - s[HOME + i]) / TARGET)
        o[17 * LANES + i] = (s[DEADLINE + i] - s[CYCLE + i]) / s[DEADLINE + i]


@njit(cache=True)
def _observe(s: Any, o: Any, latency: int, mode: int) -> None:
    if mode != SIGNALS:
        _monitor(s, o, latency)
    if mode == TRUTH:
        for i in range(LANES):
            j = N_MONITOR * LANES + i
            o[j] = gauge((s[STIFFNESS + i] / (np.pi * np.pi) - 1.0) / 3.0)
            o[j + LANES] = gauge(s[FRICTION + i] / 0.02 - 1.0)
            o[j + 2 * LANES] = gauge(2.0 * (s[TILT + i] - np.pi / 6.0))
            o[j + 3 * LANES] = gauge(s[MAGNET + i] - 1.0)
            o[j + 4 * LANES] = gauge(s[DRIVE + i])
            o[j + 5 * LANES] = log_error(np.sqrt(s[ERROR + i]))
            o[j + 6 * LANES] = gauge(s[SWING + i] / TARGET - 1.0)
            changed = s[LAST_CHANGE + i] >= 0.0
            o[j + 7 * LANES] = age(s[CYCLE + i] - s[LAST_CHANGE + i]) if changed else 1.0
    if mode == SIGNALS:
        for j in range(HISTORY):
            for i in range(LANES):
                y = s[WINDOW_Y + (WINDOW - HISTORY + j) * LANES + i]
                o[j * LANES + i] = gauge((y - s[HOME + i]) / 1.5)
                o[(HISTORY + j) * LANES + i] = gauge((s[WINDOW_F + j * LANES + i] - s[HOME + i]) / 1.5)
                u = s[WINDOW_U + (WINDOW - HISTORY + j) * LANES + i]
                o[(2 * HISTORY + j) * LANES + i] = u / STRONGEST
        for i in range(LANES):
            j = 3 * HISTORY * LANES + i
            o[j] = s[IN_FLIGHT + i] * (s[TRAINING + i] + 1.0) / (latency + 1.0)
            o[j + LANES] = age(s[MODEL_AGE + i])
            o[j + 2 * LANES] = (s[DEADLINE + i] - s[CYCLE + i]) / s[DEADLINE + i]


@njit(cache=True)
def _report(s: Any, o: Any, first: int, obs: Any, reward: Any, ended: Any, aux: Any) -> None:
    """Hand a block's results to the rows of the output arrays that exist."""
    count = min(LANES, obs.shape[0] - first)
    for i in range(count):
        for column in range(obs.shape[1]):
            obs[first + i, column] = o[column * LANES + i]
        total = 0.0
        for term in range(TERM_COUNT):
            total += s[COST + term * LANES + i]
            aux[first + i, term] = s[COST + term * LANES + i]
        reward[first + i] = -total
        ended[first + i] = s[CYCLE + i] >= s[DEADLINE + i]
        for column in range(TRUTH_PLACES.shape[0]):
            aux[first + i, TERM_COUNT + column] = s[TRUTH_PLACES[column] + i]


@njit(cache=True, nogil=True)
def observe(real: Any, obs: Any, reward: Any, ended: Any, aux: Any, latency: int, mode: int) -> None:
    """Write observation, reward, end and side output of the cycle that has ended, for every env."""
    o = np.empty(obs.shape[1] * LANES)
    for block in range(real.shape[0]):
        s = real[block]
        _observe(s, o, latency, mode)
        _report(s, o, block * LANES, obs, reward, ended, aux)


@njit(cache=True, nogil=True)
def advance(
    real: Any,
    keys: Any,
    actions: Any,
    rules: Any,
    mode: int,
    obs: Any,
    reward: Any,
    ended: Any,
    aux: Any,
) -> None:
    """One cycle of every env. Outputs are as those of :func:`observe`; rows: obs (n, D), aux (n, AUX)."""
    t = np.empty(SCRATCH)
    o = np.empty(obs.shape[1] * LANES)
    for block in range(real.shape[0]):
        s, w = real[block], keys[block]
        first = block * LANES
        for i in range(min(LANES, actions.shape[0] - first)):
            s[DECISION + i] = float(actions[first + i])
        _cycle(s, w, t, rules)
        _observe(s, o, rules.latency, mode)
        _report(s, o, first, obs, reward, ended, aux)


def start_keys(batch: Batch, lanes: NDArray[np.integer], seeds: NDArray[np.uint64]) -> None:
    """Give lanes their seeds; the next episode of each is its episode 0."""
    words = batch.keys.reshape(-1, len(KEYS), LANES)
    block, lane = np.divmod(lanes, LANES)
    words[block, KEYS.index("seed0"), lane] = (seeds & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    words[block, KEYS.index("seed1"), lane] = (seeds >> np.uint64(32)).astype(np.uint32)
    words[block, KEYS.index("episode"), lane] = 0
