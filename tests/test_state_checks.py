"""A state that is restored is one that the kernel can go on from, whoever made it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from springdrift import SCENARIOS, InclinedMassVectorEnv, World
from springdrift.incline.state import FIELDS, LAGS, MEASUREMENTS, RANGES, WHOLE
from springdrift.series import SeriesWorld
from springdrift.series.env import TimeSeriesVectorEnv
from springdrift.series.scenario import GENERATED
from springdrift.series.state import FIELDS as SERIES_FIELDS
from springdrift.series.state import NOTE_ERROR, NOTE_PEAK

pytestmark = pytest.mark.attack

N = 3
SIZES = {field.name: field.size for field in FIELDS}


def started(scenario="compound"):
    world = World(N, scenario)
    world.seed(np.arange(N), np.arange(N, dtype=np.uint64))
    world.begin(np.ones(N, bool))
    return world


def with_field(world, name, value, lane=0):
    state = world.get_state()
    changed = World(N, world.scenario)
    changed.batch.real[:] = state.real
    field = changed.batch.field(name)
    field[0, ..., lane] = value
    return state._replace(real=changed.batch.real.copy())


def restored_at_each_step(envs):
    envs.set_state(envs.get_state())
    envs.reset(seed=1)
    rng = np.random.default_rng(0)
    for _ in range(70):
        envs.set_state(envs.get_state())
        envs.step(rng.integers(0, 3, N))


@pytest.fixture
def world():
    return started()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(SIZES)), st.floats(width=32) | st.integers(-5, 100), st.integers(0, N - 1))
def test_whatever_a_state_holds_it_is_refused_or_played(name, value, lane):
    """Refused by name, or every observation that follows lies in its Box."""
    world = started()
    state = with_field(world, name, np.float32(value), lane)
    try:
        world.set_state(state)
    except ValueError as error:
        low, high = RANGES.get(name) or WHOLE[name]
        assert name in str(error)  # noqa: PT017 (most values are fine)
        assert not low < value < high or name in WHOLE
        return
    box = world.observation.box()
    for actions in ([2, 2, 2], [1, 0, 2], [0, 0, 0]):
        world.advance(np.array(actions))
        world.begin(world.out.over > 0)  # an episode that has ended is never played on
        assert np.isfinite(world.out.obs).all()
        assert all(box.contains(row) for row in world.out.obs)


@pytest.mark.parametrize("samples", [56, 1000, 4, 47.5, np.nan, -8])
def test_a_window_longer_than_the_ring_is_refused(world, samples):
    with pytest.raises(ValueError, match="samples must be"):
        world.set_state(with_field(world, "samples", samples))


@pytest.mark.parametrize("name", ["samples", "scenario", "driver_key", "decision"])
def test_idle_lanes_are_checked_where_the_kernel_finds_its_way_by_them(world, name):
    with pytest.raises(ValueError, match=name if name != "scenario" else "scenario table"):
        world.set_state(with_field(world, name, 1e6, lane=N))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_state_of_an_episode_can_be_restored(scenario):
    restored_at_each_step(InclinedMassVectorEnv(N, scenario=scenario, cycles=30))


def test_the_table_covers_every_field():
    assert {*RANGES, *WHOLE} == {*SIZES}
    assert LAGS < MEASUREMENTS


# ---------------------------------------------------------------- series


@pytest.fixture(scope="module")
def series():
    """A batch of the series world a few cycles into its episodes, with a retraining on its way."""
    world = SeriesWorld(N, "mix", observe="truth", label_delay=1)
    world.seed(np.arange(N), np.arange(N, dtype=np.uint64))
    world.begin(np.ones(N, bool))
    for actions in ([0, 1, 0], [0, 0, 0], [2, 0, 1]):
        world.advance(np.array(actions))
    return world, world.get_state()


def holding(state, part, place, value):
    held = getattr(state.lanes, part).copy()
    held[(np.unravel_index(place % held.size, held.shape))] = value
    return state._replace(lanes=state.lanes._replace(**{part: held}))


VALUES = st.floats() | st.integers(-5, 400) | st.floats(-1e9, 1e9)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(("state", "state", "notes", "models", "y", "seen", "truth")),
    st.integers(0, 10**6),
    VALUES,
)
def test_whatever_a_series_state_holds_it_is_refused_or_played(series, part, place, value):
    """Refused by name, or every observation that follows lies in its Box."""
    world, state = series
    world.set_state(state)
    with np.errstate(over="ignore"):  # into float32
        crafted = holding(state, part, place, value)
    try:
        world.set_state(crafted)
    except ValueError as error:
        assert "a state's" in str(error) or "a state names rows" in str(error)  # noqa: PT017
        after = world.get_state()
        for name in ("state", "notes", "models"):
            np.testing.assert_array_equal(getattr(after.lanes, name), getattr(state.lanes, name))
        return
    box = world.observation.box()
    for actions in ([2, 2, 2], [1, 0, 2], [0, 0, 0], [0, 0, 0], [0, 1, 0]):
        world.advance(np.array(actions))
        world.begin(world.out.over > 0)
        assert all(box.contains(row) for row in world.out.obs), (part, place, value)


@pytest.mark.parametrize(
    ("part", "field", "value", "said"),
    [
        ("state", "unit", 0.0, "unit must be numbers from 1e-13"),
        ("state", "error_fast", -0.25, "error_fast must be numbers from 0"),
        ("state", "alarm", -1.0, "alarm must be"),
        ("state", "model_age", -20.0, "model_age must be whole numbers from 0"),
        ("state", "in_flight", 0.5, "in_flight must be whole"),
        ("state", "ready", 999.0, "ready must lie at most the latency, 3, after"),
        ("notes", NOTE_PEAK, 2.0, "notes must be numbers from 0 to 1"),
        ("notes", NOTE_ERROR, np.inf, "notes must be numbers from 0"),
        ("models", 0, np.nan, "models must be"),
        ("seen", 0, np.inf, "seen must be"),
    ],
)
def test_series_states_out_of_range_are_refused_by_name(series, part, field, value, said):
    world, state = series
    place = SERIES_FIELDS.index(field) if isinstance(field, str) else field
    with pytest.raises(ValueError, match=said):
        world.set_state(holding(state, part, place, value))


@pytest.mark.parametrize("scenario", [*GENERATED, "co2"])
def test_every_series_state_of_an_episode_can_be_restored(scenario):
    restored_at_each_step(TimeSeriesVectorEnv(N, scenario=scenario, cycles=30))
