"""A surface to draw on, measured in the design's 960 by 600, and the colours of every picture."""

import math
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Okabe & Ito 2008: told apart with every common kind of colour vision
COLOURS = {
    **{"forecast": "#0072B2", "swing": "#56B4E9", "intervene": "#D55E00", "retrain": "#E69F00"},
    **{"fine_tune": "#B8A500", "rollback": "#CC79A7"},
}
MODEL, HAND, TRAIN, GOOD, HIDDEN = "#0072B2", "#D55E00", "#E69F00", "#009E73", "#A8508A"
INK, FAINT, LINE, PAPER, PANEL, EARTH = "#222222", "#6f6f6f", "#d8d8d2", "#f4f4ef", "#ffffff", "#e7e2d6"

SIZE = (960, 600)
FONT_SCALES = (0.7, 1.4)  # smallest and largest letters that every picture has room for
SMALLEST = 7  # pixels of a letter


class Canvas:
    """Strokes and letters on a surface of ``size`` pixels; places and sizes are the design's.

    The picture keeps 960 by 600's proportions. Text is measured before it is placed, so that letters of any
    allowed size neither overlap nor leave their room.
    """

    def __init__(self, pygame: Any, size: tuple[int, int] = SIZE, font_scale: float = 1.0) -> None:
        self.pygame, self.size, self.font_scale = pygame, size, font_scale
        self.pygame.font.init()
        self.scale = min(size[0] / SIZE[0], size[1] / SIZE[1])
        # red, green, blue in memory, as an array of pixels has them: handing them over is one copy
        self.surface = pygame.Surface(size, 0, 24, (0xFF, 0xFF00, 0xFF0000, 0))
        self._fonts: dict[tuple[int, bool], Any] = {}
        self._texts: dict[tuple[str, int, bool, str], Any] = {}
        self._sizes: dict[tuple[tuple[str, ...], float, float, bool], float] = {}

    def pixels(self) -> NDArray[np.uint8]:
        """What was drawn last, shape (height, width, 3), uint8."""
        width, height = self.size
        rows = np.frombuffer(self.surface.get_buffer(), np.uint8).reshape(height, self.surface.get_pitch())
        return rows[:, : 3 * width].reshape(height, width, 3).copy()

    # ------------------------------------------------------------ strokes

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Pixels of a place of the design."""
        left = (self.size[0] - SIZE[0] * self.scale) / 2
        top = (self.size[1] - SIZE[1] * self.scale) / 2
        return left + x * self.scale, top + y * self.scale

    def box(
        self, x: float, y: float, w: float, h: float, colour: str, edge: str = "", round_: float = 0
    ) -> None:
        """A rectangle, filled, edged, or both; one without width or height is not drawn."""
        if w <= 0 or h <= 0:
            return
        (a, b), radius = self.at(x, y), round(round_ * self.scale)
        box = self.pygame.Rect(
            round(a), round(b), max(1, round(w * self.scale)), max(1, round(h * self.scale))
        )
        if colour:
            self.pygame.draw.rect(self.surface, colour, box, border_radius=radius)
        if edge:
            self.pygame.draw.rect(self.surface, edge, box, max(1, round(self.scale)), border_radius=radius)

    def stack(
        self, x: float, y: float, w: float, h: float, parts: Sequence[tuple[float, str]], full: float
    ) -> None:
        """Parts of ``full`` side by side, ``w`` wide in all; each as long as its value, to the pixel."""
        edges, sums = [round(self.at(x, y)[0])], 0.0
        top, height = round(self.at(x, y)[1]), max(1, round(h * self.scale))
        for value, colour in parts:
            sums += value
            edges.append(round(self.at(x + w * sums / full, y)[0]))
            if edges[-1] > edges[-2]:
                self.surface.fill(colour, (edges[-2], top, edges[-1] - edges[-2], height))

    def clip(self, x: float, y: float, w: float, h: float) -> None:
        """Draw within this rectangle alone, until :meth:`unclip`."""
        (a, b), s = self.at(x, y), self.scale
        self.surface.set_clip(self.pygame.Rect(round(a), round(b), round(w * s), round(h * s)))

    def unclip(self) -> None:
        """Draw everywhere again."""
        self.surface.set_clip(None)

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: float = 1.0) -> None:
        """A line through the points."""
        places = [self.at(*point) for point in points]
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

    def dashes(self, a: tuple[float, float], b: tuple[float, float], colour: str, width: float = 1.0) -> None:
        """A dashed line from ``a`` to ``b``."""
        length = math.hypot(b[0] - a[0], b[1] - a[1])

        def place(along: float) -> tuple[float, float]:
            share = along / length
            return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])

        for start in range(0, int(length), 8):
            self.line([place(start), place(min(start + 4.5, length))], colour, width)

    def _shape(self, pixels: Sequence[tuple[float, float]], colour: str, alpha: int = 255) -> None:
        ink = self.pygame.Color(colour)
        ink.a = alpha
        if alpha == 255:
            self.pygame.gfxdraw.aapolygon(self.surface, pixels, ink)
        self.pygame.gfxdraw.filled_polygon(self.surface, pixels, ink)

    def polygon(self, points: Sequence[tuple[float, float]], colour: str, alpha: int = 255) -> None:
        """A filled polygon; ``alpha`` below 255 lets what is there shine through."""
        self._shape([self.at(*point) for point in points], colour, alpha)

    def disc(self, x: float, y: float, radius: float, colour: str, alpha: int = 255) -> None:
        """A filled circle."""
        a, b = self.at(x, y)
        ink, r = self.pygame.Color(colour), max(1, round(radius * self.scale))
        ink.a = alpha
        if alpha == 255:
            self.pygame.gfxdraw.aacircle(self.surface, round(a), round(b), r, ink)
        self.pygame.gfxdraw.filled_circle(self.surface, round(a), round(b), r, ink)

    def square(self, x: float, y: float, colour: str) -> None:
        """The mark of a retraining, its middle at (x, y)."""
        self.box(x - 4, y - 4, 9, 9, colour)

    def diamond(self, x: float, y: float, colour: str) -> None:
        """The mark of a fine-tuning, its middle at (x, y)."""
        self.polygon([(x - 5, y), (x, y - 5), (x + 5, y), (x, y + 5)], colour)

    def back(self, x: float, y: float, colour: str) -> None:
        """The mark of a rollback, an arrow to the left with its middle at (x, y)."""
        self.polygon([(x - 5, y), (x + 1, y - 5), (x + 1, y + 5)], colour)
        self.line([(x, y), (x + 6, y)], colour, 2)

    # ------------------------------------------------------------ letters

    def text(
        self, text: str, x: float, y: float, size: float = 13, colour: str = INK, bold: bool = False,
        align: float = 0.0, fit: float | None = None,
    ) -> float:  # fmt: skip
        """Text with its top at y and its left, middle or right (align 0, 0.5, 1) at x; returns its width.

        With ``fit``, the letters are as small as it takes to be no wider than that; where the smallest are
        too wide, the end is left out.
        """
        if fit is not None:
            size = self.fitting([text], fit, size, bold)
            while len(text) > 1 and self.width(text, size, bold) > fit:
                text = text[:-2].rstrip() + "…"
        pixels = self._pixels(size)
        key = (text, pixels, bold, colour)
        if key not in self._texts:
            if len(self._texts) > 1000:
                self._texts.clear()
            self._texts[key] = self._font(pixels, bold, lambda font: font.render(text, True, colour))
        drawn = self._texts[key]
        a, b = self.at(x, y)
        self.surface.blit(drawn, (round(a - align * drawn.get_width()), round(b)))
        return float(drawn.get_width() / self.scale)

    def paragraph(
        self, text: str, x: float, y: float, width: float, size: float = 12, colour: str = INK,
        align: float = 0.0, between: str = " ",
    ) -> float:  # fmt: skip
        """Text in lines no wider than ``width``, broken where ``between`` stands; returns its height."""
        lines = self.wrap(text, width, size, between)
        for n, line in enumerate(lines):
            self.text(line, x, y + n * self.height(size), size, colour, align=align, fit=width)
        return len(lines) * self.height(size)

    def wrap(self, text: str, width: float, size: float, between: str = " ") -> list[str]:
        """The lines of a paragraph."""
        lines = [""]
        for word in text.split(between):
            longer = lines[-1] + between + word if lines[-1] else word
            if lines[-1] and self.width(longer, size) > width:
                lines.append(word)
            else:
                lines[-1] = longer
        return lines

    def width(self, text: str, size: float = 13, bold: bool = False) -> float:
        """How wide a text is."""
        return float(self._font(self._pixels(size), bold, lambda font: font.size(text)[0]) / self.scale)

    def height(self, size: float = 13) -> float:
        """How high a line of text is."""
        return float(self._font(self._pixels(size), False, lambda font: font.get_height()) / self.scale)

    def fitting(self, texts: Sequence[str], width: float, size: float, bold: bool = False) -> float:
        """The largest size up to ``size`` at which none of the texts is wider than ``width``."""
        key = (tuple(texts), width, size, bold)
        if key not in self._sizes:
            if len(self._sizes) > 1000:
                self._sizes.clear()
            found = size
            while self._pixels(found) > SMALLEST and any(
                self.width(text, found, bold) > width for text in texts
            ):
                found -= 0.25
            self._sizes[key] = found
        return self._sizes[key]

    def _pixels(self, size: float) -> int:
        return max(SMALLEST, round(size * self.scale * self.font_scale))

    def _font(self, pixels: int, bold: bool, use: Callable[[Any], Any]) -> Any:
        """What ``use`` makes of a font; all are loaded anew where another library shut pygame's down."""
        try:
            return use(self._loaded(pixels, bold))
        except self.pygame.error:
            self.pygame.font.init()
            self._fonts.clear()
            return use(self._loaded(pixels, bold))

    def _loaded(self, pixels: int, bold: bool) -> Any:
        if (pixels, bold) not in self._fonts:
            self._fonts[pixels, bold] = self.pygame.font.Font(_font_file(bold), pixels)
        return self._fonts[pixels, bold]


@cache
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
