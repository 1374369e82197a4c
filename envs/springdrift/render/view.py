"""Pictures of a frame: its scene and the dashboard, in pygame or in text. Knows frames, never an env."""

import os
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift.render.canvas import COLOURS as COLOURS
from springdrift.render.canvas import EARTH as EARTH
from springdrift.render.canvas import FAINT as FAINT
from springdrift.render.canvas import FONT_SCALES as FONT_SCALES
from springdrift.render.canvas import GOOD as GOOD
from springdrift.render.canvas import HAND as HAND
from springdrift.render.canvas import HIDDEN as HIDDEN
from springdrift.render.canvas import INK as INK
from springdrift.render.canvas import LINE as LINE
from springdrift.render.canvas import MODEL as MODEL
from springdrift.render.canvas import PANEL as PANEL
from springdrift.render.canvas import PAPER as PAPER
from springdrift.render.canvas import SIZE as SIZE
from springdrift.render.canvas import TRAIN as TRAIN
from springdrift.render.canvas import Canvas
from springdrift.render.dashboard import cycles_text, draw_dashboard
from springdrift.render.frame import Frame, MachineFrame, SeriesFrame
from springdrift.render.panels import Scene
from springdrift.render.scene import MACHINE
from springdrift.render.series import SERIES

FPS, FRAMES = 30, 16  # frames a second, and a cycle
SCENES: dict[type[Frame], Scene] = {MachineFrame: MACHINE, SeriesFrame: SERIES}
UNNAMED = "a world without a name"
INSTALL = 'pip install "springdrift[render]"'


def pygame_clash() -> str | None:
    """How to mend it when both pygame and pygame-ce are installed: they overwrite each other's files."""
    try:
        version("pygame"), version("pygame-ce")
    except PackageNotFoundError:
        return None
    return (
        "both pygame and pygame-ce are installed, and each breaks the other; mend it with: "
        "pip uninstall -y pygame pygame-ce && pip install pygame-ce"
    )


def import_pygame() -> Any:
    """pygame, or an error that says how to get it.

    Raises:
        ImportError: pygame-ce is missing, or pygame is in its way.
    """
    clash = pygame_clash()
    if clash:
        raise ImportError(clash)
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        import pygame
        import pygame.font
        import pygame.gfxdraw
    except ImportError as missing:
        raise ImportError(f"drawing needs pygame-ce: {INSTALL}") from missing
    if not getattr(pygame, "IS_CE", False):
        raise ImportError(f"this pygame is not pygame-ce; mend it with: pip uninstall -y pygame && {INSTALL}")
    return pygame


class View(Canvas):
    """Draws frames on a surface of its own; ``array`` and ``surface`` need no display.

    Args:
        size: width and height in pixels; the picture keeps 960 by 600's proportions.
        font_scale: size of the letters, 1 as designed, from 0.7 to 1.4.
        truth: show what no operator can see.
        scenario: tell the scenario's name. Without it the world is known by what it does; ``truth`` tells.

    Raises:
        ImportError: pygame-ce is missing; says what to install.
        ValueError: a size or font scale out of range.
    """

    def __init__(
        self,
        size: tuple[int, int] = SIZE,
        font_scale: float = 1.0,
        truth: bool = False,
        scenario: bool = True,
    ) -> None:
        if len(size) != 2 or not all(isinstance(n, int) and 160 <= n <= 8192 for n in size):
            raise ValueError(f"size must be two whole numbers from 160 to 8192, got {size}")
        if not FONT_SCALES[0] <= font_scale <= FONT_SCALES[1]:
            raise ValueError(
                f"font_scale must lie in [{FONT_SCALES[0]}, {FONT_SCALES[1]}], got {font_scale}: "
                "no picture has room for other letters"
            )
        super().__init__(import_pygame(), size, font_scale)
        self.truth, self.scenario = truth, scenario

    def draw(self, frame: Frame) -> Any:
        """The frame on this view's surface, which is reused by the next call."""
        self.surface.fill(PAPER)
        self._header(frame)
        scene = _scene(frame)
        scene.draw(self, frame, self.truth)
        draw_dashboard(self, frame, scene.panels(frame, self.truth), self.truth)
        return self.surface

    def array(self, frame: Frame) -> NDArray[np.uint8]:
        """The frame as pixels, shape (height, width, 3), uint8."""
        self.draw(frame)
        return self.pixels()

    def _header(self, frame: Frame) -> None:
        name = frame.scenario if self.scenario or self.truth else UNNAMED
        if self.truth and frame.drawn != name:
            name = f"{name} · {frame.drawn}"
        base = 10 + self.height(17) - self.height(13) - 1
        width = self.text(name, 14, 10, 17, INK, bold=True, fit=400 if frame.policy else 626)
        self.text(frame.policy, 26 + width, base, 13, FAINT, fit=614 - width)
        left = f"{cycles_text(frame.cycles - frame.time)} to the deadline"
        self.text(left, 948, 29 - self.height(12), 12, FAINT, align=1, fit=296)
        self.box(652, 32, 296, 5, LINE)
        self.box(652, 32, 296 * min(1.0, frame.time / frame.cycles), 5, INK)


def ansi(frame: Frame, width: int = 72, scenario: bool = True) -> str:
    """The frame in a few lines of text, for terminals and logs.

    ``scenario=False`` keeps the scenario's name back.
    """
    sums = frame.costs.sum(axis=0)
    terms = ", ".join(f"{term} {value:.1f}" for term, value in zip(frame.terms, sums, strict=True))
    training = "" if frame.training != frame.training else f", training: {cycles_text(frame.training)} left"
    name = frame.scenario if scenario else UNNAMED
    return "\n".join(
        (
            f"{name}  cycle {frame.time:.2f} of {frame.cycles}  cost {sums.sum():.1f} ({terms})",
            *_scene(frame).lines(frame, width),
            f"model version {frame.version}, {cycles_text(frame.model_age)} old{training}",
        )
    )


def _scene(frame: Frame) -> Scene:
    for kind, scene in SCENES.items():
        if isinstance(frame, kind):
            return scene
    raise TypeError(f"there is no picture of a {type(frame).__name__}")
