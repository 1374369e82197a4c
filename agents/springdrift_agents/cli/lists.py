"""Commands that list what there is."""

import inspect
import json
from dataclasses import asdict, fields
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from springdrift import ENV_ID, OBS, SCENARIOS, TERMS
from springdrift.registry import world_spec
from springdrift_agents.cli.shell import (
    Json,
    app,
    out,
)
from springdrift_agents.policies.registry import policies_about
from springdrift_agents.policies.settings import settings


@app.command(rich_help_panel="Use")
def scenarios(as_json: Json = False) -> None:
    """List the scenarios: what drifts, and what an operator who knew it would do."""
    if as_json:
        print(json.dumps({s.name: {"summary": s.summary, "remedy": s.remedy} for s in SCENARIOS.values()}))
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("scenario", "what happens", "what to do, if one knew", "cycles"):
        table.add_column(name, justify="right" if name == "cycles" else "left")
    for s in SCENARIOS.values():
        table.add_row(f"[cyan]{s.name}[/]", s.summary, s.remedy, str(s.cycles))
    out.print(table)


@app.command(rich_help_panel="Use")
def policies(
    specs: Annotated[
        list[str] | None, typer.Argument(help="Your own to list as well, such as rules.py:Mine.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the policies and their parameters; your own beside the built-in ones."""
    about = policies_about(specs or ())
    if as_json:
        print(json.dumps({name: one._asdict() for name, one in about.items()}))
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for title in ("policy", "what it does", "parameters", "tuned for"):
        table.add_column(title)
    for name, one in about.items():
        values = " ".join(f"{key}={value}" for key, value in one.parameters.items())
        tuned = [f"@{scenario}" for scenario, rules in settings().items() if name in rules]
        table.add_row(f"[cyan]{escape(name)}[/]", one.summary, values, " ".join(tuned))
    out.print(table)
    out.print("[dim]a setting tuned for a scenario is named with @: threshold@mix[/]")


@app.command(rich_help_panel="Use")
def costs(
    env: Annotated[str, typer.Option("--env", help="Of which world, by its id.")] = ENV_ID,
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
def observation() -> None:
    """List what an operator sees: the columns of the default observation, and the cost terms."""
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("sense", "range", "scale", "meaning"):
        table.add_column(name)
    for s in OBS:
        table.add_row(f"[cyan]{s.name}[/]", f"{s.low:g} to {s.high:g}", s.unit, s.meaning)
    out.print(table)
    out.print(f"\nreward = -({' + '.join(TERMS)})")
