"""Pictures of the series world: what is drawn is what is, and drawing leaves worlds alone."""

import copy
import dataclasses
import os
import pickle
import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest

from playing import check_alike
from springdrift import SERIES_ID, Action
from springdrift.render.series import axis_of, cycle_of
from springdrift.render.view import FRAMES, HAND, HIDDEN, MODEL, TRAIN, View, ansi
from springdrift.render.window import Window
from springdrift.series import SCENARIOS, Recording, Scenario, SeriesWorld
from springdrift.series.env import TimeSeriesEnv, TimeSeriesVectorEnv
from springdrift.series.recorder import Recorder
from springdrift_agents.play.record import SmoothVideo
from springdrift_agents.play.watch import Episode, show
from springdrift_agents.policies.registry import policy
from test_view import places_of


def recorded(scenario="abrupt", actions=(0,) * 30, seed=7, index=0, **options):
    world = SeriesWorld(index + 1, scenario, **options)
    world.seed(np.arange(index + 1), np.full(index + 1, seed, np.uint64))
    world.begin(np.ones(index + 1, bool))
    recorder = Recorder(world, index)
    for action in actions:
        recorder.before(action)
        world.advance(np.full(index + 1, action))
        recorder.after()
    return recorder


@pytest.mark.parametrize("scenario", [*(name for name in SCENARIOS if name != "poc"), "poc"])
@pytest.mark.parametrize("delay", [0, 2])
def test_the_recorder_follows_the_world_exactly(scenario, delay):
    world = SeriesWorld(3, scenario, label_delay=delay)
    world.seed(np.arange(3), np.arange(3, dtype=np.uint64))
    world.begin(np.ones(3, bool))
    recorder, rng = Recorder(world, index=1), np.random.default_rng(0)
    names = world.truth_names
    for _ in range(20):
        actions = rng.choice(3, 3, p=[0.5, 0.3, 0.2])
        recorder.before(int(actions[1]))
        world.advance(actions)
        recorder.after()
        frame = recorder.now()
        truth = dict(zip(names, world.out.truth[:, 1].tolist(), strict=True))
        period = frame.measurements
        np.testing.assert_array_equal(frame.costs[-1], world.out.costs[:, 1])
        assert frame.decisions[-1] == actions[1]
        assert frame.by_operator == (actions[1] == Action.INTERVENE)
        assert frame.version == len(frame.deployed) == len(frame.versions) - 1
        # the forecasts, made again from what the fit saw, err as the world says they did
        unit = world.lanes.state[1, 5]
        for said, error in (
            (frame.forecast, truth["error"]),
            (frame.baseline, truth["naive_error"]),
        ):
            rms = np.sqrt(np.mean((said[-period:] - frame.true[-period:]) ** 2))
            assert rms / unit == pytest.approx(error, rel=1e-4, abs=1e-6)
        known = frame.measured[np.isfinite(frame.measured)]
        assert len(known) == max(0, len(frame.measured) - delay * period)


def test_a_model_of_ones_own_is_drawn_as_it_forecast():
    from numpy.linalg import lstsq

    class Plain:
        def fit(self, x, y):
            self.w = lstsq(np.c_[np.ones(len(x)), x], y, rcond=None)[0]

        def predict(self, x):
            return np.c_[np.ones(len(x)), x] @ self.w

    series = Recording.generated(SCENARIOS["gradual"], seed=1, cycles=80)
    recorder = recorded(series, actions=(0, 2, 0, 0, 0, 0, 0), model=Plain, cycles=40)
    frame, world = recorder.now(), recorder.world
    truth = dict(zip(world.truth_names, world.out.truth[:, 0].tolist(), strict=True))
    rms = np.sqrt(np.mean((frame.forecast[-24:] - frame.true[-24:]) ** 2))
    assert frame.version == 1
    assert rms / world.lanes.state[0, 5] == pytest.approx(truth["error"], rel=1e-4)


def test_frames_are_snapshots_that_nothing_changes():
    recorder = recorded(actions=(0, 1, 2))
    frame = recorder.now()
    before = copy.deepcopy(vars(frame))
    for action in (1, 0, 0, 0):
        recorder.before(action)
        recorder.world.advance(np.array([action]))
        recorder.after()
    recorder.world.begin(np.ones(1, bool))
    for name, value in before.items():
        now = getattr(frame, name)
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, now, err_msg=name)
        else:
            assert str(value) == str(now), name


def test_within_a_cycle_measurements_come_one_by_one_and_the_forecast_is_there_from_the_start():
    frames = recorded(actions=(0, 0, 0)).frames(24)
    assert [len(frame.times) for frame in frames] == list(range(49, 73))
    assert all(len(frame.ahead) == 24 for frame in frames)
    np.testing.assert_array_equal(frames[0].ahead, frames[-1].forecast[-24:])
    assert frames[11].time == 2.5
    assert all(len(frame.costs) == 2 for frame in frames[:-1])


def test_versions_say_when_they_served_and_what_they_were_fitted_on():
    recorder = recorded(actions=(0, 2, 0, 0, 0, 0, 2, 0), latency=3, window=10)
    frame = recorder.now()
    assert [one.deployed for one in frame.versions] == [0, 4]
    assert [one.fitted for one in frame.versions] == [(-10, 0), (-9, 1)]
    assert frame.versions[0].replaced == 4
    assert frame.versions[1].replaced == frame.time == 8
    assert frame.candidate == (-4, 6)
    assert frame.training == 1.0
    assert recorder.frame(3).training == 1.0
    assert np.isnan(recorder.frame(5).training)


def test_a_world_moved_in_between_is_followed_from_there():
    env = TimeSeriesEnv("abrupt", render_mode="rgb_array", render_options={"size": (320, 200)})
    env.reset(seed=1)
    state = env.get_state()
    for _ in range(5):
        env.step(0)
    env.world.set_state(state[0] if isinstance(state, tuple) and len(state) == 1 else state.world)
    recorder = env._renderer.recorder
    assert recorder.now().time == 0.0
    env.step(1)
    assert recorder.now().time == 1.0


def test_drawing_changes_no_trajectory():
    plain, drawn = TimeSeriesEnv("compound"), TimeSeriesEnv("compound", render_mode="rgb_array")
    np.testing.assert_array_equal(plain.reset(seed=3)[0], drawn.reset(seed=3)[0])
    for n, action in enumerate((0, 1, 2, 0, 1) * 4):
        if n % 5 == 0:
            drawn.render()
        one, two = plain.step(action), drawn.step(action)
        np.testing.assert_array_equal(one[0], two[0])
        assert one[1:] == two[1:]


def test_the_now_line_the_ghost_and_what_is_served_are_drawn_where_they_are():
    frame = recorded("stationary", actions=(0, 0, 1)).frames(24)[11]  # half of the cycle is over
    pixels = View().array(dataclasses.replace(frame, measured=np.full_like(frame.measured, np.nan)))
    chart = pixels[64:310, 60:630]
    assert len(places_of(chart, HAND)) > 200  # the served line
    assert len(places_of(chart, MODEL)) > 100  # the ghost's middle
    low, high, _ = axis_of(frame)
    by_model = dataclasses.replace(frame, by_operator=False)
    pixels = View().array(by_model)
    assert not len(places_of(pixels[64:310, 345:630], HAND))
    assert low < min(frame.ahead)
    assert high > max(frame.ahead)
    assert cycle_of(frame) == 2


def test_the_truth_is_drawn_only_on_request():
    frame = recorded("driver", actions=(0,) * 60).now()
    assert dict(frame.hidden)["driver key"].isdigit()
    told, kept = View(truth=True).array(frame), View().array(frame)
    assert len(places_of(told, HIDDEN)) > 300
    assert not len(places_of(kept, HIDDEN))
    recording = recorded("co2", actions=(0,) * 3).now()
    assert recording.hidden == ()
    assert recording.unit == "ppm"
    assert len(places_of(View(truth=True).array(recording), HIDDEN)) > 50


@pytest.mark.parametrize("size", [(320, 200), (1440, 900)])
@pytest.mark.parametrize("font_scale", [0.7, 1.4])
def test_every_size_is_drawn(size, font_scale):
    frame = recorded("compound", actions=(0, 1, 2) * 20).now()
    view = View(size, font_scale, truth=True)
    assert view.array(frame).shape == (size[1], size[0], 3)
    assert len(places_of(view.array(frame), TRAIN)) > 10


def test_wild_forecasts_and_flat_series_are_drawn():
    frame = recorded("stationary", actions=(0, 0)).now()
    wild = dataclasses.replace(frame, ahead=frame.ahead * 1e9, forecast=frame.forecast * 1e9)
    View((320, 200)).array(wild)
    flat = {
        name: np.zeros_like(getattr(frame, name))
        for name in ("ahead", "baseline_ahead", "measured", "forecast")
    }
    low, high, step = axis_of(dataclasses.replace(frame, **flat))
    assert low < 0 < high
    assert step > 0


def test_text_says_what_the_picture_shows():
    env = gym.make(SERIES_ID, scenario="abrupt", render_mode="ansi", label_delay=1)
    env.reset(seed=0)
    env.step(1)
    first, measured, forecast, served, last = env.render().splitlines()
    assert first.startswith("abrupt  cycle 1.00 of 200  cost ")
    assert "?" in measured  # not known yet
    assert "?" not in forecast
    assert served.startswith("served by the baseline")
    assert last == "model version 0, 1 cycle old"
    assert "abrupt" not in ansi(env.unwrapped._renderer.recorder.now(), scenario=False)


def test_human_mode_shows_every_cycle(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    shown = []
    monkeypatch.setattr(Window, "show", lambda self, frame, fps=0: shown.append(frame.time))
    env = gym.make(SERIES_ID, scenario="stationary", render_mode="human")
    env.reset(seed=0)
    env.step(0)
    assert len(shown) == 1 + FRAMES
    assert shown[-1] == 1.0
    env.close()


def test_an_env_that_draws_is_pickled_and_a_batch_is_drawn_each_for_itself():
    env = TimeSeriesEnv("co2", render_mode="rgb_array", render_options={"size": (320, 200)})
    env.reset(seed=1)
    env.step(0)
    twin = pickle.loads(pickle.dumps(env))
    check_alike(env.render(), twin.render(), most=1)
    envs = TimeSeriesVectorEnv(2, "abrupt", render_mode="rgb_array", render_options={"size": (320, 200)})
    envs.reset(seed=0)
    envs.step(np.array([0, 1]))
    one, two = envs.render()
    assert not np.array_equal(one, two)
    listed = TimeSeriesEnv("co2", render_mode="rgb_array_list", render_options={"size": (160, 160)})
    listed.reset(seed=0)
    listed.step(0)
    assert len(listed.render()) == 1 + FRAMES


def test_nothing_is_imported_or_drawn_before_it_is_asked_for():
    code = (
        "import sys, springdrift\n"
        "from springdrift.series.env import TimeSeriesEnv\n"
        "env = TimeSeriesEnv('stationary', render_mode='rgb_array')\n"
        "env.reset(seed=0)\n"
        "for _ in range(3): env.step(0)\n"
        "assert not {'pygame', 'PIL', 'matplotlib'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))


def test_films_and_pictures_of_a_policy(tmp_path):
    never = policy("never")
    film, still = tmp_path / "film.mp4", tmp_path / "last.png"
    small = Scenario("brief", "", cycles=4)
    episode = Episode(never, "never", small, 0, env=SERIES_ID)
    assert show([episode], out=film, size=(320, 200), frames=3) == 13
    assert film.stat().st_size > 2000
    pair = [Episode(never, "never", small, 0, env=SERIES_ID) for _ in range(2)]
    show(pair, out=still, size=(320, 200))
    assert still.read_bytes()[:4] == b"\x89PNG"
    env = SmoothVideo(gym.make(SERIES_ID, scenario=small), tmp_path, frames=2, view={"size": (320, 200)})
    env.reset(seed=0)
    for _ in range(4):
        env.step(0)
    env.close()
    assert [path.name for path in env.films] == ["episode-0.mp4"]
    with pytest.raises(ValueError, match="no pictures are made of springdrift/UpkeepDashboard-v0"):
        Episode(never, "never", "upkeep", 0, env="springdrift/UpkeepDashboard-v0")
