"""``springdrift/InclinedMass-v0``: the scalar env, a batch of one."""

from collections.abc import Mapping
from typing import Any, Self

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from springdrift.game.actions import Action
from springdrift.incline import kernel
from springdrift.incline.observation import OBSERVE
from springdrift.incline.reward import TERMS, Costs
from springdrift.incline.scenario import Scenario
from springdrift.incline.snapshot import EnvState, check_env_state
from springdrift.incline.vector_env import World, check_reset_options, check_seed
from springdrift.render.renderer import Stage, check_render_options
from springdrift.render.view import FPS


class InclinedMassEnv(gym.Env[NDArray[np.float32], Any]):
    """A mass on an incline that a forecast model keeps swinging, in a world that drifts.

    One step is one cycle; the decision is an :class:`~springdrift.Action`. The reward is minus the sum
    of the cost terms in ``info["terms"]``; ``info["truth"]`` holds what no operator can see. Options are
    those of :class:`~springdrift.incline.vector_env.World`. ``render_options``: ``size``, ``font_scale``,
    ``truth`` and ``scenario`` of :class:`~springdrift.render.view.View`. Methods beyond gymnasium's, such as
    :meth:`fork`, are reached by ``env.unwrapped`` from what ``gym.make`` returns.

    >>> import gymnasium as gym, springdrift
    >>> env = gym.make("springdrift/InclinedMass-v0", scenario="stationary")
    >>> obs, info = env.reset(seed=0)
    >>> obs, reward, terminated, truncated, info = env.step(springdrift.Action.RETRAIN)
    >>> info["terms"]["retrain"]
    3.0
    """

    metadata = {  # noqa: RUF012 (gymnasium declares it so)
        "render_modes": ["human", "rgb_array", "rgb_array_list", "ansi"],
        "render_fps": FPS,
    }

    def __init__(
        self,
        scenario: str | Scenario = "mix",
        costs: Costs | Mapping[str, float] | None = None,
        observe: str = "monitor",
        cycles: int | None = None,
        latency: int = 3,
        substeps: int = 64,
        render_mode: str | None = None,
        render_options: Mapping[str, Any] | None = None,
    ) -> None:
        modes = self.metadata["render_modes"]
        if render_mode is not None and render_mode not in modes:
            raise ValueError(f"unknown render_mode {render_mode!r}; allowed: None, {', '.join(modes)}")
        self.render_mode = render_mode
        self.render_options = check_render_options(render_options)
        self.world = World(1, scenario, costs, observe, cycles, latency, substeps)
        self._stage = Stage(self.world, render_mode, self.render_options) if render_mode else None
        self.observation_space = OBSERVE[observe].box()
        self.action_space = spaces.Discrete(len(Action))
        self._action = np.zeros(1, np.int64)
        self._first = np.ones(1, np.bool_)
        self._look()
        self._seeded = False
        self._done = True

    def _look(self) -> None:
        out = self.world.out
        self._obs, self._bill, self._truth = out.obs[0], out.bill[:, 0], out.truth[:, 0]

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._look()  # a copied view is no view of the copy

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start an episode: with a seed its episode 0, without one the next episode of the last seed.

        Args:
            seed: a whole number from 0 to 2^63 - 1, or None.
            options: ``scenario``, a name or ``Scenario`` for this episode alone; the next reset without it
                goes back to the scenario that the env was made with.

        Raises:
            ValueError: a bad seed or option, naming it and what is allowed; nothing has changed then.
        """
        options = check_reset_options(options, ("scenario",))
        seed = None if seed is None else check_seed(seed)
        table, own = self.world.table, self.world.own
        start = table.row(options["scenario"]) if "scenario" in options else own
        super().reset(seed=seed)
        self.world.starts[:] = start
        if seed is None and not self._seeded:
            seed = int(self.np_random.integers(2**63))
        if seed is not None:
            self.world.seed(np.zeros(1, np.int64), np.array([seed], np.uint64))
            self._seeded = True
        self.world.begin(self._first)
        self.world.fill_idle()
        self._done = False
        if self._stage:
            self._stage.begin()
        return self._obs.copy(), self._info(self._bill.tolist())

    def _info(self, bill: list[float]) -> dict[str, Any]:
        # zip's own ``strict`` would cost more than both dicts
        terms, truth = zip(TERMS, bill), zip(kernel.TRUTH_NAMES, self._truth.tolist())  # noqa: B905
        return {"terms": dict(terms), "truth": dict(truth)}

    def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """One cycle.

        Raises:
            ValueError: an action that is not one of the three.
            RuntimeError: the episode has ended, or none was started.
        """
        if self._done:
            raise RuntimeError("the episode has ended or was never started: call reset() before step()")
        self._action[0] = value = check_action(action)
        if self._stage:
            self._stage.before(value)
        self.world.advance(self._action)
        if self._stage:
            self._stage.after()
        bill = self._bill.tolist()
        self._done = bill[kernel.OVER] > 0.0
        return self._obs.copy(), bill[kernel.REWARD], self._done, False, self._info(bill)

    def render(self) -> Any:
        """The moment at which the episode stands, as the ``render_mode`` has it.

        "rgb_array": pixels (600, 960, 3), uint8. "rgb_array_list": the frames since the last call, 16 a
        cycle. "ansi": text. "human" and None: nothing; a window shows itself at every step.

        Raises:
            RuntimeError: no episode was started.
        """
        if self._stage is None:
            gym.logger.warn("render() was called without a render_mode: pass one to gym.make()")
            return None
        if not self._seeded:
            raise RuntimeError("there is nothing to show before the first reset()")
        return self._stage.render()

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._stage:
            self._stage.close()

    def action_masks(self) -> NDArray[np.bool_]:
        """Which decisions would do something, shape (3,): no RETRAIN while one is in flight."""
        masks = np.ones(len(Action), np.bool_)
        masks[Action.RETRAIN] = self.world.batch.field("in_flight")[0, 0] == 0.0
        return masks

    def get_state(self) -> EnvState:
        """Everything that decides the future, as copies."""
        return EnvState(
            self.world.get_state(), self.world.starts.copy(), np.array([self._done]), self._seeded
        )

    def set_state(self, state: EnvState) -> None:
        """Go back to a state from :meth:`get_state`.

        Raises:
            ValueError: no state, or one from an env made with another scenario, deadline, latency or
                number of substeps; nothing has changed then.
        """
        w = self.world
        fitting = check_env_state(state, w.origin, w.batch, w.starts, len(w.table.plans))
        self.world.set_state(fitting.world)
        self.world.starts[:] = fitting.starts
        self._done, self._seeded = bool(fitting.over[0]), fitting.seeded
        if self._stage:
            self._stage.begin()

    def fork(self) -> Self:
        """An env of its own at the same moment, without a ``render_mode``: the same actions lead to the
        same future. ``gym.make`` wraps the env, so from there it is ``env.unwrapped.fork()``; the same goes
        for :meth:`get_state`, :meth:`set_state` and :meth:`action_masks`.

        >>> env = gym.make("springdrift/InclinedMass-v0", scenario="gradual")
        >>> _ = env.reset(seed=3)
        >>> other = env.unwrapped.fork()
        >>> env.step(0)[1] == other.step(0)[1]
        True
        """
        w = self.world
        twin = type(self)(w.scenario, w.costs, w.observe, w.cycles, w.latency, w.substeps)
        twin.set_state(self.get_state())
        return twin


def check_action(action: Any) -> int:
    """The action as an int, or an error that says what was expected."""
    if type(action) is int:
        value = action
    elif (
        isinstance(action, np.integer)
        or (isinstance(action, np.ndarray) and action.shape == () and action.dtype.kind in "iu")
        or (isinstance(action, int) and not isinstance(action, bool))
    ):
        value = int(action)
    else:
        value = -1
    if not 0 <= value < len(Action):
        allowed = ", ".join(f"{one.value} {one.name}" for one in Action)
        raise ValueError(f"expected one whole-number action, got {action!r}; allowed: {allowed}")
    return value
