"""Options as plain data, so that what an env was made with can be written down and read again."""

import copy
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from typing import Any

from springdrift.game.arguments import did_you_mean


def plain(value: Any) -> Any:
    """An option as numbers, texts, lists and dicts.

    What has a ``to_dict`` says itself what it is; any other dataclass is the dict of its fields.

    >>> from springdrift import Costs
    >>> plain({"costs": Costs(retrain=5.0)})["costs"]["retrain"]
    5.0
    """
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def tuples(value: Any) -> Any:
    """Plain data with tuples for its lists, as frozen dataclasses hold them."""
    if isinstance(value, Mapping):
        return {name: tuples(one) for name, one in value.items()}
    return tuple(tuples(one) for one in value) if isinstance(value, list | tuple) else value


def made(kind: Any, data: Mapping[str, Any], what: str, readers: Mapping[str, Any]) -> Any:
    """A dataclass from plain data; raises ValueError where a field is unknown or missing."""
    names = [one.name for one in fields(kind)]
    for name in data:
        if name not in names:
            hint = did_you_mean(name, names)
            raise ValueError(f"unknown field {name!r} of {what}{hint} Allowed: {', '.join(names)}")
    needed = [one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING]
    for name in needed:
        if name not in data:
            raise ValueError(f"{what} needs {name!r}, got {dict(data)!r}")
    return kind(**{name: readers.get(name, tuples)(value) for name, value in data.items()})


def plain_spec(spec: Any) -> Any:
    """A copy of a Gymnasium ``EnvSpec`` whose options are plain data; None stays None."""
    if spec is None:
        return None
    found = copy.copy(spec)
    found.kwargs = {
        name: plain(value) if hasattr(value, "to_dict") or is_dataclass(value) else value
        for name, value in spec.kwargs.items()
    }
    return found
