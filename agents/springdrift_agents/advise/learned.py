"""A learned policy as it decides in production: NumPy and safetensors, and nothing of the worlds."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from springdrift_agents.policies import network

SHIPPED = "ppo-series"  # the learned policy that advice compares
CARD = ("sha256", "columns", "actions", "stack", "activation", "masked", "observe")


class Loaded(NamedTuple):
    """A network that reads the dashboard."""

    sha256: str
    columns: Sequence[str]
    actions: Sequence[str]
    stack: int
    averages: Sequence[float]
    activation: str
    masked: bool
    weights: network.Weights
    layers: int


@cache
def load(name: str) -> Loaded:
    """A network that ships, by its name, or that of a ``.safetensors`` file.

    Raises:
        ValueError: there is none of that name; a file that is damaged; a network of another kind than those
            that read the dashboard and remember nothing but their last observations.
        FileNotFoundError: there is no such file.
        ImportError: safetensors is missing; says what to install.
    """
    known = network.shipped()
    if name not in known and not name.endswith(network.SUFFIX):
        raise ValueError(f"unknown network {name!r}; allowed: {', '.join(known)}, or a {network.SUFFIX} file")
    path = known.get(name, Path(name))
    card = network.card(path)
    try:
        about = {part: card[part] for part in CARD} | {"averages": card.get("averages", ())}
    except (TypeError, KeyError) as wrong:
        raise ValueError(f"{path.with_suffix('.json')} does not describe a network: {wrong}") from wrong
    weights = network.safetensors().load(network.data(path, about["sha256"]))
    if about.pop("observe") != "monitor" or "lstm.weight_hh" in weights:
        raise ValueError(f"the network {name!r} does not decide from the dashboard and its last observations")
    return Loaded(**about, weights=weights, layers=sum(one.endswith(".weight") for one in weights))


class DashboardNetwork:
    """A network that decides from the dashboard, one cycle at a time.

    Args:
        name: as for :func:`load`.
        sha256: checksum that its weights must have; any if empty.

    Raises:
        ValueError: as :func:`load`; its weights are others.
    """

    def __init__(self, name: str, sha256: str = "") -> None:
        self.loaded = load(name)
        if sha256 and sha256 != self.loaded.sha256:
            raise ValueError(f"the network {name!r} here is another than the policy was made with")
        self.reset()

    def reset(self) -> None:
        """Forget what was seen."""
        sees = self.loaded.stack + len(self.loaded.averages)
        self._seen = np.zeros((1, len(self.loaded.columns) * sees), np.float32)

    def decide(self, shown: Mapping[str, float], allowed: Sequence[str]) -> str:
        """The best of the actions allowed.

        Args:
            shown: the dashboard, by column.
            allowed: names of actions.
        """
        own = self.loaded
        newest = np.array([[shown[name] for name in own.columns]], np.float32)
        self._seen = network.seen(self._seen, newest, own.averages)
        found: Any = network.values(own.weights, own.layers, own.activation, self._seen)[0]
        busy = own.masked and shown["in_flight"] > 0.0
        free = [
            k
            for k, action in enumerate(own.actions)
            if action in allowed and not (busy and action == "RETRAIN")
        ]
        return own.actions[max(free, key=lambda k: found[k])]
