"""The series world's references: the staleness matrix, the exact optimum, calendars and thresholds."""

import errno
import itertools
from dataclasses import replace

import numpy as np
import pytest

from springdrift.series.costs import Costs
from springdrift.series.forecaster import (
    BASELINES,
    CONSTANT,
    LAG1,
    LAG2,
    LEVEL,
    LONG_COS,
    LONG_SIN,
    PROFILE,
    RIDGE,
    Shape,
    fit,
)
from springdrift.series.generator import draw
from springdrift.series.optimum import (
    Problem,
    best_calendar,
    best_threshold,
    calendar,
    cost_of,
    optimum,
    problem,
    square_root_calendar,
    terms_of,
    threshold,
)
from springdrift.series.scenario import GENERATED
from springdrift.series.staleness import harmonics_of, pair, staleness

SHAPE = Shape(period=24, long_period=7, window=14, delay=0, baseline=0)
SMALL = Shape(period=6, long_period=0, window=5, delay=0, baseline=0)


def a_series(cycles, shape, seed=0, jump=None):
    rng = np.random.default_rng(seed)
    phase = np.arange(shape.period) / shape.period
    y = np.sin(2 * np.pi * phase) + 0.05 * rng.standard_normal((cycles, shape.period))
    if jump is not None:
        y[jump:] += 0.7 * np.cos(2 * np.pi * phase)
    return y.astype(np.float32)


def a_problem(cycles, rng, latency=2, release_every=0):
    pairs = pair(0, cycles)
    prices = replace(Costs(), forecast=3.0, intervene=0.4, retrain=1.0)
    return Problem(
        *(rng.uniform(0, 1.2, pairs).astype(np.float32), rng.uniform(0, 1, pairs).astype(np.float32)),
        *(rng.uniform(0, 0.9, cycles).astype(np.float32), 0, cycles, 1.0),
        *(prices.forecast, prices.intervene, prices.retrain, prices.forecast_cap),
        *(latency, release_every, 0),
    )


def plain_fit(measured, at, shape):
    """The ridge fit, by the textbook: columns standardised, the constant free."""
    seen, back = measured.astype(np.float64), 1 + shape.delay
    rows, targets = [], []
    waves = harmonics_of(shape)
    for t in range(at - shape.delay - shape.window, at - shape.delay):
        for j in range(shape.period):
            long = (
                [f(2 * np.pi * t / shape.long_period) for f in (np.sin, np.cos)] if shape.long_period else []
            )
            lags = [seen[t - back, j], seen[t - back - 1, j], seen[t - back].mean()]
            rows.append([*lags, *long, *waves[j]])
            targets.append(seen[t, j])
    x, y = np.array(rows), np.array(targets)
    centre, home = x.mean(0), y.mean()
    x, y = x - centre, y - home
    penalty = RIDGE * np.diag(x.var(0))
    beta = np.linalg.solve(x.T @ x + penalty, x.T @ y)
    return beta, home - centre @ beta


@pytest.mark.parametrize("delay", [0, 2])
@pytest.mark.parametrize("long_period", [0, 7])
def test_the_fit_is_ridge_regression(delay, long_period):
    shape = SHAPE._replace(delay=delay, long_period=long_period)
    seen = draw(GENERATED["gradual"], 3, cycles=60, history=shape.history).seen
    at = 50
    model = np.empty(PROFILE + shape.period)
    fit(seen, at, 0, shape, harmonics_of(shape), model)
    beta, constant = plain_fit(seen, at, shape)
    ours = [model[LAG1], model[LAG2], model[LEVEL]]
    if long_period:
        ours += [model[LONG_SIN], model[LONG_COS]]
    np.testing.assert_allclose(ours, beta[: len(ours)], atol=2e-5)
    np.testing.assert_allclose(model[CONSTANT], constant, atol=2e-5)
    np.testing.assert_allclose(model[PROFILE:], harmonics_of(shape) @ beta[len(ours) :], atol=2e-5)


def test_a_fit_on_nothing_is_the_last_known_level():
    seen = a_series(20, SMALL)
    model = np.empty(PROFILE + 6)
    assert fit(seen, 12, 12, SMALL, harmonics_of(SMALL), model) == 0.0
    assert model[LEVEL] == 1.0
    assert np.count_nonzero(model) == 1


@pytest.mark.parametrize("delay", [0, 3])
def test_no_fit_and_no_forecast_sees_its_future(delay):
    """Change everything from cycle 40 on, and nothing known before it moves."""
    shape = SMALL._replace(delay=delay)
    y = a_series(60, shape)
    other = y.copy()
    other[40:] = np.random.default_rng(1).standard_normal(other[40:].shape)
    one, two = staleness(y, shape), staleness(other, shape)
    before = one.place(one.first, 40)
    np.testing.assert_array_equal(one.stats[:before], two.stats[:before])
    np.testing.assert_array_equal(one.naive[:40], two.naive[:40])
    np.testing.assert_array_equal(one.fit_error[: 40 + delay + 1], two.fit_error[: 40 + delay + 1])
    # in cycle 40 the forecasts are as they were: only what they are compared with has changed
    mean = slice(before, one.place(one.first, 41))
    np.testing.assert_array_equal(one.stats[mean, 4], two.stats[mean, 4])
    assert (one.stats[mean, 0] != two.stats[mean, 0]).all()


def test_a_stale_model_is_worse_and_a_fresh_one_is_not():
    table = staleness(a_series(60, SMALL, jump=30), SMALL)
    square = table.matrix()
    assert np.isnan(square[5, 4])
    old, fresh = square[0, -1], square[-1, -1]
    assert old > 5 * fresh
    assert abs(fresh - 0.05) < 0.03


@pytest.mark.parametrize("baseline", list(BASELINES))
def test_the_baselines_are_what_they_say(baseline):
    shape = Shape(6, 4, 5, 1, BASELINES[baseline])
    y = a_series(40, shape)
    table = staleness(y, shape)
    t = 30
    said = {"last": y[t - 2], "season": y[t - 4], "mean": y[t - 4 : t - 1].mean(0)}[baseline]
    np.testing.assert_allclose(table.naive[t, 0], np.sqrt(np.mean((said - y[t]) ** 2)), rtol=1e-6)
    np.testing.assert_allclose(table.naive[t, 1], np.mean(said - y[t]), rtol=1e-5)


def brute_force(p):
    best = min(itertools.product((0, 1, 2), repeat=p.cycles), key=lambda actions: cost_of(p, actions))
    return cost_of(p, best)


@pytest.mark.parametrize(("latency", "release_every"), [(1, 0), (2, 0), (3, 0), (2, 3), (1, 4)])
def test_the_optimum_is_that_of_brute_force(latency, release_every):
    rng = np.random.default_rng(latency * 10 + release_every)
    for _ in range(3):
        p = a_problem(7, rng, latency, release_every)
        found = optimum(p)
        assert found.cost == pytest.approx(brute_force(p), abs=1e-12)
        assert found.cost == pytest.approx(sum(terms_of(p, found.actions).values()), abs=1e-12)


def test_the_optimum_uses_every_decision_where_it_pays():
    rng = np.random.default_rng(0)
    used = {int(a) for _ in range(5) for a in optimum(a_problem(30, rng)).actions}
    assert used == {0, 1, 2}


def test_the_optimum_is_no_dearer_than_any_calendar_or_threshold():
    for seed, name in enumerate(("abrupt", "tilt", "driver", "release-train")):
        scenario = GENERATED[name]
        drawn = draw(scenario, seed, history=SHAPE.history)
        p = problem(
            staleness(drawn.y, SHAPE, seen=drawn.seen),
            SHAPE.history,
            200,
            release_every=scenario.release_every,
        )
        best = optimum(p).cost
        never = cost_of(p, np.zeros(200))
        assert best <= best_threshold(p)[2].cost + 1e-9
        assert best <= best_calendar(p)[1].cost + 1e-9
        assert best_calendar(p)[1].cost <= never
        assert best < 0.8 * never


def test_staleness_linear_in_age_makes_the_square_root_calendar_best():
    """C / n + a (n - 1) / 2 a cycle is least at n = sqrt(2 C / a)."""
    cycles, retrain = 1200, 3.0
    for best in (6, 12, 24):
        slope = 2.0 * retrain / best**2
        served, fitted = np.tril_indices(cycles)
        error = np.sqrt(slope * (served - fitted)).astype(np.float32)
        p = Problem(
            *(error, error, np.full(cycles, 1e6, np.float32), 0, cycles, 1.0),
            *(1.0, 1.0, retrain, 1e12, 1, 0, 0),
        )
        assert square_root_calendar(slope, retrain) == pytest.approx(best)
        found, schedule = best_calendar(p)
        assert abs(found - best) <= max(1, best // 10)
        assert calendar(p, best).cost < 1.005 * schedule.cost
        requests = np.flatnonzero(optimum(p).actions == 2)
        assert abs(np.diff(requests).mean() - best) < 1.0


def test_a_threshold_waits_for_labels_and_for_its_cool_down():
    rng = np.random.default_rng(0)
    p = a_problem(40, rng, latency=1)._replace(delay=3)
    asked = np.flatnonzero(threshold(p, 0.0, 5).actions == 2)
    np.testing.assert_array_equal(asked, np.arange(4, 40, 5))


def test_a_cold_start_fits_only_what_came_after_it():
    scenario = GENERATED["poc"]
    drawn = draw(scenario, 1, history=SHAPE.history)
    cold = staleness(drawn.y, SHAPE, seen=drawn.seen, born=SHAPE.history)
    warm = staleness(drawn.y, SHAPE, seen=drawn.seen)
    start = SHAPE.history
    assert problem(cold, start, 40).scale == problem(warm, start, 40).scale
    assert cold.matrix()[start - cold.first, start - cold.first] > 3 * warm.matrix()[-1, -1]
    assert optimum(problem(cold, start, 40)).cost > optimum(problem(warm, start, 40)).cost
    assert (optimum(problem(cold, start, 40)).actions == 2).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.zeros((40, 7))}, r"y must hold numbers of shape \(cycles, 6\)"),
        ({"y": np.full((40, 6), np.nan)}, "a series must be finite"),
        ({"y": np.zeros((9, 6))}, "9 cycles are too few"),
        ({"model": "forest"}, 'model must be "ridge" or a function'),
        ({"seen": np.zeros((41, 6))}, "seen must be as y"),
    ],
)
def test_a_bad_series_is_refused(change, message):
    given = {"y": np.zeros((40, 6)), "shape": SMALL, **change}
    with pytest.raises(ValueError, match=message):
        staleness(given.pop("y"), given.pop("shape"), **given)


class LastValue:
    """An estimator with scikit-learn's methods that says what was a cycle before."""

    def fit(self, x, y):
        self.shape_ = x.shape
        return self

    def predict(self, x):
        return x[:, 0]


class Mean:
    def fit(self, x, y):
        self.mean_ = y.mean()
        return self

    def predict(self, x):
        return np.full(len(x), self.mean_)


def test_any_estimator_goes_through_the_same_matrix(tmp_path):
    y = a_series(40, SMALL)
    naive = staleness(y, SMALL, model=LastValue)
    served = naive.place(np.arange(naive.first, 40), np.arange(naive.first, 40))
    np.testing.assert_array_equal(naive.cost_error[served], naive.naive[naive.first :, 0])
    mean = staleness(y, SMALL, model=Mean, cache=tmp_path)
    i, t = 20, 33
    expected = np.sqrt(np.mean((y[t] - y[i - 5 : i].mean()) ** 2))
    assert mean.cost_error[mean.place(i, t)] == pytest.approx(expected, rel=1e-6)
    assert mean.fit_error[i] == pytest.approx(y[i - 5 : i].std(), rel=1e-6)
    (kept,) = tmp_path.iterdir()
    again = staleness(y, SMALL, model=Mean, cache=tmp_path)
    np.testing.assert_array_equal(again.stats, mean.stats)
    staleness(y + 1.0, SMALL, model=Mean, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    assert kept.exists()


@pytest.mark.attack
def test_a_damaged_table_is_made_anew_and_a_full_folder_stops_nothing(tmp_path, monkeypatch):
    y = a_series(30, SMALL)
    mean = staleness(y, SMALL, model=Mean, cache=tmp_path)
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    np.savez(tmp_path / "nan.npz", stats=np.full_like(mean.stats, np.nan), cost_error=mean.cost_error,
             fit_error=mean.fit_error)  # fmt: skip
    for damaged in (b"", whole[: len(whole) // 2], b"PK" + bytes(99), (tmp_path / "nan.npz").read_bytes()):
        kept.write_bytes(damaged)
        found = staleness(y, SMALL, model=Mean, cache=tmp_path)
        np.testing.assert_array_equal(found.stats, mean.stats)
        assert staleness(y, SMALL, model=Mean, cache=tmp_path).fit_error.tolist() == mean.fit_error.tolist()
        assert kept.stat().st_size == len(whole)

    def full(part, **_):
        part.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.warns(UserWarning, match="fits cannot be kept in .*No space left on device"):
        found = staleness(y, SMALL, model=Mean, cache=tmp_path / "full")
    np.testing.assert_array_equal(found.stats, mean.stats)
    assert list((tmp_path / "full").iterdir()) == []


def test_fits_side_by_side_give_the_same_table():
    y = a_series(30, SMALL)
    one, two = staleness(y, SMALL, model=Mean), staleness(y, SMALL, model=Mean, jobs=2)
    np.testing.assert_array_equal(one.stats, two.stats)
