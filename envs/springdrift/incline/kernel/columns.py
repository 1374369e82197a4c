"""``O``: where each column of the observation begins in a block's ``o``, from the one table.

``O.SWING`` is the column ``swing`` of the dashboard, ``O.TRUE_SWING`` one of those behind it. The signals
are three histories, ``O.MEASURED``, ``O.FORECAST`` and ``O.FORCE``, and the clock of the dashboard, which
has places of its own there.
"""

from typing import TYPE_CHECKING

from springdrift.incline.observation import SIGNALS, TRUTH
from springdrift.incline.state import HISTORY

from . import LANES

globals().update({name.upper(): place * LANES for place, name in enumerate(TRUTH.names)})
MEASURED, FORECAST, FORCE = (
    SIGNALS.index(f"{kind}_{HISTORY}_ago") * LANES for kind in ("measured", "forecast", "force")
)
SIGNALS_IN_FLIGHT, SIGNALS_MODEL_AGE, SIGNALS_TIME_LEFT = (
    SIGNALS.index(name) * LANES for name in ("in_flight", "model_age", "time_left")
)

if TYPE_CHECKING:

    def __getattr__(name: str) -> int: ...
