"""Run policies through worlds: the same worlds for every policy (common random numbers)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from springdrift import ENV_ID, TERMS, Action
from springdrift_agents.evaluation import cluster
from springdrift_agents.evaluation.diagnosis import FINDINGS, Diagnosis
from springdrift_agents.evaluation.rollout import Prices as Prices
from springdrift_agents.evaluation.rollout import Script as Script
from springdrift_agents.evaluation.rollout import begun, rollout
from springdrift_agents.evaluation.rollout import side_by_side as side_by_side
from springdrift_agents.evaluation.seeds import PURPOSES as PURPOSES
from springdrift_agents.evaluation.seeds import SEEDS as SEEDS
from springdrift_agents.evaluation.seeds import seeds_of
from springdrift_agents.evaluation.seeds import world_seeds as world_seeds
from springdrift_agents.policies.base import Floats, Policy, check_policy, observe_of
from springdrift_agents.policies.registry import policy
from springdrift_agents.policies.rules import Periodic

REFERENCE = "hindsight"
BATCH = 1024  # episodes that run side by side


class Episodes(NamedTuple):
    """What each of n episodes cost, and what the policy did."""

    policy: str
    scenario: str
    seeds: NDArray[np.uint64]  # (n,)
    terms: NDArray[np.float64]  # (n, terms), in the order of ``term_names``
    findings: NDArray[np.float64]  # (n, 10), in the order of diagnosis.FINDINGS
    calendar: float = float("nan")  # mean cost of retraining by the calendar as often; nan if it never did
    term_names: tuple[str, ...] = TERMS

    @property
    def cost(self) -> NDArray[np.float64]:
        """Total cost of each episode, shape (n,)."""
        return self.terms.sum(axis=1)

    def term(self, name: str) -> NDArray[np.float64]:
        """One of the cost terms, shape (n,); 0 where the world has no such term."""
        if name not in self.term_names:
            return np.zeros(len(self.seeds))
        return self.terms[:, self.term_names.index(name)]

    def finding(self, name: str) -> NDArray[np.float64]:
        """One of ``diagnosis.FINDINGS``, shape (n,)."""
        return self.findings[:, FINDINGS.index(name)]


def evaluate(
    policy: Policy,
    scenario: Any,
    seeds: NDArray[np.uint64],
    *,
    name: str = "",
    costs: Prices = None,
    observe: str | None = None,
    cycles: int | None = None,
    latency: int | None = None,
    env: str = ENV_ID,
) -> Episodes:
    """Play one episode of a policy in each world of ``seeds``.

    Args:
        policy: who decides.
        scenario: a name, or a scenario of the user's.
        seeds: the worlds': see :func:`world_seeds`.
        name: what the policy is called in tables.
        costs: prices, or some of them by name.
        observe: which observation the policy is shown; None for the one it asks for.
        cycles: deadline; None leaves it to the scenario.
        latency: cycles from the request of a retraining to its deployment; None for the world's own.
        env: id of the kind of world.

    Raises:
        ValueError: what is no policy, seeds that are no worlds, an option that the world does not take, or
            decisions of a policy that are none.

    >>> from springdrift_agents.policies.registry import policy
    >>> evaluate(policy("never"), "stationary", world_seeds("evaluation", 0, 4)).cost.shape
    (4,)
    """
    check_policy(policy)
    observe, seeds = observe or observe_of(policy), seeds_of(seeds)
    parts: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    names: tuple[str, ...] = TERMS
    for first in range(0, len(seeds), BATCH):
        here = seeds[first : first + BATCH]
        world = begun(here, scenario, env=env, observe=observe, costs=costs, cycles=cycles, latency=latency)
        names, diagnosis = world.terms, Diagnosis(world)
        costs_by_term = np.zeros((len(names), len(here)))
        for cycle in rollout(policy, world):
            costs_by_term += cycle.costs
            diagnosis.note(cycle)
        parts.append((np.ascontiguousarray(costs_by_term.T), diagnosis.close()))
    terms, findings = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Episodes(name, title_of(scenario), seeds, terms, findings, term_names=names)


def cheapest(
    specs: Sequence[str], scenario: Any, seeds: NDArray[np.uint64], env: str = ENV_ID
) -> tuple[str, float]:
    """The policy that costs least in some worlds, and its mean cost there.

    Args:
        specs: as :func:`~springdrift_agents.policies.registry.policy` takes them.
        scenario: of the worlds.
        seeds: theirs.
        env: id of the kind of world.
    """
    costs = {
        spec: float(evaluate(policy(spec, env=env), scenario, seeds, env=env).cost.mean()) for spec in specs
    }
    best = min(costs, key=costs.__getitem__)
    return best, costs[best]


def title_of(scenario: Any) -> str:
    """A scenario's name.

    >>> title_of("mix")
    'mix'
    """
    return scenario if isinstance(scenario, str) else str(scenario.name)


class Planning(Protocol):
    """What finds the reference's decisions in a world: see :mod:`springdrift_agents.planning.plans`."""

    def __call__(
        self, scenario: Any, seed: int, costs: Prices, policies: Sequence[Policy], *, env: str
    ) -> NDArray[np.int64]:
        """Decisions, (cycles,), that lose to none of the policies."""
        ...


def compare(
    policies: Mapping[str, Policy],
    scenarios: Sequence[Any],
    episodes: int,
    seed: int = 0,
    *,
    env: str = ENV_ID,
    costs: Prices = None,
    reference: int = 0,
    planning: Planning | None = None,
    jobs: int = 1,
    scheduler: str | None = None,
    known: Callable[[str, str], Episodes | None] = lambda scenario, policy: None,
    done: Callable[[Episodes], None] = lambda _: None,
) -> list[Episodes]:
    """Every policy through the same worlds of every scenario.

    Args:
        policies: by name.
        scenarios: their names, or scenarios of the user's.
        episodes: worlds of each scenario.
        seed: which worlds.
        env: id of the kind of world.
        costs: prices.
        reference: find the reference's decisions on this many of the worlds.
        planning: what finds them; needed where ``reference`` is above 0.
        jobs: processes; the result is the same, bit for bit, whatever their number.
        scheduler: address of a running Dask scheduler that does the work instead.
        known: gives a part that is there already, by scenario and policy, or None.
        done: hears of each part as it ends, in order.

    Raises:
        ValueError: as :func:`evaluate`; two scenarios of one name; a reference without ``planning``.
    """
    by_name = {title_of(one): one for one in scenarios}
    if len(by_name) < len(scenarios):
        raise ValueError("two scenarios have the same name: " + ", ".join(map(title_of, scenarios)))
    if reference and planning is None:
        raise ValueError("a reference needs planning, such as springdrift_agents.planning.plans.reference")
    for name, one in policies.items():
        check_policy(one, name)
    seeds = world_seeds("evaluation", seed, episodes)
    names = [*policies, *([REFERENCE] if reference else [])]
    there = {(title, name): known(title, name) for title in by_name for name in names}
    work: list[cluster.Work] = []
    for title, name in (key for key, part in there.items() if part is None):
        scenario = by_name[title]
        if name == REFERENCE:
            rivals = list(policies.values())
            work.append((_reference, (planning, scenario, seeds[:reference], costs, rivals, env)))
        else:
            work.append((_part, (policies[name], scenario, seeds, name, costs, env)))
    results = results_of(work, jobs, scheduler)
    parts = []
    for part in there.values():
        parts.append(next(results) if part is None else part)
        done(parts[-1])
    return parts


def results_of(work: Sequence[cluster.Work], jobs: int = 1, scheduler: str | None = None) -> Iterator[Any]:
    """The results of the work, in its order, as they come in."""
    if scheduler is not None:
        yield from cluster.results(work, scheduler)
    elif jobs == 1:
        for function, arguments in work:
            yield function(*arguments)
    else:
        from joblib import Parallel, delayed

        yield from Parallel(n_jobs=jobs, return_as="generator")(
            delayed(function)(*arguments) for function, arguments in work
        )


def _part(
    policy: Policy, scenario: Any, seeds: NDArray[np.uint64], name: str, costs: Prices, env: str
) -> Episodes:
    """A policy's episodes, and what a calendar would cost that retrains as often as it did."""
    found = evaluate(policy, scenario, seeds, name=name, costs=costs, env=env)
    often = found.finding("retrains").mean() / found.finding("cycles").mean()
    if often == 0.0:
        return found
    calendar = evaluate(Calendar(every=1.0 / often), scenario, seeds, costs=costs, env=env)
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
    planning: Planning,
    scenario: Any,
    seeds: NDArray[np.uint64],
    costs: Prices,
    rivals: Sequence[Policy],
    env: str,
) -> Episodes:
    schedules = [planning(scenario, int(seed), costs, rivals, env=env) for seed in seeds]
    return evaluate(Script(side_by_side(schedules)), scenario, seeds, name=REFERENCE, costs=costs, env=env)
