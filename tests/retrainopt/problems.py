"""Write small problems and their optimum as JSON, for ``check.py`` to solve with a planner of others.

Run in the project's environment: ``python tests/retrainopt/problems.py > problems.json``. Where no cycle is
overridden and a model is live in the cycle after its request, the two planners solve one problem.
"""

import json
import sys

import numpy as np

from springdrift.series.optimum import Problem, optimum
from springdrift.series.staleness import pair

CYCLES = 24


def problems(count: int = 20) -> list[dict[str, object]]:
    rng = np.random.default_rng(0)
    found: list[dict[str, object]] = []
    for _ in range(count):
        served, fitted = np.tril_indices(CYCLES)
        slope = rng.uniform(0.0, 0.2)
        error = np.sqrt(slope * (served - fitted) + rng.uniform(0.0, 1.0, pair(0, CYCLES))).astype(np.float32)
        never = np.full(CYCLES, 1e6, np.float32)
        p = Problem(*(error, error, never, 0, CYCLES, 1.0), *(1.0, 1.0, 2.0, 1e9, 1, 0, 0))
        cost = np.full((CYCLES, CYCLES), np.inf)
        cost[fitted, served] = error.astype(np.float64) ** 2
        rows = [[value if np.isfinite(value) else None for value in row] for row in cost.tolist()]
        found.append({"cost": rows, "retrain": 2.0, "optimum": optimum(p).cost})
    return found


if __name__ == "__main__":
    json.dump(problems(), sys.stdout)
