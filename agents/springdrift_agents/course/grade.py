"""Grading what a class handed in: each submission in a sandbox of its own, each answer judged outside it."""

import csv
import io
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from springdrift_agents.course.exercise import Exercise
from springdrift_agents.course.grading_worker import GradingWorker
from springdrift_agents.course.isolation import LEAST_MEMORY, check_apart
from springdrift_agents.course.pool import Assets, SandboxPool
from springdrift_agents.course.submission_run import Limits, Record
from springdrift_agents.course.submissions import Submission, clean, find, inert, tidy
from springdrift_agents.files import write_text

MOST_NOTES = 12
NOT_GRADED = "NOT GRADED"  # how the verdict begins when the grader failed
USUAL = Limits()


class Row(NamedTuple):
    """What a student got for an exercise."""

    student: str
    lesson: int | None
    exercise: str
    points: int | None  # None: not graded, since the grader failed
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
    broken: str = ""  # why the grader failed, which is no fault of the student's
    account: str = ""  # of the student in Moodle or Canvas, as far as the file's name tells


def grade(
    folder: Path,
    exercises: Sequence[Exercise],
    *,
    limits: Limits = USUAL,
    jobs: int = 1,
    isolation: str | None = None,
    begin: Callable[[int], None] = lambda _: None,
    done: Callable[[Report], None] = lambda _: None,
) -> list[Report]:
    """Grade every submission in a folder.

    Args:
        folder: the class's; see :func:`springdrift_agents.course.submissions.find`.
        exercises: of the course, or of the lessons to grade.
        limits: of time and memory.
        jobs: submissions at a time, each in processes of its own.
        isolation: how sandboxes are closed off; None is the strongest way that works here, see
            :data:`springdrift_agents.course.isolation.ISOLATIONS`.
        begin: hears how many submissions there are.
        done: hears of each as it is graded.

    Raises:
        ValueError: nothing to grade, limits out of range, or a folder that cannot be hidden.
    """
    if min(limits.timeout, limits.each) <= 0 or limits.memory < LEAST_MEMORY or jobs < 1:
        raise ValueError(f"time limits and jobs must be positive, and memory at least {LEAST_MEMORY} MB")
    check_apart(folder)
    wanted = {exercise.lesson for exercise in exercises}
    found = [one for one in find(folder, exercises) if one.lesson is None or one.lesson in wanted]
    begin(len(found))
    reports: list[Report] = []
    with SandboxPool(isolation) as assets:
        for report in _graded(found, exercises, assets, limits, jobs):
            reports.append(report)
            done(report)
    reports.sort(key=lambda report: (report.student.lower(), report.lesson or 0, report.file))
    return reports + _absent(reports, exercises)


def _graded(
    found: Sequence[Submission], exercises: Sequence[Exercise], assets: Assets, limits: Limits, jobs: int
) -> Iterator[Report]:
    """Reports in the order in which they are ready; each worker has one submission at a time."""
    idle: queue.SimpleQueue[GradingWorker] = queue.SimpleQueue()
    workers = [GradingWorker(assets, limits) for _ in range(min(jobs, len(found)))]
    for worker in workers:
        idle.put(worker)

    def one(submission: Submission) -> Report:
        worker = idle.get()
        try:
            return _report(submission, _of_lesson(exercises, submission.lesson), worker)
        finally:
            idle.put(worker)

    threads = ThreadPoolExecutor(max(len(workers), 1))
    try:
        for future in as_completed([threads.submit(one, submission) for submission in found]):
            yield future.result()
    finally:
        for worker in workers:
            worker.stop()
        threads.shutdown(cancel_futures=True)
        for worker in workers:
            worker.close()


def _of_lesson(exercises: Sequence[Exercise], lesson: int | None) -> list[Exercise]:
    return [exercise for exercise in exercises if exercise.lesson == lesson]


def _report(submission: Submission, exercises: Sequence[Exercise], worker: GradingWorker) -> Report:
    student, lesson, file, note, barred, broken, account = submission
    if barred:
        verdict = tidy(f"{NOT_GRADED}: {barred}" if broken else barred)
        rows = [Row(student, None, "", None if broken else 0, 0, verdict)]
        return Report(student, None, "", rows, [tidy(barred)], 0.0, verdict if broken else "", account)
    notes = [note] if note else []
    if lesson is None:
        notes.append("no lesson of the course: the file's name should hold lesson1, lesson2, ...")
        rows = [Row(student, None, "", 0, 0, tidy(notes[-1]))]
        return Report(student, None, clean(file.name), rows, [tidy(one) for one in notes], 0.0, "", account)
    record, seconds = worker.grade(file, exercises)
    rows = [_row(student, one, *_verdict(record, one)) for one in exercises]
    faults = [f"{fault.label} {fault.text}" for _, fault in sorted(record.faults.items())]
    notes += faults[:MOST_NOTES]
    if len(faults) > MOST_NOTES:
        notes.append(f"and {len(faults) - MOST_NOTES} more cells failed")
    failed = tidy(f"{NOT_GRADED}: {record.broken}") if any(row.points is None for row in rows) else ""
    about = [tidy(one) for one in notes]
    return Report(student, lesson, clean(file.name), rows, about, seconds, failed, account)


def _verdict(record: Record, exercise: Exercise) -> tuple[bool | None, str]:
    if exercise.id in record.verdicts:
        return record.verdicts[exercise.id]
    return (None, f"{NOT_GRADED}: {record.broken}") if record.broken else (False, record.unreadable)


def _row(student: str, exercise: Exercise, passed: bool | None, verdict: str) -> Row:
    points = None if passed is None else exercise.points if passed else 0
    return Row(student, exercise.lesson, exercise.id, points, exercise.points, tidy(verdict))


def _absent(reports: Sequence[Report], exercises: Sequence[Exercise]) -> list[Report]:
    """Lessons that some handed in and others did not."""
    lessons = sorted({report.lesson for report in reports if report.lesson is not None})
    there = {(report.student, report.lesson) for report in reports}
    unread = {report.student: report.broken for report in reports if report.lesson is None and report.broken}
    missing = []
    for student in dict.fromkeys(report.student for report in reports):
        passed, verdict = (None, unread[student]) if student in unread else (False, "not handed in")
        for lesson in lessons:
            if (student, lesson) not in there:
                rows = [_row(student, one, passed, verdict) for one in _of_lesson(exercises, lesson)]
                missing.append(Report(student, lesson, "", rows, [], 0.0, unread.get(student, "")))
    return missing


def totals(reports: Sequence[Report]) -> dict[str, tuple[int | None, int]]:
    """By student, the points and how many there could be; no points where the grader failed at some."""
    found: dict[str, tuple[int | None, int]] = {}
    for report in reports:
        points, of = found.get(report.student, (0, 0))
        for row in report.rows:
            points = None if points is None or row.points is None else points + row.points
        found[report.student] = (points, of + sum(row.of for row in report.rows))
    return found


@contextmanager
def journal(path: Path) -> Iterator[Callable[[Report], None]]:
    """Append each report to a file as it comes, which is removed when all went well.

    So what was graded before a crash is not lost. A disk that is full does not stop the grading.
    """
    try:
        file = path.open("w", encoding="utf-8")
    except OSError:
        yield lambda _: None
        return
    with file:
        file.write(to_csv(()))

        def write(report: Report) -> None:
            with suppress(OSError):
                file.write(to_csv((report,)).partition("\n")[2])
                file.flush()

        yield write
    path.unlink()


def to_csv(reports: Sequence[Report]) -> str:
    """A line for each student and exercise, as CSV; no points where the grader failed."""
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
