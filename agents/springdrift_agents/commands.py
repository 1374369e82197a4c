"""The commands of ``springdrift``: thin shells over the library."""

import json
import os
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, fields
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from springdrift import OBS, SCENARIOS, TERMS
from springdrift.scenario import resolve
from springdrift.vector_env import costs_of
from springdrift.view import pygame_clash
from springdrift_agents import report
from springdrift_agents.evaluate import SEEDS, Episodes, world_seeds
from springdrift_agents.evaluate import compare as run_comparison
from springdrift_agents.rules import RULES, SETTINGS, policy
from springdrift_agents.scores import Score, scores_path
from springdrift_agents.scores import read as read_scores
from springdrift_agents.separation import separation as measure_separation
from springdrift_agents.store import Store

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The world drifts and the deployed model goes stale: [bold]wait, intervene or retrain?[/]",
    epilog="Start with: [bold]springdrift compare --quick[/]",
)
benches = typer.Typer(no_args_is_help=True, help="Measure springdrift itself.")
app.add_typer(benches, name="bench", rich_help_panel="Measure")

out, err = Console(), Console(stderr=True)
if not out.is_terminal and "COLUMNS" not in os.environ:
    out.width = 140  # a pipe or a log has no width of its own
QUICK, FULL = 100, 1000  # episodes
OUT = Path("out/compare")

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


@app.callback()
def _hello() -> None:
    clash = pygame_clash()
    if clash:
        err.print(f"[yellow]springdrift: {clash}[/]")


def _split(given: Sequence[str] | None, everything: Sequence[str]) -> list[str]:
    if not given:
        return list(everything)
    names = [name.strip() for text in given for name in text.split(",") if name.strip()]
    if not names:
        raise ValueError("an empty list of names was given")
    return list(dict.fromkeys(names))


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    )


def _costs(given: Sequence[str] | None) -> dict[str, float]:
    prices: dict[str, float] = {}
    for text in given or ():
        name, _, value = text.partition("=")
        try:
            prices[name] = float(value)
        except ValueError:
            raise ValueError(f"--cost must read NAME=NUMBER, got {text!r}") from None
    return prices


@app.command(rich_help_panel="Use")
def compare(
    policies: Annotated[
        list[str] | None,
        typer.Option(
            "--policies", "-p", help="Which, by commas; [dim]threshold:error=0.5[/] sets a parameter. [all]"
        ),
    ] = None,
    scenarios: Annotated[
        list[str] | None, typer.Option("--scenarios", "-s", help="Which, separated by commas. [all]")
    ] = None,
    episodes: Annotated[
        int | None, typer.Option("--episodes", "-n", min=1, help=f"Worlds for each pair. [{FULL}]")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help=f"{QUICK} worlds for each pair.")] = False,
    seed: Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Which worlds.")] = 0,
    cost: Annotated[
        list[str] | None, typer.Option("--cost", help="A price, such as retrain=5. May be repeated.")
    ] = None,
    hindsight: Annotated[
        int,
        typer.Option(min=0, help="Worlds of each scenario to search the reference on, 3 s each."),
    ] = 0,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes; the numbers stay the same.")] = 1,
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
    as_json: Json = False,
) -> None:
    """Compare policies on the same drifting worlds.

    Every policy meets the same worlds (common random numbers). Writes [bold]results.csv[/] (a line an
    episode), [bold]summary.json[/] and [bold]compare.png[/].
    """
    specs = _split(policies, list(RULES))
    names = _split(scenarios, list(SCENARIOS))
    chosen = {spec: policy(spec) for spec in specs}
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        raise ValueError(f"unknown scenario {unknown[0]!r}; allowed: {', '.join(SCENARIOS)}")
    count = episodes or (QUICK if quick else FULL)
    clock = [time.monotonic()]
    with _progress() as progress:
        total = (len(specs) + bool(hindsight)) * len(names)
        task = progress.add_task("the first compilation takes half a minute", total=total)
        prices = _costs(cost)
        config = {
            "policies": {spec: repr(rule) for spec, rule in chosen.items()},
            "episodes": count,
            "seed": seed,
            "costs": asdict(costs_of(prices)),
            "hindsight": hindsight,
        }
        with Store(db) if db else nullcontext() as store:
            run = store.run(config) if store else 0

            def keep(part: Episodes) -> None:
                progress.update(task, advance=1, description=f"{part.scenario} · {part.policy}")
                if store:
                    store.write(run, part)
                    if part.policy in chosen:
                        for world in part.seeds[:record].tolist():
                            store.record(
                                run, part.scenario, part.policy, chosen[part.policy], world, costs=prices
                            )

            parts = run_comparison(
                chosen,
                names,
                count,
                seed,
                costs=prices,
                reference=min(hindsight, count),
                jobs=jobs,
                scheduler=scheduler,
                known=partial(store.read, run) if store else lambda scenario, name: None,
                done=keep,
            )
        clock.append(time.monotonic())
        progress.update(task, description="intervals and pictures")
        own, searched = report.split(parts)
        rows = report.summarise(own)
        about = {"seed": seed, "episodes": count, "costs": _costs(cost)}
        report.write_csv(out_dir / "results.csv", parts)
        report.write_text(out_dir / "summary.json", report.to_json(rows, **about) + "\n")
        from springdrift_agents.plots import compare_plot, ranking_plot

        title = f"What drift costs, by strategy: {count} worlds of each scenario, the same for all"
        overall = report.ranking(parts)
        clock.append(time.monotonic())
        compare_plot(rows, out_dir / "compare.png", title)
        by_policy = {spec: np.concatenate([p.cost for p in own if p.policy == spec]) for spec in specs}
        ranking_plot(overall, by_policy, out_dir / "ranking.png")
        clock.append(time.monotonic())
    if as_json:
        print(report.to_json(rows, **about))
        return
    out.print(report.detail_table(rows))
    out.print()
    out.print(report.matrix_table(rows))
    out.print()
    out.print(report.habits_table(parts))
    out.print()
    out.print(report.ranking_table(overall))
    if searched:
        out.print()
        out.print(report.reference_table(parts))
    worlds, intervals, pictures = (later - earlier for earlier, later in pairwise(clock))
    out.print(f"\n[dim]worlds {worlds:.1f} s, intervals {intervals:.1f} s, pictures {pictures:.1f} s[/]")
    out.print(f"written: {out_dir / 'results.csv'}, summary.json, compare.png, ranking.png")


@app.command(rich_help_panel="See and play")
def watch(
    policy_spec: Annotated[str, typer.Option("--policy", "-p", help="Who decides.")] = "threshold",
    scenario: Annotated[str, typer.Option("--scenario", "-s", help="In which world.")] = "abrupt",
    versus: Annotated[str | None, typer.Option(help="A second policy beside it, in the same world.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Which world.")] = 0,
    out_file: Annotated[
        Path | None, typer.Option("--out", "-o", help="Record to .mp4, .gif, .webp, or .png (last moment).")
    ] = None,
    window: Annotated[bool, typer.Option("--window", help="Show a window while recording.")] = False,
    cycles: Annotated[str, typer.Option(help="Part to play, such as 20:60.")] = "",
    size: Annotated[str, typer.Option(help="Of each picture.")] = "960x608",
    frames: Annotated[int, typer.Option(min=1, max=512, help="Pictures a cycle.")] = 16,
    fps: Annotated[int, typer.Option(min=1, max=240, help="Pictures a second.")] = 30,
    truth: Annotated[bool, typer.Option("--truth", help="Show what no operator sees (key H).")] = False,
    font_scale: Annotated[float, typer.Option(help="Size of the letters.")] = 1.0,
) -> None:
    """Watch a policy at work, in a window or as a file; two policies side by side with --versus."""
    from springdrift_agents import watch as watching

    specs = [policy_spec, *([versus] if versus else [])]
    episodes = [watching.Episode(policy(spec), spec, scenario, seed) for spec in specs]
    part = _pair("--cycles", cycles, ":") if cycles else None
    count = watching.show(
        episodes,
        out=out_file,
        window=window or out_file is None,
        truth=truth,
        font_scale=font_scale,
        size=_pair("--size", size, "x"),
        part=part,
        frames=frames,
        fps=fps,
    )
    if out_file:
        out.print(f"written: {out_file} ({count} pictures, {out_file.stat().st_size / 1e6:.2f} MB)")


@app.command(rich_help_panel="See and play")
def play(
    scenario: Annotated[str, typer.Option("--scenario", "-s", help="In which world.")] = "abrupt",
    seed: Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Which world.")] = 0,
    cycles: Annotated[int | None, typer.Option(min=1, help="A deadline of your own.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Each cycle waits for your decision.")] = False,
    tempo: Annotated[float, typer.Option(help="Speed to begin with: 0.25 to 8.")] = 1.0,
    player: Annotated[str | None, typer.Option(help="Name on the score. [you]")] = None,
    truth: Annotated[bool, typer.Option("--truth", help="Show what no operator sees (key H).")] = False,
    font_scale: Annotated[float, typer.Option(help="Size of the letters.")] = 1.0,
    keep: Annotated[bool, typer.Option("--keep/--no-keep", help="Keep the score.")] = True,
) -> None:
    """Be the operator: wait, push or retrain, and beat the rules on the same world."""
    import getpass

    from springdrift_agents import play as playing

    if tempo not in playing.TEMPOS:
        allowed = ", ".join(f"{value:g}" for value in playing.TEMPOS)
        raise ValueError(f"--tempo must be one of {allowed}, got {tempo:g}")
    game = playing.Game(scenario, seed, cycles)
    scores = scores_path() if keep else None
    playing.Table(game, player or getpass.getuser(), scores, wait, tempo, truth, font_scale).run()


@app.command(rich_help_panel="See and play")
def scores(
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Export to this file, for a class.")] = None,
    as_json: Json = False,
) -> None:
    """List the scores of games, best first within a world."""
    found = sorted(read_scores(scores_path()), key=lambda one: (one.scenario, one.seed, one.cost))
    if csv_file:
        lines = [",".join(Score._fields), *(",".join(map(str, one)) for one in found)]
        report.write_text(csv_file, "\n".join(lines) + "\n")
        out.print(f"written: {csv_file} ({len(found)} games)")
        return
    if as_json:
        print(json.dumps([one._asdict() for one in found]))
        return
    if not found:
        out.print("no games yet: [bold]springdrift play[/]")
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("scenario", "seed", "player", "cost", "threshold", "never", "time"):
        table.add_column(name, justify="right" if name in ("seed", "cost", "threshold", "never") else "left")
    for one in found:
        costs = [f"{cost:.1f}" for cost in (one.cost, one.threshold, one.never)]
        style = "bold green" if one.cost < min(one.threshold, one.never) else ""
        table.add_row(one.scenario, str(one.seed), one.player, *costs, one.time, style=style)
    out.print(table)


def _pair(name: str, text: str, between: str) -> tuple[int, int]:
    try:
        first, second = (int(part) for part in text.split(between))
    except ValueError:
        raise ValueError(f"{name} must read NUMBER{between}NUMBER, got {text!r}") from None
    return first, second


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
def policies(as_json: Json = False) -> None:
    """List the policies and their parameters."""
    summaries = {name: (rule.__doc__ or "").split("\n")[0] for name, rule in RULES.items()}
    settings = {name: {field.name: field.default for field in fields(rule)} for name, rule in RULES.items()}
    if as_json:
        listed = {name: {"summary": summaries[name], "parameters": settings[name]} for name in RULES}
        print(json.dumps(listed))
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for title in ("policy", "what it does", "parameters"):
        table.add_column(title)
    for name in RULES:
        values = " ".join(f"{key}={value}" for key, value in settings[name].items())
        table.add_row(f"[cyan]{name}[/]", summaries[name], values)
    out.print(table)


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


@app.command(rich_help_panel="Use")
def export(
    db: Annotated[Path, typer.Argument(help="A file that compare --db wrote.")],
    table: Annotated[str, typer.Option("--table", "-t", help="Which table.")] = "episodes",
    out_file: Annotated[Path, typer.Option("--out", "-o", help="To .csv or .parquet.")] = Path(
        "out/episodes.csv"
    ),
) -> None:
    """Write a table of a run file to CSV or Parquet."""
    if not db.exists():
        raise ValueError(f"there is no file {db}")
    with Store(db) as store:
        count = store.export(table, out_file)
    out.print(f"written: {out_file} ({count} rows)")


@app.command(rich_help_panel="Measure")
def tune(
    rules: Annotated[list[str] | None, typer.Argument(help="Which rules. [all]")] = None,
    scenarios: Annotated[
        list[str] | None, typer.Option("--scenarios", "-s", help="For which, separated by commas. [all]")
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Settings to try for each pair.")] = 200,
    episodes: Annotated[int, typer.Option("--episodes", "-n", min=2, help="Worlds for a trial.")] = 128,
    seed: Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Which worlds.")] = 0,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes.")] = 1,
    out_file: Annotated[Path, typer.Option("--out", "-o", help="Settings file to update.")] = SETTINGS,
) -> None:
    """Search a rule's parameters, on worlds that no comparison meets; [bold]RULE@SCENARIO[/] uses them."""
    from springdrift_agents import tuning

    names, places = _split(rules, list(tuning.SPACES)), _split(scenarios, list(SCENARIOS))
    for name in places:
        resolve(name)
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for title in ("scenario", "rule", "default", "tuned", "parameters"):
        table.add_column(title, justify="right" if title in ("default", "tuned") else "left")
    with _progress() as progress:
        task = progress.add_task("tuning", total=len(names) * len(places))
        found = tuning.tune_all(
            names, places, trials, episodes, seed, jobs, lambda _: progress.update(task, advance=1)
        )
    for one in found:
        values = " ".join(f"{key}={value:g}" for key, value in one.parameters.items())
        table.add_row(one.scenario, one.rule, f"{one.default:.1f}", f"{one.cost:.1f}", values)
    out.print(table)
    out.print("[dim]mean cost on validation worlds, which the search did not see[/]")
    old = json.loads(out_file.read_text())["settings"] if out_file.exists() else {}
    command = f"springdrift tune --trials {trials} --episodes {episodes} --seed {seed}"
    report.write_text(out_file, tuning.to_text(found, command, old))
    out.print(f"written: {out_file}")


@app.command(rich_help_panel="Measure")
def regret(
    scenario: Annotated[str, typer.Option("--scenario", "-s", help="In which world.")] = "abrupt",
    policies: Annotated[
        list[str] | None, typer.Option("--policies", "-p", help="Which, separated by commas. [all]")
    ] = None,
    episodes: Annotated[int, typer.Option("--episodes", "-n", min=1, help="Worlds, 3 s each.")] = 10,
    seed: Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Which worlds.")] = 0,
    cost: Annotated[
        list[str] | None, typer.Option("--cost", help="A price, such as retrain=5. May be repeated.")
    ] = None,
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="Folder for timeline.png.")] = Path(
        "out/regret"
    ),
    as_json: Json = False,
) -> None:
    """What each policy paid beyond a plan that knew the future, and what for; one world as a picture."""
    from springdrift.reward import TARGET
    from springdrift_agents import regret as regrets
    from springdrift_agents.plots import timeline_plot

    resolve(scenario)
    chosen = {spec: policy(spec) for spec in _split(policies, list(RULES))}
    with err.status(f"searching {episodes} worlds of {scenario}"):
        found, courses = regrets.regret(chosen, scenario, episodes, seed, _costs(cost))
    title = f"{scenario}, one world under each strategy"
    timeline_plot(courses, 0, TARGET, out_dir / "timeline.png", title)
    means = {
        name: dict(zip(regrets.CAUSES, part.mean(axis=0).tolist(), strict=True))
        for name, part in found.items()
    }
    if as_json:
        print(json.dumps(means))
        return
    least = courses["hindsight"].terms.sum(axis=(0, 2)).mean()
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False, title_justify="left")
    table.title = f"Cost beyond hindsight's {least:.1f}, by cause: means of {episodes} worlds"
    table.add_column("policy", no_wrap=True)
    for name in ("regret", *regrets.CAUSES):
        table.add_column(name, justify="right")
    for name, causes in sorted(means.items(), key=lambda item: sum(item[1].values())):
        table.add_row(name, f"{sum(causes.values()):.1f}", *(f"{value:.1f}" for value in causes.values()))
    out.print(table)
    out.print(f"written: {out_dir / 'timeline.png'}")


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
    as_json: Json = False,
) -> None:
    """Where does which strategy pay? Price of retraining across, its latency down."""
    from springdrift_agents import maps
    from springdrift_agents.plots import map_plot

    resolve(scenario)
    chosen = {spec: policy(spec) for spec in _split(policies, maps.DEFAULT)}
    ratios, latencies = ratio or list(maps.RATIOS), latency or list(maps.LATENCIES)
    with _progress() as progress:
        task = progress.add_task(scenario, total=len(ratios) * len(latencies))
        cells = maps.break_even(
            chosen, scenario, ratios, latencies, episodes, seed, lambda _: progress.update(task, advance=1)
        )
    map_plot(cells, out_dir / "map.png", f"{scenario}: which strategy pays, and how much the next costs more")
    text = json.dumps([cell._asdict() for cell in cells], indent=1)
    report.write_text(out_dir / "map.json", text + "\n")
    if as_json:
        print(text)
        return
    table = Table(title="Price of a retraining, in pushes by hand", header_style="bold", box=SIMPLE_HEAD)
    table.add_column("latency", justify="right")
    for value in ratios:
        table.add_column(f"{value:g}", no_wrap=True)
    for wait in latencies:
        row = [cell for cell in cells if cell.latency == wait]
        margins = [f"+{100 * cell.margin:.0f} %" if cell.sure else "not sure" for cell in row]
        texts = [
            f"[bold]{cell.winner}[/]\n{min(cell.costs.values()):.0f} [dim]{margin}[/]"
            for cell, margin in zip(row, margins, strict=True)
        ]
        table.add_row(str(wait), *texts)
    out.print(table)
    out.print("[dim]the winner, its mean cost, and how much more the next one costs on the same worlds[/]")
    out.print(f"written: {out_dir / 'map.png'}, map.json")


@app.command(rich_help_panel="Measure")
def detectors(
    arl0: Annotated[
        list[float] | None,
        typer.Option(help="Values between false alarms. May be repeated. [50 100 200 500]"),
    ] = None,
    runs: Annotated[int, typer.Option("--runs", "-n", min=10, help="Monte Carlo runs.")] = 2000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="Folder for the picture.")] = Path(
        "out/detectors"
    ),
    as_json: Json = False,
) -> None:
    """Detectors at equal false-alarm rates: how long each takes to see a shift."""
    from springdrift_agents import detectors as lab
    from springdrift_agents.plots import detector_plot

    rates, changes = arl0 or [50.0, 100.0, 200.0, 500.0], [0.5, 1.0, 2.0, 3.0]
    contestants = {
        "cusum": lab.Cusum(),
        "ewma": lab.Ewma(),
        "page-hinkley": lab.PageHinkley(),
    }
    with err.status("running detectors"):
        rows = lab.lab(contestants, rates, changes, runs, seed)
    detector_plot(rows, out_dir / "detectors.png")
    if as_json:
        print(json.dumps(rows))
        return
    table = Table(
        title="Values from a shift to its alarm, at equal false-alarm rates (± Monte Carlo error)",
        title_justify="left", header_style="bold", box=SIMPLE_HEAD, pad_edge=False,
    )  # fmt: skip
    for name in ("ARL0", "detector", "threshold", *(f"shift {change:g} σ" for change in changes)):
        table.add_column(name, justify="left" if name == "detector" else "right")
    for first in range(0, len(rows), len(changes)):
        group = rows[first : first + len(changes)]
        delays = [f"{row['delay']:.1f} ±{row['error']:.1f}" for row in group]
        head = group[0]
        table.add_row(f"{head['arl0']:g}", head["detector"], f"{head['threshold']:.2f}", *delays)
    out.print(table)
    out.print(f"written: {out_dir / 'detectors.png'}")


@benches.command()
def separation(
    episodes: Annotated[int, typer.Option("--episodes", "-n", min=2)] = 1024, as_json: Json = False
) -> None:
    """Does the right answer differ from scenario to scenario? Strategies side by side, and verdicts."""
    rows, verdicts = measure_separation(episodes)
    if as_json:
        print(report.to_json(rows, verdicts=[verdict._asdict() for verdict in verdicts]))
    else:
        out.print(report.matrix_table(rows))
        out.print()
        for verdict in verdicts:
            mark = "[green]yes[/]" if verdict.holds else "[red]NO [/]"
            out.print(f"{mark} {verdict.claim} [dim]({verdict.figures})[/]")
    if not all(verdict.holds for verdict in verdicts):
        raise typer.Exit(1)


@benches.command("hindsight")
def hindsight_bench(
    scenarios: Annotated[
        list[str] | None, typer.Option("--scenarios", "-s", help="Which, separated by commas. [all]")
    ] = None,
    episodes: Annotated[int, typer.Option("--episodes", "-n", min=1, help="Worlds of each.")] = 3,
    as_json: Json = False,
) -> None:
    """How far is hindsight's search from its end? Its value, and that of one ten times as wide."""
    from springdrift_agents.hindsight import convergence

    names = [name for name in _split(scenarios, list(SCENARIOS)) if resolve(name)]
    found = []
    with _progress() as progress:
        task = progress.add_task("searching", total=len(names) * episodes)
        for name in names:
            for seed in world_seeds("tuning", 0, episodes).tolist():
                found.append(convergence(name, seed))
                progress.update(task, advance=1, description=name)
    if as_json:
        print(json.dumps([one._asdict() for one in found]))
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for title in ("scenario", "best rule", "hindsight", "wider", "gain", "seconds"):
        table.add_column(title, justify="left" if title == "scenario" else "right")
    for name in names:
        here = [one for one in found if one.scenario == name]
        rule, least, wider, spent = (
            float(np.mean([getattr(one, field) for one in here]))
            for field in ("rule", "cost", "wider", "seconds")
        )
        gain = 100 * (1 - wider / least) if least else 0.0
        table.add_row(name, f"{rule:.2f}", f"{least:.2f}", f"{wider:.2f}", f"{gain:.1f} %", f"{spent:.1f}")
    out.print(table)
    out.print(f"[dim]means of {episodes} worlds; the wider search may find more: a bound from above[/]")


@benches.command()
def speed(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds, and no fresh compilation.")] = False,
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="Folder for speed.json.")] = Path("out/bench"),
    as_json: Json = False,
) -> None:
    """Steps a second beside gymnasium, Stable-Baselines3 and NumPy, and where the time goes."""
    from springdrift_agents import speed as bench

    with err.status("measuring, for a minute or two; leave the machine alone"):
        found = bench.measure(quick)
    plain = {
        **found,
        "speeds": [one._asdict() for one in found["speeds"]],
        "phases": [phase._asdict() for phase in found["phases"]],
        "claims": [
            {"claim": claim, "holds": holds, "figure": figure} for claim, holds, figure in bench.claims(found)
        ],
    }
    text = json.dumps(plain, indent=1)
    report.write_text(out_dir / "speed.json", text + "\n")
    if as_json:
        print(text)
        return
    for table in report.speed_tables(found):
        out.print(table)
    for claim, holds, figure in bench.claims(found):
        out.print(f"{'[green]yes[/]' if holds else '[red]NO [/]'} {claim} [dim]({figure})[/]")
    out.print(f"\nwritten: {out_dir / 'speed.json'}")
