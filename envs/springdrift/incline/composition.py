"""Whether a scenario's parameters and laws fit together: what the kernel would bend is refused here."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any, get_args

from springdrift.incline.drift import (
    STEADY,
    Jump,
    Law,
    Recurring,
    Seasonal,
    Trend,
    Walk,
)
from springdrift.incline.dynamics import Params
from springdrift.incline.state import DRIFTING, LIMITS

FIXED = ("mass", "gravity", "bumper_low", "bumper_high", "drive_phase")  # the same in every scenario


def check_params(params: Params) -> None:
    """Raises ValueError where a scenario cannot have these parameters, naming one and what is allowed."""
    if not isinstance(params, Params):
        raise ValueError(f"Scenario.params must be a springdrift.Params, got {params!r}")
    usual = Params()
    for name in FIXED:
        value, only = getattr(params, name), getattr(usual, name)
        if value != only:
            raise ValueError(f"Scenario.params.{name} cannot differ from {only}, got {value}")
    for name, (low, high) in {**LIMITS, **STEADY}.items():
        value = getattr(params, name)
        if not low <= value <= high:
            raise ValueError(f"Scenario.params.{name} must lie within [{low:g}, {high:g}], got {value}")
    low, high, rest = params.bumper_low, params.bumper_high, params.equilibrium
    if not low <= rest <= high:
        raise ValueError(
            f"Scenario.params: with stiffness {params.stiffness} and tilt {params.tilt} the spring rests at "
            f"g sin(tilt) / stiffness = {rest} m; it must lie between the bumpers, within [{low:g}, {high:g}]"
        )


def check_laws(params: Params, laws: Sequence[Law]) -> None:
    """Raises ValueError where laws overwrite each other or would leave what their parameters may reach."""
    for law in laws:
        if not isinstance(law, get_args(Law)):
            kinds = ", ".join(kind.__name__ for kind in get_args(Law))
            raise ValueError(f"Scenario.laws holds {law!r}; allowed: {kinds}")
    for one, other in combinations(laws, 2):
        _check_pair(one, other)
    for parameter in DRIFTING:
        _check_reach(parameter, params, laws)


def _check_pair(one: Any, other: Any) -> None:
    parameter = getattr(one, "parameter", None)
    same = parameter == getattr(other, "parameter", None)
    if type(one) is type(other) and same:
        where = f" on {parameter}" if parameter else ""
        raise ValueError(
            f"Scenario.laws holds two {type(one).__name__} laws{where}: the second would overwrite the "
            f"first; one is allowed{' for each parameter' if parameter else ''}"
        )
    if isinstance(one, Seasonal) and isinstance(other, Seasonal) and one.period != other.period:
        raise ValueError(
            f"Scenario.laws: the seasons on {one.parameter} and {other.parameter} have periods {one.period} "
            f"and {other.period}; all seasons of a scenario share one period"
        )
    bounded = isinstance(one, Walk | Trend) and isinstance(other, Walk | Trend)
    if bounded and same and one.bounds != other.bounds:
        raise ValueError(
            f"Scenario.laws: the Walk and the Trend on {parameter} have bounds {one.bounds} and "
            f"{other.bounds}; they must be the same"
        )
    for jump, table in ((one, other), (other, one)):
        both = isinstance(jump, Jump) and isinstance(table, Recurring)
        if both and any(jump.parameter in row for row in table.rows):
            raise ValueError(
                f"Scenario.laws: Jump and Recurring both set {jump.parameter} at a change: the driver row "
                "would overwrite the jump"
            )


def _check_reach(parameter: str, params: Params, laws: Sequence[Law]) -> None:
    """Whether a parameter starts, jumps and swings where it may be."""
    start = getattr(params, parameter)
    own = [law for law in laws if getattr(law, "parameter", None) == parameter]
    places = {f"Scenario.params.{parameter} = {start}": (start, start)}
    for law in laws:
        if isinstance(law, Jump) and law in own:
            places[f"Jump({parameter!r}).bounds = {law.bounds}"] = law.bounds
        elif isinstance(law, Recurring):
            rows = [row[parameter] for row in law.rows if parameter in row]
            places |= {f"a driver row's {parameter} = {value}": (value, value) for value in rows}
            if law.rows[0].get(parameter, start) != start:
                raise ValueError(
                    f"Recurring.rows[0] sets {parameter} to {law.rows[0][parameter]} and is in force at the "
                    f"start, but Scenario.params.{parameter} is {start}; they must be the same"
                )
    bounds = next((law.bounds for law in own if isinstance(law, Walk | Trend)), None)
    for what, (low, high) in places.items():
        if bounds and not bounds[0] <= low <= high <= bounds[1]:
            raise ValueError(f"{what} must lie within {bounds}, the bounds of the law that moves {parameter}")
    lows, highs = zip(*([bounds] if bounds else places.values()), strict=True)
    season = next((abs(law.amplitude) for law in own if isinstance(law, Seasonal)), 0.0)
    low, high = min(lows) - season, max(highs) + season
    floor, ceiling = LIMITS[parameter]
    if not floor <= low <= high <= ceiling:
        raise ValueError(
            f"Seasonal({parameter!r}).amplitude = {season:g} makes {parameter} reach from {low:g} to "
            f"{high:g}; it must stay within [{floor:g}, {ceiling:g}]"
        )
