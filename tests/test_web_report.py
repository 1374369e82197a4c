"""The page of a comparison: its numbers are those of the comparison, its episodes those that were judged."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from springdrift import SERIES_ID, THREE_ACTIONS
from springdrift_agents.cli.app import app
from springdrift_agents.evaluation.evaluate import compare
from springdrift_agents.play.web import build, link, references, report
from springdrift_agents.policies.registry import policy

NODE = shutil.which("node")
CHROMIUM = shutil.which("chromium")


def told_by(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    assert "{{" not in text
    assert path.stat().st_size < 1_000_000
    return dict(json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1]))


def test_the_page_of_a_comparison(tmp_path: Path) -> None:
    specs = {name: policy(name) for name in ("never", "threshold", "cusum@mix")}
    parts = compare(specs, ["abrupt", "poc"], 3, costs={"retrain": 5.0})
    report.write(tmp_path / "report.html", parts, specs, {"retrain": 5.0}, {"who": "<b>me</b>"})
    told = told_by(tmp_path / "report.html")
    found = told["found"]
    assert {one["name"]: one["value"] for one in told["worlds"][0]["prices"]}["retrain"] == 5.0
    assert found["manifest"]["who"] == "<b>me</b>"
    assert "<b>me" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    costs = [one["cost"]["value"] for one in found["ranking"]]
    assert costs == sorted(costs)
    for one, terms in zip(found["ranking"], found["byTerm"], strict=True):
        assert one["policy"] == terms["policy"]
        assert sum(terms["sums"]) == pytest.approx(one["cost"]["value"])
    for part in parts:
        games = found["replays"][part.scenario]
        assert games["seeds"] == ["0", "1"]
        for place in range(2):
            plan = link.decisions_of(games["plans"][part.policy][place], THREE_ACTIONS, 200)
            retrains = np.maximum(part.finding("retrains")[place], 0)
            paid = references.cost_of(part.scenario, place, np.array(plan)) + 2.0 * retrains
            assert paid == pytest.approx(part.cost[place])


def test_watch_writes_a_page_of_two_policies(tmp_path: Path) -> None:
    page = tmp_path / "watch.html"
    command = ["watch", "-p", "never", "--versus", "swing", "-s", "wear", "--html", str(page)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    found = told_by(page)["found"]
    assert list(found["replays"]["wear"]["plans"]) == ["never", "swing"]
    assert found["ranking"] == []


@pytest.mark.skipif(NODE is None, reason="Node is not installed: the page's code cannot run")
def test_the_modules_of_the_report_make_one_module_that_parses(tmp_path: Path) -> None:
    (tmp_path / "report.mjs").write_text(build.code_of(build.REPORT))
    command = [str(NODE), "--check", str(tmp_path / "report.mjs")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def seen_in_chromium(page: Path, folder: Path) -> str:
    """The page's elements once its code has run."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    flags += ["--disable-component-update", "--disable-sync", "--no-first-run"]
    flags += [f"--user-data-dir={folder}", "--virtual-time-budget=4000", "--dump-dom"]
    command = [str(CHROMIUM), *flags, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: no page can be opened")
def test_pages_come_alive_in_a_browser(tmp_path: Path) -> None:
    specs = {name: policy(name) for name in ("never", "swing")}
    report.write_episodes(tmp_path / "watch.html", specs, "wear", np.zeros(1, np.uint64))
    shown = seen_in_chromium(tmp_path / "watch.html", tmp_path / "profile")
    assert shown.count('class="replay-scene"') == 2
    game = seen_in_chromium(build.build(tmp_path / "play"), tmp_path / "profile")
    assert re.search(r'<strong id="version">version 0</strong>', game)
    assert re.search(r'<p id="guide-text">The dark block', game)


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: no page can be opened")
def test_a_comparison_on_series_comes_alive_too(tmp_path: Path) -> None:
    specs = {name: policy(name) for name in ("never", "threshold")}
    parts = compare(specs, ["abrupt", "co2"], 2, env=SERIES_ID)
    report.write(tmp_path / "report.html", parts, specs, env=SERIES_ID)
    found = told_by(tmp_path / "report.html")["found"]
    assert list(found["replays"]) == ["abrupt"]  # a recording is compared, and not replayed
    for place, plan in enumerate(found["replays"]["abrupt"]["plans"]["threshold"]):
        paid = references.cost_of(
            "abrupt", place, np.array(link.decisions_of(plan, THREE_ACTIONS, 200)), SERIES_ID
        )
        part = next(one for one in parts if (one.policy, one.scenario) == ("threshold", "abrupt"))
        assert paid == pytest.approx(part.cost[place])
    shown = seen_in_chromium(tmp_path / "report.html", tmp_path / "profile")
    assert shown.count('class="replay-scene"') == 2
