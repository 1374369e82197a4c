"""The game, watching and recording: played by key presses, as a person would."""

import csv
import ctypes
import ctypes.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import gymnasium as gym
import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from springdrift import ENV_ID, TERMS, Action, InclinedMassEnv
from springdrift.render.view import COLOURS, View
from springdrift.render.window import Window
from springdrift_agents.cli.app import app
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.play import game as play
from springdrift_agents.play import guide, scores
from springdrift_agents.play import table as on_screen
from springdrift_agents.play.card import title_of
from springdrift_agents.play.feedback import lesson
from springdrift_agents.play.movie import Movie
from springdrift_agents.play.record import SmoothVideo
from springdrift_agents.policies.learned import shipped
from springdrift_agents.policies.registry import policy
from springdrift_agents.policies.rules import RULES
from springdrift_agents.policies.settings import settings


@pytest.fixture
def table(monkeypatch, tmp_path):
    """A table with a dummy screen, and its events as a script of (when, key).

    When: after how many pictures, or once the card is shown.
    """
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr(play, "SEARCH", 1)
    monkeypatch.setattr(play, "rules_of", lambda env: ("never", "threshold"))  # counted soon
    monkeypatch.setattr(play, "settings", lambda env: {})
    game = play.Game("poc", seed=3, cycles=6)
    made = on_screen.Table(game, "ada", tmp_path / "scores.csv", False, title=False, guided=False)
    pictures = {"count": 0, "card": False}
    script: list[tuple[int | str, str]] = []
    plain, plain_card = Window.flip, on_screen.draw_card

    def draw_card(*args):
        pictures["card"] = True
        plain_card(*args)

    def due(when):
        return pictures["card"] if when == "card" else when <= pictures["count"]

    def flip(self, fps=0):
        pictures["count"] += 1
        assert pictures["count"] < 6000, "the game did not end"
        pygame = self.pygame
        while script and due(script[0][0]) and not self.closed:
            pictures["card"] = False
            kind, *rest = script.pop(0)[1].split()
            numbers = tuple(map(int, rest))
            if kind == "QUIT":
                event = pygame.event.Event(pygame.QUIT)
            elif kind == "mouse":
                event = pygame.event.Event(pygame.MOUSEBUTTONDOWN, button=numbers[0], pos=numbers[1:])
            elif kind == "pad":
                event = pygame.event.Event(pygame.JOYBUTTONDOWN, button=numbers[0])
            elif kind == "cross":
                event = pygame.event.Event(pygame.JOYHATMOTION, value=numbers)
            else:
                event = pygame.event.Event(pygame.KEYDOWN, key=getattr(pygame, f"K_{kind}"))
            pygame.event.post(event)
        return plain(self, 100_000)

    monkeypatch.setattr(Window, "flip", flip)
    monkeypatch.setattr(on_screen, "draw_card", draw_card)
    made.script, made.pictures = script, pictures
    yield made
    made.window.close()


def decisions_of(game):
    return game.recorder.now().decisions.tolist()


def test_a_whole_game_by_keys_mouse_and_pad(table, tmp_path):
    table.script += [
        (1, "i"),
        (10, "mouse 1 300 620"),
        (20, "UP"),
        (40, "mouse 1 200 200"),
        (60, "pad 2"),
        ("card", "ESCAPE"),
    ]
    table.run()
    assert decisions_of(table.game) == [1, 2, 1, 1, 2, 0]
    kept = scores.read(tmp_path / "scores.csv")
    assert [(one.player, one.scenario, one.seed) for one in kept] == [("ada", "poc", 3)]
    assert kept[0].cost == pytest.approx(table.game.card()[0][1], abs=1e-3)
    assert (kept[0].cycles, kept[0].truth) == (6, False)


def test_a_gamepad_decides_pauses_and_comes_and_goes(table):
    pygame = table.pygame

    class Pad:
        def get_instance_id(self):
            return 7

    table.pygame = SimpleNamespace(**{name: getattr(pygame, name) for name in dir(pygame) if name.isupper()})
    table.pygame.joystick = SimpleNamespace(Joystick=lambda index: Pad())
    table._listen([pygame.event.Event(pygame.JOYDEVICEADDED, device_index=0)])
    assert list(table._pads) == [7]
    table._listen([pygame.event.Event(pygame.JOYDEVICEREMOVED, instance_id=7)])
    assert not table._pads
    table.pygame = pygame
    table.script += [
        (1, "pad 1"),
        (5, "cross 1 0"),
        (6, "cross 0 0"),
        (25, "cross 0 1"),
        (44, "pad 2"),
        (45, "pad 0"),
        (60, "pad 3"),
        (90, "ESCAPE"),
    ]
    table.run()
    assert decisions_of(table.game) == [1, 2, 1, 0]
    assert table.paused


def test_pause_step_tempo_truth_and_waiting(table):
    seen = []
    plain = table.view.draw
    table.view.draw = lambda frame: seen.append(frame.time) or plain(frame)
    table.script += [
        (3, "p"),
        (40, "s"),  # to the end of this cycle
        (60, "s"),  # one more
        (90, "PLUS"),
        (91, "MINUS"),
        (92, "MINUS"),
        (93, "h"),
        (94, "ESCAPE"),
    ]
    table.run()
    assert len(decisions_of(table.game)) == 2
    assert len(set(seen[3:39])) == 1  # at once, within the cycle
    assert 0.0 < seen[10] < 1.0
    assert seen[58] == 1.0
    assert seen[80] == seen[-1] == 2.0
    assert table.tempo == 0.5


def test_a_score_tells_that_the_truth_was_shown(table, tmp_path):
    table.script += [(20, "h"), (22, "h"), ("card", "t"), ("card", "ESCAPE")]
    table.run()
    kept = scores.read(tmp_path / "scores.csv")
    assert [one.truth for one in kept] == [True, False]  # the second game was played without


@pytest.mark.parametrize("how", ["QUIT", "ESCAPE"])
def test_closing_while_the_card_is_counted_ends_cleanly_and_keeps_the_score(
    table, tmp_path, monkeypatch, how
):
    closing, card = threading.Event(), table.game.card

    def slow():
        assert closing.wait(timeout=60)
        return card()

    plain = on_screen.Table._note

    def note(self, text):
        if text.endswith("counting"):
            self.script.append((0, how))
        plain(self, text)

    quit_ = Window.close
    monkeypatch.setattr(Window, "close", lambda self: (quit_(self), closing.set()))
    monkeypatch.setattr(on_screen.Table, "_note", note)
    monkeypatch.setattr(table.game, "card", slow)
    table.run()  # a window that stayed open would wait in vain
    assert table.window.closed
    assert len(scores.read(tmp_path / "scores.csv")) == 1


def test_a_waiting_game_waits(table):
    table.waiting = True
    table.script += [(30, "i"), (100, "SPACE"), (150, "ESCAPE")]
    table.run()
    assert decisions_of(table.game) == [Action.INTERVENE, Action.WAIT]


def test_a_title_stands_before_the_first_game_and_hints_beside_it(table, monkeypatch):
    told = []
    plain = View.text
    monkeypatch.setattr(
        View, "text", lambda self, text, *a, **o: told.append(text) or plain(self, text, *a, **o)
    )
    table.title = table.guided = table.waiting = True
    table.script += [(3, "i"), (5, "RETURN"), (12, "SPACE"), (60, "g"), (62, "r"), (100, "ESCAPE")]
    table.run()
    assert decisions_of(table.game) == [Action.WAIT, Action.RETRAIN]  # what was pressed before is no decision
    for wanted in (guide.TITLE, "0.6", "3", "free", "ENTER plays · G with or without hints"):
        assert wanted in told, wanted
    assert any(text.startswith("Blue is where the model forecasts") for text in told)
    assert any(text.startswith(play.RIVAL) for text in told)


def test_the_rival_s_running_cost_is_what_it_pays_on_this_world():
    game = play.Game("abrupt", seed=2, cycles=60)
    while not game.over:
        game.decide(Action.WAIT)
    seeds = world_seeds("evaluation", 2, 1)
    paid = evaluate(policy(play.RIVAL), "abrupt", seeds, cycles=60).cost[0]
    assert game.rival_cost == pytest.approx(paid)


@pytest.mark.parametrize(
    ("error", "swing", "training", "said"),
    [
        (0.1, 0.3, float("nan"), "SPACE waits."),
        (0.9, 0.3, float("nan"), "Forecasts err: the world may have changed. → retrains for 3"),
        (0.9, 0.1, float("nan"), "↑ pushes by hand meanwhile, for 0.6."),
        (0.1, 0.1, float("nan"), "a new model is no help"),
        (0.9, 0.1, 2.0, "A new model is in training. Until it is live, ↑"),
        (0.9, 0.3, 2.0, "the swing holds, so SPACE waits"),
    ],
)
def test_hints(error, swing, training, said):
    game = play.Game("stationary", seed=1, cycles=5)
    game.decide(0)
    frame = replace(
        game.recorder.now(), errors=np.array([error]), swings=np.array([swing]), training=training
    )
    assert said in guide.hint(frame, game.prices, 3)


def test_same_world_and_new_world(table, tmp_path):
    table.script += [(5, "t"), ("card", "n"), ("card", "QUIT")]
    table.run()
    assert table.game.seed == 4
    assert [one.seed for one in scores.read(tmp_path / "scores.csv")] == [3, 4]


def test_the_card_compares_on_the_same_world():
    game = play.Game("abrupt", seed=2)
    while not game.over:
        game.decide(Action.WAIT)
    card = {name: cost for name, cost, _ in game.card()}
    assert card["you"] == pytest.approx(card["never"])
    assert card["hindsight"] <= min(card.values())
    assert card["never"] == evaluate(policy("never"), "abrupt", world_seeds("evaluation", 2, 1)).cost[0]
    with pytest.raises(RuntimeError, match="the game is over"):
        game.decide(0)


def test_the_card_names_the_cheapest_rule_and_the_learned_policy(monkeypatch):
    monkeypatch.setattr(play, "SEARCH", 1)
    game = play.Game("abrupt", seed=5, cycles=60)
    while not game.over:
        game.decide(Action.WAIT)
    card = {name: cost for name, cost, _ in game.card()}
    assert set(play.RIVALS) <= set(card)
    assert (play.LEARNED[ENV_ID] in card) == (play.LEARNED[ENV_ID] in shipped())
    seeds = world_seeds("evaluation", 5, 1)
    everyone = [*RULES, *(f"{name}@mix" for name in settings()["mix"])]
    costs = {name: evaluate(policy(name), "abrupt", seeds, cycles=60).cost[0] for name in everyone}
    cheapest = min(costs, key=costs.get)
    assert cheapest not in play.RIVALS  # so it is on the card for no other reason
    assert card[cheapest] == min(costs.values())
    between = (card[cheapest] + min(card[name] for name in play.RIVALS)) / 2
    rows = [(name, cost, []) for name, cost in card.items() if name != "you"]
    assert title_of([("you", between, []), *rows]).startswith(
        "The deadline is here: you are "
    )  # better than the four, not than all


@pytest.mark.parametrize("font_scale", [0.7, 1.0, 1.4])
def test_the_card_and_the_buttons_keep_their_texts_apart(monkeypatch, font_scale):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    table = on_screen.Table(play.Game("poc", seed=3, cycles=6), font_scale=font_scale)
    names = ("you", "hindsight", play.LEARNED[ENV_ID], *play.RIVALS, "adwin@mix")
    card = [(name, 334.9, [120.1, 199.8, 0.0, 15.0]) for name in names]
    said = lesson([0] * 22 + [2] + [0] * 30, [20], [0.3] * 53, 0.3)
    about = "release-train · world 123456 · 200 cycles · the truth was shown"
    for view, draw, edges in (
        (table.view, lambda: on_screen.draw_card(table.view, card, about, said), (60, 900, 0, 600)),
        (table.bar, table._buttons, (0, 960, 0, on_screen.BAR)),
    ):
        placed, plain = [], view.text

        def text(
            text, x, y, size=13, colour="", bold=False, align=0.0, fit=None, view=view, plain=plain, to=placed
        ):
            width = plain(text, x, y, size, colour, bold, align, fit)
            left, top = x - align * width, y + 0.15 * view.height(size)  # letters leave a rim
            to.append((left, left + width, top, y + 0.85 * view.height(size), text))
            return width

        view.text = text
        draw()
        assert len(placed) > 4
        for n, (a, b, c, d, text_) in enumerate(placed):
            inside = edges[0] <= a and b <= edges[1] and edges[2] <= c and d <= edges[3]
            assert inside, text_
            for e, f, g, h, other in placed[:n]:
                assert b <= e or f <= a or d <= g or h <= c, f"{text_!r} lies on {other!r}"
    assert [place for _, _, _, place in table.buttons()][-1][0] + 140 <= min(
        a for a, *_, t in placed if "P pause" in t
    )
    table.window.close()


def test_a_cost_of_nothing_leaves_no_sliver(monkeypatch):
    view = View()
    view.surface.fill("#ffffff")
    card = [("you", 10.0, [5.0, 5.0, 0.0, 0.0]), ("never", 10.0, [10.0, 0.0, 0.0, 0.0])]
    on_screen.draw_card(view, card, "", "")
    bars = view.pixels()[:, 232:432]
    counts = {
        term: int((bars == np.array(view.pygame.Color(COLOURS[term])[:3])).all(axis=2).sum())
        for term in TERMS
    }
    assert counts["intervene"] == counts["retrain"] == 0
    assert counts["forecast"] == 3 * counts["swing"] > 0


@pytest.mark.parametrize(
    ("decisions", "changed", "swing", "cold", "said"),
    [
        ([2, 0, 0, 2], [], 0.3, False, "you retrained 2 times in vain"),
        ([1] * 20, [], 0.3, False, "You pushed by hand 19 times"),
        ([0] * 60, [20], 0.05, False, "no model ever learned"),
        (
            [0] * 22 + [2] + [0] * 20,
            [20],
            0.3,
            False,
            "2 cycles after the change: the window was still mixed",
        ),
        ([0] * 60 + [2], [20], 0.3, False, "you asked for a new model 40 cycles later"),
        ([0, 2] * 20, [3], 0.3, False, "You retrained 20 times for one change"),
        ([0] * 20, [], 0.05, True, "You worked without a model to the end"),
        ([0] * 27 + [2] + [0] * 20, [20], 0.3, False, "Well judged"),
    ],
)
def test_lessons(decisions, changed, swing, cold, said):
    assert said in lesson(decisions, changed, [swing] * len(decisions), 0.3, cold)


def test_scores_are_exported_and_foreign_files_refused(tmp_path, monkeypatch):
    file = tmp_path / "scores.csv"
    monkeypatch.setenv("SPRINGDRIFT_SCORES", str(file))
    assert "no games yet" in CliRunner().invoke(app, ["scores"]).output
    name = 'Ann, "B" [red]'
    for cost, cycles, truth in ((50.0, 200, False), (20.0, 200, False), (9.0, 200, True), (1.0, 30, False)):
        scores.append(scores.Score(scores.now(), name, "abrupt", 1, cost, 90.0, 40.0, cycles, truth), file)
    listed = CliRunner().invoke(app, ["scores"]).output
    assert name in listed
    assert [word for word in ("cycles", "truth shown") if word not in listed] == []
    CliRunner().invoke(app, ["scores", "--csv", str(tmp_path / "class.csv")])
    rows = list(csv.DictReader((tmp_path / "class.csv").read_text().splitlines()))
    # a short game stands apart, and who saw the truth stands last
    assert [(row["cycles"], row["truth"], row["cost"]) for row in rows] == [
        ("30", "False", "1.0"), ("200", "False", "20.0"), ("200", "False", "50.0"), ("200", "True", "9.0"),
    ]  # fmt: skip
    assert {row["player"] for row in rows} == {name}
    told = json.loads(CliRunner().invoke(app, ["scores", "--json"]).output)
    assert told[0]["cycles"] == 30
    file.write_text(file.read_text() + "2026-01-01T09:00:00,eve,abr")  # torn as the power went
    assert len(scores.read(file)) == 4
    scores.append(scores.Score("now", "=1+2\x1b[31m", "abrupt", 1, 2.0, 90.0, 40.0, 200, False), file)
    assert len(scores.read(file, torn := [])) == 5
    assert torn == [6]
    CliRunner().invoke(app, ["scores", "--csv", str(tmp_path / "class.csv")])
    rows = list(csv.DictReader((tmp_path / "class.csv").read_text().splitlines()))
    assert "'=1+2[31m" in {row["player"] for row in rows}
    assert "\x1b[31m" not in CliRunner().invoke(app, ["scores"]).output
    file.write_text("a,b\n")
    with pytest.raises(ValueError, match=r"line 1: not a score \('a,b'\)"):
        scores.read(file)


def test_scores_of_earlier_versions_are_read_and_added_to(tmp_path):
    file = tmp_path / "scores.csv"
    old = "time,player,scenario,seed,cost,never,threshold\n2026-01-01T09:00:00,ada,abrupt,1,20.0,90.0,40.0\n"
    file.write_text(old)
    for _ in range(2):
        scores.append(scores.Score("now", "bob", "abrupt", 1, 30.0, 90.0, 40.0, 200, False), file)
    first, *others = scores.read(file)
    assert (first.player, first.cycles, first.truth) == ("ada", None, None)
    assert [(one.player, one.cycles, one.truth) for one in others] == [("bob", 200, False)] * 2
    assert file.read_text().startswith(old)
    assert file.read_text().count("cycles,truth") == 1


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ".webp", ".png"])
def test_watch_records(tmp_path, suffix):
    file = tmp_path / f"film{suffix}"
    args = ["watch", "-p", "never", "--versus", "always", "--cycles", "0:2", "--size", "320x208"]
    result = CliRunner().invoke(app, [*args, "--frames", "4", "--out", str(file)])
    assert result.exit_code == 0, result.output
    if suffix == ".mp4":
        assert file.read_bytes()[4:8] == b"ftyp"
    else:
        with Image.open(file) as picture:
            assert picture.size == (640, 208)
            assert getattr(picture, "n_frames", 1) == (1 if suffix == ".png" else 9)
            picture.seek(getattr(picture, "n_frames", 1) - 1)
            left, right = np.split(np.asarray(picture.convert("RGB")).astype(int), 2, axis=1)
        assert np.abs(left - right).sum() > 1000  # two policies, two pictures
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_still_draws_one_picture_and_a_part_must_exist(tmp_path, monkeypatch):
    drawn, plain = [], View.draw
    monkeypatch.setattr(View, "draw", lambda self, frame: drawn.append(frame.time) or plain(self, frame))
    args = ["watch", "-p", "never", "--cycles", "0:3", "--size", "320x208", "--out", str(tmp_path / "a.png")]
    assert "(1 pictures" in CliRunner().invoke(app, args).output
    assert drawn == [3.0]
    for part in ("0:999", "5:5", "7:3"):
        result = CliRunner().invoke(app, [*args[:4], part, *args[5:]])
        assert "within 0 to 200, got" in str(result.exception)


def test_a_film_can_keep_the_scenario_s_name_back(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(View, "text", lambda self, text, *args, **options: told.append(text) or 0.0)
    args = ["watch", "-p", "never", "--cycles", "0:1", "--size", "320x208", "--out", str(tmp_path / "a.png")]
    CliRunner().invoke(app, args)
    assert "abrupt" in told
    told.clear()
    CliRunner().invoke(app, [*args, "--hide"])
    assert told
    assert "abrupt" not in told


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's count of memory")
@pytest.mark.parametrize("suffix", [".gif", ".webp", ".mp4"])
def test_memory_does_not_grow_with_the_length_of_a_film(tmp_path, suffix):
    code = (
        "import re, sys\nimport numpy as np\nfrom pathlib import Path\n"
        "from springdrift_agents.play.movie import Movie\n"
        "def film(count):\n"
        "    with Movie(Path(sys.argv[1]), (640, 400), 30) as movie:\n"
        "        for n in range(count):\n"
        "            picture = np.full((400, 640, 3), 255, np.uint8)\n"
        "            picture[n : n + 40, 2 * n : 2 * n + 40] = n\n"
        "            movie.add(picture)\n"
        "    return int(re.search(r'VmHWM:\\s+(\\d+) kB', Path('/proc/self/status').read_text())[1]) / 1024\n"
        "few = film(4)\nprint(film(200) - few)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / f"a{suffix}")], capture_output=True, text=True
    )
    assert float(done.stdout) < 25, done.stderr  # MiB; 200 pictures of one byte a pixel are 49, of three 147


def test_a_gif_keeps_time_and_every_picture(tmp_path):
    pictures = [np.full((64, 96, 3), 255, np.uint8) for _ in range(13)]
    for n, picture in enumerate(pictures):
        picture[10:30, 5 * (n // 2) : 5 * (n // 2) + 20] = (20 * (n // 2), 90, 200)  # each stands for two
    with Movie(tmp_path / "a.gif", (96, 64), 30) as movie:
        for picture in pictures:
            movie.add(picture)
    with Image.open(tmp_path / "a.gif") as film:
        times = 0
        for n in range(film.n_frames):
            film.seek(n)
            shown = np.asarray(film.convert("RGB")).astype(int)
            assert np.abs(shown - pictures[round(times * 30 / 1000)]).max() <= 2
            times += film.info["duration"]
        assert times == pytest.approx(1000 * 13 / 30, abs=5)
        assert film.info["loop"] == 0
    with pytest.raises(ValueError, match="at most 50 pictures a second, got 60"):
        Movie(tmp_path / "b.gif", (96, 64), 60)
    with pytest.raises(ValueError, match=r"no picture for b\.gif"):
        Movie(tmp_path / "b.gif", (96, 64), 30).close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.gif"]


@pytest.mark.parametrize(
    ("encoder", "said"),
    [
        ("echo out of luck >&2; exit 3", "was not written: the encoder (ffmpeg) failed: out of luck"),
        ("cat > /dev/null; exit 4", "was not written: the encoder (ffmpeg) failed: it ended with status 4"),
        (None, "cannot be started: No such file or directory"),
    ],
)
def test_an_encoder_that_fails_is_told_of_and_leaves_nothing(tmp_path, monkeypatch, encoder, said):
    program = tmp_path / "encoder"
    if encoder:
        program.write_text(f"#!/bin/sh\n{encoder}\n")
        program.chmod(0o755)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(program))
    films = tmp_path / "films"
    films.mkdir()
    (films / "episode-0.mp4").write_text("an older film")
    env = SmoothVideo(gym.make(ENV_ID, cycles=3), films, view={"size": (320, 208)})

    def play_all():
        env.reset(seed=0)
        while not env.step(0)[2]:
            pass

    with pytest.raises(OSError, match=re.escape(said)):
        play_all()
    env.close()
    assert env.films == []
    assert [(path.name, path.read_text()) for path in films.iterdir()] == [("episode-0.mp4", "an older film")]
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", no_encoder)
    with pytest.raises(OSError, match="no encoder was found"):
        Movie(films / "b.webp", (320, 208), 30)
    assert len(list(films.iterdir())) == 1


def no_encoder():
    raise RuntimeError("No ffmpeg exe could be found")


def test_smooth_video_goes_on_where_the_env_was_put(tmp_path):
    made = gym.make(ENV_ID, scenario="stationary", cycles=60)
    env = SmoothVideo(made, tmp_path, suffix=".gif", frames=2, view={"size": (320, 200)})
    env.reset(seed=0)
    inner = env.unwrapped
    for _ in range(3):
        env.step(0)
    state, fork = inner.get_state(), inner.fork()
    for _ in range(70):  # looking ahead, on a fork and on the env itself
        inner.set_state(state)
        env.step(1)
        fork.set_state(state)
        fork.step(1)
    assert env._recorder.now().time == 4
    inner.set_state(state)
    assert env._recorder.now().time == 3
    env.close()
    with Image.open(tmp_path / "episode-0.gif") as film:
        assert film.n_frames > 100


def places_of_the_mass(path):
    """Number of pictures of a film, and where the mass stands in each."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    places = []
    for picture in np.frombuffer(raw, np.uint8).reshape(-1, 384, 608, 3)[:, 28:230, 10:400].astype(int):
        rows, columns = np.nonzero((np.abs(picture - 0x3B) < 14).all(axis=2))
        places.append((columns.mean(), rows.mean()))
    return np.array(places)


@pytest.mark.parametrize("mode", [None, "human", "rgb_array", "rgb_array_list", "ansi"])
def test_smooth_video_shows_the_movement_whatever_the_render_mode(tmp_path, monkeypatch, mode):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr(Window, "flip", lambda self, fps=0: [])
    plain = InclinedMassEnv("stationary", cycles=3)
    made = gym.make(ENV_ID, scenario="stationary", cycles=3, render_mode=mode)
    env = SmoothVideo(made, tmp_path, lambda episode: episode != 1, view={"size": (608, 384)})
    for seed in range(3):
        np.testing.assert_array_equal(plain.reset(seed=seed)[0], env.reset(seed=seed)[0])
        for action in (0, 1, 2):
            one, two = plain.step(action), env.step(action)
            np.testing.assert_array_equal(one[0], two[0])
            assert one[1:] == two[1:]
    env.close()
    assert [path.name for path in env.films] == ["episode-0.mp4", "episode-2.mp4"]
    places = places_of_the_mass(env.films[0])
    assert len(places) == 1 + 3 * 16
    assert np.ptp(places[:, 0]) > 20  # pixels: it swings
    at_ends = places[[16, 32, 48]]  # what one picture a cycle would have shown
    assert np.ptp(at_ends[:, 0]) < np.ptp(places[:, 0]) / 4


def test_smooth_video_keeps_what_was_filmed_of_an_episode_that_was_left(tmp_path):
    made = gym.make(ENV_ID, scenario="stationary")
    env = SmoothVideo(made, tmp_path, suffix=".gif", frames=4, view={"size": (320, 208)})
    env.reset(seed=0)
    env.step(0)
    with pytest.raises(ValueError, match="expected one whole-number action, got 7"):
        env.step(7)
    env.step(0)
    env.reset(seed=1)
    env.close()
    with Image.open(tmp_path / "episode-0.gif") as film:
        assert film.n_frames == 9
    assert [path.name for path in env.films] == ["episode-0.gif", "episode-1.gif"]
    with pytest.raises(TypeError, match="SmoothVideo films worlds of which pictures can be made"):
        SmoothVideo(gym.make("CartPole-v1"), tmp_path)
    with pytest.raises(ValueError, match=r"suffix must be one of \.mp4, \.gif, \.webp, got '\.avi'"):
        SmoothVideo(made, tmp_path, suffix=".avi")


def test_without_a_display_playing_is_refused(monkeypatch):
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER", "SDL_VIDEO_DRIVER")
    for name in hidden:
        monkeypatch.delenv(name, raising=False)
    why = "no window can be opened here (no display was found): it takes a screen"
    assert why in str(CliRunner().invoke(app, ["watch"]).exception)
    command = [sys.executable, "-m", "springdrift_agents.cli.main", "play", "--wait", "--no-keep"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, f"springdrift: {why}" in done.stderr) == (1, True)
    assert "Traceback" not in done.stderr


class Screen:
    """An X server of its own, a game on it, and a person's hands."""

    def __init__(self, folder):
        self.display = f":{90 + os.getpid() % 400}"
        command = ["Xvfb", self.display, "-screen", "0", "1100x760x24"]
        self.server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        scores_file = str(folder / "scores.csv")
        self.environment = {**os.environ, "DISPLAY": self.display, "SPRINGDRIFT_SCORES": scores_file}
        self.environment.pop("SDL_VIDEODRIVER", None)
        self.game = None
        self.until(lambda: Path(f"/tmp/.X11-unix/X{self.display[1:]}").exists())

    def tool(self, *args):
        done = subprocess.run(
            ["xdotool", *args], env=self.environment, capture_output=True, text=True, timeout=20
        )
        return done.stdout.strip()

    def until(self, condition, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.1)

    def play(self, *args, first=""):
        code = f"{first}\nfrom springdrift_agents.cli.main import main\nmain()"
        command = [sys.executable, "-c", code, "play", *args]
        self.game = subprocess.Popen(command, env=self.environment, stderr=subprocess.PIPE, text=True)
        self.until(lambda: self.tool("getwindowfocus", "getwindowname") == "springdrift")
        time.sleep(1)
        self.tool("key", "Return")  # past the title
        return self.tool("getwindowfocus")

    def close_window(self, window):
        """What a click on the cross of its frame does: a message from the window manager."""

        class Message(ctypes.Structure):
            _fields_ = (
                ("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("send_event", ctypes.c_int),
                ("display", ctypes.c_void_p), ("window", ctypes.c_ulong), ("kind", ctypes.c_ulong),
                ("format", ctypes.c_int), ("data", ctypes.c_long * 5), ("rest", ctypes.c_long * 12),
            )  # fmt: skip

        x11 = ctypes.CDLL(ctypes.util.find_library("X11"))
        x11.XOpenDisplay.restype, x11.XInternAtom.restype = ctypes.c_void_p, ctypes.c_ulong
        display = ctypes.c_void_p(x11.XOpenDisplay(self.display.encode()))
        kind, cross = (x11.XInternAtom(display, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW"))
        message = Message(type=33, window=int(window), kind=kind, format=32)
        message.data[0] = cross
        assert x11.XSendEvent(display, ctypes.c_ulong(int(window)), 0, 0, ctypes.byref(message))
        x11.XCloseDisplay(display)

    def end(self):
        if self.game:
            self.game.kill()
            self.game.communicate()
        self.server.terminate()
        self.server.wait()


@pytest.fixture
def screen(tmp_path):
    if not (shutil.which("Xvfb") and shutil.which("xdotool")):
        pytest.skip("needs Xvfb and xdotool")
    made = Screen(tmp_path)
    yield made
    made.end()


def test_a_real_window_is_played_with_real_keys_and_closed_by_its_frame(screen, tmp_path):
    decided = tmp_path / "decided"
    noting = (
        "from springdrift_agents.play.game import Game\ndecide = Game.decide\n"
        f"note = open({str(decided)!r}, 'w', buffering=1)\n"
        "Game.decide = lambda game, action: (decide(game, action), print(int(action), file=note))"
    )
    options = ("--seed", "3", "--cycles", "5", "--tempo", "8")
    window = screen.play("-s", "poc", *options, first=noting)

    def wait_for(*decisions):
        screen.until(lambda: decided.read_text().split() == list(map(str, decisions)))

    screen.tool("key", "i")
    wait_for(1)
    screen.tool("key", "r")
    wait_for(1, 2)
    for key in ("p", "p", "space"):  # pausing and going on decide nothing
        screen.tool("key", key)
    wait_for(1, 2, 0)
    screen.tool("key", "w")
    wait_for(1, 2, 0, 0)
    screen.tool("windowsize", window, "480", "330")  # a quarter of the picture
    time.sleep(0.5)
    screen.tool("mousemove", "--window", window, "171", "311", "click", "1")  # RETRAIN, there
    wait_for(1, 2, 0, 0, 2)
    screen.until((tmp_path / "scores.csv").exists)
    screen.tool("key", "t")  # the same world again
    screen.close_window(window)
    assert screen.game.wait(timeout=60) == 0, screen.game.stderr.read()
    kept = scores.read(tmp_path / "scores.csv")
    assert [(one.scenario, one.seed) for one in kept] == [("poc", 3)]
    replay = play.Game("poc", 3, cycles=5)
    for action in (1, 2, 0, 0, 2):
        replay.decide(action)
    assert kept[0].cost == pytest.approx(replay.recorder.now().costs.sum(), abs=1e-3)


def test_a_real_window_is_closed_while_the_card_is_counted(screen, tmp_path):
    counting = tmp_path / "counting"
    slowly = (
        "import pathlib, time\nfrom springdrift_agents.play.game import Game\ncard = Game.card\n"
        f"Game.card = lambda game: (pathlib.Path({str(counting)!r}).touch(), time.sleep(2), card(game))[2]"
    )
    window = screen.play("-s", "poc", "--cycles", "2", "--tempo", "8", "--flow", first=slowly)
    screen.until(counting.exists)
    screen.close_window(window)
    assert screen.game.wait(timeout=60) == 0, screen.game.stderr.read()
    assert len(scores.read(tmp_path / "scores.csv")) == 1
