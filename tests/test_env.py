"""The scalar env: the contract in every scenario, properties over random inputs, errors."""

import json
import pickle
import subprocess
import sys
from contextlib import nullcontext

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import springdrift
from springdrift import ENV_ID, SCENARIOS, Action, Costs, Params, Scenario
from springdrift.incline.observation import OBSERVE

scenarios = st.sampled_from(sorted(SCENARIOS))
decisions = st.lists(st.integers(0, 2), min_size=1, max_size=40)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_contract_holds_in_every_scenario(scenario):
    for observe in OBSERVE:
        springdrift.check(gym.make(ENV_ID, scenario=scenario, observe=observe, cycles=60), seed=11)
    pytest.importorskip("stable_baselines3.common.env_checker").check_env(gym.make(ENV_ID, scenario=scenario))


def test_check_catches_a_world_that_listens_to_the_agent():
    class Leaky(springdrift.InclinedMassEnv):
        def step(self, action):
            if action == Action.INTERVENE:
                self.world.batch.field("base_stiffness")[0, 0] += 0.5
            return super().step(action)

    with pytest.raises(springdrift.ContractError, match="stiffness depends on the actions"):
        springdrift.check(Leaky(scenario="gradual"))


def test_check_catches_a_reward_that_is_not_the_terms():
    class Generous(springdrift.InclinedMassEnv):
        def step(self, action):
            obs, reward, *rest = super().step(action)
            return obs, reward + 0.1, *rest

    with pytest.raises(springdrift.ContractError, match="is not minus the terms' sum"):
        springdrift.check(Generous())


@pytest.mark.attack
@settings(max_examples=60, deadline=None)
@given(
    scenario=scenarios,
    seed=st.integers(0, 2**63 - 1),
    actions=decisions,
    observe=st.sampled_from(sorted(OBSERVE)),
)
def test_properties(scenario, seed, actions, observe):
    env = springdrift.InclinedMassEnv(scenario, observe=observe)
    obs, info = env.reset(seed=seed)
    for action in actions:
        other = env.fork()
        assert env.observation_space.contains(obs)
        masks = env.action_masks()
        obs, reward, terminated, truncated, info = env.step(action)
        twin = other.step(action)
        np.testing.assert_array_equal(obs, twin[0])
        assert (reward, terminated, info) == (twin[1], twin[2], twin[4])
        assert reward == pytest.approx(-sum(info["terms"].values()), abs=1e-12)
        assert all(0 <= term < np.inf for term in info["terms"].values())
        assert np.isfinite(env.world.batch.real).all()
        assert -1.0 <= info["truth"]["x"] <= 2.0
        assert not truncated
        if not masks[action]:
            assert info["terms"]["retrain"] == 0.0  # asking again costs nothing
        if terminated:
            break


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_what_is_paid_for_is_charged(scenario):
    env = springdrift.InclinedMassEnv(scenario, costs={"retrain": 5.0, "intervene": 0.25})
    env.reset(seed=1)
    assert env.step(Action.INTERVENE)[4]["terms"]["intervene"] == 0.25
    terms = env.step(Action.RETRAIN)[4]["terms"]
    assert (terms["retrain"], terms["intervene"]) == (5.0, 0.0)
    assert not env.action_masks()[Action.RETRAIN]
    assert env.step(Action.RETRAIN)[4]["terms"]["retrain"] == 0.0


def test_a_model_is_deployed_after_the_latency():
    for latency in (1, 3, 7):
        env = springdrift.InclinedMassEnv("stationary", latency=latency)
        env.reset(seed=0)
        versions = [env.step(Action.RETRAIN if t == 0 else 0)[4]["truth"]["version"] for t in range(10)]
        assert versions == [0.0] * (latency - 1) + [1.0] * (11 - latency)


def test_release_slots_hold_a_model_back():
    env = springdrift.InclinedMassEnv("release-train")
    env.reset(seed=0)
    seen = [env.step(Action.RETRAIN if t == 1 else 0)[4]["truth"] for t in range(12)]
    shipped = next(truth["cycle"] for truth in seen if truth["version"] == 1.0)
    assert shipped == 10.0


def test_retraining_after_a_jump_cures_and_too_early_does_not():
    """The window straddles the change until six cycles have passed: a mixed window fits neither side."""
    errors = {}
    for wait in (1, 7):
        found = []
        for seed in range(24):
            env = springdrift.InclinedMassEnv("abrupt", cycles=60)
            _, info = env.reset(seed=seed)
            onset = info["truth"]["onset"]
            for cycle in range(60):
                late = env.step(Action.RETRAIN if cycle == onset + wait else 0)[4]["truth"]
                if cycle == min(onset + wait + 6, 59):
                    found.append(late["error"])
        errors[wait] = np.median(found)
    assert errors[7] < 0.5 * errors[1]


def test_the_deadline_terminates_and_time_left_says_so():
    env = springdrift.InclinedMassEnv("poc")
    obs, _ = env.reset(seed=0)
    assert obs[springdrift.OBS.index("time_left")] == 1.0
    for cycle in range(40):
        obs, _, terminated, truncated, _ = env.step(0)
        assert obs[springdrift.OBS.index("time_left")] == pytest.approx((39 - cycle) / 40)
        assert (terminated, truncated) == (cycle == 39, False)


def test_seedless_resets_move_on_and_seeds_repeat():
    env = springdrift.InclinedMassEnv()
    firsts = [env.reset(seed=5)[0], env.reset()[0], env.reset()[0]]
    assert not np.array_equal(firsts[0], firsts[1])
    assert not np.array_equal(firsts[1], firsts[2])
    np.testing.assert_array_equal(env.reset(seed=5)[0], firsts[0])
    np.testing.assert_array_equal(env.reset()[0], firsts[1])


def test_mix_draws_every_member():
    env = springdrift.InclinedMassEnv("mix")
    drawn = {env.reset(seed=seed)[1]["truth"]["scenario"] for seed in range(300)}
    assert len(drawn) == len(SCENARIOS["mix"].members) == len(SCENARIOS) - 1


def test_a_mixture_draws_from_scenarios_of_its_own_as_well():
    stiff = Scenario("stiff", "a stiff spring", params=springdrift.Params(stiffness=14.0))
    env = springdrift.InclinedMassEnv(Scenario("both", "one of two", members=("poc", stiff)))
    seen = set()
    for seed in range(20):
        truth = env.reset(seed=seed)[1]["truth"]
        seen.add((env.world.table.names[int(truth["scenario"])], round(truth["stiffness"], 2)))
    assert seen == {("poc", 9.87), ("stiff", 14.0)}


def test_reset_option_names_a_scenario_for_that_episode_alone():
    env = springdrift.InclinedMassEnv("stationary")
    for options, expected in ((None, "stationary"), ({"scenario": "wear"}, "wear"), ({}, "stationary")):
        _, info = env.reset(seed=0, options=options)
        assert env.world.table.names[int(info["truth"]["scenario"])] == expected


def test_reset_option_takes_a_scenario_of_ones_own_by_name_or_itself():
    mine = Scenario("mine", "a stiff spring", params=Params(stiffness=14.0))
    env = springdrift.InclinedMassEnv(Scenario("both", "", members=("poc", mine)))
    for chosen in ("mine", mine, Scenario("mine", "a stiff spring", params=Params(stiffness=14.0))):
        assert env.reset(seed=0, options={"scenario": chosen})[1]["truth"]["stiffness"] == 14.0
    with pytest.raises(ValueError, match=r"'mine' is not among this env's \(another one of that name"):
        env.reset(options={"scenario": Scenario("mine", "another", params=Params(stiffness=13.0))})
    with pytest.raises(ValueError, match=r"'new' is not among this env's \(allowed: stationary"):
        env.reset(options={"scenario": Scenario("new", "")})


def test_a_refused_reset_changes_nothing():
    env = springdrift.InclinedMassEnv("stationary")
    env.reset(seed=3)
    before = env.get_state()
    for wrong in ({"scenario": "waer"}, {"scenrio": "wear"}, "wear", ["scenario"]):
        with pytest.raises(ValueError, match=r"unknown scenario|unknown reset option|options must be"):
            env.reset(seed=4, options=wrong)
    after = env.get_state()
    np.testing.assert_array_equal(before.world.real, after.world.real)
    np.testing.assert_array_equal(before.world.keys, after.world.keys)


def test_a_state_fits_only_where_it_belongs():
    env = springdrift.InclinedMassEnv("abrupt")
    env.reset(seed=1)
    state = env.get_state()
    one, two = (Scenario("mine", "", params=Params(stiffness=k)) for k in (12.0, 13.0))
    mine = springdrift.InclinedMassEnv(one)
    mine.reset(seed=1)
    for stranger, foreign, message in (
        (springdrift.InclinedMassEnv("poc"), state, "scenario='abrupt', and this has scenario='poc'"),
        (springdrift.InclinedMassEnv(one), state, "scenario='abrupt', and this has scenario='mine'"),
        (springdrift.InclinedMassEnv(two), mine.get_state(), "another scenario of the same name"),
        (springdrift.InclinedMassEnv("abrupt", cycles=9), state, "cycles=None, and this has cycles=9"),
        (springdrift.InclinedMassEnv("abrupt", latency=9), state, "latency=3, and this has latency=9"),
        (springdrift.InclinedMassEnv("abrupt", substeps=8), state, "substeps=64, and this has substeps=8"),
        (
            env,
            springdrift.InclinedMassVectorEnv(2, scenario="abrupt").get_state(),
            "num_envs=2, and this has",
        ),
        (env, 3, "expected a state from get_state"),
        (env, env.world.get_state(), r"expected a state from get_state\(\), got WorldState"),
    ):
        with pytest.raises(ValueError, match=message):
            stranger.set_state(foreign)
        with pytest.raises(RuntimeError, match="reset") if stranger is not env else nullcontext():
            stranger.step(0)
    other = springdrift.InclinedMassEnv(one)
    other.set_state(mine.get_state())
    assert other.step(1)[1] == mine.step(1)[1]


def test_a_fork_from_before_the_first_reset_knows_that_nothing_has_begun():
    twin = springdrift.InclinedMassEnv("abrupt").fork()
    with pytest.raises(RuntimeError, match="reset"):
        twin.step(0)
    firsts = {springdrift.InclinedMassEnv("abrupt").fork().reset()[0].tobytes() for _ in range(3)}
    assert len(firsts) == 3  # seeded afresh, not all with nought
    assert not np.array_equal(twin.reset()[0], springdrift.InclinedMassEnv("abrupt").reset(seed=0)[0])


def test_what_gym_make_returns_reaches_the_methods_through_unwrapped():
    env = gym.make(ENV_ID, scenario="abrupt")
    env.reset(seed=1)
    twin = env.unwrapped.fork()
    assert env.step(2)[1] == twin.step(2)[1]
    assert env.unwrapped.action_masks().tolist() == [True, True, False]
    assert "env.unwrapped.fork()" in springdrift.InclinedMassEnv.fork.__doc__


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scenario": "abrubt"}, "did you mean 'abrupt'"),
        ({"scenario": 3}, "unknown scenario 3"),
        ({"costs": {"retrian": 1}}, "unknown cost 'retrian'; did you mean 'retrain'[?] Allowed: forecast"),
        ({"costs": {"retrain": -1}}, "Costs.retrain must be a number from 0 to"),
        ({"costs": {"retrain": float("nan")}}, "Costs.retrain must be a number from 0 to"),
        ({"costs": {"retrain": "5"}}, "Costs.retrain must be a number from 0 to 1e.09, got '5'"),
        ({"costs": {"retrain": 1e308}}, "Costs.retrain must be a number from 0 to 1e.09, got 1e.308"),
        ({"costs": {"retrain": None}}, "Costs.retrain must be a number from 0 to 1e.09, got None"),
        ({"costs": {"retrain": True}}, "Costs.retrain must be a number from 0 to 1e.09, got True"),
        ({"costs": 5}, "costs must be None, a Costs or a mapping of name to price, got 5"),
        ({"costs": ["retrain"]}, r"costs must be None, a Costs or a mapping .*, got \['retrain'\]"),
        ({"observe": ["monitor"]}, r"unknown observe \['monitor'\]; allowed: monitor, signals, truth"),
        ({"render_options": {"size": 5}}, "size must be two whole numbers from 160 to 8192, got 5"),
        ({"render_options": {"size": (True, 600)}}, "size must be two whole numbers"),
        ({"render_options": {"size": (960.0, 600)}}, "size must be two whole numbers"),
        ({"render_options": {"font_scale": "big"}}, "font_scale must be a number from 0.7 to 1.4, got 'big'"),
        ({"render_options": {"truth": "no"}}, "truth must be True or False, got 'no'"),
        ({"render_options": {"colour": 1}}, "unknown render option 'colour'; allowed: size, font_scale"),
        ({"render_options": ["size"]}, "render_options must be None or a mapping"),
        ({"observe": "all"}, "unknown observe 'all'; allowed: monitor, signals, truth"),
        ({"cycles": 0}, "cycles must be a whole number from 1"),
        ({"cycles": 2.5}, "cycles must be a whole number"),
        ({"latency": 0}, "latency must be a whole number from 1"),
        ({"substeps": 60}, "substeps must be a multiple of 8"),
        ({"render_mode": "hologram"}, "render_mode"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        springdrift.InclinedMassEnv(**options)
    if "render_options" in options:  # with a render_mode as well
        with pytest.raises(ValueError, match=message):
            springdrift.InclinedMassEnv(render_mode="rgb_array", **options)


@pytest.mark.parametrize("size", [(160, 8192), [np.int64(8192), 160]])
@pytest.mark.parametrize("font_scale", [0.7, np.float32(1.4), 1])
def test_render_options_at_their_ends_are_drawn_with(size, font_scale):
    options = {"size": size, "font_scale": font_scale, "truth": np.True_}
    env = springdrift.InclinedMassEnv(render_mode="rgb_array", render_options=options)
    env.reset(seed=0)
    assert env.render().shape == (size[1], size[0], 3)


@pytest.mark.parametrize("make", [gym.make, lambda *a, **k: gym.make_vec(*a, num_envs=2, **k)])
def test_an_unknown_keyword_is_named_with_the_nearest(make):
    with pytest.raises(
        TypeError, match=r"unexpected keyword argument 'scenrio'; did you mean 'scenario'\? Allowed: "
    ):
        make(ENV_ID, scenrio="wear")
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'cylces'; did you mean 'cycles'\?"):
        make(ENV_ID, cylces=10)


@pytest.mark.parametrize(
    "bad", [-1, 3, 1.0, float("nan"), None, True, "wait", [1], np.array([1]), np.float64(1)]
)
def test_bad_actions_change_nothing(bad):
    env = springdrift.InclinedMassEnv("gradual")
    env.reset(seed=0)
    before = env.world.get_state()
    with pytest.raises(ValueError, match=r"expected one whole-number action.*0 WAIT, 1 INTERVENE, 2 RETRAIN"):
        env.step(bad)
    np.testing.assert_array_equal(before.real, env.world.batch.real)


@pytest.mark.parametrize("good", [1, Action.INTERVENE, np.int64(1), np.uint8(1), np.array(1)])
def test_integer_actions_of_every_kind_are_taken(good):
    env = springdrift.InclinedMassEnv("gradual")
    env.reset(seed=0)
    assert env.step(good)[4]["terms"]["intervene"] == Costs().intervene


def test_stepping_outside_an_episode_is_refused():
    env = springdrift.InclinedMassEnv("poc", cycles=2)
    with pytest.raises(RuntimeError, match="call reset"):
        env.step(0)
    env.reset(seed=0)
    env.step(0)
    env.step(0)
    with pytest.raises(RuntimeError, match="call reset"):
        env.step(0)


@pytest.mark.parametrize("seed", [-1, 1.5, "a", True])
def test_bad_seeds_are_refused(seed):
    with pytest.raises((ValueError, gym.error.Error), match="seed"):
        springdrift.InclinedMassEnv().reset(seed=seed)


def test_seeds_of_every_size_are_worlds_of_their_own():
    """Gymnasium draws seeds of 128 bits."""
    seeds = [7, 2**63, 2**63 + 7, 2**64 - 1, 2**64, 2**64 + 7, 2**127 + 7]
    env = springdrift.InclinedMassEnv("gradual")
    firsts = [env.reset(seed=seed)[0].tobytes() for seed in seeds]
    assert len(set(firsts)) == len(seeds)
    assert [env.reset(seed=seed)[0].tobytes() for seed in seeds] == firsts
    envs = springdrift.InclinedMassVectorEnv(len(seeds), scenario="gradual")
    assert [row.tobytes() for row in envs.reset(seed=seeds)[0]] == firsts
    assert env.np_random_seed == seeds[-1]
    assert envs.np_random_seed == tuple(seeds)


def test_reset_options_of_others_are_ignored():
    env = springdrift.InclinedMassEnv("wear")
    first = env.reset(seed=3)[0]
    np.testing.assert_array_equal(env.reset(seed=3, options={"minari_autoseed": True, 7: None})[0], first)


def test_info_is_nested_flat_or_none():
    made = {form: springdrift.InclinedMassEnv("wear", info=form) for form in ("nested", "flat", "none")}
    for env in made.values():
        env.reset(seed=1)
    steps = {form: env.step(1) for form, env in made.items()}
    nested, flat = steps["nested"][4], steps["flat"][4]
    assert flat == {
        **{f"term_{name}": value for name, value in nested["terms"].items()},
        **{f"truth_{name}": value for name, value in nested["truth"].items()},
    }
    assert set(map(type, flat.values())) == {np.float64, np.float32}  # TorchRL keeps what has a dtype
    assert steps["none"][4] == {}
    assert {step[1] for step in steps.values()} == {steps["flat"][1]}
    assert made["flat"].fork().step(0)[4].keys() == flat.keys()
    with pytest.raises(ValueError, match="unknown info 'all'; allowed: nested, flat, none"):
        springdrift.InclinedMassEnv(info="all")


def test_the_deadline_is_in_the_observation_and_a_time_limit_can_be_given():
    """Gymnasium's TimeAwareObservation asks for max_episode_steps; time_left says as much without it."""
    env = gym.make(ENV_ID, scenario="wear", cycles=20, max_episode_steps=20)
    aware = gym.wrappers.TimeAwareObservation(env, normalize_time=True)
    assert gym.spec(ENV_ID).max_episode_steps is None  # each scenario has a deadline of its own
    obs, _ = aware.reset(seed=0)
    assert obs[springdrift.OBS.index("time_left")] + obs[-1] == 1.0
    for _ in range(20):
        obs = aware.step(0)[0]
        assert obs[springdrift.OBS.index("time_left")] + obs[-1] == pytest.approx(1.0)


def test_a_spec_with_a_scenario_of_ones_own_goes_through_json():
    inner = Scenario("inner", "jumps", laws=(springdrift.Jump("stiffness", (6.0, 15.0), 2.0),))
    table = springdrift.Recurring(({"drive": 0.0}, {"drive": 1.0, "tilt": 0.5}))
    mine = Scenario("mine", "one of many", laws=(table, springdrift.Shock(0.1, 0.5)), gap=(9, 30))
    both = Scenario("both", "one of two", members=("poc", inner))
    for scenario in (mine, both):
        env = gym.make(ENV_ID, scenario=scenario, costs=Costs(retrain=5.0), cycles=30)
        again = gym.make(gym.envs.registration.EnvSpec.from_json(env.spec.to_json()))
        assert again.unwrapped.world.scenario == scenario
        assert again.unwrapped.world.costs == Costs(retrain=5.0)
        np.testing.assert_array_equal(env.reset(seed=4)[0], again.reset(seed=4)[0])
        for action in (0, 2, 1, 0, 1):
            assert env.step(action)[1] == again.step(action)[1]


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_every_scenario_is_plain_data(scenario):
    assert Scenario.from_dict(json.loads(json.dumps(scenario.to_dict()))) == scenario


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "a scenario needs 'name'"),
        ({"name": "m", "law": []}, "unknown field 'law' of a scenario; did you mean 'laws'"),
        (
            {"name": "m", "laws": [{"rate": 0.1}]},
            "a law as plain data is a mapping with 'law', one of W",
        ),
        ({"name": "m", "laws": [{"law": "Shock", "rate": 0.1}]}, "Shock needs 'size'"),
        ({"name": "m", "laws": [{"law": "Shock", "rate": 2, "size": 1}]}, "Shock.rate must be a number"),
        ({"name": "m", "params": {"stifness": 1.0}}, "unknown field 'stifness' of a scenario's params; did"),
        ({"name": "m", "onset": [5]}, "Scenario.onset must be"),
    ],
)
def test_plain_data_that_is_no_scenario_is_named(data, message):
    with pytest.raises(ValueError, match=message):
        springdrift.InclinedMassEnv(data)


def test_a_registered_scenario_is_known_by_its_name():
    mine = Scenario("registered", "a stiff spring", params=Params(stiffness=14.0))
    springdrift.register_scenario(mine)
    try:
        assert springdrift.register_scenario(mine) is mine  # again, as a module that is loaded twice does
        env = gym.make(ENV_ID, scenario="registered")
        assert env.reset(seed=0)[1]["truth"]["stiffness"] == 14.0
        assert env.reset(seed=0, options={"scenario": "stationary"})[1]["truth"]["scenario"] == 0.0
        assert springdrift.WORLDS[ENV_ID].scenarios["registered"] is mine
        with pytest.raises(ValueError, match="'registered' is taken by another one: a stiff spring"):
            springdrift.register_scenario(Scenario("registered", "another"))
    finally:
        springdrift.unregister_scenario("registered")
    with pytest.raises(ValueError, match="unknown member 'nowhere'"):
        springdrift.register_scenario(Scenario("lost", "", members=("nowhere",)))
    with pytest.raises(ValueError, match="a scenario of springdrift/InclinedMass-v0 was expected"):
        springdrift.register_scenario("wear")
    with pytest.raises(ValueError, match="unknown scenario 'registered'"):
        springdrift.InclinedMassEnv("registered")
    assert "lost" not in SCENARIOS


def test_a_fresh_process_finds_the_ids_by_the_name_of_the_module():
    """Gymnasium loads no plug-ins: a worker that imported nothing of ours needs the module in the id."""
    code = (
        "import gymnasium as gym\n"
        "env = gym.make('springdrift:springdrift/InclinedMass-v0', scenario='tilt')\n"
        "assert env.spec.id == 'springdrift/InclinedMass-v0'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_workers_of_sb3_find_the_ids():
    pytest.importorskip("stable_baselines3")
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.vec_env import SubprocVecEnv

    envs = make_vec_env(
        "springdrift:springdrift/Upkeep-v0", 1, vec_env_cls=SubprocVecEnv,
        vec_env_kwargs={"start_method": "spawn"}, env_kwargs={"render_mode": "ansi"},
    )  # fmt: skip
    assert envs.reset().shape == (1,)
    envs.close()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Scenario("s", "", onset=(0, 5)), "Scenario.onset"),
        (lambda: Scenario("s", "", noise=-1.0), "Scenario.noise"),
        (lambda: Scenario("s", "", cycles=0), "Scenario.cycles"),
        (
            lambda: springdrift.InclinedMassEnv(Scenario("s", "", members=("nowhere",))),
            "unknown member 'nowhere'",
        ),
        (
            lambda: springdrift.InclinedMassEnv(Scenario("s", "", members=("mix",))),
            "has the mixture 'mix' as a member",
        ),
        (lambda: Scenario("s", "", members=("s",)), "members of 's' holds 's' itself"),
        (lambda: Scenario("s", "", members=(Scenario("s", "one"),)), "members of 's' holds 's' itself"),
        (lambda: Scenario("s", "", members=(3,)), "must hold names or Scenarios, got 3"),
        (lambda: Scenario("s", "", members="wear"), "members must be a tuple"),
        (lambda: Scenario("s", "", members=("wear",), cycles=9), "cycles of a mixture would never be used"),
        (lambda: Scenario("s", "", members=("wear",), noise=0.1), "noise of a mixture would never be used"),
        (lambda: Scenario("s", "", members=("wear",) * 33), "at most 32 names, got 33"),
        (
            lambda: Scenario("s", "", members=(Scenario("a", "one"), Scenario("a", "two"))),
            "two different scenarios named 'a'",
        ),
        (
            lambda: Scenario("s", "", params=Params(drive_omega=26.0)),
            r"drive_omega must lie within \[-25, 25\]",
        ),
        (lambda: Scenario("s", "", params=Params(mass=2.0)), "Scenario.params.mass cannot differ from 1.0"),
    ],
)
def test_bad_scenarios_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_pickle_before_reset_and_between_processes():
    env = pickle.loads(pickle.dumps(springdrift.InclinedMassEnv("wear")))
    obs, _ = env.reset(seed=4)
    np.testing.assert_array_equal(obs, springdrift.InclinedMassEnv("wear").reset(seed=4)[0])


def test_import_is_light():
    code = (
        "import sys, springdrift\n"
        "heavy = {'torch', 'pygame', 'pandas', 'matplotlib', 'stable_baselines3'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_registration_through_gymnasium():
    code = (
        "import gymnasium as gym, springdrift\n"
        "gym.register_envs(springdrift)\n"
        "env = gym.make('springdrift/InclinedMass-v0', scenario='tilt', cycles=5)\n"
        "assert env.spec.id == springdrift.ENV_ID"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_option_that_nobody_knows_is_refused_as_python_would():
    """TorchRL's GymEnv tries ``frameskip``, and goes by the words of the error."""
    for make in (gym.make, gym.make_vec):
        with pytest.raises(TypeError, match="unexpected keyword argument 'frameskip'"):
            make(ENV_ID, frameskip=1)
