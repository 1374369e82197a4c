"""Training with Stable-Baselines3, in chunks: a run that was killed goes on and ends bit for bit the same.

Between two chunks nothing lives but the checkpoint: every chunk builds the model anew, reads the weights
and the optimiser's state from it, and plays fresh worlds with seeds derived from the run's seed and the
number of the chunk. So it does not matter whether the process went on or another one took over.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sb3_contrib import MaskablePPO, RecurrentPPO
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger, configure
from stable_baselines3.common.vec_env import VecEnv, VecFrameStack

from springdrift import Scenario
from springdrift.observation import OBSERVE
from springdrift.scenario import resolve
from springdrift_agents import checkpoint, hyperparameters, learned
from springdrift_agents.evaluate import SEEDS, evaluate, world_seeds
from springdrift_agents.files import write_text
from springdrift_agents.hyperparameters import OWN, policy_kwargs, start_of
from springdrift_agents.learned import Card, Learned
from springdrift_agents.practice import PRACTICE
from springdrift_agents.store import manifest
from springdrift_agents.vec_env import SpringdriftVecEnv

MODELS: dict[str, Any] = {
    "ppo": PPO,
    "dqn": DQN,
    "recurrent-ppo": RecurrentPPO,
    "maskable-ppo": MaskablePPO,
}
ACTIVATIONS = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}
CHUNK = 250_000  # env steps between checkpoints, unless the run says otherwise


@dataclass(frozen=True)
class TrainConfig:
    """What decides a training run, and nothing else: the same config gives the same policy.

    Raises:
        ValueError: a field out of range, naming it and what is allowed.
    """

    algo: str = "ppo"
    scenario: str = "mix"  # or "practice", see springdrift_agents.practice
    steps: int = 3_000_000  # env steps
    seed: int = 0
    observe: str = "monitor"
    chunk: int = CHUNK  # env steps between checkpoints
    episodes: int = 256  # validation worlds after each chunk
    validate: str = ""  # scenario of the validation worlds; that of training when empty
    hyper: dict[str, Any] = field(default_factory=dict)  # as in the YAML files

    def __post_init__(self) -> None:
        if self.algo not in MODELS:
            raise ValueError(f"unknown algorithm {self.algo!r}; allowed: {', '.join(MODELS)}")
        if self.observe not in OBSERVE:
            raise ValueError(f"unknown observe {self.observe!r}; allowed: {', '.join(OBSERVE)}")
        for name in ("steps", "chunk"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.seed < SEEDS:
            raise ValueError(f"seed must be a whole number from 0 to 2^28 - 1, got {self.seed}")
        if self.episodes < 2:
            raise ValueError(f"episodes must be at least 2, got {self.episodes}")
        for name in (self.scenario, self.validate or self.scenario):
            world_of(name)

    @property
    def chunks(self) -> list[int]:
        """Env steps of each chunk; the last may be shorter."""
        whole, rest = divmod(self.steps, self.chunk)
        return [self.chunk] * whole + ([rest] if rest else [])


def world_of(name: str) -> Scenario:
    """The scenario of a name; "practice" is the mixture to train on."""
    return PRACTICE if name == PRACTICE.name else resolve(name)


# ---------------------------------------------------------------- the model


class _Falling:
    """A rate that falls linearly to zero over the whole run, whatever the chunk."""

    def __init__(self, start: float, steps: int) -> None:
        self.start, self.steps = start, steps
        self.model: Any = None

    def __call__(self, _: float) -> float:
        done = self.model.num_timesteps if self.model else 0
        return self.start * max(1.0 - done / self.steps, 0.0)


def make_envs(config: TrainConfig, chunk: int = 0) -> VecEnv:
    """The worlds of a chunk."""
    count, stack = int(config.hyper.get("n_envs", 64)), int(config.hyper.get("frame_stack", 1))
    envs: VecEnv = SpringdriftVecEnv(count, scenario=world_of(config.scenario), observe=config.observe)
    envs.seed(_seed_of(config.seed, chunk))
    return VecFrameStack(envs, stack) if stack > 1 else envs


def _seed_of(seed: int, chunk: int) -> int:
    return int(np.random.SeedSequence([seed, chunk]).generate_state(1)[0]) % SEEDS


def make_model(config: TrainConfig, envs: VecEnv, chunk: int = 0) -> Any:
    """An untrained model with the run's hyperparameters.

    Raises:
        ValueError: a hyperparameter that the algorithm does not have.
    """
    arguments = {name: value for name, value in config.hyper.items() if name not in OWN}
    falling = []
    for name in ("learning_rate", "clip_range"):
        if name in arguments:
            start, falls = start_of(arguments[name])
            arguments[name] = _Falling(start, config.steps) if falls else start
            falling += [arguments[name]] if falls else []
    kwargs = policy_kwargs(arguments.pop("policy_kwargs", {}))
    if "activation_fn" in kwargs:
        kwargs["activation_fn"] = ACTIVATIONS[kwargs["activation_fn"]]
    policy = config.hyper.get("policy", "MlpPolicy")
    try:
        model = MODELS[config.algo](
            policy, envs, policy_kwargs=kwargs, seed=_seed_of(config.seed, chunk), device="cpu", **arguments
        )
    except TypeError as wrong:
        raise ValueError(f"{config.algo} does not take these hyperparameters: {wrong}") from wrong
    for rate in falling:
        rate.model = model
    return model


class _Watch(BaseCallback):
    """Tells how far the run is."""

    def __init__(self, steps: int, tell: Callable[[int], None]) -> None:
        super().__init__()
        self._steps, self._tell = steps, tell

    def _on_training_start(self) -> None:
        self.model._total_timesteps = self._steps  # DQN's exploration falls over the whole run

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self._tell(self.model.num_timesteps)


# ---------------------------------------------------------------- a network in plain numbers


def export(model: Any, card: Card) -> Learned:
    """The network of a Stable-Baselines3 model that decides, as a policy in NumPy.

    Raises:
        ValueError: a network of another kind than this can run.
    """
    policy = model.policy
    weights: dict[str, Any] = {}
    if hasattr(policy, "q_net"):
        linear = list(policy.q_net.q_net)
    else:
        linear = [*policy.mlp_extractor.policy_net, policy.action_net]
    if hasattr(policy, "lstm_actor"):
        if policy.lstm_actor.num_layers != 1:
            raise ValueError(f"one recurrent layer can be run, got {policy.lstm_actor.num_layers}")
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            weights[f"lstm.{name}"] = getattr(policy.lstm_actor, f"{name}_l0")
    layers = [layer for layer in linear if isinstance(layer, torch.nn.Linear)]
    for place, layer in enumerate(layers):
        weights[f"{place}.weight"], weights[f"{place}.bias"] = layer.weight, layer.bias
    return Learned(card, {name: value.detach().numpy().copy() for name, value in weights.items()})


def _card(config: TrainConfig, **trained: Any) -> Card:
    return Card(
        algo=config.algo,
        observe=config.observe,
        stack=int(config.hyper.get("frame_stack", 1)),
        activation=policy_kwargs(config.hyper.get("policy_kwargs", {})).get("activation_fn", "tanh"),
        masked=config.algo == "maskable-ppo",
        trained={"scenario": config.scenario, "seed": config.seed, **trained},
    )


def from_zip(path: Path, algo: str | None = None) -> Learned:
    """A zip of Stable-Baselines3 as a policy in NumPy. Opening it can run code: only for files one trusts.

    Raises:
        ValueError: the algorithm cannot be told from the file's name, or the model is for another env.
    """
    algo = algo or next((name for name in sorted(MODELS, key=len)[::-1] if path.name.startswith(name)), None)
    if algo not in MODELS:
        raise ValueError(f"{path}: say what trained it (algo): {', '.join(MODELS)}")
    model = MODELS[algo].load(path, device="cpu")
    wide = model.observation_space.shape[0]
    fits = [(name, wide // len(table)) for name, table in OBSERVE.items() if wide % len(table) == 0]
    if not fits:
        raise ValueError(f"{path}: {wide} inputs fit no observation of springdrift")
    network = model.policy.q_net.q_net if hasattr(model.policy, "q_net") else model.policy.mlp_extractor
    relu = any(isinstance(part, torch.nn.ReLU) for part in network.modules())
    return export(
        model,
        Card(algo, fits[0][0], fits[0][1], "relu" if relu else "tanh", algo == "maskable-ppo"),
    )


# ---------------------------------------------------------------- a run


def train(
    config: TrainConfig,
    out: Path,
    *,
    tell: Callable[[int], None] = lambda _: None,
    validated: Callable[[int, float], bool] = lambda steps, cost: True,
) -> Learned:
    """Train, or go on where this run stopped; returns the best policy on validation worlds.

    ``out`` receives manifest.json, checkpoint.safetensors (how to go on), policy.safetensors and .json (the
    last), best.safetensors and .json, and TensorBoard's events under tensorboard.

    Args:
        config: what to train.
        out: the run's folder.
        tell: hears the env steps done, now and then.
        validated: hears the steps and the mean cost after each chunk, the earlier ones of a resumed run
            included; false ends the run early.

    Raises:
        ValueError: the folder holds another run.
    """
    torch.set_num_threads(1)  # small networks gain nothing from more, and processes beside it lose
    _claim(out, config)
    file = out / "checkpoint.safetensors"
    history: list[dict[str, float]] = checkpoint.about(file)["history"] if file.exists() else []
    going = all([validated(int(row["steps"]), row["cost"]) for row in history])
    logger = _logger(out)
    for chunk, steps in list(enumerate(config.chunks))[len(history) :]:
        if not going:
            break
        model = _chunk(config, file, chunk, steps, logger, tell)
        policy = export(model, _card(config, steps=model.num_timesteps))
        cost = _validate(config, policy)
        history.append({"steps": model.num_timesteps, "cost": cost})
        logger.record("validation/cost", cost)
        logger.dump(model.num_timesteps)
        card = _card(config, steps=model.num_timesteps, cost=cost)
        learned.save(Learned(card, policy.weights), out / "policy")
        if cost <= min(row["cost"] for row in history):
            learned.save(Learned(card, policy.weights), out / "best")
        checkpoint.write(file, model, {"history": history})
        going = validated(model.num_timesteps, cost)
    return learned.read(out / "best")


def _chunk(
    config: TrainConfig, file: Path, chunk: int, steps: int, logger: Logger, tell: Callable[[int], None]
) -> Any:
    """The model after one more chunk."""
    envs = make_envs(config, chunk)
    model = make_model(config, envs, chunk)
    if chunk:
        checkpoint.read(file, model)
    model.set_logger(logger)
    model.learn(steps, callback=_Watch(config.steps, tell), reset_num_timesteps=False, log_interval=10)
    envs.close()
    return model


def _validate(config: TrainConfig, policy: Learned) -> float:
    seeds = world_seeds("validation", config.seed, config.episodes)
    world = world_of(config.validate or config.scenario)
    return float(evaluate(policy, world, seeds).cost.mean())


def _claim(out: Path, config: TrainConfig) -> None:
    """Write the manifest, or see that the folder holds this very run."""
    file = out / "manifest.json"
    if not file.exists():
        write_text(file, json.dumps(manifest(asdict(config)), indent=1) + "\n")
        return
    there = json.loads(file.read_text(encoding="utf-8"))["config"]
    mine = json.loads(json.dumps(asdict(config)))
    for name, value in mine.items():
        if there.get(name) != value:
            raise ValueError(
                f"{out} holds another run ({name} is {there.get(name)!r} there, {value!r} here): "
                "take another folder, or the same settings to go on"
            )


def _logger(out: Path) -> Logger:
    try:
        import tensorboard  # noqa: F401
    except ModuleNotFoundError:
        return configure(None, [])
    return configure(str(out / "tensorboard"), ["tensorboard"])


def config_of(
    algo: str,
    *,
    file: Path | None = None,
    changes: Sequence[str] = (),
    steps: int | None = None,
    **fields: Any,
) -> TrainConfig:
    """A config from the hyperparameter files, with changes; ``steps`` default to the file's n_timesteps."""
    hyper = hyperparameters.update(hyperparameters.read(algo, file), list(changes))
    return TrainConfig(
        algo=algo, steps=int(steps or hyper.get("n_timesteps", TrainConfig.steps)), hyper=hyper, **fields
    )
