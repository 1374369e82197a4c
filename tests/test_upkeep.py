"""Upkeep: the toy-text contract, planning against closed forms, and agreement with the big world."""

import json
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given
from hypothesis import strategies as st
from stable_baselines3.common.evaluation import evaluate_policy as sb3_evaluate

import springdrift
from springdrift import UPKEEP_ID, Action, InclinedMassVectorEnv, UpkeepEnv
from springdrift.incline.reward import TARGET
from springdrift.upkeep.env import (
    CYCLES,
    DATA,
    FAR,
    IN_TRAINING,
    LEVELS,
    MIXED,
    OFF,
    STALE,
    STATES,
    counts,
    decode,
    encode,
    grid,
    training_of,
    transitions,
)
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.planning import upkeep_fit
from springdrift_agents.planning.exact import (
    backward_induction,
    evaluate_policy,
    policy_iteration,
    value_iteration,
)
from springdrift_agents.planning.upkeep_fit import UpkeepPolicy, both_worlds, count, simple_policies, states
from springdrift_agents.policies.registry import policy

WAIT, INTERVENE, RETRAIN = Action.WAIT, Action.INTERVENE, Action.RETRAIN


@pytest.fixture(scope="module")
def env():
    return UpkeepEnv()


@pytest.fixture(scope="module")
def optimum(env):
    return value_iteration(env.P)


# ---------------------------------------------------------------- the world


def test_contract():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gym.make(UPKEEP_ID, render_mode="ansi").unwrapped)


def test_registered_with_the_deadline_of_the_big_world():
    env = gym.make(UPKEEP_ID)
    env.reset(seed=0)
    ends = [env.step(WAIT)[2:4] for _ in range(200)]
    assert ends == [(False, False)] * 199 + [(False, True)]
    assert springdrift.SCENARIOS[upkeep_fit.SCENARIO].cycles == CYCLES == 200


def test_table_is_a_toy_text_one(env):
    assert sorted(env.P) == list(range(STATES))
    for row in env.P.values():
        assert sorted(row) == list(range(3))
        for outcomes in row.values():
            assert sum(outcome[0] for outcome in outcomes) == pytest.approx(1.0, abs=1e-12)
            for probability, following, reward, terminated in outcomes:
                assert 0.0 < probability <= 1.0
                assert 0 <= following < STATES
                assert reward <= 0.0
                assert terminated is False
    assert env.initial_state_distrib.sum() == pytest.approx(1.0)
    assert env.initial_state_distrib.shape == (STATES,)


def test_training_takes_its_course(env):
    after = {"idle": {"idle"}, "2 left": {"1 left"}, "1 left": {"new"}, "new": {"idle"}}
    for state, row in env.P.items():
        training = decode(state).training
        for action, outcomes in row.items():
            asked = action == RETRAIN and training in ("idle", "new")
            seen = {decode(outcome[1]).training for outcome in outcomes}
            assert seen == ({"2 left"} if asked else after[training])
        if training_of(state) in IN_TRAINING:
            assert row[RETRAIN] == row[WAIT]


@given(staleness=st.integers(0, 2), swing=st.integers(0, 2), training=st.integers(0, 3))
def test_encode_and_decode_are_inverse(staleness, swing, training):
    names = [
        levels[place] for levels, place in zip(LEVELS.values(), (staleness, swing, training), strict=True)
    ]
    state = encode(*names)
    assert state == (staleness * 3 + swing) * 4 + training
    assert list(decode(state)) == names


def test_masks_fees_terms_and_text():
    env = gym.make(UPKEEP_ID, render_mode="ansi").unwrapped
    state, _ = env.reset(seed=0, options={"state": encode("stale", "far", "idle")})
    assert env.render() == "model stale, swing far, training idle"
    fees = []
    for action in (RETRAIN, RETRAIN, INTERVENE, WAIT):
        before, masks = state, env.action_masks()
        assert masks[RETRAIN] == (decode(state).training not in ("2 left", "1 left"))
        state, reward, _, _, info = env.step(np.int64(action))
        assert reward == -sum(info["terms"].values())
        assert (info["prob"], state, reward, False) in env.P[before][action]
        fees.append((info["terms"]["intervene"], info["terms"]["retrain"]))
    assert fees == [(0.0, 3.0), (0.0, 0.0), (0.6, 0.0), (0.0, 0.0)]
    assert f"model {decode(state).staleness}, swing {decode(state).swing}" in env.render()
    assert env.render().endswith(f"; WAIT cost {-reward:.2f}")


def test_a_seed_fixes_an_episode():
    def episode(seed):
        env = UpkeepEnv()
        return [env.reset(seed=seed)[0]] + [env.step(t % 3)[0] for t in range(60)]

    assert episode(3) == episode(3)
    assert episode(3) != episode(4)


def test_prices_scale_the_terms_they_name(env):
    dear = UpkeepEnv(costs={"forecast": 0.6, "retrain": 10.0})
    state = encode("stale", "on", "idle")
    for (p, s, reward, _), (q, t, other, _) in zip(
        env.P[state][RETRAIN], dear.P[state][RETRAIN], strict=True
    ):
        assert (p, s) == (q, t)
        assert other - reward == pytest.approx(-7.0 - 0.3 * counts().forecast[s])
    assert (value_iteration(UpkeepEnv(costs={"retrain": 100.0}).P).policy != RETRAIN).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda: UpkeepEnv(render_mode="human"),
            "render_mode 'human'; allowed: None, rgb_array, ansi",
        ),
        (
            lambda: UpkeepEnv(costs={"retrian": 1.0}),
            "unknown cost 'retrian'; did you mean 'retrain'[?] Allowed: forecast",
        ),
        (lambda: UpkeepEnv(costs={"swing_cap": 2.0}), "costs.swing_cap cannot differ from 1.0"),
        (lambda: UpkeepEnv().reset(options={"stat": 3}), "unknown reset option 'stat'; did you mean 'state'"),
        (lambda: UpkeepEnv().reset(options={"state": 36}), "from 0 to 35, got 36"),
        (lambda: UpkeepEnv().reset(options={"state": "stale"}), "from 0 to 35, got 'stale'"),
        (lambda: UpkeepEnv().reset(seed=-1), "seed must be a whole number"),
        (lambda: encode("fresh", "on", "3 left"), "unknown training '3 left'; allowed: idle, 2 left"),
        (lambda: decode(-1), "from 0 to 35, got -1"),
        (lambda: grid([0] * 35), r"36 actions.*got shape \(35,\)"),
        (lambda: grid([3] * 36), "each from 0 to 2"),
        (lambda: UpkeepPolicy([0, 1]), r"expected actions \(36,\)"),
        (lambda: UpkeepPolicy([7] * 36), "actions from 0 to 2"),
        (lambda: states(np.zeros((2, 18))), 'observe="truth", got shape'),
        (lambda: transitions(count(2, 0), springdrift.Costs()), "never tried in State.*count in more"),
    ],
)
def test_errors_say_what_is_allowed(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_steps_that_cannot_be_taken_are_refused():
    env = UpkeepEnv()
    with pytest.raises(RuntimeError, match="call reset"):
        env.step(WAIT)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="allowed: 0 WAIT"):
        env.step(3)


# ---------------------------------------------------------------- planning


def test_two_states_solved_by_hand():
    """Staying in state 0 pays 1; a gamble pays 0 and leads to state 1, which pays 2 for ever."""
    p, gamma = 0.25, 0.9
    table = {
        0: {0: [(1.0, 0, 1.0, False)], 1: [(1 - p, 0, 0.0, False), (p, 1, 0.0, False)]},
        1: {a: [(1.0, 1, 2.0, False)] for a in range(2)},
    }
    stay, end = 1 / (1 - gamma), 2 / (1 - gamma)
    gamble = gamma * p * end / (1 - gamma * (1 - p))
    assert gamble > stay
    assert evaluate_policy(table, [0, 0], gamma).values == pytest.approx([stay, end], rel=1e-12)
    assert evaluate_policy(table, [1, 0], gamma).values == pytest.approx([gamble, end], rel=1e-12)
    for found in (value_iteration(table, gamma), policy_iteration(table, gamma)):
        assert found.values == pytest.approx([gamble, end], abs=1e-8)
        assert found.policy.tolist() == [1, 0]
    mixed = evaluate_policy(table, [[0.5, 0.5], [1.0, 0.0]], gamma).values
    half = (0.5 + 0.5 * gamma * p * end) / (1 - 0.5 * gamma - 0.5 * gamma * (1 - p))
    assert mixed == pytest.approx([half, end], rel=1e-12)


def test_a_deadline_makes_the_gamble_not_worth_it():
    p = 0.25
    table = {
        0: {0: [(1.0, 0, 1.0, False)], 1: [(1 - p, 0, 0.0, False), (p, 1, 0.0, False)]},
        1: {a: [(1.0, 1, 2.0, False)] for a in range(2)},
    }
    plan = backward_induction(table, 12)
    # with n steps left the gamble gains p (2(n-1) - v(n-1)) over staying's 1; while one stays v(n) = n,
    # and p (n - 1) > 1 first holds for n = 6
    assert plan.policy[:, 0].tolist() == [1] * 7 + [0] * 5
    assert plan.values[:, 1].tolist() == [2.0 * n for n in range(12, -1, -1)]
    at_start = evaluate_policy(table, plan.policy, gamma=1.0, horizon=12).values
    assert at_start == pytest.approx(plan.values[0], rel=1e-12)


@pytest.mark.parametrize(
    ("name", "options", "gamma"),
    [
        ("FrozenLake-v1", {}, 0.99),
        ("FrozenLake-v1", {"map_name": "8x8", "is_slippery": False}, 0.9),
        ("Taxi-v4", {}, 0.95),
        (UPKEEP_ID, {}, 0.97),
    ],
)
def test_value_and_policy_iteration_agree(name, options, gamma):
    table = gym.make(name, **options).unwrapped.P
    by_value, by_policy = value_iteration(table, gamma, tolerance=1e-9), policy_iteration(table, gamma)
    np.testing.assert_allclose(by_value.values, by_policy.values, atol=1e-9)
    np.testing.assert_array_equal(by_value.policy, by_policy.policy)
    own = evaluate_policy(table, by_value.policy, gamma).values
    np.testing.assert_allclose(own, by_policy.values, atol=1e-9)
    assert by_policy.sweeps == len(by_policy.history) <= by_value.sweeps == len(by_value.history)
    # a sweep is a contraction
    changes = np.array(by_value.history)
    assert (changes[1:] <= gamma * changes[:-1] * (1 + 1e-9) + 1e-12).all()


def test_frozen_lake_has_its_known_value():
    """Without discount and without end, the slippery 4x4 lake is crossed with probability 14/17."""
    table = gym.make("FrozenLake-v1").unwrapped.P
    far_off = backward_induction(table, 3000)
    assert far_off.values[0, 0] == pytest.approx(14 / 17, abs=1e-6)


def test_backward_induction_nears_the_endless_optimum(env, optimum):
    schedule = backward_induction(env.P, 2500, gamma=0.99)
    np.testing.assert_allclose(schedule.values[0], optimum.values, atol=1e-7)
    np.testing.assert_array_equal(schedule.policy[0], optimum.policy)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda P: value_iteration(P, 1.0), "below 1; with a horizon it may be 1, got 1.0"),
        (lambda P: policy_iteration(P, -0.1), "gamma must be at least 0"),
        (lambda P: value_iteration(P, tolerance=0), "tolerance must be positive"),
        (lambda P: evaluate_policy(P, [0] * 35), r"each of 36 states.*shape \(35,\)"),
        (lambda P: evaluate_policy(P, [3] * 36), "an action from 0 to 2"),
        (lambda P: evaluate_policy(P, np.full((36, 3), 0.5)), "sum to 1"),
        (lambda P: evaluate_policy(P, np.zeros((3, 36), int), 1.0, horizon=4), "needs 4 rows.*got 3"),
        (lambda P: backward_induction(P, -1), "horizon must not be negative"),
        (lambda P: backward_induction(P, 3, gamma=1.1), "at most 1, got 1.1"),
        (lambda P: value_iteration({1: P[1]}), r"states 0 to 0, got \[1\]"),
        (lambda P: value_iteration({**P, 5: {0: P[5][0]}}), r"P\[5\] must hold the actions 0 to 2"),
        (lambda P: value_iteration({0: {0: [(0.5, 0, 1.0, False)]}}), r"P\[0\]\[0\] sum to 0.5, not to 1"),
        (lambda P: value_iteration({0: {0: [(1.0, 1, 1.0, False)]}}), "bad outcome: probability 1.0, next"),
    ],
)
def test_planning_errors_say_what_is_wrong(env, wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong(env.P)


# ---------------------------------------------------------------- the optimum of Upkeep


def test_no_random_policy_beats_the_optimum(env, optimum):
    rng = np.random.default_rng(0)
    best = backward_induction(env.P, CYCLES)
    for _ in range(100):
        table = rng.integers(3, size=STATES)
        assert (evaluate_policy(env.P, table).values <= optimum.values + 1e-7).all()
        near = np.where(rng.random(STATES) < 0.1, table, optimum.policy)
        assert (evaluate_policy(env.P, near).values <= optimum.values + 1e-7).all()
        assert (evaluate_policy(env.P, near, 1.0, CYCLES).values <= best.values[0] + 1e-9).all()


def test_the_optimum_makes_sense(optimum):
    decides = {decode(state): Action(action) for state, action in enumerate(optimum.policy.tolist())}
    for (staleness, swing, training), action in decides.items():
        # a new model is ordered for one reason only: the old one is stale, and the window clean
        assert (action == RETRAIN) == ((staleness, swing, training) == ("stale", "on", "idle"))
        if swing == "on" and action != RETRAIN:
            assert action == WAIT  # a push would buy nothing
        if swing != "on" and staleness != "fresh" and training in ("idle", "2 left", "1 left"):
            assert action == INTERVENE  # the model will not bring the swing back
        if staleness == "fresh":
            assert action == (INTERVENE if swing == "far" else WAIT)  # a good model does, if it is near
    assert grid(optimum.policy).splitlines()[7] == ("stale      on     retrain    wait       wait       wait")


def test_near_the_deadline_a_new_model_does_not_pay(env):
    decisions = backward_induction(env.P, CYCLES).policy
    last = np.flatnonzero((decisions == RETRAIN).any(axis=1)).max()
    assert 180 <= last <= 195
    assert (decisions[-1] == WAIT).sum() > (decisions[0] == WAIT).sum()


def test_simulation_agrees_with_the_exact_value(env, optimum):
    """Mean of 200 episodes within four standard errors of the exact mean."""
    for table in (optimum.policy, simple_policies()["swing"]):
        values = evaluate_policy(env.P, table, 1.0, CYCLES).values
        exact, found = values @ env.initial_state_distrib, []
        for seed in range(200):
            state, _ = env.reset(seed=seed)
            total = 0.0
            for _ in range(CYCLES):
                state, reward, *_ = env.step(int(table[state]))
                total += reward
            found.append(total)
        assert abs(np.mean(found) - exact) < 4.0 * np.std(found) / np.sqrt(200)
        assert np.std(found) / np.sqrt(200) < 0.08 * abs(exact)


# ---------------------------------------------------------------- agreement with the big world


def test_levels_are_cut_from_the_truth():
    n = 64
    envs = InclinedMassVectorEnv(n, scenario="abrupt", observe="truth")
    obs, info = envs.reset(seed=world_seeds("tuning", 9, n).tolist())
    rng = np.random.default_rng(0)
    asked = np.full(n, -100)
    met = set()
    for cycle in range(100):
        truth = info["truth"]
        flying = ~envs.action_masks()[:, RETRAIN]
        for i, state in enumerate(states(obs).tolist()):
            known = decode(state)
            ago = cycle - asked[i]
            training = {1: "2 left", 2: "1 left", 3: "new"}.get(int(ago), "idle")
            changed = truth["last_change"][i]
            window_end = asked[i] if training != "idle" else cycle
            mixed = changed >= 0 and window_end - changed < MIXED
            stale = truth["error"][i] ** 0.5 >= STALE
            away = abs(truth["swing"][i] / TARGET - 1.0)
            expected = (
                "mixed" if mixed else "stale" if stale else "fresh",
                "on" if away < OFF else "off" if away < FAR else "far",
                training,
            )
            if min(abs(truth["error"][i] ** 0.5 - STALE), abs(away - OFF), abs(away - FAR)) > 1e-5:
                assert known == expected
                met.add(known)
        actions = rng.choice(3, p=(0.8, 0.1, 0.1), size=n)
        asked[(actions == RETRAIN) & ~flying] = cycle
        obs, _, _, _, info = envs.step(actions)
    assert len(met) > 25


@pytest.mark.slow
def test_the_counts_that_ship_are_found_anew():
    """Other worlds, explored in the same way: 12 groups of them say how far means may stray."""
    guide = json.loads(DATA.read_text())["guide"]
    parts = [count(2048, seed, guide) for seed in range(10, 22)]
    rows = np.stack([part.transitions.astype(float) for part in parts])
    shipped = counts().transitions / counts().transitions.sum(axis=2, keepdims=True)
    tried = rows.sum(axis=3)
    enough = (tried >= 100).all(axis=0)
    assert enough.sum() > 50
    shares = rows[:, enough] / tried[:, enough][..., None]
    error = shares.std(axis=0, ddof=1) / np.sqrt(len(parts))
    sure = (shares > 0).all(axis=0)
    z = (shares.mean(axis=0) - shipped[enough])[sure] / error[sure]
    assert len(z) > 200
    assert abs(z.mean()) < 0.3
    assert 0.8 < np.sqrt((z**2).mean()) < 1.4  # t with 11 degrees of freedom: 1.1
    for name in ("forecast", "swing"):
        costs = np.stack([getattr(part, name) for part in parts])
        often = rows.sum(axis=(1, 2)).min(axis=0) >= 100
        assert often.sum() > 15
        error = costs.std(axis=0, ddof=1) / np.sqrt(len(parts))
        z = (costs.mean(axis=0) - getattr(counts(), name))[often] / error[often]
        assert np.sqrt((z**2).mean()) < 1.4


def test_every_cycle_is_counted_once_whatever_the_batch(monkeypatch):
    whole = count(64, 5)
    monkeypatch.setattr(upkeep_fit, "BATCH", 16)
    parts = count(64, 5)
    np.testing.assert_array_equal(whole.starts, parts.starts)  # the same worlds
    busy = np.isin(training_of(np.arange(STATES)), IN_TRAINING)
    for found in (whole, parts):
        assert found.transitions.sum() - found.transitions[busy, RETRAIN].sum() == 64 * CYCLES
        np.testing.assert_array_equal(found.transitions[busy, RETRAIN], found.transitions[busy, WAIT])


def test_the_text_of_a_fit_is_what_the_world_reads():
    guide = np.array(json.loads(DATA.read_text())["guide"])
    assert upkeep_fit.to_text(upkeep_fit.Fit(counts(), guide)) == DATA.read_text()


@pytest.mark.slow
def test_a_fit_from_fewer_worlds_decides_much_the_same(optimum, env):
    found = upkeep_fit.fit(16384, seed=7)
    table = value_iteration(transitions(found.counts, springdrift.Costs())).policy
    worth = evaluate_policy(env.P, table).values
    assert worth @ env.initial_state_distrib == pytest.approx(
        optimum.values @ env.initial_state_distrib, rel=0.02
    )


def test_policies_cost_alike_in_both_worlds(env, optimum):
    """In the same order, and within 30 %; and the optimum beats the rules that do not see the truth."""
    tables = {**simple_policies(), "optimum": optimum.policy}
    tables["schedule"] = backward_induction(env.P, CYCLES).policy
    found = {pair.policy: pair for pair in both_worlds(tables, episodes=400)}
    small = sorted(found, key=lambda name: found[name].small)
    big = sorted(found, key=lambda name: found[name].big)
    assert small == big == ["schedule", "optimum", "both", "retrain", "swing", "never", "always"]
    for pair in found.values():
        assert pair.big == pytest.approx(pair.small, rel=0.3)
    seeds = world_seeds("evaluation", 0, 400)
    for rule in ("never", "swing", "retrain", "threshold"):
        gap = (
            evaluate(policy(rule), "abrupt", seeds).cost
            - evaluate(UpkeepPolicy(optimum.policy), "abrupt", seeds, observe="truth").cost
        )
        assert gap.mean() > 3.0 * gap.std() / 20.0


def test_sb3_evaluates_the_policy_in_the_big_world(optimum):
    env = gym.make(springdrift.ENV_ID, scenario="abrupt", observe="truth", cycles=30)
    env.reset(seed=0)
    mean, _ = sb3_evaluate(UpkeepPolicy(optimum.policy), env, n_eval_episodes=2, warn=False)
    assert -60 < mean < 0


def test_a_schedule_is_read_by_the_cycle():
    table = np.zeros((10, STATES), np.int64)
    table[6:] = INTERVENE
    env = springdrift.InclinedMassEnv("stationary", observe="truth", cycles=10)
    obs, _ = env.reset(seed=0)
    seen = []
    for _ in range(10):
        action, _ = UpkeepPolicy(table).predict(obs)
        seen.append(int(action))
        obs = env.step(action)[0]
    assert seen == [0] * 6 + [1] * 4


def test_libraries_that_take_arrays_alone_see_every_state():
    """A state is a number, which some copy into an array of no columns: one-hot it has 36 of them."""
    flat = gym.wrappers.FlattenObservation(gym.make(UPKEEP_ID))
    assert flat.observation_space.shape == (36,)
    seen, _ = flat.reset(seed=3)
    state, _ = gym.make(UPKEEP_ID).reset(seed=3)
    assert (seen.shape, int(seen.argmax()), int(seen.sum())) == ((36,), state, 1)
    envs = gym.make_vec(UPKEEP_ID, 4, wrappers=[gym.wrappers.FlattenObservation])
    assert envs.reset(seed=3)[0].shape == (4, 36)
    assert gym.make("springdrift/UpkeepDashboard-v0").observation_space.shape == (18,)
