"""What every version of an episode with five decisions would cost in every cycle."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift.game.actions import Action
from springdrift.game.jit import allocating
from springdrift.series.costs import OPS_TERMS, OpsCosts
from springdrift.series.forecaster import (
    DAMPED,
    ERROR,
    PROFILE,
    PULL,
    STATS,
    TUNED,
    Shape,
    baseline,
    compare,
    fit,
    forecast,
    tune,
)
from springdrift.series.optimum import deployed_in as _deployed_in
from springdrift.series.optimum import terms_of
from springdrift.series.staleness import harmonics_of
from springdrift.series.versions import goes_wrong

deployed_in: Callable[[int, int, int], int] = getattr(_deployed_in, "py_func", _deployed_in)
WAIT, INTERVENE, RETRAIN, FINE_TUNE, ROLLBACK = Action
NONE = -1  # no version
Floats = NDArray[np.float64]


class OpsProblem(NamedTuple):
    """An episode of T cycles with five decisions: what every version would cost in every cycle.

    Fit 0 was commissioned, and fit ``q + 1`` is the one that is asked for in cycle q. Fine-tuning fit i in
    cycle q makes the version ``triangle(i, q)``; a row of such versions holds what is served.
    """

    fits: Floats  # (T + 1, T) what serving a fit costs in each cycle
    tuned: Floats  # (triangle(0, T), T) the same of each fine-tuned version
    naive: Floats  # (T,) of the safe baseline, its fee included
    intervene: float  # prices
    retrain: float
    fine_tune: float
    rollback: float
    latency: int
    release_every: int

    @property
    def cycles(self) -> int:
        """The deadline."""
        return len(self.naive)


class Version(NamedTuple):
    anchor: int  # the fit that it is, or goes back to
    asked: int  # the cycle in which it was asked for; -1 for the commissioned one
    tuned: bool


def triangle(fitted: Any, asked: Any) -> Any:
    """Row of the fine-tuning of a fit that is asked for in a cycle; ``fitted`` is at most ``asked``."""
    return asked * (asked + 1) // 2 + fitted


@allocating
def bad_releases(seed: Any, episode: Any, rate: float, bad: Any) -> None:
    """Which deployments go wrong, by the cycle in which they are asked for, into ``bad`` (T,)."""
    for t in range(bad.shape[0]):
        bad[t] = goes_wrong(seed, episode, t, rate)


@allocating
def _errors(model: Any, y: Any, seen: Any, start: int, first: int, shape: Any, wrong: bool, out: Any) -> None:
    """True rms errors of a version from cycle ``first`` of an episode on, into ``out`` (T,)."""
    said, stats = np.empty(shape.period), np.empty(STATS)
    for k in range(model.shape[0]):
        model[k] *= DAMPED if wrong else 1.0
    for t in range(first, out.shape[0]):
        forecast(model, seen, start + t, shape, said)
        compare(said, y[start + t], stats)
        out[t] = stats[ERROR]


@allocating
def _baseline_errors(y: Any, seen: Any, start: int, shape: Any, out: Any) -> None:
    """True rms errors of the safe baseline in the cycles of an episode, into ``out`` (T,)."""
    said, stats = np.empty(shape.period), np.empty(STATS)
    for t in range(out.shape[0]):
        baseline(seen, start + t, shape, said)
        compare(said, y[start + t], stats)
        out[t] = stats[ERROR]


@allocating
def _all_errors(
    y: Any,
    seen: Any,
    start: int,
    born: int,
    shape: Any,
    waves: Any,
    bad: Any,
    how: Any,
    fits: Any,
    tuned: Any,
) -> None:
    """True rms errors of all versions of an episode."""
    count, cycles, pull = fits.shape[1], how[0], how[1]
    anchor, model = np.empty(PROFILE + shape.period), np.empty(PROFILE + shape.period)
    for i in range(count):  # a fit of the last cycle would never serve
        asked = max(0, i - 1)
        fit(seen, start + asked, born, shape, waves, anchor)
        model[:] = anchor
        _errors(model, y, seen, start, asked, shape, i > 0 and bad[asked], fits[i])
        for q in range(i, count - 1):
            tune(seen, start + q, born, shape, waves, anchor, cycles, pull, model)
            _errors(model, y, seen, start, q + 1, shape, bad[q], tuned[q * (q + 1) // 2 + i])


def ops_problem(
    y: Any,
    seen: Any,
    shape: Shape,
    start: int,
    cycles: int,
    costs: OpsCosts,
    scale: float,
    bad: Any = None,
    latency: int = 3,
    release_every: int = 0,
    born: int = 0,
    tuning: tuple[int, tuple[float, float]] = (TUNED, PULL),
) -> OpsProblem:
    """The episode of ``cycles`` cycles from cycle ``start`` of a series on.

    Args:
        y: (N, P) what happens.
        seen: (N, P) what is measured.
        shape: how fits see it.
        start: the episode's first cycle.
        cycles: its deadline.
        costs: prices.
        scale: of errors.
        bad: (cycles,) whether what is asked for in a cycle goes wrong.
        latency: cycles from the request of a retraining to its deployment.
        release_every: cycles between release slots.
        born: no fit sees an earlier cycle.
        tuning: cycles that a fine-tuning sees, and its pull.
    """
    wrong = np.zeros(cycles, np.bool_) if bad is None else np.asarray(bad, np.bool_)
    fits = np.zeros((cycles + 1, cycles), np.float32)
    tuned = np.zeros((triangle(0, cycles), cycles), np.float32)
    naive = np.zeros(cycles, np.float32)
    _all_errors(y, seen, start, born, shape, harmonics_of(shape), wrong, tuning, fits, tuned)
    _baseline_errors(y, seen, start, shape, naive)

    def priced(error: Any) -> Floats:
        relative = np.asarray(error, np.float64) / scale
        return costs.forecast * np.minimum(relative * relative, costs.forecast_cap)

    return OpsProblem(
        *(priced(fits), priced(tuned), priced(naive) + costs.intervene),
        *(costs.intervene, costs.retrain, costs.fine_tune, costs.rollback),
        *(latency, release_every),
    )


def cost_in(p: OpsProblem, version: Version, t: int) -> float:
    """What serving a version costs in a cycle."""
    if version.tuned:
        return float(p.tuned[triangle(version.anchor, version.asked), t])
    return float(p.fits[version.anchor, t])


COMMISSIONED = Version(0, NONE, False)


@terms_of.register
def _terms(p: OpsProblem, actions: Any) -> dict[str, float]:
    """What a schedule costs by term; a decision that its mask forbids does nothing and costs nothing."""
    terms = dict.fromkeys(OPS_TERMS, 0.0)
    serving, before, training, lands = COMMISSIONED, None, None, NONE
    for t, action in enumerate(np.asarray(actions, np.int64).tolist()):
        if training is not None and t == lands:
            serving, before, training = training, serving, None
        if action == ROLLBACK and before is not None:
            serving, before = before, serving
            terms["rollback"] += p.rollback
        elif action == RETRAIN and training is None:
            training, lands = Version(t + 1, t, False), deployed_in(t, p.latency, p.release_every)
            terms["retrain"] += p.retrain
        elif action == FINE_TUNE and training is None:
            training, lands = Version(serving.anchor, t, True), t + 1
            terms["fine_tune"] += p.fine_tune
        if action == INTERVENE:
            terms["forecast"] += float(p.naive[t]) - p.intervene
            terms["intervene"] += p.intervene
        else:
            terms["forecast"] += cost_in(p, serving, t)
    return terms
