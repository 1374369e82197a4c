"""Workers that grade submissions one after the other, each in a process of its own.

A judge looks at what students made, and may hang or die over it: then it costs a process and that exercise.
"""

import contextlib
import multiprocessing
import pickle
import signal
import time
from collections.abc import Sequence
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import cloudpickle  # type: ignore[import-untyped, unused-ignore]

from springdrift_agents.course.exercise import Exercise
from springdrift_agents.course.pool import Assets
from springdrift_agents.course.sandbox import GRACE, START
from springdrift_agents.course.submission_run import RESTARTS, TOO_MUCH, Limits, Record, SubmissionRun

SLACK = 5.0  # seconds that a judge may take beyond the time of the student's code


class GradingWorker:
    """A worker. Its process starts with its first submission, and anew when it was lost.

    Args:
        assets: for the sandboxes.
        limits: of time and memory.
    """

    def __init__(self, assets: Assets, limits: Limits) -> None:
        self.assets, self.limits = assets, limits
        self.process: multiprocessing.process.BaseProcess | None = None
        self.line: Connection | None = None
        self.stopped = False

    def grade(self, file: Path, exercises: Sequence[Exercise]) -> tuple[Record, float]:
        """What came of a submission, and how many seconds it took; it raises nothing, whatever happens."""
        began, record = time.monotonic(), Record()
        for _ in range(RESTARTS + 1):
            judging = ""
            try:
                line = self._line()
                line.send_bytes(cloudpickle.dumps((file, list(exercises), record)))
                while True:
                    done, judging, record = self._next(line, judging)
                    if done:
                        return record, time.monotonic() - began
            except (EOFError, OSError) as wrong:
                self.close()
                what = str(wrong) or "the judge's process ended over it"
            except Exception as odd:  # what came back is no record, or the exercises cannot be sent
                self.close()
                record.broken = f"{type(odd).__name__}: {odd}"
                return record, time.monotonic() - began
            if self.stopped:
                break
            if judging:
                record.verdicts[judging] = (False, f"the answer could not be judged: {what}")
            else:
                record.broken = f"the worker's process was lost: {what}"
                return record, time.monotonic() - began
        record.broken = "the worker's process was lost too often"
        return record, time.monotonic() - began

    def _next(self, line: Connection, judging: str) -> tuple[bool, str, Record]:
        limits = self.limits
        patience = limits.each + GRACE + SLACK if judging else limits.timeout + START + 60.0
        if not line.poll(patience):
            raise OSError(f"the judge took longer than {patience:g} s over it")
        found: tuple[bool, str, Record] = line.recv()
        return found

    def _line(self) -> Connection:
        if self.line is None:
            context = multiprocessing.get_context("spawn")
            self.line, theirs = context.Pipe()
            task = (theirs, self.assets, self.limits)
            self.process = context.Process(target=serve, args=task, daemon=True)
            self.process.start()
            theirs.close()
        return self.line

    def stop(self) -> None:
        """Give up the submission that is being graded, whichever thread waits for it."""
        self.stopped = True
        if self.process is not None:
            self.process.kill()

    def close(self) -> None:
        """End the worker's process."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process.close()
        if self.line is not None:
            self.line.close()
        self.process = self.line = None


def serve(line: Connection, assets: Assets, limits: Limits) -> None:
    """The worker's own process: take submissions until the line is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who sends them decides when to stop
    _limit_memory(limits.memory * 2**20)
    while True:
        try:
            file, exercises, record = pickle.loads(line.recv_bytes())
        except EOFError:
            return
        try:
            SubmissionRun(file, exercises, limits, record, partial(_say, line, record)).complete(assets)
        except MemoryError:
            record.unreadable = f"it could not be graded: judging took {TOO_MUCH}"
        except Exception as odd:  # nothing that one student hands in may cost the others their grades
            record.broken = f"{type(odd).__name__}: {odd}"
        line.send((True, "", record))


def _limit_memory(most: int) -> None:
    """Let this process use so many bytes beyond those it has now; the sandboxes have limits of their own."""
    with contextlib.suppress(ImportError, OSError, ValueError, AttributeError):
        import resource  # only Unix has it

        used = 0
        with contextlib.suppress(OSError):
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = used + most if hard == resource.RLIM_INFINITY else min(used + most, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _say(line: Connection, record: Record, judging: str) -> None:
    line.send((False, judging, record))
