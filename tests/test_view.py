"""What is drawn is what is: geometry and pixels against the state, and drawing leaves worlds alone."""

import copy
import dataclasses
import math
import os
import pickle
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.wrappers import RecordVideo

import springdrift
from playing import check_alike
from springdrift import ENV_ID, SCENARIOS, InclinedMassEnv, World
from springdrift.incline.dynamics import BUMPERS
from springdrift.incline.recorder import KEPT, Recorder
from springdrift.render.scene import ARROW, BLOCK, METRE, magnet_of, on_slope
from springdrift.render.view import (
    FRAMES,
    HAND,
    HIDDEN,
    MODEL,
    PANEL,
    SIZE,
    View,
    ansi,
)
from springdrift.render.window import NoWindowError, Window

MASS = (0x3B, 0x3B, 0x3B)


def recorded(scenario="abrupt", actions=(0,) * 30, seed=7, **options):
    world = World(1, scenario, **options)
    world.seed(np.zeros(1, int), np.array([seed], np.uint64))
    world.begin(np.ones(1, bool))
    recorder = Recorder(world)
    for action in actions:
        recorder.before(action)
        world.advance(np.array([action]))
        recorder.after()
    return recorder


def places_of(pixels, colour):
    """(x, y) of all pixels of a colour."""
    wanted = colour if isinstance(colour, tuple) else tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
    rows, columns = np.nonzero((pixels == np.array(wanted)).all(axis=2))
    return np.stack((columns, rows), axis=1).astype(float)


def scene(pixels):
    """The slope without the legend: the dashboard beside and below it uses the same colours."""
    return pixels[44:366, 16:636]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_recorder_follows_the_world_exactly(scenario):
    world = World(40, scenario)
    world.seed(np.arange(40), np.arange(40, dtype=np.uint64))
    world.begin(np.ones(40, bool))
    recorder, rng = Recorder(world, index=37), np.random.default_rng(0)
    block, lane = divmod(37, world.batch.width)
    for _ in range(25):
        actions = rng.integers(0, 3, 40)
        recorder.before(actions[37])
        world.advance(actions)
        recorder.after()
        frames = recorder.frames(8)
        last = frames[-1]
        assert last.x == world.batch.lanes("x", 40)[37]
        assert last.measured[-1] == world.batch.window("window_y")[block, -1, lane]
        np.testing.assert_array_equal(
            [f.push for f in frames], world.batch.window("window_u")[block, -8:, lane]
        )
        np.testing.assert_array_equal(
            [f.ghost for f in frames], world.batch.window("window_f")[block, -8:, lane]
        )
        np.testing.assert_array_equal(last.costs[-1], world.out.costs[:, 37])
        assert last.decisions[-1] == actions[37]


def test_frames_are_snapshots_that_nothing_changes():
    recorder = recorded(actions=(0, 1, 2))
    frame = recorder.now()
    before = copy.deepcopy(dataclasses.asdict(frame))
    recorder.before(1)
    recorder.world.advance(np.array([1]))
    recorder.after()
    after = dataclasses.asdict(frame)
    for name, value in before.items():
        np.testing.assert_array_equal(value, after[name], err_msg=name)
    with pytest.raises(dataclasses.FrozenInstanceError):
        frame.x = 0.0


def test_movement_between_frames_is_smooth():
    positions = [frame.x for frame in recorded(actions=(0,) * 5).frames(64)]
    assert np.abs(np.diff(positions)).max() < 0.06  # m: the fastest swing makes 0.94 m/s, a frame is 1/32 s
    assert np.ptp(positions) > 0.4


@pytest.mark.parametrize("observe", ["monitor", "signals"])
def test_drawing_changes_no_trajectory(observe):
    plain, drawn = InclinedMassEnv(observe=observe), InclinedMassEnv(observe=observe, render_mode="rgb_array")
    np.testing.assert_array_equal(plain.reset(seed=3)[0], drawn.reset(seed=3)[0])
    for action in (0, 1, 2, 0, 1) * 8:
        drawn.render()
        one, two = plain.step(action), drawn.step(action)
        np.testing.assert_array_equal(one[0], two[0])
        assert one[1:] == two[1:]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_mass_is_drawn_where_it_is(scenario):
    recorder = recorded(scenario, actions=(1,) * 20)
    for frame in recorder.frames(3):
        apart = dataclasses.replace(frame, ghost=BUMPERS[0], push=0.0)
        pixels = View().array(apart)
        middle = places_of(scene(pixels), MASS).mean(axis=0) + (16, 44)
        np.testing.assert_allclose(middle, on_slope(frame, frame.x), atol=1.5)


@pytest.mark.parametrize("tilt", [0.3, 0.52, 0.9])
def test_the_slope_is_as_steep_as_the_tilt_and_lengths_are_true(tilt):
    frame = dataclasses.replace(recorded(actions=(0,)).now(), tilt=tilt)
    (x0, y0), (x1, y1) = on_slope(frame, 0.0), on_slope(frame, 1.0)
    assert math.atan2(y1 - y0, x1 - x0) == pytest.approx(tilt)
    assert math.hypot(x1 - x0, y1 - y0) == pytest.approx(METRE)
    for x in BUMPERS:  # all of the machine stays in the picture
        a, b = on_slope(frame, x, BLOCK)
        assert 13 < a < 640
        assert 41 < b < 396


def pushing(push, **changes):
    """A level machine with the mass at 0.5 m, and a push."""
    frame = recorded("stationary", actions=(0, 0)).now()
    return dataclasses.replace(frame, push=push, ghost=BUMPERS[0], tilt=0.0, x=0.5, **changes)


def arrow_of(frame, colour, truth=False):
    """Pixels of an arrow on the mass, left of the magnet and over the mass."""
    places = places_of(scene(View(truth=truth).array(frame)), colour) + (16, 44)
    beside = places[:, 0] < on_slope(frame, magnet_of(frame))[0] - 30
    return places[beside & (places[:, 1] < on_slope(frame, 0.5, BLOCK / 2)[1] - 2)]


@pytest.mark.parametrize(
    ("push", "by_operator"), [(0.25, True), (-0.25, True), (0.06, False), (-0.12, False)]
)
def test_the_arrow_has_the_direction_and_size_of_the_push(push, by_operator):
    frame = pushing(push, by_operator=by_operator)
    arrow = arrow_of(frame, HAND if by_operator else MODEL)
    foot = on_slope(frame, 0.5)[0]
    reach = arrow[:, 0].max() - foot if push > 0 else arrow[:, 0].min() - foot
    assert reach == pytest.approx(ARROW * push / frame.strongest, abs=2.5)
    thickness = np.ptp(arrow[np.abs(arrow[:, 0] - foot - reach / 2) < 1.5][:, 1]) if by_operator else 0
    assert thickness > 8 or not by_operator


def test_a_short_arrow_is_small():
    arrow = arrow_of(pushing(0.012, by_operator=True), HAND)
    length = ARROW * 0.012 / pushing(0.0).strongest
    assert length < 6
    assert 0 < np.ptp(arrow[:, 1]) < 2.5 * length


def test_what_the_magnet_delivers_is_shown_with_the_truth_alone():
    strong, weak = pushing(-0.2, magnet=1.0), pushing(-0.2, magnet=0.35)
    check_alike(View().array(strong), View().array(weak))  # neither arrow nor glow tells
    foot = on_slope(weak, 0.5)[0]
    for frame in (strong, weak):
        arrow = arrow_of(frame, HIDDEN, truth=True)
        length = ARROW * 0.2 * frame.magnet / frame.strongest
        assert foot - arrow[:, 0].min() == pytest.approx(length, abs=2.5)
        assert f"−{0.2 * frame.magnet:.3f} N" in texts_of(View(truth=True), frame)


@pytest.mark.parametrize("by_operator", [False, True])
def test_the_glow_shows_strength_and_sign_without_colour(by_operator):
    def around(push):
        pixels = View().array(pushing(push, by_operator=by_operator)).mean(axis=2)
        x, y = map(round, on_slope(pushing(push), magnet_of(pushing(push))))
        return pixels[y - 80 : y, x - 70 : x + 70]

    calm = around(0.0)
    sizes = [int((np.abs(around(push) - calm) > 4).sum()) for push in (0.03, 0.1, 0.25)]
    assert sizes[0] < sizes[1] < sizes[2]
    for way in (1.0, -1.0):
        frame = pushing(0.25 * way, by_operator=by_operator)
        marks = places_of(View().array(frame)[44:366], HAND if by_operator else MODEL) + (0, 44)
        x, y = on_slope(frame, magnet_of(frame), 0.29)
        marks = marks[np.abs(marks[:, 0] - x) < 45]
        tips = marks[np.abs(marks[:, 1] - y) < 1.5][:, 0].mean()
        ends = marks[np.abs(marks[:, 1] - y) > 6][:, 0].mean()
        assert (tips - ends) * way > 3


def test_the_forecast_of_a_cycle_is_not_joined_to_the_next():
    frame = recorded("stationary", actions=(0,) * 20).now()
    pixels = View().array(
        dataclasses.replace(frame, forecast=np.full_like(frame.forecast, frame.level + 0.6))
    )
    chart = (pixels[420:528, 72:937] == np.array([0x00, 0x72, 0xB2])).all(axis=2).any(axis=0)
    lines = int((np.diff(chart.astype(int)) == 1).sum() + chart[0])
    assert lines == 10  # cycles in the chart
    assert chart.sum() == pytest.approx(0.875 * 864, rel=0.06)  # 7 of the 8 intervals of a cycle


def test_the_cubic_spring_of_chaos_is_part_of_the_truth():
    frame = recorded("chaos", actions=(0,)).now()
    assert f"{frame.cubic:.1f} N/m³" in texts_of(View(truth=True), frame)
    assert frame.cubic > 10
    assert not any("N/m³" in text for text in texts_of(View(truth=True), recorded(actions=(0,)).now()))


def texts_of(view, frame):
    """Every text of a picture."""
    found, plain = [], view.text
    view.text = lambda text, *args, **options: found.append(text) or plain(text, *args, **options)
    view.draw(frame)
    return found


class Noting:
    """A view that notes where each text went, what it looked like, and the panels."""

    def __init__(self, **options):
        self.view = View(**options)
        self.panels, self.placed = [], []
        notes, pygame = self.placed, self.view.pygame

        class Surface(pygame.Surface):
            def blit(self, source, place):
                super().blit(source, place)
                ink = source.get_bounding_rect().move(place).clip(self.get_clip())
                whole = source.get_bounding_rect().move(place)
                notes.append((ink, whole, self.subsurface(ink).copy()))

        self.view.surface = Surface(self.view.size, 0, self.view.surface)
        plain = self.view.box

        def box(x, y, w, h, colour, *rest):
            if colour == PANEL:
                self.panels.append(pygame.Rect(*self.view.at(x, y), w * self.view.scale, h * self.view.scale))
            plain(x, y, w, h, colour, *rest)

        self.view.box = box

    def check(self, frame):
        self.panels.clear(), self.placed.clear()
        self.view.draw(frame)
        header = self.view.pygame.Rect(0, 0, self.view.size[0], round(44 * self.view.scale))
        surface = self.view.surface
        assert len(self.placed) > 25
        for n, (ink, whole, looked) in enumerate(self.placed):
            assert ink == whole, f"text at {whole} is cut"
            assert any(room.contains(ink) for room in (header, *self.panels)), f"text at {ink} is outside"
            now = surface.subsurface(ink).copy()
            assert now.get_buffer().raw == looked.get_buffer().raw, f"text at {ink} was drawn over"
            for other, _, _ in self.placed[:n]:
                assert not ink.colliderect(other), f"texts at {ink} and {other} overlap"


@pytest.mark.parametrize("truth", [False, True])
@pytest.mark.parametrize("size", [SIZE, (1920, 1200)])
@pytest.mark.parametrize("font_scale", [0.7, 1.0, 1.2, 1.4])
def test_texts_of_any_size_keep_to_their_rooms(font_scale, size, truth):
    noting = Noting(size=size, font_scale=font_scale, truth=truth)
    for scenario in ("compound", "chaos", "release-train", "poc"):
        frame = recorded(scenario, actions=(0,) * 10 + (1, 2) + (0,) * 9).frames(3)[0]
        dear = np.full_like(frame.costs, 25.0 / len(frame.costs) * 10)
        for one in (frame, dataclasses.replace(frame, costs=dear, model_age=199.0, tilt=frame.tilt + 0.05)):
            policy = "threshold:error=0.5:cooldown=8:start=0.3:stop=0.25"
            noting.check(dataclasses.replace(one, policy=policy, threshold=0.7))


def test_the_scenario_is_hidden_on_request():
    frame = recorded("abrupt", actions=(0,)).now()
    assert "abrupt" in texts_of(View(), frame)
    assert not any("abrupt" in text for text in texts_of(View(scenario=False), frame))
    assert "abrupt" in texts_of(View(scenario=False, truth=True), frame)
    for mode, length in (("ansi", None), ("rgb_array", 3)):
        env = InclinedMassEnv("abrupt", render_mode=mode, render_options={"scenario": False})
        env.reset(seed=0)
        if mode == "ansi":
            assert "abrupt" not in env.render()
        else:
            assert env.render().ndim == length
            told = InclinedMassEnv("abrupt", render_mode=mode)
            told.reset(seed=0)
            assert not np.array_equal(env.render(), told.render())


def test_ghost_and_mass_part_when_the_model_is_stale():
    stationary = recorded("stationary", actions=(0,) * 40).frames(16)
    jumped = recorded("abrupt", actions=(0,) * 40, seed=7).frames(16)
    assert max(abs(f.x - f.ghost) for f in stationary) < 0.1
    assert max(abs(f.x - f.ghost) for f in jumped) > 0.3


def test_a_stiffer_spring_looks_stiffer_and_a_rougher_slope_rougher():
    frame = recorded("stationary", actions=(0,)).now()

    def dark(**changes):
        pixels = scene(View().array(dataclasses.replace(frame, push=0.0, **changes)))
        return int((pixels.sum(axis=2) < 420).sum())

    assert dark(stiffness=5.0) < dark(stiffness=10.0) < dark(stiffness=16.0)
    rough = [
        len(places_of(View().array(dataclasses.replace(frame, friction=f)), "#8d7f66"))
        for f in (0.0, 0.005, 0.028)
    ]
    assert rough[0] < rough[1] < rough[2]


def test_the_truth_is_shown_on_request_only():
    frame = recorded("mix", actions=(0,) * 30).now()
    hidden, shown = View().array(frame), View(truth=True).array(frame)
    assert len(places_of(hidden, "#A8508A")) == 0 < len(places_of(shown, "#A8508A"))


@pytest.mark.parametrize("size", [SIZE, (480, 300), (1001, 700)])
def test_sizes(size):
    assert View(size).array(recorded(actions=(0,)).now()).shape == (size[1], size[0], 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": (10, 10)}, "size must be"),
        ({"font_scale": 9.0}, "font_scale"),
        ({"colour": 1}, "unknown render option 'colour'"),
    ],
)
def test_wrong_render_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        InclinedMassEnv(render_mode="rgb_array", render_options=options)


def test_render_modes():
    with pytest.raises(ValueError, match="unknown render_mode 'film'; allowed: None, human, rgb_array"):
        InclinedMassEnv(render_mode="film")
    with pytest.raises(RuntimeError, match="before the first reset"):
        InclinedMassEnv(render_mode="ansi").render()
    env = gym.make(ENV_ID, scenario="stationary", render_mode="rgb_array_list")
    env.reset(seed=0)
    assert len(env.render()) == 1
    env.step(0)
    env.step(1)
    frames = env.render()
    assert len(frames) == 2 * FRAMES
    assert frames[0].shape == (600, 960, 3)
    assert not np.array_equal(frames[0], frames[5])
    assert env.render() == []
    springdrift.check(gym.make(ENV_ID, render_mode="rgb_array", cycles=10), seed=1)


def test_nothing_is_traced_or_drawn_before_somebody_looks(monkeypatch):
    def never(*args, **options):
        raise AssertionError("nobody looks")

    monkeypatch.setattr(Recorder, "frame", never)
    monkeypatch.setattr(View, "__init__", never)
    for mode in ("rgb_array", "rgb_array_list", "ansi"):
        env = InclinedMassEnv(render_mode=mode, cycles=600)  # longer than what is kept of it
        env.reset(seed=0)
        for action in (0, 1, 2) * 200:
            env.step(action)
        recorder = env._renderer.recorder
        assert len(recorder._notes) <= KEPT + 16
        assert len(recorder._paid) <= KEPT


@pytest.mark.slow
def test_a_long_list_of_pictures_is_bounded_and_says_what_to_use():
    size = (320, 200)
    env = InclinedMassEnv("mix", cycles=700, render_mode="rgb_array_list", render_options={"size": size})
    env.reset(seed=0)
    for _ in range(10):
        env.step(0)
    assert len(env.render()) == 1 + 10 * FRAMES
    for _ in range(90):
        env.step(0)
    room = 400
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("springdrift.render.renderer.LIST_BYTES", (room + 1) * 3 * size[0] * size[1])
        with pytest.warns(UserWarning, match=r"90 cycles since the last render\(\) would be 1440 pictures"):
            some = env.render()
        assert 90 <= len(some) <= room
        for _ in range(KEPT + 60):
            env.step(0)
        with pytest.warns(UserWarning, match="SmoothVideo"):
            assert 0 < len(env.render()) <= room


def test_the_clock_is_the_state_s():
    env = InclinedMassEnv("stationary", render_mode="ansi")
    env.reset(seed=4)
    for _ in range(40):
        env.step(0)
    state, other = env.get_state(), InclinedMassEnv("stationary", render_mode="ansi")
    other.reset(seed=9)
    other.set_state(state)
    assert "cycle 40.00 of 200" in other.render()
    frame = other._renderer.recorder.now()
    assert (frame.time, frame.since, len(frame.errors)) == (40, 40, 0)
    whole = dataclasses.replace(env._renderer.recorder.now(), push=frame.push)  # of a cycle nobody recorded
    one, two = View().array(frame), View().array(whole)
    check_alike(one[44:366, 16:636], two[44:366, 16:636])  # the machine stands alike
    env.step(1), other.step(1)
    mine, theirs = (one._renderer.recorder.frames(5) for one in (env, other))
    assert [(f.time, f.x, f.ghost, f.push) for f in mine] == [(f.time, f.x, f.ghost, f.push) for f in theirs]
    recorder = Recorder(env.world)  # nobody tells it of what follows
    env.step(0)
    env.world.set_state(state.world)
    assert recorder.now().time == 40


def test_upkeep_draws_its_state():
    env = gym.make("springdrift/Upkeep-v0", render_mode="rgb_array")
    env.reset(seed=1, options={"state": env.unwrapped.encode("stale", "far", "new")})
    picture = env.render()
    assert (picture.shape, picture.dtype) == ((304, 480, 3), np.uint8)
    chosen = places_of(picture, MODEL)
    assert (chosen[:, 0] > 330).all()  # the last level of each is filled in
    assert len(np.unique((chosen[:, 1] / 66).round())) >= 3
    again = pickle.loads(pickle.dumps(env.unwrapped))
    check_alike(again.render(), picture)


def test_text():
    env = gym.make(ENV_ID, scenario="stationary", render_mode="ansi")
    env.reset(seed=0)
    env.step(1)
    text = env.render()
    assert "stationary  cycle 1.00 of 200  cost 1.1 (forecast 0.0" in text
    assert "by hand" in text
    frame = recorded("stationary", actions=(0, 0)).now()
    track = ansi(dataclasses.replace(frame, x=0.0, ghost=1.0), width=61).splitlines()[1][1:-1]
    assert (track.index("#"), track.index("o")) == (20, 40)


def test_an_env_that_draws_can_be_pickled_and_forked():
    env = InclinedMassEnv("gradual", render_mode="rgb_array")
    env.reset(seed=1)
    env.step(0)
    twin, fork = pickle.loads(pickle.dumps(env)), env.fork()
    assert env.step(1)[1] == twin.step(1)[1] == fork.step(1)[1]
    check_alike(env.render(), twin.render())


def test_gymnasium_records_it(tmp_path):
    inner = gym.make(ENV_ID, scenario="poc", cycles=6, render_mode="rgb_array")
    env = RecordVideo(inner, str(tmp_path / "videos"), disable_logger=True)
    env.reset(seed=0)
    done = False
    while not done:
        done = env.step(0)[2]
    env.close()
    files = list((tmp_path / "videos").iterdir())
    assert [file.suffix for file in files] == [".mp4"]
    assert files[0].stat().st_size > 5000


def test_a_window_without_a_screen_to_look_at(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr("springdrift.render.view.FPS", 10_000)
    view = View()
    window, frame = Window(view), recorded(actions=(0,)).now()
    pygame = view.pygame
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_h))
    events = window.show(frame, fps=10_000)
    assert view.truth
    assert any(event.type == pygame.KEYDOWN for event in events)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    window.show(frame, fps=10_000)
    assert window.closed
    assert window.show(frame) == []
    window.close()


def test_a_window_fits_the_screen_and_takes_any_size(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    view = View((1920, 608))
    pygame = view.pygame
    monkeypatch.setattr(pygame.display, "get_desktop_sizes", lambda: [(1000, 700)])
    window = Window(view)
    real = window._real
    assert real.size[0] <= 1000
    assert real.size[0] / real.size[1] == pytest.approx(1920 / 608, rel=0.01)
    assert real.resizable
    view.surface.fill("#000000")
    view.box(480, 0, 480, 600, "#ff0000")  # the right half
    real.size = (500, 500)  # as a person drags its corner
    real = real.get_surface()
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, button=1, pos=(375, 250)))
    events = window.flip(10_000)
    assert real.get_at((125, 250)).r == 0
    assert real.get_at((375, 250)).r > 250
    assert real.get_at((250, 20)) == pygame.Color("#f4f4ef")  # beside the picture there is paper
    assert [event.pos for event in events if event.type == pygame.MOUSEBUTTONDOWN] == [(1440, 304)]
    window.close()
    assert window.flip() == []


def test_windows_live_side_by_side_and_each_takes_its_own_events(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    one, two = Window(View((320, 200))), Window(View((320, 200)))
    pygame = one.pygame
    one.flip(10_000), two.flip(10_000)
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_a, window=two._real))
    pygame.event.post(pygame.event.Event(pygame.JOYBUTTONDOWN, button=1))
    kinds = [{event.type for event in window.flip(10_000)} for window in (one, two)]
    assert [pygame.KEYDOWN in kind for kind in kinds] == [False, True]
    assert [pygame.JOYBUTTONDOWN in kind for kind in kinds] == [True, True]
    pygame.event.post(pygame.event.Event(pygame.WINDOWCLOSE, window=one._real))
    assert any(event.type == pygame.QUIT for event in one.flip(10_000))  # as its cross is clicked
    assert (one.closed, two.closed) == (True, False)
    two.view.surface.fill("#00ff00")
    two.flip(10_000)
    assert two._real.get_surface().get_at((5, 5)).g == 255
    two.close()


@pytest.mark.parametrize("quit_", ["display.quit", "font.quit", "quit"])
def test_drawing_survives_another_library_that_shuts_pygame_down(monkeypatch, quit_):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    view, frame = View((320, 200)), recorded(actions=(0,)).now()
    before = view.array(frame)
    window = Window(view)
    window.show(frame, 10_000)
    named = view.pygame
    for part in quit_.split("."):
        named = getattr(named, part)
    for again in (False, True):
        named()
        if again:  # and starts it anew for itself
            view.pygame.display.init(), view.pygame.font.init()
        view._texts.clear(), view._sizes.clear()  # letters that are drawn already need no font
        check_alike(view.array(frame), before)
        window.show(frame, 10_000)
        assert not window.closed
    window.close()


def test_without_a_display_a_window_is_refused_and_not_drawn_unseen():
    code = (
        "import springdrift\n"
        "env = springdrift.InclinedMassEnv(render_mode='human')\n"
        "try:\n    env.reset(seed=0)\n"
        "except RuntimeError as wrong:\n    print(wrong)\n"
    )
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER", "SDL_VIDEO_DRIVER")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert "no window can be opened here (no display was found)" in done.stdout, done.stderr
    assert "render_mode='rgb_array'" in done.stdout


@pytest.mark.parametrize("driver", ["dummy", "offscreen"])
def test_an_unseen_window_opens_where_it_was_asked_for(monkeypatch, driver):
    view = View()
    monkeypatch.delenv("SDL_VIDEODRIVER", raising=False)
    monkeypatch.delenv("SDL_VIDEO_DRIVER", raising=False)
    monkeypatch.setattr(view.pygame.display, "get_driver", lambda: driver)
    monkeypatch.setattr(view.pygame.display, "init", lambda: None)
    with pytest.raises(NoWindowError, match="set SDL_VIDEODRIVER=dummy"):
        Window(view)
    monkeypatch.undo()
    monkeypatch.setenv("SDL_VIDEODRIVER", driver)
    window = Window(view)
    assert not window.closed
    window.close()


def test_human_mode_shows_every_cycle(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    shown = []
    monkeypatch.setattr(Window, "show", lambda self, frame, fps=0: shown.append(frame.time))
    env = gym.make(ENV_ID, scenario="stationary", render_mode="human")
    env.reset(seed=0)
    env.step(0)
    assert len(shown) == 1 + FRAMES
    assert shown[-1] == 1.0
    env.close()


@pytest.mark.parametrize("hidden", ["pygame"])
def test_without_pygame_the_env_works_and_drawing_says_what_to_install(hidden, tmp_path):
    tmp_path.joinpath("pygame.py").write_text("raise ImportError('not here')")
    code = (
        "import sys, springdrift\n"
        "springdrift.InclinedMassEnv().reset(seed=0)\n"
        "springdrift.InclinedMassEnv(render_mode='ansi').reset(seed=0)\n"
        "env = springdrift.InclinedMassEnv(render_mode='rgb_array')\n"
        "env.reset(seed=0)\n"
        "for _ in range(3): env.step(0)\n"
        "assert not {'pygame', 'PIL', 'matplotlib'} & set(sys.modules)\n"
        "env.render()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert 'drawing needs pygame-ce: pip install "springdrift[render]"' in done.stderr


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's count of pages")
@pytest.mark.parametrize("count", [400, pytest.param(1500, marks=pytest.mark.slow)])
def test_memory_is_flat_over_many_frames(count):
    view, frames = View((320, 200)), recorded(actions=(0, 1, 2)).frames(16)
    frames = [dataclasses.replace(f, cycles=1_000_000) for f in frames]

    def go(count):
        for n in range(count):
            view.draw(dataclasses.replace(frames[n % 16], time=float(n), model_age=float(n)))
        return int(Path("/proc/self/statm").read_text().split()[1]) / 256  # MiB

    before = go(count)
    assert go(5 * count) - before < 8
