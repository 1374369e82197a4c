"""The bench's own arithmetic, and memory; speed itself is never asserted."""

import gc
import json
import resource
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bench import speed
from bench.operations import operations
from springdrift import InclinedMassVectorEnv
from springdrift.incline.dynamics import bump, substep
from springdrift.incline.kernel.motion import glide
from springdrift_agents.cli.app import app


def test_operations_are_counted_in_the_source():
    assert operations(substep) == 15  # 2 drift, 8 kick, 3 friction, 2 drift
    assert operations(bump) == 5  # minimum, maximum, comparison, selection, v - v
    one, two = (operations(glide, substeps=k) for k in (8, 16))
    assert two == 2 * one > 0
    with pytest.raises(ValueError, match="cannot tell the length"):
        operations(glide)


def test_a_race_counts_every_step_and_compares_round_by_round():
    calls = {"quick": 0, "slow": 0}

    def quick():
        calls["quick"] += 1

    def slow():
        calls["slow"] += 1
        sum(range(20_000))

    first, second = speed.race("s", 3, {"quick": quick, "slow": slow}, rounds=3)
    assert (first.name, first.ratio, second.envs) == ("quick", 1.0, 3)
    assert second.ratio < 0.5
    assert calls["quick"] > calls["slow"] > 3


@pytest.mark.slow
def test_bench_speed_end_to_end(tmp_path, monkeypatch):
    monkeypatch.setattr(speed, "BUDGET", 0.001)
    monkeypatch.setattr(speed, "EPISODE", 20)
    monkeypatch.setattr(speed, "training", dict)
    result = CliRunner().invoke(app, ["bench", "speed", "--quick", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "speed.json").read_text())
    assert {one["section"] for one in found["speeds"]} == {
        *("single env", "side by side", "whole episodes", "threads", "number of envs", "number of substeps")
    }
    assert all(one["ratio"] > 0 for one in found["speeds"])
    assert found["phases"][-1]["operations"] == found["phases"][-2]["operations"] > 2500
    assert len(found["claims"]) >= 10
    assert "move (64)" in result.output
    assert "two threads 1.6 times one" in result.output


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's count of pages")
def test_memory_is_flat_over_ten_million_steps():
    n = 4096
    envs = InclinedMassVectorEnv(n, scenario="mix", cycles=50)
    envs.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, 3, (64, n))

    def go(steps):
        for step in range(steps):
            envs.step(actions[step % 64])
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 2**20  # MiB held now

    before = go(100)
    assert go(2500) - before < 8
