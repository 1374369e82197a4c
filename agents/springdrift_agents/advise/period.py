"""Find the season of a series, with evidence, or say that there is none."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift_agents.advise.findings import DataError
from springdrift_agents.advise.grid import DAY, MONTH, Recording, Step

WEEK, YEAR = 7 * DAY, 12 * MONTH
CALENDAR = {"day": DAY, "week": WEEK, "month": MONTH, "year": YEAR}
SEASONS = 8  # that a record must hold for one to be believed
LEAST = 0.2  # autocorrelation that a season shows
CLEAR = 4.0  # standard errors of an autocorrelation of noise


class Season(NamedTuple):
    """A season, and what speaks for it."""

    period: int  # measurements
    name: str  # "day", or "" where it is none of the calendar
    strength: float  # autocorrelation of the detrended series one season apart
    others: tuple[tuple[int, float], ...]  # runners-up


def find(recording: Recording) -> Season:
    """The season with the highest autocorrelation after the trend is taken out.

    Where none is found, changes from one measurement to the next are looked at: a level that wanders hides
    a season in the series and not in its changes.

    Raises:
        DataError: none stands out; says what was looked at.
    """
    n = len(recording)
    longest = n // SEASONS
    calendar = dict(_calendar(recording.step, longest))
    plain = detrended(recording.values)
    lags = autocorrelation(plain, longest)
    found = _best(lags, calendar) or _best(autocorrelation(np.diff(plain), longest), calendar)
    if found:
        return found
    best = max(range(2, longest), key=lambda k: lags[k], default=0)
    raise DataError(
        f"no season was found among {n:,} measurements up to {longest:,} apart; the highest autocorrelation "
        f"is {lags[best] if best else 0:.2f}, at {best}. If there is one, say how many measurements "
        "it has with --period"
    )


def _best(lags: NDArray[np.float64], calendar: dict[int, str]) -> Season | None:
    longest = len(lags) - 1
    least = max(LEAST, CLEAR / np.sqrt(SEASONS * longest)) if longest else 1.0
    peaks = (k for k in range(2, longest) if lags[k] >= lags[k - 1] and lags[k] > lags[k + 1])
    scored = {k: float(lags[k]) for k in peaks if lags[k] > least and lags[:k].min() < lags[k] - LEAST / 2}
    if not scored:
        return None
    top = max(scored.values())
    # of seasons about as good the shortest, since its multiples are as good
    chosen = min(k for k, strength in scored.items() if strength > 0.85 * top)
    period = next((lag for lag in calendar if abs(chosen - lag) <= lag // 50), chosen)
    others = sorted(((k, s) for k, s in scored.items() if k != chosen), key=lambda one: -one[1])[:3]
    return Season(period, calendar.get(period, ""), scored[chosen], tuple(others))


def detrended(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A series less its straight line, nan taken as 0."""
    there = ~np.isnan(values)
    t = np.arange(len(values))
    slope, level = np.polyfit(t[there], values[there], 1)
    return np.where(there, values - slope * t - level, 0.0)


def autocorrelation(values: NDArray[np.float64], longest: int) -> NDArray[np.float64]:
    """Autocorrelation at 0 to ``longest`` steps, (longest + 1,), by the fast Fourier transform.

    >>> autocorrelation(np.array([1.0, -1.0] * 5), 2).round(2).tolist()
    [1.0, -0.9, 0.8]
    """
    centred = values - values.mean()
    spectrum = np.fft.rfft(centred, 2 * len(values))
    products = np.fft.irfft(np.abs(spectrum) ** 2)[: longest + 1]
    scale = max(products[0], 1e-300)
    # exact zeros come out as rounding errors of the transform
    return products / scale if products[0] > 1e-12 * np.sum(values**2 + 1e-300) else np.zeros(longest + 1)


def _calendar(step: Step, longest: int) -> list[tuple[int, str]]:
    found = []
    for name, seconds in CALENDAR.items():
        lag = round(seconds / step.seconds)
        if 2 <= lag <= longest and abs(seconds / step.seconds - lag) < 0.02 * lag:
            found.append((lag, name))
    return found
