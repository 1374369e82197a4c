"""The exact optimum with five decisions: versions that are fine-tuned, go wrong, and are gone back to.

Only two versions can serve: the newest one, and the one that served as it landed. So the state of an episode
is its cycle, such a pair, and which of the two serves. Dynamic programming goes from the deadline back to the
first cycle and holds all pairs, some ``T ** 3 / 3``, in one array. An entry is no longer changed before the
cycle in which the newest version lands, so that at the end it says what an episode costs from that landing
on: all that it takes to find the cheapest path between two landings, one after the other.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift.game.actions import Action
from springdrift.game.jit import allocating, compiled, inlined
from springdrift.series.optimum import Schedule, deployed_in, optimum, terms_of
from springdrift.series.versions_problem import NONE, OpsProblem

WAIT, INTERVENE, RETRAIN, FINE_TUNE, ROLLBACK = (int(one) for one in Action)
MOST_OPS_CYCLES = (
    400  # cycles: 0.9 GB and about a minute; twice as many take eight times the space and 16 the time
)
FRESH, TUNED = range(2)  # what the newest version of a pair is
NEWER, OLDER = range(2)  # which version of a pair serves


class _Episode(NamedTuple):
    """A problem by cycle and version: fine-tunings in the order of their triangle, then fits."""

    own: NDArray[np.float64]  # (T, versions) what serving a version costs
    naive: NDArray[np.float64]  # (T,) of the safe baseline, its fee included
    fit: int  # place of fit 0
    retrain: float
    fine_tune: float
    rollback: float
    latency: int
    release_every: int


@inlined
def _tunings(q: Any) -> Any:
    """Fine-tunings that can be asked for before cycle ``q``."""
    return q * (q + 1) // 2


@inlined
def _pairs(q: Any) -> Any:
    """Pairs of each kind whose newest version is asked for before cycle ``q``.

    With one that is asked for in a cycle q go the fine-tunings from before q, and then the fits 0 to q.
    """
    return q * (q + 1) * (q + 2) // 6


@inlined
def _entry(e: Any, q: Any, version: Any) -> Any:
    """Where the pair is of the newest version, asked for in cycle ``q``, and another one."""
    place = version if version < e.fit else _tunings(q) + version - e.fit
    return _pairs(q) + place


@inlined
def _less(a: Any, b: Any) -> Any:
    return a if a < b else b


@inlined
def _cost(e: Any, t: Any, version: Any) -> Any:
    """What serving a version costs in a cycle; infinite for none."""
    return e.own[t, version] if version != NONE else np.inf


@compiled(arrays=True)
def _row(e: Any, value: Any, t: int, kind: int, q: int, other: int, count: int, room: Any) -> None:
    """Take ``count`` pairs that lie side by side from what they cost after cycle ``t`` to what from it on.

    Args:
        e: the episode.
        value: (2, 2, pairs) what an episode costs, by kind of the newest version, which serves, and pair.
        t: cycle.
        kind: FRESH or TUNED.
        q: cycle in which the newest version was asked for.
        other: the first pair's other version; the next pair has the next one.
        count: pairs.
        room: (2, count) scratch: what it costs from the next cycle on when a retraining is asked for.
    """
    newest, step = (e.fit + q + 1, 0) if kind == FRESH else (_tunings(q), 1)
    here, after_newest, after_other = _entry(e, q, other), _entry(e, t, newest), _entry(e, t, other)
    newer, older = value[kind, NEWER, here : here + count], value[kind, OLDER, here : here + count]
    fresh, tuned = value[FRESH, NEWER], value[TUNED, NEWER]
    for k in range(count):
        room[NEWER, k], room[OLDER, k] = fresh[after_newest + step * k], fresh[after_other + k]
    lands = min(deployed_in(t, e.latency, e.release_every), e.naive.shape[0])
    for back in range(lands - t - 1):
        c = lands - 1 - back
        for k in range(count):
            mine, theirs = e.own[c, newest + step * k], e.own[c, other + k]
            a, b = room[NEWER, k], room[OLDER, k]
            room[NEWER, k] = _less(_less(mine, e.naive[c]) + a, e.rollback + theirs + b)
            room[OLDER, k] = _less(_less(theirs, e.naive[c]) + b, e.rollback + mine + a)
    for k in range(count):
        mine, theirs = e.own[t, newest + step * k], e.own[t, other + k]
        a, b = newer[k], older[k]
        newer[k] = _less(
            _less(_less(mine, e.naive[t]) + a, e.rollback + theirs + b),
            mine + _less(e.fine_tune + tuned[after_newest + step * k], e.retrain + room[NEWER, k]),
        )
        older[k] = _less(
            _less(_less(theirs, e.naive[t]) + b, e.rollback + mine + a),
            theirs + _less(e.fine_tune + tuned[after_other + k], e.retrain + room[OLDER, k]),
        )


@allocating
def _landings(e: Any) -> Any:
    """What an episode costs from each landing on, (2, 2, pairs)."""
    cycles = e.naive.shape[0]
    value, room = np.zeros((2, 2, _pairs(cycles))), np.empty((2, cycles + 1))
    for back in range(cycles):
        t = cycles - 1 - back
        for q in range(t):
            for kind in range(2):
                if kind == FRESH and deployed_in(q, e.latency, e.release_every) > t:
                    continue
                for r in range(q):
                    _row(e, value, t, kind, q, _tunings(r), r + 1, room)
                _row(e, value, t, kind, q, e.fit, q + 1, room)
    return value


@compiled(arrays=True)
def _flight(e: Any, value: Any, t: int, pair: Any, ways: Any) -> int:
    """Fill in what an episode costs while what is asked for in cycle ``t`` is in flight; returns its landing.

    ``ways`` (2, T + 1) holds it by which version serves and cycle.
    """
    lands = min(deployed_in(t, e.latency, e.release_every), e.naive.shape[0])
    for which in range(2):
        there = pair[which] != NONE
        ways[which, lands] = value[FRESH, NEWER, _entry(e, t, pair[which])] if there else np.inf
    for back in range(lands - t - 1):
        c = lands - 1 - back
        for which in range(2):
            mine, theirs = _cost(e, c, pair[which]), _cost(e, c, pair[1 - which])
            stay = _less(mine, e.naive[c]) + ways[which, c + 1]
            ways[which, c] = _less(stay, e.rollback + theirs + ways[1 - which, c + 1])
    return lands


@compiled(arrays=True)
def _best(e: Any, value: Any, t: int, which: int, pair: Any, paths: Any, ways: Any) -> Any:
    """The best decision of a cycle, and what an episode costs from it on."""
    mine, theirs = _cost(e, t, pair[which]), _cost(e, t, pair[1 - which])
    best, chosen = mine + paths[which, t + 1], WAIT
    override = e.naive[t] + paths[which, t + 1]
    if override < best:
        best, chosen = override, INTERVENE
    if pair[which] != NONE:
        tuned = e.fine_tune + mine + value[TUNED, NEWER, _entry(e, t, pair[which])]
        if tuned < best:
            best, chosen = tuned, FINE_TUNE
    asked = e.retrain + mine + ways[which, t + 1]
    if asked < best:
        best, chosen = asked, RETRAIN
    back = e.rollback + theirs + paths[1 - which, t + 1]
    if back < best:
        best, chosen = back, ROLLBACK
    return best, chosen


@compiled(arrays=True)
def _until_landing(e: Any, value: Any, since: int, pair: Any, actions: Any) -> Any:
    """Decide from the landing of a pair's newest version until the next one.

    Returns the cycle of that landing, the cycle in which it was asked for, which version then serves, and
    whether what lands is a fine-tuning.
    """
    cycles = e.naive.shape[0]
    paths, ways = np.zeros((2, cycles + 1)), np.zeros((2, cycles + 1))
    for back in range(cycles - since):
        t = cycles - 1 - back
        _flight(e, value, t, pair, ways)
        for which in range(2):
            paths[which, t], _ = _best(e, value, t, which, pair, paths, ways)
    t, serving = since, NEWER
    while t < cycles:
        lands = _flight(e, value, t, pair, ways)
        _, actions[t] = _best(e, value, t, serving, pair, paths, ways)
        if actions[t] == FINE_TUNE:
            return t + 1, t, serving, True
        if actions[t] == RETRAIN:
            for c in range(t + 1, lands):
                mine, theirs = _cost(e, c, pair[serving]), _cost(e, c, pair[1 - serving])
                stay = _less(mine, e.naive[c]) + ways[serving, c + 1]
                actions[c] = INTERVENE if e.naive[c] < mine else WAIT
                if e.rollback + theirs + ways[1 - serving, c + 1] < stay:
                    actions[c], serving = ROLLBACK, 1 - serving
            return lands, t, serving, False
        if actions[t] == ROLLBACK:
            serving = 1 - serving
        t += 1
    return cycles, t, serving, False


@allocating
def _follow(e: Any, value: Any, actions: Any) -> None:
    """The decisions along the cheapest path."""
    pair, t = np.array([e.fit, NONE]), 0
    while t < actions.shape[0]:
        t, asked, which, tuned = _until_landing(e, value, t, pair, actions)
        serving, row = pair[which], 0
        while serving < e.fit and _tunings(row + 1) <= serving:
            row += 1
        anchor = serving - (_tunings(row) if serving < e.fit else e.fit)
        pair[OLDER] = serving
        pair[NEWER] = _tunings(asked) + anchor if tuned else e.fit + asked + 1


@optimum.register
def ops_optimum(p: OpsProblem) -> Schedule:
    """The cheapest schedule with five decisions, and its cost; exact.

    The time grows with the fourth power of the cycles, and the space with the third.

    Raises:
        ValueError: an episode of more than ``MOST_OPS_CYCLES`` cycles.
    """
    if p.cycles > MOST_OPS_CYCLES:
        raise ValueError(
            f"the optimum with five decisions takes at most {MOST_OPS_CYCLES} cycles, got {p.cycles}"
        )
    e = _Episode(
        np.ascontiguousarray(np.concatenate((p.tuned, p.fits)).T, np.float64),
        np.ascontiguousarray(p.naive, np.float64),
        *(len(p.tuned), p.retrain, p.fine_tune, p.rollback, p.latency, p.release_every),
    )
    actions = np.full(p.cycles, WAIT, np.int64)
    _follow(e, _landings(e), actions)
    return Schedule(actions, sum(terms_of(p, actions).values()))
