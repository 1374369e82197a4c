"""Compiled code is kept for as long as all that it was made of stays as it is."""

import shutil
import subprocess
import sys
from pathlib import Path

import springdrift
from springdrift.game import cache, jit
from springdrift.incline import dynamics, kernel, kernel_narrow, kernel_wide, model
from springdrift.series import forecaster

PACKAGE = Path(springdrift.__file__).parent


def test_the_stamp_covers_all_that_the_kernel_is_made_of():
    """The rooms below the envs are all of it: layers only look down."""
    for module in (cache, jit, dynamics, kernel, model):
        assert Path(module.__file__) in cache.sources("incline")
    assert Path(forecaster.__file__) in cache.sources("series")
    assert not {Path(forecaster.__file__)} & {*cache.sources("incline")}


def test_every_cached_function_carries_the_stamp():
    for function in (
        kernel_narrow.advance,
        kernel_wide.advance,
        kernel.advance,
        kernel.start,
        kernel.settle,
        kernel.trace,
        model.fit,
        dynamics._trajectory,
    ):
        assert function._cache._cache_file._source_stamp == cache.stamp("incline")
    assert forecaster.fit._cache._cache_file._source_stamp == cache.stamp("series")


def test_a_changed_constant_elsewhere_is_compiled_anew(tmp_path):
    """Another number of lags, written elsewhere: the file of the fit is as it was."""
    shutil.copytree(PACKAGE, tmp_path / "springdrift", ignore=shutil.ignore_patterns("__pycache__"))
    script = (
        "import springdrift, numpy as np; from springdrift.incline.model import fit\n"
        "y = np.sin(np.arange(48.0)); fitted = np.empty(6)\n"
        "fit(y, np.zeros(48), np.zeros(6), fitted); print(fitted[0])"
    )

    def run():
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    before = run()
    assert run() == before
    state = tmp_path / "springdrift" / "incline" / "state.py"
    text = state.read_text()
    assert text.count("LAGS = 4\n") == 1
    state.write_text(text.replace("LAGS = 4\n", "LAGS = 3\n"))
    after = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            script.replace("empty(6)", "empty(5)").replace("zeros(6)", "zeros(5)"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert after != before
