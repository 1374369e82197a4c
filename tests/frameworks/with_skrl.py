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
        return self.net(inputs["observations"]), {}


class Critic(DeterministicMixin, Model):
    """The value of an observation."""

    def __init__(self, **spaces) -> None:
        Model.__init__(self, **spaces)
        DeterministicMixin.__init__(self)
        self.net = layers(self.num_observations, 1)

    def compute(self, inputs, role=""):
        return self.net(inputs["observations"]), {}


def learn(id: str, steps: int) -> float:
    """Train PPO, and play what it learned."""
    set_seed(SEED)
    native = "vector_entry_point" if gym.spec(id).vector_entry_point else "sync"
    env = wrap_env(gym.make_vec(id, ENVS, vectorization_mode=native), wrapper="gymnasium", verbose=False)
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
    wide = actor.num_observations

    def decide(observation) -> int:
        with torch.no_grad():
            seen = torch.as_tensor(observation)
            hot = nn.functional.one_hot(seen.long(), wide) if seen.ndim == 0 else seen
            return int(actor.net(hot.float().reshape(1, -1)).argmax())

    return played(decide, id)


if __name__ == "__main__":
    torch.set_num_threads(1)
    on_each(learn, "skrl")
