"""Many forecasts in service, side by side: one kernel call moves every one of them by a cycle."""

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from springdrift.game.actions import THREE_ACTIONS, Action
from springdrift.game.arguments import whole
from springdrift.game.world import Outputs
from springdrift.series import kernel
from springdrift.series import state as fields
from springdrift.series.catalogue import SCENARIOS, Source, resolve
from springdrift.series.costs import TERMS, Costs
from springdrift.series.forecaster import BASELINES, PROFILE, PULL, TUNED, Shape
from springdrift.series.generator import TRUTHS as SERIES_TRUTHS
from springdrift.series.observation import HISTORY, OBSERVE
from springdrift.series.optimum import Problem, problem
from springdrift.series.output import MODES
from springdrift.series.recording import MOST_WINDOW, RECORDINGS, Recording
from springdrift.series.scenario import MEMBERS, MOST_CYCLES, Scenario, plans_of
from springdrift.series.snapshot import Origin, WorldState, check_state
from springdrift.series.staleness import RIDGE_MODEL, Staleness, staleness
from springdrift.series.state import (
    EXOGENOUS,
    FIELDS,
    KEPT,
    MODELS,
    NOTES,
    RECORD,
    TRUTH_NAMES,
    Lanes,
    Rows,
    Rules,
    Tracks,
    tracks_of,
)

WINDOW = 14  # cycles that a fit sees of a generated series
CYCLES = 200  # of an episode on a recording


@lru_cache(maxsize=32)
def _ridge_table(recording: Recording, shape: Shape) -> Staleness:
    """The staleness matrix of a recording under the usual model, made once."""
    return staleness(recording.y, shape, seen=recording.seen)


class SeriesWorld:
    """A batch of forecasts in service, without an episode protocol: the one owner of kernel storage.

    Args:
        count: number of worlds.
        scenario: a name from ``springdrift.series.SCENARIOS``, a ``Scenario`` or a ``Recording``. A generated
            scenario draws a fresh series for each episode; an episode on a recording is a slice of it.
        costs: prices, a ``Costs`` or a mapping of some of its fields.
        observe: "monitor", "signals" or "truth".
        cycles: deadline in cycles; None leaves it to the scenario, and is 200 on a recording, or all of it.
        latency: cycles from the request of a retraining to its deployment.
        window: cycles that a fit sees; None leaves it to the recording, and is 14 for a generated series.
        label_delay: cycles until a measurement is known, beyond the end of its own.
        baseline: what an intervention serves: "last" (the last known cycle again), "season" (the last known
            one of the same place in the longer season) or "mean" (the mean of the last three known cycles).
        model: "ridge", or a function without arguments that makes an estimator with scikit-learn's ``fit``
            and ``predict``; that takes a recording.
        jobs: fits of such a model made side by side.
        cache: folder in which the fits of such a model are kept.

    Raises:
        ValueError: an option out of range, naming it and what is allowed.
    """

    scenarios, prices, observations = SCENARIOS, Costs, OBSERVE
    actions, exogenous = THREE_ACTIONS, EXOGENOUS
    terms: ClassVar[tuple[str, ...]] = TERMS
    truth_names: ClassVar[tuple[str, ...]] = TRUTH_NAMES
    version_names: ClassVar[tuple[str, ...]] = ()
    modes: ClassVar[Mapping[str, int]] = MODES

    def __init__(
        self,
        count: int,
        scenario: str | Scenario | Recording = "mix",
        costs: Costs | Mapping[str, float] | None = None,
        observe: str = "monitor",
        cycles: int | None = None,
        latency: int = 3,
        window: int | None = None,
        label_delay: int = 0,
        baseline: str = "last",
        model: str | Callable[[], Any] = RIDGE_MODEL,
        jobs: int = 1,
        cache: str | None = None,
    ) -> None:
        self.count = whole("num_envs", count, 1, 2**24)
        self.scenario = resolve(scenario, self.scenarios)
        self.costs = self.prices.of(costs)
        if not isinstance(observe, str) or observe not in self.observations:
            raise ValueError(f"unknown observe {observe!r}; allowed: {', '.join(self.observations)}")
        self.observe, self.observation = observe, self.observations[observe]
        self.cycles = None if cycles is None else whole("cycles", cycles, 1, MOST_CYCLES)
        self.latency = whole("latency", latency, 1, 1000)
        self.window = None if window is None else whole("window", window, 2, MOST_WINDOW)
        self.label_delay = whole("label_delay", label_delay, 0, 100)
        if not isinstance(baseline, str) or baseline not in BASELINES:
            raise ValueError(f"unknown baseline {baseline!r}; allowed: {', '.join(BASELINES)}")
        self.baseline, self.model = baseline, model
        self.jobs, self.cache = whole("jobs", jobs, -1, 1024), cache
        self._tabulate()
        self.own = self.row(self.scenario)
        self.starts = np.full(self.count, self.own, np.int64)
        self.rules = Rules(self.costs.array(), self.latency, self.modes[observe], TUNED, PULL)
        self._make_lanes()
        self.allocate()

    # ------------------------------------------------------------ what episodes can be of

    def _tabulate(self) -> None:
        """The scenarios that a reset can choose: all generated ones and the own, or one recording."""
        own = self.scenario
        table: dict[str, Source] = {own.name: own}
        if isinstance(own, Scenario):
            members = {name: resolve(name, self.scenarios) for name in own.members}
            table = {**self.scenarios.generated(), **members, own.name: own}
            if self.model != RIDGE_MODEL:
                raise ValueError(
                    f"a model of your own takes a recording, got the scenario {own.name!r}: keep a series "
                    f"of it with Recording.generated(), or pass one of {', '.join(RECORDINGS)}"
                )
        self.names = tuple(table)
        self.sources = tuple(table.values())
        self.shapes = tuple(self._shape(source) for source in self.sources)
        self.tables = tuple(
            self._table(source, shape) if isinstance(source, Recording) else None
            for source, shape in zip(self.sources, self.shapes, strict=True)
        )
        self.rows = self._rows()
        self.tracks = self._tracks()

    def _tracks(self) -> Tracks:
        tables = [table for table in self.tables if table is not None]
        return tracks_of(tables, [])

    @property
    def keeps(self) -> bool:
        """Whether versions are kept to go back to."""
        return self.actions.n > Action.ROLLBACK

    def _shape(self, source: Source) -> Shape:
        window = self.window or (source.window if isinstance(source, Recording) else WINDOW)
        code = BASELINES[self.baseline]
        return Shape(source.period, source.long_period, window, self.label_delay, code)

    def _table(self, source: Recording, shape: Shape) -> Staleness:
        if isinstance(self.model, str) and self.model == RIDGE_MODEL:
            return _ridge_table(source, shape)
        return staleness(
            source.y, shape, seen=source.seen, model=self.model, jobs=self.jobs, cache=self.cache
        )

    def _cycles(self, source: Source, shape: Shape) -> int:
        """The deadline."""
        if isinstance(source, Scenario):
            return self.cycles or source.cycles
        most = source.length - shape.history
        if most < 1:
            raise ValueError(
                f"the recording {source.name!r} has {source.length} cycles; with this window and label delay "
                f"{shape.history} of them are history, and none is left"
            )
        if self.cycles is None:
            return min(CYCLES, most)
        return whole(f"cycles (of the recording {source.name!r}, history aside)", self.cycles, 1, most)

    def _rows(self) -> Rows:
        count = len(self.sources)
        plain = [s if isinstance(s, Scenario) else Scenario(s.name, "") for s in self.sources]
        members = np.full((count, MEMBERS), -1, np.int64)
        track, tracks = np.full(count, -1, np.int64), 0
        for row, source in enumerate(self.sources):
            inside = source.members if isinstance(source, Scenario) else ()
            for name in inside:
                one = self.sources[self.names.index(name)]
                if isinstance(one, Scenario) and one.members:
                    raise ValueError(f"scenario {source.name!r} has the mixture {name!r} as a member")
            rows = [self.names.index(name) for name in inside] or [row]
            members[row, : len(rows)] = rows
            if isinstance(source, Recording):
                track[row], tracks = tracks, tracks + 1
        mixed = [isinstance(s, Scenario) and bool(s.members) for s in self.sources]
        return Rows(
            plans_of(tuple(plain)),
            *(members, track, np.array(self.shapes, np.int64)),
            np.array([shape.history for shape in self.shapes], np.int64),
            np.array([shape.validation for shape in self.shapes], np.int64),
            np.array(
                [
                    1 if mix else self._cycles(source, shape)
                    for source, shape, mix in zip(self.sources, self.shapes, mixed, strict=True)
                ],
                np.int64,
            ),
            np.array([source.release_every for source in self.sources], np.int64),
            np.array([getattr(source, "cold_start", False) for source in self.sources], np.int64),
            np.array([source.tolerance for source in self.sources], np.float64),
        )

    def row(self, scenario: str | Scenario | Recording) -> int:
        """Row of a scenario, by its name or itself.

        Raises:
            ValueError: it is not among this world's.
        """
        if isinstance(scenario, str) and scenario in self.names:
            return self.names.index(scenario)
        chosen = resolve(scenario, self.scenarios)
        for row, source in enumerate(self.sources):
            if source is chosen or (isinstance(source, Scenario) and source == chosen):
                return row
        raise ValueError(
            f"scenario {chosen.name!r} is not among this env's (allowed: {', '.join(self.names)}); pass it "
            "when the env is made"
        )

    # ------------------------------------------------------------ storage

    def _make_lanes(self) -> None:
        n, rows = self.count, self.rows
        drawn = rows.track < 0
        total = int((rows.history + rows.cycles)[drawn].max(initial=1))
        samples = int(((rows.history + rows.cycles) * rows.shape[:, 0])[drawn].max(initial=1))
        period = int(rows.shape[:, 0].max())
        self.lanes = Lanes(
            np.zeros(n, np.uint64),
            np.zeros(n, np.uint32),
            np.zeros((n, len(FIELDS))),
            np.zeros((n, self.label_delay + HISTORY, NOTES)),
            np.zeros((n, MODELS if self.keeps else 2, PROFILE + period)),
            np.zeros((n, samples), np.float32),
            np.zeros((n, samples), np.float32),
            np.zeros((n, total, SERIES_TRUTHS), np.float32),
            np.zeros((n, KEPT if self.keeps else 0, len(RECORD))),
        )
        self._flags = np.zeros(samples, np.uint8)
        digest = hashlib.blake2b(digest_size=16)
        for part in (*rows.plans, *rows[1:], *self.tracks):
            digest.update(np.ascontiguousarray(part).tobytes())
        model = self.model if isinstance(self.model, str) else getattr(self.model, "__qualname__", "own")
        self.origin = Origin(
            *(n, self.scenario.name, self.cycles, self.latency, self.label_delay, self.window),
            *(self.baseline, model, digest.hexdigest()),
        )

    def allocate(self) -> None:
        """Fresh output arrays, so that those handed out before stay as they are."""
        n = self.count
        self.out = Outputs(
            np.empty((n, len(self.observation)), np.float32),
            np.empty((len(self.terms), n)),
            np.empty(n),
            np.empty(n, np.int64),
            np.empty((len(self.truth_names), n), np.float32),
        )

    # ------------------------------------------------------------ episodes

    def seed(self, lanes: NDArray[np.integer], seeds: NDArray[np.uint64]) -> None:
        """Give some worlds their seeds; their next episode is number 0."""
        self.lanes.seeds[lanes] = seeds
        self.lanes.episodes[lanes] = 0

    def begin(self, mask: NDArray[np.bool_]) -> None:
        """Start the next episode of the worlds in ``mask`` (count,) and report where it starts.

        The reward and the end of the last step stay as they are.
        """
        chosen, fixed = np.flatnonzero(mask), (self.lanes, self.rows, self.tracks)
        kernel.draw_series(chosen, self.starts, *fixed, self._flags)
        kernel.begin(chosen, *fixed, self.rules, self.out)

    def show(self, mask: NDArray[np.bool_]) -> None:
        """Put obs and truth of the worlds in ``mask`` (count,) into ``out`` as they were reported last."""
        kernel.show(np.flatnonzero(mask), self.lanes, self.rows, self.rules, self.out)

    def fill_idle(self) -> None:
        """There is nothing beside the worlds."""

    def advance(self, actions: NDArray[np.int64]) -> int:
        """One cycle of every world, actions (count,); results are in ``out``. Returns how many ended."""
        ended: int = kernel.advance(actions, self.lanes, self.rows, self.tracks, self.rules, self.out)
        return ended

    def ended(self) -> NDArray[np.bool_]:
        """Which worlds stand at the end of their episode, or were never begun, (count,)."""
        return self.lanes.state[:, fields.CYCLE] >= self.lanes.state[:, fields.DEADLINE]

    def masks(self) -> NDArray[np.bool_]:
        """Which actions would do something, (count, actions): no fit while a model is in training, and no
        rollback where no version served before."""
        masks = np.ones((self.count, self.actions.n), np.bool_)
        masks[:, Action.RETRAIN] = self.lanes.state[:, fields.IN_FLIGHT] == 0.0
        if self.keeps:
            masks[:, Action.FINE_TUNE] = masks[:, Action.RETRAIN]
            masks[:, Action.ROLLBACK] = self.lanes.versions[:, fields.BEFORE, fields.NUMBER] >= 0.0
        return masks

    def problem(self, lane: int = 0) -> Problem:
        """The episode that a lane is in, with all that is still to come: what its exact optimum is of.

        It is that of the whole episode, whatever was decided in it so far.
        """
        s = self.lanes.state[lane]
        row, start = int(s[fields.ROW]), int(s[fields.START])
        shape, cycles = self.shapes[row], int(self.rows.cycles[row])
        table = self.tables[row]
        if table is None:
            count, period = start + cycles, shape.period
            y, seen = (part[lane, : count * period].reshape(count, period) for part in self.lanes[5:7])
            table = staleness(y, shape, seen=seen, born=start if self.rows.cold[row] else 0)
        every, tolerance = int(self.rows.release_every[row]), float(self.rows.tolerance[row])
        return problem(table, start, cycles, self.costs, self.latency, every, tolerance)

    # ------------------------------------------------------------ states

    def get_state(self) -> WorldState:
        """Copy of everything that decides the future."""
        parts: list[Any] = [part.copy() for part in self.lanes]
        return WorldState(Lanes(*parts), self.origin)

    def set_state(self, state: WorldState) -> None:
        """Go back to a state from :meth:`get_state` of a world with the same options, prices aside.

        Raises:
            ValueError: no state, or one from a world with other options; nothing has changed then.
        """
        fitting = check_state(state, self.origin, self.lanes, self.rows, self.tracks, self.latency)
        pairs: Any = zip(self.lanes, fitting.lanes, strict=True)
        for own, part in pairs:
            own[:] = part
