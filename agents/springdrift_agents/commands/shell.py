"""What every command shares: the app, its consoles, and how options are read."""

import os
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from springdrift.view import pygame_clash

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
