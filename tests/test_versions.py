"""What fine-tuning and rollback mean in every world of five decisions."""

from dataclasses import asdict

import gymnasium as gym
import numpy as np
import pytest

import springdrift
from playing import play
from springdrift import ENV_ID, OPS_ID, SERIES_ID, SERIES_OPS_ID, WORLDS, Action

WAIT, INTERVENE, RETRAIN, FINE_TUNE, ROLLBACK = Action
FEES = {"retrain": RETRAIN, "fine_tune": FINE_TUNE, "rollback": ROLLBACK}
in_both = pytest.mark.parametrize("id", [OPS_ID, SERIES_OPS_ID])


@pytest.mark.parametrize(
    ("three", "five", "scenario"),
    [
        *((ENV_ID, OPS_ID, name) for name in ("mix", "release-train", "poc")),
        *((SERIES_ID, SERIES_OPS_ID, name) for name in ("mix", "release-train", "poc", "electricity")),
    ],
)
def test_without_the_new_decisions_it_is_the_world_of_three(three, five, scenario):
    actions = np.random.default_rng(1).choice(3, 60, p=(0.7, 0.2, 0.1))
    told = (play(gym.make(id, scenario=scenario), actions) for id in (three, five))
    for mine, theirs in zip(*told, strict=True):
        np.testing.assert_array_equal(mine[0], theirs[0][: len(springdrift.OBS)])
        assert mine[1:3] == theirs[1:3]


@in_both
def test_a_rollback_right_after_a_fine_tuning_leaves_only_the_fees(id):
    """The tuned version would serve from the cycle on in which the one before is put back."""
    waiting = play(WORLDS[id].env("abrupt"), [WAIT] * 60)
    undone = play(WORLDS[id].env("abrupt"), [FINE_TUNE, ROLLBACK] * 30)
    prices = asdict(WORLDS[id].costs())
    for k, (mine, theirs) in enumerate(zip(undone, waiting, strict=True)):
        asked = ROLLBACK if k % 2 else FINE_TUNE
        for term in WORLDS[id].terms:
            fee = prices[term] if FEES.get(term) == asked else 0.0
            assert mine[4]["terms"][term] == (fee if term in FEES else theirs[4]["terms"][term])
        if k % 2:
            assert mine[4]["version"]["number"] == 0.0


@in_both
def test_a_fine_tuning_ships_at_once_and_a_retraining_in_its_slot(id):
    tuned = play(WORLDS[id].env("release-train"), [WAIT, FINE_TUNE, WAIT])
    assert [step[4]["version"]["number"] for step in tuned] == [0.0, 1.0, 1.0]
    fresh = play(WORLDS[id].env("release-train"), [WAIT, RETRAIN] + [WAIT] * 9)
    assert [step[4]["version"]["number"] for step in fresh] == [0.0] * 9 + [1.0] * 2


@in_both
def test_what_cannot_be_done_is_masked_and_costs_nothing(id):
    env = WORLDS[id].env("abrupt")
    env.reset(seed=0)
    assert env.action_masks().tolist() == [True, True, True, True, False]
    assert env.step(ROLLBACK)[4]["terms"]["rollback"] == 0.0
    env.step(RETRAIN)
    assert env.action_masks().tolist() == [True, True, False, False, False]
    _, _, _, _, info = env.step(FINE_TUNE)
    assert (info["terms"]["fine_tune"], info["version"]["number"]) == (0.0, 0.0)
    for _ in range(2):
        env.step(WAIT)
    assert env.action_masks().all()


@in_both
def test_a_rollback_leaves_the_model_in_training_alone(id):
    env = WORLDS[id].env("stationary")
    told = [step[4]["version"] for step in play(env, [FINE_TUNE, WAIT, RETRAIN, ROLLBACK, WAIT, WAIT])]
    assert [one["number"] for one in told] == [1.0, 1.0, 1.0, 0.0, 2.0, 2.0]
    assert told[-1]["parent"] == 1.0  # what served as it was asked for
    assert env.step(ROLLBACK)[4]["version"]["number"] == 0.0


@in_both
def test_states_hold_the_versions(id):
    env = WORLDS[id].env("returning")
    play(env, [FINE_TUNE, WAIT, RETRAIN, WAIT])
    moment = env.get_state()
    first = [env.step(action)[:2] for action in (WAIT, ROLLBACK, FINE_TUNE, WAIT)]
    env.set_state(moment)
    for (obs, reward), action in zip(first, (WAIT, ROLLBACK, FINE_TUNE, WAIT), strict=True):
        mine = env.step(action)
        np.testing.assert_array_equal(mine[0], obs)
        assert mine[1] == reward


@in_both
def test_the_fees_are_those_that_are_published(id):
    prices = WORLDS[id].costs()
    assert (prices.fine_tune, prices.rollback) == {OPS_ID: (1.0, 0.5), SERIES_OPS_ID: (0.3, 0.5)}[id]
