"""The worlds by id: what runs in all of them asks here, never a world's own module."""

import sys
from dataclasses import dataclass
from typing import Any

import gymnasium as gym

from springdrift.game.actions import ActionSet
from springdrift.game.arguments import did_you_mean
from springdrift.game.costs import Prices
from springdrift.game.env import DriftEnv
from springdrift.game.vector_env import DriftVectorEnv
from springdrift.incline.env import InclinedMassEnv, InclinedMassVectorEnv
from springdrift.incline.operations import InclinedMassOpsEnv, InclinedMassOpsVectorEnv
from springdrift.series.env import TimeSeriesEnv, TimeSeriesVectorEnv
from springdrift.series.operations import TimeSeriesOpsEnv, TimeSeriesOpsVectorEnv
from springdrift.upkeep.world import UpkeepDashboardEnv, UpkeepVectorEnv

ENV_ID = "springdrift/InclinedMass-v0"
OPS_ID = "springdrift/InclinedMassOps-v0"
SERIES_ID = "springdrift/TimeSeries-v0"
SERIES_OPS_ID = "springdrift/TimeSeriesOps-v0"
UPKEEP_ID = "springdrift/Upkeep-v0"


@dataclass(frozen=True)
class WorldSpec:
    """A kind of world by its id in Gymnasium: its envs, and what they share."""

    id: str
    env: type[DriftEnv]
    vector_env: type[DriftVectorEnv]

    @property
    def world(self) -> type[Any]:
        """Class of :class:`springdrift.game.world.World`."""
        return self.env.World

    @property
    def scenarios(self) -> dict[str, Any]:
        """Scenarios by name."""
        found: dict[str, Any] = self.world.scenarios
        return found

    @property
    def actions(self) -> ActionSet:
        """What an operator can decide."""
        found: ActionSet = self.world.actions
        return found

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the cost terms."""
        found: tuple[str, ...] = self.world.terms
        return found

    @property
    def costs(self) -> type[Prices]:
        """Class of its prices."""
        found: type[Prices] = self.world.prices
        return found


WORLDS: dict[str, WorldSpec] = {}


def register_world(id: str, env: type[DriftEnv], vector_env: type[DriftVectorEnv]) -> WorldSpec:
    """Make a world known by an id, here and to Gymnasium.

    Args:
        id: as Gymnasium has it, such as "mine/Tides-v0".
        env: the scalar env.
        vector_env: the vector env over the same worlds.

    Raises:
        ValueError: the id is another world's, or the vector env is another env's.
    """
    spec = WorldSpec(id, env, vector_env)
    if env is not vector_env.Env:
        raise ValueError(
            f"{env.__name__} and {vector_env.__name__} must be of one kind: the latter's Env is the former"
        )
    if WORLDS.setdefault(id, spec) != spec:
        raise ValueError(f"the id {id!r} is that of {WORLDS[id].env.__name__} already")
    if id not in gym.registry:
        gym.register(
            id,
            entry_point=_entry_point(env),
            vector_entry_point=_entry_point(vector_env),
        )
    return spec


def _entry_point(kind: type[Any]) -> Any:
    """How Gymnasium finds a class: by name where it can be imported, else the class itself."""
    found = getattr(sys.modules.get(kind.__module__), kind.__qualname__, None)
    return f"{kind.__module__}:{kind.__qualname__}" if found is kind else kind


def register_scenario(scenario: Any, env: str = ENV_ID) -> Any:
    """Make a scenario of your own known by its name: to every env, policy and command of this process.

    Args:
        scenario: as the world has them, such as a :class:`springdrift.Scenario`.
        env: id of the world.

    Returns:
        The scenario.

    Raises:
        ValueError: the name is another scenario's, or the world cannot be made of it.

    >>> from springdrift import InclinedMassEnv, Jump, Scenario
    >>> mine = Scenario("doctest", "the stiffness jumps", laws=(Jump("stiffness", (6.0, 15.0)),))
    >>> register_scenario(mine) is mine and InclinedMassEnv("doctest").world.scenario is mine
    True
    >>> unregister_scenario("doctest")
    """
    known = world_spec(env).scenarios
    name = getattr(scenario, "name", None)
    if not isinstance(name, str):
        raise ValueError(f"a scenario of {env} was expected, got {scenario!r}")
    if known.get(name, scenario) != scenario:
        raise ValueError(f"the scenario name {name!r} is taken by another one: {known[name].summary}")
    world_spec(env).world(1, scenario)  # what cannot be played is refused
    known[name] = scenario
    return scenario


def unregister_scenario(name: str, env: str = ENV_ID) -> None:
    """Forget a scenario that was registered; raises ValueError where there is none of the name."""
    known = world_spec(env).scenarios
    if name not in known:
        raise ValueError(f"no scenario {name!r} is registered; there are: {', '.join(known)}")
    del known[name]


def world_spec(id: str) -> WorldSpec:
    """The world of an id.

    >>> world_spec("springdrift/InclinedMass-v0").actions.names
    ('WAIT', 'INTERVENE', 'RETRAIN')
    >>> world_spec("InclinedMass")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: unknown env 'InclinedMass'; did you mean 'springdrift/InclinedMass-v0'? Allowed: ...

    Raises:
        ValueError: no world has it; says which there are.
    """
    if id not in WORLDS:
        raise ValueError(f"unknown env {id!r}{did_you_mean(id, WORLDS)} Allowed: {', '.join(WORLDS)}")
    return WORLDS[id]


register_world(ENV_ID, InclinedMassEnv, InclinedMassVectorEnv)
register_world(OPS_ID, InclinedMassOpsEnv, InclinedMassOpsVectorEnv)
register_world(SERIES_ID, TimeSeriesEnv, TimeSeriesVectorEnv)
register_world(SERIES_OPS_ID, TimeSeriesOpsEnv, TimeSeriesOpsVectorEnv)
register_world("springdrift/UpkeepDashboard-v0", UpkeepDashboardEnv, UpkeepVectorEnv)
if UPKEEP_ID not in gym.registry:
    gym.register(UPKEEP_ID, entry_point="springdrift.upkeep.env:UpkeepEnv", max_episode_steps=200)
