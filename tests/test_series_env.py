"""springdrift/TimeSeries-v0: what is particular to it. What every world keeps is tested with all of them."""

import json
import sys

import gymnasium as gym
import numpy as np
import pytest

import springdrift
from springdrift.game.plain import plain
from springdrift.series import Recording, Scenario, SeriesWorld, Trend, cost_of, gradient_boosting, optimum
from springdrift.series.catalogue import SCENARIOS
from springdrift.series.env import TimeSeriesEnv, TimeSeriesVectorEnv
from springdrift.series.generator import draw
from springdrift.series.scenario import GENERATED
from springdrift.series.state import CYCLE, DEADLINE

PLAIN = [name for name, scenario in GENERATED.items() if not scenario.members]


def play(env, actions, seed=0):
    obs, info = env.reset(seed=seed)
    seen = [(obs, 0.0, info)]
    for action in actions:
        obs, reward, over, _, info = env.step(int(action))
        seen.append((obs, reward, info))
        if over:
            break
    return seen


def some_actions(n, seed=0):
    return np.random.default_rng(seed).choice(3, n, p=(0.7, 0.2, 0.1))


@pytest.mark.parametrize("options", [{}, {"label_delay": 3, "latency": 5, "baseline": "mean"}])
@pytest.mark.parametrize("name", PLAIN)
def test_what_an_episode_costs_is_what_its_schedule_costs_on_the_staleness_matrix(name, options):
    """Two implementations of one world: lanes that fit when asked, and the table of all fits."""
    env = TimeSeriesEnv(name, **options)
    actions = some_actions(GENERATED[name].cycles)
    total = -sum(reward for _, reward, _ in play(env, actions, seed=5))
    p = env.world.problem()
    assert total == pytest.approx(cost_of(p, actions), abs=1e-9)
    assert optimum(p).cost <= total


@pytest.mark.parametrize("name", ["compound", "release-train", "faulty-sensor"])
def test_a_recording_and_the_series_it_was_taken_of_are_one_world_bit_for_bit(name):
    """A table look-up and a fit on demand give the same episode."""
    scenario = GENERATED[name]
    recording = Recording.generated(scenario, seed=7)
    actions = some_actions(200, seed=1)
    drawn = play(TimeSeriesEnv(name), actions, seed=7)
    recorded = play(TimeSeriesEnv(recording), actions, seed=3)
    assert len(drawn) == len(recorded) == 201
    for one, other in zip(drawn, recorded, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        assert one[1] == other[1]
        assert one[2]["terms"] == other[2]["terms"]


def test_an_episode_on_a_recording_is_a_slice_of_it():
    env = TimeSeriesEnv("electricity", cycles=50)
    starts = {int(env.reset(seed=seed)[1]["truth"]["start"]) for seed in range(30)}
    assert len(starts) > 20
    shape = env.world.shapes[0]
    assert min(starts) >= shape.history
    assert max(starts) <= 1096 - 50
    whole = TimeSeriesEnv("co2", cycles=511)
    assert whole.reset(seed=0)[1]["truth"]["start"] == whole.reset(seed=1)[1]["truth"]["start"] == 60


def test_waiting_costs_the_forecast_and_nothing_else():
    seen = play(TimeSeriesEnv("stationary"), [0] * 200)
    for _, reward, info in seen[1:]:
        assert info["terms"]["intervene"] == info["terms"]["retrain"] == 0.0
        error = info["truth"]["error"]
        assert -reward == pytest.approx(3.0 * min(error**2, 1.0), rel=1e-5)


def test_an_intervention_serves_the_baseline_for_its_fee_and_cures_nothing():
    waited, acted = (play(TimeSeriesEnv("abrupt"), [a] * 200) for a in (0, 1))
    for (_, _, one), (_, reward, other) in zip(waited[1:], acted[1:], strict=True):
        assert one["truth"]["error"] == other["truth"]["error"]
        assert one["truth"]["naive_error"] == other["truth"]["naive_error"]
        served = 3.0 * min(other["truth"]["naive_error"] ** 2, 1.0)
        assert -reward == pytest.approx(0.6 + served, rel=1e-5)


@pytest.mark.parametrize("latency", [1, 3])
def test_a_retraining_is_paid_once_and_live_after_its_latency(latency):
    env = TimeSeriesEnv("gradual", latency=latency)
    seen = play(env, [2] * 40)
    paid = [info["terms"]["retrain"] for _, _, info in seen[1:]]
    assert np.flatnonzero(paid).tolist() == list(range(0, 40, latency))
    versions = [int(info["truth"]["version"]) - 23 for _, _, info in seen]
    assert versions[latency] == 0
    assert versions[latency * 2] == latency
    assert env.action_masks().tolist() == [True, True, 40 % latency == 0]


def test_a_model_ships_only_in_a_release_slot():
    seen = play(TimeSeriesEnv("release-train"), [0] * 12 + [2] + [0] * 20)
    versions = [int(info["truth"]["version"]) - 23 for _, _, info in seen]
    assert versions[19] == 0
    assert versions[20] == 12


@pytest.mark.parametrize("delay", [0, 2, 7])
def test_the_dashboard_shows_no_cycle_before_it_is_known(delay):
    """What the operator sees of the error is the true course of it, so many cycles late."""
    env = TimeSeriesEnv("abrupt", label_delay=delay)
    seen = play(env, [0] * 100)
    column = springdrift.OBS.index("error")
    shown = [obs[column] for obs, _, _ in seen]
    true = [(info["truth"]["error"] - 0.25) / (info["truth"]["error"] + 0.25) for _, _, info in seen]
    np.testing.assert_allclose(shown[1 + delay :], true[1 : 101 - delay], atol=1e-6)
    assert len(set(shown[: 1 + delay])) == 1


def test_the_columns_read_as_they_are_documented():
    env = TimeSeriesEnv("stationary")
    seen = np.array([obs for obs, _, _ in play(env, [0] * 200)])
    of = {name: seen[5:, springdrift.OBS.index(name)] for name in springdrift.OBS.names}
    error = 0.25 * (1 + of["error"]) / (1 - of["error"])
    assert np.median(error) == pytest.approx(0.1, rel=0.25)  # as good as on its first day
    assert (of["swing"] == 0.0).mean() > 0.95  # no worse than the baseline
    assert of["correlation"].min() > 0.9
    assert (of["override_effect"] == 0.0).all()
    assert np.abs(of["level"]).max() < 0.5
    env = TimeSeriesEnv("abrupt")
    stale = np.array([obs for obs, _, _ in play(env, [0] * 200)])
    of = {name: stale[:, springdrift.OBS.index(name)] for name in springdrift.OBS.names}
    assert of["swing"].min() < -0.5
    assert of["alarm"].max() > 0.5


def test_an_override_says_what_it_spared():
    quiet = play(TimeSeriesEnv("stationary"), [0] * 20 + [1] + [0] * 5)
    stale = play(TimeSeriesEnv("abrupt", cycles=200), [0] * 190 + [1])
    column = springdrift.OBS.index("override_effect")
    assert quiet[21][0][column] == quiet[25][0][column] < 0.0
    assert stale[-1][0][column] > 0.3
    assert stale[-1][0][column] == pytest.approx(-stale[-1][0][springdrift.OBS.index("swing")])


def test_a_cold_start_has_no_model_and_little_to_fit():
    seen = play(TimeSeriesEnv("poc"), [0] * 8 + [2] + [0] * 31)
    costs = np.array([info["terms"]["forecast"] for _, _, info in seen[1:]])
    assert costs[:8].min() > 10 * costs[15:].max()


def test_every_kind_of_observation_fits_its_table():
    for observe in ("monitor", "signals", "truth"):
        envs = TimeSeriesVectorEnv(16, "mix", observe=observe, label_delay=2)
        obs, _ = envs.reset(seed=3)
        for action in some_actions(60):
            assert envs.observation_space.contains(obs)
            obs = envs.step(np.full(16, action))[0]


def test_signals_show_the_last_known_cycles():
    plain, signals = (TimeSeriesEnv("abrupt", observe=kind) for kind in ("monitor", "signals"))
    one, other = (play(env, [0] * 60) for env in (plain, signals))
    newest = signals.world.observation.index("error_1_ago")
    column = springdrift.OBS.index("error")
    for t in range(1, 61):
        for ago in range(min(t, 8)):
            assert other[t][0][newest - ago] == one[t - ago][0][column]


def test_the_series_of_an_episode_is_the_one_that_draw_gives():
    env = TimeSeriesEnv("recurring")
    seen = play(env, [0] * 200, seed=11)
    truth = draw(GENERATED["recurring"], 11).truth
    keys = [info["truth"]["driver_key"] for _, _, info in seen[1:]]
    np.testing.assert_array_equal(keys, truth[23:, 7])


def test_a_mixture_may_be_of_recordings():
    real = Scenario("real", "recordings", members=("co2", "elnino", "abrupt"))
    env = TimeSeriesEnv(real, cycles=100)
    rows = {int(env.reset(seed=seed)[1]["truth"]["scenario"]) for seed in range(30)}
    assert {env.world.names[row] for row in rows} == {"co2", "elnino", "abrupt"}


class Tree:
    """An estimator with scikit-learn's methods: the mean of the training cycles by place in the cycle."""

    def fit(self, x, y):
        self.mean_ = y.reshape(-1, 24).mean(0)
        return self

    def predict(self, x):
        return np.resize(self.mean_, len(x))


def test_a_model_of_ones_own_is_served_on_a_recording(tmp_path):
    env = TimeSeriesEnv("traffic", model=Tree, cache=str(tmp_path), cycles=60)
    total = -sum(reward for _, reward, _ in play(env, some_actions(60), seed=2))
    assert total == pytest.approx(cost_of(env.world.problem(), some_actions(60)), abs=1e-9)
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(ValueError, match="takes a recording, got the scenario 'abrupt'"):
        TimeSeriesEnv("abrupt", model=Tree)


def test_gradient_boosting_goes_through_the_same_staleness_matrix(tmp_path, monkeypatch):
    pytest.importorskip("sklearn")
    series = Recording.generated(SCENARIOS["gradual"], seed=1, cycles=20)
    options = {"model": gradient_boosting, "cache": str(tmp_path), "cycles": 15}
    env = TimeSeriesEnv(series, **options)
    total = -sum(reward for _, reward, _ in play(env, some_actions(15), seed=2))
    problem = env.world.problem()
    assert total == pytest.approx(cost_of(problem, some_actions(15)), abs=1e-9)
    assert optimum(problem).cost <= total
    made = env.world.tables[0]
    monkeypatch.setattr(
        sys.modules["springdrift.series.estimators"], "_one_fit", None
    )  # all fits are read back
    again = TimeSeriesEnv(series, **options).world.tables[0]
    np.testing.assert_array_equal(made.stats, again.stats)


@pytest.mark.slow
def test_fits_side_by_side_are_those_made_one_by_one():
    pytest.importorskip("sklearn")
    series = Recording.generated(SCENARIOS["gradual"], seed=1, cycles=12)
    one, two = (
        TimeSeriesEnv(series, model=gradient_boosting, cycles=10, jobs=jobs).world.tables[0]
        for jobs in (1, 2)
    )
    np.testing.assert_array_equal(one.stats, two.stats)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scenario": "c02"}, "unknown scenario 'c02'; did you mean 'co2'"),
        ({"scenario": "co2", "cycles": 9999}, "cycles .of the recording 'co2', history aside. must be"),
        ({"observe": "everything"}, "unknown observe 'everything'; allowed: monitor, signals, truth"),
        ({"baseline": "best"}, "unknown baseline 'best'; allowed: last, season, mean"),
        ({"label_delay": -1}, "label_delay must be a whole number from 0 to 100"),
        ({"window": 1}, "window must be a whole number from 2"),
        ({"latency": 0}, "latency must be a whole number from 1"),
        ({"costs": {"swing": 1.0}}, "unknown cost 'swing'"),
        ({"scenario": "generation", "window": 60}, "85 cycles are too few"),
        ({"scenario": Scenario("two", "", members=("mix",))}, "has the mixture 'mix' as a member"),
    ],
)
def test_a_bad_option_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        TimeSeriesEnv(**options)


def test_a_state_that_does_not_fit_is_refused_and_changes_nothing():
    env = TimeSeriesEnv("abrupt")
    play(env, [0] * 10)
    state = env.get_state()
    with pytest.raises(ValueError, match="scenario='abrupt', and this has scenario='gradual'"):
        TimeSeriesEnv("gradual").set_state(state)
    world = state.world
    for cycle, deadline in ((1e9, 1e9), (10.0, 1e9), (10.0, 11.0), (10.0, -1.0)):
        broken = world.lanes.state.copy()
        broken[0, CYCLE], broken[0, DEADLINE] = cycle, deadline
        with pytest.raises(ValueError, match="must lie within its series"):
            env.set_state(state._replace(world=world._replace(lanes=world.lanes._replace(state=broken))))
    assert env.step(0)[4]["truth"]["cycle"] == 11


def test_the_registered_env_is_made_by_name():
    env = gym.make(springdrift.SERIES_ID, scenario="elnino")
    assert env.reset(seed=0)[0].shape == (18,)
    assert set(SCENARIOS) >= {"mix", "co2"}
    assert isinstance(env.unwrapped.world, SeriesWorld)


@pytest.mark.parametrize(
    "scenario", ["co2", Recording.of("mine", np.random.default_rng(0).random(400), 8), "abrupt"]
)
def test_an_env_can_be_written_down_and_made_again(scenario):
    env = TimeSeriesEnv(scenario, cycles=10)
    again = TimeSeriesEnv(json.loads(json.dumps(plain(env.world.scenario))), cycles=10)
    for one, other in zip(play(env, [0] * 10), play(again, [0] * 10), strict=True):
        np.testing.assert_array_equal(one[0], other[0])


def test_a_scenario_of_ones_own_is_known_by_its_name():
    mine = Scenario("mine", "the level creeps", laws=(Trend("level", (0.1, 0.1), (-5.0, 5.0)),))
    springdrift.register_scenario(mine, springdrift.SERIES_ID)
    try:
        assert TimeSeriesEnv("mine").world.scenario is mine
        assert TimeSeriesEnv("mix").reset(seed=0, options={"scenario": "mine"})[1]["truth"]["onset"] > 0
    finally:
        springdrift.registry.unregister_scenario("mine", springdrift.SERIES_ID)
    with pytest.raises(ValueError, match="unknown scenario 'mine'"):
        TimeSeriesEnv("mine")
