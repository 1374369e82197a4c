"""Rolling back on top of another rule, and judging exercise 10.5: what that saves on unseen worlds."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift import OPS_ID, Action
from springdrift_agents.course.exercise import Unanswered, Wrong, called, given
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.evaluation.statistics import Interval, mean_interval
from springdrift_agents.policies.base import Floats, Memory, Policy
from springdrift_agents.policies.operations import Champion
from springdrift_agents.policies.registry import policy
from springdrift_agents.policies.rules import cycles_of, error_of, sense

BASE = "fine-tune"  # what decides wherever nothing is rolled back
SAVES, SPARES = "bad-release", "gradual"  # where rolling back must pay, and where it must do no harm
WORLDS = 256
RollBack = Callable[[Floats, Floats, Floats, Floats], Any]


class WithRollback:
    """A policy that rolls back where a function says so, and otherwise decides as another one.

    Args:
        base: the other policy.
        roll_back: gets, of n machines, the error of the version in service in the last cycle, what the
            version before it would have erred, how many cycles the version in service has served, and how
            long ago the last rollback was, (n,) each; returns n truths.
    """

    def __init__(self, base: Any, roll_back: RollBack) -> None:
        self.base, self.roll_back = base, roll_back
        self.columns, self.actions = Champion.columns, Champion.actions

    def predict(
        self,
        observation: Any,
        state: Memory | None = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[Any, Memory | None]:
        """Decisions (n,) from dashboards (n, D) with versions."""
        decisions, state = self.base.predict(observation, state, episode_start, deterministic)
        back = self.roll_back(
            *(error_of(sense(observation, name)).astype(np.float64) for name in ("error", "previous_error")),
            *(
                cycles_of(sense(observation, name)).astype(np.float64)
                for name in ("model_age", "since_rollback")
            ),
        )
        return np.where(back, Action.ROLLBACK, decisions), state


class Played(NamedTuple):
    """A rule with rollbacks beside the same without them, on the same worlds of a scenario."""

    saved: Interval  # by rolling back, an episode
    share: float  # of the cycles, in which it rolled back


def played(base: Policy, roll_back: RollBack, scenario: str, seeds: NDArray[np.uint64]) -> Played:
    """What rolling back by a function saves.

    Args:
        base: decides otherwise, as in :class:`WithRollback`.
        roll_back: as there.
        scenario: of the worlds with five decisions.
        seeds: of the worlds.
    """
    asked = []

    def counted(*seen: Floats) -> Any:
        asked.append(roll_back(*seen))
        return asked[-1]

    without = evaluate(base, scenario, seeds, env=OPS_ID).cost
    cost = evaluate(WithRollback(base, counted), scenario, seeds, env=OPS_ID).cost
    return Played(mean_interval(without - cost), float(np.mean(asked)))


def _truths(answer: Any) -> RollBack:
    """The student's function, whose truths are looked at before they decide anything."""

    def asked(*seen: Floats) -> NDArray[np.bool_]:
        found = called(answer, *seen)
        try:
            back = np.asarray(found)
        except ValueError:
            raise Wrong("one truth for each machine is expected") from None
        if back.shape != seen[0].shape:
            raise Wrong(
                f"for {len(seen[0])} machines, expected {len(seen[0])} truths, got shape {back.shape}"
            )
        if back.dtype.kind != "b":
            raise Wrong(
                f"expected truths, True where to roll back, got {back.dtype}: compare the errors, as in "
                "`previous < error`"
            )
        return back

    return asked


def judge_roll_back(answer: Any) -> None:
    """Play the student's rule on worlds that are in no lesson.

    Raises:
        Wrong: it does not clearly save where deployments go wrong, or clearly costs where they do not.
    """
    given(answer)
    roll_back = _truths(answer)
    few = np.array([0.1, 0.9])
    if roll_back(few, few[::-1], np.array([3.0, 3.0]), np.array([60.0, 60.0])).shape != (2,):
        raise Unanswered("your function returns nothing: does it end with a return?")
    base = policy(BASE)
    saves = played(base, roll_back, SAVES, world_seeds("evaluation", 105, WORLDS))
    if saves.share == 0.0:
        raise Wrong("your rule never rolls back: how does it show that the version before is the better one?")
    if saves.saved.low <= 0.0:
        raise Wrong(_hint(saves))
    spares = played(base, roll_back, SPARES, world_seeds("evaluation", 106, WORLDS))
    if spares.saved.high < 0.0:
        raise Wrong(
            f"on {SAVES} your rule saves {saves.saved} an episode, but on {SPARES}, where every release is "
            f"sound, it costs {-spares.saved.value:.1f} more: ask for a larger difference of the two errors"
        )


def _hint(found: Played) -> str:
    said = f"on {WORLDS} unseen worlds of {SAVES} your rule saves {found.saved} an episode"
    if found.share > 0.3:
        return (
            f"{said}, and it rolls back in {found.share:.0%} of all cycles: two rollbacks in a row undo each "
            "other, and each of them costs 0.5"
        )
    if found.saved.value < -4.0:
        return (
            f"{said}: it swaps a good version for a bad one. `error` is what the version in service made, "
            "and `previous` what the one before would have made: roll back where the second is smaller"
        )
    return (
        f"{said}, which is not clearly above 0: a small difference of two errors is noise. Roll "
        "back only where `previous` is smaller by a good margin, or much smaller than an error that hurts"
    )
