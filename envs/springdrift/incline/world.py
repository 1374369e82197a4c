"""Many inclined masses side by side: one kernel call moves every one of them by a cycle."""

from collections.abc import Mapping
from importlib import import_module
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from springdrift.game.actions import THREE_ACTIONS, Action
from springdrift.game.arguments import MOST, whole
from springdrift.game.threads import MOST_THREADS, in_step, stay_awake, together
from springdrift.game.world import Outputs
from springdrift.incline.observation import MODES, NOTHING, OBSERVE
from springdrift.incline.outputs import OVER, REWARD, TRUTH_FIELDS, TRUTH_NAMES, empty_outputs
from springdrift.incline.reward import TERMS, Costs, kernel_prices
from springdrift.incline.scenario import SCENARIOS, Scenario, resolve, tabulate
from springdrift.incline.snapshot import Origin, WorldState, check_world_state, digest
from springdrift.incline.state import (
    DRIFTING,
    MEASUREMENTS,
    Batch,
    empty_batch,
    read_lanes,
    start_keys,
    write_lanes,
)

_WIDTHS = (("kernel_narrow", 1.7), ("kernel", 1.0), ("kernel_wide", 0.94))  # and what a lane of each costs
KERNELS = tuple((import_module(f"springdrift.incline.{name}.entry"), cost) for name, cost in _WIDTHS)


def kernel_for(count: int) -> Any:
    """The kernel whose blocks do the least work for so many worlds, idle lanes included."""
    return min(KERNELS, key=lambda one: -(-count // one[0].LANES) * one[0].LANES * one[1])[0]


class InclinedMassWorld:
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

    scenarios, prices, observations = SCENARIOS, Costs, OBSERVE
    actions = THREE_ACTIONS
    terms: ClassVar[tuple[str, ...]] = TERMS
    truth_names: ClassVar[tuple[str, ...]] = TRUTH_NAMES
    version_names: ClassVar[tuple[str, ...]] = ()
    modes: ClassVar[Mapping[str, int]] = MODES
    exogenous = (
        *DRIFTING,
        *("driver_key", "last_change", "onset", "scenario", "cycle", "shock", "faults"),
    )

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
        self.scenario = resolve(scenario, self.scenarios)
        self.costs = self.prices.of(costs)
        if not isinstance(observe, str) or observe not in self.observations:
            raise ValueError(f"unknown observe {observe!r}; allowed: {', '.join(self.observations)}")
        self.observe, self.observation = observe, self.observations[observe]
        self.cycles = None if cycles is None else whole("cycles", cycles, 1, MOST)
        self.latency = whole("latency", latency, 1, 1000)
        self.substeps = whole("substeps", substeps, MEASUREMENTS, 8192)
        if self.substeps % MEASUREMENTS:
            raise ValueError(f"substeps must be a multiple of {MEASUREMENTS}, got {substeps}")
        self.threads = whole("threads", threads, 1, MOST_THREADS)
        self.table = tabulate(self.scenario, self.cycles, self.scenarios)
        self.names = self.table.names
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
            kernel_prices(self.costs),
            self.latency,
            self.substeps // MEASUREMENTS,
            self.modes[observe],
        )
        self.allocate()

    def row(self, scenario: str | Scenario) -> int:
        """Row of a scenario in the table, by its name or itself; raises ValueError where it is not there."""
        return self.table.row(scenario)

    def allocate(self) -> None:
        """Fresh output arrays, so that those handed out before stay as they are."""
        self._whole = empty_outputs(self.count, len(self.observation), len(self.truth_names))
        self._look()

    def _look(self) -> None:
        (obs, bill, truth, _), n = self._whole, self.count
        self.out = Outputs(obs, bill[: len(self.terms), :n], bill[REWARD, :n], bill[OVER, :n], truth[:, :n])

    def seed(self, lanes: NDArray[np.integer], seeds: NDArray[np.uint64]) -> None:
        """Give some worlds their seeds; their next episode is number 0."""
        start_keys(self.batch, lanes, seeds)

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
        kernel_for(chosen.size).begin_all(chosen, self.starts, *self._fixed, *self._whole)

    def show(self, mask: NDArray[np.bool_]) -> None:
        """Put obs and truth of the worlds in ``mask`` (count,) into ``out`` as they were reported last."""
        lanes, width = np.flatnonzero(mask), self.batch.width
        seen = np.empty((len(self.observation), width), np.float32)
        for block in np.unique(lanes // width):
            self.kernel.show(self.batch.real[block], seen.reshape(-1), self.latency, self.modes[self.observe])
            own = lanes[lanes // width == block]
            self.out.obs[own] = seen.T[own - block * width]
        for place, name in enumerate(TRUTH_FIELDS[: len(self.truth_names)]):
            self.out.truth[place, lanes] = self.batch.lanes(name, self.count)[lanes]

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

    def ended(self) -> NDArray[np.bool_]:
        """Which worlds stand at the end of their episode, or were never begun, (count,)."""
        return self.batch.lanes("cycle", self.count) >= self.batch.lanes("deadline", self.count)

    def follow(self, one: Batch, decision: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where the mass goes in the cycle ahead, and what is known of it; nothing is changed.

        Args:
            one: a world as :func:`~springdrift.incline.state.read_lanes` reads it, (1, ROWS) and (1, 5).
            decision: for the cycle.

        Returns:
            Positions, (substeps + 1,), m, the first as the cycle begins; and forecasts, m, forces asked of
            the magnet, N, and measurements, m: (3, 8).
        """
        width = self.kernel.LANES
        block = empty_batch(1, width)
        write_lanes(block, np.arange(width), Batch(one.real.repeat(width, 0), one.keys.repeat(width, 0)))
        path = np.empty((self.substeps + 1, width), np.float32)
        out = empty_outputs(1, len(self.observation))._replace(path=path)
        options = (*self._fixed[2:-1], NOTHING)
        self.kernel.advance(np.full(width, decision), 0, 1, *block, *options, *out)
        seen = [block.window(f"window_{ring}")[0, -MEASUREMENTS:, 0] for ring in "fuy"]
        return path[:, 0].astype(np.float64), np.array(seen, np.float64)

    def masks(self) -> NDArray[np.bool_]:
        """Which actions would do something, (count, actions): no fit while a model is in training, and no
        rollback where no version served before."""
        masks = np.ones((self.count, self.actions.n), np.bool_)
        masks[:, Action.RETRAIN] = self.batch.lanes("in_flight", self.count) == 0.0
        if self.actions.n > Action.ROLLBACK:
            masks[:, Action.FINE_TUNE] = masks[:, Action.RETRAIN]
            masks[:, Action.ROLLBACK] = self.batch.lanes("previous_version", self.count) >= 0.0
        return masks

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
        self._look()  # a copied view is no view of the copy
