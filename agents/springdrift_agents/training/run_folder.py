"""The folder of a training run: whose it is, and how far the run in it has come."""

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from springdrift_agents.evaluation import provenance
from springdrift_agents.files import exclusive, read_json, write_text
from springdrift_agents.training import checkpoint

CHECKPOINT = "checkpoint.safetensors"
MANIFEST = "manifest.json"


@contextmanager
def unused(out: Path) -> Iterator[None]:
    """A folder that nobody else writes to meanwhile, for a run that can not be gone on with.

    Raises:
        ValueError: it holds a run.
    """
    out.mkdir(parents=True, exist_ok=True)
    with exclusive(out):
        if (out / MANIFEST).exists():
            raise ValueError(f"{out} holds a run: take another folder")
        yield


def claim(
    out: Path, config: dict[str, Any], digest: str, check: Callable[[], None]
) -> list[dict[str, float]]:
    """Take a folder for a run unless it holds another; the steps and costs of the chunks that it has.

    Args:
        out: the folder.
        config: of the run, as plain data.
        digest: of the config.
        check: refuses a config that gives no model, before a new folder is taken.

    Raises:
        ValueError: the folder holds another run or a damaged one; what, and what to do.
    """
    about, file = out / MANIFEST, out / CHECKPOINT
    if about.exists():
        _same_run(about, config)
    history: list[dict[str, float]] = []
    if file.exists():
        found = checkpoint.about(file)
        if found.get("config") != digest:
            raise ValueError(f"{file} is of another run: take another folder")
        other = _changed(found.get("code"))
        if other:
            raise ValueError(
                f"{out} was begun with other code ({other}), and a run of two kinds is none: "
                "take another folder, or the code of before"
            )
        history = _history(file, found.get("history"))
        for name in ("best.json", "best.safetensors"):
            if not (out / name).exists():
                raise ValueError(f"{out} has a checkpoint but no {name}: put it back, or take another folder")
    if not history:
        check()
    if not about.exists():
        write_text(about, json.dumps(provenance.manifest(config), indent=1) + "\n")
    return history


def _history(file: Path, found: Any) -> list[dict[str, float]]:
    """Steps and costs of chunks as a checkpoint holds them, once they are known to be that."""
    if not isinstance(found, list) or not found:
        raise ValueError(f"{file} holds no history of a run: take another folder")
    before = 0
    for row in found:
        steps, cost = (row.get("steps"), row.get("cost")) if isinstance(row, dict) else (None, None)
        if (
            type(steps) is not int
            or steps <= before
            or not isinstance(cost, float)
            or not math.isfinite(cost)
        ):
            raise ValueError(f"{file} holds {row!r:.80} as a chunk of its history: take another folder")
        before = steps
    return found


def _changed(code: Any) -> str:
    """What has changed since a checkpoint was written."""
    there, here = code if isinstance(code, dict) else {}, provenance.training_code()
    names = {"worlds": "springdrift's worlds", "agents": "springdrift's agents"}
    return ", ".join(
        names.get(name) or f"{name} {there.get(name, 'unknown')}, now {here.get(name, 'none')}"
        for name in here | there
        if here.get(name) != there.get(name)
    )


def _same_run(about: Path, config: dict[str, Any]) -> None:
    try:
        there = _flat(read_json(about)["config"])
    except (ValueError, TypeError, KeyError, AttributeError) as wrong:
        raise ValueError(
            f"{about} is no manifest of a training run ({type(wrong).__name__}: {wrong}): take another folder"
        ) from wrong
    here = _flat(json.loads(json.dumps(config)))
    other = [
        f"{name} is {there.get(name, 'not set')!r} there, {here.get(name, 'not set')!r} here"
        for name in here | there
        if name not in here or name not in there or here[name] != there[name]
    ]
    if other:
        raise ValueError(
            f"{about.parent} holds another run ({'; '.join(other)}): "
            "take another folder, or the same settings to go on"
        )


def _flat(config: dict[str, Any]) -> dict[str, Any]:
    """A config with each hyperparameter as an entry of its own."""
    return {name: value for name, value in config.items() if name != "hyper"} | config["hyper"].copy()
