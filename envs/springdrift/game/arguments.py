"""Checks of what users pass in: every error says what was wrong, where, and what is allowed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

MOST = 1_000_000  # cycles: a float32 counts no further than 16 million


def did_you_mean(given: Any, allowed: Iterable[str], likeness: float = 0.6) -> str:
    """The middle of an error about an unknown name: the nearest allowed one, if any is at least so alike.

    >>> did_you_mean("abrubt", ["abrupt", "wear"]), did_you_mean("x", ["abrupt", "wear"])
    ("; did you mean 'abrupt'?", '.')
    """
    from difflib import get_close_matches  # rarely needed

    near = get_close_matches(str(given), allowed, n=1, cutoff=likeness)
    return f"; did you mean {near[0]!r}?" if near else "."


def is_number(value: Any) -> bool:
    """Whether it is a number; True and False are none."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """Whether it is a whole number; True, False and 1.0 are none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def number(name: str, value: Any, low: float, high: float, unit: str = "") -> float:
    """The value as a float.

    Raises:
        ValueError: not a number, or outside [low, high].

    >>> number("Shock.size", "big", 0, 10, "m/s")
    Traceback (most recent call last):
    ValueError: Shock.size must be a number from 0 to 10 m/s, got 'big'
    """
    if not is_number(value) or not low <= value <= high:
        unit = f" {unit}" if unit else ""
        raise ValueError(f"{name} must be a number from {low:g} to {high:g}{unit}, got {value!r}")
    return float(value)


def finite(name: str, value: Any) -> float:
    """The value as a float; raises ValueError where it is not a finite number."""
    if not is_number(value) or not np.isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {value!r}")
    return float(value)


def whole(name: str, value: Any, low: int, high: int) -> int:
    """The value as an int.

    Raises:
        ValueError: not a whole number (True and 1.0 are none), or outside [low, high].
    """
    if not is_whole(value) or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}, got {value!r}")
    return int(value)


def flag(name: str, value: Any) -> bool:
    """The value as a bool; raises ValueError where it is neither True nor False."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def span(name: str, value: Any, low: int, high: int) -> None:
    """Raises ValueError where the value is not a pair of whole numbers, low <= first <= second <= high."""
    if isinstance(value, tuple) and len(value) == 2 and all(map(is_whole, value)):
        first, second = value
        if low <= first <= second <= high:
            return
    raise ValueError(
        f"{name} must be (low, high), whole numbers with {low} <= low <= high <= {high}, got {value!r}"
    )


def interval(name: str, value: Any) -> tuple[float, float]:
    """The value as two floats.

    Raises:
        ValueError: not a pair of finite numbers, low <= high.
    """
    if isinstance(value, tuple) and len(value) == 2 and all(map(is_number, value)):
        low, high = value
        if np.isfinite(low) and np.isfinite(high) and low <= high:
            return float(low), float(high)
    raise ValueError(f"{name} must be (low, high), finite numbers with low <= high, got {value!r}")


def reset_options(options: Any, allowed: Sequence[str]) -> dict[str, Any]:
    """Those of a reset's options that are ours; others are left to the wrappers that put them there.

    Raises:
        ValueError: no mapping, or one of ours misspelt.

    >>> reset_options({"minari_autoseed": True, "scenario": "wear"}, ("scenario",))
    {'scenario': 'wear'}
    >>> reset_options({"scenrio": "wear"}, ("scenario",))
    Traceback (most recent call last):
    ValueError: unknown reset option 'scenrio'; did you mean 'scenario'? Allowed: scenario
    """
    if options is not None and not isinstance(options, Mapping):
        raise ValueError(f"options must be None or a mapping with {', '.join(allowed)}, got {options!r}")
    for name in options or {}:
        hint = "." if name in allowed else did_you_mean(name, allowed, 0.55)
        if hint != ".":
            raise ValueError(f"unknown reset option {name!r}{hint} Allowed: {', '.join(allowed)}")
    return {name: value for name, value in (options or {}).items() if name in allowed}


def known_options(options: Mapping[str, Any], allowed: Iterable[str]) -> None:
    """Raises TypeError where an option is not among those allowed, with the nearest that is.

    It is worded as Python's own: there is code that tries an option and goes by the message.
    """
    allowed = tuple(allowed)
    for name in options:
        if name not in allowed:
            hint = did_you_mean(name, allowed)
            raise TypeError(f"unexpected keyword argument {name!r}{hint} Allowed: {', '.join(allowed)}")
