"""The vector env over any world: one call steps every world of a batch."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from springdrift.game.arguments import flag, reset_options
from springdrift.game.env import given_options, own_signature
from springdrift.game.seeds import check_seeds
from springdrift.game.world import EnvState, Outputs, env_state, restore

RESET_OPTIONS = ("scenario", "reset_mask")


class DriftVectorEnv(VectorEnv[Any, Any, Any]):
    """Many worlds stepped side by side; options as those of the world.

    ``info["terms"]`` holds the cost terms and ``info["truth"]`` the hidden truth, each a dict of arrays
    of shape (num_envs,). An int seed gives env i the seed ``seed + i``. With ``copy=False`` the arrays
    and dicts returned are reused. A world's own vector env is a subclass that names its class of worlds as
    ``World``.

    Raises:
        TypeError: an unknown option; says which is nearest.
        ValueError: an option out of range, naming it and what is allowed.
    """

    World: ClassVar[type[Any]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "World" in cls.__dict__:
            cls.__signature__ = own_signature(cls, DriftVectorEnv)  # type: ignore[attr-defined]

    def __init__(
        self,
        num_envs: int = 1,
        scenario: Any = None,
        costs: Any = None,
        *,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        copy: bool = True,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        if render_mode is not None:
            raise ValueError(f"render_mode must be None for the vector env, got {render_mode!r}")
        self.options = given_options(type(self), scenario=scenario, costs=costs, **options)
        self.world: Any = self.World(num_envs, **self.options)
        self.num_envs = self.world.count
        self.copy = flag("copy", copy)
        modes = [mode.value for mode in AutoresetMode]
        if autoreset_mode not in (*modes, *AutoresetMode):
            raise ValueError(f"unknown autoreset_mode {autoreset_mode!r}; allowed: {', '.join(modes)}")
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {"autoreset_mode": self.autoreset_mode, "render_modes": []}
        self.render_mode = None
        self.single_observation_space = self.world.observation.box()
        self.single_action_space = spaces.Discrete(self.world.actions.n)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._over, self._waiting = np.ones(self.num_envs, np.bool_), True
        self._here, self._nobody = np.ones(self.num_envs, np.bool_), np.zeros(self.num_envs, np.bool_)
        self._seeded = False
        self._names: tuple[Outputs | None, dict[str, Any], dict[str, Any]] = (None, {}, {})

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start episodes: with a seed their episodes 0, without one the next episodes of the last seeds.

        Args:
            seed: None, a number, or a number or None for each env.
            options: ``scenario``, a name or a scenario or one for each env, holds until the next call of
                ``reset``, for the episodes that the env starts by itself as well; without it an env goes
                back to the scenario it was made with. ``reset_mask``, (num_envs,) booleans, says which
                envs this call resets; the others go on as they are.

        Raises:
            ValueError: a bad seed or option, naming it and what is allowed; nothing has changed then.
        """
        n = self.num_envs
        options = reset_options(options, RESET_OPTIONS)
        mask = np.asarray(options.get("reset_mask", np.ones(n, np.bool_)))
        if mask.shape != (n,) or mask.dtype != np.bool_:
            raise ValueError(f"reset_mask must hold {n} booleans, got {mask.dtype} of shape {mask.shape}")
        if not self._seeded and not mask.all():
            raise ValueError("the first reset must reset every env: reset_mask must be all True")
        given = check_seeds(seed, n)
        starts = self._starts(options)
        if not self._seeded:
            fresh = np.random.SeedSequence().generate_state(n, np.uint64) >> np.uint64(1)
            given = [int(new) if old is None else old for old, new in zip(given, fresh, strict=True)]
        lanes = np.array([i for i in range(n) if given[i] is not None and mask[i]], np.int64)
        if lanes.size:
            self.world.seed(lanes, np.array([given[i] for i in lanes], np.uint64))
        self._seeded = True
        self.world.starts[:n][mask] = starts[mask]
        if self.copy:
            kept = self.world.out
            self.world.allocate()
            if not mask.all():
                for new, old in zip(self.world.out, kept, strict=True):
                    new[:] = old
        self._begin(mask)
        return self.world.out.obs, self._info()

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

    def _begin(self, mask: NDArray[np.bool_]) -> None:
        self.world.begin(mask)
        if mask.all():
            self.world.fill_idle()
        self._over = self._over & ~mask
        self._waiting = bool(self._over.any())

    def _info(self) -> dict[str, Any]:
        if self._names[0] is not self.world.out:
            self._names = self.world.out, *self._named(self.world.out.costs, self.world.out.truth)
        _, terms, truth = self._names
        return {"terms": terms, "_terms": self._here, "truth": truth, "_truth": self._here}

    def _named(self, costs: Any, truth: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Cost terms and truth by name, each (num_envs,)."""
        world = self.world
        return dict(zip(world.terms, costs)), dict(zip(world.truth_names, truth))  # noqa: B905 (it costs)

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
        some = world.advance(actions) > 0
        out = world.out
        if self._waiting:  # NEXT_STEP: for these envs this step is a reset, whatever the action
            self._begin(over)
            out.reward[over] = 0.0
            out.over[over] = 0
        reward, truncated = out.reward, np.zeros(self.num_envs, np.bool_)
        if not some:
            self._over, self._waiting = self._nobody, False
            return out.obs, reward, truncated.copy(), truncated, self._info()
        ended = out.over > 0
        if self.autoreset_mode == AutoresetMode.SAME_STEP:
            terms, truth = self._named(out.costs.copy(), out.truth.copy())
            final = {"final_obs": out.obs.copy(), "final_info": {"terms": terms, "truth": truth}}
            self._begin(ended)
            info = {**self._info(), **final, "_final_obs": ended, "_final_info": ended}
            return out.obs, reward, ended, truncated, info
        self._over, self._waiting = ended, bool(ended.any())
        return out.obs, reward, ended.copy(), truncated, self._info()

    def action_masks(self) -> NDArray[np.bool_]:
        """Which decisions would do something, (num_envs, actions): no RETRAIN with a model in training."""
        masks: NDArray[np.bool_] = self.world.masks()
        return masks

    def get_state(self) -> EnvState:
        """Everything that decides the future, as copies."""
        return env_state(self.world, self._over, self._seeded)

    def set_state(self, state: EnvState) -> None:
        """Go back to a state from :meth:`get_state`.

        Raises:
            ValueError: no state, or one from an env made with another size, scenario, deadline, latency or
                other options that change its worlds; nothing has changed then.
        """
        fitting = restore(self.world, state)
        self._over, self._waiting = fitting.over.copy(), bool(fitting.over.any())
        self._seeded = fitting.seeded
