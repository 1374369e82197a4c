"""Exercises of lesson 5: planning in a small world whose transition table is known."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift import Action
from springdrift_agents.course.exercise import Case, Exercise, Wrong, called, function, number

Floats = NDArray[np.float64]
Table = dict[int, dict[int, list[tuple[float, int, float, bool]]]]
Backup = Callable[[Table, Floats, float], Floats]

BACKUPS = ((11, 0.5), (12, 0.7), (13, 0.9))  # seeds and gammas
IMPROVED = ((21, 0.5), (25, 0.7), (38, 0.9))  # where no decision is a close call, and each mistake shows


def hidden_world(seed: int, states: int = 5, actions: int = 3) -> Table:
    """A small random world in which some transitions end the episode."""
    rng = np.random.default_rng(seed)
    return {
        state: {
            action: [
                (float(p), int(rng.integers(states)), float(rng.normal(-1.0, 2.0)), bool(rng.random() < 0.2))
                for p in rng.dirichlet(np.ones(3))
            ]
            for action in range(actions)
        }
        for state in range(states)
    }


def hidden_values(seed: int) -> Floats:
    return np.random.default_rng(seed).normal(-5.0, 4.0, 5)


def _worth(
    table: Table, values: Floats, gamma: float, *, ends: bool = True, paid: float = 1.0, ahead: float = 1.0
) -> Floats:
    """Worth of each action (S, A); the keywords leave parts of it out, as mistaken answers do."""
    return np.array(
        [
            [
                sum(
                    p * (paid * r + ahead * gamma * values[following] * (not (ends and ended)))
                    for p, following, r, ended in outcomes
                )
                for outcomes in row.values()
            ]
            for row in table.values()
        ]
    )


# ---------------------------------------------------------------- 5.1


def _expected(table: Table, state: int, action: int) -> float:
    return sum(p * r for p, _, r, _ in table[state][action])


def _judge_expected(answer: Any) -> None:
    function(
        answer,
        [
            Case((world, state, action), _expected(world, state, action))
            for world in (hidden_world(1), hidden_world(2))
            for state, action in ((0, 0), (3, 2), (4, 1))
        ],
        within=1e-3,
        mistakes={
            "that is the plain mean of the rewards, as if every outcome were equally likely: weigh each "
            "reward by its probability": lambda table, s, a: np.mean([r for _, _, r, _ in table[s][a]]),
            "that is the sum of the rewards: only one of the outcomes will happen, so weigh each reward by "
            "its probability": lambda table, s, a: sum(r for _, _, r, _ in table[s][a]),
            "that is the cost: the sign is turned. A reward is minus a cost, and the table holds rewards": (
                lambda table, s, a: -_expected(table, s, a)
            ),
            "that is the reward of the likeliest outcome alone: the others happen too": (
                lambda table, s, a: max(table[s][a])[2]
            ),
        },
        hint="each outcome is (probability, next state, reward, terminated): go through P[state][action] and "
        "add up what each of them contributes to the mean reward",
    )


# ---------------------------------------------------------------- 5.2


def _backup(table: Table, values: Floats, gamma: float) -> Floats:
    best: Floats = _worth(table, values, gamma).max(axis=1)
    return best


def _in_place(table: Table, values: Floats, gamma: float) -> Floats:
    new = values.copy()
    for state in table:
        new[state] = _worth(table, new, gamma)[state].max()
    return new


_BACKUP_MISTAKES: dict[str, Backup] = {
    "gamma is missing: what comes after the next step counts only gamma times as much": (
        lambda table, values, gamma: _backup(table, values, 1.0)
    ),
    "gamma discounts the reward of this very step too: only what follows is one step away": (
        lambda table, values, gamma: gamma * _backup(table, values, 1.0)
    ),
    "a transition that terminates has nothing after it: the next state's value counts only when the fourth "
    "number is False": lambda table, values, gamma: _worth(table, values, gamma, ends=False).max(axis=1),
    "that is the mean over the actions, what deciding at random is worth: take the best instead": (
        lambda table, values, gamma: _worth(table, values, gamma).mean(axis=1)
    ),
    "that is the worst action of each state. Rewards are minus costs, so the best action has the largest": (
        lambda table, values, gamma: _worth(table, values, gamma).min(axis=1)
    ),
    "that looks at the reward of this step alone: add gamma times the value of the state that follows": (
        lambda table, values, gamma: _worth(table, values, 0.0).max(axis=1)
    ),
    "the reward of the step itself is missing: only what follows is counted": (
        lambda table, values, gamma: _worth(table, values, gamma, paid=0.0).max(axis=1)
    ),
    "you overwrite values while you still read them, so later states see new values of earlier ones. It "
    "converges too, but one sweep asks for all the old values: write into a new array": _in_place,
    "that is worth each action's luckiest outcome: the decision is yours, the outcome is not. Take the mean "
    "over outcomes first, then the best action": (
        lambda table, values, gamma: np.array(
            [
                max(r + gamma * values[n] * (not e) for out in row.values() for _, n, r, e in out)
                for row in table.values()
            ]
        )
    ),
}


def _judge_backup(answer: Any) -> None:
    function(
        answer,
        [
            Case((world, values, gamma), _backup(world, values, gamma))
            for world, values, gamma in (
                (hidden_world(seed), hidden_values(seed), gamma) for seed, gamma in BACKUPS
            )
        ],
        within=1e-3,
        mistakes=_BACKUP_MISTAKES,
        hint="for each state: for each action, add p * (reward + gamma * value of the next state) over its "
        "outcomes, leaving the value out where the transition terminates; keep the largest of the actions",
    )


# ---------------------------------------------------------------- 5.3


def _judge_improved(answer: Any) -> None:
    function(
        answer,
        [
            Case((world, values, gamma), _worth(world, values, gamma).argmax(axis=1))
            for world, values, gamma in (
                (hidden_world(seed), hidden_values(seed), gamma) for seed, gamma in IMPROVED
            )
        ],
        mistakes={
            "these are values: an improved policy names the action that reaches the largest value (argmax, "
            "not max)": _backup,
            "that is the action with the best reward of this step alone: add gamma times the value of what "
            "follows": lambda table, values, gamma: _worth(table, values, 0.0).argmax(axis=1),
            "that is the worst action of each state: rewards are minus costs, so look for the largest": (
                lambda table, values, gamma: _worth(table, values, gamma).argmin(axis=1)
            ),
            "the reward of the step itself is missing: only what follows is counted": (
                lambda table, values, gamma: _worth(table, values, gamma, paid=0.0).argmax(axis=1)
            ),
            "gamma is missing: what comes after the next step counts only gamma times as much": (
                lambda table, values, gamma: _worth(table, values, 1.0).argmax(axis=1)
            ),
            "a transition that terminates has nothing after it: leave the next state's value out there": (
                lambda table, values, gamma: _worth(table, values, gamma, ends=False).argmax(axis=1)
            ),
        },
        hint="compute what each action is worth as in exercise 5.2, and return for each state the number of "
        "the action that is worth most",
    )


# ---------------------------------------------------------------- 5.4

LOWEST_PRICE = 9.0  # a test finds it anew


def _judge_price(answer: Any) -> None:
    number(
        answer,
        LOWEST_PRICE,
        within=1e-6,
        mistakes={
            3.0: "at 3, the usual price, the optimum does retrain: look at the first grid again",
            8.0: "at 8 one state still retrains: 8 is the last whole price at which it pays",
            10.0: "at 10 it never retrains, but is there no lower price? Try them one by one",
            12.0: "that is the answer with a deadline and no discount: here gamma is 0.99, without an end",
        },
        hint='solve UpkeepEnv(costs={"retrain": price}) for price 1, 2, 3, ... and count the states in which '
        "the optimum retrains: which is the first price with none?",
    )


# ---------------------------------------------------------------- 5.5


def _plans() -> list[Case]:
    """Plans of different lengths, and the fewest cycles left with a retraining."""
    early = np.zeros((30, 4), np.int64)
    early[:19, 2] = Action.RETRAIN  # the last one has 30 - 18 cycles left
    gaps = np.zeros((50, 3), np.int64)
    gaps[[3, 4, 20, 37], 1] = Action.RETRAIN
    gaps[40:, 1] = Action.INTERVENE
    end = np.full((8, 2), Action.RETRAIN, np.int64)
    return [
        Case((early, 2, Action.RETRAIN), 12),
        Case((gaps, 1, Action.RETRAIN), 13),
        Case((gaps, 1, Action.INTERVENE), 1),
        Case((end, 0, Action.RETRAIN), 1),
    ]


def _steps_of(plan: Any, state: int, action: int) -> Any:
    return np.flatnonzero(plan[:, state] == action)


def _judge_last_call(answer: Any) -> None:
    function(
        answer,
        _plans(),
        within=1e-9,
        mistakes={
            "that is the number of cycles done, not left: row t of a plan of n cycles has n - t left": (
                lambda plan, s, a: _steps_of(plan, s, a).max()
            ),
            "one cycle too few: in the last row, number n - 1, there is one cycle left, not none": (
                lambda plan, s, a: len(plan) - 1 - _steps_of(plan, s, a).max()
            ),
            "one cycle too many: row 0 has all n cycles left": (
                lambda plan, s, a: len(plan) + 1 - _steps_of(plan, s, a).max()
            ),
            "that is the first row with the action, which has the most cycles left: the last call is the "
            "last row with it": lambda plan, s, a: len(plan) - _steps_of(plan, s, a).min(),
            "that is how many rows have the action: asked is how many cycles are left in the last of them": (
                lambda plan, s, a: len(_steps_of(plan, s, a))
            ),
        },
        hint="look down the column plan[:, state], find the last row that holds the action, and count the "
        "rows from it to the end, itself included",
    )
    never = "a plan that never takes the action in that state has no last call: return 0 for it"
    nothing = (np.zeros((9, 2), np.int64), 1, Action.RETRAIN)
    try:
        result = called(answer, *nothing)
    except Wrong as wrong:
        raise Wrong(f"{never}; now {wrong}") from None
    result = int(result) if isinstance(result, (bool, np.bool_)) else result  # of `found and ...`
    function(lambda *_: result, [Case(nothing, 0)], hint=never)


# ---------------------------------------------------------------- 5.6


def _adjusted(worlds: Any, costs: Any) -> float:
    share = worlds.sum(axis=1) / worlds.sum()
    return float((share * (costs[:, 1] - costs[:, 0])).sum())


def _crude(worlds: Any, costs: Any) -> float:
    waited, retrained = (worlds * costs).sum(axis=0) / worlds.sum(axis=0)
    return float(retrained - waited)


def _weighted(column: int) -> Callable[[Any, Any], float]:
    return lambda worlds, costs: float(
        (worlds[:, column] * (costs[:, 1] - costs[:, 0])).sum() / worlds[:, column].sum()
    )


def _judge_adjusted(answer: Any) -> None:
    records = (
        (np.array([[800, 50], [150, 600]]), np.array([[3.0, 5.5], [18.0, 11.0]])),
        (np.array([[500, 20], [300, 200], [40, 700]]), np.array([[2.0, 5.0], [9.0, 8.0], [25.0, 14.0]])),
    )
    function(
        answer,
        [Case(record, _adjusted(*record)) for record in records],
        within=1e-3,
        mistakes={
            "that compares those who retrained with those who waited, whoever they were: the severe cases "
            "are mostly among the first. Compare within each group": _crude,
            "the groups are not of the same size: weigh each by its share of all worlds": (
                lambda worlds, costs: float((costs[:, 1] - costs[:, 0]).mean())
            ),
            "you weigh the groups by those who retrained: that is the effect on them. Asked is the effect on "
            "all worlds": _weighted(1),
            "you weigh the groups by those who waited: asked is the effect on all worlds": _weighted(0),
            "the size is right, the sign is not: cost with retraining minus cost with waiting": (
                lambda worlds, costs: -_adjusted(worlds, costs)
            ),
        },
        hint="in each group take cost with retraining minus cost with waiting; then the mean over the "
        "groups, each weighed by its share of all worlds, waited and retrained together",
    )


EXERCISES: tuple[Exercise, ...] = (
    Exercise("5.1", "expected_reward", "The reward to expect", _judge_expected, 1),
    Exercise("5.2", "bellman_backup", "One sweep of value iteration", _judge_backup, 2),
    Exercise("5.3", "improved_policy", "One step of policy iteration", _judge_improved, 2),
    Exercise("5.4", "price_too_high", "When retraining is too dear", _judge_price, 1),
    Exercise("5.5", "last_call", "The last call for a new model", _judge_last_call, 2),
    Exercise("5.6", "adjusted_effect", "The effect of retraining, adjusted", _judge_adjusted, 2),
)
