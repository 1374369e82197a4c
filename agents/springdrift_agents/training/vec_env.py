"""The batch kernel as a Stable-Baselines3 ``VecEnv``: one call steps every world."""

import time
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

try:
    from stable_baselines3.common.monitor import Monitor
    from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvIndices
except ModuleNotFoundError:
    raise ImportError('this env is for Stable-Baselines3: pip install "springdrift[rl]"') from None

from springdrift import TERMS, InclinedMassVectorEnv
from springdrift_agents.evaluation.evaluate import SEEDS, world_seeds


class SpringdriftVecEnv(VecEnv):
    """``num_envs`` worlds for Stable-Baselines3; keyword options as in ``InclinedMassVectorEnv``.

    An env that ends is reset in the same step: the observation returned is the next episode's first,
    and its info holds ``terminal_observation`` and ``episode`` as SB3's ``Monitor`` writes it (return
    ``r``, length ``l``, seconds since the start ``t``), with each cost term's sum beside them. Other
    envs share one empty info a step: nothing in the steady state goes env by env through Python.

    ``seed(s)`` gives the envs the worlds ``world_seeds(purpose, s, num_envs)``, so that a training run
    never meets the worlds of an evaluation.

    Raises:
        ValueError: an option out of range, naming it and what is allowed.

    >>> envs = SpringdriftVecEnv(4, scenario="abrupt")
    >>> envs.seed(1)[0], envs.reset().shape
    (1152921508901814272, (4, 18))
    """

    def __init__(self, num_envs: int, purpose: str = "training", **options: Any) -> None:
        world_seeds(purpose, 0, 1)  # refuses an unknown purpose
        if "autoreset_mode" in options:
            raise ValueError("autoreset_mode is always SAME_STEP here: Stable-Baselines3 needs it")
        self.envs = InclinedMassVectorEnv(num_envs, autoreset_mode=AutoresetMode.SAME_STEP, **options)
        self.purpose = purpose
        self._actions: NDArray[Any] = np.zeros(num_envs, np.int64)
        self._bills = np.zeros((len(TERMS), num_envs))
        self._lengths = np.zeros(num_envs, np.int64)
        self._start = time.monotonic()
        super().__init__(num_envs, self.envs.single_observation_space, self.envs.single_action_space)

    def seed(self, seed: int | None = None) -> list[int | None]:
        """Choose the worlds of the next reset; None draws a choice. Returns each env's seed."""
        number = int(np.random.SeedSequence().generate_state(1)[0]) % SEEDS if seed is None else seed
        self._seeds = world_seeds(self.purpose, number, self.num_envs).tolist()
        return list(self._seeds)

    def reset(self) -> NDArray[np.float32]:
        """Start an episode in every env, with the seeds and options given since the last reset."""
        names = [options.get("scenario", self.envs.world.scenario) for options in self._options]
        wrong = {name for options in self._options for name in options} - {"scenario"}
        if wrong:
            raise ValueError(f"unknown reset option {min(wrong)!r}; allowed: scenario")
        options = {"scenario": names} if any(self._options) else None
        observation, _ = self.envs.reset(seed=self._seeds, options=options)
        self._reset_seeds()
        self._reset_options()
        self._bills[:] = 0.0
        self._lengths[:] = 0
        return observation

    def step_async(self, actions: NDArray[Any]) -> None:
        self._actions = actions

    def step_wait(
        self,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        observation, reward, done, _, info = self.envs.step(self._actions)
        infos: list[dict[str, Any]] = [{}] * self.num_envs
        terms = info.get("final_info", info)["terms"]
        for total, term in zip(self._bills, terms.values(), strict=True):
            total += term
        self._lengths += 1
        if "final_obs" in info:
            now = round(time.monotonic() - self._start, 6)
            for i in np.flatnonzero(done):
                bill = self._bills[:, i].tolist()
                episode = {"r": -sum(bill), "l": int(self._lengths[i]), "t": now}
                infos[i] = {
                    "terminal_observation": info["final_obs"][i],
                    "TimeLimit.truncated": False,
                    "episode": {**episode, **dict(zip(TERMS, bill, strict=True))},
                }
            self._bills[:, done] = 0.0
            self._lengths[done] = 0
        return observation, reward.astype(np.float32), done, infos

    def close(self) -> None:
        self.envs.close()

    def action_masks(self) -> NDArray[np.bool_]:
        """Which decisions would do something, shape (num_envs, 3)."""
        return self.envs.action_masks()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """An attribute that all worlds have in common, once for each env."""
        value = getattr(self.envs, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Refused: the worlds have their options in common, and take them when made."""
        raise AttributeError(f"{attr_name!r} cannot be set: pass options when the envs are made")

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """``action_masks`` env by env, as sb3-contrib asks for it; there is no other."""
        if method_name != "action_masks":
            raise AttributeError(f"no method {method_name!r} of single envs; allowed: action_masks")
        return list(self.action_masks()[list(self._get_indices(indices))])

    def env_is_wrapped(self, wrapper_class: Any, indices: VecEnvIndices = None) -> list[bool]:
        """True for ``Monitor``, whose statistics these envs report themselves."""
        return [wrapper_class is Monitor for _ in self._get_indices(indices)]
