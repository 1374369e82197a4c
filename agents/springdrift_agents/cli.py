"""The command ``springdrift``. This module imports nothing that an extra installs."""

import sys

# what installs a module that a command may miss
EXTRAS = {
    "cluster": ("distributed",),
    "data": ("pyarrow",),
    "notebook": ("jupytext", "nbclient", "nbformat", "ipykernel"),
    "render": ("pygame", "imageio_ffmpeg", "PIL"),
    "rl": ("torch", "stable_baselines3", "sb3_contrib", "yaml"),
    "tune": ("optuna", "alembic"),
}


def main() -> None:
    """Run the command line; a wrong request, a missing package or an unusable file ends in one sentence."""
    try:
        from springdrift_agents.commands import app

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
    except KeyboardInterrupt:
        sys.exit("springdrift: stopped; nothing was written")


if __name__ == "__main__":
    main()
