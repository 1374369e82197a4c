"""``springdrift bench`` measures springdrift itself; its programs lie beside the tests of a checkout."""

import sys
from pathlib import Path

import typer

from springdrift_agents.cli.shell import app, benches

TESTS = Path(__file__).parents[3] / "tests"


def add_benches(tests: Path = TESTS) -> None:
    """Add ``springdrift bench`` to the app: that of a checkout, or one that says where it is."""
    if (tests / "bench" / "commands.py").is_file():
        sys.path.append(str(tests))
        import bench.commands  # noqa: F401 - it adds its commands to ``benches``

        app.add_typer(benches, name="bench", rich_help_panel="Measure")
        return
    anything = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
    app.command("bench", rich_help_panel="Measure", context_settings=anything)(elsewhere)


def elsewhere(context: typer.Context) -> None:
    """Measure springdrift itself, in a checkout of its source."""
    raise ValueError("the benches are not in the package: springdrift bench runs in a checkout of the source")


add_benches()
