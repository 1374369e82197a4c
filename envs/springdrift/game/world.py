"""What a world must be to take part: a batch of worlds side by side, without an episode protocol.

The envs of :mod:`springdrift.game.env` and :mod:`springdrift.game.vector_env`, the policies' rollouts and the
planners work on anything that has these attributes and methods.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from springdrift.game.actions import ActionSet
from springdrift.game.costs import Prices
from springdrift.game.observation import Table


class Outputs(NamedTuple):
    """What the last cycle of n worlds gave."""

    obs: NDArray[np.float32]  # (n, columns of the observation)
    costs: NDArray[np.float64]  # (terms, n), in the order of the world's ``terms``
    reward: NDArray[np.float64]  # (n,) minus the sum of the costs
    over: NDArray[Any]  # (n,) above 0 where the episode is over
    truth: NDArray[np.float32]  # (quantities, n), in the order of the world's ``truth_names``


class World(Protocol):
    """``count`` worlds side by side; each of them is what it would be alone.

    A class of them takes ``count`` and then its options as keywords, each with a default; ``scenario``,
    ``costs``, ``observe`` and ``cycles`` are among them.
    """

    scenarios: ClassVar[dict[str, Any]]  # by name, with those that users register
    prices: ClassVar[type[Prices]]
    observations: ClassVar[Mapping[str, Table]]  # what ``observe`` can be
    actions: ClassVar[ActionSet]
    terms: ClassVar[tuple[str, ...]]  # names of the cost terms
    truth_names: ClassVar[tuple[str, ...]]  # of what no operator can see, and behind it of the version
    version_names: ClassVar[
        tuple[str, ...]
    ]  # the last of them: the version in service, () where none is kept
    exogenous: ClassVar[tuple[str, ...]]  # those of them that no decision ever changes

    count: int
    scenario: Any  # that episodes start from
    costs: Any  # the prices in force
    observe: str
    cycles: int | None  # the deadline, or None where the scenario says
    latency: int  # cycles from the request of a retraining to its deployment
    observation: Table
    names: tuple[str, ...]  # of the scenarios that a reset can choose, by row
    own: int  # row of ``scenario``
    starts: NDArray[np.int64]  # (count or more,) row that each world's next episode starts from
    out: Outputs
    origin: Any  # equal for worlds whose states fit each other

    def row(self, scenario: Any) -> int:
        """Row of a scenario, by its name or itself; raises ValueError where there is none."""

    def allocate(self) -> None:
        """Fresh arrays in ``out``, so that those handed out before stay as they are."""

    def seed(self, lanes: NDArray[np.integer], seeds: NDArray[np.uint64]) -> None:
        """Give some worlds their seeds; their next episode is number 0."""

    def begin(self, mask: NDArray[np.bool_]) -> None:
        """Start the next episode of the worlds in ``mask`` (count,): their obs, costs (0) and truth go to
        ``out``; their reward and end stay as they are."""

    def show(self, mask: NDArray[np.bool_]) -> None:
        """Put obs and truth of the worlds in ``mask`` (count,) into ``out`` as they were reported last."""

    def fill_idle(self) -> None:
        """Make what a world stores beside its ``count`` worlds harmless to compute with."""

    def advance(self, actions: NDArray[np.int64]) -> int:
        """One cycle of every world, actions (count,); results are in ``out``. Returns how many ended."""

    def ended(self) -> NDArray[np.bool_]:
        """Which worlds stand at the end of their episode, or were never begun, (count,)."""

    def masks(self) -> NDArray[np.bool_]:
        """Which actions would do something, (count, actions)."""

    def get_state(self) -> Any:
        """Copy of everything that decides the future."""

    def set_state(self, state: Any) -> None:
        """Go back to a state; raises ValueError where it does not fit, and has changed nothing then."""


class EnvState(NamedTuple):
    """A moment of an env: its worlds', and its own."""

    world: Any
    starts: NDArray[np.int64]  # row of the scenario that each world's next episode starts from
    over: NDArray[np.bool_]  # (num_envs,) episodes that have ended or were never started
    seeded: bool
    steps: NDArray[np.int64]  # (num_envs,) cycles done, where the env itself counts them to truncate


def env_state(
    world: World, over: NDArray[np.bool_], seeded: bool, steps: NDArray[np.int64] | None = None
) -> EnvState:
    """The moment at which an env over a world stands, as copies."""
    counted = np.zeros(world.count, np.int64) if steps is None else steps.copy()
    return EnvState(world.get_state(), world.starts.copy(), over.copy(), seeded, counted)


def restore(world: World, state: Any) -> EnvState:
    """Put a world where it stood; the caller puts its own part of the state back.

    Raises:
        ValueError: no state of an env, or one that does not fit; nothing has changed then.
    """
    if not isinstance(state, EnvState):
        raise ValueError(f"expected a state from get_state(), got {type(state).__name__}")
    wrong, before = _misfit(world, state), world.get_state()
    world.set_state(state.world)
    if not wrong and (world.ended() & ~np.asarray(state.over, np.bool_)).any():
        wrong = "this state's over must be True where an episode is at its deadline or was never started"
    if wrong:
        world.set_state(before)
        raise ValueError(wrong)
    world.starts[:] = state.starts
    return state


def check_origin(theirs: Any, ours: Any, same: str) -> None:
    """Make sure that a state is from a world made as this one is.

    Args:
        theirs: what the world of the state was made of, by names; the last is a digest of its scenarios.
        ours: the same of this world.
        same: what has to be the same, for the error.

    Raises:
        ValueError: they differ; says in what.
    """
    for name, its, own in zip(ours._fields, theirs, ours, strict=True):
        if its != own:
            shown = f"{name}={its!r}, and this has {name}={own!r}"
            if name == ours._fields[-1]:
                shown = "another scenario of the same name"
            raise ValueError(f"this state is from an env with {shown}: take it from one with the same {same}")


def _misfit(world: World, state: EnvState) -> str:
    """What does not fit of an env's own part of a state; empty where all does."""
    alone = (world.count,)
    parts = (("over", state.over, alone), ("steps", state.steps, alone))
    for name, part, shape in (("starts", state.starts, world.starts.shape), *parts):
        if np.shape(part) != shape:
            return f"this state's {name} has shape {np.shape(part)}, this env needs {shape}"
    rows, chosen = len(world.names), np.asarray(state.starts)
    if not ((chosen >= 0) & (chosen < rows) & (chosen == np.floor(chosen))).all():
        return f"a state names rows of the scenario table that do not exist; it has {rows}"
    return ""
