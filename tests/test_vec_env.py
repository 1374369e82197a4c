"""The adapter for Stable-Baselines3 against SB3's own DummyVecEnv and Monitor over scalar envs."""

import pickle

import gymnasium as gym
import numpy as np
import pytest
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor, VecNormalize, VecVideoRecorder

from playing import check_alike
from springdrift import ENV_ID, SERIES_ID, TERMS, InclinedMassEnv
from springdrift.registry import world_spec
from springdrift_agents.evaluation.evaluate import world_seeds
from springdrift_agents.policies.registry import policy
from springdrift_agents.training.vec_env import SpringdriftVecEnv

WORLDS = pytest.mark.parametrize("env", [ENV_ID, SERIES_ID])


@WORLDS
def test_equals_dummy_vec_env_with_monitor(env):
    ours = SpringdriftVecEnv(5, scenario="mix", cycles=12, full_infos=True, env=env)
    few = SpringdriftVecEnv(5, scenario="mix", cycles=12, env=env)
    kind = world_spec(env)
    few.seed(3)
    few.reset()
    theirs = DummyVecEnv([lambda: Monitor(kind.env("mix", cycles=12))] * 5)
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
        for mine, other in zip(infos, their_infos, strict=True):
            assert set(mine) == set(other)
            assert all(mine[name] == other[name] for name in ("terms", "truth", "TimeLimit.truncated"))
        assert len({id(part) for info in infos for part in (info, info["terms"], info["truth"])}) == 15
        assert ours.reset_infos == theirs.reset_infos
        for short, full, ended in zip(few.step(actions)[3], infos, done, strict=True):
            assert set(short) == (set(full) if ended else {"TimeLimit.truncated"})
            assert all(short[name] == full[name] for name in set(short) & {"terms", "truth"})
        for i in np.flatnonzero(done):
            mine, other = infos[i], their_infos[i]
            np.testing.assert_array_equal(mine["terminal_observation"], other["terminal_observation"])
            assert mine["TimeLimit.truncated"] == other["TimeLimit.truncated"]
            assert mine["episode"]["r"] == pytest.approx(other["episode"]["r"], abs=1e-5)
            assert mine["episode"]["l"] == other["episode"]["l"] == 12
            assert -sum(mine["episode"][term] for term in kind.terms) == pytest.approx(mine["episode"]["r"])


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
@pytest.mark.parametrize(("algorithm", "env"), [(PPO, ENV_ID), (DQN, ENV_ID), (PPO, SERIES_ID)])
def test_stable_baselines_trains_on_it(algorithm, env):
    envs = VecNormalize(SpringdriftVecEnv(8, scenario="stationary", cycles=10, env=env), norm_obs=False)
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
    with pytest.raises(ValueError, match="copy cannot be chosen: observations are always copies here"):
        SpringdriftVecEnv(2, copy=False)
    for form in ("nested", "flat", "none"):
        with pytest.raises(ValueError, match="info cannot be chosen: it is always nested here"):
            SpringdriftVecEnv(2, info=form)
    with pytest.raises(ValueError, match=r"max_episode_steps cannot be chosen: .* set cycles"):
        SpringdriftVecEnv(2, max_episode_steps=9)
    with pytest.raises(ValueError, match="unknown option 'scenrio'; did you mean 'scenario'"):
        SpringdriftVecEnv(2, scenrio="mix")
    with pytest.raises(ValueError, match="UpkeepDashboard-v0 draws nothing"):
        SpringdriftVecEnv(2, render_mode="rgb_array", env="springdrift/UpkeepDashboard-v0")
    with pytest.raises(ValueError, match="unknown render_mode 'human'; allowed: None, rgb_array"):
        SpringdriftVecEnv(2, render_mode="human")
    with pytest.raises(AttributeError, match="pass options when the envs are made"):
        envs.set_attr("scenario", "wear")
    with pytest.raises(AttributeError, match="no method 'dance'"):
        envs.env_method("dance")
    envs.set_options({"scenarios": "wear"})
    with pytest.raises(ValueError, match="unknown reset option 'scenarios'"):
        envs.reset()
    with pytest.raises(ValueError, match="out of range"):
        SpringdriftVecEnv(2, scenario="stationary").step(np.array([0, 7]))


@pytest.mark.filterwarnings("ignore::UserWarning:stable_baselines3", "ignore::DeprecationWarning")
def test_learning_sees_the_observations_that_decisions_were_made_from():
    """The same weights as on DummyVecEnv: what a rollout keeps is not overwritten by the next step."""
    weights = []
    for make in (
        lambda: SpringdriftVecEnv(3, scenario="mix", cycles=9),
        lambda: DummyVecEnv([lambda: Monitor(InclinedMassEnv("mix", cycles=9))] * 3),
    ):
        envs = make()
        model = PPO("MlpPolicy", envs, seed=0, device="cpu", n_steps=16, n_epochs=2, batch_size=16)
        envs._seeds = world_seeds("training", 0, 3).tolist()
        model._last_obs = envs.reset()
        model._last_episode_starts = np.ones(3, np.bool_)
        model.learn(48, reset_num_timesteps=False)
        weights.append([value.numpy().copy() for value in model.policy.state_dict().values()])
    for ours, theirs in zip(*weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@WORLDS
def test_attributes_are_those_of_single_envs(env):
    ours = SpringdriftVecEnv(3, scenario="tilt", latency=5, env=env)
    theirs = DummyVecEnv([lambda: gym.make(env, scenario="tilt", latency=5)] * 3)
    for name in ("action_space", "observation_space", "render_mode"):
        assert ours.get_attr(name) == theirs.get_attr(name)
    assert ours.get_attr("latency", [0, 2]) == [5, 5]
    assert [spec.id for spec in ours.get_attr("spec")] == [env] * 3
    assert ours.get_attr("spec")[0].kwargs["latency"] == 5
    remade = ours.spec.make()
    assert remade.unwrapped.world.latency == 5
    for name in ("world", "num_envs", "autoreset_mode"):  # the batch's, and no single env has them
        with pytest.raises(AttributeError, match=f"single envs have no attribute '{name}'"):
            ours.get_attr(name)


@pytest.mark.filterwarnings("ignore:The environment is already wrapped with a `Monitor`")
def test_vec_monitor_keeps_terms(tmp_path):
    envs = VecMonitor(
        SpringdriftVecEnv(2, scenario="poc", cycles=6), str(tmp_path / "log"), info_keywords=("terms",)
    )
    envs.seed(0)
    envs.reset()
    for _ in range(6):
        _, _, done, infos = envs.step(np.zeros(2, np.int64))
    assert done.all()
    assert all(set(info["episode"]["terms"]) == set(TERMS) for info in infos)
    envs.close()
    log = (tmp_path / "log.monitor.csv").read_text()
    assert ENV_ID in log.splitlines()[0]


@WORLDS
def test_pictures_are_those_of_the_single_envs(env):
    options = {"scenario": "mix", "cycles": 9, "observe": "signals"}
    ours = SpringdriftVecEnv(
        3, render_mode="rgb_array", render_options={"size": (320, 200)}, env=env, **options
    )
    seeds = ours.seed(4)
    ours.reset()
    for _ in range(5):
        ours.step(np.array([0, 1, 2]))
    before = pickle.dumps(ours.envs.get_state())
    pictures = ours.get_images()
    assert pickle.dumps(ours.envs.get_state()) == before
    for seed, action, picture in zip(seeds, (0, 1, 2), pictures, strict=True):
        one = world_spec(env).env(render_mode="rgb_array", render_options={"size": (320, 200)}, **options)
        one.reset(seed=seed)
        for _ in range(5):
            one.step(action)
        one.set_state(one.get_state())  # as one that did not watch the episode so far
        check_alike(picture, one.render())
    assert len({picture.tobytes() for picture in pictures}) == 3
    assert ours.render().shape == (400, 640, 3)  # tiled
    assert ours.env_method("render", indices=[1])[0].shape == (200, 320, 3)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_vec_video_recorder_writes_a_film(tmp_path):
    envs = VecVideoRecorder(
        SpringdriftVecEnv(2, render_mode="rgb_array", scenario="poc", cycles=8),
        str(tmp_path),
        record_video_trigger=lambda step: step == 0,
        video_length=4,
    )
    envs.reset()
    for _ in range(6):
        envs.step(np.zeros(2, np.int64))
    envs.close()
    film = tmp_path / "rl-video-step-0-to-step-4.mp4"
    assert film.stat().st_size > 1000
