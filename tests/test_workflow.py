"""The workflow runs what the Makefile and the project have."""

import ast
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import gymnasium as gym
import pytest
import yaml

import springdrift

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text()
CHANGES = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
TEXT = (ROOT / ".github" / "workflows" / "check.yml").read_text()
JOBS = yaml.safe_load(TEXT)["jobs"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_it_runs_targets_that_there_are():
    targets = re.findall(r"\bmake ([\w-]+)", TEXT)
    assert set(targets) == {"test", "test-slow", "test-floors"}
    assert all(re.search(rf"^{target}:", MAKEFILE, re.MULTILINE) for target in targets)


def test_the_worlds_are_those_of_the_lowest_versions():
    (worlds,) = re.findall(r"^WORLDS := (.+)$", MAKEFILE, re.MULTILINE)
    assert JOBS["worlds"]["env"]["WORLDS"] == worlds
    assert all((ROOT / "tests" / f"test_{name}.py").exists() for name in worlds.split())


def test_what_the_tests_of_the_worlds_import_is_installed_for_them():
    install, *_ = (step["run"] for step in JOBS["worlds"]["steps"] if "pip install" in step.get("run", ""))
    (extras,) = re.findall(r"\[([\w,]+)\]", install)
    wanted = [*PROJECT["dependencies"]]
    for extra in extras.split(","):
        wanted += PROJECT["optional-dependencies"][extra]
    there = {re.match(r"[\w-]+", one)[0].replace("-", "_") for one in wanted} | set(install.split())
    own = {path.stem for path in ROOT.glob("tests/*")} | {"springdrift", "springdrift_agents"}
    for name in JOBS["worlds"]["env"]["WORLDS"].split():
        tree = ast.parse((ROOT / "tests" / f"test_{name}.py").read_text(encoding="utf-8"))
        for node in tree.body:  # at the top alone: a test may skip where something is missing
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = (
                    [node.module] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
                )
                tops = {one.partition(".")[0] for one in names if one}
                assert tops <= there | own | set(sys.stdlib_module_names), name


def test_the_pythons_are_ones_that_are_allowed():
    lowest = PROJECT["requires-python"].removeprefix(">=")
    pythons = JOBS["worlds"]["strategy"]["matrix"]["python"]
    assert pythons[0] == lowest
    said = [one.rpartition(" ")[2] for one in PROJECT["classifiers"] if ":: 3." in one]
    assert set(said) <= set(pythons)  # those on which the tests of the worlds were seen to pass
    assert all(tuple(map(int, one.split("."))) >= tuple(map(int, lowest.split("."))) for one in pythons)


def test_it_may_write_nothing_and_every_job_has_an_end():
    assert yaml.safe_load(TEXT)["permissions"] == {"contents": "read"}
    assert all(0 < job["timeout-minutes"] <= 60 for job in JOBS.values())


def test_the_extras_it_installs_are_the_project_s():
    for extras in re.findall(r"\[(\w+(?:,\w+)*)\]\"", TEXT):
        assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])


def test_one_version_stands_everywhere():
    """The package says it, its metadata are made of that, and whoever cites it finds the same."""
    assert PROJECT["dynamic"] == ["version"]
    assert springdrift.__version__ == metadata.version("springdrift")
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == springdrift.__version__
    assert f"## {springdrift.__version__}\n" in CHANGES


@pytest.mark.parametrize("env", [id for id in gym.registry if id.startswith("springdrift/")])
def test_every_env_has_its_line_in_the_changes(env):
    assert f"| `{env}` |" in CHANGES
    golden = ROOT / "tests" / "golden" / f"{env.rpartition('/')[2]}.json"
    assert golden.exists() == (f"`tests/golden/{golden.name}`" in CHANGES)
