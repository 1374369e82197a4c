"""The command ``springdrift``. This module imports nothing that an extra installs."""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from types import FrameType

from springdrift_agents.text import forgive, one_line

# what installs a module that a command may miss
EXTRAS = {
    "advise": ("narwhals",),
    "cluster": ("distributed",),
    "data": ("pyarrow",),
    "notebook": ("jupytext", "nbclient", "nbformat", "ipykernel"),
    "render": ("pygame", "imageio_ffmpeg", "PIL"),
    "rl": ("torch", "stable_baselines3", "sb3_contrib", "yaml"),
    "tune": ("optuna", "alembic"),
    "web": ("ziglang",),
}


# errors that are no fault of a command: what raised them, by its package
OUTSIDE = ("distributed", "joblib", "loky", "optuna", "sqlalchemy", "sqlite3")
STOPPING = ("SIGTERM", "SIGHUP")
_stopped: list[int] = []  # the signal that ended the command


def main() -> None:
    """Run the command line; a wrong request, a missing package or an unusable file ends in one sentence."""
    command = sys.argv[1:]
    forgive(sys.stdout, sys.stderr)
    if command == ["--version"]:  # at once, and where no extra is installed
        print(f"springdrift {version('springdrift')}")
        return
    _end_on_signals()
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
    except BrokenPipeError:  # whoever read the output has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(128 + 13)
    except OSError as wrong:
        place = f"{wrong.filename}: " if wrong.filename else ""
        sys.exit(f"springdrift: {place}{wrong.strerror or wrong}{_go_on(command)}")
    except (ValueError, ImportError) as wrong:
        sys.exit(f"springdrift: {wrong}")
    except MemoryError:
        sys.exit(f"springdrift: there is not enough memory for this{_go_on(command)}")
    except (KeyboardInterrupt, SystemExit) as ended:
        if not _stopped and not _interrupted(ended):
            raise
        _end_workers()
        print(f"springdrift: stopped{_go_on(command)}", file=sys.stderr)
        sys.exit(128 + _stopped[0] if _stopped else 130)
    except Exception as wrong:
        if not any(kind.__module__.partition(".")[0] in OUTSIDE for kind in type(wrong).__mro__):
            raise
        said = one_line(wrong)[:300]
        sys.exit(f"springdrift: {type(wrong).__module__}: {said or type(wrong).__name__}{_go_on(command)}")


def _go_on(command: Sequence[str]) -> str:
    """What becomes of a command that was not the user's to end."""
    kept = command[:1] == ["train"] or (
        command[:1] == ["compare"] and any(part.partition("=")[0] == "--db" for part in command)
    )
    return "; the same command goes on where it stopped" if kept else ""


def _end_on_signals() -> None:
    """Let signals that end a process end it as Ctrl-C does, so that nothing of it is left."""

    def end(number: int, frame: FrameType | None) -> None:
        _stopped.append(number)
        signal.signal(number, signal.SIG_DFL)  # a second one ends it at once
        raise SystemExit(128 + number)

    for name in STOPPING:
        number = getattr(signal, name, None)  # there are fewer on Windows
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:  # under nohup it is ignored
            signal.signal(number, end)


def _end_workers() -> None:
    """End the processes that worked for this one, whatever they are at."""
    executors = sys.modules.get("joblib.externals.loky.reusable_executor")
    executor = getattr(executors, "_executor", None)
    if executor is not None:
        executor.shutdown(wait=True, kill_workers=True)
    processes = sys.modules.get("multiprocessing.process")  # one may have been started meanwhile
    for process in processes.active_children() if processes else ():
        if process.pid:
            with suppress(ProcessLookupError):
                os.kill(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def _interrupted(ended: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an exception: Typer turns it into an exit of its own."""
    while ended and not isinstance(ended, KeyboardInterrupt):
        ended = ended.__context__
    return ended is not None


if __name__ == "__main__":
    main()
