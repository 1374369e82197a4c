"""What is said of other people's frameworks is what their scripts run with."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "tests" / "frameworks"
PAGE = (ROOT / "tutorials" / "site" / "howto" / "frameworks.md").read_text()
TRIED = re.search(r"^FRAMEWORKS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
TITLES = {
    "gymnasium": "Gymnasium", "sb3": "Stable-Baselines3", "sb3_contrib": "sb3-contrib",
    "rl_zoo3": "RL Baselines3 Zoo", "cleanrl": "CleanRL", "tianshou": "Tianshou", "torchrl": "TorchRL",
    "skrl": "skrl", "rllib": "RLlib", "pufferlib": "PufferLib", "minari": "Minari", "d3rlpy": "d3rlpy",
}  # fmt: skip


def pins(path):
    found = re.findall(r"^([\w-]+)==(\S+)$", path.read_text(), re.MULTILINE)
    return {name.replace("_", "-"): version for name, version in found}


@pytest.mark.parametrize("name", TRIED)
def test_each_has_a_script_pins_and_a_section_of_the_page(name):
    script, pinned = SCRIPTS / f"with_{name}.py", pins(SCRIPTS / f"{name}.txt")
    assert script.exists()
    assert pinned["torch"] == "2.13.0"
    section = PAGE.split(f"\n## {TITLES[name]}\n")[1].split("\n## ")[0]
    told = re.findall(r"`([\w-]+)` (\d[\d.]*\d)", section)
    assert told or name == "cleanrl"
    for package, version in told:
        assert pinned[package.replace("_", "-")] == version, package


def test_every_snippet_is_python():
    found = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert len(found) >= 10
    for snippet in found:
        ast.parse(snippet)


def test_every_script_is_of_one_of_them():
    assert {path.stem for path in SCRIPTS.glob("with_*.py")} <= {f"with_{name}" for name in TRIED}
    assert {path.stem for path in SCRIPTS.glob("*.txt")} == {*TRIED} == {*TITLES}
