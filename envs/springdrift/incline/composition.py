"""Whether a scenario's parameters and laws fit together: what the kernel would bend is refused here."""

from collections.abc import Sequence
from itertools import combinations

from springdrift.incline.drift import LAWS, STEADY, Law
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
        if not isinstance(law, Law):
            raise ValueError(f"Scenario.laws holds {law!r}; allowed: {', '.join(LAWS)}")
    for one, other in combinations(laws, 2):
        _check_kind(one, other)
        one.check_beside(other)
        other.check_beside(one)
    for law in laws:
        law.check_machine(params)
    for parameter in DRIFTING:
        _check_reach(parameter, params, laws)


def _check_kind(one: Law, other: Law) -> None:
    """A second law of a kind, on the same parameter where it has one, would overwrite the first."""
    parameter = getattr(one, "parameter", None)
    if type(one) is type(other) and parameter == getattr(other, "parameter", None):
        where = f" on {parameter}" if parameter else ""
        raise ValueError(
            f"Scenario.laws holds two {type(one).__name__} laws{where}: the second would overwrite the "
            f"first; one is allowed{' for each parameter' if parameter else ''}"
        )


def _check_reach(parameter: str, params: Params, laws: Sequence[Law]) -> None:
    """Whether a parameter starts, jumps and swings where it may be."""
    start = getattr(params, parameter)
    places = {f"Scenario.params.{parameter} = {start}": (start, start)}
    added: dict[str, float] = {}
    for law in laws:
        places |= law.places(parameter)
        added |= law.adds(parameter)
    bounds = next((found for law in laws if (found := law.bounds_of(parameter))), None)
    for what, (low, high) in places.items():
        if bounds and not bounds[0] <= low <= high <= bounds[1]:
            raise ValueError(f"{what} must lie within {bounds}, the bounds of the law that moves {parameter}")
    lows, highs = zip(*([bounds] if bounds else places.values()), strict=True)
    beyond = sum(map(abs, added.values()))
    low, high = min(lows) - beyond, max(highs) + beyond
    floor, ceiling = LIMITS[parameter]
    if not floor <= low <= high <= ceiling:
        what = " and ".join(f"{name} = {value:g}" for name, value in added.items()) or " and ".join(places)
        raise ValueError(
            f"{what} makes {parameter} reach from {low:g} to {high:g}; it must stay within "
            f"[{floor:g}, {ceiling:g}]"
        )
