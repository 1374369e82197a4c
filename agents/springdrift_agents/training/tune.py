"""Search for a rule's parameters on worlds that no evaluation ever meets."""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift import ENV_ID, WORLDS
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.evaluation.scenarios import mixtures
from springdrift_agents.policies.operations import ALL_RULES
from springdrift_agents.policies.registry import name_of, policy, rules_of
from springdrift_agents.policies.rules import Rule
from springdrift_agents.policies.settings import Settings, shipped_settings

FINALISTS = 5  # trials that meet the validation worlds
MANY = 12  # parameters beyond which CMA-ES searches


class Range(NamedTuple):
    """Where to search a parameter."""

    low: float
    high: float
    log: bool = False


_PUSH = {"start": Range(0.15, 0.9), "stop": Range(0.05, 0.5)}
_STALE = {"error": Range(0.1, 2.0, log=True), "cooldown": Range(3, 60, log=True)}
_TUNE = {"tune": Range(0.1, 2.0, log=True), "pause": Range(1, 20, log=True)}
_BETTER = {"better": Range(0.2, 1.0), "least": Range(0.05, 1.0, log=True)}
_ALARM = {"fresh": Range(0, 8), "usual": Range(0.04, 0.4, log=True)}
SPACES: dict[str, dict[str, Range]] = {
    "periodic": {"every": Range(4, 200, log=True)},
    "swing": _PUSH,
    "retrain": _STALE,
    "threshold": {**_STALE, **_PUSH},
    "cusum": {"threshold": Range(2, 80, log=True), "slack": Range(0.5, 6.0), **_ALARM, **_PUSH},
    "ewma": {"threshold": Range(1, 15, log=True), "weight": Range(0.05, 1.0, log=True), **_ALARM, **_PUSH},
    "page-hinkley": {"threshold": Range(1, 80, log=True), "slack": Range(0.0, 4.0), **_ALARM, **_PUSH},
    "adwin": {"delta": Range(1e-4, 0.9, log=True), **_ALARM, **_PUSH},
    "expert": {
        "hopeless": Range(0.05, 0.5, log=True),
        "data": Range(0, 14),
        "usual": Range(0.05, 0.6, log=True),
        "slack": Range(0, 2),
        "threshold": Range(0.1, 15, log=True),
        "beyond": Range(0.05, 10, log=True),
        "fresh": Range(0, 10),
        "cooldown": Range(2, 40, log=True),
        "memory": Range(2, 60, log=True),
        "creep": Range(0.05, 2, log=True),
        "offset": Range(0.02, 1.5, log=True),
        "worthwhile": Range(0, 0.3),
        "start": Range(0.1, 0.9),
        "stop": Range(0.02, 0.6),
        "stale_start": Range(0.1, 0.9),
        "stale_stop": Range(0.02, 0.6),
        "worn": Range(0.02, 0.6, log=True),
        "worn_start": Range(0.1, 0.6),
        "worn_stop": Range(0.02, 0.6),
        "surplus": Range(0, 0.6),
        "ahead": Range(0, 1.5),
        "sag": Range(2, 50, log=True),
    },
    "fine-tune": {**_TUNE, **_STALE, **_PUSH},
    "rollback": {"worse": Range(0.3, 3.0, log=True), "trial": Range(1, 6), **_STALE, **_PUSH},
    "champion": {**_BETTER, "fresh": Range(0, 8), **_STALE, **_PUSH},
    "operations": {**_BETTER, "fresh": Range(0, 8), **_TUNE, **_STALE, **_PUSH},
}


# What makes a rule retrain less the larger it is.
BUDGETS = {
    "periodic": "every",
    "retrain": "error",
    "threshold": "error",
    "cusum": "threshold",
    "ewma": "threshold",
    "page-hinkley": "threshold",
}


def spaces_of(env: str = ENV_ID) -> dict[str, dict[str, Range]]:
    """What there is to search of each rule that can run in a kind of world."""
    return {name: SPACES[name] for name in rules_of(env) if name in SPACES}


class Tuned(NamedTuple):
    """A rule's best parameters for a scenario, and what they cost where they were not searched."""

    rule: str
    scenario: str
    parameters: dict[str, float]
    cost: float  # mean on the validation worlds
    default: float  # of the rule's defaults, on the same worlds
    before: float | None  # of the settings that there were, on the same worlds

    @property
    def better(self) -> bool:
        """Whether it costs less than the settings that there were."""
        return self.before is None or self.cost < self.before


def tune(
    rule: str,
    scenario: str,
    trials: int = 200,
    episodes: int = 128,
    seed: int = 0,
    env: str = ENV_ID,
    known: Mapping[str, float] | None = None,
    others: Sequence[Mapping[str, float]] = (),
) -> Tuned:
    """Search with Optuna's TPE or CMA-ES on tuning worlds; the best few meet on validation worlds.

    The search starts from the rule's defaults, from the settings that there are and from those of other
    kinds of world, and all but ``known`` also stand in the final: what is found costs no more there than
    any of them.

    Args:
        rule: its name.
        scenario: which worlds.
        trials: settings to try.
        episodes: worlds for a trial.
        seed: which worlds, and the search's own.
        env: id of the kind of world.
        known: the settings that there are, measured beside those found.
        others: settings to start from besides, such as those for the same scenario of another kind of world.

    Raises:
        ValueError: a rule without parameters, or trials or episodes out of range.
    """
    if rule not in spaces_of(env):
        raise ValueError(f"{rule!r} has nothing to tune; allowed: {', '.join(spaces_of(env))}")
    if trials < 1:
        raise ValueError(f"trials must be at least 1, got {trials}")
    make, space = ALL_RULES[rule], SPACES[rule]
    usual = {name: asdict(make())[name] for name in space}

    def cost_on(worlds: NDArray[np.uint64]) -> Callable[[Mapping[str, float]], float]:
        return lambda found: float(evaluate(make(**found), scenario, worlds, env=env).cost.mean())

    starts = [usual | start for start in ({}, *map(dict, others), *([dict(known)] if known else []))]
    finalists = _search(space, starts, cost_on(world_seeds("tuning", seed, episodes)), trials, seed)
    validated = cost_on(world_seeds("validation", seed, max(256, episodes)))
    finalists += [*map(dict, others), usual]
    costs = [validated(parameters) for parameters in finalists]
    best = min(range(len(costs)), key=costs.__getitem__)
    before = None if known is None else validated(known)
    return Tuned(rule, scenario, finalists[best], costs[best], costs[-1], before)


def _search(
    space: Mapping[str, Range],
    starts: Sequence[Mapping[str, float]],
    cost: Callable[[Mapping[str, float]], float],
    trials: int,
    seed: int,
) -> list[dict[str, float]]:
    """The cheapest settings that a search finds, rounded, from the cheapest on."""
    import optuna

    def objective(trial: Any) -> float:
        return cost({name: trial.suggest_float(name, r.low, r.high, log=r.log) for name, r in space.items()})

    within = [{name: min(max(start[name], r.low), r.high) for name, r in space.items()} for start in starts]
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = optuna.create_study(sampler=_sampler(space, within[-1], seed))
    for start in within:
        study.enqueue_trial(start)
    study.optimize(objective, n_trials=trials)
    tried = [trial for trial in study.trials if trial.value is not None]  # the others were not reached
    finalists = sorted(tried, key=lambda trial: (trial.value, trial.number))[:FINALISTS]
    return [{name: float(f"{v:.3g}") for name, v in trial.params.items()} for trial in finalists]


def _sampler(space: Mapping[str, Range], start: Mapping[str, float], seed: int) -> Any:
    """TPE (Bergstra et al. 2011), or CMA-ES (Hansen 2016) from ``start`` where there is much to search."""
    import optuna

    if len(space) <= MANY:
        return optuna.samplers.TPESampler(seed=seed, multivariate=True)
    return optuna.samplers.CmaEsSampler(
        x0=dict(start), seed=seed, popsize=16, warn_independent_sampling=False
    )


def tune_all(
    rules: Sequence[str],
    scenarios: Sequence[str],
    trials: int,
    episodes: int,
    seed: int,
    jobs: int = 1,
    done: Callable[[Tuned], None] = lambda _: None,
    env: str = ENV_ID,
    known: Settings | None = None,
) -> list[Tuned]:
    """Every rule for every scenario, ``jobs`` at a time; the same result whatever the number of jobs.

    ``known`` are the settings that there are. Those that ship for other kinds of world are started from
    as well, and those for the mixture of all scenarios.
    """
    from joblib import Parallel, delayed

    known, mixed = known or {}, mixtures(env)
    elsewhere = [shipped_settings(id) for id in WORLDS if id != env]
    work = [(rule, scenario) for scenario in scenarios for rule in rules]
    found = []
    for one in Parallel(n_jobs=jobs, return_as="generator")(
        delayed(tune)(
            rule,
            scenario,
            trials,
            episodes * (4 if scenario in mixed else 1),
            seed,
            env,
            known.get(scenario, {}).get(rule),
            [
                *(held[scenario][rule] for held in elsewhere if rule in held.get(scenario, {})),
                *(known[mix][rule] for mix in mixed if mix != scenario and rule in known.get(mix, {})),
            ],
        )
        for rule, scenario in work
    ):
        found.append(one)
        done(one)
    return found


def at_budget(
    spec: str, scenario: Any, retrains: float, episodes: int = 256, seed: int = 0, env: str = ENV_ID
) -> Rule:
    """A rule set so that it retrains about ``retrains`` times an episode, on tuning worlds.

    Raises:
        ValueError: a rule without such a parameter, or a budget that it cannot meet within 5 %.
    """
    name = name_of(spec)
    if name not in BUDGETS:
        raise ValueError(f"{name!r} has no parameter for its budget; allowed: {', '.join(BUDGETS)}")
    rule, worlds = policy(spec, env=env), world_seeds("tuning", seed, episodes)
    assert isinstance(rule, Rule)

    def at(place: float) -> tuple[Rule, float]:
        made = replace(rule, **{BUDGETS[name]: place})
        return made, float(evaluate(made, scenario, worlds, env=env).finding("retrains").mean())

    low, high = 1e-3, 1e4
    for _ in range(30):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if at(middle)[1] > retrains else (low, middle)
    made, found = min((at(low), at(high)), key=lambda one: abs(one[1] - retrains))
    if abs(found - retrains) > 0.05 * max(retrains, 1.0):
        raise ValueError(f"{spec!r} cannot retrain {retrains:g} times an episode: the nearest is {found:.2f}")
    return made
