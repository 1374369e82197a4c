"""The expert: what each of its clauses does, told by observations made by hand."""

import numpy as np
import pytest

from springdrift import OBS, Action
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.policies.expert import Expert
from springdrift_agents.policies.registry import policy
from springdrift_agents.policies.rules import RULES
from springdrift_agents.policies.settings import shipped_settings

WAIT, INTERVENE, RETRAIN = Action.WAIT, Action.INTERVENE, Action.RETRAIN
PLAIN = Expert(
    usual=0.1, slack=0.5, threshold=2.0, beyond=1.0, fresh=2, cooldown=0, memory=10, creep=9, offset=9
)


def scaled(error):
    return (error - 0.25) / (error + 0.25)


def seen(error=0.1, fit=0.05, left=0.9, **senses):
    """A dashboard (18,) with these errors, shares of the target, and columns as they are shown."""
    row = np.zeros(len(OBS), np.float32)
    shown = {"error": scaled(error), "fit_error": scaled(fit), "time_left": left, "since_retrain": 0.9}
    for name, value in (shown | senses).items():
        row[OBS.index(name)] = value
    return row


def decisions(rule, rows):
    found, state = [], None
    for row in rows:
        action, state = rule.predict(row, state)
        found.append(int(action))
    return found


def test_it_leaves_a_world_alone_that_no_model_ever_fitted():
    bad = [seen(error=2.0, fit=0.2, swing=-0.9)] * 30
    assert set(decisions(PLAIN, bad)) == {WAIT}
    assert RETRAIN in decisions(PLAIN, [seen(error=2.0, fit=0.05)] * 30)


@pytest.mark.parametrize("fit", [1.0, 0.0])  # how either kind of world shows that there is no fit
def test_without_a_first_fit_it_retrains_once_there_is_data(fit):
    found = decisions(Expert(data=4), [seen(error=0.1, fit=fit)] * 8)
    assert found[:4] == [WAIT] * 4
    assert found[4] == RETRAIN


def test_it_waits_for_a_clean_window_and_forgets_noise():
    """ln(e / usual) - slack is 1.8 for an error of 1: stale from the second cycle on, asked two later."""
    jump = [seen()] * 3 + [seen(error=1.0)] * 5
    assert decisions(PLAIN, jump) == [WAIT] * 3 + [WAIT] * 3 + [RETRAIN] * 2
    spikes = ([seen(error=1.0)] + [seen()] * 4) * 6
    assert set(decisions(PLAIN, spikes)) == {WAIT}


def test_evidence_is_capped_and_gone_with_a_deployment():
    """After any length of error, (threshold + beyond) / slack healthy cycles until all is forgotten."""
    long = [seen(error=2.0, left=0.0)] * 50 + [seen()] * 3
    assert decisions(PLAIN, [*long, seen()])[-1] == WAIT
    deployed = [*[seen(error=2.0, in_flight=0.5)] * 20, seen(error=0.2), seen(error=0.2)]
    assert decisions(PLAIN, deployed)[-2:] == [WAIT] * 2


def test_it_sees_creeping_error_and_a_one_sided_forecast():
    slow = Expert(usual=0.1, slack=2.0, fresh=0, cooldown=0, memory=4, creep=0.3, offset=9)
    found = decisions(slow, [seen(error=0.5)] * 6)
    assert found[:3] == [WAIT] * 3  # 0.5 (1 - 0.75^n) passes 0.3 at n = 4
    assert found[3] == RETRAIN
    biased = Expert(usual=0.1, slack=2.0, fresh=0, cooldown=0, memory=4, creep=9, offset=0.1)
    assert RETRAIN in decisions(biased, [seen(bias=-0.2)] * 6)  # an average of 0.25
    turning = [seen(bias=0.2 * (-1) ** k) for k in range(20)]
    assert RETRAIN not in decisions(biased, turning)


def test_no_retraining_that_cannot_pay_any_more():
    late = [seen(error=1.0, left=0.01)] * 10
    assert RETRAIN not in decisions(PLAIN, late)


def test_it_pushes_sooner_where_the_machine_is_worn_and_bears_surplus_longer():
    rule = Expert(start=0.5, stop=0.4, worn=0.2, worn_start=0.25, worn_stop=0.2, surplus=0.2, ahead=0, sag=5)
    found = decisions(rule, [seen(swing=-0.3)] * 10)
    assert found[:4] == [WAIT] * 4  # 0.3 (1 - 0.8^n) passes 0.2 at n = 5
    assert found[4] == INTERVENE
    assert decisions(rule, [seen(swing=-0.6)]) == [INTERVENE]
    assert decisions(rule, [seen(swing=0.6)]) == [WAIT]
    assert decisions(rule, [seen(swing=0.8)]) == [INTERVENE]
    assert decisions(rule, [seen(swing=0.8), seen(swing=0.65), seen(swing=0.55)]) == [INTERVENE] * 2 + [WAIT]
    assert decisions(Expert(ahead=1.0, start=0.5), [seen(swing=-0.4, swing_change=-0.2)]) == [INTERVENE]


@pytest.mark.parametrize("env", ["springdrift/InclinedMass-v0", "springdrift/TimeSeries-v0"])
def test_tuned_it_costs_less_than_every_other_tuned_rule_on_fresh_worlds(env):
    worlds = world_seeds("evaluation", 21, 256)
    costs = {
        name: evaluate(policy(f"{name}@mix", env=env), "mix", worlds, env=env).cost
        for name in shipped_settings(env)["mix"]
        if name in (*RULES, "expert") and name != "adwin"
    }
    expert = costs.pop("expert")
    for name, cost in costs.items():
        less = cost - expert
        assert less.mean() > 2.0 * less.std(ddof=1) / np.sqrt(len(less)), name
