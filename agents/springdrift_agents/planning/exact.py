"""Dynamic programming: exact answers for worlds whose transition table is known.

Every function takes a table as Gymnasium's toy-text worlds have it, ``P[state][action]`` a list of
``(probability, next state, reward, terminated)``, with states and actions numbered from 0. What follows a
transition that terminates is worth 0.

The value of a state is the reward that it promises: v(s) = max over a of sum over s' of
P(s'|s, a) (r + gamma v(s')), Bellman's equation [1]. Value iteration applies its right side again and again;
policy iteration [2] solves the linear equations of a policy and improves it; with a horizon, backward
induction does a sweep for each step, from the last to the first. Puterman [3] proves all three.

[1] R. Bellman, Dynamic Programming, Princeton University Press, 1957.
[2] R. A. Howard, Dynamic Programming and Markov Processes, MIT Press, 1960.
[3] M. L. Puterman, Markov Decision Processes, Wiley, 1994: theorems 6.3.1 and 6.4.2, section 4.5.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Table = Mapping[int, Mapping[int, Sequence[tuple[Any, ...]]]]

GAMMA = 0.99
TIE = 1e-10  # relative difference of two values below which they count as equal
MOST_SWEEPS = 1_000_000


class Solution(NamedTuple):
    """What an algorithm found.

    ``policy`` holds an action for each state, the first where several are best. ``history`` holds the
    largest change of any state's value in each sweep; of policy iteration, in each improvement.
    """

    values: Floats  # (S,)
    policy: NDArray[np.int64]  # (S,)
    sweeps: int
    history: tuple[float, ...]


class Evaluation(NamedTuple):
    """A policy, as it was given, and what it is worth."""

    values: Floats  # (S,)
    policy: NDArray[Any]


class Schedule(NamedTuple):
    """The best decisions up to a deadline: row t is for t steps done."""

    values: Floats  # (horizon + 1, S); the last row is 0
    policy: NDArray[np.int64]  # (horizon, S)


class _Arrays(NamedTuple):
    """A table as arrays."""

    onward: Floats  # (S, A, S) probabilities of going on to a state
    reward: Floats  # (S, A) expected


def _arrays(table: Table) -> _Arrays:
    """The arrays of a table; raises ValueError where it is not one."""
    count = len(table)
    if sorted(table) != list(range(count)) or not count:
        raise ValueError(f"P must hold the states 0 to {count - 1}, got {sorted(table)[:8]}")
    actions = len(table[0])
    onward, reward = np.zeros((count, actions, count)), np.zeros((count, actions))
    for state, row in table.items():
        if sorted(row) != list(range(actions)):
            raise ValueError(f"P[{state}] must hold the actions 0 to {actions - 1}, got {sorted(row)}")
        for action, outcomes in row.items():
            total = 0.0
            for probability, following, gain, terminated in outcomes:
                if not (0 <= following < count and probability >= 0.0):
                    raise ValueError(
                        f"P[{state}][{action}] has a bad outcome: probability {probability}, "
                        f"next state {following}"
                    )
                total += probability
                reward[state, action] += probability * gain
                if not terminated:
                    onward[state, action, following] += probability
            if abs(total - 1.0) > 1e-6:
                raise ValueError(f"the probabilities of P[{state}][{action}] sum to {total}, not to 1")
    return _Arrays(onward, reward)


def _check_gamma(gamma: float, one: bool = False) -> None:
    if not (0.0 <= gamma < 1.0 or (one and gamma == 1.0)):
        allowed = "at least 0 and " + ("at most 1" if one else "below 1; with a horizon it may be 1")
        raise ValueError(f"gamma must be {allowed}, got {gamma}")


def _greedy(worth: Floats) -> NDArray[np.int64]:
    """The first action of each state, worth (S, A), whose value is the best but for rounding."""
    best = worth.max(axis=1, keepdims=True)
    return (worth >= best - TIE * (1.0 + np.abs(best))).argmax(axis=1)


def value_iteration(P: Table, gamma: float = GAMMA, tolerance: float = 1e-8) -> Solution:
    """Bellman's equation as a recipe, from values of 0 on.

    It stops when a sweep changes no value by ``tolerance (1 - gamma) / (2 gamma)`` or more; then the values
    are within ``tolerance`` / 2 of the optimum, and the policy within ``tolerance`` (theorem 6.3.1 of [3]).

    Raises:
        ValueError: a table that is none, gamma outside [0, 1), or a tolerance that is not positive.

    >>> stay_or_leave = {0: {0: [(1.0, 0, 1.0, False)], 1: [(1.0, 0, 5.0, True)]}}
    >>> value_iteration(stay_or_leave, gamma=0.9).values.round(6), value_iteration(stay_or_leave, 0.5).policy
    (array([10.]), array([1]))
    """
    _check_gamma(gamma)
    if not tolerance > 0.0:
        raise ValueError(f"tolerance must be positive, got {tolerance}")
    onward, reward = _arrays(P)
    enough = tolerance * (1.0 - gamma) / (2.0 * gamma) if gamma else np.inf
    values, history = np.zeros(len(reward)), [np.inf]
    while history[-1] >= enough and len(history) <= MOST_SWEEPS:
        new = (reward + gamma * (onward @ values)).max(axis=1)
        history.append(float(np.abs(new - values).max()))
        values = new
        if history[-1] <= np.finfo(float).eps * np.abs(values).max():
            break  # as far as floating point goes
    policy = _greedy(reward + gamma * (onward @ values))
    return Solution(values, policy, len(history) - 1, tuple(history[1:]))


def policy_iteration(P: Table, gamma: float = GAMMA) -> Solution:
    """Howard's algorithm, from action 0 everywhere on: value the policy, improve it, until it stays.

    Each policy is better than the last, and there are finitely many, so it ends, and with the optimum
    (theorem 6.4.2 of [3]). An action gives way to a strictly better one only: ties cannot make it circle.

    Raises:
        ValueError: a table that is none, or gamma outside [0, 1).

    >>> stay_or_leave = {0: {0: [(1.0, 0, 1.0, False)], 1: [(1.0, 0, 5.0, True)]}}
    >>> policy_iteration(stay_or_leave, gamma=0.5)
    Solution(values=array([5.]), policy=array([1]), sweeps=2, history=(3.0, 0.0))
    """
    _check_gamma(gamma)
    arrays = _arrays(P)
    here = np.arange(len(arrays.reward))
    policy, history = np.zeros(len(here), np.int64), list[float]()
    values = _values(arrays, np.eye(arrays.reward.shape[1])[policy], gamma)
    while True:
        worth = arrays.reward + gamma * (arrays.onward @ values)
        better = worth.max(axis=1) > worth[here, policy] + TIE * (1.0 + np.abs(worth[here, policy]))
        if not better.any():
            # the policy stays; name the first action where several are best, as value iteration does
            return Solution(values, _greedy(worth), len(history) + 1, (*history, 0.0))
        policy = np.where(better, worth.argmax(axis=1), policy)
        new = _values(arrays, np.eye(arrays.reward.shape[1])[policy], gamma)
        history.append(float(np.abs(new - values).max()))
        values = new


def _values(arrays: _Arrays, weights: Floats, gamma: float) -> Floats:
    """Values (S,) of a policy with probabilities (S, A): (I - gamma P) v = r."""
    onward = np.einsum("sa,sat->st", weights, arrays.onward)
    reward = (weights * arrays.reward).sum(axis=1)
    found: Floats = np.linalg.solve(np.eye(len(reward)) - gamma * onward, reward)
    return found


def evaluate_policy(
    P: Table,
    policy: ArrayLike,
    gamma: float = GAMMA,
    horizon: int | None = None,
) -> Evaluation:
    """What a policy is worth in each state: exactly, by a linear solve or, with a horizon, step by step.

    Args:
        P: the table.
        policy: an action for each state (S,), or probabilities of actions (S, A).
        gamma: discount.
        horizon: steps that are left; None for no end. With a horizon gamma may be 1, and a policy may
            depend on the step: an action for each step and state (horizon, S).

    Raises:
        ValueError: a table or a policy that is none, gamma out of range, or a negative horizon.

    >>> stay_or_leave = {0: {0: [(1.0, 0, 1.0, False)], 1: [(1.0, 0, 5.0, True)]}}
    >>> evaluate_policy(stay_or_leave, [0], gamma=0.5).values
    array([2.])
    >>> evaluate_policy(stay_or_leave, [[0.5, 0.5]], gamma=0.0).values
    array([3.])
    >>> evaluate_policy(stay_or_leave, [0], gamma=1.0, horizon=7).values
    array([7.])
    """
    _check_gamma(gamma, one=horizon is not None)
    arrays = _arrays(P)
    if horizon is None:
        return Evaluation(_values(arrays, _weights(policy, arrays.reward.shape), gamma), np.asarray(policy))
    _check_horizon(horizon)
    given = np.asarray(policy)
    by_step = given.dtype.kind in "iu" and given.ndim == 2
    if by_step and len(given) != horizon:
        raise ValueError(f"a policy by the step needs {horizon} rows, one a step, got {len(given)}")
    values = np.zeros(len(arrays.reward))
    for step in reversed(range(horizon)):
        weights = _weights(given[step] if by_step else given, arrays.reward.shape)
        values = (weights * (arrays.reward + gamma * (arrays.onward @ values))).sum(axis=1)
    return Evaluation(values, given)


def _check_horizon(horizon: int) -> None:
    if horizon < 0:
        raise ValueError(f"horizon must not be negative, got {horizon}")


def _weights(policy: ArrayLike, shape: tuple[int, ...]) -> Floats:
    """Probabilities of actions (S, A) of a policy in either form."""
    given = np.asarray(policy)
    states, actions = shape
    if given.shape == (states,) and given.dtype.kind in "iu" and ((given >= 0) & (given < actions)).all():
        return np.eye(actions)[given]
    if given.shape == shape and (given >= 0).all() and np.allclose(given.sum(axis=1), 1.0):
        return given.astype(np.float64)
    raise ValueError(
        f"a policy holds an action from 0 to {actions - 1} for each of {states} states, or probabilities "
        f"{shape} that sum to 1 in each; got {given.dtype} of shape {given.shape}"
    )


def backward_induction(P: Table, horizon: int, gamma: float = 1.0) -> Schedule:
    """The best decisions when ``horizon`` steps are left, and then one less, down to the deadline.

    Raises:
        ValueError: a table that is none, a negative horizon, or gamma outside [0, 1].

    >>> stay_or_leave = {0: {0: [(1.0, 0, 1.0, False)], 1: [(1.0, 0, 5.0, True)]}}
    >>> backward_induction(stay_or_leave, 8).policy.ravel()
    array([0, 0, 0, 0, 0, 0, 0, 1])
    """
    _check_horizon(horizon)
    _check_gamma(gamma, one=True)
    onward, reward = _arrays(P)
    values, policy = np.zeros((horizon + 1, len(reward))), np.zeros((horizon, len(reward)), np.int64)
    for step in reversed(range(horizon)):
        worth = reward + gamma * (onward @ values[step + 1])
        values[step], policy[step] = worth.max(axis=1), _greedy(worth)
    return Schedule(values, policy)
