"""Commands that train policies, and that make data to train on; a command's parameters are its help."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from springdrift import ENV_ID
from springdrift_agents import limits
from springdrift_agents.cli.shell import Env, Envs, Json, Trust, app, env_option, err, out, tell, working
from springdrift_agents.evaluation.evaluate import SEEDS
from springdrift_agents.evaluation.scenarios import scenario_of
from springdrift_agents.policies.registry import policy

if TYPE_CHECKING:
    from springdrift_agents.training.train import TrainConfig


@app.command(rich_help_panel="Use")
def train(
    algo: Annotated[str, typer.Argument(help="ppo, dqn, recurrent-ppo or maskable-ppo.")],
    scenario: Annotated[
        str, typer.Option("--scenario", "-s", help="A scenario, or [bold]practice[/]: all, some harder.")
    ] = "mix",
    steps: Annotated[
        int | None, typer.Option("--steps", "-n", min=1, help="Env steps. [as the file has it]")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Of weights and worlds.")] = 0,
    out_dir: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the run. [runs/ALGO-SCENARIO-SEED]")
    ] = None,
    observe: Annotated[str, typer.Option(help="What it sees: monitor, signals or truth.")] = "monitor",
    hyper: Annotated[
        Path | None, typer.Option(help="YAML of hyperparameters, as rl-baselines3-zoo has them.")
    ] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", help="A hyperparameter, such as gamma=0.98. May be repeated.")
    ] = None,
    chunk: Annotated[int, typer.Option(min=1, help="Env steps between checkpoints.")] = 250_000,
    episodes: Annotated[int, typer.Option(min=2, help="Validation worlds after each chunk.")] = 256,
    validate: Annotated[str, typer.Option(help="Scenario of the validation worlds. [that of training]")] = "",
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Search hyperparameters instead, with Optuna.")
    ] = False,
    trials: Annotated[int, typer.Option(min=1, help="Of a sweep.")] = 20,
    env: Envs = ENV_ID,
    device: Annotated[str, typer.Option(help="Of torch's, such as cuda, that fits the network.")] = "cpu",
) -> None:
    """Train a policy, or go on where the same command was stopped.

    Leaves [bold]best.safetensors[/] (and .json), which every command takes as a policy, with checkpoint,
    manifest and TensorBoard's events beside it.
    """
    from springdrift_agents.training import train as training

    limits.check_episodes("--episodes", episodes)
    config = training.config_of(
        algo,
        file=hyper,
        changes=change or (),
        steps=steps,
        scenario=scenario,
        seed=seed,
        observe=observe,
        chunk=chunk,
        episodes=episodes,
        validate=validate,
        env=env,
        device=device,
    )
    folder = out_dir or Path("runs") / _run_name(config)
    if sweep:
        _sweep(config, folder, trials)
    else:
        _train(config, folder)


def _run_name(config: "TrainConfig") -> str:
    """Of a run's folder, unless it is given: the kind of world is in it where it is not the usual one."""
    worlds = [one.rpartition("/")[2].partition("-")[0] for one in config.envs if config.env != ENV_ID]
    return "-".join((config.algo, *worlds, config.scenario, str(config.seed)))


def _train(config: "TrainConfig", folder: Path) -> None:
    from springdrift_agents.training import train as training

    title, costs = f"{config.algo} on {config.scenario}", []
    with _bar() as progress:
        task = progress.add_task(title, total=config.steps)

        def validated(done: int, cost: float) -> bool:
            costs.append(f"{cost:.1f}")
            progress.update(task, completed=done, description=f"{title}, cost {costs[-1]}")
            return True

        best = training.train(
            config, folder, tell=lambda done: progress.update(task, completed=done), validated=validated
        )
    out.print(f"cost on validation worlds, chunk by chunk: {' '.join(costs)}")
    shown_file, trained = escape(str(folder / "best.safetensors")), best.card.trained
    out.print(f"written: {shown_file}, of step {trained['steps']:,}, cost {trained['cost']:.1f}")
    place = config.validate or ("mix" if config.scenario == "practice" else config.scenario)
    for one in config.envs:
        out.print(
            f"compare it: [bold]springdrift compare{env_option(one)} -s {place} "
            f"-p never,threshold@{place},{shown_file}[/]"
        )


@app.command(rich_help_panel="Use")
def distill(
    scenarios: Annotated[
        str, typer.Option("--scenarios", "-s", help="Which to learn, separated by commas. [all]")
    ] = "",
    seed: Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Of weights and worlds.")] = 0,
    out_dir: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the run. [runs/distilled-SEED]")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Times that the network plays and learns.")] = 6,
    worlds: Annotated[int, typer.Option("--episodes", "-n", min=1, help="Of each scenario in a round.")] = 40,
    env: Envs = ENV_ID,
) -> None:
    """Teach one network what the best policy known for each scenario decides.

    Leaves [bold]best.safetensors[/] (and .json), which every command takes as a policy.
    """
    from springdrift_agents.training import distill as distilling

    limits.check_episodes("--episodes", worlds)
    chosen = tuple(filter(None, scenarios.split(",")))
    config = distilling.Distillation(env=env, scenarios=chosen, seed=seed, rounds=rounds, worlds=worlds)
    folder = out_dir or Path("runs") / f"distilled-{seed}"
    with working("choosing teachers") as status:
        distilling.distill(
            config,
            folder,
            tell=status.update,
            done=lambda turn, cost: tell(f"round {turn} of {rounds}: cost {cost:.1f} on validation worlds"),
        )
    found = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for one, chosen in found["teachers"].items():
        told = ", ".join(f"{place} {spec}" for place, spec in chosen.items())
        tell(f"teachers of {one}: {told}")
    _written(folder / "best.safetensors", config.envs, "never")


@app.command(rich_help_panel="Use")
def improve(
    spec: Annotated[str, typer.Argument(metavar="POLICY", help="A network: a name, or its weights.")],
    scenarios: Annotated[
        str, typer.Option("--scenarios", "-s", help="Where it is to be better, separated by commas. [all]")
    ] = "",
    seed: Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Of chance and worlds.")] = 0,
    out_dir: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the run. [runs/improved-SEED]")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Times that it plays and learns.")] = 30,
    worlds: Annotated[int, typer.Option("--episodes", "-n", min=1, help="Of each scenario in a round.")] = 96,
    tries: Annotated[int, typer.Option(min=1, help="Cycles of each that are played again.")] = 6,
    jobs: Annotated[int, typer.Option(help="Processes; the result is the same.")] = 1,
) -> None:
    """Improve a network: play again what it played, with other decisions, and learn which are cheaper.

    Leaves [bold]best.safetensors[/] (and .json), which every command takes as a policy.
    """
    from springdrift_agents.training import improve as improving

    limits.check_episodes("--episodes", worlds)
    chosen = tuple(filter(None, scenarios.split(",")))
    config = improving.Improvement(spec, chosen, seed, rounds=rounds, worlds=worlds, tries=tries)
    folder = out_dir or Path("runs") / f"improved-{seed}"
    with working("playing") as status:
        improving.improve(
            config,
            folder,
            jobs,
            tell=status.update,
            done=lambda turn, cost: tell(f"round {turn} of {rounds}: cost {cost:.2f} on validation worlds"),
        )
    _written(folder / "best.safetensors", config.envs, spec)


def _written(file: Path, envs: Sequence[str], beside: str) -> None:
    """Say where a policy lies, and how to compare it."""
    tell(f"written: {file}")
    for one in envs:
        tell(f"compare it: springdrift compare{env_option(one)} -p {beside},{file}")


@app.command(rich_help_panel="Use")
def dataset(
    spec: Annotated[
        str, typer.Option("--policy", "-p", help="Who decides: a name, weights, [dim]path.py:Class[/].")
    ] = "threshold",
    scenario: Annotated[str, typer.Option("--scenario", "-s", help="In which worlds.")] = "mix",
    episodes: Annotated[int, typer.Option("--episodes", "-n", min=1, max=1_000_000)] = 100,
    seed: Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Which worlds.")] = 0,
    explore: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of the decisions that are drawn at random.")
    ] = 0.1,
    observe: Annotated[
        str, typer.Option(help="What is kept: monitor, signals or truth. [as the policy]")
    ] = "",
    name: Annotated[str, typer.Option(help="Of the data set. [springdrift/ENV/SCENARIO-POLICY-v0]")] = "",
    folder: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of data sets. [Minari's own]")
    ] = None,
    env: Env = ENV_ID,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Write episodes of a policy as a Minari data set, for offline reinforcement learning.

    The worlds are training worlds, which no comparison and no benchmark of springdrift ever uses.
    """
    from springdrift_agents.training import offline

    title = name or f"springdrift/{_plain(env.rpartition('/')[2])}/{_plain(scenario)}-{_plain(spec)}-v0"
    with working(f"playing {episodes:,} episodes of {spec} in {scenario}"):
        written = offline.write(
            title,
            policy(spec, trust, env),
            scenario_of(scenario, env),
            episodes,
            seed,
            env=env,
            explore=explore,
            observe=observe or None,
            folder=folder,
            about={
                "algorithm_name": spec,
                "description": f"{spec} in {scenario} of {env}, {explore:.0%} of the decisions drawn",
            },
        )
    if as_json:
        print(json.dumps(written._asdict() | {"folder": str(written.folder)}))
        return
    tell(
        f"written: {written.name}, {written.episodes:,} episodes, {written.steps:,} steps, "
        f"cost {written.cost:.1f} an episode"
    )
    tell(f"in: {written.folder}")
    where = f'MINARI_DATASETS_PATH="{folder.resolve()}" ' if folder else ""
    tell(f"load it: {where}python -c \"import minari; print(minari.load_dataset('{written.name}'))\"")


def _plain(text: str) -> str:
    """A text as part of a data set's name: ``-v0`` at its end says nothing there.

    >>> _plain("InclinedMass-v0"), _plain("threshold:error=0.5")
    ('inclinedmass', 'threshold-error-0-5')
    """
    return re.sub(r"[^a-z0-9_]+", "-", re.sub(r"-v\d+$", "", text).lower()).strip("-")


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
    )


def _sweep(config: "TrainConfig", folder: Path, trials: int) -> None:
    from springdrift_agents.training import sweep as sweeping

    with _bar() as progress:
        task = progress.add_task("sweep", total=trials)

        def done(number: int, cost: float | None) -> None:
            said = f"cost {cost:.1f}" if cost is not None else "given up"
            out.print(f"trial {number}: {said}")
            progress.update(task, completed=number + 1)

        best = sweeping.sweep(config, folder, trials, done)
    again = f"springdrift train {config.algo}{env_option(config.env)} -s {config.scenario}"
    again += f" --observe {config.observe}" if config.observe != "monitor" else ""
    for name, value in best.items():
        out.print(f"  {name}: {value}")
    best_file = escape(str(folder / "best.yml"))
    out.print(f"written: {best_file}; use it: [bold]{again} --hyper {best_file}[/]")
