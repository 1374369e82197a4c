"""The vector env: each of N is what it would be alone, and every episode protocol keeps its promise."""

import os
import subprocess
import sys
from copy import deepcopy
from importlib import metadata
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import springdrift
from springdrift import ENV_ID, SCENARIOS, InclinedMassEnv, InclinedMassVectorEnv, Scenario
from springdrift.game.threads import stay_awake
from springdrift.incline.kernel import LANES
from springdrift.incline.machine import STRONGEST
from springdrift.incline.state import HISTORY, MEASUREMENTS, TURNS, Batch
from springdrift.incline.world import kernel_for

NAMES = sorted(SCENARIOS)


def actions_of(n, steps, seed=0):
    return np.random.default_rng(seed).integers(3, size=(steps, n))


@pytest.mark.parametrize("observe", ["monitor", "signals", "truth"])
@pytest.mark.parametrize("n", [1, LANES // 2, LANES - 1, LANES + 3, 4 * LANES + 1])
def test_env_i_of_n_is_env_i_alone_bit_for_bit(n, observe):
    chosen = [NAMES[i % len(NAMES)] for i in range(n)]
    envs = InclinedMassVectorEnv(n, scenario="mix", observe=observe, autoreset_mode="SameStep")
    seeds = [1000 + 7 * i for i in range(n)]
    obs, _ = envs.reset(seed=seeds, options={"scenario": chosen})
    plan = actions_of(n, 60)
    watched = sorted({0, n // 2, n - 1})
    alone = {}
    for i in watched:
        alone[i] = InclinedMassEnv("mix", observe=observe)
        np.testing.assert_array_equal(
            alone[i].reset(seed=seeds[i], options={"scenario": chosen[i]})[0], obs[i]
        )
    for actions in plan:
        obs, reward, ended, _, info = envs.step(actions)
        for i in watched:
            o, r, e, _, single = alone[i].step(actions[i])
            assert (r, e) == (reward[i], ended[i])
            if e:
                np.testing.assert_array_equal(info["final_obs"][i], o)
                o, _ = alone[i].reset()  # a scenario asked for holds for one episode
            else:
                assert all(single["truth"][k] == v[i] for k, v in info["truth"].items())
                assert all(single["terms"][k] == v[i] for k, v in info["terms"].items())
            np.testing.assert_array_equal(obs[i], o)


@pytest.mark.parametrize("few", [1, 17, 60])
def test_few_of_many_start_in_smaller_blocks_and_as_they_would_alone(few):
    n = 600
    assert kernel_for(few).LANES < kernel_for(n).LANES
    envs = InclinedMassVectorEnv(n, scenario="mix")
    envs.reset(seed=5)
    plan = actions_of(n, 14)
    for actions in plan[:7]:
        envs.step(actions)
    mask = np.zeros(n, bool)
    mask[np.random.default_rng(few).choice(n, few, replace=False)] = True
    first, _ = envs.reset(options={"reset_mask": mask})
    later = [envs.step(actions)[0] for actions in plan[7:]]
    for i in np.flatnonzero(mask)[:5]:
        alone = InclinedMassEnv("mix")
        alone.reset(seed=5 + int(i))
        np.testing.assert_array_equal(alone.reset()[0], first[i])
        for actions, obs in zip(plan[7:], later, strict=True):
            np.testing.assert_array_equal(alone.step(actions[i])[0], obs[i])


@pytest.mark.parametrize("awake", [True, False])
@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("n", [8 * LANES + 3, pytest.param(16 * LANES, marks=pytest.mark.slow)])
def test_threads_change_nothing(n, threads, awake, monkeypatch):
    """Nor do they where whole batches start at once, each thread with its share."""
    if not any(one.name == "tbb" for one in metadata.distributions()):
        pytest.skip("needs the extra threads")
    assert stay_awake()
    monkeypatch.setattr("springdrift.incline.world.stay_awake", lambda: awake)
    one, many = (InclinedMassVectorEnv(n, scenario="mix", cycles=30, threads=k) for k in (1, threads))
    one.reset(seed=3), many.reset(seed=3)
    for cycle, actions in enumerate(actions_of(n, 80)):
        a, b = one.step(actions), many.step(actions)
        for x, y in zip(a[:4], b[:4], strict=True):
            np.testing.assert_array_equal(x, y)
        if cycle == 40:
            mask = np.random.default_rng(0).random(n) < 0.8
            for envs in (one, many):
                envs.reset(options={"reset_mask": mask})
    np.testing.assert_array_equal(one.world.batch.real, many.world.batch.real)


def test_a_copy_that_reuses_its_arrays_reports_its_own_world():
    envs = InclinedMassVectorEnv(4, scenario="stationary", copy=False)
    envs.reset(seed=0)
    _, _, _, _, info = envs.step(np.zeros(4, int))
    other = deepcopy(envs)
    before = info["truth"]["x"].copy()
    _, _, _, _, late = other.step(np.ones(4, int))
    np.testing.assert_array_equal(info["truth"]["x"], before)
    np.testing.assert_array_equal(late["truth"]["x"], other.world.batch.lanes("x", 4))
    envs.step(np.ones(4, int))
    np.testing.assert_array_equal(info["truth"]["x"], late["truth"]["x"])  # reused, as was asked for


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc here")
@pytest.mark.parametrize(
    ("threads", "rounds"), [(2, 1000), *(pytest.param(k, 10_000, marks=pytest.mark.slow) for k in (1, 2))]
)
def test_memory_stays_flat_over_millions_of_steps(threads, rounds):
    """Of every decision, with episodes that end at different times."""
    n = 15 * LANES
    envs = InclinedMassVectorEnv(n, scenario="mix", threads=threads, autoreset_mode="SameStep")
    envs.reset(seed=0)
    clock = envs.world.batch.field("cycle")
    clock[:] = np.random.default_rng(0).integers(190, size=clock.shape)
    plan = actions_of(n, 64)
    for turn in range(rounds):
        envs.step(plan[turn % 64])
        if turn == rounds // 10:
            early = resident()
    assert resident() - early < 2**19


FORKED = """
import os, sys, threading
import numpy as np
from springdrift import InclinedMassVectorEnv
from springdrift.incline import world

if sys.argv[1] == "asleep":
    world.stay_awake = lambda: False
n = 960
actions = np.zeros(n, np.int64)
envs = [InclinedMassVectorEnv(n, threads=k) for k in (1, 2, 2, 2)]


def play(one):
    one.reset(seed=3)
    for _ in range(3):
        one.step(actions)


several = [threading.Thread(target=play, args=(one,)) for one in envs]
for one in several:
    one.start()
for one in several:
    one.join()
child = os.fork()
for one in envs:
    one.step(actions)
    play(one)
same = all((one.world.batch.real == envs[0].world.batch.real).all() for one in envs)
if child == 0:
    os._exit(0 if same else 7)
print(same, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("how", ["asleep", "awake"])
def test_threads_bear_a_fork_and_calls_from_several_threads(how):
    """A child has none of its parent's threads: it starts its own."""
    run = [sys.executable, "-W", "ignore", "-c", FORKED, how]
    done = subprocess.run(run, capture_output=True, text=True, timeout=300)
    assert (done.stdout, done.returncode) == ("True 0\n", 0), done.stderr


@pytest.mark.attack
@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 40),
    scenario=st.sampled_from(NAMES),
    seed=st.integers(0, 2**40),
    mode=st.sampled_from(["NextStep", "SameStep"]),
)
def test_properties(n, scenario, seed, mode):
    envs = InclinedMassVectorEnv(n, scenario=scenario, cycles=7, autoreset_mode=mode)
    obs, _ = envs.reset(seed=seed)
    for actions in actions_of(n, 20, seed):
        obs, reward, _, truncated, info = envs.step(actions)
        assert envs.observation_space.contains(obs)
        assert not truncated.any()
        terms = info.get("final_info", info)["terms"]
        total = -sum(terms.values())
        np.testing.assert_allclose(reward, total, atol=1e-12)
        assert np.isfinite(envs.world.batch.real).all()


def test_next_step_resets_in_the_step_after_the_end():
    envs = InclinedMassVectorEnv(3, scenario="stationary", cycles=2)
    envs.reset(seed=0)
    envs.step([1, 1, 1])
    obs, _, ended, _, _ = envs.step([0, 0, 0])
    assert ended.all()
    obs, reward, ended, _, info = envs.step([2, 2, 2])
    assert not ended.any()
    np.testing.assert_array_equal(reward, 0.0)
    np.testing.assert_array_equal(info["truth"]["cycle"], 0.0)
    fresh = InclinedMassVectorEnv(3, scenario="stationary", cycles=2)
    fresh.reset(seed=0)
    np.testing.assert_array_equal(fresh.reset()[0], obs)


def test_same_step_hands_over_the_last_observation():
    envs = InclinedMassVectorEnv(2, scenario="gradual", cycles=1, autoreset_mode="SameStep")
    envs.reset(seed=0)
    obs, reward, ended, _, info = envs.step([2, 1])
    assert ended.all()
    assert info["_final_obs"].all()
    assert info["final_obs"].dtype == object  # a row or None for each env, as Gymnasium's own
    last = springdrift.OBS.index("time_left")
    assert [o[last] for o in info["final_obs"]] == [0.0, 0.0]
    assert obs[:, last].tolist() == [1.0, 1.0]
    assert info["final_info"]["terms"]["retrain"].tolist() == [3.0, 0.0]
    np.testing.assert_allclose(reward, -sum(info["final_info"]["terms"].values()))


def test_disabled_waits_for_a_reset_by_mask():
    envs = InclinedMassVectorEnv(2, scenario="gradual", cycles=2, autoreset_mode="Disabled")
    envs.reset(seed=0)
    envs.step([0, 0])
    envs.step([0, 0])
    with pytest.raises(RuntimeError, match="have ended"):
        envs.step([0, 0])
    obs, _ = envs.reset(options={"reset_mask": np.array([True, True])})
    envs.step([0, 0])
    before = envs.get_state()
    obs, _ = envs.reset(seed=[7, None], options={"reset_mask": np.array([True, False])})
    np.testing.assert_array_equal(obs[0], InclinedMassEnv("gradual", cycles=2).reset(seed=7)[0])
    assert envs.world.batch.lanes("cycle", 2).tolist() == [0.0, 1.0]
    envs.set_state(before)
    assert envs.world.batch.lanes("cycle", 2).tolist() == [1.0, 1.0]


def test_copy_and_no_copy():
    for copy in (True, False):
        envs = InclinedMassVectorEnv(2, scenario="gradual", copy=copy)
        first, _ = envs.reset(seed=0)
        kept = first.copy()
        envs.step([0, 0])
        assert np.array_equal(first, kept) == copy


def test_state_and_masks():
    envs = InclinedMassVectorEnv(5, scenario="mix")
    envs.reset(seed=1)
    envs.step([2, 0, 1, 2, 0])
    assert envs.action_masks()[:, 2].tolist() == [False, True, True, False, True]
    state = envs.get_state()
    future = [envs.step(a) for a in actions_of(5, 20)]
    envs.set_state(state)
    for a, expected in zip(actions_of(5, 20), future, strict=True):
        np.testing.assert_array_equal(envs.step(a)[0], expected[0])


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        ({"n": 50}, "num_envs=3, and this has num_envs=50"),
        ({"scenario": "wear"}, "scenario='mix', and this has scenario='wear'"),
        ({"cycles": 12}, "cycles=None, and this has cycles=12"),
        ({"latency": 4}, "latency=3, and this has latency=4"),
        ({"substeps": 32}, "substeps=64, and this has substeps=32"),
    ],
)
def test_a_state_fits_only_where_it_belongs(other, differs):
    envs = InclinedMassVectorEnv(3, scenario="mix")
    envs.reset(seed=1)
    state = envs.get_state()
    stranger = InclinedMassVectorEnv(other.pop("n", 3), **{"scenario": "mix", **other})
    stranger.reset(seed=2)
    before = stranger.get_state()
    for refuse in (lambda: stranger.set_state(state), lambda: stranger.world.set_state(state.world)):
        with pytest.raises(ValueError, match=differs):
            refuse()
    np.testing.assert_array_equal(stranger.world.batch.real, before.world.real)


@pytest.mark.parametrize("row", [999.0, -1.0, np.nan, 0.5])
def test_a_state_that_names_no_scenario_is_refused(row):
    envs = InclinedMassVectorEnv(3, scenario="mix")
    envs.reset(seed=1)
    state = envs.get_state()
    Batch(state.world.real, state.world.keys).field("scenario")[0, 1] = row
    with pytest.raises(ValueError, match="rows of the scenario table that do not exist; it has 15"):
        envs.set_state(state)
    assert np.isfinite(envs.world.batch.real).all()


@pytest.mark.parametrize("turn", [TURNS, -1.0, np.nan, 0.5, 3.0])
def test_a_state_whose_rings_stand_nowhere_is_refused(turn):
    envs = InclinedMassVectorEnv(3, scenario="mix")
    envs.reset(seed=1)
    state = envs.get_state()
    lanes = Batch(state.world.real, state.world.keys).field("turn")
    lanes[0, 1 if turn == 3.0 else slice(None)] = turn  # 3 is a turn, but not that of the others
    said = "the same in all of its lanes" if turn == 3.0 else "whole numbers from 0 to 11"
    with pytest.raises(ValueError, match=f"turn must be {said}"):
        envs.set_state(state)


@pytest.mark.parametrize(
    ("count", "lanes"),
    [(1, 16), (16, 16), (32, 16), (33, 64), (64, 64), (65, 128), (256, 128), (300, 64), (1024, 128)],
)
def test_worlds_get_the_blocks_that_waste_least(count, lanes):
    assert lanes == kernel_for(count).LANES


def test_rings_are_read_oldest_first_whenever_an_episode_began():
    """What a window shows after a cycle is what it showed before, a cycle on, and the newest at its end."""
    n = 2 * LANES  # a whole block
    envs = InclinedMassVectorEnv(n, scenario="mix", observe="signals")
    obs, _ = envs.reset(seed=1)
    for cycle, actions in enumerate(actions_of(n, 40)):
        before = {name: envs.world.batch.window(name) for name in ("window_y", "window_u", "window_f")}
        obs = envs.step(actions)[0]
        for name, old in before.items():
            new = envs.world.batch.window(name)
            np.testing.assert_array_equal(new[:, :-MEASUREMENTS], old[:, MEASUREMENTS:], err_msg=name)
        assert (envs.world.batch.window("window_y") != before["window_y"]).any(axis=(0, 1)).all()
        pushes = envs.world.batch.window("window_u")[0, -HISTORY:].T / STRONGEST
        np.testing.assert_allclose(obs[:, 2 * HISTORY : 3 * HISTORY], pushes, rtol=1e-6)
        if cycle % 7 == 3:  # some begin anew, at every place of the rings
            mask = np.arange(n) % 5 == cycle % 5
            others = envs.world.batch.window("window_y")
            envs.reset(options={"reset_mask": mask})
            now = envs.world.batch.window("window_y")
            np.testing.assert_array_equal(now[0][:, ~mask], others[0][:, ~mask])
            assert (now[0][:, mask] != others[0][:, mask]).all(axis=1).all()


def test_what_is_no_state_is_refused():
    envs = InclinedMassVectorEnv(3, scenario="mix")
    envs.reset(seed=1)
    state = envs.get_state()
    for wrong, message in (
        (None, "expected a state from get_state"),
        (tuple(state), "expected a state from get_state"),
        (state._replace(world=state.world._replace(real=state.world.real[:, 1:])), "arrays must have shape"),
        (
            state._replace(world=state.world._replace(real=state.world.real.astype(float))),
            "arrays must have shape",
        ),
        (state._replace(over=np.ones(2, np.bool_)), "over has shape"),
        (state._replace(starts=state.starts + 15), "rows of the scenario table that do not exist"),
    ):
        with pytest.raises(ValueError, match=message):
            envs.set_state(wrong)
    envs.set_state(state)


def test_other_prices_and_observations_take_the_same_state():
    envs = InclinedMassVectorEnv(3, scenario="mix")
    envs.reset(seed=1)
    dear = InclinedMassVectorEnv(3, scenario="mix", costs={"intervene": 2.0}, observe="truth")
    dear.set_state(envs.get_state())
    a, b = envs.step([0, 1, 2]), dear.step([0, 1, 2])
    np.testing.assert_array_equal(a[4]["truth"]["x"], b[4]["truth"]["x"])
    assert b[4]["terms"]["intervene"].tolist() == [0.0, 2.0, 0.0]


def names_now(envs):
    rows = envs.world.batch.lanes("scenario", envs.num_envs).astype(int)
    return [envs.world.table.names[row] for row in rows]


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_the_scenario_option_is_for_that_episode_alone_here_and_in_sync(mode):
    envs = InclinedMassVectorEnv(3, scenario="stationary", cycles=3, autoreset_mode=mode)
    make = [lambda: InclinedMassEnv("stationary", cycles=3)] * 3
    sync = gym.vector.SyncVectorEnv(make, autoreset_mode=mode)
    for one in (envs, sync):
        one.reset(seed=0, options={"scenario": "wear"})
    for _ in range(10):
        a, b = envs.step([0, 1, 0]), sync.step([0, 1, 0])
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_array_equal(a[4]["truth"]["scenario"], b[4]["truth"]["scenario"])
    assert names_now(envs) == ["stationary"] * 3
    envs.reset(options={"scenario": ["wear", "fade", "stationary"]})
    assert names_now(envs) == ["wear", "fade", "stationary"]
    envs.reset()
    assert names_now(envs) == ["stationary"] * 3


def test_the_scenario_option_of_a_masked_reset_is_for_the_envs_it_resets():
    envs = InclinedMassVectorEnv(3, scenario="stationary", cycles=3, autoreset_mode="Disabled")
    envs.reset(seed=0, options={"scenario": "wear"})
    mask = np.array([True, False, False])
    envs.reset(options={"reset_mask": mask})
    assert names_now(envs) == ["stationary", "wear", "wear"]
    envs.reset(options={"reset_mask": ~mask, "scenario": ["tilt", "fade", SCENARIOS["shock"]]})
    assert names_now(envs) == ["stationary", "fade", "shock"]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"copy": "yes"}, "copy must be True or False, got 'yes'"),
        (
            {"autoreset_mode": "never"},
            "unknown autoreset_mode 'never'; allowed: NextStep, SameStep, Disabled",
        ),
        ({"autoreset_mode": None}, "unknown autoreset_mode None; allowed: NextStep"),
        ({"observe": ["monitor"]}, r"unknown observe \['monitor'\]; allowed: monitor"),
        ({"costs": 5}, "costs must be None, a Costs or a mapping"),
        ({"threads": 0}, "threads must be a whole number from 1"),
        ({"num_envs": 0}, "num_envs must be a whole number from 1"),
    ],
)
def test_bad_options_are_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        InclinedMassVectorEnv(**{"num_envs": 2, **kwargs})


def test_through_make_vec_and_equal_to_sync():
    envs = gym.make_vec(ENV_ID, 4, vectorization_mode="vector_entry_point", scenario="compound")
    sync = gym.make_vec(ENV_ID, 4, vectorization_mode="sync", scenario="compound")
    np.testing.assert_array_equal(envs.reset(seed=9)[0], sync.reset(seed=9)[0])
    for actions in actions_of(4, 205):
        a, b = envs.step(actions), sync.step(actions)
        for x, y in zip(a[:4], b[:4], strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([0, 0], r"expected 3 actions, one an env, got shape \(2,\)"),
        ([[0, 0, 0]], "expected 3 actions"),
        ([0.0, 1.0, 2.0], "must be whole numbers, got float64"),
        ([0, float("nan"), 1], "must be whole numbers"),
        ([0, 3, 0], "action 3 of env 1 is out of range; allowed: 0 WAIT, 1 INTERVENE, 2 RETRAIN"),
        ([0, 0, -1], "action -1 of env 2"),
        ([True, False, True], "must be whole numbers"),
        ([[1], [1, 2], [0]], "must be whole numbers, got object"),
        ([[1], [1, 2]], r"expected 3 actions, one an env, got shape \(2,\)"),
        ([0, None, 1], "must be whole numbers, got object"),
        (None, r"expected 3 actions, one an env, got shape \(\)"),
        (np.array([0, 2**64 - 1, 0], np.uint64), "action 18446744073709551615 of env 1 is out of range"),
    ],
)
def test_bad_actions(bad, message):
    envs = InclinedMassVectorEnv(3)
    envs.reset(seed=0)
    with pytest.raises(ValueError, match=message):
        envs.step(bad)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"seed": [1, 2]}, "seed must be one number or 3"),
        ({"seed": -4}, "seed must be a whole number, 0 or more, got -4"),
        ({"seed": 1.5}, "seed must be None, a whole number or 3 of them, got 1.5"),
        ({"seed": True}, "seed must be None, a whole number or 3 of them, got True"),
        ({"seed": "123"}, "seed must be None, a whole number or 3 of them, got '123'"),
        ({"seed": np.array([1.0, 2.0, 3.0])}, "seed must be a whole number, 0 or more, got 1.0"),
        ({"options": "wear"}, "options must be None or a mapping with scenario, reset_mask, got 'wear'"),
        (
            {"options": {"scenario": Scenario("wear", "mine")}},
            r"'wear' is not among this env's \(another one",
        ),
        ({"options": {"mask": 1}}, r"unknown reset option 'mask'; did you mean 'reset_mask'\? Allowed: scen"),
        ({"options": {"reset_mask": np.zeros(3, bool)}}, "must be True for at least one env"),
        ({"options": {"reset_mask": np.ones(2, bool)}}, "reset_mask must hold 3 booleans"),
        ({"options": {"scenario": ["wear"]}}, "scenario must be one name or 3"),
        ({"options": {"scenario": "waer"}}, "did you mean 'wear'"),
    ],
)
def test_bad_resets(kwargs, message):
    envs = InclinedMassVectorEnv(3)
    envs.reset(seed=0)
    before = envs.get_state()
    with pytest.raises(ValueError, match=message):
        envs.reset(**{"seed": 9, **kwargs})
    after = envs.get_state()
    for one, other in zip((*before.world[:2], before.starts), (*after.world[:2], after.starts), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("form", ["nested", "flat", "none"])
@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_info_is_what_sync_makes_of_single_envs(form, mode):
    options = {"scenario": "wear", "cycles": 4, "info": form}
    envs = InclinedMassVectorEnv(3, autoreset_mode=mode, **options)
    sync = gym.vector.SyncVectorEnv([lambda: InclinedMassEnv(**options)] * 3, autoreset_mode=mode)
    pairs = [(envs.reset(seed=5), sync.reset(seed=5))]
    pairs += [(envs.step(actions), sync.step(actions)) for actions in actions_of(3, 12)]
    for ours, theirs in pairs:
        same(ours[-1], theirs[-1])


def same(ours, theirs):
    """Whether two infos of a batch hold the same; Sync has masks within nested entries as well."""
    assert ours.keys() == theirs.keys() or set(theirs) - set(ours) == {f"_{name}" for name in ours}
    for name, value in ours.items():
        if isinstance(value, dict):
            same(value, theirs[name])
        elif value.dtype == object:
            for one, other in zip(value, theirs[name], strict=True):
                np.testing.assert_array_equal(one, other)
        else:
            np.testing.assert_array_equal(value, theirs[name])


def test_a_masked_reset_says_whose_info_it_holds():
    envs = InclinedMassVectorEnv(3, scenario="wear")
    _, first = envs.reset(seed=1)
    mask = np.array([False, True, False])
    _, info = envs.reset(options={"reset_mask": mask})
    np.testing.assert_array_equal(info["_terms"], mask)
    np.testing.assert_array_equal(info["_truth"], mask)
    _, _, _, _, later = envs.step([0, 0, 0])
    assert later["_terms"].all()
    later["_terms"][:] = False  # the caller's own
    assert envs.step([0, 0, 0])[4]["_terms"].all()
    assert first["_truth"].all()


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_a_time_limit_truncates_as_sync_does(mode):
    options = {"scenario": "wear", "cycles": 7, "max_episode_steps": 5}
    kwargs = {"NextStep": gym.vector.AutoresetMode.NEXT_STEP, "SameStep": gym.vector.AutoresetMode.SAME_STEP}
    envs = gym.make_vec(ENV_ID, 3, autoreset_mode=mode, **options)
    sync = gym.make_vec(
        ENV_ID, 3, vectorization_mode="sync", vector_kwargs={"autoreset_mode": kwargs[mode]}, **options
    )
    np.testing.assert_array_equal(envs.reset(seed=2)[0], sync.reset(seed=2)[0])
    cut = 0
    for actions in actions_of(3, 20):
        a, b = envs.step(actions), sync.step(actions)
        for x, y in zip(a[:4], b[:4], strict=True):
            np.testing.assert_array_equal(x, y)
        cut += int(a[3].sum())
    assert cut >= 9
    with pytest.raises(ValueError, match="max_episode_steps must be a whole number from 1"):
        InclinedMassVectorEnv(2, max_episode_steps=0)


def test_each_env_of_a_batch_is_drawn():
    options = {"scenario": "abrupt", "render_mode": "ansi"}
    envs = gym.make_vec(ENV_ID, 2, **options)
    sync = gym.make_vec(ENV_ID, 2, vectorization_mode="sync", **options)
    for one in (envs, sync):
        one.reset(seed=3)
    for actions in actions_of(2, 4):
        envs.step(actions), sync.step(actions)
        assert envs.render() == sync.render()
    assert envs.unwrapped.metadata["render_modes"] == ["rgb_array", "rgb_array_list", "ansi"]
    with pytest.raises(ValueError, match="unknown render_mode 'human' of a vector env; allowed: None, rgb_a"):
        InclinedMassVectorEnv(2, render_mode="human")
    with pytest.raises(ValueError, match="unknown render option 'colour'"):
        InclinedMassVectorEnv(2, render_options={"colour": 1})


def test_films_of_a_batch_are_recorded(tmp_path):
    pytest.importorskip("moviepy")
    envs = InclinedMassVectorEnv(
        2, scenario="wear", cycles=3, render_mode="rgb_array", render_options={"size": (320, 200)}
    )
    films = gym.wrappers.vector.RecordVideo(
        envs, str(tmp_path / "films"), episode_trigger=lambda number: number == 0
    )
    films.reset(seed=0)
    for actions in actions_of(2, 4):
        films.step(actions)
    films.close()
    assert [path.suffix for path in (tmp_path / "films").iterdir()] == [".mp4"]


def test_step_before_reset():
    for mode in ("NextStep", "SameStep", "Disabled"):
        with pytest.raises(RuntimeError, match="reset"):
            InclinedMassVectorEnv(2, autoreset_mode=mode).step([0, 0])
