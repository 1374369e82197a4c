"""Run files for lessons: episodes cycle by cycle, in a database that nothing a student tries can break."""

import sqlite3
import tempfile
from pathlib import Path

from springdrift import ENV_ID
from springdrift_agents.evaluation.evaluate import compare
from springdrift_agents.evaluation.store import Store
from springdrift_agents.policies.registry import policy


def copy_of(file: Path) -> sqlite3.Connection:
    """A copy of a database, in memory."""
    db, source = sqlite3.connect(":memory:"), sqlite3.connect(file)
    source.backup(db)
    source.close()
    return db


def record(rule: str, scenario: str, episodes: int, env: str = ENV_ID) -> sqlite3.Connection:
    """A database in memory with episodes of a rule, cycle by cycle.

    Args:
        rule: its name.
        scenario: of the worlds.
        episodes: how many.
        env: id of the kind of world.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "runs.db"
        with Store(file) as store:
            run = store.run({"policies": [rule], "scenario": scenario, "episodes": episodes})
            (part,) = compare({rule: policy(rule)}, [scenario], episodes, env=env)
            store.write(run, part)
            for seed in part.seeds.tolist():
                store.record(run, scenario, rule, policy(rule), seed, env=env)
        return copy_of(file)


def show(db: sqlite3.Connection, query: str, most: int = 8) -> None:
    """Run a query and print the first rows that it finds, or why it cannot be run."""
    try:
        found = db.execute(query)
    except sqlite3.Error as wrong:
        print("SQLite says:", wrong)
        return
    print(" | ".join(f"{column[0]:>13}" for column in found.description))
    for row in found.fetchmany(most):
        print(" | ".join(f"{value:13.3f}" if isinstance(value, float) else f"{value!s:>13}" for value in row))
