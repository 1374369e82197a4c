"""What a cycle of the series world costs, term by term. The reward is minus their sum."""

from dataclasses import dataclass

from springdrift.game.costs import Prices

TERMS = ("forecast", "intervene", "retrain")
TOLERANCE = 10.0  # times the commissioned model's usual error: a forecast that far off is worth nothing


@dataclass(frozen=True)
class Costs(Prices):
    """Prices. The unit of error is a scale fixed at commissioning: the scenario's tolerance times the usual
    error of the model that was commissioned.

    >>> Costs(retrain=-1)
    Traceback (most recent call last):
    ValueError: Costs.retrain must be a number from 0 to 1e+09, got -1
    """

    forecast: float = 3.0  # a cycle, per unit of squared error of the forecast that was served
    intervene: float = 0.6  # an intervention
    retrain: float = 3.0  # a retraining, paid when asked for
    forecast_cap: float = 1.0  # squared error beyond which a forecast is no worse
