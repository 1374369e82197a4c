"""Five decisions on the incline: fine-tuning, versions and rollback."""

import json

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import springdrift
from playing import play
from springdrift import OPS_ID, SERIES_OPS_ID, WORLDS, Action, BadRelease, Scenario
from springdrift.incline import model
from springdrift.incline.kernel.versions import DAMPED
from springdrift.incline.operations import OPS_SCENARIOS, InclinedMassOpsEnv, InclinedMassOpsWorld
from springdrift.incline.state import LAGS
from springdrift.render.frame import Service
from springdrift_agents.cli.app import app
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.evaluation.statistics import mean_interval
from springdrift_agents.play import game
from springdrift_agents.play import table as table_of
from springdrift_agents.policies.registry import policy, policy_names

WAIT, INTERVENE, RETRAIN, FINE_TUNE, ROLLBACK = Action


def field(env, name):
    """A field of the state of a single env, (size,)."""
    return env.world.batch.field(name)[0, ..., 0].reshape(-1).astype(np.float64)


def test_versions_have_numbers_parents_and_windows():
    env = InclinedMassOpsEnv("stationary")
    told = [step[4]["version"] for step in play(env, [WAIT] * 4 + [FINE_TUNE, WAIT, RETRAIN] + [WAIT] * 4)]
    assert told[0] == {
        **{"number": 0.0, "parent": -1.0, "fitted_from": -6.0, "fitted_to": 0.0, "served": 1.0, "tuned": 0.0},
        "fit_error": told[0]["fit_error"],
    }
    tuned, fresh = told[5], told[9]
    assert (tuned["number"], tuned["parent"], tuned["tuned"], tuned["served"]) == (1.0, 0.0, 1.0, 1.0)
    assert (tuned["fitted_from"], tuned["fitted_to"]) == (1.0, 4.0)
    assert (fresh["number"], fresh["parent"], fresh["tuned"], fresh["served"]) == (2.0, 1.0, 0.0, 1.0)
    assert (fresh["fitted_from"], fresh["fitted_to"]) == (0.0, 6.0)
    back = env.step(ROLLBACK)[4]["version"]
    assert (back["number"], back["served"], back["fitted_to"]) == (1.0, 5.0, 4.0)
    again = env.step(ROLLBACK)[4]["version"]  # it takes the rollback back
    assert (again["number"], again["served"]) == (2.0, fresh["served"] + 2.0)
    assert env.step(FINE_TUNE)[4]["version"]["number"] == 3.0


@settings(max_examples=10, deadline=None)
@given(
    st.integers(0, 2**32), st.lists(st.sampled_from([WAIT, INTERVENE, FINE_TUNE]), min_size=8, max_size=30)
)
def test_a_fine_tuning_is_a_ridge_regression_toward_the_last_retraining(seed, actions):
    """Whatever was fine-tuned before: it leans on the anchor, not on the model in service."""
    env = InclinedMassOpsEnv("gradual")
    env.reset(seed=seed)
    anchor = field(env, "model")
    for action in actions:
        env.step(action)
    np.testing.assert_array_equal(field(env, "anchor"), anchor)
    y = env.world.batch.window("window_y")[0, :, 0].astype(np.float64)[-model.TUNED :]
    u = env.world.batch.window("window_u")[0, :, 0].astype(np.float64)[-model.TUNED :]
    env.step(FINE_TUNE)
    lags = np.stack([y[LAGS - 1 - i : -1 - i] for i in range(LAGS)], axis=1) - y.mean()
    columns = np.column_stack((lags, (u[LAGS:] + u[LAGS - 1 : -1]) / 2))
    own = anchor.copy()
    own[-1] += own[:LAGS].sum() * y.mean()  # the level, for lags less their mean
    rest = y[LAGS:] - columns @ own[:-1] - own[-1]
    columns = np.column_stack((columns, np.ones(len(columns))))
    weights = model.TUNED_PULL * np.array([model.RIDGE_LAG] * LAGS + [model.RIDGE_FORCE, model.RIDGE_LEVEL])
    change = np.linalg.solve(columns.T @ columns + np.diag(weights), columns.T @ rest)
    wanted = own + change
    wanted[-1] -= wanted[:LAGS].sum() * y.mean()
    np.testing.assert_allclose(field(env, "model"), wanted, rtol=2e-3, atol=2e-4)


def test_a_bad_release_serves_what_was_not_fitted_and_a_fine_tuning_mends_it():
    every = Scenario("bad", "every deployment goes wrong", (BadRelease(1.0),))
    env = InclinedMassOpsEnv(every)
    _, _, _, _, info = play(env, [FINE_TUNE])[-1]
    assert info["truth"]["bad"] == 1.0
    served, fitted = (np.float32(field(env, name)) for name in ("model", "candidate"))
    np.testing.assert_array_equal(served, fitted * DAMPED)
    calm = play(InclinedMassOpsEnv("stationary"), [FINE_TUNE, WAIT, WAIT])
    spoilt = play(InclinedMassOpsEnv(every), [FINE_TUNE, WAIT, WAIT])
    assert spoilt[2][4]["truth"]["error"] > 10 * calm[2][4]["truth"]["error"]
    assert spoilt[2][4]["version"]["fit_error"] == calm[2][4]["version"]["fit_error"]  # it looked right


def test_what_the_version_before_would_have_said_is_shown():
    """In service it has that error; the column of a twin in which it was replaced says the same of it."""
    waiting, replaced = InclinedMassOpsEnv("stationary"), InclinedMassOpsEnv("stationary")
    place = WORLDS[OPS_ID].world.observations["monitor"].index("previous_error")
    obs = play(replaced, [WAIT, WAIT, FINE_TUNE])[-1][0]
    own = play(waiting, [WAIT, WAIT, WAIT])[-1][0]
    assert play(InclinedMassOpsEnv("stationary"), [WAIT])[-1][0][place] == 1.0  # there is none
    assert obs[place] == pytest.approx(own[springdrift.OBS.index("error")], abs=1e-5)


def test_the_rules_of_five_decisions_play_there_and_are_refused_elsewhere():
    for name in ("fine-tune", "rollback", "champion", "operations"):
        assert name in policy_names(OPS_ID)
        assert name not in policy_names()
        assert np.isfinite(evaluate(policy(name), "bad-release", range(4), env=OPS_ID).cost).all()
        with pytest.raises(ValueError, match=r"since_fine_tune|previous_error|FINE_TUNE"):
            evaluate(policy(name), "abrupt", range(2))


@pytest.mark.parametrize("scenario", ["bad-release", "returning", "two-speed", "mix-ops"])
def test_contract_holds_in_the_new_scenarios(scenario):
    for observe in WORLDS[OPS_ID].world.observations:
        springdrift.check(gym.make(OPS_ID, scenario=scenario, observe=observe, cycles=60), seed=11)


@settings(max_examples=25, deadline=None)
@given(
    scenario=st.sampled_from(sorted(OPS_SCENARIOS)),
    seed=st.integers(0, 2**63 - 1),
    actions=st.lists(st.integers(0, 4), min_size=1, max_size=40),
)
def test_properties(scenario, seed, actions):
    env = InclinedMassOpsEnv(scenario)
    obs, info = env.reset(seed=seed)
    for action in actions:
        twin, masks = env.fork(), env.action_masks()
        assert env.observation_space.contains(obs)
        obs, reward, terminated, _, info = env.step(action)
        assert twin.step(action)[1] == reward
        assert reward == pytest.approx(-sum(info["terms"].values()), abs=1e-12)
        fee = {2: "retrain", 3: "fine_tune", 4: "rollback"}.get(action)
        assert fee is None or (info["terms"][fee] > 0.0) == bool(masks[action])
        assert np.isfinite(env.world.batch.real).all()
        assert info["version"]["number"] != info["truth"]["previous_version"]
        first, behind = info["version"]["fitted_from"], info["version"]["fitted_to"]
        assert first < behind or first == behind == 0  # a cold start has nothing to fit
        if terminated:
            break


def test_one_world_or_many_the_bits_are_the_same():
    rng = np.random.default_rng(0)
    decisions = rng.choice(5, size=(50, 70), p=(0.6, 0.1, 0.1, 0.1, 0.1))
    many = InclinedMassOpsWorld(70, "mix-ops")
    many.seed(np.arange(70), np.arange(70).astype(np.uint64))
    many.begin(np.ones(70, bool))
    many.fill_idle()
    seen = []
    for row in decisions:
        many.advance(row.astype(np.int64))
        seen.append((many.out.obs[33].copy(), many.out.reward[33], many.out.truth[:, 33].copy()))
    alone = InclinedMassOpsWorld(1, "mix-ops")
    alone.seed(np.arange(1), np.array([33], np.uint64))
    alone.begin(np.ones(1, bool))
    alone.fill_idle()
    for row, (obs, reward, truth) in zip(decisions, seen, strict=True):
        alone.advance(row[33:34].astype(np.int64))
        np.testing.assert_array_equal(alone.out.obs[0], obs)
        np.testing.assert_array_equal(alone.out.truth[:, 0], truth)
        assert alone.out.reward[0] == reward


def test_the_recorder_tells_which_version_served_when():
    env = InclinedMassOpsEnv("stationary", render_mode="ansi")
    play(env, [FINE_TUNE, WAIT, RETRAIN, ROLLBACK, WAIT, WAIT, ROLLBACK, WAIT])
    frame = env.recorder(env.world).now()
    assert [one.number for one in frame.services] == [0]  # followed from here on
    recorder = env._renderer.recorder
    assert recorder.now().services == (
        Service(0, 0, False, False),
        Service(1, 1, True, False),
        Service(0, 3, False, True),  # in the cycle in which it was decided
        Service(2, 5, False, False),
        Service(0, 6, False, True),
    )
    assert [one.number for one in recorder.frame(3).services] == [0, 1]


def test_the_game_is_played_with_five_decisions(tmp_path, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr(game, "rules_of", lambda env: ("never", "champion"))
    played = game.Game("returning", seed=4, cycles=12, env=OPS_ID)
    table = table_of.Table(played, "ada", tmp_path / "scores.csv", title=False, guided=False)
    keys = table.pygame
    for key, action in ((keys.K_f, FINE_TUNE), (keys.K_LEFT, ROLLBACK), (keys.K_r, RETRAIN)):
        table._key(key)
        assert table._asked == action
        played.decide(action)
    for _, _, action, (x, y, w, h) in table.buttons():
        table._mouse(1, (x + w // 2, y + h // 2))
        assert table._asked == action
    assert [one[2] for one in table.buttons()] == list(range(5))
    assert table.buttons()[-1][3][0] + table.buttons()[-1][3][2] < 520
    while not played.over:
        played.decide(WAIT)
    card = played.card()
    assert card[0][0] == "you"
    assert card[0][2][4:] == [1.0, 0.5]
    assert {"hindsight", "never"} <= {name for name, *_ in card}
    assert played.name == "InclinedMassOps-v0/returning"
    with pytest.raises(ValueError, match="the game is played on an incline"):
        game.Game("abrupt", 0, env=springdrift.SERIES_ID)


def test_lists_tell_what_this_world_has():
    def told(*command):
        found = CliRunner().invoke(app, [*command, "--env", OPS_ID, "--json"])
        return json.loads(found.stdout)

    assert list(told("scenarios")) == list(OPS_SCENARIOS)
    assert list(told("policies")) == policy_names(OPS_ID)
    assert told("costs")["rollback"] == 0.5
    seen = CliRunner().invoke(app, ["observation", "--env", OPS_ID]).stdout
    assert "previous_error" in seen
    assert "fine_tune + rollback" in seen


@pytest.mark.parametrize(
    ("env", "learned", "seed", "worlds", "rival"),
    [
        (OPS_ID, "ppo-ops", 41, 256, "threshold"),
        pytest.param(SERIES_OPS_ID, "distilled-ops-series", 43, 400, "cusum", marks=pytest.mark.slow),
    ],
)
def test_the_learned_policy_beats_the_best_tuned_rule_on_fresh_worlds(env, learned, seed, worlds, rival):
    seeds = world_seeds("evaluation", seed, worlds)
    rules = [f"{name}@mix-ops" for name in ("operations", "champion", "fine-tune", "expert", rival)]
    costs = {
        spec: evaluate(policy(spec, env=env), "mix-ops", seeds, env=env).cost for spec in (*rules, learned)
    }
    best = min(rules, key=lambda spec: costs[spec].mean())
    assert mean_interval(costs[best] - costs[learned]).low > 3.0
