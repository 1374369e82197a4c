"""A trained network as numbers: read from its files and run in NumPy, without the worlds it was trained in.

Weights are named "0.weight" (out, in), "0.bias" (out,), "1.weight" …; a recurrent network has
"lstm.weight_ih" (4 h, in), "lstm.weight_hh" (4 h, h), "lstm.bias_ih" and "lstm.bias_hh" (4 h,) in front of
them, in torch's order of gates.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift_agents.files import read_bytes, read_json

SHIPPED = Path(__file__).with_name("shipped")
SUFFIX = ".safetensors"
MOST_BYTES = 1 << 28  # of a file of weights
Weights = Mapping[str, NDArray[np.float32]]


def values(weights: Weights, layers: int, activation: str, features: NDArray[Any]) -> NDArray[Any]:
    """What the network's linear layers give for each decision, (n, actions).

    Args:
        weights: by name.
        layers: how many linear layers.
        activation: between them, "relu" or "tanh".
        features: the observations that it sees at once, or hidden states, (n, in).
    """
    for layer in range(layers):
        features = features @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"]
        if layer < layers - 1:
            features = np.tanh(features) if activation == "tanh" else np.maximum(features, 0.0)
    return features


def seen(before: NDArray[Any], newest: NDArray[Any], averages: Sequence[float] = ()) -> NDArray[Any]:
    """What a network sees after one more observation: the last few, the newest last, then moving averages.

    Args:
        before: what it saw before, (n, D times how many it sees and how many averages); zeros at the start.
        newest: the observation, (n, D).
        averages: cycles over which each of the averages forgets.

    >>> seen(np.zeros((1, 3)), np.array([[8.0]]), [4.0]).tolist()
    [[0.0, 8.0, 2.0]]
    """
    wide = newest.shape[1]
    end = before.shape[1] - wide * len(averages)
    parts = [before[:, wide:end], newest]
    for place, cycles in enumerate(averages):
        old = before[:, end + place * wide : end + (place + 1) * wide]
        parts.append(old + (newest - old) * newest.dtype.type(1.0 / cycles))
    return np.concatenate(parts, axis=1)


def recur(
    weights: Weights, inputs: NDArray[Any], hidden: NDArray[Any], cell: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """One step of a long short-term memory (Hochreiter and Schmidhuber 1997), gates as torch has them."""
    gates = inputs @ weights["lstm.weight_ih"].T + weights["lstm.bias_ih"]
    gates += hidden @ weights["lstm.weight_hh"].T + weights["lstm.bias_hh"]
    into, forget, new, out = np.split(gates, 4, axis=1)
    cell = _sigmoid(forget) * cell + _sigmoid(into) * np.tanh(new)
    return _sigmoid(out) * np.tanh(cell), cell


def _sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.float32(0.5) * (np.tanh(np.float32(0.5) * x) + np.float32(1.0))


@cache
def shipped() -> dict[str, Path]:
    """The learned policies in the package, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob(f"*{SUFFIX}"))}


def safetensors() -> Any:
    """The package that reads and writes weights; an ImportError says what to install."""
    try:
        import safetensors.numpy
    except ModuleNotFoundError:
        raise ImportError('learned policies need safetensors: pip install "springdrift[cli]"') from None
    return safetensors.numpy


def card(path: Path) -> Any:
    """What PATH.json says of a network, unchecked.

    Raises:
        ValueError: it is no JSON, or too large.
        FileNotFoundError: there is no such file.
    """
    return read_json(path.with_suffix(".json"), 1 << 20)


def data(path: Path, sha256: str) -> bytes:
    """The bytes of PATH.safetensors.

    Raises:
        ValueError: their checksum is another.
        FileNotFoundError: there is no such file.
    """
    file = path.with_suffix(SUFFIX)
    found = read_bytes(file, MOST_BYTES)
    if hashlib.sha256(found).hexdigest() != sha256:
        about = file.with_suffix(".json").name
        raise ValueError(f"{file} is damaged, or is not the one that {about} describes")
    return found
