"""TorchRL: batches of envs with numbers in their info, and PPO from its own parts."""

import torch
from tensordict.nn import TensorDictModule
from torch import nn
from torchrl.collectors import Collector
from torchrl.envs import GymEnv, RewardSum, TransformedEnv
from torchrl.envs.utils import check_env_specs
from torchrl.modules import OneHotCategorical, ProbabilisticActor, ValueOperator
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value import GAE
from worlds import SEED, on_each

FRAMES = 1000


def layers(width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, outputs)
    )


def learn(id: str, steps: int) -> float:
    """Check the specs of a batch and of the info, then train PPO."""
    # A number, as Upkeep's state is one, stays a number: TorchRL refuses its own rows of zeros
    batch = GymEnv(id, num_envs=3, info="none", categorical_action_encoding=True)
    rollout = batch.rollout(20)
    assert rollout["observation"].shape[:2] == (3, 20)
    batch.close()
    told = GymEnv(id, info="flat").auto_register_info_dict()
    assert set(told.rollout(3)["next"].keys()) >= {"observation", "reward", "done"}

    torch.manual_seed(SEED)
    env = TransformedEnv(GymEnv(id), RewardSum())
    check_env_specs(env)
    env.set_seed(SEED)
    width, actions = env.observation_spec["observation"].shape[-1], env.action_spec.shape[-1]
    actor = ProbabilisticActor(
        TensorDictModule(Seen(layers(width, actions)), in_keys=["observation"], out_keys=["logits"]),
        in_keys=["logits"],
        spec=env.action_spec,
        distribution_class=OneHotCategorical,
        return_log_prob=True,
    )
    critic = ValueOperator(Seen(layers(width, 1)), in_keys=["observation"])
    gain = GAE(gamma=0.98, lmbda=0.95, value_network=critic, average_gae=True)
    loss = ClipPPOLoss(actor, critic, entropy_coeff=0.003)
    optimiser = torch.optim.Adam(loss.parameters(), lr=1e-3)
    collector = Collector(env, actor, frames_per_batch=FRAMES, total_frames=max(steps, FRAMES))
    returns: list[float] = []
    for data in collector:
        for _ in range(4):
            gain(data)
            for part in data.reshape(-1)[torch.randperm(FRAMES)].split(FRAMES // 4):
                losses = loss(part)
                total = losses["loss_objective"] + losses["loss_critic"] + losses["loss_entropy"]
                optimiser.zero_grad()
                total.backward()
                nn.utils.clip_grad_norm_(loss.parameters(), 0.5)
                optimiser.step()
        over = data["next", "done"]
        returns += data["next", "episode_reward"][over].tolist()
    collector.shutdown()
    return sum(returns[-10:]) / max(1, len(returns[-10:]))


class Seen(nn.Module):
    """A network over observations as floats."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        return self.net(observation.float())


if __name__ == "__main__":
    torch.set_num_threads(1)
    on_each(learn, "torchrl", "tensordict")
