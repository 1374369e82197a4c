"""The rollout: a policy through worlds side by side, cycle by cycle; all that plays episodes uses it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift import ENV_ID
from springdrift.game.actions import Action, ActionSet
from springdrift.game.costs import Prices as WorldPrices
from springdrift.game.world import World
from springdrift.registry import world_spec
from springdrift_agents.policies.base import Fit, Memory, Policy, check_policy, fitted

Prices = WorldPrices | Mapping[str, float] | None


class Cycle(NamedTuple):
    """A cycle that has ended, in every world; ``world.out`` holds its costs, observation and end.

    Arrays are reused by the next cycle: copy what is to be kept.
    """

    world: World
    live: NDArray[np.bool_]  # (n,) episodes that this cycle belongs to; the others ended before
    actions: NDArray[np.int64]  # (n,) decisions
    done: NDArray[np.bool_]  # (n,) the decision did something: see ``World.masks``

    @property
    def truth(self) -> dict[str, NDArray[np.float32]]:
        """What no operator can see, by name, (n,) each."""
        return truth_of(self.world)

    @property
    def retrains(self) -> NDArray[np.bool_]:
        """Where a retraining was started, and paid, (n,)."""
        return self.live & self.done & (self.actions == Action.RETRAIN)

    @property
    def costs(self) -> NDArray[np.float64]:
        """The cost terms of the cycle, (terms, n), 0 where the episode had ended before."""
        return np.where(self.live, self.world.out.costs, 0.0)


def truth_of(world: World) -> dict[str, NDArray[np.float32]]:
    """What no operator of these worlds can see now, by name, (n,) each."""
    return dict(zip(world.truth_names, world.out.truth, strict=True))


def begun(
    seeds: NDArray[np.uint64],
    scenario: Any,
    *,
    env: str = ENV_ID,
    observe: str = "monitor",
    costs: Prices = None,
    cycles: int | None = None,
    latency: int | None = None,
) -> World:
    """Worlds at the start of their first episodes, one for each of ``seeds``, (n,).

    Args:
        seeds: the worlds'.
        scenario: a name, or a scenario of the user's.
        env: id of the kind of world.
        observe: which observation they show.
        costs: prices, or some of them by name.
        cycles: deadline; None leaves it to the scenario.
        latency: cycles from the request of a retraining to its deployment; None for the world's own.

    Raises:
        ValueError: an unknown env, or an option that it does not take; says what is allowed.
    """
    given = {"costs": costs, "cycles": cycles, "latency": latency}
    options = {name: value for name, value in given.items() if value is not None}
    world: World = world_spec(env).world(len(seeds), scenario=scenario, observe=observe, **options)
    world.seed(np.arange(len(seeds)), seeds)
    world.begin(np.ones(len(seeds), np.bool_))
    world.fill_idle()
    return world


def rollout(
    policy: Policy, world: World, before: Callable[[NDArray[np.int64]], None] = lambda actions: None
) -> Iterator[Cycle]:
    """Play a policy from where the worlds stand to the end of every episode, a cycle at a time.

    Worlds whose episodes end earlier start their next ones meanwhile; they are not ``live`` any more.

    Args:
        policy: who decides. Its memory starts empty.
        world: worlds in which episodes have begun: see :func:`begun`.
        before: hears the decisions (n,) of each cycle before it begins.

    Raises:
        ValueError: what is no policy, one that needs columns or actions that these worlds have not, or
            decisions that are none.
    """
    check_policy(policy)
    fit, count = fitted(policy, world.observation.names, world.actions.names), world.count
    live, over = np.ones(count, np.bool_), np.zeros(count, np.bool_)
    start, rows = live.copy(), np.arange(count)
    state: Memory | None = None
    while live.any():
        actions, state = _decided(policy, fit, world.actions, world.out.obs, state, start)
        done = world.masks()[rows, actions]
        before(actions)
        ended = world.advance(actions) > 0
        if over.any():  # their next episodes begin instead
            world.begin(over)
        yield Cycle(world, live, actions, done)
        over = (world.out.over > 0) & ~over if ended else np.zeros(count, np.bool_)
        live, start = live & ~over, over


def _decided(
    policy: Policy, fit: Fit, allowed: ActionSet, observation: Any, state: Memory | None, start: Any
) -> tuple[NDArray[np.int64], Memory | None]:
    """A policy's decisions, (n,), as the world numbers them, and its memory."""
    found = policy.predict(fit.see(observation), state=state, episode_start=start, deterministic=True)
    name = type(policy).__name__
    if not isinstance(found, tuple) or len(found) != 2:
        raise ValueError(
            f"{name}.predict must return decisions and memory, as in `return actions, state`, "
            f"got {type(found).__name__}"
        )
    try:
        return fit.act(found[0], allowed, len(observation)), found[1]
    except ValueError as wrong:
        raise ValueError(f"{name}.predict: {wrong}") from wrong


class Script:
    """A policy that plays schedules of decisions, one a world, cycle by cycle; (n, cycles)."""

    def __init__(self, schedules: NDArray[np.int64]) -> None:
        self.schedules = schedules

    def predict(
        self,
        observation: Any,
        state: Memory | None = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[Any, Memory | None]:
        """The schedules' next decisions, the last ones again after their end; ``state`` counts the cycles."""
        cycle = 0 if state is None else int(state[0])
        column = min(cycle, self.schedules.shape[1] - 1)
        return self.schedules[:, column], (np.asarray(cycle + 1),)


def side_by_side(schedules: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Schedules of several lengths in one array (n, cycles); WAIT fills the shorter ones up."""
    longest = max(map(len, schedules))
    return np.array([np.pad(schedule, (0, longest - len(schedule))) for schedule in schedules])
