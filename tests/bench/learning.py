"""How soon PPO is as good as the best tuned rule: the built-in settings beside Stable-Baselines3's own."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium as gym
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecEnv, VecFrameStack

from springdrift import ENV_ID
from springdrift_agents.evaluation.evaluate import cheapest, evaluate, world_seeds
from springdrift_agents.policies.learned import Card
from springdrift_agents.policies.rules import RULES
from springdrift_agents.policies.sb3 import export
from springdrift_agents.training.train import config_of, make_envs, make_model

EVERY = 65_536  # env steps between two evaluations, which the clock does not count


class Contestant(NamedTuple):
    """A way to train, and how far it came."""

    name: str
    per_second: float  # env steps, learning included
    seconds: float  # until it cost no more than the rule; nan when the limit came first
    steps: int  # by then, or by the limit
    cost: float  # of the last evaluation


class _Race(BaseCallback):
    def __init__(self, card: Card, scenario: str, goal: float, limit: float, episodes: int) -> None:
        super().__init__()
        self._card, self._scenario, self._goal, self._limit = card, scenario, goal, limit
        self._seeds = world_seeds("validation", 1, episodes)
        self._next, self._paused = EVERY, 0.0
        self.seconds, self.cost, self.there, self.steps = 0.0, float("nan"), False, 0

    def _on_training_start(self) -> None:
        self._begun = time.perf_counter()

    def _on_step(self) -> bool:
        return not self.there and self.seconds < self._limit

    def _on_rollout_end(self) -> None:
        now = time.perf_counter()
        self.seconds, self.steps = now - self._begun - self._paused, self.model.num_timesteps
        if self.steps < self._next:
            return
        self._next += EVERY
        self.cost = float(evaluate(export(self.model, self._card), self._scenario, self._seeds).cost.mean())
        self.there = self.cost <= self._goal
        self._paused += time.perf_counter() - now


def best_rule(scenario: str, episodes: int) -> tuple[str, float]:
    """The rule tuned for a scenario that costs least on the validation worlds of the race."""
    tuned = [f"{name}@{scenario}" for name in RULES if name not in ("never", "always", "adwin")]
    return cheapest(tuned, scenario, world_seeds("validation", 1, episodes))


def _dummy(count: int, scenario: str, stack: int) -> VecEnv:
    envs = make_vec_env(lambda: gym.make(ENV_ID, scenario=scenario), count, seed=0)
    return VecFrameStack(envs, stack) if stack > 1 else envs


def race(
    scenario: str = "mix", limit: float = 600.0, episodes: int = 512, tell: Callable[[str], None] = print
) -> tuple[str, float, list[Contestant]]:
    """The rule to reach, its cost, and each contestant; ``limit`` is in seconds for each.

    The built-in hyperparameters on the native vector env; the same on ``DummyVecEnv``; and what a newcomer
    writes, ``PPO("MlpPolicy", make_vec_env(..., n_envs=8))``.
    """
    torch.set_num_threads(1)
    rule, goal = best_rule(scenario, episodes)
    config = config_of("ppo", scenario=scenario, steps=3_000_000)
    stack = int(config.hyper["frame_stack"])
    ways: dict[str, tuple[Callable[[], Any], Card]] = {
        "springdrift train ppo": (
            lambda: make_model(config, make_envs(config)),
            Card("ppo", stack=stack),
        ),
        "the same over DummyVecEnv": (
            lambda: make_model(config, _dummy(int(config.hyper["n_envs"]), scenario, stack)),
            Card("ppo", stack=stack),
        ),
        "SB3's defaults over DummyVecEnv, 8 envs": (
            lambda: PPO("MlpPolicy", _dummy(8, scenario, 1), seed=0, device="cpu"),
            Card("ppo", activation="tanh"),
        ),
    }
    found = []
    for name, (make, card) in ways.items():
        tell(name)
        model, watch = make(), _Race(card, scenario, goal, limit, episodes)
        model.learn(config.steps, callback=watch)
        model.get_env().close()
        seconds = watch.seconds if watch.there else float("nan")
        found.append(Contestant(name, watch.steps / watch.seconds, seconds, watch.steps, watch.cost))
    return rule, goal, found
