"""``O``: the place of each column of the observation, from the one table.

``O.SWING`` is the column ``swing`` of the dashboard, ``O.TRUE_NAIVE`` one of those behind it. The signals
are histories, ``O.ERRORS``, ``O.NAIVES``, ``O.BIASES`` and ``O.LEVELS``, and the clock of the dashboard,
which has places of its own there.
"""

from typing import TYPE_CHECKING

from springdrift.series.laws import PARAMETERS
from springdrift.series.observation import HISTORY, SIGNALS, TRUTH

globals().update({name.upper(): place for place, name in enumerate(TRUTH.names)})
TRUE_PARAMETERS = TRUTH.index(f"true_{PARAMETERS[0]}")  # the first of them
ERRORS, NAIVES, BIASES, LEVELS = (
    SIGNALS.index(f"{name}_{HISTORY}_ago") for name in ("error", "naive", "bias", "level")
)
SIGNALS_IN_FLIGHT, SIGNALS_MODEL_AGE, SIGNALS_TIME_LEFT = (
    SIGNALS.index(name) for name in ("in_flight", "model_age", "time_left")
)

if TYPE_CHECKING:

    def __getattr__(name: str) -> int: ...
