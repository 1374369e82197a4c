"""The start of an episode, lane by lane: a world is drawn, commissioned, and its first model deployed."""

from typing import Any

import numpy as np

from springdrift.game import streams
from springdrift.game.jit import compiled, inlined
from springdrift.incline import plan as P
from springdrift.incline.drift import MEMBERS
from springdrift.incline.dynamics import sin_cos
from springdrift.incline.machine import INTERVAL, PROBING, SPREAD, TWO, WAITING, F, G
from springdrift.incline.reward import TARGET
from springdrift.incline.state import COMMISSIONING_CYCLES, HISTORY_CYCLES, MEASUREMENTS

from . import LANES
from . import layout as L
from .draws import PARAMETERS, words
from .layout import history, window
from .training import deploy


@inlined
def _turn(half_turns: Any) -> Any:
    """Sine and cosine of pi times ``half_turns``, for -1 to 1, from a quarter of the angle, doubled twice.

    No library call: the same on every machine.
    """
    sine, cosine = sin_cos(F(0.25 * np.pi * half_turns))
    sine, cosine = TWO * sine * cosine, cosine * cosine - sine * sine
    return TWO * sine * cosine, cosine * cosine - sine * sine


@compiled
def _choose(s: Any, w: Any, i: int, start: int, plans: Any) -> int:
    """Row of the scenario of the episode, one of the members of ``start``; and when its drift begins."""
    w[L.KEY0 + i], w[L.KEY1 + i] = streams.threefry(
        w[L.SEED0 + i], w[L.SEED1 + i], w[L.EPISODE + i], np.uint32(streams.EPISODE)
    )
    count = 0
    while count < MEMBERS and plans[start, P.MEMBERS + count] >= 0.0:
        count += 1
    a, b = words(w, i, 0.0, streams.BIRTH)
    row = int(plans[start, P.MEMBERS + int(streams.uniform(a) * count)])
    plan = plans[row]
    s[L.SCENARIO + i] = float(row)
    onset = np.floor(streams.uniform(b) * (plan[P.ONSET_HIGH] - plan[P.ONSET_LOW] + 1.0))
    s[L.ONSET + i] = plan[P.ONSET_LOW] + onset
    s[L.NEXT_CHANGE + i] = s[L.ONSET + i]
    s[L.LAST_CHANGE + i] = -1.0
    return row


@compiled
def _draw_laws(s: Any, w: Any, i: int, plan: Any) -> None:
    """What the drift laws of the scenario are in this episode."""
    for p in range(PARAMETERS):
        place = p * LANES + i
        a, b = words(w, i, 0.0, streams.BIRTH + 1 + p)
        rate = plan[P.TREND_LOW + p] + streams.uniform(a) * (plan[P.TREND_HIGH + p] - plan[P.TREND_LOW + p])
        mirrored = plan[P.EITHER_WAY + p] > 0.0 and streams.uniform(b) < 0.5
        s[L.TREND + place] = -rate if mirrored else rate
        s[L.BASE + place] = plan[P.BASE + p]
        s[L.IN_FORCE + place] = plan[P.BASE + p]
        s[L.WALK + place] = plan[P.WALK + p]
        s[L.LOW + place] = plan[P.LOW + p]
        s[L.HIGH + place] = plan[P.HIGH + p]
        s[L.SEASON + place] = plan[P.SEASON + p]
    a, b = words(w, i, 0.0, streams.BIRTH + 1 + PARAMETERS)
    s[L.SEASON_SIN + i], s[L.SEASON_COS + i] = _turn(2.0 * streams.uniform(a) - 1.0)
    s[L.SEASON_TURN_SIN + i], s[L.SEASON_TURN_COS + i] = _turn(2.0 / plan[P.SEASON_PERIOD])
    s[L.DRIVE_SIN + i], s[L.DRIVE_COS + i] = _turn(2.0 * streams.uniform(b) - 1.0)
    s[L.SHOCK_RATE + i] = plan[P.SHOCK_RATE]
    s[L.SHOCK_SIZE + i] = plan[P.SHOCK_SIZE]
    s[L.OUTLIER_RATE + i] = plan[P.OUTLIER_RATE]
    s[L.OUTLIER_SIZE + i] = plan[P.OUTLIER_SIZE]
    s[L.DROPOUT_RATE + i] = plan[P.DROPOUT_RATE]


@compiled
def draw_episode(s: Any, w: Any, i: int, start: int, plans: Any, substeps: int) -> None:
    """Draw an episode's world into one lane of zeros, at the start of commissioning."""
    plan = plans[_choose(s, w, i, start, plans)]
    _draw_laws(s, w, i, plan)
    substep_turn = plan[P.DRIVE_OMEGA] * INTERVAL / substeps
    s[L.TURN_SIN + i], s[L.TURN_COS + i] = _turn(substep_turn / np.pi)
    s[L.SWEEP_SIN + i], s[L.SWEEP_COS + i] = _turn(plan[P.DRIVE_OMEGA] * INTERVAL / np.pi)
    s[L.RELEASE_EVERY + i] = plan[P.RELEASE_EVERY]
    s[L.CUBIC + i] = plan[P.CUBIC]
    s[L.DAMPING + i] = plan[P.DAMPING]
    s[L.NOISE + i] = plan[P.NOISE]
    s[L.DEADLINE + i] = plan[P.CYCLES]
    s[L.CYCLE + i] = -float(COMMISSIONING_CYCLES)
    s[L.DECISION + i] = PROBING
    # a swing of the target amplitude about rest, x = g sin a / k, somewhere on its way
    a, b = words(w, i, 0.0, streams.BIRTH + 2 + PARAMETERS)
    sine, cosine = _turn(2.0 * streams.uniform(a) - 1.0)
    amplitude = TARGET + SPREAD * (2.0 * streams.uniform(b) - 1.0)
    rest = float(G * sin_cos(s[L.TILT + i])[0] / s[L.STIFFNESS + i])
    s[L.X + i] = rest + amplitude * cosine
    s[L.V + i] = -amplitude * np.sqrt(abs(s[L.STIFFNESS + i])) * sine
    s[L.HOME + i] = rest
    s[L.MEASURED_SWING + i] = TARGET
    s[L.SWING + i] = TARGET
    # what the last model would be if the mass were seen as it is now: tomorrow is as today
    s[L.MODEL + i] = 1.0


@compiled
def commission(s: Any, i: int, plan: Any) -> None:
    """End commissioning in one lane: the level is measured, and the first model, fitted, is deployed."""
    s[L.HOME + i] = s[L.LEVEL + i]
    s[L.CYCLE + i] = 0.0
    s[L.DECISION + i] = WAITING
    s[L.CHARGED + i] = 0.0
    s[L.TRAINING + i] = 0.0
    if plan[P.COLD_START] > 0.0:
        s[L.SAMPLES + i] = 0.0
        s[L.FIT_ERROR + i] = 1.0
        s[L.CANDIDATE_FIT_ERROR + i] = 1.0
    else:
        deploy(s, i)
    s[L.VERSION + i] = 0.0
    s[L.MODEL_AGE + i] = 0.0
    s[L.ALARM + i] = 0.0
    s[L.ALARM_MEAN + i] = 0.0
    s[L.ALARM_COUNT + i] = 0.0
    s[L.ERROR_FAST + i] = 0.1
    s[L.ERROR_SLOW + i] = 0.1
    s[L.MEASURED_ERROR + i] = 0.1
    s[L.ERROR + i] = 0.0
    s[L.BIAS + i] = 0.0
    s[L.PEAK + i] = 0.0
    s[L.CORRELATION + i] = 1.0
    s[L.PREVIOUS_SWING + i] = s[L.MEASURED_SWING + i]
    s[L.LEVEL_PUSH + i] = 0.0
    s[L.WORK + i] = 0.0
    s[L.SINCE_RETRAIN + i] = 100.0
    s[L.SINCE_INTERVENE + i] = 100.0
    for ago in range(HISTORY_CYCLES):  # no forecasts yet: show what was measured
        y, f = window(s, L.WINDOW_Y, ago), history(s, L.WINDOW_F, ago)
        for j in range(MEASUREMENTS):
            s[f + np.uint64(j * LANES + i)] = s[y + np.uint64(j * LANES + i)]
