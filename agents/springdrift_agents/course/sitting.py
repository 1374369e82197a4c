"""One submission on trial: its cells are run in a box, and its answers judged on this side of it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from springdrift_agents.course.exercise import Exercise, Wrong
from springdrift_agents.course.sandbox import GRACE, Box, Ended, Raised, TooSlow, said
from springdrift_agents.course.submissions import LARGEST
from springdrift_agents.course.workshop import MEMORY, Kit

TIMEOUT = 240.0  # seconds for the cells of a submission
SHARE = 4  # a single cell gets this part of it
EACH = 10.0  # seconds for an exercise
RESTARTS = 5  # of a submission whose process ended before all was judged
MOST_CELLS = 10_000
TOO_MUCH = "more memory than --memory allows"


class Limits(NamedTuple):
    """What a submission may use."""

    timeout: float = TIMEOUT  # seconds for all of its cells
    each: float = EACH  # seconds for judging an exercise
    memory: int = MEMORY  # MB


class Fault(NamedTuple):
    """Why a cell has not run to its end."""

    label: str  # of the cell
    text: str
    binds: tuple[str, ...]  # names that it was to define


@dataclass
class Record:
    """What is known of a submission so far."""

    verdicts: dict[str, tuple[bool, str]] = field(default_factory=dict)  # by exercise: passed, what to say
    faults: dict[int, Fault] = field(default_factory=dict)  # by number of the cell
    skip: set[int] = field(default_factory=set)  # cells that ended the process
    lost: float = 0.0  # seconds that the runs took
    unreadable: str = ""  # why nothing more can be judged


class Sitting:
    """A submission on trial. When its process ends early, another takes up where it left off.

    Args:
        file: the submission.
        exercises: to be judged.
        limits: of time and memory.
        record: what is known already; it is written on.
        tell: hears what is about to be done: an exercise to judge, or "" for running the cells.
    """

    def __init__(
        self,
        file: Path,
        exercises: Sequence[Exercise],
        limits: Limits,
        record: Record,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.file, self.limits, self.record, self.tell = file, limits, record, tell
        self.open = [one for one in exercises if one.id not in record.verdicts]

    def hold(self, kit: Kit, hide: Path) -> None:
        """Run and judge until all is judged, or it was tried often enough."""
        record = self.record
        if not self.open:
            return
        try:
            size = self.file.stat().st_size
            if size > LARGEST * 10**6:
                record.unreadable = f"the file has {size / 1e6:.0f} MB; at most {LARGEST} are read"
                return
            text = self.file.read_bytes().decode("utf-8", errors="replace")
        except OSError as wrong:
            record.unreadable = f"the file cannot be read: {wrong.strerror}"
            return
        seconds = self.limits.timeout + self.limits.each * len(self.open)
        for _ in range(RESTARTS + 1):
            last = record.lost >= self.limits.timeout  # a second for what is left, and then no more
            self.tell("")
            try:
                with Box(kit, memory=self.limits.memory, seconds=seconds, hide=[hide]) as box:
                    if self.timed(box, text):
                        self.judge(box)
            except Ended as ended:
                record.unreadable = f"it could not be run: {ended}"
            if record.unreadable or not self.open:
                return
            if last:
                record.unreadable = "its process ended again when all of its time was over"
                return
        record.unreadable = "its process ended too often, and it was given up"

    def timed(self, box: Box, text: str) -> bool:
        """As :meth:`run`; the time counts, whatever comes of it, and whatever the process says."""
        began = time.monotonic()
        try:
            return self.run(box, text)
        finally:
            self.record.lost += time.monotonic() - began

    def run(self, box: Box, text: str) -> bool:
        """Run the cells; false when the process ended with one of them."""
        total = max(self.limits.timeout - self.record.lost, 1.0)
        limit = self.limits.timeout / SHARE
        box.within(limit)
        box.send(
            "run",
            text=text.removeprefix("\ufeff"),
            file=f"submission{self.file.suffix.lower()}",
            skip=sorted(self.record.skip),
            limit=limit,
            total=total,
        )
        number, cell = -1, Fault("", "", ())
        end = time.monotonic() + total + GRACE
        while True:
            try:
                message, _ = box.receive()
                if isinstance(message.get("cell"), int) and 0 <= message["cell"] < MOST_CELLS:
                    number = message["cell"]
                    names = message["binds"] if isinstance(message.get("binds"), list) else []
                    cell = Fault(str(message.get("label"))[:40], "", tuple(map(str, names)))
            except Ended as ended:
                if number < 0:
                    raise
                self.record.skip.add(number)
                what = "did not end" if isinstance(ended, TooSlow) else "failed"
                self.record.faults[number] = cell._replace(text=f"{what}: {ended}")
                return False
            if "unreadable" in message:
                self.record.unreadable = str(message["unreadable"])
                return False
            if "failed" in message:
                line = message.get("line")
                place = f" in line {line}" if isinstance(line, int) else ""
                self.record.faults[number] = cell._replace(text=f"{said(message)}{place}")
            if "stopped" in message:
                self.record.faults[number] = cell._replace(text="was not run: the time was over")
            if "stopped" in message or "ran" in message:
                return True
            box.within(min(limit, end - time.monotonic()))

    def judge(self, box: Box) -> None:
        """Judge the open exercises until none is left or the process ended."""
        box.within(self.limits.each)
        try:
            found = box.ask("names")
        except Raised:
            found = []
        names = [name for name in found if isinstance(name, str)] if isinstance(found, list) else []
        while self.open and box.fault is None:
            exercise = self.open.pop(0)
            self.tell(exercise.id)
            if exercise.name in names:
                self.record.verdicts[exercise.id] = verdict(box, exercise, self.limits.each)
            else:
                self.record.verdicts[exercise.id] = (False, self.missing(exercise, names))

    def missing(self, exercise: Exercise, names: Sequence[str]) -> str:
        """Why there is no answer."""
        for fault in self.record.faults.values():
            if exercise.name in fault.binds:
                return f"no answer: {fault.label}, which is to define {exercise.name}, {fault.text}"
        near = get_close_matches(exercise.name, names, n=1)
        hint = f" (there is {near[0]})" if near else ""
        return f"there is no {exercise.name}: was its cell deleted, or the name changed?{hint}"


def verdict(box: Box, exercise: Exercise, seconds: float) -> tuple[bool, str]:
    """Judge the answer in a box: whether it passes, and what to say."""
    box.within(seconds)
    try:
        answer = box.ask("get", name=exercise.name)
        exercise.judge(answer)
    except Wrong as wrong:
        return False, str(wrong)
    except Ended as ended:
        return False, f"the answer could not be read: {ended}"
    except Raised as raised:
        return False, f"the answer could not be read: it {raised}"
    except MemoryError:
        return False, f"the answer could not be judged: that took {TOO_MUCH}"
    except Exception as odd:  # a judge that stumbles over an answer has not passed it
        return False, f"the answer could not be judged ({type(odd).__name__}: {odd})"
    if box.fault is not None:
        return False, f"the answer could not be judged: {box.fault}"
    return True, f"right: {exercise.title}"
