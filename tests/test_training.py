"""Training: one command, the same result whether it was killed or not, on worlds no comparison meets."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import yaml
from typer.testing import CliRunner

from springdrift import ENV_ID
from springdrift_agents import checkpoint, hyperparameters, training
from springdrift_agents.commands import app
from springdrift_agents.evaluate import world_seeds
from springdrift_agents.practice import HELD_OUT, PRACTICE

SMALL = {
    "ppo": ["n_envs=8", "n_steps=32", "batch_size=128"],
    "maskable-ppo": ["n_envs=8", "n_steps=32", "batch_size=128"],
    "recurrent-ppo": ["n_envs=8", "n_steps=32", "batch_size=128", "n_epochs=1"],
    "dqn": ["n_envs=8", "learning_starts=400", "buffer_size=1000", "gradient_steps=1", "batch_size=64"],
}
FILES = ("best.json", "best.safetensors", "checkpoint.safetensors", "policy.json", "policy.safetensors")


def small(algo: str, **fields) -> training.TrainConfig:
    given = {"scenario": "poc", "steps": 2400, "chunk": 800, "episodes": 8, **fields}
    return training.config_of(algo, changes=SMALL[algo], **given)


@pytest.mark.parametrize("algo", hyperparameters.ALGOS)
def test_a_run_that_stopped_ends_bit_for_bit_as_one_that_did_not(algo, tmp_path):
    training.train(small(algo), tmp_path / "whole")
    for stop in (1, 2, 99):
        seen: list[float] = []

        def going(steps, cost, stop=stop, seen=seen):
            seen.append(cost)
            return len(seen) < stop

        training.train(small(algo), tmp_path / "parts", validated=going)
    for name in FILES:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes(), name
    assert len(checkpoint.about(tmp_path / "whole" / "checkpoint.safetensors")["history"]) == 3


def test_a_killed_process_leaves_a_run_that_goes_on(tmp_path):
    """SIGKILL at an arbitrary moment in the second chunk, then the same command again."""
    changes = [part for change in SMALL["ppo"] for part in ("--set", change)]
    args = [*("train", "ppo", "-s", "poc", "-n", "4000", "--chunk", "1000", "--episodes", "8"), *changes]
    command = [sys.executable, "-m", "springdrift_agents.cli", *args, "-o", str(tmp_path / "killed")]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    file = tmp_path / "killed" / "checkpoint.safetensors"
    end = time.monotonic() + 120
    while not file.exists() and run.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.05)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    there = len(checkpoint.about(file)["history"])
    assert 1 <= there < 4, "killed too late to tell"
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    found = CliRunner().invoke(app, [*args, "-o", str(tmp_path / "whole")])
    assert found.exit_code == 0, found.output
    for name in FILES:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes(), name
    assert not [path for path in (tmp_path / "killed").iterdir() if path.name.startswith(".")] or there


def test_training_learns(tmp_path):
    config = training.config_of(
        "ppo",
        changes=["n_envs=32", "n_steps=40", "batch_size=640"],
        scenario="poc",
        steps=60_000,
        chunk=20_000,
    )
    costs: list[float] = []
    best = training.train(config, tmp_path, validated=lambda steps, cost: not costs.append(cost))
    assert best.card.trained["cost"] == min(costs)
    assert min(costs) < 40.0  # never acting costs 102, pushing 26
    assert json.loads((tmp_path / "manifest.json").read_text())["config"]["hyper"]["n_envs"] == 32
    assert list((tmp_path / "tensorboard").iterdir())


def test_a_folder_of_another_run_is_refused(tmp_path):
    training.train(small("ppo", steps=256, chunk=256), tmp_path)
    with pytest.raises(ValueError, match="holds another run \\(seed is 0 there, 1 here\\)"):
        training.train(small("ppo", steps=256, chunk=256, seed=1), tmp_path)
    (tmp_path / "checkpoint.safetensors").write_bytes(b"not this")
    with pytest.raises(ValueError, match="is no checkpoint of springdrift, or is damaged"):
        training.train(small("ppo", steps=256, chunk=256), tmp_path)


def test_worlds_of_training_are_no_worlds_of_evaluation():
    envs = training.make_envs(small("ppo"), chunk=3)
    seeds = set(envs.unwrapped.seed(training._seed_of(0, 3)))
    for purpose in ("evaluation", "tuning", "validation"):
        assert not seeds & set(world_seeds(purpose, 0, 1000).tolist())
    assert len({training._seed_of(seed, chunk) for seed in range(20) for chunk in range(20)}) == 400


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"algo": "a2c"}, "unknown algorithm 'a2c'; allowed: ppo, dqn, recurrent-ppo, maskable-ppo"),
        ({"scenario": "mxi"}, "unknown scenario 'mxi'; did you mean 'mix'"),
        ({"observe": "all"}, "unknown observe 'all'"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"chunk": 0}, "chunk must be at least 1"),
        ({"episodes": 1}, "episodes must be at least 2"),
        ({"seed": -1}, "seed must be a whole number"),
    ],
)
def test_a_wrong_setting_gets_a_sentence(change, said):
    with pytest.raises(ValueError, match=said):
        replace(small("ppo"), **change)


def test_wrong_hyperparameters_get_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="must read NAME=VALUE, got 'gamma'"):
        training.config_of("ppo", changes=["gamma"])
    with pytest.raises(ValueError, match=r"does not take these hyperparameters: .*temperature"):
        training.train(training.config_of("ppo", changes=["temperature=1"]), tmp_path / "a")
    with pytest.raises(ValueError, match="a rate must read 1e-3 or lin_1e-3, got 'fast'"):
        training.train(training.config_of("ppo", changes=["learning_rate=fast"]), tmp_path / "b")
    for text in ("__import__('os').system('true')", "dict(net_arch=open('x'))", "dict(1)", "dict("):
        with pytest.raises(ValueError, match="policy_kwargs must read"):
            hyperparameters.policy_kwargs(text)
    file = tmp_path / "other.yml"
    file.write_text("CartPole-v1: {gamma: 0.9}")
    with pytest.raises(ValueError, match="has no hyperparameters under 'springdrift/InclinedMass-v0'"):
        training.config_of("ppo", file=file)
    file.write_text("{")
    with pytest.raises(ValueError, match="is not YAML"):
        training.config_of("ppo", file=file)


def test_a_sweep_ends_with_hyperparameters_that_train(tmp_path):
    pytest.importorskip("optuna")
    changes = [part for change in SMALL["ppo"] for part in ("--set", change)]
    args = ["train", "ppo", "-s", "poc", "-n", "2048", "--episodes", "8", *changes, "--sweep"]
    run = CliRunner()
    for trials in ("1", "3"):  # the second call goes on
        found = run.invoke(app, [*args, "--trials", trials, "-o", str(tmp_path)])
        assert found.exit_code == 0, (found.output, found.exception)
    from optuna import load_study

    study = load_study(study_name=None, storage=f"sqlite:///{tmp_path / 'sweep.db'}")
    assert len(study.trials) == 3
    assert study.trials[0].user_attrs["hyper"]["n_steps"] == 32  # the house's own come first
    best = yaml.safe_load((tmp_path / "best.yml").read_text())[ENV_ID]
    assert best == study.best_trial.user_attrs["hyper"]
    assert training.config_of("ppo", file=tmp_path / "best.yml").hyper == best
    other = run.invoke(app, [*args, "--seed", "5", "--trials", "3", "-o", str(tmp_path)])
    assert "holds another sweep" in str(other.exception)


def test_held_out_worlds_lie_beyond_those_of_practice():
    names = {member if isinstance(member, str) else member.name for member in PRACTICE.members}
    assert not names & set(HELD_OUT)
    for scenario in HELD_OUT.values():
        assert scenario.plan().size
