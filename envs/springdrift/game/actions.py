"""What an operator can decide once a cycle: a vocabulary for all worlds, and the set that each offers."""

from collections.abc import Iterable
from enum import IntEnum
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from springdrift.game.jit import allocating


class Action(IntEnum):
    """One decision a cycle. A world offers some of them: see its :class:`ActionSet`.

    >>> [action.name for action in Action]
    ['WAIT', 'INTERVENE', 'RETRAIN', 'FINE_TUNE', 'ROLLBACK']
    """

    WAIT = 0  # the deployed model carries on
    INTERVENE = 1  # the operator takes over for this cycle, by hand
    RETRAIN = 2  # refit the model on the window as it stands; it is deployed some cycles later
    FINE_TUNE = 3  # refit on the newest few cycles, starting from the deployed model
    ROLLBACK = 4  # put the model before this one back into service


class Decision(NamedTuple):
    """An action as a world offers it."""

    action: Action
    meaning: str  # what it does there
    fee: str | None  # name of the cost term that it pays into; None where it is free
    colour: str  # of its marks in pictures, "#RRGGBB"
    key: str  # that decides so in the game, one letter


class ActionSet(tuple[Decision, ...]):
    """The decisions that a world offers, by number.

    >>> THREE_ACTIONS.names, THREE_ACTIONS.n, THREE_ACTIONS.check(np.int64(2))
    (('WAIT', 'INTERVENE', 'RETRAIN'), 3, 2)
    >>> THREE_ACTIONS.check(3)
    Traceback (most recent call last):
    ValueError: expected one whole-number action, got 3; allowed: 0 WAIT, 1 INTERVENE, 2 RETRAIN

    Raises:
        ValueError: the decisions are not numbered 0, 1, 2 and so on.
    """

    def __new__(cls, decisions: Iterable[Decision]) -> Self:
        found = super().__new__(cls, decisions)
        numbers = [int(decision.action) for decision in found]
        if not numbers or numbers != list(range(len(numbers))):
            raise ValueError(f"a world's actions must be numbered 0, 1, 2 and so on, got {numbers}")
        return found

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self)

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, by number."""
        return tuple(decision.action.name for decision in self)

    @property
    def allowed(self) -> str:
        """Numbers and names, for the end of an error."""
        return ", ".join(f"{number} {name}" for number, name in enumerate(self.names))

    def check(self, action: Any) -> int:
        """The action as an int.

        Raises:
            ValueError: not one whole number, or not one of these; says what is allowed.
        """
        if type(action) is int:
            value = action
        elif (
            isinstance(action, np.integer)
            or (isinstance(action, np.ndarray) and action.shape == () and action.dtype.kind in "iu")
            or (isinstance(action, int) and not isinstance(action, bool))
        ):
            value = int(action)
        else:
            value = -1
        if not 0 <= value < len(self):
            raise ValueError(f"expected one whole-number action, got {action!r}; allowed: {self.allowed}")
        return value

    def check_batch(self, actions: Any, count: int) -> NDArray[np.int64]:
        """The actions of ``count`` envs as integers of shape (count,).

        Raises:
            ValueError: another shape, no whole numbers, or not ones of these; says which and what is allowed.
        """
        try:
            array = np.asarray(actions)
        except ValueError:  # ragged
            array = np.asarray(actions, dtype=object)
        if array.shape == (count,) and array.dtype.kind in "iu":
            plain = np.ascontiguousarray(array, np.int64)
            if _all_below(plain, len(self)):
                return plain
        if array.shape != (count,):
            raise ValueError(
                f"expected {count} actions, one an env, got shape {array.shape}; allowed: {self.allowed}"
            )
        if array.dtype.kind not in "iu":
            raise ValueError(
                f"actions must be whole numbers, got {array.dtype} {array.tolist()[:8]}; "
                f"allowed: {self.allowed}"
            )
        wrong = int(np.flatnonzero((array < 0) | (array >= len(self)))[0])
        raise ValueError(f"action {array[wrong]} of env {wrong} is out of range; allowed: {self.allowed}")


@allocating(lanes=lambda actions, _: actions.shape[0])
def _all_below(actions: Any, count: int) -> bool:
    """Whether all of ``actions``, (n,) int64, are numbers from 0 to ``count`` - 1."""
    known = 0
    for i in range(actions.shape[0]):
        known += 1 if 0 <= actions[i] < count else 0
    return known == actions.shape[0]


THREE_ACTIONS = ActionSet(
    (
        Decision(Action.WAIT, "the deployed model carries on", None, "#222222", "w"),
        Decision(Action.INTERVENE, "the operator takes over for this cycle", "intervene", "#D55E00", "i"),
        Decision(Action.RETRAIN, "refit the model on the window as it stands", "retrain", "#E69F00", "r"),
    )
)
FIVE_ACTIONS = ActionSet(
    (
        *THREE_ACTIONS,
        Decision(
            Action.FINE_TUNE, "refit on the newest few cycles, live at once", "fine_tune", "#B8A500", "f"
        ),
        Decision(Action.ROLLBACK, "put the version before back into service", "rollback", "#CC79A7", "b"),
    )
)
