"""Every registered world, and the one of the how-to, through the same contract."""

import re
import sys
import types
import warnings
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import springdrift
from springdrift import Action
from springdrift.game.batch import threefry
from springdrift.upkeep.env import counts, terms_of

HOWTO = Path(__file__).parents[1] / "tutorials/site/howto/own_world.md"
CELLS = re.findall(r"```\{code-cell\}\n(.*?)```", HOWTO.read_text(), re.S)
OWN = types.ModuleType("own_world")  # a module, so that what it defines can be pickled
sys.modules[OWN.__name__] = OWN
exec(compile(CELLS[0], str(HOWTO), "exec"), OWN.__dict__)
IDS = tuple(id for id in springdrift.WORLDS if not id.startswith("toy/"))  # another test's, of fewer columns
MODES = {mode.value: mode for mode in gym.vector.AutoresetMode}


def actions_of(id, n, steps, seed=0):
    return np.random.default_rng(seed).integers(springdrift.WORLDS[id].actions.n, size=(steps, n))


@pytest.mark.parametrize("id", IDS)
def test_the_contract_holds(id):
    spec = springdrift.WORLDS[id]
    for scenario in list(spec.scenarios)[:3]:
        for observe in spec.world.observations:
            springdrift.check(gym.make(id, scenario=scenario, observe=observe, cycles=30), seed=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gym.make(id).unwrapped, skip_render_check=True)
        pytest.importorskip("stable_baselines3.common.env_checker").check_env(gym.make(id))


@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_a_batch_is_its_worlds_alone_bit_for_bit(id, mode):
    envs = gym.make_vec(id, 5, cycles=6, autoreset_mode=mode)
    sync = gym.vector.SyncVectorEnv([lambda: gym.make(id, cycles=6)] * 5, autoreset_mode=MODES[mode])
    np.testing.assert_array_equal(envs.reset(seed=9)[0], sync.reset(seed=9)[0])
    for actions in actions_of(id, 5, 20):
        a, b = envs.step(actions), sync.step(actions)
        for x, y in zip(a[:4], b[:4], strict=True):
            np.testing.assert_array_equal(x, y)
        for kind in ("terms", "truth"):
            for name, value in a[4][kind].items():
                np.testing.assert_array_equal(value, b[4][kind][name], err_msg=name)


@pytest.mark.parametrize("id", IDS)
def test_what_agents_do_never_moves_the_world(id):
    names = springdrift.WORLDS[id].world.exogenous
    seen = []
    for seed in (1, 2):
        envs = gym.make_vec(id, 4, cycles=30, autoreset_mode="Disabled")
        envs.reset(seed=0)
        truths = [envs.step(actions)[4]["truth"] for actions in actions_of(id, 4, 30, seed)]
        seen.append([[truth[name].copy() for name in names] for truth in truths])
    np.testing.assert_array_equal(*seen)


@pytest.mark.parametrize("id", IDS)
def test_states_go_back_and_refuse_strangers(id):
    envs = gym.make_vec(id, 3).unwrapped
    envs.reset(seed=4)
    plan = actions_of(id, 3, 12)
    for actions in plan[:6]:
        envs.step(actions)
    state = envs.get_state()
    future = [envs.step(actions) for actions in plan[6:]]
    envs.set_state(state)
    for actions, expected in zip(plan[6:], future, strict=True):
        for x, y in zip(envs.step(actions)[:4], expected[:4], strict=True):
            np.testing.assert_array_equal(x, y)
    for stranger in (gym.make_vec(id, 2).unwrapped, gym.make_vec(id, 3, cycles=9).unwrapped):
        with pytest.raises(ValueError, match=r"state"):
            stranger.set_state(state)


@pytest.mark.parametrize("id", IDS)
def test_no_state_lets_an_episode_go_past_its_deadline(id):
    env, envs = gym.make(id, cycles=9).unwrapped, gym.make_vec(id, 3, cycles=9).unwrapped
    never = envs.get_state()
    with pytest.raises(ValueError, match="over must be True"):
        envs.set_state(never._replace(over=np.zeros(3, bool)))
    envs.set_state(never)
    env.reset(seed=0)
    envs.reset(seed=0)
    for _ in range(8):
        env.step(0)
        envs.step([0, 0, 0])
    before, ended = env.get_state(), [env.step(0)[2], *envs.step([0, 0, 0])[2]]
    assert all(ended)
    state, states = env.get_state(), envs.get_state()
    env.set_state(before)
    for one, held in ((env, state), (envs, states)):
        crafted = held._replace(over=np.zeros_like(held.over))
        with pytest.raises(ValueError, match="over must be True where an episode is at its deadline"):
            one.set_state(crafted)
    assert env.step(0)[2]  # nothing has changed
    env.set_state(state)
    with pytest.raises(RuntimeError, match="has ended"):
        env.step(0)


@pytest.mark.parametrize("id", IDS)
def test_masks_say_what_would_do_nothing(id):
    env = gym.make(id, latency=3).unwrapped
    env.reset(seed=0)
    assert env.action_masks().shape == (env.action_space.n,)
    assert env.action_masks()[: Action.RETRAIN + 1].all()
    first = env.step(Action.RETRAIN)[4]["terms"]["retrain"]
    assert first > 0.0
    assert not env.action_masks()[Action.RETRAIN]
    assert env.step(Action.RETRAIN)[4]["terms"]["retrain"] == 0.0


@pytest.mark.parametrize("id", IDS)
def test_a_reset_by_mask_leaves_the_others_alone(id):
    envs = gym.make_vec(id, 3, cycles=9, autoreset_mode="Disabled")
    envs.reset(seed=5)
    handed, _, _, _, before = envs.step(np.zeros(3, int))
    obs, hidden = handed.copy(), {name: values.copy() for name, values in before["truth"].items()}
    handed[:] = 9.0  # the caller's own by now
    mask = np.array([True, False, False])
    later, info = envs.reset(seed=[7, None, None], options={"reset_mask": mask})
    np.testing.assert_array_equal(later[1:], obs[1:])
    np.testing.assert_array_equal(later[0], gym.make(id, cycles=9).reset(seed=7)[0])
    np.testing.assert_array_equal(info["_truth"], mask)
    for name, values in info["truth"].items():
        np.testing.assert_array_equal(values[1:], hidden[name][1:], err_msg=name)


def test_draws_in_numpy_are_those_of_the_compiled_generator():
    """Known answers of Threefry-2x32 with 13 rounds, from the authors' own test vectors."""
    for words, expected in (
        ((0, 0, 0, 0), (0x9D1C5EC6, 0x8BD50731)),
        ((0xFFFFFFFF,) * 4, (0xFD36D048, 0x2D17272C)),
        ((0x13198A2E, 0x03707344, 0x243F6A88, 0x85A308D3), (0xBA3E4725, 0xF27D669E)),
    ):
        assert threefry(*(np.array([word], np.uint64) for word in words)) == expected


def test_the_rules_of_the_how_to_run(capsys):
    assert len([line for line in CELLS[0].splitlines() if line.strip()]) < 150
    for cell in CELLS[1:]:
        exec(compile(cell, str(HOWTO), "exec"), OWN.__dict__)
    costs = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert len(costs) == 3
    assert max(costs[1:]) < costs[0]


def test_upkeep_behind_the_dashboard_is_the_chain_that_was_counted():
    """Its transitions come as often as the table of Upkeep-v0 says, and cost what it says."""
    known, costs = counts(), springdrift.Costs()
    envs = gym.make_vec("springdrift/UpkeepDashboard-v0", 2000, autoreset_mode="Disabled")
    _, info = envs.reset(seed=0)
    here, seen = info["truth"]["state"].astype(int), np.zeros((36, 3, 36))
    starts = np.bincount(here, minlength=36) / 2000
    assert np.abs(starts - known.starts / known.starts.sum()).max() < 0.05
    for actions in actions_of("springdrift/UpkeepDashboard-v0", 2000, 100):
        _, _, _, _, info = envs.step(actions)
        there = info["truth"]["state"].astype(int)
        np.add.at(seen, (here, actions, there), 1)
        for i in range(3):
            assert {name: values[i] for name, values in info["terms"].items()} == pytest.approx(
                terms_of(known, costs, here[i], actions[i], there[i])
            )
        here = there
    often = seen.sum(axis=2) > 2000
    found = seen[often] / seen[often].sum(axis=1, keepdims=True)
    table = known.transitions[often] / known.transitions[often].sum(axis=1, keepdims=True)
    assert often.sum() > 10
    np.testing.assert_allclose(found, table, atol=0.05)


def test_upkeep_refuses_what_was_not_counted():
    with pytest.raises(ValueError, match="latency cannot differ from 3 in Upkeep, got 4"):
        gym.make("springdrift/UpkeepDashboard-v0", latency=4)
    with pytest.raises(ValueError, match=r"costs.swing_cap cannot differ from 1.0 in Upkeep"):
        gym.make("springdrift/UpkeepDashboard-v0", costs={"swing_cap": 2.0})


@pytest.mark.filterwarnings("ignore:.*not in the possible render_modes")  # as Gymnasium says first
@pytest.mark.parametrize("id", [*IDS, springdrift.UPKEEP_ID])
def test_trainers_that_ask_for_pictures_get_a_world_that_draws_none(id):
    """Stable-Baselines3 asks every env for pixels, and takes a TypeError for an answer."""
    envs = pytest.importorskip("stable_baselines3.common.env_util").make_vec_env(id, n_envs=2, seed=0)
    assert len(envs.reset()) == 2
    if not gym.spec(id).entry_point or "rgb_array" in gym.make(id).metadata["render_modes"]:
        return
    for make in (gym.make, gym.make_vec):
        with pytest.raises(TypeError, match=r"unexpected keyword argument 'render_mode'.* draws nothing"):
            make(id, render_mode="rgb_array")


@pytest.mark.parametrize("id", [*IDS, springdrift.UPKEEP_ID])
def test_flat_info_holds_numbers_of_numpy(id):
    """TorchRL keeps of an info what has a dtype."""
    env = gym.make(id, info="flat")
    for info in (env.reset(seed=1)[1], env.step(0)[4]):
        assert info
        assert all(isinstance(value, np.floating) for value in info.values())
    kept = gym.make(id)
    kept.reset(seed=1)
    terms = kept.step(0)[4]["terms"]
    assert {name: info[f"term_{name}"] for name in terms} == terms
    none = gym.make(id, info="none")
    assert none.reset()[1] == none.step(0)[4] == {}
    with pytest.raises(ValueError, match="unknown info 'all'; allowed: nested, flat, none"):
        gym.make(id, info="all")
