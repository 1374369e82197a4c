"""The batch kernel as a Stable-Baselines3 ``VecEnv``: one call steps every world."""

import inspect
import time
import warnings
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

try:
    from stable_baselines3.common.monitor import Monitor
    from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvIndices
except ModuleNotFoundError:
    raise ImportError('this env is for Stable-Baselines3: pip install "springdrift[rl]"') from None

from springdrift import ENV_ID
from springdrift.game.arguments import did_you_mean
from springdrift.registry import WorldSpec, world_spec
from springdrift_agents.evaluation.evaluate import SEEDS, world_seeds

# Options of the batch that Stable-Baselines3's protocol cannot carry, and what holds instead.
REFUSED = {
    "autoreset_mode": "it is always SAME_STEP here: Stable-Baselines3 needs it",
    "copy": "observations are always copies here: Stable-Baselines3 keeps those of the step before",
    "info": "it is always nested here: the terms of an episode are summed from it",
    "max_episode_steps": "an episode ends at its deadline here: set cycles",
}
RENDER_MODES = (None, "rgb_array")
METHODS = ("action_masks", "render")  # of single envs


class SpringdriftVecEnv(VecEnv):
    """``num_envs`` worlds for Stable-Baselines3, as its ``DummyVecEnv`` over ``Monitor`` would run them.

    An env that ends is reset in the same step: the observation returned is the next episode's first,
    and its info holds ``terminal_observation`` and ``episode`` as SB3's ``Monitor`` writes it (return
    ``r``, length ``l``, seconds since the start ``t``), with each cost term's sum beside them, and the last
    step's ``terms`` and ``truth``. Infos of envs that go on hold those only with ``full_infos``: to write
    them takes several times as long as the step itself.

    ``seed(s)`` gives the envs the worlds ``world_seeds(purpose, s, num_envs)``, so that a training run
    never meets the worlds of an evaluation.

    Args:
        num_envs: how many worlds.
        purpose: what the worlds are for: evaluation, training, tuning or validation.
        full_infos: give every info of every step its env's ``terms`` and ``truth``.
        render_mode: None or "rgb_array", for ``VecVideoRecorder``; nothing is drawn before it is asked for.
        render_options: as in the scalar env of these worlds.
        env: id of the kind of world.
        options: as in the vector env of these worlds, but for those of how a batch is stepped.

    Raises:
        ValueError: an option unknown or out of range, naming it and what is allowed.

    >>> envs = SpringdriftVecEnv(4, scenario="abrupt")
    >>> envs.seed(1)[0], envs.reset().shape
    (1152921508901814272, (4, 18))
    >>> SpringdriftVecEnv(4, env="springdrift/TimeSeries-v0", scenario="abrupt").reset().shape
    (4, 18)
    """

    def __init__(
        self,
        num_envs: int,
        purpose: str = "training",
        *,
        full_infos: bool = False,
        render_mode: str | None = None,
        render_options: Mapping[str, Any] | None = None,
        env: str = ENV_ID,
        **options: Any,
    ) -> None:
        world_seeds(purpose, 0, 1)  # refuses an unknown purpose
        kind = world_spec(env)
        _check_options(kind, options)
        if render_mode not in RENDER_MODES:
            raise ValueError(f"unknown render_mode {render_mode!r}; allowed: None, rgb_array")
        if render_mode not in kind.env.metadata["render_modes"] and render_mode is not None:
            raise ValueError(f"{env} draws nothing: render_mode must be None, got {render_mode!r}")
        self.envs = kind.vector_env(num_envs, autoreset_mode=AutoresetMode.SAME_STEP, **options)
        self.purpose, self.full_infos, self.render_mode = purpose, full_infos, render_mode
        self.metadata = {**kind.env.metadata, "render_modes": ["rgb_array"]}
        self.spec = deepcopy(gym.spec(env))
        self.spec.kwargs.update(options, render_mode=render_mode)
        self._kind, self._render_options = kind, render_options
        self._renderers: list[Any] = []  # one for each env, once a picture was asked for
        self._actions: NDArray[Any] = np.zeros(num_envs, np.int64)
        self._totals = np.zeros((len(kind.terms), num_envs))
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
        observation, info = self.envs.reset(seed=self._seeds, options=options)
        self._reset_seeds()
        self._reset_options()
        self._totals[:] = 0.0
        self._lengths[:] = 0
        self.reset_infos = _each(info, range(self.num_envs))
        return observation

    def step_async(self, actions: NDArray[Any]) -> None:
        self._actions = actions

    def step_wait(
        self,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        observation, reward, done, _, info = self.envs.step(self._actions)
        infos: list[dict[str, Any]] = [{"TimeLimit.truncated": False} for _ in range(self.num_envs)]
        played, ended = info.get("final_info", info), np.flatnonzero(done).tolist()
        told = range(self.num_envs) if self.full_infos else ended
        for i, one in zip(told, _each(played, told), strict=True):
            infos[i].update(one)
        for total, term in zip(self._totals, played["terms"].values(), strict=True):
            total += term
        self._lengths += 1
        if ended:
            now = round(time.monotonic() - self._start, 6)
            for i, begun in zip(ended, _each(info, ended), strict=True):
                spent = self._totals[:, i].tolist()
                episode = {"r": -sum(spent), "l": int(self._lengths[i]), "t": now}
                infos[i]["terminal_observation"] = info["final_obs"][i]
                infos[i]["episode"] = {**episode, **dict(zip(self._kind.terms, spent, strict=True))}
                self.reset_infos[i] = begun
            self._totals[:, done] = 0.0
            self._lengths[done] = 0
        return observation, reward.astype(np.float32), done, infos

    def close(self) -> None:
        self.envs.close()
        for one in self._renderers:
            one.close()
        self._renderers = []

    def action_masks(self) -> NDArray[np.bool_]:
        """Which decisions would do something, shape (num_envs, actions)."""
        return self.envs.action_masks()

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """A picture (height, width, 3) of every env at the moment at which it stands."""
        if self.render_mode is None:
            warnings.warn('without render_mode="rgb_array" there are no pictures', stacklevel=2)
            return [None] * self.num_envs
        if not self._renderers:
            self._renderers = [
                self._kind.env.renderer(self.envs.world, "rgb_array", self._render_options, i)
                for i in range(self.num_envs)
            ]
        pictures = []
        for one in self._renderers:
            one.begin()  # it looks at where the world is now
            pictures.append(one.render())
        return pictures

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """An attribute of single envs, once for each: a space, ``spec``, or an option such as ``latency``.

        Raises:
            AttributeError: single envs have none of that name.
        """
        if attr_name in ("action_space", "observation_space", "spec", "render_mode", "metadata"):
            value = getattr(self, attr_name)
        elif attr_name in inspect.signature(self._kind.env).parameters and hasattr(
            self.envs.world, attr_name
        ):
            value = getattr(self.envs.world, attr_name)
        elif attr_name in METHODS:
            return [partial(self._call, attr_name, i) for i in self._get_indices(indices)]
        else:
            raise AttributeError(f"single envs have no attribute {attr_name!r}")
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Refused: the worlds have their options in common, and take them when made."""
        raise AttributeError(f"{attr_name!r} cannot be set: pass options when the envs are made")

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """``action_masks`` env by env, as sb3-contrib asks for it, and ``render``; there is no other."""
        if method_name not in METHODS:
            raise AttributeError(f"no method {method_name!r} of single envs; allowed: {', '.join(METHODS)}")
        results = self.action_masks() if method_name == "action_masks" else self.get_images()
        return [results[i] for i in self._get_indices(indices)]

    def _call(self, method_name: str, index: int) -> Any:
        return self.env_method(method_name, indices=index)[0]

    def env_is_wrapped(self, wrapper_class: Any, indices: VecEnvIndices = None) -> list[bool]:
        """True for ``Monitor``, whose statistics these envs report themselves."""
        return [wrapper_class is Monitor for _ in self._get_indices(indices)]


def _check_options(kind: WorldSpec, options: Mapping[str, Any]) -> None:
    taken = [name for name in inspect.signature(kind.vector_env).parameters if name != "num_envs"]
    allowed = [name for name in taken if name not in REFUSED and name != "render_mode"]
    for name in options:
        if name in REFUSED:
            raise ValueError(f"{name} cannot be chosen: {REFUSED[name]}")
        if name not in allowed:
            hint = did_you_mean(name, allowed)
            raise ValueError(f"unknown option {name!r}{hint} Allowed: {', '.join(allowed)}")


def _each(info: Mapping[str, Any], indices: Sequence[int]) -> list[dict[str, Any]]:
    """Infos of their own for some envs, from one of arrays."""
    chosen = list(indices)
    if not chosen:
        return []
    groups = [
        [dict(zip(values, row, strict=True)) for row in np.array(list(values.values()))[:, chosen].T.tolist()]
        for values in (info["terms"], info["truth"])
    ]
    return [{"terms": terms, "truth": truth} for terms, truth in zip(*groups, strict=True)]
