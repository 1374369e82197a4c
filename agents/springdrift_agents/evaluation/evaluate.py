"""Run policies through worlds: the same worlds for every policy (common random numbers)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift import TERMS, THREE_ACTIONS, Action, Costs, InclinedMassVectorEnv, Scenario
from springdrift_agents.evaluation.diagnosis import FINDINGS, Diagnosis
from springdrift_agents.policies.base import Floats, Memory, Policy, observe_of
from springdrift_agents.policies.rules import Periodic

PURPOSES = ("evaluation", "training", "tuning", "validation")  # seeds of two purposes never meet
REFERENCE = "hindsight"
Prices = Costs | Mapping[str, float] | None
SEEDS = 2**28  # choices of worlds for each purpose
BATCH = 1024  # episodes that run side by side


def world_seeds(purpose: str, seed: int, count: int) -> NDArray[np.uint64]:
    """Seeds of ``count`` worlds, disjoint between purposes and between seeds below 2^28.

    Raises:
        ValueError: an unknown purpose, or a seed or count out of range.

    >>> world_seeds("evaluation", 1, 2).tolist()
    [4294967296, 4294967297]
    """
    if purpose not in PURPOSES:
        raise ValueError(f"unknown purpose {purpose!r}; allowed: {', '.join(PURPOSES)}")
    if not 0 <= seed < SEEDS:
        raise ValueError(f"seed must be a whole number from 0 to 2^28 - 1, got {seed}")
    if not 1 <= count <= 2**32:
        raise ValueError(f"the number of episodes must be from 1 to 2^32, got {count}")
    first = (PURPOSES.index(purpose) << 60) + (seed << 32)
    return np.uint64(first) + np.arange(count, dtype=np.uint64)


def check_seeds(seeds: Any) -> NDArray[np.uint64]:
    """Seeds of worlds as an array (n,), or an error that says what was expected.

    >>> check_seeds([])
    Traceback (most recent call last):
    ValueError: seeds must be at least one whole number from 0 to 2^64 - 1, in one row, got []
    """
    array = np.asarray(seeds)
    if array.ndim != 1 or not array.size or array.dtype.kind not in "iu" or array.min() < 0:
        got = np.array2string(array, threshold=8) if array.size else "[]"
        raise ValueError(f"seeds must be at least one whole number from 0 to 2^64 - 1, in one row, got {got}")
    return array.astype(np.uint64)


class Episodes(NamedTuple):
    """What each of n episodes cost, and what the policy did."""

    policy: str
    scenario: str
    seeds: NDArray[np.uint64]  # (n,)
    terms: NDArray[np.float64]  # (n, 4), in the order of TERMS
    findings: NDArray[np.float64]  # (n, 10), in the order of diagnosis.FINDINGS
    calendar: float = float("nan")  # mean cost of retraining by the calendar as often; nan if it never did

    @property
    def cost(self) -> NDArray[np.float64]:
        """Total cost of each episode, shape (n,)."""
        return self.terms.sum(axis=1)

    def finding(self, name: str) -> NDArray[np.float64]:
        """One of ``diagnosis.FINDINGS``, shape (n,)."""
        return self.findings[:, FINDINGS.index(name)]


def evaluate(
    policy: Policy,
    scenario: str | Scenario,
    seeds: NDArray[np.uint64],
    *,
    name: str = "",
    costs: Prices = None,
    observe: str | None = None,
    cycles: int | None = None,
    latency: int = 3,
) -> Episodes:
    """One episode of a policy in each world of ``seeds``; it is shown what it asks for, or ``observe``.

    Raises:
        ValueError: seeds that are no worlds, or decisions of a policy that are none.

    >>> from springdrift_agents.policies.registry import policy
    >>> evaluate(policy("never"), "stationary", world_seeds("evaluation", 0, 4)).cost.shape
    (4,)
    """
    observe, seeds = observe or observe_of(policy), check_seeds(seeds)
    title = scenario if isinstance(scenario, str) else scenario.name
    parts = [
        _evaluate(policy, scenario, seeds[first : first + BATCH], costs, observe, cycles, latency)
        for first in range(0, len(seeds), BATCH)
    ]
    terms, findings = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Episodes(name, title, seeds, terms, findings)


def _evaluate(
    policy: Policy,
    scenario: str | Scenario,
    seeds: NDArray[np.uint64],
    costs: Prices,
    observe: str,
    cycles: int | None,
    latency: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n = len(seeds)
    envs = InclinedMassVectorEnv(
        n, scenario=scenario, costs=costs, observe=observe, cycles=cycles, latency=latency, copy=False
    )
    observation, info = envs.reset(seed=seeds.tolist())
    terms, diagnosis = np.zeros((n, len(TERMS))), Diagnosis(info["truth"])
    state: Memory | None = None
    start, live = np.ones(n, np.bool_), np.ones(n, np.bool_)
    while live.any():
        actions, state = policy.predict(observation, state=state, episode_start=start, deterministic=True)
        actions = THREE_ACTIONS.check_batch(actions, n)
        charged = (actions == Action.RETRAIN) & envs.action_masks()[:, Action.RETRAIN]
        observation, _, ended, _, info = envs.step(actions)
        for column, term in enumerate(TERMS):
            terms[:, column] += np.where(live, info["terms"][term], 0.0)
        diagnosis.note(live, actions, charged, info["truth"], envs.world.batch.lanes("level_push", n))
        live &= ~ended
        start = ended.copy()
    return terms, diagnosis.close()


def compare(
    policies: Mapping[str, Policy],
    scenarios: Sequence[str],
    episodes: int,
    seed: int = 0,
    *,
    costs: Prices = None,
    reference: int = 0,
    jobs: int = 1,
    scheduler: str | None = None,
    known: Callable[[str, str], Episodes | None] = lambda scenario, policy: None,
    done: Callable[[Episodes], None] = lambda _: None,
) -> list[Episodes]:
    """Every policy through the same worlds of every scenario.

    Args:
        policies: by name.
        scenarios: their names.
        episodes: worlds of each scenario.
        seed: which worlds.
        costs: prices.
        reference: search hindsight's plan on this many of the worlds.
        jobs: processes; the result is the same, bit for bit, whatever their number.
        scheduler: address of a running Dask scheduler that does the work instead.
        known: gives a part that is there already, by scenario and policy, or None.
        done: hears of each part as it ends, in order.
    """
    seeds = world_seeds("evaluation", seed, episodes)
    names = [*policies, *([REFERENCE] if reference else [])]
    there = {(scenario, name): known(scenario, name) for scenario in scenarios for name in names}
    work: list[Work] = []
    for scenario, name in (key for key, part in there.items() if part is None):
        if name == REFERENCE:
            work.append((_reference, (scenario, seeds[:reference], costs, list(policies.values()))))
        else:
            work.append((_part, (policies[name], scenario, seeds, name, costs)))
    results = results_of(work, jobs, scheduler)
    parts = []
    for part in there.values():
        parts.append(next(results) if part is None else part)
        done(parts[-1])
    return parts


Work = tuple[Callable[..., Any], tuple[Any, ...]]


def results_of(work: Sequence[Work], jobs: int = 1, scheduler: str | None = None) -> Iterator[Any]:
    """The results of the work, in its order, as they come in."""
    if scheduler is not None:
        yield from _on_cluster(work, scheduler)
    elif jobs == 1:
        for function, arguments in work:
            yield function(*arguments)
    else:
        from joblib import Parallel, delayed

        yield from Parallel(n_jobs=jobs, return_as="generator")(
            delayed(function)(*arguments) for function, arguments in work
        )


def _on_cluster(work: Sequence[Work], address: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise ImportError('a cluster needs Dask: pip install "springdrift[cluster]"') from None
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError) as wrong:
        raise ValueError(f"no Dask scheduler answers at {address!r}: {wrong}") from wrong
    with client:
        futures = [
            # a worker that ends takes its work with it: others do it again, with the same result
            client.submit(function, *arguments, pure=False, retries=2)
            for function, arguments in work
        ]
        for future in futures:
            yield future.result()
            future.release()


def _part(policy: Policy, scenario: str, seeds: NDArray[np.uint64], name: str, costs: Prices) -> Episodes:
    """A policy's episodes, and what a calendar would cost that retrains as often as it did."""
    found = evaluate(policy, scenario, seeds, name=name, costs=costs)
    often = found.finding("retrains").mean() / found.finding("cycles").mean()
    if often == 0.0:
        return found
    calendar = evaluate(Calendar(every=1.0 / often), scenario, seeds, costs=costs)
    return found._replace(calendar=float(calendar.cost.mean()))


@dataclass(frozen=True)
class Calendar(Periodic):
    """Retrain every so many cycles, fractions too: periods are that long on average.

    Each env of a batch has a first date of its own, spread evenly over a period, so that a batch retrains
    as often as ``every`` says even where an episode holds no whole number of periods.
    """

    def blank(self, count: int) -> NDArray[Any]:
        return self.every * (np.arange(count)[:, None] + 0.5) / count

    def decide(self, observation: Floats, memory: NDArray[Any]) -> NDArray[np.int64]:
        memory[:, 0] += 1.0
        due = memory[:, 0] >= self.every - 1e-9  # however the sums are rounded
        memory[due, 0] -= self.every
        return np.where(due, Action.RETRAIN, Action.WAIT)


def _reference(
    scenario: str,
    seeds: NDArray[np.uint64],
    costs: Prices,
    rivals: Sequence[Policy],
) -> Episodes:
    from springdrift_agents.planning.plans import reference

    plans = side_by_side([reference(scenario, int(seed), costs, rivals) for seed in seeds])
    return evaluate(Script(plans), scenario, seeds, name=REFERENCE, costs=costs)


def side_by_side(plans: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Plans of worlds of several lengths in one array (n, cycles); WAIT fills the shorter ones up."""
    longest = max(map(len, plans))
    return np.array([np.pad(plan, (0, longest - len(plan))) for plan in plans])


class Script:
    """A policy that plays plans, one an env, cycle by cycle."""

    def __init__(self, plans: NDArray[np.int64]) -> None:
        self.plans = plans

    def predict(
        self,
        observation: Any,
        state: Memory | None = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[Any, Memory | None]:
        """The plans' next decisions; ``state`` counts the cycles."""
        cycle = 0 if state is None else int(state[0])
        column = min(cycle, self.plans.shape[1] - 1)
        return self.plans[:, column], (np.asarray(cycle + 1),)
