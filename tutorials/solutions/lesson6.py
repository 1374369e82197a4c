"""Reference solutions of lesson 6."""

import numpy as np

from springdrift.incline.observation import OBSERVE


def steps_to(steps, costs, goal):
    above = np.flatnonzero(costs > goal)
    first = above[-1] + 1 if len(above) else 0
    return steps[first] if first < len(steps) else float("inf")


def gain_of_retraining(fee, saving, latency, gamma):
    return -fee + saving * gamma**latency / (1 - gamma)


def remember(memory, observation, start):
    old = memory[:, observation.shape[1] :].copy()
    old[start] = 0.0  # another episode: not this world's past
    return np.concatenate((old, observation), axis=1)


def names_of(observe):
    return {sense.name for sense in OBSERVE[observe]}


leaks = names_of("truth") - names_of("monitor")


def share_mixed(mixed, retrains):
    return mixed.sum() / retrains.sum() if retrains.sum() else 0.0


safe_file = "policy.safetensors"
