"""What lessons say in words holds in a full run: ``make test-words`` runs each once, some minutes in all.

Each row of ``lessons_in_words.toml`` has a fragment of the text and an expression in the names of the lesson.
Beside these there are helpers, such as ``near`` and ``printed``: the methods of :class:`Shown`. A fragment
that is no longer in the text fails, so that a row changes with its sentence.
"""

import io
import os
import re
import runpy
import tomllib
import warnings
from contextlib import redirect_stdout
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from course_common import script_of, solutions_of
from springdrift import Action, InclinedMassEnv
from springdrift_agents.course import LESSONS
from springdrift_agents.evaluation.seeds import world_seeds
from springdrift_agents.policies.registry import policy

pytestmark = pytest.mark.slow

TABLE = Path(__file__).with_name("lessons_in_words.toml")
SAYS = tomllib.loads(TABLE.read_text(encoding="utf-8"))


class Shown:
    """A lesson that was run in full: its names, what it printed, and helpers for the rows."""

    def __init__(self, lesson: int) -> None:
        self.lesson = lesson
        said = io.StringIO()
        with warnings.catch_warnings(), redirect_stdout(said):
            warnings.simplefilter("ignore")  # Agg shows nothing, which is right here
            self.names = runpy.run_path(str(script_of(lesson)), run_name="lesson")
        self.said = said.getvalue()
        helpers = ("near", "printed", "line", "change", "asked", "error_under", "expected", "solution")
        helpers += ("cost_in", "shift_of_a_jump", "means_of_days")
        self.names |= {"np": np, "Action": Action} | {name: getattr(self, name) for name in helpers}

    @staticmethod
    def near(value: float, right: float, within: float) -> bool:
        return bool(abs(value - right) <= within * abs(right) + 1e-9)

    def line(self, pattern: str) -> str:
        """The first printed line that matches, from where it does."""
        found = re.search(rf"^ *{pattern}.*$", self.said, re.MULTILINE)
        assert found, f"lesson {self.lesson} prints no line {pattern!r}:\n{self.said}"
        return found[0]

    def printed(self, pattern: str, skip: int = 0) -> list[float]:
        """The numbers of the line; those within words (such as 10 of ``every=10``) count too."""
        found = self.line(pattern).replace("−", "-").replace(",", "")
        return [float(one) for one in re.findall(r"(?<![\w.])[-+]?\d+(?:\.\d+)?", found)]

    def solution(self, name: str):
        return getattr(solutions_of(self.lesson), name)

    def change(self, scenario: str, seed: int) -> list[tuple[int, float]]:
        """Cycles in which the stiffness changes in a world of ``watch``, and to what."""
        truth = _truth("never", scenario, seed)
        stiffness = [one["stiffness"] for one in truth]
        steps = enumerate(pairwise(stiffness), start=1)
        return [(cycle, round(float(now), 1)) for cycle, (before, now) in steps if now != before]

    def asked(self, rule: str, scenario: str, seed: int) -> list[int]:
        """Cycles in which a rule asks for a model in such a world."""
        return [n for n, one in enumerate(_truth(rule, scenario, seed)) if one["action"] == Action.RETRAIN]

    def error_under(self, name: str = "runs") -> dict[int, float]:
        rows = self.names[name].execute(
            "SELECT drivers.driver_key, avg(error) FROM measurements JOIN drivers "
            "ON drivers.id = measurements.driver GROUP BY driver_key"
        )
        return dict(rows.fetchall())

    def means_of_days(self) -> dict[float, list[float]]:
        """The mean measurement by hour, under each effect of the hidden driver of a series."""
        days: dict[float, list[float]] = {}
        for effect, _, mean in self.names["series"].execute(self.solution("mean_day")):
            days.setdefault(effect, []).append(mean)
        return days

    def expected(self, state: int, action: int) -> float:
        return sum(p * reward for p, _, reward, _ in self.names["env"].P[state][action])

    def cost_in(self, scenario: str, name: str) -> float:
        parts = self.names["parts"]
        return next(float(p.cost.mean()) for p in parts if (p.scenario, p.policy) == (scenario, name))

    def shift_of_a_jump(self) -> float:
        """How many standard deviations of the quiet log error a first jump of the spring raises it by."""
        names = self.names
        errors, changes = names["errors_of"]("abrupt", 200)
        cycles = np.arange(200)[:, None]
        stale = (changes >= 0) & (cycles - changes < 10) & (cycles > changes)
        return float((np.log(errors[stale]).mean() - names["logs"].mean()) / names["logs"].std())


def _truth(rule: str, scenario: str, seed: int) -> list[dict]:
    env, operator, memory = InclinedMassEnv(scenario), policy(rule), None
    seen, info = env.reset(seed=int(world_seeds("evaluation", seed, 1)[0]))
    rows, over = [], False
    while not over:
        action, memory = operator.predict(seen, memory)
        seen, _, over, _, info = env.step(int(action))
        rows.append({**info["truth"], "action": int(action)})
    return rows


def _in_one_line(text: str) -> str:
    return " ".join(re.sub(r"^# ?(?:  )?", "", text, flags=re.MULTILINE).split())


@pytest.mark.parametrize("lesson", range(1, LESSONS + 1))
def test_a_lesson_says_what_it_shows(lesson, monkeypatch):
    assert os.environ.get("SPRINGDRIFT_FAST", "0") == "0", "numbers in words are those of a full run"
    monkeypatch.setenv("MPLBACKEND", "Agg")
    text = _in_one_line(Path(script_of(lesson)).read_text(encoding="utf-8"))
    shown, wrong = Shown(lesson), []
    for fragment, expression in ((row["says"], row["shows"]) for row in SAYS[f"lesson{lesson}"]):
        if _in_one_line(fragment) not in text:
            wrong.append(f"the text no longer says {fragment!r}")
            continue
        try:
            if not eval(expression, shown.names):
                wrong.append(f"{fragment!r}: not {expression}")
        except Exception as odd:
            wrong.append(f"{fragment!r}: {expression} raised {type(odd).__name__}: {odd}")
    assert not wrong, "\n".join([*wrong, "", shown.said])
