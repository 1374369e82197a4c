"""What a network remembers of the cycles before, as Stable-Baselines3 trains it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvWrapper

from springdrift_agents.policies import network


class VecMemory(VecEnvWrapper):
    """Show the last few observations, as ``VecFrameStack`` does, and moving averages of all of them.

    What is shown is what a learned policy sees without torch: see
    :func:`springdrift_agents.policies.network.seen`.

    Args:
        venv: the envs.
        stack: how many observations, the newest last; zeros stand for those before an episode.
        averages: cycles over which each of the averages forgets, which begin at zero.

    >>> from springdrift_agents.training.vec_env import SpringdriftVecEnv
    >>> VecMemory(SpringdriftVecEnv(4), stack=6, averages=[10, 40]).reset().shape
    (4, 144)
    """

    def __init__(self, venv: VecEnv, stack: int = 1, averages: Sequence[float] = ()) -> None:
        one = venv.observation_space
        assert isinstance(one, spaces.Box)
        self._averages, sees = tuple(averages), stack + len(averages)
        super().__init__(venv, spaces.Box(np.tile(one.low, sees), np.tile(one.high, sees), dtype=np.float32))
        self._seen = np.zeros((venv.num_envs, *self.observation_space.shape), np.float32)  # type: ignore[misc]

    def reset(self) -> NDArray[np.float32]:
        newest: Any = self.venv.reset()
        self._seen = network.seen(np.zeros_like(self._seen), newest, self._averages)
        return self._seen

    def step_wait(
        self,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        newest, rewards, done, infos = self.venv.step_wait()
        before = self._seen
        if done.any():
            before = np.where(done[:, None], np.float32(0.0), before)
        for i in np.flatnonzero(done):
            last = infos[i]["terminal_observation"][None]
            infos[i]["terminal_observation"] = network.seen(self._seen[i : i + 1], last, self._averages)[0]
        self._seen = network.seen(before, newest, self._averages)  # type: ignore[arg-type]
        return self._seen, rewards, done, infos
