"""What a class handed in: whose it is, and which lesson it answers."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
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
MOODLE = re.compile(r"(.*)_(\d+)_assignsubmission_.*", re.DOTALL)
OURS = {"grades.csv", "leaderboard.csv"}  # a folder of these is no student's
MOST_LISTED = 5


class Submission(NamedTuple):
    """A file that a student handed in."""

    student: str
    lesson: int | None  # None: it does not say which
    file: Path
    note: str = ""  # what a teacher should know of it before it is even run
    barred: str = ""  # why nothing of this student's can be graded


class Owner(NamedTuple):
    """Whose a folder or file is, as far as its name tells."""

    name: str
    number: str = ""  # of Moodle


def find(folder: Path, exercises: Iterable[Exercise]) -> list[Submission]:
    """The submissions in a folder, one for each student and lesson, in order.

    A student is a folder (``alice/lesson1_machine.py``, at any depth below) or part of a name
    (``bob_lesson1.ipynb``). The lesson is in the file's name; failing that, the exercises in it tell.
    Where a student handed in a lesson twice, the newest file counts. A student of whose files none can be
    graded is in the list, too, and barred.

    Raises:
        ValueError: there is no such folder, or nothing in it that can be graded.
    """
    known, found = list(exercises), []
    for student, files in belongings(folder, SCRIPT, _looks_like_work).items():
        mine = _of_student(student, files, known)
        barred = f"nothing that can be graded ({listed(files, folder)})"
        found += mine or [Submission(student, None, folder, "", barred)]
    if all(one.barred for one in found):
        there = "; ".join(f"{clean(one.student)}: {one.barred}" for one in found[:5])
        raise ValueError(
            f"nothing to grade in {folder}: it should hold a folder for each student, with files such as "
            "alice/lesson1_machine.py or alice/lesson1.ipynb, or files such as bob_lesson1.ipynb"
            f"{there and f'. {there}'}"
        )
    return sorted(found, key=lambda one: (one.student.lower(), one.lesson or 0, one.file.name))


def _of_student(student: str, files: Sequence[Path], known: Sequence[Exercise]) -> list[Submission]:
    kept: dict[int | str, Submission] = {}
    notes: dict[int | str, list[str]] = {}
    usable = [file for file in files if file.suffix.lower() in KINDS and is_plain(file)]
    for file in sorted(usable, key=lambda file: (file.stat().st_mtime, file.name)):
        lesson = lesson_of(file, known)
        key = lesson or file.name
        about = notes.setdefault(key, [])
        if key in kept:
            about.append(f"{clean(kept[key].file.name)} is older and was left out")
        kept[key] = Submission(student, lesson, file)
    for file in files if kept else ():
        named = LESSON.search(file.name)
        if file.is_symlink() and (file.suffix.lower() in KINDS or file.is_dir()):
            notes[min(kept, key=str)].append(f"{clean(file.name)} is a link and was left out")
        elif file not in usable and named and int(named[1]) not in kept:
            notes[min(kept, key=str)].append(f"{clean(file.name)} cannot be graded and was left out")
    return [one._replace(note="; ".join(notes[key])) for key, one in kept.items()]


def _looks_like_work(file: Path) -> bool:
    """Whether a file beside the students' folders is a student's."""
    return file.suffix.lower() in KINDS or bool(LESSON.search(file.name) or MOODLE.fullmatch(file.stem))


def belongings(folder: Path, work: re.Pattern[str], takes: Callable[[Path], bool]) -> dict[str, list[Path]]:
    """The files and links of each student, by name; without hidden ones.

    Args:
        folder: the class's.
        work: what is no part of the student in the name of a file.
        takes: whether a file that is in no folder is a student's.

    Raises:
        ValueError: there is no such folder.
    """
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}")
    tops = [top for top in sorted(folder.iterdir()) if _is_seen(top, folder)]
    tops = [top for top in tops if top.is_dir() or takes(top)]
    owners = {
        top: owner_of(top.name) if top.is_dir() else owner_of(top.stem, work, folder.resolve().name)
        for top in tops
    }
    names = _distinct(owners.values())
    found: dict[str, list[Path]] = {}
    for top, owner in owners.items():
        files = [top]
        if top.is_dir() and not top.is_symlink():
            inside = [file for file in sorted(top.rglob("*")) if _is_seen(file, folder)]
            files = [file for file in inside if file.is_symlink() or not file.is_dir()]
            if files and {file.name for file in files} <= OURS:
                continue
        found.setdefault(names[owner], []).extend(files)
    return found


def _is_seen(file: Path, folder: Path) -> bool:
    return not any(part.startswith((".", "__")) for part in file.relative_to(folder).parts)


def is_plain(file: Path) -> bool:
    """Whether it is a file, and no link to one."""
    return file.is_file() and not file.is_symlink()


def owner_of(name: str, work: re.Pattern[str] | None = None, otherwise: str = "") -> Owner:
    """Whose a folder or file is by its name, of which ``work`` is not the student's.

    >>> owner_of("Doe Jane_1234_assignsubmission_file_")
    Owner(name='Doe Jane', number='1234')
    >>> owner_of("bob_lesson1", SCRIPT)
    Owner(name='bob', number='')
    """
    moodle = MOODLE.fullmatch(name)
    if moodle:
        return Owner(moodle[1], moodle[2])
    return Owner((name if work is None else work.sub("", name).strip(" _-.")) or otherwise)


def _distinct(owners: Iterable[Owner]) -> dict[Owner, str]:
    """A name for each that can be shown, no two alike: Moodle's number stays where two have one name."""
    same: dict[str, list[Owner]] = {}
    for owner in sorted(set(owners)):
        same.setdefault(clean(owner.name), []).append(owner)
    names = {sharing[0]: name for name, sharing in same.items() if len(sharing) == 1}
    used = set(names.values())
    for name, sharing in same.items():
        for owner in sharing if len(sharing) > 1 else ():
            wanted = found = f"{name}_{owner.number}" if owner.number else name
            count = 1
            while found in used:
                count += 1
                found = f"{wanted} ({count})"
            used.add(found)
            names[owner] = found
    return names


def clean(name: str) -> str:
    """A name of a file as a text that can be shown and written, whatever bytes it has.

    >>> clean("M\\udcfcller"), clean("two\\nlines")
    ('M�ller', 'two lines')
    """
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join(
        letter if letter.isprintable() else " " if letter.isspace() else "\ufffd" for letter in text
    )


def listed(files: Sequence[Path], folder: Path) -> str:
    """What was found instead, in a few words."""
    names = [
        clean(file.relative_to(folder).as_posix()) + (" (a link)" if file.is_symlink() else "")
        for file in files[:MOST_LISTED]
    ]
    more = [f"and {len(files) - MOST_LISTED} more"] if len(files) > MOST_LISTED else []
    return f"found: {', '.join([*names, *more]) or 'nothing'}"


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
