"""Grades and leaderboards as tables for the terminal."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from springdrift_agents.course.exercise import Exercise
from springdrift_agents.course.grade import Report, totals
from springdrift_agents.course.leaderboard import Standing
from springdrift_agents.course.submissions import tidy


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD, pad_edge=False)


def grades_table(reports: Sequence[Report]) -> Table:
    """Students down, lessons across: points, and the total."""
    lessons = sorted({report.lesson for report in reports if report.lesson is not None})
    table = _table("Points; – is a lesson that was not handed in")
    table.add_column("student", style="cyan", no_wrap=True)
    table.add_column("total", justify="right", style="bold", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    for lesson in lessons:
        table.add_column(f"lesson {lesson}", justify="right", no_wrap=True)
    for student, (points, of) in totals(reports).items():
        mine = {report.lesson: report for report in reports if report.student == student}
        cells = []
        for lesson in lessons:
            rows = mine[lesson].rows
            got, most = [row.points for row in rows], sum(row.of for row in rows)
            if None in got:
                cells.append("not graded")
            else:
                cells.append(f"{sum(filter(None, got))}/{most}" if mine[lesson].file else "–")
        share = f"{100 * points / of:.0f} %" if of and points is not None else ""
        table.add_row(
            escape(tidy(student)), "not graded" if points is None else f"{points}/{of}", share, *cells
        )
    return table


def exercises_table(reports: Sequence[Report], exercises: Sequence[Exercise]) -> Table:
    """How many of those who handed it in solved each exercise."""
    table = _table("Exercises: who solved them, of those who handed the lesson in")
    for name in ("exercise", "", "points", "solved"):
        table.add_column(name, justify="right" if name in ("points", "solved") else "left", no_wrap=True)
    for exercise in exercises:
        rows = [
            row for report in reports if report.file for row in report.rows if row.exercise == exercise.id
        ]
        if rows:
            solved = sum(bool(row.points) for row in rows)
            table.add_row(exercise.id, escape(exercise.title), str(exercise.points), f"{solved}/{len(rows)}")
    return table


def notes_lines(reports: Sequence[Report]) -> list[str]:
    """What a teacher should look at, a line each, with markup."""
    return [
        f"[cyan]{escape(tidy(report.student))}[/] [dim]{escape(tidy(report.file))}[/] {escape(note)}"
        for report in reports
        for note in report.notes
    ]


def grades_json(reports: Sequence[Report]) -> list[dict[str, Any]]:
    """Everything about each student, as plain values."""
    found = []
    for student, (points, of) in totals(reports).items():
        lessons = [
            {
                "lesson": report.lesson,
                "file": report.file,
                "seconds": round(report.seconds, 2),
                "notes": report.notes,
                "exercises": [
                    {"exercise": row.exercise, "points": row.points, "of": row.of, "verdict": row.verdict}
                    for row in report.rows
                ],
            }
            for report in reports
            if report.student == student
        ]
        found.append({"student": student, "points": points, "of": of, "lessons": lessons})
    return found


def board_table(board: Sequence[Standing], scenario: str, episodes: int) -> Table:
    """The leaderboard of those who played: cost, and how far each is from the best built-in rule."""
    table = _table(
        f"{episodes} worlds of {scenario}, the same for all; mean cost of an episode [95 % interval]"
    )
    for name in ("rank", "policy", "cost", "to the best rule", "verdict", "pushes", "retrains", "time"):
        left = name in ("policy", "verdict")
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    for row in board:
        if row.rank == 0:
            continue
        name = escape(tidy(row.student))
        apart = "" if np.isnan(row.difference.value) else str(row.difference)
        table.add_row(
            str(row.rank),
            f"[dim]{name} (built-in)[/]" if row.built_in else f"[bold]{name}[/]",
            str(row.cost),
            apart,
            escape(row.verdict),
            f"{row.interventions:.1f}",
            f"{row.retrains:.1f}",
            "" if row.built_in else f"{row.seconds:.1f} s",
        )
    return table


def lost_lines(board: Sequence[Standing]) -> list[str]:
    """Those who could not play, and why, a line each, with markup."""
    return [
        f"[bold]{escape(tidy(row.student))}[/] [red]{escape(row.verdict)}[/]"
        for row in board
        if row.rank == 0
    ]
