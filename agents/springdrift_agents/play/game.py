"""A game without a screen: a person is the operator, on the same worlds as every policy."""

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from springdrift import ENV_ID, OPS_ID, InclinedMassWorld
from springdrift.incline.recorder import Recorder
from springdrift.registry import world_spec
from springdrift_agents.evaluation.evaluate import REFERENCE, Script, evaluate, world_seeds
from springdrift_agents.planning.hindsight import Planner
from springdrift_agents.play.card import RIVALS, Row
from springdrift_agents.play.feedback import lesson
from springdrift_agents.policies.base import Memory, Policy, fitted, observe_of
from springdrift_agents.policies.learned import shipped
from springdrift_agents.policies.registry import policy, rules_of
from springdrift_agents.policies.settings import settings

LEARNED = {ENV_ID: "generalist", OPS_ID: "ppo-ops"}  # the learned policy on the card, where it ships
RIVAL = "threshold"  # whose running cost stands beside the player's
SEARCH = 30  # rounds of hindsight's search for the score card


class Game:
    """One game: a world, the player's decisions, and the score at the deadline.

    A rival, a rule of the card, plays the same world beside the player, cycle by cycle.

    >>> from springdrift import Action
    >>> game = Game("stationary", seed=1, cycles=5)
    >>> while not game.over:
    ...     game.decide(Action.WAIT)
    >>> game.card()[0][0]
    'you'
    """

    def __init__(self, scenario: str, seed: int, cycles: int | None = None, env: str = ENV_ID) -> None:
        spec = world_spec(env)
        if not issubclass(spec.world, InclinedMassWorld):
            raise ValueError(
                f"the game is played on an incline: --env must be {ENV_ID} or {OPS_ID}, got {env}"
            )
        self.scenario, self.cycles, self.env = scenario, cycles, env
        self._scenarios = spec.scenarios
        self.world = spec.world(1, scenario, cycles=cycles)
        self.recorder = Recorder(self.world, policy="you")
        self.rival = policy(RIVAL)
        self._beside = spec.world(1, scenario, observe=observe_of(self.rival), cycles=cycles)
        self._seeing = fitted(self.rival, self._beside.observation.names, self._beside.actions.names)
        self.begin(seed)

    @property
    def name(self) -> str:
        """The scenario as scores have it, behind its kind of world where that is not the usual one."""
        kind = self.env.partition("/")[2]
        return self.scenario if self.env == ENV_ID else f"{kind}/{self.scenario}"

    @property
    def prices(self) -> dict[str, float]:
        """The prices in force, by name."""
        return asdict(self.world.costs)

    def begin(self, seed: int) -> None:
        """Start anew in the world of ``seed``."""
        self.seed, self.over, self.plan = seed, False, [0]
        self.rival_cost = 0.0
        self._memory: Memory | None = None
        self._beside.seed(np.zeros(1, np.int64), world_seeds("evaluation", seed, 1))
        self._beside.begin(np.ones(1, np.bool_))
        self.world.seed(np.zeros(1, np.int64), world_seeds("evaluation", seed, 1))
        self.world.begin(np.ones(1, np.bool_))
        self.recorder.begin()

    def decide(self, action: int) -> None:
        """Play one cycle.

        Raises:
            RuntimeError: the game is over.
        """
        if self.over:
            raise RuntimeError("the game is over: begin() a new one")
        self.recorder.before(int(action))
        self.over = self.world.advance(np.array([action], np.int64)) > 0
        self.recorder.after()
        theirs, self._memory = self.rival.predict(self._seeing.see(self._beside.out.obs), state=self._memory)
        self._beside.advance(np.asarray(theirs, np.int64))
        self.rival_cost += float(self._beside.out.costs[:, 0].sum())

    def card(self) -> list[Row]:
        """Name, cost and cost by term: the player's first, then the others' on the same world, best first.

        The others are some rules and the cheapest of all rules of the house, plain and tuned for "mix"; the
        learned policy; and hindsight: a plan that knew the future, searched for a second or two.
        """
        frame = self.recorder.now()
        mine = frame.costs.sum(axis=0).tolist()
        seeds = world_seeds("evaluation", self.seed, 1)
        planner = Planner(self.scenario, int(seeds[0]), cycles=self.cycles, env=self.env)
        plan = planner.search(rounds=SEARCH, start=[frame.decisions])
        self.plan = plan.decisions.tolist()
        terms = self._terms(Script(plan.decisions[None]), seeds)
        rows: list[Row] = [(REFERENCE, plan.cost, terms)]
        mix = "mix-ops" if "mix-ops" in self._scenarios else "mix"
        tuned = [f"{name}@{mix}" for name in settings(self.env).get(mix, ())]
        rules = [self._row(name, seeds) for name in (*rules_of(self.env), *tuned)]
        best = min(rules, key=lambda row: row[1])
        rows += [row for row in rules if row[0] in RIVALS or row == best]
        rows += [self._row(LEARNED[self.env], seeds)] if LEARNED[self.env] in shipped() else []
        return [("you", sum(mine), mine), *sorted(rows, key=lambda row: row[1])]

    def _row(self, name: str, seeds: NDArray[np.uint64]) -> Row:
        """What a policy of the house costs here."""
        terms = self._terms(policy(name, env=self.env), seeds)
        return name, sum(terms), terms

    def _terms(self, who: Policy, seeds: NDArray[np.uint64]) -> list[float]:
        """What a policy costs in the player's world, by term."""
        found = evaluate(who, self.scenario, seeds, cycles=self.cycles, env=self.env)
        costs: list[float] = found.terms[0].tolist()
        return costs

    def lesson(self) -> str:
        """The one sentence under the card."""
        frame = self.recorder.now()
        cold = self._scenarios[frame.drawn].cold_start if frame.drawn in self._scenarios else False
        return lesson(frame.decisions.tolist(), frame.changed, frame.swings, frame.target, cold)
