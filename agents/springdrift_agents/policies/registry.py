"""Policies by what a person writes: a name, a file, or a class of the user's own, with parameters."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, is_dataclass
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from springdrift import ENV_ID
from springdrift.game.arguments import did_you_mean
from springdrift.registry import world_spec
from springdrift_agents import own
from springdrift_agents.policies import learned, network, sb3
from springdrift_agents.policies.base import Policy, check_policy, fits
from springdrift_agents.policies.detectors import River
from springdrift_agents.policies.learned import SUFFIX, Learned, shipped
from springdrift_agents.policies.operations import ALL_RULES
from springdrift_agents.policies.rules import PluggedRule, Rule
from springdrift_agents.policies.settings import settings


def rules_of(env: str = ENV_ID) -> dict[str, type[Rule]]:
    """The rules by name that can run in a kind of world.

    >>> [name for name in rules_of("springdrift/InclinedMassOps-v0") if name not in rules_of()]
    ['fine-tune', 'rollback', 'champion', 'operations']
    """
    return {name: rule for name, rule in ALL_RULES.items() if fits(rule(), *_shown(env))}


def policy_names(env: str = ENV_ID) -> list[str]:
    """Every built-in policy that can run in a kind of world: the rules, then the learned ones that ship.

    >>> "ppo-ops" in policy_names("springdrift/InclinedMassOps-v0"), "ppo-ops" in policy_names()
    (True, False)
    """
    learned_here = [name for name, path in shipped().items() if fits(_names_of(path), *_shown(env))]
    return [*rules_of(env), *learned_here]


def _shown(env: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the columns of a world's dashboard, and of its actions."""
    world = world_spec(env).world
    return world.observations["monitor"].names, world.actions.names


@cache
def _names_of(path: Path) -> SimpleNamespace:
    """Names of the columns and actions of a learned policy that ships, from the card beside its weights."""
    card = network.card(path)
    return SimpleNamespace(columns=card["columns"], actions=card["actions"])


def name_of(spec: str) -> str:
    """The policy's name in a spec, without parameters and the scenario it was tuned for.

    >>> name_of("cusum@mix:slack=1"), name_of("rules.py:Mine:error=0.5")
    ('cusum', 'rules.py:Mine')
    """
    if _is_own(spec):
        place, name, _ = own.split(spec)
        return f"{place}:{name}"
    return spec.partition(":")[0].partition("@")[0]


def policy(spec: str, trust: bool = False, env: str = ENV_ID) -> Policy:
    """The policy of a spec, with the settings that it has for a kind of world.

    ============================  ==========================================================================
    spec                          what it is
    ============================  ==========================================================================
    ``cusum``                     a rule with its defaults
    ``cusum@mix``                 a rule, tuned for a scenario of ``env``
    ``cusum@some/World-v0/mix``   a rule, tuned for a scenario of another kind of world
    ``cusum@mix:slack=1``         with parameters, each after a colon
    ``ppo-mix``                   a learned policy that ships
    ``best.safetensors``          a learned policy of one's own
    ``model.zip``                 one of Stable-Baselines3, when it is trusted: opening it can run code
    ``lab.rules:Mine:error=0.5``  a policy or detector of an installed module: a class, function or object
    ``rules.py:Mine``             the same of a file; its code is run
    ============================  ==========================================================================

    Raises:
        ValueError: an unknown name, scenario or parameter, or a value that is not a number, and what is
            allowed.

    >>> policy("threshold:error=0.5:cooldown=8").cooldown
    8.0
    >>> policy("cusum@mix") == policy("cusum")
    False
    >>> policy("periodic:evry=3")
    Traceback (most recent call last):
    ValueError: 'periodic' has no parameter 'evry'; it has: every
    """
    if spec in shipped() or spec.endswith((SUFFIX, ".zip")):
        return load(spec, trust)
    if _is_own(spec):
        return _own_policy(spec)
    head, _, rest = spec.partition(":")
    name, at, scenario = head.partition("@")
    if name not in ALL_RULES:
        raise ValueError(
            f"unknown policy {name!r}{did_you_mean(name, [*ALL_RULES, *shipped()])} Allowed: "
            f"{', '.join(policy_names(env))}, a {SUFFIX} file, module:Class or path/to/file.py:Class"
        )
    values = _tuned(name, scenario, env) if at else {}
    allowed = [field.name for field in fields(ALL_RULES[name])]
    return ALL_RULES[name](**{**values, **_parameters(name, rest, allowed)})


def _is_own(spec: str) -> bool:
    return own.is_own(spec) and spec.partition(":")[0].partition("@")[0] not in ALL_RULES


def _tuned(name: str, scenario: str, env: str) -> dict[str, float]:
    if "/" in scenario:  # the id of a world before it
        env, _, scenario = scenario.rpartition("/")
        world_spec(env)
    tuned = {place: rules[name] for place, rules in settings(env).items() if name in rules}
    if scenario not in tuned:
        where = "" if env == ENV_ID else f" of {env}"
        raise ValueError(
            f"{name!r} is not tuned for {scenario!r}{where}; it is for: {', '.join(tuned) or 'nothing'}"
        )
    return dict(tuned[scenario])


def _parameters(name: str, text: str, allowed: Sequence[str] | None) -> dict[str, float]:
    """Numbers from ``key=number`` texts with colons between them; None allows every key."""
    values: dict[str, float] = {}
    for setting in filter(None, text.split(":")):
        key, _, value = setting.partition("=")
        if allowed is not None and key not in allowed:
            raise ValueError(f"{name!r} has no parameter {key!r}; it has: {', '.join(allowed) or 'none'}")
        try:
            values[key] = float(value)
        except ValueError:
            raise ValueError(f"{name}:{key} must be a number, got {value!r}") from None
    return values


def _own_policy(spec: str) -> Policy:
    """A policy of the user's: a class or function that makes one, an object that is one, or a detector."""
    place, name, rest = own.split(spec)
    found = own.load(place, name)
    title = f"{place}:{name}"
    if isinstance(found, type) and hasattr(found, "update"):
        return _with_detector(title, found, rest)
    if hasattr(found, "predict") and not isinstance(found, type):
        if rest:
            raise ValueError(f"{title} is an object, which takes no parameters: leave out {rest}")
        return _checked(found, title)
    if not callable(found):
        raise ValueError(
            f"{title} is no policy: expected a class or function that makes one, an object with predict(), "
            f"or a detector's class, got {type(found).__name__}"
        )
    known = [field.name for field in fields(found)] if is_dataclass(found) else None
    return _checked(_made(title, found, _parameters(title, rest, known)), title)


def _checked(found: Any, title: str) -> Policy:
    check_policy(found, title)
    made: Policy = found
    return made


def _made(title: str, make: Callable[..., Any], values: dict[str, float]) -> Any:
    try:
        return make(**values)
    except TypeError as wrong:
        given = ", ".join(f"{key}={value:g}" for key, value in values.items()) or "no parameters"
        raise ValueError(f"{title} cannot be made with {given}: {wrong}") from wrong


def _with_detector(title: str, make: type[Any], rest: str) -> Policy:
    """A detector's class as a rule; parameters are the detector's, or else those of every detector rule."""
    values = _parameters(title, rest, None)
    rule = {field.name for field in fields(PluggedRule)} - {"made", "threshold"}
    mine = {key: value for key, value in values.items() if key not in rule}
    detector = _made(title, make, mine)
    if hasattr(detector, "drift_detected"):  # as river's have it
        detector = River(partial(_made, title, make, mine))
    for needed in ("start", "threshold"):
        if not hasattr(detector, needed):
            raise ValueError(
                f"{title} is no detector: it has update() but no {needed}; "
                "see springdrift_agents.policies.detectors.Detector"
            )
    return PluggedRule(
        made=detector, threshold=detector.threshold, **{key: values[key] for key in rule & set(values)}
    )


class About(NamedTuple):
    """A policy as lists show it."""

    summary: str
    parameters: dict[str, float]
    tuned: tuple[str, ...] = ()  # scenarios that it has settings for, as in rule@scenario


def about(spec: str, trust: bool = False, env: str = ENV_ID) -> About:
    """What the policy of a spec does, its parameters with their values, and what it is tuned for."""
    made = policy(spec, trust, env)
    if isinstance(made, Learned):
        return About(made.summary, {})
    summary = (type(made).__doc__ or "").strip().split("\n")[0]
    values: dict[str, float] = {}
    if is_dataclass(made) and not isinstance(made, type):
        values = {key: value for key, value in asdict(made).items() if isinstance(value, int | float)}
    tuned = tuple(place for place, rules in settings(env).items() if spec in rules)
    return About(summary, values, tuned)


def policies_about(more: Sequence[str] = (), env: str = ENV_ID) -> dict[str, About]:
    """What each built-in policy for a kind of world does, and those of ``more`` specs."""
    return {spec: about(spec, env=env) for spec in dict.fromkeys((*policy_names(env), *more))}


def load(name: str | Path, trust: bool = False) -> Learned:
    """A learned policy: a built-in one by name, or a file written by ``springdrift train``.

    Args:
        name: such as "ppo-mix", or a path to a .safetensors file (its .json beside it), or to a zip of
            Stable-Baselines3.
        trust: open a zip, whose pickles can run code. Only for files of your own.

    Raises:
        ValueError: an unknown name; a zip without trust; files that are damaged or do not belong together;
            a network that this package cannot run.
        FileNotFoundError: there is no such file.
        ImportError: safetensors or Stable-Baselines3 is missing; says what to install.

    >>> load("my-policy.zip")
    Traceback (most recent call last):
    ValueError: my-policy.zip: a zip of Stable-Baselines3 holds pickles, which can run code as they are \
opened; if it is your own, pass trust=True (on the command line --trust)
    """
    path = shipped().get(str(name), Path(name))
    if path.suffix == ".zip":
        if not trust:
            raise ValueError(
                f"{path}: a zip of Stable-Baselines3 holds pickles, which can run code as they are opened; "
                "if it is your own, pass trust=True (on the command line --trust)"
            )
        return sb3.from_zip(path)
    if path.suffix != SUFFIX:
        raise ValueError(
            f"unknown learned policy {str(name)!r}; allowed: {', '.join(shipped()) or 'none is shipped'}, "
            f"or a {SUFFIX} or .zip file"
        )
    return learned.read(path)
