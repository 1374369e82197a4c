"""Grading what a class handed in: every submission in a box of its own, every answer judged outside it."""

import csv
import io
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from springdrift_agents.course.clerk import Clerk
from springdrift_agents.course.exercise import Exercise
from springdrift_agents.course.sandbox import check_apart
from springdrift_agents.course.sitting import Limits, Record
from springdrift_agents.course.submissions import Submission, clean, find, inert, tidy
from springdrift_agents.course.workshop import LEAST_MEMORY, Kit, Workshop
from springdrift_agents.files import write_text

MOST_NOTES = 12
USUAL = Limits()


class Row(NamedTuple):
    """What a student got for an exercise."""

    student: str
    lesson: int | None
    exercise: str
    points: int
    of: int
    verdict: str


class Report(NamedTuple):
    """A submission, graded."""

    student: str
    lesson: int | None
    file: str
    rows: list[Row]
    notes: list[str]  # cells that failed, and other things to know
    seconds: float


def grade(
    folder: Path,
    exercises: Sequence[Exercise],
    *,
    limits: Limits = USUAL,
    jobs: int = 1,
    namespaces: bool | None = None,
    begin: Callable[[int], None] = lambda _: None,
    done: Callable[[Report], None] = lambda _: None,
) -> list[Report]:
    """Grade every submission in a folder.

    Args:
        folder: the class's; see :func:`springdrift_agents.course.submissions.find`.
        exercises: of the course, or of the lessons to grade.
        limits: of time and memory.
        jobs: submissions at a time, each in processes of its own.
        namespaces: whether the kernel closes the boxes off; None is: where it can.
        begin: hears how many submissions there are.
        done: hears of each as it is graded.

    Raises:
        ValueError: nothing to grade, limits that are none, or a folder that cannot be hidden.
    """
    if min(limits.timeout, limits.each) <= 0 or limits.memory < LEAST_MEMORY or jobs < 1:
        raise ValueError(f"time limits and jobs must be positive, and memory at least {LEAST_MEMORY} MB")
    check_apart(folder)
    wanted = {exercise.lesson for exercise in exercises}
    found = [one for one in find(folder, exercises) if one.lesson is None or one.lesson in wanted]
    begin(len(found))
    reports: list[Report] = []
    with Workshop(namespaces) as kit:
        for report in _graded(found, exercises, kit, limits, folder, jobs):
            reports.append(report)
            done(report)
    reports.sort(key=lambda report: (report.student.lower(), report.lesson or 0, report.file))
    return reports + _absent(reports, exercises)


def _graded(
    found: Sequence[Submission],
    exercises: Sequence[Exercise],
    kit: Kit,
    limits: Limits,
    hide: Path,
    jobs: int,
) -> Iterator[Report]:
    """Reports in the order in which they are ready; each of the clerks has one submission at a time."""
    idle: queue.SimpleQueue[Clerk] = queue.SimpleQueue()
    clerks = [Clerk(kit, limits, hide) for _ in range(min(jobs, len(found)))]
    for clerk in clerks:
        idle.put(clerk)

    def one(submission: Submission) -> Report:
        clerk = idle.get()
        try:
            return _report(submission, _of_lesson(exercises, submission.lesson), clerk)
        finally:
            idle.put(clerk)

    pool = ThreadPoolExecutor(len(clerks))
    try:
        for future in as_completed([pool.submit(one, submission) for submission in found]):
            yield future.result()
    finally:
        for clerk in clerks:
            clerk.stop()
        pool.shutdown(cancel_futures=True)
        for clerk in clerks:
            clerk.close()


def _of_lesson(exercises: Sequence[Exercise], lesson: int | None) -> list[Exercise]:
    return [exercise for exercise in exercises if exercise.lesson == lesson]


def _report(submission: Submission, exercises: Sequence[Exercise], clerk: Clerk) -> Report:
    student, lesson, file, note, barred = submission
    if barred:
        rows = [Row(student, None, "", 0, 0, tidy(barred))]
        return Report(student, None, "", rows, [tidy(barred)], 0.0)
    notes = [note] if note else []
    if lesson is None:
        notes.append("no lesson of the course: the file's name should hold lesson1, lesson2, ...")
        rows = [Row(student, None, "", 0, 0, tidy(notes[-1]))]
        return Report(student, None, clean(file.name), rows, [tidy(one) for one in notes], 0.0)
    record, seconds = clerk.sit(file, exercises)
    rows = [_row(student, one, *_verdict(record, one)) for one in exercises]
    faults = [f"{fault.label} {fault.text}" for _, fault in sorted(record.faults.items())]
    notes += faults[:MOST_NOTES]
    if len(faults) > MOST_NOTES:
        notes.append(f"and {len(faults) - MOST_NOTES} more cells failed")
    return Report(student, lesson, clean(file.name), rows, [tidy(one) for one in notes], seconds)


def _verdict(record: Record, exercise: Exercise) -> tuple[bool, str]:
    return record.verdicts.get(exercise.id, (False, record.unreadable))


def _row(student: str, exercise: Exercise, passed: bool, verdict: str) -> Row:
    points = exercise.points if passed else 0
    return Row(student, exercise.lesson, exercise.id, points, exercise.points, tidy(verdict))


def _absent(reports: Sequence[Report], exercises: Sequence[Exercise]) -> list[Report]:
    """Lessons that some handed in and others did not."""
    lessons = sorted({report.lesson for report in reports if report.lesson is not None})
    there = {(report.student, report.lesson) for report in reports}
    missing = []
    for student in dict.fromkeys(report.student for report in reports):
        for lesson in lessons:
            if (student, lesson) not in there:
                rows = [_row(student, one, False, "not handed in") for one in _of_lesson(exercises, lesson)]
                missing.append(Report(student, lesson, "", rows, [], 0.0))
    return missing


def to_csv(reports: Sequence[Report]) -> str:
    """A line for each student and exercise, as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Row._fields)
    for report in reports:
        for row in report.rows:
            writer.writerow(inert(value) for value in row)
    return text.getvalue()


def write_csv(path: Path, reports: Sequence[Report]) -> None:
    """Write the grades, all of them or none."""
    write_text(path, to_csv(reports))
