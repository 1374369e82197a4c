"""Training: one command, the same result whether it was killed or not, on worlds no comparison meets."""

import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import springdrift_agents
from springdrift import ENV_ID, SERIES_ID
from springdrift_agents.cli import app as commands
from springdrift_agents.cli import main as cli
from springdrift_agents.cli.app import app
from springdrift_agents.evaluation import provenance
from springdrift_agents.evaluation.evaluate import world_seeds
from springdrift_agents.training import checkpoint, hyperparameters
from springdrift_agents.training import train as training
from springdrift_agents.training.practice import HELD_OUT, PRACTICE
from springdrift_agents.training.together import Together
from springdrift_agents.training.vec_env import SpringdriftVecEnv

UPKEEP = "springdrift/UpkeepDashboard-v0"
BOTH = f"{ENV_ID},{SERIES_ID}"
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


@pytest.mark.attack
@pytest.mark.parametrize(
    ("algo", "env"),
    [
        *((algo, ENV_ID) for algo in hyperparameters.ALGOS if algo != "recurrent-ppo"),
        pytest.param("recurrent-ppo", ENV_ID, marks=pytest.mark.slow),
        pytest.param("ppo", SERIES_ID, marks=pytest.mark.slow),
        ("ppo", BOTH),
    ],
)
def test_a_run_that_stopped_ends_bit_for_bit_as_one_that_did_not(algo, env, tmp_path):
    training.train(small(algo, env=env), tmp_path / "whole")
    for stop in (1, 2, 99):
        seen: list[float] = []

        def going(steps, cost, stop=stop, seen=seen):
            seen.append(cost)
            return len(seen) < stop

        training.train(small(algo, env=env), tmp_path / "parts", validated=going)
    for name in FILES:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes(), name
    history = checkpoint.about(tmp_path / "whole" / "checkpoint.safetensors")["history"]
    rollout = 32 if algo == "dqn" else 256
    assert [row["steps"] for row in history] == [
        -(-target // rollout) * rollout for target in (800, 1600, 2400)
    ]


@pytest.mark.attack
def test_a_killed_process_leaves_a_run_that_goes_on(tmp_path):
    """SIGKILL at an arbitrary moment in the second chunk, then the same command again."""
    changes = [part for change in SMALL["ppo"] for part in ("--set", change)]
    args = [*("train", "ppo", "-s", "poc", "-n", "4000", "--chunk", "1000", "--episodes", "8"), *changes]
    command = [sys.executable, "-m", "springdrift_agents.cli.main", *args, "-o", str(tmp_path / "killed")]
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


@pytest.mark.parametrize(
    ("env", "most"), [(ENV_ID, 40.0), pytest.param(SERIES_ID, 40.0, marks=pytest.mark.slow)]
)
def test_training_learns(env, most, tmp_path):
    config = training.config_of(
        "ppo",
        changes=["n_envs=32", "n_steps=40", "batch_size=640"],
        scenario="poc",
        steps=60_000,
        chunk=20_000,
        env=env,
    )
    costs: list[float] = []
    best = training.train(config, tmp_path, validated=lambda steps, cost: not costs.append(cost))
    assert best.card.trained["cost"] == min(costs)
    assert min(costs) < most  # never acting costs 102 on the incline, pushing 26
    assert json.loads((tmp_path / "manifest.json").read_text())["config"]["hyper"]["n_envs"] == 32
    assert list((tmp_path / "tensorboard").iterdir())


def test_a_folder_of_another_run_is_refused(tmp_path):
    training.train(small("ppo", steps=256, chunk=256), tmp_path)
    with pytest.raises(ValueError, match="holds another run \\(seed is 0 there, 1 here\\)"):
        training.train(small("ppo", steps=256, chunk=256, seed=1), tmp_path)
    changes = [*SMALL["ppo"], "gamma=0.9", "target_kl=1"]
    other = training.config_of("ppo", changes=changes, scenario="poc", steps=256, chunk=256, episodes=8)
    with pytest.raises(
        ValueError, match=r"\(gamma is 0.97 there, 0.9 here; target_kl is 'not set' there, 1.0"
    ):
        training.train(other, tmp_path)
    (tmp_path / "checkpoint.safetensors").write_bytes(b"not this")
    with pytest.raises(ValueError, match="is no checkpoint of springdrift, or is damaged"):
        training.train(small("ppo", steps=256, chunk=256), tmp_path)


@pytest.mark.attack
def test_a_run_begun_with_other_code_is_not_gone_on_with(tmp_path, monkeypatch):
    config, known = small("ppo", steps=256, chunk=256), provenance.training_code()
    training.train(config, tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    for changed, said in (
        ({"worlds": "x"}, "springdrift's worlds"),
        ({"torch": "1.0"}, r"torch [\d.+a-z]+, now 1.0"),
    ):
        monkeypatch.setattr(provenance, "training_code", lambda changed=changed: known | changed)
        with pytest.raises(ValueError, match=rf"begun with other code \({said}\).*take another folder"):
            training.train(config, tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == before


def test_a_long_rollout_passes_many_targets_at_once(tmp_path):
    """Chunks shorter than a rollout of 256 steps: 600 steps are three rollouts and no more."""
    training.train(small("ppo", steps=600, chunk=50), tmp_path)
    history = checkpoint.about(tmp_path / "checkpoint.safetensors")["history"]
    assert [row["steps"] for row in history] == [256, 512, 768]


@pytest.mark.attack
@pytest.mark.parametrize("place", [-1, -5000])
def test_a_checkpoint_with_one_wrong_bit_is_refused(tmp_path, place):
    config = small("ppo", steps=512, chunk=256)
    training.train(config, tmp_path, validated=lambda *_: False)
    file = tmp_path / "checkpoint.safetensors"
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(ValueError, match=r"checkpoint.safetensors is damaged: its sha256") as refused:
        training.train(config, tmp_path)
    assert len(str(refused.value)) < 300


@pytest.mark.attack
def test_a_folder_that_lacks_or_mixes_files_is_refused(tmp_path):
    config = small("ppo", steps=256, chunk=256)
    training.train(config, tmp_path)
    best, about = tmp_path / "best.safetensors", tmp_path / "manifest.json"
    kept = best.read_bytes()
    best.unlink()
    with pytest.raises(ValueError, match=r"has a checkpoint but no best.safetensors"):
        training.train(config, tmp_path)
    best.write_bytes(kept)
    about.unlink()
    with pytest.raises(ValueError, match=r"checkpoint.safetensors is of another run"):
        training.train(replace(config, seed=1), tmp_path)
    assert not about.exists()
    for text in ("{", "[]", "{}", '{"config": 3}', '{"config": {"hyper": 1}}'):
        about.write_text(text)
        with pytest.raises(ValueError, match=r"manifest.json is no manifest of a training run"):
            training.train(config, tmp_path)
    about.unlink()
    training.train(config, tmp_path)
    assert about.exists()


def test_a_refused_command_does_not_take_the_folder(tmp_path):
    wrong = training.config_of("ppo", changes=["btch_size=128"], scenario="poc", steps=256)
    for attempt in (lambda: training.train(wrong, tmp_path), lambda: sweep_of(wrong, tmp_path)):
        with pytest.raises(ValueError, match=r"'btch_size' \(from --hyper or --set: btch_size=128\)"):
            attempt()
    assert not list(tmp_path.iterdir())


def sweep_of(config, out):
    from springdrift_agents.training.sweep import sweep

    return sweep(config, out, 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("n_envs=", "n_envs must be a whole number from 1 to 100,000, got nothing"),
        ("n_envs=1.7", "n_envs must be a whole number from 1 to 100,000, got 1.7"),
        ("gamma=abc", "gamma must be a number from 0 to 1, got 'abc'"),
        ("gamma=2", "gamma must be a number from 0 to 1, got 2"),
        ("gamma=-1", "gamma must be a number from 0 to 1, got -1"),
        ("gamma=.nan", "gamma must be a number from 0 to 1, got nan"),
        ("gamma=true", "gamma must be a number from 0 to 1, got True"),
        ("gamma=[1", "the value is not YAML"),
        ("tau=2", "tau must be a number from 0 to 1, got 2"),
        ("train_freq=0", "train_freq must be a whole number of at least 1, got 0"),
        ("n_steps=0", "n_steps must be a whole number from 1 to 1,000,000, got 0"),
        ("batch_size=0", "batch_size must be a whole number of at least 1, got 0"),
        ("n_epochs=0", "n_epochs must be a whole number from 1 to 1,000, got 0"),
        ("frame_stack=0", "frame_stack must be a whole number from 1 to 256, got 0"),
        ("frame_stack=1000", "frame_stack must be a whole number from 1 to 256, got 1000"),
        ("ent_coef=auto", "ent_coef must be a number of at least 0, got 'auto'"),
        ("learning_rate=-1", "learning_rate must be from 0 to 1, got -1"),
        (
            "policy_kwargs=dict(net_arch=[0])",
            "net_arch must hold at most 64 whole numbers from 1 to 65,536, got [0]",
        ),
        (
            "policy_kwargs=dict(activation_fn='elu')",
            "activation_fn must be one of nn.ReLU, nn.Tanh, got 'elu'",
        ),
    ],
)
def test_a_hyperparameter_out_of_range_is_refused_where_it_was_given(tmp_path, change, said):
    with pytest.raises(ValueError, match=re.escape(f"--set {change}: {said}")):
        training.config_of("ppo", changes=[change])
    name, _, value = change.partition("=")
    if value != "[1":
        file = tmp_path / "mine.yml"
        text = value if value[:4] != "dict" else json.dumps(value)
        file.write_text(f"{ENV_ID}:\n  {name}: {text}\n")
        with pytest.raises(ValueError, match=re.escape(f"{file}: {said}")):
            training.config_of("ppo", file=file)


@pytest.mark.parametrize(
    ("algo", "change", "said"),
    [
        ("ppo", "policy=CnnPolicy", "policy must be MlpPolicy for ppo, got 'CnnPolicy'"),
        ("recurrent-ppo", "policy=MlpPolicy", "policy must be MlpLstmPolicy for recurrent-ppo"),
        ("ppo", "_init_setup_model=false", "_init_setup_model is not for a run to choose"),
        ("dqn", "optimize_memory_usage=true", "optimize_memory_usage is not for a run to choose"),
        ("dqn", "replay_buffer_kwargs={a: 1}", "replay_buffer_kwargs is not for a run to choose"),
        ("ppo", "tensorboard_log=/tmp", "tensorboard_log is not for a run to choose"),
        ("ppo", "policy_kwargs={foo: 1}", "does not take these hyperparameters: TypeError: .*'foo'"),
        ("ppo", "batch_size=1", "does not take these hyperparameters: AssertionError"),
        ("dqn", "policy_kwargs={net_arch: {pi: [3]}}", "does not take these hyperparameters: "),
        (
            "recurrent-ppo",
            "policy_kwargs=dict(n_lstm_layers=2)",
            "num_layers=2 is not known; allowed: 1",
        ),
    ],
)
def test_hyperparameters_that_give_no_model_get_a_sentence(algo, change, said):
    with pytest.raises(ValueError, match=said):
        training.check(training.config_of(algo, changes=[*SMALL[algo], change]))


def test_hyperparameters_are_the_same_however_they_are_written():
    configs = [
        training.config_of("ppo", changes=["gamma=0.001", "n_envs=8"], steps=100),
        training.config_of("ppo", changes=["gamma=1e-3", "n_envs=8.0"], steps=100),
    ]
    assert configs[0].digest == configs[1].digest
    assert training.config_of("ppo", changes=["policy_kwargs={activation_fn: nn.ReLU}"]).steps == 3_000_000
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        training.config_of("ppo", steps=0)


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
    args = ["train", "ppo", "-s", "poc", "-n", "512", "--episodes", "8", *changes, "--sweep"]
    run = CliRunner()
    for trials in ("2", "3"):  # the second call goes on
        found = run.invoke(app, [*args, "--trials", trials, "-o", str(tmp_path)])
        assert found.exit_code == 0, (found.output, found.exception)
    assert "springdrift train ppo -s poc --hyper" in " ".join(found.output.split())
    from optuna import load_study

    study = load_study(study_name=None, storage=f"sqlite:///{tmp_path / 'sweep.db'}")
    assert len(study.trials) == 3
    assert study.trials[1].params != study.trials[2].params
    assert study.trials[0].user_attrs["hyper"]["n_steps"] == 32  # the house's own come first
    best = yaml.safe_load((tmp_path / "best.yml").read_text())[ENV_ID]
    assert best == study.best_trial.user_attrs["hyper"]
    assert training.config_of("ppo", file=tmp_path / "best.yml").hyper == best
    for change in (["--seed", "5"], ["--episodes", "9"], ["--validate", "abrupt"]):
        other = run.invoke(app, [*args, *change, "--trials", "3", "-o", str(tmp_path)])
        assert "holds another sweep" in str(other.exception)
    again = run.invoke(app, [*args, "--trials", "3", "-o", str(tmp_path)])  # a wrong call left nothing behind
    assert again.exit_code == 0, (again.output, again.exception)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["train", "ppo"], "springdrift: stopped; the same command goes on where it stopped\n"),
        (["compare", "--db=x.db"], "springdrift: stopped; the same command goes on where it stopped\n"),
        (["compare", "--quick"], "springdrift: stopped\n"),
    ],
)
def test_an_interrupt_says_what_becomes_of_the_run(args, said, monkeypatch, capsys):
    def interrupt():
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as stopped:  # as Typer does
            raise SystemExit(1) from stopped

    monkeypatch.setattr(commands, "app", interrupt)
    monkeypatch.setattr(sys, "argv", ["springdrift", *args])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert (ended.value.code, capsys.readouterr().err) == (130, said)


def test_an_interrupted_training_can_go_on(tmp_path):
    """SIGINT to the real command."""
    args = ["train", "ppo", "-s", "poc", "-n", "4000000", "--chunk", "1000", "--episodes", "8"]
    changes = [part for change in SMALL["ppo"] for part in ("--set", change)]
    command = [sys.executable, "-m", "springdrift_agents.cli.main", *args, *changes, "-o", str(tmp_path)]
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # what runs in the background may ignore it
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heard) as run:
        end = time.monotonic() + 120
        while not (tmp_path / "checkpoint.safetensors").exists() and time.monotonic() < end:
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        try:
            said = run.communicate(timeout=60)[1]
        finally:
            run.kill()
    assert run.returncode == 130
    assert said.strip() == "springdrift: stopped; the same command goes on where it stopped"


def test_held_out_worlds_lie_beyond_those_of_practice():
    names = {member if isinstance(member, str) else member.name for member in PRACTICE[ENV_ID].members}
    assert not names & set(HELD_OUT)
    for scenario in HELD_OUT.values():
        assert scenario.plan().size


def test_the_command_trains_on_other_worlds(tmp_path):
    """What it prints names a command that takes what it wrote."""
    changes = [part for change in SMALL["ppo"] for part in ("--set", change)]
    args = ["train", "ppo", "-s", "poc", "-n", "512", "--episodes", "8", *changes]
    run = CliRunner()
    found = run.invoke(app, [*args, "--env", BOTH, "-o", str(tmp_path / "both")])
    assert found.exit_code == 0, (found.output, found.exception)
    said = " ".join(found.output.split())
    assert f"springdrift compare --env {SERIES_ID} -s poc" in said
    assert "springdrift compare -s poc" in said
    card = springdrift_agents.load(tmp_path / "both" / "best.safetensors").card
    assert (card.env, card.trained["env"], len(card.columns)) == (ENV_ID, BOTH, 18)
    played = run.invoke(
        app,
        [
            *("compare", "--env", SERIES_ID, "-s", "poc", "-n", "4", "-o", str(tmp_path / "out")),
            *("-p", str(tmp_path / "both" / "best.safetensors")),
        ],
    )
    assert played.exit_code == 0, (played.output, played.exception)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"env": "springdrift/Tides-v0"}, "unknown env 'springdrift/Tides-v0'"),
        ({"env": SERIES_ID, "scenario": "wear"}, "unknown scenario 'wear'"),
        ({"env": UPKEEP, "scenario": "mix"}, "unknown scenario 'mix'"),
        ({"env": SERIES_ID, "observe": "all"}, "unknown observe 'all'; allowed: monitor, signals, truth"),
    ],
)
def test_what_a_world_does_not_have_is_refused(fields, said):
    with pytest.raises(ValueError, match=said):
        training.config_of("ppo", **fields)


def test_worlds_that_do_not_show_the_same_are_not_learned_together():
    config = small("ppo", env=BOTH, observe="truth")
    with pytest.raises(ValueError, match="cannot be learned together: their columns or actions differ: "):
        training.check(config)
    odd = training.config_of("ppo", env=BOTH, changes=["n_envs=7"])
    with pytest.raises(ValueError, match="n_envs must be a multiple of 2"):
        training.check(odd)


def test_envs_together_are_those_of_their_batches():
    parts = [SpringdriftVecEnv(2, env=env, scenario="poc", cycles=5) for env in (ENV_ID, SERIES_ID)]
    alone = [SpringdriftVecEnv(2, env=env, scenario="poc", cycles=5) for env in (ENV_ID, SERIES_ID)]
    both = Together(parts)
    assert both.seed(3) == [seed for one in alone for seed in one.seed(3)]
    np.testing.assert_array_equal(both.reset(), np.concatenate([one.reset() for one in alone]))
    rng = np.random.default_rng(0)
    for _ in range(12):
        actions = rng.integers(3, size=4)
        seen, reward, done, infos = both.step(actions)
        apart = [one.step(own) for one, own in zip(alone, np.split(actions, 2), strict=True)]
        for ours, theirs in zip(
            (seen, reward, done), zip(*(row[:3] for row in apart), strict=True), strict=True
        ):
            np.testing.assert_array_equal(ours, np.concatenate(theirs))
        theirs = [info for row in apart for info in row[3]]
        assert [set(info) for info in infos] == [set(info) for info in theirs]
    assert [spec.id for spec in both.get_attr("spec", [3, 0])] == [SERIES_ID, ENV_ID]
    np.testing.assert_array_equal(both.env_method("action_masks", indices=[2])[0], both.action_masks()[2])
    both.close()
