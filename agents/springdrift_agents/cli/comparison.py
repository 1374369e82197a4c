"""What the command ``compare`` does, part by part: play, keep, write and show."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from springdrift import ENV_ID, TERMS
from springdrift.incline.reward import OPS_TERMS
from springdrift.registry import world_spec
from springdrift_agents import limits
from springdrift_agents.cli.shell import (
    err,
    out,
    progress_bar,
    show,
    show_matrix,
    tell,
    writable,
    writable_file,
)
from springdrift_agents.evaluation import report
from springdrift_agents.evaluation.evaluate import Episodes, title_of
from springdrift_agents.evaluation.evaluate import compare as run_comparison
from springdrift_agents.evaluation.provenance import identity
from springdrift_agents.evaluation.store import Store
from springdrift_agents.evaluation.verdict import price_line, verdict
from springdrift_agents.files import write_text
from springdrift_agents.planning import plans
from springdrift_agents.policies.base import Policy

LATENCY = 3  # cycles until a new model is live
WRITTEN = ("results.csv", "summary.json", "compare.png", "ranking.png")


@dataclass(frozen=True)
class Comparison:
    """Which policies meet which worlds.

    Raises:
        ValueError: a price that the kind of world does not have, or one out of range.
    """

    chosen: dict[str, Policy]  # by their specs
    places: list[Any]  # scenarios
    count: int  # worlds of each
    seed: int
    env: str
    prices: dict[str, float]  # that were given
    hindsight: int  # worlds of each scenario to search the reference on

    def __post_init__(self) -> None:
        world_spec(self.env).costs.of(self.prices)

    @property
    def costs(self) -> dict[str, float]:
        """All prices."""
        return asdict(world_spec(self.env).costs.of(self.prices))

    @property
    def titles(self) -> dict[str, Any]:
        """The scenarios, by their names."""
        return {title_of(place): place for place in self.places}

    @property
    def pairs(self) -> int:
        """Of a policy, or the reference, and a scenario."""
        return (len(self.chosen) + bool(self.hindsight)) * len(self.titles)

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


class Kept(NamedTuple):
    """Where the results of a comparison go."""

    folder: Path
    page: Path | None  # one HTML file that shows it all
    db: Path | None
    record: int  # worlds of each pair to keep cycle by cycle in db

    def prepare(self, asked: Comparison) -> None:
        """Hold the places for this command until it ends.

        Raises:
            ValueError: one of them cannot be written, or cannot hold this comparison: known before any work.
        """
        if self.record and self.db is None:
            raise ValueError(
                f"--record {self.record} keeps worlds in the file of --db: give --db FILE as well"
            )
        if self.db and not set(world_spec(asked.env).terms) <= set(OPS_TERMS):
            raise ValueError(
                f"--db keeps worlds whose cost terms are {', '.join(OPS_TERMS)}, not {asked.env}"
            )
        writable(self.folder, *WRITTEN)
        if self.page:
            from springdrift_agents.play.web import data

            data.playable(asked.env)
            writable_file(self.page)
        limits.check_episodes("--episodes", asked.count, asked.pairs)


class Result(NamedTuple):
    """What a comparison found."""

    parts: list[Episodes]
    rows: list[report.Row]
    overall: list[report.Row]
    seconds: tuple[float, ...]  # that worlds, intervals and pictures took


def carry_out(asked: Comparison, kept: Kept, jobs: int, scheduler: str | None) -> Result:
    """Play, summarise and write a comparison, beside a bar."""
    clock = [time.monotonic()]
    with progress_bar() as progress:
        task = progress.add_task("the first compilation takes half a minute", total=asked.pairs)

        def done(part: Episodes) -> None:
            progress.update(task, advance=1, description=f"{part.scenario} · {part.policy}")

        with Store(kept.db) if kept.db else nullcontext() as store:
            parts = play(asked, store, kept.record, done, jobs=jobs, scheduler=scheduler)
        clock.append(time.monotonic())
        progress.update(task, description="intervals and pictures")
        rows, overall = report.summarise(report.split(parts)[0]), report.ranking(parts)
        clock.append(time.monotonic())
        write_results(asked, parts, rows, overall, kept.folder)
        if kept.page:
            _write_page(asked, parts, kept.page)
        clock.append(time.monotonic())
    return Result(parts, rows, overall, tuple(later - earlier for earlier, later in pairwise(clock)))


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


def _write_page(asked: Comparison, parts: list[Episodes], page: Path) -> None:
    from springdrift_agents.play.web import report as pages

    told = {name: str(value) for name, value in asked.config().items() if name != "policies"}
    pages.write(page, parts, asked.chosen, asked.prices, told, asked.env)


def tell_result(asked: Comparison, result: Result, kept: Kept, full: bool) -> None:
    """The verdict and what was written; with ``full``, every table between them."""
    for sentence in verdict(result.parts, result.overall):
        tell(sentence)
    tell(price_line(asked.costs, LATENCY))
    if kept.page:
        tell(f"written: {kept.page} ({kept.page.stat().st_size / 1e3:.0f} kB)")
    written = f"written: {kept.folder / WRITTEN[0]}, {', '.join(WRITTEN[1:])}"
    if not full:
        tell(f"{written}; tables: --full")
        return
    show_tables(result.parts, result.rows, result.overall)
    worlds, intervals, pictures = result.seconds
    out.print(f"\n[dim]worlds {worlds:.1f} s, intervals {intervals:.1f} s, pictures {pictures:.1f} s[/]")
    tell(written)


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
