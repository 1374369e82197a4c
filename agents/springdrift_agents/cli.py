"""The command ``springdrift``. This module imports nothing that an extra installs."""

import sys


def main() -> None:
    """Run the command line, or say what to install for it."""
    try:
        from springdrift_agents.commands import app
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("springdrift"):
            raise
        sys.exit(f'{missing.name} is not installed. The command line needs: pip install "springdrift[cli]"')
    try:
        app()
    except (ValueError, ImportError) as wrong:
        sys.exit(f"springdrift: {wrong}")
    except KeyboardInterrupt:
        sys.exit("springdrift: stopped; nothing was written")


if __name__ == "__main__":
    main()
