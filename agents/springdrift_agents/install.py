"""What can be wrong with an installation."""

from importlib.metadata import PackageNotFoundError, version


def pygame_clash() -> str | None:
    """How to mend it when both pygame and pygame-ce are installed: they overwrite each other's files."""
    for name in ("pygame", "pygame-ce"):
        try:
            version(name)
        except PackageNotFoundError:
            return None
    return (
        "Both pygame and pygame-ce are installed, and each breaks the other. Mend it with: "
        "pip uninstall -y pygame pygame-ce && pip install pygame-ce"
    )
