"""``springdrift/InclinedMass-v0`` as a native vector env: one kernel call steps every world."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from itertools import pairwise
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from springdrift.game.actions import Action
from springdrift.game.arguments import MOST, flag, is_whole, whole
from springdrift.game.threads import MOST_THREADS, in_step, stay_awake, together
from springdrift.incline import kernel, kernel_narrow, kernel_wide
from springdrift.incline.observation import OBSERVE
from springdrift.incline.reward import TERMS, Costs
from springdrift.incline.scenario import Scenario, resolve, tabulate
from springdrift.incline.snapshot import (
    EnvState,
    Origin,
    WorldState,
    check_env_state,
    check_world_state,
    digest,
)
from springdrift.incline.state import MEASUREMENTS, empty_batch, read_lanes, write_lanes

RESET_OPTIONS = ("scenario", "reset_mask")
MAX_SEED = 2**63
KERNELS = ((kernel_narrow, 1.7), (kernel, 1.0), (kernel_wide, 0.94))  # and what a lane of each costs


def costs_of(costs: Costs | Mapping[str, float] | None) -> Costs:
    """Prices from a ``Costs``, a mapping of some of its fields, or None for the defaults.

    >>> costs_of({"retrian": 1.0})
    Traceback (most recent call last):
    ValueError: unknown cost 'retrian'; allowed: forecast, swing, intervene, retrain, forecast_cap, swing_cap
    """
    if costs is None or isinstance(costs, Costs):
        return costs or Costs()
    if not isinstance(costs, Mapping):
        raise ValueError(f"costs must be None, a Costs or a mapping of name to price, got {costs!r}")
    names = [field.name for field in fields(Costs)]
    for name in costs:
        if name not in names:
            raise ValueError(f"unknown cost {name!r}; allowed: {', '.join(names)}")
    return Costs(**costs)


def check_actions(actions: Any, count: int) -> NDArray[np.int64]:
    """The actions as integers of shape (count,), or an error that says what was expected."""
    try:
        array = np.asarray(actions)
    except ValueError:  # ragged
        array = np.asarray(actions, dtype=object)
    if array.shape == (count,) and array.dtype.kind in "iu":
        plain = np.ascontiguousarray(array, np.int64)
        if kernel.all_known(plain):
            return plain
    allowed = ", ".join(f"{action.value} {action.name}" for action in Action)
    if array.shape != (count,):
        raise ValueError(f"expected {count} actions, one an env, got shape {array.shape}; allowed: {allowed}")
    if array.dtype.kind not in "iu":
        raise ValueError(
            f"actions must be whole numbers, got {array.dtype} {array.tolist()[:8]}; allowed: {allowed}"
        )
    wrong = int(np.flatnonzero((array < 0) | (array >= len(Action)))[0])
    raise ValueError(f"action {array[wrong]} of env {wrong} is out of range; allowed: {allowed}")


def kernel_for(count: int) -> Any:
    """The kernel whose blocks do the least work for so many worlds, idle lanes included."""
    return min(KERNELS, key=lambda one: -(-count // one[0].LANES) * one[0].LANES * one[1])[0]


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
        threads: worth it from some 500 worlds on with the extra ``threads``, else from some thousands.

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
        self.count = whole("num_envs", count, 1, 2**24)
        self.scenario = resolve(scenario)
        self.costs = costs_of(costs)
        if not isinstance(observe, str) or observe not in OBSERVE:
            raise ValueError(f"unknown observe {observe!r}; allowed: {', '.join(OBSERVE)}")
        self.observe = observe
        self.cycles = None if cycles is None else whole("cycles", cycles, 1, MOST)
        self.latency = whole("latency", latency, 1, 1000)
        self.substeps = whole("substeps", substeps, MEASUREMENTS, 8192)
        if self.substeps % MEASUREMENTS:
            raise ValueError(f"substeps must be a multiple of {MEASUREMENTS}, got {substeps}")
        self.threads = whole("threads", threads, 1, MOST_THREADS)
        self.table = tabulate(self.scenario, self.cycles)
        self.kernel = kernel_for(self.count)
        self.batch = empty_batch(self.count, self.kernel.LANES)
        # blocks of each thread
        self._edges = np.linspace(0, len(self.batch.real), self.threads + 1).astype(np.int64)
        self.own = self.table.row(self.scenario)  # row of the scenario that episodes start from
        self.starts = np.full(self.batch.size, self.own, np.int64)
        self.origin = Origin(
            self.count, self.scenario.name, self.cycles, self.latency, self.substeps, digest(self.table.plans)
        )
        self._fixed: tuple[Any, ...] = (  # arguments of the kernel
            *self.batch,
            self.table.plans,
            self.costs.array(),
            self.latency,
            self.substeps // MEASUREMENTS,
            kernel.MODES[observe],
        )
        self.allocate()

    def allocate(self) -> None:
        """Fresh output arrays, so that those handed out before stay as they are."""
        self._whole = kernel.empty_outputs(self.count, len(OBSERVE[self.observe]))
        self.out = self._whole.first(self.count)

    def seed(self, lanes: NDArray[np.integer], seeds: NDArray[np.uint64]) -> None:
        """Give some worlds their seeds; their next episode is number 0."""
        kernel.start_keys(self.batch, lanes, seeds)

    def begin(self, mask: NDArray[np.bool_]) -> None:
        """Start the next episode of the worlds in ``mask`` (count,) and report where it starts.

        The reward and the end of the last step stay as they are.
        """
        chosen, width = np.flatnonzero(mask), self.batch.width
        if self.threads == 1 or chosen.size < 2 * width * self.threads:
            self._begin(chosen)
            return
        cuts = np.linspace(0, chosen.size, self.threads + 1).astype(int)[1:-1]
        # where a block begins: what two threads write then never shares a cache line
        cuts = np.searchsorted(chosen, chosen[cuts] // width * width)
        together(self._begin, [(part,) for part in np.split(chosen, cuts)])

    def _begin(self, chosen: NDArray[np.intp]) -> None:
        kernel_for(chosen.size).begin(chosen, self.starts, *self._fixed, *self._whole)

    def fill_idle(self) -> None:
        """Give the idle lanes of the last block the first world, so that they compute something finite."""
        idle = np.arange(self.count, self.batch.size)
        if idle.size:
            first = read_lanes(self.batch, np.zeros(idle.size, np.int64))
            write_lanes(self.batch, idle, first)

    def advance(self, actions: NDArray[np.int64]) -> int:
        """One cycle of every world, actions (count,); results are in ``out``. Returns how many ended."""
        if self.threads == 1:
            return self._advance(actions, 0, len(self.batch.real))
        if stay_awake():
            work = self.kernel.advance_together
            ended: int = in_step(self.threads, work, self._edges, actions, *self._fixed, *self._whole)
            return ended
        return sum(together(self._advance, [(actions, *part) for part in pairwise(self._edges.tolist())]))

    def _advance(self, actions: NDArray[np.int64], first: int, last: int) -> int:
        ended: int = self.kernel.advance(actions, first, last, *self._fixed, *self._whole)
        return ended

    def get_state(self) -> WorldState:
        """Copy of everything that decides the future."""
        return WorldState(self.batch.real.copy(), self.batch.keys.copy(), self.origin)

    def set_state(self, state: WorldState) -> None:
        """Go back to a state from :meth:`get_state` of a world with the same options, prices aside.

        Raises:
            ValueError: no state, or one from a world of another size, scenario, deadline, latency or
                number of substeps.
        """
        fitting = check_world_state(state, self.origin, self.batch, len(self.table.plans))
        self.batch.real[:] = fitting.real
        self.batch.keys[:] = fitting.keys

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "kernel": None}  # a module cannot be pickled

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, kernel=kernel_for(state["count"]))
        self.out = self._whole.first(self.count)  # a copied view is no view of the copy


def check_seed(seed: Any) -> int:
    """A seed as an int, or an error that says what is allowed."""
    if not is_whole(seed) or not 0 <= seed < MAX_SEED:
        raise ValueError(f"seed must be a whole number from 0 to 2^63 - 1, got {seed!r}")
    return int(seed)


def check_reset_options(options: Any, allowed: Sequence[str]) -> dict[str, Any]:
    if options is not None and not isinstance(options, Mapping):
        raise ValueError(f"options must be None or a mapping with {', '.join(allowed)}, got {options!r}")
    for name in options or {}:
        if name not in allowed:
            raise ValueError(f"unknown reset option {name!r}; allowed: {', '.join(allowed)}")
    return dict(options or {})


def check_seeds(seed: Any, count: int) -> list[int | None]:
    """A seed or None for each env, or an error that says what is allowed."""
    seed = seed.tolist() if isinstance(seed, np.ndarray) else seed
    if seed is None:
        return [None] * count
    if is_whole(seed):
        last = int(seed) + count - 1
        if not 0 <= seed <= last < MAX_SEED:
            raise ValueError(f"seed must be a whole number from 0 to 2^63 - {count}, got {seed!r}")
        return list(range(int(seed), last + 1))
    if isinstance(seed, str) or not isinstance(seed, Sequence):
        raise ValueError(f"seed must be None, a whole number or {count} of them, got {seed!r}")
    if len(seed) != count:
        raise ValueError(f"seed must be one number or {count} of them, got {len(seed)}")
    return [None if one is None else check_seed(one) for one in seed]


class InclinedMassVectorEnv(VectorEnv[Any, Any, Any]):
    """Many inclined masses in one kernel call; options as in :class:`World`.

    ``info["terms"]`` holds the cost terms and ``info["truth"]`` the hidden truth, each a dict of arrays
    of shape (num_envs,). An int seed gives env i the seed ``seed + i``. With ``copy=False`` the arrays
    and dicts returned are reused.

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
        self.copy = flag("copy", copy)
        modes = [mode.value for mode in AutoresetMode]
        if autoreset_mode not in (*modes, *AutoresetMode):
            raise ValueError(f"unknown autoreset_mode {autoreset_mode!r}; allowed: {', '.join(modes)}")
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {"autoreset_mode": self.autoreset_mode, "render_modes": []}
        self.render_mode = None
        self.single_observation_space = OBSERVE[observe].box()
        self.single_action_space = spaces.Discrete(len(Action))
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._over, self._waiting = np.ones(self.num_envs, np.bool_), True
        self._here, self._nobody = np.ones(self.num_envs, np.bool_), np.zeros(self.num_envs, np.bool_)
        self._seeded = False
        self._names: tuple[kernel.Outputs | None, dict[str, Any], dict[str, Any]] = (None, {}, {})

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start episodes: with a seed their episodes 0, without one the next episodes of the last seeds.

        Args:
            seed: None, a number, or a number or None for each env.
            options: ``scenario``, a name or ``Scenario`` or one for each env, holds until the next call of
                ``reset``, for the episodes that the env starts by itself as well; without it an env goes
                back to the scenario it was made with. ``reset_mask``, (num_envs,) booleans, says which
                envs this call resets; the others go on as they are.

        Raises:
            ValueError: a bad seed or option, naming it and what is allowed; nothing has changed then.
        """
        n = self.num_envs
        options = check_reset_options(options, RESET_OPTIONS)
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
                for name, old in kept._asdict().items():
                    getattr(self.world.out, name)[:] = old
        self._begin(mask)
        return self.world.out.obs, self._info()

    def _starts(self, options: Mapping[str, Any]) -> NDArray[np.int64]:
        """Row of the scenario table for each env."""
        table, n = self.world.table, self.num_envs
        if "scenario" not in options:
            return np.full(n, self.world.own)
        chosen = options["scenario"]
        if isinstance(chosen, str) or not isinstance(chosen, Sequence | np.ndarray):
            return np.full(n, table.row(chosen))
        if len(chosen) != n:
            raise ValueError(f"scenario must be one name or {n} of them, got {len(chosen)}")
        return np.array([table.row(one) for one in chosen])

    def _begin(self, mask: NDArray[np.bool_]) -> None:
        self.world.begin(mask)
        if mask.all():
            self.world.fill_idle()
        self._over = self._over & ~mask
        self._waiting = bool(self._over.any())

    def _info(self) -> dict[str, Any]:
        if self._names[0] is not self.world.out:
            self._names = self.world.out, *_named(self.world.out)
        _, terms, truth = self._names
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
        reward, truncated = out.bill[kernel.REWARD], np.zeros(self.num_envs, np.bool_)
        if not some:
            self._over, self._waiting = self._nobody, False
            return out.obs, reward, truncated.copy(), truncated, self._info()
        ended = out.bill[kernel.OVER] > 0.0
        if self.autoreset_mode == AutoresetMode.SAME_STEP:
            terms, truth = _named(out._replace(bill=out.bill.copy(), truth=out.truth.copy()))
            final = {"final_obs": out.obs.copy(), "final_info": {"terms": terms, "truth": truth}}
            self._begin(ended)
            info = {**self._info(), **final, "_final_obs": ended, "_final_info": ended}
            return out.obs, reward, ended, truncated, info
        self._over, self._waiting = ended, bool(ended.any())
        return out.obs, reward, ended.copy(), truncated, self._info()

    def action_masks(self) -> NDArray[np.bool_]:
        """Which decisions would do something, shape (num_envs, 3): no RETRAIN while one is in flight."""
        masks = np.ones((self.num_envs, len(Action)), np.bool_)
        masks[:, Action.RETRAIN] = self.world.batch.lanes("in_flight", self.num_envs) == 0.0
        return masks

    def get_state(self) -> EnvState:
        """Everything that decides the future, as copies."""
        return EnvState(self.world.get_state(), self.world.starts.copy(), self._over.copy(), self._seeded)

    def set_state(self, state: EnvState) -> None:
        """Go back to a state from :meth:`get_state`.

        Raises:
            ValueError: no state, or one from an env made with another size, scenario, deadline, latency or
                number of substeps; nothing has changed then.
        """
        w = self.world
        fitting = check_env_state(state, w.origin, w.batch, w.starts, len(w.table.plans))
        self.world.set_state(fitting.world)
        self.world.starts[:] = fitting.starts
        self._over, self._waiting = fitting.over.copy(), bool(fitting.over.any())
        self._seeded = fitting.seeded


def _named(out: kernel.Outputs) -> tuple[dict[str, Any], dict[str, Any]]:
    """Cost terms and truth by name, each (num_envs,)."""
    return dict(zip(TERMS, out.bill)), dict(zip(kernel.TRUTH_NAMES, out.truth))  # noqa: B905 (it costs)
