"""Numbers that say how sure a comparison is."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy  # its parts load as they are used: scipy.stats takes a second
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES = 2000


class Interval(NamedTuple):
    """An estimate and its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.1f} [{self.low:.1f}, {self.high:.1f}]"


def mean_interval(values: NDArray[np.float64], seed: int = 0) -> Interval:
    """Mean and its percentile bootstrap interval (Efron 1979), 2000 resamples.

    A single value says nothing of spread: its interval is nan.

    >>> str(mean_interval(np.array([1.0, 1.0, 1.0])))
    '1.0 [1.0, 1.0]'
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return Interval(mean, float("nan"), float("nan"))
    if np.ptp(values) == 0.0:
        return Interval(mean, mean, mean)
    # batches keep a thousand episodes' resamples within the cache
    found = scipy.stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=100,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(mean, float(found.low), float(found.high))


def iqm(values: Floats, axis: int | None = None) -> Any:
    """Interquartile mean: the mean of the middle half (Agarwal et al. 2021).

    >>> float(iqm(np.array([0.0, 1.0, 2.0, 100.0])))
    1.5
    """
    return scipy.stats.trim_mean(values, 0.25, axis=axis)


def stratified_interval(
    strata: Sequence[Floats], statistic: Callable[..., Any] = np.mean, seed: int = 0
) -> Interval:
    """A statistic of all values together, and its interval: each stratum is resampled by itself.

    Args:
        strata: values of each scenario, (n_i,).
        statistic: of an array along an ``axis``; the mean or :func:`iqm`.
        seed: of the resampling.
    """
    value = float(statistic(np.concatenate(strata), axis=0))
    if any(len(stratum) < 2 for stratum in strata):
        return Interval(value, float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    drawn = np.empty(RESAMPLES)
    for first in range(0, RESAMPLES, 100):
        again = [
            stratum[rng.integers(len(stratum), size=(100, len(stratum)))] for stratum in strata
        ]  # (100, n_i) each
        drawn[first : first + 100] = statistic(np.concatenate(again, axis=1), axis=1)
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Interval(value, float(low), float(high))


def probability_of_improvement(mine: Sequence[Floats], other: Sequence[Floats]) -> float:
    """How likely an episode of mine is cheaper than one of the other's, averaged over scenarios.

    The Mann-Whitney statistic, ties counted half, as in Agarwal et al. (2021).

    >>> probability_of_improvement([np.array([1.0, 2.0])], [np.array([2.0, 3.0])])
    0.875
    """
    shares = []
    for a, b in zip(mine, other, strict=True):
        above = scipy.stats.mannwhitneyu(a, b, method="asymptotic").statistic  # pairs in which mine is dearer
        shares.append(1.0 - above / (len(a) * len(b)))
    return float(np.mean(shares))


def profile(costs: Floats, levels: Floats) -> Floats:
    """Performance profile: the share of episodes that cost at most each level, (m,) for levels (m,).

    >>> profile(np.array([1.0, 2.0, 3.0]), np.array([2.0])).tolist()
    [0.6666666666666666]
    """
    return np.searchsorted(np.sort(costs), levels, side="right") / len(costs)


def gap_closed(policy: float, rule: float, reference: float) -> float:
    """Share of the gap between the best rule and the reference that a policy closes.

    Nan where there is no gap.

    >>> gap_closed(policy=30.0, rule=40.0, reference=20.0)
    0.5
    """
    gap = rule - reference
    return (rule - policy) / gap if gap > 0 else float("nan")


def gap_interval(policy: Floats, rule: Floats, reference: Floats, seed: int = 0) -> Interval:
    """Share of the gap closed on n worlds that all three met, (n,) each, and its bootstrap interval.

    Worlds are resampled whole, so that what is a hard world for one is a hard world for all. Nan where the
    gap is not clearly above 0: a share of nothing says nothing.
    """
    value = gap_closed(float(policy.mean()), float(rule.mean()), float(reference.mean()))
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(policy), size=(RESAMPLES, len(policy)))
    mine, theirs, least = (costs[drawn].mean(axis=1) for costs in (policy, rule, reference))
    gap = theirs - least
    if not (value == value and np.percentile(gap, 2.5) > 0.0):
        return Interval(float("nan"), float("nan"), float("nan"))
    there = gap > 0.0  # all but a few
    low, high = np.percentile((theirs - mine)[there] / gap[there], (2.5, 97.5))
    return Interval(value, float(low), float(high))
