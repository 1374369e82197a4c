"""The benchmark: worlds of its own, a rule to beat chosen elsewhere, a page that says what made it."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import benchmark as table
from springdrift_agents.cli.app import app
from springdrift_agents.evaluation.benchmark import HEADLINE, Protocol, candidates, page, run
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.evaluation.seeds import PURPOSES
from springdrift_agents.evaluation.statistics import mean_interval
from springdrift_agents.policies.registry import policy, policy_names

SHORT = Protocol(worlds=12, choosing=4, scenarios=("abrupt", "shock"))


@pytest.fixture(scope="module")
def results():
    return run({"never": policy("never"), "threshold": policy("threshold")}, SHORT)


def test_the_rule_to_beat_is_the_cheapest_on_the_worlds_of_validation(results):
    seeds = world_seeds("validation", 1, SHORT.choosing)
    for line in results[0].lines:
        rivals = candidates(line.scenario)
        costs = {name: evaluate(rule, line.scenario, seeds).cost.mean() for name, rule in rivals.items()}
        assert costs[line.rule] == min(costs.values())
        assert line.rule == results[1].lines[results[0].lines.index(line)].rule


def test_figures_are_those_of_worlds_that_nothing_else_meets(results):
    seeds = world_seeds("benchmark", 0, SHORT.worlds)
    others = [world_seeds(purpose, seed, 50) for purpose in PURPOSES[:-1] for seed in (0, 1, 2**28 - 1)]
    assert not np.isin(np.concatenate(others), seeds).any()
    for result, spec in zip(results, ("never", "threshold"), strict=True):
        for line in result.lines:
            mine = evaluate(policy(spec), line.scenario, seeds).cost
            its = evaluate(candidates(line.scenario)[line.rule], line.scenario, seeds).cost
            assert line.cost.value == mine.mean()
            assert line.rule_cost == its.mean()
            assert line.against.value == pytest.approx((mine - its).mean())
    assert all(line.never == line.cost.value for line in results[0].lines)


def test_a_verdict_is_what_the_interval_says(results):
    never = {line.scenario: line for line in results[0].lines}
    assert never["abrupt"].verdict == "worse"
    for line in never.values():
        assert (line.verdict == "worse") == (line.against.low > 0)


def test_the_page_names_policies_worlds_command_and_versions(results):
    text = page(results, "springdrift benchmark never threshold")
    assert text.startswith(
        "# springdrift benchmark 1, springdrift/InclinedMass-v0, shortened: 12 worlds, 2 scenarios"
    )
    for said in ("`never`", "`threshold`", "`abrupt`", "`springdrift benchmark never threshold`", "numpy "):
        assert said in text
    assert "| policy | cost on abrupt |" in text  # the first where mix was not played
    assert all(f"({SHORT.name})" in str(result) for result in results)


def test_a_users_own_settings_are_no_rule_to_beat(tmp_path, monkeypatch):
    before = {name: repr(rule) for name, rule in candidates("abrupt").items()}
    mine = {"settings": {"springdrift/InclinedMass-v0": {"abrupt": {"threshold": {"error": 0.123}}}}}
    (tmp_path / "tuned.json").write_text(json.dumps(mine))
    monkeypatch.setenv("SPRINGDRIFT_SETTINGS", str(tmp_path / "tuned.json"))
    assert {name: repr(rule) for name, rule in candidates("abrupt").items()} == before
    assert policy("threshold@abrupt").error == 0.123


def test_the_command_writes_a_page_and_prints_a_line(tmp_path):
    out = tmp_path / "page.md"
    asked = ["benchmark", "never", "--quick", "-s", "shock", "--trust", "-o", str(out)]
    said = CliRunner().invoke(app, asked)
    assert said.exit_code == 0, said.output
    assert "beside the rule to beat" in " ".join(said.output.split())
    assert "`springdrift benchmark never --quick -s shock --trust`" in out.read_text()
    assert HEADLINE in Protocol().scenarios


def test_wrong_requests_are_named():
    with pytest.raises(ValueError, match="unknown scenario"):
        CliRunner().invoke(app, ["benchmark", "never", "-s", "shok"], catch_exceptions=False)
    with pytest.raises(ValueError, match="unknown policy"):
        CliRunner().invoke(app, ["benchmark", "nevr"], catch_exceptions=False)


# ---------------------------------------------------------------- the table of all built-in policies

KEPT = json.loads(table.KEPT.read_text(encoding="utf-8"))


@pytest.mark.parametrize("env", list(KEPT))
def test_the_table_names_every_built_in_policy(env):
    found = {spec for spec in table.rows_of(env) if table.result_of(KEPT, env, spec)}
    assert set(policy_names(env)) <= found
    part = table.PAGE.read_text(encoding="utf-8").partition(f"## {env}\n")[2].partition("\n## ")[0]
    assert all(f"| `{spec}` | " in part for spec in found)
    assert table.command_of(env, "POLICY") in part


@pytest.mark.parametrize("env", list(KEPT))
def test_a_row_comes_out_the_same_bit_for_bit(env):
    spec, scenario = "threshold", "poc" if "poc" in KEPT[env] else next(iter(KEPT[env]))
    (line,) = table.result_of({env: {scenario: KEPT[env][scenario]}}, env, spec, [scenario]).lines
    seeds = world_seeds("benchmark", 0, Protocol().worlds)
    mine = evaluate(policy(spec, env=env), scenario, seeds, env=env).cost
    its = evaluate(candidates(scenario, env)[line.rule], scenario, seeds, env=env).cost
    assert (line.cost, line.against) == (mean_interval(mine), mean_interval(mine - its))


def test_the_page_is_what_is_kept():
    assert table.PAGE.read_text(encoding="utf-8") == table.page(KEPT)


def test_a_row_made_alone_needs_no_choice_again_and_is_the_same(monkeypatch):
    env, kept = "springdrift/UpkeepDashboard-v0", json.loads(json.dumps(KEPT))
    monkeypatch.setattr("springdrift_agents.evaluation.benchmark._choose", None)
    table.fill(kept, env, "abrupt", ["never"], KEPT[env]["abrupt"]["rows"]["never"]["commit"])
    assert json.loads(json.dumps(kept)) == KEPT
