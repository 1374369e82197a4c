"""PufferLib: its emulation over a batch of envs, and PPO by its own trainer and default network."""

import sys
import tempfile

import gymnasium as gym
import numpy as np
import torch
from pufferlib import EpisodeStats
from pufferlib.emulation import GymnasiumPufferEnv
from pufferlib.models import Default
from pufferlib.pufferl import PuffeRL, load_config
from pufferlib.vector import Serial
from pufferlib.vector import make as make_vec
from worlds import SEED, on_each

ENVS, HORIZON = 16, 64


class Quiet(PuffeRL):
    """The trainer without its dashboard."""

    def print_dashboard(self, *args, **options) -> None:
        pass


def learn(id: str, steps: int) -> float:
    """Train PPO; the mean return is that of the episodes of the last batches."""
    torch.manual_seed(SEED)

    def create(buf=None, seed: int = 0) -> GymnasiumPufferEnv:
        # Upkeep's state, a number, as one of 36: emulation would make an array of no length of it
        return GymnasiumPufferEnv(EpisodeStats(gym.wrappers.FlattenObservation(gym.make(id))), buf=buf)

    envs = make_vec(create, num_envs=ENVS, backend=Serial, seed=SEED)
    observations, _ = envs.reset(seed=SEED)
    assert observations.shape == (ENVS, gym.spaces.flatdim(gym.make(id).observation_space))
    single = gym.wrappers.FlattenObservation(gym.make(id))
    np.testing.assert_allclose(observations[0], single.reset(seed=SEED)[0])

    policy = Default(envs.driver_env, hidden_size=64)
    with tempfile.TemporaryDirectory() as folder:
        batch = ENVS * HORIZON
        steps = max(steps, 6 * batch)  # every episode ends once, at the least
        config = load_config("default")["train"] | {
            "env": id, "seed": SEED, "device": "cpu", "data_dir": folder, "total_timesteps": steps,
            "batch_size": batch, "minibatch_size": batch, "bptt_horizon": HORIZON, "gamma": 0.98,
            "optimizer": "adam", "learning_rate": 1e-3, "update_epochs": 4,
        }  # fmt: skip
        trainer = Quiet(config, envs, policy)
        returns: list[float] = []
        while trainer.global_step < steps:
            trainer.stats.clear()
            returns += trainer.evaluate()["episode_return"]
            trainer.train()
        trainer.close()
    return float(np.mean(returns[-20:]))


if __name__ == "__main__":
    torch.set_num_threads(1)
    arguments = sys.argv[1:]
    del sys.argv[1:]  # PufferLib reads the same command line
    on_each(learn, "pufferlib", arguments=arguments)
