"""The worlds by id: what runs in all of them asks here, never a world's own module."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium as gym

from springdrift.game.actions import ActionSet
from springdrift.game.arguments import did_you_mean
from springdrift.game.costs import Prices
from springdrift.game.env import DriftEnv
from springdrift.game.vector_env import DriftVectorEnv
from springdrift.incline.env import InclinedMassEnv, InclinedMassVectorEnv

ENV_ID = "springdrift/InclinedMass-v0"
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
    def scenarios(self) -> Mapping[str, Any]:
        """Scenarios by name."""
        found: Mapping[str, Any] = self.world.scenarios
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
        ValueError: the id is another world's, or the envs are of two kinds of worlds.
    """
    spec = WorldSpec(id, env, vector_env)
    if env.World is not vector_env.World:
        raise ValueError(f"{env.__name__} and {vector_env.__name__} must be envs over one class of worlds")
    if WORLDS.setdefault(id, spec) != spec:
        raise ValueError(f"the id {id!r} is that of {WORLDS[id].env.__name__} already")
    if id not in gym.registry:
        gym.register(
            id,
            entry_point=f"{env.__module__}:{env.__qualname__}",
            vector_entry_point=f"{vector_env.__module__}:{vector_env.__qualname__}",
        )
    return spec


def world_spec(id: str) -> WorldSpec:
    """The world of an id.

    >>> world_spec("springdrift/InclinedMass-v0").actions.names
    ('WAIT', 'INTERVENE', 'RETRAIN')
    >>> world_spec("InclinedMass")
    Traceback (most recent call last):
    ValueError: unknown env 'InclinedMass'; did you mean 'springdrift/InclinedMass-v0'? Allowed: \
springdrift/InclinedMass-v0

    Raises:
        ValueError: no world has it; says which there are.
    """
    if id not in WORLDS:
        raise ValueError(f"unknown env {id!r}{did_you_mean(id, WORLDS)} Allowed: {', '.join(WORLDS)}")
    return WORLDS[id]


register_world(ENV_ID, InclinedMassEnv, InclinedMassVectorEnv)
if UPKEEP_ID not in gym.registry:
    gym.register(UPKEEP_ID, entry_point="springdrift.upkeep.env:UpkeepEnv", max_episode_steps=200)
