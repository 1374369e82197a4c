"""The README says what the code does."""

from pathlib import Path

import pytest

import readme

TEXT = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in readme.PARTS if name != "results"])
def test_table_is_not_stale(name):
    assert readme.part_of(TEXT, name) == readme.PARTS[name]()


@pytest.mark.parametrize("scenario", ["abrupt", "mix"])
def test_results_are_not_stale(scenario):
    line = " | ".join(readme.result_row(scenario, readme.measure(scenario)))
    assert f"| {line} |" in readme.part_of(TEXT, "results").splitlines()


def test_a_missing_mark_is_named():
    with pytest.raises(ValueError, match="no part 'nothing'"):
        readme.part_of(TEXT, "nothing")
