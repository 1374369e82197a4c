"""One HTML file for a comparison, or for episodes to watch: opened offline, printed, scrubbed through."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from platform import python_version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from springdrift import ENV_ID
from springdrift.registry import world_spec
from springdrift_agents.evaluation import report
from springdrift_agents.evaluation.diagnosis import FINDINGS
from springdrift_agents.evaluation.evaluate import Episodes
from springdrift_agents.files import write_text
from springdrift_agents.play.web import build, data
from springdrift_agents.play.web.link import text_of
from springdrift_agents.play.web.references import decisions_of, scenarios_of
from springdrift_agents.policies.base import Policy

REPLAYED = 2  # worlds of each scenario whose episodes are in the file
QUANTILES = 101  # of a policy's costs, for the profiles
Json = dict[str, Any]


def write(
    path: Path,
    parts: Sequence[Episodes],
    policies: Mapping[str, Policy],
    costs: Mapping[str, float] | None = None,
    manifest: Mapping[str, str] | None = None,
    env: str = ENV_ID,
) -> None:
    """Write the report of a comparison.

    Args:
        path: the HTML file.
        parts: what :func:`springdrift_agents.evaluation.evaluate.compare` found.
        policies: those that were compared, by name; they play the episodes to watch anew.
        costs: the comparison's prices, where they are not the usual ones.
        manifest: what else is to be told of the run, by name.
        env: id of the kind of world.

    Raises:
        ValueError: a kind of world that no page can play.
    """
    own, _ = report.split(parts)
    known = scenarios_of(env)
    first = {part.scenario: part.seeds[:REPLAYED] for part in own if part.scenario in known}
    found = {"manifest": _manifest(manifest), "replays": replays(policies, first, env)}
    _write(path, found_of(parts) | found, costs, env)


def write_episodes(
    path: Path, policies: Mapping[str, Policy], scenario: str, seeds: NDArray[np.uint64], env: str = ENV_ID
) -> None:
    """Write a page that replays policies side by side in some worlds of a built-in scenario.

    Raises:
        ValueError: a scenario or a kind of world that the page does not know.
    """
    if scenario not in scenarios_of(env):
        raise ValueError(
            f"a page replays the built-in scenarios alone, and no recordings, not {scenario!r}; "
            f"of {env} it knows {', '.join(scenarios_of(env))}"
        )
    about = {"episodes": len(seeds), "scenarios": 1, "made": _made(), "dummy": ""}
    empty: Json = {"habits": {"names": [], "rows": []}, "summary": {"names": [], "rows": []}}
    lists = dict.fromkeys(("ranking", "byTerm", "scenarios", "profiles"), ())
    found = {"about": about, **empty, **lists, "manifest": _manifest(None)}
    _write(path, {**found, "replays": replays(policies, {scenario: seeds}, env)}, None, env)


def _write(path: Path, found: Json, costs: Mapping[str, float] | None, env: str) -> None:
    texts = build.texts_of(build.TEXTS)
    world = data.about(env, costs)
    told = {
        "worlds": [world],
        "kernels": data.kernels(world),
        "colours": data.colours(),
        "texts": texts,
        "found": found,
    }
    style = (build.PAGE / "report.css").read_text(encoding="utf-8")
    write_text(path, build.filled("report.html", told, build.code_of(build.REPORT), texts, style))


def _made() -> str:
    return f"springdrift {metadata.version('springdrift')}, {datetime.now(UTC):%Y-%m-%d}."


def _manifest(more: Mapping[str, str] | None) -> dict[str, str]:
    versions = {name: metadata.version(name) for name in ("springdrift", "numpy", "numba")}
    return {**versions, "Python": python_version(), **(more or {})}


def found_of(parts: Sequence[Episodes]) -> Json:
    """What the page shows of a comparison, as JSON has it; a number that is not known is None."""
    own, _ = report.split(parts)
    rows, ranked = report.summarise(own), report.ranking(parts)
    scenarios = list(dict.fromkeys(part.scenario for part in own))
    dummy = next(one["policy"] for one in ranked if one["difference"] is None)
    by_policy = {one["policy"]: [p for p in own if p.policy == one["policy"]] for one in ranked}
    return {
        "about": {
            "episodes": len(own[0].seeds), "scenarios": len(scenarios), "made": _made(), "dummy": dummy
        },
        "ranking": [
            {
                "policy": one["policy"],
                **{key: one[key] and one[key]._asdict() for key in ("cost", "iqm", "difference")},
                **{key: None if np.isnan(one[key]) else float(one[key]) for key in ("better", "gap")},
            }
            for one in ranked
        ],
        "byTerm": [
            {"policy": name, "sums": np.mean([part.terms.mean(axis=0) for part in mine], axis=0).tolist()}
            for name, mine in by_policy.items()
        ],
        "scenarios": [{"scenario": name, "costs": _costs(rows, name)} for name in scenarios],
        "profiles": [
            {"policy": name, "costs": np.quantile(_pooled(mine), np.linspace(0, 1, QUANTILES)).tolist()}
            for name, mine in by_policy.items()
        ],
        "habits": {
            "names": [name.replace("_", " ") for name in FINDINGS],
            "rows": [[name, *_habits(mine)] for name, mine in by_policy.items()],
        },
        "summary": {"names": list(rows[0]), "rows": [list(row.values()) for row in rows]},
    }  # fmt: skip


def _costs(rows: Sequence[report.Row], scenario: str) -> list[Json]:
    here = sorted((row for row in rows if row["scenario"] == scenario), key=lambda row: float(row["cost"]))
    return [
        {"policy": row["policy"], "value": row["cost"], "low": row["low"], "high": row["high"]}
        for row in here
    ]


def _pooled(parts: Sequence[Episodes]) -> NDArray[np.float64]:
    return np.concatenate([part.cost for part in parts])


def _habits(parts: Sequence[Episodes]) -> list[str]:
    return [f"{np.mean([part.finding(name).mean() for part in parts]):.1f}" for name in FINDINGS]


def replays(policies: Mapping[str, Policy], worlds: Mapping[str, NDArray[np.uint64]], env: str) -> Json:
    """What each policy decides in some worlds of built-in scenarios, as text."""
    actions = world_spec(env).actions
    return {
        scenario: {
            "seeds": [str(seed) for seed in seeds],
            "plans": {
                name: [text_of(plan.tolist(), actions) for plan in decisions_of(policy, scenario, seeds, env)]
                for name, policy in policies.items()
            },
        }
        for scenario, seeds in worlds.items()
    }
