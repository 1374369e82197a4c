"""Is the game worth playing? Fixed strategies side by side, and what is certain about their order.

Every strategy meets the same worlds, so a claim rests on differences world by world and the 95 % interval
of their mean, which the worlds' own spread does not widen.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift import ENV_ID, OPS_ID, SERIES_ID, SERIES_OPS_ID
from springdrift.registry import world_spec
from springdrift_agents.evaluation.evaluate import compare
from springdrift_agents.evaluation.report import Row, summarise
from springdrift_agents.evaluation.statistics import Interval, mean_interval
from springdrift_agents.policies.registry import policy

TIE = 0.01  # of the cost: a strategy that is cheaper by no more than this has not won
BADLY = 1.5  # times the cost of the best
Costs = Mapping[tuple[str, str], NDArray[np.float64]]  # (scenario, strategy): cost of each world
Part = tuple[str, bool]  # figures, and whether they bear out their part of a claim


class Game(NamedTuple):
    """The strategies of a kind of world, and where each is said to be right."""

    strategies: tuple[str, ...]
    override: str  # intervenes, and never retrains
    trigger: str  # retrains on an error, and never intervenes
    quiet: tuple[str, ...]  # scenarios in which nothing should be done
    stale: tuple[str, ...]  # in which the model goes stale
    overrides: tuple[str, ...]  # in which intervening alone is right
    calendars: Mapping[str, str]  # in which a calendar is right, and which
    triggers: Mapping[str, str]  # in which retraining alone is right, and which
    together: tuple[str, ...]  # in which it takes both

    def calendar(self, strategy: str) -> bool:
        """Whether a strategy is a calendar."""
        return strategy.startswith("periodic")

    @property
    def both(self) -> tuple[str, ...]:
        """The strategies that retrain and intervene."""
        return tuple(one for one in self.strategies if one.startswith("threshold"))


GAMES = {
    ENV_ID: Game(
        strategies=(
            *("never", "always", "swing", "periodic:every=20", "periodic:every=40"),
            *("retrain", "threshold", "threshold:error=0.5:cooldown=8"),
        ),
        override="swing",
        trigger="retrain",
        quiet=("stationary", "shock", "faulty-sensor"),
        stale=("gradual", "abrupt", "recurring", "compound"),
        overrides=("wear",),
        calendars={},
        triggers={},
        together=("abrupt", "recurring", "compound", "mix"),
    ),
    OPS_ID: Game(
        strategies=(
            *("never", "always", "swing", "periodic:every=40", "retrain", "threshold"),
            *("fine-tune", "rollback", "champion", "operations"),
        ),
        override="swing",
        trigger="retrain",
        quiet=("stationary", "shock", "faulty-sensor"),
        stale=("gradual", "abrupt", "recurring", "compound", "two-speed"),
        overrides=("wear",),
        calendars={},
        triggers={},
        together=(),
    ),
    SERIES_OPS_ID: Game(
        strategies=(
            *("never", "always", "swing:start=0.45:stop=0.3", "periodic:every=10"),
            *("retrain:error=0.25:cooldown=6", "threshold:error=0.4:cooldown=12:start=0.6:stop=0.5"),
            *("fine-tune:error=0.3:tune=0.2:pause=8:cooldown=12:start=0.6:stop=0.5",),
            *("fine-tune:error=1e9:tune=0.2:pause=4:start=0.6:stop=0.5",),
            *("champion:error=0.45:fresh=3:start=0.6:stop=0.5",),
            *("operations:error=0.4:tune=0.25:start=0.6:stop=0.5",),
        ),
        override="swing:start=0.45:stop=0.3",
        trigger="retrain:error=0.25:cooldown=6",
        quiet=("stationary", "shock", "faulty-sensor", "chaos"),
        stale=("gradual", "abrupt", "recurring", "tilt", "compound", "two-speed"),
        overrides=(),
        calendars={},
        triggers={},
        together=(),
    ),
    SERIES_ID: Game(
        strategies=(
            *("never", "always", "swing:start=0.45:stop=0.3"),
            *("periodic:every=10", "periodic:every=20", "periodic:every=40"),
            *("retrain", "retrain:error=0.3:cooldown=12"),
            "threshold:start=0.6:stop=0.5",
            "threshold:error=0.4:cooldown=12:start=0.6:stop=0.5",
        ),
        override="swing:start=0.45:stop=0.3",
        trigger="retrain",
        quiet=("stationary", "shock", "faulty-sensor", "chaos"),
        stale=("gradual", "abrupt", "recurring", "tilt", "compound"),
        overrides=("driver",),
        calendars={"tilt": "periodic:every=10"},
        triggers={"gradual": "retrain:error=0.3:cooldown=12"},
        together=("abrupt", "compound", "release-train", "mix"),
    ),
}


class Duel(NamedTuple):
    """A scenario, a strategy, and another that costs more there."""

    scenario: str
    better: str
    worse: str


# Of the five decisions: the same rule with and without one of them, or one of them alone.
WITHOUT = {  # settings with which a rule never takes a decision
    "INTERVENE": "operations:start=9",
    "RETRAIN": "operations:error=1e9",
    "FINE_TUNE": "operations:tune=1e9",
    "ROLLBACK": "operations:better=0",
}
TUNING = "fine-tune:error=1e9:tune=0.7:pause=5"  # and nothing else of the model
SPAM = ("always", "periodic:every=1", "fine-tune:tune=0:pause=0:error=1e9", "champion:better=1e9:least=0")
# The same on series, where errors and swings are of another size.
PUSHING = "start=0.6:stop=0.5"
ALL_FIVE, KEEPING = f"operations:error=0.4:tune=0.25:{PUSHING}", f"champion:error=0.45:fresh=3:{PUSHING}"
STALE_TRIGGER = f"threshold:error=0.4:cooldown=12:{PUSHING}"
ON_AN_ERROR = (
    STALE_TRIGGER,
    "retrain:error=0.25:cooldown=6",
    "threshold:error=0.25:cooldown=6:start=0.8:stop=0.5",
)
TUNING_ALONE = f"fine-tune:error=1e9:tune=0.2:pause=4:{PUSHING}"
QUIET = GAMES[SERIES_OPS_ID].quiet
BESIDE = ("driver", "poc", "release-train", "bad-release", "returning", "mix", "mix-ops")
BEST = {**dict.fromkeys(QUIET, "never"), "tilt": TUNING_ALONE}  # where the rule of all five is not
DUELS = {
    OPS_ID: {
        "fine-tuning wins where the world creeps": [
            *(Duel("gradual", TUNING, one) for one in ("threshold", "champion")),
            *(Duel("tilt", TUNING, one) for one in ("threshold", "retrain")),
        ],
        "fine-tuning alone loses where a sensor lies, where regimes return, and from a cold start": [
            Duel("faulty-sensor", "champion", TUNING),
            Duel("returning", "champion", TUNING),
            Duel("poc", "threshold", TUNING),
        ],
        "rolling back wins where a deployment goes wrong and where regimes return": [
            *(Duel(name, "champion", "champion:better=0") for name in ("bad-release", "returning")),
            Duel("bad-release", "rollback", "threshold"),
        ],
        "each decision is right somewhere: the same rule without it costs more": [
            Duel("stationary", "never", "always"),
            Duel("wear", "operations", WITHOUT["INTERVENE"]),
            Duel("poc", "operations", WITHOUT["RETRAIN"]),
            Duel("tilt", "operations", WITHOUT["FINE_TUNE"]),
            Duel("bad-release", "operations", WITHOUT["ROLLBACK"]),
        ],
        "each decision is wrong somewhere: the same rule without it costs less": [
            Duel("gradual", "operations", "never"),
            Duel("chaos", "never", "swing"),
            Duel("faulty-sensor", "never", "retrain"),
            Duel("returning", WITHOUT["FINE_TUNE"], "operations"),
            Duel("driver", "champion:better=0", "champion"),
        ],
        "any one decision in every cycle costs more than never acting where nothing drifts, and more than "
        "the rule of all five on the mixture": [
            *(Duel("stationary", "never", spam) for spam in SPAM),
            *(Duel("mix-ops", "operations", spam) for spam in SPAM),
        ],
        "no rule is best everywhere": [
            Duel("returning", "operations:tune=1e9", "operations"),
            Duel("compound", "operations", "champion"),
            Duel("faulty-sensor", "champion", "operations"),
            Duel("tilt", "fine-tune", "operations"),
        ],
    },
    SERIES_OPS_ID: {
        "fine-tuning wins where the season walks and where the level creeps": [
            Duel(name, TUNING_ALONE, one)
            for name in ("gradual", "tilt")
            for one in (*ON_AN_ERROR, KEEPING, "periodic:every=10", "periodic:every=20")
        ],
        "fine-tuning alone loses where a sensor lies, where regimes return, and where the season jumps": [
            Duel(name, f"{KEEPING}:better=0", TUNING_ALONE)
            for name in ("faulty-sensor", "returning", "abrupt", "shock")
        ],
        "rolling back wins where a deployment goes wrong and where regimes return": [
            *(
                Duel(name, f"rollback:error=0.4:cooldown=12:{PUSHING}", STALE_TRIGGER)
                for name in ("bad-release", "returning")
            ),
            Duel("bad-release", ALL_FIVE, f"{ALL_FIVE}:better=0"),
            Duel("returning", KEEPING, f"{KEEPING}:better=0"),
        ],
        "rolling back loses where nothing returns": [Duel("abrupt", f"{KEEPING}:better=0", KEEPING)],
        "each decision is right somewhere: the same rule without it costs more": [
            Duel("stationary", "never", "always"),
            Duel("abrupt", ALL_FIVE, f"{ALL_FIVE}:start=9"),
            Duel("abrupt", ALL_FIVE, f"{ALL_FIVE}:error=1e9"),
            Duel("two-speed", ALL_FIVE, f"{ALL_FIVE}:tune=1e9"),
            Duel("bad-release", ALL_FIVE, f"{ALL_FIVE}:better=0"),
        ],
        "each decision is wrong somewhere: the same rule without it costs less": [
            Duel("gradual", ALL_FIVE, "never"),
            Duel("chaos", "never", "swing:start=0.45:stop=0.3"),
            Duel("faulty-sensor", "never", "retrain:error=0.25:cooldown=6"),
            Duel("faulty-sensor", f"{ALL_FIVE}:tune=1e9", ALL_FIVE),
            Duel("abrupt", f"{KEEPING}:better=0", KEEPING),
        ],
        "any one decision in every cycle loses everywhere; rolling back, where there is a version before": [
            Duel(name, BEST.get(name, ALL_FIVE), spam)
            for name in (*GAMES[SERIES_OPS_ID].stale, *QUIET, *BESIDE)
            for spam in SPAM
            if (name, spam)
            != ("stationary", SPAM[3])  # nothing is retrained, and nothing can be gone back to
        ],
        "no rule is best everywhere": [
            *(Duel(name, KEEPING, ALL_FIVE) for name in ("shock", "faulty-sensor", "returning")),
            *(Duel(name, "never", ALL_FIVE) for name in ("chaos", "driver")),
            Duel("tilt", TUNING_ALONE, ALL_FIVE),
            Duel("two-speed", ALL_FIVE, TUNING_ALONE),
        ],
    },
}


class Verdict(NamedTuple):
    """A claim about the game, whether it holds, and the figures behind it."""

    claim: str
    holds: bool
    figures: str


def separation(
    episodes: int, seed: int = 0, done: Callable[[], None] = lambda: None, env: str = ENV_ID
) -> tuple[list[Row], list[Verdict]]:
    """Fixed strategies on every scenario, and whether each wins somewhere and loses elsewhere.

    Args:
        episodes: worlds of each scenario.
        seed: which worlds.
        done: is called as each strategy has been through a scenario.
        env: id of the kind of world, one of :data:`GAMES`.
    """
    strategies = {spec: policy(spec) for spec in GAMES[env].strategies}
    parts = compare(strategies, scenarios_of(env), episodes, seed, done=lambda _: done(), env=env)
    costs = {(part.scenario, part.policy): part.cost for part in parts}
    return summarise(parts), judge(costs, GAMES[env]) + fought(costs, episodes, seed, env)


def fought(costs: Costs, episodes: int, seed: int, env: str) -> list[Verdict]:
    """Whether each duel ends as it is said to; who has not played yet does so, on the same worlds."""
    all_costs, duels = dict(costs), DUELS.get(env, {})
    for duel in (one for part in duels.values() for one in part):
        for spec in duel[1:]:
            if (duel.scenario, spec) not in all_costs:
                (part,) = compare({spec: policy(spec)}, [duel.scenario], episodes, seed, env=env)
                all_costs[duel.scenario, spec] = part.cost
    return [
        _verdict(
            claim,
            [
                (f"{one.scenario}: {one.worse} costs {gap} more than {one.better}", gap.low > 0.0)
                for one in part
                for gap in [
                    mean_interval(all_costs[one.scenario, one.worse] - all_costs[one.scenario, one.better])
                ]
            ],
        )
        for claim, part in duels.items()
    ]


def scenarios_of(env: str) -> list[str]:
    """The scenarios that draw a fresh world for each seed: recordings have one world alone."""
    known = world_spec(env).scenarios
    return [name for name, one in known.items() if hasattr(one, "members")]


def judge(costs: Costs, game: Game) -> list[Verdict]:
    """What the costs say of each claim; every strategy has the same worlds in a scenario.

    A claim of several parts holds when each of them does, so no part needs a stricter interval.
    """
    scenarios = tuple(dict.fromkeys(scenario for scenario, _ in costs))

    def best(scenario: str, among: tuple[str, ...] = game.strategies) -> str:
        return min(among, key=lambda spec: float(costs[scenario, spec].mean()))

    def beyond(scenario: str, spec: str, other: str, times: float = 1.0) -> Interval:
        """How much a strategy costs beyond so many times what another does."""
        return mean_interval(costs[scenario, spec] - times * costs[scenario, other])

    def dearer(
        scenario: str, spec: str, times: float = 1.0, among: tuple[str, ...] = game.strategies
    ) -> Part:
        rival = best(scenario, among)
        gap = beyond(scenario, spec, rival, times)
        left = "" if times == 1.0 else f"{times:g} × "
        return f"{scenario} {gap} beyond {left}{rival}", gap.low > 0.0

    def wins(scenario: str, spec: str, among: tuple[str, ...] = game.strategies) -> Part:
        tie = TIE * float(costs[scenario, spec].mean())
        gaps = {rival: beyond(scenario, rival, spec) for rival in among if rival != spec}
        nearest = min(gaps, key=lambda rival: gaps[rival].low)
        return f"{scenario}: {nearest} costs {gaps[nearest]} more", gaps[nearest].low >= -tie

    def fails(scenario: str, spec: str) -> bool:
        far = costs[scenario, spec].mean() > BADLY * costs[scenario, best(scenario)].mean()
        return bool(far) and dearer(scenario, spec, BADLY)[1]

    beaten = {spec: [scenario for scenario in scenarios if fails(scenario, spec)] for spec in game.strategies}
    dated = [spec for spec in game.strategies if game.calendar(spec)]
    others = tuple(spec for spec in game.strategies if not game.calendar(spec))
    found = [
        _verdict(
            "always acting costs at least half as much again as the best, everywhere",
            [dearer(scenario, "always", BADLY) for scenario in scenarios],
        ),
        _verdict(
            "never acting is right where nothing should be done: no other is cheaper",
            [wins(scenario, "never") for scenario in game.quiet],
        ),
        _verdict(
            "never acting costs more than twice the best where the model goes stale",
            [dearer(scenario, "never", 2.0) for scenario in game.stale],
        ),
        _verdict(
            "intervening alone wins where retraining cannot help: no other is cheaper",
            [wins(scenario, game.override) for scenario in game.overrides],
        ),
        _verdict(
            "intervening alone costs at least a fifth more than the best where the model goes stale",
            [dearer(scenario, game.override, 1.2) for scenario in game.stale],
        ),
        _verdict(
            "the calendar is right where the error shows something else than the drift: nothing but a "
            "calendar is cheaper",
            [wins(scenario, spec, (spec, *others)) for scenario, spec in game.calendars.items()],
        ),
        _verdict(
            "every calendar costs at least half as much again as the best where nothing should be done",
            [dearer(scenario, spec, BADLY) for scenario in game.quiet[:2] for spec in dated],
        ),
        _verdict(
            "retraining on an error alone is right where the model goes stale slowly: no other is cheaper",
            [wins(scenario, spec) for scenario, spec in game.triggers.items()],
        ),
        _verdict(
            "retraining alone loses to both together",
            [dearer(scenario, game.trigger, among=game.both) for scenario in game.together],
        ),
        _verdict(
            "both together are right there: none of the others is cheaper",
            [
                wins(scenario, best(scenario, game.both), (best(scenario, game.both), *alone))
                for scenario in game.together
                for alone in [tuple(spec for spec in game.strategies if spec not in game.both)]
            ],
        ),
        _verdict(
            "no one fixed setting is good everywhere: each costs at least half as much again as the best, "
            "on two scenarios or more",
            [
                (f"{spec} on {len(where)}: {', '.join(where)}", len(where) >= 2)
                for spec, where in beaten.items()
            ],
        ),
    ]
    return [verdict for verdict in found if verdict.figures]


def _verdict(claim: str, parts: list[Part]) -> Verdict:
    """A claim holds when all its parts do; what contradicts it is shown alone."""
    wrong = [text for text, fine in parts if not fine]
    return Verdict(claim, not wrong, "; ".join(wrong or [text for text, _ in parts]))
