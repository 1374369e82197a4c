"""The page's kernel against Python's: the same bytes, in every scenario, whatever is decided."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from springdrift import ENV_ID, OPS_ID, SERIES_ID, SERIES_OPS_ID
from springdrift.registry import world_spec
from springdrift_agents.play.web import build, data, wasm

NODE = shutil.which("node")
HERE = Path(__file__).parent / "web"
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed: the page's code cannot run")
CYCLES = 200
WORLDS = {ENV_ID: 20, OPS_ID: 5, SERIES_ID: 8, SERIES_OPS_ID: 4}  # of each scenario


def play_in_node(told: dict[str, Any], games: list[list[object]], folder: Path) -> bytes:
    """Observation, terms and truth of games as the page's code plays them."""
    page = folder / "page"
    shutil.copytree(build.PAGE, page)
    (page / "package.json").write_text('{"type": "module"}')  # Node takes .js for modules then
    (folder / "about.json").write_text(json.dumps({"about": told, "kernels": data.kernels(told)}))
    (folder / "games.json").write_text(json.dumps(games))
    names = [page, *(folder / name for name in ("about.json", "games.json", "out.bin"))]
    done = subprocess.run([NODE, HERE / "play.mjs", *names], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return (folder / "out.bin").read_bytes()


def play_in_python(id: str, scenario: str, seeds: np.ndarray, decisions: np.ndarray) -> list[np.ndarray]:
    """The same as one row of bytes for each world: (worlds, bytes)."""
    world = world_spec(id).world(len(seeds), scenario)
    world.seed(np.arange(len(seeds)), seeds)
    world.out.costs[:], world.out.reward[:], world.out.over[:] = 0.0, 0.0, 0.0
    rows = []
    world.begin(np.ones(len(seeds), bool))
    world.fill_idle()
    for cycle in range(-1, decisions.shape[1]):
        if cycle >= 0:
            world.advance(np.ascontiguousarray(decisions[:, cycle]))
        parts = [world.out.obs, *_billed(world.out, len(seeds)), world.out.truth.T]
        rows.append(np.concatenate([np.ascontiguousarray(part).view(np.uint8) for part in parts], axis=1))
    return list(np.concatenate(rows, axis=1))


def _billed(out: Any, count: int) -> list[np.ndarray]:
    """Terms, reward and end as the kernel has them in memory: one array on the incline, three on series."""
    columns = [part[:, None] for part in (out.reward, out.over)]
    if out.over.dtype == np.int64:
        return [out.costs.T, *columns]
    unsold = np.zeros((count, 6 - len(out.costs)))
    return [np.concatenate([out.costs.T, unsold, *columns], axis=1)]


@needs_node
@pytest.mark.parametrize("id", WORLDS)
def test_every_scenario_plays_the_same_bytes_in_node_as_in_python(id: str, tmp_path: Path) -> None:
    told = data.about(id)
    rng, count, actions = np.random.default_rng(0), WORLDS[id], world_spec(id).actions.n
    likely = np.array([0.7, 0.2, 0.1]) if actions == 3 else np.array([0.6, 0.1, 0.1, 0.1, 0.1])
    games, expected = [], []
    for scenario in (one["name"] for one in told["scenarios"]):
        drawn = rng.integers(2**64, size=count // 4, dtype=np.uint64)
        seeds = np.concatenate((np.arange(count - len(drawn), dtype=np.uint64), drawn))
        decisions = rng.choice(actions, size=(count, CYCLES), p=likely)
        games += [[scenario, str(seed), plan] for seed, plan in zip(seeds, decisions.tolist(), strict=True)]
        expected += play_in_python(id, scenario, seeds, decisions)
    found = np.frombuffer(play_in_node(told, games, tmp_path), np.uint8).reshape(len(games), -1)
    assert found.shape == (count * len(told["scenarios"]), len(expected[0]))
    for game, mine, theirs in zip(games, found, expected, strict=True):
        assert np.array_equal(mine, theirs), f"{id}, {game[0]}, seed {game[1]}, differs"


@pytest.mark.slow
def test_the_kernels_that_ship_are_what_the_sources_compile_to(tmp_path: Path) -> None:
    try:
        wasm.check_tools()
    except ImportError as missing:
        pytest.skip(str(missing))
    wasm.compile_kernels(tmp_path)
    for path in wasm.KERNELS.values():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_another_version_of_a_tool_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(wasm.TOOLS, "numba", "0.1")
    with pytest.raises(ImportError, match=r"needs numba 0\.1, found .*pip install numba==0\.1"):
        wasm.compile_kernels(Path("nowhere"))


@pytest.mark.parametrize("path", wasm.KERNELS.values(), ids=wasm.KERNELS)
def test_a_module_names_no_file_of_the_machine_that_made_it(path: Path) -> None:
    """Numba's errors would: they are pickled with the places of its own sources."""
    assert not re.findall(rb"[\w./-]+\.py", path.read_bytes())


@pytest.mark.parametrize("path", wasm.KERNELS.values(), ids=wasm.KERNELS)
def test_a_module_asks_its_surroundings_for_two_functions_at_most(path: Path) -> None:
    code = path.read_bytes()
    assert code[:8] == b"\0asm\x01\0\0\0"
    assert len(code) < 200_000
    assert code.count(b"\x03env") == code.count(b"fmodf") + code.count(b"__multi3") <= 2
