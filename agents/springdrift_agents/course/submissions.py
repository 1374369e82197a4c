"""What a class handed in: whose it is, and which lesson it answers."""

import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from springdrift_agents.course import TOPICS
from springdrift_agents.course.exercise import Exercise
from springdrift_agents.text import inert as inert

LONGEST = 400  # letters of a line that is shown
LARGEST = 100 * 10**6  # bytes of a file: a notebook may hold films
MOST_FILES, DEEPEST = 2000, 16  # files of a student, and folders within each other, that are looked at
MOST_COPIED = 200 * 10**6  # bytes of a student's files
KINDS = (".py", ".ipynb")
LESSON = re.compile(r"lesson[\s_-]*0*(\d{1,2})(?!\d)", re.IGNORECASE)
SCRIPT = re.compile(rf"lesson[\s_-]*0*\d{{1,2}}([\s_-]*({'|'.join(TOPICS)}))?", re.IGNORECASE)
CHECKED = re.compile(rb"check\(\s*\\?[\"'](\d{1,2})\.\d")
MOODLE = re.compile(r"(.*?)_(\d+)_assignsubmission_.*", re.DOTALL)  # what follows is the student's choice
CANVAS = re.compile(r"([^_]+)(?:_LATE)?_(\d+)_\d+_.+", re.DOTALL)
COPY = re.compile(r"\s*(\(\d+\)|- (copy|copie|kopie|copia)( \(\d+\))?)$", re.IGNORECASE)
OURS = re.compile(r"(grades|leaderboard|.+\.partial)\.csv")  # a folder of these is no student's
MOST_LISTED = 5


class Submission(NamedTuple):
    """A file that a student handed in."""

    student: str
    lesson: int | None  # None: it does not say which
    file: Path
    note: str = ""  # what a teacher should know of it before it is even run
    barred: str = ""  # why nothing of this student's can be graded
    broken: bool = False  # and it is the grader that cannot
    account: str = ""  # such as "moodle 4711", from the name that a system gave the file


class Owner(NamedTuple):
    """Whose a folder or file is, as far as its name tells."""

    name: str
    number: str = ""  # in a system
    system: str = ""  # moodle, canvas, or none


class Belongings(NamedTuple):
    """The files and links of a student."""

    files: list[Path]
    fault: str = ""  # why not all of them could be found
    owner: Owner = Owner("")


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
    for student, (files, fault, owner) in belongings(folder, SCRIPT, _looks_like_work).items():
        account = f"{owner.system} {owner.number}".strip()
        mine = [one._replace(account=account) for one in _of_student(student, files, known)]
        barred = f"nothing that can be graded ({listed(files, folder)}{fault and f'; {fault}'})"
        found += mine or [Submission(student, None, folder, "", barred, bool(fault), account)]
        if mine and fault:
            found[-1] = found[-1]._replace(note="; ".join(filter(None, (found[-1].note, fault))))
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
    for file in sorted(usable, key=lambda file: (os.lstat(file).st_mtime, file.name)):
        lesson = lesson_of(file, known)
        key = lesson or file.name
        about = notes.setdefault(key, [])
        if key in kept:
            about.append(f"{clean(kept[key].file.name)} is older and was left out")
        kept[key] = Submission(student, lesson, file)
    for file in files if kept else ():
        named = LESSON.search(file.name)
        if file.is_symlink() and (file.suffix.lower() in KINDS or not file.suffix):
            notes[min(kept, key=str)].append(f"{clean(file.name)} is a link and was left out")
        elif file not in usable and named and int(named[1]) not in kept:
            notes[min(kept, key=str)].append(f"{clean(file.name)} cannot be graded and was left out")
    return [one._replace(note="; ".join(notes[key])) for key, one in kept.items()]


def _looks_like_work(file: Path) -> bool:
    """Whether a file beside the students' folders is a student's."""
    return file.suffix.lower() in KINDS or bool(LESSON.search(file.name) or is_export(file))


def is_export(file: Path) -> bool:
    """Whether a file has a name that Moodle or Canvas gave it."""
    return bool(MOODLE.fullmatch(file.stem) or CANVAS.fullmatch(file.stem))


def belongings(folder: Path, work: re.Pattern[str], takes: Callable[[Path], bool]) -> dict[str, Belongings]:
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
    tops = [top for top in sorted(folder.iterdir()) if _is_seen(top.name)]
    folders = {top for top in tops if _mode(top, follow=True) == stat.S_IFDIR}
    owners = {
        top: owner_of(top.name) if top in folders else owner_of(top.stem, work, folder.resolve().name)
        for top in tops
        if top in folders or takes(top)
    }
    people: dict[tuple[str, str], Owner] = {}  # a number is one person, however the name is written
    for top, owner in owners.items():
        if owner.number:
            owners[top] = people.setdefault((owner.system, owner.number), owner)
    names = _distinct(owners.values())
    found: dict[str, Belongings] = {}
    for top, owner in owners.items():
        files, fault = [top], ""
        if top in folders and _mode(top) != stat.S_IFLNK:
            files, fault = _files_below(top)
            if files and all(OURS.fullmatch(file.name) for file in files):
                continue
        before = found.get(names[owner], Belongings([]))
        faults = "; ".join(filter(None, (before.fault, fault)))
        found[names[owner]] = Belongings(before.files + files, faults, owner)
    return found


def _files_below(top: Path) -> tuple[list[Path], str]:
    """Files and links below a folder, in order, and why there may be more; no folder can stop it."""
    found: list[Path] = []
    fault = ""
    waiting = [(top, 0)]
    while waiting:
        folder, depth = waiting.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            inside = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError as wrong:
            fault = f"the folder {clean(folder.name)} cannot be read: {wrong.strerror}"
            continue
        found += [Path(entry.path) for entry in entries if _is_seen(entry.name) and entry not in inside]
        if len(found) > MOST_FILES:
            return sorted(found[:MOST_FILES]), f"there are more than {MOST_FILES} files"
        if inside and depth == DEEPEST:
            fault = f"folders lie more than {DEEPEST} deep in each other"
            continue
        waiting += [(Path(entry.path), depth + 1) for entry in inside if _is_seen(entry.name)]
        if len(waiting) > MOST_FILES:
            return sorted(found), f"there are more than {MOST_FILES} folders"
    return sorted(found), fault


def _is_seen(name: str) -> bool:
    return not name.startswith((".", "__"))


def _mode(file: Path, follow: bool = False) -> int:
    """What a path is, as ``stat.S_IFMT`` tells; 0 where it cannot be known."""
    try:
        return stat.S_IFMT(os.stat(file, follow_symlinks=follow).st_mode)
    except (OSError, ValueError):
        return 0


def is_plain(file: Path) -> bool:
    """Whether it is a file, and no link to one."""
    return _mode(file) == stat.S_IFREG


def read_file(file: Path, most: int) -> bytes:
    """The bytes of a plain file of at most ``most`` bytes; nothing larger is read.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no plain file, or larger.
    """
    handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as opened:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("it is no plain file")
        data = opened.read(most + 1) if about.st_size <= most else b""
        if about.st_size > most or len(data) > most:
            raise ValueError(
                f"it has {max(about.st_size, most + 1) / 1e6:.0f} MB; at most {most / 1e6:.0f} are read"
            )
        return data


def copy_into(source: Path, target: Path) -> None:
    """Copy a student's file, or the plain files of a folder, as far as they are not too large.

    Raises:
        OSError: they cannot be read or written.
        ValueError: too many files, or too large.
    """
    left = MOST_COPIED
    for file, path in _pairs(source, target):
        path.parent.mkdir(parents=True, exist_ok=True)
        data = read_file(file, left)
        left -= len(data)
        path.write_bytes(data)


def _pairs(source: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    if _mode(source) != stat.S_IFDIR:
        yield source, target
        return
    files, fault = _files_below(source)
    if fault:
        raise ValueError(fault)
    yield from ((file, target / file.relative_to(source)) for file in files if is_plain(file))


def owner_of(name: str, work: re.Pattern[str] | None = None, otherwise: str = "") -> Owner:
    """Whose a folder or file is by its name, of which ``work`` is not the student's.

    >>> owner_of("Doe Jane_1234_assignsubmission_file_")
    Owner(name='Doe Jane', number='1234', system='moodle')
    >>> owner_of("doejane_LATE_1234_98765_lesson1_machine-1")
    Owner(name='doejane', number='1234', system='canvas')
    >>> owner_of("bob_lesson1 (1)", SCRIPT)
    Owner(name='bob', number='', system='')
    """
    name = unicodedata.normalize("NFC", name)  # systems spell one name in two ways
    for system, form in (("moodle", MOODLE), ("canvas", CANVAS)):
        export = form.fullmatch(name)
        if export:
            return Owner(export[1], export[2], system)
    return Owner((name if work is None else work.sub("", COPY.sub("", name)).strip(" _-.")) or otherwise)


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
    text = unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "replace"))
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
        text = read_file(file, LARGEST)
    except (OSError, ValueError):
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
