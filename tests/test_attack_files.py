"""Files that someone made to harm: every reader says one sentence, soon, and changes nothing."""

import json

import numpy as np
import pytest
import safetensors.torch
import torch
from typer.testing import CliRunner

from springdrift import ENV_ID, OBS
from springdrift_agents.cli.app import app
from springdrift_agents.planning import plans
from springdrift_agents.play import scores
from springdrift_agents.policies import learned
from springdrift_agents.policies.learned import Card, Learned
from springdrift_agents.training import checkpoint, hyperparameters
from springdrift_agents.training import train as training

pytestmark = pytest.mark.attack


def sentence(wrong):
    text = str(wrong)
    assert "\n" not in text
    assert 0 < len(text) < 700
    return text


# ---------------------------------------------------------------- hyperparameters

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
YAML = {
    "aliases of aliases": (f"{BOMB}{ENV_ID}:\n  policy_kwargs: *i\n", "stands for more than 10,000 values"),
    "a merge of merges": (
        "a: &a {x: 1}\n"
        + "".join(
            f"{n}: &{n} {{<<: [{', '.join(['*' + b] * 9)}]}}\n"
            for b, n in zip("abcdef", "bcdefg", strict=True)
        )
        + f"{ENV_ID}: *g\n",
        "stands for more than 10,000 values",
    ),
    "within itself": (f"{ENV_ID}: &a\n  gamma: *a\n", "nested too deeply, or within itself"),
    "deep": (f"{ENV_ID}: " + "[" * 20_000, "nested too deeply"),
    "deep, closed": (f"{ENV_ID}: " + "{a: " * 3000 + "1" + "}" * 3000, "nested too deeply"),
    "long": ("# " + "x" * 300_000, "is larger than 262,144 bytes"),
    "no text": (b"\xff\x80\x00\x80", "is not YAML"),
    "a list for a name": (f"{ENV_ID}:\n  ? [1, 2]\n  : 3\n", "YAML"),
    "a number for a name": (f"{ENV_ID}:\n  3: 4\n", "must be text, got 3"),
    "a tag": (f"{ENV_ID}:\n  gamma: !!python/object/apply:os.system ['false']\n", "is not YAML"),
    "no date": (f"{ENV_ID}:\n  gamma: 2020-99-99\n", "YAML"),
    "a list": ("- 1\n", "has no hyperparameters under"),
    "nothing": ("", "has no hyperparameters under"),
    "infinite": (f"{ENV_ID}:\n  gamma: .inf\n", "gamma must be a number from 0 to 1"),
    "a mapping for a number": (f"{ENV_ID}:\n  n_steps: {{a: 1}}\n", "n_steps must be a whole number"),
    "a huge network": (f"{ENV_ID}:\n  policy_kwargs: dict(net_arch=[1000000000])\n", "from 1 to 65,536"),
    "a deep network": (
        f"{ENV_ID}:\n  policy_kwargs: dict(net_arch={[8] * 999})\n",
        "at most 64 whole numbers",
    ),
    "deep code": (f"{ENV_ID}:\n  policy_kwargs: {'(' * 5000}\n", "policy_kwargs must read"),
    "code": (f"{ENV_ID}:\n  policy_kwargs: dict(net_arch=exit())\n", "policy_kwargs must read"),
}


@pytest.mark.parametrize("name", YAML)
def test_hyperparameters(tmp_path, name):
    text, said = YAML[name]
    file = tmp_path / "a.yml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError) as wrong:
        hyperparameters.read("ppo", file)
    assert said in sentence(wrong.value)
    found = CliRunner().invoke(app, ["train", "ppo", "--hyper", str(file), "-o", str(tmp_path / "out")])
    assert said in str(found.exception)
    assert not (tmp_path / "out").exists()


def test_anchors_of_the_zoo_still_merge(tmp_path):
    file = tmp_path / "a.yml"
    file.write_text(f"d: &defaults\n  gamma: 0.9\n  n_steps: 8\n{ENV_ID}:\n  <<: *defaults\n  n_steps: 16\n")
    assert hyperparameters.read("ppo", file) == {"gamma": 0.9, "n_steps": 16}


def test_a_change_on_the_command_line():
    for value in ("[" * 9000, "&a [*a]", "!!python/name:os.system", "{? [1] : 2}"):
        with pytest.raises(ValueError, match=r"^--set gamma=.*YAML|nested"):
            hyperparameters.update({}, [f"gamma={value}"])


# ---------------------------------------------------------------- learned policies

WEIGHTS = {"0.weight": np.zeros((3, 18), np.float32), "0.bias": np.zeros(3, np.float32)}
CARDS = {
    "deep": ("[" * 100_000, "nested too deeply"),
    "no JSON": ("{", "is no JSON"),
    "a list": ("[1]", "does not describe a policy"),
    "a number": ("3", "does not describe a policy"),
    "no algorithm": ("{}", "does not describe a policy"),
    "long": ("[" + " " * 2_000_000 + "]", "is larger than"),
    "unknown": ({"stuck": 1}, "unknown entry 'stuck'"),
    "text for a number": ({"stack": "2"}, "stack must be int, got '2'"),
    "true for a number": ({"stack": True}, "stack must be int, got True"),
    "a huge number": ({"stack": 10**30}, "stack must be from 1 to"),
    "a list for a name": ({"observe": ["monitor"]}, "observe must be str"),
    "text for truth": ({"masked": "no"}, "masked must be bool"),
    "a list for a mapping": ({"trained": []}, "trained must be dict"),
    "text for steps": ({"trained": {"steps": "many"}}, "trained.steps must be a number"),
    "nothing for a name": ({"algo": None}, "algo must be str"),
    "another file's": ({"sha256": "0" * 64}, "is damaged, or is not the one"),
}


@pytest.mark.parametrize("name", CARDS)
def test_cards(tmp_path, name):
    change, said = CARDS[name]
    learned.save(Learned(Card("ppo"), WEIGHTS), tmp_path / "a")
    card = tmp_path / "a.json"
    card.write_text(change if isinstance(change, str) else json.dumps(json.loads(card.read_text()) | change))
    with pytest.raises(ValueError) as wrong:
        learned.read(tmp_path / "a.safetensors")
    assert said in sentence(wrong.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"0.weight": np.full((3, 18), 3e38, np.float32)}, "so large that values overflow"),
        ({"0.bias": np.full(3, 3e38, np.float32)}, "so large that values overflow"),
        ({"0.weight": np.full((3, 18), 1e300)}, "is not finite"),
        ({"0.bias": np.full(3, np.nan, np.float32)}, "is not finite"),
        ({"0.weight": np.zeros((3, 17), np.float32)}, "expected shape (3, 18)"),
        ({"0.weight": np.zeros((), np.float32)}, "0.weight"),
        ({"lstm.weight_hh": np.zeros(4, np.float32)}, ""),
        ({"7.weight": np.zeros((3, 3), np.float32)}, "1.weight"),
    ],
)
def test_weights(tmp_path, change, said):
    path = tmp_path / "a.safetensors"
    learned.save(Learned(Card("ppo"), WEIGHTS), tmp_path / "a")
    card = json.loads((tmp_path / "a.json").read_text())
    data = safetensors.numpy.save({**WEIGHTS, **change})
    path.write_bytes(data)
    (tmp_path / "a.json").write_text(json.dumps(card | {"sha256": learned.hashlib.sha256(data).hexdigest()}))
    with pytest.raises(ValueError) as wrong:
        learned.read(path)
    assert said in sentence(wrong.value)
    assert str(path) in str(wrong.value)


def test_weights_as_large_as_can_be_run_never_overflow():
    """Just below the bound: no value is infinite on the observations that are furthest out."""
    largest = np.finfo(np.float32).max
    low, high = 1.0, float(largest)
    for _ in range(200):
        middle = (low * high) ** 0.5
        try:
            Learned(Card("ppo"), {**WEIGHTS, "0.weight": np.full((3, 18), middle, np.float32)})
            low = middle
        except ValueError:
            high = middle
    policy = Learned(Card("ppo"), {**WEIGHTS, "0.weight": np.full((3, 18), low, np.float32)})
    box = OBS.box()
    for observation in (box.high, box.low):
        assert np.isfinite(policy.values(observation[None])).all()
    assert high < 1.001 * low


# ---------------------------------------------------------------- checkpoints


def small(algo):
    changes = {"ppo": ["n_envs=2", "n_steps=16", "batch_size=16"], "dqn": ["n_envs=2", "buffer_size=64"]}[
        algo
    ]
    return training.config_of(algo, changes=changes, scenario="poc", steps=64, chunk=64, episodes=2)


@pytest.fixture(scope="module", params=["ppo", "dqn"])
def run(request, tmp_path_factory):
    """A finished chunk of a longer run: its config, and its checkpoint's content."""
    folder = tmp_path_factory.mktemp(request.param)
    config = small(request.param)
    training.train(config, folder)
    found, tensors = checkpoint._open(folder / "checkpoint.safetensors")
    return config, folder, found, {name: value.clone() for name, value in tensors.items()}  # the file changes


def forged(folder, found, tensors):
    """A checkpoint with a right checksum over wrong content."""
    about = {**found, "sha256": checkpoint._digest(found, tensors)}
    data = safetensors.torch.save(tensors, {"about": json.dumps(about, sort_keys=True)})
    (folder / "checkpoint.safetensors").write_bytes(data)


HISTORIES = [
    None, 3, [], [3], [{}], {"steps": 9}, [{"steps": "9", "cost": 1.0}], [{"steps": 9, "cost": None}],
    [{"steps": 9, "cost": float("nan")}], [{"steps": 9, "cost": 1.0}] * 2, [{"steps": -1, "cost": 1.0}],
    [{"steps": True, "cost": 1.0}],
]  # fmt: skip


@pytest.mark.parametrize("history", HISTORIES, ids=str)
def test_histories_of_checkpoints(run, history):
    config, folder, found, tensors = run
    forged(folder, {**found, "history": history}, tensors)
    with pytest.raises(ValueError, match="history") as wrong:
        training.train(config, folder)
    sentence(wrong.value)


COUNTERS = [{}, None, 3, {"num_timesteps": "many"}, {"num_timesteps": -1}, {"num_timesteps": 1.5}]


@pytest.mark.parametrize("counters", COUNTERS, ids=str)
def test_counters_of_checkpoints(run, counters, tmp_path):
    config, folder, found, tensors = run
    given = {**found["counters"], **counters} if counters and isinstance(counters, dict) else counters
    forged(folder, {**found, "counters": given}, tensors)
    envs = training.make_envs(config)
    model = training.make_model(config, envs)
    if counters == {} and config.algo == "ppo":
        checkpoint.read(folder / "checkpoint.safetensors", model)  # nothing to say, nothing wrong
        return
    with pytest.raises(ValueError, match="does not fit this model") as wrong:
        checkpoint.read(folder / "checkpoint.safetensors", model)
    sentence(wrong.value)


def broken(tensors, name):
    """Tensors of a checkpoint, one of them another one."""
    first = next(key for key in tensors if key.startswith(name))
    value = tensors[first]
    return {
        "gone": {key: other for key, other in tensors.items() if key != first},
        "reshaped": {**tensors, first: torch.zeros((3, 7))},
        "not finite": {**tensors, first: torch.full_like(value, float("nan"))},
        "of an unknown place": {**tensors, "optimizer.999.exp_avg": torch.zeros(3)},
        "of no place": {**tensors, "optimizer.x.exp_avg": torch.zeros(3)},
    }


@pytest.mark.parametrize("fault", ["gone", "reshaped", "not finite", "of an unknown place", "of no place"])
def test_tensors_of_checkpoints(run, fault):
    config, folder, found, tensors = run
    for name in ("policy.", "optimizer.", *(("buffer.obs",) if config.algo == "dqn" else ())):
        if (name, fault) == ("optimizer.", "gone") or not any(key.startswith(name) for key in tensors):
            continue  # an optimiser may know nothing yet
        forged(folder, found, broken(tensors, name)[fault])
        model = training.make_model(config, training.make_envs(config))
        with pytest.raises(ValueError, match="does not fit this model") as wrong:
            checkpoint.read(folder / "checkpoint.safetensors", model)
        sentence(wrong.value)


@pytest.mark.parametrize(
    "about", ["[" * 50_000, "{", "[]", "3", '{"sha256": 3}', '{"sha256": null, "counters": {}}'], ids=range(6)
)
def test_what_a_checkpoint_says_of_itself(tmp_path, about):
    file = tmp_path / "checkpoint.safetensors"
    file.write_bytes(safetensors.torch.save({"a": torch.zeros(2)}, {"about": about}))
    with pytest.raises(ValueError, match="is damaged") as wrong:
        checkpoint.about(file)
    sentence(wrong.value)
    file.write_bytes(b"\xff" * 7 + b"\x7f" + b"{" * 100)  # a header of 2^63 bytes
    with pytest.raises(ValueError, match="is no checkpoint"):
        checkpoint.about(file)


@pytest.mark.parametrize(
    "text", ["[" * 50_000, "{", "3", "[]", '{"config": 3}', '{"config": {"hyper": 3}}', "{}"]
)
def test_manifests_of_runs(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match="manifest") as wrong:
        training.train(small("ppo"), tmp_path)
    sentence(wrong.value)
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


# ---------------------------------------------------------------- kept plans

ABOUT = {"env": ENV_ID, "seed": 0}
PLANS = {
    "deep": ("[" * 100_000, "nested too deeply"),
    "deep, closed": ('{"a":' * 5000 + "1" + "}" * 5000, "nested too deeply"),
    "no JSON": ("{", "is no JSON"),
    "no text": (b"\xff\xfe\x00", "is no JSON"),
    "a list": ([], "holds no plans"),
    "nothing": (None, "holds no plans"),
    "no plans": (ABOUT, "holds no plans"),
    "a list of plans": ({**ABOUT, "plans": ["0"]}, "holds no plans"),
    "no env": ({"seed": 0, "plans": {}}, "plans for env='None'"),
    "another env": ({**ABOUT, "env": ["x"] * 99, "plans": {}}, "plans for env="),
    "another seed": ({**ABOUT, "seed": 1, "plans": {}}, "plans for seed='1', not for 0"),
    "truth for a number": ({**ABOUT, "seed": False, "plans": {}}, "plans for seed='False'"),
    "no number": ({**ABOUT, "seed": float("nan"), "plans": {}}, "plans for seed='nan'"),
    "an infinite number": ('{"env": "x", "seed": 1e999, "plans": {}}', "plans for env='x'"),
    "a number without end": ('{"seed": ' + "9" * 10_000 + "}", "is no JSON"),
    "text for a list": ({**ABOUT, "plans": {"poc": "012"}}, "must be a list, got str"),
    "a number for a plan": ({**ABOUT, "plans": {"poc": ["012", 3]}}, "plan 1 for 'poc' must be text"),
    "no such decision": ({**ABOUT, "plans": {"poc": ["0129"]}}, "digits from 0 to 2, got '0129'"),
    "digits of another script": ({**ABOUT, "plans": {"poc": ["\u0661\u0662"]}}, "digits from 0 to 2"),
    "an empty plan": ({**ABOUT, "plans": {"poc": [""]}}, "digits from 0 to 2, got ''"),
    "a plan without end": ({**ABOUT, "plans": {"poc": ["0" * 1_000_001]}}, "one to 1,000,000 digits"),
    "a name without end": ({**ABOUT, "plans": {"p" * 10**6: 0}}, "must be a list, got int"),
}


@pytest.mark.parametrize("name", PLANS)
def test_kept_plans(tmp_path, name):
    content, said = PLANS[name]
    file = tmp_path / "plans.json"
    whole = content if isinstance(content, bytes) else None
    whole = whole or (content if isinstance(content, str) else json.dumps(content)).encode()
    file.write_bytes(whole)
    with pytest.raises(ValueError) as wrong:
        plans.read(file)
    assert said in sentence(wrong.value)
    assert str(file) in str(wrong.value)
    found = CliRunner().invoke(app, ["plan", "-s", "poc", "-n", "1", "-o", str(file)])
    assert said in sentence(found.exception)
    assert file.read_bytes() == whole


def test_kept_plans_of_any_size_and_kind(tmp_path):
    file = tmp_path / "plans.json"
    with file.open("wb") as sparse:
        sparse.truncate(1 << 40)
    with pytest.raises(ValueError, match="is larger than"):
        plans.read(file)
    with pytest.raises(ValueError, match="is no plain file"):
        plans.read(tmp_path)


# ---------------------------------------------------------------- scores

SCORE = "2026-01-01T00:00:00+00:00,ann,poc,1,2.5,9.0,3.0,40,False"
HEAD = ",".join(scores.Score._fields)
TORN = {
    "no number": SCORE.replace("2.5", "nan"),
    "infinite": SCORE.replace("9.0", "inf"),
    "overflow": SCORE.replace("3.0", "1e999"),
    "a huge seed": SCORE.replace(",1,", "," + "9" * 5000 + ","),
    "a negative seed": SCORE.replace(",1,", ",-1,"),
    "no cycles": SCORE.replace(",40,", ",0,"),
    "cycles without end": SCORE.replace(",40,", ",10000000000,"),
    "a part of a cycle": SCORE.replace(",40,", ",4.5,"),
    "no truth": SCORE.replace("False", "[]"),
    "missing": "2026-01-01T00:00:00+00:00,ann,poc",
    "too many": SCORE + ",1,2,3",
    "a field without end": "x" * 200_000 + SCORE,
    "bytes of nothing": "\x00\x00\x00",
}


@pytest.mark.parametrize("name", TORN)
def test_scores(tmp_path, name, monkeypatch):
    """A line that holds no score is left out and named; a file that begins with one is no file of scores."""
    file = tmp_path / "scores.csv"
    monkeypatch.setenv("SPRINGDRIFT_SCORES", str(file))
    file.write_text(f"{HEAD}\n{SCORE}\n{TORN[name]}\n{SCORE}\n")
    assert len(scores.read(file, torn := [])) == 2
    assert torn == [3]
    found = CliRunner().invoke(app, ["scores", "--json"])
    assert (found.exit_code, len(json.loads(found.stdout))) == (0, 2)
    file.write_text(f"{TORN[name]}\n{SCORE}\n")
    with pytest.raises(ValueError, match=r"line 1: not a score") as wrong:
        scores.read(file)
    sentence(wrong.value)
    assert sentence(CliRunner().invoke(app, ["scores"]).exception) == str(wrong.value)


def test_scores_of_any_size_and_kind(tmp_path):
    file = tmp_path / "scores.csv"
    with file.open("wb") as sparse:
        sparse.truncate(1 << 40)
    score = scores._score(SCORE.split(","))
    for use in (lambda: scores.read(file), lambda: scores.append(score, file)):
        with pytest.raises(ValueError, match="is larger than") as wrong:
            use()
        sentence(wrong.value)
    assert file.stat().st_size == 1 << 40
    with pytest.raises(ValueError, match="is no plain file"):
        scores.read(tmp_path)
    file.write_bytes(b"\xff\xfe" * 99)
    with pytest.raises(ValueError, match="not a score"):
        scores.read(file)
