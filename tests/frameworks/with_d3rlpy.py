"""d3rlpy: DQN online, then conservative Q-learning offline on what it collected."""

import d3rlpy
import gymnasium as gym
import structlog
from worlds import SEED, on_each, played


def learn(id: str, steps: int) -> float:
    """Train both, and play the second."""
    d3rlpy.seed(SEED)
    env = gym.wrappers.FlattenObservation(gym.make(id))  # Upkeep's state, a number, as one of 36
    buffer = d3rlpy.dataset.create_fifo_replay_buffer(limit=100_000, env=env)
    explorer = d3rlpy.algos.ConstantEpsilonGreedy(0.3)
    quiet = {"logger_adapter": d3rlpy.logging.NoopAdapterFactory(), "show_progress": False}
    online = d3rlpy.algos.DQNConfig(gamma=0.98, learning_rate=1e-3).create(device="cpu:0")
    some = max(steps // 4, 1000)
    epochs = {"n_steps": some, "n_steps_per_epoch": some}
    online.fit_online(env, buffer, explorer, update_start_step=500, **epochs, **quiet)
    offline = d3rlpy.algos.DiscreteCQLConfig(gamma=0.98, learning_rate=1e-3).create(device="cpu:0")
    offline.fit(buffer, **epochs, **quiet)
    space = gym.make(id).observation_space
    return played(
        lambda seen: int(offline.predict(gym.spaces.flatten(space, seen).astype("float32")[None])[0]), id
    )


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))  # warnings alone
    on_each(learn, "d3rlpy")
