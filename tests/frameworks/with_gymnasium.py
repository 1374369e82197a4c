"""Gymnasium's own checks and wrappers, on single envs and on batches."""

import gymnasium as gym
import numpy as np
from gymnasium import wrappers
from gymnasium.utils.env_checker import check_env
from gymnasium.utils.env_match import check_environments_match
from worlds import SEED, on_each


def check(id: str, steps: int) -> float:
    """Run Gymnasium's checks, then play at random under its wrappers."""
    check_env(gym.make(id).unwrapped)
    check_environments_match(gym.make(id), gym.make(id), num_steps=200, seed=SEED)
    env = wrappers.RecordEpisodeStatistics(gym.make(id, max_episode_steps=100))
    env = wrappers.NormalizeReward(wrappers.TimeAwareObservation(env, flatten=True, normalize_time=True))
    env.action_space.seed(SEED)
    returns: list[float] = []
    env.reset(seed=SEED)
    for _ in range(steps):
        observation, _, terminated, truncated, info = env.step(env.action_space.sample())
        assert env.observation_space.contains(observation)
        if terminated or truncated:
            returns.append(float(info["episode"]["r"]))
            env.reset()
    kinds = [mode for mode in ("sync", "async", "vector_entry_point") if mode in modes(id)]
    batches = [gym.make_vec(id, 4, vectorization_mode=mode) for mode in kinds]
    first, *others = [batch.reset(seed=SEED)[0] for batch in batches]
    for other in others:
        np.testing.assert_array_equal(first, other)
    rng = np.random.default_rng(SEED)
    for _ in range(300):
        actions = rng.integers(0, 3, 4)
        (first, *more), *rest = [batch.step(actions)[:4] for batch in batches]
        for other, *parts in rest:
            np.testing.assert_array_equal(first, other)
            for one, part in zip(more, parts, strict=True):
                np.testing.assert_array_equal(one, part)
    for batch in batches:
        batch.close()
    return float(np.mean(returns))


def modes(id: str) -> tuple[str, ...]:
    native = ("vector_entry_point",) if gym.spec(id).vector_entry_point else ()
    return ("sync", "async", *native)


if __name__ == "__main__":
    on_each(check)
