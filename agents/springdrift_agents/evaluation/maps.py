"""Break-even maps: which strategy wins where retraining costs this much and takes that long."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from springdrift import ENV_ID
from springdrift.registry import world_spec
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.evaluation.statistics import stratified_interval
from springdrift_agents.policies.base import Policy

DEFAULT = ("never", "swing", "periodic", "retrain", "threshold", "page-hinkley")
RATIOS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)  # price of a retraining over that of an intervention
LATENCIES = (1, 3, 6, 12, 24)  # cycles


class Cell(NamedTuple):
    """The best strategy at one price and latency."""

    ratio: float
    latency: int
    winner: str
    costs: dict[str, float]  # mean of each policy
    margin: float  # how much the runner-up costs more, a share of the winner's cost
    sure: bool  # the 95 % interval of that difference, on the same worlds, lies above 0


def break_even(
    policies: Mapping[str, Policy],
    scenario: Any,
    ratios: Sequence[float] = RATIOS,
    latencies: Sequence[int] = LATENCIES,
    episodes: int = 256,
    seed: int = 0,
    done: Callable[[Cell], None] = lambda _: None,
    env: str = ENV_ID,
) -> list[Cell]:
    """Every policy at every price ratio and latency, on the same worlds; row by row of latency.

    What a policy decides does not depend on prices, so each latency is played once.

    Raises:
        ValueError: fewer than two policies, or a ratio or latency out of range.
    """
    if len(policies) < 2:
        raise ValueError("a map needs at least two policies to choose from")
    prices = world_spec(env).costs
    usual: Any = prices()
    for ratio in ratios:
        prices.of({"retrain": ratio * usual.intervene})
    seeds = world_seeds("evaluation", seed, episodes)
    cells = []
    for latency in latencies:
        played = {
            name: evaluate(policy, scenario, seeds, latency=latency, env=env)
            for name, policy in policies.items()
        }
        for ratio in ratios:
            extra = ratio * usual.intervene - usual.retrain
            costs = {name: one.cost + extra * one.finding("retrains") for name, one in played.items()}
            first, second = sorted(costs, key=lambda name: costs[name].mean())[:2]
            apart = stratified_interval([costs[second] - costs[first]], seed=seed)
            least = float(costs[first].mean())
            cells.append(
                Cell(
                    ratio,
                    latency,
                    first,
                    {name: float(np.mean(values)) for name, values in costs.items()},
                    apart.value / least if least else 0.0,
                    apart.low > 0.0,
                )
            )
            done(cells[-1])
    return cells
