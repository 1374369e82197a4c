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
FIRST = 1000  # steps of the run that measures the speed


def on_each(run: Callable[[str, int], float], *packages: str, arguments: list[str] | None = None) -> None:
    """Run a framework on each env id for some time, and print what it made of it.

    A short run tells how many steps the framework makes in a second; a longer one fills the rest of the time.

    Args:
        run: takes an id and a number of steps; gives the mean return of the episodes it saw last.
        packages: whose versions are told.
        arguments: of the command line; those of this process unless given.

    Raises:
        AssertionError: a mean return that no episode can have: a cost is never negative.
    """
    parser = argparse.ArgumentParser(description=run.__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="about how long on each env")
    seconds = parser.parse_args(arguments).seconds
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # checks open windows
    warnings.filterwarnings("error", module="springdrift")
    told = [f"{name} {version(name)}" for name in (*packages, "gymnasium", "torch", "numpy")]
    print(", ".join(told), flush=True)
    springdrift.warm_up()
    for id in IDS:
        start, steps = time.monotonic(), FIRST
        mean = run(id, steps)
        spent = time.monotonic() - start
        if spent < seconds / 2:
            steps = max(FIRST, int(FIRST * (seconds - spent) / spent))
            mean = run(id, steps)
        if not (math.isfinite(mean) and mean < 0.0):
            raise AssertionError(f"{id}: a mean return of {mean} is none")
        spent = time.monotonic() - start
        print(f"  {id:34} mean return {mean:8.1f} after {steps:9,} steps  {spent:6.1f} s", flush=True)


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
