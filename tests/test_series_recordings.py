"""The recordings that ship: what they are, where they come from, and what goes stale in them."""

import numpy as np
import pytest

from springdrift.series.forecaster import BASELINES, Shape
from springdrift.series.recording import RECORDINGS, Recording, about_recordings, load
from springdrift.series.scenario import GENERATED
from springdrift.series.staleness import staleness

FRESH = {"public domain", "public domain (work of the U.S. government)"}


def stale_over_fresh(recording):
    """Rms error of a model a quarter of the record old, over that of a fresh one."""
    shape = Shape(recording.period, recording.long_period, recording.window, 0, BASELINES["last"])
    table = staleness(recording.y, shape)
    square = table.matrix()
    age = len(square) // 4
    places = np.arange(len(square) - age)
    old, fresh = square[places, places + age], square[places + age, places + age]
    return float(np.median(old / fresh))


def test_there_are_enough_of_them_at_enough_rates():
    assert len(RECORDINGS) >= 6
    assert len({about["interval"] for about in about_recordings().values()}) >= 3


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_recording_says_where_it_comes_from(name):
    about, recording = about_recordings()[name], load(name)
    for field in ("summary", "unit", "interval", "start", "drifts", "source", "licence", "package", "sha256"):
        assert about[field]
    clear = (
        about["licence"] in FRESH
        or "Attribution 4.0" in about["licence"]
        or "no licensing" in about["licence"]
    )
    assert clear
    assert recording.length == about["samples"] // about["period"]
    assert recording.missing < 0.05 * recording.y.size
    assert np.ptp(recording.y) > 0


def test_models_go_stale_in_most_and_hardly_in_the_control():
    found = {name: stale_over_fresh(load(name)) for name in ("co2", "electricity", "elnino")}
    assert found["co2"] > 1.3
    assert found["electricity"] > 1.1
    assert found["elnino"] < 1.1


def test_a_gap_is_filled_from_the_cycle_before():
    values = np.arange(12.0)
    values[[5, 6, 7]] = np.nan
    recording = Recording.of("mine", values, period=4, unit="m")
    np.testing.assert_array_equal(recording.y, [[0, 1, 2, 3], [4, 1, 2, 3], [8, 9, 10, 11]])
    assert recording.missing == 3
    assert Recording.of("mine", np.arange(14.0), period=4).length == 3


def test_a_generated_series_can_be_kept_as_a_recording():
    recording = Recording.generated(GENERATED["abrupt"], seed=3, cycles=50)
    assert recording.y.shape == (73, 24)
    assert recording.content == Recording.generated(GENERATED["abrupt"], seed=3, cycles=50).content
    assert recording.content != Recording.generated(GENERATED["abrupt"], seed=4, cycles=50).content


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Recording.of("a", np.zeros(5), period=4), "at least 8 samples"),
        (lambda: Recording.of("a", np.zeros((5, 5)), period=4), "one series"),
        (lambda: Recording.of("a", [np.inf] * 8, period=4), "must not be infinite"),
        (lambda: Recording.of("a", [np.nan] * 8, period=4), "first cycle"),
        (lambda: Recording.of("", np.zeros(8), period=4), "Recording.name"),
        (lambda: Recording.of("a", np.zeros(8), period=4, window=1), "Recording.window"),
        (lambda: Recording.generated(GENERATED["mix"], 0), "is a mixture"),
        (lambda: Recording.generated(GENERATED["poc"], 0), "starts cold"),
        (lambda: load("oil"), "unknown recording 'oil'"),
    ],
)
def test_a_bad_recording_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
