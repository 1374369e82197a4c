"""``springdrift/UpkeepDashboard-v0``: the 36 states of Upkeep behind the dashboard that all worlds share.

The chain is that of ``springdrift/Upkeep-v0``, and its probabilities are as open. What an operator sees is
the dashboard, so that a rule or policy of any world runs here too.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift.game.actions import THREE_ACTIONS, Action
from springdrift.game.batch import NumpyWorld
from springdrift.game.env import DriftEnv
from springdrift.game.observation import AGE_HALF, DASHBOARD, ERROR_HALF
from springdrift.game.vector_env import DriftVectorEnv
from springdrift.incline.reward import TERMS, Costs
from springdrift.upkeep.env import (
    CYCLES,
    IN_TRAINING,
    LATENCY,
    SHAPE,
    STATES,
    TRAINING,
    check_caps,
    counts,
    training_of,
)

FAST, SLOW, SLACK = 0.3, 0.05, 0.05  # of the moving averages; of the alarm, as on the incline
STREAM = 1  # of the transitions
_NOTHING = ("1", "0: these states do not tell")
COLUMNS = DASHBOARD.described(
    error=("tanh(ln(e/0.25)/2)", "rms forecast error e that was usual in the state arrived in"),
    swing=("A/A* - 1", "deviation of the amplitude that was usual in the state, as one below the target"),
    **dict.fromkeys(("bias", "correlation", "push", "fit_error", "peak", "level"), _NOTHING),
)


class UpkeepScenario(NamedTuple):
    """The one chain that was counted."""

    name: str
    summary: str
    cycles: int


@cache
def chain() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums of probabilities up to each state: of the starts (36,), and by state and action (36 * 3, 36)."""
    known = counts()
    rows = known.transitions.reshape(-1, STATES).cumsum(axis=1).astype(np.float64)
    starts = known.starts.cumsum().astype(np.float64)
    return starts / starts[-1], rows / rows[:, -1:]


class UpkeepWorld(NumpyWorld):
    """Many chains of 36 states side by side; options as in :class:`~springdrift.game.batch.NumpyWorld`.

    The caps of the costs and the latency are part of what was counted, and cannot be changed.
    """

    scenarios = {"abrupt": UpkeepScenario("abrupt", "the counted chain", CYCLES)}  # noqa: RUF012
    prices, terms, actions = Costs, TERMS, THREE_ACTIONS
    observations = {"monitor": COLUMNS}  # noqa: RUF012
    truth_names = ("state", "staleness", "swing", "training", "cycle", "version", "model_age")
    exogenous = ("cycle",)
    trained = "busy"
    fields = {  # noqa: RUF012
        **dict.fromkeys(("state", "busy", "left", "paid", "version", "model_age"), 0.0),
        **dict.fromkeys(("error", "fast", "slow", "off", "off_before", "effect"), 0.0),
        **dict.fromkeys(("alarm", "alarm_mean", "alarm_count"), 0.0),
        **dict.fromkeys(("since_retrain", "since_intervene"), 1000.0),
    }

    def __init__(
        self,
        count: int,
        scenario: Any = None,
        costs: Costs | Mapping[str, float] | None = None,
        observe: str = "monitor",
        cycles: int | None = None,
        latency: int = LATENCY,
    ) -> None:
        super().__init__(count, scenario, costs, observe, cycles, latency)
        check_caps(self.costs)
        if latency != LATENCY:
            raise ValueError(
                f"latency cannot differ from {LATENCY} in Upkeep, got {latency}: it was counted so"
            )

    def start(self, lanes: NDArray[np.intp]) -> None:
        """Draw the first states."""
        starts, _ = chain()
        self.state[lanes] = np.searchsorted(starts, self.uniform(STREAM, lanes), side="right")
        self._arrive(lanes)
        for average in (self.fast, self.slow):
            average[lanes] = self.error[lanes]
        self.off_before[lanes] = self.off[lanes]

    def _arrive(self, lanes: Any) -> None:
        """What the states mean that the lanes have come to."""
        known, state = counts(), self.state[lanes].astype(np.int64)
        training = training_of(state)
        self.error[lanes], self.off[lanes] = np.sqrt(known.forecast[state]), np.sqrt(known.swing[state])
        self.busy[lanes] = np.isin(training, IN_TRAINING)
        self.left[lanes] = np.where(self.busy[lanes] > 0, len(IN_TRAINING) + 1 - training, 0)

    def cycle(self, actions: NDArray[np.int64]) -> None:
        """Draw the next states, and carry the averages and ages on."""
        _, rows = chain()
        asked = actions == Action.RETRAIN
        self.paid[:] = asked & (self.busy == 0)
        self.off_before[:] = self.off
        here = self.state.astype(np.int64) * THREE_ACTIONS.n + actions
        self.state[:] = (rows[here] <= self.uniform(STREAM)[:, None]).sum(axis=1)
        self._arrive(slice(None))
        new = training_of(self.state.astype(np.int64)) == TRAINING.index("new")
        self.version += new
        self.model_age[:] = np.where(new, 0, self.model_age + 1)
        by_hand = actions == Action.INTERVENE
        self.effect[:] = np.where(by_hand, self.off_before - self.off, self.effect)
        self.since_retrain[:] = np.where(self.paid > 0, 0, self.since_retrain + 1)
        self.since_intervene[:] = np.where(by_hand, 0, self.since_intervene + 1)
        self.fast += FAST * (self.error - self.fast)
        self.slow += SLOW * (self.error - self.slow)
        for part in (self.alarm, self.alarm_mean, self.alarm_count):
            part[new] = 0.0
        self.alarm_count += 1
        self.alarm_mean += (self.error - self.alarm_mean) / self.alarm_count
        self.alarm[:] = np.maximum(0.0, self.alarm + self.error - self.alarm_mean - SLACK)

    def charges(self, actions: NDArray[np.int64]) -> dict[str, Any]:
        """As :func:`springdrift.upkeep.env.terms_of`, for all lanes."""
        known, state = counts(), self.state.astype(np.int64)
        return {
            "forecast": self.costs.forecast * known.forecast[state],
            "swing": self.costs.swing * known.swing[state],
            "intervene": self.costs.intervene * (actions == Action.INTERVENE),
            "retrain": self.costs.retrain * self.paid,
        }

    def senses(self) -> dict[str, NDArray[np.float64]]:
        """The dashboard."""
        errors = {"error": self.error, "error_fast": self.fast, "error_slow": self.slow}
        ages = ("since_retrain", "since_intervene", "model_age")
        return {
            **{name: (e - ERROR_HALF) / (e + ERROR_HALF) for name, e in errors.items()},
            **{name: getattr(self, name) / (getattr(self, name) + AGE_HALF) for name in ages},
            "swing": -np.minimum(self.off, 1.0),
            "swing_change": np.clip(self.off_before - self.off, -1.0, 1.0),
            "override_effect": np.clip(self.effect, -1.0, 1.0),
            "in_flight": self.busy * (self.left + 1) / (LATENCY + 1),
            "alarm": self.alarm / (1.0 + self.alarm),
            "time_left": 1.0 - self.clock / self.deadline,
        }

    def hidden(self) -> dict[str, NDArray[Any]]:
        """The state and its levels by place, the clock, and the model in service."""
        levels = np.unravel_index(self.state.astype(np.int64), SHAPE)
        named = dict(zip(("staleness", "swing", "training"), levels, strict=True))
        return {
            **named,
            "state": self.state,
            "cycle": self.clock,
            "version": self.version,
            "model_age": self.model_age,
        }


class UpkeepDashboardEnv(DriftEnv):
    """Upkeep's 36 states behind the shared dashboard; options as in :class:`UpkeepWorld`.

    >>> env = UpkeepDashboardEnv()
    >>> env.reset(seed=1)[0].shape, int(env.step(Action.RETRAIN)[4]["truth"]["training"])
    ((18,), 1)
    """

    World = UpkeepWorld


class UpkeepVectorEnv(DriftVectorEnv):
    """Many of :class:`UpkeepDashboardEnv` side by side."""

    Env = UpkeepDashboardEnv
