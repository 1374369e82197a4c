"""Batches of several kinds of world side by side, as one ``VecEnv`` of Stable-Baselines3."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvIndices

from springdrift_agents.training.vec_env import SpringdriftVecEnv


class Together(VecEnv):
    """The envs of several batches as one batch, for a policy that is to know several kinds of world.

    Their columns and actions must have the same names, so that a number means the same everywhere.

    Args:
        parts: the batches, in the order in which their envs are numbered.

    Raises:
        ValueError: no part, or columns or actions that differ; which.

    >>> both = Together([SpringdriftVecEnv(2), SpringdriftVecEnv(3, env="springdrift/TimeSeries-v0")])
    >>> len(both.seed(1)), both.reset().shape
    (5, (5, 18))
    """

    def __init__(self, parts: Sequence[SpringdriftVecEnv]) -> None:
        if not parts:
            raise ValueError("parts must hold at least one batch of envs")
        first = _names(parts[0])
        for part in parts[1:]:
            if _names(part) != first:
                differ = sorted(set(_names(part)) ^ set(first))
                raise ValueError(
                    f"{part.spec.id} and {parts[0].spec.id} cannot be learned together: their columns or "
                    f"actions differ: {', '.join(differ[:5]) or 'in their order'}"
                )
        self.parts = tuple(parts)
        self._cuts = np.cumsum([part.num_envs for part in parts])[:-1]
        self.render_mode = parts[0].render_mode
        super().__init__(
            sum(part.num_envs for part in parts), parts[0].observation_space, parts[0].action_space
        )

    def seed(self, seed: int | None = None) -> list[int | None]:
        """Choose the worlds of the next reset, the same choice for each part; None draws one for each."""
        self._seeds = [one for part in self.parts for one in part.seed(seed)]
        return list(self._seeds)

    def set_options(self, options: Any = None) -> None:
        """Options of the next reset: for all envs, or one mapping for each."""
        super().set_options(options)
        for part, (start, end) in zip(self.parts, self._spans(), strict=True):
            part.set_options(self._options[start:end])

    def reset(self) -> NDArray[np.float32]:
        observations = [part.reset() for part in self.parts]
        self._reset_seeds()
        self._reset_options()
        self._gather()
        return np.concatenate(observations)

    def step_async(self, actions: NDArray[Any]) -> None:
        for part, own in zip(self.parts, np.split(np.asarray(actions), self._cuts), strict=True):
            part.step_async(own)

    def step_wait(
        self,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        observations, rewards, done, infos = zip(*(part.step_wait() for part in self.parts), strict=True)
        self._gather()
        return (
            np.concatenate(observations),
            np.concatenate(rewards),
            np.concatenate(done),
            [one for part in infos for one in part],
        )

    def _gather(self) -> None:
        self.reset_infos = [one for part in self.parts for one in part.reset_infos]

    def close(self) -> None:
        for part in self.parts:
            part.close()

    def action_masks(self) -> NDArray[np.bool_]:
        """Which decisions would do something, shape (num_envs, actions)."""
        return np.concatenate([part.action_masks() for part in self.parts])

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        return [picture for part in self.parts for picture in part.get_images()]

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        return self._each(indices, lambda part, own: part.get_attr(attr_name, own))

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        self.parts[0].set_attr(attr_name, value, indices)  # refused, as there

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        return self._each(
            indices,
            lambda part, own: part.env_method(method_name, *method_args, indices=own, **method_kwargs),
        )

    def env_is_wrapped(self, wrapper_class: Any, indices: VecEnvIndices = None) -> list[bool]:
        return self._each(indices, lambda part, own: part.env_is_wrapped(wrapper_class, own))

    def _spans(self) -> list[tuple[int, int]]:
        edges = [0, *self._cuts.tolist(), self.num_envs]
        return list(pairwise(edges))

    def _each(
        self, indices: VecEnvIndices, ask: Callable[[SpringdriftVecEnv, list[int]], list[Any]]
    ) -> list[Any]:
        """What the parts answer for some envs, in the order of the indices."""
        found: dict[int, Any] = {}
        chosen = list(self._get_indices(indices))
        for part, (start, end) in zip(self.parts, self._spans(), strict=True):
            here = [i for i in chosen if start <= i < end]
            if here:
                found.update(zip(here, ask(part, [i - start for i in here]), strict=True))
        return [found[i] for i in chosen]


def _names(envs: SpringdriftVecEnv) -> tuple[str, ...]:
    """Names of columns and actions, in their order."""
    world = envs.envs.world
    return (*(column.name for column in world.observation), *world.actions.names)
