"""Training with Stable-Baselines3, in chunks: a run that was killed goes on and ends bit for bit the same.

Between two chunks nothing lives but the checkpoint: every chunk builds the model anew, reads the weights
and the optimiser's state from it, and plays fresh worlds with seeds derived from the run's seed and the
number of the chunk. A chunk ends with the rollout that reaches the next multiple of ``chunk`` steps. So it
does not matter whether the process went on or another one took over.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger, configure
from stable_baselines3.common.vec_env import VecEnv

from springdrift import ENV_ID
from springdrift.registry import world_spec
from springdrift_agents.evaluation import provenance
from springdrift_agents.evaluation.evaluate import SEEDS, evaluate, world_seeds
from springdrift_agents.evaluation.scenarios import scenario_of
from springdrift_agents.files import exclusive
from springdrift_agents.policies import learned
from springdrift_agents.policies.learned import Card, Learned
from springdrift_agents.policies.sb3 import ALGOS, export, models
from springdrift_agents.text import one_line
from springdrift_agents.training import checkpoint, hyperparameters, run_folder
from springdrift_agents.training.hyperparameters import OWN, policy_kwargs, start_of
from springdrift_agents.training.memory import VecMemory
from springdrift_agents.training.practice import PRACTICE, PRACTICE_NAME
from springdrift_agents.training.together import Together
from springdrift_agents.training.vec_env import SpringdriftVecEnv

ACTIVATIONS = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}
FIXED = (  # arguments of Stable-Baselines3 that decide how a model is kept
    "_init_setup_model",
    "optimize_memory_usage",
    "replay_buffer_class",
    "replay_buffer_kwargs",
    "rollout_buffer_class",
    "rollout_buffer_kwargs",
    "tensorboard_log",
    "use_sde",
)
CHUNK = 250_000  # env steps between checkpoints, unless the run says otherwise


@dataclass(frozen=True)
class TrainConfig:
    """What decides a training run, and nothing else: the same config gives the same policy.

    Raises:
        ValueError: a field out of range, naming it and what is allowed.
    """

    algo: str = "ppo"
    scenario: str = "mix"  # or "practice", see springdrift_agents.training.practice
    steps: int = 3_000_000  # env steps
    seed: int = 0
    observe: str = "monitor"
    chunk: int = CHUNK  # env steps between checkpoints
    episodes: int = 256  # validation worlds after each chunk
    validate: str = ""  # scenario of the validation worlds; that of training when empty
    hyper: dict[str, Any] = field(default_factory=dict)  # as in the YAML files
    env: str = ENV_ID  # id of the kind of world, or of several, separated by commas
    device: str = "cpu"  # of torch's, that fits the network; the same one gives the same policy

    def __post_init__(self) -> None:
        if self.algo not in ALGOS:
            raise ValueError(f"unknown algorithm {self.algo!r}; allowed: {', '.join(ALGOS)}")
        for env in self.envs:
            allowed = world_spec(env).world.observations
            if self.observe not in allowed:
                raise ValueError(f"unknown observe {self.observe!r}; allowed: {', '.join(allowed)}")
        for name in ("steps", "chunk"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        world_seeds("training", self.seed, 1)  # refuses a seed out of range
        devices = ["cpu", *(f"cuda:{n}" for n in range(torch.cuda.device_count()))]
        if self.device not in (*devices, *(["cuda"] if len(devices) > 1 else [])):
            raise ValueError(f"device {self.device!r} is not here; allowed: {', '.join(devices)}")
        if self.episodes < 2:
            raise ValueError(f"episodes must be at least 2, got {self.episodes}")
        for name in (self.scenario, self.validate or self.scenario):
            for env in self.envs:
                world_of(name, env)
        hyper = {name: hyperparameters.checked(name, value, "hyper") for name, value in self.hyper.items()}
        object.__setattr__(self, "hyper", hyper)  # the same numbers however they were written
        policy = "MlpLstmPolicy" if self.algo == "recurrent-ppo" else "MlpPolicy"
        if self.hyper.get("policy", policy) != policy:
            given = self.hyper["policy"]
            raise ValueError(
                f"policy must be {policy} for {self.algo}, got {given!r} (from --hyper or --set)"
            )

    @property
    def envs(self) -> tuple[str, ...]:
        """Ids of the kinds of world that it is trained in."""
        return tuple(self.env.split(","))

    @property
    def digest(self) -> str:
        """A name for the run: the same for the same config."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def world_of(name: str, env: str = ENV_ID) -> Any:
    """The scenario of a name in a kind of world; "practice" is the mixture to train on.

    Raises:
        ValueError: there is none of that name; says which there are.
    """
    if name == PRACTICE_NAME and env in PRACTICE:
        return PRACTICE[env]
    return scenario_of(name, env)


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
    count = int(config.hyper.get("n_envs", 64))
    kinds = config.envs
    if count % len(kinds):
        raise ValueError(f"n_envs must be a multiple of {len(kinds)}, the kinds of world, got {count}")
    parts = [
        SpringdriftVecEnv(
            count // len(kinds), scenario=world_of(config.scenario, env), observe=config.observe, env=env
        )
        for env in kinds
    ]
    envs: VecEnv = Together(parts) if len(parts) > 1 else parts[0]
    envs.seed(_seed_of(config.seed, chunk))
    card = _card(config)
    return VecMemory(envs, card.stack, card.averages) if card.sees > 1 else envs


def _seed_of(seed: int, chunk: int) -> int:
    return int(np.random.SeedSequence([seed, chunk]).generate_state(1)[0]) % SEEDS


def make_model(config: TrainConfig, envs: VecEnv, chunk: int = 0) -> Any:
    """An untrained model with the run's hyperparameters.

    Raises:
        ValueError: hyperparameters that the algorithm does not take: those that are not the house's, and
            what the library said.
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
    policy = "MlpLstmPolicy" if config.algo == "recurrent-ppo" else "MlpPolicy"
    try:
        for name in FIXED:
            if name in arguments:
                raise TypeError(f"{name} is not for a run to choose: a checkpoint could not carry it")
        model = models()[config.algo](
            policy,
            envs,
            policy_kwargs=kwargs,
            seed=_seed_of(config.seed, chunk),
            device=config.device,
            **arguments,
        )
    except (TypeError, KeyError, ValueError, AssertionError, AttributeError, MemoryError) as wrong:
        house = hyperparameters.read(config.algo, env=config.envs[0])
        own = {name: value for name, value in config.hyper.items() if house.get(name) != value}
        given = ", ".join(f"{name}={value}" for name, value in own.items())
        said = one_line(wrong)
        raise ValueError(
            f"{config.algo} does not take these hyperparameters: {type(wrong).__name__}: {said} "
            f"(from --hyper or --set: {given})"
        ) from wrong
    for rate in falling:
        rate.model = model
    return model


def check(config: TrainConfig) -> None:
    """Build what the config asks for, and throw it away.

    Raises:
        ValueError: hyperparameters that give no model, or one that cannot become a policy in NumPy.
    """
    envs = make_envs(config)
    export(make_model(config, envs), _card(config))
    envs.close()


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


def _card(config: TrainConfig, **trained: Any) -> Card:
    usual = "relu" if config.algo == "dqn" else "tanh"  # of Stable-Baselines3
    return Card(
        algo=config.algo,
        observe=config.observe,
        stack=int(config.hyper.get("frame_stack", 1)),
        averages=tuple(config.hyper.get("averages", ())),
        activation=policy_kwargs(config.hyper.get("policy_kwargs", {})).get("activation_fn", usual),
        masked=config.algo == "maskable-ppo",
        env=config.envs[0],
        actions=world_spec(config.envs[0]).actions.names,
        trained={"env": config.env, "scenario": config.scenario, "seed": config.seed, **trained},
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
        ValueError: hyperparameters that give no model; the folder holds another run, a damaged one, or one
            that another process is at.
    """
    torch.set_num_threads(1)  # small networks gain nothing from more, and processes beside it lose
    out.mkdir(parents=True, exist_ok=True)
    with exclusive(out):
        return _train(config, out, tell, validated)


def _train(
    config: TrainConfig,
    out: Path,
    tell: Callable[[int], None],
    validated: Callable[[int, float], bool],
) -> Learned:
    file = out / run_folder.CHECKPOINT
    history = run_folder.claim(out, asdict(config), config.digest, lambda: check(config))
    going = all([validated(int(row["steps"]), row["cost"]) for row in history])
    logger = _logger(out)
    done = int(history[-1]["steps"]) if history else 0
    while going and done < config.steps:
        model = _chunk(config, file, len(history), done, logger, tell)
        done = model.num_timesteps
        policy = export(model, _card(config, steps=model.num_timesteps))
        cost = _validate(config, policy)
        history.append({"steps": model.num_timesteps, "cost": cost})
        logger.record("validation/cost", cost)
        logger.dump(model.num_timesteps)
        card = _card(config, steps=model.num_timesteps, cost=cost)
        learned.save(Learned(card, policy.weights), out / "policy")
        if cost <= min(row["cost"] for row in history):
            learned.save(Learned(card, policy.weights), out / "best")
        known = {"history": history, "config": config.digest, "code": provenance.training_code()}
        checkpoint.write(file, model, known)
        going = validated(model.num_timesteps, cost)
    return learned.read(out / "best")


def _chunk(
    config: TrainConfig, file: Path, chunk: int, done: int, logger: Logger, tell: Callable[[int], None]
) -> Any:
    """The model after one more chunk, which ends at the next multiple of ``config.chunk`` steps."""
    steps = min((done // config.chunk + 1) * config.chunk, config.steps) - done
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
    name = config.validate or config.scenario
    costs = [evaluate(policy, world_of(name, env), seeds, env=env).cost.mean() for env in config.envs]
    return float(np.mean(costs))


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
    first = fields.get("env", ENV_ID).partition(",")[0]
    hyper = hyperparameters.update(hyperparameters.read(algo, file, first), list(changes))
    if steps is None:
        steps = int(hyper.get("n_timesteps", TrainConfig.steps))
    return TrainConfig(algo=algo, steps=steps, hyper=hyper, **fields)
