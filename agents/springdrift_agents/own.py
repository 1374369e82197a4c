"""What a user names on the command line: ``module:Name`` or ``path/to/file.py:Name``."""

import importlib
import importlib.util
import re
import sys
from hashlib import sha256
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from springdrift.game.arguments import did_you_mean

SPEC = re.compile(r"(?P<place>.+\.py|[A-Za-z_][\w.]*):(?P<name>[A-Za-z_]\w*)(?P<rest>(?::.*)?)")


def is_own(spec: str) -> bool:
    """Whether a text has the form ``module:Name`` or ``file.py:Name``, parameters after it or not.

    >>> is_own("rules.py:Mine"), is_own("lab.rules:Mine:error=0.5"), is_own("threshold:error=0.5")
    (True, True, False)
    """
    return SPEC.fullmatch(spec) is not None


def split(spec: str) -> tuple[str, str, str]:
    """The module or file, the name in it, and what follows: parameters, each after a colon.

    >>> split("rules.py:Mine:error=0.5")
    ('rules.py', 'Mine', ':error=0.5')
    """
    found = SPEC.fullmatch(spec)
    if found is None:
        raise ValueError(f"expected module:Name or file.py:Name, got {spec!r}")
    return found["place"], found["name"], found["rest"]


class _AsItStands(SourceFileLoader):
    """Runs a file as it stands: kept bytecode would pass for one of equal size from the same second."""

    def get_code(self, fullname: str) -> Any:
        return self.source_to_code(self.get_data(self.path), self.path)


def load(place: str, name: str) -> Any:
    """What a module or a file calls by this name. Its code is run.

    Raises:
        ValueError: there is no such file, module or name, or its code fails; which, and what there is.
    """
    module = _from_file(Path(place)) if place.endswith(".py") else _from_name(place)
    if not hasattr(module, name):
        public = sorted(one for one in vars(module) if not one.startswith("_"))
        more = f", and {len(public) - 10} others" if len(public) > 10 else ""
        raise ValueError(
            f"{place} has no {name!r}{did_you_mean(name, public)} Allowed: {', '.join(public[:10])}{more}"
        )
    return getattr(module, name)


def _from_name(place: str) -> ModuleType:
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as missing:
        if missing.name and place.split(".")[0] != missing.name.split(".")[0]:
            raise
        raise ValueError(f"there is no module {place!r}: give an installed one, or path/to/file.py") from None
    except Exception as wrong:
        raise ValueError(f"{place} cannot be imported: {type(wrong).__name__}: {wrong}") from wrong


def _from_file(path: Path) -> ModuleType:
    """The module of a file, run once; a file that has changed since is run anew."""
    try:
        source = path.read_bytes()
    except OSError as wrong:
        raise ValueError(f"{path} cannot be read: {wrong.strerror}") from wrong
    name = f"{path.stem}_{sha256(str(path.resolve()).encode() + source).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    described = importlib.util.spec_from_file_location(name, path, loader=_AsItStands(name, str(path)))
    assert described is not None
    assert described.loader is not None
    module = importlib.util.module_from_spec(described)
    sys.modules[name] = module
    sys.path.insert(0, str(path.resolve().parent))  # it may import its neighbours
    try:
        described.loader.exec_module(module)
    except Exception as wrong:
        del sys.modules[name]
        raise ValueError(f"{path} fails when it is run: {type(wrong).__name__}: {wrong}") from wrong
    finally:
        sys.path.pop(0)
    _travels(module)
    return module


def _travels(module: ModuleType) -> None:
    """Send the module's objects to other processes with their code: nobody there can import it."""
    for name in ("joblib.externals.cloudpickle", "cloudpickle"):
        try:
            importlib.import_module(name).register_pickle_by_value(module)
        except ModuleNotFoundError:
            continue
