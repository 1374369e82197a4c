"""Published figures, read from ``published.json`` beside this file, which says where each is from."""

import json
import math
from pathlib import Path
from typing import Any

FIGURES: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text())


def formula(text: str, **values: float) -> float:
    """A published formula at some values.

    >>> formula("2*x^2", x=3.0)
    18.0
    """
    names = {name: getattr(math, name) for name in ("pi", "sqrt", "exp", "sin")}
    return float(eval(text.replace("^", "**"), {"__builtins__": {}}, {**names, **values}))


def leaves(value: Any = FIGURES, path: str = "") -> dict[str, Any]:
    """Every figure and formula by its path, without the words around them."""
    if not isinstance(value, dict):
        return {path: value}
    words = ("about", "source", "unit", "note", "tolerance", "case")
    found: dict[str, Any] = {}
    for name, part in value.items():
        if name not in words:
            found |= leaves(part, f"{path}/{name}" if path else name)
    return found
