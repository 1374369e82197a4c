"""What each kind of world puts on the panels that all of them share."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift.render.canvas import Canvas


class Gauge(NamedTuple):
    """The last cycles of a number from 0 to ``full``."""

    title: str
    values: NDArray[np.float64]
    mark: float | None  # where a dashed line runs
    colour: str
    latest: str  # the last value in words
    full: float = 2.0


class Line(NamedTuple):
    """A line on the strip chart beside measurements and forecasts; nan where it is broken."""

    name: str
    values: NDArray[np.float64]  # (m,)
    colour: str


class Chart(NamedTuple):
    """The range of the strip chart, and what else it shows."""

    low: float
    high: float
    marks: tuple[tuple[float, str], ...]  # values at which a line runs across, and how they are called
    lines: tuple[Line, ...] = ()


class Panels(NamedTuple):
    """What a frame puts on the panels."""

    gauges: tuple[Gauge, Gauge]
    chart: Chart
    override: str  # what an intervention is


class Scene(NamedTuple):
    """How a kind of frame is shown: its own room, its part of the shared panels, and as lines of text."""

    draw: Callable[[Canvas, Any, bool], None]  # on a canvas, with the truth or without
    panels: Callable[[Any, bool], Panels]
    lines: Callable[[Any, int], tuple[str, ...]]  # of so many characters
