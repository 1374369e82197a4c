"""The kernel's motion against a second implementation in NumPy, to the last bit."""

import numpy as np
import pytest

from springdrift import World
from springdrift_agents.numpy_mass import NumpyMass


@pytest.mark.parametrize("scenario", ["stationary", "chaos"])
@pytest.mark.parametrize("action", [0, 1])
def test_a_cycle_is_the_same_to_the_last_bit(scenario, action):
    n = 40
    world = World(n, scenario)
    world.seed(np.arange(n), np.arange(n, dtype=np.uint64))
    world.begin(np.ones(n, bool))
    for _ in range(3):
        mass = NumpyMass(world)
        error = mass.cycle(np.full(n, action))
        world.advance(np.full(n, action))
        for name in ("x", "v", "swing"):
            np.testing.assert_array_equal(getattr(mass, name), world.batch.lanes(name, n), err_msg=name)
        np.testing.assert_array_equal(mass.pushes[-1], world.batch.field("window_u")[:, -1].reshape(-1)[:n])
        # noise differs in its draws, not in its size
        assert error.mean() == pytest.approx(world.batch.lanes("measured_error", n).mean(), rel=0.2, abs=0.01)
