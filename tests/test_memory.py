"""What a network remembers: in training, in NumPy without torch, and in production, the same."""

import numpy as np
import pytest
from stable_baselines3.common.vec_env import VecFrameStack

from springdrift import OBS
from springdrift_agents.advise.learned import DashboardNetwork
from springdrift_agents.evaluation.evaluate import world_seeds
from springdrift_agents.evaluation.rollout import begun, rollout
from springdrift_agents.policies import learned, network
from springdrift_agents.policies.learned import Card, Learned
from springdrift_agents.training.memory import VecMemory
from springdrift_agents.training.train import TrainConfig, config_of, make_envs, make_model, train
from springdrift_agents.training.vec_env import SpringdriftVecEnv


def test_it_stacks_as_stable_baselines3_does():
    """Through episodes' ends: the last observation of one, and the zeros before the next."""
    theirs, ours = (
        wrapped(SpringdriftVecEnv(16, scenario="mix", cycles=37), 6) for wrapped in (VecFrameStack, VecMemory)
    )
    rng = np.random.default_rng(0)
    for envs in (theirs, ours):
        envs.seed(3)
    np.testing.assert_array_equal(theirs.reset(), ours.reset())
    ends = 0
    for _ in range(100):
        actions = rng.integers(0, 3, 16)
        one, _, done, infos = theirs.step(actions)
        two, _, _, others = ours.step(actions)
        np.testing.assert_array_equal(one, two)
        for i in np.flatnonzero(done):
            ends += 1
            np.testing.assert_array_equal(infos[i]["terminal_observation"], others[i]["terminal_observation"])
    assert ends >= 32


def test_averages_forget_as_they_say_and_begin_anew():
    envs = VecMemory(SpringdriftVecEnv(3, scenario="shock", cycles=20), stack=2, averages=[4, 10])
    envs.seed(0)
    wide, seen = len(OBS), envs.reset()
    want = np.zeros((2, 3, wide))
    assert seen.shape == (3, 4 * wide)
    for cycle in range(30):
        newest = seen[:, wide : 2 * wide].astype(float)
        want += (newest - want) / np.array([4.0, 10.0])[:, None, None]
        np.testing.assert_allclose(seen[:, 2 * wide : 3 * wide], want[0], atol=1e-5)
        np.testing.assert_allclose(seen[:, 3 * wide :], want[1], atol=1e-5)
        seen, _, done, infos = envs.step(np.zeros(3, np.int64))
        assert done.all() == (cycle == 19)
        if done.all():
            last = infos[0]["terminal_observation"][wide : 2 * wide]
            np.testing.assert_allclose(
                infos[0]["terminal_observation"][2 * wide : 3 * wide],
                want[0, 0] + (last - want[0, 0]) / 4,
                atol=1e-5,
            )
            want[:] = 0.0


def test_a_policy_with_averages_decides_in_numpy_as_in_training_and_in_production(tmp_path):
    config = config_of(
        "ppo",
        steps=512,
        scenario="abrupt",
        episodes=2,
        changes=["averages=[5, 30]", "frame_stack=3", "n_envs=8", "n_steps=64", "batch_size=256"],
    )
    train(config, tmp_path)
    policy = learned.read(tmp_path / "policy")
    assert policy.card.averages == (5.0, 30.0)
    model, envs = make_model(config, make_envs(config)), make_envs(config)
    assert model.observation_space.shape == (policy.card.sees * len(OBS),) == envs.reset().shape[1:]
    alone = DashboardNetwork(str(tmp_path / "policy.safetensors"))
    names = [column.name for column in OBS]
    world = begun(world_seeds("evaluation", 0, 1), "abrupt", cycles=60)
    shown, decided = [world.out.obs[0].copy()], []
    for cycle in rollout(policy, world):
        decided.append(int(cycle.actions[0]))
        shown.append(world.out.obs[0].copy())
    told = [alone.decide(dict(zip(names, row.tolist(), strict=True)), policy.actions) for row in shown[:-1]]
    assert told == [policy.actions[one] for one in decided]


def test_a_device_that_is_not_here_is_refused():
    with pytest.raises(ValueError, match="not here; allowed: cpu"):
        TrainConfig(device="tpu")


@pytest.mark.parametrize("averages", [[0.5], ["x"], [1001], list(range(1, 18)), None])
def test_averages_out_of_range_are_refused(averages):
    with pytest.raises(ValueError, match="averages must be at most 16 numbers from 1 to 1000"):
        Card("ppo", averages=averages)


def test_a_network_of_another_width_is_refused():
    card = Card("ppo", stack=2, averages=(10,))
    weights = {"0.weight": np.zeros((3, 2 * len(OBS)), np.float32), "0.bias": np.zeros(3, np.float32)}
    with pytest.raises(ValueError, match=rf"expected shape \(3, {3 * len(OBS)}\)"):
        Learned(card, weights)
    assert network.seen(np.zeros((1, 6)), np.ones((1, 2)), [2]).tolist() == [[0, 0, 1, 1, 0.5, 0.5]]
