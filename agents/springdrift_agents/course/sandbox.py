"""A box to run a student's code in: a process of its own, with limits, that can be asked for answers.

What the student's code defines stays in the box. Plain values come out as copies; a function or an object
comes out as a :class:`Remote` that calls into the box. So a judge never shares a process with the code it
judges, and nothing that the code does in its own process reaches the verdict.
"""

import builtins
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
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import cloudpickle  # type: ignore[import-untyped, unused-ignore]
import numpy as np

import springdrift
from springdrift_agents.course import wire
from springdrift_agents.course.exercise import Wrong
from springdrift_agents.course.workshop import Kit, command, environment, limits, order_of, private

GRACE = 2.0  # seconds, for code to heed its alarm before the process ends
START = 60.0  # seconds until a box is ready, on a machine with better things to do
RUNNER = "from springdrift_agents.course.runner import main; main()"


def needed(*more: str) -> list[Path]:
    """What a box cannot do without: Python, the packages, and ``more``."""
    places = (*more, sys.prefix, sys.base_prefix, __file__, springdrift.__file__, np.__file__)
    return [path for place in places for path in (Path(place).absolute(), Path(place).resolve())]


def check_apart(folder: Path) -> None:
    """Make sure that a class's folder can be hidden from the boxes.

    Raises:
        ValueError: it holds what the boxes need.
    """
    for place in needed(tempfile.gettempdir()):
        if place.is_relative_to(folder.resolve()):
            raise ValueError(
                f"{folder} holds {place}, which the sandbox needs, so students' files could not be hidden "
                "from each other: put the submissions into a folder of their own, with nothing else in it"
            )


class Ended(Exception):
    """The process in the box is no more; the message says why."""


class TooSlow(Ended):
    """It was ended, because its time was over."""


class Raised(Exception):
    """The student's code raised something; ``what`` describes it."""

    def __init__(self, what: dict[str, Any]) -> None:
        self.what = what
        super().__init__(said(what))


def said(what: dict[str, Any]) -> str:
    """An exception in the box, as a person would say it.

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


class Box:
    """A process for a student's code, started with it and ended with it. A context manager.

    Args:
        kit: of a :class:`Workshop`.
        memory: MB that it may use.
        seconds: of computing, after which the kernel ends it, whatever else fails to.
        work: the student's folder, of which it gets a copy; else its working folder is empty.
        hide: folders that it cannot look into, where the kernel closes it off; besides what is private.

    Raises:
        Ended: it does not come up.
    """

    def __init__(
        self, kit: Kit, *, memory: int, seconds: float, work: Path | None = None, hide: Sequence[Path] = ()
    ) -> None:
        self.folder = tempfile.mkdtemp(dir=kit.rooms)
        self.deadline = time.monotonic() + START
        theirs, self.requests = os.pipe()
        self.answers, answers = os.pipe()
        self.copies: dict[int, tuple[Any, int]] = {}  # values that stand for objects in the box, by id
        self.turn = ""  # token of the last request: what answers another one, nobody asked for
        self.fault: Ended | None = None
        self.namespaces = kit.namespaces
        secret = [*private(), *(folder.resolve() for folder in hide)]
        open_to_it = needed(self.folder, kit.folder)
        order = order_of(
            self.folder,
            kit.folder,
            run=[sys.executable, "-P", "-c", RUNNER, str(theirs), str(answers)],
            pipes=[theirs, answers],
            namespaces=kit.namespaces,
            work=None if work is None else str(work.resolve()),
            hide=[str(one) for one in secret if not any(place.is_relative_to(one) for place in open_to_it)],
            environment=environment(self.folder),
            memory=memory * 2**20,
            limits=limits(memory, seconds, kit.namespaces),
        )
        self.warden = subprocess.Popen(
            command(order),
            stdin=subprocess.DEVNULL,
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
            self.receive()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Box":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process of the box and remove its folder."""
        self._kill()
        for end in (self.requests, self.answers):
            os.close(end)
        assert self.warden.stdout is not None
        self.warden.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.close = lambda: None  # type: ignore[method-assign]

    def _kill(self) -> None:
        if self.warden.poll() is None:
            # within namespaces the kernel does the rest; without, the warden does it when told to leave
            self.warden.send_signal(signal.SIGKILL if self.namespaces else signal.SIGTERM)
        try:
            self.warden.wait(3.0)
        except subprocess.TimeoutExpired:
            self.warden.kill()
            self.warden.wait()

    def within(self, seconds: float) -> None:
        """Give the code in the box this many seconds from now, and a grace to heed its alarm."""
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
        data = memoryview(wire.HEAD.pack(0, body.tell()) + body.getvalue())
        while data:
            self._wait(self.requests, select.POLLOUT)
            try:
                data = data[os.write(self.requests, data[:65536]) :]
            except BrokenPipeError:
                self._gone()

    def receive(self) -> tuple[dict[str, Any], list[bytes]]:
        """The next message.

        Raises:
            Ended: the process ended, or wrote what is no message.
            TooSlow: none came in time; the process is ended.
        """
        if self.fault is not None:
            raise self.fault
        try:
            text, body = wire.lengths(self._read(wire.HEAD.size))
            tree, blocks = wire.unpack(self._read(text), self._read(body))
            if not isinstance(tree, dict) or tree.get("turn") != self.turn:
                raise wire.Unfit("a message that nobody asked for")
        except wire.Unfit as wrong:
            self._fail(Ended(f"it wrote into the sandbox's own pipe: {wrong}"))
        return tree, blocks

    def ask(self, op: str, **request: Any) -> Any:
        """What the other side answers to a request.

        Raises:
            Raised: the code in the box raised something, or what it gives cannot be handed over.
            Ended: it ended instead.
        """
        self.send(op, limit=max(0.1, self.deadline - GRACE - time.monotonic()), **request)
        tree, blocks = self.receive()
        if "raised" in tree:
            what = tree["raised"] if isinstance(tree["raised"], dict) else {}
            raise Raised(what)
        try:
            return wire.decode(tree.get("value"), blocks, self)
        except wire.Unfit as wrong:
            raise Raised({"error": "Unfit", "text": str(wrong)}) from None

    def note(self, value: Any, number: int) -> None:
        """Remember that a value is the copy of an object in the box: given back, it stands for that one.

        So a function that changes what it gave before is seen to do so.
        """
        self.copies[id(value)] = (value, number)

    def refer(self, tree: dict[str, Any]) -> "Remote":
        """What stands for an object in the box."""
        kind = RemoteFunction if tree["callable"] is True else Remote
        named = type(wire.identifier(tree["type"]), (kind,), {})
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
            self.warden.wait(1.0)
        except subprocess.TimeoutExpired:
            self._fail(Ended("it closed the sandbox's own pipe"))
        self._fail(Ended(self._reason()))

    def _reason(self) -> str:
        """What the warden said of the end."""
        assert self.warden.stdout is not None
        lines = self.warden.stdout.read().decode(errors="replace").splitlines()
        end = json.loads(lines[-1]) if lines else {}
        code = end.get("code", 0)
        if end.get("end") == "exit":
            return f"it ended the program (exit code {code})"
        if end.get("end") == "signal":
            return f"it crashed the program ({_signal(code)})"
        if end.get("end") == "processes":
            return f"it started more than {code} processes"
        if end.get("end") == "memory":
            return f"it used more than {code // 2**20} MB of memory"
        if end.get("end") == "set-up":
            return f"the sandbox could not be set up: {end.get('text')}"
        return "it ended the program and its sandbox"

    def _fail(self, fault: Ended) -> NoReturn:
        self.fault = fault
        self._kill()
        raise fault


def _signal(number: int) -> str:
    """The name of a signal, and what students know it as.

    >>> _signal(11)
    'SIGSEGV: memory that is not its own, or a recursion without end'
    """
    known = {
        signal.SIGSEGV: "memory that is not its own, or a recursion without end",
        signal.SIGKILL: "ended by itself or by the system",
        signal.SIGXCPU: "computing time used up",
        signal.SIGXFSZ: "a file too large",
        signal.SIGABRT: "given up by a library, often for want of memory",
    }
    try:
        name = signal.Signals(number)
    except ValueError:
        return f"signal {number}"
    return f"{name.name}: {known[name]}" if name in known else name.name


class Remote:
    """An object in a box. Attributes, items and iteration ask for it there."""

    def __init__(self, box: Box, at: int) -> None:
        self._box, self._at = box, at

    def _ask(self, op: str, **request: Any) -> Any:
        try:
            return self._box.ask(op, **request)
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
    """A function, or another object that can be called, in a box."""

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._ask("call", function=self, arguments=arguments, named=named)


def _exception(what: dict[str, Any]) -> Exception:
    """The exception that the student's code raised, as one of this side's own."""
    name, text = str(what.get("error"))[:60], str(what.get("text", ""))
    if name == "TooSlow":
        return Wrong(f"your function {text}: does a loop in it never end?")
    if name == "Unfit":
        return Wrong(f"your function returned {text}")
    if name in ("SystemExit", "KeyboardInterrupt", "GeneratorExit"):
        return Wrong(f"your function ends the program ({name}): a function returns its result")
    bases = what.get("bases")
    for known in (name, *(bases if isinstance(bases, list) else ())):
        kind = getattr(builtins, str(known), None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            try:
                return (kind if known == name else type(wire.identifier(name), (kind,), {}))(text)
            except TypeError:
                continue  # one that wants more than a text
    return Exception(f"{name}: {text}")


class _Pickler(cloudpickle.Pickler):
    """Writes requests; what is in the box already goes by its number."""

    def __init__(self, file: io.BytesIO, copies: dict[int, tuple[Any, int]]) -> None:
        super().__init__(file)
        self.copies = copies

    def persistent_id(self, value: Any) -> int | None:
        if isinstance(value, Remote):
            return value._at
        return self.copies[id(value)][1] if id(value) in self.copies else None
