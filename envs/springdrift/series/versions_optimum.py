"""The exact optimum with five decisions: versions that are fine-tuned, go wrong, and are gone back to.

What a cycle costs depends on the version in service, and what can be done on the one before it and on the
one in training: too many states to try them all. A relaxed problem is small enough: there the version before
may turn, in each cycle, into whichever fine-tuning of the same retraining, older than the version in service,
is cheapest. What it costs from any state on is never more than the truth, so a best-first search that is
guided by it (A*, [1]) ends with the optimum, and with the proof of it.

[1] P. Hart, N. Nilsson, B. Raphael, A formal basis for the heuristic determination of minimum cost paths,
IEEE Transactions on Systems Science and Cybernetics 4, 1968.
"""

import heapq
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift.game.actions import Action
from springdrift.series.optimum import Schedule, optimum, terms_of
from springdrift.series.versions_problem import (
    COMMISSIONED,
    OpsProblem,
    Version,
    cost_in,
    deployed_in,
    triangle,
)

WAIT, INTERVENE, RETRAIN, FINE_TUNE, ROLLBACK = Action
Floats = NDArray[np.float64]


# ---------------------------------------------------------------- the relaxed problem


class _Bounds(NamedTuple):
    """What the relaxed problem costs from cycle t on, with no model in training.

    Each of the four is a list by cycle of arrays by ``triangle(i, q)``: the version in service, or the one
    before it, is what was asked for in cycle q, a retraining (``fresh``) or a fine-tuning of fit i
    (``tuned``); the other of the two is fit i, or a fine-tuning of it from before.
    """

    fresh: list[Floats]
    fresh_before: list[Floats]  # the one asked for in q is the one before
    tuned: list[Floats]
    tuned_before: list[Floats]
    alone: Floats  # (T + 1,) no version before


def _older(p: OpsProblem) -> Floats:
    """The least that fit i or a fine-tuning of it from before cycle q costs in each cycle, by triangle."""
    found = np.empty_like(p.tuned)
    for q in range(p.cycles):
        row, last = triangle(0, q), triangle(0, q - 1) if q else 0
        found[row : row + q] = np.minimum(found[last : last + q], p.tuned[last : last + q])
        found[row + q] = p.fits[q]
    return found


def _bounds(p: OpsProblem) -> _Bounds:
    """Solve the relaxed problem by dynamic programming, from the deadline back."""
    cycles, older = p.cycles, _older(p)
    anchors = np.concatenate([np.arange(q + 1) for q in range(cycles)])
    asked = np.repeat(np.arange(cycles), np.arange(1, cycles + 1))
    size = triangle(0, cycles)
    ends = [np.zeros(size) for _ in range(4)]
    kinds: tuple[list[Floats], ...] = ([], [], [], [])
    bare = np.zeros(cycles + 1)
    flights: dict[int, list[Floats]] = {}  # by the cycle of the request: as the four, while it is in training
    alone: dict[int, float] = {}
    after, alone_after = ends, 0.0
    for t in reversed(range(cycles)):
        n = triangle(0, t + 1)  # versions asked for up to this cycle
        own = (p.fits[asked[:n] + 1, t], p.tuned[:n, t])
        other, anchor = older[:n, t], anchors[:n]
        goes_back = (asked[:n] + 1, anchor)  # what a retraining, and a fine-tuning, goes back to
        now_flights: dict[int, list[Floats]] = {}
        now_alone: dict[int, float] = {}

        def landed(q: int, fits: Any, after: list[Floats] = after) -> Any:
            return after[0][triangle(np.minimum(fits, q), q)]

        for q in range(max(0, t - p.latency - max(0, p.release_every)), t + 1):
            lands = deployed_in(q, p.latency, p.release_every)
            if lands <= t:
                continue
            parts: list[Floats] = []
            for kind in range(2):
                if lands == t + 1 < cycles:
                    new, old = landed(q, goes_back[kind]), landed(q, anchor)
                elif t + 1 == cycles:
                    new = old = np.zeros(n)
                else:
                    new, old = (one[:n] for one in flights[q][2 * kind : 2 * kind + 2])
                if q == t:  # the request itself is this cycle's decision
                    parts += [own[kind] + new, other + old]
                    continue
                mine, theirs = np.minimum(own[kind], p.naive[t]), np.minimum(other, p.naive[t])
                parts += [
                    np.minimum(mine + new, p.rollback + other + old),
                    np.minimum(theirs + old, p.rollback + own[kind] + new),
                ]
            now_flights[q] = parts
            last = landed(q, 0) if lands == t + 1 < cycles else alone.get(q, 0.0) if t + 1 < cycles else 0.0
            serving = p.fits[0, t] if q == t else min(p.fits[0, t], p.naive[t])
            now_alone[q] = float(serving + last)
        values: list[Floats] = []
        for kind in range(2):
            new, old = after[2 * kind][:n], after[2 * kind + 1][:n]
            mine, theirs = np.minimum(own[kind], p.naive[t]), np.minimum(other, p.naive[t])
            rows = triangle(np.minimum(goes_back[kind], t), t), triangle(anchor, t)
            values += [
                np.minimum.reduce(
                    [
                        mine + new,
                        p.rollback + other + old,
                        p.fine_tune + own[kind] + after[2][rows[0]],
                        p.retrain + now_flights[t][2 * kind],
                    ]
                ),
                np.minimum.reduce(
                    [
                        theirs + old,
                        p.rollback + own[kind] + new,
                        p.fine_tune + other + after[2][rows[1]],
                        p.retrain + now_flights[t][2 * kind + 1],
                    ]
                ),
            ]
        alone_now = min(
            min(p.fits[0, t], p.naive[t]) + alone_after,
            p.fine_tune + p.fits[0, t] + after[2][triangle(0, t)],
            p.retrain + now_alone[t],
        )
        bare[t] = alone_now
        for whose, value in zip(kinds, values, strict=True):
            whose.insert(0, value)
        flights, alone, alone_after = now_flights, now_alone, alone_now
        after = [np.concatenate((value, np.zeros(size - n))) for value in values]
    return _Bounds(kinds[0], kinds[1], kinds[2], kinds[3], bare)


def _bound(bounds: _Bounds, t: int, serving: Version, before: Version | None) -> float:
    """The least that an episode costs from cycle ``t`` on."""
    if before is None or t >= len(bounds.fresh):
        return float(bounds.alone[t])
    newer, older = (serving, before) if _is_newer(serving, before) else (before, serving)
    kind = 2 * newer.tuned + (newer is before)
    return float(bounds[kind][t][triangle(older.anchor, newer.asked)])


def _is_newer(one: Version, other: Version) -> bool:
    return one.asked > other.asked


# ---------------------------------------------------------------- the search


class _Node(NamedTuple):
    cycle: int
    serving: Version
    before: Version | None


Step = tuple[float, _Node, tuple[int, ...]]  # cost, where it leads, decisions


def _flight(p: OpsProblem, node: _Node) -> list[Step]:
    """Ask for a retraining: the cheapest way to its deployment for each version that may then serve."""
    t, serving, before = node
    lands = min(deployed_in(t, p.latency, p.release_every), p.cycles)
    ways: dict[Version, tuple[float, tuple[int, ...], Version | None]] = {
        serving: (p.retrain + cost_in(p, serving, t), (int(RETRAIN),), before)
    }
    for cycle in range(t + 1, lands):
        override, onward = float(p.naive[cycle]), dict(ways)
        onward.clear()
        for version, (paid, made, other) in ways.items():
            own = cost_in(p, version, cycle)
            kept = paid + min(own, override), (*made, int(INTERVENE if override < own else WAIT)), other
            if version not in onward or kept[0] < onward[version][0]:
                onward[version] = kept
            if other is not None:
                back = paid + p.rollback + cost_in(p, other, cycle), (*made, int(ROLLBACK)), version
                if other not in onward or back[0] < onward[other][0]:
                    onward[other] = back
        ways = onward
    fresh = Version(t + 1, t, False)
    return [(paid, _Node(lands, fresh, version), made) for version, (paid, made, _) in ways.items()]


def _steps(p: OpsProblem, node: _Node) -> list[Step]:
    """Every decision that a state allows, no model being in training."""
    t, serving, before = node
    own, override = cost_in(p, serving, t), float(p.naive[t])
    tuned = Version(serving.anchor, t, True)
    found: list[Step] = [
        (
            min(own, override),
            _Node(t + 1, serving, before),
            (int(INTERVENE if override < own else WAIT),),
        ),
        (p.fine_tune + own, _Node(t + 1, tuned, serving), (int(FINE_TUNE),)),
        *_flight(p, node),
    ]
    if before is not None:
        paid = p.rollback + cost_in(p, before, t)
        found.append((paid, _Node(t + 1, before, serving), (int(ROLLBACK),)))
    return found


@optimum.register
def ops_optimum(p: OpsProblem) -> Schedule:
    """The cheapest schedule with five decisions, and its cost; exact."""
    bounds, order = _bounds(p), count()
    start = _Node(0, COMMISSIONED, None)
    best: dict[_Node, float] = {start: 0.0}
    came: dict[_Node, tuple[_Node, tuple[int, ...]]] = {}
    queue = [(_bound(bounds, 0, COMMISSIONED, None), 0, next(order), 0.0, start)]
    while queue:
        _, _, _, paid, node = heapq.heappop(queue)
        if paid > best[node]:
            continue
        if node.cycle >= p.cycles:
            break
        for cost, onward, made in _steps(p, node):
            total = paid + cost
            if total < best.get(onward, np.inf):
                best[onward], came[onward] = total, (node, made)
                bound = total + _bound(bounds, onward.cycle, onward.serving, onward.before)
                heapq.heappush(queue, (bound, -onward.cycle, next(order), total, onward))
    decisions: tuple[int, ...] = ()
    while node != start:
        node, made = came[node]
        decisions = (*made, *decisions)
    actions = np.array(decisions, np.int64)
    return Schedule(actions, sum(terms_of(p, actions).values()))
