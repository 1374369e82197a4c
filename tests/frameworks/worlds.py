"""What every script of this folder trains on, and how it tells what came of it."""

import argparse
import math
import os
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version

import gymnasium as gym

import springdrift

IDS = (springdrift.ENV_ID, springdrift.UPKEEP_ID, springdrift.SERIES_ID, "springdrift/UpkeepDashboard-v0")
SEED = 0


def on_each(run: Callable[[str, int], float], *packages: str) -> None:
    """Run a framework on each env id, and print what it made of it.

    Args:
        run: takes an id and a number of steps; gives the mean return of the episodes it saw last.
        packages: whose versions are told.

    Raises:
        AssertionError: a mean return that no episode can have: a cost is never negative.
    """
    parser = argparse.ArgumentParser(description=run.__doc__)
    parser.add_argument("--steps", type=int, default=30_000, help="of each env: about a minute")
    steps = parser.parse_args().steps
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # checks open windows
    warnings.filterwarnings("error", module="springdrift")
    told = [f"{name} {version(name)}" for name in (*packages, "gymnasium", "torch", "numpy")]
    print(", ".join(told), flush=True)
    springdrift.warm_up()
    for id in IDS:
        start = time.monotonic()
        mean = run(id, steps)
        if not (math.isfinite(mean) and mean < 0.0):
            raise AssertionError(f"{id}: a mean return of {mean} is none")
        print(f"  {id:34} mean return {mean:8.1f}  {time.monotonic() - start:6.1f} s", flush=True)


def played(decide: Callable[[object], int], id: str, episodes: int = 5, **options: object) -> float:
    """Mean return of a policy over some episodes, from what it is shown."""
    env, total = gym.make(id, **options), 0.0
    for episode in range(episodes):
        observation, _ = env.reset(seed=1000 + episode)
        over = False
        while not over:
            observation, reward, terminated, truncated, _ = env.step(decide(observation))
            over, total = terminated or truncated, total + float(reward)
    return total / episodes
