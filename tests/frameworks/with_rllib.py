"""RLlib: PPO on its new stack, by a registered env."""

import math
import os

import gymnasium as gym
import numpy as np
import ray
import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.tune.registry import register_env
from worlds import SEED, on_each

ENVS, BATCH = 16, 1024


def floats(env: gym.Env) -> gym.Env:
    """Observations as arrays of floats: Upkeep's state, a number, as one of 36."""
    return gym.wrappers.DtypeObservation(gym.wrappers.FlattenObservation(env), np.float32)


def learn(id: str, steps: int) -> float:
    """Train PPO; the mean return is RLlib's own of its last episodes."""
    register_env("world", lambda config: floats(gym.make(id, **config)))
    small = DefaultModelConfig(fcnet_hiddens=[64, 64], fcnet_activation="tanh", vf_share_layers=False)
    algorithm = (
        PPOConfig()
        .environment("world", env_config={"info": "none"})
        .env_runners(num_env_runners=0, num_envs_per_env_runner=ENVS)
        .training(
            train_batch_size_per_learner=BATCH, minibatch_size=256, num_epochs=4, lr=1e-3, gamma=0.98
        )
        .rl_module(model_config=small)
        .debugging(seed=SEED)
        .build_algo()
    )  # fmt: skip
    returns = []
    for _ in range(max(6, steps // BATCH)):  # every episode ends once, at the least
        returns.append(algorithm.train()["env_runners"].get("episode_return_mean", math.nan))
    algorithm.stop()
    return float([told for told in returns if not math.isnan(told)][-1])  # nan where no episode ended


if __name__ == "__main__":
    torch.set_num_threads(1)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    on_each(learn, "ray")
    ray.shutdown()
