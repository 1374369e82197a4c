"""Build the site: ``make site``, or with options ``python tutorials/site/build.py --help``.

Pages are put together in a folder of their own: those of this folder with the parts that the code writes,
the lessons as notebooks, the teacher's guide, and the game. Their code is run, in full and not in fast mode;
results are kept by what they rest on, so that only what has changed is run again. Sphinx makes HTML of them
with every warning an error, and every link and anchor within the site is followed. Links to other sites need
a network, so they are followed only with ``--external``.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from springdrift_agents.course.notebooks import scripts as scripts_of
from springdrift_agents.play.web import build as web
from springdrift_agents.play.web import data

HERE = Path(__file__).resolve().parent
TUTORIALS = HERE.parent
ROOT = TUTORIALS.parent
GUIDE = "teachers_guide.md"
SECONDS = 600  # for a cell
PLAY, ADVICE = "play", "advise"  # folders of the game, and of reports, within the site
WITH_REPORTS = 9  # the lesson that reads reports
DOWNLOADS = "downloads"  # folder of the notebooks beside the pages of the lessons
SCRIPTS = ("build.py", "cache.py", "environments.py", "generated.py", "readme.py", "reports.py")  # no pages
KEPT = ROOT / "out" / "pages-kept"  # results of pages


@dataclass(frozen=True)
class Run:
    """How the code of pages is run."""

    fast: bool = False  # on little data, which each result then says
    kept: Path = KEPT  # folder of results that need not be made again


USUAL = Run()


def assemble(pages: Path, *, run: Run | None = USUAL, tutorials: Path = TUTORIALS) -> None:
    """Put the site's pages into a fresh folder, ready for Sphinx.

    Args:
        pages: the folder.
        run: how their code is run; None leaves out what it shows.
        tutorials: the folder of the lessons.

    Raises:
        ValueError: a page names a part that there is not, or its code failed; which, and how.
    """
    import jupytext

    import environments
    import generated
    from springdrift_agents.course.notebooks import to_notebook

    shutil.rmtree(pages, ignore_errors=True)
    shutil.copytree(HERE, pages, ignore=shutil.ignore_patterns("__pycache__", *SCRIPTS))
    shutil.copytree(tutorials / "images", pages / "images")
    guide, scripts = tutorials / GUIDE, scripts_of(tutorials)
    if guide.exists():
        shutil.copy(guide, pages)
    parts = generated.PARTS | {
        "lessons": lambda: generated.lessons(tutorials),
        "lesson-pages": lambda: "\n".join(script.stem for script in scripts),
        "guide-page": lambda: guide.stem if guide.exists() else "",
        "environments": environments.listing,
        "environment-pages": lambda: "\n".join(map(environments.stem, environments.ids())),
    }
    for name, text in environments.pages():
        (pages / "environments" / f"{name}.md").write_text(text, encoding="utf-8")
    for page in sorted(pages.rglob("*.md")):
        text = generated.fill(page.read_text(encoding="utf-8"), parts)
        page.write_text(text, encoding="utf-8")
        if "```{code-cell}" in text:
            page.unlink()
            _write(jupytext.reads(text, fmt="md:myst"), page.with_suffix(".ipynb"), run)
    for number, script in enumerate(scripts, start=1):
        notebook = to_notebook(script)
        notebook.cells.insert(1, _links_of(number, script.stem))
        _write(notebook, pages / "lessons" / f"{script.stem}.ipynb", run)


def _links_of(lesson: int, name: str) -> Any:
    """A cell with links to levels of the game or reports that show a lesson's point, and to its notebook."""
    from nbformat.v4 import new_markdown_cell

    import reports

    titles = web.texts_of(web.TEXTS)["levels"]
    links = [
        f'<a href="../{PLAY}/index.html?level={level}">{titles[level]["title"]}</a>'
        for level, of, *_ in data.LEVELS
        if of == lesson
    ]
    beside = f"**Play its point** in the browser: {', '.join(links)}. " if links else ""
    if lesson == WITH_REPORTS:
        links = [f'<a href="../{ADVICE}/{one.name}.html">{one.said}</a>' for one in reports.SHOWN]
        beside += f"**Reports** such as the lesson reads: {', '.join(links)}. "
    notebook = f'<a href="{DOWNLOADS}/{name}.ipynb" download>this notebook</a>'
    return new_markdown_cell(f"{beside}**Work through it** in {notebook}.", id=f"links-{lesson}")


def write_downloads(folder: Path, tutorials: Path = TUTORIALS) -> None:
    """The lessons as notebooks without outputs, whose first code installs springdrift where it is missing."""
    import nbformat

    from springdrift_agents.course.notebooks import to_notebook, with_install

    folder.mkdir(parents=True, exist_ok=True)
    for script in scripts_of(tutorials):
        nbformat.write(with_install(to_notebook(script)), folder / f"{script.stem}.ipynb")


def _write(notebook: Any, page: Path, run: Run | None) -> None:
    """A page that is a notebook, with the outputs of its code or without."""
    import nbformat

    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    if run:
        _execute(notebook, page.stem, run)
    nbformat.write(notebook, page)


def _execute(notebook: Any, name: str, run: Run) -> None:
    """Give a page the results of its code: those that were kept, or new ones."""
    import cache
    from springdrift_agents.course import notebooks

    found = surroundings(run.fast)
    known = cache.key(notebook, found)
    if cache.recall(notebook, run.kept, known):
        return
    print(f"running {name}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        try:
            notebooks.execute(notebook, Path(folder), SECONDS, found)
        except ValueError as wrong:
            raise ValueError(f"{name}: {wrong}") from None
    cache.keep(notebook, run.kept, known)


def surroundings(fast: bool = False) -> dict[str, str]:
    """What the code of pages finds set: this Python, one thread, plain text, and little data if ``fast``."""
    return {
        "SPRINGDRIFT_FAST": "1" if fast else "0",
        "OMP_NUM_THREADS": "1",
        "SDL_VIDEODRIVER": "dummy",
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))),
        "COLUMNS": "108",  # characters that a page shows
        "TTY_COMPATIBLE": "0",  # no colours: ipykernel asks for them
    }


def run_sphinx(pages: Path, out: Path, builder: str = "html") -> int:
    """Run Sphinx with every warning an error; returns its exit code."""
    trees = pages.with_name(f"{pages.name}-trees")
    options = ["-q", "-E", "-W", "--keep-going", "-b", builder, "-d", str(trees)]
    return subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(pages), str(out)],
        env=os.environ | {"PYTHONPATH": str(HERE)},  # for conf.py
        check=False,
    ).returncode


class _Page(HTMLParser):
    """The links and anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.anchors.add(value)
            elif name in ("href", "src") and value is not None:
                self.links.add(value if tag == "a" else f"needed {value}")


def broken_links(site: Path) -> list[str]:
    """Links and anchors within a built site that lead nowhere, and what a page would load from elsewhere."""
    found = {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    wrong = []
    for path, page in found.items():
        for link in sorted(page.links):
            needed, url = link.startswith("needed "), urlsplit(link.removeprefix("needed "))
            if url.scheme == "data" or ((url.scheme or url.netloc) and not needed):
                continue
            target = (path.parent / unquote(url.path)).resolve() if url.path else path
            target = target / "index.html" if target.is_dir() else target
            if url.scheme or url.netloc:
                wrong.append(f"{path.relative_to(site)} would load {url.geturl()}")
            elif not target.exists():
                wrong.append(f"{path.relative_to(site)} leads to {url.geturl()}, which is not there")
            elif url.fragment and target in found and unquote(url.fragment) not in found[target].anchors:
                wrong.append(f"{path.relative_to(site)} leads to {url.geturl()}, which has no such place")
    return wrong


def build(out: Path, *, run: Run | None = USUAL, external: bool = False, tutorials: Path = TUTORIALS) -> int:
    """Build the site; returns 0 when all is well."""
    import reports

    out = out.resolve()
    pages = out.with_name(f"{out.name}-pages")
    try:
        assemble(pages, run=run, tutorials=tutorials)
    except ValueError as wrong:
        print(wrong, file=sys.stderr)
        return 1
    shutil.rmtree(out, ignore_errors=True)
    if run_sphinx(pages, out):
        return 1
    web.build(out / PLAY)
    write_downloads(out / "lessons" / DOWNLOADS, tutorials)
    reports.write(out / ADVICE, (run or USUAL).kept)
    wrong = broken_links(out)
    for line in wrong:
        print(f"broken link: {line}", file=sys.stderr)
    if external and not wrong:
        return run_sphinx(pages, out.with_name(f"{out.name}-links"), "linkcheck")
    return 1 if wrong else 0


def main() -> int:
    """What the command does."""
    parser = argparse.ArgumentParser(description="Build the site with every warning an error.")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "site", help="folder for the HTML")
    parser.add_argument("--no-execute", action="store_true", help="pages without the outputs of their code")
    parser.add_argument("--fast", action="store_true", help="run lessons on little data; each result says so")
    parser.add_argument("--external", action="store_true", help="follow links to other sites too")
    given = parser.parse_args()
    run = None if given.no_execute else Run(fast=given.fast)
    failed = build(given.out, run=run, external=given.external)
    print("the site is broken" if failed else f"written: {given.out}/index.html")
    return failed


if __name__ == "__main__":
    sys.exit(main())
