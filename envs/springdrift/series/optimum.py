"""The exact optimum on a series, and the best calendar and threshold in hindsight.

A schedule is one decision a cycle. What it costs is a sum over the staleness matrix, so the cheapest one
is found by dynamic programming over (cycle, version in service, version in training): training in flight,
release slots, overrides and label delay included, and nothing is approximated.
"""

import math
from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift.game.actions import Action
from springdrift.game.jit import allocating, compiled, inlined
from springdrift.series.costs import TERMS, TOLERANCE, Costs
from springdrift.series.forecaster import ERROR, usual_of
from springdrift.series.staleness import Staleness, compiled_pair, pair

WAIT, INTERVENE, RETRAIN = int(Action.WAIT), int(Action.INTERVENE), int(Action.RETRAIN)
NEVER = 1 << 40  # a cycle that does not come


class Problem(NamedTuple):
    """An episode of T cycles on a series: what every decision would cost.

    Fit ``i`` is the one that is made as cycle ``i`` begins.
    """

    error: NDArray[np.float32]  # true rms error of each pair (fit, cycle) of the whole series
    seen: NDArray[np.float32]  # the measured one
    naive: NDArray[np.float32]  # (T,) true rms error of the safe baseline
    start: int  # fits of the series before the episode's first; fit 0 is the commissioned one
    cycles: int
    scale: float  # of errors, fixed at commissioning
    forecast: float  # prices
    intervene: float
    retrain: float
    cap: float
    latency: int
    release_every: int
    delay: int  # label delay, cycles


class Schedule(NamedTuple):
    """Decisions (T,) and what they cost."""

    actions: NDArray[np.int64]
    cost: float


def usual_error(staleness: Staleness, start: int) -> float:
    """The commissioned model's usual rms error: of the fit half a window before, until cycle ``start``.

    Raises:
        ValueError: too little history before that cycle.
    """
    fitted = start - staleness.shape.validation
    if fitted < staleness.first:
        raise ValueError(
            f"an episode may start from cycle {staleness.first + staleness.shape.validation} on, got {start}"
        )
    errors = staleness.stats[staleness.place(fitted, np.arange(fitted, start)), ERROR]
    return float(usual_of(np.ascontiguousarray(errors)))


def problem(
    staleness: Staleness,
    start: int,
    cycles: int,
    costs: Costs | None = None,
    latency: int = 3,
    release_every: int = 0,
    tolerance: float = TOLERANCE,
) -> Problem:
    """The episode of ``cycles`` cycles from cycle ``start`` of a series on.

    Raises:
        ValueError: it does not lie within the series and its history.
    """
    prices = costs or Costs()
    if not 1 <= cycles <= staleness.cycles - start:
        raise ValueError(
            f"a series of {staleness.cycles} cycles has {staleness.cycles - start} from cycle {start} on, "
            f"got {cycles}"
        )
    usual = usual_error(staleness, start)
    return Problem(
        staleness.cost_error,
        staleness.stats[:, ERROR],
        staleness.naive[start : start + cycles, -1],
        start - staleness.first,
        cycles,
        tolerance * usual,
        *(prices.forecast, prices.intervene, prices.retrain, prices.forecast_cap),
        latency,
        release_every,
        staleness.shape.delay,
    )


@inlined
def _price(p: Any, error: Any) -> Any:
    relative = float(error) / p.scale
    return p.forecast * min(relative * relative, p.cap)


@inlined
def _of(p: Any, fitted: Any, t: Any) -> Any:
    """What serving a fit costs in a cycle."""
    return _price(p, p.error[compiled_pair(p.start + fitted, p.start + t)])


@inlined
def _override(p: Any, t: Any) -> Any:
    return _price(p, p.naive[t]) + p.intervene


@compiled
def deployed_in(asked: int, latency: int, release_every: int) -> int:
    """The cycle from which on a model asked for in cycle ``asked`` serves."""
    ready = asked + latency
    return ready if release_every == 0 else -(-ready // release_every) * release_every


@allocating
def _plan(p: Any) -> Any:
    """Which decision is best in each cycle for each version in service, with none in training."""
    n = p.cycles
    longest = p.latency + max(0, p.release_every)
    flights = np.zeros((longest + 1, n))  # cost from here on with version s in training, by s modulo
    after, now = np.zeros(n + 1), np.zeros(n + 1)  # cost from the next cycle, and from this one on
    choice = np.zeros(n * (n + 1) // 2, np.uint8)
    for back in range(n):
        t = n - 1 - back
        override = _override(p, t)
        for s in range(max(0, t - longest), t + 1):
            goes_live = deployed_in(s, p.latency, p.release_every)
            if goes_live <= t:
                continue
            flight = flights[s % (longest + 1)]
            lands = goes_live == t + 1
            for i in range(s + 1):
                serving = _of(p, i, t)
                if s < t:
                    serving = min(serving, override)
                rest = after[s] if lands else (0.0 if t == n - 1 else flight[i])
                flight[i] = serving + rest
        asked = flights[t % (longest + 1)]
        for i in range(t + 1):
            serving = _of(p, i, t)
            best, chosen = serving, WAIT
            if override < best:
                best, chosen = override, INTERVENE
            best += after[i]
            if p.retrain + asked[i] < best:
                best, chosen = p.retrain + asked[i], RETRAIN
            now[i] = best
            choice[t * (t + 1) // 2 + i] = chosen
        after, now = now, after
    return choice


@allocating
def _follow(p: Any, choice: Any, actions: Any) -> None:
    """The decisions along the cheapest path."""
    serving, training, lands = 0, 0, NEVER
    for t in range(p.cycles):
        if t == lands:
            serving, lands = training, NEVER
        if lands == NEVER:
            actions[t] = choice[t * (t + 1) // 2 + serving]
            if actions[t] == RETRAIN:
                training, lands = t, deployed_in(t, p.latency, p.release_every)
        else:
            actions[t] = INTERVENE if _override(p, t) < _of(p, serving, t) else WAIT


@allocating
def _cost(p: Any, actions: Any) -> Any:
    """What a schedule costs by term, (3,): forecast, intervene, retrain."""
    terms = np.zeros(3)
    serving, training, lands = 0, 0, NEVER
    for t in range(p.cycles):
        if t == lands:
            serving, lands = training, NEVER
        if actions[t] == INTERVENE:
            terms[0] += _price(p, p.naive[t])
            terms[1] += p.intervene
        else:
            terms[0] += _of(p, serving, t)
        if actions[t] == RETRAIN and lands == NEVER:
            terms[2] += p.retrain
            training, lands = t, deployed_in(t, p.latency, p.release_every)
    return terms


@singledispatch
def terms_of(p: Any, actions: Any) -> dict[str, float]:
    """What a schedule of decisions, (T,), costs by term. A request while one is in flight is ignored."""
    given = np.ascontiguousarray(actions, np.int64)
    if given.shape != (p.cycles,):
        raise ValueError(f"expected {p.cycles} decisions, got shape {given.shape}")
    return dict(zip(TERMS, _cost(p, given).tolist(), strict=True))


def cost_of(p: Any, actions: Any) -> float:
    """What a schedule of decisions, (T,), costs."""
    return sum(terms_of(p, actions).values())


@singledispatch
def optimum(p: Any) -> Schedule:
    """The cheapest schedule there is, and its cost; exact."""
    actions = np.zeros(p.cycles, np.int64)
    _follow(p, _plan(p), actions)
    return Schedule(actions, cost_of(p, actions))


def calendar(p: Problem, every: int) -> Schedule:
    """Retraining by the calendar: in cycle ``every - 1`` and every so many cycles after it."""
    actions = np.full(p.cycles, WAIT, np.int64)
    actions[every - 1 :: every] = RETRAIN
    return Schedule(actions, cost_of(p, actions))


def best_calendar(p: Problem) -> tuple[int, Schedule]:
    """The cheapest calendar in hindsight, and its interval; one longer than the episode never retrains."""
    found = {every: calendar(p, every) for every in range(1, p.cycles + 2)}
    every = min(found, key=lambda interval: found[interval].cost)
    return every, found[every]


@allocating
def _threshold(p: Any, level: float, cooldown: int, actions: Any) -> None:
    """Retrain when the last known error of the model in service exceeds ``level``."""
    serving, training, lands, rested = 0, 0, NEVER, 0
    served = np.zeros(p.cycles, np.int64)
    for t in range(p.cycles):
        if t == lands:
            serving, lands = training, NEVER
        served[t], actions[t] = serving, WAIT
        known = t - 1 - p.delay
        if known >= 0 and lands == NEVER and t >= rested:
            place = compiled_pair(p.start + served[known], p.start + known)
            if float(p.seen[place]) > level:
                actions[t] = RETRAIN
                training, lands = t, deployed_in(t, p.latency, p.release_every)
                rested = t + cooldown


def threshold(p: Problem, level: float, cooldown: int) -> Schedule:
    """Retraining when the last known rms error exceeds ``level``, ``cooldown`` cycles apart at least."""
    actions = np.empty(p.cycles, np.int64)
    _threshold(p, level, cooldown, actions)
    return Schedule(actions, cost_of(p, actions))


def best_threshold(p: Problem, levels: int = 60) -> tuple[float, int, Schedule]:
    """The cheapest threshold on the error in hindsight, its cool-down, and its schedule."""
    usual = p.seen[pair(p.start, p.start + np.arange(p.cycles))]  # of the commissioned model
    low, high = max(float(usual.min()), 1e-9 * p.scale), max(float(usual.max()), 2e-9 * p.scale)
    best: tuple[float, int, Schedule] | None = None
    for cooldown in sorted({p.latency, 2 * p.latency, 4 * p.latency, 8 * p.latency}):
        for level in np.geomspace(0.5 * low, 1.01 * high, levels):
            found = threshold(p, float(level), cooldown)
            if best is None or found.cost < best[2].cost:
                best = float(level), cooldown, found
    assert best is not None
    return best


def square_root_calendar(slope: float, retrain: float) -> float:
    """The best interval, cycles, where serving costs ``slope`` more with every cycle of a model's age.

    ``n`` cycles between two retrainings cost ``retrain / n + slope (n - 1) / 2`` a cycle, least at
    ``sqrt(2 retrain / slope)``.

    >>> square_root_calendar(slope=0.06, retrain=3.0)
    10.0
    """
    return math.sqrt(2.0 * retrain / slope)
