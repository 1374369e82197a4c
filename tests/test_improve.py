"""Improvement: what another decision costs is what playing it costs, and what is cheaper is learned."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from bench import ceiling
from springdrift import ENV_ID, OPS_ID
from springdrift.incline.state import DRIFTING, KEYS, read_lanes, row
from springdrift_agents.cli.app import app
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.evaluation.rollout import begun
from springdrift_agents.policies.registry import policy
from springdrift_agents.training import improve
from springdrift_agents.training.improve import Improvement, Tried

SMALL = Improvement("generalist", ("poc",), rounds=2, worlds=3, tries=2, episodes=4)


def alone(name: str, env: str, scenario: str, seed: int, at: int = -1, other: int = 0) -> float:
    """The cost of an episode in Gymnasium's env, with another decision in one cycle."""
    world, network, state = gym.make(env, scenario=scenario), policy(name, env=env), None
    seen, _ = world.reset(seed=seed)
    paid, over, cycle = 0.0, False, 0
    while not over:
        said, state = network.predict(seen[None], state, np.array([cycle == 0]))
        seen, reward, ended, cut, _ = world.step(other if cycle == at else int(said[0]))
        paid, over, cycle = paid - float(reward), ended or cut, cycle + 1
    return paid


@pytest.mark.parametrize(
    ("name", "env", "scenario"), [("generalist", ENV_ID, "poc"), ("ppo-ops", OPS_ID, "bad-release")]
)
def test_what_a_decision_costs_is_what_playing_it_costs(name, env, scenario, monkeypatch):
    played, paid = [], improve._paid
    monkeypatch.setattr(improve, "_paid", lambda *given: played.append(given) or paid(*given))
    seeds, network = world_seeds("training", 4, 3), policy(name, env=env)
    found = improve.tried(network, env, scenario, seeds, tries=1, seed=1)
    plain = [alone(name, env, scenario, int(seed)) for seed in seeds]
    assert found.paid == pytest.approx(np.mean(plain), rel=1e-5)
    once, _, _, worlds = played[0]
    for seed, at, other in zip(worlds, once._at, once._other, strict=True):
        lane = seeds.tolist().index(seed)
        cost = alone(name, env, scenario, int(seed), int(at), int(other)) - plain[lane]
        assert found.costs[lane, other] == pytest.approx(cost, abs=2e-3)
    assert len(worlds) >= 4
    assert (found.costs != 0.0).any()


def test_cycles_are_drawn_as_often_as_it_is_said():
    rng = np.random.default_rng(0)
    live = np.arange(6)[:, None] < np.array([6, 3])
    at, chances = improve._draw(live, rng.random((6, 2)).astype(np.float32), 20_000, rng)
    for lane, lived in ((0, 6), (1, 3)):
        drawn = np.bincount(at[:, lane], minlength=6) / 20_000
        said = np.array([chances[at[:, lane] == cycle, lane][:1].sum() for cycle in range(6)])
        assert drawn[lived:].sum() == 0
        assert said.sum() == pytest.approx(1.0)
        np.testing.assert_allclose(drawn, said, atol=0.015)
        assert (1.0 / chances[:, lane]).mean() == pytest.approx(lived, rel=0.05)  # weights count the cycles


def test_the_network_in_torch_is_the_network():
    for name in ("generalist", "ppo-mix"):
        network = policy(name)
        seen = np.random.default_rng(0).normal(size=(7, network.wide * network.card.sees)).astype(np.float32)
        with torch.no_grad():
            found = improve.net_of(network)(torch.from_numpy(seen)).numpy()
        np.testing.assert_allclose(found, network.values(seen), rtol=1e-4, atol=1e-4)


def test_what_is_cheaper_is_learned_and_the_pull_holds_it_back():
    rng, network = np.random.default_rng(0), policy("generalist")
    seen = rng.normal(scale=0.1, size=(6000, network.wide * network.card.sees)).astype(np.float16)
    seen[:, 0] = rng.choice([-1.0, 1.0], 6000)
    net = improve.net_of(network)
    own = network.values(seen.astype(np.float32)).argmax(axis=1)
    costs = np.ones((6000, 3), np.float32)
    costs[np.arange(6000), own] = 0.0
    costs[:, 2] = np.where(seen[:, 0] > 0, -3.0, 3.0)
    known = [Tried(seen, costs, np.ones(6000, np.float32), 30.0)]

    def paid() -> float:
        with torch.no_grad():
            chosen = net(torch.from_numpy(seen).float()).argmax(1).numpy()
        return float(costs[np.arange(6000), chosen].mean())

    start = paid()
    improve.learn(net, known, rate=1e-3, pull=1e4, even=0.5)
    assert abs(paid() - start) < 0.05
    for _ in range(10):
        improve.learn(net, known, rate=3e-3, pull=0.0, even=0.5)
    assert paid() < start - 0.5


def test_the_same_run_gives_the_same_policy_with_any_number_of_processes(tmp_path):
    told: list[tuple[int, float]] = []
    one = improve.improve(SMALL, tmp_path / "one", done=lambda turn, cost: told.append((turn, cost)))
    two = improve.improve(SMALL, tmp_path / "two", jobs=2)
    assert [turn for turn, _ in told] == [0, 1, 2]
    assert one.card.sha256 == two.card.sha256 != policy("generalist").card.sha256
    seeds = world_seeds("validation", 0, 4)
    assert told[0][1] == pytest.approx(evaluate(policy("generalist"), "poc", seeds).cost.mean())
    assert one.card.trained["cost"] == told[-1][1] == pytest.approx(evaluate(one, "poc", seeds).cost.mean())
    with pytest.raises(ValueError, match="holds a run: take another folder"):
        improve.improve(SMALL, tmp_path / "one")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"rounds": 0}, "rounds must be at least 1, got 0"),
        ({"pull": -1.0}, "pull must be a number from 0, got -1.0"),
        ({"even": float("nan")}, "even must be a number from 0, got nan"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"scenarios": ("mix",)}, "nobody teaches 'mix'"),
        ({"policy": "expert"}, "expert must be a learned network without recurrence, got Expert"),
    ],
)
def test_bad_fields_are_refused(fields, said):
    with pytest.raises(ValueError, match=said):
        Improvement(**{"policy": "generalist", **fields})


def test_the_command_writes_a_policy(tmp_path):
    out = tmp_path / "run"
    asked = ["improve", "ppo-ops", "-s", "bad-release", "--rounds", "1", "-n", "2", "--tries", "1"]
    found = CliRunner().invoke(app, [*asked, "-o", str(out)])
    assert found.exit_code == 0, found.output
    assert "round 1 of 1: cost" in found.output
    one = policy(str(out / "best.safetensors"), env=OPS_ID)
    assert one.card.algo == "policy iteration"
    assert one.card.trained["scenario"] == "bad-release"
    assert one.card.trained["from"].startswith("ppo-ops ")


def test_other_futures_leave_the_present_and_what_has_happened():
    world = begun(world_seeds("training", 6, 40), "compound")
    for _ in range(30):
        world.advance(np.zeros(40, np.int64))
    now = read_lanes(world.batch, np.arange(40))
    then = ceiling.other_futures(now, world.table.plans, np.random.default_rng(0))
    drawn = {row(name) for name in ("onset", "next_change")} | {row(f"trend_{name}") for name in DRIFTING}
    kept = [place for place in range(now.real.shape[1]) if place not in drawn]
    np.testing.assert_array_equal(then.real[:, kept], now.real[:, kept])
    np.testing.assert_array_equal(then.keys[:, KEYS.index("seed0") :], now.keys[:, KEYS.index("seed0") :])
    assert (then.keys[:, 0] != now.keys[:, 0]).all()
    onset, cycle = now.real[:, row("onset")], now.real[:, row("cycle")]
    begun_already = cycle > onset
    assert begun_already.any()
    assert (~begun_already).any()
    np.testing.assert_array_equal(then.real[begun_already, row("onset")], onset[begun_already])
    assert (then.real[:, row("next_change")] >= cycle).all()  # what is to come is not past
    assert (then.real[:, row("next_change")] != now.real[:, row("next_change")]).mean() > 0.5


def test_a_planner_that_is_never_sure_does_as_the_policy_does(monkeypatch):
    monkeypatch.setattr(ceiling, "SURE", 1e9)
    seeds, one = world_seeds("training", 7, 3), policy("generalist")
    found = ceiling.planned(one, "compound", seeds, futures=3, cycles=5)
    np.testing.assert_allclose(found, evaluate(one, "compound", seeds).cost, rtol=1e-9)
