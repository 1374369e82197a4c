"""Fast mode: lessons on little data, which say so wherever they show a result.

``SPRINGDRIFT_FAST=1`` turns it on. In a notebook a line stands under each cell that shows something; a script
says it in its first and its last line.
"""

import atexit
import os
import sys
from collections.abc import Callable
from typing import Any

from springdrift_agents.course.exercise import Score, Verdict
from springdrift_agents.text import say

LINE = "fast mode, little data: the numbers differ from those in the text"
QUIET = (type(None), Verdict, Score)  # results that are the same in both modes

_announced = False


def is_on() -> bool:
    """Whether lessons run in fast mode.

    >>> from unittest.mock import patch
    >>> with patch.dict(os.environ, SPRINGDRIFT_FAST="0"):
    ...     is_on()
    False
    """
    return os.environ.get("SPRINGDRIFT_FAST", "") not in ("", "0")


def announce() -> None:
    """Let this process say that it runs in fast mode; the second call does nothing."""
    global _announced
    if _announced:
        return
    _announced = True
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None:
        _under_cells(shell)
    elif hasattr(sys.modules.get("__main__"), "__file__"):
        say(LINE)
        atexit.register(say, LINE)


def _under_cells(shell: Any) -> None:
    """Print the line under each cell that printed, drew or ended with a value."""
    shown = False

    def noted(write: Any) -> Callable[..., Any]:
        if hasattr(write, "noted"):
            return write

        def writing(*args: Any, **named: Any) -> Any:
            nonlocal shown
            shown = True
            return write(*args, **named)

        writing.noted = True  # type: ignore[attr-defined]
        return writing

    def before(_: Any = None) -> None:
        nonlocal shown
        shown = False
        # anew in each cell, since IPython may put back what was there before one
        sys.stdout.write = noted(sys.stdout.write)  # type: ignore[method-assign]
        shell.display_pub.publish = noted(shell.display_pub.publish)

    def after(done: Any) -> None:
        if shown or not isinstance(done.result, QUIET):
            say(LINE)

    shell.events.register("pre_run_cell", before)
    shell.events.register("post_run_cell", after)
