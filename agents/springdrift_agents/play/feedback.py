"""What a player's episode teaches, in one sentence."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift import Action
from springdrift.incline.state import COMMISSIONING_CYCLES

WINDOW = COMMISSIONING_CYCLES  # cycles that a fit sees
REPAIRS = (Action.RETRAIN, Action.FINE_TUNE, Action.ROLLBACK)  # what puts another version into service
SENTENCES = {
    "cold": "You worked without a model {until}: a few cycles of data would have been enough.",
    "until": "until cycle {cycle}",
    "end": "to the end",
    "vain": "Nothing had changed, and you retrained {times} in vain: not all that looks like drift is.",
    "calm": "You pushed by hand {times} with the swing near its target: waiting is free.",
    "spared": "You served the baseline {times} where the model was no worse: waiting is free.",
    "unlearned": "The world changed in cycle {change}, and no model ever learned what it had become.",
    "mixed": "You asked for a retraining {wait} after the change: "
    "the window was still mixed, old world and new.",
    "late": "The world changed in cycle {change}; you asked for a new model {wait} later.",
    "often": "You retrained {times} for {changes}: each has its price.",
    "well": "Well judged: no habit stands out. Beat it on the same world, or take a harder one.",
    "once": "once",
    "times": "{count} times",
    "cycle": "{count} cycle",
    "cycles": "{count} cycles",
    "change": "one change",
    "changes": "{count} changes",
}


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
    repairs = [cycle for cycle, action in enumerate(decisions) if action in REPAIRS]
    pushes = np.flatnonzero(np.asarray(decisions) == Action.INTERVENE)
    swings = list(map(float, swings))
    calm = [p for p in pushes if p > 0 and abs(swings[p - 1] / target - 1.0) < 0.2]
    if cold_start and (not retrains or retrains[0] > 2 * WINDOW):
        until = _said("until", cycle=retrains[0]) if retrains else _said("end")
        return _said("cold", until=until)
    if not changed and len(retrains) > cold_start:
        return _said("vain", times=_times(len(retrains) - cold_start))
    if len(calm) > max(5, len(pushes) // 2):
        return _said("calm", times=_times(len(calm)))
    for change in changed:
        after = [cycle for cycle in retrains if cycle >= change]
        if not after:
            learned = any(cycle >= change for cycle in repairs)
            if not learned and min([*swings[change:], target]) < 0.6 * target:
                return _said("unlearned", change=change)
            continue
        wait = after[0] - change
        if wait < WINDOW - 1 and len(after) < 2:
            return _said("mixed", wait=_cycles(wait))
        if wait > 4 * WINDOW:
            return _said("late", change=change, wait=_cycles(wait))
    if len(retrains) > 3 * max(1, len(changed)):
        changes = _said("change") if len(changed) == 1 else _said("changes", count=len(changed))
        return _said("often", times=_times(len(retrains)), changes=changes)
    return _said("well")


def _said(key: str, **values: object) -> str:
    return SENTENCES[key].format(**values)


def _times(count: int) -> str:
    return _said("once") if count == 1 else _said("times", count=count)


def _cycles(count: int) -> str:
    return _said("cycle" if count == 1 else "cycles", count=count)
