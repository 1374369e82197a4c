"""sb3-contrib: PPO that is told which decisions do nothing, PPO with a memory, and quantiles."""

import gymnasium as gym
import torch
from sb3_contrib import QRDQN, MaskablePPO, RecurrentPPO
from sb3_contrib.common.maskable.evaluation import evaluate_policy
from stable_baselines3.common.env_util import make_vec_env
from worlds import SEED, on_each


def learn(id: str, steps: int) -> float:
    """Train three algorithms; the masks are those of the env, where it has them."""
    env = gym.make(id)
    masked = hasattr(env.unwrapped, "action_masks")
    if masked:
        model = MaskablePPO("MlpPolicy", make_vec_env(id, 4, seed=SEED), seed=SEED, device="cpu")
    else:  # Upkeep-v0 has no masks: every decision does something there
        model = QRDQN("MlpPolicy", env, seed=SEED, device="cpu", learning_starts=500)
    model.learn(steps // 2)
    RecurrentPPO("MlpLstmPolicy", id, seed=SEED, device="cpu", n_steps=256).learn(steps // 8)
    QRDQN("MlpPolicy", id, seed=SEED, device="cpu", learning_starts=500).learn(steps // 8)
    found = evaluate_policy(model, make_vec_env(id, seed=SEED + 1), n_eval_episodes=5, use_masking=masked)
    return float(found[0])


if __name__ == "__main__":
    torch.set_num_threads(1)
    on_each(learn, "sb3-contrib")
