"""Physics against closed forms (published figures) and the generator against its known answers."""

import numpy as np
import pytest

from springdrift.dynamics import Params, simulate
from springdrift.streams import threefry


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((0, 0, 0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF,) * 4, (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344, 0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_threefry_known_answers(words, expected):
    assert tuple(map(int, threefry(*map(np.uint32, words)))) == expected


def test_coulomb_decay_and_sticking():
    params = Params(stiffness=40.0, friction=0.05)
    path = simulate(params, params.equilibrium + 0.5, duration=30.0, dt=1 / 1024)
    away = path.x - params.equilibrium
    size = np.abs(away)
    peaks = size[1:-1][(size[1:-1] > size[:-2]) & (size[1:-1] >= size[2:])]
    np.testing.assert_allclose(peaks[:3], [0.478761, 0.457521, 0.436282], atol=1e-5)
    assert path.v[-1] == 0.0
    assert size[-1] <= 0.0106196


def test_energy_does_not_drift_in_1000_cycles():
    """Drift-kick-drift conserves k x^2 + v^2 (1 - k h^2 / 4) exactly: energy only ripples by k h^2 / 4."""
    params, h = Params(friction=0.0), 1 / 32
    path = simulate(params, params.equilibrium + 0.3, duration=2000.0, dt=h, every=8)
    potential = params.stiffness * (path.x - params.equilibrium) ** 2 / 2
    ripple = params.stiffness * h**2 / 4
    invariant = potential + path.v**2 / 2 * (1 - ripple)
    assert abs(invariant / invariant[0] - 1).max() < 1e-11
    energy = potential + path.v**2 / 2
    assert abs(energy / energy[0] - 1).max() <= 1.01 * ripple


def test_trajectory_converges_at_second_order():
    params = Params(friction=0.0)
    exact = params.equilibrium + 0.3 * np.cos(np.pi * 10.25)
    errors = [
        abs(simulate(params, params.equilibrium + 0.3, duration=10.25, dt=dt).x[-1] - exact)
        for dt in (1 / 32, 1 / 64, 1 / 128)
    ]
    np.testing.assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 2.0, atol=0.05)


@pytest.mark.parametrize("bad", [{"mass": 0.0}, {"friction": -1.0}, {"tilt": 2.0}, {"stiffness": np.nan}])
def test_bad_params_are_named(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        Params(**bad)
