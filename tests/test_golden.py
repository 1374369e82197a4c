"""Worlds stay as they are, bit for bit, for as long as the env has its version."""

import json
import os
import subprocess
import sys

import pytest

from golden.record import IDS, file_of, record, scenarios_of

GOLDEN = {id: json.loads(file_of(id).read_text()) for id in IDS}


@pytest.mark.parametrize("id", IDS)
def test_every_scenario_is_recorded(id):
    assert set(GOLDEN[id]) == set(scenarios_of(id))


@pytest.mark.parametrize(("id", "scenario"), [(id, name) for id in IDS for name in GOLDEN[id]])
def test_episode_is_as_recorded(id, scenario):
    now, then = record(scenario, id), GOLDEN[id][scenario]
    assert now["every tenth reward"] == then["every tenth reward"]
    assert now == then


def test_compiled_and_interpreted_kernel_agree():
    """The same source under plain Python: the compiler changes nothing, not even the last bit."""
    script = (
        "import springdrift; env = springdrift.InclinedMassEnv('compound'); env.reset(seed=5)\n"
        "print([env.step(action)[1] for action in (1, 2, 0)])"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script],
            env={**os.environ, "NUMBA_DISABLE_JIT": off},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for off in ("0", "1")
    ]
    assert outputs[0] == outputs[1]
    assert len(json.loads(outputs[0])) == 3
