"""``springdrift/InclinedMass-v0``: the envs over inclined masses."""

from typing import Any

from springdrift.game.vector_env import DriftVectorEnv
from springdrift.incline.recorder import Recorder
from springdrift.incline.world import InclinedMassWorld
from springdrift.render.env import DrawnEnv


class InclinedMassEnv(DrawnEnv):
    """A mass on an incline that a forecast model keeps swinging, in a world that drifts.

    One step is one cycle; the decision is an :class:`~springdrift.Action`. The reward is minus the sum
    of the cost terms in ``info["terms"]``; ``info["truth"]`` holds what no operator can see. Options are
    those of :class:`~springdrift.incline.world.InclinedMassWorld`. Methods beyond gymnasium's, such as
    :meth:`fork`, are reached by ``env.unwrapped`` from what ``gym.make`` returns.

    >>> import gymnasium as gym, springdrift
    >>> env = gym.make("springdrift/InclinedMass-v0", scenario="stationary")
    >>> obs, info = env.reset(seed=0)
    >>> obs, reward, terminated, truncated, info = env.step(springdrift.Action.RETRAIN)
    >>> info["terms"]["retrain"]
    3.0
    """

    World = InclinedMassWorld

    @classmethod
    def recorder(
        cls, world: Any, index: int = 0, policy: str = "", threshold: float | None = None
    ) -> Recorder:
        return Recorder(world, index, policy, threshold)


class InclinedMassVectorEnv(DriftVectorEnv):
    """Many inclined masses in one kernel call; options as in
    :class:`~springdrift.incline.world.InclinedMassWorld`.

    ``info["terms"]`` holds the cost terms and ``info["truth"]`` the hidden truth, each a dict of arrays
    of shape (num_envs,). An int seed gives env i the seed ``seed + i``. With ``copy=False`` the arrays
    and dicts returned are reused.

    >>> import gymnasium as gym, springdrift
    >>> envs = gym.make_vec("springdrift/InclinedMass-v0", num_envs=3,
    ...                     vectorization_mode="vector_entry_point", scenario="abrupt")
    >>> obs, info = envs.reset(seed=1)
    >>> obs.shape
    (3, 18)
    """

    Env = InclinedMassEnv
