"""The command that benchmarks policies."""

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from springdrift import ENV_ID
from springdrift.registry import world_spec
from springdrift_agents.cli.shell import (
    Env,
    Json,
    Trust,
    app,
    bounded,
    known_scenario,
    names_of,
    progress_bar,
    tell,
    writable_file,
)
from springdrift_agents.evaluation.benchmark import Protocol, Result, candidates, page, run
from springdrift_agents.files import write_text
from springdrift_agents.policies.registry import policy

SHORT = (100, 100)  # worlds to be judged on, and to choose the rule to beat on


@app.command(rich_help_panel="Measure")
def benchmark(
    policies: Annotated[
        list[str], typer.Argument(help="Names, [dim]path.py:Class[/], weights, or zips with --trust.")
    ],
    scenarios: Annotated[
        list[str] | None, typer.Option("--scenarios", "-s", help="Which, separated by commas. [all]")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help=f"{SHORT[0]} worlds of each scenario.")] = False,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, help="Processes; the figures stay the same.")
    ] = 1,
    out_file: Annotated[Path, typer.Option("--out", "-o", help="The page.")] = Path("out/benchmark.md"),
    env: Env = ENV_ID,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Benchmark policies by a fixed protocol, on worlds that nothing was tuned on, beside the rule to beat.

    The rule to beat is chosen on other worlds. One line a policy, and a page with every scenario.
    """
    kind = world_spec(env)
    chosen = {spec: policy(spec, trust, env) for spec in names_of(policies, [])}
    places = names_of(scenarios, list(kind.scenarios))
    for place in places:
        known_scenario(place, list(kind.scenarios))
    usual = Protocol(env)
    worlds, choosing = SHORT if quick else (usual.worlds, usual.choosing)
    protocol = Protocol(env, worlds, choosing, tuple(places))
    writable_file(out_file)
    parts = sum(len(candidates(place, env)) + 2 + len(chosen) for place in places)
    with progress_bar() as progress:
        task = progress.add_task("benchmark", total=parts)
        results = run(
            chosen,
            protocol,
            jobs=bounded(jobs, parts),
            done=lambda part: progress.update(task, advance=1, description=part),
        )
    options = [*policies, *(["--env", env] if env != ENV_ID else []), *(["--quick"] if quick else [])]
    options += [*(["-s", ",".join(places)] if scenarios else []), *(["--trust"] if trust else [])]
    command = shlex.join(["springdrift", "benchmark", *options])
    write_text(out_file, page(results, command))
    if as_json:
        print(json.dumps([_plain(result) for result in results], indent=1))
    else:
        for result in results:
            print(result)
        tell(f"written: {out_file}")


def _plain(result: Result) -> dict[str, object]:
    """A result as JSON."""
    lines = [line._asdict() | {"verdict": line.verdict} for line in result.lines]
    return {"policy": result.policy, "protocol": result.protocol.name, "lines": lines, "made": result.made}
