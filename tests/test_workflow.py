"""The workflow runs what the Makefile and the project have."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import yaml

import springdrift

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text()
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


def test_the_pythons_are_ones_that_are_allowed():
    lowest = PROJECT["requires-python"].removeprefix(">=")
    pythons = JOBS["worlds"]["strategy"]["matrix"]["python"]
    assert pythons[0] == lowest
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
    assert f"## {springdrift.__version__}\n" in (ROOT / "CHANGELOG.md").read_text()
