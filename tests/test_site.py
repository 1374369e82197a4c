"""The documentation site: what the code writes is whole, what pages run works, and nothing leads nowhere."""

import importlib.util
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from itertools import takewhile
from pathlib import Path

import gymnasium as gym
import nbformat
import pytest
from docutils.utils.math.latex2mathml import tex2mathml
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import cache
import conf
import environments
import generated
import springdrift
from springdrift import THREE_ACTIONS
from springdrift.incline.drift import LAWS
from springdrift.incline.observation import OBSERVE
from springdrift.incline.outputs import TRUTH_NAMES
from springdrift.registry import WORLDS
from springdrift_agents.course import notebooks
from springdrift_agents.policies import learned
from springdrift_agents.policies.rules import RULES
from springdrift_agents.policies.settings import settings

SITE = Path(__file__).parents[1] / "tutorials" / "site"
README = SITE.parents[1] / "README.md"
HOW_TOS = sorted(SITE.glob("howto/*.md"))
RUN = "costs"  # the page that is run even by `make test`
_spec = importlib.util.spec_from_file_location("site_build", SITE / "build.py")
assert _spec
assert _spec.loader
build = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = build  # dataclasses look their module up
_spec.loader.exec_module(build)


def rows_of(markdown: str) -> dict[str, list[str]]:
    """Rows of a table, by the plain text of the first cell that is code."""
    rows = {}
    for line in markdown.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        code = next((re.search(r"`([^`]+)`", cell) for cell in cells if "`" in cell), None)
        if code:
            rows.setdefault(code[1], cells)
    return rows


# ---------------------------------------------------------------- what the code writes


def test_every_sense_has_its_row():
    for name, part, first in (("monitor", "monitor", 0), ("truth", "truth-observation", 18)):
        rows = rows_of(generated.PARTS[part]())
        for column, sense in list(enumerate(OBSERVE[name]))[first:]:
            assert rows[sense.name][0] == str(column)
            assert rows[sense.name][4] == sense.meaning


def test_runs_of_signals_share_a_row():
    text = generated.PARTS["signals"]().replace(generated.GLUE, " ")
    assert "| 32 … 63 | `forecast_32_ago` … `forecast_1_ago` |" in text
    assert "| 98 | `time_left` |" in text


def test_the_truth_is_listed():
    assert list(rows_of(generated.truth())) == list(TRUTH_NAMES)


def test_actions_and_costs():
    rows = rows_of(generated.actions())
    assert [rows[f"Action.{action.name}"][0] for action, *_ in springdrift.THREE_ACTIONS] == ["0", "1", "2"]
    costs = rows_of(generated.PARTS["costs"]())
    for field in fields(springdrift.Costs):
        assert float(costs[field.name][1].strip("`")) == field.default
        assert costs[field.name][2], f"{field.name} is explained"


@pytest.mark.parametrize("id", environments.ids())
def test_an_env_has_a_page_with_what_it_takes_and_gives(id):
    env, text = gym.make(id).unwrapped, environments.page(id)
    rows = rows_of(text)
    offered = WORLDS[id].actions if id in WORLDS else THREE_ACTIONS
    assert [rows[name][0] for name in offered.names] == [*map(str, range(env.action_space.n))]
    for name, parameter in inspect.signature(type(env)).parameters.items():
        assert parameter.kind is parameter.VAR_KEYWORD or rows[name][1], f"{name} is explained"
    _, info = env.reset(seed=1)
    for name in (*info["terms"], *info.get("truth", ())):
        assert f"`{name}`" in text
    if isinstance(env.observation_space, gym.spaces.Box):
        columns = rows_of(text.split("## Observations")[1].split("## Rewards")[0])
        (wide,) = env.observation_space.shape
        assert [int(row[0]) for row in columns.values() if row[0].isdigit()] == list(range(wide))
        assert f"({wide},), float32" in text
    assert f"[`{id}`]({environments.stem(id)}.md)" in environments.listing()


def test_every_id_of_ours_has_a_page():
    assert set(environments.ids()) == {id for id in gym.registry if id.startswith("springdrift/")}


def section(text: str, head: str) -> str:
    found = re.search(
        rf"^\({re.escape(head)}\)=\n#+ (.+?)(?=^\([\w-]+\)=$|\Z)", text, re.MULTILINE | re.DOTALL
    )
    assert found, f"no section {head}"
    return found[1]


@pytest.mark.parametrize("scenario", springdrift.SCENARIOS.values(), ids=lambda one: one.name)
def test_a_scenario_is_told_with_its_laws_and_settings(scenario):
    text = section(generated.scenario_details(), f"scenario-{scenario.name}")
    assert text.splitlines()[0] == scenario.name
    assert scenario.summary[1:] in text
    assert scenario.remedy in text
    for law in scenario.laws:
        assert f"`{generated.call(law)}`" in text
    for name in ("cycles", "release_every", "cold_start"):
        value = getattr(scenario, name)
        differs = value != getattr(springdrift.SCENARIOS["stationary"], name)
        assert (f"| `{name}` | `{value}` |" in text) == differs
    for member in scenario.members:
        assert f"(scenario-{member})" in text


def test_what_is_told_of_a_law_makes_the_law():
    told = [generated.call(law) for law in springdrift.SCENARIOS["compound"].laws]
    assert tuple(eval(text, dict(LAWS)) for text in told) == springdrift.SCENARIOS["compound"].laws


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_a_law_is_told_with_its_parameters(law):
    text = section(generated.laws(), f"law-{law.__name__.lower()}")
    assert (law.__doc__ or "").split()[0].strip("`") in text
    for field in fields(law):
        assert field.name in text.splitlines()[2]


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_told_with_its_parameters_and_tuned_settings(name):
    text = section(generated.rules(), f"policy-{name}")
    rows = rows_of(text)
    for field in fields(RULES[name]):
        assert float(rows[field.name][1].strip("`")) == field.default
    for scenario, found in settings().items():
        if name in found:
            values = [float(cell) for cell in rows[f"{name}@{scenario}"][1:]]
            assert values == pytest.approx(list(found[name].values()), rel=0.006)


def test_learned_policies_are_listed():
    assert list(rows_of(generated.networks())) == list(learned.shipped())


def test_every_command_and_every_option():
    listed, text = rows_of(generated.command_list()), generated.commands()
    found = dict(generated.walk())
    assert "springdrift compare" in found
    assert "springdrift bench speed" in found
    for name, command in found.items():
        assert name in listed
        rows = rows_of(section(text, name.replace(" ", "-")))
        for parameter in command.params:
            spelled = parameter.opts[0]
            row = rows[spelled if spelled.startswith("-") else parameter.name.upper()]
            assert row[1], f"{name} {spelled}: what it takes"
            assert "[bold]" not in row[3]
    assert rows_of(section(text, "springdrift-compare"))["--seed"] == [
        "`--seed`", "whole number", "`0`", "Which worlds."
    ]  # fmt: skip


def test_the_command_line_agrees():
    shown = subprocess.run(
        [sys.executable, "-m", "springdrift_agents.cli.main", "train", "--help"],
        env=os.environ | {"COLUMNS": "300", "TTY_COMPATIBLE": "0"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    options = set(re.findall(r"(?<!\S)--[a-z][\w-]*", shown)) - {"--help"}
    told = section(generated.commands(), "springdrift-train")
    assert options <= set(re.findall(r"--[a-z][\w-]*", told))


def test_lessons_are_listed(tmp_path):
    (tmp_path / "lesson1_machine.py").write_text(
        "# %% [markdown]\n# # Lesson 1: The machine\n#\n# **Goal.** See\n# it.\n#\n# **You need** eyes.\n"
    )
    (tmp_path / "lesson99_more.py").write_text("# %% [markdown]\n# # Lesson 99: More\n")
    first, second = generated.lessons(tmp_path).splitlines()[2:]
    assert first.startswith("| [Lesson 1: The machine](lesson1_machine.ipynb) | See it. | ")
    assert "points" in first
    assert second == "| [Lesson 99: More](lesson99_more.ipynb) |  |  |"


def test_pages_and_parts_belong_together():
    named = {name for page in SITE.rglob("*.md") for name in generated.MARK.findall(page.read_text())}
    assert named == {
        *generated.PARTS,
        "lessons",
        "lesson-pages",
        "guide-page",
        "environments",
        "environment-pages",
    }


# ---------------------------------------------------------------- what pages run


def cells_in(page: Path) -> list[str]:
    """The code of a page that is run, magic lines included."""
    return re.findall(r"^```\{code-cell\}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def commands_in(page: Path) -> list[list[str]]:
    """The words of each call of springdrift on a page, in cells and where it is shown."""
    shown = re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    cells = [cell for cell in cells_in(page) if cell.startswith("%%sh")]
    lines = "\n".join([*shown, *cells]).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.strip().startswith("springdrift ")]


@pytest.mark.parametrize("page", [*HOW_TOS, SITE / "index.md", README], ids=lambda page: page.stem)
def test_the_code_of_a_page_can_be_read_and_its_commands_are_there(page):
    """That it runs to its end is for the slow tests."""
    for cell in cells_in(page):
        magic, _, body = cell.partition("\n")
        if not magic.startswith("%%") or magic.endswith(".py"):
            compile(body if magic.startswith("%%") else cell, str(page), "exec")
    known = dict(generated.walk())
    for words in commands_in(page):
        name = next((" ".join(words[:length]) for length in (3, 2) if " ".join(words[:length]) in known), "")
        assert name or words[1].startswith("-"), words
        rest = list(takewhile(lambda word: word[0] not in "|>;&", words[len(name.split()) :]))
        if name:
            command = known[name]
            command.make_parser(command.context_class(command)).parse_args(rest)


def test_every_command_stands_in_a_how_to():
    """Or in the guide for teachers."""
    pages = [page.read_text(encoding="utf-8") for page in (*HOW_TOS, SITE.parent / "teachers_guide.md")]
    told = set(re.findall(r"(?:^|`)springdrift ([a-z]+)", "\n".join(pages), re.MULTILINE))
    assert {name.split()[1] for name, _ in generated.walk()} <= told


@pytest.mark.parametrize(
    "page",
    [page if page.stem == RUN else pytest.param(page, marks=pytest.mark.slow) for page in HOW_TOS],
    ids=lambda page: page.stem,
)
def test_the_code_of_a_page_runs(page, tmp_path):
    cells = cells_in(page)
    assert len(cells) > 2
    script = ["import subprocess, sys", "from pathlib import Path", "sys.path.insert(0, '')"]
    for cell in cells:
        magic, _, body = cell.partition("\n")
        if magic == "%%sh":
            script.append(f"subprocess.run(['sh', '-e', '-c', {body!r}], check=True)")
        elif magic.startswith("%%writefile "):
            script.append(f"Path({magic.split()[1]!r}).write_text({body!r})")
        else:
            script.append(cell)
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(script)],
        cwd=tmp_path,
        env=os.environ | {"PATH": path, "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


# ---------------------------------------------------------------- results that are kept


@pytest.fixture
def runs(monkeypatch):
    """In place of a kernel: each run prints how many there were."""
    done = []

    def execute(notebook, folder, seconds, surroundings):
        done.append(surroundings["SPRINGDRIFT_FAST"])
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.execution_count = 1
                cell.outputs = [new_output("stream", text=f"run {len(done)}")]

    monkeypatch.setattr(notebooks, "execute", execute)
    return done


def page_of(*codes):
    return new_notebook(cells=[new_markdown_cell("# A page"), *map(new_code_cell, codes)])


def shown(run, *codes):
    page = page_of(*codes)
    build._execute(page, "a page", run)
    return [cell.outputs[0].text for cell in page.cells if cell.cell_type == "code"]


def test_a_page_is_run_once_for_what_it_rests_on(tmp_path, runs, monkeypatch):
    full, fast = build.Run(kept=tmp_path), build.Run(fast=True, kept=tmp_path)
    assert [shown(full, "x = 1", "x"), shown(full, "x = 1", "x")] == [["run 1"] * 2] * 2
    assert shown(full, "x = 2", "x") == ["run 2"] * 2, "its code has changed"
    assert shown(fast, "x = 1", "x") == ["run 3"] * 2, "fast mode is another thing"
    assert runs == ["0", "0", "1"]
    monkeypatch.setattr(cache, "everything", lambda: {"worlds": "others"})
    assert shown(full, "x = 1", "x") == ["run 4"] * 2, "the sources have changed"


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("run 1", "run 9"),
        lambda text: "[1]",
        lambda text: json.dumps({"sha256": cache._digest([]), "cells": []}),
        lambda text: json.dumps({"sha256": cache._digest([5]), "cells": [5]}),
    ],
)
def test_damaged_results_are_made_anew(tmp_path, runs, damage):
    run = build.Run(kept=tmp_path)
    assert shown(run, "x = 1") == ["run 1"]
    (file,) = tmp_path.iterdir()
    file.write_text(damage(file.read_text()))
    assert shown(run, "x = 1") == ["run 2"]
    assert shown(run, "x = 1") == ["run 2"]


# ---------------------------------------------------------------- the site as a whole


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site without the outputs of its code."""
    out = tmp_path_factory.mktemp("site") / "html"
    done = run(SITE / "build.py", out)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return out


def run(script: Path, out: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(script), "--no-execute", "--out", str(out)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_site_builds_and_holds_the_main_pages(site):
    assert build.broken_links(site) == []
    first = (site / "index.html").read_text(encoding="utf-8")
    for page in ("lessons/index", "howto/scenario", "reference/cli", "reference/api/index"):
        assert f'href="{page}.html"' in first
        assert (site / f"{page}.html").exists()
    lessons = sorted(path.stem for path in (SITE.parent).glob("lesson*.py"))
    for kind in ("lessons/lesson*.html", "lessons/downloads/*.ipynb"):
        assert lessons == sorted(path.stem for path in site.glob(kind))
    assert all(
        (site / "environments" / f"{environments.stem(id)}.html").exists() for id in environments.ids()
    )
    worlds = (site / "reference" / "api" / "worlds.html").read_text(encoding="utf-8")
    for name in vars(springdrift):
        if inspectable(name):
            assert f'id="springdrift.{name}"' in worlds, f"springdrift.{name} is documented"
    assert "N/m, so that the period is 2 s" in worlds, "comments of fields are told"
    assert "<math" in (site / "lessons" / "lesson1_machine.html").read_text(encoding="utf-8")


def test_a_downloaded_notebook_is_the_lesson_behind_a_cell_that_installs(tmp_path):
    build.write_downloads(tmp_path)
    scripts = sorted(SITE.parent.glob("lesson*.py"))
    for script in scripts:
        made = nbformat.read(tmp_path / f"{script.stem}.ipynb", as_version=4)
        nbformat.validate(made)
        codes = [cell for cell in made.cells if cell.cell_type == "code"]
        extras = "cli,render,rl" if script.stem.startswith("lesson6") else "cli,render"
        assert codes[0].source == notebooks.INSTALL.rstrip().replace("[all]", f"[{extras}]")
        assert not any(cell.outputs for cell in codes)
        made.cells.remove(codes[0])
        assert [cell.source for cell in made.cells] == [
            cell.source for cell in notebooks.to_notebook(script).cells
        ]


@pytest.mark.parametrize(
    ("installed", "beside", "asked"),
    [
        (True, ["springdrift-0.1.0-py3-none-any.whl"], []),
        (False, [], ['install --quiet "springdrift[all]"']),
        (
            False,
            ["springdrift-0.1.0-py3-none-any.whl", "other-9-py3-none-any.whl"],
            ['install --quiet "springdrift-0.1.0-py3-none-any.whl[all]"'],
        ),
    ],
)
def test_the_first_cell_installs_where_springdrift_is_missing(
    installed, beside, asked, tmp_path, monkeypatch
):
    shell, done = InteractiveShell.instance(), []
    monkeypatch.chdir(tmp_path)
    for name in beside:
        (tmp_path / name).touch()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name if installed else None)
    shell.register_magic_function(done.append, magic_name="pip")
    try:
        shell.run_cell(notebooks.INSTALL).raise_error()
    finally:
        InteractiveShell.clear_instance()
    assert done == asked


def test_a_half_is_no_twelve():
    markup = tex2mathml(conf.spelled_out(r"\tfrac12 k A^2"))
    assert "12" not in markup
    assert re.search(r"<mn>1</mn>\s*<mn>2</mn>", markup)


def inspectable(name: str) -> bool:
    kind = getattr(springdrift, name)
    return not name.startswith("_") and callable(kind) and kind.__module__.startswith("springdrift")


def test_links_that_lead_nowhere_are_found(tmp_path):
    (tmp_path / "b.html").write_text('<p id="here">')
    (tmp_path / "a.html").write_text(
        '<a href="b.html#here"><a href="b.html#there"><a href="c.html"><a href="#"><a href="https://x.org/y">'
        '<img src="lost.png"><script src="https://cdn.org/x.js"></script>'
    )
    assert build.broken_links(tmp_path) == [
        "a.html leads to b.html#there, which has no such place",
        "a.html leads to c.html, which is not there",
        "a.html would load https://cdn.org/x.js",
        "a.html leads to lost.png, which is not there",
    ]


def test_a_page_that_is_broken_breaks_the_build(tmp_path, capfd):
    """Sphinx alone, on one page: a link to a heading that is not there."""
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "conf.py").write_text((SITE / "conf.py").read_text())
    (pages / "_static").mkdir()
    (pages / "_static" / "site.css").write_text("")
    for text, code in (("# Top\n\nSee [it](#top).\n", 0), ("# Top\n\nSee [it](#bottom).\n", 1)):
        (pages / "index.md").write_text(text)
        assert build.run_sphinx(pages, tmp_path / "out") == code
        assert ("bottom" in capfd.readouterr().err) == bool(code)
