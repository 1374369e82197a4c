"""skrl: PPO with an actor and a critic of one's own, over Gymnasium's batch of envs."""

import gymnasium as gym
import torch
from skrl.agents.torch.ppo import PPO, PPO_CFG
from skrl.envs.wrappers.torch import wrap_env
from skrl.memories.torch import RandomMemory
from skrl.models.torch import CategoricalMixin, DeterministicMixin, Model
from skrl.trainers.torch import SequentialTrainer
from skrl.utils import set_seed
from torch import nn
from worlds import SEED, on_each, played

ENVS, ROLLOUT = 16, 64


def layers(width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, outputs)
    )


class Actor(CategoricalMixin, Model):
    """Logits of the decisions."""

    def __init__(self, **spaces) -> None:
        Model.__init__(self, **spaces)
        CategoricalMixin.__init__(self)
        self.net = layers(self.num_observations, self.num_actions)

    def compute(self, inputs, role=""):
        return self.net(inputs["observations"].float()), {}


class Critic(DeterministicMixin, Model):
    """The value of an observation."""

    def __init__(self, **spaces) -> None:
        Model.__init__(self, **spaces)
        DeterministicMixin.__init__(self)
        self.net = layers(self.num_observations, 1)

    def compute(self, inputs, role=""):
        return self.net(inputs["observations"].float()), {}


def learn(id: str, steps: int) -> float:
    """Train PPO, and play what it learned."""
    set_seed(SEED)
    if gym.spec(id).vector_entry_point:
        envs = gym.make_vec(id, ENVS)
    else:  # Upkeep's state, a number, as one of 36
        envs = gym.make_vec(id, ENVS, wrappers=[gym.wrappers.FlattenObservation])
    env = wrap_env(envs, wrapper="gymnasium", verbose=False)
    spaces = {
        "observation_space": env.observation_space, "state_space": env.state_space,
        "action_space": env.action_space, "device": env.device,
    }  # fmt: skip
    actor = Actor(**spaces)
    cfg = PPO_CFG(rollouts=ROLLOUT, learning_epochs=4, mini_batches=4, discount_factor=0.98)
    cfg.experiment.write_interval = cfg.experiment.checkpoint_interval = 0
    agent = PPO(
        models={"policy": actor, "value": Critic(**spaces)},
        memory=RandomMemory(memory_size=ROLLOUT, num_envs=ENVS, device=env.device),
        cfg=cfg,
        **spaces,
    )
    trainer = SequentialTrainer(
        env=env, agents=agent,
        cfg={"timesteps": max(steps // ENVS, ROLLOUT), "headless": True, "disable_progressbar": True},
    )  # fmt: skip
    trainer.train()
    space = gym.make(id).observation_space

    def decide(observation) -> int:
        seen = torch.as_tensor(gym.spaces.flatten(space, observation)).float()
        with torch.no_grad():
            return int(actor.net(seen[None]).argmax())

    return played(decide, id)


if __name__ == "__main__":
    torch.set_num_threads(1)
    on_each(learn, "skrl")
