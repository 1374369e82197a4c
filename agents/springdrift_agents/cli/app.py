"""The commands of ``springdrift``: thin shells over the library."""

from springdrift_agents.cli import (
    advise,
    bench,
    benchmark,
    compare,
    course,
    learn,
    lists,
    see,
    series,
    tune,
    web,
)
from springdrift_agents.cli.shell import app as app

__all__ = [
    "advise",
    "app",
    "bench",
    "benchmark",
    "compare",
    "course",
    "learn",
    "lists",
    "see",
    "series",
    "tune",
    "web",
]
