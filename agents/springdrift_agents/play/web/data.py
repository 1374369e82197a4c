"""What the page must know, taken from where Python keeps it: tables, names, prices, colours."""

from base64 import b64encode
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift import ENV_ID, OBS, SCENARIOS, TERMS, Action, Costs, World
from springdrift.incline import dynamics, kernel, kernel_narrow, reward, state
from springdrift.render import canvas, scene
from springdrift_agents.play.web.wasm import KERNEL

Json = dict[str, Any]


def incline(code: bool = True) -> Json:
    """The inclined mass: its kernel (with ``code``), the tables it reads, what is said and drawn of it."""
    world = World(1)
    return {
        "id": ENV_ID,
        "engine": "incline",
        "kernel": b64encode(KERNEL.read_bytes()).decode() if code else "",
        "lanes": kernel_narrow.LANES,
        "rows": state.ROWS,
        "fields": {field.name: [state.row(field.name), field.size] for field in state.FIELDS},
        "keys": list(state.KEYS),
        "plans": _array(world.table.plans),
        "prices": [{"name": name, "value": value} for name, value in asdict(Costs()).items()],
        "latency": world.latency,
        "substeps": world.substeps // state.MEASUREMENTS,
        "mode": kernel.MODES["monitor"],
        "measurements": state.MEASUREMENTS,
        "observation": [sense._asdict() for sense in OBS],
        "terms": [{"name": term, "colour": canvas.COLOURS[term]} for term in TERMS],
        "truth": list(kernel.TRUTH_NAMES),
        "actions": _actions(),
        "scenarios": [
            {
                "name": name,
                "summary": one.summary,
                "remedy": one.remedy,
                "row": world.table.row(name),
                "cycles": one.cycles,
                "cold": one.cold_start,
            }
            for name, one in SCENARIOS.items()
        ],
        "target": reward.TARGET,
        "window": state.WINDOW_CYCLES,
        "strongest": float(kernel.STRONGEST),
        "drawn": {
            "bumpers": list(dynamics.BUMPERS),
            "metre": scene.METRE,
            "middle": scene.MIDDLE,
            "anchor": scene.ANCHOR,
            "block": scene.BLOCK,
            "arrow": scene.ARROW,
            "magnet": dynamics.BUMPERS[1] + scene.BEYOND,
            "stiffness": dynamics.Params().stiffness,
            "friction": dynamics.Params().friction,
        },
    }


def _array(numbers: NDArray[np.float64]) -> Json:
    return {"shape": list(numbers.shape), "base64": b64encode(numbers.astype("<f8").tobytes()).decode()}


def _actions() -> list[Json]:
    fees = {Action.INTERVENE: "intervene", Action.RETRAIN: "retrain"}
    colours = {Action.WAIT: canvas.INK, Action.INTERVENE: canvas.HAND, Action.RETRAIN: canvas.TRAIN}
    return [
        {"name": one.name, "value": int(one), "fee": fees.get(one), "colour": colours[one]} for one in Action
    ]


def colours() -> dict[str, str]:
    """The colours of every picture, by what they stand for."""
    names = ("MODEL", "HAND", "TRAIN", "GOOD", "HIDDEN", "INK", "FAINT", "LINE", "PAPER", "PANEL", "EARTH")
    return {name.lower(): getattr(canvas, name) for name in names}
