"""Notebooks from the lesson scripts, and their outputs where they are wanted."""

import copy
import os
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from springdrift_agents.course import variants
from springdrift_agents.files import write_text

SECONDS = 600  # for a cell, when notebooks are executed
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
KEPT = ("tags", "jupyter")  # metadata of a cell that a notebook keeps: whether its code is folded away
INSTALL = """# Installs springdrift where it is missing, as in a hosted notebook:
# the wheel that lies beside this notebook, or else by its name.
from importlib.util import find_spec
from pathlib import Path

if find_spec("springdrift_agents") is None:
    found = next(iter(sorted(Path().glob("springdrift-*.whl"), reverse=True)), "springdrift")
    %pip install --quiet "{found}[all]"
"""
EXTRAS = re.compile(r"springdrift(\[[a-z,]+\])")  # where a lesson says which it needs
NEEDED = 'notebooks need jupytext, nbclient and ipykernel: pip install "springdrift[notebook]"'


def lessons_folder() -> Path:
    """The folder of the lessons: ``tutorials`` here, the one that came with the package, or the checkout's.

    Raises:
        ValueError: none of them is there.
    """
    here = Path(__file__).resolve()
    for folder in (Path("tutorials"), here.with_name("lessons"), here.parents[3] / "tutorials"):
        if any(folder.glob("lesson*.py")):
            return folder
    raise ValueError("there is no folder tutorials here: name the folder of the lessons with --source")


def scripts(folder: Path) -> list[Path]:
    """The lesson scripts in a folder, in order.

    Raises:
        ValueError: there is none.
    """
    found = sorted(folder.glob("lesson*.py"), key=lambda script: (_number(script), script.name))
    if not found:
        raise ValueError(f"there are no lessons in {folder}: expected files such as lesson1_machine.py")
    return found


def _number(script: Path) -> int:
    named = re.match(r"lesson(\d+)", script.stem)
    return int(named[1]) if named else 0


def to_notebook(script: Path, variant: int = 0) -> Any:
    """A percent-format script as a notebook; the same notebook for the same script and variant.

    Args:
        script: of a lesson.
        variant: of its exercises, see :mod:`springdrift_agents.course.variants`.

    Raises:
        ImportError: jupytext is not installed.
    """
    try:
        import jupytext  # type: ignore[import-untyped, unused-ignore]
    except ModuleNotFoundError:
        raise ImportError(NEEDED) from None
    text = variants.applied(script.read_text(encoding="utf-8"), variant)
    notebook = jupytext.reads(text, fmt="py:percent")
    if variant:
        first = next(cell for cell in notebook.cells if cell.cell_type == "code")
        first.source = variants.line_of(variant) + first.source
    notebook.metadata = {"kernelspec": dict(KERNEL), "language_info": {"name": "python"}}
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
        cell["metadata"] = {name: cell["metadata"][name] for name in KEPT if name in cell["metadata"]}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def with_install(notebook: Any) -> Any:
    """A copy of a notebook whose first cell of code installs springdrift where it is missing.

    With the extras that the notebook says it needs, or with all of them.
    """
    from nbformat.v4 import new_code_cell

    made = copy.deepcopy(notebook)
    said = next(filter(None, (EXTRAS.search(cell.source) for cell in made.cells)), None)
    install = INSTALL.replace("[all]", said[1]) if said else INSTALL
    place = next((n for n, cell in enumerate(made.cells) if cell.cell_type == "code"), len(made.cells))
    made.cells.insert(place, new_code_cell(install.rstrip(), id="install"))
    return made


def execute(
    notebook: Any, folder: Path, seconds: int = SECONDS, surroundings: Mapping[str, str] | None = None
) -> None:
    """Run a notebook in a folder and keep its outputs in it.

    Args:
        notebook: from :func:`to_notebook`, or another of nbformat's.
        folder: where its code runs.
        seconds: that a cell may take.
        surroundings: environment variables set for it beside those of this process.

    Raises:
        ImportError: nbclient or ipykernel is not installed.
        ValueError: a cell failed; which, and how.
    """
    if find_spec("nbclient") is None or find_spec("ipykernel") is None:
        raise ImportError(NEEDED)
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    client = NotebookClient(notebook, timeout=seconds, kernel_name="python3", coalesce_streams=True)
    client.extra_arguments = ["--IPKernelApp.log_level=ERROR"]  # of a warning about its own sockets
    client.resources = {"metadata": {"path": str(folder)}}
    try:
        # a backend named outside would keep the figures out of the notebook
        kept = {name: text for name, text in os.environ.items() if name != "MPLBACKEND"}
        client.execute(env=kept | dict(surroundings or {}))
    except CellExecutionError as wrong:
        raise ValueError(f"a cell raised {wrong.ename}: {wrong.evalue}") from None
    except CellTimeoutError:
        raise ValueError(f"a cell took longer than {seconds} s") from None


def build(
    found: Sequence[Path],
    out: Path,
    run: bool = False,
    done: Callable[[Path], None] = lambda _: None,
    variant: int = 0,
) -> list[Path]:
    """Write a notebook for each script into a folder, executed if ``run``, with the exercises of a variant.

    Raises:
        ImportError: what is needed is not installed.
        ValueError: a cell failed; the notebooks before it are written.
    """
    written = []
    for script in found:
        notebook = to_notebook(script, variant)
        if run:
            out.mkdir(parents=True, exist_ok=True)
            try:
                execute(notebook, out)
            except ValueError as wrong:
                raise ValueError(f"{script.name}: {wrong}") from None
        import nbformat

        path = out / f"{script.stem}.ipynb"
        write_text(path, nbformat.writes(notebook) + "\n")
        written.append(path)
        done(path)
    return written
