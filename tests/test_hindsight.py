"""The reference: exact where it can be, never beaten, and honest about what it is."""

import numpy as np
import pytest

from springdrift import Action
from springdrift_agents.evaluation.evaluate import Script, evaluate, world_seeds
from springdrift_agents.planning.hindsight import Planner, hindsight
from springdrift_agents.policies.registry import policy
from springdrift_agents.policies.rules import RULES


@pytest.mark.parametrize(("scenario", "seed"), [("poc", 1), ("poc", 2), ("wear", 3), ("abrupt", 4)])
def test_search_finds_the_exact_optimum_of_a_small_world(scenario, seed):
    planner = Planner(scenario, seed, cycles=7)
    exact = planner.exact()
    assert planner.search(rounds=60).cost == pytest.approx(exact.cost, abs=1e-9)


@pytest.mark.parametrize("scenario", ["abrupt", "release-train", "chaos"])
def test_it_loses_to_no_policy_on_the_same_world(scenario):
    seed = int(world_seeds("evaluation", 4, 1)[0])
    plan = hindsight(scenario, seed, rounds=8, policies=[policy(name) for name in RULES])
    for name in RULES:
        cost = evaluate(policy(name), scenario, np.array([seed], np.uint64)).cost[0]
        assert plan.cost <= cost + 1e-9, name


def test_a_plan_costs_in_the_env_what_the_search_says():
    seeds = world_seeds("evaluation", 8, 2)
    plans = [hindsight("abrupt", int(seed), rounds=5) for seed in seeds]
    played = evaluate(Script(np.array([plan.decisions for plan in plans])), "abrupt", seeds)
    np.testing.assert_allclose(played.cost, [plan.cost for plan in plans], rtol=1e-9)
    asked = [int((plan.decisions == Action.RETRAIN).sum()) for plan in plans]
    assert played.finding("retrains").tolist() == asked  # none in vain


def test_the_best_never_gets_worse_and_the_same_search_finds_the_same():
    one, two = (hindsight("recurring", 5, rounds=6) for _ in range(2))
    assert list(one.history) == sorted(one.history, reverse=True)
    assert one.cost == two.cost
    np.testing.assert_array_equal(one.decisions, two.decisions)


def test_too_many_plans_to_try():
    with pytest.raises(ValueError, match=r"3\^200 plans"):
        Planner("abrupt", 0).exact()
