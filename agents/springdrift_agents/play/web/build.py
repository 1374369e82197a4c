"""Put the page together: one HTML file that asks for nothing, from its sources and what Python exports."""

import html
import json
import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from springdrift_agents.files import write_text
from springdrift_agents.play.feedback import SENTENCES
from springdrift_agents.play.web import data

PAGE = Path(__file__).with_name("page")
TEXTS = PAGE / "texts.json"
_SCENES = ("scene", "series_scene", "charts", "panels")
MODULES = (  # each uses those before it alone
    *("texts", "kernel", "episode", "machine", "series", "worlds", "link", "lesson", "palette"),
    *(*_SCENES, "scores", "card", "game", "guide", "levels", "page"),
)
REPORT = (*MODULES[: MODULES.index("panels") + 1], "report")
_PLACE = re.compile(r"\{\{([\w.]+)\}\}")
_IMPORT = re.compile(r"^import \{[^}]*\} from \"[^\"]*\";\n", re.MULTILINE)


def build(folder: Path, texts: Path = TEXTS) -> Path:
    """Write the game as ``index.html`` into a folder, with the texts of a table; returns the file.

    Raises:
        ValueError: a table that is no JSON or lacks texts; says which.
    """
    said = texts_of(texts)
    told = {**data.page(), "texts": {**said, "sentences": {**SENTENCES, **said.get("sentences", {})}}}
    out = folder / "index.html"
    write_text(out, filled("index.html", told, code_of(MODULES), said))
    return out


def texts_of(path: Path) -> dict[str, Any]:
    """A table of texts, with every text that the page needs.

    Raises:
        ValueError: no JSON, or texts that are missing or of another kind.
    """
    english = json.loads(TEXTS.read_text(encoding="utf-8"))
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as wrong:
        raise ValueError(f"{path} is no JSON: {wrong}") from wrong
    missing = sorted(set(_keys(english)) - set(_keys(found)))
    if missing:
        raise ValueError(f"{path} lacks {len(missing)} texts: {', '.join(missing[:8])}")
    return dict(found)


def _keys(table: Any, before: str = "") -> list[str]:
    if not isinstance(table, dict):
        return [f"{before}:{type(table).__name__}"]
    return [
        key for name, part in table.items() for key in _keys(part, f"{before}.{name}" if before else name)
    ]


def code_of(modules: tuple[str, ...]) -> str:
    """The modules as one: what they import from each other stands before them, so nothing is imported."""
    parts = [(PAGE / f"{name}.js").read_text(encoding="utf-8") for name in modules]
    return "\n".join(re.sub(r"^export ", "", _IMPORT.sub("", part), flags=re.MULTILINE) for part in parts)


def filled(page: str, told: Mapping[str, Any], code: str, texts: Mapping[str, Any], style: str = "") -> str:
    """A page with its texts, style, code and data in their places, and a policy that allows these alone."""
    style = (PAGE / "style.css").read_text(encoding="utf-8") + style
    policy = (
        f"default-src 'none'; script-src '{_hash(code)}' 'wasm-unsafe-eval'; style-src '{_hash(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    # "<" in no form ends a script
    numbers = json.dumps(told, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    parts = {"style": style, "code": code, "data": numbers, "policy": policy}

    def part(match: re.Match[str]) -> str:
        name = match[1]
        if name in parts:
            return parts[name]
        found: Any = texts
        for key in name.split("."):
            found = found[key]
        return html.escape(str(found))

    return _PLACE.sub(part, (PAGE / page).read_text(encoding="utf-8"))


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
