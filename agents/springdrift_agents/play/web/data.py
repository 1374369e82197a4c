"""What the page must know, taken from where Python keeps it: tables, names, prices, colours."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift import ENV_ID, OBS, SCENARIOS, TERMS, Action, World
from springdrift.game.actions import ActionSet
from springdrift.incline import dynamics, reward, state
from springdrift.incline.machine import STRONGEST
from springdrift.incline.observation import MODES
from springdrift.incline.outputs import BILL, OVER, REWARD
from springdrift.render import canvas, scene
from springdrift_agents.play.scores import Score
from springdrift_agents.play.web import references
from springdrift_agents.play.web.wasm import KERNEL

Json = dict[str, Any]
SHAPES = {
    Action.WAIT: "dot",
    Action.INTERVENE: "triangle",
    Action.RETRAIN: "square",
    Action.FINE_TUNE: "diamond",
    Action.ROLLBACK: "arrow",
}
LEVELS = (  # name in the texts, lesson, scenario, world, and who is to be beaten there
    ("machine", 1, "stationary", 0, "never"),
    ("drift", 2, "abrupt", 10, "threshold@mix"),
    ("walk", 2, "gradual", 0, "threshold@mix"),
    ("detection", 3, "faulty-sensor", 3, "threshold@mix"),
    ("kicks", 3, "shock", 15, "never"),
    ("decisions", 4, "wear", 0, "threshold@mix"),
    ("planning", 5, "recurring", 1, "threshold@mix"),
    ("learning", 6, "mix", 14, "ppo-mix"),
    ("comparison", 7, "compound", 11, "threshold@mix"),
    ("time", 8, "poc", 0, "threshold@mix"),
    ("slots", 8, "release-train", 8, "threshold@mix"),
)
DEMONSTRATION = ("abrupt", 1)  # the world of the guide: it changes early, and the swing dies


def page() -> Json:
    """Everything that the page is told."""
    return {
        "worlds": [incline()],
        "colours": colours(),
        "levels": [
            dict(zip(("id", "lesson", "scenario", "world", "goal"), level, strict=True)) for level in LEVELS
        ],
        "demonstration": dict(zip(("scenario", "world"), DEMONSTRATION, strict=True)),
        "references": references.kept(),
        "scores": list(Score._fields),
    }


def incline(costs: Mapping[str, float] | None = None) -> Json:
    """The inclined mass: its kernel, the tables it reads, and what is said and drawn of it."""
    world = World(1, costs=costs)
    return {
        "id": ENV_ID,
        "engine": "incline",
        "kernel": b64encode(KERNEL.read_bytes()).decode(),
        "lanes": world.batch.width,
        "rows": state.ROWS,
        "fields": {field.name: [state.row(field.name), field.size] for field in state.FIELDS},
        "keys": list(state.KEYS),
        "plans": _array(world.table.plans),
        "prices": [{"name": name, "value": value} for name, value in asdict(world.costs).items()],
        "charges": reward.kernel_prices(world.costs).tolist(),
        "bill": {"rows": BILL, "reward": REWARD, "over": OVER},
        "latency": world.latency,
        "substeps": world.substeps // state.MEASUREMENTS,
        "mode": MODES["monitor"],
        "measurements": state.MEASUREMENTS,
        "observation": [sense._asdict() for sense in OBS],
        "terms": [{"name": term, "colour": canvas.COLOURS[term]} for term in TERMS],
        "truth": list(world.truth_names),
        "actions": _actions(world.actions),
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
        "strongest": float(STRONGEST),
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


def _actions(actions: ActionSet) -> list[Json]:
    return [
        {
            "name": one.action.name,
            "value": int(one.action),
            "meaning": one.meaning,
            "fee": one.fee,
            "colour": one.colour,
            "letter": one.key,
            "shape": SHAPES[one.action],
        }
        for one in actions
    ]


def colours() -> dict[str, str]:
    """The colours of every picture, by what they stand for."""
    names = ("MODEL", "HAND", "TRAIN", "GOOD", "HIDDEN", "INK", "FAINT", "LINE", "PAPER", "PANEL", "EARTH")
    return {name.lower(): getattr(canvas, name) for name in names}
