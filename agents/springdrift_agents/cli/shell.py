"""What every command shares: the app, its consoles, and how options are read."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from springdrift.game.arguments import did_you_mean
from springdrift.render.view import pygame_clash
from springdrift_agents import files
from springdrift_agents.evaluation.report import Row, matrix_table

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The world drifts and the deployed model goes stale: [bold]wait, intervene or retrain?[/]",
    epilog="Start with: [bold]springdrift compare --quick[/]",
)
benches = typer.Typer(no_args_is_help=True, help="Measure springdrift itself.")

out, err = Console(emoji=False), Console(stderr=True, emoji=False)  # root:x:0 has no picture in it
if not out.is_terminal and "COLUMNS" not in os.environ:
    out.width = 140  # a pipe or a log has no width of its own
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


_running: list[typer.Context] = []  # the command that runs, and what ends with it


@app.callback()
def _hello(context: typer.Context) -> None:
    _running[:] = [context]
    clash = pygame_clash()
    if clash:
        err.print(f"[yellow]springdrift: {clash}[/]")


def names_of(given: Sequence[str] | None, everything: Sequence[str]) -> list[str]:
    """The names of an option that may be repeated or hold commas; all of them for "all" or for none."""
    if not given:
        return list(everything)
    names = [name.strip() for text in given for name in text.split(",") if name.strip()]
    names = [one for name in names for one in (everything if name == "all" else [name])]
    if not names:
        raise ValueError("an empty list of names was given")
    return list(dict.fromkeys(names))


def known_scenario(name: str, allowed: Sequence[str]) -> None:
    """Refuse a scenario that is none of those allowed, with the nearest of them and the list."""
    if name not in allowed:
        hint = did_you_mean(name, allowed)
        raise ValueError(f"unknown scenario {name!r}{hint} Allowed: {', '.join(allowed)}")


def writable(folder: Path, *names: str) -> None:
    """Make the folder of the results and keep it to this command until it ends.

    Raises:
        ValueError: it cannot be written, or another process writes there: known before any work begins.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"cannot write results to {folder}: it is a file, and a folder is needed")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as wrong:
        raise ValueError(f"cannot write results to the folder {folder}: {wrong.strerror}") from wrong
    for name in names:
        files.check_writable(folder / name)
    _keep(folder)


def writable_file(path: Path) -> None:
    """The same for a single file."""
    files.check_writable(path)
    _keep(path)


def _keep(path: Path) -> None:
    try:
        _running[0].with_resource(files.exclusive(path))
    except OSError as wrong:
        raise ValueError(f"cannot write to {path}: {wrong.strerror}") from wrong


Env = Annotated[str, typer.Option("--env", help="Which kind of world, by its id in Gymnasium.")]
Trust = Annotated[
    bool, typer.Option("--trust", help="Open .zip policies of Stable-Baselines3, which can run code.")
]


def progress_bar() -> Progress:
    """A bar on the error stream, gone when it is done."""
    return Progress(
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    )


def width_of(table: Table) -> int:
    """Characters across that a table needs with every cell whole where it must not wrap."""
    for column in table.columns:
        if column.no_wrap:
            column.min_width = max(map(_across, (str(column.header), *map(str, column.cells))))
    return _measured(table).minimum


def _measured(table: Table) -> Measurement:
    return Measurement.get(out, out.options.update(width=10_000, max_width=10_000), table)


def _across(cell: str) -> int:
    return max((Text.from_markup(line).cell_len for line in cell.splitlines()), default=0)


def show(table: Table, keep: int = 3) -> None:
    """Print a table; where the terminal is too narrow, the last columns stay away, and it says which.

    The first ``keep`` columns stay as long as their titles and names can fold; no number is ever cut.
    """
    left_out = []
    while width_of(table) > out.width and len(table.columns) > keep:
        left_out.append(str(table.columns.pop().header))
    if _measured(table).maximum > out.width:
        while _fold(table) > out.width and len(table.columns) > 2:
            left_out.append(str(table.columns.pop().header))
    out.print(table)
    if left_out:
        out.print(f"[dim]a wider terminal also shows: {', '.join(left_out[::-1])}[/]")


NAME = 8  # characters of a name that stay in a line


def _fold(table: Table) -> int:
    """Let titles and names fold until the table fits; numbers, which stand to the right, stay whole.

    Returns:
        the width it then needs.
    """
    for column in table.columns:
        widest = max(map(_across, map(str, column.cells)), default=1)
        column.no_wrap, column.overflow, column.min_width = False, "fold", None
        column.width = min(widest, NAME) if column.justify == "left" else max(widest, 1)
    least = _measured(table).minimum
    spare = max(out.width - least, 0)
    words = [max(map(_across, str(column.header).split()), default=1) for column in table.columns]
    whole = [max(map(_across, (str(column.header), *map(str, column.cells)))) for column in table.columns]
    for wanted in (words, whole):
        for column, most in zip(table.columns, wanted, strict=True):
            width = column.width or 0
            column.width = max(width, min(most, width + spare))
            spare -= column.width - width
    return least


def show_matrix(rows: Sequence[Row]) -> None:
    """Print the table of scenarios by policies, in as many parts as the terminal's width asks for."""
    policies = list(dict.fromkeys(row["policy"] for row in rows))
    while policies:
        count = len(policies)
        while count > 1 and width_of(matrix_table(rows, policies[:count])) > out.width:
            count -= 1
        show(matrix_table(rows, policies[:count]))
        policies = policies[count:]


def prices_of(given: Sequence[str] | None) -> dict[str, float]:
    """Prices from NAME=NUMBER texts."""
    prices: dict[str, float] = {}
    for text in given or ():
        name, _, value = text.partition("=")
        try:
            prices[name] = float(value)
        except ValueError:
            raise ValueError(f"--cost must read NAME=NUMBER, got {text!r}") from None
    return prices


def pair_of(name: str, text: str, between: str) -> tuple[int, int]:
    """Two whole numbers of an option such as 960x600."""
    try:
        first, second = (int(part) for part in text.split(between))
    except ValueError:
        raise ValueError(f"{name} must read NUMBER{between}NUMBER, got {text!r}") from None
    return first, second
