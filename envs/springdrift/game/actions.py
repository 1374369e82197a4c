"""What an operator can decide once a cycle."""

from enum import IntEnum


class Action(IntEnum):
    """One decision a cycle.

    >>> [action.name for action in Action]
    ['WAIT', 'INTERVENE', 'RETRAIN']
    """

    WAIT = 0  # the automatic controller carries on
    INTERVENE = 1  # the operator takes over for this cycle and pushes live
    RETRAIN = 2  # refit the model on the window as it stands; it is deployed some cycles later
