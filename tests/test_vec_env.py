"""The adapter for Stable-Baselines3 against SB3's own DummyVecEnv and Monitor over scalar envs."""

import numpy as np
import pytest
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from springdrift import TERMS, InclinedMassEnv
from springdrift_agents.evaluation.evaluate import world_seeds
from springdrift_agents.policies.rules import policy
from springdrift_agents.training.vec_env import SpringdriftVecEnv


def test_equals_dummy_vec_env_with_monitor():
    ours = SpringdriftVecEnv(5, scenario="mix", cycles=12)
    theirs = DummyVecEnv([lambda: Monitor(InclinedMassEnv("mix", cycles=12))] * 5)
    theirs._seeds = ours.seed(3)
    np.testing.assert_array_equal(ours.reset(), theirs.reset())
    rng = np.random.default_rng(0)
    for step in range(30):
        actions = rng.integers(3, size=5)
        obs, reward, done, infos = ours.step(actions)
        their_obs, their_reward, their_done, their_infos = theirs.step(actions)
        np.testing.assert_array_equal(obs, their_obs)
        np.testing.assert_array_equal(reward, their_reward)
        np.testing.assert_array_equal(done, their_done)
        assert (obs.dtype, reward.dtype, done.dtype) == (
            their_obs.dtype,
            their_reward.dtype,
            their_done.dtype,
        )
        assert done.all() == ((step + 1) % 12 == 0)
        for i in np.flatnonzero(done):
            mine, other = infos[i], their_infos[i]
            np.testing.assert_array_equal(mine["terminal_observation"], other["terminal_observation"])
            assert mine["TimeLimit.truncated"] == other["TimeLimit.truncated"]
            assert mine["episode"]["r"] == pytest.approx(other["episode"]["r"], abs=1e-5)
            assert mine["episode"]["l"] == other["episode"]["l"] == 12
            assert -sum(mine["episode"][term] for term in TERMS) == pytest.approx(mine["episode"]["r"])


def test_options_choose_the_scenario_of_each_env():
    envs = SpringdriftVecEnv(2, scenario="mix")
    envs.set_options([{"scenario": "wear"}, {"scenario": "stationary"}])
    envs.seed(0)
    envs.reset()
    _, info = envs.envs.step(np.zeros(2, np.int64))[0], envs.envs._info()
    names = [envs.envs.world.table.names[int(row)] for row in info["truth"]["scenario"]]
    assert names == ["wear", "stationary"]


def test_worlds_of_training_are_not_those_of_evaluation():
    training = SpringdriftVecEnv(8).seed(0)
    assert training == world_seeds("training", 0, 8).tolist()
    assert not set(training) & set(world_seeds("evaluation", 0, 8).tolist())
    assert len(set(SpringdriftVecEnv(8).seed(None))) == 8


def test_evaluate_policy_takes_rules():
    envs = SpringdriftVecEnv(4, purpose="evaluation", scenario="abrupt", cycles=20)
    envs.seed(0)
    mean, _ = evaluate_policy(policy("periodic:every=5"), envs, n_eval_episodes=8)
    assert mean < -10


@pytest.mark.filterwarnings("ignore::UserWarning:stable_baselines3", "ignore::DeprecationWarning")
@pytest.mark.parametrize("algorithm", [PPO, DQN])
def test_stable_baselines_trains_on_it(algorithm):
    envs = VecNormalize(SpringdriftVecEnv(8, scenario="stationary", cycles=10), norm_obs=False)
    options = (
        {"n_steps": 16, "n_epochs": 1, "batch_size": 32} if algorithm is PPO else {"learning_starts": 10}
    )
    model = algorithm("MlpPolicy", envs, seed=0, device="cpu", **options).learn(256)
    assert model.num_timesteps == 256
    assert len(model.ep_info_buffer) >= 16
    assert all(episode["l"] == 10 for episode in model.ep_info_buffer)


def test_action_masks_reach_sb3_contrib():
    envs = SpringdriftVecEnv(3, scenario="stationary")
    envs.reset()
    assert is_masking_supported(envs)
    envs.step(np.array([0, 2, 1]))
    np.testing.assert_array_equal(get_action_masks(envs)[:, 2], [True, False, True])


def test_wrong_uses_get_a_sentence():
    envs = SpringdriftVecEnv(2)
    with pytest.raises(ValueError, match="unknown purpose 'play'"):
        SpringdriftVecEnv(2, purpose="play")
    with pytest.raises(ValueError, match="always SAME_STEP"):
        SpringdriftVecEnv(2, autoreset_mode="Disabled")
    with pytest.raises(AttributeError, match="pass options when the envs are made"):
        envs.set_attr("scenario", "wear")
    with pytest.raises(AttributeError, match="no method 'dance'"):
        envs.env_method("dance")
    envs.set_options({"scenarios": "wear"})
    with pytest.raises(ValueError, match="unknown reset option 'scenarios'"):
        envs.reset()
    with pytest.raises(ValueError, match="out of range"):
        SpringdriftVecEnv(2, scenario="stationary").step(np.array([0, 7]))
