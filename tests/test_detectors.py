"""Detectors against published run lengths, Siegmund's formula, and river."""

import numpy as np
import pytest
from river.drift import ADWIN, KSWIN
from typer.testing import CliRunner

from springdrift import OBS, Action
from springdrift_agents.cli.app import app
from springdrift_agents.policies import detectors
from springdrift_agents.policies.detectors import ADWIN as ADWIN_FAMILY
from springdrift_agents.policies.detectors import (
    Cusum,
    Ewma,
    Family,
    PageHinkley,
    River,
    adwin,
    calibrate,
    run_lengths,
    siegmund,
)
from springdrift_agents.policies.registry import policy

N = 20_000


@pytest.mark.parametrize(
    ("detector", "change", "published"),
    [
        *((Cusum(0.5, 4.0), c, arl) for c, arl in ((0, 168), (0.5, 26.6), (1, 8.38), (2, 3.34), (3, 2.19))),
        (Cusum(0.5, 3.0, two_sided=False), 0, 117.59),
        *((Ewma(0.5, 3.071), c, arl) for c, arl in ((0, 500), (0.5, 88.8), (1, 17.5))),
    ],
)
def test_run_lengths_are_the_published_ones(detector, change, published):
    found = run_lengths(detector, change, N, seed=3)
    assert found.silent == 0
    assert found.mean == pytest.approx(published, abs=4 * found.error + 0.005 * published)
    assert found.error < 0.01 * published


@pytest.mark.parametrize(("change", "threshold"), [(0.0, 3.0), (0.5, 5.0), (1.0, 4.0), (-0.25, 2.0)])
def test_siegmund(change, threshold):
    found = run_lengths(Cusum(0.5, threshold, two_sided=False), change, N, seed=1)
    assert found.mean == pytest.approx(siegmund(change, 0.5, threshold), rel=0.03)


def test_page_hinkley_with_a_known_mean_is_the_one_sided_cusum():
    values = np.random.default_rng(0).standard_normal((200, 5))
    ph, cusum = PageHinkley(slack=0.5), Cusum(slack=0.5, two_sided=False)
    memory, other = ph.start(5), cusum.start(5)
    memory[:, 0] = 1e12  # so many values seen that the mean stays where it is: at 0
    for row in values:
        np.testing.assert_allclose(ph.update(memory, row), cusum.update(other, row), atol=1e-9)


def test_a_shift_from_the_start_is_invisible_to_page_hinkley_a_later_one_is_not():
    detector = calibrate(PageHinkley(slack=0.3), 200.0, n=2000)
    zero = run_lengths(detector, 2.0, 2000, seed=2)
    later = run_lengths(detector, 2.0, 2000, seed=2, after=200)
    assert zero.mean > 5 * later.mean


def test_detectors_are_calibrated_to_the_same_rate_of_false_alarms():
    for plain in (Cusum(0.5), Ewma(0.1), PageHinkley(0.2)):
        detector = calibrate(plain, 150.0, n=4000, seed=1)
        check = run_lengths(detector, 0.0, 8000, seed=9)
        assert check.mean == pytest.approx(150.0, rel=0.06)


def test_a_detector_in_a_batch_is_the_detector_alone():
    values = np.random.default_rng(1).standard_normal((50, 3))
    for detector in (Cusum(), Ewma(), PageHinkley(), River(lambda: ADWIN(delta=0.3, clock=1))):
        together, alone = detector.start(3), detector.start(1)
        for row in values:
            np.testing.assert_array_equal(
                detector.update(together, row)[1:2], detector.update(alone, row[1:2])
            )


@pytest.mark.parametrize(
    "make", [lambda: ADWIN(clock=1), lambda: KSWIN(seed=1, window_size=60, stat_size=20)]
)
def test_river_alarms_where_river_does(make):
    values = np.concatenate((np.zeros(150), np.full(60, 4.0))) + np.random.default_rng(0).normal(0, 0.5, 210)
    ours, memory, theirs = River(make), None, make()
    memory = ours.start(1)
    for value in values:
        theirs.update(value)
        assert bool(ours.update(memory, np.array([value]))[0]) == theirs.drift_detected


def test_wrong_numbers_get_a_sentence():
    for rate in (1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"arl0 must be at least 2 and finite, got {rate}"):
            calibrate(Cusum(), rate)
        found = CliRunner().invoke(app, ["detectors", "--arl0", str(rate)])
        assert "arl0 must be at least 2 and finite" in str(found.exception)
    for weight in (0.0, -1.0, 3.0, float("nan")):
        with pytest.raises(ValueError, match=r"Ewma\.weight must be (above 0 and at most 1|a number), got"):
            Ewma(weight)
    with pytest.raises(ValueError, match="say only yes or no"):
        calibrate(River(ADWIN), 100.0)
    with pytest.raises(ValueError, match="cannot alarm as often as every 5 values"):
        calibrate(ADWIN_FAMILY, 5.0, n=10)
    with pytest.raises(ValueError, match="does not reach"):
        calibrate(Family(adwin, 1.01, 1.02), 1000.0, n=10)
    with pytest.raises(ValueError, match="n must be at least 2"):
        run_lengths(Cusum(), n=1)


@pytest.mark.slow
def test_rivers_adwin_is_set_to_a_rate_of_false_alarms():
    found = calibrate(ADWIN_FAMILY, 600.0, n=40, seed=1)
    again = run_lengths(found, n=60, seed=2, limit=6000)
    assert again.mean == pytest.approx(600.0, abs=4 * again.error + 60)
    assert run_lengths(found, 3.0, n=40, seed=3, after=60, limit=3000).mean < 0.1 * again.mean


def test_the_lab(tmp_path):
    found = CliRunner().invoke(app, ["detectors", "--runs", "200", "--arl0", "50", "--out", str(tmp_path)])
    assert found.exit_code == 0, found.output
    assert "page-hinkley" in found.output
    assert (tmp_path / "detectors.png").stat().st_size > 10_000


# ---------------------------------------------------------------- missing values


def built_in():
    from river.drift import ADWIN

    return {
        "cusum": detectors.Cusum(two_sided=False),
        "ewma": detectors.Ewma(two_sided=False),
        "page-hinkley": detectors.PageHinkley(threshold=8.0),
        "adwin": detectors.River(lambda: ADWIN(clock=1, grace_period=5, min_window_length=2)),
    }


@pytest.mark.parametrize("name", list(built_in()))
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_missing_value_is_skipped_and_counted_and_the_rest_is_as_without_it(name, value):
    detector = built_in()[name]
    rng = np.random.default_rng(0)
    values = np.concatenate((rng.standard_normal(60), 9.0 + rng.standard_normal(60)))
    memory, plain = detector.start(1), detector.start(1)
    seen, expected = [], []
    for place, one in enumerate(values):
        if place % 7 == 0:
            detector.update(memory, np.array([value]))
        seen.append(detector.update(memory, np.array([one]))[0])
        expected.append(detector.update(plain, np.array([one]))[0])
    np.testing.assert_array_equal(seen, expected)
    assert max(seen) > detector.threshold
    assert (detectors.missing(memory)[0], detectors.missing(plain)[0]) == (18, 0)


@pytest.mark.parametrize("name", ["cusum", "ewma", "page-hinkley", "adwin"])
def test_a_rule_whose_sensor_failed_for_a_cycle_still_alarms(name):
    rule, memory, asked = policy(name), None, False
    for cycle in range(120):
        obs = np.zeros((1, len(OBS)), np.float32)
        obs[0, OBS.index("error")] = np.nan if cycle % 5 == 1 else (-0.5 if cycle < 60 else 0.9)
        actions, memory = rule.predict(obs, memory)
        asked |= bool(actions[0] == Action.RETRAIN)
        assert not (asked and cycle < 60)
    assert asked


class Blind:
    """A detector of a user's that takes no care of missing values."""

    threshold = 3.0

    def start(self, count):
        return np.zeros((count, 1))

    def update(self, memory, values):
        memory[:, 0] += values
        return memory[:, 0].copy()


def test_a_users_detector_never_meets_a_missing_value():
    memory = Blind().start(3)
    first = detectors.update(Blind(), memory, np.array([1.0, np.nan, np.inf]))
    assert first.tolist() == [1.0, 0.0, 0.0]
    assert detectors.update(Blind(), memory, np.ones(3)).tolist() == [2.0, 1.0, 1.0]


def test_run_lengths_refuse_what_is_no_number():
    class Lost(Blind):
        def update(self, memory, values):
            return values * np.nan

    with pytest.raises(ValueError, match="change must be a finite number of standard deviations, got nan"):
        detectors.run_lengths(detectors.Cusum(), np.nan)
    with pytest.raises(ValueError, match=r"gives a statistic that is no number \(nan\)"):
        detectors.run_lengths(Lost(), n=4, limit=5)
    with pytest.raises(ValueError, match=r"Cusum.slack must be a number, got nan"):
        detectors.Cusum(slack=np.nan)


@pytest.mark.parametrize("command", [["detectors", "--runs"], ["leaderboard", "nowhere", "--episodes"]])
def test_more_than_memory_holds_is_refused_before_any_work(command, tmp_path):
    found = CliRunner().invoke(app, [*command, "4294967296", "-o", str(tmp_path / "out")])
    assert "4294967296: results of" in str(found.exception)
    assert list(tmp_path.iterdir()) == []
