"""What the page must know, taken from where Python keeps it: tables, names, prices, colours."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from springdrift import ENV_ID, OPS_ID, SERIES_ID, SERIES_OPS_ID, Action, InclinedMassWorld
from springdrift.game.actions import ActionSet
from springdrift.incline import dynamics, reward, state
from springdrift.incline.machine import STRONGEST
from springdrift.incline.outputs import OVER, REWARD
from springdrift.registry import world_spec
from springdrift.render import canvas, scene
from springdrift.series import state as lanes
from springdrift.series.generator import TRUTH_NAMES as SERIES_TRUTH
from springdrift.series.scenario import Scenario
from springdrift.series.world import SeriesWorld
from springdrift_agents.play.scores import Score
from springdrift_agents.play.web import calls, references
from springdrift_agents.play.web.references import RULE
from springdrift_agents.play.web.wasm import KERNELS

Json = dict[str, Any]
SHAPES = {
    Action.WAIT: "dot",
    Action.INTERVENE: "triangle",
    Action.RETRAIN: "square",
    Action.FINE_TUNE: "diamond",
    Action.ROLLBACK: "arrow",
}
OWN_SHAPES = {"forecast": "dot", "swing": "plus"}  # of cost terms that no decision pays
PLAYED = tuple(references.POLICIES)
LEVELS = (  # name in the texts, lesson, world's id, scenario, world, and who is to be beaten there
    ("machine", 1, ENV_ID, "stationary", 0, "never"),
    ("drift", 2, ENV_ID, "abrupt", 10, RULE),
    ("walk", 2, ENV_ID, "gradual", 0, RULE),
    ("detection", 3, ENV_ID, "faulty-sensor", 3, RULE),
    ("kicks", 3, ENV_ID, "shock", 15, "never"),
    ("decisions", 4, ENV_ID, "wear", 0, RULE),
    ("planning", 5, ENV_ID, "recurring", 1, RULE),
    ("learning", 6, ENV_ID, "mix", 14, "generalist"),
    ("comparison", 7, ENV_ID, "compound", 11, RULE),
    ("time", 8, ENV_ID, "poc", 0, RULE),
    ("slots", 8, ENV_ID, "release-train", 8, RULE),
    ("data", 9, SERIES_ID, "abrupt", 1, RULE),
    ("driver", 9, SERIES_ID, "driver", 0, RULE),
    ("versions", 10, OPS_ID, "returning", 0, RULE),
    ("tuning", 10, OPS_ID, "tilt", 0, RULE),
    ("both", 10, SERIES_OPS_ID, "returning", 0, "champion"),
)
DEMONSTRATIONS = {  # the worlds of the guides: they change early; steps before that; the level that follows
    "incline": {"env": ENV_ID, "scenario": "abrupt", "world": 1, "calm": 2, "level": "drift"},
    "series": {"env": SERIES_ID, "scenario": "abrupt", "world": 2, "calm": 1, "level": "data"},
}


def page() -> Json:
    """Everything that the page is told."""
    worlds = [about(id) for id in PLAYED]
    names = ("id", "lesson", "env", "scenario", "world", "goal")
    return {
        "worlds": worlds,
        "kernels": kernels(*worlds),
        "colours": colours(),
        "levels": [dict(zip(names, level, strict=True)) for level in LEVELS],
        "demonstrations": DEMONSTRATIONS,
        "references": references.kept(),
        "rules": {id: names[1] for id, names in references.POLICIES.items()},
        "scores": list(Score._fields),
    }


def kernels(*worlds: Json) -> dict[str, str]:
    """The compiled kernels of some worlds by engine, in base64."""
    engines = dict.fromkeys(world["engine"] for world in worlds)
    return {engine: b64encode(KERNELS[engine].read_bytes()).decode() for engine in engines}


def playable(id: str) -> type[Any]:
    """The class of a kind of world that a page can play.

    Raises:
        ValueError: it can not; says what it can.

    >>> playable("springdrift/UpkeepDashboard-v0")
    Traceback (most recent call last):
    ValueError: no page can play springdrift/UpkeepDashboard-v0: it plays inclines and forecasts in service
    """
    kind = world_spec(id).world
    if not issubclass(kind, InclinedMassWorld | SeriesWorld):
        raise ValueError(f"no page can play {id}: it plays inclines and forecasts in service")
    return kind


def about(id: str, costs: Mapping[str, float] | None = None) -> Json:
    """A kind of world: the arrays and calls of its kernel, and what is said and drawn of it.

    Args:
        id: of the kind.
        costs: prices, where they are not the usual ones.

    Raises:
        ValueError: a kind of world that the page cannot play.
    """
    world = playable(id)(1, costs=costs)
    own = _incline(world) if isinstance(world, InclinedMassWorld) else _series(world)
    shapes = {one.fee: SHAPES[one.action] for one in world.actions}
    return {
        "id": id,
        **own,
        "prices": [{"name": name, "value": value} for name, value in asdict(world.costs).items()],
        "latency": world.latency,
        "terms": [
            {"name": term, "colour": canvas.COLOURS[term], "shape": {**OWN_SHAPES, **shapes}[term]}
            for term in world.terms
        ],
        "actions": _actions(world.actions),
    }


def _incline(world: InclinedMassWorld) -> Json:
    return {
        "engine": "incline",
        **calls.described(calls.of_incline(world)),
        "lanes": world.batch.width,
        "fields": {field.name: [state.row(field.name), field.size] for field in state.FIELDS},
        "keys": list(state.KEYS),
        "bill": {"reward": REWARD, "over": OVER},
        "measurements": state.MEASUREMENTS,
        "scenarios": [_scenario(name, one, world.row(name)) for name, one in world.scenarios.items()],
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


def _series(world: SeriesWorld) -> Json:
    (shape,) = set(world.shapes)  # all generated scenarios are cut alike
    return {
        "engine": "series",
        **calls.described(calls.of_series(world)),
        "fields": {name: place for place, name in enumerate(lanes.FIELDS)},
        "truths": list(SERIES_TRUTH),
        "versions": {"deployed": lanes.DEPLOYED, "trained": lanes.TRAINED, "before": lanes.BEFORE},
        "record": list(lanes.RECORD),
        "keeps": world.keeps,
        "coefficients": world.lanes.models.shape[2],
        "notes": {"ring": world.lanes.notes.shape[1], "noted": lanes.NOTES, "spared": lanes.NOTE_SPARED},
        "measurements": shape.period,
        "period": shape.period,
        "window": shape.window,
        "scenarios": [
            _scenario(name, one, world.row(name))
            for name, one in zip(world.names, world.sources, strict=True)
            if isinstance(one, Scenario)
        ],
    }


def _scenario(name: str, one: Any, row: int) -> Json:
    return {
        "name": name,
        "summary": one.summary,
        "remedy": one.remedy,
        "row": row,
        "cycles": one.cycles,
        "cold": one.cold_start,
    }


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
