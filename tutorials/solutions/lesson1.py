"""Reference solutions of lesson 1."""

import numpy as np

from springdrift_agents.course.variants import given

posed = given("1.1")  # degrees, N/m
stretch = 9.81 * np.sin(np.radians(posed["tilt"])) / posed["stiffness"]


def period_of(mass, stiffness):
    return 2 * np.pi * np.sqrt(mass / stiffness)


def amplitude_left(amplitude, cycles, friction, stiffness, tilt):
    """Half swing by half swing: the mass sticks where the spring is too weak to overcome friction."""
    reach = friction * 9.81 * np.cos(tilt) / stiffness  # m from the middle
    for _ in range(2 * cycles):
        if amplitude > reach:
            amplitude = abs(amplitude - 2 * reach)
    return amplitude


def push_gain(force, stiffness, late):
    return 4 * force / stiffness * np.cos(2 * np.pi * late)


def fit_lags(y):
    past = np.column_stack((y[1:-1], y[:-2], np.ones(len(y) - 2)))
    coefficients, *_ = np.linalg.lstsq(past, y[2:], rcond=None)
    return coefficients


def ghost(recent, lags, steps):
    """Each forecast takes the place of the measurement that nobody has seen yet."""
    older, newer = recent
    a1, a2, c = lags
    path = []
    for _ in range(steps):
        older, newer = newer, a1 * newer + a2 * older + c
        path.append(newer)
    return np.array(path)
