"""A page for each env id, written from what the code says: spaces, decisions, columns, costs, options."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import gymnasium as gym

import generated
from generated import fields_of, plain, senses, table
from springdrift import THREE_ACTIONS
from springdrift.game.env import DriftEnv
from springdrift.registry import UPKEEP_ID, WORLDS, WorldSpec

DASHBOARD = "springdrift/UpkeepDashboard-v0"
FIRST = {  # what a stranger should know before the class's own words
    "springdrift/InclinedMass-v0": "The machine that anyone can see.",
    "springdrift/InclinedMassOps-v0": "The machine, with versions: fine-tune and roll back too.",
    "springdrift/TimeSeries-v0": "The thing itself: a forecast model in production.",
    DASHBOARD: "The small exact world, as others see theirs.",
    UPKEEP_ID: "The small exact world, with its transition table in the open.",
}
VERSIONS = "v0: the first. What would change its episodes is a new version."


def stem(id: str) -> str:
    """Name of the page of an id.

    >>> stem("springdrift/InclinedMass-v0")
    'inclined-mass'
    """
    name = id.rpartition("/")[2].rpartition("-v")[0]
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def ids() -> tuple[str, ...]:
    """The env ids that have a page."""
    return (*(id for id in WORLDS if id.startswith("springdrift/")), UPKEEP_ID)


def listing() -> str:
    """The envs: id, spaces, and what each is."""
    rows = []
    for id in ids():
        env = gym.make(id)
        rows.append((f"[`{id}`]({stem(id)}.md)", _space(env.action_space), _space(env.observation_space),
                     FIRST.get(id) or _words(env.unwrapped)[0]))  # fmt: skip
    return table(("id", "actions", "observations", "what it is"), rows)


def pages() -> Iterator[tuple[str, str]]:
    """The pages in Markdown, each with its name."""
    for id in ids():
        yield stem(id), page(id)


def page(id: str) -> str:
    """The page of an env id, in the order that pages of Gymnasium's envs have."""
    env = gym.make(id).unwrapped
    title = id.rpartition("/")[2].rpartition("-v")[0]
    world = WORLDS.get(id)
    parts = [f"(env-{stem(id)})=\n# {title}", _head(id, env), FIRST.get(id, "")]
    parts += ["## Description", "\n\n".join(_words(env))]
    parts += ["## Actions", _actions(world)]
    parts += ["## Observations", _observations(world)]
    parts += ["## Rewards", _rewards(world or WORLDS[DASHBOARD])]
    parts += ["## Beginning and end", _ends(id, world)]
    parts += ["## Info", _info(world)]
    parts += ["## Arguments", _arguments(env, world)]
    parts += ["## Versions", VERSIONS]
    return "\n\n".join(part for part in parts if part) + "\n"


def _space(space: gym.Space[Any]) -> str:
    if isinstance(space, gym.spaces.Box):
        return f"`Box({space.low.min():g}, {space.high.max():g}, {space.shape}, {space.dtype})`"
    return f"`{space}`"


def _words(env: Any) -> list[str]:
    """What the docstring of an env's class says of it, up to its lists and examples."""
    return [text for text in generated._about(type(env)) if not text.startswith("Attributes:")]


def _head(id: str, env: Any) -> str:
    batch = "" if gym.spec(id).vector_entry_point else " (copies of the env side by side)"
    rows = [
        ("action space", _space(env.action_space)),
        ("observation space", _space(env.observation_space)),
        ("import", f'`import springdrift; gymnasium.make("{id}")`'),
        ("a batch", f'`gymnasium.make_vec("{id}", 64)`{batch}'),
        ("render modes", ", ".join(f"`{mode}`" for mode in env.metadata["render_modes"]) or "none"),
    ]
    return table(("env id", f"`{id}`"), rows)


def _actions(world: WorldSpec | None) -> str:
    offered = world.actions if world else THREE_ACTIONS
    rows = [
        (str(number), f"`{one.action.name}`", one.meaning, f"`{one.fee}`" if one.fee else "nothing")
        for number, one in enumerate(offered)
    ]
    return table(("number", "decision", "what it does", "pays into"), rows)


def _observations(world: WorldSpec | None) -> str:
    if not world:
        return (
            "The number of one of 36 states, each made of three levels; `encode` and `decode` turn one into "
            f"the other.\n\n{generated.upkeep()}"
        )
    known = world.world.observations
    others = [f"`{name}` ({len(columns)})" for name, columns in known.items() if name != "monitor"]
    more = f" `observe=` chooses another: {', '.join(others)}." if others else ""
    return (
        f"The dashboard, `float32`, where nothing that is hidden shows.{more}\n\n{senses(known['monitor'])}"
    )


def _rewards(world: WorldSpec) -> str:
    terms = ", ".join(f"`{name}`" for name in world.terms)
    return (
        f"Minus the sum of the cost terms of the cycle: {terms}. Prices are an argument, `costs={{...}}`; "
        f"[how](#howto-costs).\n\n{fields_of(world.costs)}"
    )


def _ends(id: str, world: WorldSpec | None) -> str:
    if not world:
        return (
            "An episode begins in a state drawn from `initial_state_distrib`, or in the one that "
            '`options={"state": ...}` names. Nothing terminates; the deadline of '
            f"{gym.spec(id).max_episode_steps} cycles truncates."
        )
    rows = [(f"`{one.name}`", one.summary) for one in world.scenarios.values()]
    return (
        "A seed and a scenario fix a world; what an agent does never changes what the world does to it. "
        '`options={"scenario": ...}` names one for an episode. The deadline, `cycles`, terminates it, '
        f"because it is part of the task and of what is seen.\n\n{table(('scenario', 'what drifts'), rows)}"
    )


def _info(world: WorldSpec | None) -> str:
    if not world:
        return '`info["terms"]` holds the cost terms, `info["prob"]` the probability of what happened.'
    names = ", ".join(f"`{name}`" for name in world.world.truth_names)
    return (
        '`info["terms"]` holds the cost terms, `info["truth"]` what no operator can see: '
        f'{names}. `info="flat"` lays them out as numbers with names of their own, `info="none"` leaves '
        "them out."
    )


def _arguments(env: Any, world: WorldSpec | None) -> str:
    kinds = (world.world, DriftEnv) if world else (type(env),)
    told: dict[str, str] = {}
    for kind in kinds:
        for one in kind.__mro__[:-1]:
            told = {**arguments(one), **told}
    named = [*inspect.signature(type(env)).parameters]
    rows = [(f"`{name}`", told[name]) for name in named if name in told]
    return table(("argument", "meaning"), rows)


def arguments(kind: type) -> dict[str, str]:
    """What the docstring of a class says of its arguments, by name.

    >>> arguments(DriftEnv)["render_options"]
    'how to draw.'
    """
    text = inspect.cleandoc(kind.__dict__.get("__doc__") or "")
    found = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    if not found:
        return {}
    pairs = re.findall(r"^    (\w+): (.*(?:\n {8,}.*)*)", found[1], re.MULTILINE)
    return {name: plain(" ".join(told.split())) for name, told in pairs}
