"""What could be had at best on the incline without reading the future: a planner that knows the state.

Before each cycle it copies every world with all that is hidden in it, draws other futures behind that
present, and tries each decision in all of them, followed by a policy's own (a rollout, Bertsekas and Castanon
1999). It decides otherwise than the policy where that is better by more than two standard errors. It sees
what no operator can see, so what it saves beyond a policy is not all to be had; and it looks one decision
ahead, so that a still better planner may exist: its cost is an estimate of the ceiling and no bound.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift.incline import plan as P
from springdrift.incline.state import DRIFTING, KEYS, Batch, read_lanes, row, write_lanes
from springdrift_agents.evaluation.evaluate import evaluate
from springdrift_agents.evaluation.rollout import begun
from springdrift_agents.evaluation.statistics import Interval, gap_interval
from springdrift_agents.policies.base import Policy, fitted

SURE = 2.0  # standard errors by which another decision must be better


class Ceiling(NamedTuple):
    """Mean costs in a scenario, on the same worlds, and the share of the way to the planner that is gone."""

    scenario: str
    expert: float
    policy: float
    planner: float
    closed: Interval  # of the gap from the expert to the planner, by the policy; nan: no clear gap


def other_futures(present: Batch, plans: NDArray[Any], rng: np.random.Generator) -> Batch:
    """The same presents with futures drawn anew, as the scenario draws them given what has happened.

    Every draw to come is another one. So are the cycle of a change that is still to come, within the range
    that the scenario leaves for it, and the trends of a drift that has not begun.

    Args:
        present: worlds before a cycle, as :func:`read_lanes` gives them: real (n, ROWS), keys (n, 5).
        plans: the scenario table of their world.
        rng: draws the futures.
    """
    real, keys = present.real.copy(), present.keys.copy()
    count = len(real)
    for name in ("key0", "key1"):
        keys[:, KEYS.index(name)] = rng.integers(0, 2**32, count, dtype=np.uint32)
    cycle, onset, following, last = (
        real[:, row(name)].copy() for name in ("cycle", "onset", "next_change", "last_change")
    )
    plan = plans[real[:, row("scenario")].astype(np.int64)]
    ahead = cycle <= onset  # of the drift: the cycle to come is the first that can have any

    def between(low: NDArray[Any], high: NDArray[Any]) -> NDArray[Any]:
        return low + np.floor(rng.random(count) * (high - low + 1.0))

    begins = np.where(ahead, between(np.maximum(plan[:, P.ONSET_LOW], cycle), plan[:, P.ONSET_HIGH]), onset)
    since = np.maximum(last, onset)
    earliest, latest = np.maximum(since + plan[:, P.GAP_LOW], cycle), since + plan[:, P.GAP_HIGH]
    changes = np.where(latest >= earliest, between(earliest, latest), following)
    real[:, row("onset")] = begins
    real[:, row("next_change")] = np.where(ahead, begins, changes)
    for place, name in enumerate(DRIFTING):
        low, high = plan[:, P.TREND_LOW + place], plan[:, P.TREND_HIGH + place]
        rate = low + rng.random(count) * (high - low)
        mirrored = (plan[:, P.EITHER_WAY + place] > 0.0) & (rng.random(count) < 0.5)
        trend = real[:, row(f"trend_{name}")]
        real[:, row(f"trend_{name}")] = np.where(ahead, np.where(mirrored, -rate, rate), trend)
    return Batch(real, keys)


def planned(
    base: Policy, scenario: Any, seeds: NDArray[np.uint64], futures: int = 16, cycles: int = 80, seed: int = 0
) -> NDArray[np.float64]:
    """What the planner pays in each world, (n,).

    Args:
        base: decides after the first decision; deterministic, and its memory an array (n, …) or several.
        scenario: a name or a ``Scenario``.
        seeds: of the worlds, (n,).
        futures: drawn for each world and cycle; every decision meets the same ones.
        cycles: that a future is followed, or to the end of the episode.
        seed: of the futures.
    """
    rng = np.random.default_rng(seed)
    world: Any = begun(seeds, scenario)
    n, options = world.count, world.actions.n
    trial: Any = begun(np.repeat(seeds, options * futures), scenario)
    fit = fitted(base, world.observation.names, world.actions.names)
    copies = (np.arange(n)[:, None, None] * futures + np.arange(futures)).repeat(options, axis=1).ravel()
    tried = np.tile(np.repeat(np.arange(options), futures), n)
    memory, start, live, paid = None, np.ones(n, np.bool_), np.ones(n, np.bool_), np.zeros(n)
    while live.any():
        said, memory = base.predict(fit.see(world.out.obs), state=memory, episode_start=start)
        own = fit.act(said, world.actions, n)
        present = read_lanes(world.batch, np.arange(n))
        each = Batch(present.real.repeat(futures, 0), present.keys.repeat(futures, 0))
        drawn = other_futures(each, world.table.plans, rng)
        write_lanes(trial.batch, np.arange(trial.count), Batch(drawn.real[copies], drawn.keys[copies]))
        trial.fill_idle()
        inside = tuple(part.repeat(options * futures, 0) for part in memory or ())
        found = _followed(base, fit, trial, tried, inside, np.repeat(live, options * futures), cycles)
        gains = found.reshape(n, options, futures)
        gains = gains - gains[np.arange(n), own][:, None]
        worth = gains.mean(axis=2) + SURE * gains.std(axis=2, ddof=1) / np.sqrt(futures)
        worth[~world.masks()] = np.inf
        worth[np.arange(n), own] = 0.0
        ended = world.advance(worth.argmin(axis=1))
        paid -= np.where(live, world.out.reward, 0.0)
        start = np.zeros(n, np.bool_)
        if ended:
            live &= ~(world.out.over > 0)
    return paid


def _followed(
    base: Policy, fit: Any, trial: Any, first: Any, memory: Any, live: NDArray[np.bool_], cycles: int
) -> NDArray[np.float64]:
    """Costs of the worlds ``trial``, (m,): decisions ``first``, and then the policy's with its memory."""
    actions, paid = first, np.zeros(trial.count)
    for turn in range(cycles):
        if turn:
            said, memory = base.predict(fit.see(trial.out.obs), state=memory)
            actions = fit.act(said, trial.actions, trial.count)
        ended = trial.advance(actions)
        paid -= np.where(live, trial.out.reward, 0.0)
        if ended:
            live = live & ~(trial.out.over > 0)
            if not live.any():
                break
    return paid


def ceiling(
    base: Policy, expert: Policy, scenario: str, seeds: NDArray[np.uint64], futures: int, cycles: int
) -> Ceiling:
    """The planner beside the policy that it looks ahead with, and beside the expert."""
    by_rule, own = (evaluate(one, scenario, seeds).cost for one in (expert, base))
    least = planned(base, scenario, seeds, futures, cycles)
    closed = gap_interval(own, by_rule, least)
    return Ceiling(scenario, float(by_rule.mean()), float(own.mean()), float(least.mean()), closed)
