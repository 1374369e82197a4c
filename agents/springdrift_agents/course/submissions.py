"""What a class handed in: whose it is, and which lesson it answers."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from springdrift_agents.course.exercise import Exercise

LONGEST = 400  # letters of a line that is shown
LARGEST = 100  # MB of a file: a notebook may hold films
KINDS = (".py", ".ipynb")
LESSON = re.compile(r"lesson[\s_-]*(\d)", re.IGNORECASE)
TOPICS = "machine|drift|detection|decisions|planning|learning|comparison|time"
SCRIPT = re.compile(rf"lesson[\s_-]*\d([\s_-]*({TOPICS}))?", re.IGNORECASE)
CHECKED = re.compile(rb"check\(\s*\\?[\"'](\d)\.\d")
MOODLE = re.compile(r"_\d+_assignsubmission_.*$")


class Submission(NamedTuple):
    """A file that a student handed in."""

    student: str
    lesson: int | None  # None: it does not say which
    file: Path
    note: str = ""  # what a teacher should know of it before it is even run


def find(folder: Path, exercises: Iterable[Exercise]) -> list[Submission]:
    """The submissions in a folder, one for each student and lesson, in order.

    A student is a folder (``alice/lesson1_machine.py``, at any depth below) or part of a name
    (``bob_lesson1.ipynb``). The lesson is in the file's name; failing that, the exercises in it tell.
    Where a student handed in a lesson twice, the newest file counts.

    Raises:
        ValueError: there is no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}")
    known = list(exercises)
    kept: dict[tuple[str, int | str], Submission] = {}
    for file in sorted(_files(folder), key=lambda file: (file.stat().st_mtime, file.name)):
        lesson = lesson_of(file, known)
        student = student_of(file, folder)
        key = (student, lesson or file.name)
        note = f"{kept[key].file.name} is older and was left out" if key in kept else ""
        kept[key] = Submission(student, lesson, file, note)
    if not kept:
        raise ValueError(
            f"nothing to grade in {folder}: it should hold a folder for each student, with files such as "
            "alice/lesson1_machine.py or alice/lesson1.ipynb, or files such as bob_lesson1.ipynb"
        )
    return sorted(kept.values(), key=lambda one: (one.student.lower(), one.lesson or 0, one.file.name))


def _files(folder: Path) -> Iterable[Path]:
    for file in folder.rglob("*"):
        parts = file.relative_to(folder).parts
        hidden = any(part.startswith((".", "__")) for part in parts)
        if not hidden and file.suffix.lower() in KINDS and file.is_file() and not file.is_symlink():
            yield file


def student_of(file: Path, folder: Path) -> str:
    """Whose file it is.

    >>> student_of(Path("class/alice/lesson1_machine.py"), Path("class"))
    'alice'
    >>> student_of(Path("class/bob_lesson1.ipynb"), Path("class"))
    'bob'
    >>> student_of(Path("class/Doe Jane_1234_assignsubmission_file_/lesson2.py"), Path("class"))
    'Doe Jane'
    """
    parts = file.relative_to(folder).parts
    if len(parts) > 1:
        return MOODLE.sub("", parts[0])
    return SCRIPT.sub("", file.stem).strip(" _-.") or folder.resolve().name


def lesson_of(file: Path, exercises: Sequence[Exercise]) -> int | None:
    """Which lesson a file answers: by its name, by the exercises it checks, or by the names in it."""
    named = LESSON.search(file.name)
    lessons = {exercise.lesson for exercise in exercises}
    if named and int(named[1]) in lessons:
        return int(named[1])
    try:
        text = file.read_bytes() if file.stat().st_size <= LARGEST * 10**6 else b""
    except OSError:
        text = b""
    votes = Counter(int(found) for found in CHECKED.findall(text))
    if not votes:
        votes.update(one.lesson for one in exercises if re.search(rb"\b%b\b" % one.name.encode(), text))
    likely = [lesson for lesson, _ in votes.most_common(1) if lesson in lessons]
    return likely[0] if likely else None


def tidy(text: str) -> str:
    """A text on one line, short, and without anything that a terminal would obey.

    >>> tidy("two\\nlines \\x1b[31mred")
    'two lines [31mred'
    """
    text = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def inert(value: Any) -> Any:
    """A value for a table: a spreadsheet would run a text that begins like a formula.

    >>> inert("=1+1"), inert(2)
    ("'=1+1", 2)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value
