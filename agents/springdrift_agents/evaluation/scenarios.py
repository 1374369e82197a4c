"""Scenarios by what a person writes: a name, or one of the user's own."""

from typing import Any

from springdrift import ENV_ID
from springdrift.game.arguments import did_you_mean
from springdrift.registry import world_spec
from springdrift_agents import own


def scenario_of(spec: str, env: str = ENV_ID) -> Any:
    """The scenario of a spec: a name as it is, or the object of ``module:name`` or ``path/to/file.py:name``.

    Args:
        spec: what was written.
        env: id of the kind of world.

    Raises:
        ValueError: an unknown name, or an object that is no scenario of these worlds; says what is allowed.

    >>> scenario_of("abrupt")
    'abrupt'
    >>> scenario_of("abrubt")
    Traceback (most recent call last):
    ValueError: unknown scenario 'abrubt'; did you mean 'abrupt'? Allowed: stationary, gradual, abrupt, \
recurring, wear, tilt, fade, shock, faulty-sensor, driver, compound, chaos, poc, release-train, mix, or \
path/to/file.py:name
    """
    known = world_spec(env).scenarios
    if not own.is_own(spec):
        if spec not in known:
            raise ValueError(
                f"unknown scenario {spec!r}{did_you_mean(spec, known)} Allowed: {', '.join(known)}, "
                "or path/to/file.py:name"
            )
        return spec
    place, name, rest = own.split(spec)
    found = own.load(place, name)
    kinds = {type(one) for one in known.values()}
    if type(found) not in kinds or rest:
        expected = " or ".join(sorted(kind.__name__ for kind in kinds))
        raise ValueError(f"{spec} is no scenario of {env}: expected a {expected}, got {type(found).__name__}")
    if known.get(found.name, found) != found:
        raise ValueError(f"{spec}: its name {found.name!r} is that of another scenario; give it another")
    return found


def mixtures(env: str = ENV_ID) -> list[str]:
    """The scenarios of a kind of world that draw one of others for each episode.

    >>> mixtures("springdrift/InclinedMassOps-v0")
    ['mix', 'mix-ops']
    """
    return [name for name, one in world_spec(env).scenarios.items() if getattr(one, "members", ())]
