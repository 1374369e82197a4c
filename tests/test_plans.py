"""The plans that ship can be played: they cost what they say and lose to no policy of the house."""

import json

import numpy as np
import pytest

from bench import generalist
from springdrift import SCENARIOS
from springdrift_agents.evaluation.evaluate import Script, compare, evaluate, world_seeds
from springdrift_agents.evaluation.statistics import gap_interval
from springdrift_agents.planning import plans
from springdrift_agents.policies.registry import policy, policy_names
from springdrift_agents.training.practice import HELD_OUT


@pytest.mark.parametrize(
    "scenario",
    [one if one in ("poc", "stationary") else pytest.param(one, marks=pytest.mark.slow) for one in SCENARIOS],
)
def test_no_policy_of_the_house_beats_a_kept_plan(scenario):
    kept = plans.kept()[scenario]
    seeds = world_seeds("evaluation", plans.SEED, len(kept))
    longest = max(map(len, kept))
    script = Script(np.array([[*map(int, plan.ljust(longest, "0"))] for plan in kept]))
    least = evaluate(script, scenario, seeds).cost
    assert len(kept) >= 20
    for name in (*policy_names(), f"threshold@{scenario}", f"cusum@{scenario}"):
        if name != "adwin":  # one object a world, in Python: slow
            assert (least <= evaluate(policy(name), scenario, seeds).cost + 1e-9).all(), name


def test_a_search_finds_the_same_whatever_the_number_of_processes(monkeypatch):
    monkeypatch.setattr(plans, "_rivals", lambda scenario: ["never", "threshold"])
    one = plans.search({"poc": 2}, rounds=3)
    assert one == plans.search({"poc": 2}, rounds=3, jobs=2)
    assert [len(plan) for plan in one["poc"]] == [40, 40]


def test_plans_are_kept_beside_the_others(tmp_path):
    plans.keep({"poc": ["012"]}, tmp_path / "plans.json")
    found = json.loads((tmp_path / "plans.json").read_text())["plans"]
    assert found["poc"] == ["012"]
    assert set(found) == set(SCENARIOS)
    plans.kept.cache_clear()


def test_a_better_policy_sends_hindsight_searching():
    """With a plan that is worse than a rival, the search begins anew; the kept one stands otherwise."""
    seed = int(world_seeds("evaluation", plans.SEED, 1)[0])
    kept = plans.plan_of("poc", seed)
    np.testing.assert_array_equal(plans.reference("poc", seed), kept)
    dear = plans.reference("poc", seed, {"intervene": 5.0})  # other prices: searched
    assert not np.array_equal(dear, kept)
    assert plans.plan_of("poc", int(world_seeds("evaluation", 1, 1)[0])) is None


def test_compare_uses_the_kept_plans():
    parts = compare({"threshold": policy("threshold")}, ["abrupt"], 6, reference=3, planning=plans.reference)
    best = next(part for part in parts if part.policy == "hindsight")
    kept = [plans.plan_of("abrupt", int(seed)) for seed in best.seeds]
    np.testing.assert_allclose(evaluate(Script(np.array(kept)), "abrupt", best.seeds).cost, best.cost)


def test_the_gap_and_its_interval():
    rng = np.random.default_rng(0)
    least = rng.exponential(20.0, 400)
    rule = least + 10.0 + rng.normal(0.0, 2.0, 400)
    mine = least + 6.0 + rng.normal(0.0, 2.0, 400)
    found = gap_interval(mine, rule, least)
    assert found.value == pytest.approx(0.4, abs=0.05)
    assert found.low < 0.4 < found.high
    assert found.high - found.low < 0.1  # worlds are resampled whole: hard ones are hard for all three


@pytest.mark.slow
def test_standings_and_verdicts():
    chosen = {"swing": policy("swing"), "never": policy("never")}
    found = generalist.standings(chosen, ["wear", "abrupt-beyond"], episodes=64)
    assert [(one.policy, one.scenario) for one in found] == [
        (name, scenario) for scenario in ("wear", "abrupt-beyond") for name in chosen
    ]
    for one in found:
        assert one.cost.value + one.saved.value == pytest.approx(one.rule_cost)
        assert one.scenario in HELD_OUT or one.gap.value < 1.0
    assert found[1].worse > 1.0  # never acting, where friction grows
    claims = dict((claim.partition(" ")[0], holds) for claim, holds, _ in generalist.verdicts(found))
    assert claims["never"] is False
