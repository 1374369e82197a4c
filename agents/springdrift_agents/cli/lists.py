"""Commands that list what there is."""

import inspect
import json
from dataclasses import asdict, fields
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from springdrift import ENV_ID
from springdrift.registry import world_spec
from springdrift_agents.cli.shell import (
    Json,
    app,
    out,
)
from springdrift_agents.policies.registry import policies_about
from springdrift_agents.policies.settings import settings

Of = Annotated[str, typer.Option("--env", help="Of which world, by its id.")]


@app.command(rich_help_panel="Use")
def scenarios(env: Of = ENV_ID, as_json: Json = False) -> None:
    """List the scenarios: what drifts, and what an operator who knew it would do."""
    found = world_spec(env).scenarios.values()
    if as_json:
        print(json.dumps({s.name: {"summary": s.summary, "remedy": _remedy(s)} for s in found}))
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("scenario", "what happens", "what to do, if one knew", "cycles"):
        table.add_column(name, justify="right" if name == "cycles" else "left")
    for s in found:
        table.add_row(f"[cyan]{s.name}[/]", s.summary, _remedy(s), str(getattr(s, "cycles", "")))
    out.print(table)


def _remedy(scenario: Any) -> str:
    """What to do in a scenario, if one knew; recordings do not tell."""
    return str(getattr(scenario, "remedy", ""))


@app.command(rich_help_panel="Use")
def policies(
    specs: Annotated[
        list[str] | None, typer.Argument(help="Your own to list as well, such as rules.py:Mine.")
    ] = None,
    env: Of = ENV_ID,
    as_json: Json = False,
) -> None:
    """List the policies and their parameters; your own beside the built-in ones."""
    about = policies_about(specs or (), env)
    if as_json:
        print(json.dumps({name: one._asdict() for name, one in about.items()}))
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for title in ("policy", "what it does", "parameters", "tuned for"):
        table.add_column(title)
    for name, one in about.items():
        values = " ".join(f"{key}={value}" for key, value in one.parameters.items())
        tuned = [f"@{scenario}" for scenario, rules in settings(env).items() if name in rules]
        table.add_row(f"[cyan]{escape(name)}[/]", one.summary, values, " ".join(tuned))
    out.print(table)
    out.print("[dim]a setting tuned for a scenario is named with @: threshold@mix[/]")


@app.command(rich_help_panel="Use")
def costs(
    env: Of = ENV_ID,
    as_json: Json = False,
) -> None:
    """List the prices: what each cost term charges, and how long a new model takes."""
    spec = world_spec(env)
    prices, latency = spec.costs(), inspect.signature(spec.world).parameters["latency"].default
    if as_json:
        print(json.dumps({**asdict(prices), "latency": latency}))
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for title in ("price", "default", "what is charged"):
        table.add_column(title, justify="right" if title == "default" else "left")
    for field in fields(prices):
        value = getattr(prices, field.name)
        table.add_row(f"[cyan]{field.name}[/]", f"{value:g}", field.metadata.get("meaning", ""))
    out.print(table)
    out.print(
        f"A new model is live {latency} cycles after it was asked for. The unit is free: only ratios "
        "matter.\nOther prices: [bold]springdrift compare --cost retrain=5[/]",
        highlight=False,
    )


@app.command(rich_help_panel="Use")
def observation(env: Of = ENV_ID) -> None:
    """List what an operator sees: the columns of the default observation, and the cost terms."""
    spec = world_spec(env)
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("sense", "range", "scale", "meaning"):
        table.add_column(name)
    for s in spec.world.observations["monitor"]:
        table.add_row(f"[cyan]{s.name}[/]", f"{s.low:g} to {s.high:g}", s.unit, s.meaning)
    out.print(table)
    out.print(f"\nreward = -({' + '.join(spec.terms)})")
