"""Commands for teachers: notebooks, grades, and the contest of policies."""

import json
import os
import secrets
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from springdrift.incline.scenario import resolve
from springdrift_agents import course as lessons_of
from springdrift_agents import limits
from springdrift_agents.cli.shell import (
    Json,
    app,
    bounded,
    err,
    names_of,
    out,
    progress_bar,
    show,
    tell,
    writable,
    writable_file,
)
from springdrift_agents.course import grade as grading
from springdrift_agents.course import gradebook, submission_run, tables, variants
from springdrift_agents.course import leaderboard as contest
from springdrift_agents.course import notebooks as books
from springdrift_agents.course import package as packages
from springdrift_agents.course.exercise import Exercise
from springdrift_agents.course.isolation import LEAST_MEMORY, MEMORY, protection, strongest
from springdrift_agents.course.submissions import tidy
from springdrift_agents.files import write_text

Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Submissions at a time.")]
Variant = Annotated[
    int,
    typer.Option(
        "--seed",
        min=0,
        max=variants.MOST,
        help="Variant of the exercises: other numbers and hidden inputs. [dim]0[/]: those of the lessons.",
    ),
]
NOT_ALL = 3  # exit code when the command, and not a student, failed at some submissions
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
    ] = submission_run.TIMEOUT,
    each: Annotated[float, typer.Option(help="Seconds for judging an exercise.")] = submission_run.EACH,
    memory: Memory = MEMORY,
    jobs: Jobs = 1,
    reports_dir: Annotated[
        Path | None,
        typer.Option("--reports", help="Folder for totals, files for Moodle and Canvas, and feedback."),
    ] = None,
    seed: Variant = 0,
    as_json: Json = False,
) -> None:
    """Grade scripts and notebooks of a class: each in a sandbox, every answer on hidden inputs."""
    if seed:
        variants.use(seed)
    everything = range(1, lessons_of.LESSONS + 1)
    wanted = [_lesson(name) for name in names_of(lessons, [str(number) for number in everything])]
    exercises = [one for number in wanted for one in lessons_of.exercises(number).values()]
    jobs = bounded(jobs, limits.MOST_JOBS)
    writable_file(out_file)
    if reports_dir is not None:
        writable(reports_dir)
    _say_protection()
    reports = _graded(submissions, exercises, submission_run.Limits(timeout, each, memory), jobs, out_file)
    _write(out_file, grading.to_csv(reports))
    handed_on = gradebook.write(reports_dir, reports, exercises) if reports_dir is not None else []
    if as_json:
        print(json.dumps(tables.grades_json(reports), indent=1))
    else:
        show(tables.grades_table(reports))
        show(tables.exercises_table(reports, exercises))
        for line in tables.notes_lines(reports):
            out.print(line, highlight=False)
        tell(f"written: {out_file} ({sum(len(report.rows) for report in reports)} lines)")
        if handed_on:
            tell(f"written: {reports_dir} ({len(handed_on)} files)")
    _exit_if_broken([f"{report.student}: {report.broken}" for report in reports if report.broken], "graded")


def _graded(
    submissions: Path, exercises: list[Exercise], allowed: submission_run.Limits, jobs: int, out_file: Path
) -> list[grading.Report]:
    """Grade beside a bar; each report is kept in a file next to the result's until all are there."""
    target = Path(os.path.realpath(out_file))
    partial = target.with_name(f"{target.stem}.partial.csv")
    try:
        with grading.journal(partial) as record, progress_bar() as progress:
            task = progress.add_task("grading", total=None)

            def done(one: grading.Report) -> None:
                record(one)
                progress.update(task, advance=1, description=_name(one.student))

            return grading.grade(
                submissions,
                exercises,
                limits=allowed,
                jobs=jobs,
                begin=lambda count: progress.update(task, total=count),
                done=done,
            )
    except BaseException:
        if _has_lines(partial):
            err.print(f"what was graded before is in {escape(str(partial))}")
        raise


def _has_lines(partial: Path) -> bool:
    """Whether a file has more than its first line; one that has not is removed."""
    try:
        if partial.read_bytes().count(b"\n") > 1:
            return True
        partial.unlink()
    except OSError:
        pass
    return False


def _write(path: Path, text: str) -> None:
    """Write a result; when that fails, print it, so that the work is not lost.

    Raises:
        OSError: it could not be written.
    """
    try:
        write_text(path, text)
    except OSError as wrong:
        print(text, end="")
        raise OSError(
            f"cannot write {path}: {wrong.strerror}; the result is printed above instead"
        ) from wrong


def _exit_if_broken(broken: list[str], done: str) -> None:
    """End with an exit code of its own when the command failed at some students."""
    if broken:
        for line in dict.fromkeys(broken):
            err.print(f"[red]{escape(tidy(line))}[/]", highlight=False)
        err.print(f"[red]not all could be {done}, which is no fault of these students: see above[/]")
        raise typer.Exit(NOT_ALL)


def _lesson(name: str) -> int:
    if not name.isdigit():
        raise ValueError(f"--lessons takes numbers from 1 to {lessons_of.LESSONS}, got {name!r}")
    return int(name)


def _name(student: str) -> str:
    """A student's name for the bar."""
    return escape(tidy(student)[:28])


def _say_protection() -> None:
    """Tell what the sandbox protects from on this machine."""
    isolation = strongest()
    line = escape(protection(isolation))
    err.print(f"[yellow]{line}[/]" if isolation == "none" else line, highlight=False)


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
    """Rank the policies of a class on worlds that they never saw, beside the built-in rules."""
    resolve(scenario)
    limits.check_episodes("--episodes", episodes)
    jobs = bounded(jobs, limits.MOST_JOBS)
    writable_file(out_file)
    chosen = secrets.randbelow(contest.KEYS) if seed is None else seed
    _say_protection()
    with progress_bar() as progress:
        task = progress.add_task("playing", total=None)
        board = contest.contest(
            submissions,
            scenario,
            episodes,
            chosen,
            references=names_of(rules, contest.built_in(scenario)),
            seconds=timeout,
            memory=memory,
            jobs=jobs,
            begin=lambda count: progress.update(task, total=count),
            done=lambda one: progress.update(task, advance=1, description=_name(one.name)),
        )
    try:
        _write(out_file, contest.to_csv(board))
    except OSError:
        err.print(f"the same worlds again: --seed {chosen}")
        raise
    about = {"scenario": scenario, "episodes": episodes, "seed": chosen}
    if as_json:
        print(json.dumps({**about, "board": [contest.flat(row) for row in board]}, indent=1))
    else:
        notes = [f"[bold]{escape(tidy(row.student))}[/] {escape(row.note)}" for row in board if row.note]
        show(tables.board_table(board, scenario, episodes), keep=4)
        out.print("[dim]below 0 is cheaper than the best built-in rule, on the same worlds[/]")
        for line in [*tables.lost_lines(board), *notes]:
            out.print(line, highlight=False)
        tell(f"written: {out_file}; the same worlds again: --seed {chosen}")
    _exit_if_broken([f"{row.student}: {row.verdict}" for row in board if row.broken], "played")


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
    tell(f"written: {out_dir} ({len(found)} notebooks)")


@app.command(rich_help_panel="Teach")
def package(
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="Folder for both.")] = Path("out/course"),
    source: Annotated[Path | None, typer.Option(help="Folder of the lesson scripts. [tutorials]")] = None,
    seed: Variant = 0,
) -> None:
    """Make a folder for students, without answers, and one for instructors: solutions, judges, the guide."""
    writable(out_dir)
    with progress_bar() as progress:
        task = progress.add_task("writing", total=None)
        found = packages.build(
            source or books.lessons_folder(),
            out_dir,
            lambda path: progress.update(task, advance=1, description=path.stem),
            seed,
        )
    folders = f"{packages.STUDENTS} and {packages.INSTRUCTORS}"
    tell(f"written: {out_dir} ({len(found)} files, in {folders})")
