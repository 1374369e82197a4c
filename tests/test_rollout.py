"""The one loop that plays policies: what it plays, what it shows them, and what it refuses."""

from types import SimpleNamespace

import numpy as np
import pytest

from springdrift import OBS, TERMS, THREE_ACTIONS, Action, InclinedMassVectorEnv
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.evaluation.rollout import Script, begun, rollout
from springdrift_agents.evaluation.trace import trace
from springdrift_agents.policies.base import fitted
from springdrift_agents.policies.registry import policy
from springdrift_agents.policies.rules import RULES, Never, Retrain, Rule

SEEDS = world_seeds("evaluation", 3, 24)


def through_the_env(rule, scenario, **options):
    """Cost terms, (n, 4), by a loop of its own over the public vector env."""
    envs = InclinedMassVectorEnv(len(SEEDS), scenario=scenario, **options)
    obs, _ = envs.reset(seed=SEEDS.tolist())
    total, live, state = np.zeros((len(SEEDS), len(TERMS))), np.ones(len(SEEDS), bool), None
    while live.any():
        actions, state = rule.predict(obs, state=state)
        obs, _, ended, _, info = envs.step(actions)
        for place, term in enumerate(TERMS):
            total[live, place] += info["terms"][term][live]
        live &= ~ended
    return total


@pytest.mark.parametrize("name", ["threshold", "cusum@mix", "ppo-mix"])
def test_an_episode_costs_what_the_env_says_to_the_last_bit(name):
    found = evaluate(policy(name), "mix", SEEDS, cycles=60)
    np.testing.assert_array_equal(found.terms, through_the_env(policy(name), "mix", cycles=60))
    assert (found.term("swing") == found.terms[:, TERMS.index("swing")]).all()


def test_a_trace_is_the_same_episode_cycle_by_cycle():
    rule, seeds = policy("threshold"), SEEDS[:8]
    whole, cycles = evaluate(rule, "abrupt", seeds), trace(rule, "abrupt", seeds)
    np.testing.assert_allclose(cycles.terms.sum(axis=0), whole.terms, rtol=1e-12)
    retrains = (cycles.actions == Action.RETRAIN).sum(axis=0)
    np.testing.assert_array_equal(retrains, whole.finding("retrains"))
    again = evaluate(Script(cycles.actions.T), "abrupt", seeds)
    np.testing.assert_array_equal(again.terms, whole.terms)


def test_a_cycle_says_which_decisions_did_something():
    world = begun(SEEDS[:2], "stationary", cycles=5)
    always = Script(np.full((2, 5), int(Action.RETRAIN)))
    found = [cycle.retrains.tolist() for cycle in rollout(always, world)]
    assert found == [[True, True], [False, False], [False, False], [True, True], [False, False]]


# ---------------------------------------------------------------- what is shown


class Reader:
    """A policy that knows its columns and actions by name."""

    columns, actions = ("swing", "error"), ("RETRAIN", "WAIT")

    def __init__(self):
        self.seen = []

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        self.seen.append(observation.copy())
        return np.zeros(len(observation), int), None


def test_columns_and_actions_are_found_by_name():
    reader = Reader()
    world = begun(SEEDS[:3], "abrupt", cycles=4)
    first = world.out.obs.copy()
    actions = [cycle.actions.tolist() for cycle in rollout(reader, world)]
    assert actions == [[Action.RETRAIN] * 3] * 4
    np.testing.assert_array_equal(reader.seen[0], first[:, [OBS.index("swing"), OBS.index("error")]])


def test_a_rule_runs_where_the_columns_that_it_needs_are():
    swing = RULES["swing"]()
    fit = fitted(swing, ("level", "swing"), THREE_ACTIONS.names)
    seen = fit.see(np.array([[0.5, 0.9]]))
    assert swing.predict(seen)[0].tolist() == [Action.INTERVENE]
    with pytest.raises(ValueError, match="Retrain reads the column 'error_fast', which this world does not"):
        fitted(Retrain(), ("level", "swing"), THREE_ACTIONS.names)
    with pytest.raises(ValueError, match="Never may decide RETRAIN, which this world does not allow; it"):
        fitted(Never(), OBS.names, ("WAIT", "INTERVENE"))


def test_a_policy_that_names_nothing_is_shown_the_world_as_it_is():
    fit = fitted(SimpleNamespace(), ("a", "b"), ("WAIT",))
    assert fit.picked is None
    assert fit.numbers is None


# ---------------------------------------------------------------- what is refused


def returning(answer):
    return SimpleNamespace(predict=lambda observation, **_: answer)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "threshold",
            r"'threshold', a str; springdrift_agents.policies.registry.policy\('threshold'\) makes",
        ),
        (Rule, "a type; give an instance, not the class"),
        (None, r"a policy must have a method predict\(.*got None"),
        (
            returning(np.zeros(4, int)),
            "must return decisions and memory, as in `return actions, state`, got nda",
        ),
        (returning(None), "got NoneType"),
        (returning((np.zeros(3, int), None)), r"predict: expected 4 actions, one an env, got shape \(3,\)"),
        (returning((np.zeros(4), None)), r"predict: actions must be whole numbers, got float64"),
        (returning((np.full(4, 7), None)), "predict: action 7 of env 0 is out of range; allowed: 0 WAIT"),
    ],
)
def test_what_is_no_policy_gets_a_sentence(given, said):
    with pytest.raises(ValueError, match=said):
        evaluate(given, "stationary", SEEDS[:4], cycles=3)


def test_a_number_beyond_a_policys_own_actions_is_refused():
    reader = Reader()
    reader.predict = lambda observation, **_: (np.full(len(observation), 2), None)
    with pytest.raises(ValueError, match=r"Reader.predict: expected 2 whole numbers below 2"):
        list(rollout(reader, begun(SEEDS[:2], "stationary", cycles=3)))


def test_an_unknown_env_is_named():
    with pytest.raises(ValueError, match=r"unknown env 'springdrift/InclinedMas-v0'; did you mean"):
        evaluate(Never(), "mix", SEEDS, env="springdrift/InclinedMas-v0")
