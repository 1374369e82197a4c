"""Sphinx's settings for the site; ``build.py`` puts the pages together and runs it."""

import html
import inspect
import re
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

import generated

OPTION = re.compile(r"(?<![\w-])(--[a-z][\w-]*)")  # of a command line
logger = logging.getLogger(__name__)
project = "springdrift"
author = copyright = "springdrift contributors"

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "myst_nb"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

nb_execution_mode = "off"  # outputs are there already
nb_output_stderr = "remove"

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "none"  # docstrings give shapes and units
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = "springdrift"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_math_renderer = "mathml"
templates_path = ["_templates"]
pygments_style = "friendly"
python_maximum_signature_line_length = 88


def own_members(app: Sphinx, what: str, name: str, member: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what a module imports from other packages."""
    home = getattr(member, "__module__", None) or "springdrift"
    return None if home.partition(".")[0] in ("springdrift", "springdrift_agents") else True


def docstring(app: Sphinx, what: str, name: str, kind: Any, options: Any, lines: list[str]) -> None:
    """Make a docstring fit for Sphinx: bars are text, options code, and each source has its own line."""
    example, found = False, []
    for line in lines:
        example = line.lstrip().startswith(">>> ") or (example and bool(line.strip()))
        if re.match(r"\[\d\] ", line):
            found.append("")
        if not example and "``" not in line:
            line = OPTION.sub(r"``\1``", line).replace("|", r"\|")
        found.append(line)
    lines[:] = found


def field_notes(app: Sphinx, what: str, name: str, kind: Any, options: Any, lines: list[str]) -> None:
    """Give the fields of a class the comments that stand behind them."""
    if what != "class" or not inspect.isclass(kind):
        return
    said = generated.notes(kind)
    known = getattr(kind, "__dataclass_fields__", None) or getattr(kind, "_fields", ())
    rows = [f":param {field}: {said[field]}" for field in known if field in said]
    if rows and not any(line.startswith(":param ") for line in lines):
        end = next((n for n, line in enumerate(lines) if line.startswith((">>> ", ":raises "))), len(lines))
        lines[end:end] = ["", *(re.sub(r"([*|])", r"\\\1", row) for row in rows), ""]


def spelled_out(text: str) -> str:
    r"""A formula as docutils reads it: it takes the 12 of ``\frac12`` for a number.

    >>> print(spelled_out(r"\tfrac12 k A^2 + \dots"))
    \tfrac{1}{2} k A^2 + \ldots
    """
    return re.sub(r"(\\[dt]?frac)(\d)(\d)", r"\1{\2}{\3}", text).replace(r"\dots", r"\ldots")


def formula(self: Any, node: nodes.Element) -> None:
    """A formula as MathML, which browsers draw without a network."""
    block, text = isinstance(node, nodes.math_block), spelled_out(node.astext())
    try:
        markup = re.sub(r"\n\s*", "", tex2mathml(text, as_block=block))
    except MathError as wrong:
        logger.warning("the formula %s cannot be drawn: %s", text, wrong, location=node)
        markup = f"<code>{html.escape(text)}</code>"
    self.body.append(f'<div class="math">{markup}</div>' if block else markup)
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls first."""
    app.connect("autodoc-skip-member", own_members)
    app.connect("autodoc-process-docstring", docstring, priority=100)  # before napoleon
    app.connect("autodoc-process-docstring", field_notes, priority=900)  # after napoleon
    app.add_html_math_renderer("mathml", (formula, None), (formula, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
