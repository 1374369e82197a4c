"""A world of a few lines that is no machine: its model's error grows until somebody retrains."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from springdrift import THREE_ACTIONS, Action
from springdrift.game.costs import Prices
from springdrift.game.env import DriftEnv
from springdrift.game.observation import Column, Table
from springdrift.game.vector_env import DriftVectorEnv
from springdrift.game.world import Outputs
from springdrift.registry import WORLDS, register_world

TOY_ID = "toy/Rust-v0"


@dataclass(frozen=True)
class RustPrices(Prices):
    """What rust costs."""

    forecast: float = 1.0
    intervene: float = 0.8
    retrain: float = 2.0


class Rate(NamedTuple):
    """A scenario: how fast it rusts, for how many cycles."""

    name: str
    rate: float
    cycles: int = 8


class RustWorld:
    """``count`` models that rust; worlds of odd seeds end three cycles earlier."""

    scenarios: ClassVar = {one.name: one for one in (Rate("slow", 0.05), Rate("fast", 0.6))}
    prices, actions = RustPrices, THREE_ACTIONS
    observations: ClassVar = {
        "monitor": Table(
            (
                Column("in_flight", 0, 1, "1", "always 0: a model is live at once"),
                Column("swing", -9, 9, "1", "minus the error"),
                Column("error_fast", -1, 1, "tanh(ln(e/0.25)/2)", "the error"),
                Column("since_retrain", 0, 1, "n/(n+20)", "cycles since the last retraining"),
            )
        )
    }
    terms, truth_names = ("forecast", "intervene", "retrain"), ("rust", "version")
    version_names = ()
    exogenous = ()

    def __init__(self, count, scenario="slow", costs=None, observe="monitor", cycles=None, latency=1):
        self.count, self.costs, self.observe = count, self.prices.of(costs), observe
        self.observation, self.names = self.observations[observe], tuple(self.scenarios)
        self.scenario = self.scenarios[scenario] if isinstance(scenario, str) else scenario
        self.cycles, self.latency, self.own, self.starts = cycles, latency, 0, np.zeros(count, np.int64)
        self.origin = (count, self.scenario, cycles)
        self.at = np.zeros((4, count))  # rust, age, version, cycle
        self.keys, self.episode = np.zeros(count, np.uint64), np.zeros(count, np.int64)
        self.allocate()

    def row(self, scenario):
        return self.names.index(scenario)

    def allocate(self):
        n = self.count
        self.out = Outputs(
            np.zeros((n, 4), np.float32),
            np.zeros((3, n)),
            np.zeros(n),
            np.zeros(n),
            np.zeros((2, n), np.float32),
        )

    def seed(self, lanes, seeds):
        self.keys[lanes], self.episode[lanes] = seeds, 0

    def begin(self, mask):
        self.at[:, mask] = 0.0
        self.episode[mask] += 1
        self.out.costs[:, mask] = 0.0
        self._show(mask)

    def fill_idle(self):
        pass

    def _show(self, mask):
        rust, age, version, _ = self.at
        error = (rust - 0.25) / (rust + 0.25)
        shown = np.stack((0.0 * rust, -rust, error, age / (age + 20.0)), axis=1)
        self.out.obs[mask] = shown[mask]
        self.out.truth[:, mask] = np.stack((rust, version))[:, mask]

    def _grown(self):
        """How much each rusts now: a pure function of seed, episode and cycle."""
        mixed = self.keys * np.uint64(2654435761) + (self.episode * 40503 + self.at[3].astype(int)).astype(
            np.uint64
        ) * np.uint64(2246822519)
        return self.scenario.rate * ((mixed >> np.uint64(16)) % np.uint64(1000)).astype(float) / 500.0

    def advance(self, actions):
        price, at = self.costs, self.at
        at[0] += self._grown()
        by_hand, retrain = actions == Action.INTERVENE, actions == Action.RETRAIN
        self.out.costs[:] = (
            np.where(by_hand, 0.0, price.forecast * at[0]), price.intervene * by_hand, price.retrain * retrain
        )  # fmt: skip
        self.out.reward[:] = -self.out.costs.sum(axis=0)
        at[0] = np.where(retrain, 0.0, at[0])
        at[1] = np.where(retrain, 0.0, at[1] + 1.0)
        at[2] += retrain
        at[3] += 1.0
        self.out.over[:] = self.ended()
        self._show(np.ones(self.count, bool))
        return int(self.out.over.sum())

    def ended(self):
        deadline = self.cycles or self.scenario.cycles
        early = 3.0 * (self.keys % np.uint64(2)).astype(float) if self.cycles is None else 0.0
        return (self.at[3] >= deadline - early) | (self.episode == 0)

    def masks(self):
        return np.ones((self.count, 3), bool)

    def get_state(self) -> Any:
        return self.at.copy(), self.keys.copy(), self.episode.copy()

    def set_state(self, state):
        self.at[:], self.keys[:], self.episode[:] = state
        self._show(np.ones(self.count, bool))


class RustEnv(DriftEnv):
    """One of them."""

    World = RustWorld


class RustVectorEnv(DriftVectorEnv):
    """Many."""

    Env = RustEnv


if TOY_ID not in WORLDS:
    register_world(TOY_ID, RustEnv, RustVectorEnv)
