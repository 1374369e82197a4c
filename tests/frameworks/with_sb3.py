"""Stable-Baselines3: its checker, PPO on an id, DQN on a batch, and what it learned."""

import gymnasium as gym
import torch
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from worlds import SEED, on_each


def learn(id: str, steps: int) -> float:
    """Train PPO and DQN."""
    check_env(gym.make(id).unwrapped)
    model = PPO("MlpPolicy", id, seed=SEED, device="cpu")
    model.learn(steps // 2)
    envs = make_vec_env(id, n_envs=4, seed=SEED)
    DQN("MlpPolicy", envs, seed=SEED, device="cpu", learning_starts=1000).learn(steps // 2)
    mean, _ = evaluate_policy(model, make_vec_env(id, seed=SEED + 1), n_eval_episodes=5)
    return float(mean)


if __name__ == "__main__":
    torch.set_num_threads(1)
    on_each(learn, "stable-baselines3")
