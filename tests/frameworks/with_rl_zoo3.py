"""RL Baselines3 Zoo: its own command trains on an id, with hyperparameters from a file."""

import subprocess
import sys
import tempfile
from pathlib import Path

from stable_baselines3 import PPO
from worlds import SEED, on_each, played

HYPER = """
{id}:
  policy: MlpPolicy
  n_envs: 4
  n_timesteps: {steps}
  n_steps: 256
  batch_size: 256
  learning_rate: !!float 1e-3
  gamma: 0.98
"""


def learn(id: str, steps: int) -> float:
    """Train PPO as ``python -m rl_zoo3.train`` does, and play what it saved."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ppo.yml").write_text(HYPER.format(id=id, steps=steps))
        command = ["--algo", "ppo", "--env", id, "--gym-packages", "springdrift", "--seed", str(SEED)]
        command += ["--conf-file", str(folder / "ppo.yml"), "-f", str(folder / "logs"), "--device", "cpu"]
        command += ["--num-threads", "1", "--eval-freq", "-1", "--verbose", "0"]
        start = [sys.executable, "-m", "rl_zoo3.train", *command]
        subprocess.run(start, check=True, cwd=folder, stdout=subprocess.DEVNULL)
        (saved,) = (folder / "logs").rglob(f"{id.replace('/', '-')}.zip")
        model = PPO.load(saved, device="cpu")
    return played(lambda observation: int(model.predict(observation, deterministic=True)[0]), id)


if __name__ == "__main__":
    on_each(learn, "rl_zoo3", "stable-baselines3")
