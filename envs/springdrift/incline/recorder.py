"""Follow one world of a batch cycle by cycle, and cut what it does into frames."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift.game.actions import Action
from springdrift.incline import kernel
from springdrift.incline.reward import TARGET, TERMS
from springdrift.incline.state import DRIFTING, MEASUREMENTS
from springdrift.incline.world import InclinedMassWorld
from springdrift.render.frame import Frame

SHOWN = 12 * MEASUREMENTS  # measurements that a frame holds at most


class Recorder:
    """The history of world ``index`` of a batch, and the frames of its last cycle.

    Call :meth:`begin` after a reset, :meth:`before` and :meth:`after` around each step. It only reads
    copies: a recorded episode is the episode that would have been.

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
        substeps = world.substeps // MEASUREMENTS
        self._path = np.empty(MEASUREMENTS * substeps + 1)
        self._seen = np.empty((3, MEASUREMENTS))
        self.begin()

    def _state(self, name: str) -> Any:
        """A field of this world, as a float or an array."""
        block, lane = divmod(self.index, self.world.batch.width)
        value = self.world.batch.field(name)[block, ..., lane]
        return float(value) if value.ndim == 0 else value.astype(np.float64)

    def begin(self) -> None:
        """Forget what was; the world stands at the start of an episode."""
        before = 2 * MEASUREMENTS  # what the operator saw of commissioning
        block, lane = divmod(self.index, self.world.batch.width)
        self._measured, self._forecast = (
            self.world.batch.window(name)[block, -before:, lane].tolist() for name in ("window_y", "window_f")
        )
        self._cycles = int(self._state("deadline"))
        self._done = 0
        self._decisions: list[int] = []
        self._errors, self._swings = np.zeros(self._cycles), np.zeros(self._cycles)
        self._bills = np.zeros((self._cycles, len(TERMS)))
        self._deployed: list[int] = []
        self._changed: list[int] = []
        self._path[:] = self._state("x")
        self._seen[:] = np.array([[self._state("home")], [0.0], [self._state("home")]])
        self._before = self._after = self._model()

    def _model(self) -> dict[str, Any]:
        in_flight = self._state("in_flight") > 0.0
        return {
            "training": self._state("training") if in_flight else float("nan"),
            "version": int(self._state("version")),
            "model_age": self._state("model_age"),
        }

    def before(self, action: int) -> None:
        """The cycle ahead, followed on copies of the world's block."""
        block, lane = divmod(self.index, self.world.batch.width)
        real, keys = self.world.batch.real[block].copy(), self.world.batch.keys[block].copy()
        real[self.world.kernel.DECISION + lane] = action
        substeps = self.world.substeps // MEASUREMENTS
        plans, latency = self.world.table.plans, self.world.latency
        self.world.kernel.trace(real, keys, lane, plans, latency, substeps, self._path, self._seen)
        self._decisions.append(int(action))
        self._start = float(self._measured[-1])
        self._before = self._model()

    def after(self) -> None:
        """The cycle is done: its costs, its error, and whether the world changed or a model shipped."""
        self._measured = (self._measured + self._seen[2].tolist())[-SHOWN:]
        self._forecast = (self._forecast + self._seen[0].tolist())[-SHOWN:]
        self._errors[self._done] = self._state("error_fast")
        self._swings[self._done] = self._state("measured_swing")
        self._bills[self._done] = self.world.out.costs[:, self.index]
        if self._state("last_change") == self._done:
            self._changed.append(self._done)
        self._done += 1
        self._after = self._model()
        if self._after["version"] > self._before["version"]:
            self._deployed.append(self._done)

    def frames(self, count: int) -> list[Frame]:
        """``count`` moments of the last cycle, evenly spaced, the last at its end."""
        return [self._frame((n + 1) / count) for n in range(count)]

    def now(self) -> Frame:
        """The moment at which the world stands."""
        return self._frame(1.0)

    def _frame(self, share: float) -> Frame:
        done = self._done
        cycle = max(done, 1) - 1  # the one that the share is of
        x = float(np.interp(share, np.linspace(0.0, 1.0, len(self._path)), self._path))
        at = np.linspace(0.0, 1.0, MEASUREMENTS + 1)
        forecasts = np.array([self._start if done else x, *self._seen[0]])  # from the measurement before
        interval = min(int(share * MEASUREMENTS - 1e-9), MEASUREMENTS - 1)
        ahead = 0 if done == 0 else MEASUREMENTS - int(share * MEASUREMENTS + 1e-9)
        seen = len(self._measured) - ahead
        ended = done if share >= 1.0 else cycle
        names = self.world.table.names
        return Frame(
            scenario=names[int(self.world.starts[self.index])],
            drawn=names[int(self._state("scenario"))],
            cycles=self._cycles,
            time=cycle + share if done else 0.0,
            x=x,
            ghost=_smooth(share, at, forecasts),
            push=float(self._seen[1, interval]),
            by_operator=self._decisions[-1:] == [Action.INTERVENE],
            strongest=float(kernel.STRONGEST),
            level=self._state("home"),
            target=TARGET,
            **{parameter: self._state(parameter) for parameter in (*DRIFTING, "cubic", "damping")},
            driver_key=int(self._state("driver_key")),
            times=done + (np.arange(seen) + 1.0 - len(self._measured)) / MEASUREMENTS,
            measured=np.array(self._measured[:seen]),
            forecast=np.array(self._forecast[:seen]),
            errors=self._errors[:ended].copy(),
            swings=self._swings[:ended].copy(),
            bills=self._bills[:ended].copy(),
            decisions=np.array(self._decisions, np.int64),
            **(self._after if share >= 1.0 else self._before),
            deployed=tuple(self._deployed),
            changed=tuple(self._changed),
            policy=self.policy,
            threshold=self.threshold,
        )


def _smooth(share: float, at: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """Catmull-Rom through evenly spaced values: what a model that forecasts measurements means between."""
    place = share * (len(at) - 1)
    k = min(int(place), len(at) - 2)
    u = place - k
    a, b = values[k], values[k + 1]
    left = values[k - 1] if k else 2 * a - b
    right = values[k + 2] if k + 2 < len(values) else 2 * b - a
    slope_a, slope_b = (b - left) / 2, (right - a) / 2
    return float(
        a * (1 + 2 * u) * (1 - u) ** 2 + b * u * u * (3 - 2 * u)
        + slope_a * u * (1 - u) ** 2 + slope_b * u * u * (u - 1)
    )  # fmt: skip
