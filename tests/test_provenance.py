"""A result is known by the code that made it: none is given out, or gone on with, after a change."""

import csv
import shutil
import sqlite3
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from springdrift_agents.cli.app import app
from springdrift_agents.evaluation import provenance
from springdrift_agents.policies.registry import policy

pytestmark = pytest.mark.attack


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A copy of springdrift's sources to change; what they are read from."""
    for name in ("WORLDS", "AGENTS"):
        place = tmp_path / "copy" / name.lower()
        shutil.copytree(getattr(provenance, name), place, ignore=shutil.ignore_patterns("__pycache__"))
        monkeypatch.setattr(provenance, name, place)
    provenance.code.cache_clear()
    yield tmp_path / "copy"
    provenance.code.cache_clear()


@pytest.mark.parametrize(
    ("file", "part", "training"),
    [
        ("worlds/incline/model.py", "worlds", False),
        ("worlds/game/streams.py", "worlds", False),
        ("agents/policies/rules.py", "agents", False),
        ("agents/evaluation/evaluate.py", "agents", False),
        ("agents/planning/hindsight.py", "agents", False),
        ("agents/training/train.py", "agents", True),
        ("worlds/render/view.py", None, False),
        ("agents/play/game.py", None, False),
    ],
)
def test_every_source_that_decides_a_result_is_in_its_name(sources, file, part, training):
    before, before_training = provenance.code(), provenance.training_code()
    with (sources / file).open("a") as source:
        source.write("\nSPARE = 0.97\n")
    provenance.code.cache_clear()
    after, after_training = provenance.code(), provenance.training_code()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == ({part} if part and not training else set())
    assert (after_training != before_training) == (part is not None)


def test_the_same_comparison_after_a_change_is_made_anew(tmp_path, sources):
    db, runner = tmp_path / "a.db", CliRunner()

    def costs(out):
        args = ["compare", "-n", "3", "-s", "poc", "-p", "never", "--db", str(db), "-o", str(tmp_path / out)]
        found = runner.invoke(app, args)
        assert found.exit_code == 0, found.output
        with (tmp_path / out / "results.csv").open() as file:
            return [row["cost"] for row in csv.DictReader(file)], found.stderr

    first, told = costs("one")
    assert "other code" not in told
    with (sources / "worlds" / "incline" / "state.py").open("a") as source:
        source.write("\nSPARE = 0.97\n")
    provenance.code.cache_clear()
    again, told = costs("two")
    assert again == first  # the copy is not what runs
    assert "holds this comparison as other code made it" in " ".join(told.split())
    with sqlite3.connect(db) as kept:
        assert kept.execute("SELECT count(*) FROM runs").fetchone() == (2,)
        assert kept.execute("SELECT count(*) FROM episodes").fetchone() == (6,)
    kept.close()


OWN = """
import helper

class Mine:
    def __init__(self, weights):
        self.weights, self.names = weights, {"b", "a", "c"}

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return helper.decide(observation), state
"""


def test_a_policy_of_ones_own_is_known_by_its_code_its_helpers_and_what_it_holds(tmp_path):
    (tmp_path / "mine.py").write_text(OWN)
    (tmp_path / "helper.py").write_text("def decide(observation): return observation[:, 0] > 0.5\n")
    script = (
        "import numpy as np, mine; from springdrift_agents.evaluation.provenance import identity\n"
        "for value in (1.0, 1.0, 2.0): print(identity(mine.Mine(np.full(9, value))))"
    )

    def names():
        command = [sys.executable, "-c", script]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split(
            "\n"
        )[:3]

    before = names()
    assert before[0] == before[1] != before[2]
    assert names() == before  # in another process, with other hashes of strings
    (tmp_path / "helper.py").write_text("def decide(observation): return observation[:, 0] > 0.6\n")
    assert not set(names()) & set(before)


def test_policies_that_ship_are_known_by_their_parameters():
    assert provenance.identity(policy("cusum:slack=1")) == repr(policy("cusum:slack=1"))
    assert provenance.identity(policy("ppo-mix")) == provenance.identity(policy("ppo-mix"))
    other = policy("ppo-mix")
    other.weights["0.bias"] = other.weights["0.bias"] + np.float32(1e-6)
    assert provenance.identity(other) != provenance.identity(policy("ppo-mix"))
