"""What a policy paid beyond hindsight, and what for.

Regret is the cost of a policy less that of hindsight's plan on the same world, cycle by cycle. Each
cycle's excess goes to one cause, so that the causes sum to the whole:

- needless retraining: the fee of a retraining that was asked for although nothing had moved since the
  last fit on a clean window;
- needless intervention: the fee of a push with the swing near its target;
- late detection: all else in the cycles from a change until a model asked for after it is live;
- bad window: all else while the live model is one that was fitted on a window that straddles a change;
- the rest: all other excess, and what hindsight itself spends there (then negative).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift import TERMS, THREE_ACTIONS, Action, InclinedMassVectorEnv
from springdrift_agents.evaluation.diagnosis import SITUATIONS, Diagnosis
from springdrift_agents.evaluation.evaluate import Prices, Script, check_seeds, side_by_side, world_seeds
from springdrift_agents.planning.plans import reference
from springdrift_agents.policies.base import Memory, Policy, observe_of

CAUSES = ("late detection", "needless retraining", "bad window", "needless intervention", "the rest")


class Course(NamedTuple):
    """Episodes cycle by cycle; arrays (cycles, n), as long as the longest episode.

    Beyond the end of a shorter one all costs are 0, the decisions WAIT, and swing and error nan.
    """

    terms: NDArray[np.float64]  # (cycles, n, 4), in the order of TERMS
    actions: NDArray[np.int64]
    situation: NDArray[np.int64]  # places in SITUATIONS
    needless_retrain: NDArray[np.bool_]
    needless_push: NDArray[np.bool_]
    swing: NDArray[np.float64]  # m, true amplitude
    error: NDArray[np.float64]  # true NMSE of the forecast
    changed: NDArray[np.bool_]  # the world changed in this cycle
    version: NDArray[np.int64]  # of the live model


def course(policy: Policy, scenario: str, seeds: NDArray[np.uint64], costs: Prices = None) -> Course:
    """One episode of a policy in each world of ``seeds``, cycle by cycle."""
    seeds = check_seeds(seeds)
    n = len(seeds)
    envs = InclinedMassVectorEnv(n, scenario=scenario, costs=costs, observe=observe_of(policy))
    observation, info = envs.reset(seed=seeds.tolist())
    diagnosis, live = Diagnosis(info["truth"]), np.ones(n, np.bool_)
    rows: list[tuple[Any, ...]] = []
    state: Memory | None = None
    start, version = live.copy(), info["truth"]["version"].astype(np.int64)
    while live.any():
        actions, state = policy.predict(observation, state=state, episode_start=start, deterministic=True)
        actions = THREE_ACTIONS.check_batch(actions, n)
        charged = (actions == Action.RETRAIN) & envs.action_masks()[:, Action.RETRAIN]
        observation, _, ended, _, info = envs.step(actions)
        truth = info["truth"]
        diagnosis.note(live, actions, charged, truth, envs.world.batch.lanes("level_push", n))
        rows.append(
            (
                np.where(live[:, None], np.stack([info["terms"][term] for term in TERMS], axis=1), 0.0),
                np.where(live & ((actions != Action.RETRAIN) | charged), actions, int(Action.WAIT)),
                np.where(live, diagnosis.situation, SITUATIONS.index("the rest")),
                diagnosis.needless_retrain,
                diagnosis.needless_push,
                np.where(live, truth["swing"], np.nan),
                np.where(live, truth["error"], np.nan),
                live & (truth["last_change"] == truth["cycle"] - 1),
                np.where(live, truth["version"].astype(np.int64), version),
            )
        )
        version = rows[-1][-1]
        live = live & ~ended
        start = ended.copy()
    return Course(*(np.array(column) for column in zip(*rows, strict=True)))


def split_regret(mine: Course, reference: Course) -> NDArray[np.float64]:
    """Regret of each episode by cause, (n, 5) in the order of ``CAUSES``; it sums to the whole."""
    excess = mine.terms - reference.terms
    retrain, push = TERMS.index("retrain"), TERMS.index("intervene")
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
    policies: Mapping[str, Policy], scenario: str, episodes: int, seed: int = 0, costs: Prices = None
) -> tuple[dict[str, NDArray[np.float64]], dict[str, Course]]:
    """Regret by cause of every policy, (episodes, 5) each, and the courses, hindsight's among them."""
    seeds = world_seeds("evaluation", seed, episodes)
    rivals: Sequence[Policy] = list(policies.values())
    plans = side_by_side([reference(scenario, int(one), costs, rivals) for one in seeds])
    courses = {name: course(policy, scenario, seeds, costs) for name, policy in policies.items()}
    courses["hindsight"] = course(Script(plans), scenario, seeds, costs)
    split = {name: split_regret(courses[name], courses["hindsight"]) for name in policies}
    return split, courses
