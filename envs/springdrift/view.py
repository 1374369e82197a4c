"""Pictures of a frame: the incline and the dashboard, in pygame or in text. Knows frames, never an env."""

import math
import os
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift.actions import Action
from springdrift.dynamics import BUMPERS, Params
from springdrift.frame import Frame
from springdrift.reward import TERMS

# Okabe & Ito 2008: told apart with every common kind of colour vision
COLOURS = {"forecast": "#0072B2", "swing": "#56B4E9", "intervene": "#D55E00", "retrain": "#E69F00"}
MODEL, HAND, TRAIN, GOOD, HIDDEN = "#0072B2", "#D55E00", "#E69F00", "#009E73", "#A8508A"
INK, FAINT, LINE, PAPER, PANEL, EARTH = "#222222", "#6f6f6f", "#d8d8d2", "#f4f4ef", "#ffffff", "#e7e2d6"

SIZE = (960, 600)
FPS, FRAMES = 30, 16  # frames a second, and a cycle
METRE = 95.0  # pixels
MIDDLE = 0.21  # m, the place on the slope that stays put when it tilts
ANCHOR = -1.75  # m, where the spring hangs
BLOCK = 0.26  # m, edge of the mass
ARROW = 95.0  # pixels, of the operator's strongest push
NEW = Params()  # a machine that nothing has happened to
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


def on_slope(frame: Frame, x: float, above: float = 0.0) -> tuple[float, float]:
    """Picture place (960 by 600) of the point ``x`` m down the slope and ``above`` m off its surface."""
    along, off = (x - MIDDLE) * METRE, above * METRE
    cosine, sine = math.cos(frame.tilt), math.sin(frame.tilt)
    return 322.0 + along * cosine + off * sine, 216.0 + along * sine - off * cosine


class View:
    """Draws frames on a surface of its own; ``array`` and ``surface`` need no display.

    Args:
        size: width and height in pixels; the picture keeps 960 by 600's proportions.
        font_scale: size of the letters, 1 as designed.
        truth: show what no operator can see.

    Raises:
        ImportError: pygame-ce is missing; says what to install.
        ValueError: a size or font scale out of range.
    """

    def __init__(self, size: tuple[int, int] = SIZE, font_scale: float = 1.0, truth: bool = False) -> None:
        if len(size) != 2 or not all(isinstance(n, int) and 160 <= n <= 8192 for n in size):
            raise ValueError(f"size must be two whole numbers from 160 to 8192, got {size}")
        if not 0.7 <= font_scale <= 1.4:
            raise ValueError(f"font_scale must lie in [0.7, 1.4], got {font_scale}")
        self.pygame = import_pygame()
        self.pygame.font.init()
        self.size, self.truth, self.font_scale = size, truth, font_scale
        self.scale = min(size[0] / SIZE[0], size[1] / SIZE[1])
        # red, green, blue in memory, as an array of pixels has them: handing them over is one copy
        self.surface = self.pygame.Surface(size, 0, 24, (0xFF, 0xFF00, 0xFF0000, 0))
        self._fonts: dict[tuple[int, bool], Any] = {}
        self._texts: dict[tuple[str, int, bool, str], Any] = {}

    # ------------------------------------------------------------ strokes, in the design's 960 by 600

    def _at(self, x: float, y: float) -> tuple[float, float]:
        left = (self.size[0] - SIZE[0] * self.scale) / 2
        top = (self.size[1] - SIZE[1] * self.scale) / 2
        return left + x * self.scale, top + y * self.scale

    def box(
        self, x: float, y: float, w: float, h: float, colour: str, edge: str = "", round_: float = 0
    ) -> None:
        (a, b), radius = self._at(x, y), round(round_ * self.scale)
        box = self.pygame.Rect(
            round(a), round(b), max(1, round(w * self.scale)), max(1, round(h * self.scale))
        )
        if colour:
            self.pygame.draw.rect(self.surface, colour, box, border_radius=radius)
        if edge:
            self.pygame.draw.rect(self.surface, edge, box, max(1, round(self.scale)), border_radius=radius)

    def _line(self, points: Sequence[tuple[float, float]], colour: str, width: float = 1.0) -> None:
        places = [self._at(*point) for point in points]
        if len(places) < 2:
            return
        pixels = width * self.scale
        if pixels <= 1.2:
            self.pygame.draw.aalines(self.surface, colour, False, places)
            return
        for a, b in pairwise(places):
            dx, dy = b[0] - a[0], b[1] - a[1]
            length = math.hypot(dx, dy)
            if length < 1e-6:
                continue
            nx, ny = -dy / length * pixels / 2, dx / length * pixels / 2
            corners = ((a, 1), (b, 1), (b, -1), (a, -1))
            self._shape([(at[0] + side * nx, at[1] + side * ny) for at, side in corners], colour)

    def _shape(self, pixels: Sequence[tuple[float, float]], colour: str, alpha: int = 255) -> None:
        ink = self.pygame.Color(colour)
        ink.a = alpha
        if alpha == 255:
            self.pygame.gfxdraw.aapolygon(self.surface, pixels, ink)
        self.pygame.gfxdraw.filled_polygon(self.surface, pixels, ink)

    def _polygon(self, points: Sequence[tuple[float, float]], colour: str, alpha: int = 255) -> None:
        self._shape([self._at(*point) for point in points], colour, alpha)

    def _disc(self, x: float, y: float, radius: float, colour: str, alpha: int = 255) -> None:
        a, b = self._at(x, y)
        ink, r = self.pygame.Color(colour), max(1, round(radius * self.scale))
        ink.a = alpha
        if alpha == 255:
            self.pygame.gfxdraw.aacircle(self.surface, round(a), round(b), r, ink)
        self.pygame.gfxdraw.filled_circle(self.surface, round(a), round(b), r, ink)

    def text(
        self, text: str, x: float, y: float, size: float = 13, colour: str = INK, bold: bool = False,
        align: float = 0.0,
    ) -> float:  # fmt: skip
        """Text with its top at y and its left, middle or right (align 0, 0.5, 1) at x; returns its width."""
        pixels = max(7, round(size * self.scale * self.font_scale))
        key = (text, pixels, bold, colour)
        if key not in self._texts:
            if len(self._texts) > 1000:
                self._texts.clear()
            self._texts[key] = self._font(pixels, bold).render(text, True, colour)
        drawn = self._texts[key]
        a, b = self._at(x, y)
        self.surface.blit(drawn, (round(a - align * drawn.get_width()), round(b)))
        return float(drawn.get_width() / self.scale)

    def _font(self, pixels: int, bold: bool) -> Any:
        if (pixels, bold) not in self._fonts:
            font = self.pygame.font.Font(_font_file(bold), pixels)
            self._fonts[pixels, bold] = font
        return self._fonts[pixels, bold]

    # ------------------------------------------------------------ the picture

    def draw(self, frame: Frame) -> Any:
        """The frame on this view's surface, which is reused by the next call."""
        self.surface.fill(PAPER)
        self._header(frame)
        self._scene(frame)
        self._costs(frame)
        self._model(frame)
        self._gauges(frame)
        self._chart(frame)
        self._timeline(frame)
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
        name = frame.scenario
        if self.truth and frame.drawn != name:
            name = f"{name} · {frame.drawn}"
        width = self.text(name, 14, 10, 17, INK, bold=True)
        if frame.policy:
            self.text(frame.policy, 26 + width, 13, 13, FAINT)
        left = frame.cycles - frame.time
        self.text(f"{_cycles(left)} to the deadline", 948, 12, 12, FAINT, align=1)
        self.box(652, 32, 296, 5, LINE)
        self.box(652, 32, 296 * min(1.0, frame.time / frame.cycles), 5, INK)

    def _scene(self, frame: Frame) -> None:
        self.box(12, 40, 628, 356, PANEL, LINE, 4)
        self.surface.set_clip(self._clip(13, 41, 626, 354))
        ends = (ANCHOR - 0.25, BUMPERS[1] + 0.42)
        surface = [on_slope(frame, end, -BLOCK / 2) for end in ends]
        self._polygon([surface[0], surface[1], (surface[1][0], 420), (surface[0][0], 420)], EARTH)
        self._line(surface, INK, 2)
        self._scratches(frame)
        self._angle(frame, surface[1])
        for edge, out in ((BUMPERS[0], -1), (BUMPERS[1], 1)):  # they stop the middle of the mass
            foot = edge + out * BLOCK / 2
            corners = [
                (foot, -BLOCK / 2),
                (foot + out * 0.07, -BLOCK / 2),
                (foot + out * 0.07, 0.12),
                (foot, 0.12),
            ]
            if out < 0:  # the spring passes over a low one
                corners = [(a, min(b, -0.05)) for a, b in corners]
            self._polygon([on_slope(frame, *corner) for corner in corners], "#9a948a")
        self._target(frame)
        self._spring(frame)
        self._magnet(frame)
        self._block(frame, frame.ghost, MODEL, ghost=True)
        self._block(frame, frame.x, "#3b3b3b")
        self._arrow(frame)
        self._legend(frame)
        if self.truth:
            self._hidden(frame)
        self.surface.set_clip(None)

    def _clip(self, x: float, y: float, w: float, h: float) -> Any:
        (a, b), s = self._at(x, y), self.scale
        return self.pygame.Rect(round(a), round(b), round(w * s), round(h * s))

    def _scratches(self, frame: Frame) -> None:
        """Wear of the surface: the more friction, the more scratches."""
        count = min(90, round(6 * frame.friction / NEW.friction))
        for n in range(count):
            x = ANCHOR + 0.9 + 3.0 * ((n * 0.6180339887) % 1.0)
            depth = 0.03 + 0.05 * ((n * 0.7548776662) % 1.0)
            a, b = on_slope(frame, x, -BLOCK / 2 - 0.02), on_slope(frame, x - 0.05, -BLOCK / 2 - 0.02 - depth)
            self._line([a, b], "#8d7f66", 1)

    def _angle(self, frame: Frame, corner: tuple[float, float]) -> None:
        """The tilt, at the foot of the slope."""
        if frame.tilt < 0.1:
            return
        x, y = corner
        turns = np.linspace(0.0, frame.tilt, 12)
        self._line([(x - 84 * math.cos(turn), y - 84 * math.sin(turn)) for turn in turns], FAINT, 1)
        self._line([(x - 96, y), (x, y)], FAINT, 1)
        half = frame.tilt / 2
        place = (x - 112 * math.cos(half), y - 112 * math.sin(half) - 8)
        self.text(f"{math.degrees(frame.tilt):.0f}°", *place, 12, FAINT, align=0.5)

    def _target(self, frame: Frame) -> None:
        """Marks on the surface where the swing should turn, and its middle."""
        for offset, colour in ((-frame.target, GOOD), (frame.target, GOOD), (0.0, FAINT)):
            x = frame.level + offset
            tip, reach = on_slope(frame, x, -BLOCK / 2 - 0.02), 0.12 if offset else 0.07
            a, b = (
                on_slope(frame, x - 0.035, -BLOCK / 2 - reach),
                on_slope(frame, x + 0.035, -BLOCK / 2 - reach),
            )
            self._polygon([tip, a, b], colour)

    def _spring(self, frame: Frame) -> None:
        """Coils from the anchor to the mass, thicker and darker the stiffer it is."""
        start, end = ANCHOR, frame.x - BLOCK / 2
        ratio = max(0.0, frame.stiffness / NEW.stiffness)
        width = 1.2 + 2.2 * min(2.0, ratio)
        shade = round(165 - 55 * min(2.0, ratio))
        coils, height = 13, 0.085
        points = [on_slope(frame, start, 0.0), on_slope(frame, start + 0.1, 0.0)]
        body = end - start - 0.2
        for n in range(2 * coils):
            x = start + 0.1 + body * (n + 0.5) / (2 * coils)
            points.append(on_slope(frame, x, height if n % 2 else -height))
        points += [on_slope(frame, end - 0.1, 0.0), on_slope(frame, end, 0.0)]
        self._line(points, f"#{shade:02x}{shade:02x}{shade:02x}", width)
        wall = [(ANCHOR, -BLOCK / 2), (ANCHOR, 0.2), (ANCHOR - 0.1, 0.2), (ANCHOR - 0.1, -BLOCK / 2)]
        self._polygon([on_slope(frame, *corner) for corner in wall], "#6f6a62")

    def _magnet(self, frame: Frame) -> None:
        """The electromagnet below the lower stop; its glow is the size of its push."""
        middle = BUMPERS[1] + 0.36
        share = abs(frame.push) * frame.magnet / frame.strongest
        colour = HAND if frame.by_operator else MODEL
        x, y = on_slope(frame, middle, 0.02)
        if share > 0.01:
            for ring in (1.0, 0.75, 0.5):
                self._disc(x, y, (16 + 46 * min(1.2, share)) * ring, colour, 34)
        core = [
            (middle - 0.09, -BLOCK / 2),
            (middle + 0.12, -BLOCK / 2),
            (middle + 0.12, 0.16),
            (middle - 0.09, 0.16),
        ]
        self._polygon([on_slope(frame, *corner) for corner in core], "#55606b")
        for n in range(4):
            at = middle - 0.06 + 0.05 * n
            self._line([on_slope(frame, at, -BLOCK / 2), on_slope(frame, at, 0.16)], "#c58b3b", 2.4)

    def _block(self, frame: Frame, x: float, colour: str, ghost: bool = False) -> None:
        half = BLOCK / 2
        corners = [on_slope(frame, x + a * half, b * half) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        self._polygon(corners, colour, 70 if ghost else 255)
        if ghost:
            self._line([*corners, corners[0]], colour, 1.6)
        else:
            a, b = on_slope(frame, x, 0.0)
            self._disc(a, b, 3, "#ffffff")

    def _arrow(self, frame: Frame) -> None:
        """The push that is asked of the magnet, on the mass: gentle from the controller, strong by hand."""
        length = ARROW * frame.push / frame.strongest
        if abs(length) < 1.0:
            return
        colour, half = (HAND, 5.5) if frame.by_operator else (MODEL, 2.5)
        above = BLOCK / 2 + 0.16
        out = math.copysign(1.0, length) * min(half * 2.2, abs(length))
        metres = [n / METRE for n in (0.0, length - out, length)]
        body = [(metres[0], -half), (metres[1], -half), (metres[1], half), (metres[0], half)]
        head = [(metres[1], -2.4 * half), (metres[2], 0.0), (metres[1], 2.4 * half)]
        for part in (body, head):
            self._polygon([on_slope(frame, frame.x + a, above + b / METRE) for a, b in part], colour)

    def _legend(self, frame: Frame) -> None:
        y = 374
        self.box(26, y + 2, 12, 12, "#3b3b3b")
        x = 44 + self.text("mass", 44, y, 12, FAINT)
        self.box(x + 14, y + 2, 12, 12, "#b8d3e6", MODEL)
        x += 32 + self.text("where the model forecasts it", x + 32, y, 12, FAINT)
        if frame.by_operator:
            self.text("pushed by hand", 626, y, 12, HAND, bold=True, align=1)
        else:
            self.text("pushed by the model", 626, y, 12, MODEL, align=1)

    def _hidden(self, frame: Frame) -> None:
        """What no operator can see."""
        facts = (
            ("stiffness", f"{frame.stiffness:.1f} N/m"),
            ("friction", f"{frame.friction:.3f}"),
            ("tilt", f"{math.degrees(frame.tilt):.1f}°"),
            ("magnet", f"{100 * frame.magnet:.0f} %"),
            ("unseen force", f"{frame.drive:.2f} N"),
            ("driver key", f"{frame.driver_key}"),
        )
        x, y = 452, 50
        self.box(x, y, 178, 28 + 17 * len(facts), "#f7eef5", HIDDEN, 4)
        self.text("the hidden truth", x + 10, y + 5, 12, HIDDEN, bold=True)
        for n, (name, value) in enumerate(facts):
            self.text(name, x + 10, y + 22 + 17 * n, 12, FAINT)
            self.text(value, x + 168, y + 22 + 17 * n, 12, INK, align=1)

    # ------------------------------------------------------------ the dashboard

    def _panel(self, title: str, y: float, h: float) -> None:
        self.box(652, y, 296, h, PANEL, LINE, 4)
        self.text(title, 662, y + 6, 12, FAINT)

    def _costs(self, frame: Frame) -> None:
        """Running cost, stacked by term."""
        self._panel("cost so far", 44, 104)
        sums = frame.bills.sum(axis=0) if len(frame.bills) else np.zeros(len(TERMS))
        total = float(sums.sum())
        self.text(f"{total:.1f}", 938, 48, 18, INK, bold=True, align=1)
        full = max(20.0, 20.0 * math.ceil(total / 20.0 + 1e-9))
        x = 662.0
        self.box(x, 76, 276, 16, PAPER)
        for term, value in zip(TERMS, sums, strict=True):
            width = 276 * float(value) / full
            if width >= 0.5:
                self.box(x, 76, width, 16, COLOURS[term])
            x += width
        for n, (term, value) in enumerate(zip(TERMS, sums, strict=True)):
            a, b = 662 + 140 * (n % 2), 100 + 22 * (n // 2)
            self.box(a, b + 3, 10, 10, COLOURS[term])
            self.text(term, a + 16, b, 12)
            self.text(f"{value:.1f}", a + 128, b, 12, INK, align=1)

    def _model(self, frame: Frame) -> None:
        self._panel("deployed model", 154, 62)
        self.text(f"version {frame.version}", 662, 174, 14, MODEL, bold=True)
        age = f"{_cycles(frame.model_age)} old"
        self.text(age, 938, 175, 12, FAINT, align=1)
        if frame.training == frame.training:
            left = (
                f"training: {_cycles(frame.training)} left" if frame.training else "waits for a release slot"
            )
            self._square(668, 204, TRAIN)
            self.text(left, 680, 196, 12, INK)
        else:
            self.text("none in training", 662, 196, 12, FAINT)

    def _gauges(self, frame: Frame) -> None:
        self._panel("forecast error, of the target's rms", 222, 84)
        self._history(frame.errors, 662, 244, 206, 54, 2.0, frame.threshold, MODEL)
        latest = f"{frame.errors[-1]:.2f}" if len(frame.errors) else "–"
        self.text(latest, 938, 258, 16, MODEL, bold=True, align=1)
        self._panel("swing against target", 312, 84)
        swings = frame.swings / frame.target
        self._history(swings, 662, 334, 206, 54, 2.0, 1.0, GOOD)
        latest = f"{100 * swings[-1]:.0f} %" if len(swings) else "–"
        self.text(latest, 938, 348, 16, GOOD, bold=True, align=1)

    def _history(
        self, values: NDArray[np.float64], x: float, y: float, w: float, h: float, top: float,
        mark: float | None, colour: str,
    ) -> None:  # fmt: skip
        """The last 60 cycles of a number from 0 to ``top``, with a dashed line at ``mark``."""
        span = 60
        self.box(x, y, w, h, PAPER)
        if mark is not None:
            level = y + h * (1 - min(mark, top) / top)
            for n in range(0, int(w), 8):
                self._line([(x + n, level), (x + min(n + 4, w), level)], FAINT, 1)
        recent = values[-span:]
        points = [
            (x + w * (n + span - len(recent)) / (span - 1), y + h * (1 - min(float(value), top) / top))
            for n, value in enumerate(recent)
        ]
        self._line(points, colour, 1.8)

    def _chart(self, frame: Frame) -> None:
        """Measurements against forecasts over the last cycles."""
        x, y, w, h, span = 72.0, 424.0, 864.0, 96.0, 10.0
        self.box(12, 402, 936, 126, PANEL, LINE, 4)
        self._disc(30, 413, 3, INK)
        a = 40 + self.text("measured", 40, 405, 12, INK)
        self._line([(a + 16, 413), (a + 40, 413)], MODEL, 2)
        a += 46 + self.text("forecast", a + 46, 405, 12, MODEL)
        self._line([(a + 20, 407), (a + 20, 420)], TRAIN, 2)
        self.text("new model", a + 28, 405, 12, FAINT)
        self.box(x, y, w, h, PAPER)
        right = max(frame.time, span)

        def place(time: float, value: float) -> tuple[float, float]:
            return x + w * (time - right + span) / span, y + h * (0.5 - (value - frame.level) / 1.5)

        low, high = frame.level - 0.75, frame.level + 0.75
        for offset in (-frame.target, 0.0, frame.target):
            level = place(0.0, frame.level + offset)[1]
            self._line([(x, level), (x + w, level)], LINE, 1)
        self.text("+0.3 m", 66, place(0, frame.level + 0.3)[1] - 7, 11, FAINT, align=1)
        self.text("−0.3 m", 66, place(0, frame.level - 0.3)[1] - 7, 11, FAINT, align=1)
        for cycle in frame.deployed:
            if right - span <= cycle <= frame.time:
                self._line([place(cycle, low), place(cycle, high)], TRAIN, 2)
        if self.truth:
            for cycle in frame.changed:
                if right - span <= cycle <= frame.time:
                    self._dashes(place(cycle, 0.0)[0], y, h)
        inside = frame.times >= right - span
        times = frame.times[inside]
        forecast = np.clip(frame.forecast[inside], low, high)
        measured = np.clip(frame.measured[inside], low, high)
        self._line([place(t, f) for t, f in zip(times, forecast, strict=True)], MODEL, 1.8)
        for t, m in zip(times, measured, strict=True):
            self._disc(*place(t, m), 2.4, INK)

    def _dashes(self, x: float, y: float, h: float) -> None:
        for n in range(0, int(h), 8):
            self._line([(x, y + n), (x, y + min(n + 5, h))], HIDDEN, 2)

    def _square(self, x: float, y: float, colour: str) -> None:
        self.box(x - 4, y - 4, 9, 9, colour)

    def _timeline(self, frame: Frame) -> None:
        """Every decision of the episode: pushes, retrainings, deployments."""
        x, y, w = 52.0, 560.0, 884.0
        self.box(12, 534, 936, 58, PANEL, LINE, 4)
        self.text("decisions", 24, 537, 12, FAINT)
        self._polygon([(108, 549), (117, 549), (112.5, 540)], HAND)
        a = 122 + self.text("pushed by hand", 122, 537, 12, FAINT)
        self._square(a + 16, 545, TRAIN)
        b = a + 24 + self.text("retraining asked for", a + 24, 537, 12, FAINT)
        self._line([(b + 14, 539), (b + 14, 552)], TRAIN, 2)
        c = b + 21 + self.text("new model", b + 21, 537, 12, FAINT)
        if self.truth:
            self._line([(c + 14, 539), (c + 14, 552)], HIDDEN, 2)
            self.text("the world changed", c + 21, 537, 12, HIDDEN)
        self._line([(x, y + 20), (x + w, y + 20)], LINE, 1.5)
        step = w / frame.cycles
        for mark in range(0, frame.cycles + 1, _nice(frame.cycles)):
            self.text(f"{mark}", x + step * mark, y + 20, 10, FAINT, align=0.5)
        if self.truth:
            for cycle in frame.changed:
                self._line([(x + step * cycle, y - 4), (x + step * cycle, y + 20)], HIDDEN, 2)
        for cycle in frame.deployed:
            if cycle <= frame.time:
                self._line([(x + step * cycle, y), (x + step * cycle, y + 20)], TRAIN, 2)
        half = max(1.5, min(4.5, step / 2))
        for cycle in np.flatnonzero(frame.decisions == Action.INTERVENE).tolist():
            middle = x + step * (cycle + 0.5)
            self._polygon([(middle - half, y + 19), (middle + half, y + 19), (middle, y + 9)], HAND)
        for cycle in np.flatnonzero(frame.decisions == Action.RETRAIN).tolist():
            self._square(x + step * (cycle + 0.5), y + 4, TRAIN)
        now = x + step * frame.time
        self._polygon([(now - 4, y - 6), (now + 4, y - 6), (now, y)], INK)


class Window:
    """Shows a view's pictures on the screen; H shows and hides the truth.

    ``below`` pixels under the picture are left to the caller, on ``screen``.

    Raises:
        RuntimeError: there is no display to open a window on.
    """

    def __init__(self, view: View, title: str = "springdrift", below: int = 0) -> None:
        self.view, self.pygame, self.closed = view, view.pygame, False
        try:
            self.pygame.display.init()
            self.screen = self.pygame.display.set_mode((view.size[0], view.size[1] + below))
        except self.pygame.error as wrong:
            raise RuntimeError(
                f"no window can be opened here ({wrong}); without a display use render_mode='rgb_array' or "
                "set SDL_VIDEODRIVER=dummy"
            ) from wrong
        self.pygame.display.set_caption(title)
        self._clock = self.pygame.time.Clock()

    def show(self, frame: Frame, fps: float = FPS) -> list[Any]:
        """Draw and show a frame, keep the tempo, and return the events that came in."""
        if self.closed:
            return []
        self.view.draw(frame)
        return self.flip(fps)

    def flip(self, fps: float = FPS) -> list[Any]:
        """Show what stands on the view's surface; returns the events that came in."""
        self.screen.blit(self.view.surface, (0, 0))
        self.pygame.display.flip()
        self._clock.tick(fps)
        events = list(self.pygame.event.get())
        for event in events:
            if event.type == self.pygame.QUIT:
                self.close()
            elif event.type == self.pygame.KEYDOWN and event.key == self.pygame.K_h:
                self.view.truth = not self.view.truth
        return events

    def close(self) -> None:
        """Close the window; closing twice does no harm."""
        if not self.closed:
            self.closed = True
            self.pygame.display.quit()


def _cycles(count: float) -> str:
    return f"{count:.0f} cycle{'' if round(count) == 1 else 's'}"


def _nice(cycles: int) -> int:
    """Distance between the timeline's numbers: about ten of them."""
    for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000):
        if cycles / step <= 12:
            return step
    return max(1, cycles // 10)


def _font_file(bold: bool) -> str | None:
    """DejaVu Sans, which matplotlib brings; None for pygame's own font."""
    from importlib.util import find_spec
    from pathlib import Path

    found = find_spec("matplotlib")
    if found is None or found.origin is None:
        return None
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    file = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / name
    return str(file) if file.exists() else None


def ansi(frame: Frame, width: int = 72) -> str:
    """The frame in four lines of text, for terminals and logs.

    ``#`` is the mass, ``o`` where the model forecasts it, ``<`` and ``>`` the push, doubled by hand.
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
    training = "" if frame.training != frame.training else f", training: {_cycles(frame.training)} left"
    who = "by hand" if frame.by_operator else "by the model"
    return "\n".join(
        (
            f"{frame.scenario}  cycle {frame.time:.2f} of {frame.cycles}  cost {sums.sum():.1f} ({terms})",
            f"[{''.join(track)}]",
            f"push {arrow} {abs(frame.push):.2f} N {who}  error {error}  swing {swing} of target",
            f"model version {frame.version}, {_cycles(frame.model_age)} old{training}",
        )
    )
