"""A sandbox for a student's code: a process of its own, with limits, that can be asked for answers.

What the student's code defines stays in the sandbox. Plain values come out as copies; a function or an object
comes out as a :class:`Remote` that calls into it. So a judge never shares a process with the code it
judges, and nothing that the code does in its own process reaches the verdict.
"""

import builtins
import contextlib
import io
import json
import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import cloudpickle  # type: ignore[import-untyped, unused-ignore]

from springdrift_agents.course import protocol
from springdrift_agents.course.cgroup import ControlGroup
from springdrift_agents.course.endings import reason
from springdrift_agents.course.exercise import Wrong
from springdrift_agents.course.isolation import (
    THREADS,
    WORKSPACE,
    Place,
    command,
    environment,
    limits,
    order_of,
)
from springdrift_agents.course.pool import Assets
from springdrift_agents.course.submissions import copy_into

GRACE = 2.0  # seconds, for code to heed its alarm before the process ends
START = 60.0  # seconds until a sandbox is ready, on a machine that is busy
SERVER = "from springdrift_agents.course.server import main; main()"
MOST_COPIES = 2**28  # bytes of messages whose values are remembered


class Ended(Exception):
    """The process in the sandbox is no more; the message says why."""


class NotStarted(Ended):
    """The sandbox could not be set up, which is no fault of the student's."""


class TooSlow(Ended):
    """It was ended, because its time was over."""


class Raised(Exception):
    """The student's code raised something; ``what`` describes it."""

    def __init__(self, what: dict[str, Any]) -> None:
        self.what = what
        super().__init__(said(what))


def said(what: dict[str, Any]) -> str:
    """An exception in the sandbox, as a person would say it.

    >>> said({"error": "ValueError", "text": "no such rule"})
    'raised ValueError: no such rule'
    """
    name, text = str(what.get("error", "an error"))[:60], str(what.get("text", ""))[:400]
    if name == "TooSlow":
        return f"was stopped: it {text}"
    if name in ("SystemExit", "KeyboardInterrupt"):
        return f"tried to end the program ({name})"
    if name == "MemoryError" and not text:
        text = "it asked for more memory than is allowed"
    return f"raised {name}{': ' if text else ''}{text}"


class Sandbox:
    """A process for a student's code, started with it and ended with it. A context manager.

    Args:
        assets: of a :class:`SandboxPool`.
        memory: MB that it may use.
        seconds: of computing, after which the kernel ends it, whatever else fails to.
        work: the student's own file or folder, which is all that it sees of the class; None: it sees nothing.

    Raises:
        NotStarted: it does not come up.
        Ended: the student's own files are too many or too large to be copied.
    """

    def __init__(self, assets: Assets, *, memory: int, seconds: float, work: Path | None = None) -> None:
        self.folder = tempfile.mkdtemp(dir=assets.workspaces)
        self.isolation = assets.isolation
        own = () if work is None else self._own(work)
        self.deadline = time.monotonic() + START
        theirs, self.requests = os.pipe()
        self.answers, answers = os.pipe()
        self.copies: dict[int, tuple[Any, int]] = {}  # values that stand for objects in the sandbox, by id
        self.copied = 0  # bytes of the messages that they came with
        self.turn = ""  # token of the last request: what answers another one, nobody asked for
        self.fault: Ended | None = None
        order = order_of(
            assets.isolation,
            self.folder,
            assets.folder,
            [sys.executable, "-P", "-c", SERVER, str(theirs), str(answers)],
            pipes=[theirs, answers],
            environment=environment(self.folder if assets.isolation == "none" else WORKSPACE),
            memory=memory * 2**20,
            limits=limits(memory, seconds, assets.isolation),
            work=own,
        )
        self.group: ControlGroup | None = None
        start = command(order)
        if assets.groups:
            with contextlib.suppress(OSError):  # the supervisor counts all the same
                self.group = ControlGroup(assets.groups, memory * 2**20, THREADS)
                start = self.group.enter(start)
        self.memory = memory
        self.supervisor = subprocess.Popen(
            start,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs, answers),
            start_new_session=True,
        )
        for end in (theirs, answers):
            os.close(end)
        for end in (self.requests, self.answers):
            os.set_blocking(end, False)
        try:
            assert self.supervisor.stdin is not None
            with contextlib.suppress(BrokenPipeError), self.supervisor.stdin as line:
                line.write(json.dumps(order).encode())
            self.receive()
        except Ended as ended:
            self.close()
            raise NotStarted(str(ended)) from None
        except BaseException:
            self.close()
            raise

    def _own(self, work: Path) -> list[Place]:
        """The places of a student's own files; a copy where the sandbox is not closed off."""
        source, target = work.resolve(), "work" if work.is_dir() else f"work/{work.name}"
        if self.isolation == "none":
            try:
                copy_into(source, Path(self.folder, target))
            except ValueError as wrong:
                raise Ended(f"its files cannot be taken: {wrong}") from None
        return [Place("bind", f"{WORKSPACE}/{target}", str(source))]

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process of the sandbox and remove its folder."""
        self._kill()
        for end in (self.requests, self.answers):
            os.close(end)
        assert self.supervisor.stdout is not None
        self.supervisor.stdout.close()
        if self.group is not None:
            self.group.remove()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.close = lambda: None  # type: ignore[method-assign]

    def _kill(self) -> None:
        if self.supervisor.poll() is None:
            # within namespaces the kernel does the rest; without, the supervisor does it when told to leave
            self.supervisor.send_signal(signal.SIGTERM if self.isolation == "none" else signal.SIGKILL)
        try:
            self.supervisor.wait(3.0)
        except subprocess.TimeoutExpired:
            self.supervisor.kill()
            self.supervisor.wait()

    def within(self, seconds: float) -> None:
        """Give the code in the sandbox this many seconds from now, and a grace to heed its alarm."""
        self.deadline = time.monotonic() + seconds + GRACE

    def send(self, op: str, **request: Any) -> None:
        """A request to the other side.

        Raises:
            Ended: nobody is there to read it.
        """
        if self.fault is not None:
            raise self.fault
        body = io.BytesIO()
        self.turn = secrets.token_hex(8)
        _Pickler(body, self.copies).dump({"op": op, "turn": self.turn, **request})
        data = memoryview(protocol.HEAD.pack(body.tell()) + body.getvalue())
        while data:
            self._wait(self.requests, select.POLLOUT)
            try:
                data = data[os.write(self.requests, data[:65536]) :]
            except BrokenPipeError:
                self._gone()

    def receive(self) -> dict[str, Any]:
        """The next message.

        Raises:
            Ended: the process ended, or wrote what is no message.
            TooSlow: none came in time; the process is ended.
        """
        if self.fault is not None:
            raise self.fault
        try:
            self.size = protocol.length_of(self._read(protocol.HEAD.size))
            tree = protocol.unpack(self._read(self.size))
            if tree.get("turn") != self.turn:
                raise protocol.ProtocolError("a message that nobody asked for")
        except protocol.ProtocolError as wrong:
            self._fail(Ended(f"it wrote into the sandbox's own pipe: {wrong}"))
        return tree

    def ask(self, op: str, **request: Any) -> Any:
        """What the other side answers to a request.

        Raises:
            Raised: the code in the sandbox raised something, or what it gives cannot be handed over.
            Ended: it ended instead.
        """
        self.send(op, limit=max(0.1, self.deadline - GRACE - time.monotonic()), **request)
        tree = self.receive()
        if "raised" in tree:
            what = tree["raised"] if isinstance(tree["raised"], dict) else {}
            raise Raised(what)
        try:
            value = protocol.decode(tree.get("value"), self)
        except protocol.ProtocolError as wrong:
            raise Raised({"error": "ProtocolError", "text": str(wrong)}) from None
        self.copied += self.size if self.copies else 0
        if self.copied > MOST_COPIES:
            self._fail(Ended(f"it handed over more than {MOST_COPIES // 2**20} MB"))
        return value

    def forget(self) -> None:
        """Let go of what came from the sandbox: given back, it will stand for itself."""
        self.copies.clear()
        self.copied = 0

    def note(self, value: Any, number: int) -> None:
        """Remember that a value is the copy of an object in the sandbox: given back, it stands for that one.

        So a function that changes what it gave before is seen to do so.
        """
        self.copies[id(value)] = (value, number)

    def refer(self, tree: dict[str, Any]) -> "Remote":
        """What stands for an object in the sandbox."""
        kind = RemoteFunction if tree["callable"] is True else Remote
        named = type(protocol.identifier(tree["type"]), (kind,), {})
        remote: Remote = named(self, int(tree["at"]))
        return remote

    def _read(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            self._wait(self.answers, select.POLLIN)
            piece = os.read(self.answers, min(count - len(data), 2**20))
            if not piece:
                self._gone()
            data += piece
        return bytes(data)

    def _wait(self, end: int, event: int) -> None:
        poll = select.poll()
        poll.register(end, event)
        left = self.deadline - time.monotonic()
        if left <= 0 or not poll.poll(1000 * left):
            self._fail(TooSlow("its time was over, and it did not stop by itself"))

    def _gone(self) -> NoReturn:
        """The pipe is closed: find out why, and say it."""
        try:
            self.supervisor.wait(1.0)
        except subprocess.TimeoutExpired:
            self._fail(Ended("it closed the sandbox's own pipe"))
        self._fail(Ended(self._reason()))

    def _reason(self) -> str:
        """What the supervisor said of the end."""
        assert self.supervisor.stdout is not None
        lines = self.supervisor.stdout.read().decode(errors="replace").splitlines()
        if self.group is not None and self.group.out_of_memory():
            return f"it used more than {self.memory} MB of memory"
        return reason(json.loads(lines[-1]) if lines else {})

    def _fail(self, fault: Ended) -> NoReturn:
        self.fault = fault
        self._kill()
        raise fault


class Remote:
    """An object in a sandbox. Attributes, items and iteration ask for it there."""

    def __init__(self, sandbox: Sandbox, at: int) -> None:
        self._sandbox, self._at = sandbox, at

    def _ask(self, op: str, **request: Any) -> Any:
        try:
            return self._sandbox.ask(op, **request)
        except Ended as ended:
            raise Wrong(f"your code did not answer: {ended}") from None
        except Raised as raised:
            raise _exception(raised.what) from None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") and name not in ("__name__", "__doc__"):
            raise AttributeError(name)
        return self._ask("attribute", value=self, name=name)

    def __getitem__(self, key: Any) -> Any:
        return self._ask("item", value=self, key=key)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._ask("items", value=self))

    def __len__(self) -> int:
        return int(self._ask("length", value=self))

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class RemoteFunction(Remote):
    """A function, or another object that can be called, in a sandbox."""

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._ask("call", function=self, arguments=arguments, named=named)


def _exception(what: dict[str, Any]) -> Exception:
    """The exception that the student's code raised, as one of this side's own."""
    name, text = str(what.get("error"))[:60], str(what.get("text", ""))
    if name == "TooSlow":
        return Wrong(f"your function {text}: does a loop in it never end?")
    if name == "ProtocolError":
        return Wrong(f"your function returned {text}")
    if name in ("SystemExit", "KeyboardInterrupt", "GeneratorExit"):
        return Wrong(f"your function ends the program ({name}): a function returns its result")
    bases = what.get("bases")
    for known in (name, *(bases if isinstance(bases, list) else ())):
        kind = getattr(builtins, str(known), None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            try:
                return (kind if known == name else type(protocol.identifier(name), (kind,), {}))(text)
            except TypeError:
                continue  # one that wants more than a text
    return Exception(f"{name}: {text}")


class _Pickler(cloudpickle.Pickler):
    """Writes requests; what is in the sandbox already goes by its number."""

    def __init__(self, file: io.BytesIO, copies: dict[int, tuple[Any, int]]) -> None:
        super().__init__(file)
        self.copies = copies

    def persistent_id(self, value: Any) -> int | None:
        if isinstance(value, Remote):
            return value._at
        return self.copies[id(value)][1] if id(value) in self.copies else None
