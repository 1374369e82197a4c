"""The dashboard of a forecast in production: what a learned policy reads, from what is known of each cycle.

It holds the columns that ``springdrift/TimeSeries-v0`` shows, under the same names and in the same units,
worked out in Python alone, so that a policy which was trained there runs in production. Two things differ,
because production differs: there is no deadline, so ``time_left`` stays at a half, and ``push`` is that of
the newest cycle that is *known*, which with a label delay is not the last one.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

USUAL = 0.1  # units: what a healthy model's error reads
TOLERANCE = 10.0  # usual errors that make a scale, in which the shortfall beside the baseline is measured
HALF_ERROR, HALF_AGE = 0.25, 20.0  # units and cycles at which a gauge stands in its middle
FAST, SLOW = 0.3, 0.05  # weights of the moving averages
SLACK = 0.05  # units, of the alarm
NONE_YET = 100.0  # cycles that are shown since things that never happened
TIME_LEFT = 0.5
FLAT = 1e-12  # share of the squares below which a cycle does not vary


class Seen(NamedTuple):
    """What is known of one cycle, in the units of the measurements."""

    error: float  # rms error of the model in service
    baseline_error: float  # of the safe baseline
    bias: float  # mean error of the model
    correlation: float  # of forecast and measurement
    peak: float  # 1 - rms/peak of the model's errors
    level: float  # mean measurement
    forecast: float  # mean of the model's forecast
    baseline: float  # mean of the safe baseline
    fit_error: float  # rms error of the newest fit on its own window


def seen(
    measured: Sequence[float], forecast: Sequence[float], baseline: Sequence[float], fit_error: float
) -> Seen:
    """What is known of a cycle once it is measured.

    Args:
        measured: its measurements.
        forecast: what the model in service said beforehand, whether it was served or not.
        baseline: what the safe baseline said.
        fit_error: rms error of the newest fit on the window that it was fitted on.

    Raises:
        ValueError: they are empty, or of different lengths.

    >>> seen([1.0, 3.0], [1.0, 2.0], [2.0, 2.0], 0.1).bias
    -0.5
    """
    n = len(measured)
    if not n or len(forecast) != n or len(baseline) != n:
        raise ValueError(
            f"measured, forecast and baseline must be as long as each other, and not empty; "
            f"got {n}, {len(forecast)} and {len(baseline)}"
        )
    misses = [f - y for f, y in zip(forecast, measured, strict=True)]
    squares = sum(miss * miss for miss in misses)
    largest = max(miss * miss for miss in misses)
    return Seen(
        error=math.sqrt(squares / n),
        baseline_error=math.sqrt(sum((b - y) ** 2 for b, y in zip(baseline, measured, strict=True)) / n),
        bias=sum(misses) / n,
        correlation=_correlation(forecast, measured),
        peak=0.0 if largest <= 0.0 else 1.0 - math.sqrt(squares / (n * largest)),
        level=sum(measured) / n,
        forecast=sum(forecast) / n,
        baseline=sum(baseline) / n,
        fit_error=fit_error,
    )


def _correlation(forecast: Sequence[float], measured: Sequence[float]) -> float:
    """0 where either is flat."""
    n, home = len(measured), measured[0]
    f, y = [one - home for one in forecast], [one - home for one in measured]
    ff, yy = sum(one * one for one in f), sum(one * one for one in y)
    spread_f, spread_y = n * ff - sum(f) ** 2, n * yy - sum(y) ** 2
    if spread_f <= FLAT * n * ff or spread_y <= FLAT * n * yy:
        return 0.0
    together = n * sum(a * b for a, b in zip(f, y, strict=True)) - sum(f) * sum(y)
    return min(1.0, max(-1.0, together / (math.sqrt(spread_f) * math.sqrt(spread_y))))


class Dashboard:
    """The dashboard of one forecast in service, cycle by cycle.

    Args:
        usual: rms error of a fresh model.
        level: mean measurement when the model was commissioned.
        latency: cycles from the request of a retraining to its deployment.
        fit_error: rms error of the model in service on the window that it was fitted on; ``usual`` if None.
    """

    def __init__(self, usual: float, level: float, latency: int, fit_error: float | None = None) -> None:
        self.unit, self.scale, self.home, self.latency = usual / USUAL, usual * TOLERANCE, level, latency
        self.fit_error = (usual if fit_error is None else fit_error) / self.unit
        self.error = self.fast = self.slow = USUAL
        self.bias = self.peak = self.level = self.push = self.swing = self.swing_change = 0.0
        self.correlation, self.override_effect = 1.0, 0.0
        self.since_retrain = self.since_intervene = NONE_YET
        self.age = 0.0
        self._level_before = 0.0
        self._known = 0  # cycles that are known
        self._restart()

    def _restart(self) -> None:
        self.alarm = self._mean = 0.0
        self._count = 0

    def pass_cycle(self, action: str, known: Seen | None, overrode: bool) -> None:
        """A cycle has ended.

        Args:
            action: what was decided for it.
            known: of the newest cycle that is known; None where none is.
            overrode: whether the baseline was served in *that* cycle.
        """
        self.since_retrain = 0.0 if action == "RETRAIN" else self.since_retrain + 1.0
        self.since_intervene = 0.0 if action == "INTERVENE" else self.since_intervene + 1.0
        self.age += 1.0
        if known is None:
            return
        self._known += 1
        self.error = known.error / self.unit
        self.fast += FAST * (self.error - self.fast)
        self.slow += SLOW * (self.error - self.slow)
        self._count += 1
        self._mean += (self.error - self._mean) / self._count
        self.alarm = max(0.0, self.alarm + self.error - self._mean - SLACK)
        spared = self._spared(known)
        before = self.swing
        self.swing = min(0.0, -spared)
        self.swing_change = self.swing - before if self._known > 1 else self.swing
        if overrode:
            self.override_effect = spared
        self.bias, self.correlation, self.peak = known.bias / self.unit, known.correlation, known.peak
        level = (known.level - self.home) / self.unit
        self.level = 0.5 * (level + (self._level_before if self._known > 1 else level))
        self._level_before = level
        served = known.baseline if overrode else known.forecast
        self.push = (served - self.home) / self.unit
        self.fit_error = known.fit_error / self.unit

    def _spared(self, known: Seen) -> float:
        """The signed root of what the baseline spares, in squared scales up to 1."""
        model, naive = (min((e / self.scale) ** 2, 1.0) for e in (known.error, known.baseline_error))
        return math.copysign(math.sqrt(abs(model - naive)), model - naive)

    def deploy(self) -> None:
        """The model that was in training goes into service."""
        self.age = 0.0
        self._restart()

    def columns(self, training: int | None) -> dict[str, float]:
        """What it shows, by column.

        Args:
            training: cycles until the model in training is deployed; None where none is.
        """
        return {
            "error": _log_error(self.error),
            "error_fast": _log_error(self.fast),
            "error_slow": _log_error(self.slow),
            "bias": _bounded(self.bias),
            "swing": _clip(self.swing),
            "swing_change": _clip(self.swing_change),
            "correlation": _clip(self.correlation),
            "push": _bounded(self.push),
            "override_effect": _clip(self.override_effect),
            "since_retrain": self.since_retrain / (self.since_retrain + HALF_AGE),
            "since_intervene": self.since_intervene / (self.since_intervene + HALF_AGE),
            "in_flight": 0.0 if training is None else (training + 1.0) / (self.latency + 1.0),
            "model_age": self.age / (self.age + HALF_AGE),
            "fit_error": _log_error(self.fit_error),
            "alarm": self.alarm / (1.0 + self.alarm),
            "peak": self.peak,
            "level": _bounded(self.level),
            "time_left": TIME_LEFT,
        }


def _log_error(error: float) -> float:
    return (error - HALF_ERROR) / (error + HALF_ERROR)


def _bounded(value: float) -> float:
    return value / (1.0 + abs(value))


def _clip(value: float) -> float:
    return max(-1.0, min(1.0, value))
