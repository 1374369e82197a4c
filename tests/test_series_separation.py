"""The game on series is that of the incline: its rules, unchanged, beat never, always and the calendar."""

import pytest

from springdrift import SERIES_ID
from springdrift_agents.evaluation.evaluate import compare
from springdrift_agents.policies.registry import policy

CALENDARS = tuple(f"periodic:every={every}" for every in (12, 16, 20, 25, 30, 40, 60))
MOVED = ("retrain@mix", "threshold@mix", "ewma@mix", "page-hinkley@mix", "cusum@mix")


def costs(scenarios, specs, episodes=64):
    parts = compare({spec: policy(spec) for spec in specs}, scenarios, episodes, env=SERIES_ID)
    return {(part.scenario, part.policy): float(part.cost.mean()) for part in parts}


def test_rules_tuned_for_the_inclines_mix_are_good_on_the_series_mix_unchanged():
    found = costs(["mix"], ("never", "always", *CALENDARS, *MOVED))
    bar = min(found["mix", spec] for spec in ("never", "always", *CALENDARS))
    for spec in MOVED:
        assert found["mix", spec] < 0.95 * bar


@pytest.mark.parametrize("scenario", ["stationary", "shock", "faulty-sensor"])
def test_never_is_right_where_nothing_drifts(scenario):
    found = costs([scenario], ("never", "always", "periodic:every=30", "threshold:error=0.3:cooldown=4"), 32)
    assert found[scenario, "never"] == min(found.values())


def test_retraining_and_overriding_together_are_best_where_much_drifts_at_once():
    both, retrain = "threshold:error=0.5:cooldown=4:start=0.65:stop=0.455", "retrain:error=0.5:cooldown=4"
    swing = "swing:start=0.5:stop=0.25"
    found = costs(["compound"], (both, retrain, swing, *CALENDARS))
    assert found["compound", both] < 0.95 * min(cost for (_, spec), cost in found.items() if spec != both)
    found = costs(["gradual"], (retrain, swing, "periodic:every=40", "never"))
    assert found["gradual", swing] > 2 * found["gradual", retrain]
    assert found["gradual", "periodic:every=40"] < 0.5 * found["gradual", "never"]
