"""Loops over lanes are made of vectors: what keeps one from it shows in no result, only in speed."""

import subprocess
import sys

import pytest

COMPILING = """
import os, sys
import llvmlite.binding as llvm

for what in ("pass-remarks", "pass-remarks-missed", "pass-remarks-analysis"):
    llvm.set_option("", f"--{what}=loop-vectorize")  # on stderr, from here on

from numba import njit, types
from springdrift.incline.kernel import draws, motion, output, sensing, versions

block, words, costs, number = types.float32[::1], types.uint32[::1], types.float64[::1], types.int64
phase, *types = {
    "draw": (draws.draw, block, words, block),
    "recall": (motion.recall, block, block),
    "move": (motion._swing_free, block, block, number),
    "measure": (sensing.measure, block, block),
    "assess": (sensing.assess, block, block),
    "shadow": (versions.shadow, block, block),
    "record": (sensing.record, block, block),
    "observe": (output.monitor, block, block, number),
    "charge": (output.charge, block, costs, costs),
}[sys.argv[1]]
names = ", ".join("abc"[: len(types)])
space = {"phase": phase}
exec(f"def run({names}):\\n    phase({names})", space)
njit(tuple(types), nogil=True, _nrt=False, error_model="numpy")(space["run"])
"""
LEAST = {  # loops of a phase
    **{"draw": 10, "recall": 3, "move": 6, "measure": 8, "assess": 2},
    **{"shadow": 3, "record": 3, "observe": 1, "charge": 2},
}


@pytest.mark.parametrize(
    "phase", [name if name == "move" else pytest.param(name, marks=pytest.mark.slow) for name in LEAST]
)
def test_every_loop_over_lanes_is_made_of_vectors(phase):
    command = [sys.executable, "-W", "ignore", "-c", COMPILING, phase]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()
    assert not [line for line in said if "not vectorized" in line]
    assert sum("vectorized loop" in line for line in said) >= LEAST[phase]
