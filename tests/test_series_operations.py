"""Five decisions on series: fine-tuning, versions, rollback, and the exact optimum of them."""

import itertools

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import springdrift
from playing import play
from springdrift import SERIES_ID, SERIES_OPS_ID, WORLDS, Action
from springdrift.series import Recording, Scenario
from springdrift.series.forecaster import DAMPED, PROFILE, TUNED, Shape, tune
from springdrift.series.generator import draw
from springdrift.series.laws import BadRelease
from springdrift.series.operations import OPS_SCENARIOS, SeriesOpsWorld, TimeSeriesOpsEnv
from springdrift.series.optimum import cost_of, optimum, terms_of
from springdrift.series.scenario import GENERATED
from springdrift.series.staleness import harmonics_of, say_all
from springdrift.series.state import ANCHOR, DEPLOYED, TRAINED
from springdrift.series.versions_optimum import MOST_OPS_CYCLES
from springdrift.series.versions_problem import (
    COMMISSIONED,
    NONE,
    OpsProblem,
    Version,
    cost_in,
    deployed_in,
    triangle,
)
from springdrift_agents.evaluation.rollout import begun
from springdrift_agents.evaluation.seeds import world_seeds
from springdrift_agents.evaluation.statistics import mean_interval
from springdrift_agents.planning.regret import regret
from springdrift_agents.policies.registry import policy

WAIT, INTERVENE, RETRAIN, FINE_TUNE, ROLLBACK = Action
SHAPE = Shape(period=24, long_period=7, window=14, delay=0, baseline=0)


def model_of(env, which):
    """Coefficients of a single env."""
    return env.world.lanes.models[0, which].copy()


def test_a_rollback_gives_exactly_the_errors_of_the_version_before():
    old = play(TimeSeriesOpsEnv("two-speed"), [WAIT] * 150)
    back = play(
        TimeSeriesOpsEnv("two-speed"), [WAIT] * 60 + [RETRAIN] + [WAIT] * 20 + [ROLLBACK] + [WAIT] * 68
    )
    errors = [[step[4]["truth"]["error"] for step in told] for told in (old, back)]
    assert errors[0][:63] == errors[1][:63]
    assert errors[0][63:81] != errors[1][63:81]
    assert errors[0][81:] == errors[1][81:]


def test_versions_have_numbers_parents_and_windows():
    env = TimeSeriesOpsEnv("stationary")
    told = [step[4]["version"] for step in play(env, [WAIT] * 4 + [FINE_TUNE, WAIT, RETRAIN] + [WAIT] * 4)]
    assert told[0] == {
        **{
            "number": 0.0,
            "parent": -1.0,
            "fitted_from": -14.0,
            "fitted_to": 0.0,
            "served": 1.0,
            "tuned": 0.0,
        },
        "fit_error": told[0]["fit_error"],
    }
    tuned, fresh = told[5], told[9]
    assert (tuned["number"], tuned["parent"], tuned["tuned"], tuned["served"]) == (1.0, 0.0, 1.0, 1.0)
    assert (tuned["fitted_from"], tuned["fitted_to"]) == (4.0 - TUNED, 4.0)
    assert (fresh["number"], fresh["parent"], fresh["tuned"], fresh["served"]) == (2.0, 1.0, 0.0, 1.0)
    assert (fresh["fitted_from"], fresh["fitted_to"]) == (-8.0, 6.0)
    back = env.step(ROLLBACK)[4]["version"]
    assert (back["number"], back["served"], back["fitted_to"]) == (1.0, 5.0, 4.0)
    again = env.step(ROLLBACK)[4]["version"]  # it takes the rollback back
    assert (again["number"], again["served"]) == (2.0, fresh["served"] + 2.0)
    assert env.step(FINE_TUNE)[4]["version"]["number"] == 3.0


@pytest.mark.parametrize(("delay", "long_period"), [(0, 0), (0, 7), (2, 7)])
def test_a_fine_tuning_is_a_ridge_regression_toward_its_anchor(delay, long_period):
    """By the textbook: what the anchor leaves, on standardised columns, with a free constant."""
    shape = SHAPE._replace(delay=delay, long_period=long_period)
    seen = draw(GENERATED["gradual"], 3, cycles=60, history=shape.history).seen
    rng, at, waves = np.random.default_rng(0), 50, harmonics_of(shape)
    anchor, model = rng.normal(size=PROFILE + 24) * 0.3, np.empty(PROFILE + 24)
    error = tune(seen, at, 0, shape, waves, anchor, 3, (40.0, 9.0), model)
    values, said, rows, rest = seen.astype(np.float64), np.empty((1, 24)), [], []
    for t in range(at - delay - 3, at - delay):
        say_all(anchor, seen, t, shape, said)
        for j in range(24):
            long = [f(2 * np.pi * t / 7) for f in (np.sin, np.cos)] if long_period else []
            lags = [values[t - 1 - delay, j], values[t - 2 - delay, j], values[t - 1 - delay].mean()]
            rows.append([*lags, *long, *waves[j]])
            rest.append(values[t, j] - said[0, j])
    x, left = np.array(rows), np.array(rest)
    home, centre = left.mean(), x.mean(0)
    centred, pull = x - centre, np.array([40.0] * (x.shape[1] - 8) + [9.0] * 8)
    beta = np.linalg.solve(centred.T @ centred + np.diag(pull * x.var(0)), centred.T @ (left - home))
    change = x @ beta + home - centre @ beta
    assert error == pytest.approx(np.sqrt(np.mean((left - change) ** 2)), rel=1e-5)
    new = np.empty((1, 24))
    for n, t in enumerate(range(at - delay - 3, at - delay)):
        say_all(model, seen, t, shape, new)
        say_all(anchor, seen, t, shape, said)
        np.testing.assert_allclose((new - said)[0], change[24 * n : 24 * n + 24], atol=2e-5)


def test_a_fine_tuning_without_a_cycle_to_see_is_its_anchor():
    shape = Shape(period=6, long_period=0, window=5, delay=0, baseline=0)
    seen, anchor, model = np.ones((20, 6), np.float32), np.arange(13.0), np.empty(13)
    assert tune(seen, 12, 12, shape, harmonics_of(shape), anchor, 3, (40.0, 9.0), model) == 0.0
    np.testing.assert_array_equal(model, anchor)


def test_whatever_was_fine_tuned_before_it_leans_on_the_last_retraining():
    env = TimeSeriesOpsEnv("gradual")
    env.reset(seed=1)
    anchor = model_of(env, DEPLOYED)
    for action in (FINE_TUNE, WAIT, FINE_TUNE, FINE_TUNE, WAIT):
        env.step(action)
    np.testing.assert_array_equal(model_of(env, ANCHOR), anchor)
    once = TimeSeriesOpsEnv("gradual")
    play(once, [WAIT] * 5 + [FINE_TUNE], seed=1)
    env.step(FINE_TUNE)
    np.testing.assert_array_equal(model_of(env, DEPLOYED), model_of(once, DEPLOYED))


def test_a_bad_release_serves_what_was_not_fitted_and_a_fine_tuning_starts_from_what_was():
    every = Scenario("bad", "every deployment goes wrong", (BadRelease(1.0),))
    env = TimeSeriesOpsEnv(every)
    info = play(env, [WAIT, RETRAIN, WAIT, WAIT])[-1][4]
    assert info["truth"]["bad"] == 1.0
    np.testing.assert_array_equal(model_of(env, DEPLOYED), DAMPED * model_of(env, TRAINED))
    np.testing.assert_array_equal(model_of(env, ANCHOR), model_of(env, TRAINED))
    calm = play(TimeSeriesOpsEnv("stationary"), [FINE_TUNE, WAIT, WAIT])
    spoilt = play(TimeSeriesOpsEnv(every), [FINE_TUNE, WAIT, WAIT])
    assert spoilt[2][4]["truth"]["error"] > 3 * calm[2][4]["truth"]["error"]
    assert spoilt[2][4]["version"]["fit_error"] == calm[2][4]["version"]["fit_error"]  # it looked right


@pytest.mark.parametrize("delay", [0, 3])
def test_what_the_version_before_would_have_said_is_shown(delay):
    """It has the error that the same version shows of that cycle in a twin in which it still serves."""
    waiting, replaced = (TimeSeriesOpsEnv("two-speed", label_delay=delay) for _ in range(2))
    place = WORLDS[SERIES_OPS_ID].world.observations["monitor"].index("previous_error")
    own = play(waiting, [WAIT] * 40)
    other = play(replaced, [WAIT] * 4 + [FINE_TUNE] + [WAIT] * 35)
    assert {step[0][place] for step in other[:4]} == {1.0}  # there is none
    for mine, theirs in zip(own[4 + delay :], other[4 + delay :], strict=True):
        assert theirs[0][place] == pytest.approx(mine[0][springdrift.OBS.index("error")], abs=1e-5)


@pytest.mark.parametrize("scenario", ["compound", "release-train"])
def test_a_recording_and_the_series_it_was_taken_of_are_one_world_bit_for_bit(scenario):
    """Look-ups in the staleness matrix, kept coefficients, and fits on demand give the same episode."""
    actions = np.random.default_rng(5).choice(5, 200, p=(0.6, 0.1, 0.1, 0.1, 0.1))
    recording = Recording.generated(GENERATED[scenario], seed=7)
    drawn, recorded = (play(TimeSeriesOpsEnv(one), actions, seed=7) for one in (scenario, recording))
    for mine, theirs in zip(drawn, recorded, strict=True):
        np.testing.assert_array_equal(mine[0], theirs[0])
        assert mine[1] == theirs[1]
        assert mine[4]["version"] == theirs[4]["version"]


def test_a_mixture_may_be_of_recordings_of_other_shapes():
    env = TimeSeriesOpsEnv(Scenario("real", "", members=("co2", "elnino", "abrupt")), cycles=40)
    for seed in range(6):
        told = play(env, [FINE_TUNE, WAIT, RETRAIN, WAIT, WAIT, ROLLBACK] * 6, seed=seed)
        assert np.isfinite([step[1] for step in told]).all()


def test_a_model_of_ones_own_is_refused():
    with pytest.raises(ValueError, match="cannot be fine-tuned: model must be 'ridge'"):
        TimeSeriesOpsEnv("co2", model=lambda: None)


@pytest.mark.parametrize("scenario", ["bad-release", "returning", "two-speed", "mix-ops", "co2"])
def test_contract_holds_in_the_new_scenarios(scenario):
    for observe in WORLDS[SERIES_OPS_ID].world.observations:
        springdrift.check(gym.make(SERIES_OPS_ID, scenario=scenario, observe=observe, cycles=30), seed=11)


@settings(max_examples=25, deadline=None)
@given(
    scenario=st.sampled_from(sorted(OPS_SCENARIOS.generated())),
    seed=st.integers(0, 2**63 - 1),
    delay=st.integers(0, 3),
    actions=st.lists(st.integers(0, 4), min_size=1, max_size=40),
)
def test_properties(scenario, seed, delay, actions):
    env = TimeSeriesOpsEnv(scenario, label_delay=delay)
    obs, info = env.reset(seed=seed)
    for action in actions:
        twin, masks = env.fork(), env.action_masks()
        assert env.observation_space.contains(obs)
        obs, reward, terminated, _, info = env.step(action)
        assert twin.step(action)[1] == reward
        assert reward == pytest.approx(-sum(info["terms"].values()), abs=1e-12)
        fee = {2: "retrain", 3: "fine_tune", 4: "rollback"}.get(action)
        assert fee is None or (info["terms"][fee] > 0.0) == bool(masks[action])
        assert np.isfinite(env.world.lanes.models).all()
        assert info["version"]["number"] != info["truth"]["previous_version"]
        if terminated:
            break


def test_one_world_or_many_the_bits_are_the_same():
    decisions = np.random.default_rng(0).choice(5, size=(50, 9), p=(0.6, 0.1, 0.1, 0.1, 0.1))

    def run(seeds, rows):
        world = SeriesOpsWorld(len(seeds), "mix-ops")
        world.seed(np.arange(len(seeds)), np.array(seeds, np.uint64))
        world.begin(np.ones(len(seeds), bool))
        for row in rows:
            world.advance(row.astype(np.int64))
            yield world.out.obs[-1].copy(), world.out.reward[-1], world.out.truth[:, -1].copy()

    for one, other in zip(run(range(9), decisions), run([8], decisions[:, 8:]), strict=True):
        for mine, theirs in zip(one, other, strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_versions_of_a_state_are_whole_numbers():
    env = TimeSeriesOpsEnv("returning")
    play(env, [FINE_TUNE, WAIT, RETRAIN, WAIT])
    moment = env.get_state()
    lanes = moment.world.lanes
    for value in (0.5, np.nan, 1e20):
        versions = lanes.versions.copy()
        versions[0, 0, 0] = value
        with pytest.raises(ValueError, match="versions' number must be whole numbers"):
            env.set_state(
                moment._replace(world=moment.world._replace(lanes=lanes._replace(versions=versions)))
            )


def test_a_film_shows_what_the_version_in_service_said():
    env = TimeSeriesOpsEnv(Scenario("bad", "", (BadRelease(1.0),)), cycles=12)
    recorder = env.recorder(env.world)
    env.reset(seed=2)
    recorder.begin()
    for action in (WAIT, FINE_TUNE, WAIT, WAIT, ROLLBACK, WAIT):
        recorder.before(action)
        env.step(action)
        recorder.after()
    frame = recorder.now()
    wrong = (frame.forecast - frame.measured).reshape(-1, 24)
    shown = np.sqrt((wrong**2).mean(1)) / env.world.lanes.state[0, 5]
    place = env.world.truth_names.index("error")
    assert shown[2] > 2 * shown[0]
    assert shown[-1] < 2 * shown[0]
    assert shown[-1] == pytest.approx(env.world.out.truth[place, 0], rel=1e-4)
    windows = [(one.deployed, one.fitted) for one in frame.versions]
    assert windows == [(0, (-14, 0)), (2, (1 - TUNED, 1)), (4, (-14, 0))]
    served = [(one.number, one.since, one.tuned, one.back) for one in frame.services]
    assert served == [(0, 0, False, False), (1, 2, True, False), (0, 4, False, True)]


# ---------------------------------------------------------------- the exact optimum


def a_problem(cycles, rng, latency=2, release_every=0):
    return OpsProblem(
        *(rng.uniform(0, 2, (cycles + 1, cycles)), rng.uniform(0, 2, (triangle(0, cycles), cycles))),
        *(rng.uniform(0.6, 2, cycles), 0.3, 0.8, 0.4, 0.2, latency, release_every),
    )


@pytest.mark.parametrize(("latency", "release_every"), [(1, 0), (2, 0), (3, 0), (2, 3), (1, 2)])
@pytest.mark.parametrize("cycles", [1, 2, 4, 5])
def test_the_optimum_is_that_of_brute_force(latency, release_every, cycles):
    rng = np.random.default_rng(latency * 10 + release_every)
    for _ in range(2):
        p = a_problem(cycles, rng, latency, release_every)
        every = itertools.product(range(5), repeat=cycles)
        best = min(cost_of(p, actions) for actions in every)
        found = optimum(p)
        assert found.cost == pytest.approx(best, abs=1e-12)
        assert cost_of(p, found.actions) == found.cost


def cheapest(p):
    """The optimum by another way: forward, over every state that can be reached, each with its least cost."""
    states = {(COMMISSIONED, None, None, NONE): 0.0}
    for t in range(p.cycles):
        onward = {}
        for (serving, before, training, lands), paid in states.items():
            if lands == t:
                serving, before, training, lands = training, serving, None, NONE
            held, own = (training, lands), cost_in(p, serving, t)
            ways = [(min(own, p.naive[t]), (serving, before, *held))]
            if before is not None:
                ways.append((p.rollback + cost_in(p, before, t), (before, serving, *held)))
            if training is None:
                asked = (Version(t + 1, t, False), deployed_in(t, p.latency, p.release_every))
                ways.append((p.retrain + own, (serving, before, *asked)))
                asked = (Version(serving.anchor, t, True), t + 1)
                ways.append((p.fine_tune + own, (serving, before, *asked)))
            for cost, state in ways:
                onward[state] = min(paid + cost, onward.get(state, np.inf))
        states = onward
    return min(states.values())


@pytest.mark.parametrize(("latency", "release_every"), [(1, 0), (2, 0), (3, 0), (5, 0), (2, 5), (3, 4)])
def test_the_optimum_of_longer_episodes_is_that_of_a_forward_search(latency, release_every):
    rng = np.random.default_rng(latency + 100 * release_every)
    for cycles in (9, 14):
        p = a_problem(cycles, rng, latency, release_every)
        assert optimum(p).cost == pytest.approx(cheapest(p), abs=1e-9)


@pytest.mark.parametrize("scenario", ["returning", "release-train"])
def test_the_optimum_of_a_default_episode_lies_between_its_bounds_and_replays(scenario):
    """Beneath: the cheapest version of every cycle, for nothing. Above: one decision, or many, otherwise."""
    env = TimeSeriesOpsEnv(scenario)
    env.reset(seed=4)
    p, rng = env.world.problem(), np.random.default_rng(1)
    best = optimum(p)
    assert len(best.actions) == 200
    again = -sum(step[1] for step in play(env, best.actions, seed=4))
    assert again == pytest.approx(best.cost, abs=1e-5)
    free = [
        min(p.naive[t], p.fits[: t + 1, t].min(), p.tuned[: triangle(0, t), t].min(initial=np.inf))
        for t in range(200)
    ]
    assert sum(free) <= best.cost
    for changes in (1, 1, 1, 2, 5, 20) * 20:
        other = best.actions.copy()
        other[rng.integers(200, size=changes)] = rng.integers(5, size=changes)
        assert cost_of(p, other) >= best.cost - 1e-9


def test_an_episode_too_long_for_the_optimum_is_refused():
    p = a_problem(2, np.random.default_rng(0))
    with pytest.raises(ValueError, match=f"at most {MOST_OPS_CYCLES} cycles, got {MOST_OPS_CYCLES + 1}"):
        optimum(p._replace(naive=np.zeros(MOST_OPS_CYCLES + 1)))


def test_the_optimum_uses_every_decision_where_it_pays():
    rng = np.random.default_rng(0)
    used = {int(a) for _ in range(5) for a in optimum(a_problem(12, rng)).actions}
    assert used == {0, 1, 2, 3, 4}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scenario", "left_out"),
    [("abrupt", INTERVENE), ("returning", RETRAIN), ("tilt", FINE_TUNE), ("returning", ROLLBACK)],
)
def test_even_who_knows_the_future_pays_for_leaving_a_decision_out(scenario, left_out):
    """Every decision is worth its place, whatever rules make of it: the optimum costs more without."""
    world = begun(world_seeds("evaluation", 0, 12), scenario, env=SERIES_OPS_ID, cycles=120)
    more = []
    for p in map(world.problem, range(12)):
        dear = {"naive": p.naive + 1e6} if left_out == INTERVENE else {left_out.name.lower(): 1e6}
        more.append(optimum(p._replace(**dear)).cost - optimum(p).cost)
    assert min(more) > -1e-9
    assert mean_interval(np.array(more)).low > 0.0


@pytest.mark.parametrize("options", [{}, {"label_delay": 2, "latency": 5, "baseline": "mean"}])
@pytest.mark.parametrize("scenario", ["bad-release", "returning", "poc", "release-train", "elnino"])
def test_what_an_episode_costs_is_what_its_schedule_costs(scenario, options):
    """Two implementations of one world: lanes that fit when asked, and the table of all versions."""
    env = TimeSeriesOpsEnv(scenario, cycles=40, **options)
    actions = np.random.default_rng(2).choice(5, 40, p=(0.6, 0.1, 0.1, 0.1, 0.1))
    told = play(env, actions, seed=5)
    p = env.world.problem()
    for name, value in terms_of(p, actions).items():
        assert value == pytest.approx(sum(step[4]["terms"][name] for step in told), abs=1e-6)
    best = optimum(p)
    assert best.cost <= -sum(step[1] for step in told) + 1e-9
    again = -sum(step[1] for step in play(env, best.actions, seed=5))
    assert again == pytest.approx(best.cost, abs=1e-6)


@pytest.mark.parametrize("scenario", ["abrupt", pytest.param("gradual", marks=pytest.mark.slow)])
def test_five_decisions_are_never_worse_than_three(scenario):
    costs = []
    for id in (SERIES_ID, SERIES_OPS_ID):
        env = gym.make(id, scenario=scenario).unwrapped
        env.reset(seed=8)
        costs.append(optimum(env.world.problem()).cost)
    assert costs[1] <= costs[0] + 1e-6


def test_regret_is_counted_from_the_optimum():
    """Of a policy: its cost less that of the best schedule there is, by cause, and never below 0."""
    policies = {spec: policy(spec) for spec in ("never", "champion", "operations:error=0.4:tune=0.25")}
    split, traces = regret(policies, "bad-release", 1, env=SERIES_OPS_ID)
    world = begun(world_seeds("evaluation", 0, 1), "bad-release", env=SERIES_OPS_ID)
    best = [optimum(world.problem(0)).cost]
    np.testing.assert_allclose(traces["hindsight"].terms.sum(axis=(0, 2)), best, atol=1e-5)
    for name, causes in split.items():
        np.testing.assert_allclose(causes.sum(axis=1), traces[name].terms.sum(axis=(0, 2)) - best, atol=1e-5)
        assert (causes.sum(axis=1) >= -1e-5).all()
