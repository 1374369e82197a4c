"""Numbers that say how sure a comparison is."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap

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
    found = bootstrap(
        (values,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=100,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(mean, float(found.low), float(found.high))
