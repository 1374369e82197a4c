"""The start of an episode, lane by lane: a world is drawn, commissioned, and its first model deployed."""

from typing import Any

import numpy as np

from springdrift.game import streams
from springdrift.game.jit import compiled
from springdrift.incline import plan as P
from springdrift.incline.dynamics import sin_cos
from springdrift.incline.machine import INTERVAL, PROBING, SPREAD, WAITING, G
from springdrift.incline.reward import TARGET
from springdrift.incline.state import COMMISSIONING_CYCLES, HISTORY_CYCLES, MEASUREMENTS

from . import LANES
from . import layout as L
from .draws import PARAMETERS, turn, words
from .drift import draw_laws
from .layout import history, window
from .versions import deploy


@compiled
def _choose(s: Any, w: Any, i: int, start: int, plans: Any) -> int:
    """Row of the scenario of the episode, one of the members of ``start``; and when its drift begins."""
    w[L.KEY0 + i], w[L.KEY1 + i] = streams.threefry(
        w[L.SEED0 + i], w[L.SEED1 + i], w[L.EPISODE + i], np.uint32(streams.EPISODE)
    )
    count = 0
    while count < P.MOST_MEMBERS and plans[start, P.MEMBERS + count] >= 0.0:
        count += 1
    a, b = words(w, i, 0.0, streams.BIRTH)
    row = int(plans[start, P.MEMBERS + int(float(streams.uniform(a)) * count)])
    plan = plans[row]
    s[L.SCENARIO + i] = float(row)
    onset = np.floor(streams.uniform(b) * (plan[P.ONSET_HIGH] - plan[P.ONSET_LOW] + 1.0))
    s[L.ONSET + i] = plan[P.ONSET_LOW] + onset
    s[L.NEXT_CHANGE + i] = s[L.ONSET + i]
    s[L.LAST_CHANGE + i] = -1.0
    return row


@compiled
def draw_episode(s: Any, w: Any, i: int, start: int, plans: Any, substeps: int) -> None:
    """Draw an episode's world into one lane of zeros, at the start of commissioning."""
    plan = plans[_choose(s, w, i, start, plans)]
    draw_laws(s, w, i, plan)
    substep_turn = plan[P.DRIVE_OMEGA] * INTERVAL / substeps
    s[L.TURN_SIN + i], s[L.TURN_COS + i] = turn(substep_turn / np.pi)
    s[L.SWEEP_SIN + i], s[L.SWEEP_COS + i] = turn(plan[P.DRIVE_OMEGA] * INTERVAL / np.pi)
    s[L.RELEASE_EVERY + i] = plan[P.RELEASE_EVERY]
    s[L.CUBIC + i] = plan[P.CUBIC]
    s[L.DAMPING + i] = plan[P.DAMPING]
    s[L.NOISE + i] = plan[P.NOISE]
    s[L.DEADLINE + i] = plan[P.CYCLES]
    s[L.CYCLE + i] = -float(COMMISSIONING_CYCLES)
    s[L.DECISION + i] = PROBING
    # a swing of the target amplitude about rest, x = g sin a / k, somewhere on its way
    a, b = words(w, i, 0.0, streams.BIRTH + 2 + PARAMETERS)
    sine, cosine = turn(2.0 * float(streams.uniform(a)) - 1.0)
    amplitude = TARGET + SPREAD * (2.0 * float(streams.uniform(b)) - 1.0)
    rest = float(G * sin_cos(s[L.TILT + i])[0] / s[L.STIFFNESS + i])
    s[L.X + i] = rest + amplitude * float(cosine)
    s[L.V + i] = -amplitude * float(np.sqrt(abs(s[L.STIFFNESS + i]))) * float(sine)
    s[L.HOME + i] = rest
    s[L.MEASURED_SWING + i] = TARGET
    s[L.SWING + i] = TARGET
    # what the last model would be if the mass were seen as it is now: tomorrow is as today
    s[L.MODEL + i], s[L.ANCHOR + i] = 1.0, 1.0


@compiled
def commission(s: Any, w: Any, i: int, plan: Any) -> None:
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
        deploy(s, w, i)
    s[L.VERSION + i], s[L.VERSIONS + i] = 0.0, 0.0
    s[L.PARENT + i], s[L.PREVIOUS_VERSION + i] = -1.0, -1.0
    s[L.FITTED_FROM + i], s[L.FITTED_TO + i] = -s[L.SAMPLES + i] / MEASUREMENTS, 0.0
    s[L.SERVED + i] = 0.0
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
    s[L.SINCE_FINE_TUNE + i] = 100.0
    s[L.SINCE_ROLLBACK + i] = 100.0
    for ago in range(HISTORY_CYCLES):  # no forecasts yet: show what was measured
        y, f = window(s, L.WINDOW_Y, ago), history(s, L.WINDOW_F, ago)
        for j in range(MEASUREMENTS):
            s[f + np.uint64(j * LANES + i)] = s[y + np.uint64(j * LANES + i)]
