"""Numbers of the machine that no scenario changes: magnet, controller, operator, sensor and dashboard."""

import numpy as np

from springdrift.game.actions import Action
from springdrift.incline.dynamics import BUMPERS, GRAVITY, Params
from springdrift.incline.reward import TARGET
from springdrift.incline.state import CYCLE_SECONDS, MEASUREMENTS

F = np.float32  # the state's type; a plain float would turn the arithmetic around it to float64
ZERO, HALF, ONE, TWO = F(0.0), F(0.5), F(1.0), F(2.0)
TINY = F(1e-12)

INTERVAL = CYCLE_SECONDS / MEASUREMENTS  # s
G = F(GRAVITY)
LOW_STOP, HIGH_STOP = F(BUMPERS[0]), F(BUMPERS[1])  # m

FRICTION_FORCE = Params().friction * GRAVITY * float(np.cos(Params().tilt))  # N on a new machine
STRONGEST = F(6.0 * FRICTION_FORCE)  # N, F0: the most that is asked of the magnet
HOLD = F(0.18)  # of F0: what makes up the friction loss of a new machine
CONTROLLER_GAIN, CONTROLLER_LIMIT = F(2.0), F(0.5)  # of F0
OPERATOR_GAIN, OPERATOR_LIMIT = F(4.0), F(1.0)  # of F0
PROBE = F(0.5)  # of F0: the random pushes of commissioning

SENSOR_LOW, SENSOR_HIGH = F(-2.0), F(3.0)  # m, where the gauge ends; forecasts end there too

TARGET_SWING, PER_TARGET = F(TARGET), F(1.0 / TARGET)
NORM = TARGET * TARGET / 2.0  # m^2, variance of the target swing
PER_NORM = F(1.0 / (MEASUREMENTS * NORM))
SPREAD = 0.05  # m, of the start amplitude
FAST, SLOW = F(0.3), F(0.05)  # weights of the moving averages
PAGE_HINKLEY_SLACK = F(0.05)  # of the target rms

# Decisions as the state holds them. PROBING, the random pushes of commissioning, is no Action.
WAITING, INTERVENING, RETRAINING = F(int(Action.WAIT)), F(int(Action.INTERVENE)), F(int(Action.RETRAIN))
FINE_TUNING, ROLLING_BACK = F(int(Action.FINE_TUNE)), F(int(Action.ROLLBACK))
PROBING = F(-1)
