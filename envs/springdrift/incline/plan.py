"""``P``: where each number of a scenario stands in its plan, the row of numbers that the kernel reads."""

from typing import TYPE_CHECKING

from springdrift.incline.drift import PLAN_SIZE, SLOTS

__all__ = ["PLAN_SIZE"]
globals().update({name.upper(): place for name, place in SLOTS.items()})

if TYPE_CHECKING:

    def __getattr__(name: str) -> int: ...
