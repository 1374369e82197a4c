"""What a player's episode teaches, in one sentence."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift import Action
from springdrift.incline.state import COMMISSIONING_CYCLES

WINDOW = COMMISSIONING_CYCLES  # cycles that a fit sees


def lesson(
    decisions: Sequence[int],
    changed: Sequence[int],
    swings: NDArray[np.floating[Any]] | Sequence[float],
    target: float,
    cold_start: bool = False,
) -> str:
    """The costliest habit of an episode, told from what really happened.

    Args:
        decisions: action of each cycle.
        changed: cycles in which the world changed abruptly or began to drift.
        swings: measured amplitude at the end of each cycle, m.
        target: the amplitude that was wanted, m.
        cold_start: no model was fitted at the start.

    >>> lesson([0] * 22 + [2] + [0] * 30, [20], [0.3] * 53, 0.3)
    'You asked for a retraining 2 cycles after the change: the window was still mixed, old world and new.'
    """
    retrains = [cycle for cycle, action in enumerate(decisions) if action == Action.RETRAIN]
    pushes = np.flatnonzero(np.asarray(decisions) == Action.INTERVENE)
    swings = list(map(float, swings))
    calm = [p for p in pushes if p > 0 and abs(swings[p - 1] / target - 1.0) < 0.2]
    if cold_start and (not retrains or retrains[0] > 2 * WINDOW):
        first = f"until cycle {retrains[0]}" if retrains else "to the end"
        return f"You worked without a model {first}: a few cycles of data would have been enough."
    if not changed and len(retrains) > cold_start:
        times = _times(len(retrains) - cold_start)
        return f"Nothing had changed, and you retrained {times} in vain: not all that looks like drift is."
    if len(calm) > max(5, len(pushes) // 2):
        return f"You pushed by hand {_times(len(calm))} with the swing near its target: waiting is free."
    for change in changed:
        after = [cycle for cycle in retrains if cycle >= change]
        if not after:
            if min([*swings[change:], target]) < 0.6 * target:
                return f"The world changed in cycle {change}, and no model ever learned what it had become."
            continue
        wait = after[0] - change
        if wait < WINDOW - 1 and len(after) < 2:
            return (
                f"You asked for a retraining {_cycles(wait)} after the change: "
                "the window was still mixed, old world and new."
            )
        if wait > 4 * WINDOW:
            return f"The world changed in cycle {change}; you asked for a new model {_cycles(wait)} later."
    if len(retrains) > 3 * max(1, len(changed)):
        return f"You retrained {_times(len(retrains))} for {_changes(len(changed))}: each has its price."
    return "Well judged: no habit stands out. Beat it on the same world, or take a harder one."


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _cycles(count: int) -> str:
    return f"{count} cycle{'' if count == 1 else 's'}"


def _changes(count: int) -> str:
    return "one change" if count == 1 else f"{count} changes"
