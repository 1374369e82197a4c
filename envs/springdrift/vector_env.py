"""``springdrift/InclinedMass-v0`` as a native vector env: one kernel call steps every world."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from itertools import pairwise
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from springdrift import kernel
from springdrift.actions import Action
from springdrift.observation import OBSERVE
from springdrift.reward import TERMS, Costs
from springdrift.scenario import Scenario, resolve, tabulate
from springdrift.state import MEASUREMENTS, Batch, empty_batch, read_lanes, write_lanes

RESET_OPTIONS = ("scenario", "reset_mask")
MAX_SEED = 2**63


def costs_of(costs: Costs | Mapping[str, float] | None) -> Costs:
    """Prices from a ``Costs``, a mapping of some of its fields, or None for the defaults.

    >>> costs_of({"retrian": 1.0})
    Traceback (most recent call last):
    ValueError: unknown cost 'retrian'; allowed: forecast, swing, intervene, retrain, forecast_cap, swing_cap
    """
    if costs is None or isinstance(costs, Costs):
        return costs or Costs()
    names = [field.name for field in fields(Costs)]
    for name in costs:
        if name not in names:
            raise ValueError(f"unknown cost {name!r}; allowed: {', '.join(names)}")
    return Costs(**costs)


def _whole(name: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}, got {value!r}")
    return int(value)


def check_actions(actions: Any, count: int) -> NDArray[np.int64]:
    """The actions as integers of shape (count,), or an error that says what was expected."""
    array = np.asarray(actions)
    if array.shape == (count,) and array.dtype.kind in "iu":
        array = np.ascontiguousarray(array, np.int64)
        if array.view(np.uint64).max() < len(Action):  # a negative number reads as a huge one
            return array
    allowed = ", ".join(f"{action.value} {action.name}" for action in Action)
    if array.shape != (count,):
        raise ValueError(f"expected {count} actions, one an env, got shape {array.shape}; allowed: {allowed}")
    if array.dtype.kind not in "iu":
        raise ValueError(
            f"actions must be whole numbers, got {array.dtype} {array.tolist()[:8]}; allowed: {allowed}"
        )
    wrong = int(np.flatnonzero((array < 0) | (array >= len(Action)))[0])
    raise ValueError(f"action {array[wrong]} of env {wrong} is out of range; allowed: {allowed}")


class World:
    """A batch of inclined masses without an episode protocol: the one owner of kernel storage.

    Both envs and every planner step worlds through this class.

    Args:
        count: number of worlds.
        scenario: a name from ``springdrift.SCENARIOS`` or a ``Scenario``.
        costs: prices, a ``Costs`` or a mapping of some of its fields.
        observe: "monitor", "signals" or "truth".
        cycles: deadline in cycles; None leaves it to the scenario.
        latency: cycles from the request of a retraining to its deployment.
        substeps: substeps a cycle, a multiple of 8.
        threads: worker threads; worth it from a few thousand worlds on.

    Raises:
        ValueError: an option out of range, naming it and what is allowed.
    """

    def __init__(
        self,
        count: int,
        scenario: str | Scenario = "mix",
        costs: Costs | Mapping[str, float] | None = None,
        observe: str = "monitor",
        cycles: int | None = None,
        latency: int = 3,
        substeps: int = 64,
        threads: int = 1,
    ) -> None:
        self.count = _whole("num_envs", count, 1, 2**24)
        self.scenario = resolve(scenario)
        self.costs = costs_of(costs)
        if observe not in OBSERVE:
            raise ValueError(f"unknown observe {observe!r}; allowed: {', '.join(OBSERVE)}")
        self.observe = observe
        self.cycles = None if cycles is None else _whole("cycles", cycles, 1, 1_000_000)
        self.latency = _whole("latency", latency, 1, 1000)
        self.substeps = _whole("substeps", substeps, MEASUREMENTS, 8192)
        if self.substeps % MEASUREMENTS:
            raise ValueError(f"substeps must be a multiple of {MEASUREMENTS}, got {substeps}")
        self.threads = _whole("threads", threads, 1, 256)
        self.table = tabulate(self.scenario, self.cycles)
        self._options: tuple[Any, ...] = (
            self.table.plans,
            self.costs.array(),
            self.latency,
            self.substeps // MEASUREMENTS,
            kernel.MODES[observe],
        )
        self.batch = empty_batch(self.count)
        self.starts = np.full(self.batch.size, self.table.names.index(self.scenario.name), np.int64)
        self._pool: ThreadPoolExecutor | None = None
        self.allocate()

    def allocate(self) -> None:
        """Fresh output arrays, so that those handed out before stay as they are."""
        self.out = kernel.empty_outputs(self.count, self.observe)
        self._bound = (*self.batch, *self._options, *self.out)

    def seed(self, lanes: NDArray[np.integer], seeds: NDArray[np.uint64]) -> None:
        """Give some worlds their seeds; their next episode is number 0."""
        kernel.start_keys(self.batch, lanes, seeds)

    def begin(self, mask: NDArray[np.bool_]) -> None:
        """Start the next episode of the worlds in ``mask`` (count,) and report where it starts.

        The reward and the end of the last step stay as they are.
        """
        kernel.begin(np.flatnonzero(mask), self.starts, *self._bound)

    def fill_idle(self) -> None:
        """Give the idle lanes of the last block the first world, so that they compute something finite."""
        idle = np.arange(self.count, self.batch.size)
        if idle.size:
            first = read_lanes(self.batch, np.zeros(idle.size, np.int64))
            write_lanes(self.batch, idle, first)

    def advance(self, actions: NDArray[np.int64]) -> int:
        """One cycle of every world, actions (count,); results are in ``out``. Returns how many ended."""
        blocks = len(self.batch.real)
        if self.threads == 1:
            return kernel.advance(actions, 0, blocks, *self._bound)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads - 1)
        edges = np.linspace(0, blocks, self.threads + 1).astype(int).tolist()
        parts = [
            self._pool.submit(kernel.advance, actions, first, last, *self._bound)
            for first, last in pairwise(edges[1:])
        ]
        ended = kernel.advance(actions, 0, edges[1], *self._bound)
        return ended + sum(part.result() for part in parts)

    def get_state(self) -> Batch:
        """Copy of everything that decides the future."""
        return Batch(self.batch.real.copy(), self.batch.keys.copy())

    def set_state(self, state: Batch) -> None:
        """Go back to a state from :meth:`get_state` of a world with the same options.

        Raises:
            ValueError: the state belongs to a batch of another size.
        """
        if state[0].shape != self.batch.real.shape or state[1].shape != self.batch.keys.shape:
            raise ValueError(
                f"this state has shape {state[0].shape}, the world needs {self.batch.real.shape}: "
                "take states from an env with as many worlds"
            )
        self.batch.real[:] = state[0]
        self.batch.keys[:] = state[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_pool": None}


def check_seed(seed: Any) -> int:
    """A seed as an int, or an error that says what is allowed."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < MAX_SEED:
        raise ValueError(f"seed must be a whole number from 0 to 2^63 - 1, got {seed!r}")
    return int(seed)


def check_reset_options(options: dict[str, Any] | None, allowed: Sequence[str]) -> dict[str, Any]:
    options = options or {}
    for name in options:
        if name not in allowed:
            raise ValueError(f"unknown reset option {name!r}; allowed: {', '.join(allowed)}")
    return options


class InclinedMassVectorEnv(VectorEnv[Any, Any, Any]):
    """Many inclined masses in one kernel call; options as in :class:`World`.

    ``info["terms"]`` holds the cost terms and ``info["truth"]`` the hidden truth, each a dict of arrays
    of shape (num_envs,). An int seed gives env i the seed ``seed + i``. Reset options: ``scenario`` (a
    name, or one for each env) and ``reset_mask``. With ``copy=False`` the arrays returned are reused.

    >>> import gymnasium as gym, springdrift
    >>> envs = gym.make_vec("springdrift/InclinedMass-v0", num_envs=3,
    ...                     vectorization_mode="vector_entry_point", scenario="abrupt")
    >>> obs, info = envs.reset(seed=1)
    >>> obs.shape
    (3, 18)
    """

    def __init__(
        self,
        num_envs: int = 1,
        *,
        scenario: str | Scenario = "mix",
        costs: Costs | Mapping[str, float] | None = None,
        observe: str = "monitor",
        cycles: int | None = None,
        latency: int = 3,
        substeps: int = 64,
        threads: int = 1,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        copy: bool = True,
        render_mode: str | None = None,
    ) -> None:
        if render_mode is not None:
            raise ValueError(f"render_mode must be None for the vector env, got {render_mode!r}")
        self.world = World(num_envs, scenario, costs, observe, cycles, latency, substeps, threads)
        self.num_envs = self.world.count
        self.copy = copy
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {"autoreset_mode": self.autoreset_mode, "render_modes": []}
        self.render_mode = None
        self.single_observation_space = OBSERVE[observe].box()
        self.single_action_space = spaces.Discrete(len(Action))
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._over, self._waiting = np.ones(self.num_envs, np.bool_), True
        self._here = np.ones(self.num_envs, np.bool_)
        self._seeded = False

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        n = self.num_envs
        options = check_reset_options(options, RESET_OPTIONS)
        mask = np.asarray(options.get("reset_mask", np.ones(n, np.bool_)))
        if mask.shape != (n,) or mask.dtype != np.bool_:
            raise ValueError(f"reset_mask must hold {n} booleans, got {mask.dtype} of shape {mask.shape}")
        if not self._seeded and not mask.all():
            raise ValueError("the first reset must reset every env: reset_mask must be all True")
        given: list[int | None]
        if seed is None or isinstance(seed, (int, np.integer)):
            given = [None if seed is None else check_seed(int(seed) + i) for i in range(n)]
        else:
            given = [None if one is None else check_seed(one) for one in seed]
            if len(given) != n:
                raise ValueError(f"seed must be one number or {n} of them, got {len(given)}")
        if not self._seeded:
            fresh = np.random.SeedSequence().generate_state(n, np.uint64) >> np.uint64(1)
            given = [int(new) if old is None else old for old, new in zip(given, fresh, strict=True)]
        lanes = np.array([i for i in range(n) if given[i] is not None and mask[i]], np.int64)
        if lanes.size:
            self.world.seed(lanes, np.array([given[i] for i in lanes], np.uint64))
        self._seeded = True
        if "scenario" in options:
            names = options["scenario"]
            names = [names] * n if isinstance(names, (str, Scenario)) else list(names)
            if len(names) != n:
                raise ValueError(f"scenario must be one name or {n} of them, got {len(names)}")
            for i, name in enumerate(names):
                if mask[i]:
                    self.world.starts[i] = start_of(self.world, name)
        if self.copy:
            kept = self.world.out
            self.world.allocate()
            if not mask.all():
                for name, old in kept._asdict().items():
                    getattr(self.world.out, name)[:] = old
        self._begin(mask)
        return self.world.out.obs, self._info()

    def _begin(self, mask: NDArray[np.bool_]) -> None:
        self.world.begin(mask)
        if mask.all():
            self.world.fill_idle()
        self._over = self._over & ~mask
        self._waiting = bool(self._over.any())

    def _info(self) -> dict[str, Any]:
        terms, truth = _named(self.world.out)
        return {"terms": terms, "_terms": self._here, "truth": truth, "_truth": self._here}

    def step(
        self, actions: Any
    ) -> tuple[
        NDArray[np.float32], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]
    ]:
        actions = check_actions(actions, self.num_envs)
        world, over = self.world, self._over
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
            out.bill[kernel.REWARD :, over] = 0.0
        reward, ended = out.bill[kernel.REWARD], out.bill[kernel.OVER] > 0.0
        truncated = np.zeros(self.num_envs, np.bool_)
        if self.autoreset_mode == AutoresetMode.SAME_STEP and some:
            terms, truth = _named(out._replace(bill=out.bill.copy(), truth=out.truth.copy()))
            final = {"final_obs": out.obs.copy(), "final_info": {"terms": terms, "truth": truth}}
            self._begin(ended)
            info = {**self._info(), **final, "_final_obs": ended, "_final_info": ended}
            return out.obs, reward, ended, truncated, info
        self._waiting = some and bool(ended.any())
        self._over = ended
        return out.obs, reward, ended.copy(), truncated, self._info()

    def action_masks(self) -> NDArray[np.bool_]:
        """Which decisions would do something, shape (num_envs, 3): no RETRAIN while one is in flight."""
        masks = np.ones((self.num_envs, len(Action)), np.bool_)
        masks[:, Action.RETRAIN] = self.world.batch.lanes("in_flight", self.num_envs) == 0.0
        return masks

    def get_state(self) -> tuple[Batch, NDArray[np.int64], NDArray[np.bool_]]:
        """Everything that decides the future, as copies."""
        return self.world.get_state(), self.world.starts.copy(), self._over.copy()

    def set_state(self, state: tuple[Batch, NDArray[np.int64], NDArray[np.bool_]]) -> None:
        """Go back to a state from :meth:`get_state`; raises ValueError when it does not fit."""
        batch, starts, done = state
        self.world.set_state(batch)
        self.world.starts[:] = starts
        self._over, self._waiting = done.copy(), bool(done.any())
        self._seeded = True


def _named(out: kernel.Outputs) -> tuple[dict[str, Any], dict[str, Any]]:
    """Cost terms and truth by name, each (num_envs,)."""
    return dict(zip(TERMS, out.bill, strict=False)), dict(zip(kernel.TRUTH_NAMES, out.truth, strict=True))


def start_of(world: World, scenario: str | Scenario) -> int:
    """Row of a scenario in a world's table, for a reset option."""
    chosen = resolve(scenario)
    if chosen.name not in world.table.names:
        raise ValueError(
            f"scenario {chosen.name!r} is not among this env's: {', '.join(world.table.names)}; "
            "pass it when the env is made"
        )
    return world.table.names.index(chosen.name)
