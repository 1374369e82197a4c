"""Rules: Stable-Baselines3's protocol, batches, memory, and what each rule says it does."""

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3.common.evaluation import evaluate_policy

import springdrift
from springdrift import ENV_ID, OBS, InclinedMassEnv, InclinedMassVectorEnv
from springdrift_agents.policies.registry import policy, rules_of
from springdrift_agents.policies.rules import Periodic, Retrain, Swing, Threshold, cycles_of, error_of


def dashboard(n=1, **senses):
    obs = np.zeros((n, len(OBS)), np.float32)
    for name, values in senses.items():
        obs[:, OBS.index(name)] = values
    return obs


@pytest.mark.parametrize("name", rules_of())
def test_sb3s_evaluate_policy_runs_every_rule_unchanged(name):
    env = gym.make(ENV_ID, scenario="abrupt", cycles=30)
    env.reset(seed=0)
    mean, _ = evaluate_policy(policy(name), env, n_eval_episodes=2, warn=False)
    assert -200 < mean < 0


@pytest.mark.parametrize("name", rules_of())
def test_a_batch_decides_as_each_alone(name):
    n = 12
    envs = InclinedMassVectorEnv(n, scenario="compound")
    obs, _ = envs.reset(seed=5)
    singles = [InclinedMassEnv("compound") for _ in range(n)]
    alone = [env.reset(seed=5 + i)[0] for i, env in enumerate(singles)]
    rule, state, states = policy(name), None, [None] * n
    for t in range(120):
        actions, state = rule.predict(obs, state, np.full(n, t == 0))
        for i in range(n):
            action, states[i] = rule.predict(alone[i], states[i], np.array([t == 0]))
            assert action == actions[i]
            alone[i] = singles[i].step(action)[0]
        obs = envs.step(actions)[0]


def test_periodic_keeps_its_calendar_and_episode_start_clears_it():
    rule, state, seen = Periodic(every=4), None, []
    for t in range(10):
        action, state = rule.predict(dashboard()[0], state, np.array([t in (0, 6)]))
        seen.append(int(action))
    assert seen == [0, 0, 0, 2, 0, 0, 0, 0, 0, 2]


def test_swing_has_hysteresis():
    rule, state, seen = Swing(start=0.3, stop=0.2), None, []
    for swing in (0.25, -0.35, -0.25, -0.15, -0.25, 0.31):
        action, state = rule.predict(dashboard(swing=swing), state)
        seen.append(int(action[0]))
    assert seen == [0, 1, 1, 0, 0, 1]


def test_retrain_waits_for_cooldown_and_flight():
    high, rested = (2.0 - 0.25) / (2.0 + 0.25), 6 / 26
    obs = dashboard(
        5, error_fast=[high, high, high, -0.5, high], since_retrain=[rested, 5 / 25, 0.9, 0.9, 0.9]
    )
    obs[4, OBS.index("in_flight")] = 0.5
    assert Retrain(error=1.9, cooldown=6).predict(obs)[0].tolist() == [2, 0, 2, 0, 0]
    obs[:, OBS.index("swing")] = -0.9
    assert Threshold(error=1.9, cooldown=6).predict(obs)[0].tolist() == [2, 1, 2, 1, 1]


def test_gauges_read_back():
    env = InclinedMassEnv("stationary")
    env.reset(seed=0)
    env.step(2)
    for _ in range(7):
        obs = env.step(0)[0]
    assert cycles_of(obs[OBS.index("since_retrain")]) == pytest.approx(7, abs=1e-3)
    measured = env.world.batch.field("measured_error")[0, 0]
    assert error_of(obs[OBS.index("error")]) == pytest.approx(measured, rel=1e-4)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("treshold", "did you mean 'threshold'"),
        ("swing:start=high", "swing:start must be a number, got 'high'"),
        ("swing:begin=1", "'swing' has no parameter 'begin'; it has: start, stop"),
        ("never:x=1", "it has: none"),
        ("retrain:error=-1", "Retrain.error must be 0 or more"),
        ("retrain:error=nan", "Retrain.error must be 0 or more, got nan"),
    ],
)
def test_bad_specs_are_named(spec, message):
    with pytest.raises(ValueError, match=message):
        policy(spec)


def test_rules_refuse_an_observation_they_cannot_read():
    env = springdrift.InclinedMassEnv(observe="signals")
    obs, _ = env.reset(seed=0)
    with pytest.raises(ValueError, match='observe="monitor"'):
        Swing().predict(obs)


@pytest.mark.parametrize("name", ["cusum", "ewma", "page-hinkley", "adwin"])
@pytest.mark.parametrize("fresh", [0, 2, 2.6])
def test_detector_rules_wait_for_a_fresh_window_after_the_alarm(name, fresh):
    rule = policy(f"{name}:fresh={fresh}")
    calm, wild = np.zeros(len(OBS), np.float32), np.zeros(len(OBS), np.float32)
    calm[OBS.index("error")], wild[OBS.index("error")] = -0.6, 0.8
    state, asked = None, []
    for t in range(60):
        action, state = rule.predict(wild if t >= 30 else calm, state)
        asked.append(int(action))
    assert 2 not in asked[:30]
    first = asked.index(2)
    alarm = policy(f"{name}:fresh=0")
    state, now = None, []
    for t in range(60):
        action, state = alarm.predict(wild if t >= 30 else calm, state)
        now.append(int(action))
    assert first - now.index(2) == np.ceil(fresh)


def test_a_detector_is_held_while_a_model_is_in_training():
    rule = policy("cusum:fresh=0")
    obs = np.zeros(len(OBS), np.float32)
    obs[OBS.index("error")] = 0.9
    first, state = rule.predict(obs)
    obs[OBS.index("in_flight")] = 1.0
    later = []
    for _ in range(5):
        action, state = rule.predict(obs, state)
        later.append(int(action))
    assert int(first) == 2
    assert 2 not in later
