"""Picture of a small world whose whole state is a handful of named levels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift.render.canvas import FAINT, INK, LINE, MODEL, PANEL, PAPER, Canvas
from springdrift.render.view import import_pygame

SIZE = (480, 304)  # even, as films need it


class LevelsView(Canvas):
    """Draws a row of boxes for each quantity, with the level at which it stands filled in.

    Raises:
        ImportError: pygame-ce is missing; says what to install.
    """

    def __init__(self, size: tuple[int, int] = SIZE) -> None:
        super().__init__(import_pygame(), size)

    def array(
        self, title: str, levels: Mapping[str, Sequence[str]], state: Mapping[str, str], said: str
    ) -> NDArray[np.uint8]:
        """The picture as pixels, shape (height, width, 3), uint8.

        Args:
            title: over it.
            levels: names of the levels of each quantity.
            state: the level at which each quantity stands.
            said: a line under it.
        """
        self.surface.fill(PAPER)
        self.text(title, 40, 24, 34, INK, bold=True, fit=880)
        high = 400 / len(levels)
        for n, (name, names) in enumerate(levels.items()):
            self._row(100 + n * high, high - 24, name, names, state[name])
        self.text(said, 40, 536, 26, FAINT, fit=880)
        return self.pixels()

    def _row(self, y: float, high: float, name: str, names: Sequence[str], here: str) -> Any:
        middle = y + (high - self.height(28)) / 2
        self.text(name, 40, middle, 28, INK, fit=200)
        wide = 680 / len(names)
        for n, level in enumerate(names):
            x, chosen = 250 + n * wide, level == here
            self.box(x, y, wide - 16, high, MODEL if chosen else PANEL, MODEL if chosen else LINE, 10)
            ink = "#ffffff" if chosen else FAINT
            self.text(level, x + wide / 2 - 8, middle, 26, ink, bold=chosen, align=0.5, fit=wide - 32)
