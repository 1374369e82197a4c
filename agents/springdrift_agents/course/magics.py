"""What a notebook's magics do where there is no IPython shell: they run the code that they were given.

``%time``, ``%prun``, ``%%capture`` and the like run their code and bind its names; ``%timeit``, which binds
none, does not; everything else (plots inline, shell commands, questions) does nothing.
"""

import getopt
from collections.abc import Callable
from typing import Any

# by name of a magic: its options, as getopt takes them
OPTIONS: dict[str, tuple[str, list[str]]] = {"time": ("", ["no-raise-error"]), "prun": ("D:l:rs:T:q", [])}


class Shell:
    """In place of IPython's shell, for the calls that its transformer writes into a cell.

    Args:
        execute: runs code in the submission's own names.
    """

    def __init__(self, execute: Callable[[str], None]) -> None:
        self.execute = execute

    def run_line_magic(self, name: str, line: str, _stack_depth: int = 1) -> None:
        """Run the statement behind ``%time`` or ``%prun``; nothing for any other magic."""
        if name in ("time", "prun"):
            self.execute(self._statement(name, line))

    def run_cell_magic(self, name: str, line: str, cell: str) -> None:
        """Run the cell below ``%%time``, ``%%prun`` or ``%%capture``; nothing for any other magic."""
        if name == "time":
            self.execute(f"{self._statement(name, line)}\n{cell}")
        elif name in ("prun", "capture"):
            self.execute(cell)

    def getoutput(self, command: str, *_: Any, **__: Any) -> list[str]:
        """The lines that a shell command prints: none, as there is no shell."""
        return []

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Any other method of IPython's shell does nothing."""
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: None

    @staticmethod
    def _statement(name: str, line: str) -> str:
        short, long = OPTIONS[name]
        words = line.split(" ")
        try:
            _, rest = getopt.getopt(words, short, long)
        except getopt.GetoptError:
            return line
        return " ".join(rest)
