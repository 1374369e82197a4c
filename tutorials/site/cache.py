"""Results of pages, kept by what they rest on: a page is run again only when some of that has changed."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from springdrift_agents.evaluation.provenance import everything
from springdrift_agents.files import write_text


def key(notebook: Any, surroundings: Mapping[str, str]) -> str:
    """A name for a page's results: of its code, of what the code finds set, and of all that it may use."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    found = {name: text for name, text in surroundings.items() if name != "PATH"}
    text = json.dumps([code, found, everything()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def recall(notebook: Any, folder: Path, name: str) -> bool:
    """Put kept results into a page; false when there are none, or they are damaged."""
    from nbformat import NotebookNode, from_dict

    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    try:
        kept = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        if kept["sha256"] != _digest(kept["cells"]) or len(kept["cells"]) != len(code):
            return False
        results = [(cell["execution_count"], list(map(from_dict, cell["outputs"]))) for cell in kept["cells"]]
    except (OSError, ValueError, TypeError, KeyError):
        return False
    if not all(isinstance(one, NotebookNode) for _, outputs in results for one in outputs):
        return False
    for cell, (count, outputs) in zip(code, results, strict=True):
        cell.execution_count, cell.outputs = count, outputs
    return True


def keep(notebook: Any, folder: Path, name: str) -> None:
    """Keep the results of a page."""
    cells = [
        {"execution_count": cell.execution_count, "outputs": cell.outputs}
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
    write_text(folder / f"{name}.json", json.dumps({"sha256": _digest(cells), "cells": cells}))


def _digest(cells: Any) -> str:
    return hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()
