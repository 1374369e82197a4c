"""Hyperparameters as data: YAML files in the format of rl-baselines3-zoo, read without executing them."""

import ast
from pathlib import Path
from typing import Any

from springdrift import ENV_ID

FOLDER = Path(__file__).with_name("hyperparameters")
ALGOS = ("ppo", "dqn", "recurrent-ppo", "maskable-ppo")
OWN = ("n_envs", "n_timesteps", "policy", "frame_stack")  # what the zoo takes out before it makes a model
ACTIVATIONS = {"nn.ReLU": "relu", "nn.Tanh": "tanh"}


def read(algo: str, path: Path | None = None) -> dict[str, Any]:
    """The hyperparameters of an algorithm: the house's, or those of a file.

    Raises:
        ValueError: an unknown algorithm, or a file without an entry for this env.

    >>> read("ppo")["gamma"]
    0.97
    """
    if algo not in ALGOS:
        raise ValueError(f"unknown algorithm {algo!r}; allowed: {', '.join(ALGOS)}")
    import yaml

    path = path or FOLDER / f"{algo}.yml"
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as wrong:
        raise ValueError(f"{path} is not YAML: {wrong}") from wrong
    if not isinstance(found, dict) or not isinstance(found.get(ENV_ID), dict):
        raise ValueError(f"{path} has no hyperparameters under {ENV_ID!r}")
    return dict(found[ENV_ID])


def update(found: dict[str, Any], changes: list[str]) -> dict[str, Any]:
    """Hyperparameters with changes such as "gamma=0.99", each value read as YAML.

    Raises:
        ValueError: a change that does not read NAME=VALUE.

    >>> update({"gamma": 0.97}, ["gamma=0.99", "n_envs=8"])
    {'gamma': 0.99, 'n_envs': 8}
    """
    import yaml

    changed = dict(found)
    for text in changes:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ValueError(f"a hyperparameter must read NAME=VALUE, got {text!r}")
        changed[name] = yaml.safe_load(value)
    return changed


def start_of(value: Any) -> tuple[float, bool]:
    """A rate and whether it falls linearly to zero, from 1e-3 or the zoo's "lin_1e-3".

    >>> start_of("lin_1e-3"), start_of(0.2)
    ((0.001, True), (0.2, False))
    """
    text = str(value)
    try:
        return float(text.removeprefix("lin_")), text.startswith("lin_")
    except ValueError:
        raise ValueError(f"a rate must read 1e-3 or lin_1e-3, got {value!r}") from None


def policy_kwargs(text: Any) -> dict[str, Any]:
    """What "dict(net_arch=[64], activation_fn=nn.ReLU)" says, without evaluating it; activations by name.

    Raises:
        ValueError: anything but a plain dict of numbers, lists and known activations.

    >>> policy_kwargs("dict(net_arch=[64, 64], activation_fn=nn.ReLU)")
    {'net_arch': [64, 64], 'activation_fn': 'relu'}
    """
    if isinstance(text, dict):
        return dict(text)
    try:
        call = ast.parse(str(text), mode="eval").body
        if not isinstance(call, ast.Call) or ast.unparse(call.func) != "dict" or call.args:
            raise ValueError("not a dict(...)")
        found: dict[str, Any] = {}
        for keyword in call.keywords:
            plain = ast.unparse(keyword.value)
            found[str(keyword.arg)] = ACTIVATIONS.get(plain) or ast.literal_eval(keyword.value)
    except (SyntaxError, ValueError) as wrong:
        raise ValueError(
            f"policy_kwargs must read dict(net_arch=[64, 64], activation_fn=nn.ReLU), got {text!r} ({wrong})"
        ) from wrong
    return found
