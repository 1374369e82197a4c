"""A submission in pieces that run one after the other: cells, or the statements of a plain script.

Source is decoded as Python does it, and cells are read as IPython reads them. This parses what students
wrote, so it runs in the sandbox alone: a parser can be made to crash.
"""

import ast
import io
import json
import re
import tokenize
from importlib.util import decode_source
from typing import NamedTuple

MARK = re.compile(r"^# ?(?:%%(.*)|In\[.*\]:.*)$", re.MULTILINE)  # jupytext's, and nbconvert's
BOUND = re.compile(r"^(?:def|class)\s+(\w+)|^(\w+)\s*(?::[^=\n]+)?=(?!=)", re.MULTILINE)
UNCLOSED = (
    "EOF in multi-line string",
    "unterminated triple-quoted",
)  # as Python 3.11, and later ones, say it


class Cell(NamedTuple):
    """A piece of code."""

    label: str  # what a person calls it: "cell 3 (line 40)"
    line: int  # of the file (of the cell, in a notebook) that its first line is
    source: str


def split(data: bytes, notebook: bool) -> list[Cell]:
    """The code of a submission, in order.

    A notebook and a percent-format script have cells; any other script is taken statement by statement,
    so that one which fails costs nothing but itself.

    Raises:
        ValueError: not a notebook.
        SyntaxError: a plain script that Python cannot read.

    >>> [cell.label for cell in split(b"# %% [markdown]\\n# Hello\\n# %%\\nx = 1\\n", notebook=False)]
    ['cell 1 (line 4)']
    >>> [cell.label for cell in split(b"x = 1\\ny = x +\\\\\\n  2\\n", notebook=False)]
    ['line 1', 'line 2']
    """
    if notebook:
        return _of_notebook(data)
    text = _decoded(data)
    marks = _marks(text)
    return _of_percent(text, marks) if marks else _of_plain(text)


def _decoded(data: bytes) -> str:
    """The text of a script: its encoding is UTF-8 or what it declares, its line ends are made alike."""
    if b"\0" in data:
        raise SyntaxError("not a text file: there are null bytes in it")
    try:
        return decode_source(data)
    except UnicodeDecodeError as wrong:
        raise SyntaxError(f"it is not {wrong.encoding}, nor does it declare another encoding") from None


def _of_notebook(data: bytes) -> list[Cell]:
    try:
        cells = json.loads(data)["cells"]
        sources = [_joined(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, TypeError, KeyError, RecursionError) as wrong:
        raise ValueError(f"not a notebook of format 4 ({type(wrong).__name__}: {wrong})") from None
    return [Cell(f"cell {number}", 1, runnable(source)) for number, source in enumerate(sources, start=1)]


def _joined(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def _marks(text: str) -> list[re.Match[str]]:
    """Where cells begin: marks that are comments, and no part of a text in triple quotes."""
    found = list(MARK.finditer(text))
    kept: list[re.Match[str]] = []
    last, place = 0, 0
    while place < len(found):
        after = place
        if _is_open(text[last : found[place].start()]):  # then the text ends at a later mark, or never
            ends = (found[later].start() for later in range(place + 1, len(found)))
            closed = (later for later, end in enumerate(ends, place + 1) if not _is_open(text[last:end]))
            after = next(closed, place if _is_open(text[last:]) else len(found))
        if after == len(found):
            break
        kept.append(found[after])
        last, place = found[after].end(), after + 1
    return kept


def _is_open(source: str) -> bool:
    """Whether code ends within a text in triple quotes."""
    try:
        for _ in tokenize.generate_tokens(io.StringIO(source).readline):
            pass
    except tokenize.TokenError as wrong:
        return str(wrong.args[0]).startswith(UNCLOSED)
    except (SyntaxError, ValueError):
        pass
    return False


def _of_percent(text: str, marks: list[re.Match[str]]) -> list[Cell]:
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
    return all(not line.strip() or line.lstrip().startswith("#") for line in source.split("\n"))


def _of_plain(text: str) -> list[Cell]:
    lines = text.split("\n")  # as Python counts them: a form feed, say, ends none
    spans: list[list[int]] = []
    for node in ast.parse(text).body:
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
        last = node.end_lineno or first
        if spans and first <= spans[-1][1]:
            spans[-1][1] = last  # statements that share a line
        else:
            spans.append([first, last])
    return [Cell(f"line {first}", first, "\n".join(lines[first - 1 : last])) for first, last in spans]


def runnable(source: str) -> str:
    """A cell as Python: magics, shell commands and questions become calls, as IPython makes them.

    >>> runnable("%time x = 1 % 2")
    "get_ipython().run_line_magic('time', 'x = 1 % 2')\\n"
    >>> runnable("stretch = 1.2  # or degrees?")
    'stretch = 1.2  # or degrees?'
    """
    try:
        ast.parse(source)
        return source  # IPython leaves what Python can read as it is, and takes long to load
    except SyntaxError:
        pass
    except (ValueError, RecursionError, MemoryError):
        return source  # it will fail when it runs, and be reported then
    try:
        from IPython.core.inputtransformer2 import TransformerManager
    except ModuleNotFoundError:
        return source
    transformed: str = TransformerManager().transform_cell(source)
    return transformed


def binds(source: str) -> list[str]:
    """The names that a cell is to give a value at its top level, as far as the text shows.

    >>> binds("period = 2.0\\ndef swing(x):\\n    y = x")
    ['period', 'swing']
    """
    return [first or second for first, second in BOUND.findall(source)]
