"""Compiled code is kept for as long as all that it was made of stays as it is."""

import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import springdrift
from springdrift.game import cache, jit
from springdrift.incline import dynamics, model
from springdrift.incline.kernel import entry, gathering
from springdrift.incline.world import KERNELS
from springdrift.series import forecaster

PACKAGE = Path(springdrift.__file__).parent


def test_the_stamp_covers_all_that_the_kernel_is_made_of():
    """The rooms below the envs are all of it: layers only look down."""
    for module in (cache, jit, dynamics, entry, model):
        assert Path(module.__file__) in cache.sources("incline")
    assert Path(forecaster.__file__) in cache.sources("series")
    assert not {Path(forecaster.__file__)} & {*cache.sources("incline")}


def test_every_cached_function_carries_the_stamp():
    for function in (
        *(one.advance for one, _ in KERNELS),
        entry.begin,
        gathering.gather,
        model.fit,
        dynamics._trajectory,
    ):
        assert function._cache._cache_file._source_stamp == cache.stamp("incline")
    assert forecaster.fit._cache._cache_file._source_stamp == cache.stamp("series")


def test_each_width_keeps_its_code_in_files_of_its_own():
    """One source, three modules: Numba's own name of a file says file, function and line alone."""
    kept = {one.LANES: one.advance._cache._cache_file for one, _ in KERNELS}
    assert sorted(kept) == [16, 64, 128]
    assert len({one._index_name for one in kept.values()}) == len(KERNELS)
    assert len({one._data_name("0") for one in kept.values()}) == len(KERNELS)
    sources = {inspect.getfile(one.advance.py_func) for one, _ in KERNELS}
    assert sources == {entry.__file__}


def copy_in(folder):
    """The package in a folder, without compiled code."""
    shutil.copytree(PACKAGE, folder / "springdrift", ignore=shutil.ignore_patterns("__pycache__"))
    return folder / "springdrift"


def run_in(folder, script):
    """What a script prints that imports the copy in a folder, which keeps its compiled code beside it."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.attack
@pytest.mark.slow
def test_a_changed_constant_elsewhere_is_compiled_anew(tmp_path):
    """Another number of lags, written elsewhere: the file of the fit is as it was."""
    package = copy_in(tmp_path)
    script = (
        "import springdrift, numpy as np; from springdrift.incline.model import fit\n"
        "y = np.sin(np.arange(48.0)); fitted = np.empty(6)\n"
        "fit(y, np.zeros(48), np.zeros(6), fitted); print(fitted[0])"
    )
    before = run_in(tmp_path, script)
    assert run_in(tmp_path, script) == before
    state = package / "incline" / "state.py"
    text = state.read_text()
    assert text.count("LAGS = 4\n") == 1
    state.write_text(text.replace("LAGS = 4\n", "LAGS = 3\n"))
    after = run_in(tmp_path, script.replace("empty(6)", "empty(5)").replace("zeros(6)", "zeros(5)"))
    assert after != before


def test_files_of_other_sources_are_never_taken_for_these_and_do_not_stay(tmp_path):
    """Two processes start after a change of sources: one has written its index, and not yet its code."""
    package = copy_in(tmp_path)
    actions, other = (package / "game" / name for name in ("actions.py", "env.py"))
    script = (
        "import numba.core.caching as c\nfrom springdrift.game import actions, cache\n"
        "import numpy as np\n{}\n"
        "print(actions._all_below(np.arange(4), 9), sum(actions._all_below.stats.cache_hits.values()))"
    )
    half = "c.IndexDataCacheFile._save_data = lambda *_: None"

    def run(before=""):
        return run_in(tmp_path, script.format(before)).split()

    def kept():
        return sorted(file.name for file in actions.parent.rglob("*actions*.nb[ic]"))

    assert run() == ["True", "0"]
    assert run() == ["True", "1"]
    first = kept()
    assert len(first) == 2
    other.write_text(other.read_text() + "# another source\n")  # all lines and names stay as they were
    assert run(half) == ["True", "0"]
    assert run() == ["True", "0"]
    assert len(kept()) == 2
    assert not set(first) & {*kept()}


def test_two_processes_that_compile_for_other_types_do_not_share_a_file(tmp_path):
    files = cache._Files(str(tmp_path), "module-function.py311-stamp", "stamp")
    late = cache._Files(str(tmp_path), "module-function.py311-stamp", "stamp")
    known = late._load_index()
    late._load_index = lambda: known  # it read the index before the other wrote
    files.save(("int64",), "code for whole numbers")
    late.save(("float64",), "code for numbers")
    assert files.load(("float64",)) == "code for numbers"
    assert files.load(("int64",)) in (None, "code for whole numbers")


SCRIPT = "import springdrift.incline.dynamics as d; print(d.simulate(duration=1.0).x[-1])"


def run_apart(folder, code=SCRIPT, **environment):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.attack
def test_a_cache_file_cut_short_is_made_anew(tmp_path):
    first = run_apart(tmp_path)
    assert (first.returncode, first.stderr) == (0, "")
    files = [file for kind in ("nbi", "nbc") for file in tmp_path.rglob(f"*dynamics*.{kind}")]
    assert len(files) == 2
    for file in files:
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        again = run_apart(tmp_path)
        assert (again.returncode, again.stdout, again.stderr) == (0, first.stdout, "")
        assert len(file.read_bytes()) == len(whole)


@pytest.mark.attack
def test_without_a_folder_that_can_be_written_to_code_is_compiled_for_the_process_alone(tmp_path):
    """As in a container whose user has no entry in passwd and no home, and an install that is read-only."""
    nowhere = tmp_path / "file"
    nowhere.write_text("")
    code = (
        "import numba.core.caching as c; c.InTreeCacheLocator.from_function = lambda *_: None\n"
        "c.UserWideCacheLocator.from_function = lambda *_: None\n" + SCRIPT
    )
    found = run_apart(nowhere, code)
    assert (found.returncode, found.stderr.count("\n")) == (0, 1), found.stderr
    assert "compiled code cannot be kept" in found.stderr
    assert "NUMBA_CACHE_DIR" in found.stderr


@pytest.mark.attack
def test_a_full_disk_is_said_once_and_stops_nothing(tmp_path):
    code = (
        "import errno, numba.core.caching as c\n"
        "def full(*_): raise OSError(errno.ENOSPC, 'No space left on device')\n"
        "c.IndexDataCacheFile._save_data = full\n" + SCRIPT
    )
    found = run_apart(tmp_path, code)
    assert found.returncode == 0
    assert found.stderr.count("No space left on device") == found.stderr.count("\n") == 1
