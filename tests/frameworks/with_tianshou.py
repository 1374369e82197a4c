"""Tianshou: its high-level builder trains DQN on an id, with an env factory of its own."""

import gymnasium as gym
import torch
from tianshou.highlevel.config import OffPolicyTrainingConfig
from tianshou.highlevel.env import EnvFactoryRegistered, EnvMode, VectorEnvType
from tianshou.highlevel.experiment import DQNExperimentBuilder, ExperimentConfig
from tianshou.highlevel.params.algorithm_params import DQNParams
from worlds import SEED, on_each

import springdrift  # noqa: F401 (registers its ids)


class Flat(EnvFactoryRegistered):
    """Envs by their id; Upkeep's state, a number, as one of 36."""

    def _create_env(self, mode: EnvMode) -> gym.Env:
        return gym.wrappers.FlattenObservation(super()._create_env(mode))


def learn(id: str, steps: int) -> float:
    """Train DQN, and test it as the trainer does."""
    experiment = (
        DQNExperimentBuilder(
            Flat(task=id, venv_type=VectorEnvType.DUMMY),
            ExperimentConfig(seed=SEED, persistence_enabled=False, watch=False),
            OffPolicyTrainingConfig(
                max_epochs=2,
                epoch_num_steps=max(steps // 2, 200),
                batch_size=64,
                num_training_envs=8,
                num_test_envs=5,
                buffer_size=20_000,
                collection_step_num_env_steps=80,
                update_step_num_gradient_steps_per_sample=0.1,
            ),
        )
        .with_dqn_params(DQNParams(lr=1e-3, gamma=0.98, n_step_return_horizon=3, target_update_freq=320))
        .with_model_factory_default(hidden_sizes=(64, 64))
        .build()
    )
    result = experiment.run(run_name=id.replace("/", "-"))
    return float(result.trainer_result.best_reward)


if __name__ == "__main__":
    torch.set_num_threads(1)
    on_each(learn, "tianshou")
