"""Install springdrift with everything it can use, and what its tests need, into this Python's environment.

uv does it in a tenth of pip's time. It does not read pip's configuration, so it is told from there where
packages are; where it cannot do it, pip does.
"""

import ast
import os
import subprocess
import sys

WANTED = ("-c", "constraints.txt", "-e", ".[all]", "--group", "dev")
PIP = (sys.executable, "-m", "pip", "install", "--quiet", "-c", "constraints.txt")
SECTIONS = ("global.", "install.", ":env:.")  # of pip's configuration, the one that prevails last
SHARED = ("index-url", "extra-index-url", "find-links", "constraint", "trusted-host")  # options of both


def options(configuration: str) -> list[str]:
    """Options of uv that say what pip's configuration says of where packages are.

    >>> options("global.find-links='/a /b'\\n:env:.index-url='https://here/simple'\\nglobal.index-url='no'")
    ['--index-url', 'https://here/simple', '--find-links', '/a', '--find-links', '/b']
    """
    lines = [line.partition("=") for line in configuration.splitlines()]
    known = {
        name.removeprefix(section): str(ast.literal_eval(value)).split()
        for section in SECTIONS
        for name, _, value in lines
        if name.startswith(section)
    }
    return [part for name in SHARED for value in known.get(name, []) for part in (f"--{name}", value)]


def with_uv() -> bool:
    """Whether uv can be had and has done it."""
    if subprocess.run([*PIP, "uv"], check=False).returncode:
        return False
    said = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True)
    # like pip, the best version of all places, and not that of the first place that has one
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable]
    command += ["--index-strategy", "unsafe-best-match", *options(said.stdout), "pip", *WANTED]
    done = not subprocess.run(command, check=False).returncode
    if not done:
        print("uv cannot do it: pip does, which takes some minutes", file=sys.stderr)
    return done


def with_pip() -> bool:
    """Whether pip has done it."""
    # modules are compiled as they are first imported, by several processes, instead of all of them by one
    return not any(
        subprocess.run([*PIP, *what], check=False).returncode
        for what in (("--upgrade", "pip"), ("--no-compile", *WANTED))
    )


if __name__ == "__main__":
    os.environ.setdefault("UV_HTTP_TIMEOUT", "180")
    sys.exit(not (with_uv() or with_pip()))
