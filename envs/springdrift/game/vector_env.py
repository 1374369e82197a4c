"""The vector env over any world: one call steps every world of a batch."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from springdrift.game.arguments import MOST, flag, reset_options, whole
from springdrift.game.env import DriftEnv, Renderer, check_render_mode, given_options, own_signature
from springdrift.game.info import Info
from springdrift.game.plain import plain_spec
from springdrift.game.seeds import check_seeds, fold
from springdrift.game.world import EnvState, env_state, restore

RESET_OPTIONS = ("scenario", "reset_mask")
DRAWN = ("rgb_array", "rgb_array_list", "ansi")  # render modes of a batch: a window shows a single env


class DriftVectorEnv(VectorEnv[Any, Any, Any]):
    """Many worlds stepped side by side; options as those of the world.

    ``info["terms"]`` holds the cost terms and ``info["truth"]`` the hidden truth, each a dict of arrays
    of shape (num_envs,). An int seed gives env i the seed ``seed + i``. With ``copy=False`` the arrays
    and dicts returned are reused. A world's own vector env is a subclass that names its scalar env as
    ``Env``.

    Args:
        num_envs: how many worlds.
        autoreset_mode: when an env that ended starts its next episode, as Gymnasium defines it.
        copy: whether each call returns arrays of its own.
        render_mode: one of those of the scalar env but "human", or None; ``render()`` then returns a tuple
            with what each env shows.
        render_options: how to draw.
        info: "nested", "flat" or "none", as :class:`~springdrift.game.info.Info` lays it out.
        max_episode_steps: cycles after which an episode is truncated, as Gymnasium's TimeLimit does; the
            deadline of the world itself, ``cycles``, terminates.

    Raises:
        TypeError: an unknown option, or a ``render_mode`` for a world that draws nothing.
        ValueError: an option out of range, naming it and what is allowed.
    """

    Env: ClassVar[type[DriftEnv]]
    _renderers: Sequence[Renderer] = ()  # until there are some: Gymnasium closes what failed to start, too

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "Env" in cls.__dict__:
            cls.__signature__ = own_signature(cls, DriftVectorEnv, cls.Env.World)  # type: ignore[attr-defined]

    def __init__(
        self,
        num_envs: int = 1,
        scenario: Any = None,
        costs: Any = None,
        *,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        copy: bool = True,
        render_mode: str | None = None,
        render_options: Mapping[str, Any] | None = None,
        info: str = "nested",
        max_episode_steps: int | None = None,
        **options: Any,
    ) -> None:
        drawn = [mode for mode in self.Env.metadata["render_modes"] if mode in DRAWN]
        check_render_mode(type(self), render_mode, drawn, " of a vector env")
        own = self.Env.World
        self.options = given_options(type(self), own, scenario=scenario, costs=costs, **options)
        self.world: Any = own(num_envs, **self.options)
        self.num_envs = n = self.world.count
        self.copy = flag("copy", copy)
        modes = [mode.value for mode in AutoresetMode]
        if autoreset_mode not in (*modes, *AutoresetMode):
            raise ValueError(f"unknown autoreset_mode {autoreset_mode!r}; allowed: {', '.join(modes)}")
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.render_mode = render_mode
        self.metadata = {**self.Env.metadata, "autoreset_mode": self.autoreset_mode, "render_modes": drawn}
        self._lay_out = Info(info, self.world.terms, self.world.truth_names, self.world.version_names)
        if max_episode_steps is not None:
            max_episode_steps = whole("max_episode_steps", max_episode_steps, 1, MOST)
        self._most_steps, self._steps = max_episode_steps, np.zeros(n, np.int64)
        self.single_observation_space = self.world.observation.box()
        self.single_action_space = spaces.Discrete(self.world.actions.n)
        self.observation_space = batch_space(self.single_observation_space, n)
        self.action_space = batch_space(self.single_action_space, n)
        self._over, self._waiting = np.ones(n, np.bool_), True
        self._everywhere, self._nobody = np.ones(n, np.bool_), np.zeros(n, np.bool_)
        self._seeded, self._seeds = False, [-1] * n
        self._last: tuple[Any, dict[str, Any]] = (None, {})
        renderers = [
            self.Env.renderer(self.world, render_mode, render_options, i)
            for i in range(n if render_mode else 1)
        ]
        self._renderers = [one for one in renderers if one]

    @property
    def spec(self) -> Any:
        """What ``gym.make_vec`` made the envs of, their options as plain data."""
        return self.__dict__.get("_spec")

    @spec.setter
    def spec(self, value: Any) -> None:
        self._spec = plain_spec(value)

    @property
    def np_random_seed(self) -> Any:
        """Seed of each env, as of Gymnasium's ``SyncVectorEnv``."""
        return tuple(self._seeds) if self._seeded else super().np_random_seed

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start episodes: with a seed their episodes 0, without one the next episodes of the last seeds.

        Args:
            seed: None, a number, or a number or None for each env.
            options: ``scenario``, a name or a scenario or one for each env, for these episodes alone: those
                that the env starts by itself, and those of a reset without the option, are of the scenario
                it was made with. ``reset_mask``, (num_envs,) booleans, says which envs this call resets; the
                others go on as they are, and their info is left out. Options of other names are ignored.

        Raises:
            ValueError: a bad seed or option, naming it and what is allowed; nothing has changed then.
        """
        n = self.num_envs
        options = reset_options(options, RESET_OPTIONS)
        mask = self._mask(options)
        given = check_seeds(seed, n)
        starts = self._starts(options)
        if not self._seeded:
            fresh = np.random.SeedSequence().generate_state(n, np.uint64) >> np.uint64(1)
            given = [int(drawn) if one is None else one for one, drawn in zip(given, fresh, strict=True)]
        new = {i: one for i, one in enumerate(given) if one is not None and mask[i]}
        if new:
            folded = np.array([fold(one) for one in new.values()], np.uint64)
            self.world.seed(np.array(list(new), np.int64), folded)
            self._seeds = [new.get(i, old) for i, old in enumerate(self._seeds)]
        self._seeded = True
        if self.copy:
            self.world.allocate()
        if not mask.all():  # the caller may have changed the arrays that were handed out
            self.world.show(~mask)
            self.world.out.costs[:, ~mask] = 0.0
        self._begin(mask, starts)
        return self.world.out.obs, self._info(mask)

    def _mask(self, options: Mapping[str, Any]) -> NDArray[np.bool_]:
        """Which envs a reset is for."""
        if "reset_mask" not in options:
            return self._everywhere
        mask, n = np.asarray(options["reset_mask"]), self.num_envs
        if mask.shape != (n,) or mask.dtype != np.bool_:
            raise ValueError(f"reset_mask must hold {n} booleans, got {mask.dtype} of shape {mask.shape}")
        if not mask.any():
            raise ValueError("reset_mask must be True for at least one env: all of its values are False")
        if not self._seeded and not mask.all():
            raise ValueError("the first reset must reset every env: reset_mask must be all True")
        return mask

    def _starts(self, options: Mapping[str, Any]) -> NDArray[np.int64]:
        """Row of the scenario for each env."""
        n = self.num_envs
        if "scenario" not in options:
            return np.full(n, self.world.own)
        chosen = options["scenario"]
        if isinstance(chosen, str) or not isinstance(chosen, Sequence | np.ndarray):
            return np.full(n, self.world.row(chosen))
        if len(chosen) != n:
            raise ValueError(f"scenario must be one name or {n} of them, got {len(chosen)}")
        return np.array([self.world.row(one) for one in chosen])

    def _begin(self, mask: NDArray[np.bool_], starts: NDArray[np.int64] | None = None) -> None:
        """Start episodes in some envs, from rows of scenarios or from that of the env."""
        world = self.world
        world.starts[: self.num_envs][mask] = world.own if starts is None else starts[mask]
        world.begin(mask)
        if mask.all():
            world.fill_idle()
        self._over = self._over & ~mask
        self._waiting = bool(self._over.any())
        self._steps[mask] = 0
        for i in np.flatnonzero(mask).tolist() if self._renderers else ():
            self._renderers[i].begin()

    def _info(self, here: NDArray[np.bool_] | None = None) -> dict[str, Any]:
        """The info of the cycle that ``out`` holds, of all envs or of those in ``here``."""
        out, lay_out = self.world.out, self._lay_out
        if self._last[0] is not out:
            self._last = out, {**lay_out.of(out.costs, out.truth), **lay_out.masks(self._everywhere)}
        return {**self._last[1]} if here is None else {**self._last[1], **lay_out.masks(here)}

    def step(
        self, actions: Any
    ) -> tuple[
        NDArray[np.float32], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]
    ]:
        """One cycle of every env, actions (num_envs,); arrays (num_envs, ...) come back.

        Raises:
            ValueError: actions that are not one of the world's for each env.
            RuntimeError: episodes have ended or were never started, and this env does not reset by itself.
        """
        world, over = self.world, self._over
        actions = world.actions.check_batch(actions, self.num_envs)
        if self._waiting and (self.autoreset_mode != AutoresetMode.NEXT_STEP or not self._seeded):
            raise RuntimeError(
                f"the episodes of envs {np.flatnonzero(over).tolist()[:8]} have ended or were never started: "
                'call reset(options={"reset_mask": ...}) before step()'
            )
        if self.copy:
            world.allocate()
        drawn = np.flatnonzero(~over).tolist() if self._renderers else ()
        for i in drawn:
            self._renderers[i].before(int(actions[i]))
        some = world.advance(actions) > 0
        for i in drawn:
            self._renderers[i].after()
        out = world.out
        if self._waiting:  # NEXT_STEP: for these envs this step is a reset, whatever the action
            self._begin(over)
            out.reward[over] = 0.0
            out.over[over] = 0
        return self._end(some, over)

    def _end(self, some: bool, begun: NDArray[np.bool_]) -> tuple[Any, ...]:
        """What a step returns; episodes that ended are over, or begin anew. ``begun`` did so in this step."""
        out, truncated = self.world.out, np.zeros(self.num_envs, np.bool_)
        if self._most_steps is not None:
            self._steps += ~begun
            truncated = self._steps >= self._most_steps
            some = some or bool(truncated.any())
        if not some:
            self._over, self._waiting = self._nobody, False
            return out.obs, out.reward, truncated.copy(), truncated, self._info()
        ended = out.over > 0
        over = ended | truncated
        if self.autoreset_mode != AutoresetMode.SAME_STEP:
            self._over, self._waiting = over, bool(over.any())
            return out.obs, out.reward, ended, truncated, self._info()
        final_obs = np.full(self.num_envs, None, object)
        for i in np.flatnonzero(over):
            final_obs[i] = out.obs[i].copy()
        final = {"final_obs": final_obs, "final_info": self._lay_out.of(out.costs.copy(), out.truth.copy())}
        self._begin(over)
        info = {**self._info(), **final, "_final_obs": over, "_final_info": over.copy()}
        return out.obs, out.reward, ended, truncated, info

    def render(self) -> tuple[Any, ...] | None:
        """What each env shows of the moment at which it stands, as the ``render_mode`` has it.

        Raises:
            RuntimeError: no episode was started.
        """
        if not self._renderers:
            gym.logger.warn("render() was called without a render_mode: pass one to gym.make_vec()")
            return None
        if not self._seeded:
            raise RuntimeError("there is nothing to show before the first reset()")
        return tuple(one.render() for one in self._renderers)

    def close_extras(self, **kwargs: Any) -> None:
        """Close what draws."""
        for one in self._renderers:
            one.close()

    def action_masks(self) -> NDArray[np.bool_]:
        """Which decisions would do something, (num_envs, actions): no RETRAIN with a model in training."""
        masks: NDArray[np.bool_] = self.world.masks()
        return masks

    def get_state(self) -> EnvState:
        """Everything that decides the future, as copies."""
        return env_state(self.world, self._over, self._seeded, self._steps)

    def set_state(self, state: EnvState) -> None:
        """Go back to a state from :meth:`get_state`.

        Raises:
            ValueError: no state, or one from an env made with another size, scenario, deadline, latency or
                other options that change its worlds; nothing has changed then.
        """
        fitting = restore(self.world, state)
        self._over, self._waiting = fitting.over.copy(), bool(fitting.over.any())
        self._seeded, self._steps = fitting.seeded, fitting.steps.copy()
        for one in self._renderers:
            one.begin()
