"""What every command shares: the app, its consoles, and how options are read."""

import os
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from springdrift.view import pygame_clash
from springdrift_agents.report import Row, matrix_table

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
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


@app.callback()
def _hello() -> None:
    clash = pygame_clash()
    if clash:
        err.print(f"[yellow]springdrift: {clash}[/]")


def names_of(given: Sequence[str] | None, everything: Sequence[str]) -> list[str]:
    """The names of an option that may be repeated or hold commas; all of them when it was not given."""
    if not given:
        return list(everything)
    names = [name.strip() for text in given for name in text.split(",") if name.strip()]
    if not names:
        raise ValueError("an empty list of names was given")
    return list(dict.fromkeys(names))


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
            cells = (str(column.header), *map(str, column.cells))
            column.min_width = max(Text.from_markup(cell).cell_len for cell in cells)
    wide = out.options.update(width=10_000, max_width=10_000)
    return Measurement.get(out, wide, table).minimum


def show(table: Table, keep: int = 3) -> None:
    """Print a table; where the terminal is too narrow, the last columns stay away, and it says which.

    The first ``keep`` columns stay whatever the width.
    """
    left_out = []
    while width_of(table) > out.width and len(table.columns) > keep:
        left_out.append(str(table.columns.pop().header))
    out.print(table)
    if left_out:
        out.print(f"[dim]a wider terminal also shows: {', '.join(left_out[::-1])}[/]")


def show_matrix(rows: Sequence[Row]) -> None:
    """Print the table of scenarios by policies, in as many parts as the terminal's width asks for."""
    policies = list(dict.fromkeys(row["policy"] for row in rows))
    while policies:
        count = len(policies)
        while count > 1 and width_of(matrix_table(rows, policies[:count])) > out.width:
            count -= 1
        out.print(matrix_table(rows, policies[:count]))
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
