"""The contest: a policy in a sandbox plays as at home, a faulty one gets a clear line."""

import csv
import json
import os

import numpy as np
import pytest
from typer.testing import CliRunner

from springdrift_agents.cli.app import app
from springdrift_agents.course.isolation import strongest
from springdrift_agents.course.leaderboard import (
    KEYS,
    built_in,
    contest,
    find,
    rank,
    to_csv,
    worlds,
)
from springdrift_agents.course.pool import SandboxPool
from springdrift_agents.course.sandbox import Sandbox
from springdrift_agents.course.sandboxed_policy import Disqualified, SandboxedPolicy
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.policies.registry import policy

PREDICT = "def predict(self, observation, state=None, episode_start=None, deterministic=True):"


def deciding(line: str, before: str = "import numpy as np") -> str:
    return f"{before}\n\nclass Policy:\n    {PREDICT}\n        {line}\n"


# its memory is an object that only the student's side knows
COUNTER = """
import numpy as np
from helper import EVERY

class Memory:
    def __init__(self, n):
        self.cycles = np.zeros(n, int)

class Calendar:
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        state = state or Memory(len(observation))
        state.cycles[episode_start] = 0
        state.cycles += 1
        due = state.cycles >= EVERY
        state.cycles[due] = 0
        return np.where(due, 2, 0), state

def policy():
    return Calendar()
"""
FAULTS = {
    "crash": ("def policy():\n    return 1 / 0\n", "line 2: raised ZeroDivisionError"),
    "exit": (deciding("import os; os._exit(3)"), "cycle 0: it ended the program (exit code 3)"),
    "float": (
        deciding("return np.full(len(observation), 0.5), None"),
        "a decision is 0.5; allowed: 0 (WAIT)",
    ),
    "import": ("import nowhere\n", "policy.py, line 1: raised ModuleNotFoundError"),
    "late": (
        deciding(
            "if state == 7: raise ValueError('tired')\n"
            "        return np.zeros(len(observation), int), (state or 0) + 1"
        ),
        "cycle 7: line 5: raised ValueError: tired",
    ),
    "loop": (deciding("while True: pass"), "cycle 0: too slow: 3 s were over"),
    "loop-stubborn": (
        deciding(
            "while True:\n            try:\n                while True: pass\n"
            "            except BaseException: pass"
        ),
        "cycle 0: too slow: 3 s were over",
    ),
    "memory": (deciding("return np.ones(10**12), None"), "MemoryError"),
    "nan": (deciding("return [float('nan')] * len(observation), state"), "a decision is nan"),
    "none": ("x = 1\n", "there is neither a function policy() nor a class Policy"),
    "no-predict": ("class Policy:\n    pass\n", "Policy has no method predict"),
    "one": (
        deciding("return 1, state"),
        "20 worlds want decisions of shape (20,), got (): predict takes a batch",
    ),
    "range": (deciding("return np.full(len(observation), 3), None"), "a decision is 3; allowed: 0 (WAIT)"),
    "shape": (deciding("return np.zeros((len(observation), 1), int), None"), "got (20, 1)"),
    "syntax": ("class Policy\n", "syntax error in line 1"),
    "text": (deciding("return ['wait'] * len(observation), None"), "decisions must be numbers, got <U4"),
    "objects": (deciding("return [None] * len(observation), None"), "got objects such as None"),
    "nulls": ("class Policy:\0", "not a text file: there are null bytes in it"),
    "tuple": (deciding("return np.zeros(len(observation), int)"), "predict must return (decisions, memory)"),
}


@pytest.fixture
def good(tmp_path):
    """Two students with policies that play."""
    (tmp_path / "calendar" / "src").mkdir(parents=True)
    (tmp_path / "calendar" / "src" / "policy.py").write_text(COUNTER)
    (tmp_path / "calendar" / "src" / "helper.py").write_text("EVERY = 30\n")
    text = "from springdrift_agents.policies.registry import policy as rule\npolicy = rule('cusum')\n"
    (tmp_path / "ann_policy.py").write_text(text)
    return tmp_path


def with_faults(folder, names):
    for name in names:
        (folder / name).mkdir()
        (folder / name / "policy.py").write_text(FAULTS[name][0])
    return folder


def test_who_takes_part(tmp_path):
    for name in (
        "ann/policy.py",
        "ann/older/policy.py",
        "ben_policy.py",
        "policy-cy.py",
        "ben/.x/policy.py",
        "z/a.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    entries = {entry.student: entry for entry in find(tmp_path)}
    lost = {student: entry.lost for student, entry in entries.items() if entry.lost}
    found = {
        student: entry.file.relative_to(tmp_path).as_posix()
        for student, entry in entries.items()
        if student not in lost
    }
    assert found == {"ann": "ann/policy.py", "ben": "ben_policy.py", "cy": "policy-cy.py"}
    assert lost == {"z": "no policy.py (found: z/a.py)"}
    assert entries["ann"].note == "only ann/policy.py was taken (found: ann/older/policy.py)"
    with pytest.raises(ValueError, match=r"no policy in .*alice/policy.py"):
        find(tmp_path / "z")
    with pytest.raises(ValueError, match="there is no folder"):
        find(tmp_path / "nowhere")


@pytest.mark.attack
def test_nobody_is_lost_without_a_line(tmp_path):
    for name in (
        "case/Policy.py",
        "mine/my_policy.py",
        "dup/policy.py",
        "dup_policy.py",
        "Doe Jane_1_assignsubmission_file_/policy.py",
        "Doe Jane_2_assignsubmission_file_/policy.py",
        "Roe Max_55_assignsubmission_file_policy.py",
        "script.py",
        "notes.txt",
        "out/leaderboard.csv",
        "two\nlines/policy.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/policy.py").symlink_to(tmp_path / "dup/policy.py")
    os.mkdir(os.fsencode(tmp_path) + b"/M\xfcller")
    os.mkdir(os.fsencode(tmp_path) + b"/M\xfdller")
    entries = {entry.student: entry for entry in find(tmp_path)}
    assert {student: entry.lost for student, entry in entries.items() if entry.lost} == {
        "case": "no policy.py (found: case/Policy.py)",
        "mine": "no policy.py (found: mine/my_policy.py)",
        "empty": "no policy.py (found: nothing)",
        "linked": "no policy.py (found: linked/policy.py (a link))",
        "script": "no policy.py (found: script.py)",
        "M\ufffdller": "no policy.py (found: nothing)",
        "M\ufffdller (2)": "no policy.py (found: nothing)",
    }
    able = {student for student, entry in entries.items() if not entry.lost}
    assert able == {"dup", "Doe Jane_1", "Doe Jane_2", "Roe Max", "two lines"}
    assert entries["dup"].note == "only dup_policy.py was taken (found: dup/policy.py)"
    with pytest.raises(ValueError, match=r"no policy in .*linked: no policy.py \(found: policy.py \(a link"):
        find(tmp_path / "linked")


@pytest.mark.attack
def test_worlds_tell_nothing_of_each_other():
    assert len(set(worlds(7, 5000).tolist()) | set(worlds(8, 5000).tolist())) == 10_000
    np.testing.assert_array_equal(worlds(KEYS - 1, 9)[:4], worlds(KEYS - 1, 4))
    assert worlds(3, 1000).max() < 2**63
    assert len(set((worlds(3, 1000) >> np.uint64(32)).tolist())) > 990  # no base that they share
    for wrong in (-1, KEYS):
        with pytest.raises(ValueError, match="from 0 to 2\\^128 - 1"):
            worlds(wrong, 2)


SOME = ("exit", "loop-stubborn", "nan", "nulls")


@pytest.mark.attack
@pytest.mark.parametrize("names", [SOME, pytest.param(tuple(FAULTS), marks=pytest.mark.slow)], ids=len)
def test_a_contest_of_good_and_faulty_policies(names, good):
    board = contest(
        with_faults(good, names),
        "abrupt",
        20,
        5,
        references=["never", "cusum", "periodic:every=30"],
        seconds=3.0,
    )
    rows = {row.student: row for row in board}
    assert len(board) == len(rows) == len(names) + 5
    for name, (_, said) in ((name, FAULTS[name]) for name in names):
        assert rows[name].rank == 0, name
        assert said in rows[name].verdict, (name, rows[name].verdict)
        assert np.isnan(rows[name].cost.value)
    # in a sandbox or at home, a policy costs the same, bit for bit
    assert rows["ann"].cost == rows["cusum"].cost
    assert rows["ann"].rank == rows["cusum"].rank == 1
    assert rows["calendar"].cost == rows["periodic:every=30"].cost
    assert rows["ann"].difference == (0.0, 0.0, 0.0)
    assert rows["calendar"].verdict == "worse than the best rule"
    assert (rows["never"].built_in, rows["ann"].built_in) == (True, False)
    costs = [row.cost.value for row in board if row.rank]
    assert costs == sorted(costs)
    lines = list(csv.DictReader(to_csv(board).splitlines()))
    assert [line["rank"] for line in lines[:3]] == ["1", "1", "3"]
    assert {line["cost"] for line in lines if not line["rank"]} == {""}


def test_differences_are_paired(good):
    board = {row.student: row for row in contest(good, "mix", 30, 2, references=["never", "threshold"])}
    seeds = worlds(2, 30)
    costs = {name: evaluate(policy(name), "mix", seeds).cost for name in ("never", "threshold", "cusum")}
    best = min(("never", "threshold"), key=lambda name: costs[name].mean())
    apart = costs["cusum"] - costs[best]
    assert board["ann"].difference.value == pytest.approx(apart.mean())
    assert board["ann"].difference.low <= apart.mean() <= board["ann"].difference.high


KEY = 10**30 + 7
SPY = """
import gc, os, sys
from pathlib import Path
import numpy as np

class Policy:
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        seen = [one for one in map(lambda it: type(it).__name__, gc.get_objects()) if "InclinedMass" in one]
        observation[:] = 9.0  # its own copy
        frame, names = sys._getframe(), set()
        while frame:
            names |= set(frame.f_locals)
            frame = frame.f_back
        key = 10**30 + 7  # of the contest
        for process in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
            for file in ("cmdline", "environ"):
                try:
                    text = Path("/proc", process, file).read_bytes()
                except OSError:
                    continue
                if str(key).encode() in text or b"%x" % key in text:
                    names.add("seeds")
        if seen or names & {"seeds", "envs", "info", "truth"}:
            raise RuntimeError(f"seen: {seen} {names}")
        return np.zeros(len(observation), int), None
"""


@pytest.mark.attack
def test_only_observations_cross(tmp_path):
    (tmp_path / "spy_policy.py").write_text(SPY)
    (row,) = [row for row in contest(tmp_path, "mix", 12, KEY, references=["never"]) if row.student == "spy"]
    never = evaluate(policy("never"), "mix", worlds(KEY, 12))
    assert row.verdict == "no sure difference"
    assert row.cost.value == never.cost.mean()


def test_more_worlds_than_a_batch_and_forgotten_memory(tmp_path):
    (tmp_path / "policy.py").write_text(COUNTER.replace("from helper import EVERY", "EVERY = 30"))
    seeds = world_seeds("evaluation", 1, 1030)
    with (
        SandboxPool() as assets,
        Sandbox(assets, memory=2048, seconds=60, work=tmp_path) as sandbox,
    ):
        player = SandboxedPolicy(sandbox, 60.0)
        player.load((tmp_path / "policy.py").read_bytes())
        there = evaluate(player, "poc", seeds)
        with pytest.raises(Disqualified, match="2 worlds want decisions"):
            player._legal(np.zeros(3, int), 2)
    here = evaluate(policy("periodic:every=30"), "poc", seeds)
    np.testing.assert_array_equal(there.cost, here.cost)


def test_built_in_rules_are_tuned_where_they_can_be():
    assert built_in("mix")[:2] == ["never", "threshold"]
    assert "page-hinkley@mix" in built_in("mix")
    assert built_in("nowhere") == ["never", "threshold"]
    assert rank([]) == []


def test_the_command(good, tmp_path_factory):
    entries = with_faults(good, ["nan", "syntax"])
    (entries / "case").mkdir()
    (entries / "case" / "Policy.py").write_text("")
    (entries / "ann").mkdir()
    (entries / "ann" / "policy.py").write_text("")
    (entries / "syntax" / "policy.py").write_text("raise ValueError('root:x:0')")
    out = tmp_path_factory.mktemp("board") / "board.csv"
    args = ["leaderboard", str(entries), "-s", "shock", "-n", "8", "-p", "never,threshold", "-o", str(out)]
    shown = CliRunner().invoke(app, [*args, "--seed", "4"])
    assert shown.exit_code == 0, shown.output
    for text in ("8 worlds of shock", "never (built-in)", "a decision is nan", "the best rule", "--seed 4"):
        assert text in shown.output
    for text in ("no policy.py (found: case/Policy.py)", "(found: ann/policy.py)", "ValueError: root:x:0"):
        assert text in shown.output
    lines = list(csv.DictReader(out.read_text().splitlines()))
    assert len(lines) == 7
    again = CliRunner().invoke(app, [*args, "--seed", "4", "--json", "--jobs", "2"])
    found = json.loads(again.stdout)
    assert (found["seed"], found["scenario"], found["episodes"]) == (4, "shock", 8)
    assert [str(row["cost"] or "") for row in found["board"]] == [line["cost"] for line in lines]
    assert isinstance(CliRunner().invoke(app, [*args, "--seed", str(KEYS)]).exception, ValueError)
    wrong = CliRunner().invoke(app, ["leaderboard", str(entries), "-s", "shok"])
    assert isinstance(wrong.exception, ValueError)


@pytest.mark.slow
def test_the_seed_of_the_command_is_drawn_unless_it_is_given(good, tmp_path):
    args = ["leaderboard", str(good), "-s", "shock", "-n", "2", "-p", "never", "-o", str(tmp_path / "a.csv")]
    drawn = CliRunner().invoke(app, [*args, "--json"])
    assert 2**60 < json.loads(drawn.stdout)["seed"] < KEYS
    far = CliRunner().invoke(app, [*args, "--json", "--seed", str(KEYS - 1)])
    assert json.loads(far.stdout)["seed"] == KEYS - 1


@pytest.mark.skipif(strongest() == "none", reason="no namespaces for ordinary users here")
@pytest.mark.attack
def test_a_policy_cannot_read_another_students(good):
    (good / "thief").mkdir()
    path = str(good / "ann_policy.py")
    (good / "thief" / "policy.py").write_text(f"open({path!r})\n")
    board = {row.student: row for row in contest(good, "shock", 4, 1, references=["never"])}
    assert "raised PermissionError" in board["thief"].verdict or "FileNotFoundError" in board["thief"].verdict
    assert board["ann"].rank
