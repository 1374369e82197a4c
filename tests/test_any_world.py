"""What plays, compares, plans and tunes does so in any world of the registry: here one of a few lines."""

import json
from itertools import product

import numpy as np
import pytest
from typer.testing import CliRunner

from springdrift import Action
from springdrift.registry import world_spec
from springdrift_agents.cli.app import app
from springdrift_agents.evaluation.evaluate import REFERENCE, compare, evaluate, world_seeds
from springdrift_agents.evaluation.maps import break_even
from springdrift_agents.evaluation.rollout import Script, begun, rollout
from springdrift_agents.planning.hindsight import Planner, hindsight
from springdrift_agents.planning.plans import reference
from springdrift_agents.planning.regret import CAUSES, regret
from springdrift_agents.policies.registry import policy
from springdrift_agents.policies.rules import Never, Periodic
from toy import TOY_ID, RustWorld

SEEDS = world_seeds("evaluation", 0, 6)


def by_hand(actions, seed, scenario="fast"):
    """The cost terms of a schedule in one world, (3,), by the formulas of the toy."""
    world = begun(np.array([seed], np.uint64), scenario, env=TOY_ID)
    assert isinstance(world, RustWorld)
    total = np.zeros(3)
    for action in actions:
        world.advance(np.array([action]))
        total += world.out.costs[:, 0]
        if world.out.over[0]:
            break
    return total


def test_episodes_of_several_lengths_end_where_they_end():
    rule = Periodic(every=2)
    found = evaluate(rule, "fast", SEEDS, env=TOY_ID)
    assert found.term_names == world_spec(TOY_ID).terms
    assert found.finding("cycles").tolist() == [5.0 if seed % 2 else 8.0 for seed in SEEDS.tolist()]
    calendar = [Action.WAIT, Action.RETRAIN] * 4
    for place, seed in enumerate(SEEDS.tolist()):
        np.testing.assert_allclose(found.terms[place], by_hand(calendar, seed))
    assert found.finding("retrains").tolist() == [2.0 if seed % 2 else 4.0 for seed in SEEDS.tolist()]
    assert (found.term("swing") == 0.0).all()


def test_one_is_played_as_it_is_among_others():
    rule = policy("threshold")
    together = evaluate(rule, "fast", SEEDS, env=TOY_ID)
    for place in range(len(SEEDS)):
        alone = evaluate(rule, "fast", SEEDS[place : place + 1], env=TOY_ID)
        np.testing.assert_array_equal(alone.terms[0], together.terms[place])
    assert len(np.unique(together.cost)) > 1
    assert together.cost.mean() < evaluate(Never(), "fast", SEEDS, env=TOY_ID).cost.mean()


def test_a_rule_that_needs_a_column_says_which():
    with pytest.raises(ValueError, match="CusumRule reads the column 'error', which this world does not"):
        evaluate(policy("cusum"), "fast", SEEDS, env=TOY_ID)


def test_the_exact_plan_is_the_best_of_all():
    seed = int(SEEDS[1])  # 5 cycles
    best = Planner("fast", seed, env=TOY_ID).exact()
    every = [by_hand(schedule, seed).sum() for schedule in product(range(3), repeat=5)]
    assert best.cost == pytest.approx(min(every))
    found = hindsight("fast", seed, env=TOY_ID, rounds=20)
    assert found.cost == pytest.approx(best.cost)
    schedule = reference("fast", seed, policies=[Never()], env=TOY_ID)
    assert by_hand(schedule, seed).sum() == pytest.approx(best.cost)


def test_compare_and_regret_rest_on_the_same_reference():
    policies = {"never": Never(), "threshold": policy("threshold")}
    parts = compare(policies, ["fast"], 2, env=TOY_ID, reference=2, planning=reference)
    by_name = {part.policy: part for part in parts}
    split, traces = regret(policies, "fast", 2, env=TOY_ID)
    for name in policies:
        assert split[name].shape == (2, len(CAUSES))
        excess = by_name[name].cost - by_name[REFERENCE].cost
        np.testing.assert_allclose(split[name].sum(axis=1), excess, atol=1e-9)
        assert (excess >= -1e-9).all()
    assert traces["never"].terms.shape == (8, 2, 3)


def test_a_map_prices_what_was_played():
    policies = {"never": Never(), "often": Periodic(every=1)}
    cells = break_even(policies, "fast", ratios=(0.1, 100.0), latencies=(1,), episodes=8, env=TOY_ID)
    assert [cell.winner for cell in cells] == ["often", "never"]


def test_what_did_nothing_is_told_from_what_did():
    world = begun(SEEDS[:1], "slow", env=TOY_ID)
    assert [bool(cycle.done[0]) for cycle in rollout(Script(np.ones((1, 1), int)), world)] == [True] * 8


def test_the_commands_take_the_id(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def command(*words):
        found = CliRunner().invoke(app, [*words, "--env", TOY_ID])
        return found

    found = command(
        "compare", "-p", "never,threshold", "-n", "4", "--json", "--cost", "retrain=0.5", "-o", "out"
    )
    assert found.exit_code == 0, found.output
    rows = json.loads(found.stdout)["results"]
    assert {row["scenario"] for row in rows} == {"slow", "fast"}
    assert command("compare", "-s", "mix").exception.args[0].startswith("unknown scenario 'mix'")
    assert "unknown cost 'swing'" in str(command("compare", "--cost", "swing=1").exception)
    found = command("regret", "-s", "fast", "-p", "never", "-n", "1", "--json", "-o", "out")
    assert found.exit_code == 0, found.output
    found = command("map", "-s", "fast", "-p", "never,periodic", "-n", "4", "--json", "-o", "out")
    assert found.exit_code == 0, found.output
