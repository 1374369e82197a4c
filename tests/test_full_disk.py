"""A disk for caches that is full: every command works as ever, uncached, and says so in a sentence."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core.caching import _CacheLocator

import springdrift
from faults import percent
from springdrift.game import actions
from springdrift.incline import dynamics
from springdrift.incline.kernel import entry
from springdrift.series import kernel

pytestmark = pytest.mark.attack
UNKEPT = ("settle", "_all_below", "harmonics")  # quick to compile: what every command finds no room for
# a disk of its own in a mount namespace, with what was kept before, then filled up to the last byte
FULL = (
    'mount -t tmpfs -o size=256m,nr_inodes=4096 none "$0" && cp -r "$1"/. "$0" || exit 77\n'
    'chmod -R u+w "$0"; cat /dev/zero > "$0/fill" 2>/dev/null\n'
    'if echo x > "$0/more"; then exit 78; fi 2>/dev/null; shift; exec "$@"'
)


def own_mounts():
    """How a process gets mounts of its own here; empty where it cannot."""
    for ways in (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]):
        try:
            if not subprocess.run([*ways, "mount", "-t", "tmpfs", "none", "/mnt"], check=False).returncode:
                return ways
        except OSError:
            break
    return []


WAYS = own_mounts() if sys.platform.startswith("linux") else []


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """What was compiled before, but for a few, as Numba keeps it in a folder of the user's."""
    springdrift.warm_up()
    folder = tmp_path_factory.mktemp("before")
    for function in (entry.advance, dynamics._trajectory, kernel.advance, actions._all_below):
        place = folder / _CacheLocator.get_suitable_cache_subpath(function.py_func.__code__.co_filename)
        place.mkdir(parents=True, exist_ok=True)
        for file in Path(function.stats.cache_path).glob("*.nb[ic]"):
            if not any(f".{name}-" in file.name for name in UNKEPT):
                shutil.copy(file, place)
    return folder


def run(tmp_path, before, *command):
    full = tmp_path / "full"
    full.mkdir()
    places = {"NUMBA_CACHE_DIR": full, "XDG_CACHE_HOME": full, "MPLCONFIGDIR": full / "matplotlib"}
    return subprocess.run(
        [*WAYS, "sh", "-c", FULL, str(full), str(before), sys.executable, *command],
        cwd=tmp_path,
        env={**os.environ, **{name: str(place) for name, place in places.items()}},
        capture_output=True,
        text=True,
        check=False,
    )


SPRINGDRIFT = ("-m", "springdrift_agents.cli.main")
QUICK = [["compare", "-n", "2", "-s", "poc", "-p", "never,threshold", "-o", "out"]]
SLOW = [
    ["map", "-s", "poc", "-n", "2", "-o", "out"],
    ["regret", "-s", "poc", "-n", "1", "-p", "never", "-o", "out"],
    ["tune", "swing", "-s", "poc", "-n", "4", "--trials", "2", "-o", "out/tuned.json"],
    ["detectors", "-n", "10", "-o", "out"],
    ["train", "ppo", "-s", "poc", "-n", "64", "-o", "out"],
    ["watch", "-p", "threshold", "-s", "poc", "--cycles", "1:3", "--frames", "2", "-o", "out/film.gif"],
    ["series", "abrupt", "--cycles", "9", "-o", "out"],
    ["scenarios"],
]


@pytest.mark.skipif(not WAYS, reason="no mounts of one's own here")
@pytest.mark.parametrize(
    "command",
    [*QUICK, *(pytest.param(one, marks=pytest.mark.slow) for one in SLOW)],
    ids=lambda command: command[0],
)
def test_no_command_is_stopped(tmp_path, before, command):
    found = run(tmp_path, before, *SPRINGDRIFT, *command)
    assert found.returncode == 0, found.stderr
    assert "Traceback" not in found.stderr
    said = [line for line in found.stderr.splitlines() if "cannot be kept" in line]
    assert len(said) <= 1, found.stderr
    if command in QUICK:
        assert "No space left on device" in said[0]


@pytest.mark.slow
@pytest.mark.skipif(not WAYS, reason="no mounts of one's own here")
def test_a_class_is_graded_all_the_same(tmp_path, before):
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "ann_lesson1.py").write_text(percent())
    found = run(tmp_path, before, *SPRINGDRIFT, "grade", "class", "-l", "1", "-o", "grades.csv")
    assert found.returncode == 0, found.stderr
    assert "Traceback" not in found.stderr
    assert "ann" in (tmp_path / "grades.csv").read_text()
