"""What a policy is, and how one sees and acts in a world: by the names of columns and actions."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from springdrift.game.actions import ActionSet

Floats = NDArray[np.floating[Any]]
Memory = tuple[NDArray[Any], ...]


class Policy(Protocol):
    """What decides: anything with Stable-Baselines3's ``predict``.

    Three attributes are optional. ``observe`` says which observation it is to be shown: "monitor" (the
    dashboard) where it has none. ``columns`` names what it reads, in its order, and ``actions`` what it
    decides, in the order of its numbers; one that has them runs in any world that has those columns and
    actions, in whatever order and among whatever others. See :func:`fitted`.
    """

    def predict(
        self,
        observation: Any,
        state: Memory | None = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[Any, Memory | None]:
        """Decisions (n,) and the memory to hand back, for observations (n, D); scalars for (D,)."""
        ...


def observe_of(policy: Any) -> str:
    """Which observation a policy is to be shown: its own ``observe``, else the dashboard.

    >>> observe_of(object())
    'monitor'
    """
    return str(getattr(policy, "observe", "monitor"))


def check_policy(policy: Any, name: str = "a policy") -> None:
    """Refuse what cannot decide.

    Raises:
        ValueError: it has no ``predict``; what it is, and what is allowed.

    >>> check_policy("threshold")
    Traceback (most recent call last):
    ValueError: a policy must have a method predict(observation, state, episode_start, deterministic), got \
'threshold', a str; springdrift_agents.policies.registry.policy('threshold') makes a policy of a name
    """
    if callable(getattr(policy, "predict", None)) and not isinstance(policy, type):
        return
    hint = ""
    if isinstance(policy, str):
        hint = f"; springdrift_agents.policies.registry.policy({policy!r}) makes a policy of a name"
    elif isinstance(policy, type):
        hint = "; give an instance, not the class"
    kind = type(policy).__name__
    raise ValueError(
        f"{name} must have a method predict(observation, state, episode_start, deterministic), "
        f"got {policy!r}, a {kind}{hint}"
    )


class Fit(NamedTuple):
    """How a policy sees a world's observations and how its decisions are numbered there."""

    picked: NDArray[np.int64] | None  # the world's column behind each of the policy's, -1 for none; or as is
    numbers: NDArray[np.int64] | None  # the world's number of each of the policy's actions; or as is

    def see(self, observation: Floats) -> Floats:
        """What the policy reads, (n, its columns), of a world's observations (n, D)."""
        if self.picked is None:
            return observation
        seen = observation[:, self.picked]
        seen[:, self.picked < 0] = 0.0
        return seen

    def act(self, decisions: Any, allowed: ActionSet, count: int) -> NDArray[np.int64]:
        """The world's numbers of a policy's decisions, (count,).

        Raises:
            ValueError: they are no decisions, one for each of ``count`` worlds.
        """
        if self.numbers is None:
            return allowed.check_batch(decisions, count)
        own = np.asarray(decisions)
        if own.shape != (count,) or own.dtype.kind not in "iu" or not (own < len(self.numbers)).all():
            raise ValueError(f"expected {count} whole numbers below {len(self.numbers)}, got {own!r}")
        return self.numbers[own]


def fits(policy: Any, columns: Sequence[str], actions: Sequence[str]) -> bool:
    """Whether a policy can run in a world with these columns and actions: see :func:`fitted`."""
    try:
        fitted(policy, columns, actions)
    except ValueError:
        return False
    return True


def fitted(policy: Any, columns: Sequence[str], actions: Sequence[str]) -> Fit:
    """How a policy reads a world with these columns and decides among these actions.

    A policy that names neither takes both as they are. Where it also has ``needs``, columns that it reads
    but does not need may be missing: they are 0, as in every world in which they mean nothing.

    Raises:
        ValueError: a column that it needs or an action that it may take is not there, naming it.

    >>> from springdrift import THREE_ACTIONS
    >>> class Eager:
    ...     columns, actions = ("error", "swing"), ("WAIT", "RETRAIN")
    >>> fit = fitted(Eager(), ("swing", "alarm", "error"), ("WAIT", "INTERVENE", "RETRAIN"))
    >>> fit.see(np.array([[0.1, 0.2, 0.3]])).tolist(), fit.act(np.array([0, 1]), THREE_ACTIONS, 2).tolist()
    ([[0.3, 0.1]], [0, 2])
    >>> fitted(Eager(), ("swing",), ("WAIT", "RETRAIN"))
    Traceback (most recent call last):
    ValueError: Eager reads the column 'error', which this world does not show; it shows: swing
    """
    name = type(policy).__name__
    wanted, known = getattr(policy, "columns", None), list(columns)
    picked = None
    if wanted is not None and list(wanted) != known:
        for one in getattr(policy, "needs", wanted):
            if one not in known:
                raise ValueError(
                    f"{name} reads the column {one!r}, which this world does not show; "
                    f"it shows: {', '.join(known)}"
                )
        picked = np.array([known.index(one) if one in known else -1 for one in wanted], np.int64)
    own, numbers = getattr(policy, "actions", None), None
    if own is not None and list(own) != list(actions)[: len(own)]:
        for one in own:
            if one not in actions:
                raise ValueError(
                    f"{name} may decide {one}, which this world does not allow; "
                    f"it allows: {', '.join(actions)}"
                )
        numbers = np.array([list(actions).index(one) for one in own], np.int64)
    return Fit(picked, numbers)
