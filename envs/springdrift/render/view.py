"""Pictures of a frame: the incline and the dashboard, in pygame or in text. Knows frames, never an env."""

import os
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift.incline.dynamics import BUMPERS
from springdrift.incline.reward import TERMS
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
from springdrift.render.frame import Frame
from springdrift.render.scene import draw_scene

FPS, FRAMES = 30, 16  # frames a second, and a cycle
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
        draw_scene(self, frame, self.truth)
        draw_dashboard(self, frame, self.truth)
        return self.surface

    def array(self, frame: Frame) -> NDArray[np.uint8]:
        """The frame as pixels, shape (height, width, 3), uint8."""
        self.draw(frame)
        return self.pixels()

    def pixels(self) -> NDArray[np.uint8]:
        """What was drawn last, shape (height, width, 3), uint8."""
        width, height = self.size
        rows = np.frombuffer(self.surface.get_buffer(), np.uint8).reshape(height, self.surface.get_pitch())
        return rows[:, : 3 * width].reshape(height, width, 3).copy()

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


class NoWindowError(RuntimeError):
    """There is no display to open a window on."""


class Window:
    """Shows a view's pictures on the screen; H shows and hides the truth.

    The window can be given any size, and is never larger than the screen: the picture is scaled, and places
    of the mouse are those of the picture. ``below`` pixels under the view's picture are left to the caller,
    on ``screen``.

    Raises:
        NoWindowError: a RuntimeError: there is no display to open a window on.
    """

    def __init__(self, view: View, title: str = "springdrift", below: int = 0) -> None:
        self.view, self.pygame, self.closed = view, view.pygame, False
        size = (view.size[0], view.size[1] + below)
        try:
            self.pygame.display.init()
            self._refuse_unseen()
            self.pygame.display.set_mode(self._on_desktop(size), self.pygame.RESIZABLE)
        except self.pygame.error as wrong:
            raise NoWindowError(_no_window(str(wrong))) from wrong
        self.screen = self.pygame.Surface(size, 0, view.surface)
        self.pygame.display.set_caption(title)
        self._clock = self.pygame.time.Clock()

    def _refuse_unseen(self) -> None:
        """Where it finds no display, SDL draws into memory and nobody sees it, unless that was asked for."""
        driver = self.pygame.display.get_driver()
        asked = os.environ.get("SDL_VIDEODRIVER") or os.environ.get("SDL_VIDEO_DRIVER")
        if driver in ("offscreen", "dummy") and not asked:
            self.pygame.display.quit()
            raise NoWindowError(_no_window("no display was found"))

    def _on_desktop(self, size: tuple[int, int]) -> tuple[int, int]:
        """The size, or the largest of its shape for which the screen has room."""
        wide, high = self.pygame.display.get_desktop_sizes()[0]
        factor = min(1.0, 0.97 * wide / size[0], 0.92 * high / size[1])  # a frame and a bar stand around it
        return max(1, int(size[0] * factor)), max(1, int(size[1] * factor))

    def show(self, frame: Frame, fps: float = FPS) -> list[Any]:
        """Draw and show a frame, keep the tempo, and return the events that came in."""
        if self.closed:
            return []
        self.view.draw(frame)
        return self.flip(fps)

    def flip(self, fps: float = FPS) -> list[Any]:
        """Show what stands on the view's surface; returns the events that came in, none once closed."""
        if self.closed:
            return []
        self.screen.blit(self.view.surface, (0, 0))
        real, place = self.pygame.display.get_surface(), self._place()
        if place.size == self.screen.get_size():
            real.blit(self.screen, place)
        else:
            real.fill(PAPER)
            real.blit(self.pygame.transform.smoothscale(self.screen, place.size), place)
        self.pygame.display.flip()
        self._clock.tick(fps)
        came = self.pygame.event.get()
        events = [self._in_picture(event, self._place()) for event in came]  # the window's size may be new
        for event in events:
            if event.type == self.pygame.QUIT:
                self.close()
            elif event.type == self.pygame.KEYDOWN and event.key == self.pygame.K_h:
                self.view.truth = not self.view.truth
        return events

    def _place(self) -> Any:
        """Where on the window the picture lies: as large as it can be, in the middle."""
        (wide, high), (w, h) = self.pygame.display.get_surface().get_size(), self.screen.get_size()
        factor = min(wide / w, high / h)
        size = max(1, round(w * factor)), max(1, round(h * factor))
        return self.pygame.Rect((wide - size[0]) // 2, (high - size[1]) // 2, *size)

    def _in_picture(self, event: Any, place: Any) -> Any:
        """The event, its place on the window turned into one of the picture."""
        if not hasattr(event, "pos"):
            return event
        w, h = self.screen.get_size()
        x, y = (event.pos[0] - place.x) * w / place.w, (event.pos[1] - place.y) * h / place.h
        return self.pygame.event.Event(event.type, {**event.dict, "pos": (round(x), round(y))})

    def close(self) -> None:
        """Close the window; closing twice does no harm."""
        if not self.closed:
            self.closed = True
            self.pygame.display.quit()


def _no_window(why: str) -> str:
    return (
        f"no window can be opened here ({why}); without a display use render_mode='rgb_array' or "
        "set SDL_VIDEODRIVER=dummy"
    )


def ansi(frame: Frame, width: int = 72, scenario: bool = True) -> str:
    """The frame in four lines of text, for terminals and logs.

    ``#`` is the mass, ``o`` where the model forecasts it, ``<`` and ``>`` the push, doubled by hand.
    ``scenario=False`` keeps the scenario's name back.
    """
    low, high = BUMPERS
    track = ["."] * width

    def column(x: float) -> int:
        return int(np.clip(round((x - low) / (high - low) * (width - 1)), 0, width - 1))

    for mark in (-frame.target, frame.target):
        track[column(frame.level + mark)] = "|"
    track[column(frame.ghost)] = "o"
    track[column(frame.x)] = "#"
    arrow = (">" if frame.push > 0 else "<" if frame.push < 0 else " ") * (2 if frame.by_operator else 1)
    sums = frame.bills.sum(axis=0)
    terms = ", ".join(f"{term} {value:.1f}" for term, value in zip(TERMS, sums, strict=True))
    error = f"{frame.errors[-1]:.2f}" if len(frame.errors) else "-"
    swing = f"{100 * frame.swings[-1] / frame.target:.0f} %" if len(frame.swings) else "-"
    training = "" if frame.training != frame.training else f", training: {cycles_text(frame.training)} left"
    who = "by hand" if frame.by_operator else "by the model"
    name = frame.scenario if scenario else UNNAMED
    return "\n".join(
        (
            f"{name}  cycle {frame.time:.2f} of {frame.cycles}  cost {sums.sum():.1f} ({terms})",
            f"[{''.join(track)}]",
            f"push {arrow} {abs(frame.push):.2f} N {who}  error {error}  swing {swing} of target",
            f"model version {frame.version}, {cycles_text(frame.model_age)} old{training}",
        )
    )
