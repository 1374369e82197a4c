"""Commands that measure springdrift itself."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from bench.separation import GAMES, scenarios_of
from bench.separation import separation as measure_separation
from springdrift import ENV_ID, SCENARIOS
from springdrift.incline.scenario import resolve
from springdrift_agents.cli.shell import (
    Env,
    Json,
    benches,
    err,
    known_scenario,
    names_of,
    out,
    progress_bar,
    show,
    show_matrix,
)
from springdrift_agents.evaluation import report
from springdrift_agents.evaluation.evaluate import SEEDS, world_seeds
from springdrift_agents.files import write_text
from springdrift_agents.policies.registry import policy


@benches.command()
def separation(
    episodes: Annotated[int, typer.Option("--episodes", "-n", min=2, help="Worlds of each scenario.")] = 1024,
    seed: Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Which worlds.")] = 0,
    env: Env = ENV_ID,
    as_json: Json = False,
) -> None:
    """Does the right answer differ from scenario to scenario? Strategies side by side, and verdicts.

    A verdict rests on differences world by world: it holds when their 95 % interval does.
    """
    if env not in GAMES:
        raise ValueError(f"nothing is claimed of {env}; allowed: {', '.join(GAMES)}")
    with progress_bar() as progress:
        work = len(GAMES[env].strategies) * len(scenarios_of(env))
        task = progress.add_task("playing", total=work)
        rows, verdicts = measure_separation(episodes, seed, lambda: progress.update(task, advance=1), env)
    if as_json:
        print(report.to_json(rows, seed=seed, verdicts=[verdict._asdict() for verdict in verdicts]))
    else:
        show_matrix(rows)
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
    from springdrift_agents.planning.hindsight import convergence

    names = [name for name in names_of(scenarios, list(SCENARIOS)) if resolve(name)]
    found = []
    with progress_bar() as progress:
        task = progress.add_task("searching", total=len(names) * episodes)
        for name in names:
            for seed in world_seeds("tuning", 0, episodes).tolist():
                found.append(convergence(name, seed))
                progress.update(task, advance=1, description=name)
    if as_json:
        print(report.as_json([one._asdict() for one in found]))
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
    show(table)
    out.print(f"[dim]means of {episodes} worlds; the wider search may find more: a bound from above[/]")


@benches.command("ceiling")
def ceiling_bench(
    spec: Annotated[
        str, typer.Option("--policy", "-p", help="Which looks ahead, and is judged.")
    ] = "generalist",
    scenarios: Annotated[
        list[str] | None, typer.Option("--scenarios", "-s", help="Which, separated by commas. [all]")
    ] = None,
    episodes: Annotated[int, typer.Option("--episodes", "-n", min=2, help="Worlds of each.")] = 64,
    seed: Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Which worlds.")] = 0,
    futures: Annotated[int, typer.Option(min=2, help="Drawn for each world and cycle.")] = 16,
    cycles: Annotated[int, typer.Option(min=1, help="That a future is followed.")] = 80,
    as_json: Json = False,
) -> None:
    """How much is left without reading the future? Beside a planner that knows the state of the world."""
    from bench.ceiling import ceiling
    from bench.generalist import gap_told

    names = names_of(scenarios, list(SCENARIOS))
    seeds, found = world_seeds("evaluation", seed, episodes), []
    with err.status("planning") as status:
        for name in names:
            known_scenario(name, list(SCENARIOS))
            status.update(f"planning: {name}")
            found.append(ceiling(policy(spec), policy("expert@mix"), name, seeds, futures, cycles))
    if as_json:
        print(report.as_json([one._asdict() for one in found]))
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for title in ("scenario", "expert", spec, "planner", "gap closed"):
        table.add_column(title, justify="left" if title == "scenario" else "right")
    for one in found:
        costs = (f"{cost:.2f}" for cost in (one.expert, one.policy, one.planner))
        table.add_row(one.scenario, *costs, gap_told(one.closed))
    show(table)


@benches.command()
def speed(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds, and no fresh compilation.")] = False,
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="Folder for speed.json.")] = Path("out/bench"),
    as_json: Json = False,
) -> None:
    """Steps a second beside gymnasium, Stable-Baselines3 and NumPy, and where the time goes."""
    from bench import speed as bench

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
    text = report.as_json(plain, indent=1)
    write_text(out_dir / "speed.json", text + "\n")
    if as_json:
        print(text)
        return
    for table in report.speed_tables(found):
        show(table)
    for claim, holds, figure in bench.claims(found):
        out.print(f"{'[green]yes[/]' if holds else '[red]NO [/]'} {claim} [dim]({figure})[/]")
    out.print(f"\nwritten: {out_dir / 'speed.json'}")


@benches.command("learning")
def learning(
    scenario: Annotated[str, typer.Option("--scenario", "-s", help="What to learn.")] = "mix",
    limit: Annotated[float, typer.Option(min=1, help="Seconds each may take.")] = 600.0,
    as_json: Json = False,
) -> None:
    """How soon is PPO as good as the best tuned rule? Beside Stable-Baselines3's DummyVecEnv, in one run."""
    from bench import learning as bench

    with err.status("training") as status:
        rule, goal, found = bench.race(scenario, limit, tell=lambda name: status.update(f"training: {name}"))
    if as_json:
        print(report.as_json({"rule": rule, "cost": goal, "contestants": [one._asdict() for one in found]}))
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False, title_justify="left")
    table.title = f"Until PPO costs no more than {rule} ({goal:.1f}) on {scenario}"
    for title in ("", "steps/s", "seconds", "steps", "cost then", "sooner"):
        table.add_column(title, justify="right" if title else "left")
    for one in found:
        there = one.seconds == one.seconds
        ratio = (one.seconds if there else limit) / found[0].seconds
        cells = (f"{one.seconds:.0f}" if there else f"over {limit:.0f}", f"{one.steps:,}", f"{one.cost:.1f}")
        table.add_row(one.name, f"{one.per_second:,.0f}", *cells, f"{'' if there else '> '}{ratio:.1f} ×")
    show(table)


@benches.command("learned")
def learned_bench(
    policies: Annotated[
        list[str] | None, typer.Option("--policies", "-p", help="Which, names or files. [those that ship]")
    ] = None,
    scenarios: Annotated[
        list[str] | None, typer.Option("--scenarios", "-s", help="Which. [all, and the held-out ones]")
    ] = None,
    episodes: Annotated[int, typer.Option("--episodes", "-n", min=2, help="Worlds of each.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Which worlds.")] = 0,
    as_json: Json = False,
) -> None:
    """Do learned policies beat the best tuned rule of each scenario, and what gap do they close?"""
    from bench import generalist
    from springdrift_agents.policies.learned import shipped
    from springdrift_agents.training.practice import HELD_OUT

    chosen = {spec: policy(spec) for spec in names_of(policies, list(shipped()))}
    allowed = [*SCENARIOS, *HELD_OUT]
    places = names_of(scenarios, allowed)
    for name in places:
        known_scenario(name, allowed)
    with err.status("playing") as status:
        found = generalist.standings(chosen, places, episodes, seed, status.update)
    said = generalist.verdicts(found)
    if as_json:
        print(report.as_json({"standings": [one._asdict() for one in found], "verdicts": said}))
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for title in ("scenario", "policy", "cost", "best rule", "its cost", "saved", "worse", "gap closed"):
        left = title in ("scenario", "policy", "best rule")
        table.add_column(title, justify="left" if left else "right", no_wrap=True)
    for one in found:
        clear = one.gap is not None and one.gap.value == one.gap.value
        gap = f"{100 * one.gap.value:.0f} % of {one.searched}" if one.gap and clear else ""
        cells = (f"{one.rule_cost:.2f}", str(one.saved), f"{100 * one.worse:+.1f} %", gap)
        table.add_row(one.scenario, one.policy, f"{one.cost.value:.2f}", one.rule, *cells)
    show(table)
    for claim, holds, figure in said:
        out.print(f"{'[green]yes[/]' if holds else '[red]NO [/]'} {claim} [dim]({figure})[/]")
