"""Options as plain data, so that what an env was made with can be written down and read again."""

import copy
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any


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
