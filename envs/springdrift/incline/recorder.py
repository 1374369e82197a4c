"""Follow one world of a batch cycle by cycle, and cut what it does into frames."""

from collections import deque
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift.game.actions import Action
from springdrift.incline.dynamics import BUMPERS, Params
from springdrift.incline.machine import STRONGEST
from springdrift.incline.reward import TARGET
from springdrift.incline.state import (
    DRIFTING,
    HISTORY_CYCLES,
    KEYS,
    MEASUREMENTS,
    ROWS,
    Batch,
    row,
)
from springdrift.incline.world import InclinedMassWorld
from springdrift.render.frame import History, MachineFrame, Service

SHOWN = 12 * MEASUREMENTS  # measurements that a frame holds at most
COMMISSIONED = 2 * MEASUREMENTS  # of them before cycle 0
CLOCK = row("cycle")
KEPT = 256  # cycles of which frames can be cut
NEW = Params()  # a machine that nothing has happened to


class Note(NamedTuple):
    """How the world stood at a moment: bytes, copied at once and not looked into while it runs."""

    real: bytes
    keys: bytes

    def state(self) -> Batch:
        """The world's own column, as a batch of one lane."""
        real, keys = np.frombuffer(self.real, np.float32), np.frombuffer(self.keys, np.uint32)
        return Batch(real[None], keys[None])


class Recorder:
    """The history of world ``index`` of a batch, and frames of its last ``KEPT`` cycles.

    Call :meth:`begin` after a reset, :meth:`before` and :meth:`after` around each step: both together cost
    microseconds, however long the episode. Movement within a cycle is traced when frames are asked for, on
    copies: a recorded episode is the episode that would have been. A world that was moved in between, by
    ``set_state`` say, is followed from where it stands then; the clock of every frame is the world's own.

    >>> world = InclinedMassWorld(1, "stationary")
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
        self, world: InclinedMassWorld, index: int = 0, policy: str = "", threshold: float | None = None
    ) -> None:
        self.world, self.index = world, index
        self.policy, self.threshold = policy, threshold
        self._look()
        self.begin()

    def _look(self) -> None:
        batch = self.world.batch
        block, lane = divmod(self.index, batch.width)
        self._real = batch.real[block].reshape(ROWS, batch.width)[:, lane]
        self._keys = batch.keys[block].reshape(len(KEYS), batch.width)[:, lane]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_real", "_keys")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._look()  # a copied view is no view of the copy

    # ------------------------------------------------------------ while the world runs

    def begin(self) -> None:
        """Forget what was: the episode is followed from where the world stands now."""
        note = Note(self._real.tobytes(), self._keys.tobytes())
        state = note.state()
        self._notes = deque([note], KEPT + 2 * HISTORY_CYCLES + 1)  # the last is of the moment _noted
        self._since = self._noted = self.done = int(_value(state, "cycle"))
        self._name = self.world.table.names[int(self.world.starts[self.index])]
        self._drawn = self.world.table.names[int(_value(state, "scenario"))]
        self._cycles = int(_value(state, "deadline"))
        self._versions = _value(state, "versions")
        self._services = [
            Service(int(_value(state, "version")), self._since, _value(state, "tuned") > 0.0, False)
        ]
        self._actions: list[int] = []  # of the cycles that the histories do not hold yet
        self._paid: list[bytes] = []  # and their costs
        self._errors, self._swings = History(()), History(())
        self._costs, self._decisions = History((len(self.world.terms),)), History((), np.int64)
        self._deployed: list[int] = []
        self._changed: list[int] = []
        self._traced: tuple[int, NDArray[np.float64], NDArray[np.float64]] | None = None

    def before(self, action: int) -> None:
        """A cycle is about to begin, with this decision."""
        self._note_now()
        if len(self._paid) >= KEPT:
            self._read()
        self._actions.append(action)

    def after(self) -> None:
        """The cycle is done."""
        self._paid.append(self.world.out.costs[:, self.index].tobytes())
        self.done += 1

    def _note_now(self) -> None:
        """Note the moment, or begin anew where it is not the one that the last cycle led to."""
        note = Note(self._real.tobytes(), self._keys.tobytes())
        if self._noted == self.done:
            if note != self._notes[-1]:
                self.begin()
        elif self._real[CLOCK] != self.done or note.keys != self._notes[-1].keys:
            self.begin()
        else:
            self._notes.append(note)
            self._noted = self.done

    # ------------------------------------------------------------ when somebody looks

    def _read(self) -> None:
        """Bring the histories up to the last note."""
        count = len(self._paid)
        if not count:
            return
        real = b"".join([note.real for note in self._notes][-count:])
        states = Batch(np.frombuffer(real, np.float32).reshape(-1, ROWS), np.empty((count, 0), np.uint32))
        self._errors.extend(states.field("error_fast")[:, 0])
        self._swings.extend(states.field("measured_swing")[:, 0])
        costs = np.frombuffer(b"".join(self._paid), np.float64)
        self._costs.extend(costs.reshape(-1, len(self.world.terms)))
        self._decisions.extend(self._actions)
        ends = np.arange(self.done - count + 1, self.done + 1)  # moments at which the cycles were over
        changed = states.field("last_change")[:, 0] == ends - 1
        self._changed += (ends[changed] - 1).tolist()
        versions = states.field("versions")[:, 0]
        shipped = np.diff(versions, prepend=self._versions) > 0
        self._deployed += ends[shipped].tolist()
        self._versions = versions[-1]
        back = states.field("since_rollback")[:, 0] == 0.0
        for k in np.flatnonzero(shipped | back):
            state = Batch(states.real[k : k + 1], states.keys[k : k + 1])
            served = "previous_" if shipped[k] and back[k] else ""  # in the cycle, before the new one
            if back[k]:
                self._serve(state, served, int(ends[k]) - 1, True)
            if shipped[k]:
                self._serve(state, "", int(ends[k]), False)
        self._actions, self._paid = [], []

    def _serve(self, state: Batch, whose: str, since: int, back: bool) -> None:
        """Note that a version has gone into service."""
        number, tuned = (int(_value(state, f"{whose}{name}")) for name in ("version", "tuned"))
        self._services.append(Service(number, since, tuned > 0, back))

    @property
    def oldest(self) -> int:
        """The earliest moment, in whole cycles, that a frame can show."""
        held = len(self._notes) - 1
        return self._noted - min(held, KEPT)

    def frames(self, count: int, cycle: int | None = None) -> list[MachineFrame]:
        """``count`` moments of a cycle, evenly spaced, the last at its end.

        Args:
            count: how many.
            cycle: which, counted from 1 and not before :attr:`oldest`; the last when None.
        """
        self._note_now()
        done = self.done if cycle is None else cycle
        return [self.frame(done, (n + 1) / count) for n in range(count)]

    def now(self) -> MachineFrame:
        """The moment at which the world stands."""
        self._note_now()  # which may set the clock
        return self.frame(self.done)

    def frame(self, done: int, share: float = 1.0) -> MachineFrame:
        """The moment at which a share of the cycle that ended as number ``done`` was over.

        Raises:
            ValueError: a cycle of which nothing is known any more, or not yet.
        """
        self._note_now()
        if not self.oldest <= done <= self.done:
            raise ValueError(f"frames can show cycles {self.oldest} to {self.done}, got {done}")
        self._read()
        state = self._note(done).state()
        started = done > self._since
        x, ghost, push, seen = self._moment(done, share)
        known = done - self._since - (started and share < 1.0)
        model = self._note(done - 1).state() if started and share < 1.0 else state
        in_flight = _value(model, "in_flight") > 0.0
        decisions = self._decisions.first(done - self._since)
        values: dict[str, Any] = {name: _value(state, name) for name in (*DRIFTING, "cubic", "damping")}
        return MachineFrame(
            scenario=self._name,
            drawn=self._drawn,
            cycles=self._cycles,
            time=done - 1 + share if started else float(done),
            since=self._since,
            x=x,
            ghost=ghost,
            push=push,
            by_operator=started and decisions[-1] == Action.INTERVENE,
            strongest=float(STRONGEST),
            level=_value(state, "home"),
            target=TARGET,
            bumpers=BUMPERS,
            new_stiffness=NEW.stiffness,
            new_friction=NEW.friction,
            **values,
            driver_key=int(_value(state, "driver_key")),
            measurements=MEASUREMENTS,
            times=seen[0],
            measured=seen[1],
            forecast=seen[2],
            errors=self._errors.first(known),
            swings=self._swings.first(known),
            terms=self.world.terms,
            costs=self._costs.first(known),
            decisions=decisions,
            training=_value(model, "training") if in_flight else float("nan"),
            version=int(_value(model, "version")),
            model_age=_value(model, "model_age"),
            deployed=tuple(cycle for cycle in self._deployed if cycle <= done),
            services=self._services_until(done, share),
            changed=tuple(cycle for cycle in self._changed if cycle < done),
            policy=self.policy,
            threshold=self.threshold,
        )

    def _services_until(self, done: int, share: float) -> tuple[Service, ...]:
        """Which versions served up to a moment, in a world in which they can be rolled back."""
        if not self.world.version_names:
            return ()
        live = done if share == 1.0 else done - 1  # a rollback counts in the cycle that it was decided for
        return tuple(one for one in self._services if one.since < (done if one.back else live + 1))

    def _note(self, done: int) -> Note:
        return self._notes[done - self._noted - 1]

    def _moment(
        self, done: int, share: float
    ) -> tuple[float, float, float, tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
        """Mass, ghost, push and measurements when a share of a cycle is over."""
        state = self._note(done).state()
        measured, forecast = self._windows(done)
        if done == self._since:  # nothing has moved yet
            times = done + (np.arange(len(measured)) + 1.0 - len(measured)) / MEASUREMENTS
            x, push = _value(state, "x"), 0.0
            home = _value(state, "home") if not done else float(forecast[-1])
            return x, home, push, (times, measured, forecast)
        intervals = share * MEASUREMENTS
        ahead = MEASUREMENTS - int(intervals + 1e-9)
        interval = min(int(intervals - 1e-9), MEASUREMENTS - 1)
        push = float(state.window("window_u")[0, interval - MEASUREMENTS, 0])
        if share == 1.0:
            x, ghost = _value(state, "x"), float(forecast[-1])
        else:
            path, seen = self._trace(done)
            x = float(np.interp(share, np.linspace(0.0, 1.0, len(path)), path))
            start = measured[-MEASUREMENTS - 1]  # forecasts go out from the measurement before
            ghost = _smooth(share, np.array([start, *seen[0]]))
        count = len(measured) - ahead
        times = done + (np.arange(count) + 1.0 - len(measured)) / MEASUREMENTS
        return x, ghost, push, (times, measured[:count], forecast[:count])

    def _windows(self, done: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Measurements and forecasts up to the end of a cycle, (m,) each, joined from the rings of notes."""
        parts: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
        first = self._noted - len(self._notes) + 1
        left, at = SHOWN, done
        while left > 0:
            earlier = max(at - HISTORY_CYCLES, first)
            if at == first:
                count = COMMISSIONED if first == 0 else HISTORY_CYCLES * MEASUREMENTS
            else:
                count = (at - earlier) * MEASUREMENTS
            count, state = min(count, left), self._note(at).state()
            ends = (state.window(name)[0, -count:, 0] for name in ("window_y", "window_f"))
            measured, forecast = (end.astype(np.float64) for end in ends)
            parts.insert(0, (measured, forecast))
            left -= count
            if at == first:
                break
            at = earlier
        measured, forecast = (np.concatenate(part) for part in zip(*parts, strict=True))
        return measured, forecast

    def _trace(self, done: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Positions (8 * substeps + 1,) and (forecasts, pushes, measurements) (3, 8) of a cycle."""
        if self._traced is None or self._traced[0] != done:
            decision = self._decisions.first(done - self._since)[-1]
            path, seen = self.world.follow(self._note(done - 1).state(), int(decision))
            self._traced = done, path, seen
        return self._traced[1], self._traced[2]


def _value(state: Batch, name: str) -> float:
    return float(state.field(name)[0, 0])


def _smooth(share: float, values: NDArray[np.float64]) -> float:
    """Catmull-Rom through evenly spaced values: what a model that forecasts measurements means between."""
    place = share * (len(values) - 1)
    k = min(int(place), len(values) - 2)
    u = place - k
    a, b = values[k], values[k + 1]
    left = values[k - 1] if k else 2 * a - b
    right = values[k + 2] if k + 2 < len(values) else 2 * b - a
    slope_a, slope_b = (b - left) / 2, (right - a) / 2
    return float(
        a * (1 + 2 * u) * (1 - u) ** 2 + b * u * u * (3 - 2 * u)
        + slope_a * u * (1 - u) ** 2 + slope_b * u * u * (u - 1)
    )  # fmt: skip
