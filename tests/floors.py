"""The lowest versions that pyproject.toml allows, as requirements of exactly them: ``make test-floors``."""

import re
import sys
import tomllib
from pathlib import Path

EXTRAS = ("cli", "render", "threads", "advise", "data")


def floors(pyproject: Path, extras: tuple[str, ...] = EXTRAS) -> list[str]:
    """Each dependency of the package and of some extras, pinned to its floor.

    Raises:
        ValueError: one has no floor.
    """
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(one for name in extras for one in project["optional-dependencies"][name]),
    ]
    pinned = []
    for one in dict.fromkeys(wanted):
        name, floor, marker = (
            re.fullmatch(r"([\w.-]+)>=([\d.]+)[^;]*(;.*)?", one).groups() if ">=" in one else (one, "", "")
        )
        if not floor:
            raise ValueError(f"{one} has no floor in {pyproject}")
        pinned.append(f"{name}=={floor}{marker or ''}")
    return sorted(dict.fromkeys(pinned))


if __name__ == "__main__":
    sys.stdout.write("\n".join(floors(Path("pyproject.toml"))) + "\n")
