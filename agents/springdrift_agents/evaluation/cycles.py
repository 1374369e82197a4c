"""Write an episode into a run file as it is played: decisions, measurements, versions and drivers."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from springdrift import Action
from springdrift.incline.reward import OPS_TERMS
from springdrift.incline.state import DRIFTING
from springdrift_agents.evaluation.rollout import rollout
from springdrift_agents.policies.base import Policy

STATE = (*DRIFTING, "driver_key", "version", "versions")
SEEN = ("measured_error", "measured_swing", "level", "alarm")
FIT = ("fitted_from", "fitted_to", "fit_error", "served")


class CycleWriter:
    """Plays one episode and writes down what happens in it.

    Args:
        db: the file, within a transaction.
        episode: its row there.
        world: a batch of one inclined mass, begun.
    """

    def __init__(self, db: sqlite3.Connection, episode: int, world: Any) -> None:
        self._db, self._episode, self._world = db, episode, world
        self._running = self._newest = 0  # versions
        self._requested: int | None = None  # the cycle in which the next one was asked for

    def play(self, policy: Policy) -> None:
        """Play to the end."""
        self._add("models", 0, None, 0)
        self._keep(0)
        for cycle, one in enumerate(rollout(policy, self._world)):
            self._write(cycle, Action(int(one.actions[0])), bool(one.done[0]))

    def _write(self, cycle: int, action: Action, done: bool) -> None:
        """A cycle; ``done``: its decision did something."""
        if done and action in (Action.RETRAIN, Action.FINE_TUNE):
            self._requested = cycle
        paid = dict(zip(self._world.terms, self._world.out.costs[:, 0].tolist(), strict=True))
        self._add("decisions", cycle, action.name, *(paid.get(term, 0.0) for term in OPS_TERMS))
        state = {field: self._value(field) for field in STATE}
        shipped = state["versions"] > self._newest
        if done and action == Action.ROLLBACK:  # it served in this cycle already
            self._running = int(self._value("previous_version") if shipped else state["version"])
        self._add("measurements", cycle, self._running, self._driver(state), *map(self._value, SEEN))
        if shipped:
            self._running = self._newest = int(state["versions"])
            self._add("models", self._running, self._requested, cycle + 1)
        for whose in ("previous_", ""):
            number = int(self._value(f"{whose}version"))
            if number >= 0:
                self._keep(number, whose)

    def _value(self, field: str) -> float:
        return float(self._world.batch.lanes(field, 1)[0])

    def _add(self, table: str, *values: Any) -> None:
        marks = ", ".join("?" * (1 + len(values)))
        self._db.execute(f"INSERT INTO {table} VALUES ({marks})", (self._episode, *values))

    def _keep(self, number: int, whose: str = "") -> None:
        """A version of the model, or how long it has served by now."""
        parent, tuned = self._value(f"{whose}parent"), self._value(f"{whose}tuned") > 0.0
        self._db.execute(
            "INSERT INTO model_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (episode, version) DO UPDATE SET served = excluded.served",
            (
                *(self._episode, number, None if parent < 0 else int(parent)),
                "fine-tuned" if tuned else "fitted" if number else "commissioned",
                *(self._value(f"{whose}{name}") for name in FIT),
            ),
        )

    def _driver(self, state: Mapping[str, float]) -> int:
        """The row of the driver table for what was in force, added if it is new."""
        values = (int(state["driver_key"]), *(round(state[name], 6) for name in DRIFTING))
        names = ", ".join(("driver_key", *DRIFTING))
        self._db.execute(
            f"INSERT OR IGNORE INTO drivers ({names}) VALUES ({', '.join('?' * len(values))})", values
        )
        where = " AND ".join(f"{name} = ?" for name in ("driver_key", *DRIFTING))
        return int(self._db.execute(f"SELECT id FROM drivers WHERE {where}", values).fetchone()[0])
