"""The command ``springdrift``. This module imports nothing that an extra installs."""

import sys

from springdrift_agents.text import forgive

# what installs a module that a command may miss
EXTRAS = {
    "cluster": ("distributed",),
    "data": ("pyarrow",),
    "notebook": ("jupytext", "nbclient", "nbformat", "ipykernel"),
    "render": ("pygame", "imageio_ffmpeg", "PIL"),
    "rl": ("torch", "stable_baselines3", "sb3_contrib", "yaml"),
    "tune": ("optuna", "alembic"),
    "web": ("ziglang",),
}


def main() -> None:
    """Run the command line; a wrong request, a missing package or an unusable file ends in one sentence."""
    command = sys.argv[1:]
    forgive(sys.stdout, sys.stderr)
    try:
        from springdrift_agents.cli.app import app

        app()
    except ModuleNotFoundError as missing:
        name = (missing.name or "").partition(".")[0]
        if name.startswith("springdrift"):
            raise
        extra = next((extra for extra, names in EXTRAS.items() if name in names), "cli")
        sys.exit(
            f'springdrift: {name} is not installed: pip install "springdrift[cli,{extra}]"'.replace(
                ",cli", ""
            )
        )
    except (ValueError, ImportError, OSError) as wrong:
        sys.exit(f"springdrift: {wrong}")
    except (KeyboardInterrupt, SystemExit) as ended:
        if not _interrupted(ended):
            raise
        kept = command[:1] == ["train"] or (
            command[:1] == ["compare"] and any(part.partition("=")[0] == "--db" for part in command)
        )
        on = "; the same command goes on where it stopped" if kept else ""
        print(f"springdrift: stopped{on}", file=sys.stderr)
        sys.exit(130)


def _interrupted(ended: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an exception: Typer turns it into an exit of its own."""
    while ended and not isinstance(ended, KeyboardInterrupt):
        ended = ended.__context__
    return ended is not None


if __name__ == "__main__":
    main()
