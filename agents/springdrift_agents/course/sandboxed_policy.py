"""A policy that lives in a sandbox: observations go in, decisions come out, and both are looked at."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift import THREE_ACTIONS
from springdrift_agents.course.sandbox import Ended, Raised, Sandbox, TooSlow, said

LOAD = "policy.py"


class Disqualified(Exception):
    """A policy that cannot go on; the message says why."""


class SandboxedPolicy:
    """A policy in a sandbox, as ``evaluate`` takes it; its memory stays there.

    Args:
        sandbox: where it lives.
        seconds: to load it and for all of its decisions.
    """

    def __init__(self, sandbox: Sandbox, seconds: float) -> None:
        self.sandbox, self.seconds = sandbox, seconds
        self.spent = 0.0  # seconds, on waiting for it
        self.decide: Any = None
        self.cycle = 0

    def load(self, data: bytes) -> None:
        """Run the policy's file and make the policy.

        Raises:
            Disqualified: it fails, or there is none in it.
        """
        with self._clock():
            self._run(data)
        self.decide = self._ask("policy")

    def _run(self, data: bytes) -> None:
        self.sandbox.within(self.seconds)
        request: dict[str, Any] = {"data": data, "file": LOAD, "skip": []}
        self.sandbox.send("run", **request, limit=self.seconds, total=self.seconds)
        while True:
            message = self.sandbox.receive()
            if "unreadable" in message:
                raise Disqualified(f"{LOAD}: {message['unreadable']}")
            if "failed" in message:
                line = message.get("line")
                place = f", line {line}" if isinstance(line, int) else ""
                raise Disqualified(f"{LOAD}{place}: {said(message)}")
            if "ran" in message:
                return

    @contextmanager
    def _clock(self) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.spent += time.monotonic() - began

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[Any, Any]:
        """Decisions (n,) for observations (n, D).

        Raises:
            Disqualified: it failed, was too slow, or decided what cannot be done.
        """
        self.cycle = 0 if state is None else self.cycle + 1
        sent = (np.array(observation), np.array(episode_start), state is None)
        found = self._ask("call", function=self.decide, arguments=sent, named={})
        return self._legal(found, len(observation)), True

    def _ask(self, op: str, **request: Any) -> Any:
        when = f"cycle {self.cycle}: " if op == "call" else ""
        self.sandbox.within(max(self.seconds - self.spent, 0.0))
        try:
            with self._clock():
                found = self.sandbox.ask(op, **request)
            self.sandbox.forget()  # decisions are never given back
            return found
        except Raised as raised:
            if raised.what.get("error") == "TooSlow":
                raise Disqualified(f"{when}too slow: {self.seconds:g} s were over") from None
            line = raised.what.get("line")
            place = f"line {line}: " if isinstance(line, int) else ""
            raise Disqualified(f"{when}{place}{raised}") from None
        except TooSlow:
            raise Disqualified(f"{when}too slow: {self.seconds:g} s were over") from None
        except Ended as ended:
            raise Disqualified(f"{when}{ended}") from None

    def _legal(self, found: Any, count: int) -> NDArray[np.int64]:
        when = f"cycle {self.cycle}: "
        if not isinstance(found, np.ndarray):
            raise Disqualified(f"{when}decisions must be numbers, got objects such as None")
        if found.dtype.kind not in "iuf":
            raise Disqualified(f"{when}decisions must be numbers, got {found.dtype}")
        if found.shape != (count,):
            raise Disqualified(
                f"{when}{count} worlds want decisions of shape ({count},), got {found.shape}: "
                "predict takes a batch"
            )
        if not np.isfinite(found).all():
            raise Disqualified(f"{when}a decision is {found[~np.isfinite(found)][0]}")
        allowed = np.isin(found, range(THREE_ACTIONS.n))
        if not allowed.all():
            known = ", ".join(f"{number} ({name})" for number, name in enumerate(THREE_ACTIONS.names))
            raise Disqualified(f"{when}a decision is {found[~allowed][0]}; allowed: {known}")
        return found.astype(np.int64)
