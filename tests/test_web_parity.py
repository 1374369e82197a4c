"""The page's kernel against Python's: the same bytes, in every scenario, whatever is decided."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from springdrift import SCENARIOS, TERMS, InclinedMassWorld, World
from springdrift.incline.reward import OPS_TERMS
from springdrift_agents.play.web import data, wasm

NODE = shutil.which("node")
HERE = Path(__file__).parent / "web"
PAGE = Path(wasm.__file__).with_name("page")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed: the page's code cannot run")
WORLDS, CYCLES = 20, 200


def play_in_node(games: list[list[object]], folder: Path) -> bytes:
    """Observation, terms and truth of games as the page's code plays them."""
    (folder / "about.json").write_text(json.dumps(data.incline()))
    (folder / "games.json").write_text(json.dumps(games))
    # the file's name ends in .mjs, which Node needs to read a module
    shutil.copy(PAGE / "world.js", folder / "world.mjs")
    names = [folder / name for name in ("world.mjs", "about.json", "games.json", "out.bin")]
    done = subprocess.run([NODE, HERE / "play.mjs", *names], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return (folder / "out.bin").read_bytes()


def play_in_python(scenario: str, seeds: np.ndarray, decisions: np.ndarray) -> list[np.ndarray]:
    """The same as one row of bytes for each world: (worlds, bytes)."""
    world = World(len(seeds), scenario)
    world.seed(np.arange(len(seeds)), seeds)
    world.out.costs[:], world.out.reward[:], world.out.over[:] = 0.0, 0.0, 0.0
    rows = []
    world.begin(np.ones(len(seeds), bool))
    world.fill_idle()
    for cycle in range(-1, decisions.shape[1]):
        if cycle >= 0:
            world.advance(np.ascontiguousarray(decisions[:, cycle]))
        unsold = np.zeros((len(OPS_TERMS) - len(TERMS), len(seeds)))
        bill = (*world.out.costs, *unsold, world.out.reward, world.out.over)
        parts = (world.out.obs, np.array(bill).T, world.out.truth.T)
        rows.append(np.concatenate([np.ascontiguousarray(part).view(np.uint8) for part in parts], axis=1))
    return list(np.concatenate(rows, axis=1))


@needs_node
def test_every_scenario_plays_the_same_bytes_in_node_as_in_python(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    games, expected = [], []
    for scenario in SCENARIOS:
        seeds = np.concatenate((np.arange(WORLDS - 5), rng.integers(2**63, size=5))).astype(np.uint64)
        decisions = rng.choice(3, size=(WORLDS, CYCLES), p=(0.7, 0.2, 0.1))
        games += [[scenario, str(seed), plan] for seed, plan in zip(seeds, decisions.tolist(), strict=True)]
        expected += play_in_python(scenario, seeds, decisions)
    found = np.frombuffer(play_in_node(games, tmp_path), np.uint8).reshape(len(games), -1)
    assert found.shape == (
        15 * WORLDS,
        (CYCLES + 1) * (4 * 18 + 8 * (len(OPS_TERMS) + 2) + 4 * len(InclinedMassWorld.truth_names)),
    )
    for game, mine, theirs in zip(games, found, expected, strict=True):
        assert np.array_equal(mine, theirs), f"{game[0]}, seed {game[1]}, differs"


@pytest.mark.slow
def test_the_kernel_that_ships_is_what_the_sources_compile_to(tmp_path: Path) -> None:
    try:
        wasm.check_tools()
    except ImportError as missing:
        pytest.skip(str(missing))
    wasm.compile_kernel(tmp_path / "kernel.wasm")
    assert (tmp_path / "kernel.wasm").read_bytes() == wasm.KERNEL.read_bytes()


def test_another_version_of_a_tool_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(wasm.TOOLS, "numba", "0.1")
    with pytest.raises(ImportError, match=r"needs numba 0\.1, found .*pip install numba==0\.1"):
        wasm.compile_kernel(Path("nowhere"))


def test_the_module_asks_its_surroundings_for_two_functions_alone() -> None:
    code = wasm.KERNEL.read_bytes()
    assert code[:8] == b"\0asm\x01\0\0\0"
    assert len(code) < 200_000
    assert code.count(b"\x03env") == 2
    assert code.count(b"fmodf") == code.count(b"__multi3") == 1
