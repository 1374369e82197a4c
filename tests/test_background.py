"""Where no code is kept, steps are interpreted while it is made in the background, to the same bits."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import springdrift
from golden.record import IDS, file_of, record, scenarios_of
from springdrift import OPS_ID, SERIES_OPS_ID, WORLDS
from springdrift.game import background, cache, jit
from springdrift.game.actions import _all_below
from springdrift.incline.state import read_lanes
from springdrift.incline.world import KERNELS
from springdrift.series import kernel

HERE = Path(__file__).parent
LONG = ("chaos", "compound", "recurring")  # on the incline, where an interpreted cycle takes longest


def run(script, folder, **environment):
    """What a script does in a process of its own whose cache is a folder."""
    own = {name: value for name, value in os.environ.items() if name != background.CHOICE}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import sys; sys.path.insert(0, {str(HERE)!r})\n{script}"],
        env={**own, "NUMBA_CACHE_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,  # interpreted episodes take minutes of a processor's time
    )


def rest(folder):
    """Wait until the background has nothing left to compile for a cache."""
    assert run("from springdrift.game.background import rest; rest()", folder).returncode == 0


def digest(id, scenario, cycles, observe="monitor", **options):
    """Of all that an episode under random decisions shows, with its masks, a fork and a longer look."""
    env = WORLDS[id].env(scenario, observe=observe, cycles=cycles, **options)
    decisions = np.random.default_rng(cycles).integers(WORLDS[id].actions.n, size=cycles)
    found = hashlib.sha256(env.reset(seed=11)[0].tobytes())
    for cycle, decision in enumerate(decisions):
        if cycle == cycles // 2:
            env = env.fork()
            if hasattr(env.world, "follow"):
                one = read_lanes(env.world.batch, np.zeros(1, np.int64))
                for part in env.world.follow(one, int(decision)):
                    found.update(part.tobytes())
        obs, reward, over, _, info = env.step(int(decision))
        found.update(obs.tobytes() + env.action_masks().tobytes())
        found.update(json.dumps([reward, info], sort_keys=True).encode())
    assert over
    return found.hexdigest()


def episodes():
    """Digests of some episodes of every kind of world, by name: short ones of all scenarios, and longer."""
    found = {}
    for id in IDS:
        series, versions = "Series" in id, id in (OPS_ID, SERIES_OPS_ID)
        modes = list(WORLDS[id].world.observations)
        for place, scenario in enumerate(WORLDS[id].scenarios.generated() if series else scenarios_of(id)):
            if place % 2 == versions:
                observe = modes[place % len(modes)]
                options = {"label_delay": place % 3} if series else {"latency": 1 + place % 3}
                name = f"{id} {scenario} {observe}"
                found[name] = digest(id, scenario, 24 if series else 7, observe, **options)
    for scenario in LONG:
        found[f"long {scenario}"] = digest(OPS_ID, scenario, 40)
    return found


INTERPRETED = (
    "import json, test_background as test\n"
    "from springdrift.game import jit\n"
    "jit.under_way = lambda *_: True\n"
    "print(json.dumps(test.{}))\n"
    "assert not test.code_of_cycles()\n"
)


def code_of_cycles():
    """The types for which a cycle is compiled or loaded."""
    functions = [kernel.advance, kernel.begin, *(one.advance for one, _ in KERNELS)]
    return [types for function in functions for types in function.overloads]


def interpreted(call, folder):
    """What a call gives in a process in which nothing is compiled."""
    found = run(INTERPRETED.format(call), folder)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def test_interpreted_episodes_equal_compiled_ones(tmp_path):
    """Nothing is compiled in the one process, all in the other."""
    assert interpreted("episodes()", tmp_path) == episodes()
    assert code_of_cycles()


def golden(id):
    """The golden episodes of a kind of world, each with one way to observe: all three are met in turn."""
    modes = list(WORLDS[id].world.observations)
    return {
        scenario: record(scenario, id, [modes[place % len(modes)]])
        for place, scenario in enumerate(scenarios_of(id))
    }


@pytest.mark.slow
@pytest.mark.parametrize("id", IDS)
def test_golden_episodes_are_the_same_when_interpreted(tmp_path, id):
    kept = json.loads(file_of(id).read_text())
    found = interpreted(f"golden({id!r})", tmp_path)
    assert len({name for entry in found.values() for name in entry}) == len(WORLDS[id].world.observations) + 2
    assert found == {scenario: {name: kept[scenario][name] for name in found[scenario]} for scenario in kept}


SHORT = (
    "import json, test_background as test\n"
    "print(test.digest('springdrift/InclinedMass-v0', 'mix', 5), len(test.code_of_cycles()))"
)
CHANGES = (
    "import json, time, test_background as test\n"
    "found, until = [], time.monotonic() + 500\n"
    "while not any(test.kernel.advance.overloads) and time.monotonic() < until:\n"
    "    found.append(test.digest('springdrift/TimeSeriesOps-v0', 'abrupt', 50))\n"
    "found.append(test.digest('springdrift/TimeSeriesOps-v0', 'abrupt', 50))\n"
    "print(json.dumps([sorted(set(found)), len(test.kernel.advance.overloads)]))"
)


@pytest.mark.slow
def test_a_short_script_is_interpreted_and_leaves_its_code_behind(tmp_path):
    wanted = digest("springdrift/InclinedMass-v0", "mix", 5)
    first = run(SHORT, tmp_path)
    assert (first.returncode, first.stdout.split()) == (0, [wanted, "0"]), first.stderr
    assert first.stderr.count("\n") == first.stderr.count("compiling in the background") == 1
    rest(tmp_path)
    assert not list(tmp_path.rglob("*.wanted"))
    again = run(SHORT, tmp_path)
    assert (again.returncode, again.stdout.split(), again.stderr) == (0, [wanted, "1"], "")


@pytest.mark.slow
def test_an_env_changes_over_to_compiled_code_as_soon_as_it_is_there(tmp_path):
    found = run(CHANGES, tmp_path)
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout) == [[digest("springdrift/TimeSeriesOps-v0", "abrupt", 50)], 1]


FEW, MANY = "4", "99"  # actions: lanes that are interpreted, and that are not
LOOK = (
    "import numpy as np\nfrom springdrift.game import background, jit\n"
    "from springdrift.game.actions import _all_below as look\n{}\n"
    "print(look(np.arange({}), 200), len(look.overloads))"
)


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What a small function gives at its first call, after some preparation, and how many codes it has."""

    def look(before="", count=FEW, folder=None, **environment):
        folder = folder or tmp_path_factory.mktemp("cache")
        found = run(LOOK.format(before, count), folder, **environment)
        assert (found.returncode, found.stderr) == (0, ""), found.stderr
        return found.stdout.split()

    return look


def test_a_call_for_a_few_is_interpreted_and_one_for_many_compiled(seen, tmp_path):
    assert seen(count=MANY) == ["True", "1"]
    assert seen(folder=tmp_path) == ["True", "0"]
    rest(tmp_path)
    assert seen(folder=tmp_path) == ["True", "1"]


def refusing(error):
    def run(*_, **__):
        raise error

    return run


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """The background as a process that has asked for nothing finds it; it keeps its queue in a folder."""
    monkeypatch.delenv(background.CHOICE)
    monkeypatch.setattr(background, "_process", background._Process())
    monkeypatch.setattr(background, "queue_folder", lambda: tmp_path)
    monkeypatch.setattr(background, "holds", lambda *_: False)
    monkeypatch.setattr(background.subprocess, "run", refusing(AssertionError("started a process")))
    return monkeypatch


@pytest.mark.parametrize(
    "change",
    [
        lambda to: to.setenv(background.CHOICE, background.FIRST),
        lambda to: to.setattr(background._process, "able", False),
        lambda to: to.setattr(background, "queue_folder", lambda: None),
        lambda to: to.setattr(background, "queue_folder", lambda: Path(__file__) / "no folder"),
        lambda to: to.setattr(background, "holds", lambda *_: None),
        lambda to: to.setattr(background, "holds", lambda *_: True),
        lambda to: to.setattr(background.fcntl, "flock", refusing(OSError("no locks here"))),
        lambda to: to.setattr(background.subprocess, "run", refusing(PermissionError("no processes here"))),
        lambda to: to.setattr(background.subprocess, "run", refusing(BlockingIOError("too many"))),
        lambda to: to.setattr(background.subprocess, "run", refusing(subprocess.TimeoutExpired("it", 30))),
    ],
    ids=["chosen", "able", "cache", "folder", "nowhere", "kept", "locks", "forbidden", "many", "late"],
)
def test_where_nothing_can_run_in_the_background_code_is_compiled_at_once(fresh, change):
    change(fresh)
    for _ in range(2):
        assert not background.under_way(_all_below, ())


@pytest.mark.usefixtures("fresh")
def test_a_choice_that_is_none_is_refused(monkeypatch):
    monkeypatch.setenv(background.CHOICE, "frist")
    with pytest.raises(ValueError, match="SPRINGDRIFT_COMPILE must be first or background, got 'frist'"):
        background.under_way(_all_below, ())


def test_what_does_not_start_is_compiled_at_once(seen):
    assert seen("background._START = 'raise SystemExit(1)'") == ["True", "1"]


def test_what_the_background_could_not_compile_is_compiled_here(seen):
    """It starts, and ends without having made anything."""
    before = (
        "background._START = 'pass'\n"
        "assert look(np.arange(4), 200) and not look.overloads  # the process may still be at work\n"
        "background.rest()"
    )
    assert seen(before) == ["True", "1"]


@pytest.mark.parametrize(
    ("program", "able"),
    [
        ("/usr/bin/python3.12", True),
        ("python.exe", True),
        ("/opt/app/blender", False),
        ("", False),
        (None, False),
    ],
)
def test_only_an_interpreter_is_started(program, able):
    assert background._is_python(program) == able


@pytest.mark.usefixtures("fresh")
def test_while_another_is_at_work_nothing_is_started(tmp_path):
    """The lock tells, whoever holds it; what is missing waits in the queue."""
    with (tmp_path / "lock").open("w") as lock:
        background.fcntl.flock(lock, background.fcntl.LOCK_EX)
        for _ in range(2):
            assert background.under_way(_all_below, ())
    assert len(list(tmp_path.glob("*.wanted"))) == 1
    background.work(str(tmp_path))
    assert not list(tmp_path.glob("*.wanted"))


def test_requests_of_other_sources_and_damaged_ones_are_thrown_away(tmp_path):
    (tmp_path / "0123456789abcdef-0.wanted").write_bytes(b"of a version that is gone")
    (tmp_path / f"{cache.stamp('')[:16]}-1.wanted").write_bytes(b"no pickle")
    background.work(str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_an_interrupt_leaves_no_trace_of_the_background(tmp_path):
    """It runs in a session of its own, and nothing that it says is seen."""
    found = run(
        "import os, numpy as np\nfrom springdrift.game import background\n"
        "background._START = 'import os, sys, time\\nif os.fork(): os._exit(0)\\n'"
        "'print(1); print(2, file=sys.stderr)\\n'"
        '\'open(sys.argv[1].split(chr(34))[1] + "/session", "w").write(str(os.getsid(0)))\'\n'
        "from springdrift.game.actions import _all_below\n_all_below(np.arange(4), 9); background.rest()\n"
        "print(os.getsid(0), (background.queue_folder() / 'session').read_text())",
        tmp_path,
    )
    assert (found.returncode, found.stderr) == (0, "")
    mine, its = found.stdout.split()
    assert mine != its


def test_warming_up_compiles_here(monkeypatch):
    """What is warm when it returns is warm in this process."""
    monkeypatch.setattr(jit, "under_way", lambda *_: pytest.fail("put it off"))
    springdrift.warm_up()
    with jit.compiled_first(), jit.compiled_first():
        pass
    assert not jit._here.compiling
