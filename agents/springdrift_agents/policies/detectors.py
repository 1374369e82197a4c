"""Change detectors as small batched updates, and what they are worth: run lengths.

A detector reads one number after the other, says how far its statistic has come, and alarms when that
exceeds its threshold. Detectors are comparable only at an equal rate of false alarms: see
:func:`calibrate`.

A value that is no finite number is missing. A missing value is skipped: what the detector remembers stays as
it is, and the built-in ones count how many they missed (:func:`missing`). See :func:`update`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Detector(Protocol):
    """What :func:`run_lengths` and the detector rules work with."""

    @property
    def threshold(self) -> float:
        """The statistic beyond which it alarms."""
        ...

    def start(self, count: int) -> NDArray[Any]:
        """Memory of ``count`` fresh detectors, first axis (count,)."""
        ...

    def update(self, memory: NDArray[Any], values: Floats) -> Floats:
        """Take one value a detector, (n,), change ``memory`` in place, and return the statistics (n,)."""
        ...


class _Skipping:
    """A detector that skips and counts missing values: the last column of its memory is their number."""

    slots: ClassVar[int]  # numbers of memory beside that count

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value != value:
                raise ValueError(f"{type(self).__name__}.{name} must be a number, got {value}")

    def start(self, count: int) -> Floats:
        """Memory of ``count`` fresh detectors, (count, slots + 1)."""
        return np.zeros((count, self.slots + 1))

    def update(self, memory: Floats, values: Floats) -> Floats:
        """Take one value a detector, (n,), change ``memory`` in place, and return the statistics (n,).

        A missing value changes nothing but the count of those.
        """
        seen = np.isfinite(values)
        if seen.all():
            self._take(memory, values)
        else:
            part = memory[seen]
            self._take(part, values[seen])
            memory[seen] = part
            memory[~seen, -1] += 1.0
        return self._statistic(memory)

    def _take(self, memory: Floats, values: Floats) -> None:
        raise NotImplementedError

    def _statistic(self, memory: Floats) -> Floats:
        raise NotImplementedError


def missing(memory: NDArray[Any]) -> NDArray[np.int64]:
    """How many values each of the built-in detectors behind this memory has missed, (n,).

    >>> ewma = Ewma()
    >>> memory = ewma.start(2)
    >>> for values in ([1.0, np.nan], [np.inf, np.nan]):
    ...     statistics = ewma.update(memory, np.array(values))
    >>> missing(memory).tolist(), statistics.round(3).tolist()
    ([1, 2], [0.6, 0.0])
    """
    return memory[:, -1].astype(np.int64)


@dataclass(frozen=True)
class Cusum(_Skipping):
    """Tabular CUSUM of standardised values (Page 1954): sums of what exceeds ``slack``, reset at 0.

    >>> cusum = Cusum(slack=0.5, threshold=4.0)
    >>> memory = cusum.start(1)
    >>> [float(cusum.update(memory, np.array([x]))[0]) for x in (2.0, 2.0, 0.0)]
    [1.5, 3.0, 2.5]
    """

    slack: float = 0.5  # half the shift, in standard deviations, to be found soonest
    threshold: float = 4.0
    two_sided: bool = True
    slots = 2

    def _take(self, memory: Floats, values: Floats) -> None:
        memory[:, 0] = np.maximum(0.0, memory[:, 0] + values - self.slack)
        if self.two_sided:
            memory[:, 1] = np.maximum(0.0, memory[:, 1] - values - self.slack)

    def _statistic(self, memory: Floats) -> Floats:
        return np.maximum(memory[:, 0], memory[:, 1])


@dataclass(frozen=True)
class Ewma(_Skipping):
    """Control chart of the exponentially weighted moving average (Roberts 1959), asymptotic limits.

    >>> ewma = Ewma(weight=0.5)
    >>> round(float(ewma.update(ewma.start(1), np.array([1.0]))[0]), 6)  # 0.5 over its standard deviation
    0.866025
    """

    weight: float = 0.2
    threshold: float = 2.86  # standard deviations of the average
    two_sided: bool = True
    slots = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 < self.weight <= 1.0:
            raise ValueError(f"Ewma.weight must be above 0 and at most 1, got {self.weight}")

    def _take(self, memory: Floats, values: Floats) -> None:
        memory[:, 0] += self.weight * (values - memory[:, 0])

    def _statistic(self, memory: Floats) -> Floats:
        average = np.abs(memory[:, 0]) if self.two_sided else memory[:, 0]
        return average / math.sqrt(self.weight / (2.0 - self.weight))


@dataclass(frozen=True)
class PageHinkley(_Skipping):
    """Page-Hinkley test for a rise above the running mean (Page 1954, Hinkley 1971).

    Its mean learns, so a shift that is there from the first value on stays unseen.
    """

    slack: float = 0.1
    threshold: float = 10.0
    slots = 3  # values seen, their mean, the statistic

    def _take(self, memory: Floats, values: Floats) -> None:
        memory[:, 0] += 1.0
        memory[:, 1] += (values - memory[:, 1]) / memory[:, 0]
        memory[:, 2] = np.maximum(0.0, memory[:, 2] + values - memory[:, 1] - self.slack)

    def _statistic(self, memory: Floats) -> Floats:
        return memory[:, 2].copy()


@dataclass(frozen=True)
class River:
    """A detector of river's, or anything with its ``update`` and ``drift_detected``: one object an env.

    The statistic is 1 in the step of an alarm, else 0; ``make`` builds a fresh object, and what tunes it
    goes there. Memory holds the objects themselves, so a copy of it is not a snapshot.

    >>> from river.drift import ADWIN
    >>> adwin = River(lambda: ADWIN(delta=0.002))
    >>> memory = adwin.start(1)
    >>> any(adwin.update(memory, np.array([x]))[0] > 0.5 for x in [0.0] * 200 + [3.0] * 50)
    True
    """

    make: Callable[[], Any]
    threshold: float = 0.5

    def start(self, count: int) -> NDArray[np.object_]:
        memory = np.zeros((count, 2), object)
        for i in range(count):
            memory[i, 0] = self.make()
        return memory

    def update(self, memory: NDArray[np.object_], values: Floats) -> Floats:
        found = np.zeros(len(values))
        for i, value in enumerate(values.tolist()):
            if not math.isfinite(value):
                memory[i, 1] += 1
                continue
            memory[i, 0].update(value)
            found[i] = memory[i, 0].drift_detected
        return found


def update(detector: Detector, memory: NDArray[Any], values: Floats) -> Floats:
    """A detector's statistics (n,) after one value each, (n,); changes ``memory`` in place.

    A missing value never reaches a detector of the user's: nothing changes there, and the statistic is 0.
    The built-in ones count it, and their statistic stays what it was.

    >>> cusum = Cusum()
    >>> memory = cusum.start(2)
    >>> [update(cusum, memory, np.array(x)).tolist() for x in ([9.0, 9.0], [np.nan, 9.0])]
    [[8.5, 8.5], [8.5, 17.0]]
    """
    seen = np.isfinite(values)
    if seen.all() or isinstance(detector, _Skipping | River):
        return detector.update(memory, values)
    found = np.zeros(len(values))
    part = memory[seen]
    found[seen] = detector.update(part, values[seen])
    memory[seen] = part
    return found


# ---------------------------------------------------------------- what a detector is worth


class RunLengths(NamedTuple):
    """How many values detectors took to alarm; those still silent at the limit count as the limit."""

    lengths: NDArray[np.int64]
    silent: int  # detectors that never alarmed within the limit

    @property
    def mean(self) -> float:
        """Average run length."""
        return float(self.lengths.mean())

    @property
    def error(self) -> float:
        """Monte Carlo standard error of the mean."""
        return float(self.lengths.std(ddof=1) / math.sqrt(len(self.lengths)))


def run_lengths(
    detector: Detector,
    change: float = 0.0,
    n: int = 2000,
    seed: int = 0,
    *,
    after: int = 0,
    limit: int = 20_000,
) -> RunLengths:
    """Run lengths on independent normal values whose mean shifts by ``change`` standard deviations.

    Args:
        detector: which.
        change: the shift; 0 gives the in-control run length (ARL0 is its mean).
        n: how many detectors.
        seed: of the values.
        after: values before the shift, for the steady-state delay; a detector that alarms among them
            starts anew, as an operator would have it. 0 is the zero state.
        limit: values after which a run is given up.

    Raises:
        ValueError: a number out of range, or a detector whose statistic is no number.
    """
    if n < 2 or limit < 1 or after < 0:
        raise ValueError(f"n must be at least 2, limit 1 and after 0, got {n}, {limit} and {after}")
    if not math.isfinite(change):
        raise ValueError(f"change must be a finite number of standard deviations, got {change}")
    rng = np.random.default_rng(seed)
    memory = detector.start(n)
    for _ in range(after):
        alarmed = _alarms(detector, memory, rng.standard_normal(n))
        if alarmed.any():
            memory[alarmed] = detector.start(int(alarmed.sum()))
    lengths = np.full(n, limit, np.int64)
    running = np.arange(n)
    for step in range(1, limit + 1):
        alarmed = _alarms(detector, memory, rng.standard_normal(len(running)) + change)
        if alarmed.any():
            lengths[running[alarmed]] = step
            running, memory = running[~alarmed], memory[~alarmed]
            if not len(running):
                break
    return RunLengths(lengths, len(running))


def _alarms(detector: Detector, memory: NDArray[Any], values: Floats) -> NDArray[np.bool_]:
    statistics = update(detector, memory, values)
    if np.isnan(statistics).any():
        raise ValueError(f"{detector} gives a statistic that is no number (nan), for finite values")
    return statistics > detector.threshold


class Family(NamedTuple):
    """Detectors that differ in one number, the calmer the larger it is: what :func:`calibrate` searches."""

    make: Callable[[float], Any]
    low: float
    high: float


def adwin(calm: float) -> River:
    """River's ADWIN with ``delta`` 1 / ``calm``, looking at every value (its own clock is every 32nd)."""

    def make() -> Any:
        from river.drift import ADWIN

        return ADWIN(delta=1.0 / calm, clock=1)

    return River(make)


ADWIN = Family(adwin, 1.001, 1e9)  # at its most eager, some 350 values lie between two false alarms


def check_rate(arl0: float) -> None:
    """Refuse an in-control average run length that no detector can be set to."""
    if not 2.0 <= arl0 < math.inf:
        raise ValueError(f"arl0 must be at least 2 and finite, got {arl0}")


def calibrate(detector: Any, arl0: float, n: int = 4000, seed: int = 0) -> Any:
    """The detector with the threshold at which its in-control average run length is ``arl0``.

    By bisection on common values, to about the Monte Carlo error of ``n`` runs. One that says only yes or no
    is given as a :class:`Family`, whose number is searched on a logarithmic scale.

    Raises:
        ValueError: an ARL0 that is no number from 2 on, one that is out of reach, or a detector without a
            continuous statistic.

    >>> round(calibrate(Cusum(slack=0.5), 168.0).threshold, 1)
    4.0
    """
    check_rate(arl0)
    if isinstance(detector, River):
        raise ValueError("river's detectors say only yes or no: give a Family that makes them")
    limit = int(30 * arl0)
    known = isinstance(detector, Family)
    make = detector.make if known else partial(_with_threshold, detector)

    def at(place: float) -> float:
        return run_lengths(make(place), 0.0, n, seed, limit=limit).mean

    low, high = (detector.low, detector.high) if known else (0.0, 1.0)
    if known and at(low) > arl0:
        raise ValueError(f"{detector} cannot alarm as often as every {arl0:g} values")
    while at(high) < arl0:
        if known or high > 1e6:
            raise ValueError(f"{detector} does not reach an in-control average run length of {arl0}")
        low, high = high, 2 * high
    for _ in range(18):
        middle = math.sqrt(low * high) if known else (low + high) / 2
        low, high = (middle, high) if at(middle) < arl0 else (low, middle)
    return make(high if known else (low + high) / 2)


def _with_threshold(detector: Any, threshold: float) -> Any:
    return replace(detector, threshold=threshold)


def siegmund(change: float, slack: float, threshold: float) -> float:
    """Average run length of the one-sided CUSUM, Siegmund's approximation (1985).

    >>> round(siegmund(0.0, 0.5, 3.0), 1)
    118.6
    """
    drift, barrier = change - slack, threshold + 1.166
    if abs(drift) < 1e-9:
        return barrier * barrier
    return (math.exp(-2 * drift * barrier) + 2 * drift * barrier - 1) / (2 * drift * drift)


def lab(
    detectors: dict[str, Any], arl0s: list[float], changes: list[float], n: int, seed: int = 0
) -> list[dict[str, Any]]:
    """Steady-state delay of each detector at equal false-alarm rates: a row for each of the three.

    Values before the shift number 100, and what alarms among them starts anew.
    """
    rows = []
    for name, plain in detectors.items():
        for arl0 in arl0s:
            detector = calibrate(plain, arl0, n, seed)
            for change in changes:
                found = run_lengths(detector, change, n, seed + 1, after=100)
                rows.append(
                    {
                        "detector": name,
                        "arl0": arl0,
                        "threshold": detector.threshold,
                        "change": change,
                        "delay": found.mean,
                        "error": found.error,
                    }
                )
    return rows
