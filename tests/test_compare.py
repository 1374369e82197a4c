"""The comparison: common worlds, honest arithmetic, files, and the command line as a user meets it."""

import csv
import io
import json
import os
import subprocess
import sys
from functools import cache
from importlib.metadata import version

import numpy as np
import pytest
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

from springdrift import ENV_ID, SCENARIOS, TERMS, Costs, InclinedMassEnv
from springdrift.render import view
from springdrift_agents import files
from springdrift_agents.cli import shell
from springdrift_agents.cli.app import app
from springdrift_agents.cli.comparison import Comparison, Kept, carry_out, tell_result
from springdrift_agents.evaluation import plots, report
from springdrift_agents.evaluation.evaluate import PURPOSES, compare, evaluate, world_seeds
from springdrift_agents.evaluation.statistics import mean_interval
from springdrift_agents.evaluation.verdict import verdict
from springdrift_agents.policies.registry import policy, policy_names
from springdrift_agents.policies.rules import RULES

run = CliRunner()


def test_evaluate_agrees_with_the_scalar_env():
    seeds = world_seeds("evaluation", 3, 5)
    found = evaluate(policy("threshold"), "mix", seeds)
    for i, seed in enumerate(seeds):
        env = InclinedMassEnv("mix")
        obs, _ = env.reset(seed=int(seed))
        terms, acts, ended, state = np.zeros(len(TERMS)), [0, 0], False, None
        cycles = 0
        while not ended:
            action, state = policy("threshold").predict(obs, state)
            acts[0] += action == 1
            acts[1] += bool(action == 2 and env.action_masks()[2])
            obs, _, ended, _, info = env.step(action)
            terms += list(info["terms"].values())
            cycles += 1
        np.testing.assert_allclose(found.terms[i], terms, rtol=1e-12)
        assert [found.finding(name)[i] for name in ("interventions", "retrains", "cycles")] == [*acts, cycles]


def test_policies_meet_the_same_worlds():
    parts = compare({"never": policy("never"), "always": policy("always")}, ["shock"], 8, seed=1)
    np.testing.assert_array_equal(parts[0].seeds, parts[1].seeds)


def test_seeds_of_two_purposes_never_meet():
    groups = [set(world_seeds(p, s, 50).tolist()) for p in PURPOSES for s in (0, 1, 2**28 - 1)]
    assert len(set().union(*groups)) == sum(map(len, groups))
    with pytest.raises(ValueError, match="unknown purpose 'play'"):
        world_seeds("play", 0, 1)
    with pytest.raises(ValueError, match="2\\^28"):
        world_seeds("training", 2**28, 1)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        interval = mean_interval(rng.exponential(size=60), seed=trial)
        hits += interval.low <= 1.0 <= interval.high
    assert 0.88 <= hits / 200 <= 0.98
    assert np.isnan(mean_interval(np.array([1.0])).low)


def test_compare_writes_what_it_shows(tmp_path):
    args = ["compare", "-p", "never,periodic:every=10", "-s", "shock,poc", "-n", "6", "--seed", "2"]
    shown = run.invoke(app, [*args, "--out", str(tmp_path / "a"), "--json"])
    assert shown.exit_code == 0, shown.output
    summary = json.loads(shown.stdout)
    assert [(r["scenario"], r["policy"]) for r in summary["results"]] == [
        (s, p) for s in ("shock", "poc") for p in ("never", "periodic:every=10")
    ]
    with (tmp_path / "a/results.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 24
    for row in summary["results"]:
        mine = [x for x in lines if (x["scenario"], x["policy"]) == (row["scenario"], row["policy"])]
        assert np.mean([float(x["cost"]) for x in mine]) == pytest.approx(row["cost"])
        assert row["low"] <= row["cost"] <= row["high"]
        assert sum(row[term] for term in TERMS) == pytest.approx(row["cost"])
        assert all(float(x["cost"]) == pytest.approx(sum(float(x[t]) for t in TERMS)) for x in mine)
    assert (tmp_path / "a/compare.png").read_bytes().startswith(b"\x89PNG")
    again = run.invoke(app, [*args, "--out", str(tmp_path / "b"), "--json"])
    assert again.stdout == shown.stdout
    assert (tmp_path / "a/results.csv").read_bytes() == (tmp_path / "b/results.csv").read_bytes()


def test_prices_change_costs(tmp_path):
    args = ["compare", "-p", "always", "-s", "shock", "-n", "3", "--json", "--out", str(tmp_path)]
    cheap, dear = (
        json.loads(run.invoke(app, [*args, "--cost", f"intervene={price}"]).stdout)["results"][0]
        for price in (0.1, 1.0)
    )
    assert dear["intervene"] == pytest.approx(10 * cheap["intervene"])


def test_tables_name_everything():
    parts = compare({name: policy(name) for name in RULES}, ["shock"], 3, seed=0)
    rows = report.summarise(parts)
    assert report.best_of(rows, "shock") >= {min(rows, key=lambda row: row["cost"])["policy"]}
    assert report.matrix_table(rows, list(RULES)).row_count == 1
    assert report.detail_table(rows).row_count == len(RULES) + 1


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["compare", "-p", "nevr"], "did you mean 'never'"),
        (["compare", "-s", "shok"], "unknown scenario 'shok'; did you mean 'shock'? Allowed: stationary"),
        (["compare", "-n", "2", "--record", "3"], "--record 3 keeps worlds in the file of --db"),
        (["compare", "--cost", "retrain"], "--cost must read NAME=NUMBER, got 'retrain'"),
        (["compare", "-n", "2", "--cost", "retrian=1"], "unknown cost 'retrian'"),
        (["compare", "-s", ","], "an empty list"),
    ],
)
def test_wrong_arguments_get_a_sentence(args, message, tmp_path):
    found = subprocess.run(
        [sys.executable, "-m", "springdrift_agents.cli.main", *args, *(["--out", str(tmp_path / "x")])],
        capture_output=True,
        text=True,
    )
    assert found.returncode != 0
    assert message in found.stderr
    assert "Traceback" not in found.stderr
    assert not (tmp_path / "x").exists()


def test_the_answer_comes_first_with_prices_and_how_sure_it_is(tmp_path):
    args = ["compare", "-p", "never,threshold,periodic", "-s", "abrupt,stationary", "-n", "40"]
    found = run.invoke(app, [*args, "-o", str(tmp_path / "[draft]")])
    assert found.exit_code == 0, found.output
    lines = found.stdout.splitlines()
    assert len(lines) <= 7
    best = lines[0].split()[0]
    summary = json.loads((tmp_path / "[draft]" / "summary.json").read_text())
    assert summary["costs"]["retrain"] == 3.0
    means = {}
    for row in summary["results"]:
        means.setdefault(row["policy"], []).append(row["cost"])
    means = {name: np.mean(values) for name, values in means.items()}
    assert best == min(means, key=means.get)
    assert f": {means[best]:.1f} [" in lines[0]
    saved = 100 * (1 - means[best] / means["never"])
    said = next(line for line in lines if "than never" in line)
    low, high = (int(part) for part in said[said.index("[") + 1 : said.index("]")].split(", "))
    assert f"{saved:.0f} % less" in said
    assert low <= saved <= high
    assert any("forecast 0.3, swing 3, intervene 0.6, retrain 3" in line for line in lines)
    assert f"written: {tmp_path}/[draft]/results.csv" in lines[-1]


def test_prices_are_listed_and_the_version_is_told():
    told = json.loads(run.invoke(app, ["costs", "--json"]).stdout)
    assert (told["retrain"], told["latency"]) == (Costs().retrain, 3)
    assert "a retraining, paid when asked for" in run.invoke(app, ["costs"]).stdout
    assert run.invoke(app, ["--version"]).stdout.strip() == f"springdrift {version('springdrift')}"
    assert "@mix" in run.invoke(app, ["policies"]).stdout


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_a_console_of_another_encoding_loses_no_table(tmp_path, encoding):
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "100"}
    code = (
        "from springdrift_agents.course import check\n"
        "check('1.1', 3.0)\n"
        "from springdrift_agents.text import say\nsay('a σ of ≥ 3 → ✓ 漢')\n"
    )
    script = tmp_path / "mine.py"
    script.write_text(code)
    for command in ([str(script)], ["-m", "springdrift_agents.cli.main", "scenarios"]):
        done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert b"Traceback" not in done.stderr
        assert len(done.stdout.decode(encoding)) > 20


def test_names_are_never_read_as_markup(tmp_path):
    parts = compare({"never": policy("never"), "always": policy("always")}, ["shock"], 3)
    odd = ["[/x] $a_b$ [bold]", "_hidden?"]
    parts = [
        part._replace(policy=name, scenario="[red]$shock$") for part, name in zip(parts, odd, strict=True)
    ]
    rows, overall, text = report.summarise(parts), report.ranking(parts), io.StringIO()
    console = Console(file=text, width=200)
    for table in (report.detail_table(rows), report.matrix_table(rows, odd), report.habits_table(parts)):
        console.print(table)
    console.print(report.ranking_table(overall))
    assert all(text.getvalue().count(name) >= 4 for name in odd)
    assert text.getvalue().count("[red]$shock$") == 2
    plots.compare_plot(rows, tmp_path / "a.png", odd[0])
    plots.ranking_plot(overall, {part.policy: part.cost for part in parts}, tmp_path / "b.png")
    assert verdict(parts, overall)[0].startswith(overall[0]["policy"])


def test_a_pipe_hears_how_far_the_work_is(monkeypatch):
    text, clock = io.StringIO(), iter(range(0, 1000, 4))
    monkeypatch.setattr(shell, "err", Console(file=text, width=60))
    monkeypatch.setattr(shell.time, "monotonic", lambda: next(clock))
    with shell.progress_bar() as progress:
        task = progress.add_task("begin", total=9)
        for n in range(9):
            progress.update(task, advance=1, description=f"[/x] {n}")
    assert text.getvalue().splitlines() == [
        "3 of 9 · [/x] 2 · 12 s",
        "6 of 9 · [/x] 5 · 24 s",
        "9 of 9 · [/x] 8 · 36 s",
    ]


def test_lists():
    assert set(json.loads(run.invoke(app, ["scenarios", "--json"]).stdout)) == set(SCENARIOS)
    assert list(json.loads(run.invoke(app, ["policies", "--json"]).stdout)) == policy_names()
    for command in (["scenarios"], ["policies"], ["observation"], ["--help"], ["compare", "--help"]):
        assert run.invoke(app, command).exit_code == 0


def test_a_missing_extra_is_named(tmp_path):
    code = "import sys; sys.modules['typer'] = None\nfrom springdrift_agents.cli.main import main\nmain()"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == 1
    assert 'pip install "springdrift[cli]"' in found.stderr


def test_pygame_clash_is_told(monkeypatch):
    assert view.pygame_clash() is None
    monkeypatch.setattr(view, "version", lambda name: "1")
    assert "pip uninstall -y pygame pygame-ce" in view.pygame_clash()
    with pytest.raises(ImportError, match="mend it with"):
        view.View()
    assert "mend it with" in CliRunner().invoke(app, ["scenarios"]).stderr


def test_files_are_written_whole_or_not_at_all(tmp_path):
    files.write_text(tmp_path / "a.txt", "whole")
    with pytest.raises(UnicodeEncodeError):
        files.write_text(tmp_path / "a.txt", "half \ud800")
    assert (tmp_path / "a.txt").read_text() == "whole"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Comparisons that were carried out once, to be told at any width; and the folder of each."""

    @cache
    def one(specs, scenarios, count):
        asked = Comparison(
            {spec: policy(spec) for spec in specs.split(",")}, scenarios.split(","), count, 0, ENV_ID, {}, 0
        )
        kept = Kept(tmp_path_factory.mktemp("compared"), None, None, 0)
        return asked, carry_out(asked, kept, 1, None), kept

    return one


@pytest.mark.parametrize("width", [70, 80, 100, 140])
def test_no_figure_is_cut_whatever_the_width(compared, capsys, monkeypatch, width):
    monkeypatch.setattr(shell.out, "width", width)
    specs = "never,periodic,threshold,page-hinkley,cusum,page-hinkley@mix"
    tell_result(*compared(specs, "abrupt,release-train", 4), full=True)
    told = capsys.readouterr().out
    assert "…" not in told
    tables = told[told.index("Cost of an episode:") :]
    assert all(len(line) <= width for line in tables.splitlines() if "written" not in line)
    assert "a wider terminal also shows" in told or width > 100
    first = next(line for line in tables.splitlines() if "policy" in line)
    if width >= 80:  # narrower, names are folded
        assert [term for term in TERMS if term not in first] == []  # of costs none is left out


@pytest.mark.parametrize("width", [30, 40, 60])
def test_a_narrow_terminal_folds_names_and_cuts_no_number(compared, capsys, monkeypatch, width):
    monkeypatch.setattr(shell.out, "width", width)
    found = compared("never,threshold:error=0.5:cooldown=8,ppo-mix", "abrupt", 12)
    tell_result(*found, full=True)
    told = capsys.readouterr().out
    assert "…" not in told
    tables = told[told.index("Cost of") : told.index("written")]
    assert all(len(line) <= width for line in tables.splitlines())
    words = told.split()
    for row in json.loads((found[-1].folder / "summary.json").read_text())["results"]:
        low, high = (report.figure(row[end], row["cost"]) for end in ("low", "high"))
        assert {report.figure(row["cost"]), f"{low}–{high}", f"{row['cost']:.1f}", f"[{row['low']:.1f},"} <= {
            *words
        }
    assert "difference to never" in " ".join(words)


@pytest.mark.parametrize(
    "command",
    [
        ["compare", "-p", "never"],
        ["regret", "-p", "never"],
        ["map", "-p", "never,swing"],
        ["detectors"],
    ],
)
def test_a_folder_for_results_is_tried_before_the_work(command, tmp_path, monkeypatch):
    def work(*args, **options):
        raise AssertionError("the work began")

    for place in (
        "cli.comparison.run_comparison",
        "planning.regret.regret",
        "evaluation.maps.break_even",
        "policies.detectors.lab",
    ):
        monkeypatch.setattr(f"springdrift_agents.{place}", work)
    file = tmp_path / "file"
    file.write_text("mine")
    found = run.invoke(app, [*command, "-o", str(file)])
    assert isinstance(found.exception, ValueError)
    assert str(found.exception) == f"cannot write results to {file}: it is a file, and a folder is needed"
    assert file.read_text() == "mine"
    found = run.invoke(app, [*command, "-o", str(file / "below")])
    assert "cannot write results to the folder" in str(found.exception)
    found = run.invoke(app, [*command, "-o", str(tmp_path / "new")])
    assert str(found.exception) == "the work began"


@pytest.mark.parametrize("seeds", [[], np.zeros((2, 2), int), [0.5], [-1], ["a"], 7])
def test_seeds_that_are_none_get_a_sentence(seeds):
    with pytest.raises(ValueError, match="seeds must be at least one whole number from 0"):
        evaluate(policy("never"), "shock", seeds)


def test_a_list_of_seeds_will_do():
    seeds = world_seeds("evaluation", 0, 2)
    listed = evaluate(policy("never"), "shock", seeds.tolist())
    np.testing.assert_array_equal(listed.cost, evaluate(policy("never"), "shock", seeds).cost)
    np.testing.assert_array_equal(listed.seeds, seeds)


def test_decisions_that_are_none_get_a_sentence():
    class Wrong:
        def predict(self, observation, state=None, episode_start=None, deterministic=True):
            return np.zeros(3, int), None

    with pytest.raises(ValueError, match=r"expected 4 actions, one an env, got shape \(3,\)"):
        evaluate(Wrong(), "shock", world_seeds("evaluation", 0, 4))


@pytest.mark.parametrize("width", [24, 40, 60, 70, 100])
def test_a_table_of_any_size_shows_whole_numbers(monkeypatch, width):
    for trial in range(20):
        rng, text = np.random.default_rng(trial), io.StringIO()
        monkeypatch.setattr(shell, "out", Console(file=text, width=width))
        table = Table("policy")
        for title in ("needless intervention", "cost", "95 %", "gap closed", "retrains")[: 1 + trial % 5]:
            table.add_column(title, justify="right", no_wrap=bool(rng.integers(2)))
        values = 10.0 ** rng.uniform(0, 5, len(table.columns) - 1)
        cells = [f"{value:.{trial % 4}f}" for value in values]
        table.add_row("threshold:error=0.5:cooldown=8", *(f"{cell} %" for cell in cells))
        shell.show(table)
        assert {*cells[: len(table.columns) - 1]} <= {*text.getvalue().replace("┃", " ").split()}
        assert "…" not in text.getvalue()
        assert all(len(line) <= width for line in text.getvalue().splitlines())


def test_json_holds_null_where_one_world_says_nothing_of_spread(tmp_path):
    args = ["compare", "-p", "never,swing", "-s", "shock", "-n", "1", "--out", str(tmp_path), "--json"]
    shown = run.invoke(app, args)
    assert shown.exit_code == 0, shown.output
    for text in (shown.stdout, (tmp_path / "summary.json").read_text()):
        assert "NaN" not in text
        assert [row["low"] for row in json.loads(text)["results"]] == [None, None]
