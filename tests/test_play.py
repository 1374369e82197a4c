"""The game, watching and recording: played by key presses, as a person would."""

import csv
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from springdrift import Action
from springdrift.view import Window
from springdrift_agents import play, scores
from springdrift_agents.commands import app
from springdrift_agents.evaluate import evaluate, world_seeds
from springdrift_agents.lesson import lesson
from springdrift_agents.movie import Movie
from springdrift_agents.rules import policy


@pytest.fixture
def table(monkeypatch, tmp_path):
    """A table with a dummy screen, and its events as a script of (after how many pictures, keys)."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr(play, "SEARCH", 1)
    made = play.Table(play.Game("poc", seed=3, cycles=6), "ada", tmp_path / "scores.csv")
    pictures = {"count": 0}
    script: list[tuple[int, str]] = []
    plain = Window.flip

    def flip(self, fps=0):
        events = plain(self, 100_000)
        pictures["count"] += 1
        assert pictures["count"] < 6000, "the game did not end"
        pygame = self.pygame
        while script and script[0][0] <= pictures["count"]:
            key = script.pop(0)[1]
            if key == "QUIT":
                events.append(pygame.event.Event(pygame.QUIT))
            elif key.startswith("mouse"):
                button, x, y = map(int, key.split()[1:])
                events.append(pygame.event.Event(pygame.MOUSEBUTTONDOWN, button=button, pos=(x, y)))
            elif key.startswith("pad"):
                events.append(pygame.event.Event(pygame.JOYBUTTONDOWN, button=int(key.split()[1])))
            else:
                events.append(pygame.event.Event(pygame.KEYDOWN, key=getattr(pygame, f"K_{key}")))
        return events

    monkeypatch.setattr(Window, "flip", flip)
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
        (150, "ESCAPE"),
    ]
    table.run()
    assert decisions_of(table.game) == [1, 2, 1, 1, 2, 0]
    kept = scores.read(tmp_path / "scores.csv")
    assert [(one.player, one.scenario, one.seed) for one in kept] == [("ada", "poc", 3)]
    assert kept[0].cost == pytest.approx(table.game.card()[0][1], abs=1e-3)


def test_pause_step_tempo_truth_and_waiting(table):
    table.script += [
        (3, "p"),
        (40, "s"),
        (90, "PLUS"),
        (91, "MINUS"),
        (92, "MINUS"),
        (93, "h"),
        (94, "ESCAPE"),
    ]
    table.run()
    assert len(decisions_of(table.game)) == 2  # the first, and one step while paused
    assert table.tempo == 0.5


def test_a_waiting_game_waits(table):
    table.waiting = True
    table.script += [(30, "i"), (100, "SPACE"), (150, "ESCAPE")]
    table.run()
    assert decisions_of(table.game) == [Action.INTERVENE, Action.WAIT]


def test_same_world_and_new_world(table, tmp_path):
    table.script += [(5, "t"), (900, "n"), (2500, "QUIT")]
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
    for cost in (50.0, 20.0):
        scores.append(scores.Score(scores.now(), "ada", "abrupt", 1, cost, 90.0, 40.0), file)
    assert "20.0" in CliRunner().invoke(app, ["scores"]).output
    CliRunner().invoke(app, ["scores", "--csv", str(tmp_path / "class.csv")])
    rows = list(csv.DictReader((tmp_path / "class.csv").read_text().splitlines()))
    assert [row["cost"] for row in rows] == ["20.0", "50.0"]
    file.write_text("a,b\n")
    with pytest.raises(ValueError, match=r"line 1: not a score \('a,b'\)"):
        scores.read(file)


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


def test_a_film_that_fails_leaves_nothing(tmp_path):
    def fail():
        with Movie(tmp_path / "a.mp4", (320, 208), 30) as movie:
            movie.add(np.zeros((208, 320, 3), np.uint8))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="multiples of 16"):
        Movie(tmp_path / "a.mp4", (321, 208), 30)
    with pytest.raises(ValueError, match="allowed endings"):
        Movie(tmp_path / "a.avi", (320, 208), 30)


@pytest.mark.skipif(not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="needs Xvfb and xdotool")
def test_a_real_window_is_played_with_real_keys(tmp_path):
    display = f":{90 + os.getpid() % 400}"
    server = subprocess.Popen(
        ["Xvfb", display, "-screen", "0", "1100x760x24"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    environment = {**os.environ, "DISPLAY": display, "SPRINGDRIFT_SCORES": str(tmp_path / "scores.csv")}
    environment.pop("SDL_VIDEODRIVER", None)

    def tool(*args):
        return subprocess.run(
            ["xdotool", *args], env=environment, capture_output=True, text=True, timeout=20
        ).stdout.strip()

    def until(condition, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.2)

    game = None
    try:
        until(lambda: Path(f"/tmp/.X11-unix/X{display[1:]}").exists())
        args = ["play", "-s", "poc", "--seed", "3", "--cycles", "5", "--wait", "--tempo", "8"]
        command = [sys.executable, "-m", "springdrift_agents.cli", *args]
        game = subprocess.Popen(command, env=environment)
        until(lambda: tool("getwindowfocus", "getwindowname") == "springdrift")

        def press(key):
            tool("key", key)
            time.sleep(0.6)

        for key in ("i", "r", "p", "p", "space", "w", "Up"):  # pausing and going on decide nothing
            press(key)
        until(lambda: (tmp_path / "scores.csv").exists())
        press("t")  # the same world again
        press("Escape")
        assert game.wait(timeout=30) == 0
    finally:
        if game:
            game.kill()
            game.communicate()
        server.terminate()
        server.wait()
    kept = scores.read(tmp_path / "scores.csv")
    assert [(one.scenario, one.seed) for one in kept] == [("poc", 3)]
    replay = play.Game("poc", 3, cycles=5)
    for action in (1, 2, 0, 0, 1):
        replay.decide(action)
    assert kept[0].cost == pytest.approx(replay.card()[0][1], abs=1e-3)
