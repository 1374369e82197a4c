"""Statistics, diagnosis and tuning; planted faults must show."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import bootstrap, mannwhitneyu
from typer.testing import CliRunner

from bench import generalist
from bench.generalist import Standing
from springdrift import ENV_ID, OBS, SCENARIOS, Action, InclinedMassVectorEnv
from springdrift.incline.observation import TRUTH
from springdrift_agents.cli.app import app
from springdrift_agents.evaluation import report
from springdrift_agents.evaluation.diagnosis import FINDINGS, Diagnosis
from springdrift_agents.evaluation.evaluate import Calendar, Episodes, compare, evaluate, world_seeds
from springdrift_agents.evaluation.rollout import Cycle
from springdrift_agents.evaluation.statistics import (
    Interval,
    gap_closed,
    gap_interval,
    iqm,
    probability_of_improvement,
    profile,
    stratified_interval,
)
from springdrift_agents.planning.regret import CAUSES, regret
from springdrift_agents.policies import settings as own
from springdrift_agents.policies.registry import policy
from springdrift_agents.policies.rules import RULES, Rule
from springdrift_agents.policies.settings import settings
from springdrift_agents.training import tune as tuning


def test_interquartile_mean_is_the_mean_of_the_middle_half():
    values = np.random.default_rng(0).exponential(size=1000)
    assert iqm(values) == pytest.approx(np.sort(values)[250:750].mean())


def test_stratified_interval_agrees_with_scipys_bootstrap_of_several_samples():
    rng = np.random.default_rng(1)
    strata = [rng.exponential(size=80), 50 + rng.exponential(size=40)]
    found = stratified_interval(strata)
    theirs = bootstrap(
        strata,
        lambda a, b, axis: np.concatenate([a, b], axis=axis).mean(axis=axis),
        n_resamples=4000,
        method="percentile",
        rng=rng,
    ).confidence_interval
    assert found.low == pytest.approx(theirs.low, abs=0.06)
    assert found.high == pytest.approx(theirs.high, abs=0.06)
    together = np.concatenate(strata)  # strata apart: their distance is no uncertainty
    assert found.high - found.low < 0.2 * 2 * 1.96 * together.std() / np.sqrt(len(together))


def test_probability_of_improvement_is_mann_whitneys():
    rng = np.random.default_rng(2)
    a, b = (
        [rng.integers(0, 9, 50) * 1.0, rng.normal(size=30)],
        [rng.integers(1, 9, 50) * 1.0, rng.normal(size=40)],
    )
    theirs = np.mean(
        [1 - mannwhitneyu(x, y).statistic / (len(x) * len(y)) for x, y in zip(a, b, strict=True)]
    )
    assert probability_of_improvement(a, b) == pytest.approx(theirs)
    assert probability_of_improvement(a, a) == pytest.approx(0.5)


def test_profile_and_gap():
    assert profile(np.array([1.0, 2.0, 2.0, 9.0]), np.array([0.0, 2.0, 10.0])).tolist() == [0.0, 0.75, 1.0]
    assert gap_closed(40.0, 40.0, 20.0) == 0.0
    assert gap_closed(20.0, 40.0, 20.0) == 1.0
    assert np.isnan(gap_closed(1.0, 1.0, 1.0))


def test_luck_on_few_seeds_does_not_pass_for_skill():
    """A rule that is worse on average but luckier on these few worlds: the interval says 'not known'."""
    parts = compare({"periodic": policy("periodic"), "never": policy("never")}, ["mix"], 6, seed=1)
    row = next(row for row in report.ranking(parts) if row["policy"] == "never")
    assert row["difference"].low < 0.0 < row["difference"].high


def test_a_policy_that_peeks_at_the_truth_cannot_be_run_unnoticed():
    class Peeking(Rule):
        columns = needs = tuple(TRUTH.names)

        def decide(self, observation, memory):
            return np.where(observation[:, len(OBS)] > 0.2, Action.RETRAIN, Action.WAIT)

    with pytest.raises(ValueError, match="reads the column 'true_stiffness'"):
        evaluate(Peeking(), "abrupt", world_seeds("evaluation", 0, 4))
    evaluate(Peeking(), "abrupt", world_seeds("evaluation", 0, 4), observe="truth")


def test_tuning_meets_no_world_of_an_evaluation(monkeypatch):
    met = []
    plain = tuning.evaluate

    def watched(policy, scenario, seeds, **options):
        met.append(seeds)
        return plain(policy, scenario, seeds, **options)

    monkeypatch.setattr(tuning, "evaluate", watched)
    tuning.tune("swing", "wear", trials=3, episodes=8)
    evaluation = set().union(*(world_seeds("evaluation", seed, 2000).tolist() for seed in range(3)))
    assert met
    assert not evaluation & set(np.concatenate(met).tolist())


def test_tuning_improves_and_repeats_itself():
    one, two = (tuning.tune("periodic", "stationary", trials=12, episodes=16) for _ in range(2))
    assert one == two
    assert one.cost <= one.default
    assert one.parameters["every"] > 60  # nothing drifts: the rarer the better
    with pytest.raises(ValueError, match="nothing to tune; allowed: periodic"):
        tuning.tune("never", "mix")


def test_every_rule_ships_tuned_for_every_scenario():
    kept = settings()
    assert set(kept) == set(SCENARIOS)
    for scenario in SCENARIOS:
        assert set(kept[scenario]) == set(tuning.spaces_of()) == {*RULES, "expert"} - {"never", "always"}
        for rule in tuning.spaces_of():
            policy(f"{rule}@{scenario}")
    with pytest.raises(ValueError, match="'never' is not tuned for 'mix'; it is for: nothing"):
        policy("never@mix")


def test_tuned_settings_beat_the_defaults_on_worlds_that_neither_has_met():
    seeds = world_seeds("evaluation", 77, 512)
    for rule, scenario in (
        ("threshold", "mix"),
        ("cusum", "driver"),
        ("periodic", "tilt"),
        ("ewma", "gradual"),
    ):
        tuned = evaluate(policy(f"{rule}@{scenario}"), scenario, seeds).cost.mean()
        assert tuned <= 1.01 * evaluate(policy(rule), scenario, seeds).cost.mean(), (rule, scenario)


def test_tuned_settings_go_to_a_file_of_ones_own_and_are_used(tmp_path, monkeypatch):
    shipped = own.SHIPPED.read_bytes()
    file = tmp_path / "config" / "tuned.json"
    monkeypatch.setenv("SPRINGDRIFT_SETTINGS", str(file))
    before = policy("swing@wear")
    better = tuning.Tuned("swing", "wear", {"start": 0.4, "stop": 0.11}, 10.0, 12.0, 11.0)
    worse = tuning.Tuned("swing", "mix", {"start": 0.9, "stop": 0.5}, 13.0, 12.0, 11.0)
    monkeypatch.setattr(tuning, "tune_all", lambda *_, **__: [better, worse])
    args = ["tune", "swing", "-s", "wear,mix", "--trials", "2", "-n", "8"]
    found = CliRunner().invoke(app, args)
    assert found.exit_code == 0, found.exception
    assert "1 of 2 cost no less than the settings there are" in " ".join(found.output.split())
    kept = json.loads(file.read_text())
    assert kept["settings"] == {ENV_ID: {"wear": {"swing": better.parameters}}}
    assert kept["command"] == "springdrift tune --trials 2 --episodes 8 --seed 0"
    assert policy("swing@wear") == policy("swing:start=0.4:stop=0.11") != before
    assert own.is_own("swing", "wear")
    assert not own.is_own("swing", "mix")
    assert policy("cusum@wear").slack == own.read(own.SHIPPED)[ENV_ID]["wear"]["cusum"]["slack"]
    assert CliRunner().invoke(app, [*args, "--replace"]).exit_code == 0
    assert policy("swing@mix") == policy("swing:start=0.9:stop=0.5")
    assert own.SHIPPED.read_bytes() == shipped


def test_a_few_trials_do_not_replace_a_good_setting(tmp_path):
    """Found by trying two settings on eight worlds: no better than what ships, which stays."""
    file = tmp_path / "tuned.json"
    args = ["tune", "periodic", "-s", "stationary", "--trials", "2", "-n", "8", "-o", str(file)]
    found = CliRunner().invoke(app, args)
    assert found.exit_code == 0, found.exception
    one = tuning.tune("periodic", "stationary", 1, 8, known=settings()["stationary"]["periodic"])
    assert one.before < one.cost  # the one trial is that of the defaults
    assert not one.better
    assert not file.exists()


def test_shipped_settings_are_read_only(tmp_path, monkeypatch):
    monkeypatch.delattr(tuning, "tune_all")
    link = tmp_path / "link.json"
    link.symlink_to(own.SHIPPED)
    before = own.SHIPPED.read_bytes()
    for file in (own.SHIPPED, link):
        found = CliRunner().invoke(app, ["tune", "swing", "--replace", "-o", str(file)])
        assert "ships with springdrift and stays as it is" in str(found.exception)
    assert own.SHIPPED.read_bytes() == before


def test_tune_looks_at_its_file_before_the_work(tmp_path, monkeypatch):
    monkeypatch.delattr(tuning, "tune_all")
    inside = '{"settings": {"springdrift/InclinedMass-v0": %s}}'
    for text, message in (
        ("{", "is no JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "holds no tuned settings"),
        ('{"a": 1}', "holds no tuned settings"),
        (inside % 1, "expected scenarios under springdrift/InclinedMass-v0, got 1"),
        (inside % '{"mix": []}', "expected rules under springdrift/InclinedMass-v0 / mix, got []"),
        (inside % '{"mix": {"swing": 3}}', "expected parameters under"),
        (inside % '{"mix": {"dance": {}}}', "unknown rule 'dance'"),
        (inside % '{"mix": {"swing": {"go": 3}}}', "'swing' has no parameter 'go'"),
        (inside % '{"mix": {"swing": {"start": "3"}}}', "swing.start must be a number, got '3'"),
        (inside % '{"mix": {"swing": {"start": NaN}}}', "start must be"),
    ):
        file = tmp_path / "tuned.json"
        file.write_text(text)
        found = CliRunner().invoke(app, ["tune", "swing", "-o", str(file)])
        assert message in str(found.exception), text[:80]
        assert file.read_text() == text
        monkeypatch.setenv("SPRINGDRIFT_SETTINGS", str(file))
        with pytest.raises(ValueError, match=re.escape(message)):
            policy("swing@mix")
    monkeypatch.delenv("SPRINGDRIFT_SETTINGS")
    found = CliRunner().invoke(app, ["tune", "swing", "-o", str(tmp_path)])
    assert f"cannot write {tmp_path}: it is a folder" in str(found.exception)


# ---------------------------------------------------------------- diagnosis


def diagnosed(decisions, changes, moved=()):
    """Findings of one made-up episode: decisions, cycles in which the world changed abruptly."""
    stiffness, last, swing = 10.0, -1.0, 0.3

    def world(push=0.0):
        names = ("stiffness", "tilt", "magnet", "last_change", "swing", "work", "version")
        truth = np.array([[stiffness], [0.5], [1.0], [last], [swing], [1.0], [0.0]])
        obs = np.zeros((1, len(OBS)))
        obs[0, OBS.index("push")] = push
        out = SimpleNamespace(truth=truth, obs=obs, costs=np.zeros((4, 1)))
        return SimpleNamespace(count=1, truth_names=names, observation=OBS, out=out)

    diagnosis, every = Diagnosis(world()), np.ones(1, bool)
    for cycle, action in enumerate(decisions):
        if cycle in changes:
            stiffness, last = stiffness + 2.0, cycle
        if cycle in moved:
            stiffness += 0.7
        diagnosis.note(Cycle(world(push=-0.5), every, np.array([action]), every))
    return dict(zip(FINDINGS, diagnosis.close()[0].tolist(), strict=True))


def test_diagnosis_of_made_up_episodes():
    found = diagnosed([0] * 30 + [2] + [0] * 9, changes=[20])
    assert (found["changes"], found["missed"], found["delay"]) == (1, 0, 10)
    assert (found["needless_retrains"], found["mixed_retrains"]) == (0, 0)
    found = diagnosed([0] * 22 + [2] + [0] * 7 + [2] + [0] * 9, changes=[20])
    assert (found["delay"], found["mixed_retrains"], found["needless_retrains"]) == (2, 1, 0)
    found = diagnosed([0] * 9 + [2] + [0] * 9 + [2] + [0] * 20, changes=[])
    assert (found["retrains"], found["needless_retrains"]) == (2, 2)
    found = diagnosed([0] * 9 + [2] + [0] * 9, changes=[], moved=[5])
    assert found["needless_retrains"] == 0
    found = diagnosed([0] * 40, changes=[10, 25])
    assert (found["changes"], found["missed"]) == (2, 2)
    found = diagnosed([1] * 10, changes=[])
    assert (found["interventions"], found["needless_pushes"], found["wrong_way"]) == (10, 10, 0)
    assert diagnosed([0] * 10, changes=[])["wrong_way"] == 10


def test_findings_of_a_real_episode_agree_with_its_truth():
    seeds = world_seeds("evaluation", 6, 16)
    found = evaluate(policy("threshold"), "abrupt", seeds)
    envs = InclinedMassVectorEnv(16, scenario="abrupt")
    _, info = envs.reset(seed=seeds.tolist())
    changes, before = np.zeros(16), info["truth"]["last_change"]
    for _ in range(200):
        last = envs.step(np.zeros(16, int))[4]["truth"]["last_change"]
        changes += last != before
        before = last
    np.testing.assert_array_equal(found.finding("changes"), changes)
    assert (found.finding("cycles") == 200).all()


def test_jobs_change_no_bit():
    policies = {name: policy(name) for name in ("periodic", "threshold", "adwin")}
    one = compare(policies, ["abrupt", "poc"], 6, jobs=1)
    two = compare(policies, ["abrupt", "poc"], 6, jobs=2)
    for a, b in zip(one, two, strict=True):
        assert (a.policy, a.scenario) == (b.policy, b.scenario)
        np.testing.assert_array_equal(a.terms, b.terms)
        np.testing.assert_array_equal(a.findings, b.findings)


def test_compare_with_hindsight_closes_gaps(tmp_path):
    args = ["compare", "-s", "poc", "-p", "periodic,swing,threshold", "-n", "4", "--hindsight", "2", "--full"]
    found = CliRunner().invoke(app, [*args, "--out", str(tmp_path)])
    assert found.exit_code == 0, found.output
    assert "Against hindsight" in found.output
    words = " ".join(found.output.split())
    assert "to hindsight" in words
    assert "above hindsight" in words


def test_regret_splits_into_causes_that_sum_to_the_whole():
    policies = {name: policy(name) for name in ("never", "always", "periodic", "threshold")}
    split, courses = regret(policies, "abrupt", 2)
    least = courses["hindsight"].terms.sum(axis=(0, 2))
    for name, part in split.items():
        whole = courses[name].terms.sum(axis=(0, 2)) - least
        assert (whole >= -1e-9).all()
        np.testing.assert_allclose(part.sum(axis=1), whole, rtol=1e-9)
    cause = {name: dict(zip(CAUSES, part.mean(axis=0), strict=True)) for name, part in split.items()}
    assert max(cause["never"], key=cause["never"].get) == "late detection"
    assert cause["never"]["needless retraining"] == cause["never"]["bad window"] == 0.0
    assert cause["always"]["needless intervention"] > 50
    assert cause["periodic"]["needless retraining"] > 0
    seeds = world_seeds("evaluation", 0, 2)
    np.testing.assert_allclose(
        courses["threshold"].terms.sum(axis=0), evaluate(policy("threshold"), "abrupt", seeds).terms
    )


def test_rules_meet_a_retraining_budget():
    for spec, place, often in (
        ("periodic", "poc", 2.0),
        ("threshold@abrupt", "abrupt", 3.0),
        ("cusum", "poc", 2.0),
    ):
        rule = tuning.at_budget(spec, place, often, episodes=64)
        found = evaluate(rule, place, world_seeds("tuning", 0, 64))
        assert found.finding("retrains").mean() == pytest.approx(often, rel=0.05)
    with pytest.raises(ValueError, match="'never' has no parameter"):
        tuning.at_budget("never", "abrupt", 3.0)
    with pytest.raises(ValueError, match="cannot retrain 500 times"):
        tuning.at_budget("periodic", "abrupt", 500.0, episodes=4)
    found = CliRunner().invoke(
        app, ["budget", "-s", "poc", "-r", "1", "-p", "periodic,threshold", "-n", "32"]
    )
    assert found.exit_code == 0, found.output
    assert "retrain about 1 times" in found.output


def test_a_rule_out_of_reach_of_a_budget_is_listed_and_the_others_stay():
    args = ["budget", "-s", "poc", "-r", "3", "-p", "periodic,retrain@poc,periodic:every=5", "-n", "16"]
    rows = {row["rule"]: row for row in json.loads(CliRunner().invoke(app, [*args, "--json"]).stdout)}
    assert rows["periodic"]["retrains"] == 3.0
    assert rows["periodic:every=5"]["setting"] == pytest.approx(10.0, abs=0.1)
    assert rows["retrain@poc"]["cost"] is None
    assert "cannot retrain 3 times" in rows["retrain@poc"]["missed"]
    assert "out of reach" in CliRunner().invoke(app, args).output
    for text in ("nan", "inf", "-1"):
        found = CliRunner().invoke(app, ["budget", "-r", text])
        assert "--retrains must be a number from 0 on" in str(found.exception)
    found = CliRunner().invoke(app, ["budget", "-p", "never"])
    assert "'never' has no parameter for its budget; allowed: periodic" in str(found.exception)


def test_regret_command(tmp_path):
    args = ["regret", "-s", "poc", "-p", "never,threshold", "-n", "1", "--out", str(tmp_path)]
    found = CliRunner().invoke(app, args)
    assert found.exit_code == 0, found.output
    assert "Cost beyond hindsight's" in found.output
    assert (tmp_path / "timeline.png").stat().st_size > 20_000


def test_regret_of_a_mixture_whose_episodes_differ_in_length():
    seeds = world_seeds("evaluation", 0, 24)
    policies = {name: policy(name) for name in ("never", "threshold")}
    split, courses = regret(policies, "mix", 24)
    plans = courses["hindsight"].terms.sum(axis=(0, 2))
    for name, one in policies.items():
        found = evaluate(one, "mix", seeds)
        assert {*found.finding("cycles")} == {40.0, 200.0}
        np.testing.assert_allclose(courses[name].terms.sum(axis=0), found.terms)
        np.testing.assert_allclose(split[name].sum(axis=1), found.cost - plans, atol=1e-9)
        assert (split[name].sum(axis=1) >= -1e-9).all()
        short = found.finding("cycles") == 40.0
        assert np.isnan(courses[name].swing[40:, short]).all()
        assert not courses[name].actions[40:, short].any()
        assert not np.isnan(courses[name].swing[:40]).any()


def test_a_calendar_as_busy_stands_beside_every_rule():
    parts = compare({"threshold": policy("threshold"), "never": policy("never")}, ["abrupt"], 20)
    often = 200 / parts[0].finding("retrains").mean()
    plain = evaluate(Calendar(every=often), "abrupt", parts[0].seeds)
    assert parts[0].calendar == pytest.approx(plain.cost.mean())
    assert np.isnan(parts[1].calendar)


@pytest.mark.parametrize("scenario", ["poc", "abrupt", "mix"])
@pytest.mark.parametrize("often", [0.99, 1.0, 2.96, 5.0])
def test_a_calendar_is_as_busy_as_it_says(scenario, often):
    seeds = world_seeds("evaluation", 0, 40)
    cycles = evaluate(policy("never"), scenario, seeds).finding("cycles").mean()
    found = evaluate(Calendar(every=cycles / often), scenario, seeds).finding("retrains")
    assert found.mean() == pytest.approx(often, abs=0.1)
    if scenario == "poc" and often == 1.0:
        assert (found == 1).all()


def made_up(name, costs, scenario="abrupt"):
    costs = np.asarray(costs, float)
    terms = np.stack([costs, *[np.zeros_like(costs)] * 3], axis=1)
    return Episodes(name, scenario, np.arange(len(costs), dtype=np.uint64), terms, np.zeros((len(costs), 10)))


def test_the_gap_is_counted_from_the_best_rule_and_a_learned_policy_can_close_it():
    parts = [made_up("never", [60.0] * 3), made_up("cusum@mix:slack=1", [40.0] * 3)]
    parts += [made_up("ppo-mix", [30.0] * 3), made_up("hindsight", [20.0] * 2)]
    rows = {row["policy"]: row for row in report.ranking(parts)}
    assert {name: row["gap"] for name, row in rows.items()} == {
        "never": -1.0,
        "cusum@mix:slack=1": 0.0,
        "ppo-mix": 0.5,
    }
    assert rows["ppo-mix"]["optimality gap"] == 10.0
    alone = report.ranking(parts[2:])
    assert np.isnan(alone[0]["gap"])  # no rule was compared
    assert alone[0]["optimality gap"] == 10.0


def test_differences_are_to_periodic_or_the_first_and_the_title_says_to_which():
    parts = [made_up("swing", [60.0, 50.0]), made_up("ppo-mix", [30.0, 40.0])]
    for more, dummy in (([], "swing"), ([made_up("periodic", [9.0, 9.0])], "periodic")):
        rows = report.ranking([*parts, *more])
        assert [row["policy"] for row in rows if row["difference"] is None] == [dummy]
        assert f"difference to {dummy} on" in report.ranking_table(rows).title
    assert "difference" not in report.ranking_table(report.ranking(parts[:1])).title


def test_a_share_of_a_gap_that_is_not_there_is_not_known():
    rng = np.random.default_rng(0)
    rule, noise = rng.exponential(size=30), rng.normal(size=30)
    assert np.isnan(gap_interval(rule - 0.1, rule, rule)).all()
    assert np.isnan(gap_interval(rule - 0.1, rule, rule + noise - noise.mean() - 0.01)).all()
    found = gap_interval(rule + 1.0 + 0.1 * noise, rule + 2.0, rule)
    assert 0.0 < found.low < found.value < found.high < 1.0
    assert found.value == pytest.approx(0.5, abs=0.05)


def test_a_gap_is_closed_only_where_its_interval_says_so():
    cost = Interval(30.0, 29.0, 31.0)

    def said(*gap):
        one = Standing("ppo-mix", "mix", cost, "cusum", 40.0, cost, Interval(*gap), 2)
        return generalist.verdicts([one])[-1]

    assert said(0.4, 0.1, 0.6)[1]
    assert not said(0.4, -3.48, 0.74)[1]
    assert not said(0.2, 0.1, 0.6)[1]
    claim, holds, figure = said(*[float("nan")] * 3)
    assert claim == "ppo-mix closes 30 % of the gap on mix, and surely some of it"
    assert (holds, figure) == (False, "no clear gap, 2 worlds")


def test_kept_plans_are_for_the_scenarios_of_the_house_alone():
    seeds = world_seeds("evaluation", 0, 2)
    assert len(generalist.hindsight_costs("poc", seeds)) == 2
    assert len(generalist.hindsight_costs(SCENARIOS["poc"], seeds)) == 2
    assert len(generalist.hindsight_costs(replace(SCENARIOS["poc"], summary="mine"), seeds)) == 0
