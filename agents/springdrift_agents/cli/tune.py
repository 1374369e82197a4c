"""Commands about rules and the detectors in them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from springdrift import ENV_ID
from springdrift.registry import world_spec
from springdrift_agents import limits
from springdrift_agents.cli.shell import (
    Env,
    Json,
    app,
    bounded,
    env_option,
    err,
    known_scenario,
    names_of,
    out,
    progress_bar,
    show,
    tell,
    working,
    writable,
    writable_file,
)
from springdrift_agents.evaluation.evaluate import SEEDS, Episodes, evaluate, world_seeds
from springdrift_agents.evaluation.report import as_json as to_json
from springdrift_agents.evaluation.scenarios import scenario_of
from springdrift_agents.evaluation.statistics import mean_interval
from springdrift_agents.files import write_text
from springdrift_agents.policies import settings
from springdrift_agents.policies.registry import name_of, policy


@app.command(rich_help_panel="Measure")
def tune(
    rules: Annotated[list[str] | None, typer.Argument(help="Which rules. [all]")] = None,
    scenarios: Annotated[
        list[str] | None, typer.Option("--scenarios", "-s", help="For which, separated by commas. [all]")
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Settings to try for each pair.")] = 200,
    episodes: Annotated[int, typer.Option("--episodes", "-n", min=2, help="Worlds for a trial.")] = 128,
    seed: Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Which worlds.")] = 0,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Processes.")] = 1,
    out_file: Annotated[
        Path | None, typer.Option("--out", "-o", help="Settings file to update. [your own]")
    ] = None,
    env: Env = ENV_ID,
    replace: Annotated[
        bool, typer.Option("--replace", help="Keep what is found even where what was there costs less.")
    ] = False,
) -> None:
    """Search a rule's parameters, on worlds that no comparison meets; [bold]RULE@SCENARIO[/] uses them.

    They go to a file of your own, and into it only what costs less than the settings that there are. Another
    file is used where SPRINGDRIFT_SETTINGS names it.
    """
    from springdrift_agents.training import tune as tuning

    known_rules, known_places = list(tuning.spaces_of(env)), list(world_spec(env).scenarios)
    names, places = names_of(rules, known_rules), names_of(scenarios, known_places)
    for name in names:
        if name not in known_rules:
            raise ValueError(f"{name!r} has nothing to tune; allowed: {', '.join(known_rules)}")
    for name in places:
        known_scenario(name, known_places)
    file = _settings_file(out_file)
    kept = settings.read(file) if file.exists() else {}
    own = kept.setdefault(env, {})
    limits.check_episodes("--episodes", 4 * episodes)
    jobs = bounded(jobs, len(names) * len(places))
    known = {place: rules | own.get(place, {}) for place, rules in settings.settings(env).items()}
    with progress_bar() as progress:
        task = progress.add_task("tuning", total=len(names) * len(places))
        found = tuning.tune_all(
            names,
            places,
            trials,
            episodes,
            seed,
            jobs,
            lambda _: progress.update(task, advance=1),
            env=env,
            known=known,
        )
    taken = [one for one in found if one.better or replace]
    for one in taken:
        own.setdefault(one.scenario, {})[one.rule] = one.parameters
    show(_tuned_table(found, taken))
    out.print("[dim]mean cost on validation worlds, which the search did not see[/]")
    if left := len(found) - len(taken):
        out.print(f"{left} of {len(found)} cost no less than the settings there are, which stay (--replace)")
    if taken:
        command = f"springdrift tune{env_option(env)} --trials {trials} --episodes {episodes} --seed {seed}"
        _write_settings(file, settings.to_text(kept, command))


def _settings_file(given: Path | None) -> Path:
    """The file that tuned settings go to, kept to this command.

    Raises:
        ValueError: there is none, or nothing may be written to it.
    """
    file = given or settings.own_path()
    if file is None:
        raise ValueError("you have no home folder to keep settings in: give a file with --out")
    if file.exists() and file.samefile(settings.SHIPPED):
        raise ValueError(f"{file} ships with springdrift and stays as it is: give another file")
    writable_file(file)
    return file


def _write_settings(file: Path, text: str) -> None:
    write_text(file, text)
    tell(f"written: {file}")
    if settings.own_path() != file:
        tell(f"to use it: SPRINGDRIFT_SETTINGS={file} springdrift …")


def _tuned_table(found: Sequence[Any], taken: Sequence[Any]) -> Table:
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for title in ("scenario", "rule", "default", "there is", "found", "kept", "parameters found"):
        table.add_column(title, justify="right" if title in ("default", "there is", "found") else "left")
    for one in found:
        values = " ".join(f"{key}={value:g}" for key, value in one.parameters.items())
        before = "none" if one.before is None else f"{one.before:.1f}"
        which = "found" if one in taken else "there is"
        table.add_row(one.scenario, one.rule, f"{one.default:.1f}", before, f"{one.cost:.1f}", which, values)
    return table


@app.command(rich_help_panel="Measure")
def detectors(
    arl0: Annotated[
        list[float] | None,
        typer.Option(help="Values between false alarms. May be repeated. [50 100 200 500]"),
    ] = None,
    runs: Annotated[int, typer.Option("--runs", "-n", min=10, help="Monte Carlo runs.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of the values.")] = 0,
    river: Annotated[
        bool, typer.Option("--river", help="river's ADWIN as well, on a tenth of the runs, where it can.")
    ] = False,
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="Folder for the picture.")] = Path(
        "out/detectors"
    ),
    as_json: Json = False,
) -> None:
    """Detectors at equal false-alarm rates: how long each takes to see a shift."""
    from springdrift_agents.evaluation.plots import detector_plot
    from springdrift_agents.policies import detectors as lab

    rates, changes = list(dict.fromkeys(arl0 or [50.0, 100.0, 200.0, 500.0])), [0.5, 1.0, 2.0, 3.0]
    for rate in rates:
        lab.check_rate(rate)
    limits.check_episodes("--runs", runs)
    writable(out_dir, "detectors.png")
    contestants = {
        "cusum": lab.Cusum(),
        "ewma": lab.Ewma(),
        "page-hinkley": lab.PageHinkley(),
    }
    with working("running detectors"):
        rows = lab.lab(contestants, rates, changes, runs, seed)
        if river:  # one object a run, in Python: a hundred times slower
            for rate in rates:
                try:
                    rows += lab.lab({"adwin": lab.ADWIN}, [rate], changes, max(20, runs // 10), seed)
                except ValueError as out_of_reach:
                    err.print(f"[yellow]left out: {out_of_reach}[/]")
    detector_plot(rows, out_dir / "detectors.png")
    if as_json:
        print(to_json(rows))
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
    show(table)
    tell(f"written: {out_dir / 'detectors.png'}")


@app.command(rich_help_panel="Measure")
def budget(
    retrains: Annotated[float, typer.Option("--retrains", "-r", help="Retrainings an episode.")] = 3.0,
    scenario: Annotated[str, typer.Option("--scenario", "-s", help="In which world.")] = "abrupt",
    rules: Annotated[
        list[str] | None, typer.Option("--policies", "-p", help="Which rules, such as cusum@abrupt. [all]")
    ] = None,
    episodes: Annotated[int, typer.Option("--episodes", "-n", min=2, help="Worlds.")] = 256,
    seed: Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Which worlds.")] = 0,
    env: Env = ENV_ID,
    as_json: Json = False,
) -> None:
    """Rules at an equal retraining budget: each one's threshold is set so that it retrains as often."""
    from springdrift_agents.training import tune as tuning

    place = scenario_of(scenario, env)
    if not 0.0 <= retrains < float("inf"):
        raise ValueError(f"--retrains must be a number from 0 on, got {retrains}")
    limits.check_episodes("--episodes", episodes)
    specs = names_of(rules, [f"{name}@{scenario}" for name in tuning.BUDGETS])
    parameters = {spec: tuning.BUDGETS.get(name_of(spec), "") for spec in specs}
    for spec, parameter in parameters.items():
        policy(spec, env=env)
        if not parameter:
            raise ValueError(
                f"{spec!r} has no parameter for its budget; allowed: {', '.join(tuning.BUDGETS)}"
            )
    rows: list[dict[str, Any]] = []
    missed: dict[str, str] = {}
    with progress_bar() as progress:
        for spec in progress.track(specs, description="setting thresholds"):
            try:
                rule = tuning.at_budget(spec, place, retrains, episodes, seed, env)
            except ValueError as out_of_reach:
                missed[spec] = str(out_of_reach)
                continue
            found = evaluate(rule, place, world_seeds("evaluation", seed, episodes), env=env)
            setting = float(getattr(rule, parameters[spec]))
            rows.append({"rule": spec, "setting": setting, **_budget_figures(found)})
    if as_json:
        nothing = dict.fromkeys(("setting", "retrains", "cost", "delay"))
        print(to_json([*rows, *({"rule": spec, **nothing, "missed": why} for spec, why in missed.items())]))
        return
    table = _budget_table(rows, missed, parameters)
    table.title = f"{scenario}: rules that retrain about {retrains:g} times an episode"
    show(table)
    for why in missed.values():
        out.print(f"[yellow]out of reach: {escape(why)}[/]")
    out.print("[dim]set on tuning worlds, measured on evaluation worlds; delay: cycles from a change on[/]")


def _budget_figures(found: Episodes) -> dict[str, Any]:
    """Of a rule at its budget: how often it retrained, what it cost, how late it answered changes."""
    answered = found.finding("changes").sum() - found.finding("missed").sum()
    return {
        "retrains": float(found.finding("retrains").mean()),
        "cost": mean_interval(found.cost)._asdict(),
        "delay": float(found.finding("delay").sum() / answered) if answered else None,
    }


def _budget_table(
    rows: Sequence[Mapping[str, Any]], missed: Mapping[str, str], parameters: Mapping[str, str]
) -> Table:
    """The cheapest rule first, those that cannot meet the budget last."""
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False, title_justify="left")
    for title in ("rule", "parameter", "set to", "retrains", "cost", "95 %", "delay"):
        table.add_column(title, justify="left" if title in ("rule", "parameter") else "right")
    for row in sorted(rows, key=lambda row: row["cost"]["value"]):
        cost, delay = row["cost"], row["delay"]
        interval = f"{cost['low']:.1f}–{cost['high']:.1f}"
        cells = (f"{row['setting']:.3g}", f"{row['retrains']:.2f}", f"{cost['value']:.1f}", interval)
        table.add_row(row["rule"], parameters[row["rule"]], *cells, "" if delay is None else f"{delay:.1f}")
    for spec in missed:
        table.add_row(spec, parameters[spec], "out of reach")
    return table
