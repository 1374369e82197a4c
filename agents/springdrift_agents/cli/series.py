"""The command that exports a series."""

from pathlib import Path
from typing import Annotated

import typer

from springdrift.series import SCENARIOS
from springdrift.series.catalogue import resolve
from springdrift.series.export import FORMATS, export, tables_of
from springdrift_agents.cli.shell import app, tell
from springdrift_agents.evaluation.evaluate import SEEDS


@app.command(rich_help_panel="Use")
def series(
    name: Annotated[str, typer.Argument(help=f"What: {', '.join(SCENARIOS)}.")] = "recurring",
    out_file: Annotated[
        Path | None, typer.Option("--out", "-o", help="A file (SQLite) or a folder; NAME.db if not given.")
    ] = None,
    form: Annotated[str, typer.Option("--format", "-f", help=f"{', '.join(FORMATS)}.")] = "sqlite",
    seed: Annotated[int, typer.Option(min=0, max=SEEDS - 1, help="Of a generated series.")] = 0,
    episode: Annotated[int, typer.Option(min=0, max=10**6, help="Of that seed.")] = 0,
    cycles: Annotated[int | None, typer.Option(min=1, max=100_000, help="Of a generated series.")] = None,
) -> None:
    """Export a series: measurements, the hidden drivers behind a foreign key, and what really happened."""
    goal = out_file or Path(f"{name}.db" if form == "sqlite" else name)
    written = export(tables_of(resolve(name), seed, episode, cycles), goal, form)
    for file in written:
        tell(f"wrote {file}")
