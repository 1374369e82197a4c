"""Minari: episodes are collected into a data set, which is read back and gives its env anew."""

import os
import tempfile

import gymnasium as gym
import minari
import numpy as np
from worlds import SEED, on_each

import springdrift

NAMES = {id: id.removeprefix("springdrift/").removesuffix("-v0").lower() for id in gym.registry}


def collect(id: str, steps: int) -> float:
    """Collect at random; the data set knows its env, one's own scenario included."""
    options = {}
    if id == springdrift.ENV_ID:
        mine = springdrift.Scenario(
            "mine", "the stiffness jumps", laws=(springdrift.Jump("stiffness", (6.0, 15.0)),)
        )
        options = {"scenario": mine}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MINARI_DATASETS_PATH"] = folder
        env = minari.DataCollector(gym.make(id, **options), record_infos=True)
        env.action_space.seed(SEED)
        for episode in range(max(1, steps // 2000)):
            env.reset(seed=None if episode % 2 else SEED + episode)  # without a seed Minari draws one
            over = False
            while not over:
                _, _, terminated, truncated, _ = env.step(env.action_space.sample())
                over = terminated or truncated
        name = f"springdrift/{NAMES[id]}/random-v0"
        env.create_dataset(dataset_id=name, algorithm_name="random", description="at random")
        env.close()
        kept = minari.load_dataset(name)
        again = kept.recover_environment()
        assert again.observation_space == kept.observation_space
        returns = []
        for episode in kept.iterate_episodes():
            if episode.id == 0:
                observation, _ = again.reset(seed=SEED)
                np.testing.assert_array_equal(observation, episode.observations[0])
                for t, action in enumerate(episode.actions):
                    observation, reward, *_ = again.step(action)
                    np.testing.assert_array_equal(observation, episode.observations[t + 1])
                    assert reward == episode.rewards[t]
            returns.append(float(episode.rewards.sum()))
        again.close()
    return float(np.mean(returns))


if __name__ == "__main__":
    on_each(collect, "minari")
