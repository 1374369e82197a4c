"""The kernel's motion against a second implementation in NumPy, to the last bit."""

import numpy as np
import pytest

from bench.numpy_mass import NumpyMass
from springdrift import World
from springdrift.incline.kernel import LANES
from springdrift.incline.observation import OBS


@pytest.mark.parametrize("scenario", ["stationary", "chaos"])
@pytest.mark.parametrize("action", [0, 1])
def test_a_cycle_is_the_same_to_the_last_bit(scenario, action):
    n = 40
    world, actions = World(n, scenario), np.full(n, action)
    world.seed(np.arange(n), np.arange(n, dtype=np.uint64))
    world.begin(np.ones(n, bool))
    for _ in range(3):
        mass = NumpyMass(world)
        observation, _ = mass.cycle(actions)
        world.advance(actions)
        for name in ("x", "v", "swing"):
            np.testing.assert_array_equal(getattr(mass, name), world.batch.lanes(name, n), err_msg=name)
        np.testing.assert_array_equal(mass.pushes[-1], world.batch.window("window_u")[:, -1].reshape(-1)[:n])
        # noise differs in its draws, not in its size
        error = OBS.index("error")
        np.testing.assert_allclose(observation[:, error].mean(), world.out.obs[:, error].mean(), atol=0.1)


@pytest.mark.parametrize("scenario", ["stationary", "chaos"])
def test_without_noise_whole_episodes_are_the_same_to_the_last_bit(scenario):
    """Motion, dashboard and reward, by hand in a third of the cycles."""
    n = 40
    world = World(n, scenario)
    world.seed(np.arange(n), np.arange(n, dtype=np.uint64))
    world.begin(np.ones(n, bool))
    world.batch.field("noise")[:] = 0.0
    mass = NumpyMass(world)
    for actions in np.random.default_rng(0).choice(2, (60, n), p=(2 / 3, 1 / 3)):
        observation, reward = mass.cycle(actions)
        world.advance(actions)
        for column, sense in enumerate(OBS):
            np.testing.assert_array_equal(
                observation[:, column], world.out.obs[:, column], err_msg=sense.name
            )
        np.testing.assert_array_equal(reward, world.out.reward)


@pytest.mark.parametrize("scenario", ["stationary", "chaos"])
def test_masses_that_strike_the_end_stops(scenario):
    n = 4 * LANES + 8  # in blocks of LANES
    world = World(n, scenario)
    world.seed(np.arange(n), np.arange(n, dtype=np.uint64))
    world.begin(np.ones(n, bool))
    struck, others = world.batch.field("v")[0, ::3], world.get_state()
    struck[:] = np.linspace(-40.0, 40.0, struck.size)  # m/s
    mass = NumpyMass(world)
    mass.cycle(np.zeros(n, int))
    world.advance(np.zeros(n, int))
    for name in ("x", "v", "swing"):
        np.testing.assert_array_equal(getattr(mass, name), world.batch.lanes(name, n), err_msg=name)
    assert world.batch.field("swing")[0, ::3].max() == 1.5, "from stop to stop"
    hit, work = world.batch.lanes("x", n), world.batch.lanes("work", n).copy()
    assert ((hit >= -1.0) & (hit <= 2.0)).all()
    world.set_state(others)  # where nobody strikes
    world.advance(np.zeros(n, int))
    free = np.arange(n) % 3 > 0
    free[LANES:] = True
    np.testing.assert_array_equal(world.batch.lanes("x", n)[free], hit[free])
    np.testing.assert_array_equal(world.batch.lanes("work", n)[free], work[free])
