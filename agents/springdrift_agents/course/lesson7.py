"""Exercises of lesson 7: fair comparison."""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift_agents.course.exercise import (
    Case,
    Exercise,
    Wrong,
    called,
    function,
    lone,
    near,
    option,
    reals,
    words,
)
from springdrift_agents.evaluation.evaluate import world_seeds

Floats = NDArray[np.float64]
Z = 1.96  # standard errors that 95 % of a normal distribution lie within

# ---------------------------------------------------------------- 7.1


def _pairs() -> list[tuple[Floats, Floats]]:
    """Costs of two policies in common worlds that are very unlike each other."""
    rng = np.random.default_rng(71)
    pairs = []
    for size, gain, noise in ((900, 4.0, 12.0), (1600, -1.5, 6.0), (600, 9.0, 20.0)):
        hard = rng.gamma(2.0, 20.0, size)
        pairs.append((hard + gain + rng.normal(0, noise, size), hard))
    return pairs


def _interval(centre: float, error: float) -> Floats:
    return np.array([centre, centre - Z * error, centre + Z * error])


def _paired(mine: Floats, other: Floats) -> Floats:
    gaps = mine - other
    return _interval(gaps.mean(), gaps.std(ddof=1) / np.sqrt(len(gaps)))


def _unpaired(mine: Floats, other: Floats) -> Floats:
    error = np.sqrt(mine.var(ddof=1) / len(mine) + other.var(ddof=1) / len(other))
    return _interval(mine.mean() - other.mean(), error)


def _judge_paired(answer: Any) -> None:
    function(
        answer,
        [Case(pair, _paired(*pair)) for pair in _pairs()],
        within=0.02,
        mistakes={
            "that is the interval for two policies that met *different* worlds. These are common: take the "
            "difference world by world first, and then its standard deviation": _unpaired,
            "that is where single worlds lie. Their mean is surer: divide the standard deviation by √n": (
                lambda mine, other: _interval((mine - other).mean(), (mine - other).std(ddof=1))
            ),
            "divide by the square root of n, not by n": (
                lambda mine, other: _interval((mine - other).mean(), (mine - other).std(ddof=1) / len(mine))
            ),
            "one standard error to each side holds the truth in two of three cases: for 95 % take 1.96": (
                lambda mine, other: np.array(
                    _paired(mine, other)[0] + np.array([0, -1, 1]) * _error(mine, other)
                )
            ),
            "the sign is wrong: asked is mine minus other": lambda mine, other: _paired(other, mine),
        },
        hint="d = mine - other, one number a world; then the mean of d, and the mean minus and plus 1.96 "
        "times the standard deviation of d over √n",
    )


def _error(mine: Floats, other: Floats) -> float:
    return float((mine - other).std(ddof=1) / np.sqrt(len(mine)))


# ---------------------------------------------------------------- 7.2


def _needed(differences: Floats, half: float) -> float:
    """How many worlds are needed, before rounding."""
    return float((Z * differences.std(ddof=1) / half) ** 2)


def _trials() -> list[tuple[Floats, float]]:
    """Differences and half widths, for which nothing hangs on the divisor of the variance."""
    rng = np.random.default_rng(72)
    trials = []
    for mean, sd, needed in ((3.0, 8.0, 212.75), (0.0, 30.0, 96.4), (-9.0, 2.0, 461.45)):
        drawn = rng.normal(size=2000)
        drawn = mean + sd * (drawn - drawn.mean()) / drawn.std(ddof=1)
        trials.append((drawn, Z * sd / needed**0.5))
    return trials


def _judge_needed(answer: Any) -> None:
    trials = _trials()
    found = [reals(lone(called(answer, *trial)), "your function returned") for trial in trials]
    for one in found:
        if one.shape != ():
            raise Wrong(f"expected a result of shape (), got {one.shape}")
    exact = np.array([_needed(*trial) for trial in trials])
    if np.array_equal(found, np.ceil(exact)):
        return
    if np.array_equal(found, np.floor(exact)):
        raise Wrong("rounded down, the interval is a little too wide: round up (np.ceil)")
    if np.array_equal(found, np.round(exact)):
        raise Wrong("rounded to the nearest whole number, it is sometimes one too few: round up (np.ceil)")
    if near(found, exact, 2e-3):
        raise Wrong("there are no parts of a world: round up to a whole number (np.ceil)")
    mistakes: dict[str, Callable[[Floats, float], float]] = {
        "the width falls with the *square root* of n: for half the width you need four times as many": (
            lambda differences, half: Z * differences.std(ddof=1) / half
        ),
        "the 1.96 is missing: the interval reaches that many standard errors to each side": (
            lambda differences, half: (differences.std(ddof=1) / half) ** 2
        ),
        "half_width is the distance from the mean to either end, not from end to end": (
            lambda differences, half: 4 * _needed(differences, half)
        ),
        "the standard deviation must be squared together with 1.96 and half_width": (
            lambda differences, half: Z**2 * differences.std(ddof=1) / half**2
        ),
        "it does not depend on how many worlds you tried: only their standard deviation counts": (
            lambda differences, half: _needed(differences, half) / len(differences)
        ),
    }
    for why, mistaken in mistakes.items():
        wrong = np.array([mistaken(*trial) for trial in trials])
        if near(found, np.ceil(wrong), 0.012) or near(found, wrong, 0.012):
            raise Wrong(why)
    raise Wrong(
        "set 1.96 s / √n equal to half_width, with s the standard deviation of the differences, and solve "
        "for n; then round up to a whole number"
    )


# ---------------------------------------------------------------- 7.3


def _middle(costs: Floats) -> float:
    ordered = np.sort(costs)
    quarter = len(costs) // 4
    return float(ordered[quarter : len(costs) - quarter].mean())


def _judge_middle(answer: Any) -> None:
    rng = np.random.default_rng(73)
    function(
        answer,
        [Case((costs,), _middle(costs)) for costs in (rng.gamma(0.7, 30.0, size) for size in (40, 8, 100))],
        within=1e-4,
        mistakes={
            "that is the mean of all: one dreadful world moves it": np.mean,
            "that is the median, which listens to the middle one or two only": np.median,
            "sort the costs first: the quarters are those of the ordered values": (
                lambda costs: costs[len(costs) // 4 : len(costs) - len(costs) // 4].mean()
            ),
            "cut a quarter at *each* end, so that half of the values remain": (
                lambda costs: np.sort(costs)[len(costs) // 8 : len(costs) - len(costs) // 8].mean()
            ),
            "you cut the dear quarter only: cut the cheap one as well": (
                lambda costs: np.sort(costs)[: len(costs) - len(costs) // 4].mean()
            ),
            "you cut the cheap quarter only: cut the dear one as well": (
                lambda costs: np.sort(costs)[len(costs) // 4 :].mean()
            ),
            "that is the width of the middle half: take its mean": (
                lambda costs: np.subtract(*np.percentile(costs, [75, 25]))
            ),
        },
        hint="order the costs, leave out the lowest and the highest quarter, and take the mean of the rest",
    )


# ---------------------------------------------------------------- 7.4


def _improvement(mine: Floats, other: Floats, tie: float = 0.5) -> float:
    cheaper = mine[:, None] < other[None, :]
    same = mine[:, None] == other[None, :]
    return float((cheaper + tie * same).mean())


def _judge_improvement(answer: Any) -> None:
    rng = np.random.default_rng(74)
    trials = [
        (rng.integers(0, 9, size).astype(np.float64), rng.integers(low, 8, other).astype(np.float64))
        for size, other, low in ((30, 30, 2), (12, 40, 0), (25, 25, 3))
    ]
    same = trials[0][0]
    function(
        answer,
        [Case(trial, _improvement(*trial)) for trial in (*trials, (same, same.copy()))],
        within=1e-6,
        mistakes={
            "you count the episodes in which mine is *dearer*: these are costs": (
                lambda mine, other: 1.0 - _improvement(mine, other)
            ),
            "ties are missing: equal costs count one half, so that a policy against itself gets 0.5": (
                lambda mine, other: _improvement(mine, other, tie=0.0)
            ),
            "a tie is no improvement: count it one half": (
                lambda mine, other: _improvement(mine, other, tie=1.0)
            ),
            "you compare two means: asked is how often one episode is cheaper than another": (
                lambda mine, other: float(mine.mean() < other.mean())
            ),
        },
        hint="compare every cost of mine with every cost of the other: a pair in which mine is cheaper "
        "counts 1, a tie one half; divide by the number of pairs. (The two need not have the same length.)",
    )


# ---------------------------------------------------------------- 7.5


MOST_SEEDS = 10_000  # that are read of a result


def _seed_lists() -> list[tuple[Any, Any]]:
    """Lists trained on and evaluated on; a float cannot tell all of their seeds apart."""
    rng = np.random.default_rng(75)
    train, published = np.split(rng.integers(2**61, 2**63, 32, dtype=np.uint64), [12])
    mixed = np.concatenate((train, published[[3, 17, 4]], train[:2]))
    close = np.concatenate((train, published[[2]], published[-1:] + np.uint64(1)))  # the last is no leak
    return [
        (mixed, published),
        (train, published),
        (close, published),
        (published[::-1], published[:5]),
        (world_seeds("training", 0, 12), world_seeds("evaluation", 0, 20)),
    ]


def _seeds_of(result: Any) -> list[int]:
    """The seeds that a function returned, as whole numbers."""
    if isinstance(result, (bool, np.bool_, int, np.integer)):
        raise Wrong(f"expected the seeds themselves, your function returned {result!r}: which worlds are it?")
    if isinstance(result, (set, frozenset)):
        raise Wrong("a set has no order: sorted() makes an ascending list of it")
    flat = np.ndim(result) == 1 if isinstance(result, np.ndarray) else not isinstance(result, (str, Mapping))
    if not flat or not isinstance(result, Iterable):
        raise Wrong(f"expected a list of seeds, your function returned {type(result).__name__}")
    found = list(islice(result, MOST_SEEDS + 1))
    if len(found) > MOST_SEEDS:
        raise Wrong(
            f"your function returned over {MOST_SEEDS} items, far more than there are seeds: return each "
            "of those that occur in both lists once"
        )
    for one in found:
        if isinstance(one, (bool, np.bool_)):
            raise Wrong("these are truths, one a seed: return the seeds for which it is true")
        if isinstance(one, (float, np.floating)):
            raise Wrong(
                "these are floats: seeds are whole numbers of up to 19 digits, and a float keeps 16 of them. "
                "Compare them as integers"
            )
        if not isinstance(one, (int, np.integer)):
            raise Wrong(f"expected a list of seeds, your function returned one with {one!r:.60} in it")
    return [int(one) for one in found]


def _judge_leaked(answer: Any) -> None:
    for trained_on, evaluated_on in _seed_lists():
        mine = _seeds_of(called(answer, trained_on, evaluated_on))
        trained, evaluated = set(map(int, trained_on)), set(map(int, evaluated_on))
        shared = trained & evaluated
        if set(mine) == shared and len(mine) > len(shared):
            raise Wrong("each leaked seed once, please: some appear twice in the training list")
        if set(mine) == shared and mine != sorted(mine):
            raise Wrong("the right seeds, but not in ascending order")
        if set(mine) == evaluated - shared and shared:
            raise Wrong("these are the clean ones: asked are the seeds that occur in both lists")
        blurred = set(map(float, trained)) & set(map(float, evaluated))
        if set(mine) != shared and set(map(float, mine)) == blurred:
            raise Wrong(
                "you compare the seeds as floats, and they are too large for floats: a float keeps 16 "
                "digits, and two seeds that differ in the 19th become the same. Compare them as integers"
            )
        if set(mine) != shared:
            raise Wrong(
                f"{len(shared)} seeds occur in both of two hidden lists: you found {len(shared & set(mine))} "
                f"of them, and {len(set(mine) - shared)} that are none. Compare every seed of one list with "
                "every seed of the other, not place by place"
            )


# ---------------------------------------------------------------- 7.6

VERDICTS = {"A": "leaked", "B": "peeks", "C": "sound", "D": "lucky"}
_WHY = {
    "A": "A: compare its costs on the reported worlds and on fresh ones, and look at the list trained_on",
    "B": 'B: run it with observe="truth" and with observe="monitor": may its decisions differ?',
    "C": "C: does any of your checks really change its cost? Mind the intervals",
    "D": "D: on how many worlds was it reported, and what does it cost on five hundred others?",
}
_MISTAKEN = {
    (
        "A",
        "lucky",
    ): "A: on fresh worlds it is worse, that is right. But 64 worlds are many for mere luck: what else "
    "could explain it? Look at the list trained_on",
    (
        "D",
        "leaked",
    ): "D: its reported worlds are not in its training list. Yet the report is too good: on how many "
    "worlds does it rest?",
    (
        "C",
        "lucky",
    ): "C: its costs on reported and fresh worlds differ by less than their intervals: that is no proof "
    "of luck",
    ("C", "peeks"): "C: with less to see it costs exactly the same: it never looked",
}


def _judge_verdicts(answer: Any) -> None:
    allowed = sorted(set(VERDICTS.values()))
    for letter, said in words(answer, list(VERDICTS), "letters and verdicts").items():
        word = option(letter, said, allowed)
        if word != VERDICTS[letter]:
            raise Wrong(_MISTAKEN.get((letter, word), _WHY[letter]))


EXERCISES: tuple[Exercise, ...] = (
    Exercise("7.1", "paired_interval", "The interval of a difference", _judge_paired, 2),
    Exercise("7.2", "worlds_needed", "How many worlds are enough", _judge_needed, 1),
    Exercise("7.3", "middle_mean", "The interquartile mean", _judge_middle, 1),
    Exercise("7.4", "improvement", "The probability of improvement", _judge_improvement, 2),
    Exercise("7.5", "leaked_seeds", "Find the leak", _judge_leaked, 1),
    Exercise("7.6", "verdicts", "Four suspects", _judge_verdicts, 3),
)
