"""The README says what the code does."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import pytest

import readme
from springdrift_agents.policies.registry import policy

TEXT = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in readme.PARTS if name not in ("results", "gaps")])
def test_table_is_not_stale(name):
    assert readme.part_of(TEXT, name) == readme.PARTS[name]()


@pytest.mark.parametrize(
    "scenario", ["poc", *(pytest.param(one, marks=pytest.mark.slow) for one in ("abrupt", "mix"))]
)
def test_results_are_not_stale(scenario):
    line = " | ".join(readme.result_row(scenario, readme.measure(scenario)))
    assert f"| {line} |" in readme.part_of(TEXT, "results").splitlines()


SNIPPET = next(one for one in re.findall(r"^```python\n(.*?)^```$", TEXT, re.M | re.S) if "PPO(" in one)


def learn(snippet):
    """The costs that a snippet prints as it learns, and its names."""
    space, said = {}, io.StringIO()
    with redirect_stdout(said):
        exec(compile(snippet, "README.md", "exec"), space)
    return [float(line.rpartition(":")[2]) for line in said.getvalue().splitlines()], space


def test_the_snippet_that_learns_runs():
    rounds = re.search(r"range\((\d+)\)", SNIPPET)
    costs, space = learn(SNIPPET.replace(rounds[0], "range(2)"))
    assert len(costs) == 2
    assert space["model"].num_timesteps == 2 * 8192


@pytest.mark.slow
def test_the_snippet_that_learns_passes_a_rule():
    costs, space = learn(SNIPPET)
    evaluate, worlds = space["evaluate"], space["worlds"]
    never, rule = (evaluate(policy(name), "mix", worlds).cost.mean() for name in ("never", "threshold"))
    assert costs[0] > 0.8 * never
    assert min(costs[-5:]) < rule


def test_a_missing_mark_is_named():
    with pytest.raises(ValueError, match="no part 'nothing'"):
        readme.part_of(TEXT, "nothing")
