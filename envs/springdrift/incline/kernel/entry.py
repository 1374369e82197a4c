"""What Python calls: one cycle of some blocks, the start of episodes, and a cycle followed for a picture."""

from typing import Any, NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from springdrift.game.jit import allocating, compiled, side_by_side
from springdrift.incline.machine import F
from springdrift.incline.observation import NOTHING, OPS_MODES
from springdrift.incline.outputs import BILL
from springdrift.incline.state import COMMISSIONING_CYCLES, KEYS, ROWS

from . import LANES
from . import layout as L
from .draws import draw
from .drift import drift
from .gathering import deliver, gather, settle
from .motion import move, recall
from .output import charge, observe, report
from .scratch import scratch
from .sensing import assess, measure, record
from .training import decide, ship
from .versions import shadow

TOGETHER = 8  # blocks that start their episodes side by side


class Rules(NamedTuple):
    """What a batch has in common. Put together within the kernel: a flat call is three times cheaper."""

    plans: NDArray[np.float64]  # (S, PLAN_SIZE)
    costs: NDArray[np.float64]  # (8,)
    latency: int  # cycles from the request of a retraining to its deployment
    substeps: int  # of an interval
    versions: bool  # whether what the version before would have said is shown


@compiled
def _cycle(s: Any, w: Any, t: Any, rules: Any, path: Any) -> None:
    """One whole cycle of a block, once the decisions that stand in the state are taken."""
    draw(s, w, t)
    drift(s, w, t, rules.plans)
    recall(s, t)
    move(s, t, rules.substeps, path)
    measure(s, t)
    assess(s, t)
    if rules.versions:
        shadow(s, t)
    record(s, t)
    ship(s, w)


@allocating(slow=True, lanes=lambda actions, *_: actions.shape[0], cycle=True)
def advance(
    actions: Any,
    first: int,
    last: int,
    real: Any,
    keys: Any,
    plans: Any,
    costs: Any,
    latency: int,
    substeps: int,
    mode: int,
    obs: Any,
    bill: Any,
    truth: Any,
    path: Any,
) -> int:
    """One cycle of the blocks from ``first`` up to ``last``; returns how many episodes ended.

    ``substeps`` are those of an interval: with 0 the decisions are taken and no time passes. The results go
    where :class:`~springdrift.incline.outputs.Outputs` says, or nowhere if ``mode`` is NOTHING. ``path``,
    (8 * substeps + 1, LANES), receives where the mass went in the last of the blocks, m; (0, LANES) for
    nothing.
    """
    rules = Rules(plans, costs, latency, substeps, mode >= OPS_MODES)
    t, o, c = scratch(), np.empty(obs.shape[1] * LANES, F), np.empty(BILL * LANES)
    ended = 0
    for block in range(first, last):
        s, w = real[block], keys[block]
        lane = block * LANES
        asked = actions[lane : lane + LANES]
        for i in range(asked.shape[0]):
            s[L.DECISION + i] = asked[i]
        decide(s, latency)
        if substeps > 0:
            _cycle(s, w, t, rules, path)
        if mode != NOTHING:
            observe(s, o, latency, mode)
            charge(s, costs, c)
            ended += report(s, o, c, lane, obs, bill, truth)
    return ended


@side_by_side
def advance_together(
    edges: Any,
    actions: Any,
    real: Any,
    keys: Any,
    plans: Any,
    costs: Any,
    latency: int,
    substeps: int,
    mode: int,
    obs: Any,
    bill: Any,
    truth: Any,
    path: Any,
) -> int:
    """:func:`advance` of the blocks between each two ``edges``, side by side in Numba's threads."""
    ended = 0
    for part in prange(edges.shape[0] - 1):
        ended += advance(
            actions,
            edges[part],
            edges[part + 1],
            real,
            keys,
            plans,
            costs,
            latency,
            substeps,
            mode,
            obs,
            bill,
            truth,
            path,
        )
    return ended


@allocating(slow=True)
def begin(
    chosen: Any,
    starts: Any,
    real: Any,
    keys: Any,
    plans: Any,
    costs: Any,
    latency: int,
    substeps: int,
    mode: int,
    obs: Any,
    bill: Any,
    truth: Any,
    path: Any,
) -> None:
    """Start the next episode in the lanes ``chosen``, of scenario row ``starts[lane]``.

    For commissioning the lanes are gathered in blocks of their own: six cycles in which the magnet pushes
    at random and nothing drifts, then a retraining that is deployed at once, unless the start is a cold
    one. Observation, terms and truth of these lanes are reported; reward and end are left as they are.
    """
    count = chosen.shape[0]
    blocks = (count + LANES - 1) // LANES
    own, words = np.zeros((blocks, ROWS * LANES), F), np.zeros((blocks, len(KEYS) * LANES), np.uint32)
    asked = np.zeros((3, blocks * LANES), np.int64)
    seen, known = np.empty((count, obs.shape[1]), F), np.empty((truth.shape[0], count), F)
    owed = np.empty((BILL, count))
    gather(chosen, starts, real, keys, plans, substeps, own, words, asked)
    probing, fitting, waiting = asked[0], asked[1], asked[2]
    common = plans, costs, latency
    for _ in range(COMMISSIONING_CYCLES):
        advance(probing, 0, blocks, own, words, *common, substeps, NOTHING, seen, owed, known, path)
    advance(fitting, 0, blocks, own, words, *common, 0, NOTHING, seen, owed, known, path)
    settle(own, words, plans)
    advance(waiting, 0, blocks, own, words, *common, 0, mode, seen, owed, known, path)
    deliver(own, words, chosen, seen, known, real, keys, obs, bill, truth)


_begin = getattr(begin, "py_func", begin)


def begin_all(chosen: NDArray[np.intp], *arguments: Any) -> None:
    """:func:`begin` from Python, some blocks at a time: the cycle is compiled once, for :func:`advance`."""
    for first in range(0, chosen.size, TOGETHER * LANES):
        _begin(chosen[first : first + TOGETHER * LANES], *arguments)


@allocating(lanes=lambda *_: LANES)
def show(s: Any, o: Any, latency: int, mode: int) -> None:
    """The observation of a block once more, o[column * LANES + lane]; called from Python."""
    observe(s, o, latency, mode)
