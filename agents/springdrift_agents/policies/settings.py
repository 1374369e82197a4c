"""The tuned settings of rules, as data: those that ship, and over them those of the user's own file."""

import json
import os
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from springdrift import ENV_ID, SERIES_ID, SERIES_OPS_ID
from springdrift_agents.files import read_json
from springdrift_agents.policies.operations import ALL_RULES

SHIPPED = Path(__file__).with_name("tuned.json")  # read only to every command
# with three decisions alone the first is the second, bit for bit, and so are the best settings of their rules
SAME = {SERIES_OPS_ID: SERIES_ID}
Parameters = dict[str, float]
Settings = dict[str, dict[str, Parameters]]  # scenario, then rule


def own_path() -> Path | None:
    """The user's file of settings: SPRINGDRIFT_SETTINGS, or one in the folder for configuration.

    None for a user without a home.
    """
    given = os.environ.get("SPRINGDRIFT_SETTINGS")
    if given:
        return Path(given)
    try:
        config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    except RuntimeError:
        return None
    return Path(config) / "springdrift" / "tuned.json"


def settings(env: str = ENV_ID) -> Settings:
    """The tuned settings for a world, by scenario, rule and parameter; the user's go before the shipped.

    Raises:
        ValueError: the user's file does not hold settings; says where.
    """
    found = shipped_settings(env)
    own = own_path()
    if own is not None and own.is_file():
        for scenario, rules in read(own).get(env, {}).items():
            found[scenario] = found.get(scenario, {}) | rules
    return found


def shipped_settings(env: str = ENV_ID) -> Settings:
    """The settings that ship for a world, whatever a user has found."""
    found: Settings = {}
    for id in (SAME.get(env, env), env):
        for scenario, rules in _shipped().get(id, {}).items():
            found[scenario] = found.get(scenario, {}) | rules
    return found


@cache
def _shipped() -> dict[str, Settings]:
    return read(SHIPPED)


def is_own(rule: str, scenario: str, env: str = ENV_ID) -> bool:
    """Whether ``rule@scenario`` means settings of the user's own file."""
    return settings(env).get(scenario, {}).get(rule) != shipped_settings(env).get(scenario, {}).get(rule)


def read(path: Path) -> dict[str, Settings]:
    """The settings of a file, by the id of the world.

    Raises:
        ValueError: it does not hold any; says where it goes wrong and what is expected.
    """
    kept = read_json(path)
    held = kept.get("settings") if isinstance(kept, dict) else None
    if not isinstance(held, dict):
        raise ValueError(f'{path} holds no tuned settings: expected {{"settings": {{"{ENV_ID}": …}}}}')
    for env, scenarios in held.items():
        for scenario, rules in _mapping(path, scenarios, env).items():
            for rule, parameters in _mapping(path, rules, env, scenario).items():
                _check(path, rule, _mapping(path, parameters, env, scenario, rule))
    return held


def _mapping(path: Path, value: Any, *where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        names = ("scenarios", "rules", "parameters")[len(where) - 1]
        raise ValueError(f"{path}: expected {names} under {' / '.join(where)}, got {value!r:.60}")
    return value


def _check(path: Path, rule: str, parameters: Mapping[str, Any]) -> None:
    if rule not in ALL_RULES:
        raise ValueError(f"{path}: unknown rule {rule!r}; allowed: {', '.join(ALL_RULES)}")
    allowed = [field.name for field in fields(ALL_RULES[rule])]
    for name, value in parameters.items():
        if name not in allowed:
            raise ValueError(f"{path}: {rule!r} has no parameter {name!r}; it has: {', '.join(allowed)}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{path}: {rule}.{name} must be a number, got {value!r:.60}")
    ALL_RULES[rule](**parameters)  # refuses what is out of range


def to_text(kept: Mapping[str, Settings], command: str) -> str:
    """A file of settings, and the command that found the newest of them."""
    return json.dumps({"command": command, "settings": kept}, indent=1) + "\n"
