"""``springdrift/TimeSeries-v0``: the envs over forecasts in service."""

from typing import Any

from springdrift.game.vector_env import DriftVectorEnv
from springdrift.render.env import DrawnEnv
from springdrift.series.recorder import Recorder
from springdrift.series.world import SeriesWorld


class TimeSeriesEnv(DrawnEnv):
    """A forecast in service on a time series that drifts.

    One step is one cycle of the series; the decision is an :class:`~springdrift.Action`: serve the model's
    forecast, serve the safe baseline instead, or retrain. The reward is minus the sum of the cost terms in
    ``info["terms"]``; ``info["truth"]`` holds what no operator can see, the hidden driver's key among it.
    Options are those of :class:`~springdrift.series.world.SeriesWorld`.

    >>> import gymnasium as gym, springdrift
    >>> env = gym.make("springdrift/TimeSeries-v0", scenario="co2", cycles=100)
    >>> obs, info = env.reset(seed=0)
    >>> obs, reward, terminated, truncated, info = env.step(springdrift.Action.RETRAIN)
    >>> info["terms"]["retrain"]
    3.0
    """

    World = SeriesWorld

    @classmethod
    def recorder(
        cls, world: Any, index: int = 0, policy: str = "", threshold: float | None = None
    ) -> Recorder:
        return Recorder(world, index, policy, threshold)


class TimeSeriesVectorEnv(DriftVectorEnv):
    """Many forecasts in service in one kernel call; options as in
    :class:`~springdrift.series.world.SeriesWorld`.

    >>> import gymnasium as gym, springdrift
    >>> envs = gym.make_vec("springdrift/TimeSeries-v0", num_envs=3,
    ...                     vectorization_mode="vector_entry_point", scenario="abrupt")
    >>> obs, info = envs.reset(seed=1)
    >>> obs.shape
    (3, 18)
    """

    Env = TimeSeriesEnv
