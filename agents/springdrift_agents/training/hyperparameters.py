"""Hyperparameters as data: YAML files in the format of rl-baselines3-zoo, read without executing them."""

import ast
import math
from pathlib import Path
from typing import Any

from springdrift import ENV_ID
from springdrift_agents.files import read_bytes
from springdrift_agents.policies.learned import checked_averages
from springdrift_agents.text import one_line

FOLDER = Path(__file__).with_name("settings")
ALGOS = ("ppo", "dqn", "recurrent-ppo", "maskable-ppo")
# what is taken out before a model is made: by the zoo as well, but for the averages, which it does not know
OWN = ("n_envs", "n_timesteps", "policy", "frame_stack", "averages")
ACTIVATIONS = {"nn.ReLU": "relu", "nn.Tanh": "tanh"}
MOST_YAML, MOST_NODES = 1 << 18, 10_000  # bytes of a file, values in it
MOST_LAYERS, MOST_UNITS = 64, 65_536
_INF = math.inf
NUMBERS: dict[str, tuple[bool, float, float]] = {  # whether whole, the lowest and the highest allowed
    "n_envs": (True, 1, 100_000),
    "n_timesteps": (True, 1, _INF),
    "frame_stack": (True, 1, 256),
    "n_steps": (True, 1, 1_000_000),
    "batch_size": (True, 1, _INF),
    "n_epochs": (True, 1, 1000),
    "gamma": (False, 0, 1),
    "gae_lambda": (False, 0, 1),
    "ent_coef": (False, 0, _INF),
    "vf_coef": (False, 0, _INF),
    "max_grad_norm": (False, 0, _INF),
    "buffer_size": (True, 1, 100_000_000),
    "learning_starts": (True, 0, _INF),
    "train_freq": (True, 1, _INF),
    "gradient_steps": (True, -1, _INF),
    "target_update_interval": (True, 1, _INF),
    "tau": (False, 0, 1),
    "exploration_fraction": (False, 1e-6, 1),
    "exploration_initial_eps": (False, 0, 1),
    "exploration_final_eps": (False, 0, 1),
    "stats_window_size": (True, 1, _INF),
    "target_kl": (False, 0, _INF),
}
RATES = {"learning_rate": 1.0, "clip_range": _INF}  # the highest allowed


def read(algo: str, path: Path | None = None, env: str = ENV_ID) -> dict[str, Any]:
    """The hyperparameters of an algorithm for a kind of world: the built-in ones, or those of a file.

    Worlds for which there are no built-in ones take those of the inclined mass.

    Raises:
        ValueError: an unknown algorithm, a file without an entry for this env, or a value out of range.

    >>> read("ppo")["gamma"]
    0.97
    """
    if algo not in ALGOS:
        raise ValueError(f"unknown algorithm {algo!r}; allowed: {', '.join(ALGOS)}")
    file = path or FOLDER / f"{algo}.yml"
    found = _yaml(read_bytes(file, MOST_YAML), f"{file}")
    if path is None and env not in found:
        env = ENV_ID
    if not isinstance(found, dict) or not isinstance(found.get(env), dict):
        raise ValueError(f"{file} has no hyperparameters under {env!r}")
    return {name: checked(name, value, str(file)) for name, value in found[env].items()}


def update(found: dict[str, Any], changes: list[str]) -> dict[str, Any]:
    """Hyperparameters with changes such as "gamma=0.99", each value read as YAML.

    Raises:
        ValueError: a change that does not read NAME=VALUE, or a value out of range.

    >>> update({"gamma": 0.97}, ["gamma=0.99", "n_envs=8"])
    {'gamma': 0.99, 'n_envs': 8}
    """
    changed = dict(found)
    for text in changes:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ValueError(f"a hyperparameter must read NAME=VALUE, got {text!r}")
        changed[name] = checked(name, _yaml(value, f"--set {text:.80}: the value"), f"--set {text:.80}")
    return changed


def _yaml(text: bytes | str, where: str) -> Any:
    """What YAML says, unless it says more than hyperparameters can.

    A few aliases of aliases stand for more than any memory holds, so what they stand for is counted first.
    """
    import yaml

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        large = root is not None and _size(root, {}) > MOST_NODES
        found = None if root is None or large else yaml.safe_load(text)
    except RecursionError as wrong:
        raise ValueError(f"{where} is nested too deeply, or within itself") from wrong
    except (yaml.YAMLError, ValueError, TypeError, AttributeError) as wrong:  # such as a date that is none
        raise ValueError(f"{where} is not YAML: {one_line(wrong)[:300]}") from wrong
    if large:
        raise ValueError(f"{where} stands for more than {MOST_NODES:,} values, aliases written out")
    return found


def _size(node: Any, known: dict[int, int]) -> int:
    """How many values a node stands for, each alias written out."""
    if id(node) not in known:
        parts = node.value if isinstance(node.value, list) else []
        below = [part for one in parts for part in (one if isinstance(one, tuple) else (one,))]
        known[id(node)] = 1 + sum(_size(part, known) for part in below)
    return known[id(node)]


def checked(name: Any, value: Any, where: str) -> Any:
    """A hyperparameter's value; one of :data:`NUMBERS` comes back as a number.

    Raises:
        ValueError: a value that is not allowed; begins with ``where``.

    >>> checked("n_timesteps", 2e6, "a.yml")
    2000000
    >>> checked("gamma", 2, "a.yml")
    Traceback (most recent call last):
    ValueError: a.yml: gamma must be a number from 0 to 1, got 2
    """
    try:
        if not isinstance(name, str):
            raise ValueError(f"the name of a hyperparameter must be text, got {name!r:.60}")
        if name == "target_kl" and value is None:  # no limit
            return value
        if name in NUMBERS:
            return _number(name, value)
        if name in RATES and not 0.0 <= start_of(value)[0] <= RATES[name]:
            most = f"from 0 to {RATES[name]:g}" if RATES[name] < _INF else "at least 0"
            raise ValueError(f"{name} must be {most}, got {value!r}")
        if name == "policy_kwargs":
            policy_kwargs(value)
        if name == "averages":
            return list(checked_averages(value))
    except ValueError as wrong:
        raise ValueError(f"{where}: {wrong}") from wrong
    return value


def _number(name: str, value: Any) -> float:
    whole, low, high = NUMBERS[name]
    try:  # PyYAML reads 1e-3 as text
        number = float(value) if isinstance(value, int | float | str) and value is not True else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if value is False or not low <= number <= high or number == _INF or (whole and number % 1):
        kind = "a whole number" if whole else "a number"
        most = f"from {low:,} to {high:,}" if high < _INF else f"of at least {low:,}"
        got = "nothing" if value is None else repr(value)
        raise ValueError(f"{name} must be {kind} {most}, got {got}")
    return int(number) if whole else number


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
        ValueError: anything but a plain dict of numbers, lists and known activations, or a width below 1.

    >>> policy_kwargs("dict(net_arch=[64, 64], activation_fn=nn.ReLU)")
    {'net_arch': [64, 64], 'activation_fn': 'relu'}
    """
    if isinstance(text, dict):
        return _network(dict(text))
    try:
        call = ast.parse(str(text), mode="eval").body
        if not isinstance(call, ast.Call) or ast.unparse(call.func) != "dict" or call.args:
            raise ValueError("not a dict(...)")
        found: dict[str, Any] = {}
        for keyword in call.keywords:
            plain = ast.unparse(keyword.value)
            found[str(keyword.arg)] = ACTIVATIONS.get(plain) or ast.literal_eval(keyword.value)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as wrong:
        raise ValueError(
            f"policy_kwargs must read dict(net_arch=[64, 64], activation_fn=nn.ReLU), "
            f"got {text!r:.200} ({wrong!s:.200})"
        ) from wrong
    return _network(found)


def _network(found: dict[str, Any]) -> dict[str, Any]:
    if "activation_fn" in found:
        given = found["activation_fn"]
        found["activation_fn"] = ACTIVATIONS.get(str(given), given)
        if found["activation_fn"] not in ACTIVATIONS.values():
            raise ValueError(f"activation_fn must be one of {', '.join(ACTIVATIONS)}, got {given!r}")
    arch = found.get("net_arch", [])
    parts = list(arch.values()) if isinstance(arch, dict) else [arch]
    sizes = {name: [found[name]] for name in ("lstm_hidden_size", "n_lstm_layers") if name in found}
    for name, widths in [*(("net_arch", part) for part in parts), *sizes.items()]:
        whole = isinstance(widths, list) and all(type(width) is int and width >= 1 for width in widths)
        if not whole or len(widths) > MOST_LAYERS or max(widths, default=1) > MOST_UNITS:
            raise ValueError(
                f"{name} must hold at most {MOST_LAYERS} whole numbers from 1 to {MOST_UNITS:,}, "
                f"got {found[name]!r:.200}"
            )
    return found
