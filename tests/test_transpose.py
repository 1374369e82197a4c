"""A tile of an observation, compiled and interpreted, against numpy."""

import numpy as np
import pytest
from numba import njit

from springdrift import InclinedMassVectorEnv
from springdrift.game.transpose import SIDE, _interpreted, transpose
from springdrift.incline.kernel import LANES


@njit
def compiled(source, place, step, goal, start, width):
    transpose(source, place, step, goal, start, width)


@pytest.mark.parametrize("move", [compiled, _interpreted])
@pytest.mark.parametrize(
    ("place", "step", "start", "width"), [(0, 16, 0, 16), (5, 32, 3, 18), (7, 19, 40, 99)]
)
def test_a_tile_is_transposed_and_nothing_else_touched(move, place, step, start, width):
    source = np.arange(place + SIDE * step, dtype=np.float32)
    goal = np.full(start + SIDE * width + 8, -1.0, np.float32)
    expected = goal.copy()
    for column in range(SIDE):
        for row in range(SIDE):
            expected[start + row * width + column] = source[place + column * step + row]
    move(source, place, step, goal, start, width)
    np.testing.assert_array_equal(goal, expected)


@pytest.mark.parametrize("observe", ["monitor", "signals", "truth"])
def test_a_row_of_a_whole_block_is_that_of_a_part_of_one(observe):
    """Whole blocks go by tiles, the last one number by number; neither writes beyond its rows."""
    whole, part = (InclinedMassVectorEnv(n, observe=observe) for n in (LANES, LANES - 1))
    for envs in (whole, part):
        envs.reset(seed=3)
    for actions in np.random.default_rng(0).integers(3, size=(5, LANES)):
        np.testing.assert_array_equal(whole.step(actions)[0][:-1], part.step(actions[:-1])[0])
