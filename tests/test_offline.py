"""Data sets for offline learning: what was played, whole or not at all, and good enough to learn from."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from springdrift import ENV_ID, OPS_ID, SERIES_ID, WORLDS
from springdrift_agents.cli.app import app
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.policies.registry import policy
from springdrift_agents.training import offline

minari = pytest.importorskip("minari")


def same(one, other):
    return one.seed == other.seed and all(
        np.array_equal(a, b) for a, b in zip(one[1:], other[1:], strict=True)
    )


@pytest.mark.parametrize("env", [*WORLDS])
def test_what_is_loaded_happens_again_in_the_env_that_the_data_set_names(env, tmp_path, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "elsewhere"))
    scenario = next(iter(WORLDS[env].world.scenarios))
    written = offline.write(
        "springdrift/here-v3",
        policy("always"),
        scenario,
        3,
        5,
        env=env,
        explore=0.5,
        folder=tmp_path / "sets",
    )
    assert not (tmp_path / "elsewhere").exists()
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "sets"))
    kept = minari.load_dataset(written.name)
    again = kept.recover_environment()
    episodes = list(kept.iterate_episodes())
    seeds = world_seeds("training", 5, 3).tolist()
    assert [one["seed"] for one in kept.storage.get_episode_metadata(range(3))] == seeds
    assert (written.episodes, written.steps) == (len(episodes), kept.total_steps)
    assert written.cost == pytest.approx(-np.mean([one.rewards.sum() for one in episodes]))
    assert len({int(action) for one in episodes for action in one.actions}) >= 3
    for seed, one in zip(seeds, episodes, strict=True):
        observation, _ = again.reset(seed=seed)
        np.testing.assert_array_equal(observation, one.observations[0])
        for t, action in enumerate(one.actions):
            observation, reward, terminated, truncated, _ = again.step(action)
            np.testing.assert_array_equal(observation, one.observations[t + 1])
            assert (reward, terminated, truncated) == (
                one.rewards[t],
                one.terminations[t],
                one.truncations[t],
            )
        assert terminated
    again.close()


def test_episodes_do_not_depend_on_how_many_are_played_side_by_side(monkeypatch):
    together = list(offline.episodes_of(policy("threshold"), "abrupt", 5))
    monkeypatch.setattr(offline, "BATCH", 2)
    apart = list(offline.episodes_of(policy("threshold"), "abrupt", 5))
    assert all(same(one, other) for one, other in zip(together, apart, strict=True))


def test_the_share_that_is_drawn():
    def drawn(share, seed=0):
        return list(offline.episodes_of(policy("never"), "mix-ops", 40, seed, env=OPS_ID, explore=share))

    actions = np.concatenate([one.actions for one in drawn(0.2)])
    counts = np.bincount(actions, minlength=5) / len(actions)
    np.testing.assert_allclose(counts, [0.84, 0.04, 0.04, 0.04, 0.04], atol=0.01)
    assert all(same(one, other) for one, other in zip(drawn(0.2), drawn(0.2), strict=True))
    assert not same(drawn(0.2)[0], drawn(0.2, seed=1)[0])
    assert not np.concatenate([one.actions for one in drawn(0.0)]).any()


def test_a_policy_keeps_its_own_observation_and_its_memory():
    wide = next(offline.episodes_of(policy("threshold"), "poc", 1, observe="truth"))
    usual = next(offline.episodes_of(policy("threshold"), "poc", 1))
    assert wide.observations.shape[1] > usual.observations.shape[1] == 18
    np.testing.assert_array_equal(wide.actions, usual.actions)
    np.testing.assert_array_equal(wide.observations[:, :18], usual.observations)
    part = evaluate(policy("threshold"), "poc", world_seeds("training", 0, 1))
    assert -usual.rewards.sum() == pytest.approx(part.cost[0])


def test_one_learns_from_a_data_set_without_a_world(tmp_path, monkeypatch):
    """A tree that imitates the episodes of a rule costs about what the rule does, on other worlds."""
    from sklearn.tree import DecisionTreeClassifier

    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    written = offline.write("springdrift/abrupt-v0", policy("threshold@abrupt"), "abrupt", 60)
    episodes = list(minari.load_dataset(written.name).iterate_episodes())
    tree = DecisionTreeClassifier(max_leaf_nodes=30, random_state=0).fit(
        np.concatenate([one.observations[:-1] for one in episodes]),
        np.concatenate([one.actions for one in episodes]),
    )

    class Imitator:
        def predict(self, observation, state=None, episode_start=None, deterministic=True):
            return tree.predict(observation), state

    seeds = world_seeds("evaluation", 0, 100)
    mine, rule, never = (
        evaluate(one, "abrupt", seeds).cost.mean()
        for one in (Imitator(), policy("threshold@abrupt"), policy("never"))
    )
    assert mine < 1.2 * rule < 0.5 * never


def test_the_command_writes_what_minari_loads(tmp_path, monkeypatch):
    args = [
        "dataset",
        "-s",
        "poc",
        "-n",
        "4",
        "--env",
        SERIES_ID,
        "-p",
        "threshold:error=0.5",
        "-o",
        str(tmp_path),
    ]
    shown = CliRunner().invoke(app, [*args, "--json"])
    assert shown.exit_code == 0, shown.output
    told = json.loads(shown.stdout)
    assert told["name"] == "springdrift/timeseries/poc-threshold-error-0-5-v0"
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    kept = minari.load_dataset(told["name"])
    assert (kept.total_episodes, kept.total_steps) == (4, told["steps"])
    assert kept.storage.metadata["algorithm_name"] == "threshold:error=0.5"
    assert kept.recover_environment().spec.kwargs["scenario"] == "poc"
    again = CliRunner().invoke(app, args)
    assert again.exit_code != 0
    assert "there is a data set" in str(again.exception)


@pytest.mark.parametrize("given", [True, False])
def test_a_relative_folder_is_as_good_as_any(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINARI_DATASETS_PATH", "sets")
    folder = Path("sets") if given else None
    written = offline.write("springdrift/relative-v0", policy("never"), "poc", 2, folder=folder)
    assert os.environ["MINARI_DATASETS_PATH"] == "sets"
    assert written.folder == tmp_path / "sets" / "springdrift" / "relative-v0"
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "sets"))
    assert minari.load_dataset(written.name).total_steps == 80


class Failing:
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        cycle = 0 if state is None else int(state[0])
        if cycle == 5:
            raise RuntimeError("no more")
        return np.zeros(len(observation), int), (np.asarray(cycle + 1),)


def test_what_fails_midway_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError, match="no more"):
        offline.write("springdrift/half-v0", Failing(), "mix", 2, folder=tmp_path)
    assert not (tmp_path / "springdrift" / "half-v0").exists()
    assert offline.write("springdrift/half-v0", policy("never"), "mix", 2, folder=tmp_path).steps == 400


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "no-version"}, "ends with its version, as in -v0"),
        ({"name": "springdrift/what?-v0"}, "Malformed dataset ID"),
        ({"name": "../outside-v0"}, "Malformed dataset ID"),
        ({"count": 0}, "episodes must be"),
        ({"explore": 1.5}, "explore must be a share from 0 to 1, got 1.5"),
        ({"explore": float("nan")}, "explore must be a share from 0 to 1, got nan"),
        ({"scenario": "abrubt"}, "abrupt"),
        ({"policy": "threshold"}, "must have a method predict"),
        ({"env": "springdrift/Upkeep-v0"}, "springdrift/InclinedMass-v0"),
        ({"observe": "all"}, "monitor"),
    ],
)
def test_bad_requests_say_what_is_allowed(change, said, tmp_path):
    given = {
        "name": "springdrift/bad-v0",
        "policy": policy("never"),
        "scenario": "mix",
        "count": 1,
        "env": ENV_ID,
    }
    with pytest.raises(ValueError, match=said):
        offline.write(**given | change, folder=tmp_path)
    assert not list(tmp_path.rglob("*-v0"))


@pytest.mark.parametrize("missing", ["minari", "h5py"])
def test_without_minari_it_says_what_to_install(missing, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=r'pip install "springdrift\[minari\]"'):
        offline.write("springdrift/none-v0", policy("never"), "mix", 1, folder=tmp_path)
