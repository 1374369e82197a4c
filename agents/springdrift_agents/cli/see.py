"""Commands with a picture: watch, play, and the scores of games."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from springdrift import ENV_ID
from springdrift_agents.cli.shell import (
    Env,
    Json,
    Trust,
    app,
    err,
    out,
    pair_of,
    show,
    tell,
    writable_file,
)
from springdrift_agents.evaluation.seeds import SEEDS, world_seeds
from springdrift_agents.files import write_text
from springdrift_agents.play.scores import best_first, scores_path, text_of
from springdrift_agents.play.scores import read as read_scores
from springdrift_agents.policies.registry import policy
from springdrift_agents.text import cell, tidy

Hide = Annotated[bool, typer.Option("--hide", help="Do not tell the scenario's name.")]
FontScale = Annotated[float, typer.Option(help="Size of the letters: 0.7 to 1.4.")]


def seen(make: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """What ``make`` gives; that no window can be opened ends the command in one sentence."""
    from springdrift.render.window import NoWindowError

    try:
        return make(*args, **options)
    except NoWindowError as wrong:
        raise OSError(
            f"no window can be opened here ({wrong.why}): it takes a screen; a film needs none: "
            "springdrift watch -o film.mp4"
        ) from wrong


@app.command(rich_help_panel="See and play")
def watch(
    policy_spec: Annotated[str, typer.Option("--policy", "-p", help="Who decides.")] = "threshold",
    scenario: Annotated[str, typer.Option("--scenario", "-s", help="In which world.")] = "abrupt",
    env: Env = ENV_ID,
    versus: Annotated[str | None, typer.Option(help="A second policy beside it, in the same world.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Which world.")] = 0,
    out_file: Annotated[
        Path | None, typer.Option("--out", "-o", help="Record to .mp4, .gif, .webp, or .png (last moment).")
    ] = None,
    window: Annotated[bool, typer.Option("--window", help="Show a window while recording.")] = False,
    cycles: Annotated[str, typer.Option(help="Part to play, such as 20:60.")] = "",
    size: Annotated[str, typer.Option(help="Of each picture.")] = "960x600",
    frames: Annotated[int, typer.Option(min=1, max=512, help="Pictures a cycle.")] = 16,
    fps: Annotated[int, typer.Option(min=1, max=240, help="Pictures a second.")] = 30,
    truth: Annotated[bool, typer.Option("--truth", help="Show what no operator sees (key H).")] = False,
    hide: Hide = False,
    font_scale: FontScale = 1.0,
    html: Annotated[
        Path | None, typer.Option(help="Write a page to scrub through instead, in any browser.")
    ] = None,
    trust: Trust = False,
) -> None:
    """Watch a policy at work, in a window or as a file; two policies side by side with --versus."""
    from springdrift_agents.play import watch as watching

    specs = [policy_spec, *([versus] if versus else [])]
    if html:
        from springdrift_agents.play.web import report

        writable_file(html)
        players = {spec: policy(spec, trust, env) for spec in specs}
        report.write_episodes(html, players, scenario, world_seeds("evaluation", seed, 1), env)
        tell(f"written: {html} ({html.stat().st_size / 1e3:.0f} kB)")
        return
    episodes = [watching.Episode(policy(spec, trust, env), spec, scenario, seed, env=env) for spec in specs]
    part = pair_of("--cycles", cycles, ":") if cycles else None
    count = seen(
        watching.show,
        episodes,
        out=out_file,
        window=window or out_file is None,
        truth=truth,
        scenario=not hide,
        font_scale=font_scale,
        size=pair_of("--size", size, "x"),
        part=part,
        frames=frames,
        fps=fps,
    )
    if out_file:
        size_ = f", {out_file.stat().st_size / 1e6:.2f} MB" if out_file.is_file() else ""
        tell(f"written: {out_file} ({count} pictures{size_})")


@app.command(rich_help_panel="See and play")
def play(
    scenario: Annotated[str, typer.Option("--scenario", "-s", help="In which world.")] = "abrupt",
    seed: Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Which world.")] = 0,
    cycles: Annotated[int | None, typer.Option(min=1, help="A deadline of your own.")] = None,
    wait: Annotated[
        bool, typer.Option("--wait/--flow", help="Each cycle waits for your decision, or goes on by itself.")
    ] = True,
    tempo: Annotated[float, typer.Option(help="Speed to begin with: 0.25 to 8.")] = 1.0,
    player: Annotated[str | None, typer.Option(help="Name on the score. [you]")] = None,
    truth: Annotated[bool, typer.Option("--truth", help="Show what no operator sees (key H).")] = False,
    hide: Hide = False,
    font_scale: FontScale = 1.0,
    keep: Annotated[bool, typer.Option("--keep/--no-keep", help="Keep the score.")] = True,
    env: Env = ENV_ID,
) -> None:
    """Be the operator: wait, push or retrain, and beat the rules on the same world.

    The keys stand under the picture. On a gamepad a button for each decision, in their order, decides, and
    the next one pauses. With --env springdrift/InclinedMassOps-v0 you can also fine-tune and roll back.
    """
    import getpass

    from springdrift_agents.play.game import Game
    from springdrift_agents.play.table import TEMPOS, Table

    if tempo not in TEMPOS:
        allowed = ", ".join(f"{value:g}" for value in TEMPOS)
        raise ValueError(f"--tempo must be one of {allowed}, got {tempo:g}")
    game = Game(scenario, seed, cycles, env)
    scores = scores_path() if keep else None
    name = player or getpass.getuser()
    seen(Table, game, name, scores, wait, tempo, truth, not hide, font_scale).run()


@app.command(rich_help_panel="See and play")
def scores(
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Export to this file, for a class.")] = None,
    as_json: Json = False,
) -> None:
    """List the scores of games, best first within a world and length; green: better than both rules.

    Who saw the hidden truth comes after all who did not.
    """
    torn: list[int] = []
    found = best_first(read_scores(scores_path(), torn))
    if torn:
        where = ", ".join(map(str, torn[:8]))
        err.print(f"left out of {scores_path()}: lines that hold no whole score ({where})", markup=False)
    if csv_file:
        safe = [one._replace(player=cell(one.player), scenario=cell(one.scenario)) for one in found]
        write_text(csv_file, text_of(safe))
        tell(f"written: {csv_file} ({len(found)} games)")
        return
    if as_json:
        print(json.dumps([one._asdict() for one in found]))
        return
    if not found:
        out.print("no games yet: [bold]springdrift play[/]")
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("scenario", "seed", "cycles", "player", "cost", "threshold", "never", "truth shown", "time"):
        left = name in ("scenario", "player", "truth shown", "time")
        table.add_column(name, justify="left" if left else "right")
    for one in found:
        costs = [f"{cost:.1f}" for cost in (one.cost, one.threshold, one.never)]
        style = "bold green" if one.cost < min(one.threshold, one.never) and not one.truth else ""
        cycles = "" if one.cycles is None else str(one.cycles)
        truth = {None: "", True: "yes", False: "no"}[one.truth]
        player = escape(tidy(one.player))
        table.add_row(
            escape(tidy(one.scenario)),
            str(one.seed),
            cycles,
            player,
            *costs,
            truth,
            escape(tidy(one.time)),
            style=style,
        )
    show(table, keep=5)
