"""How the process of a sandbox ended, in words for a student."""

import signal
from collections.abc import Mapping
from typing import Any

EXCEEDED = {
    "processes": "it started more than {code} processes",
    "memory": "it used more than {megabytes} MB of memory",
    "disk": "it wrote more than {megabytes} MB",
    "files": "it made more than {code} files",
}


def reason(end: Mapping[str, Any]) -> str:
    """What a supervisor's last line means.

    >>> reason({"end": "memory", "code": 2**30})
    'it used more than 1024 MB of memory'
    >>> reason({})
    'it ended the program and its sandbox'
    """
    kind, code = end.get("end"), end.get("code", 0)
    if kind in EXCEEDED:
        return EXCEEDED[kind].format(code=code, megabytes=code // 2**20)
    if kind == "exit":
        return f"it ended the program (exit code {code})"
    if kind == "signal":
        return f"it crashed the program ({_signal(code)})"
    if kind == "set-up":
        return f"the sandbox could not be set up: {end.get('text')}"
    return "it ended the program and its sandbox"


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
