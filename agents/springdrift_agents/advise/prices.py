"""How the answer depends on what things cost: which strategy is cheapest where, and up to which price."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift_agents.advise.judge import FAMILIES
from springdrift_agents.advise.judged import block_interval, block_length
from springdrift_agents.advise.monitor import Monitor
from springdrift_agents.advise.strategies import (
    INTERVENE,
    RETRAIN,
    Prices,
    Table,
    follow,
    normal_error,
    settings,
)
from springdrift_agents.evaluation.statistics import Interval

Floats = NDArray[np.float64]
STEPS = (1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0, 8.0)  # of a price, beside what was given
CLEAR = 0.02  # share of the cost that a more involved strategy must save to be called the cheapest


class Pool(NamedTuple):
    """What each setting of each strategy did on one stretch: its cost at any prices is a sum."""

    families: list[str]
    policies: list[dict[str, Any]]
    errors: Floats  # (S,) sum of rms errors of what was served, times measurements a cycle
    retrainings: Floats  # (S,)
    interventions: Floats  # (S,)
    cycles: int

    def costs(self, prices: Prices) -> Floats:
        """Money, (S,)."""
        spent = prices.retrain * self.retrainings + prices.intervene * self.interventions
        return np.asarray(prices.error * self.errors + spent)

    def cheapest(self, prices: Prices) -> int:
        """The cheapest setting, of the simplest strategy that comes within 2 % of the cheapest of all."""
        costs = self.costs(prices)
        best: dict[str, int] = {}
        for k, family in enumerate(self.families):
            if family not in best or costs[k] < costs[best[family]]:
                best[family] = k
        limit = (1 + CLEAR) * costs.min()
        return next(best[family] for family in FAMILIES if family in best and costs[best[family]] <= limit)


def pool(table: Table, prices: Prices, rate: int, window: int, by_hand: bool) -> Pool:
    """Run every setting of every strategy on a stretch once.

    Args:
        table: the stretch.
        prices: around which overriding is tried.
        rate: cycles between two false alarms of a detector.
        window: cycles that a fit looks back.
        by_hand: whether overriding is a choice.
    """
    normal = normal_error(table)
    families, policies = [], []
    for family in FAMILIES:
        if family in ("override", "both") and not by_hand:
            continue
        if family != "both":
            for policy in settings(family, table, normal, prices, rate, window, by_hand):
                families.append(family)
                policies.append(policy)
    if by_hand:
        hands = [dict(p["override"]) for f, p in zip(families, policies, strict=True) if f == "override"]
        scaled = [
            {**hand, "margin": hand["margin"] * step} for hand in hands[1::3] for step in (0.25, 1.0, 4.0)
        ]
        triggers = [
            p for f, p in zip(families, policies, strict=True) if f in ("calendar", "threshold", "cusum")
        ]
        for policy in triggers[:: max(1, len(triggers) // 24)]:
            for hand in scaled[::2]:
                families.append("both")
                policies.append({**policy, "override": hand})
    runs = [follow(table, Monitor(policy)) for policy in policies]
    only_errors = Prices(1.0, 0.0, 0.0)
    return Pool(
        families,
        policies,
        np.array([run.costs(table, only_errors).sum() for run in runs]),
        np.array([float((run.actions == RETRAIN).sum()) for run in runs]),
        np.array([float((run.actions == INTERVENE).sum()) for run in runs]),
        table.cycles,
    )


class Sensitivity(NamedTuple):
    """Which strategy is cheapest where, in hindsight on the whole record."""

    retrain: tuple[float, ...]  # prices of a retraining
    intervene: tuple[float, ...]  # prices of an intervention
    winner: list[list[str]]  # [intervene][retrain]
    saving: list[list[float]]  # of the cost of never retraining, share
    break_even: float  # price of a retraining from which on none pays


def sensitivity(tried: Pool, prices: Prices) -> Sensitivity:
    """The cheapest strategy for prices up to eight times larger and smaller."""
    retrain = tuple(prices.retrain * step for step in STEPS)
    by_hand = "override" in tried.families
    intervene = tuple(prices.intervene * step for step in STEPS) if by_hand else (prices.intervene,)
    winner, saving = [], []
    never = tried.families.index("never")
    for hand in intervene:
        cells = [Prices(prices.error, price, hand) for price in retrain]
        chosen = [tried.cheapest(cell) for cell in cells]
        winner.append([tried.families[k] for k in chosen])
        saving.append(
            [
                1 - float(costs[k] / max(costs[never], 1e-300))
                for k, costs in zip(chosen, map(tried.costs, cells), strict=True)
            ]
        )
    return Sensitivity(retrain, intervene, winner, saving, break_even(tried, prices))


def break_even(tried: Pool, prices: Prices) -> float:
    """The price of a retraining from which on the cheapest setting makes none."""
    rest = prices.error * tried.errors + prices.intervene * tried.interventions
    without = rest[tried.retrainings == 0].min()
    some = tried.retrainings > 0
    return float(max(0.0, ((without - rest[some]) / tried.retrainings[some]).max()))


class Ratio(NamedTuple):
    """The cheapest strategy where a retraining costs so much."""

    ratio: float  # price of a retraining over what a cycle of a fresh model's error costs
    family: str
    policy: dict[str, Any]
    saving: float  # of the cost of never retraining, share


def by_ratio(tried: Pool, usual: float, period: int, ratios: Floats) -> list[Ratio]:
    """The cheapest strategy for each price of a retraining, in cycles of a fresh model's error."""
    never, found = tried.families.index("never"), []
    for ratio in ratios.tolist():
        prices = Prices(1.0 / (usual * period), ratio, 0.0)
        k, costs = tried.cheapest(prices), tried.costs(prices)
        found.append(Ratio(ratio, tried.families[k], tried.policies[k], 1 - float(costs[k] / costs[never])))
    return found


# ---------------------------------------------------------------- how a model ages


class Aging(NamedTuple):
    """Error against the age of the model."""

    age: NDArray[np.int64]  # cycles since the fit, (A,)
    error: Floats  # mean rms error at that age
    low: Floats  # its 95 % interval
    high: Floats
    slope: Interval  # growth of the error with a cycle of age
    curved: bool  # whether a straight line describes it badly


def aging(table: Table) -> Aging:
    """How errors grow with a model's age, over all fits of a stretch."""
    most = max(2, min(table.cycles // 3, 200))
    ages = np.arange(1, most)
    by_age = [table.aged(np.arange(most, table.cycles), age) for age in ages.tolist()]
    block = block_length(table.cycles - most, float(most) / 4)
    intervals = [block_interval(errors, block) for errors in by_age]
    growth = np.stack(by_age)  # (A, T)
    centred = ages - ages.mean()
    slopes = centred @ growth / (centred @ centred)  # a slope for each cycle served
    mean = growth.mean(axis=1)
    line = np.polyval(np.polyfit(ages, mean, 1), ages)
    explained = 1 - np.sum((mean - line) ** 2) / max(np.sum((mean - mean.mean()) ** 2), 1e-300)
    return Aging(
        ages,
        mean,
        np.array([one.low for one in intervals]),
        np.array([one.high for one in intervals]),
        block_interval(slopes, block),
        bool(explained < 0.9),
    )


# ---------------------------------------------------------------- alarms


class Alarm(NamedTuple):
    """A retraining that a strategy asked for, and whether it paid for itself."""

    cycle: int  # of the record
    strategy: str
    gain: float  # money that the new model saved until the next one was deployed, less its price
    reason: str


def alarms(name: str, runs: Any, stretches: Any, prices: Prices) -> list[Alarm]:
    """What each retraining of a strategy brought."""
    found = []
    for run, (first, table) in zip(runs, stretches, strict=True):
        asked = np.flatnonzero(run.actions == RETRAIN)
        for k, t in enumerate(asked.tolist()):
            live = t + table.latency
            end = int(asked[k + 1]) + table.latency if k + 1 < len(asked) else table.cycles
            before = int(run.serving[t])
            span = range(live, min(end, table.cycles))
            saved = sum(
                table.error(before, c) - table.error(t, c) for c in span if run.actions[c] != INTERVENE
            )
            gain = prices.error * table.period * saved - prices.retrain
            found.append(Alarm(first + t, name, float(gain), run.reasons[t]))
    return found
