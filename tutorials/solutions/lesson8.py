"""Reference solutions of lesson 8."""

import math

import numpy as np


def cycles_of_data(waiting, excess, latency, deadline):
    def bill(n):
        live = deadline - n - latency
        return waiting * (n + latency) + live * excess / n

    return min(range(1, deadline - latency + 1), key=bill)


def break_even_cycles(saving, fee, latency):
    cycles = latency
    while saving * (cycles - latency) <= fee:
        cycles += 1
    return cycles


def live_from(request, latency, every):
    ready = request + latency
    return math.ceil(ready / every) * every


cures = {
    "gradual": "retrain",
    "tilt": "retrain",
    "wear": "intervene",
    "fade": "intervene",
    "driver": "wait",
    "chaos": "wait",
}


def lyapunov_exponent(t, distances, ceiling):
    mean = np.log(distances).mean(axis=0)
    growing = mean < np.log(ceiling)
    return np.polyfit(t[growing], mean[growing], 1)[0]


def forecast_horizon(precision, tolerance, exponent):
    return math.log(tolerance / precision) / exponent
