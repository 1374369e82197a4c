"""Reference solutions of lesson 5."""

import numpy as np

from springdrift import Action, UpkeepEnv
from springdrift_agents.planning.exact import policy_iteration


def expected_reward(P, state, action):
    return sum(probability * reward for probability, _, reward, _ in P[state][action])


def action_worth(P, state, action, values, gamma):
    """What an action promises: its reward, and what follows unless the episode ends."""
    worth = 0.0
    for probability, following, reward, terminated in P[state][action]:
        ahead = 0.0 if terminated else values[following]
        worth += probability * (reward + gamma * ahead)
    return worth


def bellman_backup(P, values, gamma):
    return np.array(
        [max(action_worth(P, state, action, values, gamma) for action in P[state]) for state in P]
    )


def improved_policy(P, values, gamma):
    return np.array(
        [
            max(P[state], key=lambda action, state=state: action_worth(P, state, action, values, gamma))
            for state in P
        ]
    )


def retrains(price):
    policy = policy_iteration(UpkeepEnv(costs={"retrain": price}).P, gamma=0.99).policy
    return (policy == Action.RETRAIN).any()


price_too_high = next(price for price in range(1, 100) if not retrains(price))


def last_call(plan, state, action):
    taken = np.flatnonzero(plan[:, state] == action)
    return len(plan) - taken[-1] if len(taken) else 0


def adjusted_effect(worlds, costs):
    effect = costs[:, 1] - costs[:, 0]
    share = worlds.sum(axis=1) / worlds.sum()
    return (share * effect).sum()
