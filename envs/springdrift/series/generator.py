"""A fresh series, compiled: a pure function of its scenario, seed, episode and cycle.

``y = level + amplitude season(u - lag) + long sin(2 pi t/m) + effect bump(u) + noise``, where u runs from 0
to 1 within a cycle, the season goes from one peak to two with ``shape``, and the noise is autoregressive.
Nothing moves and nothing is spoilt before cycle 0.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift.game import streams
from springdrift.game.jit import allocating, compiled, inlined
from springdrift.series.laws import PARAMETERS
from springdrift.series.scenario import Scenario, plans_of
from springdrift.series.waves import harmonics, sine

MEMORY = 0.7  # autocorrelation of the noise from one sample to the next
PEAK_AT = 0.65  # of a cycle, where the hidden driver acts
PEAK_SIN, PEAK_COS = -0.8090169943749475, -0.5877852522924731  # written out: no library rounds them
LEVEL, AMPLITUDE, SHAPE, LAG, LONG, EFFECT, LOUD = range(len(PARAMETERS))
# truth of a cycle: the parameters in force, and
KEY, LAST_CHANGE, PROMOTED, FAULTS, TRUTHS = range(len(PARAMETERS), len(PARAMETERS) + 5)
TRUTH_NAMES = (*PARAMETERS, "driver_key", "last_change", "promotion", "faults")
# what happened to a measurement
FINE, OUTLIER, STUCK, MISSING = range(4)


@compiled
def _words(keys: Any, cycle: Any, stream: Any) -> Any:
    return streams.threefry(keys[0], keys[1], np.uint32(np.int32(cycle)), np.uint32(stream))


@inlined
def half_to_full(word: Any) -> Any:
    """Random sign, size uniform from 1/2 to 1."""
    size = 2.0 * float(streams.uniform(word)) - 1.0
    return 0.5 * size + (0.5 if size > 0.0 else -0.5)


@inlined
def whole_from(word: Any, low: Any, high: Any) -> Any:
    """A whole number from ``low`` to ``high``."""
    return low + int(float(streams.uniform(word)) * (high - low + 1))


@inlined
def _hold(value: Any, low: Any, high: Any) -> Any:
    return min(max(value, low), high)


@inlined
def jump_to(draw: Any, now: Any, low: Any, high: Any, least: Any) -> Any:
    """A uniform draw from [low, high] less the points nearer than ``least`` to where the parameter is."""
    left = max(0.0, min(now - least, high) - low)
    right = max(0.0, high - max(now + least, low))
    place = draw * (left + right)
    return low + place if place < left else high - right + (place - left)


@compiled
def _change(plans: Any, row: int, keys: Any, t: int, base: Any, key: int) -> Any:
    """An abrupt change: jumps and the next driver row; returns the key, and whether anything changed."""
    changed = False
    for p in range(base.shape[0]):
        low, high, least = plans.jump[row, p, 0], plans.jump[row, p, 1], plans.jump[row, p, 2]
        if least >= 0.0:
            a, _ = _words(keys, t, streams.CHANGE + 1 + p)
            base[p] = jump_to(float(streams.uniform(a)), base[p], low, high, least)
            changed = True
    rows = plans.rows[row]
    if rows > 0:
        a, _ = _words(keys, t, streams.CHANGE)
        key = (key + 1 + int(float(streams.uniform(a)) * (rows - 1))) % rows
        for p in range(base.shape[0]):
            value = plans.drivers[row, key, p]
            if not np.isnan(value):
                base[p] = value
        changed = True
    return key, changed


@compiled
def _walk(plans: Any, row: int, keys: Any, t: int, base: Any, rates: Any) -> None:
    """A cycle's step of the walks and trends."""
    for p in range(base.shape[0]):
        low, high = plans.bounds[row, p, 0], plans.bounds[row, p, 1]
        step = plans.walk[row, p]
        if step > 0.0:
            a, _ = _words(keys, t, streams.WALK + p)
            moved = base[p] + step * float(streams.normal(a))
            base[p] = high - abs(high - (low + abs(moved - low)))
        elif rates[p] != 0.0:
            base[p] = _hold(base[p] + rates[p], low, high)


@compiled
def _sample(
    keys: Any, t: int, now: Any, noise: float, memory: float, calendar: float, waves: Any, y: Any
) -> float:
    """The samples of a cycle into ``y`` (P,); returns where its noise ends."""
    fresh = np.sqrt(1.0 - MEMORY * MEMORY)
    quiet, loud = noise * now[LOUD] * fresh, now[AMPLITUDE]
    one_sin, one_cos = sine(now[LAG]), sine(now[LAG] + 0.25)
    two_sin, two_cos = sine(2.0 * now[LAG]), sine(2.0 * now[LAG] + 0.25)
    single = loud * (1.0 - 0.5 * now[SHAPE])
    double = loud * 0.7 * now[SHAPE]
    steady = now[LEVEL] + now[LONG] * calendar
    odd = np.uint32(0)
    for j in range(y.shape[0]):
        if j % 2 == 0:
            word, odd = _words(keys, t, streams.NOISE + j // 2)
        else:
            word = odd
        memory = MEMORY * memory + quiet * float(streams.normal(word))
        first = waves[j, 0] * one_cos - waves[j, 1] * one_sin
        second = waves[j, 3] * two_cos + waves[j, 2] * two_sin
        bump = 0.5 + 0.5 * (waves[j, 1] * PEAK_COS + waves[j, 0] * PEAK_SIN)
        y[j] = steady + single * first + double * second + now[EFFECT] * bump * bump + memory
    return memory


@compiled
def _promote(plans: Any, row: int, keys: Any, t: int, y: Any) -> float:
    a, b = _words(keys, t, streams.SHOCK)
    if float(streams.uniform(a)) >= plans.spoilt[row, 0]:
        return 0.0
    size = half_to_full(b) * plans.spoilt[row, 1]
    for j in range(y.shape[0]):
        y[j] += size
    return size


@compiled
def _measure(plans: Any, row: int, keys: Any, t: int, y: Any, before: Any, seen: Any, flags: Any) -> int:
    """What the meter reports of a cycle, and what became of each sample; returns how many are spoilt."""
    period = y.shape[0]
    for j in range(period):
        seen[j], flags[j] = y[j], FINE
    if t < 0:
        return 0
    a, b = _words(keys, t, streams.FAULT)
    if float(streams.uniform(a)) < plans.spoilt[row, 2]:
        j = int(a & np.uint32(0xFF)) % period
        seen[j] += half_to_full(b) * plans.spoilt[row, 3]
        flags[j] = OUTLIER
    a, b = _words(keys, t, streams.FAULT + 1)
    if float(streams.uniform(a)) < plans.spoilt[row, 4]:
        for j in range(1 + int(float(streams.uniform(b)) * (period - 1)), period):
            seen[j], flags[j] = seen[j - 1], STUCK
    a, b = _words(keys, t, streams.FAULT + 2)
    if float(streams.uniform(a)) < plans.spoilt[row, 5]:
        first = int(float(streams.uniform(b)) * period)
        for j in range(first, min(period, first + max(1, period // 4))):
            seen[j], flags[j] = before[j], MISSING
    faults = 0
    for j in range(period):
        faults += 1 if flags[j] != FINE else 0
    return faults


@allocating
def generate(plans: Any, row: int, keys: Any, history: int, long_period: int, waves: Any, out: Any) -> int:
    """Draw a whole series; returns the cycle in which its drift begins.

    Args:
        plans: :class:`~springdrift.series.scenario.Plans`.
        row: which of them.
        keys: two uint32, of the episode.
        history: cycles before cycle 0.
        long_period: cycles of the longer season, 0 for none.
        waves: (P, 4) sines and cosines of the cycle and of half of it.
        out: a :class:`Drawn`, filled in.
    """
    count = out.y.shape[0]
    p_count = plans.base.shape[1]
    base, now, rates = np.empty(p_count), np.empty(p_count), np.empty(p_count)
    a, b = _words(keys, 0, streams.BIRTH + 1)
    onset = whole_from(a, plans.timing[row, 0], plans.timing[row, 1])
    phase = float(streams.uniform(b))
    a, b = _words(keys, 0, streams.BIRTH + 2)
    memory, chaos = plans.noise[row] * float(streams.normal(a)), 0.1 + 0.8 * float(streams.uniform(b))
    moves = False
    for p in range(p_count):
        base[p] = plans.base[row, p]
        a, b = _words(keys, 0, streams.BIRTH + 3 + p)
        low, high = plans.trend[row, p, 0], plans.trend[row, p, 1]
        rates[p] = low + float(streams.uniform(a)) * (high - low)
        if plans.either_way[row, p] > 0.0 and float(streams.uniform(b)) < 0.5:
            rates[p] = -rates[p]
        moves = moves or plans.walk[row, p] > 0.0 or rates[p] != 0.0 or plans.chaos[row, p] > 0.0
    key, last_change, next_change = 0, -1, onset
    for place in range(count):
        t = place - history
        if t == next_change:
            key, changed = _change(plans, row, keys, t, base, key)
            last_change = t if changed else last_change
            _, b = _words(keys, t, streams.CHANGE)
            next_change = t + whole_from(b, plans.timing[row, 2], plans.timing[row, 3])
        if t >= onset:
            _walk(plans, row, keys, t, base, rates)
            last_change = t if t == onset and moves else last_change
            chaos = 4.0 * chaos * (1.0 - chaos)
        for p in range(p_count):
            now[p] = base[p] + (plans.chaos[row, p] * (2.0 * chaos - 1.0) if t >= onset else 0.0)
            out.truth[place, p] = now[p]
        calendar = sine(phase + (place % long_period) / long_period) if long_period > 0 else 0.0
        memory = _sample(keys, t, now, plans.noise[row], memory, calendar, waves, out.y[place])
        promoted = _promote(plans, row, keys, t, out.y[place]) if t >= 0 else 0.0
        before = out.seen[max(0, place - 1)]
        faults = _measure(plans, row, keys, t, out.y[place], before, out.seen[place], out.flags[place])
        out.truth[place, KEY], out.truth[place, LAST_CHANGE] = key, last_change
        out.truth[place, PROMOTED], out.truth[place, FAULTS] = promoted, faults
    return onset


class Drawn(NamedTuple):
    """A generated series of N cycles of P samples."""

    y: NDArray[np.float32]  # (N, P), what really happened
    seen: NDArray[np.float32]  # (N, P), what was measured, missing values filled from the cycle before
    flags: NDArray[np.uint8]  # (N, P), 0 fine, 1 outlier, 2 stuck, 3 missing
    truth: NDArray[np.float32]  # (N, TRUTHS), in the order of TRUTH_NAMES


def empty(cycles: int, period: int) -> Drawn:
    """Room for a series."""
    return Drawn(
        np.empty((cycles, period), np.float32),
        np.empty((cycles, period), np.float32),
        np.empty((cycles, period), np.uint8),
        np.empty((cycles, TRUTHS), np.float32),
    )


@inlined
def episode_words(seed: Any, episode: Any) -> Any:
    """The two words that all draws of an episode start from."""
    low, high = np.uint32(seed & np.uint64(0xFFFFFFFF)), np.uint32(seed >> np.uint64(32))
    return streams.threefry(low, high, np.uint32(episode), np.uint32(streams.EPISODE))


@allocating
def episode_keys(seed: Any, episode: Any) -> Any:
    """The same as an array, uint32 (2,)."""
    keys = np.empty(2, np.uint32)
    keys[0], keys[1] = episode_words(seed, episode)
    return keys


def draw(
    scenario: Scenario, seed: int, episode: int = 0, cycles: int | None = None, history: int = 23
) -> Drawn:
    """The series that a seed's episode of a scenario brings, ``history`` cycles before its first included.

    >>> from springdrift.series.scenario import GENERATED
    >>> draw(GENERATED["abrupt"], seed=1).y.shape
    (223, 24)
    """
    count = history + (scenario.cycles if cycles is None else cycles)
    out = empty(count, scenario.period)
    keys, waves = episode_keys(np.uint64(seed), episode), harmonics(scenario.period, 2)
    generate(plans_of((scenario,)), 0, keys, history, scenario.long_period, waves, out)
    return out
