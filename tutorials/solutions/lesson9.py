"""Reference solutions of lesson 9."""

import math

import numpy as np


def error_by_age(matrix, most):
    return np.array([np.diagonal(matrix, age).mean() for age in range(most + 1)])


def error_by_pair(matrix, made, served):
    keys = range(max(made.max(), served.max()) + 1)
    return np.array([[np.nanmean(matrix[np.ix_(made == a, served == b)]) for b in keys] for a in keys])


def interval_from(ages, costs, price):
    slope = np.polyfit(ages, costs, 1)[0]
    return math.sqrt(2 * price / slope)


def cost_of_plan(price, baseline, plan, latency, hand, retrain):
    cost, serving, coming = 0.0, 0, {}  # rows that begin to serve, by cycle
    for t, decision in enumerate(plan):
        serving = coming.get(t, serving)
        cost += baseline[t] + hand if decision == 1 else price[serving, t]
        if decision == 2:
            cost += retrain
            coming[t + latency] = t
    return cost


def simplest(costs):
    best = costs.mean(axis=0).argmin()
    gap = costs - costs[:, [best]]
    clearly_dearer = gap.mean(axis=0) > 2 * gap.std(axis=0, ddof=1) / math.sqrt(len(costs))
    return int(np.flatnonzero(~clearly_dearer)[0])


def when_to_ask(errors, level, latency):
    asked = np.zeros(len(errors), int)
    since = 0  # the first cycle of the model in service, or of the one that is in training
    for t in range(1, len(errors)):
        if t - 1 >= since and errors[t - 1] > level:
            asked[t] = 1
            since = t + latency
    return asked
