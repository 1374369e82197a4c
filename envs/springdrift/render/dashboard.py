"""What the operator reads: costs, the deployed model, gauges, the strip chart and the decisions."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from springdrift.game.actions import Action
from springdrift.render.canvas import (
    COLOURS,
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
from springdrift.render.frame import Frame
from springdrift.render.panels import Chart, Gauge, Panels

LEFT, WIDTH = 652.0, 296.0  # of the panels beside the scene
TOP, BOTTOM = 44.0, 396.0
SPAN = 10.0  # cycles of the strip chart
DOTS = 16  # most measurements in a cycle that are drawn one by one


def draw_dashboard(canvas: Canvas, frame: Frame, panels: Panels, truth: bool) -> None:
    """All panels; what is not a chart is as high as its letters, and the charts share the rest."""
    y = TOP + _costs(canvas, frame, TOP) + 6
    y += _model(canvas, frame, y) + 6
    half = (BOTTOM - y - 6) / 2
    for n, gauge in enumerate(panels.gauges):
        _gauge(canvas, y + n * (half + 6), half, gauge)
    high = 32 + canvas.height(12) + canvas.height(10) + (_lineage_height(canvas) if frame.services else 0)
    _chart(canvas, frame, panels.chart, 402.0, 592 - high - 6 - 402, truth)
    _timeline(canvas, frame, panels.override, 592 - high, high, truth)


def cycles_text(count: float) -> str:
    """A number of cycles in words.

    >>> cycles_text(1), cycles_text(2)
    ('1 cycle', '2 cycles')
    """
    return f"{count:.0f} cycle{'' if round(count) == 1 else 's'}"


def _panel(canvas: Canvas, title: str, y: float, h: float) -> None:
    canvas.box(LEFT, y, WIDTH, h, PANEL, LINE, 4)
    canvas.text(title, LEFT + 10, y + 4, 12, FAINT, fit=WIDTH - 20)


def _costs(canvas: Canvas, frame: Frame, y: float) -> float:
    """Running cost, stacked by term; returns the panel's height, as the next does."""
    total_height, row = canvas.height(18), canvas.height(12)
    lines = -(-len(frame.terms) // 2)
    high = total_height + lines * (row + 6) + 36
    _panel(canvas, f"cost since cycle {frame.since}" if frame.since else "cost so far", y, high)
    sums = frame.costs.sum(axis=0)
    total = float(sums.sum())
    canvas.text(f"{total:.1f}", LEFT + WIDTH - 10, y + 3, 18, INK, bold=True, align=1)
    full = max(20.0, 20.0 * math.ceil(max(total, frame.rival_cost) / 20.0 + 1e-9))
    if frame.rival:
        said = f"{frame.rival} {frame.rival_cost:.1f}"
        room = WIDTH - 30 - canvas.width("cost so far", 12) - canvas.width(f"{total:.1f}", 18, True) - 20
        right = LEFT + WIDTH - 20 - canvas.width(f"{total:.1f}", 18, True)
        canvas.text(said, right, y + 8, 12, FAINT, align=1, fit=room)
    y += total_height + 9
    canvas.box(LEFT + 10, y, WIDTH - 20, 16, PAPER)
    parts = [(float(value), COLOURS[term]) for term, value in zip(frame.terms, sums, strict=True)]
    canvas.stack(LEFT + 10, y, WIDTH - 20, 16, parts, full)
    if frame.rival:
        at = LEFT + 10 + (WIDTH - 20) * min(1.0, frame.rival_cost / full)
        canvas.line([(at, y - 3), (at, y + 19)], INK, 2)
    y += 23
    figures = [f"{value:.1f}" for value in sums]
    size = canvas.fitting(
        [f"{term} {figure}" for term, figure in zip(frame.terms, figures, strict=True)], 128 - 20, 12
    )
    for n, (term, figure) in enumerate(zip(frame.terms, figures, strict=True)):
        x, top = LEFT + 10 + 140 * (n % 2), y + (row + 6) * (n // 2)
        canvas.box(x, top + row / 2 - 5, 10, 10, COLOURS[term])
        canvas.text(term, x + 16, top, size)
        canvas.text(figure, x + 130, top, size, INK, align=1)
    return high


def _model(canvas: Canvas, frame: Frame, y: float) -> float:
    row, version = canvas.height(12), canvas.height(14)
    high = 2 * row + version + 17
    _panel(canvas, "deployed model", y, high)
    y += row + 6
    width = canvas.text(f"version {frame.version}", LEFT + 10, y, 14, MODEL, bold=True)
    age = f"{cycles_text(frame.model_age)} old"
    canvas.text(age, LEFT + WIDTH - 10, y + 1, 12, FAINT, align=1, fit=WIDTH - width - 30)
    y += version + 4
    if frame.training == frame.training:
        left = f"training: {cycles_text(frame.training)} left"
        canvas.square(LEFT + 16, y + row / 2, TRAIN)
        canvas.text(left if frame.training else "waits for a release slot", LEFT + 28, y, 12, INK)
    else:
        canvas.text("none in training", LEFT + 10, y, 12, FAINT)
    return high


def error_gauge(frame: Frame, title: str) -> Gauge:
    """The forecast error, with a dashed line where the policy retrains, if it says where."""
    title += "" if frame.threshold is None else "; dashed: retrains"
    latest = f"{frame.errors[-1]:.2f}" if len(frame.errors) else "–"
    return Gauge(title, frame.errors, frame.threshold, MODEL, latest)


def _gauge(canvas: Canvas, y: float, h: float, gauge: Gauge) -> None:
    """The last 60 cycles of a number, with a dashed line at its mark, and the latest."""
    span, full = 60, gauge.full
    _panel(canvas, gauge.title, y, h)
    middle = y + h / 2 - canvas.height(16) / 4
    canvas.text(gauge.latest, LEFT + WIDTH - 10, middle, 16, gauge.colour, bold=True, align=1)
    room = max(60.0, canvas.width("100 %", 16, True)) + 10
    x, w, top = LEFT + 10, WIDTH - 20 - room, y + canvas.height(12) + 7
    h = y + h - 8 - top
    canvas.box(x, top, w, h, PAPER)
    if gauge.mark is not None:
        level = top + h * (1 - min(gauge.mark, full) / full)
        canvas.dashes((x, level), (x + w, level), FAINT)
    recent = gauge.values[-span:]
    canvas.line(
        [
            (x + w * (n + span - len(recent)) / (span - 1), top + h * (1 - min(float(value), full) / full))
            for n, value in enumerate(recent)
        ],
        gauge.colour,
        1.8,
    )


def _chart(canvas: Canvas, frame: Frame, chart: Chart, top: float, high: float, truth: bool) -> None:
    """Measurements against forecasts over the last cycles."""
    row = canvas.height(12)
    canvas.box(12, top, 936, high, PANEL, LINE, 4)
    _chart_legend(canvas, chart, top + 3, row)
    x = 24.0 + max(canvas.width(mark, 11) for _, mark in chart.marks) + 6
    y, w, h = top + row + 8, 936 - x, high - row - 16
    canvas.box(x, y, w, h, PAPER)
    right = max(frame.time, SPAN)
    low, high = chart.low, chart.high

    def place(time: float, value: float) -> tuple[float, float]:
        return x + w * (time - right + SPAN) / SPAN, y + h * (high - value) / (high - low)

    for value, mark in chart.marks:
        level = place(0.0, value)[1]
        canvas.line([(x, level), (x + w, level)], LINE, 1)
        canvas.text(mark, x - 6, level - canvas.height(11) / 2, 11, FAINT, align=1)
    for cycle in frame.deployed:
        if right - SPAN <= cycle <= frame.time:
            canvas.line([place(cycle, low), place(cycle, high)], TRAIN, 2)
    if truth:
        for cycle in frame.changed:
            if right - SPAN <= cycle <= frame.time:
                canvas.dashes(place(cycle, high), place(cycle, low), HIDDEN, 2)
    inside = frame.times >= right - SPAN
    times = frame.times[inside]

    def draw(values: NDArray[np.float64], colour: str, parts: list[NDArray[np.int64]]) -> None:
        held = np.clip(values[inside], low, high)
        for part in parts:
            known = part[np.isfinite(held[part])]
            for run in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):
                canvas.line([place(times[n], held[n]) for n in run], colour, 1.8)

    # each cycle has a forecast of its own: nothing was forecast between the end of one and the next
    of_cycle = np.ceil(np.round(times * frame.measurements) / frame.measurements)
    cycles = np.split(np.arange(len(times)), np.flatnonzero(np.diff(of_cycle)) + 1)
    draw(frame.forecast, MODEL, cycles)
    for line in chart.lines:
        draw(line.values, line.colour, cycles)
    if frame.measurements > DOTS:
        draw(frame.measured, INK, [np.arange(len(times))])
        return
    for t, m in zip(times, np.clip(frame.measured[inside], low, high), strict=True):
        if np.isfinite(m):
            canvas.disc(*place(t, m), 2.4, INK)


def _chart_legend(canvas: Canvas, chart: Chart, y: float, row: float) -> None:
    middle = y + row / 2
    canvas.disc(30, middle, 3, INK)
    a = 40 + canvas.text("measured", 40, y, 12, INK)
    canvas.line([(a + 16, middle), (a + 40, middle)], MODEL, 2)
    a += 46 + canvas.text("forecast", a + 46, y, 12, MODEL)
    canvas.line([(a + 20, middle - 6), (a + 20, middle + 7)], TRAIN, 2)
    a += 28 + canvas.text("new model", a + 28, y, 12, FAINT)
    for line in chart.lines:
        canvas.line([(a + 16, middle), (a + 40, middle)], line.colour, 2)
        a += 46 + canvas.text(line.name, a + 46, y, 12, line.colour)


def draw_facts(
    canvas: Canvas, title: str, facts: Sequence[tuple[str, str]], columns: int, wide: float, high: float,
    at: Callable[[float, float], tuple[float, float]], colours: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """A panel of what no operator can see, in letters small enough for ``wide`` by ``high``.

    Args:
        canvas: to draw on.
        title: over the facts.
        facts: name and value of each.
        columns: of them.
        wide: room for the panel.
        high: the same.
        at: where its corner lies, of its width and height.
        colours: of names that are not faint.
    """
    rows = -(-len(facts) // columns)
    facts = [(name, value.replace("-", "−")) for name, value in facts]
    size, w, h, row = 12.25, math.inf, math.inf, 0.0
    while (w > wide or h > high) and size > 7:
        size -= 0.25
        row = canvas.height(size) + 2
        names = max((canvas.width(name, size) for name, _ in facts), default=0.0)
        values = max(canvas.width(value, size) for value in (*(value for _, value in facts), "−0.000 N"))
        w, h = (names + values + 36) * columns, 10 + row * (rows + 1)
    x, y = at(w, h)
    canvas.box(x, y, w, h, "#f7eef5", HIDDEN, 4)
    canvas.text(title, x + 10, y + 5, size, HIDDEN, bold=True, fit=w - 20)
    for n, (name, value) in enumerate(facts):
        left, top = x + w / columns * (n // rows), y + 6 + row * (n % rows + 1)
        canvas.text(name, left + 10, top, size, (colours or {}).get(name, FAINT))
        canvas.text(value, left + w / columns - 10, top, size, INK, align=1)


def _timeline(canvas: Canvas, frame: Frame, override: str, top: float, high: float, truth: bool) -> None:
    """Every decision of the episode: interventions, retrainings, deployments."""
    x = 52.0
    w = 942 - canvas.width(f"{frame.cycles}", 10) / 2 - x  # the last number stands under the end
    canvas.box(12, top, 936, high, PANEL, LINE, 4)
    _timeline_legend(canvas, override, top + 2, canvas.height(12), truth, bool(frame.services))
    y = top + canvas.height(12) + 11  # under it 20 of marks
    canvas.line([(x, y + 20), (x + w, y + 20)], LINE, 1.5)
    step = w / frame.cycles
    for mark in range(0, frame.cycles + 1, _nice(frame.cycles)):
        canvas.text(f"{mark}", x + step * mark, y + 20, 10, FAINT, align=0.5)
    if truth:
        for place in _apart(x, step, frame.changed):
            canvas.line([(place, y - 4), (place, y + 20)], HIDDEN, 2)
    for place in _apart(x, step, [cycle for cycle in frame.deployed if cycle <= frame.time]):
        canvas.line([(place, y), (place, y + 20)], TRAIN, 2)
    if frame.services:
        _lineage(canvas, frame, x, step, y + 22 + canvas.height(10))
    half = max(1.5, min(4.5, step / 2))
    middles = frame.since + np.arange(len(frame.decisions)) + 0.5
    for place in _apart(x, step, middles[frame.decisions == Action.INTERVENE]):
        canvas.polygon([(place - half, y + 19), (place + half, y + 19), (place, y + 9)], HAND)
    for place in _apart(x, step, middles[frame.decisions == Action.RETRAIN]):
        canvas.square(place, y + 4, TRAIN)
    for place in _apart(x, step, middles[frame.decisions == Action.FINE_TUNE]):
        canvas.diamond(place, y + 4, COLOURS["fine_tune"])
    for place in _apart(x, step, middles[frame.decisions == Action.ROLLBACK]):
        canvas.back(place, y + 4, COLOURS["rollback"])
    now = x + step * frame.time
    canvas.polygon([(now - 4, y - 6), (now + 4, y - 6), (now, y)], INK)


def _lineage_height(canvas: Canvas) -> float:
    return canvas.height(10) + 14


def _lineage(canvas: Canvas, frame: Frame, x: float, step: float, y: float) -> None:
    """The versions as boxes in time, and over them an arrow back for each rollback."""
    high = canvas.height(10) + 2
    top = y + 9
    ends = [*(one.since for one in frame.services[1:]), frame.time]
    held: dict[int, float] = {}  # where the last service of a version ended
    for one, end in zip(frame.services, ends, strict=True):
        left, wide = x + step * one.since, step * (end - one.since)
        canvas.box(
            left,
            top,
            wide,
            high,
            "#f3efc9" if one.tuned else "#dceaf4",
            COLOURS["fine_tune" if one.tuned else "forecast"],
        )
        name = f"{one.number}"
        if wide > canvas.width(name, 10) + 3:
            canvas.text(name, left + wide / 2, top + 1, 10, INK, align=0.5)
        if one.back and one.number in held:
            goal, colour = held[one.number] - 1, COLOURS["rollback"]
            canvas.line([(left, top), (left, top - 5), (goal, top - 5), (goal, top - 1)], colour, 1.5)
            canvas.polygon([(goal - 3, top - 4), (goal + 3, top - 4), (goal, top)], colour)
        held[one.number] = left + wide
    canvas.text("version", 18, top + 1, 9, FAINT, fit=x - 22)


def _apart(x: float, step: float, cycles: ArrayLike) -> list[float]:
    """Places of marks on the timeline; of those that would cover each other, one."""
    return np.unique(np.round((x + step * np.asarray(cycles, np.float64)) / 1.5) * 1.5).tolist()


def _timeline_legend(
    canvas: Canvas, override: str, y: float, row: float, truth: bool, services: bool
) -> None:
    middle = y + row / 2
    a = 24 + canvas.text("decisions", 24, y, 12, FAINT) + 24
    canvas.polygon([(a, middle + 4), (a + 9, middle + 4), (a + 4.5, middle - 5)], HAND)
    a += 14 + canvas.text(override, a + 14, y, 12, FAINT)
    canvas.square(a + 20, middle, TRAIN)
    a += 28 + canvas.text("retraining asked for", a + 28, y, 12, FAINT)
    canvas.line([(a + 18, middle - 6), (a + 18, middle + 7)], TRAIN, 2)
    a += 25 + canvas.text("new model", a + 25, y, 12, FAINT)
    if services:
        canvas.diamond(a + 22, middle, COLOURS["fine_tune"])
        a += 30 + canvas.text("fine-tuning", a + 30, y, 12, FAINT)
        canvas.back(a + 22, middle, COLOURS["rollback"])
        a += 31 + canvas.text("rollback", a + 31, y, 12, FAINT)
    if truth:
        canvas.line([(a + 18, middle - 6), (a + 18, middle + 7)], HIDDEN, 2)
        canvas.text("the world changed", a + 25, y, 12, HIDDEN, fit=940 - a - 25)


def _nice(cycles: int) -> int:
    """Distance between the timeline's numbers: about ten of them."""
    for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000):
        if cycles / step <= 12:
            return step
    return max(1, cycles // 10)
