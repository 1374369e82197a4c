"""``L``: where each field of the state begins in a block. ``s[L.X + i]`` is field ``x`` of lane ``i``.

The names are those of the one table in ``state.py``, in capitals: fields, and keys for ``w``. Element ``j``
of an array lies ``j * LANES`` further on. So does parameter ``p`` of what every drifting parameter has:
``L.IN_FORCE + p * LANES`` is its value this cycle, ``L.BASE + p * LANES`` its seasonless value.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from springdrift.game.jit import inlined
from springdrift.incline.state import DRIFTING, FIELDS, HISTORY_CYCLES, KEYS, MEASUREMENTS, WINDOW_CYCLES, row

from . import LANES

STRIDE = MEASUREMENTS * LANES  # from a cycle in a ring to the next
_TURN = row("turn") * LANES

globals().update({field.name.upper(): row(field.name) * LANES for field in FIELDS})
globals().update({name.upper(): place * LANES for place, name in enumerate(KEYS)})
IN_FORCE = row(DRIFTING[0]) * LANES
BASE, WALK, TREND, LOW, HIGH, SEASON = (
    row(f"{name}_{DRIFTING[0]}") * LANES for name in ("base", "walk", "trend", "low", "high", "season")
)

if TYPE_CHECKING:

    def __getattr__(name: str) -> int: ...


@inlined
def window(s: Any, ring: Any, ago: Any) -> Any:
    """Where a ring of measurements, or forces, holds the cycle ``ago`` cycles back.

    Unsigned: an index that may be negative, for all the compiler knows, keeps a loop from vectorising.
    """
    return np.uint64(ring + (int(s[_TURN]) + WINDOW_CYCLES - ago) % WINDOW_CYCLES * STRIDE)


@inlined
def history(s: Any, ring: Any, ago: Any) -> Any:
    """The same of a ring of forecasts, which is shorter."""
    return np.uint64(ring + (int(s[_TURN]) + HISTORY_CYCLES - ago) % HISTORY_CYCLES * STRIDE)
