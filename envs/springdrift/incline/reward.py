"""What a cycle costs, term by term. The reward is minus their sum."""

from dataclasses import dataclass, fields
from typing import Any

from springdrift.game.costs import Prices, price
from springdrift.game.jit import inlined
from springdrift.incline.dynamics import lesser

TARGET = 0.3  # m, amplitude that the machine should keep
TERMS = ("forecast", "swing", "intervene", "retrain")


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


# Places of the prices in the array that the kernel takes.
FORECAST, SWING, INTERVENE, RETRAIN, FORECAST_CAP, SWING_CAP = (
    [field.name for field in fields(Costs)].index(name)
    for name in (*TERMS, "forecast_cap", "swing_cap")
)  # fmt: skip


@inlined
def forecast_cost(costs: Any, nmse: Any) -> Any:
    return costs[FORECAST] * lesser(nmse, costs[FORECAST_CAP])


@inlined
def swing_cost(costs: Any, swing: Any) -> Any:
    deviation = swing / TARGET - 1.0
    return costs[SWING] * lesser(deviation * deviation, costs[SWING_CAP])
