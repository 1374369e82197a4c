"""The tuned settings of rules, as data."""

import json
from functools import cache
from pathlib import Path

SETTINGS = Path(__file__).with_name("tuned.json")


@cache
def settings() -> dict[str, dict[str, dict[str, float]]]:
    """The tuned settings that ship: scenario, then rule, then parameter. ``springdrift tune`` writes them."""
    kept: dict[str, dict[str, dict[str, float]]] = json.loads(SETTINGS.read_text())["settings"]
    return kept
