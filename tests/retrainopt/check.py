"""Solve the problems of ``problems.py`` with the public planner retrainopt, and compare.

In an environment of its own: ``pip install retrainopt==0.4.2`` and ``python check.py problems.json``.
Step k of its timeline is cycle k. A model that is asked for in cycle k - 1 serves from cycle k on, so what
it retrains at step k is our fit of cycle k - 1; at step 0 there is nothing newer than what is in service.
"""

import json
import sys
from pathlib import Path
from typing import Any

from retrainopt import ModelAdapter, PlannerConfig, RetrainingPlanner, TimelineDataset


class Timeline(TimelineDataset):
    def __init__(self, steps: int) -> None:
        self.steps = steps

    @property
    def num_steps(self) -> int:
        return self.steps

    def get_train_block(self, step: int) -> Any:
        return [step]

    def get_eval_block(self, step: int) -> Any:
        return [step]

    def train_size(self, step: int) -> int:
        return 1


class Fits(ModelAdapter):
    def __init__(self, cost: list[list[float]]) -> None:
        self.cost = cost

    def fit(self, train_data: Any, *, step: int, n_samples: int, random_seed: int) -> Any:
        return max(0, step - 1)

    def evaluate(self, model: Any, eval_data: Any, *, step: int) -> float:
        return self.cost[model][step]


def solve(problem: dict[str, Any]) -> float:
    planner = RetrainingPlanner(
        Timeline(len(problem["cost"])),
        Fits(problem["cost"]),
        config=PlannerConfig(n_choices=(1,)),
        training_cost_fn=lambda **_: problem["retrain"],
    )
    return float(planner.plan("exact", initial_model=0).total_cost)


if __name__ == "__main__":
    wrong = 0
    for number, problem in enumerate(json.loads(Path(sys.argv[1]).read_text())):
        theirs, ours = solve(problem), problem["optimum"]
        wrong += abs(theirs - ours) > 1e-9
        print(number, f"{theirs:.9f} {ours:.9f}")
    sys.exit(f"{wrong} differ" if wrong else 0)
