"""Train RLlib's PPO on a drifting world, and see what it learned.

    python tests/rllib/train.py --scenario abrupt --iterations 12

RLlib pins the gymnasium it works with, so it has an environment of its own: ``make test-rllib`` sets it up
and runs this there with ``--check``.
"""

import argparse
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

import springdrift
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.policies.registry import policy

# Ray and torch are imported where they are used: the doctests here run where there is no Ray.

NAME = "inclined-mass"
GAIN = 0.4  # share of a rival's cost that a policy must save to count as learned


class TrainingWorlds(gym.vector.VectorWrapper):
    """Turns Ray's seed of a runner, a small number, into worlds that no evaluation meets."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        worlds = None if seed is None else world_seeds("training", seed, self.num_envs).tolist()
        return self.env.reset(seed=worlds, options=options)


def make_envs(config: dict[str, Any]) -> gym.vector.VectorEnv:
    """The worlds of one env runner, stepped in one call; RLlib adds ``num_envs`` to ``env_config``."""
    gym.register_envs(springdrift)  # here, because every remote runner has a registry of its own
    return TrainingWorlds(gym.make_vec(springdrift.ENV_ID, vectorization_mode="vector_entry_point", **config))


def configure(args: argparse.Namespace) -> Any:
    """PPO on RLlib's new API stack; what is not set here is RLlib's default."""
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
    from ray.tune.registry import register_env

    register_env(NAME, make_envs)
    small = DefaultModelConfig(fcnet_hiddens=[64, 64], fcnet_activation="relu", vf_share_layers=False)
    return (
        PPOConfig()
        .environment(NAME, env_config={"scenario": args.scenario})
        .env_runners(
            num_env_runners=args.runners,
            num_envs_per_env_runner=args.envs,
            gym_env_vectorize_mode="vector_entry_point",  # else RLlib makes single envs and loops over them
        )
        .training(
            train_batch_size_per_learner=args.batch,
            minibatch_size=1024,
            num_epochs=6,
            lr=args.lr,
            gamma=0.97,
            lambda_=0.95,
            entropy_coeff=0.003,
        )
        .rl_module(model_config=small)
        .debugging(seed=args.seed)
    )


class Operator:
    """A trained module of RLlib as a policy."""

    def __init__(self, module: Any) -> None:
        self.module = module

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[NDArray[np.int64], Any]:
        """The likeliest decision for each observation, (n,) for (n, D), or one drawn; it has no memory."""
        import torch

        with torch.no_grad():
            batch = torch.as_tensor(np.asarray(observation, np.float32))
            logits = self.module.forward_inference({"obs": batch})["action_dist_inputs"]
            if deterministic:
                return logits.argmax(dim=-1).numpy(), state
            return torch.distributions.Categorical(logits=logits).sample().numpy(), state


def train(args: argparse.Namespace) -> dict[str, NDArray[np.float64]]:
    """Costs of the same validation worlds, (episodes,), under the trained policy and its rivals."""
    import ray
    import torch

    torch.set_num_threads(1)  # the networks are small: more threads only wait for each other
    ray.init("local", num_cpus=args.runners + 1, include_dashboard=False, log_to_driver=False)
    print(f"ray {ray.__version__}, gymnasium {gym.__version__}, torch {torch.__version__}")
    algo = configure(args).build_algo()
    seeds = world_seeds("validation", args.seed, args.episodes)
    costs = {name: evaluate(policy(name), args.scenario, seeds).cost for name in ("never", "threshold")}
    costs["untrained"] = evaluate(Operator(algo.get_module()), args.scenario, seeds).cost
    start = time.monotonic()
    for iteration in range(1, args.iterations + 1):
        found = algo.train()["env_runners"]
        steps, spent = int(found["num_env_steps_sampled_lifetime"]), time.monotonic() - start
        reward = found.get("episode_return_mean", math.nan)  # missing until an episode has ended
        print(
            f"iteration {iteration:3}  {steps:9,} steps  {spent:6.1f} s  mean return {reward:7.1f}",
            flush=True,
        )
    costs["trained"] = evaluate(Operator(algo.get_module()), args.scenario, seeds).cost
    if args.out:
        print(f"policy: {algo.get_module().save_to_path(args.out.resolve())}")
    algo.stop()
    ray.shutdown()
    return costs


def half_width(costs: NDArray[np.float64]) -> float:
    """Half the 95 % interval of a mean, by the normal approximation."""
    return 1.96 * float(costs.std(ddof=1)) / math.sqrt(len(costs))


def complaint(trained: NDArray[np.float64], rival: NDArray[np.float64]) -> str:
    """Why ``trained`` is not clearly cheaper in the same worlds, both (n,); empty when it is.

    >>> rival = np.array([100.0, 120.0, 140.0])
    >>> complaint(rival - 60.0, rival)
    ''
    >>> complaint(rival - 10.0, rival)
    'costs 110.0, must be below 72.0'
    >>> complaint(np.array([0.0, 0.0, 210.0]), rival)
    'saves 50.0 ± 118.1, which may be luck'
    """
    limit = (1.0 - GAIN) * rival.mean()
    if not trained.mean() < limit:  # a cost that is nan is no success
        return f"costs {trained.mean():.1f}, must be below {limit:.1f}"
    saved = rival - trained
    half = half_width(saved)
    return "" if saved.mean() > half else f"saves {saved.mean():.1f} ± {half:.1f}, which may be luck"


def check(costs: dict[str, NDArray[np.float64]]) -> None:
    """Learning happened: clearly cheaper than before, and than doing nothing, which needs no learning.

    Raises:
        AssertionError: it did not; says by how much it missed.
    """
    for rival in ("untrained", "never"):
        wrong = complaint(costs["trained"], costs[rival])
        if wrong:  # not an assert statement, which python -O leaves out
            raise AssertionError(f"the trained policy has not learned: beside {rival!r} it {wrong}")


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Train RLlib's PPO on springdrift/InclinedMass-v0 and compare it with simple rules.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--scenario", default="abrupt", choices=springdrift.SCENARIOS, metavar="NAME", help="what drifts")
    add("--iterations", type=int, default=12, help="each gathers one batch and learns from it")
    add("--batch", type=int, default=16384, help="steps in a batch")
    add("--envs", type=int, default=64, help="worlds side by side in each runner")
    add("--runners", type=int, default=0, help="processes that gather; with 0 the learner does it itself")
    add("--lr", type=float, default=1e-3, help="learning rate")
    add("--seed", type=int, default=0, help="of the worlds, the network and the exploration")
    add("--episodes", type=int, default=512, help="validation worlds in which the policies are compared")
    add(
        "--out",
        type=Path,
        help="folder for the policy; read with RLModule.from_checkpoint (holds pickles: open only your own)",
    )
    add("--check", action="store_true", help="fail unless the policy has clearly learned")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse(argv)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read as Ray is imported
    if args.check:  # the gymnasium here is not the one of the other tests
        springdrift.game.check(gym.make(springdrift.ENV_ID, scenario=args.scenario))
    costs = train(args)
    print(f"mean cost of {args.episodes} validation worlds of {args.scenario!r}:")
    for name, cost in costs.items():
        print(f"  {name:<10} {cost.mean():7.1f} ± {half_width(cost):.1f}")
    if args.check:
        check(costs)


if __name__ == "__main__":
    sys.exit(main())
