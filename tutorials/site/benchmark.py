"""The table of the benchmark: every built-in policy on every kind of world; run as a module, it fills it.

What was measured is kept in ``benchmark.json``, one entry per kind of world, scenario and policy, with the
commit that made it, so that rows can be made one by one, stopped, gone on with, and made anew::

    python tutorials/site/benchmark.py                                     # what is missing
    python tutorials/site/benchmark.py --again --policies ppo-mix,ppo-ops  # these rows anew
"""

import argparse
import hashlib
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from springdrift import ENV_ID
from springdrift.registry import WORLDS, world_spec
from springdrift_agents.evaluation.benchmark import HEADLINE, Line, Protocol, Result, candidates, run
from springdrift_agents.evaluation.statistics import Interval
from springdrift_agents.files import write_text
from springdrift_agents.policies.registry import policy, policy_names
from springdrift_agents.policies.settings import shipped_settings

KEPT = Path(__file__).with_name("benchmark.json")
PAGE = Path(__file__).parent / "reference" / "benchmark.md"
ENVS = tuple(id for id in WORLDS if id.startswith("springdrift/"))
MIXED = (HEADLINE, "mix-ops")  # the scenarios whose settings are rows of their own
Kept = dict[str, Any]  # env -> scenario -> {"rules": ..., "rows": policy -> entry}


def rows_of(env: str) -> list[str]:
    """The policies of the table: every built-in one as it is, and each rule with the settings for mixtures.

    >>> rows = rows_of("springdrift/InclinedMass-v0")
    >>> "never" in rows, "expert@mix" in rows, "ppo-mix" in rows
    (True, True, True)
    """
    tuned = shipped_settings(env)
    names = policy_names(env)
    return [*names, *(f"{name}@{place}" for place in MIXED for name in tuned.get(place, {}) if name in names)]


def command_of(env: str, spec: str) -> str:
    """The command that makes a row alone.

    >>> command_of("springdrift/TimeSeries-v0", "expert")
    'springdrift benchmark expert --env springdrift/TimeSeries-v0'
    """
    return f"springdrift benchmark {spec}" + (f" --env {env}" if env != ENV_ID else "")


def _rivals(scenario: str, env: str) -> str:
    """A name for the rules among which the one to beat is chosen: another one if any rule or setting is."""
    return hashlib.sha256(repr(sorted(candidates(scenario, env).items())).encode()).hexdigest()[:16]


def fill(kept: Kept, env: str, scenario: str, specs: Sequence[str], commit: str, jobs: int = 1) -> None:
    """Measure policies in a scenario, and keep what was found."""
    place = kept.setdefault(env, {}).setdefault(scenario, {"rows": {}})
    rivals = _rivals(scenario, env)
    rules = {scenario: place["rule"]} if place.get("rivals") == rivals else None
    protocol = Protocol(env, scenarios=(scenario,))
    results = run({spec: policy(spec, env=env) for spec in specs}, protocol, rules=rules, jobs=jobs)
    place |= {"rivals": rivals, "rule": results[0].lines[0].rule}
    for result in results:
        place["rows"][result.policy] = result.lines[0]._asdict() | {"commit": commit}


def result_of(kept: Kept, env: str, spec: str, scenarios: Sequence[str] = ()) -> Result | None:
    """The row of a policy in all scenarios, or in these; None while one is missing."""
    lines = []
    for scenario in scenarios or world_spec(env).scenarios:
        entry = dict(kept.get(env, {}).get(scenario, {"rows": {}})["rows"].get(spec, {}))
        if not entry:
            return None
        entry.pop("commit")
        lines.append(Line(**entry | {name: Interval(*entry[name]) for name in ("cost", "against")}))
    return Result(spec, Protocol(env), lines, {})


def page(kept: Kept) -> str:
    """The table as Markdown."""
    text = [
        "(reference-benchmark)=",
        "# Results of the benchmark",
        "",
        "Every built-in policy by the protocol of {ref}`howto-benchmark`: 1,000 worlds of each scenario",
        "that no other command uses, the same for everyone, at default prices. A rule stands with its",
        "defaults, and with the settings that were searched for mixtures (`@mix`, `@mix-ops`). The rule to",
        "beat is chosen in each scenario on 500 other worlds, of all rules with all settings that ship.",
        "Differences are made world by world, below 0 is better; intervals hold 95 %.",
    ]
    for env in ENVS:
        made = {spec: result_of(kept, env, spec) for spec in rows_of(env)}
        found = {spec: result for spec, result in made.items() if result}
        if found:
            command = f"Each row is what `{command_of(env, 'POLICY')}` finds at its commit."
            text += [
                "",
                f"## {env}",
                "",
                command,
                "",
                *_summary(env, found, kept),
                "",
                *_by_scenario(env, found),
            ]
    return "\n".join([*text, ""])


def _summary(env: str, found: dict[str, Result], kept: Kept) -> list[str]:
    """One line a policy, the cheapest first."""
    first = next(iter(found.values())).headline
    lines = [
        f"| policy | cost on `{first.scenario}` | beside `{first.rule}` | better / same / worse | commit |",
        "| --- | --- | --- | --- | --- |",
    ]
    for spec, one in sorted(found.items(), key=lambda pair: pair[1].headline.cost.value):
        commits = ", ".join(sorted({place["rows"][spec]["commit"] for place in kept[env].values()}))
        counts = " / ".join(map(str, one.counts))
        lines.append(f"| `{spec}` | {one.headline.cost} | {one.headline.against} | {counts} | {commits} |")
    return lines


def _by_scenario(env: str, found: dict[str, Result]) -> list[str]:
    """The cost of an episode, scenarios down and policies across; the cheapest in bold."""
    lines = ["| scenario | rule to beat | " + " | ".join(f"`{spec}`" for spec in found) + " |"]
    lines.append("| --- " * (len(found) + 2) + "|")
    for number, scenario in enumerate(world_spec(env).scenarios):
        costs = {spec: one.lines[number].cost.value for spec, one in found.items()}
        rule = next(iter(found.values())).lines[number]
        cells = [
            f"**{cost:.1f}**" if cost == min(costs.values()) else f"{cost:.1f}" for cost in costs.values()
        ]
        lines.append(f"| `{scenario}` | `{rule.rule}` {rule.rule_cost:.1f} | " + " | ".join(cells) + " |")
    return lines


def _commit() -> str:
    """The commit whose code runs.

    Raises:
        SystemExit: changes of the code that are not committed.
    """
    root = Path(__file__).parents[2]
    said = [
        subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout.strip()
        for words in (["status", "--porcelain", "envs", "agents"], ["rev-parse", "--short=8", "HEAD"])
    ]
    if said[0]:
        raise SystemExit(f"commit these first, so that a row can name what made it:\n{said[0]}")
    return said[1]


def main() -> None:
    parser = argparse.ArgumentParser(description="Fill the table of the benchmark, and write its page.")
    parser.add_argument(
        "--env", action="append", choices=ENVS, help="a kind of world; every one if not given"
    )
    parser.add_argument("--policies", help="rows, separated by commas; every one if not given")
    parser.add_argument("--again", action="store_true", help="measure rows anew that are there")
    parser.add_argument("--jobs", type=int, default=1, help="processes; the figures stay the same")
    asked = parser.parse_args()
    commit = _commit()
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    for env in asked.env or ENVS:
        wanted = [spec for spec in rows_of(env) if not asked.policies or spec in asked.policies.split(",")]
        for scenario in world_spec(env).scenarios:
            there = kept.get(env, {}).get(scenario, {"rows": {}})["rows"]
            missing = [spec for spec in wanted if asked.again or spec not in there]
            if missing:
                fill(kept, env, scenario, missing, commit, asked.jobs)
                write_text(KEPT, json.dumps(kept, indent=1) + "\n")
                print(f"{env} · {scenario}: {len(missing)} policies", flush=True)
    write_text(PAGE, page(kept))


if __name__ == "__main__":
    main()
