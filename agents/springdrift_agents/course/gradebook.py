"""Grades as other systems take them: totals, files that Moodle and Canvas import, feedback to students."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from springdrift_agents.course.exercise import Exercise
from springdrift_agents.course.grade import Report, totals
from springdrift_agents.course.submissions import inert
from springdrift_agents.files import write_text

MOODLE = ("Identifier", "Full name", "Grade", "Maximum grade", "Last modified (grade)", "Feedback comments")
CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
FEEDBACK = "feedback.md"
ESCAPE = re.compile(r'\\(?="|$)')  # to PHP, which reads CSV for Moodle, a quote behind it ends no text


def write(folder: Path, reports: Sequence[Report], exercises: Sequence[Exercise]) -> list[Path]:
    """Write everything that a teacher may hand on, into a folder; returns the files.

    ``totals.csv`` has a line for each student; ``moodle.csv`` and ``canvas.csv`` are there when files had the
    names that these give them; ``feedback`` has a file for each student, where Moodle takes it back.

    Raises:
        OSError: something could not be written.
    """
    texts = {"totals.csv": totals_csv(reports)}
    if any(_number(report, "moodle") for report in reports):
        texts["moodle.csv"] = moodle_csv(reports)
    if any(_number(report, "canvas") for report in reports):
        texts["canvas.csv"] = canvas_csv(reports)
    for student, mine in _by_student(reports).items():
        number = _number(mine[0], "moodle")
        place = f"{student}_{number}_assignsubmission_file" if number else student
        texts[f"feedback/{place}/{FEEDBACK}"] = feedback(student, mine, exercises)
    for name, text in texts.items():
        write_text(folder / name, text)
    return [folder / name for name in texts]


def totals_csv(reports: Sequence[Report]) -> str:
    """A line for each student: points in all and by lesson; empty where the grader failed."""
    lessons = sorted({report.lesson for report in reports if report.lesson is not None})
    rows = []
    for student, (points, of) in totals(reports).items():
        mine = {report.lesson: report for report in reports if report.student == student}
        share = None if points is None or not of else round(100 * points / of, 1)
        rows.append([student, points, of, share, *(_points([mine[lesson]]) for lesson in lessons)])
    return _csv(["student", "points", "of", "percent", *(f"lesson {lesson}" for lesson in lessons)], rows)


def moodle_csv(reports: Sequence[Report]) -> str:
    """A grading worksheet for Moodle, with those whose files had a participant's number in their names."""
    now, rows = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"), []
    for student, mine in _by_student(reports).items():
        number = _number(mine[0], "moodle")
        if number:
            of = sum(row.of for report in mine for row in report.rows)
            told = "; ".join(
                f"{row.exercise}: {row.verdict}" for report in mine for row in report.rows if row.exercise
            )
            name, told = (ESCAPE.sub(r"\\ ", text) for text in (student, told))
            rows.append([f"Participant {number}", name, _points(mine), of, now, told])
    return _csv(MOODLE, rows)


def canvas_csv(reports: Sequence[Report]) -> str:
    """A gradebook for Canvas: a column for each lesson, and those whose files had a user's number."""
    lessons = sorted({report.lesson for report in reports if report.lesson is not None})
    most = [
        max(sum(row.of for row in report.rows) for report in reports if report.lesson == lesson)
        for lesson in lessons
    ]
    rows: list[list[Any]] = [["Points Possible", "", "", "", "", *most]]
    for student, mine in _by_student(reports).items():
        number = _number(mine[0], "canvas")
        if number:
            by = {report.lesson: _points([report]) for report in mine}
            rows.append([student, number, "", "", "", *(by.get(lesson) for lesson in lessons)])
    return _csv([*CANVAS, *(f"springdrift lesson {lesson}" for lesson in lessons)], rows)


def feedback(student: str, reports: Iterable[Report], exercises: Sequence[Exercise]) -> str:
    """What a student may read: points, and for each exercise what the check says."""
    titles = {exercise.id: exercise.title for exercise in exercises}
    lines = [f"# {student}"]
    for report in reports:
        name = "Files" if report.lesson is None else f"Lesson {report.lesson}"
        got, of = _points([report]), sum(row.of for row in report.rows)
        lines += ["", f"## {name}: {'not graded' if got is None else f'{got} of {of} points'}", ""]
        for row in report.rows:
            mark = "?" if row.points is None else "✓" if row.points else "✗"
            about = f"**{row.exercise} {titles.get(row.exercise, '')}** ({row.of}): " if row.exercise else ""
            lines.append(f"- {mark} {about}{row.verdict}")
        if report.notes:
            lines += ["", "Notes:", "", *(f"- {note}" for note in report.notes)]
    return "\n".join(lines) + "\n"


def _by_student(reports: Sequence[Report]) -> dict[str, list[Report]]:
    found: dict[str, list[Report]] = {}
    for report in reports:
        found.setdefault(report.student, []).append(report)
    return found


def _number(report: Report, system: str) -> str:
    """The student's number in a system; empty when the file's name tells none."""
    found, _, number = report.account.partition(" ")
    return number if found == system else ""


def _points(reports: Sequence[Report]) -> int | None:
    points = [row.points for report in reports for row in report.rows]
    return None if None in points else sum(filter(None, points))


def _csv(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([inert(value) for value in row] for row in rows)
    return text.getvalue()
