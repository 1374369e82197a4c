"""The scalar env over any world: a batch of one."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from springdrift.game.arguments import known_options, reset_options
from springdrift.game.info import Info
from springdrift.game.plain import plain_spec
from springdrift.game.seeds import check_seed, fold
from springdrift.game.world import EnvState, env_state, restore


class Renderer(Protocol):
    """What a render mode does with an episode."""

    def begin(self) -> None:
        """An episode starts, or goes on from a state of its own."""

    def before(self, action: int) -> None:
        """A cycle is about to begin with this decision."""

    def after(self) -> None:
        """The cycle is done."""

    def render(self) -> Any:
        """What the render mode shows of the moment."""

    def close(self) -> None:
        """Close the window, if there is one."""


class DriftEnv(gym.Env[NDArray[np.float32], Any]):
    """A world that drifts, one cycle a step.

    The reward is minus the sum of the cost terms in ``info["terms"]``; ``info["truth"]`` holds what no
    operator can see. Methods beyond Gymnasium's, such as :meth:`fork`, are reached by ``env.unwrapped`` from
    what ``gym.make`` returns.

    A world's own env is a subclass that names its class of worlds::

        class TidesEnv(DriftEnv):
            World = Tides

    Args:
        options: those of the world.
        render_mode: one of ``metadata["render_modes"]`` or None.
        render_options: how to draw.
        info: "nested", "flat" or "none", as :class:`~springdrift.game.info.Info` lays it out.

    Raises:
        TypeError: an unknown option, or a ``render_mode`` for a world that draws nothing.
        ValueError: an option out of range, naming it and what is allowed.
    """

    World: ClassVar[type[Any]]
    metadata: dict[str, Any] = {"render_modes": [], "render_fps": 4}  # noqa: RUF012 (gymnasium declares it so)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "World" in cls.__dict__:
            cls.__signature__ = own_signature(cls, DriftEnv, cls.World)  # type: ignore[attr-defined]

    def __init__(
        self,
        scenario: Any = None,
        costs: Any = None,
        *,
        render_mode: str | None = None,
        render_options: Mapping[str, Any] | None = None,
        info: str = "nested",
        **options: Any,
    ) -> None:
        check_render_mode(type(self), render_mode, self.metadata["render_modes"])
        self.options = given_options(type(self), self.World, scenario=scenario, costs=costs, **options)
        self.render_mode, self.render_options = render_mode, render_options
        self.world: Any = self.World(1, **self.options)
        self._renderer = self.renderer(self.world, render_mode, render_options)
        self._lay_out = Info(info, self.world.terms, self.world.truth_names, self.world.version_names)
        self.observation_space = self.world.observation.box()
        self.action_space = spaces.Discrete(self.world.actions.n)
        self._action = np.zeros(1, np.int64)
        self._first = np.ones(1, np.bool_)
        self._look()
        self._seeded = False
        self._done = True

    @classmethod
    def renderer(
        cls, world: Any, mode: str | None, options: Mapping[str, Any] | None, index: int = 0
    ) -> Renderer | None:
        """What renders world ``index`` of a batch; None where the mode is None, or nothing is drawn.

        Raises:
            ValueError: bad options, whatever the mode.
        """
        if options:
            raise ValueError(f"{cls.__name__} draws nothing: render_options must be None, got {options!r}")
        return None

    @property
    def spec(self) -> Any:
        """What ``gym.make`` made the env of; its options are plain data, which ``to_json`` can write."""
        return self.__dict__.get("_spec")

    @spec.setter
    def spec(self, value: Any) -> None:
        self._spec = plain_spec(value)

    def _look(self) -> None:
        out = self.world.out
        self._obs, self._reward = out.obs[0], out.reward
        self._costs, self._truth = out.costs[:, 0], out.truth[:, 0]

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._look()  # a copied view is no view of the copy

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start an episode: with a seed its episode 0, without one the next episode of the last seed.

        Args:
            seed: a whole number from 0 on, or None; those from 2^64 on are folded into those below.
            options: ``scenario``, a name or a scenario for this episode alone; the next reset without it
                goes back to the scenario that the env was made with. Options of other names are ignored.

        Raises:
            ValueError: a bad seed or option, naming it and what is allowed; nothing has changed then.
        """
        options = reset_options(options, ("scenario",))
        seed = None if seed is None else check_seed(seed)
        start = self.world.row(options["scenario"]) if "scenario" in options else self.world.own
        super().reset(seed=seed)
        self.world.starts[:] = start
        if seed is None and not self._seeded:
            seed = int(self.np_random.integers(2**63))
        if seed is not None:
            self.world.seed(np.zeros(1, np.int64), np.array([fold(seed)], np.uint64))
            self._seeded = True
        self.world.begin(self._first)
        self.world.fill_idle()
        self._done = False
        if self._renderer:
            self._renderer.begin()
        return self._obs.copy(), self._info()

    def _info(self) -> dict[str, Any]:
        if self._lay_out.form == "flat":  # TorchRL keeps what has a dtype
            return self._lay_out.of(self._costs, self._truth)
        return self._lay_out.of(self._costs.tolist(), self._truth.tolist())

    def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """One cycle.

        Raises:
            ValueError: an action that the world does not offer.
            RuntimeError: the episode has ended, or none was started.
        """
        if self._done:
            raise RuntimeError("the episode has ended or was never started: call reset() before step()")
        world = self.world
        self._action[0] = value = world.actions.check(action)
        if self._renderer:
            self._renderer.before(value)
        self._done = bool(world.advance(self._action))
        if self._renderer:
            self._renderer.after()
        return self._obs.copy(), self._reward.item(0), self._done, False, self._info()

    def render(self) -> Any:
        """The moment at which the episode stands, as the ``render_mode`` has it.

        "rgb_array": pixels (600, 960, 3), uint8. "rgb_array_list": the frames since the last call, 16 a
        cycle; fewer, and a warning, where they would take more than 512 MiB. "ansi": text. "human" and
        None: nothing; a window shows itself at every step. Nothing is drawn, and pygame is not loaded,
        before the first call (in mode "human": the first reset).

        Raises:
            ImportError: pygame-ce is missing; says what to install.
            RuntimeError: no episode was started.
        """
        if self._renderer is None:
            gym.logger.warn("render() was called without a render_mode: pass one to gym.make()")
            return None
        if not self._seeded:
            raise RuntimeError("there is nothing to show before the first reset()")
        return self._renderer.render()

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._renderer:
            self._renderer.close()

    def action_masks(self) -> NDArray[np.bool_]:
        """Which decisions would do something, (actions,): no RETRAIN while a model is in training."""
        masks: NDArray[np.bool_] = self.world.masks()[0]
        return masks

    def get_state(self) -> EnvState:
        """Everything that decides the future, as copies."""
        return env_state(self.world, np.array([self._done]), self._seeded)

    def set_state(self, state: EnvState) -> None:
        """Go back to a state from :meth:`get_state`.

        Raises:
            ValueError: no state, or one from an env made with another scenario, deadline, latency or
                other options that change its worlds; nothing has changed then.
        """
        fitting = restore(self.world, state)
        self._done, self._seeded = bool(fitting.over[0]), fitting.seeded
        if self._renderer:
            self._renderer.begin()

    def fork(self) -> Self:
        """An env of its own at the same moment, without a ``render_mode``: the same actions lead to the
        same future. ``gym.make`` wraps the env, so from there it is ``env.unwrapped.fork()``; the same goes
        for :meth:`get_state`, :meth:`set_state` and :meth:`action_masks`.

        >>> import springdrift
        >>> env = gym.make("springdrift/InclinedMass-v0", scenario="gradual")
        >>> _ = env.reset(seed=3)
        >>> other = env.unwrapped.fork()
        >>> env.step(0)[1] == other.step(0)[1]
        True
        """
        twin = type(self)(info=self._lay_out.form, **self.options)
        twin.set_state(self.get_state())
        return twin


def check_render_mode(cls: Any, mode: str | None, modes: Sequence[str], of: str = "") -> None:
    """Make sure that an env has a render mode.

    Raises:
        ValueError: it draws, but not so; says how it does.
        TypeError: it draws nothing; Stable-Baselines3 and TorchRL, which ask for pictures before anyone wants
            them, then go on without.
    """
    if mode is None or mode in modes:
        return
    if not modes:
        raise TypeError(f"unexpected keyword argument 'render_mode': {cls.__name__} draws nothing")
    raise ValueError(f"unknown render_mode {mode!r}{of}; allowed: {', '.join(['None', *modes])}")


def own_signature(cls: Any, base: Any, world: Any) -> inspect.Signature:
    """What an env over a class of worlds takes: the options of the world, then those of every env."""
    shared = list(inspect.signature(base.__init__).parameters.values())[1:]
    own = list(inspect.signature(world).parameters.values())[1:]  # without the count
    names = {one.name for one in own}
    positional = [one for one in shared if one.name == "num_envs"]
    keywords = [
        one
        for one in shared
        if one not in positional and one.name not in names and one.kind is not one.VAR_KEYWORD
    ]
    kind = inspect.Parameter.KEYWORD_ONLY
    own = [one if one.name in ("scenario", "costs") else one.replace(kind=kind) for one in own]
    own.sort(key=lambda one: one.kind)
    return inspect.Signature([*positional, *own, *keywords])


def given_options(cls: Any, world: Any, **options: Any) -> dict[str, Any]:
    """The options for a world of an env; a scenario or costs of None are left to the world.

    Raises:
        TypeError: one that neither the world nor the env knows.
    """
    taken = inspect.signature(world).parameters
    allowed = inspect.signature(cls).parameters
    known_options({name: value for name, value in options.items() if name not in taken}, allowed)
    return {
        name: value
        for name, value in options.items()
        if value is not None or name not in ("scenario", "costs")
    }
