"""Prices by name: what a world's cost terms are multiplied by."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from springdrift.game.arguments import did_you_mean, number

MOST = 1e9  # of a price: sums of episodes stay far from the end of the numbers


def price(default: float, meaning: str) -> Any:
    """A field of :class:`Prices`, and what it charges for."""
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True)
class Prices:
    """The prices of a world, a field each. The unit of cost is free: only ratios matter to a decision.

    Raises:
        ValueError: a price that is not a number from 0 to 1e9.
    """

    def __post_init__(self) -> None:
        for one in fields(self):
            number(f"{type(self).__name__}.{one.name}", getattr(self, one.name), 0.0, MOST)

    @classmethod
    def of(cls, prices: Any) -> Self:
        """Prices from themselves, a mapping of some of the fields, or None for the defaults.

        Raises:
            ValueError: neither of these, or an unknown price; says what is allowed.
        """
        if prices is None or isinstance(prices, cls):
            return prices or cls()
        if not isinstance(prices, Mapping):
            raise ValueError(
                f"costs must be None, a {cls.__name__} or a mapping of name to price, got {prices!r}"
            )
        names = [one.name for one in fields(cls)]
        for name in prices:
            if name not in names:
                hint = did_you_mean(name, names)
                raise ValueError(f"unknown cost {name!r}{hint} Allowed: {', '.join(names)}")
        return cls(**prices)

    def array(self) -> NDArray[np.float64]:
        """The prices in the order of the fields, as compiled code takes them."""
        return np.array(astuple(self), dtype=np.float64)
