"""What the command ``compare`` does, part by part: play, keep, write and show."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from springdrift import ENV_ID, TERMS
from springdrift.registry import world_spec
from springdrift_agents.cli.shell import err, out, show, show_matrix
from springdrift_agents.evaluation import report
from springdrift_agents.evaluation.evaluate import Episodes, title_of
from springdrift_agents.evaluation.evaluate import compare as run_comparison
from springdrift_agents.evaluation.provenance import identity
from springdrift_agents.evaluation.store import Store
from springdrift_agents.evaluation.verdict import price_line
from springdrift_agents.files import write_text
from springdrift_agents.planning import plans
from springdrift_agents.policies.base import Policy

LATENCY = 3  # cycles until a new model is live
WRITTEN = ("results.csv", "summary.json", "compare.png", "ranking.png")


@dataclass(frozen=True)
class Comparison:
    """Which policies meet which worlds."""

    chosen: dict[str, Policy]  # by their specs
    places: list[Any]  # scenarios
    count: int  # worlds of each
    seed: int
    env: str
    prices: dict[str, float]  # that were given
    costs: dict[str, float]  # all of them
    hindsight: int  # worlds of each scenario to search the reference on

    @property
    def titles(self) -> dict[str, Any]:
        """The scenarios, by their names."""
        return {title_of(place): place for place in self.places}

    def config(self) -> dict[str, Any]:
        """All that decides the numbers, but for the code."""
        return {
            "policies": {spec: identity(rule) for spec, rule in self.chosen.items()},
            "episodes": self.count,
            "seed": self.seed,
            "costs": self.costs,
            "hindsight": self.hindsight,
            **({} if self.env == ENV_ID else {"env": self.env}),
            **{title: repr(place) for title, place in self.titles.items() if not isinstance(place, str)},
        }

    def about(self) -> dict[str, Any]:
        """What a reader of the numbers must know."""
        return {"seed": self.seed, "episodes": self.count, "costs": self.costs, "latency": LATENCY}


def play(
    asked: Comparison, store: Store | None, record: int, done: Callable[[Episodes], None], **how: Any
) -> list[Episodes]:
    """Every policy in every scenario; what a store holds is read, and what is new is kept in it.

    Args:
        asked: what to compare.
        store: where the run is kept, if it is.
        record: worlds of each pair to keep cycle by cycle.
        done: told of each part.
        how: ``jobs`` and ``scheduler`` of :func:`~springdrift_agents.evaluation.evaluate.compare`.
    """
    run, terms = store.run(asked.config()) if store else 0, world_spec(asked.env).terms
    if store and (dates := store.older(asked.config())):
        err.print(
            f"{store.path} holds this comparison as other code made it ({', '.join(dates)}): it is run anew",
            markup=False,
        )

    def keep(part: Episodes) -> None:
        done(part)
        if store:
            store.write(run, part)
            if part.policy in asked.chosen:
                place, rule = asked.titles[part.scenario], asked.chosen[part.policy]
                for world in part.seeds[:record].tolist():
                    store.record(run, place, part.policy, rule, world, costs=asked.prices, env=asked.env)

    return run_comparison(
        asked.chosen,
        asked.places,
        asked.count,
        asked.seed,
        env=asked.env,
        costs=asked.prices,
        reference=min(asked.hindsight, asked.count),
        planning=plans.reference,
        known=partial(store.read, run, terms=terms) if store else lambda scenario, name: None,
        done=keep,
        **how,
    )


def write_results(asked: Comparison, parts: list[Episodes], rows: Any, overall: Any, folder: Path) -> None:
    """The results of a comparison as files: episodes, summary and pictures."""
    from springdrift_agents.evaluation.plots import compare_plot, ranking_plot

    results, summary, compared, ranked = (folder / name for name in WRITTEN)
    report.write_csv(results, parts)
    write_text(summary, report.to_json(rows, **asked.about()) + "\n")
    every = f"{asked.count} world{'s' * (asked.count > 1)}"
    title = f"What drift costs, by strategy: {every} of each scenario, the same for all. "
    compare_plot(rows, compared, title + price_line(asked.costs, LATENCY))
    own, _ = report.split(parts)
    by_policy = {spec: np.concatenate([p.cost for p in own if p.policy == spec]) for spec in asked.chosen}
    ranking_plot(overall, by_policy, ranked)


def show_tables(parts: list[Episodes], rows: Any, overall: Any) -> None:
    """Every table of a comparison, on the screen."""
    out.print()
    show(report.detail_table(rows), keep=3 + len(TERMS))
    out.print()
    show_matrix(rows)
    for table in (report.habits_table(parts), report.ranking_table(overall)):
        out.print()
        show(table)
    if report.split(parts)[1]:
        out.print()
        show(report.reference_table(parts))
