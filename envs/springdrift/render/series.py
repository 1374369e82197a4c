"""A forecast in service: the cycle under way, forecast and served, and the versions of the model in time."""

import math

import numpy as np
from numpy.typing import NDArray

from springdrift.render.canvas import (
    FAINT,
    HAND,
    HIDDEN,
    INK,
    LINE,
    MODEL,
    PANEL,
    PAPER,
    TRAIN,
    Canvas,
)
from springdrift.render.dashboard import SPAN, draw_facts, error_gauge
from springdrift.render.frame import SeriesFrame as Frame
from springdrift.render.frame import Version
from springdrift.render.panels import Chart, Gauge, Line, Panels, Scene

ROOM = (12.0, 40.0, 628.0, 356.0)  # of the scene: x, y, width, height
FACTS = 66.0  # height of the panel with the truth
VERSIONS = 60  # most boxes of versions that are drawn
BARS = " ▁▂▃▄▅▆▇█"


def cycle_of(frame: Frame) -> int:
    """The cycle under way, or the one that ended just now; at the start the first."""
    return int(max(frame.since, math.ceil(frame.time - 1e-9) - 1))


def axis_of(frame: Frame) -> tuple[float, float, float]:
    """Lowest and highest value of the charts, and the distance of their marks: steady while values move."""
    shown = [frame.ahead, frame.baseline_ahead]
    recent = frame.times >= frame.time - SPAN
    shown += [values[recent] for values in (frame.measured, frame.forecast)]
    values = np.concatenate(shown)
    values = values[np.isfinite(values)]
    # a forecast gone wild is cut off at the edge: what happened stays legible
    low, high = np.percentile(values, (1, 99)) if len(values) > 100 else (values.min(), values.max())
    spread = float(high - low) or abs(float(high)) or 1.0
    step = 10.0 ** math.floor(math.log10(spread / 2.0))
    step *= next(factor for factor in (1, 2, 5, 10) if factor * step >= spread / 4.0)
    low, high = (math.floor(float(low) / step - 0.2) * step, math.ceil(float(high) / step + 0.2) * step)
    return low, high, step


def draw_scene(canvas: Canvas, frame: Frame, truth: bool) -> None:
    """The scene in its room; with ``truth``, what no operator can see."""
    x, y, w, h = ROOM
    canvas.box(x, y, w, h, PANEL, LINE, 4)
    canvas.clip(x + 1, y + 1, w - 2, h - 2)
    row = canvas.height(12)
    boxes = row + 30 + canvas.height(10)
    facts = FACTS if frame.hidden else row + 14
    below = boxes + (facts + 6 if truth else 0) + 8
    _cycle(canvas, frame, (x + 10, y + row + 8, w - 20, h - below - row - 14), truth)
    _versions(canvas, frame, y + h - below + 4)
    if truth:
        title = "the hidden truth" if frame.hidden else "a recording: what was hidden is not known"
        draw_facts(canvas, title, list(frame.hidden), 4, w - 20, facts, lambda a, b: (x + 10, y + h - b - 6))
    canvas.unclip()


def _cycle(canvas: Canvas, frame: Frame, room: tuple[float, float, float, float], truth: bool) -> None:
    """The last cycle and the one under way: measured, forecast as a ghost, and what is served."""
    x, y, w, h = room
    cycle = cycle_of(frame)
    _legend(canvas, frame, y - canvas.height(12) - 4)
    low, high, step = axis_of(frame)
    marks = [low + n * step for n in range(1, round((high - low) / step))]
    left = max((canvas.width(_text(mark), 10) for mark in marks), default=0.0) + 6
    x, w = x + left, w - left
    canvas.box(x, y, w, h, PAPER)

    def place(time: float, value: float) -> tuple[float, float]:
        held = min(max(value, low), high)
        return x + w * (time - cycle + 1) / 2, y + h * (high - held) / (high - low)

    for mark in marks:
        level = place(cycle, mark)[1]
        canvas.line([(x, level), (x + w, level)], LINE, 1)
        canvas.text(_text(mark), x - 6, level - canvas.height(10) / 2, 10, FAINT, align=1)
    canvas.line([place(cycle, low), place(cycle, high)], FAINT, 1)
    times = cycle + (np.arange(frame.measurements) + 1.0) / frame.measurements
    ghost = [place(t, v) for t, v in zip(times, frame.ahead, strict=True)]
    _ribbon(canvas, ghost, 5.0, MODEL, 70)
    canvas.line(ghost, MODEL, 1.6)
    served, colour = (frame.baseline_ahead, HAND) if frame.by_operator else (frame.ahead, MODEL)
    canvas.line([place(t, v) for t, v in zip(times, served, strict=True)], colour, 3.2)
    before = (frame.times > cycle - 1 + 1e-9) & (frame.times <= cycle + 1e-9)
    _past(canvas, frame, before, place)
    recent = frame.times > cycle - 1 + 1e-9
    if truth:
        canvas.line(
            [place(t, v) for t, v in zip(frame.times[recent], frame.true[recent], strict=True)], HIDDEN, 2
        )
    radius = 2.6 if frame.measurements <= 48 else 1.6
    for t, v in zip(frame.times[recent], frame.measured[recent], strict=True):
        if np.isfinite(v):
            canvas.disc(*place(t, v), radius, INK)
    now = place(frame.time, low)[0]
    canvas.line([(now, y), (now, y + h)], INK, 1)
    edge = y + h - canvas.height(10) - 1
    for at in (cycle - 1, cycle):
        canvas.text(f"cycle {at}", place(at, low)[0] + 4, edge, 10, FAINT)


def _past(canvas: Canvas, frame: Frame, before: NDArray[np.bool_], place: object) -> None:
    """Forecast and served line of the cycle before, thin."""
    assert callable(place)
    times = frame.times[before]
    if not len(times):
        return
    canvas.line([place(t, v) for t, v in zip(times, frame.forecast[before], strict=True)], MODEL, 1.2)
    if frame.overrode[before].any():
        canvas.line([place(t, v) for t, v in zip(times, frame.baseline[before], strict=True)], HAND, 1.6)


def _ribbon(canvas: Canvas, points: list[tuple[float, float]], half: float, colour: str, alpha: int) -> None:
    """A band along a line that lets what is under it shine through."""
    if len(points) > 1:
        above = [(x, y - half) for x, y in points]
        canvas.polygon([*above, *[(x, y + half) for x, y in reversed(points)]], colour, alpha)


def _legend(canvas: Canvas, frame: Frame, y: float) -> None:
    middle = y + canvas.height(12) / 2
    canvas.disc(30, middle, 3, INK)
    unit = f"measured, {frame.unit}" if frame.unit else "measured"
    a = 40 + canvas.text(unit, 40, y, 12, INK, fit=190) + 16
    _ribbon(canvas, [(a, middle), (a + 24, middle)], 4.0, MODEL, 70)
    canvas.line([(a, middle), (a + 24, middle)], MODEL, 1.2)
    a += 30 + canvas.text("the model forecasts", a + 30, y, 12, MODEL, fit=150) + 16
    who, colour = ("the baseline", HAND) if frame.by_operator else ("the model", MODEL)
    canvas.line([(a, middle), (a + 24, middle)], colour, 3.2)
    canvas.text(f"served: {who}", a + 30, y, 12, colour, bold=frame.by_operator, fit=626 - a - 30)


def _versions(canvas: Canvas, frame: Frame, y: float) -> None:
    """Each model as a box over the cycles that it served, a line above over those that it was fitted on."""
    row, (x, w) = canvas.height(12), (ROOM[0] + 10, ROOM[2] - 20)
    shown = frame.versions[-VERSIONS:]
    first = min(0, shown[0].fitted[0], shown[0].deployed)
    step = w / (frame.cycles - first)

    def place(cycle: float) -> float:
        return x + step * (cycle - first)

    a = 24 + canvas.text("versions in service", 24, y, 12, MODEL)
    canvas.line([(a + 16, y + row / 2), (a + 40, y + row / 2)], TRAIN, 3)
    a += 46 + canvas.text("cycles that each was fitted on", a + 46, y, 12, FAINT, fit=260)
    top = y + row + 9
    canvas.line([(place(0), top - 4), (place(0), top + 19)], FAINT, 1)
    for number, one in enumerate(shown, len(frame.versions) - len(shown)):
        _box(canvas, frame, number, one, (place(one.deployed), place(one.replaced)), top)
    fits = [shown[-1].fitted] if frame.candidate is None else [shown[-1].fitted, frame.candidate]
    for start, end in fits:
        canvas.line([(place(start), top - 4), (place(max(end, start + 1)), top - 4)], TRAIN, 3)
    if frame.candidate is not None:
        canvas.box(place(frame.time), top, max(6.0, 2 * step), 18, "", TRAIN, 2)
    size = 10
    for cycle in (0, frame.cycles):
        canvas.text(f"{cycle}", place(cycle), top + 19, size, FAINT, align=0.0 if cycle == 0 else 1.0)


def _box(
    canvas: Canvas, frame: Frame, number: int, one: Version, ends: tuple[float, float], top: float
) -> None:
    live = one is frame.versions[-1]
    wide = max(1.5, ends[1] - ends[0])
    canvas.box(ends[0], top, wide, 18, MODEL if live else SHADES[number % 2], PANEL, 2)
    label = f"v{number}"
    if canvas.width(label, 10) + 4 <= wide:
        colour = "#ffffff" if live else INK
        canvas.text(label, ends[0] + wide / 2, top + 9 - canvas.height(10) / 2, 10, colour, align=0.5)


SHADES = ("#9cc3df", "#c9dfee")


def _text(value: float) -> str:
    return f"{value:.6g}".replace("-", "−")


def _panels(frame: Frame, truth: bool) -> Panels:
    low, high, step = axis_of(frame)
    inner = [low + n * step for n in range(1, round((high - low) / step))]
    short = frame.shortfall
    latest = f"{100 * short[-1]:.0f} %" if len(short) else "–"
    lines = [Line("baseline served", np.where(frame.overrode, frame.baseline, np.nan), HAND)]
    if truth:
        lines.append(Line("what really happened", frame.true, HIDDEN))
    return Panels(
        (
            error_gauge(frame, "forecast error; fresh: 0.1"),
            Gauge("short of the safe baseline; 0: no worse", short, None, HAND, latest, 1.0),
        ),
        Chart(low, high, tuple((mark, _text(mark)) for mark in inner[:: max(1, len(inner) // 3)]), (*lines,)),
        "baseline served",
    )


def _lines(frame: Frame, width: int) -> tuple[str, ...]:
    """The last cycles as bars of text, measured and forecast, and who served."""
    count = min(width - 12, 3 * frame.measurements)
    measured, forecast = frame.measured[-count:], frame.forecast[-count:]
    both = np.concatenate([measured, forecast])
    low, high = (np.nanmin(both), np.nanmax(both)) if np.isfinite(both).any() else (0.0, 1.0)

    def bars(values: NDArray[np.float64]) -> str:
        shares = (values - low) / ((high - low) or 1.0)
        return "".join("?" if s != s else BARS[1 + int(min(s, 0.999) * 8)] for s in shares)

    error = f"{frame.errors[-1]:.2f}" if len(frame.errors) else "-"
    short = f"{100 * frame.shortfall[-1]:.0f} %" if len(frame.shortfall) else "-"
    who = "the baseline" if frame.by_operator else "the model"
    return (
        f"measured  [{bars(measured)}]",
        f"forecast  [{bars(forecast)}]",
        f"served by {who}  error {error}  short of the baseline {short}",
    )


SERIES = Scene(draw_scene, _panels, _lines)
