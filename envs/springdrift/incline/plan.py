"""A scenario as the one row of numbers that the kernel reads, and ``P``: where each number stands in it."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from springdrift.incline.drift import EACH, LAWS, Law, Number
from springdrift.incline.dynamics import Params
from springdrift.incline.state import DRIFTING, LIMITS

MOST_MEMBERS = 32  # most members of a mixture
_OWN = {  # what a scenario says without a law; a law may narrow low and high
    **{name: EACH for name in ("base", "low", "high")},
    **{name: Number() for name in ("onset_low", "onset_high", "gap_low", "gap_high")},
    **{name: Number() for name in ("release_every", "cold_start", "cycles", "noise")},
    **{name: Number() for name in ("cubic", "damping", "drive_omega")},
    "members": Number(MOST_MEMBERS, -1.0),  # rows of the plans of a mixture's members, -1 behind the last
}
NUMBERS: Mapping[str, Number] = {
    **_OWN,
    **{name: number for law in LAWS.values() for name, number in law.numbers.items()},
}
SLOTS = dict(zip(NUMBERS, accumulate((number.size for number in NUMBERS.values()), initial=0), strict=False))
PLAN_SIZE = sum(number.size for number in NUMBERS.values())
globals().update({name.upper(): place for name, place in SLOTS.items()})

if TYPE_CHECKING:

    def __getattr__(name: str) -> int: ...


def plan_of(
    params: Params,
    laws: Sequence[Law],
    onset: tuple[int, int],
    gap: tuple[int, int],
    **settings: float,
) -> NDArray[np.float64]:
    """The numbers the kernel reads of a scenario, shape (PLAN_SIZE,); its members are not among them yet.

    Raises:
        ValueError: a law writes what no plan holds: the kernel would never read it.
    """
    plan = np.concatenate([np.full(number.size, number.default) for number in NUMBERS.values()])

    def put(name: str, value: float, parameter: str | None = None, row: int = 0) -> None:
        if name not in SLOTS:
            raise ValueError(f"no plan holds a number {name!r}; the kernel reads: {', '.join(SLOTS)}")
        if parameter is not None and parameter not in DRIFTING:
            raise ValueError(f"no drift law can move {parameter!r}; allowed: {', '.join(DRIFTING)}")
        place = row * len(DRIFTING) + (0 if parameter is None else DRIFTING.index(parameter))
        if not 0 <= place < NUMBERS[name].size:
            raise ValueError(f"a plan holds {NUMBERS[name].size} of {name!r}; there is no place {place}")
        plan[SLOTS[name] + place] = value

    for parameter, (low, high) in LIMITS.items():
        put("base", getattr(params, parameter), parameter)
        put("low", low, parameter)
        put("high", high, parameter)
    for law in laws:
        law.write(put)
    for name, (low, high) in (("onset", onset), ("gap", gap)):
        put(f"{name}_low", low)
        put(f"{name}_high", high)
    for name in ("cubic", "damping", "drive_omega"):
        put(name, getattr(params, name))
    for name, value in settings.items():
        put(name, value)
    return plan
