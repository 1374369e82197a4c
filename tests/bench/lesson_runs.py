"""The training runs that lesson 6 shows without the wait: ``python tests/bench/lesson_runs.py`` makes them.

Each is trained by the lesson's own ``learn``: its cells are run up to the one that defines it. It takes about
five minutes of one core.
"""

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from springdrift_agents.course.materials import RUNS
from springdrift_agents.policies import learned

LESSON = Path(__file__).parents[2] / "tutorials" / "lesson6_learning.py"
STEPS, PARTS = 160_000, 8
KINDS: dict[str, dict[str, Any]] = {"one": {}, "four": {"stack": 4}, "truth": {"observe": "truth"}}
SEEDS = (0, 1, 2)


def learner() -> Any:
    """The function ``learn`` of the lesson."""
    space: dict[str, Any] = {"__name__": "lesson"}
    for head, body in re.findall(r"^# %%(.*)\n((?:(?!# %%).*\n)*)", LESSON.read_text("utf-8"), re.MULTILINE):
        if "[markdown]" not in head and re.search(r"^import|^settings = |^def learn", body, re.MULTILINE):
            exec(
                compile(re.split(r"^model =|^poc_runs =", body, flags=re.MULTILINE)[0], LESSON, "exec"), space
            )
        if "learn" in space:
            return space["learn"]
    raise ValueError(f"{LESSON.name} defines no learn")


def main() -> None:
    """Train those whose names are given, or all, and keep them."""
    learn, wanted = learner(), sys.argv[1:]
    for kind, options in KINDS.items():
        for seed in SEEDS:
            name = f"{kind}-{seed}"
            if wanted and name not in wanted:
                continue
            policy, (steps, costs) = learn("abrupt", STEPS, seed, parts=PARTS, **options)
            trained = {"scenario": "abrupt", "steps": int(steps[-1]), "seed": seed}
            curve = {
                "curve_steps": [int(one) for one in steps],
                "curve_costs": [round(float(one), 2) for one in costs],
            }
            card = replace(policy.card, trained=trained | curve)
            learned.save(learned.Learned(card, policy.weights), RUNS / name)
            print(name, curve["curve_costs"], flush=True)


if __name__ == "__main__":
    main()
