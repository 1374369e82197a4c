"""The parts of README.md that the code knows; run as a module, it writes them anew."""

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from springdrift import OBS, SCENARIOS, TERMS, Scenario
from springdrift_agents.evaluation.evaluate import compare, evaluate, world_seeds
from springdrift_agents.evaluation.plots import compare_plot
from springdrift_agents.evaluation.report import figure, summarise
from springdrift_agents.evaluation.statistics import Interval, gap_interval, mean_interval
from springdrift_agents.files import write_text
from springdrift_agents.planning import plans
from springdrift_agents.play.watch import Episode, show
from springdrift_agents.policies.registry import policies_about, policy

sys.path.append(str(Path(__file__).parents[2] / "tests"))
from bench.generalist import best_rule, gap_told, hindsight_costs

README = Path("README.md")
EPISODES = 1000
FILM = Path("tutorials/images/drift.gif")
PICTURE = Path("tutorials/images/compare.png")
COLUMNS = ("never", "periodic@mix", "swing@mix", "threshold@mix", "page-hinkley@mix", "expert@mix")
LEARNED = "generalist"
WITHOUT_CHAOS = Scenario(
    "mix without chaos",
    "the mixture less the scenario in which nothing helps, 40 % of its cost",
    members=tuple(name for name in SCENARIOS["mix"].members if name != "chaos"),
)
SHOWN = ("shock", "abrupt", "wear", "fade", "poc", "mix")  # in the picture


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def scenarios() -> str:
    """The registry of scenarios."""
    rows = [(f"`{s.name}`", s.summary, s.remedy) for s in SCENARIOS.values()]
    return _table(("scenario", "what happens", "what to do, if one knew"), rows)


def observation() -> str:
    """The dashboard, column by column."""
    rows = [(f"`{s.name}`", f"{s.low:g} … {s.high:g}", s.unit.replace("|", "\\|"), s.meaning) for s in OBS]
    return _table(("column", "range", "scale", "meaning"), rows)


def policies() -> str:
    """The policies and their parameters."""
    rows = []
    for name, one in policies_about().items():
        values = ", ".join(f"`{key}={value}`" for key, value in one.parameters.items())
        rows.append((f"`{name}`", one.summary, values))
    return _table(("policy", "what it does", "parameters"), rows)


class Cell(NamedTuple):
    """A cost in the result table."""

    cost: Interval
    name: str = ""  # of the policy, where the column does not say

    def __str__(self) -> str:
        half = figure((self.cost.high - self.cost.low) / 2, self.cost.value)
        return f"{figure(self.cost.value)} ± {half}" + (f" `{self.name}`" if self.name else "")


def measure(scenario: str) -> list[Cell]:
    """A line of the result table: the columns of ``COLUMNS``, the best rule and the learned policy."""
    seeds = world_seeds("evaluation", plans.SEED, EPISODES)
    place, best = world_of(scenario), best_rule(world_of(scenario), near(scenario))
    costs = {name: evaluate(policy(name), place, seeds).cost for name in {*COLUMNS, best, LEARNED}}
    return [
        *(Cell(mean_interval(costs[name])) for name in COLUMNS),
        Cell(mean_interval(costs[best]), best),
        Cell(mean_interval(costs[LEARNED])),
    ]


def world_of(scenario: str) -> Any:
    """A scenario by its name in the table."""
    return WITHOUT_CHAOS if scenario == WITHOUT_CHAOS.name else scenario


def near(scenario: str) -> str:
    """The built-in scenario for which rules are tuned that suit it."""
    return "mix" if scenario == WITHOUT_CHAOS.name else scenario


def result_row(scenario: str, cells: Sequence[Cell]) -> tuple[str, ...]:
    """The line as Markdown; the cheapest policy in bold."""
    least = min(cell.cost.value for cell in cells)
    texts = [f"**{cell}**" if cell.cost.value == least else str(cell) for cell in cells]
    return (f"`{scenario}`", *texts)


def results() -> str:
    """Every scenario; takes a minute or two."""
    head = ("scenario", *(f"`{name}`" for name in COLUMNS), "best tuned rule", f"`{LEARNED}`")
    rows = (*SCENARIOS, WITHOUT_CHAOS.name)
    return _table(head, [result_row(scenario, measure(scenario)) for scenario in rows])


def gap_row(scenario: str) -> tuple[str, ...]:
    """A line of the table of gaps: all its figures are of the worlds in which a plan is kept."""
    seeds = world_seeds("evaluation", plans.SEED, EPISODES)
    kept = hindsight_costs(scenario, seeds)
    rule = best_rule(scenario, scenario)
    there = seeds[: len(kept)]
    by_rule, learned = (evaluate(policy(name), scenario, there).cost for name in (rule, LEARNED))
    closed = gap_told(gap_interval(learned, by_rule, kept))
    cells = (str(Cell(mean_interval(by_rule), rule)), *(str(Cell(mean_interval(c))) for c in (learned, kept)))
    return (f"`{scenario}`", str(len(kept)), *cells, closed)


def gaps() -> str:
    """The gap from the best rule to hindsight, and how much of it the learned policy closes."""
    head = (
        "scenario",
        "worlds",
        "best tuned rule",
        f"`{LEARNED}`",
        "hindsight",
        f"gap closed by `{LEARNED}`",
    )
    return _table(head, [gap_row(scenario) for scenario in SCENARIOS])


def picture() -> None:
    """Cost by term in some scenarios, as ``springdrift compare`` draws it."""
    chosen = {name: policy(name) for name in (*COLUMNS, LEARNED)}
    title = f"What drift costs, by strategy: {EPISODES} worlds of each scenario, the same for all"
    compare_plot(summarise(compare(chosen, SHOWN, EPISODES)), PICTURE, title)


def terms() -> str:
    """What the reward is made of."""
    return f"`reward = -({' + '.join(TERMS)})`"


PARTS: dict[str, Callable[[], str]] = {
    "results": results,
    "gaps": gaps,
    "scenarios": scenarios,
    "policies": policies,
    "observation": observation,
    "terms": terms,
}


def part_of(text: str, name: str) -> str:
    """What stands between a part's marks.

    Raises:
        ValueError: the text has no such marks.
    """
    found = re.search(f"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", text, re.DOTALL)
    if not found:
        raise ValueError(f"no part {name!r}: it stands between <!-- {name} --> and <!-- /{name} -->")
    return found[1]


def update(text: str) -> str:
    """The README with every part written anew."""
    for name, write in PARTS.items():
        old = f"<!-- {name} -->\n{part_of(text, name)}\n<!-- /{name} -->"
        text = text.replace(old, f"<!-- {name} -->\n{write()}\n<!-- /{name} -->")
    return text


def film() -> None:
    """The moving picture: one world, left alone and under the threshold rule."""
    episodes = [Episode(policy(name), name, "abrupt", seed=14) for name in ("never", "threshold")]
    show(episodes, out=FILM, part=(12, 28), size=(544, 336), frames=8, fps=14)


if __name__ == "__main__":
    film()
    picture()
    write_text(README, update(README.read_text(encoding="utf-8")))
    print(f"written: {README}")
