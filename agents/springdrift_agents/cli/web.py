"""Commands about the game in a browser: build its page, and check a game that somebody sent."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from springdrift_agents.cli.shell import Json, app, err, out, show, tell, writable
from springdrift_agents.play.web import build, link, references, wasm


@app.command(rich_help_panel="See and play")
def web(
    folder: Annotated[Path, typer.Option("--out", "-o", help="Folder for index.html.")] = Path("out/play"),
    texts: Annotated[
        Path, typer.Option(help="Table of texts, for another language.", show_default=False)
    ] = build.TEXTS,
    compile_kernel: Annotated[
        bool, typer.Option("--compile", help="Compile the kernels anew, a minute or two.")
    ] = False,
    refer: Annotated[
        bool, typer.Option("--references", help="Play the policies on the score card anew.")
    ] = False,
) -> None:
    """Build the game as one web page: nothing is installed to play it, and it asks for nothing."""
    writable(folder, "index.html")
    if compile_kernel:
        with err.status("compiling the kernels to WebAssembly"):
            wasm.compile_kernels()
    if refer:
        with err.status("playing the reference policies"):
            references.keep()
    page = build.build(folder, texts)
    tell(f"written: {page} ({page.stat().st_size / 1e3:.0f} kB)")


@app.command(rich_help_panel="See and play")
def replay(
    game_link: Annotated[str, typer.Argument(metavar="LINK", help="What the page's Share button gives.")],
    as_json: Json = False,
) -> None:
    """Play the game of a link anew, and tell what it cost; a link that claims another cost is refused."""
    game = link.game_of(game_link)
    costs = link.replay(game)
    if as_json:
        about = {"env": game.env, "scenario": game.scenario, "seed": game.seed, "cycles": len(game.decisions)}
        print(json.dumps({**about, "player": game.player, "truth": game.truth, **costs}))
        return
    who = escape(game.player or "somebody")
    out.print(f"[bold]{who}[/], {game.scenario}, world {game.seed}, {len(game.decisions)} cycles")
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name in costs:
        table.add_column(name, justify="right")
    table.add_row(*(f"{value:.4f}" for value in costs.values()))
    show(table, keep=5)
    out.print(f"the link's cost is right to the last bit: {costs['cost']!r}")
    if game.truth:
        out.print("the hidden truth was shown")
