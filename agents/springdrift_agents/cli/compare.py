"""Commands that put policies side by side; a command's parameters are its help."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from springdrift import ENV_ID, SCENARIOS
from springdrift.incline.scenario import resolve
from springdrift.registry import world_spec
from springdrift_agents import limits
from springdrift_agents.cli.comparison import LATENCY, Comparison, Kept, carry_out, tell_result
from springdrift_agents.cli.shell import (
    Cost,
    Env,
    Json,
    Scenarios,
    Trust,
    app,
    bounded,
    names_of,
    out,
    prices_of,
    progress_bar,
    show,
    tell,
    working,
    writable,
    writable_file,
)
from springdrift_agents.evaluation import report
from springdrift_agents.evaluation.evaluate import SEEDS
from springdrift_agents.evaluation.maps import Cell
from springdrift_agents.evaluation.scenarios import scenario_of
from springdrift_agents.evaluation.store import Store
from springdrift_agents.evaluation.verdict import price_line
from springdrift_agents.files import write_text
from springdrift_agents.planning import plans
from springdrift_agents.policies.registry import policy, policy_names

QUICK, FULL = 100, 1000  # episodes


@app.command(rich_help_panel="Use")
def compare(
    policies: Annotated[
        list[str] | None,
        typer.Option(
            "--policies", "-p", help="Which, by commas; [dim]threshold:error=0.5[/] sets a parameter. [all]"
        ),
    ] = None,
    scenarios: Scenarios = None,
    episodes: Annotated[
        int | None, typer.Option("--episodes", "-n", min=1, help=f"Worlds for each pair. [{FULL}]")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help=f"{QUICK} worlds for each pair.")] = False,
    seed: Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Which worlds.")] = 0,
    cost: Cost = None,
    hindsight: Annotated[
        int,
        typer.Option(min=0, help="Worlds of each scenario to search the reference on, 3 s each."),
    ] = 0,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, help="Processes; the numbers stay the same.")
    ] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler to send the work to.")
    ] = None,
    db: Annotated[
        Path | None, typer.Option(help="SQLite file to keep the run in; one that was stopped goes on.")
    ] = None,
    record: Annotated[
        int, typer.Option(min=0, help="Worlds of each pair to keep cycle by cycle in --db.")
    ] = 0,
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")] = Path(
        "out/compare"
    ),
    html: Annotated[
        Path | None, typer.Option(help="One page that shows it all, offline, and replays episodes.")
    ] = None,
    env: Env = ENV_ID,
    full: Annotated[bool, typer.Option("--full", help="Print every table after the verdict.")] = False,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Compare policies on the same drifting worlds.

    Every policy meets the same worlds (common random numbers). Writes [bold]results.csv[/] (a line an
    episode), [bold]summary.json[/] and [bold]compare.png[/].
    """
    chosen = {spec: policy(spec, trust, env) for spec in names_of(policies, policy_names(env))}
    places = [scenario_of(name, env) for name in names_of(scenarios, list(world_spec(env).scenarios))]
    count = episodes or (QUICK if quick else FULL)
    asked = Comparison(chosen, places, count, seed, env, prices_of(cost), hindsight)
    kept = Kept(out_dir, html, db, record)
    kept.prepare(asked)
    result = carry_out(asked, kept, bounded(jobs, asked.pairs), scheduler)
    if as_json:
        print(report.to_json(result.rows, **asked.about()))
    else:
        tell_result(asked, result, kept, full)


@app.command(rich_help_panel="Use")
def export(
    db: Annotated[Path, typer.Argument(help="A file that compare --db wrote.")],
    table: Annotated[str, typer.Option("--table", "-t", help="Which table.")] = "episodes",
    out_file: Annotated[Path, typer.Option("--out", "-o", help="To .csv or .parquet.")] = Path(
        "out/episodes.csv"
    ),
) -> None:
    """Write a table of a run file to CSV or Parquet."""
    writable_file(out_file)
    with Store(db, write=False) as store:
        count = store.export(table, out_file)
    tell(f"written: {out_file} ({count} rows)")


@app.command(rich_help_panel="Measure")
def regret(
    scenario: Annotated[str, typer.Option("--scenario", "-s", help="In which world.")] = "abrupt",
    policies: Annotated[
        list[str] | None, typer.Option("--policies", "-p", help="Which, separated by commas. [all]")
    ] = None,
    episodes: Annotated[int, typer.Option("--episodes", "-n", min=1, help="Worlds, 3 s each.")] = 10,
    seed: Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Which worlds.")] = 0,
    cost: Cost = None,
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="Folder for timeline.png.")] = Path(
        "out/regret"
    ),
    env: Env = ENV_ID,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """What each policy paid beyond a plan that knew the future, and what for; one world as a picture."""
    from springdrift.incline.reward import TARGET
    from springdrift_agents.evaluation.plots import timeline_plot
    from springdrift_agents.planning import regret as regrets

    place = scenario_of(scenario, env)
    chosen = {spec: policy(spec, trust, env) for spec in names_of(policies, policy_names(env))}
    prices = world_spec(env).costs.of(prices_of(cost))
    writable(out_dir, "timeline.png")
    limits.check_episodes("--episodes", episodes, 20 * len(chosen))  # cycle by cycle
    with working(f"searching {episodes} worlds of {scenario}"):
        found, courses = regrets.regret(chosen, place, episodes, seed, prices, env)
    title = f"{scenario}, one world under each strategy"
    timeline_plot(courses, 0, TARGET, out_dir / "timeline.png", title)
    means = {
        name: dict(zip(regrets.CAUSES, part.mean(axis=0).tolist(), strict=True))
        for name, part in found.items()
    }
    if as_json:
        print(report.as_json(means))
        return
    least = courses["hindsight"].terms.sum(axis=(0, 2)).mean()
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False, title_justify="left")
    table.title = f"Cost beyond hindsight's {least:.1f}, by cause: means of {episodes} worlds"
    table.add_column("policy", no_wrap=True)
    tell(price_line(asdict(prices), LATENCY))
    for name in ("regret", *regrets.CAUSES):
        table.add_column(name, justify="right")
    for name, causes in sorted(means.items(), key=lambda item: sum(item[1].values())):
        table.add_row(
            escape(name), f"{sum(causes.values()):.1f}", *(f"{value:.1f}" for value in causes.values())
        )
    show(table)
    tell(f"written: {out_dir / 'timeline.png'}")


@app.command("map", rich_help_panel="Measure")
def map_(
    scenario: Annotated[str, typer.Option("--scenario", "-s", help="In which world.")] = "mix",
    policies: Annotated[
        list[str] | None, typer.Option("--policies", "-p", help="Which compete, separated by commas.")
    ] = None,
    ratio: Annotated[
        list[float] | None,
        typer.Option(help="Price of a retraining over an intervention's. May be repeated."),
    ] = None,
    latency: Annotated[
        list[int] | None, typer.Option(help="Cycles until a new model is live. May be repeated.")
    ] = None,
    episodes: Annotated[int, typer.Option("--episodes", "-n", min=2, help="Worlds for each cell.")] = 256,
    seed: Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Which worlds.")] = 0,
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="Folder for map.png and map.json.")] = Path(
        "out/map"
    ),
    env: Env = ENV_ID,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Where does which strategy pay? Price of retraining across, its latency down."""
    from springdrift_agents.evaluation import maps
    from springdrift_agents.evaluation.plots import map_plot

    place = scenario_of(scenario, env)
    chosen = {spec: policy(spec, trust, env) for spec in names_of(policies, maps.DEFAULT)}
    ratios = list(dict.fromkeys(ratio or maps.RATIOS))
    latencies = list(dict.fromkeys(latency or maps.LATENCIES))
    limits.check_episodes("--episodes", episodes, len(chosen))
    writable(out_dir, "map.png", "map.json")
    with progress_bar() as progress:
        task = progress.add_task(scenario, total=len(ratios) * len(latencies))
        cells = maps.break_even(
            chosen,
            place,
            ratios,
            latencies,
            episodes,
            seed,
            lambda _: progress.update(task, advance=1),
            env=env,
        )
    map_plot(cells, out_dir / "map.png", f"{scenario}: which strategy pays, and how much the next costs more")
    text = report.as_json([cell._asdict() for cell in cells], indent=1)
    write_text(out_dir / "map.json", text + "\n")
    if as_json:
        print(text)
        return
    show(_map_table(cells))
    out.print("[dim]the winner, its mean cost, and how much more the next one costs on the same worlds[/]")
    tell(f"written: {out_dir / 'map.png'}, map.json")


def _map_table(cells: Sequence[Cell]) -> Table:
    table = Table(title="Price of a retraining, in pushes by hand", header_style="bold", box=SIMPLE_HEAD)
    table.add_column("latency", justify="right")
    for value in dict.fromkeys(cell.ratio for cell in cells):
        table.add_column(f"{value:g}", no_wrap=True)
    for wait in dict.fromkeys(cell.latency for cell in cells):
        row = [cell for cell in cells if cell.latency == wait]
        margins = [f"+{100 * cell.margin:.0f} %" if cell.sure else "not sure" for cell in row]
        texts = [
            f"[bold]{escape(cell.winner)}[/]\n{min(cell.costs.values()):.0f} [dim]{margin}[/]"
            for cell, margin in zip(row, margins, strict=True)
        ]
        table.add_row(str(wait), *texts)
    return table


@app.command(rich_help_panel="Measure")
def plan(
    scenarios: Scenarios = None,
    worlds: Annotated[int, typer.Option("--worlds", "-n", min=1, help="Of each, 4 s each.")] = 40,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Processes.")] = 1,
    out_file: Annotated[Path, typer.Option("--out", "-o", help="File of plans to update.")] = Path(
        "out/plans.json"
    ),
) -> None:
    """Search hindsight's plans on the worlds of evaluation seed 0, as those that ship were found."""
    names = [name for name in names_of(scenarios, list(SCENARIOS)) if resolve(name)]
    writable_file(out_file)
    if out_file.is_file():
        plans.read(out_file)  # which is to be updated
    limits.check_episodes("--worlds", worlds, len(names))
    jobs = bounded(jobs, len(names) * worlds)
    with progress_bar() as progress:
        task = progress.add_task("searching", total=len(names) * worlds)
        found = plans.search(
            dict.fromkeys(names, worlds),
            jobs=jobs,
            done=lambda scenario: progress.update(task, advance=1, description=scenario),
        )
    plans.keep(found, out_file)
    tell(f"written: {out_file}")
