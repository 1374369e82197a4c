"""Learned policies: the same decisions without torch, files that cannot run code, and honest refusals."""

import json
import pickle
import subprocess
import sys
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from stable_baselines3 import A2C
from typer.testing import CliRunner

import springdrift_agents
from springdrift import FIVE_ACTIONS, OBS, OPS_ID, SERIES_OPS_ID, THREE_ACTIONS, WORLDS, Action
from springdrift.incline.observation import OBSERVE
from springdrift_agents.cli.app import app
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.policies import learned, sb3
from springdrift_agents.policies.base import fitted, observe_of
from springdrift_agents.policies.learned import Card, Learned
from springdrift_agents.policies.registry import policy, policy_names
from springdrift_agents.training import distill, improve
from springdrift_agents.training import train as training
from springdrift_agents.training.hyperparameters import ALGOS

SHIPPED = sorted(learned.shipped())
SMALL = {"n_envs": 4, "n_steps": 8, "batch_size": 32}
COUNT = 100_000


def model_of(algo: str, seed: int = 0, **hyper):
    """A Stable-Baselines3 model with random weights, and how it is described."""
    given = {name: value for name, value in SMALL.items() if algo != "dqn" or name == "n_envs"}
    config = training.config_of(algo, changes=[f"{k}={v}" for k, v in (given | hyper).items()], seed=seed)
    model = training.make_model(config, training.make_envs(config))
    with torch.no_grad():
        for weight in model.policy.parameters():
            weight.mul_(3.0)  # decisions that differ from each other
    return model, training._card(config)


def play(seed: int, episodes: int) -> np.ndarray:
    """Observations of episodes under random decisions, (episodes, cycles, D)."""
    from springdrift import InclinedMassVectorEnv

    envs = InclinedMassVectorEnv(episodes, scenario="mix", cycles=200)
    rng = np.random.default_rng(seed)
    seen = [envs.reset(seed=seed)[0]]
    for _ in range(199):
        seen.append(envs.step(rng.integers(THREE_ACTIONS.n, size=episodes))[0])
    return np.stack(seen, axis=1)


@pytest.mark.parametrize("algo", ["ppo", "dqn", "maskable-ppo"])
def test_decides_as_stable_baselines_does(algo):
    model, card = model_of(algo)
    ours = training.export(model, card)
    frames = np.concatenate((np.zeros((500, card.stack - 1, len(OBS)), np.float32), play(3, 500)), axis=1)
    stacked = np.lib.stride_tricks.sliding_window_view(frames, card.stack, axis=1)  # (500, 200, D, stack)
    stacked = np.ascontiguousarray(stacked.transpose(1, 0, 3, 2)).reshape(COUNT, -1)
    masks = np.ones((COUNT, THREE_ACTIONS.n), np.bool_)
    masks[:, Action.RETRAIN] = stacked[:, -len(OBS) + OBS.index("in_flight")] == 0.0
    extra = {"action_masks": masks} if algo == "maskable-ppo" else {}
    theirs, _ = model.predict(stacked, deterministic=True, **extra)
    memory, mine = None, []
    for cycle in range(200):
        actions, memory = ours.predict(frames[:, card.stack - 1 + cycle], memory)
        mine.append(actions)
    np.testing.assert_array_equal(np.concatenate(mine), theirs)
    assert len(set(theirs.tolist())) > 1


def test_a_recurrent_one_remembers_as_stable_baselines_does():
    model, card = model_of("recurrent-ppo")
    ours = training.export(model, card)
    seen = play(5, 500)
    start, memory, theirs_memory = np.ones(500, np.bool_), None, None
    kinds = set()
    for cycle in range(200):
        start = np.full(500, cycle == 0)
        start[: 200 if cycle == 90 else 0] = True  # an episode that ends earlier starts anew
        theirs, theirs_memory = model.predict(
            seen[:, cycle], state=theirs_memory, episode_start=start, deterministic=True
        )
        mine, memory = ours.predict(seen[:, cycle], memory, start)
        np.testing.assert_array_equal(mine, theirs)
        kinds |= set(theirs.tolist())
    assert len(kinds) > 1


def test_memory_starts_anew_with_an_episode_and_batches_do_not_mix():
    model, card = model_of("ppo")
    ours = training.export(model, card)
    seen = play(7, 6)
    _, memory = ours.predict(seen[:, 0])
    together, _ = ours.predict(seen[:, 1], memory, np.array([True] + [False] * 5))
    fresh, _ = ours.predict(seen[:1, 1])
    assert together[0] == fresh[0]
    alone = ours.predict(seen[3, 1], tuple(part[3:4] for part in memory))[0]
    assert together[3] == alone
    with pytest.raises(ValueError, match=r"sees observe='monitor', \(n, 18\), got shape \(1, 5\)"):
        ours.predict(np.zeros(5))


def test_files_come_back_as_they_went(tmp_path):
    model, card = model_of("ppo")
    ours = training.export(model, card)
    learned.save(ours, tmp_path / "mine")
    again = springdrift_agents.load(tmp_path / "mine.safetensors")
    assert all(np.array_equal(again.weights[name], value) for name, value in ours.weights.items())
    assert again.card.stack == card.stack
    seeds = world_seeds("validation", 1, 4)
    spec = str(tmp_path / "mine.safetensors")
    assert evaluate(policy(spec), "abrupt", seeds).cost.tolist() == (
        evaluate(ours, "abrupt", seeds).cost.tolist()
    )
    assert pickle.loads(pickle.dumps(again)).predict(np.zeros(18))[0] == again.predict(np.zeros(18))[0]


def damaged(path, what: str) -> None:
    weights, about = path / "mine.safetensors", path / "mine.json"
    card = json.loads(about.read_text())
    if what == "weights":
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(bytes(data))
    elif what == "short":
        weights.write_bytes(weights.read_bytes()[:100])
        about.write_text(
            json.dumps(card | {"sha256": learned.hashlib.sha256(weights.read_bytes()).hexdigest()})
        )
    elif what == "text":
        about.write_text("{")
    else:
        about.write_text(json.dumps(card | json.loads(what)))


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("weights", "is damaged, or is not the one that mine.json describes"),
        ("short", "mine.safetensors:"),
        ("text", "mine.json does not describe a policy"),
        ('{"surprise": 1}', "unknown entry 'surprise'"),
        ('{"stack": 3}', r"weight '0.weight' is of shape \(128, 108\), expected shape \(128, 54\)"),
        ('{"stack": 0}', "stack must be from 1 to 256, got 0"),
        ('{"activation": "sine"}', "activation must be one of relu, tanh, got 'sine'"),
        ('{"observe": "all"}', "observe must be one of monitor, signals, truth"),
    ],
)
def test_a_damaged_policy_says_so(tmp_path, what, said):
    learned.save(training.export(*model_of("ppo")), tmp_path / "mine")
    damaged(tmp_path, what)
    with pytest.raises(ValueError, match=said):
        springdrift_agents.load(tmp_path / "mine.safetensors")


def test_weights_that_are_not_finite_are_refused():
    weights = {"0.weight": np.zeros((3, 18), np.float32), "0.bias": np.array([0, np.nan, 0], np.float32)}
    with pytest.raises(ValueError, match=r"'0.bias' is not finite"):
        Learned(Card("ppo"), weights)
    with pytest.raises(ValueError, match="gives 2 values"):
        Learned(Card("ppo"), {"0.weight": np.zeros((2, 18)), "0.bias": np.zeros(2)})


class Payload:
    """Opens a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_zip_is_not_opened_without_trust(tmp_path):
    """A zip made to run code as it is opened: refused by default, and the code has not run."""
    mark, crafted = tmp_path / "ran", tmp_path / "ppo-crafted.zip"
    import base64

    coded = base64.b64encode(pickle.dumps(Payload(mark))).decode()
    with zipfile.ZipFile(crafted, "w") as file:
        file.writestr("data", json.dumps({"policy_class": {":type:": "x", ":serialized:": coded}}))
    for attempt in (lambda: springdrift_agents.load(crafted), lambda: policy(str(crafted))):
        with pytest.raises(ValueError, match="which can run code as they are opened"):
            attempt()
    found = CliRunner().invoke(app, ["compare", "-p", str(crafted), "-s", "poc", "-n", "2"])
    assert found.exit_code != 0
    assert "which can run code" in str(found.exception)
    assert not mark.exists()


def test_a_zip_of_ones_own_runs_when_trusted(tmp_path):
    model, card = model_of("ppo", learning_rate=1e-3)
    model.save(tmp_path / "ppo-mine.zip")
    again = springdrift_agents.load(tmp_path / "ppo-mine.zip", trust=True)
    assert (again.card.stack, again.card.activation) == (card.stack, card.activation)
    seen = play(2, 20)[:, 0]
    np.testing.assert_array_equal(again.predict(seen)[0], training.export(model, card).predict(seen)[0])
    with zipfile.ZipFile(tmp_path / "dqn-empty.zip", "w") as file:
        file.writestr("data", "{}")
    (tmp_path / "ppo-text.zip").write_text("no zip")
    for name in ("dqn-empty.zip", "ppo-text.zip"):
        with pytest.raises(ValueError, match=f"{name}: what trained it is not known; allowed: ppo, dqn"):
            springdrift_agents.load(tmp_path / name, trust=True)
    other, _ = model_of("ppo", seed=1, learning_rate=1e-3)
    other.save(tmp_path / "ppo-other.zip")
    second = springdrift_agents.load(tmp_path / "ppo-other.zip", trust=True)
    assert again.card.sha256
    assert repr(second) != repr(again)  # a store tells them apart


@pytest.mark.parametrize("algo", sb3.ALGOS)
def test_a_zip_says_what_trained_it_whatever_its_name(algo, tmp_path):
    with (tmp_path / "model.zip").open("wb") as file:
        model_of(algo, learning_rate=1e-3)[0].save(file)
    assert sb3.algorithm_of(tmp_path / "model.zip") == algo
    assert springdrift_agents.load(tmp_path / "model.zip", trust=True).card.algo == algo


def test_what_has_the_policies_of_ppo_and_is_not_ppo_is_told_apart(tmp_path):
    with (tmp_path / "ppo.zip").open("wb") as file:
        A2C("MlpPolicy", "CartPole-v1", device="cpu").save(file)
    assert sb3.algorithm_of(tmp_path / "ppo.zip") is None


@pytest.mark.parametrize(("algo", "usual"), [("ppo", "tanh"), ("dqn", "relu")])
def test_an_activation_that_is_not_given_is_that_of_the_library(algo, usual):
    assert model_of(algo, policy_kwargs="dict(net_arch=[8])")[1].activation == usual


def test_unknown_names_get_a_sentence():
    with pytest.raises(ValueError, match=r"unknown learned policy 'pqo-mix'; allowed: "):
        springdrift_agents.load("pqo-mix")
    with pytest.raises(ValueError, match=r"unknown learned policy 'best.json'.* or a .safetensors or .zip"):
        springdrift_agents.load("best.json")
    with pytest.raises(FileNotFoundError):
        springdrift_agents.load("nowhere.safetensors")


def test_importing_and_loading_need_no_torch(tmp_path):
    learned.save(training.export(*model_of("ppo")), tmp_path / "mine")
    code = (
        "import sys, springdrift_agents, numpy as np\n"
        f"p = springdrift_agents.load({str(tmp_path / 'mine.safetensors')!r})\n"
        "p.predict(np.zeros((4, 18)))\n"
        "heavy = {'torch', 'stable_baselines3', 'pandas', 'matplotlib', 'pygame', 'optuna'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_is_small_and_plays(name):
    found = springdrift_agents.load(name)
    assert found.card.algo in (*ALGOS, distill.ALGO, improve.ALGO)
    assert learned.shipped()[name].stat().st_size < 400_000
    env = found.card.env
    assert name in policy_names(env)
    assert observe_of(found) == "monitor"
    seeds = world_seeds("validation", 9, 64)
    world = found.card.trained["scenario"]
    world = "mix" if world in ("practice", "every scenario") else world
    mine, idle = (evaluate(one, world, seeds, env=env).cost.mean() for one in (found, policy("never")))
    assert mine < idle


# ---------------------------------------------------------------- networks that are not known


def box(*names, stack=1, low=None):
    """An env whose observation space is that of a table, stacked, or has other bounds."""
    import gymnasium as gym

    table = OBSERVE[names[0]].box() if names else gym.spaces.Box(-1, 1, (36,))
    low_of = np.tile(table.low if low is None else np.full_like(table.low, low), stack)

    class Still(gym.Env):
        observation_space = gym.spaces.Box(low_of, np.tile(table.high, stack))
        action_space = gym.spaces.Discrete(3)

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            return self.observation_space.sample(), {}

        def step(self, action):
            return self.observation_space.sample(), 0.0, False, False, {}

    return Still()


def ppo(env, **kwargs):
    from stable_baselines3 import PPO

    return PPO("MlpPolicy", env, device="cpu", n_steps=8, batch_size=8, policy_kwargs=kwargs, seed=0)


def saved(model, path):
    model.save(path / "ppo-it.zip")
    return springdrift_agents.load(path / "ppo-it.zip", trust=True)


class Odd(torch.nn.Module):
    """A features extractor of somebody's own."""


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ppo(box("monitor"), activation_fn=torch.nn.LeakyReLU), "layer 1 of the network, LeakyReLU"),
        (lambda: ppo(box("monitor"), activation_fn=torch.nn.ELU), "layer 1 of the network, ELU"),
        (lambda: ppo(box()), "36 inputs with these bounds fit no observation of springdrift; there are: mon"),
        (lambda: ppo(box("monitor", stack=2, low=-7)), "36 inputs with these bounds fit no observation"),
        (lambda: with_norm(ppo(box("monitor"))), "layer 1 of the network, LayerNorm"),
        (lambda: with_extractor(ppo(box("monitor"))), "the features extractor .*Odd is not known"),
        (lambda: of_another_class(ppo(box("monitor"))), "policy's class .*Own is not known for 'ppo'"),
        (lambda: more_actions(ppo(box("monitor"))), r"action space Discrete\(5\) is not Discrete\(3\)"),
    ],
)
def test_what_is_not_known_of_a_network_is_named(make, said, tmp_path):
    model = make()
    with pytest.raises(ValueError, match=said):
        sb3.export(model, sb3.card_of(model, "ppo"))


def with_norm(model):
    net = model.policy.mlp_extractor.policy_net
    model.policy.mlp_extractor.policy_net = torch.nn.Sequential(net[0], torch.nn.LayerNorm(64), *net[1:])
    return model


def with_extractor(model):
    model.policy.pi_features_extractor = Odd()
    return model


def of_another_class(model):
    model.policy.__class__ = type("Own", (type(model.policy),), {})
    return model


def more_actions(model):
    import gymnasium as gym

    model.action_space = gym.spaces.Discrete(5)
    return model


@pytest.mark.parametrize(("observe", "stack"), [("monitor", 1), ("signals", 4), ("truth", 2)])
def test_a_zip_is_what_it_was_trained_on(observe, stack, tmp_path):
    found = saved(ppo(box(observe, stack=stack)), tmp_path)
    assert (found.card.observe, found.card.stack) == (observe, stack)
    assert found.columns == OBSERVE[observe].names


def test_a_network_that_decides_otherwise_is_found_out():
    model = ppo(box("monitor"))
    card = sb3.card_of(model, "ppo")
    inner = model.policy.predict
    model.policy.predict = lambda *args, **kwargs: (2 - inner(*args, **kwargs)[0], None)
    with pytest.raises(ValueError, match="decides otherwise than Stable-Baselines3 does on"):
        sb3.export(model, card)
    with pytest.raises(ValueError, match="the card says activation='relu', the network has 'tanh'"):
        sb3.export(model, replace(card, activation="relu"))


def test_a_wider_table_and_more_actions_do_not_invalidate_a_policy():
    names = tuple(column.name for column in OBS)
    wider, more = ("new", *names[::-1]), ("WAIT", "FINE_TUNE", "RETRAIN", "INTERVENE")
    found = springdrift_agents.load("ppo-mix")
    fit = fitted(found, wider, more)
    seen = play(1, 50)[:, 60]
    theirs = np.concatenate((np.full((50, 1), 9.0, np.float32), seen[:, ::-1]), axis=1)
    own = found.predict(seen)[0]
    assert len(set(own.tolist())) > 1
    decided = fit.act(found.predict(fit.see(theirs))[0], SimpleNamespace(), 50)
    assert [more[number] for number in decided] == [found.actions[number] for number in own]
    card = json.loads(learned.shipped()["ppo-mix"].with_suffix(".json").read_text())
    assert (tuple(card["columns"]), tuple(card["actions"])) == (names, ("WAIT", "INTERVENE", "RETRAIN"))


@pytest.mark.parametrize("id", [OPS_ID, SERIES_OPS_ID])
def test_a_masked_one_never_decides_what_would_do_nothing(id):
    """A network of random weights wants everything; the world's own masks say what it may have."""
    rng, width = np.random.default_rng(4), len(WORLDS[id].world.observations["monitor"])
    weights = {"0.weight": 3.0 * rng.normal(size=(5, width)), "0.bias": np.array([0.0, 0, 1, 1, 2])}
    card = Card("maskable-ppo", masked=True, env=id, actions=FIVE_ACTIONS.names)
    masked, eager = Learned(card, weights), Learned(replace(card, masked=False), weights)
    envs = WORLDS[id].vector_env(32, scenario="mix-ops", cycles=60)
    observation, _ = envs.reset(seed=3)
    memory, refused, taken = None, 0, set()
    for _ in range(60):
        masks = envs.action_masks()
        actions, memory = masked.predict(observation, memory)
        assert masks[np.arange(32), actions].all()
        wanted, _ = eager.predict(observation)
        refused += int((~masks[np.arange(32), wanted]).sum())
        np.testing.assert_array_equal(
            actions[masks[np.arange(32), wanted]], wanted[masks[np.arange(32), wanted]]
        )
        taken |= set(actions.tolist())
        observation = envs.step(actions)[0]
    assert refused > 50
    assert taken == set(range(5))


def test_a_masked_one_must_read_what_tells_it_what_it_can_do():
    with pytest.raises(ValueError, match="of ROLLBACK must read the column 'previous_error'"):
        Card(
            "maskable-ppo",
            masked=True,
            env=OPS_ID,
            actions=FIVE_ACTIONS.names,
            columns=("in_flight", "error"),
        )
