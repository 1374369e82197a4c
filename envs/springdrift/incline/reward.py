"""What a cycle costs, term by term. The reward is minus their sum."""

from dataclasses import astuple, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift.game.arguments import number
from springdrift.game.jit import inlined
from springdrift.incline.dynamics import lesser

TARGET = 0.3  # m, amplitude that the machine should keep
MOST = 1e9  # of a price: sums of episodes stay far from the end of the numbers
TERMS = ("forecast", "swing", "intervene", "retrain")


@dataclass(frozen=True)
class Costs:
    """Prices. The unit of cost is free: only ratios matter to a decision.

    >>> Costs(retrain=-1)
    Traceback (most recent call last):
    ValueError: Costs.retrain must be a number from 0 to 1e+09, got -1
    """

    forecast: float = 0.3  # a cycle, per unit of NMSE of the forecast
    swing: float = 3.0  # a cycle, per unit of squared relative deviation from the target amplitude
    intervene: float = 0.6  # an intervention
    retrain: float = 3.0  # a retraining, paid when asked for
    forecast_cap: float = 2.0  # NMSE beyond which a forecast is no worse
    swing_cap: float = 1.0  # squared relative deviation beyond which the swing is no worse

    def __post_init__(self) -> None:
        for field in fields(self):
            number(f"Costs.{field.name}", getattr(self, field.name), 0.0, MOST)

    def array(self) -> NDArray[np.float64]:
        """The prices in field order, as the kernel takes them."""
        return np.array(astuple(self), dtype=np.float64)


@inlined
def forecast_cost(costs: Any, nmse: Any) -> Any:
    return costs[0] * lesser(nmse, costs[4])


@inlined
def swing_cost(costs: Any, swing: Any) -> Any:
    deviation = swing / TARGET - 1.0
    return costs[1] * lesser(deviation * deviation, costs[5])
