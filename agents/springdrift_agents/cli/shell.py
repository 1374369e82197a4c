"""What every command shares: the app, its consoles, and how options are read."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from springdrift import ENV_ID
from springdrift.game.arguments import did_you_mean
from springdrift.render.view import pygame_clash
from springdrift_agents import files, limits
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

out, err = Console(emoji=False), Console(stderr=True, emoji=False)  # a name may hold :x:
if not out.is_terminal and "COLUMNS" not in os.environ:
    out.width = 140  # a pipe or a log has no width of its own
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


_running: list[typer.Context] = []  # the command that runs, and what ends with it


def _version(asked: bool) -> None:
    if asked:
        print(f"springdrift {version('springdrift')}")
        raise typer.Exit()


@app.callback()
def _hello(
    context: typer.Context,
    show_version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Show the version.")
    ] = False,
) -> None:
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


def bounded(jobs: int, work: int) -> int:
    """As many processes as asked for, as far as there is work and memory for them; says when fewer."""
    return limits.jobs(jobs, work, lambda said: err.print(said, markup=False))


def _keep(path: Path) -> None:
    try:
        _running[0].with_resource(files.exclusive(path))
    except OSError as wrong:
        raise ValueError(f"cannot write to {path}: {wrong.strerror}") from wrong


Env = Annotated[str, typer.Option("--env", help="Which kind of world, by its id in Gymnasium.")]
Envs = Annotated[
    str,
    typer.Option("--env", help="Kind of world, by its id in Gymnasium; several, by commas, for one policy."),
]
Cost = Annotated[
    list[str] | None, typer.Option("--cost", help="A price, such as retrain=5. May be repeated.")
]
Scenarios = Annotated[
    list[str] | None, typer.Option("--scenarios", "-s", help="Which, separated by commas. [all]")
]
Trust = Annotated[
    bool, typer.Option("--trust", help="Open .zip policies of Stable-Baselines3, which can run code.")
]


def env_option(env: str) -> str:
    """The option of a printed command for a kind of world, where it is not the usual one."""
    return "" if env == ENV_ID else f" --env {env}"


def tell(text: str) -> None:
    """Print a line that holds names of a user's: as it is, without styles, and never broken in two."""
    out.print(text, markup=False, highlight=False, soft_wrap=True)


SILENCE = 10.0  # seconds without a word, at most, where there is no terminal
T = TypeVar("T")


class ProgressLines:
    """Progress for a pipe or a log, with the methods of rich's bar: a line now and then."""

    def __init__(self) -> None:
        self._began = self._told = time.monotonic()
        self._description, self._total, self._done = "", 0.0, 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def add_task(self, description: str, total: float | None = None) -> Any:
        """Begin to count up to ``total``."""
        self._description, self._total, self._done = description, total or 0.0, 0.0
        return 0

    def update(
        self,
        task: Any,
        *,
        advance: float = 0.0,
        completed: float | None = None,
        description: str | None = None,
        total: float | None = None,
    ) -> None:
        """Note what is done; says so if nothing was said for ten seconds."""
        self._description = self._description if description is None else description
        self._total = self._total if total is None else total
        self._done = self._done + advance if completed is None else completed
        now = time.monotonic()
        if now - self._told >= SILENCE:
            self._told = now
            of = f" of {self._total:,.0f}" if self._total else ""
            said = f"{self._done:,.0f}{of} · {self._description} · {now - self._began:.0f} s"
            err.print(said, markup=False, highlight=False, soft_wrap=True)

    def track(self, sequence: Sequence[T], description: str = "") -> Iterator[T]:
        """The elements, counted."""
        self.add_task(description, len(sequence))
        for one in sequence:
            yield one
            self.update(0, advance=1)


def progress_bar() -> Any:
    """A bar on the error stream, gone when it is done; in a pipe or a log, lines instead."""
    if not err.is_terminal:
        return ProgressLines()
    return Progress(
        TextColumn("{task.description:<28}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    )


@contextmanager
def working(text: str) -> Iterator[Any]:
    """Say that something is being done, for as long as the block runs; its ``update`` says what now."""
    if err.is_terminal:
        with err.status(escape(text)) as status:
            yield status
        return
    lines = ProgressLines()
    lines.add_task(text)
    err.print(text, markup=False, highlight=False, soft_wrap=True)
    yield _Saying(lines)


class _Saying:
    def __init__(self, lines: ProgressLines) -> None:
        self._lines = lines

    def update(self, text: str) -> None:
        self._lines.update(0, advance=1, description=text)


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
        out.print(f"[dim]a wider terminal also shows: {escape(', '.join(left_out[::-1]))}[/]")


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
