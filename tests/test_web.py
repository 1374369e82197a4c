"""The page: what it shows and sends is what Python shows and gets, and what it is made of is whole."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from springdrift import ENV_ID, OPS_ID, SERIES_ID, SERIES_OPS_ID, Action, World
from springdrift.incline.recorder import Recorder
from springdrift.registry import world_spec
from springdrift.series.recorder import Recorder as SeriesRecorder
from springdrift_agents.cli.app import app
from springdrift_agents.planning import plans
from springdrift_agents.play.feedback import SENTENCES, lesson
from springdrift_agents.play.web import build, data, link, references

NODE = shutil.which("node")
HERE = Path(__file__).parent / "web"
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed: the page's code cannot run")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """The page's modules in a folder where Node takes .js for modules."""
    folder = tmp_path / "page"
    shutil.copytree(build.PAGE, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


def in_node(
    page: Path, games: list[dict[str, Any]], links: list[str] = (), id: str = ENV_ID
) -> dict[str, Any]:
    told = data.about(id)
    asked = {
        "about": told,
        "kernels": data.kernels(told),
        "sentences": SENTENCES,
        "games": games,
        "links": list(links),
    }
    (page / "asked.json").write_text(json.dumps(asked))
    command = [NODE, HERE / "games.mjs", page, page / "asked.json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def played(
    scenario: str, seed: int, decisions: list[int], id: str = ENV_ID, times: Sequence[float] = ()
) -> Any:
    """The recorder of a game, and in ``kept`` its frames at some times, by these."""
    world = world_spec(id).world(1, scenario)
    world.seed(np.zeros(1, np.int64), np.array([seed], np.uint64))
    world.begin(np.ones(1, np.bool_))
    world.fill_idle()
    recorder: Any = (SeriesRecorder if id in (SERIES_ID, SERIES_OPS_ID) else Recorder)(world)
    recorder.kept = {0.0: recorder.now()}
    for done, action in enumerate(decisions, start=1):
        recorder.before(action)
        world.advance(np.array([action], np.int64))
        recorder.after()
        now = [time for time in times if done - 1 < time <= done]
        recorder.kept |= {time: recorder.frame(done, time - done + 1) for time in now}
    return recorder


def drawn_games(id: str, seed: int, moments: int) -> list[dict[str, Any]]:
    """A game of chance in each scenario that the page knows, and moments of it to look at."""
    rng, games, spec = np.random.default_rng(seed), [], world_spec(id)
    likely = (0.8, 0.1, 0.1) if spec.actions.n == 3 else (0.6, 0.1, 0.1, 0.1, 0.1)
    for scenario in references.scenarios_of(id):
        cycles = int(rng.integers(8, 40 if scenario == "poc" else 90))
        decisions = rng.choice(spec.actions.n, size=cycles, p=likely).tolist()
        times = [float(time) / moments for time in rng.integers(moments * cycles + 1, size=6)]
        player, truth = rng.choice(["Ann", "Zoë <b>", "", "it's/#?"]), bool(rng.random() < 0.5)
        games.append(
            {"scenario": scenario, "seed": str(rng.integers(2**63)), "decisions": decisions,
             "player": str(player), "truth": truth, "times": times}
        )  # fmt: skip
    return games


def check_link(id: str, game: dict[str, Any], mine: dict[str, Any]) -> None:
    """The page's link holds the game, and Python finds the same cost for it."""
    sent = link.game_of(mine["link"])
    assert (sent.env, sent.scenario, str(sent.seed)) == (id, game["scenario"], game["seed"])
    assert (list(sent.decisions), sent.truth, sent.player) == (
        game["decisions"], game["truth"], game["player"],
    )  # fmt: skip
    assert link.replay(sent)["cost"] == mine["cost"] == sent.cost
    assert link.link_of(sent) == mine["link"]


def served(services: list[tuple[int, int, bool]]) -> list[tuple[int, int, bool]]:
    """Those of versions that did serve for a cycle: one may be rolled back as it goes live."""
    found: list[tuple[int, int, bool]] = []
    for place, one in enumerate(services):
        gone = place + 1 < len(services) and services[place + 1][1] == one[1]
        if not gone and (not found or found[-1][0] != one[0]):
            found.append(one)
    return found


def check_frame(shown: dict[str, Any], frame: Any, version: int) -> None:
    """What frames of every world tell alike."""
    assert shown["version"] == version
    assert shown["age"] == frame.model_age
    assert (shown["training"] is None) == bool(np.isnan(frame.training))
    assert shown["ended"] == len(frame.errors)
    if frame.services:
        both = [(one["number"], one["since"], one["tuned"]) for one in shown["services"]]
        assert served(both) == served([(one.number, one.since, one.tuned) for one in frame.services])


@needs_node
@pytest.mark.parametrize("id", [ENV_ID, OPS_ID])
def test_frames_costs_links_and_lessons_are_those_of_python(id: str, page: Path) -> None:
    games = drawn_games(id, 3, 16)
    for game, mine in zip(games, in_node(page, games, id=id)["played"], strict=True):
        recorder = played(game["scenario"], int(game["seed"]), game["decisions"], id, game["times"])
        last = recorder.now()
        cost = 0.0
        for bill in last.costs:
            cost += float(np.cumsum(bill)[-1])
        assert mine["cost"] == pytest.approx(cost, rel=1e-14)
        assert mine["drawn"] == last.drawn
        assert mine["changed"] == list(last.changed)
        assert mine["deployed"] == list(last.deployed)
        cold = world_spec(id).scenarios[last.drawn].cold_start
        said = lesson(last.decisions.tolist(), last.changed, last.swings, last.target, cold)
        assert mine["lesson"] == said
        for time, shown in zip(game["times"], mine["frames"], strict=True):
            frame = recorder.kept[time]
            assert frame.time == time
            check_frame(shown, frame, frame.version)
            for name in ("x", "ghost", "push", "tilt"):
                assert shown[name] == pytest.approx(getattr(frame, name), abs=1e-9), (game, time, name)
            count = min(len(shown["measured"]), len(frame.measured))
            assert count
            assert np.allclose(shown["measured"][-count:], frame.measured[-count:], atol=1e-9)
            assert np.allclose(shown["forecast"][-count:], frame.forecast[-count:], atol=1e-9)
        check_link(id, game, mine)


@needs_node
@pytest.mark.parametrize("id", [SERIES_ID, SERIES_OPS_ID])
def test_series_look_in_the_page_as_in_python(id: str, page: Path) -> None:
    ops = id == SERIES_OPS_ID  # where frames of Python count a rollback as a deployment
    games = drawn_games(id, 4, 24)
    games[0]["decisions"][0] = int(Action.RETRAIN)  # the same fit once more, and yet a version of its own
    for game, mine in zip(games, in_node(page, games, id=id)["played"], strict=True):
        recorder = played(game["scenario"], int(game["seed"]), game["decisions"], id, game["times"])
        last = recorder.now()
        assert (mine["drawn"], mine["changed"]) == (last.drawn, list(last.changed))
        assert ops or mine["deployed"] == list(last.deployed)
        for time, shown in zip(game["times"], mine["frames"], strict=True):
            frame = recorder.kept[time]
            assert frame.time == pytest.approx(time)
            check_frame(shown, frame, frame.services[-1].number if ops else frame.version)
            for name in ("ahead", "naive"):
                assert shown[name] == getattr(frame, {"naive": "baseline_ahead"}.get(name, name)).tolist()
            count = min(len(shown["measured"]), len(frame.measured))
            assert count or not time
            for name in ("measured", "forecast", "baseline", "true"):
                assert (
                    shown[name][len(shown[name]) - count :]
                    == getattr(frame, name)[len(frame.measured) - count :].tolist()
                )
            if not ops:  # a fine-tuning in flight saw fewer cycles than these frames tell
                assert shown["candidate"] == (list(frame.candidate) if frame.candidate else None)
            assert [one["window"] for one in shown["fits"]][-1] == list(frame.versions[-1].fitted)
            assert shown["short"] == frame.shortfall.tolist()
            assert np.allclose(shown["errors"], frame.errors)
            hidden = dict(frame.hidden)
            for name in ("level", "effect"):
                assert shown["facts"][name] == pytest.approx(float(hidden[name]), abs=0.006)
        check_link(id, game, mine)


@needs_node
def test_what_a_game_on_a_series_teaches(page: Path) -> None:
    retrained = [0] * 60 + [2] + [0] * 40
    told = {
        ("stationary", *[0] * 30): SENTENCES["well"],
        ("stationary", *retrained): SENTENCES["vain"].format(times="once"),
        ("stationary", *[1] * 30): SENTENCES["spared"].split("{")[0],
        ("poc", *[0] * 40): SENTENCES["cold"].format(until=SENTENCES["end"]),
        ("abrupt", *[0] * 100): "The world changed in cycle ",
    }
    games = [
        {"scenario": scenario, "seed": "1", "decisions": plan, "player": "", "truth": False, "times": []}
        for scenario, *plan in told
    ]
    for said, mine in zip(told.values(), in_node(page, games, id=SERIES_ID)["played"], strict=True):
        assert mine["lesson"].startswith(said)


def _link(**changed: Any) -> str:
    game = link.Game(ENV_ID, "abrupt", 3, (0, 0, 1, 0), False, 0.0, "Ann")
    cost = 0.0
    world = World(1, "abrupt")
    world.seed(np.zeros(1, np.int64), np.array([3], np.uint64))
    world.begin(np.ones(1, np.bool_))
    for action in game.decisions:
        world.advance(np.array([action], np.int64))
        cost -= float(world.out.reward[0])
    return link.link_of(link.Game(**{**game.__dict__, "cost": cost, **changed}))


@needs_node
def test_damaged_links_are_refused_by_the_page_as_by_python(page: Path) -> None:
    good = _link()
    rng, wrong = np.random.default_rng(1), []
    for _ in range(300):
        place, letter = int(rng.integers(len(good))), chr(int(rng.integers(33, 126)))
        cut = int(rng.integers(len(good)))
        wrong += [good[:place] + letter + good[place + 1 :], good[:cut], good[:place] + letter + good[place:]]
    wrong = [one for one in dict.fromkeys(wrong) if one != good and not one.endswith("#" + good)]
    opened = in_node(page, [], [good, *wrong])["opened"]
    assert opened[0]["decisions"] == [0, 0, 1, 0]
    for text, found in zip(wrong, opened[1:], strict=True):
        if text.rpartition("#")[2] == good:  # a letter before the game itself changes nothing
            continue
        assert isinstance(found, str), text
        with pytest.raises(ValueError, match="link"):
            link.game_of(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a link to a game"),
        ("https://example.org/#1/<script>", "not a link to a game"),
        (_link().replace("Ann", "Anm"), "changed on the way"),
        (_link(scenario="mars"), "names a world that there is not"),
        (_link(seed=2**64), "names a world that there is not"),
        (_link(decisions=(0,) * 201), "decisions cannot be played: at most 200"),
    ],
)
def test_links_that_cannot_be_played_are_refused_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        link.game_of(text)


def test_a_forged_cost_is_found_out() -> None:
    forged = link.game_of(_link(cost=0.125))
    with pytest.raises(ValueError, match=r"claims a cost of 0\.125, and its decisions cost"):
        link.replay(forged)


def test_decisions_beyond_a_deadline_are_refused() -> None:
    game = link.Game(ENV_ID, "mix", 0, (0,) * 200, False, 0.0)
    deadlines = [seed for seed in range(40) if played("mix", seed, [0] * 1).now().cycles == 40]
    assert deadlines  # some world of the mixture is the short one
    with pytest.raises(ValueError, match="beyond the deadline, 40 cycles"):
        link.replay(link.Game(**{**game.__dict__, "seed": deadlines[0]}))


def test_the_command_replays_a_link(capfd: pytest.CaptureFixture[str]) -> None:
    text = "https://example.org/play/#" + _link(player="<b>[red]Ann")
    shown = CliRunner().invoke(app, ["replay", text, "--json"])
    assert shown.exit_code == 0
    capfd.readouterr()
    told = CliRunner().invoke(app, ["replay", text])
    assert told.exit_code == 0


@pytest.mark.parametrize("id", references.POLICIES)
def test_the_reference_games_cost_what_they_say_and_who_knew_the_future_paid_least(id: str) -> None:
    found = references.kept()[id]
    assert list(found) == references.scenarios_of(id)
    rng = np.random.default_rng(5)
    for scenario, games in found.items():
        afterwards = references.AFTERWARDS.get(id)
        assert list(games) == [*references.POLICIES[id], *([afterwards] if afterwards else [])]
        assert {len(one) for one in games.values()} == {references.WORLDS}
        for seed in range(references.WORLDS):
            costs = {name: one[seed]["cost"] for name, one in games.items()}
            assert costs.get(afterwards, 0.0) <= min(costs.values()) + 1e-9, (scenario, seed)
            plan = plans.plan_of(scenario, seed) if id == ENV_ID else None
            if plan is not None:  # the page shows the plan that is kept
                shown = link.decisions_of(str(games[afterwards][seed]["plan"]), world_spec(id).actions, 200)
                assert list(shown) == plan.tolist(), (scenario, seed)
        for name, one in games.items():
            seed = int(rng.integers(references.WORLDS))
            plan = link.decisions_of(str(one[seed]["plan"]), world_spec(id).actions, 200)
            paid = references.cost_of(scenario, seed, np.array(plan), id)
            assert paid == one[seed]["cost"], (scenario, name)


@needs_node
@pytest.mark.parametrize("id", references.POLICIES)
def test_the_plans_that_ship_cost_the_same_in_the_page(id: str, page: Path) -> None:
    games, costs = [], []
    for scenario, found in references.kept()[id].items():
        for name in list(found)[-2:]:
            for seed in range(0, references.WORLDS, 5):
                plan = link.decisions_of(str(found[name][seed]["plan"]), world_spec(id).actions, 200)
                games.append(
                    {"scenario": scenario, "seed": str(seed), "decisions": plan, "player": "",
                     "truth": False, "times": []}
                )  # fmt: skip
                costs.append(found[name][seed]["cost"])
    assert [game["cost"] for game in in_node(page, games, id=id)["played"]] == costs


def test_the_page_is_one_small_file_that_asks_for_nothing(tmp_path: Path) -> None:
    file = build.build(tmp_path)
    text = file.read_text(encoding="utf-8")
    assert file.stat().st_size < 1_000_000
    assert "{{" not in text
    assert not re.search(r"(src|href)=", text.split('<script type="application/json"')[0])
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|fetch\(|XMLHttp", text)
    assert "default-src 'none'" in text
    told = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    assert [one["id"] for one in told["worlds"]] == list(data.PLAYED)
    for level in told["levels"]:
        assert level["id"] in told["texts"]["levels"]
        assert level["goal"] in told["references"][level["env"]][level["scenario"]]
        assert level["world"] < references.WORLDS
    lessons = [level["lesson"] for level in told["levels"]]
    assert lessons == sorted(lessons)
    for world in told["worlds"]:
        assert world["id"].partition("/")[2] in told["texts"]["worlds"]
        for action in world["actions"]:
            assert action["name"] in told["texts"]["kinds"][world["engine"]]["actions"]
        for policy in told["references"][world["id"]]["mix"]:
            assert policy in told["texts"]["card"]["policies"]
        assert len({term["shape"] for term in world["terms"]}) == len(world["terms"])


@needs_node
def test_the_modules_make_one_module_that_parses(tmp_path: Path) -> None:
    code = build.code_of(build.MODULES)
    assert not re.search(r"^(import|export) ", code, re.MULTILINE)
    (tmp_path / "page.mjs").write_text(code)
    done = subprocess.run([NODE, "--check", tmp_path / "page.mjs"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_table_of_texts_for_another_language_must_be_whole(tmp_path: Path) -> None:
    texts = json.loads(build.TEXTS.read_text(encoding="utf-8"))
    del texts["guide"]["skip"]
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    with pytest.raises(ValueError, match=r"lacks 1 texts: guide\.skip"):
        build.texts_of(tmp_path / "texts.json")
    (tmp_path / "texts.json").write_text("{")
    with pytest.raises(ValueError, match="is no JSON"):
        build.texts_of(tmp_path / "texts.json")


def test_every_text_of_the_page_is_in_the_table_and_used() -> None:
    texts = json.loads(build.TEXTS.read_text(encoding="utf-8"))
    html = (build.PAGE / "index.html").read_text(encoding="utf-8")
    for place in re.findall(r"\{\{([\w.]+)\}\}", html):
        found: Any = texts
        for key in place.split("."):
            found = found.get(key) if isinstance(found, dict) else None
        assert found is not None or place in ("policy", "style", "code", "data"), place
