"""Reference solutions of lesson 3."""

from statistics import NormalDist

import numpy as np

from springdrift_agents.policies.detectors import siegmund


def shewhart_arl(limit):
    outside = 2 * (1 - NormalDist().cdf(limit))
    return 1 / outside


def cusum_path(values, slack):
    total, path = 0.0, []
    for value in values:
        total = max(0.0, total + value - slack)
        path.append(total)
    return np.array(path)


def threshold_for(arl0, slack):
    """Bisection: the ARL0 grows with the threshold."""
    low, high = 0.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        if siegmund(0.0, slack, middle) < arl0:
            low = middle
        else:
            high = middle
    return high


def censored_arl(lengths, alarmed):
    """One over the rate: all cycles that were watched count, also those of records without an alarm."""
    return np.sum(lengths) / np.sum(alarmed)


def quiet_threshold(z, slack, share):
    """A world alarms when the largest value of its path is above the threshold."""
    largest = sorted(cusum_path(world, slack).max() for world in z.T)
    allowed = int(share * len(largest) + 1e-9)
    return largest[len(largest) - allowed - 1]


def cheapest_threshold(thresholds, arl0s, delays, price_false, price_delay, gap):
    cost = price_false / np.asarray(arl0s) + price_delay * np.asarray(delays) / gap
    return thresholds[np.argmin(cost)]
