"""All that a Stable-Baselines3 model must keep between two chunks of training, in one safetensors file.

No pickles: weights, the optimiser's state and a replay buffer are arrays, the rest is JSON in the file's
metadata. One file, written whole, so that a kill at any moment leaves a run that can go on.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from springdrift_agents.files import write_bytes
from springdrift_agents.text import one_line

# what reading something else in a checkpoint's place ends in
BROKEN = (AttributeError, IndexError, KeyError, RecursionError, RuntimeError, TypeError, ValueError)
_COUNTERS = ("num_timesteps", "_n_updates", "_n_calls")
_BUFFER = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


def write(path: Path, model: Any, about: dict[str, Any]) -> None:
    """Write a model's state, and what else is to be known."""
    tensors = {f"policy.{name}": value for name, value in model.policy.state_dict().items()}
    for place, state in model.policy.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{place}.{name}": value for name, value in state.items()}
    counters = {name: getattr(model, name) for name in _COUNTERS if hasattr(model, name)}
    buffer = getattr(model, "replay_buffer", None)
    if buffer is not None:
        filled = buffer.buffer_size if buffer.full else buffer.pos
        for name in _BUFFER:
            tensors[f"buffer.{name}"] = torch.from_numpy(getattr(buffer, name)[:filled])
        counters |= {"pos": buffer.pos, "full": bool(buffer.full)}
    known = {**about, "counters": counters}
    whole = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    metadata = {"about": json.dumps({**known, "sha256": _digest(known, whole)}, sort_keys=True)}
    write_bytes(path, safetensors.torch.save(whole, metadata))


def _digest(known: dict[str, Any], tensors: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode())
    for name, value in sorted(tensors.items()):
        digest.update(f"\n{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()


def _open(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    try:
        with safetensors.safe_open(path, "np") as file:
            found: dict[str, Any] = json.loads((file.metadata() or {})["about"])
        expected = found.pop("sha256")
        # not load_file: torch makes another error of a Ctrl+C while it takes a storage apart
        tensors = safetensors.torch.load(path.read_bytes())
        digest = _digest(found, tensors)
    except FileNotFoundError:
        raise
    except (*BROKEN, safetensors.SafetensorError, OSError, MemoryError) as wrong:
        said = f"no entry {wrong}" if isinstance(wrong, KeyError) else one_line(wrong)[:200]
        raise ValueError(f"{path} is no checkpoint of springdrift, or is damaged: {said}") from wrong
    if digest != expected:
        raise ValueError(f"{path} is damaged: its sha256 is not the one written in it")
    return found, tensors


def about(path: Path) -> dict[str, Any]:
    """What :func:`write` was told beside the model.

    Raises:
        ValueError: the file is damaged or is something else.
    """
    return _open(path)[0]


def read(path: Path, model: Any) -> None:
    """Put a written state into a model made with the same hyperparameters.

    Raises:
        ValueError: the state does not fit the model.
    """
    found, tensors = _open(path)
    try:
        _put(found["counters"], tensors, model)
    except BROKEN as wrong:
        said = f"no entry {wrong}" if isinstance(wrong, KeyError) else one_line(wrong)[:200]
        raise ValueError(f"{path} does not fit this model: {said}") from wrong


def _put(counters: dict[str, Any], tensors: dict[str, torch.Tensor], model: Any) -> None:
    policy = {name.removeprefix("policy."): value for name, value in tensors.items() if name[:7] == "policy."}
    for name, value in tensors.items():
        if value.is_floating_point() and not value.isfinite().all():
            raise ValueError(f"{name} is not finite")
    model.policy.load_state_dict(policy)
    optimizer = model.policy.optimizer
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    states: dict[int, dict[str, Any]] = {}
    for name, value in tensors.items():
        kind, _, rest = name.partition(".")
        if kind == "optimizer":
            place, _, key = rest.partition(".")
            if value.ndim and value.shape != weights[int(place)].shape:
                raise ValueError(f"{name} has shape {tuple(value.shape)}")
            states.setdefault(int(place), {})[key] = value
    optimizer.load_state_dict({"state": states, "param_groups": optimizer.state_dict()["param_groups"]})
    for name in _COUNTERS:
        if name in counters:
            setattr(model, name, _count(counters, name))
    buffer = getattr(model, "replay_buffer", None)
    if buffer is not None:
        buffer.pos, buffer.full = _count(counters, "pos"), counters["full"] is True
        filled = buffer.buffer_size if buffer.full else buffer.pos
        for name in _BUFFER:
            kept, whole = tensors[f"buffer.{name}"].numpy(), getattr(buffer, name)
            if kept.shape != (filled, *whole.shape[1:]) or filled > len(whole) or buffer.pos >= len(whole):
                raise ValueError(f"buffer.{name} has shape {kept.shape}")
            whole[:filled] = kept


def _count(counters: dict[str, Any], name: str) -> int:
    found = counters[name]
    if type(found) is not int or found < 0:
        raise ValueError(f"{name} must be a whole number of at least 0, got {found!r:.40}")
    return found
