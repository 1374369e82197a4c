"""A benchmark that others can cite: one protocol, worlds that nothing was tuned on, and a rule to beat.

The rule to beat is chosen on other worlds than those it is judged on: of every built-in rule with every
setting that ships, the one that costs least on the worlds of ``validation``. Policy and rule then meet the
same worlds of the purpose ``benchmark``, which no other command uses.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from springdrift import ENV_ID
from springdrift.registry import world_spec
from springdrift_agents.evaluation.evaluate import Episodes, evaluate, results_of, world_seeds
from springdrift_agents.evaluation.provenance import manifest
from springdrift_agents.evaluation.statistics import Interval, mean_interval
from springdrift_agents.policies.base import Policy, check_policy
from springdrift_agents.policies.registry import rules_of
from springdrift_agents.policies.settings import shipped_settings

VERSION = 1  # of the protocol: another one has other figures
HEADLINE = "mix"  # the scenario of the one figure that sums up


@dataclass(frozen=True)
class Protocol:
    """What a benchmark plays: worlds of every scenario of a kind of world, at its default prices."""

    env: str = ENV_ID
    worlds: int = 1000  # of each scenario, to be judged on
    choosing: int = 500  # of each scenario, to choose the rule to beat
    scenarios: tuple[str, ...] = field(default=())  # those that ship with the world, unless given

    def __post_init__(self) -> None:
        if not self.scenarios:
            object.__setattr__(self, "scenarios", tuple(world_spec(self.env).scenarios))

    @property
    def name(self) -> str:
        """What a result is cited by; a shortened run says so.

        >>> Protocol().name
        'springdrift benchmark 1, springdrift/InclinedMass-v0'
        """
        usual = Protocol(self.env)
        short = "" if self == usual else f", shortened: {self.worlds} worlds, {len(self.scenarios)} scenarios"
        return f"springdrift benchmark {VERSION}, {self.env}{short}"


class Line(NamedTuple):
    """A policy on the worlds of a scenario, beside the rule to beat and beside doing nothing."""

    scenario: str
    cost: Interval  # of an episode
    rule: str  # the rule to beat
    rule_cost: float
    against: Interval  # cost of the policy minus that of the rule, on the same worlds: below 0 is better
    never: float  # cost of leaving the model alone

    @property
    def verdict(self) -> str:
        """``better``, ``worse`` or ``same`` as the rule, by the 95 % interval of the difference."""
        return "better" if self.against.high < 0 else "worse" if self.against.low > 0 else "same"


class Result(NamedTuple):
    """A policy's benchmark."""

    policy: str
    protocol: Protocol
    lines: list[Line]
    made: dict[str, Any]  # the code, packages and machine that made it

    @property
    def headline(self) -> Line:
        """The line of ``mix``, or the first where that was not played."""
        return next((line for line in self.lines if line.scenario == HEADLINE), self.lines[0])

    @property
    def counts(self) -> tuple[int, int, int]:
        """Scenarios in which it is better than the rule to beat, the same, and worse."""
        better, same, worse = (
            sum(line.verdict == said for line in self.lines) for said in ("better", "same", "worse")
        )
        return better, same, worse

    def __str__(self) -> str:
        first, (better, same, worse) = self.headline, self.counts
        apart = first.against
        return (
            f"{self.policy}: {first.cost} an episode on {first.scenario}, {apart.value:+.1f} "
            f"[{apart.low:+.1f}, {apart.high:+.1f}] beside the rule to beat ({first.rule}); better on "
            f"{better}, the same on {same}, worse on {worse} of "
            f"{len(self.lines)} scenarios ({self.protocol.name})"
        )


def candidates(scenario: str, env: str = ENV_ID) -> dict[str, Policy]:
    """Every built-in rule, with its defaults and with each setting that ships for a scenario or for ``mix``.

    >>> sorted(candidates("abrupt"))[:3], "cusum@abrupt" in candidates("abrupt")
    (['adwin', 'adwin@abrupt', 'adwin@mix'], True)
    """
    rules = rules_of(env)
    found: dict[str, Policy] = {name: rule() for name, rule in rules.items()}
    tuned = shipped_settings(env)
    for place in (scenario, HEADLINE):
        for name, parameters in tuned.get(place, {}).items():
            found[f"{name}@{place}"] = rules[name](**parameters)
    return found


def run(
    policies: Mapping[str, Policy],
    protocol: Protocol | None = None,
    *,
    rules: Mapping[str, str] | None = None,
    jobs: int = 1,
    done: Callable[[str], None] = lambda _: None,
) -> list[Result]:
    """Benchmark policies.

    Args:
        policies: by the name that a table shows.
        protocol: what is played; the usual one if None.
        rules: the rule to beat in each scenario, as an earlier run chose it; chosen if None.
        jobs: processes; the figures are the same whatever their number.
        done: hears of each part, ``scenario · policy``, as it ends.

    Raises:
        ValueError: what is no policy, or no kind of world; a policy whose decisions are none.
    """
    protocol = protocol or Protocol()
    for name, one in policies.items():
        check_policy(one, name)
    env, rivals = protocol.env, {place: candidates(place, protocol.env) for place in protocol.scenarios}
    rules = rules or _choose(rivals, protocol, jobs, done)
    played = [
        (name, one, place)
        for place in protocol.scenarios
        for name, one in {
            **{rule: rivals[place][rule] for rule in ("never", rules[place])},
            **policies,
        }.items()
    ]
    parts: dict[tuple[str, str], Episodes] = {}
    seeds = world_seeds("benchmark", 0, protocol.worlds)
    work = [(partial(evaluate, name=name, env=env), (one, place, seeds)) for name, one, place in played]
    for (name, _, place), part in zip(played, results_of(work, jobs), strict=True):
        parts[place, name] = part
        done(f"{place} · {name}")
    made = manifest({"protocol": protocol.name})
    return [
        Result(
            name, protocol, [_line(parts, place, name, rules[place]) for place in protocol.scenarios], made
        )
        for name in policies
    ]


def _choose(
    rivals: Mapping[str, Mapping[str, Policy]], protocol: Protocol, jobs: int, done: Callable[[str], None]
) -> dict[str, str]:
    """The rule to beat in each scenario: the one that costs least on worlds that judge nothing."""
    seeds = world_seeds("validation", 1, protocol.choosing)
    tried = [(place, spec) for place, of in rivals.items() for spec in of]
    work = [
        (partial(evaluate, env=protocol.env), (rivals[place][spec], place, seeds)) for place, spec in tried
    ]
    costs: dict[str, dict[str, float]] = {place: {} for place in rivals}
    for (place, spec), part in zip(tried, results_of(work, jobs), strict=True):
        costs[place][spec] = float(part.cost.mean())
        done(f"{place} · choosing: {spec}")
    return {place: min(of, key=of.__getitem__) for place, of in costs.items()}


def _line(parts: Mapping[tuple[str, str], Episodes], place: str, name: str, rule: str) -> Line:
    mine, its, plain = (parts[place, one].cost for one in (name, rule, "never"))
    return Line(
        place, mean_interval(mine), rule, float(its.mean()), mean_interval(mine - its), float(plain.mean())
    )


def page(results: Sequence[Result], command: str) -> str:
    """The results as Markdown: one line a policy, then a table for each of them."""
    protocol = results[0].protocol
    places = ", ".join(f"`{place}`" for place in protocol.scenarios)
    text = [
        f"# {protocol.name}",
        "",
        f"{protocol.worlds:,} worlds of each scenario ({places}), default prices, the same worlds "
        "for everyone and for nothing else. The rule to beat is, of all built-in rules with all settings "
        f"that ship, the one that cost least on {protocol.choosing:,} other worlds. Differences are made "
        "world by world, below 0 is better; intervals hold 95 %.",
        "",
        f"| policy | cost on {results[0].headline.scenario} | beside the rule to beat "
        "| better / same / worse |",
        "| --- | --- | --- | --- |",
    ]
    for result in results:
        first, said = result.headline, result.counts
        text.append(f"| `{result.policy}` | {first.cost} | {first.against} | {' / '.join(map(str, said))} |")
    for result in results:
        text += [
            "",
            f"## {result.policy}",
            "",
            "| scenario | cost | rule to beat | its cost | beside it | never |",
        ]
        text.append("| --- | --- | --- | --- | --- | --- |")
        text += [
            f"| `{line.scenario}` | {line.cost} | `{line.rule}` | {line.rule_cost:.1f} | {line.against}"
            f"{'' if line.verdict == 'same' else ', ' + line.verdict} | {line.never:.1f} |"
            for line in result.lines
        ]
    made = results[0].made
    versions = ", ".join(f"{name} {value}" for name, value in made["packages"].items())
    commit = f", commit {made['git']}" if made["git"] else ""
    return "\n".join(
        [*text, "", f"Made by `{command}` with {versions}, Python {made['python']}{commit}.", ""]
    )
