"""The page in a real browser, without a screen: a whole game on three screens, by key presses and touches."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from springdrift import ENV_ID, OPS_ID, SERIES_ID, Action
from springdrift_agents.play.web import build, link, references

NODE, CHROMIUM = shutil.which("node"), shutil.which("chromium") or shutil.which("google-chrome")
HERE = Path(__file__).parent / "web"
pytestmark = pytest.mark.skipif(not (NODE and CHROMIUM), reason="Node or Chromium is not installed")
PRESSED = {  # by screen: the world that is played there, and the first decisions
    "phone": (SERIES_ID, ("WAIT", "RETRAIN", "INTERVENE")),
    "tablet": (ENV_ID, ("INTERVENE", "WAIT", "RETRAIN")),
    "desktop": (
        OPS_ID,
        ("INTERVENE", "RETRAIN", *3 * ("WAIT",), "FINE_TUNE", "WAIT", "ROLLBACK", "RETRAIN"),
    ),
}


@pytest.mark.parametrize(
    "screens", [("phone",), pytest.param(tuple(PRESSED), marks=pytest.mark.slow)], ids=len
)
def test_a_whole_game_on_each_screen(screens: tuple[str, ...], tmp_path: Path) -> None:
    page = build.build(tmp_path / "play")
    sent = link.Game(SERIES_ID, "abrupt", 3, (0, 2, 0), False, 0.125, "<b>Ann")
    cost = references.cost_of("abrupt", 3, np.array(sent.decisions), SERIES_ID)
    forged = {
        link.link_of(sent): f"It claims a cost that its decisions do not have: 0.125 instead of {cost:.3f}.",
        link.link_of(sent).replace("Ann", "Anm"): "Some of its letters were changed on the way. Ask for it "
        "again, and copy the whole line.",
        "1/<script>alert(1)</script>": "It is not a link to a game, or a part of it is missing. Ask for it "
        "again, and copy the whole line.",
    }
    (tmp_path / "forged.json").write_text(json.dumps(list(forged)))
    command = [NODE, HERE / "drive.mjs", CHROMIUM, tmp_path / "profile", page, tmp_path / "forged.json"]
    done = subprocess.run(
        [*command, tmp_path, *screens], capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    found = {one["name"]: one for one in json.loads(done.stdout)}
    assert tuple(found) == screens
    for name, one in found.items():
        id, pressed = PRESSED[name]
        assert one["said"] == []  # no errors, no warnings
        assert (one["wide"], one["outside"], one["squeezed"]) == (0, [], []), name
        before, after = one["asleep"]
        assert before == after  # and then the game went on to its end
        assert [Action(action).name for action in one["decisions"][: len(pressed)]] == list(pressed)
        assert len(one["decisions"]) == 40
        game = link.game_of(one["link"])
        assert (game.env, game.scenario, game.seed, game.truth) == (id, "poc", 0, True)
        assert link.replay(game)["cost"] == one["cost"]
        costs = [figure for who, figure in one["card"] if who not in ("who", "you")]
        known = [games[0]["cost"] for games in references.kept()[id]["poc"].values()]
        assert costs == [f"{value:.1f}" for value in sorted(known)]
        assert one["refused"] == list(forged.values())
        assert one["sent"] == f"Somebody played poc, world 0, and paid {one['cost']:.1f} in 40 cycles."
        assert (tmp_path / f"{name}-card.png").stat().st_size > 10_000
