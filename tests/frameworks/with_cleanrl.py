"""PPO in one file in the way of CleanRL: the loop, the networks and the update in plain sight.

CleanRL is a collection of such files and no library to import; its package pins versions of Gymnasium and
torch that are years older than those of springdrift.
"""

import gymnasium as gym
import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical
from worlds import SEED, on_each

ENVS, LENGTH, EPOCHS, PARTS = 16, 64, 4, 4
GAMMA, LAMBDA, CLIP, ENTROPY, VALUE, RATE = 0.98, 0.95, 0.2, 0.003, 0.5, 1e-3


def layer(inputs: int, outputs: int, scale: float = 2**0.5) -> nn.Linear:
    made = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(made.weight, scale)
    nn.init.constant_(made.bias, 0.0)
    return made


class Agent(nn.Module):
    """An actor and a critic of two layers each."""

    def __init__(self, envs: gym.vector.VectorEnv) -> None:
        super().__init__()
        width, choices = envs.single_observation_space.shape[0], int(envs.single_action_space.n)
        self.critic = nn.Sequential(layer(width, 64), nn.Tanh(), layer(64, 64), nn.Tanh(), layer(64, 1, 1.0))
        self.actor = nn.Sequential(
            layer(width, 64), nn.Tanh(), layer(64, 64), nn.Tanh(), layer(64, choices, 0.01)
        )


def make(id: str) -> gym.vector.VectorEnv:
    """Side by side, with the states of Upkeep as one of 36; the last step of an episode begins the next."""
    mode = gym.vector.AutoresetMode.SAME_STEP
    envs = gym.make_vec(
        id, ENVS, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode},
        wrappers=[gym.wrappers.FlattenObservation, gym.wrappers.RecordEpisodeStatistics],
    )  # fmt: skip
    return envs


def learn(id: str, steps: int) -> float:
    """Train PPO."""
    torch.manual_seed(SEED)
    envs = make(id)
    agent = Agent(envs)
    optimiser = torch.optim.Adam(agent.parameters(), lr=RATE, eps=1e-5)
    shape = (LENGTH, ENVS)
    seen = torch.zeros((*shape, *envs.single_observation_space.shape))
    done, rewards, values, logs = (torch.zeros(shape) for _ in range(4))
    actions = torch.zeros(shape, dtype=torch.long)
    returns: list[float] = []
    now, over = torch.as_tensor(envs.reset(seed=SEED)[0], dtype=torch.float32), torch.zeros(ENVS)
    for _ in range(max(5, steps // (LENGTH * ENVS))):  # every episode ends once, at the least
        for t in range(LENGTH):
            with torch.no_grad():
                choice = Categorical(logits=agent.actor(now))
                seen[t], done[t], values[t] = now, over, agent.critic(now).flatten()
                actions[t] = choice.sample()
                logs[t] = choice.log_prob(actions[t])
            observation, reward, terminated, truncated, info = envs.step(actions[t].numpy())
            now = torch.as_tensor(observation, dtype=torch.float32)
            rewards[t] = torch.as_tensor(reward)
            over = torch.as_tensor(terminated | truncated).float()
            if "final_info" in info:
                found, where = info["final_info"]["episode"]["r"], info["final_info"]["_episode"]
                returns += found[where].tolist()
        update(
            agent, optimiser, seen, actions, logs, advantages(agent, now, over, rewards, values, done), values
        )
    envs.close()
    return float(np.mean(returns[-20:]))


def advantages(agent, now, over, rewards, values, done) -> torch.Tensor:
    """Generalised advantages, (LENGTH, ENVS)."""
    found, last = torch.zeros_like(rewards), torch.zeros(ENVS)
    with torch.no_grad():
        after = agent.critic(now).flatten()
    for t in reversed(range(LENGTH)):
        goes_on = 1.0 - (over if t == LENGTH - 1 else done[t + 1])
        then = after if t == LENGTH - 1 else values[t + 1]
        last = rewards[t] + GAMMA * then * goes_on - values[t] + GAMMA * LAMBDA * goes_on * last
        found[t] = last
    return found


def update(agent, optimiser, seen, actions, logs, gain, values) -> None:
    """Some epochs of clipped updates."""
    seen, actions, logs = seen.flatten(0, 1), actions.flatten(), logs.flatten()
    gain, target = gain.flatten(), (gain + values).flatten()
    for _ in range(EPOCHS):
        for part in torch.randperm(len(actions)).chunk(PARTS):
            choice = Categorical(logits=agent.actor(seen[part]))
            ratio = (choice.log_prob(actions[part]) - logs[part]).exp()
            own = (gain[part] - gain[part].mean()) / (gain[part].std() + 1e-8)
            clipped = torch.max(-own * ratio, -own * ratio.clamp(1 - CLIP, 1 + CLIP)).mean()
            miss = 0.5 * (agent.critic(seen[part]).flatten() - target[part]).square().mean()
            loss = clipped - ENTROPY * choice.entropy().mean() + VALUE * miss
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            optimiser.step()


if __name__ == "__main__":
    torch.set_num_threads(1)
    on_each(learn)
