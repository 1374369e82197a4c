"""One submission: its cells are run in a sandbox, and its answers judged outside it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from springdrift_agents.course.exercise import Exercise, Wrong
from springdrift_agents.course.isolation import MEMORY
from springdrift_agents.course.pool import Assets
from springdrift_agents.course.sandbox import GRACE, Ended, NotStarted, Raised, Sandbox, TooSlow, said
from springdrift_agents.course.submissions import LARGEST, read_file

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
    broken: str = ""  # why the grader could not do its work, which is no fault of the student's


class SubmissionRun:
    """A submission that is run and judged. When its process ends early, another takes up where it left off.

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

    def complete(self, assets: Assets) -> None:
        """Run and judge until all is judged, or it was tried often enough."""
        record = self.record
        if not self.open:
            return
        try:
            data = read_file(self.file, LARGEST)
        except ValueError as wrong:
            record.unreadable = f"the file cannot be graded: {wrong}"
            return
        except OSError as wrong:
            record.broken = f"the file cannot be read: {wrong.strerror}"
            return
        seconds = self.limits.timeout + self.limits.each * len(self.open)
        for _ in range(RESTARTS + 1):
            last = record.lost >= self.limits.timeout  # a second for what is left, and then no more
            self.tell("")
            try:
                with Sandbox(assets, memory=self.limits.memory, seconds=seconds) as sandbox:
                    if self.timed(sandbox, data):
                        self.judge(sandbox)
            except NotStarted as ended:
                record.broken = f"the sandbox did not start: {ended}"
                return
            except Ended as ended:
                record.unreadable = f"it could not be run: {ended}"
            if record.unreadable or not self.open:
                return
            if last:
                record.unreadable = "its process ended again when all of its time was over"
                return
        record.unreadable = "its process ended too often, and it was given up"

    def timed(self, sandbox: Sandbox, data: bytes) -> bool:
        """As :meth:`run`; the time counts, whatever comes of it, and whatever the process says."""
        began = time.monotonic()
        try:
            return self.run(sandbox, data)
        finally:
            self.record.lost += time.monotonic() - began

    def run(self, sandbox: Sandbox, data: bytes) -> bool:
        """Run the cells; false when the process ended with one of them."""
        total = max(self.limits.timeout - self.record.lost, 1.0)
        limit = self.limits.timeout / SHARE
        sandbox.within(limit)
        sandbox.send(
            "run",
            data=data,
            file=f"submission{self.file.suffix.lower()}",
            skip=sorted(self.record.skip),
            limit=limit,
            total=total,
        )
        number, cell = -1, Fault("", "", ())
        end = time.monotonic() + total + GRACE
        while True:
            try:
                message = sandbox.receive()
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
            sandbox.within(min(limit, end - time.monotonic()))

    def judge(self, sandbox: Sandbox) -> None:
        """Judge the open exercises until none is left or the process ended."""
        sandbox.within(self.limits.each)
        try:
            found = sandbox.ask("names")
        except Raised:
            found = []
        names = [name for name in found if isinstance(name, str)] if isinstance(found, list) else []
        while self.open and sandbox.fault is None:
            exercise = self.open.pop(0)
            self.tell(exercise.id)
            if exercise.name in names:
                self.record.verdicts[exercise.id] = verdict(sandbox, exercise, self.limits.each)
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


def verdict(sandbox: Sandbox, exercise: Exercise, seconds: float) -> tuple[bool, str]:
    """Judge the answer in a sandbox: whether it passes, and what to say."""
    sandbox.within(seconds)
    try:
        answer = sandbox.ask("get", name=exercise.name)
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
    if sandbox.fault is not None:
        return False, f"the answer could not be judged: {sandbox.fault}"
    return True, f"right: {exercise.title}"
