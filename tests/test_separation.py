"""The verdicts of ``springdrift bench separation``: what the figures do not bear out, they do not say."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from bench import separation
from bench.separation import GAMES, Verdict, scenarios_of
from bench.separation import judge as judged
from springdrift import ENV_ID, OPS_ID, SCENARIOS, SERIES_ID, SERIES_OPS_ID, WORLDS
from springdrift_agents.cli.app import app
from springdrift_agents.policies.base import fits
from springdrift_agents.policies.registry import policy

GAME = GAMES[ENV_ID]
QUIET, STALE, STRATEGIES = GAME.quiet, GAME.stale, GAME.strategies
TOGETHER, NOWHERE = "retraining alone loses to both together", "no one fixed setting is good everywhere"


def judge(costs):
    return judged(costs, GAME)


def played(n=64):
    """Costs that bear every claim out, in worlds that differ far more from each other than strategies do."""
    costs = {}
    for place, scenario in enumerate(SCENARIOS):
        hard = 40.0 * np.random.default_rng(place).exponential(size=n)
        here = {spec: hard + 100.0 for spec in STRATEGIES}
        if scenario in ("faulty-sensor", "chaos"):
            here |= {spec: 2.0 * hard + 200.0 for spec in STRATEGIES[3:]}
        if scenario in QUIET:
            here |= {spec: 2.0 * hard + 160.0 for spec in STRATEGIES if GAME.calendar(spec)}
            here["never"] = hard + 90.0
        elif scenario == "wear":
            here["swing"] = hard + 90.0
        elif scenario != "chaos":
            here |= {spec: hard + 120.0 for spec in STRATEGIES if GAME.calendar(spec)}
            here |= {"never": 3.0 * hard + 300.0, "swing": 2.0 * hard + 200.0, "retrain": hard + 104.0}
        here["always"] = 2.0 * hard + 300.0
        costs |= {(scenario, spec): here[spec] for spec in STRATEGIES}
    return costs


def holds(costs, claim):
    (verdict,) = (verdict for verdict in judge(costs) if verdict.claim.startswith(claim))
    return verdict.holds


def test_every_claim_can_hold():
    verdicts = judge(played())
    assert [verdict.claim for verdict in verdicts if not verdict.holds] == []
    assert len(verdicts) == 9


def test_a_difference_counts_world_by_world_not_against_the_spread_of_the_worlds():
    costs = played()
    spread = costs["mix", "retrain"].std() / np.sqrt(64)
    gap = costs["mix", "retrain"] - costs["mix", "threshold"]
    assert gap.mean() < 2.8 * spread  # two intervals side by side would overlap
    assert holds(costs, TOGETHER)


def test_a_difference_of_means_that_is_not_certain_is_not_claimed():
    costs = played()
    noise = np.random.default_rng(1).normal(0.0, 200.0, 64)
    costs["mix", "retrain"] = costs["mix", "threshold"] + 4.0 + noise - noise.mean()
    assert not holds(costs, TOGETHER)


def test_a_setting_that_is_best_all_but_once_is_good_everywhere():
    costs = played()
    for scenario in SCENARIOS:
        costs[scenario, "threshold"] = min((costs[scenario, s] for s in STRATEGIES), key=np.mean)
    costs["chaos", "threshold"] = 3.0 * costs["chaos", "threshold"]
    assert not holds(costs, NOWHERE)


def test_what_is_cheaper_by_a_trifle_has_not_won_and_by_more_it_has():
    for cheaper, fine in ((0.3, True), (5.0, False)):
        costs = played()
        costs["shock", "swing"] = costs["shock", "never"] - cheaper
        assert holds(costs, "never acting is right") == fine


@pytest.mark.parametrize(
    ("claim", "spec", "scenario"),
    [
        ("always acting costs", "always", "release-train"),
        ("never acting costs more than twice", "never", STALE[-1]),
        ("intervening alone costs", "swing", STALE[1]),
    ],
)
def test_one_scenario_that_contradicts_is_enough(claim, spec, scenario):
    costs = played()
    costs[scenario, spec] = min((costs[scenario, s] for s in STRATEGIES), key=np.mean)
    assert not holds(costs, claim)


def test_the_command_takes_a_seed_and_says_what_it_found(monkeypatch):
    monkeypatch.setattr(separation, "scenarios_of", lambda env: ["poc"])
    monkeypatch.setattr(
        separation, "judge", lambda costs, game: [Verdict("all is well", len(costs) != 8, "")]
    )

    def bench(*options):
        found = CliRunner().invoke(app, ["bench", "separation", "-n", "3", "--json", *options])
        assert found.exit_code == 1, found.output  # as the one claim does not hold
        return json.loads(found.stdout)

    zero, again, other = bench(), bench("--seed", "0"), bench("--seed", "5")
    assert zero == again
    assert zero["results"] != other["results"]
    assert (zero["seed"], other["seed"]) == (0, 5)
    assert [row["policy"] for row in other["results"]] == list(STRATEGIES)
    assert zero["verdicts"] == [{"claim": "all is well", "holds": False, "figures": ""}]
    assert CliRunner().invoke(app, ["bench", "separation", "--seed", "-1"]).exit_code == 2


def _shown(env):
    world = WORLDS[env].world
    return world.observations["monitor"].names, world.actions.names


def test_claims_are_made_of_scenarios_and_strategies_that_there_are():
    for env, game in GAMES.items():
        places = scenarios_of(env)
        said = (*game.quiet, *game.stale, *game.overrides, *game.calendars, *game.triggers, *game.together)
        assert set(said) <= set(places)
        rules = (game.override, game.trigger, *game.calendars.values(), *game.triggers.values())
        assert set(rules) <= set(game.strategies)
        assert game.both or not game.together
    for env, claims in separation.DUELS.items():
        duels = [duel for part in claims.values() for duel in part]
        assert {duel.scenario for duel in duels} <= set(scenarios_of(env))
        assert all(fits(policy(spec), *_shown(env)) for duel in duels for spec in duel[1:])
    assert "co2" not in scenarios_of(SERIES_ID)
    refused = CliRunner().invoke(app, ["bench", "separation", "--env", "springdrift/UpkeepDashboard-v0"])
    assert "nothing is claimed of springdrift/UpkeepDashboard-v0" in str(refused.exception)


@pytest.mark.slow
@pytest.mark.parametrize("env", [OPS_ID, SERIES_OPS_ID])
def test_with_five_decisions_each_is_right_somewhere_and_wrong_somewhere(env):
    _, verdicts = separation.separation(256, env=env)
    assert [verdict for verdict in verdicts if not verdict.holds] == []
    assert len(verdicts) > len(separation.DUELS[env])


@pytest.mark.slow
def test_on_series_each_strategy_is_right_somewhere_and_wrong_somewhere():
    _, verdicts = separation.separation(64, env=SERIES_ID)
    assert [verdict for verdict in verdicts if not verdict.holds] == []
    assert len(verdicts) == 11
