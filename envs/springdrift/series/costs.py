"""What a cycle of the series world costs, term by term. The reward is minus their sum."""

from dataclasses import dataclass, fields

from springdrift.game.costs import Prices

TERMS = ("forecast", "intervene", "retrain")
OPS_TERMS = (*TERMS, "fine_tune", "rollback")  # where versions can be fine-tuned and rolled back
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


@dataclass(frozen=True)
class OpsCosts(Costs):
    """Prices where versions can be fine-tuned and rolled back.

    >>> OpsCosts(rollback=-1)
    Traceback (most recent call last):
    ValueError: OpsCosts.rollback must be a number from 0 to 1e+09, got -1
    """

    fine_tune: float = 0.3  # a fine-tuning, paid when asked for
    rollback: float = 0.5  # a rollback


# places of the prices in the array that the kernel takes
_PLACES = {field.name: place for place, field in enumerate(fields(OpsCosts))}
FORECAST, INTERVENE, RETRAIN, FINE_TUNE, ROLLBACK = (_PLACES[name] for name in OPS_TERMS)
FORECAST_CAP = _PLACES["forecast_cap"]
