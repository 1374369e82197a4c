"""``T``: the scratch of a block, which all blocks of a call share, and where each number begins in it."""

from typing import TYPE_CHECKING, Any

import numpy as np

from springdrift.game.jit import compiled
from springdrift.incline import state
from springdrift.incline.machine import F
from springdrift.incline.state import ALIGNED, DRIFTING, MEASUREMENTS

from . import LANES

_TABLE = (
    ("normals", MEASUREMENTS),  # standard normal measurement noise
    ("walks", len(DRIFTING)),  # standard normal steps of the walks; from here to kick_at, 0 where not drawn
    ("coin", 1),  # its binary digits are the signs of the pushes of commissioning
    ("fault_by", 1),  # m
    ("kick_at", 1),  # the measurement before which the kick comes
    ("fault_at", 1),  # the measurement that is off
    ("freeze_at", 1),  # the measurement from which on the sensor repeats itself; MEASUREMENTS for none
    ("control", 1),  # N, the controller's push this cycle
    ("operator", 1),  # N, the operator's push this cycle
    ("place", 1),  # m; from here to ring, what a substep needs
    ("speed", 1),  # m/s
    ("lowest", 1),  # m, of the cycle
    ("highest", 1),  # m
    ("drive_now", 1),  # m/s, the unseen force in this substep
    ("drive_next", 1),  # m/s, and in the next
    ("kept_sin", 1),  # where the unseen force and the coin stood as the cycle began
    ("kept_cos", 1),
    ("kept_coin", 1),
    ("pull", 1),  # m/s^2, g sin(tilt)
    ("force", 1),  # m/s, pull and magnet together in a substep
    ("gain", 1),  # s, h / (1 + c h/2)
    ("keep", 1),  # (1 - c h/2) / (1 + c h/2)
    ("grip", 1),  # m/s, the most that friction takes in a substep
    ("linear", 1),  # 1/s, the spring's k times gain
    ("hardening", 1),  # 1/(s m^2), its k3 times gain
    ("ring", 1),  # 2 cos of the unseen force's turn in a substep
    ("free", 1),  # m, where the model sees the mass at the next measurement without a push
    ("push", 1),  # N, what the controller would ask of the magnet, then what is asked
    ("start", 1),  # m, position at the last measurement
    ("lags", state.LAGS),  # m, the last measurements of the cycle before; the forecasts of this one follow
    ("forecast", MEASUREMENTS),  # m
    ("before", 1),  # N, the last push of the cycle before; those of this one follow
    ("asked", MEASUREMENTS),  # N, forces asked of the magnet
    ("true_x", MEASUREMENTS),  # m, true positions at the measurements
    ("old", MEASUREMENTS),  # m, the measurements of the cycle before; those of this one follow
    ("seen", MEASUREMENTS),  # m
    ("shadow", state.LAGS + MEASUREMENTS),  # m, lags, and what the version before would have forecast
)
SCRATCH = sum(size for _, size in _TABLE) * LANES
_end = 0
for _name, _size in _TABLE:
    globals()[_name.upper()] = _end
    _end += _size * LANES

if TYPE_CHECKING:

    def __getattr__(name: str) -> int: ...


@compiled(arrays=True)
def scratch() -> Any:
    """Room for a block's scratch at the start of a cache line: vectors that cross one cost twice."""
    raw = np.empty(SCRATCH + ALIGNED, F)
    start = -raw.ctypes.data % (4 * ALIGNED) // 4
    return raw[start : start + SCRATCH]
