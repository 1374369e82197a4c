"""Rules on the series world: settings of its own, tuned by command, and those of the incline unchanged."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from playing import play
from springdrift import ENV_ID, SERIES_ID, SERIES_OPS_ID, WORLDS
from springdrift_agents.cli.app import app
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.evaluation.statistics import mean_interval
from springdrift_agents.policies.registry import about, policy
from springdrift_agents.policies.settings import settings, shipped_settings
from springdrift_agents.training import tune as tuning


def test_a_spec_means_the_settings_of_its_world():
    held = settings(SERIES_ID)
    assert {"mix", "tilt", "driver"} <= set(held)
    rule = policy("threshold@mix", env=SERIES_ID)
    assert {name: getattr(rule, name) for name in held["mix"]["threshold"]} == held["mix"]["threshold"]
    assert rule != policy("threshold@mix")
    assert policy(f"threshold@{ENV_ID}/mix", env=SERIES_ID) == policy("threshold@mix")
    assert policy(f"threshold@{SERIES_ID}/mix") == rule
    assert "tilt" in about("threshold", env=SERIES_ID).tuned
    with pytest.raises(ValueError, match="'threshold' is not tuned for 'wear' of springdrift/TimeSeries-v0"):
        policy("threshold@wear", env=SERIES_ID)
    with pytest.raises(ValueError, match="unknown env 'Nowhere-v0'"):
        policy("threshold@Nowhere-v0/mix")


@pytest.mark.parametrize(("scenario", "rule"), [("driver", "swing"), ("mix", "page-hinkley")])
def test_what_is_shipped_costs_less_than_the_defaults(scenario, rule):
    seeds = world_seeds("evaluation", 0, 64)
    tuned, plain = (
        evaluate(policy(spec, env=SERIES_ID), scenario, seeds, env=SERIES_ID).cost.mean()
        for spec in (f"{rule}@{scenario}", rule)
    )
    assert tuned < plain


def test_rules_of_three_decisions_keep_their_settings_where_there_are_five():
    """With the first three the two kinds of world are one, so what was found in one holds in the other."""
    three, five = shipped_settings(SERIES_ID), shipped_settings(SERIES_OPS_ID)
    for scenario, rules in three.items():
        assert {rule: five[scenario][rule] for rule in rules} == rules
    actions = np.random.default_rng(0).choice(3, 200, p=(0.7, 0.2, 0.1))
    mine, theirs = (play(WORLDS[id].env("compound"), actions) for id in (SERIES_ID, SERIES_OPS_ID))
    for one, other in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(one[0], other[0][: len(one[0])])
        assert one[1] == other[1]


@pytest.mark.parametrize(
    ("scenario", "rule"), [("mix-ops", "operations"), ("returning", "champion"), ("bad-release", "rollback")]
)
def test_what_is_shipped_for_five_decisions_costs_less_than_the_defaults(scenario, rule):
    seeds = world_seeds("evaluation", 0, 64)
    tuned, plain = (
        evaluate(policy(spec, env=SERIES_OPS_ID), scenario, seeds, env=SERIES_OPS_ID).cost
        for spec in (f"{rule}@{scenario}", rule)
    )
    assert mean_interval(plain - tuned).low > 0.0


def test_tune_writes_settings_of_the_world_it_was_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "FINALISTS", 1)
    file = tmp_path / "tuned.json"
    options = ["-s", "poc", "--env", SERIES_ID, "--trials", "1", "-n", "2", "-o", str(file), "--replace"]
    found = CliRunner().invoke(app, ["tune", "periodic", *options])
    assert found.exit_code == 0, found.output
    kept = json.loads(file.read_text())
    assert list(kept["settings"]) == [SERIES_ID]
    assert list(kept["settings"][SERIES_ID]) == ["poc"]
    assert kept["command"].startswith(f"springdrift tune --env {SERIES_ID} ")
    monkeypatch.setenv("SPRINGDRIFT_SETTINGS", str(file))
    every = kept["settings"][SERIES_ID]["poc"]["periodic"]["every"]
    assert policy("periodic@poc", env=SERIES_ID).every == every
    wrong = CliRunner().invoke(app, ["tune", "periodic", "-s", "wear", "--env", SERIES_ID])
    assert "unknown scenario 'wear'" in str(wrong.exception)


def test_a_comparison_on_series_takes_its_settings_and_is_kept(tmp_path):
    options = ["-s", "poc", "-n", "3", "--env", SERIES_ID, "--json", "--out", str(tmp_path / "out")]
    options += ["--db", str(tmp_path / "runs.sqlite"), "-p", f"threshold@mix,threshold@{ENV_ID}/mix"]
    one = CliRunner().invoke(app, ["compare", *options])
    assert one.exit_code == 0, one.output
    costs = {row["policy"]: row["cost"] for row in json.loads(one.stdout)["results"]}
    assert costs["threshold@mix"] != costs[f"threshold@{ENV_ID}/mix"]
    again = CliRunner().invoke(app, ["compare", *options])
    assert json.loads(again.stdout)["results"] == json.loads(one.stdout)["results"]


def test_a_rule_refuses_what_is_no_dashboard_in_every_world():
    for id, spec in WORLDS.items():
        for observe in spec.world.observations:
            env = spec.env(observe=observe)
            obs, _ = env.reset(seed=0)
            if (
                env.observation_space.shape == (4,) or observe == "signals"
            ):  # Upkeep counts, and has no dashboard
                with pytest.raises(ValueError, match="rules read the dashboard: expected observations"):
                    policy("threshold", env=id).predict(obs)
            else:
                policy("threshold", env=id).predict(obs)


@pytest.fixture(scope="module")
def on_mix():
    """Costs of episodes on mix, by policy and world: the same worlds for all."""
    rules = [f"{rule}@{home}/mix" for home in (ENV_ID, SERIES_ID) for rule in ("threshold", "page-hinkley")]
    seeds = world_seeds("evaluation", 11, 128)
    return {
        (spec, env): evaluate(policy(spec), "mix", seeds, env=env).cost
        for spec in ("never", *rules, "ppo-mix", "ppo-series", "ppo-both")
        for env in (ENV_ID, SERIES_ID)
    }


@pytest.mark.parametrize(
    ("spec", "env"),
    [("ppo-mix", ENV_ID), ("ppo-series", SERIES_ID), ("ppo-both", ENV_ID), ("ppo-both", SERIES_ID)],
)
@pytest.mark.slow
def test_a_learned_policy_beats_the_rules_where_it_learned(spec, env, on_mix):
    """World by world, beyond chance, with the settings tuned there and with those of the other world."""
    for rule, where in on_mix:
        if where == env and not rule.startswith("ppo"):
            assert mean_interval(on_mix[spec, env] - on_mix[rule, env]).high < 0.0, rule


@pytest.mark.parametrize(("spec", "env"), [("ppo-mix", SERIES_ID), ("ppo-series", ENV_ID)])
@pytest.mark.slow
def test_in_the_other_world_it_beats_never_and_loses_to_rules(spec, env, on_mix):
    """A rule's meaning transfers; what one network found in one world does so in part."""
    assert mean_interval(on_mix[spec, env] - on_mix["never", env]).high < 0.0
    for home in (ENV_ID, SERIES_ID):
        rule = on_mix[f"threshold@{home}/mix", env]
        assert mean_interval(on_mix[spec, env] - rule).low > 0.0, home
