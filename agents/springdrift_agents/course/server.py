"""The student's side of the sandbox: runs a submission cell by cell, then serves what it defined.

Everything here shares a process with the student's code, which may change any of it. So nothing that
this side says is believed, but as an answer to be judged.
"""

import __future__

import ast
import asyncio
import inspect
import io
import linecache
import os
import pickle
import signal
import sys
import time
import traceback
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, cast

import numpy as np

from springdrift_agents import course
from springdrift_agents.course import cells, protocol
from springdrift_agents.course.exercise import Verdict
from springdrift_agents.course.magics import Shell

LONGEST_TEXT = 300  # of a message of an error
MOST_ITEMS = 100_000  # of what is iterated over from afar
AGAIN = 1.0  # seconds until a cell that caught its alarm gets the next


class TooSlow(BaseException):
    """The time of a cell or of a call is over."""


class Server:
    """Reads requests, and answers them with what the student's code makes of them."""

    def __init__(self, requests: int, answers: int) -> None:
        self.requests, self.answers = os.fdopen(requests, "rb"), answers
        self.held: list[Any] = []  # what references point to
        self.turn = ""  # token of the request that is being answered
        self.module = types.ModuleType("__main__")
        shell = Shell(lambda source: self._execute(cells.runnable(source), "<magic>"))
        vars(self.module).update(display=lambda *_, **__: None, get_ipython=lambda: shell)
        self.flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT  # and those of future statements so far
        self.loop: asyncio.AbstractEventLoop | None = None

    def say(self, tree: dict[str, Any]) -> None:
        """A message to the judge's side."""
        data = memoryview(protocol.pack({**tree, "turn": self.turn}))
        while data:
            data = data[os.write(self.answers, data) :]

    def serve(self) -> None:
        """Answer requests until there are no more."""
        while head := self.requests.read(protocol.HEAD.size):
            (count,) = protocol.HEAD.unpack(head)
            request = _Unpickler(io.BytesIO(self.requests.read(count)), self.held).load()
            task, self.turn = request.pop("op"), request.pop("turn")
            if task == "run":
                self.run(**request)
            else:
                self.answer(task, request)

    def run(self, data: bytes, file: str, skip: Sequence[int], limit: float, total: float) -> None:
        """Run a submission without the cells of ``skip``: ``limit`` seconds for each, ``total`` for all."""
        self.module.__file__ = os.path.abspath(file)
        sys.argv = [file]
        sys.modules["__main__"] = self.module
        try:
            pieces = cells.split(data, file.endswith(".ipynb"))
        except SyntaxError as wrong:
            if wrong.lineno is None:
                return self.say({"unreadable": _short(wrong.msg)})
            return self.say({"unreadable": f"syntax error in line {wrong.lineno}: {_short(wrong.msg)}"})
        except Exception as wrong:
            return self.say({"unreadable": _short(str(wrong) or type(wrong).__name__)})
        end = time.monotonic() + total
        for number, cell in enumerate(pieces):
            if number in skip:
                continue
            about = {"cell": number, "label": cell.label[:40], "binds": cells.binds(cell.source)[:50]}
            left = end - time.monotonic()
            if left <= 0:
                return self.say({**about, "stopped": number})
            self.say(about)
            try:
                with alarm(min(limit, left)):
                    # lines before it, so that errors tell the line of the file
                    self._execute("\n" * (cell.line - 1) + cell.source, f"<{file}, {cell.label}>")
            except BaseException as wrong:
                self.say({"failed": number, **_described(wrong)})
        self.say({"ran": len(pieces)})

    def _execute(self, source: str, name: str) -> None:
        """Run code in the submission's names; what awaits at its top level does so in a loop of asyncio."""
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        code = compile(source, name, "exec", self.flags, dont_inherit=True)
        self.flags |= code.co_flags & FUTURE
        if not code.co_flags & inspect.CO_COROUTINE:
            exec(code, vars(self.module))
            return
        if self.loop is None:
            self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(eval(code, vars(self.module)))

    def answer(self, task: str, request: dict[str, Any]) -> None:
        """Do what a request asks for and send the value, or what was raised."""
        try:
            with alarm(request.pop("limit")):
                value = getattr(self, f"do_{task}")(**request)
                message = {"value": protocol.encode(value, self.hold)}
                protocol.pack(message)  # too large a value is an error of the one who made it
        except BaseException as wrong:
            message = {"raised": _described(wrong)}
        self.say(message)

    def do_names(self) -> list[str]:
        """The names that the submission defined."""
        return [name for name in vars(self.module) if isinstance(name, str) and not name.startswith("_")]

    def do_get(self, name: str) -> Any:
        """What a name stands for."""
        return vars(self.module)[name]

    def do_call(self, function: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """What a function returns."""
        return function(*arguments, **named)

    def do_attribute(self, value: Any, name: str) -> Any:
        """An attribute of an object."""
        return getattr(value, name)

    def do_items(self, value: Any) -> list[Any]:
        """What iterating over an object gives, at most so many."""
        return list(islice(iter(value), MOST_ITEMS))

    def do_item(self, value: Any, key: Any) -> Any:
        """An item of an object."""
        return value[key]

    def do_length(self, value: Any) -> int:
        """How long an object says it is."""
        return len(value)

    def do_policy(self) -> Any:
        """A decider for the policy of the submission."""
        return Decider(vars(self.module))

    def hold(self, value: Any) -> int:
        """Keep an object that the judge's side may name."""
        self.held.append(value)
        return len(self.held) - 1


FUTURE = 0
for _name in __future__.all_feature_names:
    FUTURE |= getattr(__future__, _name).compiler_flag


class _Unpickler(pickle.Unpickler):
    """Reads requests; the references in them become what they point to."""

    def __init__(self, file: Any, held: list[Any]) -> None:
        super().__init__(file)
        self.held = held

    def persistent_load(self, pid: Any) -> Any:
        return self.held[pid]


class Decider:
    """A student's policy, ``policy()`` or ``Policy()``, whose memory stays on this side."""

    def __init__(self, names: dict[str, Any]) -> None:
        found = names.get("policy", names.get("Policy"))
        if found is None:
            raise NameError("there is neither a function policy() nor a class Policy")
        # policy = Policy() is as good
        self.policy = found if hasattr(found, "predict") and not isinstance(found, type) else found()
        if not callable(getattr(self.policy, "predict", None)):
            raise TypeError(f"{type(self.policy).__name__} has no method predict")
        self.memory: Any = None

    def __call__(self, observation: Any, start: Any, first: bool) -> Any:
        """Decisions for observations (n, D)."""
        memory = None if first else self.memory
        found = self.policy.predict(observation, state=memory, episode_start=start, deterministic=True)
        if not isinstance(found, tuple) or len(found) != 2:
            raise TypeError(f"predict must return (decisions, memory), it returned {type(found).__name__}")
        self.memory = found[1]
        return np.asarray(found[0])


@contextmanager
def alarm(limit: float) -> Iterator[None]:
    """Raise TooSlow after ``limit`` seconds, and again each second, should it have been caught."""

    def ring(*_: Any) -> None:
        raise TooSlow(f"took longer than {limit:.3g} s")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, limit, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)


def _described(wrong: BaseException) -> dict[str, Any]:
    """An exception: its class, the classes above it, what it says, and the line of the submission."""
    try:
        own = isinstance(wrong, SyntaxError) and str(wrong.filename).startswith("<")
        text = str(wrong.msg if own and isinstance(wrong, SyntaxError) else wrong)  # the line is told anyway
    except Exception:
        text = ""
    line = wrong.lineno if isinstance(wrong, SyntaxError) else None
    for frame, at in traceback.walk_tb(wrong.__traceback__):
        if frame.f_code.co_filename.startswith("<"):
            line = at
    names = [kind.__name__ for kind in type(wrong).__mro__]
    return {"error": names[0], "bases": names[1:-1], "text": _short(text), "line": line}


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def _later(exercise: str, answer: Any) -> Verdict:
    """In place of ``check``: a submission is judged from outside, when it has run.

    Not passed, so that a lesson does not go on with an answer that may be none.
    """
    return Verdict(exercise, False, "judged when all has run", answered=False)


def main() -> None:
    """Serve the two pipes whose numbers are the arguments."""
    cast(Any, course).check = _later
    cast(Any, course).total = lambda lesson: None
    sys.path.insert(0, os.getcwd())  # a policy may come with files of its own
    server = Server(*map(int, sys.argv[1:3]))
    server.say({"ready": True})
    server.serve()
