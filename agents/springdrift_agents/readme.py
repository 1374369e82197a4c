"""The parts of README.md that the code knows: ``python -m springdrift_agents.readme`` writes them anew."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from springdrift import OBS, SCENARIOS, TERMS
from springdrift_agents.evaluate import compare
from springdrift_agents.files import write_text
from springdrift_agents.plots import compare_plot
from springdrift_agents.report import Row, best_of, figure, summarise
from springdrift_agents.rules import RULES, policies_about, policy
from springdrift_agents.watch import Episode, show

README = Path("README.md")
EPISODES = 1000
FILM = Path("tutorials/images/drift.gif")
PICTURE = Path("tutorials/images/compare.png")
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


def result_row(rows: list[Row], scenario: str) -> tuple[str, ...]:
    """A line of the result table: mean cost and half its interval, the lowest in bold."""
    best, cells = best_of(rows, scenario), []
    for row in rows:
        if row["scenario"] == scenario:
            half = figure((row["high"] - row["low"]) / 2, row["cost"])
            cell = f"{figure(row['cost'])} ± {half}"
            cells.append(f"**{cell}**" if row["policy"] in best else cell)
    return (f"`{scenario}`", *cells)


def measure(scenario: str) -> list[Row]:
    """Every policy in a scenario, as in the README."""
    return summarise(compare({name: policy(name) for name in RULES}, [scenario], EPISODES))


def results() -> str:
    """Every policy in every scenario; takes half a minute, and draws the picture of some."""
    found = {scenario: measure(scenario) for scenario in SCENARIOS}
    title = f"What drift costs, by strategy: {EPISODES} worlds of each scenario, the same for all"
    compare_plot([row for scenario in SHOWN for row in found[scenario]], PICTURE, title)
    rows = [result_row(found[scenario], scenario) for scenario in SCENARIOS]
    return _table(("scenario", *(f"`{name}`" for name in RULES)), rows)


def terms() -> str:
    """What the reward is made of."""
    return f"`reward = -({' + '.join(TERMS)})`"


PARTS: dict[str, Callable[[], str]] = {
    "results": results,
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
    write_text(README, update(README.read_text(encoding="utf-8")))
    print(f"written: {README}")
