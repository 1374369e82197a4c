"""Policies by what a person writes: names, files, and classes of their own."""

import json
import pickle

import numpy as np
import pytest
from typer.testing import CliRunner

from springdrift import OBS, Action
from springdrift_agents import own
from springdrift_agents.cli.app import app
from springdrift_agents.policies.registry import about, name_of, policy
from springdrift_agents.policies.rules import CusumRule, PluggedRule

MINE = '''
"""Things of a user's own."""
from dataclasses import dataclass

import numpy as np
import springdrift
from springdrift import Action
from springdrift_agents.policies.rules import Rule, cycles_of, sense


@dataclass(frozen=True)
class Birthday(Rule):
    """Retrain when the model gets too old."""

    age: float = 30

    def decide(self, observation, memory):
        return np.where(cycles_of(sense(observation, "model_age")) >= self.age, Action.RETRAIN, Action.WAIT)


class Plain:
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return np.zeros(len(observation), int), None


@dataclass(frozen=True)
class Loud:
    """Alarms on any value above its threshold."""

    threshold: float = 2.0

    def start(self, count):
        return np.zeros((count, 1))

    def update(self, memory, values):
        return values


ready = Birthday(12)
number = 3
jumps = springdrift.Jump("stiffness", (6, 15))
quarry = springdrift.Scenario("quarry", "the spring is swapped", laws=(jumps,))
'''


@pytest.fixture
def mine(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mine.py"


def test_a_class_of_a_file_takes_parameters(mine):
    rule = policy("mine.py:Birthday:age=20")
    assert rule.age == 20
    assert policy(f"{mine}:Birthday") == policy("mine.py:Birthday")
    assert name_of("mine.py:Birthday:age=20") == "mine.py:Birthday"
    assert policy("mine.py:ready").age == 12
    assert policy("mine.py:Plain").predict(np.zeros((2, len(OBS))))[0].tolist() == [Action.WAIT] * 2


def test_a_module_goes_by_its_name():
    rule = policy("springdrift_agents.policies.rules:CusumRule:slack=1")
    assert rule == CusumRule(slack=1)


def test_a_detector_becomes_a_rule(mine):
    rule = policy("mine.py:Loud:threshold=3:fresh=0")
    assert isinstance(rule, PluggedRule)
    assert (rule.made.threshold, rule.fresh) == (3.0, 0.0)
    obs = np.zeros((2, len(OBS)), np.float32)
    obs[:, OBS.index("error")] = (-0.9, 0.9)
    assert rule.predict(obs)[0].tolist() == [Action.WAIT, Action.RETRAIN]
    river = policy("river.drift:PageHinkley:threshold=5")
    assert river.detector().start(1)[0, 0].threshold == 5.0


def test_what_a_user_wrote_travels_to_other_processes(mine):
    cloudpickle = pytest.importorskip("cloudpickle")
    sent = cloudpickle.dumps(policy("mine.py:Birthday:age=7"))
    import sys

    for name in [name for name in sys.modules if name.startswith("mine_")]:
        del sys.modules[name]
    assert pickle.loads(sent).age == 7.0


def test_a_file_that_changed_is_run_anew(mine):
    assert policy("mine.py:Birthday").age == 30
    mine.write_text(MINE.replace("age: float = 30", "age: float = 31"))
    assert policy("mine.py:Birthday").age == 31


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("mine.py:Birthda", "mine.py has no 'Birthda'; did you mean 'Birthday'?"),
        ("nowhere.py:Mine", "nowhere.py cannot be read: No such file"),
        ("nowhere.rules:Mine", "there is no module 'nowhere.rules'"),
        ("mine.py:Birthday:years=3", "'mine.py:Birthday' has no parameter 'years'; it has: age"),
        ("mine.py:Birthday:age=old", "mine.py:Birthday:age must be a number, got 'old'"),
        ("mine.py:Plain:age=3", "mine.py:Plain cannot be made with age=3"),
        ("mine.py:ready:age=3", "is an object, which takes no parameters"),
        ("mine.py:number", "mine.py:number is no policy: expected a class or function"),
        ("mine.py:quarry", "mine.py:quarry is no policy"),
        ("cusm", "unknown policy 'cusm'; did you mean 'cusum'"),
        ("cusum:scale=0", "CusumRule.scale must be finite and above 0, got 0"),
        ("cusum:usual=0", "CusumRule.usual must be finite and above 0, got 0"),
        ("cusum:usual=inf", "CusumRule.usual must be finite and above 0, got inf"),
        ("periodic:every=0", "Periodic.every must be finite and above 0, got 0"),
        ("ewma:weight=0", "EwmaRule.weight must be finite and above 0, got 0"),
        ("ewma:weight=2", "EwmaRule.weight must be at most 1, got 2"),
        ("adwin:delta=0", "AdwinRule.delta must be finite and above 0, got 0"),
    ],
)
def test_bad_specs_say_what_is_allowed(mine, spec, said):
    with pytest.raises(ValueError) as wrong:
        policy(spec)
    assert said in str(wrong.value)


def test_code_that_fails_is_named(mine):
    mine.write_text("1 / 0")
    with pytest.raises(ValueError, match=r"mine.py fails when it is run: ZeroDivisionError"):
        own.load("mine.py", "Birthday")


def test_lists_show_ones_own_beside_the_built_in(mine):
    assert about("mine.py:Birthday:age=9").summary == "Retrain when the model gets too old."
    assert about("mine.py:Birthday:age=9").parameters == {"age": 9.0}
    found = CliRunner().invoke(app, ["policies", "mine.py:Birthday", "--json"])
    assert found.exit_code == 0, found.output
    listed = json.loads(found.stdout)
    assert listed["mine.py:Birthday"]["summary"] == "Retrain when the model gets too old."
    assert "mix" in listed["threshold"]["tuned"]


def test_compare_takes_rules_and_scenarios_of_ones_own(mine):
    options = ["-p", "never,mine.py:Birthday", "-s", "mine.py:quarry,poc", "-n", "2", "--json", "-o", "out"]
    found = CliRunner().invoke(app, ["compare", *options])
    assert found.exit_code == 0, found.output
    rows = json.loads(found.stdout)["results"]
    assert {(row["scenario"], row["policy"]) for row in rows} == {
        (scenario, name) for scenario in ("quarry", "poc") for name in ("never", "mine.py:Birthday")
    }
