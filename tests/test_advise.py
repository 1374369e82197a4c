"""Advice on series whose answer is known."""

import html
import itertools
import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from springdrift.series.forecaster import LAST, Shape
from springdrift.series.staleness import staleness
from springdrift_agents.advise import Monitor
from springdrift_agents.advise.advice import advise, square_root
from springdrift_agents.advise.cycles import cut
from springdrift_agents.advise.grid import to_grid
from springdrift_agents.advise.judge import judge
from springdrift_agents.advise.judged import block_interval
from springdrift_agents.advise.monitor import Chart
from springdrift_agents.advise.report import as_html
from springdrift_agents.advise.strategies import (
    RETRAIN,
    Prices,
    alarms,
    follow,
    limit_at_rate,
    normal_error,
    replayed,
    stretch,
)
from springdrift_agents.advise.summary import as_data, as_text
from springdrift_agents.advise.words import sentences
from springdrift_agents.cli.app import app

P = 12
WAVE = np.sin(2 * np.pi * np.arange(P) / P)


def series(amplitude, seed=0, noise=0.3):
    """A season whose amplitude is given for each cycle, (N, P)."""
    rng = np.random.default_rng(seed)
    return 10 + np.asarray(amplitude)[:, None] * WAVE + noise * rng.standard_normal((len(amplitude), P))


def frame(values):
    flat = values.ravel()
    times = np.datetime64("2022-01-01T00:00:00", "us") + np.arange(len(flat)) * np.timedelta64(2, "h")
    return pa.table({"when": times, "load": flat})


STEADY = series(np.full(260, 3.0))
LENGTHS = np.random.default_rng(5).integers(12, 26, 40)
JUMPS = series(np.repeat(np.tile([3.0, -1.2, 4.0, -2.5], 10), LENGTHS)[:420], seed=1, noise=0.5)
CHEAP = Prices(error=1.0, retrain=10.0, intervene=0.0)
FEW = ("never", "calendar", "threshold")


def advice_on(values, **options):
    given = {"error_cost": 1.0, "retrain_cost": 10.0, "window": 7, "period": P, **options}
    return advise(frame(values), "when", "load", **given)


@pytest.fixture(scope="module")
def on_jumps():
    return advice_on(JUMPS, intervene_cost=4.0, currency="EUR")


@pytest.fixture(scope="module")
def on_steady():
    return advice_on(STEADY)


def test_where_nothing_drifts_the_advice_is_never_to_retrain(on_steady):
    found = on_steady
    assert found.judged.recommended == "never"
    assert sentences(found)[0].startswith("Do not retrain")


def test_where_regimes_jump_a_trigger_wins(on_jumps):
    judged = on_jumps.judged
    assert judged.recommended not in ("never", "calendar")
    assert on_jumps.saving(judged.recommended).low > 0
    assert on_jumps.saving("threshold", "calendar").value > 0
    optimum = judged.costs("optimum").sum()
    assert all(judged.costs(name).sum() >= optimum - 1e-9 for name in judged.candidates)


def test_where_only_the_second_half_jumps_a_trigger_wins():
    regimes = np.repeat(np.tile([3.0, -1.2, 4.0, -2.5], 10), LENGTHS)
    values = series(np.concatenate((np.full(300, 3.0), regimes[:300])), seed=1, noise=0.5)
    found = judge(values, 0, CHEAP, window=7, families=FEW)
    assert found.recommended == "threshold"
    assert found.difference("threshold", "never").high < 0


@pytest.mark.parametrize(("price", "every"), [(0.0, 1), (1e12, None)])
def test_a_free_retraining_is_made_each_cycle_and_a_dear_one_never(price, every):
    drifting = series(3 + np.cumsum(np.full(240, 0.05)), noise=0.05)
    found = judge(drifting, 0, Prices(1.0, price, 0.0), window=7, families=FEW)
    if every is None:
        assert found.recommended == "never"
        assert not any((run.actions == RETRAIN).any() for run in found.optimum.runs)
    else:
        assert found.calendar.value == every
        assert found.recommended == "calendar"


def linear(slope, cycles, price):
    """Errors of models that grow by ``slope`` a cycle of age, as a table."""
    plain = staleness(np.random.default_rng(0).standard_normal((cycles + 24, 2)), Shape(2, 0, 5, 0, LAST))
    ages = [t - i for t in range(plain.cycles - plain.first) for i in range(t + 1)]
    stats = plain.stats.copy()
    stats[:, 0] = 0.1 + slope * np.array(ages)
    return stretch(replace(plain, stats=stats), 24, cycles, 1)


@pytest.mark.parametrize(("slope", "price"), [(0.02, 9.0), (0.05, 40.0)])
def test_linear_staleness_has_the_square_root_calendar(slope, price):
    from springdrift_agents.advise.judge import calendar_interval

    table = linear(slope, 600, price)
    prices = Prices(error=1.0, retrain=2 * price, intervene=0.0)  # two measurements a cycle
    rule = np.sqrt(2 * price / slope)
    found = calendar_interval(table, prices)
    assert found.low <= rule * 1.1
    assert rule * 0.9 <= found.high
    assert abs(found.value - rule) < 0.15 * rule


def test_no_decision_looks_at_the_future():
    """Whatever comes after a cycle, decisions up to it stay as they are, settings included."""
    changed = JUMPS.copy()
    changed[300:] = 50.0 - changed[300:]
    one, other = (judge(y, 0, CHEAP, window=7, families=FEW) for y in (JUMPS, changed))
    for name in FEW:
        for (first, _), mine, theirs in zip(
            one.stretches, one.candidates[name].runs, other.candidates[name].runs, strict=True
        ):
            upto = max(0, min(len(mine.actions), 300 - first))
            np.testing.assert_array_equal(mine.actions[:upto], theirs.actions[:upto])
            if first < 300:
                assert one.candidates[name].policies[0] == other.candidates[name].policies[0]


def test_the_monitor_decides_as_the_report_does(on_jumps, tmp_path):
    """Fed one cycle at a time from the policy's file, it makes the very decisions of the report."""
    judged = on_jumps.judged
    for name, candidate in judged.candidates.items():
        if name == "learned":  # needs more than errors: tests/test_advise_learned.py
            continue
        for policy, run, (_, table) in zip(candidate.policies, candidate.runs, judged.stretches, strict=True):
            path = tmp_path / "policy.json"
            path.write_text(json.dumps(policy))
            monitor = Monitor.load(path)
            actions = []
            for t in range(table.cycles):
                known = t - 1
                errors = (
                    (table.error(int(run.serving[known]), known), float(table.naive[known]))
                    if t
                    else (None, None)
                )
                actions.append(monitor.step(*errors).action)
            assert actions == [("WAIT", "INTERVENE", "RETRAIN")[a] for a in run.actions], name


def test_the_monitor_needs_python_alone(on_jumps, tmp_path):
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(on_jumps.judged.candidates["threshold"].final))
    code = (
        "import sys; from springdrift_agents.advise import Monitor\n"
        f"monitor = Monitor.load({str(path)!r})\n"
        "print([monitor.step(e, 1.0).action for e in (None, 0.2, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0)])\n"
        "heavy = {'gymnasium', 'torch', 'numba', 'numpy', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "RETRAIN" in ended.stdout


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ({}, "unknown trigger None"),
        ({"trigger": "calender"}, "allowed: never, calendar"),
        ({"trigger": "calendar", "parameters": {"each": 3}}, "unknown 'each'"),
        ({"trigger": "calendar", "parameters": {"every": 0}}, "every must be a whole number"),
        ({"trigger": "never", "spread": 0.0}, "spread must be above 0"),
        ({"trigger": "never", "latency": 0}, "latency must be a whole number from 1"),
        ({"trigger": "never", "override": 3}, "override must be a mapping"),
        ({"trigger": "never", "format": 9}, "format 9 is unknown"),
        ({"trigger": "threshold", "parameters": {"level": float("nan")}}, "finite number"),
    ],
)
def test_a_policy_that_is_none_is_refused(policy, says):
    with pytest.raises(ValueError, match=re.escape(says) if "(" in says else says):
        Monitor(policy)
    with pytest.raises(ValueError, match="finite number from 0"):
        Monitor({"trigger": "never"}).step(float("nan"))


def test_without_costs_none_are_invented():
    found = advice_on(JUMPS, error_cost=None, retrain_cost=None)
    said = sentences(found)
    assert found.prices is None
    assert found.sensitivity is None
    assert "It depends on the price of a retraining" in said[0]
    assert "no retraining pays" in said[1]
    families = [one.family for one in found.ratios]
    assert families[0] != "never"
    assert families[-1] == "never"
    savings = [one.saving for one in found.ratios]
    assert all(a >= b - 0.03 for a, b in itertools.pairwise(savings))
    with pytest.raises(ValueError, match="give both"):
        advice_on(JUMPS, error_cost=None)


def test_break_even_is_the_price_at_which_retraining_stops_paying(on_jumps):
    from springdrift_agents.advise.prices import break_even, pool

    judged = on_jumps.judged
    _, table = judged.stretches[0]
    tried = pool(table, CHEAP, 100, 7, by_hand=False)
    price = break_even(tried, CHEAP)
    for factor, some in ((0.99, True), (1.01, False)):
        costs = tried.costs(Prices(1.0, price * factor, 0.0))
        assert (tried.retrainings[np.argmin(costs)] > 0) == some


def test_the_report_stands_alone_and_says_what_the_data_say(on_jumps):
    page, data = as_html(on_jumps), as_data(on_jumps)
    assert sentences(on_jumps)[0] in html.unescape(page)
    assert not re.search(r"""(?:src|href)=["'](?!#)|url\((?!#)|https?://(?!www\.w3\.org)""", page)
    assert "<script" not in page
    json.dumps(data, allow_nan=False)
    assert data["recommended"] in {row["strategy"] for row in data["strategies"]}
    assert as_text(on_jumps).startswith(sentences(on_jumps)[0])
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_names_of_a_users_own_are_no_markup():
    flat = STEADY[:130].ravel()
    times = np.datetime64("2022-01-01T00:00:00", "us") + np.arange(len(flat)) * np.timedelta64(2, "h")
    name = "<b>$load_{x}$ & [red]"
    found = advise(
        pa.table({"when": times, name: flat}),
        "when",
        name,
        error_cost=1.0,
        retrain_cost=5.0,
        window=7,
        period=P,
    )
    page = as_html(found)
    assert "<b>" not in page
    assert "&lt;b&gt;$load_{x}$ &amp; [red]" in page


def test_a_driver_known_in_advance_explains_its_part():
    rng = np.random.default_rng(4)
    heat = rng.standard_normal((130, P)).cumsum(axis=0) * 0.3
    values = series(np.full(130, 2.0)) + 3 * heat
    times = np.datetime64("2022-01-01T00:00:00", "us") + np.arange(130 * P) * np.timedelta64(2, "h")
    table = pa.table({"when": times, "load": values.ravel(), "heat": heat.ravel()})
    options = {"error_cost": 1.0, "retrain_cost": 5.0, "window": 7, "period": P}
    plain = advise(table, "when", "load", **options)
    known = advise(table, "when", "load", drivers=["heat"], **options)
    assert known.judged.normal.usual < 0.6 * plain.judged.normal.usual
    assert any("heat" in caveat for caveat in as_data(known)["caveats"])


def test_block_intervals_cover_the_mean_of_a_dependent_series():
    rng, held = np.random.default_rng(0), 0
    for _ in range(200):
        noise = rng.standard_normal(600)
        values = np.zeros(600)
        for t in range(1, 600):
            values[t] = 0.7 * values[t - 1] + noise[t]
        found = block_interval(values, 25)
        held += found.low <= 0.0 <= found.high
    assert 180 <= held <= 200


@pytest.mark.parametrize("trigger", ["cusum", "page-hinkley"])
def test_charts_alarm_at_the_stated_rate_where_nothing_drifts(trigger):
    found = staleness(series(np.full(900, 3.0), seed=7), Shape(P, 0, 28, 0, LAST))
    table = stretch(found, found.first + 14, 800, 1)
    normal = normal_error(table)
    limit = limit_at_rate(trigger, table, normal, 40, {"slack": 0.5})
    policy = {"trigger": trigger, "usual": normal.usual, "spread": normal.spread}
    monitor = Monitor({**policy, "parameters": {"limit": limit, "slack": 0.5}})
    alarms = (follow(table, monitor).actions == RETRAIN).sum()
    assert 800 / 40 / 2.5 <= alarms <= 800 / 40 * 2.5


@pytest.mark.parametrize("trigger", ["cusum", "page-hinkley"])
def test_limits_are_set_by_what_a_monitor_in_production_would_do(trigger):
    errors = np.random.default_rng(3).lognormal(0.1, 0.4, 600).tolist()
    for limit in (0.1, 0.9, 2.5):
        monitor = Monitor({"trigger": trigger, "spread": 0.4, "parameters": {"limit": limit, "slack": 0.5}})
        asked = 0
        for error in errors:
            if monitor.step(error).action == "RETRAIN":
                asked += 1
                monitor.reset()
        assert alarms(Chart(trigger, 1.0, 0.4, 0.5), errors, limit) == asked > 0


def test_equal_strategies_are_said_to_be_equal():
    """Retraining at random times, twice: no difference is said at least nine times in ten."""
    drifting = series(3 + 0.8 * np.sin(np.arange(420) / 9), noise=0.2)
    table = stretch(staleness(drifting, Shape(P, 0, 7, 0, LAST)), 24, 396, 1)
    rng, equal = np.random.default_rng(0), 0
    for _ in range(100):
        costs = []
        for _ in range(2):
            actions = np.zeros(396, np.int64)
            actions[rng.permutation(198)[:30] * 2] = RETRAIN
            costs.append(replayed(table, actions).costs(table, CHEAP).sum(axis=1))
        found = block_interval(costs[0] - costs[1], 26)
        equal += found.low <= 0.0 <= found.high
    assert equal >= 90


@pytest.mark.slow
def test_intervals_of_the_saving_hold_on_a_long_continuation():
    """The saving on a long continuation of the same process lies within the interval, nine times in ten.

    Of 149 series 135 were seen to (91 %), with a continuation of 1,500 cycles; the bound is two standard
    errors of the count below 180.
    """
    held = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        amplitude = np.repeat(rng.choice([1.0, 2.0, 3.0, 4.5], 400), 14)[: 260 + 3000]
        values = series(amplitude, seed=1000 + seed, noise=0.25)
        judged = judge(values[:260], 0, CHEAP, window=7, families=("never", "threshold"))
        policy = Monitor(judged.candidates["threshold"].final)
        length = judged.stretches[0][1].cycles
        found = staleness(values[260:], Shape(P, 0, 7, 0, LAST))
        gaps = []
        for start in range(24, 3000 - length, length):
            table = stretch(found, start, length, 1)
            mine = follow(table, policy).costs(table, CHEAP).sum(axis=1)
            gaps.append(
                (mine - replayed(table, np.zeros(length, np.int64)).costs(table, CHEAP).sum(axis=1)).mean()
            )
        interval = judged.difference("threshold", "never")
        held += interval.low <= float(np.mean(gaps)) <= interval.high
    print(f"covered {held} of 200")
    assert held >= 172


def test_the_command_writes_a_report_and_a_policy(tmp_path):
    flat = STEADY[:130].ravel()
    times = np.datetime64("2022-01-01T00:00", "m") + np.arange(len(flat)) * np.timedelta64(120, "m")
    path = tmp_path / "data.csv"
    path.write_text("when,load\n" + "\n".join(f"{t},{v:.4f}" for t, v in zip(times, flat, strict=True)))
    args = ["advise", str(path), "--time", "when", "--value", "load", "--window", "7"]
    args += ["--error-cost", "1", "--retrain-cost", "10", "--policy", str(tmp_path / "policy.json")]
    ran = CliRunner().invoke(app, [*args, "--out", str(tmp_path / "report.html")])
    assert ran.exit_code == 0, ran.output
    assert "Do not retrain" in ran.output
    assert Monitor.load(tmp_path / "policy.json").trigger == "never"
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
    again = CliRunner().invoke(app, [*args, "--json"])
    assert json.loads(again.stdout)["recommended"] == "never"
    refused = CliRunner().invoke(
        app, [*args[:-2], "--out", str(tmp_path / "no" / "report.html"), "--period", "1"]
    )
    assert refused.exit_code != 0
    assert not (tmp_path / "no").exists()


def test_few_seasons_are_divided_into_cycles():
    months = np.arange(360)
    values = 20 + 8 * np.sin(2 * np.pi * months / 12) + 0.5 * np.random.default_rng(0).standard_normal(360)
    times = (np.datetime64("1990-01", "M") + months).astype("datetime64[us]")
    cycles = cut(to_grid("y", times, values[None], months), 12)
    assert cycles.values.shape == (120, 3)
    assert cycles.long_period == 4
    weeks = series(np.tile([3, 3, 3, 3, 3, 1.0, 1.0], 60))
    times = np.datetime64("2022-01-01T00", "us") + np.arange(weeks.size) * np.timedelta64(2, "h")
    assert cut(to_grid("y", times, weeks.ravel()[None], np.arange(weeks.size)), P).long_period == 7


def test_the_square_root_rule_is_told_where_errors_grow(on_steady):
    drifting = series(3 + np.cumsum(np.full(240, 0.05)), noise=0.05)
    found = advice_on(drifting, retrain_cost=30.0)
    rule = square_root(found)
    assert rule is not None
    assert rule.low <= rule.value <= rule.high
    assert square_root(on_steady) is None
