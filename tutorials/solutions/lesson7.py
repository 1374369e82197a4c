"""Reference solutions of lesson 7."""

import numpy as np


def paired_interval(mine, other):
    differences = mine - other
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    mean = differences.mean()
    return mean, mean - 1.96 * error, mean + 1.96 * error


def worlds_needed(differences, half_width):
    return int(np.ceil((1.96 * differences.std(ddof=1) / half_width) ** 2))


def middle_mean(costs):
    quarter = len(costs) // 4
    return np.sort(costs)[quarter:-quarter].mean()


def improvement(mine, other):
    cheaper = mine[:, np.newaxis] < other
    tie = mine[:, np.newaxis] == other
    return (cheaper + 0.5 * tie).mean()


def leaked_seeds(trained_on, evaluated_on):
    return np.intersect1d(trained_on, evaluated_on)  # sorted, each once


verdicts = {
    "A": "leaked",  # far better on the reported worlds, and all of them are in trained_on
    "B": "peeks",  # far worse as soon as it cannot see the truth
    "C": "sound",  # neither fresh worlds nor the usual view change its cost
    "D": "lucky",  # ten worlds only; on five hundred fresh ones it costs a third more
}
