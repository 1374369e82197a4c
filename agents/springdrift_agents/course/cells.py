"""A submission in pieces that run one after the other: cells, or the statements of a plain script.

This reads what students wrote, so it runs in the sandbox alone: a parser can be made to crash.
"""

import ast
import json
import re
from typing import NamedTuple

CELL = re.compile(r"^# ?(?:%%(.*)|In\[.*\]:.*)$", re.MULTILINE)  # jupytext's marks, and nbconvert's
BOUND = re.compile(r"^(?:def|class)\s+(\w+)|^(\w+)\s*(?::[^=\n]+)?=(?!=)", re.MULTILINE)
MAGIC = re.compile(r"^[ \t]*[%!?].*$|^.*\?$", re.MULTILINE)


class Cell(NamedTuple):
    """A piece of code."""

    label: str  # what a person calls it: "cell 3 (line 40)"
    line: int  # of the file (of the cell, in a notebook) that its first line is
    source: str


def split(text: str, notebook: bool) -> list[Cell]:
    """The code of a submission, in order.

    A notebook and a percent-format script have cells; any other script is taken statement by statement,
    so that one which fails costs nothing but itself.

    Raises:
        ValueError: not a notebook.
        SyntaxError: a plain script that Python cannot read.

    >>> [cell.label for cell in split("# %% [markdown]\\n# Hello\\n# %%\\nx = 1\\n", notebook=False)]
    ['cell 1 (line 4)']
    >>> [cell.label for cell in split("x = 1\\ny = x +\\\\\\n  2\\n", notebook=False)]
    ['line 1', 'line 2']
    """
    if notebook:
        return _of_notebook(text)
    return _of_percent(text) if CELL.search(text) else _of_plain(text)


def _of_notebook(text: str) -> list[Cell]:
    try:
        cells = json.loads(text)["cells"]
        sources = [_joined(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, TypeError, KeyError, RecursionError) as wrong:
        raise ValueError(f"not a notebook of format 4 ({type(wrong).__name__}: {wrong})") from None
    return [Cell(f"cell {number}", 1, runnable(source)) for number, source in enumerate(sources, start=1)]


def _joined(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def _of_percent(text: str) -> list[Cell]:
    marks = list(CELL.finditer(text))
    pieces = [("", 0, marks[0].start())]
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        pieces.append((mark[1] or "", mark.end() + 1, after.start() if after else len(text)))
    cells: list[Cell] = []
    for title, first, last in pieces:
        source = text[first:last]
        if re.search(r"\[(markdown|md|raw)\]", title) or not source.strip():
            continue
        line = text.count("\n", 0, first) + 1
        if first == 0 and _is_header(source):
            continue
        cells.append(Cell(f"cell {len(cells) + 1} (line {line})", line, runnable(source)))
    return cells


def _is_header(source: str) -> bool:
    """Whether there is nothing but comments, such as jupytext's header."""
    return all(not line.strip() or line.lstrip().startswith("#") for line in source.splitlines())


def _of_plain(text: str) -> list[Cell]:
    lines = text.splitlines(keepends=True)
    spans: list[list[int]] = []
    for node in ast.parse(text).body:
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
        last = node.end_lineno or first
        if spans and first <= spans[-1][1]:
            spans[-1][1] = last  # statements that share a line
        else:
            spans.append([first, last])
    return [Cell(f"line {first}", first, "".join(lines[first - 1 : last])) for first, last in spans]


def runnable(source: str) -> str:
    """Code without the lines that only a notebook understands: magics, shell commands, questions.

    >>> runnable("%matplotlib inline\\nx = 1 % 2\\n!pip install this")
    'pass\\nx = 1 % 2\\npass'
    """
    if source.lstrip().startswith("%%"):
        name, _, rest = source.lstrip().partition("\n")
        return f"pass\n{rest}" if name.split()[0] in ("%%time", "%%timeit", "%%capture") else "pass"
    try:
        ast.parse(source)
    except SyntaxError:
        return MAGIC.sub(lambda found: " " * _indent(found[0]) + "pass", source)
    except (ValueError, RecursionError, MemoryError):
        pass  # it will fail when it runs, and be reported then
    return source


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def binds(source: str) -> list[str]:
    """The names that a cell is to give a value at its top level, as far as the text shows.

    >>> binds("period = 2.0\\ndef swing(x):\\n    y = x")
    ['period', 'swing']
    """
    return [first or second for first, second in BOUND.findall(source)]
