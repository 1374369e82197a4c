"""Moments of an episode that can be gone back to, and where each of them fits."""

import hashlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift.game.world import check_origin
from springdrift.incline.state import FIELDS, INDEXING, MEASUREMENTS, RANGES, WHOLE, Batch


class Origin(NamedTuple):
    """What a world must have in common with another for the other's moments to be its own."""

    num_envs: int
    scenario: str
    cycles: int | None
    latency: int
    substeps: int
    plans: str  # digest of the scenario table


class WorldState(NamedTuple):
    """All that decides the future of a batch of worlds, as copies."""

    real: NDArray[np.float32]  # as in state.Batch
    keys: NDArray[np.uint32]
    origin: Origin


def digest(plans: NDArray[np.float64]) -> str:
    """A short name for a scenario table: two tables of one name are the same."""
    return hashlib.blake2b(plans.tobytes(), digest_size=16).hexdigest()


def check_world_state(state: Any, origin: Origin, batch: Batch, rows: int) -> WorldState:
    """The state, if it fits a world: nothing the kernel reads with it lies outside of its tables.

    Args:
        state: what a user passed.
        origin: of the world.
        batch: its storage.
        rows: scenarios in its table.

    Raises:
        ValueError: no state, or one from a world made with other options; says which.
    """
    if not isinstance(state, WorldState):
        raise ValueError(f"expected a state from get_state(), got {type(state).__name__}")
    check_origin(state.origin, origin, "num_envs, scenario, cycles, latency and substeps")
    for part, own in zip((state.real, state.keys), batch, strict=True):
        if not isinstance(part, np.ndarray) or (part.shape, part.dtype) != (own.shape, own.dtype):
            raise ValueError(f"a state's arrays must have shape {own.shape} and type {own.dtype}")
    held = Batch(state.real, state.keys)
    check_rows(held.field("scenario"), rows)
    _check_fields(held, origin)
    return state


def _check_fields(held: Batch, origin: Origin) -> None:
    """Raises ValueError where a field of a state, in any lane, is not what the kernel can go on from."""
    if not held.real.any():  # of a world in which no episode was ever started
        return
    for field in FIELDS:
        lanes = held.size if field.name in INDEXING else origin.num_envs  # nobody reads the idle ones
        values = np.moveaxis(held.field(field.name), -1, 1).reshape(held.size, -1)[:lanes]
        if field.name in WHOLE:
            (low, high), kind = WHOLE[field.name], "whole numbers"
            fine = (low <= values) & (values <= high) & (values == np.floor(values))
        else:
            (low, high), kind = RANGES[field.name], "numbers"
            fine = (values >= low - 1e-4 * (1 + abs(low))) & (values <= high + 1e-4 * (1 + abs(high)))
        if not fine.all():
            raise ValueError(
                f"a state's {field.name} must be {kind} from {low:g} to {high:g}, got {values[~fine][0]:g}"
            )
    samples, turn = held.field("samples"), held.field("turn")
    training = held.lanes("training", origin.num_envs)
    if (samples % MEASUREMENTS != 0).any():
        raise ValueError(f"a state's samples must be multiples of {MEASUREMENTS}")
    if (turn != turn[0, 0]).any():
        raise ValueError("a state's turn must be the same in all of its lanes")
    if (training > origin.latency).any():
        raise ValueError(f"a state's training must not exceed the latency, {origin.latency}")
    cycle, deadline = (held.lanes(name, origin.num_envs) for name in ("cycle", "deadline"))
    if (deadline < 1).any() or (cycle > deadline).any():
        raise ValueError("a state's deadline must be at least 1, and its cycle no later")


def check_rows(chosen: NDArray[Any], rows: int) -> None:
    """Raises ValueError where a row of the scenario table does not exist."""
    if not ((chosen >= 0) & (chosen < rows) & (chosen == np.floor(chosen))).all():
        raise ValueError(f"a state names rows of the scenario table that do not exist; it has {rows}")
