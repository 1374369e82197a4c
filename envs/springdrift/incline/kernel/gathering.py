"""Lanes whose episodes begin, gathered in blocks of their own for commissioning, and brought home again."""

from typing import Any

import numpy as np

from springdrift.game.jit import allocating
from springdrift.incline import plan as P
from springdrift.incline.machine import PROBING, RETRAINING
from springdrift.incline.outputs import REWARD
from springdrift.incline.state import COMMISSIONING_CYCLES, KEYS, ROWS, TURNS

from . import LANES
from . import layout as L
from .start import commission, draw_episode


@allocating(slow=True, lanes=lambda chosen, *_: chosen.shape[0])
def gather(
    chosen: Any,
    starts: Any,
    real: Any,
    keys: Any,
    plans: Any,
    substeps: int,
    own: Any,
    words: Any,
    asked: Any,
) -> None:
    """Draw the next episodes of some lanes into blocks of their own, where commissioning begins.

    Args:
        chosen: (n,) lanes of the batch.
        starts: row of ``plans`` for each lane of the batch: the scenario of its next episode.
        real, keys: storage of the batch; its blocks may have another width.
        plans: the scenario table's.
        substeps: of an interval.
        own: (blocks, ROWS * LANES) of zeros, receives the lanes, one after the other.
        words: (blocks, 5 * LANES) receives their keys.
        asked: (3, blocks * LANES) of zeros, receives decisions: those of commissioning, then a retraining
            where there are records to fit, then none.
    """
    width = real.shape[1] // ROWS
    for block in range(own.shape[0]):
        s, w = own[block], words[block]
        for i in range(LANES):
            lane = chosen[min(block * LANES + i, chosen.shape[0] - 1)]  # idle places repeat the last lane
            for k in range(len(KEYS)):
                w[k * LANES + i] = keys[lane // width, k * width + lane % width]
            draw_episode(s, w, i, starts[lane], plans, substeps)
            # so that its rings stand as those of its neighbours when it comes to them
            turn = int(real[lane // width, L.TURN // LANES * width + lane % width])
            s[L.TURN + i] = (turn + TURNS - COMMISSIONING_CYCLES) % TURNS
            asked[0, block * LANES + i] = int(PROBING)
            if plans[int(s[L.SCENARIO + i]), P.COLD_START] <= 0.0:
                asked[1, block * LANES + i] = int(RETRAINING)


@allocating(lanes=lambda own, *_: own.shape[0] * LANES)
def settle(own: Any, words: Any, plans: Any) -> None:
    """End the commissioning of all lanes in ``own``; the model that was fitted is deployed."""
    for block in range(own.shape[0]):
        s = own[block]
        for i in range(LANES):
            commission(s, words[block], i, plans[int(s[L.SCENARIO + i])])
            words[block, L.EPISODE + i] += np.uint32(1)


@allocating(lanes=lambda own, *_: own.shape[0] * LANES)
def deliver(
    own: Any,
    words: Any,
    chosen: Any,
    seen: Any,
    known: Any,
    real: Any,
    keys: Any,
    obs: Any,
    bill: Any,
    truth: Any,
) -> None:
    """Bring the lanes in ``own`` home to ``chosen`` in the batch, with what is ``seen`` and ``known``.

    Terms become 0; reward and end are left as they are.
    """
    width, count = real.shape[1] // ROWS, chosen.shape[0]
    blocks, lanes = chosen // width, chosen % width
    for first in range(0, count, LANES):
        s, w, last = own[first // LANES], words[first // LANES], min(first + LANES, count)
        for r in range(ROWS):  # lanes within: neighbours lie in one cache line
            for n in range(first, last):
                real[blocks[n], r * width + lanes[n]] = s[r * LANES + n - first]
        for k in range(len(KEYS)):
            for n in range(first, last):
                keys[blocks[n], k * width + lanes[n]] = w[k * LANES + n - first]
    for n in range(count):
        for column in range(obs.shape[1]):
            obs[chosen[n], column] = seen[n, column]
    for column in range(truth.shape[0]):
        for n in range(count):
            truth[column, chosen[n]] = known[column, n]
    for term in range(REWARD):
        for n in range(count):
            bill[term, chosen[n]] = 0.0
