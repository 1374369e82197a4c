"""``springdrift/InclinedMass-v0``: the envs over inclined masses."""

from collections.abc import Mapping
from typing import Any

from springdrift.game.env import DriftEnv
from springdrift.game.vector_env import DriftVectorEnv
from springdrift.incline.recorder import Recorder
from springdrift.incline.world import InclinedMassWorld
from springdrift.render.renderer import Renderer, check_render_options
from springdrift.render.view import FPS


class InclinedMassEnv(DriftEnv):
    """A mass on an incline that a forecast model keeps swinging, in a world that drifts.

    One step is one cycle; the decision is an :class:`~springdrift.Action`. The reward is minus the sum
    of the cost terms in ``info["terms"]``; ``info["truth"]`` holds what no operator can see. Options are
    those of :class:`~springdrift.incline.world.InclinedMassWorld`. ``render_options``: ``size``,
    ``font_scale``, ``truth`` and ``scenario`` of :class:`~springdrift.render.view.View`. Methods beyond
    gymnasium's, such as :meth:`fork`, are reached by ``env.unwrapped`` from what ``gym.make`` returns.

    >>> import gymnasium as gym, springdrift
    >>> env = gym.make("springdrift/InclinedMass-v0", scenario="stationary")
    >>> obs, info = env.reset(seed=0)
    >>> obs, reward, terminated, truncated, info = env.step(springdrift.Action.RETRAIN)
    >>> info["terms"]["retrain"]
    3.0
    """

    World = InclinedMassWorld
    metadata = {  # noqa: RUF012 (gymnasium declares it so)
        "render_modes": ["human", "rgb_array", "rgb_array_list", "ansi"],
        "render_fps": FPS,
    }

    @classmethod
    def renderer(
        cls, world: Any, mode: str | None, options: Mapping[str, Any] | None, index: int = 0
    ) -> Renderer | None:
        options = check_render_options(options)
        return Renderer(Recorder(world, index), mode, options) if mode else None


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
