"""Distillation: what the teachers say is what is learned, and the same run gives the same policy."""

import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from springdrift import ENV_ID, SERIES_OPS_ID
from springdrift.registry import world_spec
from springdrift_agents.cli.app import app
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.evaluation.rollout import begun, rollout
from springdrift_agents.policies import learned
from springdrift_agents.policies.registry import policy
from springdrift_agents.training import distill
from springdrift_agents.training.distill import Distillation, Place

SMALL = Distillation(scenarios=("tilt", "poc"), rounds=2, worlds=4, choosing=4, episodes=8, widths=(16,))
SEEDS = world_seeds("training", 3, 5)


def untrained(env: str = ENV_ID) -> learned.Learned:
    config = Distillation(env=env, widths=(8,))
    return distill.as_policy(distill.network_of(config), config.card())


@pytest.mark.parametrize(
    ("env", "scenario", "teacher"),
    [
        (ENV_ID, "poc", "expert@poc"),
        (ENV_ID, "abrupt", "ppo-mix"),
        (SERIES_OPS_ID, "returning", "champion@returning"),  # decides among four of the five
    ],
)
def test_a_teacher_that_leads_is_taken_down_word_for_word(env, scenario, teacher):
    """Its own decisions in a rollout, with what a pupil sees beside them."""
    pupil, leads = untrained(env), np.ones(5, np.bool_)
    seen, said = distill.lesson(pupil, Place(env, scenario, teacher), SEEDS, leads)
    own = policy(teacher, env=env)
    played = [cycle.actions[cycle.live] for cycle in rollout(own, begun(SEEDS, scenario, env=env))]
    np.testing.assert_array_equal(said, np.concatenate(played))
    assert len(set(said.tolist())) > 1
    wide, frames = len(pupil.columns), pupil.card.stack
    assert seen.shape == (len(said), wide * pupil.card.sees)
    first = begun(SEEDS, scenario, env=env).out.obs
    np.testing.assert_array_equal(seen[:5, (frames - 1) * wide : frames * wide], first.astype(np.float16))
    assert not seen[:5, : (frames - 1) * wide].any()


def test_a_teacher_that_follows_judges_where_the_pupil_comes_to():
    pupil = untrained()
    place = Place(ENV_ID, "abrupt", "expert@mix")
    seen, said = distill.lesson(pupil, place, SEEDS, np.zeros(5, np.bool_))
    own = np.concatenate([one.actions[one.live] for one in rollout(pupil, begun(SEEDS, "abrupt"))])
    np.testing.assert_array_equal(pupil.values(seen.astype(np.float32)).argmax(axis=1) == own, True)
    assert (own != said).any()  # an untrained one decides otherwise


def test_what_was_said_is_learned():
    """A rule that a small network can hold: after fitting, it decides so itself."""
    rng = np.random.default_rng(0)
    config = Distillation(widths=(16,))
    net, wide = distill.network_of(config), len(config.card().columns) * config.card().sees

    def drawn(count):
        seen = np.zeros((count, wide), np.float16)
        seen[:, :2] = rng.normal(size=(count, 2))
        return seen, np.where(seen[:, 0] > 0.7, 2, np.where(seen[:, 1] > 0.3, 1, 0)).astype(np.int8)

    torch.set_num_threads(1)
    distill.fit(net, *drawn(1000), ("WAIT", "INTERVENE", "RETRAIN"), 400)
    fresh, right = drawn(5000)
    values = distill.as_policy(net, config.card()).values(fresh.astype(np.float32))
    assert (values.argmax(axis=1) == right).mean() > 0.88  # WAIT alone: 0.47


def test_the_same_run_gives_the_same_policy(tmp_path):
    told: list[tuple[int, float]] = []
    one = distill.distill(SMALL, tmp_path / "one", done=lambda turn, cost: told.append((turn, cost)))
    two = distill.distill(SMALL, tmp_path / "two")
    assert [turn for turn, _ in told] == [1, 2]
    assert one.card.sha256 == two.card.sha256
    assert one.card.trained["cost"] == pytest.approx(told[-1][1])
    seeds = world_seeds("validation", 0, 8)
    assert told[-1][1] == pytest.approx(
        np.mean([evaluate(one, name, seeds).cost.mean() for name in SMALL.scenarios])
    )
    about = json.loads((tmp_path / "one" / "manifest.json").read_text())
    assert set(about["teachers"][ENV_ID]) == {"tilt", "poc"}
    with pytest.raises(ValueError, match="holds a run: take another folder"):
        distill.distill(SMALL, tmp_path / "one")


def test_the_cheapest_teaches():
    chosen = distill.teachers(scenarios=("poc",), choosing=64)["poc"]
    seeds = world_seeds("validation", 0, 64)
    own = evaluate(policy(chosen), "poc", seeds).cost.mean()
    for other in ("never", "threshold@poc", "expert@poc", "expert@mix", "ppo-mix"):
        assert own <= evaluate(policy(other), "poc", seeds).cost.mean()


def test_no_generalist_teaches():
    assert any(learned.read(path).card.algo == distill.ALGO for path in learned.shipped().values())
    assert "generalist" not in [name for name in learned.shipped() if distill._can(name, ENV_ID)]
    assert distill._can("ppo-mix", ENV_ID)
    assert not distill._can("ppo-series", ENV_ID)


def test_harder_worlds_are_taught_by_who_teaches_the_plain_ones():
    places = distill.places_of(ENV_ID, {"tilt": "expert@tilt", "poc": "expert@poc"})
    names = [(getattr(place.scenario, "name", place.scenario), place.teacher) for place in places]
    assert names == [("tilt", "expert@tilt"), ("poc", "expert@poc"), ("tilt-harder", "expert@tilt")]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"rounds": 0}, "rounds must be at least 1, got 0"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"widths": ()}, "widths must be at least 1 each, and one or more"),
        ({"averages": (0.5,)}, "averages must be at most 16 numbers from 1 to 1000"),
        (
            {"scenarios": ("mix",)},
            "nobody teaches 'mix' of springdrift/InclinedMass-v0; allowed: stationary, ",
        ),
        ({"env": f"{ENV_ID},{SERIES_OPS_ID}"}, "differ in their columns or decisions"),
    ],
)
def test_bad_fields_are_refused(fields, said):
    with pytest.raises(ValueError, match=said):
        Distillation(**fields)


def test_the_command_writes_a_policy(tmp_path):
    out = tmp_path / "run"
    found = CliRunner().invoke(app, ["distill", "-s", "poc", "--rounds", "1", "-n", "2", "-o", str(out)])
    assert found.exit_code == 0, found.output
    assert "round 1 of 1: cost" in found.output
    assert "teachers of springdrift/InclinedMass-v0: poc " in found.output
    one = policy(str(out / "best.safetensors"))
    assert one.card.algo == "distillation"
    assert one.card.actions == world_spec(ENV_ID).world.actions.names
