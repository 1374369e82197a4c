"""How the world drifts: what its laws are in an episode, and what they do in a cycle.

Nothing here reads what the agent did.

Parameter ``p`` is, this cycle, its seasonless value and its season: ``p = base + A sin(phase)``, where
``base += trend + walk * N(0, 1)`` from the onset on, within its bounds.
"""

from typing import Any

import numpy as np

from springdrift.game import streams
from springdrift.game.jit import compiled, inlined
from springdrift.incline import plan as P
from springdrift.incline.dynamics import clamp
from springdrift.incline.machine import ZERO

from . import LANES
from . import layout as L
from . import scratch as T
from .draws import PARAMETERS, turn, words


@compiled
def draw_laws(s: Any, w: Any, i: int, plan: Any) -> None:
    """What the drift laws of the scenario are in this episode."""
    for p in range(PARAMETERS):
        place = p * LANES + i
        a, b = words(w, i, 0.0, streams.BIRTH + 1 + p)
        rate = plan[P.TREND_LOW + p] + streams.uniform(a) * (plan[P.TREND_HIGH + p] - plan[P.TREND_LOW + p])
        mirrored = plan[P.EITHER_WAY + p] > 0.0 and streams.uniform(b) < 0.5
        s[L.TREND + place] = -rate if mirrored else rate
        s[L.BASE + place] = plan[P.BASE + p]
        s[L.IN_FORCE + place] = plan[P.BASE + p]
        s[L.WALK + place] = plan[P.WALK + p]
        s[L.LOW + place] = plan[P.LOW + p]
        s[L.HIGH + place] = plan[P.HIGH + p]
        s[L.SEASON + place] = plan[P.SEASON + p]
    a, b = words(w, i, 0.0, streams.BIRTH + 1 + PARAMETERS)
    s[L.SEASON_SIN + i], s[L.SEASON_COS + i] = turn(2.0 * float(streams.uniform(a)) - 1.0)
    s[L.SEASON_TURN_SIN + i], s[L.SEASON_TURN_COS + i] = turn(2.0 / plan[P.SEASON_PERIOD])
    s[L.DRIVE_SIN + i], s[L.DRIVE_COS + i] = turn(2.0 * float(streams.uniform(b)) - 1.0)
    s[L.SHOCK_RATE + i] = plan[P.SHOCK_RATE]
    s[L.SHOCK_SIZE + i] = plan[P.SHOCK_SIZE]
    s[L.OUTLIER_RATE + i] = plan[P.OUTLIER_RATE]
    s[L.OUTLIER_SIZE + i] = plan[P.OUTLIER_SIZE]
    s[L.DROPOUT_RATE + i] = plan[P.DROPOUT_RATE]
    s[L.BAD_RELEASE + i] = plan[P.BAD_RELEASE]


@inlined
def _reflect(value: Any, low: Any, high: Any) -> Any:
    """Fold a value that stepped over a bound back inside; one fold is enough for a step below the width."""
    value = low + abs(value - low)
    return high - abs(high - value)


@inlined
def _jump_to(draw: Any, now: Any, low: Any, high: Any, least: Any) -> Any:
    """A uniform draw from [low, high] less the points nearer than ``least`` to where the parameter is."""
    left = max(0.0, min(now - least, high) - low)
    right = max(0.0, high - max(now + least, low))
    place = draw * (left + right)
    return low + place if place < left else high - right + (place - left)


@compiled
def _change(s: Any, w: Any, i: int, plan: Any) -> None:
    """An abrupt change in one lane: jumps, the next driver row, and the time of the next change."""
    cycle = s[L.CYCLE + i]
    changed = False
    for p in range(PARAMETERS):
        least = plan[P.LEAST + p]
        if least >= 0.0:
            a, _ = words(w, i, cycle, streams.CHANGE + 1 + p)
            now = float(s[L.BASE + p * LANES + i])
            low, high = plan[P.JUMP_LOW + p], plan[P.JUMP_HIGH + p]
            s[L.BASE + p * LANES + i] = _jump_to(float(streams.uniform(a)), now, low, high, least)
            changed = True
    a, b = words(w, i, cycle, streams.CHANGE)
    rows = int(plan[P.ROWS])
    if rows > 0:
        key = (int(s[L.DRIVER_KEY + i]) + 1 + int(float(streams.uniform(a)) * (rows - 1))) % rows
        s[L.DRIVER_KEY + i] = key
        for p in range(PARAMETERS):
            value = plan[P.DRIVERS + key * PARAMETERS + p]
            if not np.isnan(value):
                s[L.BASE + p * LANES + i] = value
        changed = True
    if changed:
        s[L.LAST_CHANGE + i] = cycle
    gap = plan[P.GAP_LOW] + np.floor(streams.uniform(b) * (plan[P.GAP_HIGH] - plan[P.GAP_LOW] + 1.0))
    s[L.NEXT_CHANGE + i] = cycle + gap


@compiled
def drift(s: Any, w: Any, t: Any, plans: Any) -> None:
    """Move the world by one cycle."""
    due = 0
    for i in range(LANES):
        due += 1 if s[L.CYCLE + i] == s[L.NEXT_CHANGE + i] else 0
    if due > 0:
        for i in range(LANES):
            if s[L.CYCLE + i] == s[L.NEXT_CHANGE + i]:
                _change(s, w, i, plans[int(s[L.SCENARIO + i])])
    for i in range(LANES):
        sine, cosine = s[L.SEASON_SIN + i], s[L.SEASON_COS + i]
        s[L.SEASON_SIN + i] = sine * s[L.SEASON_TURN_COS + i] + cosine * s[L.SEASON_TURN_SIN + i]
        s[L.SEASON_COS + i] = cosine * s[L.SEASON_TURN_COS + i] - sine * s[L.SEASON_TURN_SIN + i]
    for p in range(PARAMETERS):
        for i in range(LANES):
            place = p * LANES + i
            move = s[L.TREND + place] + s[L.WALK + place] * t[T.WALKS + place]
            now = s[L.BASE + place]
            moved = now + (move if s[L.CYCLE + i] >= s[L.ONSET + i] else ZERO)
            held = clamp(moved, s[L.LOW + place], s[L.HIGH + place])
            folded = _reflect(moved, s[L.LOW + place], s[L.HIGH + place])
            now = held if s[L.TREND + place] != ZERO else folded
            s[L.BASE + place] = now
            s[L.IN_FORCE + place] = now + s[L.SEASON + place] * s[L.SEASON_SIN + i]
    for i in range(LANES):
        moving = ZERO
        for p in range(PARAMETERS):
            moving += abs(s[L.TREND + p * LANES + i]) + s[L.WALK + p * LANES + i]
        started = s[L.CYCLE + i] == s[L.ONSET + i] and moving > ZERO
        s[L.LAST_CHANGE + i] = s[L.CYCLE + i] if started else s[L.LAST_CHANGE + i]
