"""Learned policies as plain numbers: weights in safetensors, the rest in JSON, run in NumPy alone.

Nothing is executed when one is read. Stable-Baselines3's own zip files hold pickles, which can run code;
they are read only by those who say that they trust them.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift import ENV_ID, THREE_ACTIONS, Action
from springdrift.game.observation import Table
from springdrift.registry import world_spec
from springdrift_agents.files import write_bytes, write_text
from springdrift_agents.policies import network
from springdrift_agents.policies.base import Memory
from springdrift_agents.policies.network import SUFFIX as SUFFIX
from springdrift_agents.policies.network import Weights, safetensors
from springdrift_agents.policies.network import shipped as shipped

STACKS = 256  # the most observations that a network may see at once
AVERAGES = 16  # the most moving averages of them
EVERYWHERE = "every scenario"  # where a generalist was trained, as its card says
# the column that shows when a decision would do nothing, as a world's own masks say, and the values that do
_TRAINING: tuple[str, Callable[[Any], Any]] = ("in_flight", lambda shown: shown > 0.0)
IDLE = {
    "RETRAIN": _TRAINING,
    "FINE_TUNE": _TRAINING,
    "ROLLBACK": ("previous_error", lambda shown: shown >= 1.0),  # no version served before
}

_KINDS = {
    "algo": str,
    "observe": str,
    "stack": int,
    "activation": str,
    "masked": bool,
    "sha256": str,
    "env": str,
}
_KINDS |= {"trained": dict}


def checked_averages(given: Any) -> tuple[float, ...]:
    """Cycles over which moving averages forget, as numbers.

    Raises:
        ValueError: more than 16 of them, or one that is no number from 1 to 1000.

    >>> checked_averages([10, 40])
    (10.0, 40.0)
    """
    many = list(given) if isinstance(given, list | tuple) else [given]
    good = all(isinstance(one, int | float) and 1 <= one <= 1000 for one in many)
    if not good or len(many) > AVERAGES:
        raise ValueError(f"averages must be at most {AVERAGES} numbers from 1 to 1000, got {given!r:.200}")
    return tuple(float(one) for one in many)


@dataclass(frozen=True)
class Card:
    """What must be known of a network to run it, and where it comes from."""

    algo: str  # that trained it
    observe: str = "monitor"  # which observation it is shown
    stack: int = 1  # observations that it sees at once, the newest last
    averages: tuple[float, ...] = ()  # moving averages behind them: cycles over which each forgets
    activation: str = "relu"  # or "tanh", between layers
    masked: bool = False  # it never decides what would do nothing: see IDLE
    columns: tuple[str, ...] = ()  # names of what it reads, in its order; those of ``observe`` when empty
    actions: tuple[str, ...] = THREE_ACTIONS.names  # names of what it decides, in the order of its values
    trained: dict[str, Any] = field(default_factory=dict)  # scenario, steps, seed, validation cost
    sha256: str = ""  # of the weights' file
    env: str = ENV_ID  # id of the kind of world whose observation it is shown

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            if type(getattr(self, name)) is not kind:
                raise ValueError(f"{name} must be {kind.__name__}, got {getattr(self, name)!r:.60}")
        steps = self.trained.get("steps", 0)
        if isinstance(steps, bool) or not isinstance(steps, int | float):
            raise ValueError(f"trained.steps must be a number, got {steps!r:.60}")
        tables = world_spec(self.env).world.observations
        for name, allowed in (("observe", tables), ("activation", ("relu", "tanh"))):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")
        if not 1 <= self.stack <= STACKS:
            raise ValueError(f"stack must be from 1 to {STACKS}, got {self.stack}")
        object.__setattr__(self, "averages", checked_averages(self.averages))
        if not self.columns:
            object.__setattr__(self, "columns", self.shown)
        for name in ("columns", "actions"):
            found = tuple(getattr(self, name))
            if not all(isinstance(one, str) for one in found) or len(set(found)) != len(found):
                raise ValueError(f"{name} must be names, each once, got {list(found)}")
            object.__setattr__(self, name, found)  # JSON has lists
        unknown = [one for one in self.actions if one not in Action.__members__]
        if unknown or not self.actions:
            raise ValueError(f"unknown action {unknown[:1]}; allowed: {', '.join(Action.__members__)}")
        for action in self.actions if self.masked else ():
            if action in IDLE and IDLE[action][0] not in self.columns:
                raise ValueError(f"a masked policy of {action} must read the column {IDLE[action][0]!r}")

    @property
    def sees(self) -> int:
        """How many observations' worth of numbers the network sees at once."""
        return self.stack + len(self.averages)

    @property
    def table(self) -> Table:
        """The observation that it is shown."""
        found: Table = world_spec(self.env).world.observations[self.observe]
        return found

    @property
    def shown(self) -> tuple[str, ...]:
        """Names of the columns of that observation."""
        return tuple(column.name for column in self.table)


class Learned:
    """A trained network as a policy, run in NumPy without torch.

    It knows the names of its columns and actions, so it also runs where there are more of either.

    Weights are named as in :mod:`springdrift_agents.policies.network`.

    Raises:
        ValueError: weights that are missing, do not fit, are not finite, or so large that values overflow.
    """

    def __init__(self, card: Card, weights: Weights) -> None:
        self.card, self.observe = card, card.observe
        with np.errstate(over="ignore"):  # what does not fit becomes infinite, and is refused below
            self.weights = {name: np.ascontiguousarray(value, np.float32) for name, value in weights.items()}
        self.columns, self.actions = card.columns, card.actions
        self.wide = len(card.columns)  # numbers that it reads of an observation
        self.layers = sum(name.endswith(".weight") for name in self.weights)
        self.hidden = self.weights["lstm.weight_hh"].shape[1] if "lstm.weight_hh" in self.weights else 0
        width = self.wide * card.sees
        if self.hidden:
            gates = 4 * self.hidden
            self._expect("lstm.weight_ih", (gates, width))
            self._expect("lstm.weight_hh", (gates, self.hidden))
            for name in ("lstm.bias_ih", "lstm.bias_hh"):
                self._expect(name, (gates,))
            width = self.hidden
        for layer in range(self.layers):
            out = len(self.weights.get(f"{layer}.weight", ()))
            self._expect(f"{layer}.weight", (out, width))
            self._expect(f"{layer}.bias", (out,))
            width = out
        if not self.layers or width != len(card.actions):
            raise ValueError(f"the network gives {width} values, {len(card.actions)} decisions need as many")
        self._check_range()

    def _check_range(self) -> None:
        """Refuse weights with which an observation could overflow, since nothing says what is best then."""
        box = self.card.table.box()
        high = np.maximum(np.abs(box.low), np.abs(box.high)).max()
        largest, most = np.float64(high), float(np.finfo(np.float32).max)
        for gates, bias in (("weight_ih", "bias_ih"), ("weight_hh", "bias_hh")) if self.hidden else ():
            self._bounded(f"lstm.{gates}", f"lstm.{bias}", largest, most / 4)
            largest = np.float64(1.0)  # a hidden state is within -1 and 1
        for layer in range(self.layers):
            largest = self._bounded(f"{layer}.weight", f"{layer}.bias", largest, most / 2)
            if self.card.activation == "tanh":
                largest = np.float64(1.0)

    def _bounded(self, weight: str, bias: str, largest: np.float64, most: float) -> np.float64:
        row = np.abs(self.weights[weight].astype(np.float64)).sum(axis=1) * largest
        found = np.float64((row + np.abs(self.weights[bias])).max())
        if found > most:
            raise ValueError(f"weight {weight!r} is so large that values overflow")
        return found

    @property
    def summary(self) -> str:
        """One line for a list."""
        trained = self.card.trained
        where, steps = trained.get("scenario", "worlds unknown"), trained.get("steps")
        length = f" for {steps / 1e6:.3g} million steps" if steps else ""
        return f"Learned by {self.card.algo} on {where}{length}."

    def __repr__(self) -> str:
        return f"Learned({self.card.algo}, {self.card.sha256[:12] or 'unsaved'})"

    def _expect(self, name: str, shape: tuple[int, ...]) -> None:
        found = self.weights.get(name)
        if found is None or found.shape != shape:
            there = "missing" if found is None else f"of shape {found.shape}"
            raise ValueError(f"weight {name!r} is {there}, expected shape {shape}")
        if not np.isfinite(found).all():
            raise ValueError(f"weight {name!r} is not finite")

    def values(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the network gives for each decision, (n, actions), from frames or hidden states."""
        return network.values(self.weights, self.layers, self.card.activation, features)

    def predict(
        self,
        observation: Any,
        state: Memory | None = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[Any, Memory | None]:
        """The best decision for each observation, (n,) for (n, D); memory is what was seen, and h and c.

        Raises:
            ValueError: observations of another width than it was trained on.
        """
        observation = np.asarray(observation, np.float32)
        batch = self._read(np.atleast_2d(observation))
        memory = self._memory(len(batch), state, episode_start)
        seen = network.seen(memory[0], batch, self.card.averages)
        values, hidden = self.forward(seen, memory[1:])
        if self.card.masked:
            values = np.where(self._idle(batch), -np.inf, values)
        actions = values.argmax(axis=1)
        return (actions if observation.ndim == 2 else actions[0]), (seen, *hidden)

    def _idle(self, batch: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which decisions would do nothing, (n, actions), by its own columns (n, wide)."""
        idle = np.zeros((len(batch), len(self.actions)), np.bool_)
        for place, action in enumerate(self.actions):
            if action in IDLE:
                column, says_so = IDLE[action]
                idle[:, place] = says_so(batch[:, self.columns.index(column)])
        return idle

    def _read(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Its own columns, (n, wide), of observations that hold them alone or those of a wider table."""
        if batch.shape[1:] == (self.wide,):
            return batch
        table = self.card.shown
        if batch.shape[1:] != (len(table),) or not set(self.columns) <= set(table):
            raise ValueError(
                f"this policy sees observe={self.observe!r}, (n, {self.wide}), got shape {batch.shape}"
            )
        return batch[:, [table.index(name) for name in self.columns]]

    def forward(self, seen: NDArray[np.float32], hidden: Memory) -> tuple[NDArray[np.float32], Memory]:
        """What it gives for each decision, (n, actions), and its new hidden state.

        Args:
            seen: what it sees at once, (n, wide times ``card.sees``): see :func:`network.seen`.
            hidden: (h, c), (n, hidden) each, of a recurrent one; else empty. See :meth:`blank`.
        """
        if not self.hidden:
            return self.values(seen), ()
        carried = network.recur(self.weights, seen, *hidden)
        return self.values(carried[0]), carried

    def blank(self, count: int) -> Memory:
        """The hidden state of ``count`` policies at the start of their episodes."""
        return tuple(np.zeros((count, self.hidden), np.float32) for _ in range(2 if self.hidden else 0))

    def _memory(self, count: int, state: Memory | None, episode_start: Any) -> Memory:
        if state is None:
            return np.zeros((count, self.wide * self.card.sees), np.float32), *self.blank(count)
        if episode_start is None:
            return state
        goes_on = ~np.broadcast_to(np.asarray(episode_start, np.bool_), count)[:, None]
        return tuple(np.where(goes_on, part, np.float32(0.0)) for part in state)


def save(policy: Learned, path: Path) -> None:
    """Write PATH.safetensors and PATH.json, each whole or not at all."""
    stem = path.with_suffix("")
    data = safetensors().save(dict(sorted(policy.weights.items())))
    card = asdict(policy.card) | {"sha256": hashlib.sha256(data).hexdigest()}
    write_bytes(stem.with_suffix(SUFFIX), data)
    write_text(stem.with_suffix(".json"), json.dumps(card, indent=1) + "\n")


def read(path: Path) -> Learned:
    """A policy from PATH.safetensors and PATH.json.

    Raises:
        ValueError: files that are damaged or do not belong together; which, and how.
        FileNotFoundError: there is no such file.
    """
    about = path.with_suffix(".json")
    try:
        found = network.card(path)
        unknown = set(found) - {one.name for one in fields(Card)}
        if unknown:
            raise ValueError(f"unknown entry {min(unknown)!r}")
        card = Card(**found)
    except (TypeError, ValueError, AttributeError) as wrong:
        raise ValueError(f"{about} does not describe a policy: {wrong}") from wrong
    data = network.data(path, card.sha256)
    try:
        return Learned(card, safetensors().load(data))
    except ImportError:
        raise
    except Exception as wrong:
        raise ValueError(f"{path.with_suffix(SUFFIX)}: {wrong}") from wrong
