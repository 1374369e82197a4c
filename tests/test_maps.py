"""Break-even maps against plain evaluations."""

import json

import pytest
from typer.testing import CliRunner

from springdrift_agents.cli.app import app
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.evaluation.maps import break_even
from springdrift_agents.policies.registry import policy

POLICIES = {name: policy(name) for name in ("never", "swing", "threshold")}


def test_a_cell_is_what_an_evaluation_at_these_prices_says():
    cell = break_even(POLICIES, "abrupt", [20.0], [6], episodes=16, seed=2)[0]
    for name, rule in POLICIES.items():
        there = evaluate(rule, "abrupt", world_seeds("evaluation", 2, 16), costs={"retrain": 12.0}, latency=6)
        assert cell.costs[name] == pytest.approx(there.cost.mean())
    assert cell.winner == min(cell.costs, key=cell.costs.__getitem__)


def test_dear_and_slow_retraining_gives_way_to_pushing():
    cheap, dear = break_even(POLICIES, "abrupt", [1.0, 200.0], [3], episodes=64)
    assert (cheap.winner, dear.winner) == ("threshold", "swing")
    assert cheap.sure
    assert dear.sure


def test_a_close_race_is_not_called():
    twins = {"one": policy("threshold"), "two": policy("threshold:error=0.701")}
    assert not break_even(twins, "abrupt", [5.0], [3], episodes=8)[0].sure
    with pytest.raises(ValueError, match="at least two policies"):
        break_even({"one": policy("never")}, "abrupt")


def test_map_command(tmp_path):
    args = ["map", "-s", "wear", "-p", "never,swing", "--latency", "3", "-n", "8"]
    args += ["--ratio", "5", "--ratio", "1", "--ratio", "5", "--latency", "3"]  # given twice, shown once
    found = CliRunner().invoke(app, [*args, "--out", str(tmp_path)])
    assert found.exit_code == 0, found.output
    assert "swing" in found.output
    cells = json.loads((tmp_path / "map.json").read_text())
    assert [(cell["ratio"], cell["latency"], cell["winner"]) for cell in cells] == [
        (5.0, 3, "swing"),
        (1.0, 3, "swing"),
    ]
    assert (tmp_path / "map.png").stat().st_size > 5000
