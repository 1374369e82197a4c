"""The machine: incline, spring, mass and ghost, electromagnet, and who pushes."""

import math

import numpy as np

from springdrift.render.canvas import (
    EARTH,
    FAINT,
    GOOD,
    HAND,
    HIDDEN,
    INK,
    LINE,
    MODEL,
    PANEL,
    Canvas,
)
from springdrift.render.dashboard import draw_facts, error_gauge
from springdrift.render.frame import MachineFrame as Frame
from springdrift.render.panels import Chart, Gauge, Panels, Scene

METRE = 95.0  # pixels
MIDDLE = 0.21  # m, the place on the slope that stays put when it tilts
ANCHOR = -1.75  # m, where the spring hangs
BLOCK = 0.26  # m, edge of the mass
ARROW = 95.0  # pixels, of the operator's strongest push
WAYS = ((1, "+"), (-1, "−"))
BEYOND = 0.36  # m, from the lower stop to the middle of the magnet's core
DELIVERED = "force delivered"


def on_slope(frame: Frame, x: float, above: float = 0.0) -> tuple[float, float]:
    """Picture place (960 by 600) of the point ``x`` m down the slope and ``above`` m off its surface."""
    along, off = (x - MIDDLE) * METRE, above * METRE
    cosine, sine = math.cos(frame.tilt), math.sin(frame.tilt)
    return 322.0 + along * cosine + off * sine, 216.0 + along * sine - off * cosine


def magnet_of(frame: Frame) -> float:
    """Where the magnet stands, m down the slope."""
    return frame.bumpers[1] + BEYOND


def draw_scene(canvas: Canvas, frame: Frame, truth: bool) -> None:
    """The scene in its room, x 12 to 640 and y 40 to 396; with ``truth``, what no operator can see."""
    canvas.box(12, 40, 628, 356, PANEL, LINE, 4)
    canvas.clip(13, 41, 626, 354)
    ends = (ANCHOR - 0.25, frame.bumpers[1] + 0.42)
    surface = [on_slope(frame, end, -BLOCK / 2) for end in ends]
    canvas.polygon([surface[0], surface[1], (surface[1][0], 420), (surface[0][0], 420)], EARTH)
    canvas.line(surface, INK, 2)
    _scratches(canvas, frame)
    _angle(canvas, frame, surface[1])
    _bumpers(canvas, frame)
    _target(canvas, frame)
    _spring(canvas, frame)
    _magnet(canvas, frame)
    _block(canvas, frame, frame.ghost, MODEL, ghost=True)
    _block(canvas, frame, frame.x, "#3b3b3b")
    colour, half = (HAND, 5.5) if frame.by_operator else (MODEL, 2.5)
    _arrow(canvas, frame, frame.push, colour, half, BLOCK / 2 + 0.16)
    if truth:
        _arrow(canvas, frame, frame.push * frame.magnet, HIDDEN, 2.0, BLOCK / 2 + 0.36)
    _legend(canvas, frame)
    if truth:
        _hidden(canvas, frame)
    canvas.unclip()


def _scratches(canvas: Canvas, frame: Frame) -> None:
    """Wear of the surface: the more friction, the more scratches."""
    count = min(90, round(6 * frame.friction / frame.new_friction))
    for n in range(count):
        x = ANCHOR + 0.9 + 3.0 * ((n * 0.6180339887) % 1.0)
        depth = 0.03 + 0.05 * ((n * 0.7548776662) % 1.0)
        a, b = on_slope(frame, x, -BLOCK / 2 - 0.02), on_slope(frame, x - 0.05, -BLOCK / 2 - 0.02 - depth)
        canvas.line([a, b], "#8d7f66", 1)


def _angle(canvas: Canvas, frame: Frame, corner: tuple[float, float]) -> None:
    """The tilt, at the foot of the slope."""
    if frame.tilt < 0.1:
        return
    x, y = corner
    turns = np.linspace(0.0, frame.tilt, 12)
    canvas.line([(x - 84 * math.cos(turn), y - 84 * math.sin(turn)) for turn in turns], FAINT, 1)
    canvas.line([(x - 96, y), (x, y)], FAINT, 1)
    half = frame.tilt / 2
    place = (x - 112 * math.cos(half), y - 112 * math.sin(half) - canvas.height(12) / 2)
    canvas.text(f"{math.degrees(frame.tilt):.0f}°", *place, 12, FAINT, align=0.5)


def _bumpers(canvas: Canvas, frame: Frame) -> None:
    """The end stops; they stop the middle of the mass."""
    for edge, out in ((frame.bumpers[0], -1), (frame.bumpers[1], 1)):
        foot = edge + out * BLOCK / 2
        corners = [
            (foot, -BLOCK / 2),
            (foot + out * 0.07, -BLOCK / 2),
            (foot + out * 0.07, 0.12),
            (foot, 0.12),
        ]
        if out < 0:  # the spring passes over a low one
            corners = [(a, min(b, -0.05)) for a, b in corners]
        canvas.polygon([on_slope(frame, *corner) for corner in corners], "#9a948a")


def _target(canvas: Canvas, frame: Frame) -> None:
    """Marks on the surface where the swing should turn, and its middle."""
    for offset, colour in ((-frame.target, GOOD), (frame.target, GOOD), (0.0, FAINT)):
        x = frame.level + offset
        tip, reach = on_slope(frame, x, -BLOCK / 2 - 0.02), 0.12 if offset else 0.07
        a = on_slope(frame, x - 0.035, -BLOCK / 2 - reach)
        b = on_slope(frame, x + 0.035, -BLOCK / 2 - reach)
        canvas.polygon([tip, a, b], colour)


def _spring(canvas: Canvas, frame: Frame) -> None:
    """Coils from the anchor to the mass, thicker and darker the stiffer it is."""
    start, end = ANCHOR, frame.x - BLOCK / 2
    ratio = max(0.0, frame.stiffness / frame.new_stiffness)
    width = 1.2 + 2.2 * min(2.0, ratio)
    shade = round(165 - 55 * min(2.0, ratio))
    coils, height = 13, 0.085
    points = [on_slope(frame, start, 0.0), on_slope(frame, start + 0.1, 0.0)]
    body = end - start - 0.2
    for n in range(2 * coils):
        x = start + 0.1 + body * (n + 0.5) / (2 * coils)
        points.append(on_slope(frame, x, height if n % 2 else -height))
    points += [on_slope(frame, end - 0.1, 0.0), on_slope(frame, end, 0.0)]
    canvas.line(points, f"#{shade:02x}{shade:02x}{shade:02x}", width)
    wall = [(ANCHOR, -BLOCK / 2), (ANCHOR, 0.2), (ANCHOR - 0.1, 0.2), (ANCHOR - 0.1, -BLOCK / 2)]
    canvas.polygon([on_slope(frame, *corner) for corner in wall], "#6f6a62")


def _magnet(canvas: Canvas, frame: Frame) -> None:
    """The electromagnet below the lower stop. Its glow is what is asked of it: how wide, and which way.

    What it delivers is the machine's secret, so the glow does not tell.
    """
    share, magnet = abs(frame.push) / frame.strongest, magnet_of(frame)
    colour = HAND if frame.by_operator else MODEL
    x, y = on_slope(frame, magnet, 0.02)
    if share > 0.01:
        for ring in (1.0, 0.75, 0.5):
            canvas.disc(x, y, (16 + 46 * min(1.2, share)) * ring, colour, 34)
    core = [
        (magnet - 0.09, -BLOCK / 2),
        (magnet + 0.12, -BLOCK / 2),
        (magnet + 0.12, 0.16),
        (magnet - 0.09, 0.16),
    ]
    canvas.polygon([on_slope(frame, *corner) for corner in core], "#55606b")
    for n in range(4):
        at = magnet - 0.06 + 0.05 * n
        canvas.line([on_slope(frame, at, -BLOCK / 2), on_slope(frame, at, 0.16)], "#c58b3b", 2.4)
    if share > 0.01:
        _chevrons(canvas, frame, share, colour)


def _chevrons(canvas: Canvas, frame: Frame, share: float, colour: str) -> None:
    """Over the magnet: up the slope when it pushes the mass away, down the slope when it pulls it in."""
    way = math.copysign(1.0, frame.push)
    large = 0.05 + 0.07 * min(1.0, share)
    for n in (-1, 0, 1):
        tip = magnet_of(frame) + 0.015 + n * 1.3 * large + way * large / 2
        points = [(tip - way * large, 0.29 + large), (tip, 0.29), (tip - way * large, 0.29 - large)]
        canvas.line([on_slope(frame, *point) for point in points], colour, 1.6 + 1.8 * min(1.0, share))


def _block(canvas: Canvas, frame: Frame, x: float, colour: str, ghost: bool = False) -> None:
    half = BLOCK / 2
    corners = [on_slope(frame, x + a * half, b * half) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    canvas.polygon(corners, colour, 70 if ghost else 255)
    if ghost:
        canvas.line([*corners, corners[0]], colour, 1.6)
    else:
        canvas.disc(*on_slope(frame, x, 0.0), 3, "#ffffff")


def _arrow(canvas: Canvas, frame: Frame, force: float, colour: str, half: float, above: float) -> None:
    """A force on the mass: thin from the controller, thick by hand; its length is its size."""
    length = ARROW * force / frame.strongest
    if abs(length) < 1.0:
        return
    half = min(half, abs(length) / 2.2)  # a short one is small, not a stroke across
    out = math.copysign(2.2 * half, length)
    metres = [n / METRE for n in (0.0, length - out, length)]
    body = [(metres[0], -half), (metres[1], -half), (metres[1], half), (metres[0], half)]
    head = [(metres[1], -2.4 * half), (metres[2], 0.0), (metres[1], 2.4 * half)]
    for part in (body, head):
        canvas.polygon([on_slope(frame, frame.x + a, above + b / METRE) for a, b in part], colour)


def _legend(canvas: Canvas, frame: Frame) -> None:
    y = 391 - canvas.height(12)
    middle = y + canvas.height(12) / 2 - 6
    canvas.box(26, middle, 12, 12, "#3b3b3b")
    x = 44 + canvas.text("mass", 44, y, 12, FAINT)
    canvas.box(x + 14, middle, 12, 12, "#b8d3e6", MODEL)
    x += 32
    who, colour = ("pushed by hand", HAND) if frame.by_operator else ("pushed by the model", MODEL)
    width = canvas.text(who, 626, y, 12, colour, bold=frame.by_operator, align=1)
    canvas.text("where the model forecasts it", x, y, 12, FAINT, fit=626 - width - 14 - x)
    y -= canvas.height(12) + 4
    canvas.polygon([(26, y + 11), (38, y + 11), (32, y + 2)], GOOD)
    canvas.text("where the swing should turn", 44, y - 1, 12, FAINT, fit=300)


def _hidden(canvas: Canvas, frame: Frame) -> None:
    """What no operator can see, where the machine leaves room: over a steep slope, under a flat one."""
    facts = [
        ("stiffness", f"{frame.stiffness:.1f} N/m"),
        ("friction", f"{frame.friction:.3f}"),
        ("tilt", f"{math.degrees(frame.tilt):.1f}°"),
        ("magnet", f"{100 * frame.magnet:.0f} %"),
        (DELIVERED, f"{frame.push * frame.magnet:.3f} N"),
        ("unseen force", f"{frame.drive:.2f} N"),
        ("driver key", f"{frame.driver_key}"),
    ]
    if frame.damping:
        facts.insert(1, ("damping", f"{frame.damping:.2f} N s/m"))
    if frame.cubic:
        facts.insert(1, ("hardening", f"{frame.cubic:.1f} N/m³"))
    flat = frame.tilt < 0.3
    columns, wide, high = (2, 400, 108) if flat else (1, 200, 175)
    over = 386 - 2 * (canvas.height(12) + 4)  # the legend
    draw_facts(
        *(canvas, "the hidden truth", facts, columns, wide, high),
        lambda w, h: (26.0, over - h) if flat else (630 - w, 50.0),
        {DELIVERED: HIDDEN},
    )


def _panels(frame: Frame, truth: bool) -> Panels:
    swings = frame.swings / frame.target
    latest = f"{100 * swings[-1]:.0f} %" if len(swings) else "–"
    edges = tuple((frame.level + way * frame.target, f"{sign}{frame.target:g} m") for way, sign in WAYS)
    return Panels(
        (
            error_gauge(frame, "forecast error, of the target's rms"),
            Gauge("swing; dashed: target", swings, 1.0, GOOD, latest),
        ),
        Chart(frame.level - 0.75, frame.level + 0.75, (*edges, (frame.level, ""))),
        "pushed by hand",
    )


def _lines(frame: Frame, width: int) -> tuple[str, ...]:
    """The machine as text: ``#`` the mass, ``o`` where the model forecasts it, ``<`` and ``>`` the push,
    doubled by hand.
    """
    low, high = frame.bumpers
    track = ["."] * width

    def column(x: float) -> int:
        return int(np.clip(round((x - low) / (high - low) * (width - 1)), 0, width - 1))

    for mark in (-frame.target, frame.target):
        track[column(frame.level + mark)] = "|"
    track[column(frame.ghost)] = "o"
    track[column(frame.x)] = "#"
    arrow = (">" if frame.push > 0 else "<" if frame.push < 0 else " ") * (2 if frame.by_operator else 1)
    error = f"{frame.errors[-1]:.2f}" if len(frame.errors) else "-"
    swing = f"{100 * frame.swings[-1] / frame.target:.0f} %" if len(frame.swings) else "-"
    who = "by hand" if frame.by_operator else "by the model"
    return (
        f"[{''.join(track)}]",
        f"push {arrow} {abs(frame.push):.2f} N {who}  error {error}  swing {swing} of target",
    )


MACHINE = Scene(draw_scene, _panels, _lines)
