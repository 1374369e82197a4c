"""Follow one series of a batch cycle by cycle, and cut what happens to it into frames."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift.game.actions import Action
from springdrift.render.frame import SeriesFrame, Service, Version
from springdrift.series import state as fields
from springdrift.series.generator import TRUTH_NAMES
from springdrift.series.laws import PARAMETERS
from springdrift.series.recording import Recording
from springdrift.series.staleness import baselines, forecasts, say_all
from springdrift.series.world import SeriesWorld

SHOWN = 12  # cycles of which a frame holds measurements
KEPT_FITS = 64  # fits of which the forecasts are kept
UNITS = {"lag": " cycles", "noise": " x"}
LAST_CHANGE = TRUTH_NAMES.index("last_change")


class Recorder:
    """The history of world ``index`` of a batch, and frames of its episode.

    Call :meth:`begin` after a reset, :meth:`before` and :meth:`after` around each step: both together cost
    microseconds. Forecasts are made again when frames are asked for, from the measurements that the fit in
    service saw: a recorded episode is the episode that would have been. A world that was moved in between,
    by ``set_state`` say, is followed from where it stands then.

    >>> world = SeriesWorld(1, "co2")
    >>> world.seed(np.zeros(1, int), np.zeros(1, np.uint64))
    >>> world.begin(np.ones(1, bool))
    >>> recorder = Recorder(world)
    >>> recorder.before(0)
    >>> world.advance(np.zeros(1, int))
    0
    >>> recorder.after()
    >>> [round(frame.time, 2) for frame in recorder.frames(4)]
    [0.25, 0.5, 0.75, 1.0]
    """

    def __init__(
        self, world: SeriesWorld, index: int = 0, policy: str = "", threshold: float | None = None
    ) -> None:
        self.world, self.index = world, index
        self.policy, self.threshold = policy, threshold
        self.begin()

    # ------------------------------------------------------------ while the world runs

    def begin(self) -> None:
        """Forget what was: the episode is followed from where the world stands now."""
        first = self._state()
        self._states = [first]
        self._since = self.done = int(first[fields.CYCLE])
        self._actions: list[int] = []
        self._paid: list[NDArray[np.float64]] = []
        self._shortfall: list[float] = []
        self._fits: dict[int, NDArray[np.float64]] = {}
        self._kept = [self._version()]

    def before(self, action: int) -> None:
        """A cycle is about to begin, with this decision."""
        self._follow()
        self._actions.append(action)

    def after(self) -> None:
        """The cycle is done."""
        self._paid.append(self.world.out.costs[:, self.index].copy())
        self._states.append(self._state())
        self._kept.append(self._version())
        self._shortfall.append(self._short())
        self.done += 1

    def _state(self) -> NDArray[np.float64]:
        return self.world.lanes.state[self.index].copy()

    def _version(self) -> tuple[NDArray[np.float64], ...]:
        """Records and coefficients of the version in service and of the one before, where they are kept."""
        if not self.world.keeps:
            return ()
        lanes, i, both = self.world.lanes, self.index, [fields.DEPLOYED, fields.BEFORE]
        return lanes.versions[i, both], lanes.models[i, both]

    def _served(self, at: int, begun: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Record and coefficients of the version that served in a cycle, of which so many had begun."""
        over = at < begun
        records, models = self._kept[at + over]
        shipped = over and self._states[at + 1][fields.VERSIONS] > self._states[at][fields.VERSIONS]
        return records[int(shipped)], models[int(shipped)]

    def _short(self) -> float:
        """How far the model fell short of the baseline in the newest cycle that is known."""
        delay = self.world.label_delay
        known = int(self._states[-1][fields.CYCLE]) - 1 - delay
        notes = self.world.lanes.notes[self.index]
        return max(0.0, float(notes[known % len(notes), fields.NOTE_SPARED])) if known >= 0 else 0.0

    def _follow(self) -> None:
        """Begin anew where the world is not where the last cycle led to."""
        if not np.array_equal(self._states[-1], self.world.lanes.state[self.index]):
            self.begin()

    # ------------------------------------------------------------ when somebody looks

    @property
    def oldest(self) -> int:
        """The earliest moment, in whole cycles, that a frame can show."""
        return self._since

    def frames(self, count: int, cycle: int | None = None) -> list[SeriesFrame]:
        """``count`` moments of a cycle, evenly spaced, the last at its end.

        Args:
            count: how many.
            cycle: which, counted from 1; the last when None.
        """
        self._follow()
        done = self.done if cycle is None else cycle
        return [self.frame(done, (n + 1) / count) for n in range(count)]

    def now(self) -> SeriesFrame:
        """The moment at which the world stands."""
        self._follow()
        return self.frame(self.done)

    def frame(self, done: int, share: float = 1.0) -> SeriesFrame:
        """The moment at which a share of the cycle that ended as number ``done`` was over.

        Raises:
            ValueError: a cycle of which nothing is known.
        """
        self._follow()
        if not self._since <= done <= self.done:
            raise ValueError(f"frames can show cycles {self._since} to {self.done}, got {done}")
        started, at = done > self._since, done - self._since
        known = at - (started and share < 1.0)  # cycles that are over
        state, states = self._states[known], np.array(self._states[: known + 1])
        row, start = int(state[fields.ROW]), int(state[fields.START])
        source, y, seen = self._series(row)
        cycle = max(self._since, done - 1)  # that is shown
        time = done - 1 + share if started else float(done)
        shown = self._shown(seen, states, start, cycle, time, started, at)
        decisions = self._actions[:at]
        in_flight = started and self._states[at if share == 1.0 else known][fields.IN_FLIGHT] > 0.0
        training = max(0.0, state[fields.READY] - state[fields.CYCLE]) if in_flight else math.nan
        versions = self._versions(states, start, row, time, at)
        return SeriesFrame(
            scenario=self.world.names[int(self.world.starts[self.index])],
            drawn=self.world.names[row],
            cycles=int(state[fields.DEADLINE]),
            time=time,
            since=self._since,
            by_operator=bool(decisions) and decisions[-1] == Action.INTERVENE,
            measurements=seen.shape[1],
            errors=states[1:, fields.ERROR_FAST],
            terms=self.world.terms,
            costs=np.array(self._paid[:known]).reshape(-1, len(self.world.terms)),
            decisions=np.array(decisions, np.int64),
            training=training,
            version=len(versions) - 1,
            model_age=float(state[fields.MODEL_AGE]),
            deployed=tuple(one.deployed for one in versions[1:]),
            changed=self._changed(row, start, done),
            policy=self.policy,
            threshold=self.threshold,
            unit=source.unit if isinstance(source, Recording) else "",
            true=_samples(y, shown["cycles"] + start, shown["count"]),
            shortfall=np.array(self._shortfall[:known]),
            versions=versions,
            services=self._services(states, at),
            candidate=self._fitted(row, start, int(state[fields.CANDIDATE])) if in_flight else None,
            hidden=self._hidden(row, start + cycle),
            **shown["values"],
        )

    def _series(self, row: int) -> tuple[Any, NDArray[np.float32], NDArray[np.float32]]:
        """The source of the episode, and its values and measurements, (N, P) each."""
        source, lanes = self.world.sources[row], self.world.lanes
        if isinstance(source, Recording):
            return source, source.y, source.seen
        count, period = int(self.world.rows.history[row] + self.world.rows.cycles[row]), source.period
        y, seen = (
            part[self.index, : count * period].reshape(count, period) for part in (lanes.y, lanes.seen)
        )
        return source, y, seen

    def _shown(
        self, seen: Any, states: Any, start: int, cycle: int, time: float, started: bool, begun: int
    ) -> dict[str, Any]:
        """Measured, forecast and served samples of the last cycles, up to this moment."""
        row = int(states[0][fields.ROW])
        shape, period = self.world.shapes[row], seen.shape[1]
        cycles = np.arange(max(self._since, cycle - SHOWN + 1), cycle + 1)
        said = np.empty((len(cycles), period))
        naive = baselines(seen, start + int(cycles[0]), len(cycles), shape)
        overrode = np.zeros((len(cycles), period), np.bool_)
        for n, c in enumerate(cycles.tolist()):
            at = min(c - self._since, len(states) - 1)
            version = int(states[at][fields.VERSION])
            if self.world.keeps:
                say_all(self._served(at, begun)[1], seen, start + c, shape, said[n : n + 1])
            else:
                said[n] = self._said(row, start, version, seen)[start + c - version]
            if c - self._since < len(self._actions):
                overrode[n] = self._actions[c - self._since] == Action.INTERVENE
        count = (len(cycles) - 1) * period + (math.floor((time - cycle) * period + 1e-9) if started else 0)
        measured = _samples(seen, cycles + start, count)
        times = (cycles[:, None] + (np.arange(period) + 1.0) / period).ravel()[:count]
        late = self.world.label_delay
        if late:
            measured[times > math.floor(time) - late] = np.nan
        return {
            "cycles": cycles,
            "count": count,
            "values": {
                "times": times,
                "measured": measured,
                "forecast": said.ravel()[:count],
                "baseline": naive.ravel()[:count],
                "overrode": overrode.ravel()[:count],
                "ahead": said[-1],
                "baseline_ahead": naive[-1],
            },
        }

    def _said(self, row: int, start: int, version: int, seen: Any) -> NDArray[np.float64]:
        """All that a version says, made once."""
        if version not in self._fits:
            if len(self._fits) >= KEPT_FITS:
                self._fits.clear()
            born = start if self.world.rows.cold[row] else 0
            end = start + int(self.world.rows.cycles[row])
            shape = self.world.shapes[row]
            self._fits[version] = forecasts(seen[:end], version, shape, self.world.model, born)
        return self._fits[version]

    def _fitted(self, row: int, start: int, version: int) -> tuple[int, int]:
        """The cycles that a fit saw, counted from the start of the episode."""
        shape = self.world.shapes[row]
        last = version - shape.delay
        first = max(start if self.world.rows.cold[row] and version >= start else 0, last - shape.window)
        return min(first, last) - start, last - start

    def _versions(self, states: Any, start: int, row: int, time: float, begun: int) -> tuple[Version, ...]:
        fits = states[:, fields.VERSION].astype(np.int64).tolist()
        windows = [self._fitted(row, start, number) for number in fits]
        # a version that has just gone live is 0 cycles old; one asked for at the start is the same fit again
        numbers = np.cumsum(np.append(0, states[1:, fields.MODEL_AGE] == 0.0))
        if self.world.keeps:
            served = [self._served(at, begun)[0] for at in range(len(states))]
            numbers = np.array([record[fields.NUMBER] for record in served])
            windows = [(int(one[fields.FITTED_FROM]), int(one[fields.FITTED_TO])) for one in served]
        deployed = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist()]
        ends = [*deployed[1:], time - self._since]
        return tuple(
            Version(self._since + at, self._since + end, windows[at])
            for at, end in zip(deployed, ends, strict=True)
        )

    def _services(self, states: Any, begun: int) -> tuple[Service, ...]:
        """Which versions served up to a moment, in a world in which they can be rolled back."""
        found: list[Service] = []
        for at in range(len(states) if self.world.keeps else 0):
            record = self._served(at, begun)[0]
            number = int(record[fields.NUMBER])
            if not found or found[-1].number != number:
                back = at < begun and self._states[at + 1][fields.SINCE_ROLLBACK] == 0.0
                found.append(Service(number, self._since + at, record[fields.IS_TUNED] > 0.0, bool(back)))
        return tuple(found)

    def _changed(self, row: int, start: int, done: int) -> tuple[int, ...]:
        if self.world.rows.track[row] >= 0:
            return ()
        last = self.world.lanes.truth[self.index, start : start + done, LAST_CHANGE]
        return tuple(np.flatnonzero(last == np.arange(len(last))).tolist())

    def _hidden(self, row: int, place: int) -> tuple[tuple[str, str], ...]:
        if self.world.rows.track[row] >= 0:
            return ()
        values = dict(zip(TRUTH_NAMES, self.world.lanes.truth[self.index, place].tolist(), strict=True))
        facts = [(name, f"{values[name]:.2f}{UNITS.get(name, '')}") for name in PARAMETERS]
        facts.append(("driver key", f"{values['driver_key']:.0f}"))
        facts.append(("promotion", f"{values['promotion']:+.2f}" if values["promotion"] else "none"))
        facts.append(("spoilt samples", f"{values['faults']:.0f}"))
        return tuple(facts)


def _samples(series: Any, places: Any, count: int) -> NDArray[np.float64]:
    """The first ``count`` samples of some cycles of a series."""
    return series[places].astype(np.float64).ravel()[:count]
