"""Worlds stay as they are, bit for bit, for as long as the env has its version."""

import json
import os
import subprocess
import sys

import pytest

from golden.record import FILE, record
from springdrift import SCENARIOS

GOLDEN = json.loads(FILE.read_text())


def test_every_scenario_is_recorded():
    assert set(GOLDEN) == set(SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_episode_is_as_recorded(scenario):
    now, then = record(scenario), GOLDEN[scenario]
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
