"""What a policy paid beyond hindsight, and what for.

Regret is the cost of a policy less that of hindsight's plan on the same world, cycle by cycle; on a series
that plan is the exact optimum. Each cycle's excess goes to one cause, so that the causes sum to the whole:

- needless retraining: the fee of a retraining that was asked for although nothing had moved since the
  last fit on a clean window;
- needless intervention: the fee of a push with the swing near its target;
- late detection: all else in the cycles from a change until a model asked for after it is live;
- bad window: all else while the live model is one that was fitted on a window that straddles a change;
- the rest: all other excess, and what hindsight itself spends there (then negative).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift import ENV_ID, TERMS
from springdrift.registry import world_spec
from springdrift_agents.evaluation.diagnosis import SITUATIONS
from springdrift_agents.evaluation.rollout import Prices, Script, side_by_side
from springdrift_agents.evaluation.seeds import world_seeds
from springdrift_agents.evaluation.trace import Trace, trace
from springdrift_agents.planning.plans import reference
from springdrift_agents.policies.base import Policy

CAUSES = ("late detection", "needless retraining", "bad window", "needless intervention", "the rest")


def split_regret(mine: Trace, reference: Trace, terms: Sequence[str] = TERMS) -> NDArray[np.float64]:
    """Regret of each episode by cause, (n, 5) in the order of ``CAUSES``; it sums to the whole."""
    excess = mine.terms - reference.terms
    retrain, push = terms.index("retrain"), terms.index("intervene")
    fees = np.where(mine.needless_retrain, mine.terms[..., retrain], 0.0)
    pushes = np.where(mine.needless_push, mine.terms[..., push], 0.0)
    left = excess.sum(axis=2) - fees - pushes
    by_situation = {
        name: np.where(mine.situation == place, left, 0.0).sum(axis=0)
        for place, name in enumerate(SITUATIONS)
    }
    fixed = {"needless retraining": fees.sum(axis=0), "needless intervention": pushes.sum(axis=0)}
    return np.stack([{**by_situation, **fixed}[cause] for cause in CAUSES], axis=1)


def regret(
    policies: Mapping[str, Policy],
    scenario: Any,
    episodes: int,
    seed: int = 0,
    costs: Prices = None,
    env: str = ENV_ID,
) -> tuple[dict[str, NDArray[np.float64]], dict[str, Trace]]:
    """Regret by cause of every policy, (episodes, 5) each, and the episodes, hindsight's among them."""
    seeds = world_seeds("evaluation", seed, episodes)
    rivals: Sequence[Policy] = list(policies.values())
    schedules = side_by_side([reference(scenario, int(one), costs, rivals, env=env) for one in seeds])
    traces = {name: trace(policy, scenario, seeds, costs, env) for name, policy in policies.items()}
    traces["hindsight"] = trace(Script(schedules), scenario, seeds, costs, env)
    terms = world_spec(env).terms
    split = {name: split_regret(traces[name], traces["hindsight"], terms) for name in policies}
    return split, traces
