"""Variants of the exercises: other numbers in the text, other hidden inputs, hence other right answers.

Variant 0 is what the lessons say. ``springdrift package --seed 7`` writes the lessons with the numbers of
variant 7 and a line that calls :func:`use`, so that ``check`` judges by them; ``springdrift grade --seed 7``
judges by them too. The number is kept in the environment, since judges work in processes of their own.
"""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

VARIABLE = "SPRINGDRIFT_VARIANT"
MOST = 2**31 - 1


@dataclass(frozen=True)
class Quantity:
    """A number that an exercise states.

    >>> Quantity("1.1", "stiffness", "a spring of {} N/m", (8, 6, 7)).told(0)
    'a spring of 8 N/m'
    """

    exercise: str
    name: str
    text: str  # how the lesson states it, with {} in its place
    values: tuple[int, ...]  # that it may have; the first is that of variant 0

    def value(self, variant: int) -> int:
        """What it is in a variant."""
        return (
            self.values[0]
            if not variant
            else int(_rng(variant, self.exercise, self.name).choice(self.values[1:]))
        )

    def told(self, variant: int) -> str:
        """What the lesson says in a variant."""
        return self.text.format(self.value(variant))


QUANTITIES = (
    Quantity("1.1", "stiffness", "hangs on a spring of {} N/m", (8, 5, 6, 7, 9, 11, 12)),
    Quantity("1.1", "tilt", "on a slope of {}°. How far", (20, 15, 18, 24, 25, 35, 40)),
    Quantity("2.2", "least", "from 6 to 15 N/m, at least {} N/m from where it was", (3, 1, 2, 4)),
    Quantity("2.2", "cycles", "the episode ends after {} cycles", (150, 120, 140, 160, 180)),
    Quantity("2.6", "days", "The first {} days of the", (23, 8, 10, 14, 18, 20)),
    Quantity("4.2", "change", "A world changes at the beginning of cycle {}.", (40, 25, 33, 51, 62, 74)),
)


def use(variant: int) -> None:
    """Judge by a variant from now on, in this process and in those that it starts.

    Raises:
        ValueError: the variant is no whole number from 0 to 2,147,483,647.
    """
    if isinstance(variant, bool) or not isinstance(variant, int) or not 0 <= variant <= MOST:
        raise ValueError(f"a variant is a whole number from 0 to {MOST:,}, got {variant!r:.40}")
    os.environ[VARIABLE] = str(variant)


def current() -> int:
    """The variant that is in use.

    Raises:
        ValueError: the environment names something that is no variant.
    """
    said = os.environ.get(VARIABLE, "0")
    if not said.isascii() or not said.isdigit() or int(said) > MOST:
        raise ValueError(f"{VARIABLE} must be a whole number from 0 to {MOST:,}, got {said!r:.40}")
    return int(said)


def given(exercise: str) -> dict[str, int]:
    """The numbers that an exercise states in the variant in use.

    >>> given("1.1")
    {'stiffness': 8, 'tilt': 20}
    """
    variant = current()
    return {one.name: one.value(variant) for one in QUANTITIES if one.exercise == exercise}


def more(exercise: str, *ranges: tuple[float, float], count: int = 3) -> list[tuple[Any, ...]]:
    """Hidden inputs of a variant beside those that are always there; none in variant 0.

    Args:
        exercise: that gets them.
        ranges: of each argument, from and to; whole numbers where both ends are ``int``.
        count: how many.

    >>> more("1.2", (0.2, 3.0), (4.0, 16.0))
    []
    """
    variant = current()
    if not variant:
        return []
    rng = _rng(variant, exercise, "inputs")
    return [
        tuple(
            int(rng.integers(low, high + 1))
            if isinstance(low, int) and isinstance(high, int)
            else float(rng.uniform(low, high))
            for low, high in ranges
        )
        for _ in range(count)
    ]


def applied(text: str, variant: int) -> str:
    """A lesson's text with the numbers of a variant.

    >>> applied("it hangs on a spring of 8 N/m", 0)
    'it hangs on a spring of 8 N/m'
    """
    for one in QUANTITIES:
        text = text.replace(one.told(0), one.told(variant))
    return text


def line_of(variant: int) -> str:
    """Code that a lesson of a variant begins with."""
    return f"from springdrift_agents.course import variants\n\nvariants.use({variant})  # its own numbers\n\n"


def _rng(variant: int, *names: str) -> np.random.Generator:
    return np.random.default_rng([variant, *".".join(names).encode()])
