"""The deployed model: a fit is system identification, and it agrees with an independent solver."""

import numpy as np
import pytest
from numba import njit

from springdrift import InclinedMassEnv, Params, simulate
from springdrift.incline import model
from springdrift.incline.model import RIDGE_FORCE, RIDGE_LAG, RIDGE_LEVEL, fit

DT = 0.25


@njit
def side_by_side(e, fits, n):
    model.fit_side_by_side(e, fits, n, 1.0)


def record(stiffness, pushes):
    params = Params(friction=0.0, stiffness=stiffness)
    fine = 512
    path = simulate(
        params,
        params.equilibrium + 0.3,
        0.0,
        len(pushes) * DT,
        np.repeat(pushes, fine),
        dt=DT / fine,
        every=fine,
    )
    return path.x[1:], params


def regressors(y, u):
    rows = [[y[t - 1], y[t - 2], y[t - 3], y[t - 4], (u[t] + u[t - 1]) / 2, 1.0] for t in range(4, len(y))]
    return np.array(rows), y[4:]


@pytest.mark.parametrize("stiffness", [6.0, 9.87, 16.0])
def test_the_sampled_oscillator_is_an_exact_autoregression(stiffness):
    """y[t] = 2 cos(w dt) y[t-1] - y[t-2] + 2 (1 - cos(w dt)) (mean force + pull) / k, without friction."""
    pushes = np.random.default_rng(0).uniform(-0.3, 0.3, 60)
    y, params = record(stiffness, pushes)
    cosine = np.cos(np.sqrt(stiffness) * DT)
    mean_push = (pushes[1:] + pushes[:-1]) / 2
    forecast = 2 * cosine * y[1:-1] - y[:-2]
    forecast += 2 * (1 - cosine) * (mean_push[1:] / stiffness + params.equilibrium)
    np.testing.assert_allclose(forecast, y[2:], atol=2e-6)


def test_fit_forecasts_a_noise_free_machine():
    pushes = np.random.default_rng(1).choice([-0.13, 0.13], 96)
    y, _ = record(12.0, pushes)
    fitted = np.empty(6)
    error = fit(y[:48], pushes[:48], np.zeros(6), fitted)
    rows, wanted = regressors(y[44:], pushes[44:])
    assert error < 0.02
    assert np.abs(rows @ fitted - wanted).max() < 0.03


@pytest.mark.parametrize("seed", range(5))
def test_fit_is_ridge_regression_toward_the_previous_model(seed):
    """Against numpy's least squares on the augmented, centred problem."""
    rng = np.random.default_rng(seed)
    y, u, previous = rng.normal(0.5, 0.2, 48), rng.normal(0.0, 0.2, 48), rng.normal(size=6) * 0.3
    rows, wanted = regressors(y, u)
    centred = rows.copy()
    centred[:, :4] -= y.mean()
    weights = np.sqrt([RIDGE_LAG] * 4 + [RIDGE_FORCE, RIDGE_LEVEL])
    change = np.linalg.lstsq(
        np.vstack([centred, np.diag(weights)]), np.append(wanted - rows @ previous, np.zeros(6)), rcond=None
    )[0]
    expected = previous + change
    expected[5] -= change[:4].sum() * y.mean()
    fitted = np.empty(6)
    error = fit(y, u, previous, fitted)
    np.testing.assert_allclose(fitted, expected, atol=1e-9)
    assert error == pytest.approx(np.sqrt(np.mean((rows @ expected - wanted) ** 2)))


def test_the_deployed_model_knows_the_frequency():
    """The roots of the commissioned model tell the machine's frequency."""
    env = InclinedMassEnv("stationary")
    for seed in range(10):
        env.reset(seed=seed)
        a = env.world.batch.field("model")[0, :4, 0]
        roots = np.roots([1.0, *-a])
        angles = np.abs(np.angle(roots[np.argmax(np.abs(roots) * (np.abs(np.angle(roots)) > 0.1))])) / DT
        assert angles == pytest.approx(np.pi, rel=0.03)


@pytest.mark.parametrize("n", [0, 4, 8, 24, 48])
@pytest.mark.parametrize("fits", [1, model.VECTOR, model.FITS])
def test_fits_side_by_side_are_those_made_alone_bit_for_bit(n, fits):
    rng = np.random.default_rng(n)
    y, u, previous = (rng.normal(size=(rows, fits)) for rows in (n, n, 6))
    e = np.zeros(model.ROOM)
    rows = e.reshape(-1, model.FITS)
    for place, values in ((model.Y, y), (model.U, u), (model.PREVIOUS, previous)):
        start = place // model.FITS
        rows[start : start + len(values), :fits] = values
    side_by_side(e, fits, n)
    for k in range(fits):
        fitted = np.empty(6)
        assert fit(y[:, k].copy(), u[:, k].copy(), previous[:, k].copy(), fitted) == e[model.ERROR + k]
        np.testing.assert_array_equal(fitted, e[model.FITTED : model.ERROR].reshape(6, -1)[:, k])


@pytest.mark.parametrize(("n", "forces"), [(47, 47), (52, 52), (48, 44)])
def test_a_window_that_no_fit_has_is_refused(n, forces):
    with pytest.raises(ValueError, match="as many forces as measurements, a multiple of 4 up to 48"):
        fit(np.zeros(n), np.zeros(forces), np.zeros(6), np.empty(6))
