"""Text on its way out: one function for each place where a name could be read as something else."""

import codecs
import re
import sys
from typing import Any, TextIO

# what stands for a character that a stream cannot write
PLAIN = str.maketrans(
    {
        **dict.fromkeys("–—−‒", "-"),
        **dict.fromkeys("·•", "*"),
        **dict.fromkeys("“”", '"'),
        **dict.fromkeys("‘’", "'"),
        **dict.fromkeys("─━═╌", "-"),
        **dict.fromkeys("│┃║", "|"),
        **{"→": "->", "←": "<-", "↑": "^", "↓": "v", "…": "...", "×": "x", "±": "+/-", "≤": "<=", "≥": ">="},
        **{
            "≈": "~",
            "σ": "sigma",
            "μ": "mu",
            "α": "alpha",
            "π": "pi",
            "Δ": "delta",
            "√": "sqrt ",
            "°": " deg",
        },
        **{"✓": "ok", "✗": "x", "○": "o", "²": "^2", "³": "^3", "½": "1/2", "₀": "0", "₁": "1", "␣": "space"},
    }
)


def plainly(wrong: UnicodeError) -> tuple[str, int]:
    """Error handler of codecs: what cannot be encoded is written in plain letters, else as ``?``.

    >>> "3 ± 1 → ok ✓ 漢".encode("ascii", "springdrift-plainly").decode()
    '3 +/- 1 -> ok ok ?'
    """
    if not isinstance(wrong, UnicodeEncodeError):
        raise wrong
    said = wrong.object[wrong.start : wrong.end].translate(PLAIN)
    return "".join(letter if letter.isascii() else "?" for letter in said), wrong.end


codecs.register_error("springdrift-plainly", plainly)


def forgive(*streams: Any) -> None:
    """Let streams write text of any language: a table is not lost for a dash that a console lacks."""
    for stream in streams:
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure and not str(getattr(stream, "encoding", "") or "").lower().startswith("utf"):
            reconfigure(errors="springdrift-plainly")


def say(text: Any, stream: TextIO | None = None) -> None:
    """Print a text, in plain letters where the stream has no others; it never raises UnicodeEncodeError."""
    to = stream or sys.stdout
    encoding = getattr(to, "encoding", None) or "utf-8"
    print(str(text).encode(encoding, "springdrift-plainly").decode(encoding), file=to)


def one_line(said: object) -> str:
    """What somebody else's code said, in one line.

    >>> one_line(ValueError("near line 1:\\n   column 2"))
    'near line 1: column 2'
    """
    return " ".join(str(said).split())


def tidy(text: str) -> str:
    """A name without anything that a terminal would obey."""
    return "".join(letter for letter in text if letter.isprintable())


FORMULA = re.compile(r"(^|[;\t\r\n|])(\s*)(?=[=+\-@＝＋－＠])")


def inert(value: Any) -> Any:
    """A value for a table: a spreadsheet would run a text that begins like a formula.

    It would also cut a line at a semicolon or tab, so that a formula can begin behind one.

    >>> inert("=1+1"), inert(";=1+1"), inert("＝1+1"), inert("4 - 2"), inert(-2)
    ("'=1+1", ";'=1+1", "'＝1+1", '4 - 2', -2)
    """
    return FORMULA.sub(r"\1\2'", value) if isinstance(value, str) else value


def cell(text: str) -> str:
    """A name for a file of a table: no formula, and nothing that a terminal would obey.

    >>> cell("=1+2"), cell("Ann\x1b[31m"), cell("Ann")
    ("'=1+2", 'Ann[31m', 'Ann')
    """
    return str(inert(tidy(text)))


def label(text: str) -> str:
    """A name for a picture of Matplotlib's: no formula between dollars, and no legend that leaves it out.

    >>> label("cost in $ or $US"), label("_mine")
    ('cost in \\\\$ or \\\\$US', '\\u200b_mine')
    """
    return ("\u200b" if text.startswith("_") else "") + text.replace("$", r"\$")
