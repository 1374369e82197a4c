"""Generated series: pure functions of seed and episode, with ground truth for all that happens in them."""

import numpy as np
import pytest

from springdrift.series.generator import FAULTS, KEY, LAST_CHANGE, MISSING, OUTLIER, PROMOTED, STUCK, draw
from springdrift.series.laws import LIMITS, PARAMETERS, Chaos, Jump, Outlier, Recurring, Trend, Walk
from springdrift.series.scenario import GENERATED, Scenario

HISTORY = 23
PLAIN = [name for name, scenario in GENERATED.items() if not scenario.members]


@pytest.mark.parametrize("name", PLAIN)
def test_a_series_is_a_function_of_its_seed_and_episode_alone(name):
    one, again, other, later = (draw(GENERATED[name], *at) for at in ((5, 0), (5, 0), (6, 0), (5, 1)))
    for a, b in zip(one, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(one.y, other.y)
    assert not np.array_equal(one.y, later.y)
    assert np.isfinite(one.y).all()
    assert np.isfinite(one.seen).all()


@pytest.mark.parametrize("name", PLAIN)
def test_nothing_moves_and_nothing_is_spoilt_before_cycle_0(name):
    drawn = draw(GENERATED[name], 3)
    truth = drawn.truth[:HISTORY]
    assert (truth[:, : len(PARAMETERS)] == truth[0, : len(PARAMETERS)]).all()
    assert (truth[:, [PROMOTED, FAULTS, KEY]] == 0.0).all()
    assert (drawn.truth[: HISTORY + 15, LAST_CHANGE] == -1.0).all()
    np.testing.assert_array_equal(drawn.y[:HISTORY], drawn.seen[:HISTORY])


def test_a_longer_series_begins_as_a_shorter_one_does():
    for a, b in zip(draw(GENERATED["compound"], 1, cycles=300), draw(GENERATED["compound"], 1), strict=True):
        np.testing.assert_array_equal(a[: len(b)], b)


def test_the_series_is_its_formula_and_its_noise_is_autoregressive():
    quiet = Scenario("quiet", "", base=(("level", 2.0), ("lag", 0.1), ("shape", 0.5)), noise=0.0)
    drawn = draw(quiet, 0, history=0)
    u = (np.arange(24) + 0.5) / 24
    one, two = np.sin(2 * np.pi * (u - 0.1)), np.cos(4 * np.pi * (u - 0.1))
    daily = 2.0 + 0.5 * one + 0.5 * (0.5 * one + 0.7 * two)
    long = drawn.y - daily
    np.testing.assert_allclose(long, long[:, :1] * np.ones(24), atol=1e-5)
    np.testing.assert_allclose(long[7:, 0], long[:-7, 0], atol=1e-5)
    assert np.abs(long[:, 0]).max() == pytest.approx(0.3, abs=0.02)

    loud = draw(Scenario("loud", "", base=quiet.base, noise=0.1), 0, cycles=2000, history=0)
    noise = (loud.y - draw(quiet, 0, cycles=2000, history=0).y).ravel()
    assert noise.std() == pytest.approx(0.1, rel=0.03)
    assert np.corrcoef(noise[1:], noise[:-1])[0, 1] == pytest.approx(0.7, abs=0.02)


def test_the_driver_behind_the_key_decides_the_parameters():
    scenario = GENERATED["recurring"]
    (law,) = scenario.laws
    truth = draw(scenario, 2, cycles=600).truth
    seen = set()
    for row in truth:
        key = int(row[KEY])
        seen.add(key)
        for name, value in law.rows[key].items():
            assert row[PARAMETERS.index(name)] == np.float32(value)
    assert seen == {0, 1, 2, 3}
    changes = np.flatnonzero(np.diff(truth[:, KEY])) + 1
    assert (truth[changes, LAST_CHANGE] == changes - HISTORY).all()
    assert ((np.diff(changes) >= 40) & (np.diff(changes) <= 90)).all()


def test_faults_are_measured_and_did_not_happen():
    drawn = draw(GENERATED["faulty-sensor"], 4, cycles=2000)
    spoilt = drawn.flags > 0
    np.testing.assert_array_equal(drawn.y[~spoilt], drawn.seen[~spoilt])
    assert (np.count_nonzero(spoilt, 1) == drawn.truth[:, FAULTS]).all()
    for kind, rate in ((OUTLIER, 0.05), (STUCK, 0.04), (MISSING, 0.05)):
        share = (drawn.flags[HISTORY:] == kind).any(1).mean()
        assert share == pytest.approx(rate, abs=0.02)
    off = np.abs(drawn.seen - drawn.y)[drawn.flags == OUTLIER]
    assert ((off > 1.99) & (off < 4.01)).all()
    cycle, sample = np.argwhere(drawn.flags == MISSING)[0]
    assert drawn.seen[cycle, sample] == drawn.seen[cycle - 1, sample]


def test_a_promotion_lifts_a_whole_cycle_and_is_gone():
    scenario = GENERATED["shock"]
    lifted, plain = draw(scenario, 1), draw(GENERATED["stationary"], 1)
    by = lifted.y - plain.y
    np.testing.assert_allclose(by, by[:, :1] * np.ones(24), atol=1e-5)
    np.testing.assert_allclose(by[:, 0], lifted.truth[:, PROMOTED], atol=1e-5)
    assert 2 <= np.count_nonzero(by[:, 0]) <= 25


def test_chaos_has_no_autocorrelation():
    amplitude = draw(GENERATED["chaos"], 0, cycles=4000).truth[HISTORY + 50 :, PARAMETERS.index("amplitude")]
    assert amplitude.std() == pytest.approx(0.6 / np.sqrt(2), rel=0.05)
    assert abs(np.corrcoef(amplitude[1:], amplitude[:-1])[0, 1]) < 0.05


def test_parameters_stay_within_their_laws_bounds():
    creep = Trend("level", (0.5, 0.5), (-2.0, 2.0))
    laws = (Walk("lag", 0.05, (-0.1, 0.1)), creep, Jump("shape", (0.1, 0.9), 0.2))
    truth = draw(Scenario("mine", "", laws, onset=(1, 1), gap=(3, 3)), 0).truth
    lag, level, shape = (truth[:, PARAMETERS.index(name)] for name in ("lag", "level", "shape"))
    assert np.abs(lag).max() <= 0.1 + 1e-6
    assert np.diff(lag).std() > 0.01
    assert level[-1] == 2.0
    jumps = np.diff(shape)[HISTORY + 1 :]
    assert (np.abs(jumps[jumps != 0.0]) >= 0.2 - 1e-6).all()
    assert np.count_nonzero(jumps) == pytest.approx(66, abs=1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Walk("stiffness", 0.1, (0.0, 1.0)), "no law of the series world can move 'stiffness'"),
        (lambda: Jump("lag", (-0.7, 0.2)), r"bounds must lie within \[-0.5, 0.5\]"),
        (lambda: Recurring(({"lag": 0.1},)), "needs 2 to 8 rows"),
        (lambda: Recurring(({"lag": 0.1}, {"lag": 9.0})), r"rows\[1\]\['lag'\] must be a number"),
        (lambda: Chaos("noise", -1.0), "size must be a number from 0"),
        (lambda: Outlier(2.0, 1.0), "Outlier.rate must be a number from 0 to 1"),
        (lambda: Scenario("", ""), "Scenario.name must be a text"),
        (lambda: Scenario("a", "", base=(("mood", 1.0),)), "unknown 'mood'"),
        (lambda: Scenario("a", "", laws=(Outlier(0.1, 1.0), Outlier(0.2, 1.0))), "two laws"),
        (lambda: Scenario("a", "", members=("a",)), "names of others"),
        (lambda: Scenario("a", "", members=("mix",), cycles=3), "cycles of a mixture would never be used"),
        (lambda: Scenario("a", "", period=1), "period must be a whole number from 2"),
    ],
)
def test_a_bad_law_or_scenario_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_every_limit_has_room_for_the_usual_value():
    plain = draw(GENERATED["stationary"], 0).truth[0]
    for place, name in enumerate(PARAMETERS):
        low, high = LIMITS[name]
        assert low <= plain[place] <= high
