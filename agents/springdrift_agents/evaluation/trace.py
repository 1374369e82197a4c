"""Episodes cycle by cycle: what was decided, what it cost, and what no operator could see."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift import ENV_ID, Action
from springdrift_agents.evaluation.diagnosis import SITUATIONS, Diagnosis
from springdrift_agents.evaluation.rollout import Prices, begun, rollout, truth_of
from springdrift_agents.evaluation.seeds import seeds_of
from springdrift_agents.policies.base import Policy, observe_of


class Trace(NamedTuple):
    """Episodes cycle by cycle; arrays (cycles, n), as long as the longest episode.

    Beyond the end of a shorter one all costs are 0, the decisions WAIT, and swing and error nan.
    """

    terms: NDArray[np.float64]  # (cycles, n, terms), in the order of the world's
    actions: NDArray[np.int64]
    situation: NDArray[np.int64]  # places in SITUATIONS
    needless_retrain: NDArray[np.bool_]
    needless_push: NDArray[np.bool_]
    swing: NDArray[np.float64]  # m, true amplitude; nan in a world without
    error: NDArray[np.float64]  # true NMSE of the forecast; nan in a world without
    changed: NDArray[np.bool_]  # the world changed in this cycle
    version: NDArray[np.int64]  # of the live model


def trace(
    policy: Policy, scenario: Any, seeds: NDArray[np.uint64], costs: Prices = None, env: str = ENV_ID
) -> Trace:
    """Play one episode of a policy in each world of ``seeds``, and keep every cycle."""
    world = begun(seeds_of(seeds), scenario, env=env, observe=observe_of(policy), costs=costs)
    diagnosis, rest = Diagnosis(world), SITUATIONS.index("the rest")
    rows: list[tuple[Any, ...]] = []
    nothing = np.full(world.count, np.nan, np.float32)
    version = truth_of(world).get("version", np.zeros(world.count)).astype(np.int64)
    for place, cycle in enumerate(rollout(policy, world)):
        diagnosis.note(cycle)
        live, truth = cycle.live, cycle.truth
        retrained = (cycle.actions != Action.RETRAIN) | cycle.done
        version = np.where(live, truth.get("version", version), version).astype(np.int64)
        rows.append(
            (
                cycle.costs.T,
                np.where(live & retrained, cycle.actions, int(Action.WAIT)),
                np.where(live, diagnosis.situation, rest),
                diagnosis.needless_retrain,
                diagnosis.needless_push,
                np.where(live, truth.get("swing", nothing), np.nan),
                np.where(live, truth.get("error", nothing), np.nan),
                live & (truth.get("last_change", nothing) == place),
                version,
            )
        )
    return Trace(*(np.array(column) for column in zip(*rows, strict=True)))
