"""Reference pages that the code writes: parts in Markdown, put where a page of the site names them.

A page names a part as ``<!-- part: scenarios -->`` on a line of its own; :func:`fill` replaces it. The
tables are made anew whenever the site is built, so they say what the code does.
"""

import ast
import inspect
import io
import re
import textwrap
import tokenize
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import readme
from springdrift import OBS, SCENARIOS, THREE_ACTIONS, Action, Costs, Params, Scenario
from springdrift.game.observation import Table
from springdrift.incline.drift import LAWS, LIMITS, STEADY
from springdrift.incline.observation import SIGNALS, TRUTH
from springdrift.incline.outputs import TRUTH_NAMES
from springdrift.incline.state import DRIFTING, FIELDS
from springdrift.upkeep.env import LEVELS
from springdrift_agents import course
from springdrift_agents.course import notebooks
from springdrift_agents.policies import learned
from springdrift_agents.policies.registry import load
from springdrift_agents.policies.rules import RULES
from springdrift_agents.policies.settings import settings
from springdrift_agents.training import hyperparameters

GLUE = "\u00a0"  # a space that no line breaks at
MARK = re.compile(r"^<!-- part: ([\w-]+) -->$", re.MULTILINE)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; what would end a cell or a line in it is made harmless.

    >>> print(table(("name", "scale"), [("bias", "b/(1+|b|)")]))
    | name | scale |
    | --- | --- |
    | bias | b/(1+\\|b\\|) |
    """
    lines = [head, ["---"] * len(head), *rows]
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)


def notes(kind: type) -> dict[str, str]:
    """What the comment behind each field or member of a class says, those of its bases included.

    >>> notes(Costs)["retrain"]
    'a retraining, paid when asked for'
    """
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__[:-1]):
        try:
            source = textwrap.dedent(inspect.getsource(one))
        except (OSError, TypeError):  # of a class that is built in
            continue
        comments = {
            token.start[0]: token.string.lstrip("# ").split("# noqa")[0].strip()
            for token in tokenize.generate_tokens(io.StringIO(source).readline)
            if token.type == tokenize.COMMENT
        }
        (tree,) = ast.parse(source).body
        for statement in getattr(tree, "body", ()):
            target = statement.targets[0] if isinstance(statement, ast.Assign) else statement
            target = target.target if isinstance(target, ast.AnnAssign) else target
            note = comments.get(statement.end_lineno)
            if isinstance(target, ast.Name) and note:
                found[target.id] = note
    if is_dataclass(kind):
        found |= {one.name: one.metadata["meaning"] for one in fields(kind) if "meaning" in one.metadata}
    return found


def plain(text: str) -> str:
    """Markdown of a docstring: its roles and its code spans.

    >>> plain("With a :class:`~springdrift.Trend` it is ``held``.")
    'With a `Trend` it is `held`.'
    """
    text = re.sub(r":\w+:`~?(?:[\w]+\.)*(\w+)`", r"`\1`", text)
    return text.replace("``", "`")


def _about(kind: Any) -> list[str]:
    """Paragraphs of a docstring, each on one line, up to its sections and examples."""
    paragraphs = inspect.cleandoc(kind.__doc__ or "").split("\n\n")
    end = next((n for n, text in enumerate(paragraphs) if re.match(r">>> |(Args|Raises):", text)), None)
    return [plain(" ".join(text.split("\n"))) for text in paragraphs[:end]]


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_value, value)) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}": {_value(one)}' for key, one in value.items()) + "}"
    return repr(value).replace("'", '"')


def call(one: Any) -> str:
    """The call that makes a dataclass, without what is a default.

    >>> call(Costs(retrain=5.0))
    'Costs(retrain=5)'
    """
    given = [field for field in fields(one) if getattr(one, field.name) != field.default]
    words = [f"{field.name}={_value(getattr(one, field.name))}" for field in given]
    return f"{type(one).__name__}({', '.join(words)})"


def _default(field: Any) -> str:
    if field.default is not MISSING:
        return f"`{_value(field.default)}`"
    if field.default_factory is not MISSING:
        return f"`{field.default_factory.__name__}()`"
    return ""


def fields_of(kind: Any) -> str:
    """The fields of a dataclass: name, default, and the comment behind it."""
    said = notes(kind)
    rows = [(f"`{one.name}`", _default(one), said.get(one.name, "")) for one in fields(kind)]
    return table(("name", "default", "meaning"), rows)


# ---------------------------------------------------------------- what an agent sees, does and pays


def senses(senses: Table, known: int = 0) -> str:
    """An observation, column by column from ``known`` on; a run of ``name_3_ago`` … is one line."""
    rows: list[list[str]] = []
    for column, one in list(enumerate(senses))[known:]:
        ago = re.fullmatch(r"(\w+)_(\d+)_ago", one.name)
        meaning, name = one.meaning, f"`{one.name}`"
        if ago and rows and rows[-1][1].startswith(f"`{ago[1]}_"):
            rows[-1][0] = f"{rows[-1][0].split(GLUE)[0]}{GLUE}…{GLUE}{column}"
            rows[-1][1] = f"{rows[-1][1].split(' ')[0]} … {name}"
            continue
        if ago:
            meaning = meaning.partition(",")[0] + ", from so many measurements before the next one"
        rows.append([str(column), name, f"{one.low:g}{GLUE}…{GLUE}{one.high:g}", one.unit, meaning])
    return table(("column", "name", "range", "scale", "meaning"), rows)


def truth() -> str:
    """What ``info["truth"]`` holds."""
    meanings = {one.name: one.meaning for one in FIELDS}
    return table(("name", "meaning"), [(f"`{name}`", meanings[name]) for name in TRUTH_NAMES])


def actions() -> str:
    """The decisions."""
    said = notes(Action)
    rows = [(str(action.value), f"`Action.{action.name}`", said[action.name]) for action, *_ in THREE_ACTIONS]
    return table(("number", "name", "what happens"), rows)


def upkeep() -> str:
    """The levels that make a state of the small world."""
    rows = [(f"`{name}`", ", ".join(f"`{level}`" for level in levels)) for name, levels in LEVELS.items()]
    return table(("part of the state", "its levels"), rows)


# ---------------------------------------------------------------- scenarios and laws


def scenario_details() -> str:
    """A section for each scenario: its laws with their parameters, and the settings that differ."""
    plainest = Scenario("plainest", "")
    parts = []
    for scenario in SCENARIOS.values():
        lines = [f"(scenario-{scenario.name})=", f"### {scenario.name}", ""]
        lines += [f"{scenario.summary[0].upper()}{scenario.summary[1:]}. *If one knew:* {scenario.remedy}."]
        rows = [
            (f"[`{type(law).__name__}`](law-{type(law).__name__.lower()})", f"`{call(law)}`")
            for law in scenario.laws
        ]
        for one in fields(scenario):
            value = getattr(scenario, one.name)
            if one.name in ("name", "summary", "remedy", "laws") or value == getattr(plainest, one.name):
                continue
            rows.append((f"`{one.name}`", _setting(one.name, value)))
        lines += ["", table(("law or setting", "value"), rows)] if rows else ["", "No law; all defaults."]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _setting(name: str, value: Any) -> str:
    if name == "members":
        names = [member if isinstance(member, str) else member.name for member in value]
        return ", ".join(f"[`{one}`](scenario-{one})" for one in names)
    return f"`{call(value) if is_dataclass(value) else _value(value)}`"


def laws() -> str:
    """A section for each drift law: what it does, and its parameters."""
    parts = []
    for law in LAWS.values():
        head = f"(law-{law.__name__.lower()})=\n### {law.__name__}"
        signature = ", ".join(
            one.name if one.default is MISSING else f"{one.name}={_value(one.default)}" for one in fields(law)
        )
        about = "\n\n".join(_about(law))
        parts.append(f"{head}\n\n`springdrift.{law.__name__}({signature})`\n\n{about}")
    return "\n\n".join(parts)


def limits() -> str:
    """The parameters of the machine, and how far scenarios may take them."""
    said, rows = notes(Params), []
    for name, (low, high) in {**LIMITS, **STEADY}.items():
        moved = "laws and scenarios" if name in DRIFTING else "scenarios"
        start = f"`{_value(getattr(Params(), name))}`"
        rows.append((f"`{name}`", start, f"{low:g}{GLUE}…{GLUE}{high:g}", moved, said[name]))
    return table(("parameter", "at the start", "may reach", "set by", "unit and meaning"), rows)


# ---------------------------------------------------------------- policies


def rules() -> str:
    """A section for each rule: what it does, its parameters, and its tuned settings by scenario."""
    return "\n\n".join(_rule(name) for name in RULES)


def _rule(name: str) -> str:
    kind = RULES[name]
    lines = [f"(policy-{name})=", f"### {name}", "", "\n\n".join(_about(kind))]
    if fields(kind):
        lines += ["", fields_of(kind)]
    tuned = {scenario: found[name] for scenario, found in settings().items() if name in found}
    if tuned:
        columns = list(next(iter(tuned.values())))
        rows = [
            (f"`{name}@{scenario}`", *(f"{values[one]:.3g}" for one in columns))
            for scenario, values in tuned.items()
        ]
        lines += ["", "Tuned:", "", table(("policy", *(f"`{one}`" for one in columns)), rows)]
    return "\n".join(lines)


def networks() -> str:
    """The learned policies that ship, and where they come from."""
    rows = []
    for name in learned.shipped():
        card = load(name).card
        sees = f"`{card.observe}`, {card.stack} at once" if card.stack > 1 else f"`{card.observe}`"
        trained = (str(card.trained.get(one, "")) for one in ("scenario", "steps", "seed"))
        rows.append((f"`{name}`", f"`{card.algo}`", sees, *trained))
    return table(("policy", "algorithm", "sees", "trained on", "steps", "seed"), rows)


def algorithms() -> str:
    """The hyperparameter files that ship, as they are."""
    parts = []
    for algo in hyperparameters.ALGOS:
        text = (hyperparameters.FOLDER / f"{algo}.yml").read_text(encoding="utf-8")
        parts.append(f"### {algo}\n\n```yaml\n{text.rstrip()}\n```")
    return "\n\n".join(parts)


# ---------------------------------------------------------------- the command line


def commands() -> str:
    """A section for each command: what it does, its usage, its arguments and options.

    Raises:
        ImportError: typer is not installed.
    """
    return "\n\n".join(_command(*one) for one in walk())


def command_list() -> str:
    """The commands, what each does, and the section that says more."""
    rows = [
        (f"[`{name}`](#{name.replace(' ', '-')})", _marked(command.help).split("\n\n")[0])
        for name, command in walk()
    ]
    return table(("command", "what it does"), rows)


def walk() -> Iterator[tuple[str, Any]]:
    """The commands as they are called, and typer's objects behind them, those of groups included."""
    import typer

    from springdrift_agents.cli.app import app

    def below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        for word, one in getattr(command, "commands", {}).items():
            yield from below(f"{name} {word}", one)
        if not hasattr(command, "commands"):
            yield name, command

    yield from sorted(below("springdrift", typer.main.get_command(app)))


def _command(name: str, command: Any) -> str:
    shown = [one for one in command.params if not one.hidden]
    arguments = [one for one in shown if not one.opts[0].startswith("-")]
    usage = " ".join(f"{one.name.upper()}" if one.required else f"[{one.name.upper()}]" for one in arguments)
    slug = name.replace(" ", "-")
    text = "\n\n".join(" ".join(part.split()) for part in _marked(command.help).split("\n\n"))
    lines = [
        f"({slug})=",
        f"## {name}",
        "",
        text,
        "",
        "```sh",
        f"{name} {usage} [OPTIONS]".replace("  ", " "),
        "```",
    ]
    hints = get_type_hints(command.callback)
    rows = [
        (_spelling(one), _takes(hints[one.name]), _given(one.default), _marked(one.help)) for one in shown
    ]
    if rows:
        lines += ["", table(("option", "takes", "default", "meaning"), rows)]
    return "\n".join(lines)


def _spelling(parameter: Any) -> str:
    if not parameter.opts[0].startswith("-"):
        return f"`{parameter.name.upper()}`"
    return ", ".join(f"`{one}`" for one in (*parameter.opts, *parameter.secondary_opts))


def _takes(hint: Any) -> str:
    """What an option takes, from the type that its command declares."""
    kinds = [one for one in get_args(hint) if one is not type(None)] or [hint]
    many = [one for kind in kinds for one in get_args(kind)]
    words = {str: "text", int: "whole number", float: "number", bool: "nothing", Path: "path"}
    (kind,) = many or kinds
    return words[kind] + (", repeatable" if many else "")


def _given(default: Any) -> str:
    return "" if default is None or default is False or default == "" else f"`{default}`"


def _marked(text: str | None) -> str:
    """Help in rich's markup as Markdown; options are code."""
    found = re.sub(r"\[(?:bold|dim)\](.*?)\[/\]", r"`\1`", text or "").strip()
    return re.sub(r"(?<![`\w-])(--[a-z][\w-]*)", r"`\1`", found)


# ---------------------------------------------------------------- lessons


def lessons(folder: Path) -> str:
    """The lessons in a folder: title, goal, exercises and points.

    A lesson whose exercises are not there yet stands in it without them.
    """
    rows = []
    for script in notebooks.scripts(folder):
        text = re.sub(r"^# ?", "", script.read_text(encoding="utf-8"), flags=re.MULTILINE)
        title = re.search(r"^# (.+)$", text, re.MULTILINE)
        goal = re.search(r"\*\*Goal\.?\*\*:?\s*(.+?)\n\s*\n", text, re.DOTALL)
        number = re.match(r"lesson(\d+)", script.stem)
        try:
            found = course.exercises(int(number[1]) if number else 0).values()
        except (ModuleNotFoundError, ValueError):
            found = {}.values()
        points = f"{len(found)} ({sum(one.points for one in found)} points)" if found else ""
        name = title[1] if title else script.stem
        about = " ".join(goal[1].split()) if goal else ""
        rows.append((f"[{name}]({script.stem}.ipynb)", about, points))
    return table(("lesson", "goal", "exercises"), rows)


PARTS: dict[str, Callable[[], str]] = {
    "monitor": lambda: senses(OBS),
    "signals": lambda: senses(SIGNALS),
    "truth-observation": lambda: senses(TRUTH, len(OBS)),
    "truth": truth,
    "actions": actions,
    "terms": readme.terms,
    "costs": lambda: fields_of(Costs),
    "upkeep": upkeep,
    "scenarios": readme.scenarios,
    "scenario-fields": lambda: fields_of(Scenario),
    "scenario-details": scenario_details,
    "laws": laws,
    "limits": limits,
    "policies": readme.policies,
    "rules": rules,
    "networks": networks,
    "algorithms": algorithms,
    "command-list": command_list,
    "commands": commands,
}


def fill(text: str, parts: dict[str, Callable[[], str]] = PARTS) -> str:
    """A page with the parts that it names.

    Raises:
        ValueError: it names a part that there is not, and which there are.

    >>> fill("<!-- part: sum -->", {"sum": lambda: "1 + 1"})
    '1 + 1'
    >>> fill("<!-- part: some -->", {"sum": lambda: "1 + 1"})
    Traceback (most recent call last):
    ValueError: there is no part 'some'; there are: sum
    """

    def write(found: re.Match[str]) -> str:
        if found[1] not in parts:
            raise ValueError(f"there is no part {found[1]!r}; there are: {', '.join(parts)}")
        return parts[found[1]]()

    return MARK.sub(write, text)
