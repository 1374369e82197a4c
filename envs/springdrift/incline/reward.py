"""What a cycle costs, term by term. The reward is minus their sum."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift.game.costs import Prices, price
from springdrift.game.jit import inlined
from springdrift.incline.dynamics import lesser

TARGET = 0.3  # m, amplitude that the machine should keep
TERMS = ("forecast", "swing", "intervene", "retrain")
OPS_TERMS = (*TERMS, "fine_tune", "rollback")  # where versions can be fine-tuned and rolled back


@dataclass(frozen=True)
class Costs(Prices):
    """Prices. The unit of cost is free: only ratios matter to a decision.

    >>> Costs(retrain=-1)
    Traceback (most recent call last):
    ValueError: Costs.retrain must be a number from 0 to 1e+09, got -1
    >>> Costs.of({"retrian": 1.0})
    Traceback (most recent call last):
    ValueError: unknown cost 'retrian'; did you mean 'retrain'? Allowed: forecast, swing, intervene, \
retrain, forecast_cap, swing_cap
    """

    forecast: float = price(0.3, "a cycle, per unit of NMSE of the forecast")
    swing: float = price(3.0, "a cycle, per unit of squared relative deviation from the target amplitude")
    intervene: float = price(0.6, "an intervention: one cycle pushed by hand")
    retrain: float = price(3.0, "a retraining, paid when asked for")
    forecast_cap: float = price(2.0, "NMSE beyond which a forecast is no worse")
    swing_cap: float = price(1.0, "squared relative deviation beyond which the swing is no worse")


@dataclass(frozen=True)
class OpsCosts(Costs):
    """Prices where versions can be fine-tuned and rolled back.

    >>> OpsCosts(rollback=-1)
    Traceback (most recent call last):
    ValueError: OpsCosts.rollback must be a number from 0 to 1e+09, got -1
    """

    fine_tune: float = price(1.0, "a fine-tuning, paid when asked for")
    rollback: float = price(0.5, "a rollback")


# Places of the prices in the array that the kernel takes.
_PLACES = {field.name: place for place, field in enumerate(fields(OpsCosts))}
FORECAST, SWING, INTERVENE, RETRAIN, FINE_TUNE, ROLLBACK = (_PLACES[name] for name in OPS_TERMS)
FORECAST_CAP, SWING_CAP = _PLACES["forecast_cap"], _PLACES["swing_cap"]


def kernel_prices(costs: Costs) -> NDArray[np.float64]:
    """The prices in the order of :class:`OpsCosts`, 0 for what the world does not sell, shape (8,)."""
    found = np.zeros(len(_PLACES))
    found[: len(fields(costs))] = costs.array()
    return found


@inlined
def forecast_cost(costs: Any, nmse: Any) -> Any:
    return costs[FORECAST] * lesser(nmse, costs[FORECAST_CAP])


@inlined
def swing_cost(costs: Any, swing: Any) -> Any:
    deviation = swing / TARGET - 1.0
    return costs[SWING] * lesser(deviation * deviation, costs[SWING_CAP])
