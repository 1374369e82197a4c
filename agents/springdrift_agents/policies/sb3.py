"""Networks of Stable-Baselines3 as policies in NumPy: what is not known exactly is an error that names it.

torch and Stable-Baselines3 are imported when a network is read, not with this module.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift.registry import WORLDS, world_spec
from springdrift_agents.policies.learned import STACKS, Card, Learned
from springdrift_agents.policies.network import Weights

ALGOS = ("ppo", "dqn", "recurrent-ppo", "maskable-ppo")
POLICIES = {  # what trains a policy of each class, and with it the network's form
    "stable_baselines3.common.policies.ActorCriticPolicy": "ppo",
    "stable_baselines3.dqn.policies.DQNPolicy": "dqn",
    "sb3_contrib.common.recurrent.policies.RecurrentActorCriticPolicy": "recurrent-ppo",
    "sb3_contrib.common.maskable.policies.MaskableActorCriticPolicy": "maskable-ppo",
}
ACTIVATIONS = {"torch.nn.modules.activation.ReLU": "relu", "torch.nn.modules.activation.Tanh": "tanh"}
LSTM = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
TRIALS, CYCLES = 256, 4  # random observations that an export is verified on, and how often in a row
CLEAR = 1e-3  # of the largest value: decisions closer than this may differ by rounding


def models() -> dict[str, Any]:
    """The algorithms of Stable-Baselines3 that can be trained and read, by name.

    Raises:
        ImportError: they are not installed; says what to install.
    """
    try:
        from sb3_contrib import MaskablePPO, RecurrentPPO
        from stable_baselines3 import DQN, PPO
    except ModuleNotFoundError:
        raise ImportError('networks of Stable-Baselines3 need it: pip install "springdrift[rl]"') from None
    return dict(zip(ALGOS, (PPO, DQN, RecurrentPPO, MaskablePPO), strict=True))


def from_zip(path: Path) -> Learned:
    """A zip of Stable-Baselines3 as a policy in NumPy. Opening it can run code: only for files one trusts.

    Raises:
        ValueError: it is no such zip or of an algorithm that is not known, the model is for another env, or
            its network is not known.
    """
    algo = algorithm_of(path)
    if algo is None:
        raise ValueError(
            f"{path}: what trained it is not known; allowed: {', '.join(ALGOS)}, saved by Stable-Baselines3"
        )
    try:
        model = models()[algo].load(path, device="cpu")
        card = card_of(model, algo)
        return export(model, replace(card, sha256=hashlib.sha256(path.read_bytes()).hexdigest()))
    except (ValueError, KeyError, AssertionError) as wrong:
        raise ValueError(f"{path}: {wrong}") from wrong


def algorithm_of(path: Path) -> str | None:
    """Which algorithm a zip of Stable-Baselines3 says trained it; it is read as JSON, and nothing is run."""
    try:
        with zipfile.ZipFile(path) as file:
            data = json.loads(file.read("data"))
        module = data["policy_class"]["__module__"]
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError):
        return None
    found = next((algo for name, algo in POLICIES.items() if name.rpartition(".")[0] == module), None)
    return None if found == "ppo" and "clip_range" not in data else found  # A2C has PPO's policies


def card_of(model: Any, algo: str) -> Card:
    """What must be known of a model's network to run it, read off the model.

    Raises:
        ValueError: its spaces are not those of a world, or its layers are not known.
    """
    env, observe, stack = _observation(model.observation_space)
    _, activation = _layers(model.policy)
    return Card(algo, observe, stack, activation=activation, masked=algo == "maskable-ppo", env=env)


def export(model: Any, card: Card) -> Learned:
    """The network of a Stable-Baselines3 model that decides, as a policy in NumPy.

    Before it is returned, both decide on random observations, and must decide alike.

    Raises:
        ValueError: a part of the network that this package does not know, or that the card does not
            describe, naming it.
    """
    policy = model.policy
    _check_class(policy, card.algo)
    _check_spaces(model, card)
    layers, activation = _layers(policy)
    if len(layers) > 1 and activation != card.activation:
        raise ValueError(f"the card says activation={card.activation!r}, the network has {activation!r}")
    recurrent: dict[str, Any] = {}
    if hasattr(policy, "lstm_actor"):
        _check_lstm(policy.lstm_actor)
        recurrent = {f"lstm.{name}": getattr(policy.lstm_actor, f"{name}_l0") for name in LSTM}
    found = Learned(card, numbers(layers, recurrent))
    _verify(model, found)
    return found


def numbers(layers: Iterable[Any], recurrent: Mapping[str, Any] | None = None) -> Weights:
    """Copies of torch's linear layers, and of recurrent weights before them, by the names used in NumPy."""
    found = dict(recurrent or {})
    for place, layer in enumerate(layers):
        found[f"{place}.weight"], found[f"{place}.bias"] = layer.weight, layer.bias
    return {name: value.detach().cpu().numpy().copy() for name, value in found.items()}


# ---------------------------------------------------------------- what is known


def _name(thing: Any) -> str:
    kind = thing if isinstance(thing, type) else type(thing)
    return f"{kind.__module__}.{kind.__qualname__}"


def _check_class(policy: Any, algo: str) -> None:
    found = _name(policy)
    if POLICIES.get(found) != algo:
        known = next((name for name, trains in POLICIES.items() if trains == algo), "none")
        raise ValueError(f"the policy's class {found} is not known for {algo!r}; allowed: {known}")
    if getattr(policy, "squash_output", False):
        raise ValueError("squash_output is not known: decisions are numbers, not squashed to an interval")


def _check_spaces(model: Any, card: Card) -> None:
    found = _name(model.action_space).rpartition(".")[2]
    count = getattr(model.action_space, "n", None)
    if found != "Discrete" or count != len(card.actions) or getattr(model.action_space, "start", 0) != 0:
        raise ValueError(
            f"the model's action space {model.action_space} is not Discrete({len(card.actions)}): "
            f"{', '.join(card.actions)}"
        )
    space = model.observation_space
    wide = len(card.columns) * card.sees
    if getattr(space, "shape", None) != (wide,):
        raise ValueError(
            f"the model's observation space {space} has not the shape ({wide},) of {card.sees} observations "
            f"of {len(card.columns)} columns"
        )
    fits = _fits(space, card.env)
    if card.columns == card.shown and (card.observe, card.sees) not in fits:
        told = ", ".join(f"observe={observe!r} with {stack} frames" for observe, stack in fits)
        raise ValueError(
            f"the model does not observe {card.observe!r} with {card.sees} frames: "
            f"{f'it observes {told}' if fits else 'the bounds are those of no observation of springdrift'}"
        )


def _fits(space: Any, env: str) -> list[tuple[str, int]]:
    """Which observations of a world have this space's bounds, and how many of them stand side by side."""
    found = []
    for observe, table in world_spec(env).world.observations.items():
        stack, rest = divmod(space.shape[0], len(table))
        if rest or not 1 <= stack <= STACKS:
            continue
        box = table.box()
        for spread in (np.tile, np.repeat):  # VecFrameStack repeats bounds, although it stacks observations
            low, high = spread(box.low, stack), spread(box.high, stack)
            if np.array_equal(low, space.low) and np.array_equal(high, space.high):
                found.append((observe, stack))
                break
    return found


def _observation(space: Any) -> tuple[str, str, int]:
    """The first kind of world that has an observation with this space, which it is, and how often."""
    if _name(space).rpartition(".")[2] != "Box" or len(space.shape) != 1:
        raise ValueError(f"the model's observation space {space} is not a row of numbers")
    for env in WORLDS:
        fits = _fits(space, env)
        if len(fits) == 1:
            return (env, *fits[0])
    tables = ", ".join(
        f"{observe} ({len(table)}) of {env}"
        for env, spec in WORLDS.items()
        for observe, table in spec.world.observations.items()
    )
    raise ValueError(
        f"{space.shape[0]} inputs with these bounds fit no observation of springdrift; there are: "
        f"{tables}, each as often as frames are stacked"
    )


def _layers(policy: Any) -> tuple[Sequence[Any], str]:
    """The linear layers of the network that decides, and the activation between them."""
    if hasattr(policy, "q_net"):
        extractor, modules = policy.q_net.features_extractor, list(policy.q_net.q_net)
    else:
        extractor = getattr(policy, "pi_features_extractor", policy.features_extractor)
        if _name(policy.mlp_extractor) != "stable_baselines3.common.torch_layers.MlpExtractor":
            raise ValueError(
                f"the extractor {_name(policy.mlp_extractor)} is not known; allowed: MlpExtractor"
            )
        modules = [*policy.mlp_extractor.policy_net, policy.action_net]
    if _name(extractor) != "stable_baselines3.common.torch_layers.FlattenExtractor":
        raise ValueError(f"the features extractor {_name(extractor)} is not known; allowed: FlattenExtractor")
    linear, between = [], set()
    for place, module in enumerate(modules):
        kind = _name(module)
        if place % 2 == 0 and kind == "torch.nn.modules.linear.Linear" and module.bias is not None:
            linear.append(module)
        elif place % 2 and kind in ACTIVATIONS:
            between.add(ACTIVATIONS[kind])
        else:
            raise ValueError(
                f"layer {place} of the network, {module}, is not known; allowed: linear layers with a "
                "bias, and ReLU or Tanh between them"
            )
    if len(modules) % 2 == 0 or len(between) > 1:
        raise ValueError(f"the network mixes activations or ends with one: {modules}")
    return linear, next(iter(between), "relu")


def _check_lstm(lstm: Any) -> None:
    for name, known in (("num_layers", 1), ("bidirectional", False), ("proj_size", 0), ("bias", True)):
        if getattr(lstm, name) != known:
            raise ValueError(
                f"a recurrent layer with {name}={getattr(lstm, name)} is not known; allowed: {known}"
            )


# ---------------------------------------------------------------- verification


def _verify(model: Any, found: Learned) -> None:
    """Let both decide on random observations, in a row where they remember."""
    rng = np.random.default_rng(0)
    space = model.observation_space
    low, high = np.maximum(space.low, -10.0), np.minimum(space.high, 10.0)
    state: Any = None
    memory = found.blank(TRIALS)
    for cycle in range(CYCLES):
        seen = rng.uniform(low, high, (TRIALS, len(low))).astype(np.float32)
        theirs, state = model.predict(
            seen, state=state, episode_start=np.full(TRIALS, cycle == 0), deterministic=True
        )
        values, memory = found.forward(seen, memory)
        _alike(np.asarray(theirs), values)


def _alike(theirs: NDArray[Any], values: NDArray[np.float32]) -> None:
    best = values.max(axis=1)
    short = best - values[np.arange(len(values)), theirs]
    apart = short > CLEAR * np.maximum(1.0, np.abs(values).max(axis=1))
    if apart.any():
        raise ValueError(
            f"the network decides otherwise than Stable-Baselines3 does on {int(apart.sum())} of "
            f"{len(values)} random observations: a part of it is not known"
        )
