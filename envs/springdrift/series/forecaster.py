"""The deployed forecast model: ridge regression on season lags, the last level and harmonics.

At the start of a cycle it forecasts all ``P`` samples of it from what is then known, so nothing that it
looks at lies less than ``1 + label_delay`` cycles back:

``f[t, j] = c + a1 y[t-1-d, j] + a2 y[t-2-d, j] + b mean(y[t-1-d]) + long[t] + profile[j]``

where ``d`` is the label delay, ``long[t] = s sin(2 pi t/m) + q cos(2 pi t/m)`` a season of ``m`` cycles,
and the profile a sum of harmonics of the cycle. A fit at the start of cycle ``i`` sees the ``window``
cycles before ``i - d`` and nothing else.
"""

from typing import Any, NamedTuple

import numpy as np

from springdrift.game.jit import allocating, compiled
from springdrift.series.waves import cosine, sine

MOST_HARMONICS = 4
RIDGE = 1.0  # on standardised columns: one made-up measurement that says 0
TUNED = 6  # cycles that a fine-tuning sees
PULL = (300.0, 10.0)  # its ridge, toward its anchor: on lags, level and longer season; on the harmonics
DAMPED = 0.5  # what a deployment that goes wrong makes of every coefficient
# places in a model's row of numbers; the profile's P numbers follow
CONSTANT, LAG1, LAG2, LEVEL, LONG_SIN, LONG_COS, PROFILE = range(7)

LAST, SEASON, MEAN = range(3)  # the safe baselines
BASELINES = {"last": LAST, "season": SEASON, "mean": MEAN}
MEAN_OF = 3  # cycles that the baseline "mean" averages

# what comparing a forecast with a cycle gives
ERROR, BIAS, CORRELATION, PEAK, SERVED, STATS = range(6)
STAT_NAMES = ("error", "bias", "correlation", "peak", "mean")


class Shape(NamedTuple):
    """How a series is cut into cycles and what a fit may see of it."""

    period: int  # samples a cycle
    long_period: int  # cycles of the longer season, 0 for none
    window: int  # cycles that a fit sees
    delay: int  # cycles until a measurement is known, beyond the end of its own
    baseline: int  # one of BASELINES

    @property
    def validation(self) -> int:
        """Cycles before the first on which the commissioned model's usual error is measured."""
        return max(2, self.window // 2)

    @property
    def history(self) -> int:
        """Cycles that must lie before an episode's first.

        >>> Shape(24, 7, 14, 0, LAST).history
        23
        """
        naive = -(-(1 + self.delay) // max(1, self.long_period)) * max(1, self.long_period)
        return max(self.validation + self.window + 2 + 2 * self.delay, naive, MEAN_OF + self.delay)


@compiled
def columns_of(period: int, long_period: int) -> int:
    """Columns of the regression."""
    return 4 + 2 * min(MOST_HARMONICS, (period - 1) // 2) + (2 if long_period > 0 else 0)


@compiled
def mean_of(row: Any) -> Any:
    """Mean of a cycle."""
    total = 0.0
    for j in range(row.shape[0]):
        total += float(row[j])
    return total / row.shape[0]


@allocating
def usual_of(errors: Any) -> float:
    """Root of the mean square of some rms errors, never quite 0: it is divided by."""
    total = 0.0
    for k in range(errors.shape[0]):
        total += float(errors[k] * errors[k])
    return max(np.sqrt(total / errors.shape[0]), 1e-12)


@compiled
def forecast(model: Any, seen: Any, t: int, shape: Any, out: Any) -> None:
    """What a model forecasts of cycle ``t`` as it begins, into ``out`` (P,)."""
    back = 1 + shape.delay
    steady = model[CONSTANT] + model[LEVEL] * mean_of(seen[t - back])
    if shape.long_period > 0:
        turns = (t % shape.long_period) / shape.long_period
        steady += model[LONG_SIN] * sine(turns) + model[LONG_COS] * cosine(turns)
    one, two = model[LAG1], model[LAG2]
    for j in range(shape.period):
        lags = one * float(seen[t - back, j]) + two * float(seen[t - back - 1, j])
        out[j] = steady + model[PROFILE + j] + lags


@compiled
def _equations(
    seen: Any, first: int, last: int, shape: Any, waves: Any, mu: Any, anchor: Any, room: Any, gram: Any
) -> None:
    """Sums of products of all columns and the target, over the cycles from ``first`` up to ``last``.

    The target is what a cycle has beyond ``mu``, or beyond what an anchor says, where there is one.
    """
    row, out = room
    out[:] = mu
    count = gram.shape[0] - 1
    back = 1 + shape.delay
    for t in range(first, last):
        if anchor.shape[0] > 0:
            forecast(anchor, seen, t, shape, out)
        level = mean_of(seen[t - back]) - mu
        row[0] = 1.0
        row[3] = level
        base = 4
        if shape.long_period > 0:
            turns = (t % shape.long_period) / shape.long_period
            row[4], row[5] = sine(turns), cosine(turns)
            base = 6
        for j in range(shape.period):
            row[1] = float(seen[t - back, j]) - mu
            row[2] = float(seen[t - back - 1, j]) - mu
            for k in range(waves.shape[1]):
                row[base + k] = waves[j, k]
            row[count] = float(seen[t, j]) - out[j]
            for a in range(count + 1):
                for b in range(a + 1):
                    gram[a, b] += row[a] * row[b]


@compiled
def _solve(gram: Any, beta: Any, ridge: Any, harmonics: int) -> None:
    """Ridge by Cholesky's factor of the sums; the last row holds the products with the target.

    ``ridge`` is its strength on the columns before the first of the harmonics, and from there on.
    """
    count = gram.shape[0] - 1
    n = gram[0, 0]
    for a in range(1, count):  # columns count alike whatever their unit; the constant costs nothing
        centred = gram[a, a] - gram[a, 0] * gram[a, 0] / n
        strength = ridge[0] if a < harmonics else ridge[1]
        gram[a, a] += strength * (centred + 1e-12 * gram[a, a] + 1e-300) / n + 1e-9 * gram[a, a]
    for a in range(count):
        for b in range(a + 1):
            total = gram[a, b]
            for k in range(b):
                total -= gram[a, k] * gram[b, k]
            gram[a, b] = np.sqrt(max(total, 1e-300)) if a == b else total / gram[b, b]
    for a in range(count):
        total = gram[count, a]
        for k in range(a):
            total -= gram[a, k] * beta[k]
        beta[a] = total / gram[a, a]
    for back in range(count):
        a = count - 1 - back
        total = beta[a]
        for k in range(a + 1, count):
            total -= gram[k, a] * beta[k]
        beta[a] = total / gram[a, a]


@compiled(arrays=True)
def _regress(
    seen: Any, first: int, last: int, shape: Any, waves: Any, anchor: Any, ridge: Any, model: Any
) -> Any:
    """Add to ``model`` what a ridge regression over some cycles finds; returns its in-sample rms error."""
    count = columns_of(shape.period, shape.long_period)
    mu = 0.0
    for t in range(first, last):
        mu += mean_of(seen[t])
    mu /= last - first
    gram, beta, out = np.zeros((count + 1, count + 1)), np.zeros(count), np.empty(shape.period)
    _equations(seen, first, last, shape, waves, mu, anchor, (np.empty(count + 1), out), gram)
    base = 6 if shape.long_period > 0 else 4
    _solve(gram, beta, ridge, base)
    if shape.long_period > 0:
        model[LONG_SIN] += beta[4]
        model[LONG_COS] += beta[5]
    model[LAG1] += beta[1]
    model[LAG2] += beta[2]
    model[LEVEL] += beta[3]
    own = 0.0 if anchor.shape[0] > 0 else 1.0  # where there is no anchor, the mean was taken off
    model[CONSTANT] += beta[0] + mu * (own - beta[1] - beta[2] - beta[3])
    for j in range(shape.period):
        for k in range(waves.shape[1]):
            model[PROFILE + j] += beta[base + k] * waves[j, k]
    squares = 0.0
    for t in range(first, last):
        forecast(model, seen, t, shape, out)
        for j in range(shape.period):
            wrong = out[j] - float(seen[t, j])
            squares += wrong * wrong
    return np.sqrt(squares / ((last - first) * shape.period))


@allocating
def fit(seen: Any, at: int, first: int, shape: Any, waves: Any, model: Any) -> Any:
    """Fit at the start of cycle ``at`` into ``model``, (PROFILE + P,); returns its in-sample rms error.

    Args:
        seen: (N, P) measurements as the operator has them.
        at: cycle; what is fitted are the ``shape.window`` cycles before ``at - delay``.
        first: no cycle before this one is fitted. Without any left, the model is the last known level.
        shape: a :class:`Shape`.
        waves: (P, 2K) the cycle's harmonics.
        model: receives the coefficients.
    """
    last = at - shape.delay
    first = max(first, last - shape.window)
    model[:] = 0.0
    if last <= first:
        model[LEVEL] = 1.0
        return 0.0
    return _regress(seen, first, last, shape, waves, model[:0], (RIDGE, RIDGE), model)


@allocating
def tune(
    seen: Any, at: int, first: int, shape: Any, waves: Any, anchor: Any, cycles: int, pull: Any, model: Any
) -> Any:
    """Fine-tune ``anchor`` at the start of cycle ``at`` into ``model``; returns its in-sample rms error.

    What is fitted is the rest that the anchor leaves in the newest ``cycles`` known cycles: a ridge holds
    every coefficient to the anchor's, of strength ``pull[0]`` on lags, level and longer season and
    ``pull[1]`` on the harmonics, and nothing holds the constant. Other arguments are those of :func:`fit`;
    without a cycle to fit, the model is its anchor.
    """
    last = at - shape.delay
    first = max(first, last - cycles)
    for k in range(model.shape[0]):
        model[k] = anchor[k]
    if last <= first:
        return 0.0
    return _regress(seen, first, last, shape, waves, anchor, pull, model)


@compiled
def baseline(seen: Any, t: int, shape: Any, out: Any) -> None:
    """What the safe baseline says of cycle ``t`` as it begins, into ``out`` (P,): it has no fit."""
    back = 1 + shape.delay
    if shape.baseline == SEASON and shape.long_period > 0:
        back = -(-back // shape.long_period) * shape.long_period
    count = MEAN_OF if shape.baseline == MEAN else 1
    for j in range(shape.period):
        total = 0.0
        for ago in range(count):
            total += float(seen[t - back - ago, j])
        out[j] = total / count


@compiled
def compare(said: Any, row: Any, stats: Any) -> None:
    """How a forecast fared in a cycle, both (P,), into ``stats`` (STATS,).

    They are: rms error; mean error; correlation, 0 where either is flat; ``1 - rms/peak`` of the
    errors, 0 for none; and the forecast's mean.
    """
    n = said.shape[0]
    home = row[0]
    miss = squares = largest = 0.0
    sum_f = sum_y = sum_ff = sum_yy = sum_fy = 0.0
    for j in range(n):
        f, y = said[j] - home, row[j] - home
        e = f - y
        miss += e
        squares += e * e
        largest = max(largest, e * e)
        sum_f += f
        sum_y += float(y)
        sum_ff += f * f
        sum_yy += float(y * y)
        sum_fy += f * y
    stats[ERROR] = np.sqrt(squares / n)
    stats[BIAS] = miss / n
    spread_f, spread_y = n * sum_ff - sum_f * sum_f, n * sum_yy - sum_y * sum_y
    flat = spread_f <= 1e-12 * n * sum_ff or spread_y <= 1e-12 * n * sum_yy
    together = 0.0 if flat else (n * sum_fy - sum_f * sum_y) / (np.sqrt(spread_f) * np.sqrt(spread_y))
    stats[CORRELATION] = min(1.0, max(-1.0, together))
    stats[PEAK] = 0.0 if largest <= 0.0 else 1.0 - np.sqrt(squares / (n * largest))
    stats[SERVED] = home + sum_f / n
