"""Commands for teachers: notebooks, grades, and the contest of policies."""

import json
import secrets
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from springdrift.incline.scenario import resolve
from springdrift_agents import course as lessons_of
from springdrift_agents.cli.shell import Json, app, err, names_of, out, progress_bar, show
from springdrift_agents.course import grade as grading
from springdrift_agents.course import leaderboard as contest
from springdrift_agents.course import notebooks as books
from springdrift_agents.course import sitting, tables
from springdrift_agents.course.submissions import tidy
from springdrift_agents.course.workshop import LEAST_MEMORY, MEMORY, namespaces_work
from springdrift_agents.files import write_text

Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Submissions at a time.")]
Memory = Annotated[int, typer.Option(min=LEAST_MEMORY, help="MB of memory for a submission.")]


@app.command(rich_help_panel="Teach")
def grade(
    submissions: Annotated[
        Path, typer.Argument(help="Folder with [dim]alice/lesson1.ipynb[/], [dim]bob_lesson1.py[/], ...")
    ],
    out_file: Annotated[Path, typer.Option("--out", "-o", help="File for the grades.")] = Path(
        "out/grades.csv"
    ),
    lessons: Annotated[
        list[str] | None, typer.Option("--lessons", "-l", help="Which, separated by commas. [all]")
    ] = None,
    timeout: Annotated[
        float, typer.Option(help="Seconds for the cells of a submission; a single one gets a quarter.")
    ] = sitting.TIMEOUT,
    each: Annotated[float, typer.Option(help="Seconds for judging an exercise.")] = sitting.EACH,
    memory: Memory = MEMORY,
    jobs: Jobs = 1,
    as_json: Json = False,
) -> None:
    """Grade scripts and notebooks of a class: each in a sandbox, every answer on hidden inputs."""
    everything = range(1, lessons_of.LESSONS + 1)
    wanted = [_lesson(name) for name in names_of(lessons, [str(number) for number in everything])]
    exercises = [one for number in wanted for one in lessons_of.exercises(number).values()]
    _say_how_closed()
    with progress_bar() as progress:
        task = progress.add_task("grading", total=None)
        reports = grading.grade(
            submissions,
            exercises,
            limits=sitting.Limits(timeout, each, memory),
            jobs=jobs,
            begin=lambda count: progress.update(task, total=count),
            done=lambda one: progress.update(task, advance=1, description=_name(one.student)),
        )
    grading.write_csv(out_file, reports)
    if as_json:
        print(json.dumps(tables.grades_json(reports), indent=1))
        return
    show(tables.grades_table(reports))
    show(tables.exercises_table(reports, exercises))
    for line in tables.notes_lines(reports):
        out.print(line, highlight=False)
    out.print(f"written: {out_file} ({sum(len(report.rows) for report in reports)} lines)")


def _lesson(name: str) -> int:
    if not name.isdigit():
        raise ValueError(f"--lessons takes numbers from 1 to {lessons_of.LESSONS}, got {name!r}")
    return int(name)


def _name(student: str) -> str:
    """A student's name for the bar."""
    return escape(tidy(student)[:28])


def _say_how_closed() -> None:
    if not namespaces_work():
        err.print(
            "[yellow]this system has no namespaces for ordinary users: students' code is limited in time "
            "and memory, but it can read and write your files. Grade in a virtual machine or container.[/]"
        )


@app.command(rich_help_panel="Teach")
def leaderboard(
    submissions: Annotated[
        Path, typer.Argument(help="Folder with [dim]alice/policy.py[/], [dim]bob_policy.py[/], ...")
    ],
    scenario: Annotated[str, typer.Option("--scenario", "-s", help="In which worlds.")] = "mix",
    episodes: Annotated[int, typer.Option("--episodes", "-n", min=2, help="How many.")] = 1000,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Which worlds, below 2^128. [a secret drawn now, and told afterwards]"),
    ] = None,
    rules: Annotated[
        list[str] | None, typer.Option("--rules", "-p", help="References, separated by commas. [tuned ones]")
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds for a policy's decisions.")] = contest.SECONDS,
    memory: Memory = MEMORY,
    jobs: Jobs = 1,
    out_file: Annotated[Path, typer.Option("--out", "-o", help="File for the board.")] = Path(
        "out/leaderboard.csv"
    ),
    as_json: Json = False,
) -> None:
    """Rank the policies of a class on worlds that they never saw, beside the house's rules."""
    resolve(scenario)
    chosen = secrets.randbelow(contest.KEYS) if seed is None else seed
    _say_how_closed()
    with progress_bar() as progress:
        task = progress.add_task("playing", total=None)
        board = contest.contest(
            submissions,
            scenario,
            episodes,
            chosen,
            references=names_of(rules, contest.house(scenario)),
            seconds=timeout,
            memory=memory,
            jobs=jobs,
            begin=lambda count: progress.update(task, total=count),
            done=lambda one: progress.update(task, advance=1, description=_name(one.name)),
        )
    write_text(out_file, contest.to_csv(board))
    about = {"scenario": scenario, "episodes": episodes, "seed": chosen}
    if as_json:
        print(json.dumps({**about, "board": [contest.flat(row) for row in board]}, indent=1))
        return
    notes = [f"[bold]{escape(tidy(row.student))}[/] {escape(row.note)}" for row in board if row.note]
    show(tables.board_table(board, scenario, episodes), keep=4)
    out.print("[dim]below 0 is cheaper than the best rule of the house, on the same worlds[/]")
    for line in [*tables.lost_lines(board), *notes]:
        out.print(line, highlight=False)
    out.print(f"written: {out_file}; the same worlds again: --seed {chosen}")


@app.command(rich_help_panel="Teach")
def notebooks(
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="Folder for the notebooks.")] = Path(
        "out/notebooks"
    ),
    execute: Annotated[
        bool, typer.Option("--execute", help="Run them, so that outputs are in them.")
    ] = False,
    source: Annotated[Path | None, typer.Option(help="Folder of the lesson scripts. [tutorials]")] = None,
) -> None:
    """Make notebooks from the lesson scripts."""
    found = books.scripts(source or books.lessons_folder())
    with progress_bar() as progress:
        task = progress.add_task("writing", total=len(found))
        books.build(
            found, out_dir, execute, lambda path: progress.update(task, advance=1, description=path.stem)
        )
    out.print(f"written: {out_dir} ({len(found)} notebooks)")
