"""What an operator who knew the future would have paid: the reference for an episode.

A plan is a decision for every cycle. The future of a world is a function of its seed, so plans can be
tried on the real kernel, a thousand at a time, and improved by search. The best plan found is feasible:
its cost bounds the optimum from above, and no policy can be sure of doing better. It is not a policy:
it has read the future.
"""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift import ENV_ID, Action
from springdrift_agents.evaluation.rollout import Prices, Script, begun, rollout
from springdrift_agents.policies.base import Policy, fits, observe_of
from springdrift_agents.policies.registry import policy

Plans = NDArray[np.int64]  # (m, cycles)
WAIT, INTERVENE, RETRAIN = int(Action.WAIT), int(Action.INTERVENE), int(Action.RETRAIN)  # looked up often
START = (
    *("never", "swing", "threshold", "threshold:error=0.3:cooldown=4"),
    *("page-hinkley", "cusum", "expert", "generalist"),
)
PLANS = 1024  # tried side by side
ELITE, ALIKE = 96, 16  # plans that others are made from; of these, with retrainings at the same times


class Plan(NamedTuple):
    """The best plan found for an episode."""

    cost: float
    decisions: NDArray[np.int64]  # (cycles,)
    rounds: int  # of PLANS plans
    history: tuple[float, ...]  # the best cost after each round


class Planner:
    """Tries plans on one world.

    Args:
        scenario: a name or a ``Scenario``.
        seed: the world's.
        costs: prices, as in the env.
        cycles: deadline; None leaves it to the scenario.
        plans: how many plans are tried side by side.
    """

    def __init__(
        self,
        scenario: Any,
        seed: int,
        costs: Prices = None,
        cycles: int | None = None,
        plans: int = PLANS,
        env: str = ENV_ID,
    ) -> None:
        self._options: dict[str, Any] = {"costs": costs, "cycles": cycles, "env": env}
        self.scenario, self.seed = scenario, seed
        self.world = begun(np.full(plans, seed, np.uint64), scenario, **self._options)
        self.count = self.world.actions.n
        self._start = self.world.get_state()
        self.cycles = len(self.plan_of(Script(np.zeros((1, 1), np.int64))))

    def costs_of(self, plans: Plans) -> NDArray[np.float64]:
        """Cost of each plan, (m,) for (m, cycles); m is at most the number of plans side by side."""
        found = np.zeros(self.world.count)
        padded = np.zeros((self.world.count, self.cycles), np.int64)
        padded[: len(plans)] = plans
        self.world.set_state(self._start)
        for _ in rollout(Script(np.asfortranarray(padded)), self.world):
            found -= self.world.out.reward
        return found[: len(plans)]

    def plan_of(self, policy: Policy) -> NDArray[np.int64]:
        """What a policy decides in this world, (cycles,)."""
        seeds = np.array([self.seed], np.uint64)
        world = begun(seeds, self.scenario, observe=observe_of(policy), **self._options)
        return np.array([int(cycle.actions[0]) for cycle in rollout(policy, world)])

    def search(
        self, rounds: int = 150, patience: int = 40, start: Sequence[NDArray[np.int64]] = (), seed: int = 0
    ) -> Plan:
        """Improve plans until ``patience`` rounds gained less than 0.1 %, or for ``rounds`` rounds.

        It begins with the plans of a few rules and ``start``, and never loses the best.
        """
        rng = np.random.default_rng(seed)
        columns, actions = self.world.observation.names, self.world.actions.names
        rules = [rule for rule in map(policy, START) if fits(rule, columns, actions)]
        elite = np.array([*map(self.plan_of, rules), *start], np.int64)
        costs = self.costs_of(elite)
        elite, costs = _best(elite, costs, ELITE)
        history = [float(costs[0])]
        for count in range(rounds):
            children = self._children(elite, rng, sweep=count % 4 == 0)
            both = np.concatenate((elite, children))
            elite, costs = _best(both, np.concatenate((costs, self.costs_of(children))), ELITE)
            history.append(float(costs[0]))
            if count >= patience and history[-1 - patience] - history[-1] < 1e-3 * abs(history[-1]):
                break
        return Plan(float(costs[0]), self._plain(elite[0]), len(history) - 1, tuple(history))

    def _plain(self, plan: NDArray[np.int64]) -> NDArray[np.int64]:
        """The plan without decisions that did nothing, such as a retraining with a model in training."""
        world = begun(np.array([self.seed], np.uint64), self.scenario, **self._options)
        did = np.array([cycle.done[0] for cycle in rollout(Script(plan[None]), world)])
        return np.where(did, plan, WAIT)

    def exact(self) -> Plan:
        """The optimum, by trying every plan; for a deadline of at most 10 cycles.

        Raises:
            ValueError: the deadline is too far.
        """
        if self.cycles > 10:
            raise ValueError(f"{self.count}^{self.cycles} plans are too many to try: at most 10 cycles")
        every = np.arange(self.count**self.cycles)
        plans = np.stack(np.unravel_index(every, (self.count,) * self.cycles), axis=1)
        parts = np.array_split(plans, -(-len(plans) // self.world.count))
        costs = np.concatenate([self.costs_of(part) for part in parts])
        best = int(costs.argmin())
        return Plan(float(costs[best]), plans[best], len(parts), (float(costs[best]),))

    def _children(self, elite: Plans, rng: np.random.Generator, sweep: bool) -> Plans:
        """New plans: in a sweep, every single change of the best; the others by chance."""
        count, cycles = self.world.count, self.cycles
        born: list[NDArray[np.int64]] = []
        if sweep:
            for cycle in range(cycles):
                for action in range(self.count):
                    if action != elite[0, cycle] and len(born) < count:
                        child = elite[0].copy()
                        child[cycle] = action
                        born.append(child)
        while len(born) < count:
            # the better a parent, the oftener it is chosen
            child = elite[min(int(rng.exponential(len(elite) / 4)), len(elite) - 1)].copy()
            for _ in range(1 + int(rng.geometric(0.6))):
                _mutate(child, elite, rng, self.count)
            born.append(child)
        return np.array(born)


def _mutate(plan: NDArray[np.int64], elite: Plans, rng: np.random.Generator, actions: int) -> None:
    """One change of a plan, in place; ``actions`` is how many there are."""
    cycles, kind, at = len(plan), rng.random(), int(rng.integers(len(plan)))
    retrains = (plan == RETRAIN).nonzero()[0] if kind < 0.35 else ()
    if kind < 0.25 and len(retrains):  # a retraining earlier or later
        cycle = int(retrains[rng.integers(len(retrains))])
        plan[cycle] = WAIT
        plan[min(max(cycle + int(rng.integers(-6, 7)), 0), cycles - 1)] = RETRAIN
    elif kind < 0.35 and len(retrains):  # one less
        plan[retrains[rng.integers(len(retrains))]] = WAIT
    elif kind < 0.5:  # one more
        plan[at] = RETRAIN
    elif kind < 0.7:  # push, or stop pushing, for a while
        end = at + int(rng.geometric(0.35))
        plan[at:end] = INTERVENE if rng.random() < 0.5 else WAIT
    elif kind < 0.85:  # the end of another plan
        plan[at:] = elite[rng.integers(len(elite)), at:]
    else:
        plan[at] = rng.integers(actions)


def _best(plans: Plans, costs: NDArray[np.float64], count: int) -> tuple[Plans, NDArray[np.float64]]:
    """The cheapest ``count`` plans that differ, cheapest first, at most ``ALIKE`` with the same retrainings.

    Plans that retrain at the same times lie in one valley; the search needs several.
    """
    order = np.argsort(costs, kind="stable")
    kept: list[int] = []
    seen: set[bytes] = set()
    alike: dict[bytes, int] = {}
    for place in order:
        whole, retrains = plans[place].tobytes(), (plans[place] == RETRAIN).tobytes()
        if whole not in seen and alike.get(retrains, 0) < ALIKE:
            seen.add(whole)
            alike[retrains] = alike.get(retrains, 0) + 1
            kept.append(int(place))
            if len(kept) == count:
                break
    return plans[kept], costs[kept]


def hindsight(
    scenario: Any,
    seed: int,
    costs: Prices = None,
    *,
    env: str = ENV_ID,
    cycles: int | None = None,
    rounds: int = 150,
    policies: Sequence[Policy] = (),
) -> Plan:
    """The reference plan of one world; it loses to none of ``policies``, whose plans it begins with.

    >>> planner = Planner("poc", 3, cycles=6)
    >>> rule = planner.costs_of(planner.plan_of(policy("threshold"))[None])[0]
    >>> bool(hindsight("poc", 3, cycles=6, rounds=5).cost <= rule)
    True
    """
    planner = Planner(scenario, seed, costs, cycles, env=env)
    return planner.search(rounds, start=[planner.plan_of(one) for one in policies])


class Convergence(NamedTuple):
    """What a wider search still finds, on one world."""

    scenario: str
    seed: int
    rule: float  # cost of the best of the plans it begins with
    cost: float
    seconds: float
    wider: float  # cost after four searches more, each with twice the rounds and other chances


def convergence(scenario: str, seed: int) -> Convergence:
    """How much hindsight's value changes when its search is widened."""
    planner = Planner(scenario, seed)
    begun = time.perf_counter()
    plan = planner.search()
    seconds = time.perf_counter() - begun
    wider = [planner.search(rounds=300, patience=80, seed=other).cost for other in (1, 2, 3, 4)]
    return Convergence(scenario, seed, plan.history[0], plan.cost, seconds, min(plan.cost, *wider))
