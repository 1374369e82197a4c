"""What a render mode does with an episode: show it, keep its frames, or write it down."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import gymnasium as gym

from springdrift.game import arguments
from springdrift.render.frame import Frame
from springdrift.render.view import FRAMES, View, ansi
from springdrift.render.window import Window

RENDER_OPTIONS = ("size", "font_scale", "truth", "scenario")
LIST_BYTES = 2**29  # of the pictures that one list holds at most


def check_render_options(options: Any) -> dict[str, Any]:
    """The options of a :class:`View` as a dict, or a ValueError that says what is allowed.

    It needs no pygame, so that an env without a ``render_mode`` checks them as well.
    """
    if options is not None and not isinstance(options, Mapping):
        raise ValueError(f"render_options must be None or a mapping of option to value, got {options!r}")
    found = dict(options or {})
    for name in found:
        if name not in RENDER_OPTIONS:
            raise ValueError(f"unknown render option {name!r}; allowed: {', '.join(RENDER_OPTIONS)}")
    if "size" in found:
        found["size"] = _size(found["size"])
    if "font_scale" in found:
        found["font_scale"] = arguments.number("font_scale", found["font_scale"], 0.7, 1.4)
    for name in ("truth", "scenario"):
        if name in found:
            found[name] = arguments.flag(name, found[name])
    return found


def _size(size: Any) -> tuple[int, int]:
    if isinstance(size, list | tuple) and len(size) == 2:
        width, height = size
        if all(arguments.is_whole(n) and 160 <= n <= 8192 for n in size):
            return int(width), int(height)
    raise ValueError(f"size must be two whole numbers from 160 to 8192, got {size!r}")


class Recorder(Protocol):
    """Follows a world, and cuts what it did into frames: :mod:`springdrift.incline.recorder` is one."""

    done: int

    @property
    def oldest(self) -> int: ...
    def begin(self) -> None: ...
    def before(self, action: int) -> None: ...
    def after(self) -> None: ...
    def now(self) -> Frame: ...
    def frames(self, count: int, cycle: int | None = None) -> Sequence[Frame]: ...


class Renderer:
    """Renders what a recorder follows in one of an env's render modes.

    Nothing is imported, traced or drawn before :meth:`render` asks for it, or in mode "human" before the
    episode begins.

    Args:
        recorder: of the world to show.
        mode: "human", "rgb_array", "rgb_array_list" or "ansi".
        options: as :func:`check_render_options` returns them.
    """

    def __init__(self, recorder: Recorder, mode: str, options: Mapping[str, Any]) -> None:
        self.mode, self.recorder, self._options = mode, recorder, dict(options)
        self._view: View | None = None
        self._window: Window | None = None
        self._listed: int | None = None  # cycles that lists of pictures have shown; None before the first

    def begin(self) -> None:
        """An episode starts, or goes on from a state of its own.

        Raises:
            ImportError: in mode "human", pygame-ce is missing; says what to install.
            NoWindowError: in mode "human", there is no display.
        """
        self.recorder.begin()
        self._listed = None
        if self.mode == "human":
            self._show([self.recorder.now()])

    def before(self, action: int) -> None:
        """A cycle is about to begin, with this decision."""
        self.recorder.before(action)

    def after(self) -> None:
        """The cycle is done."""
        self.recorder.after()
        if self.mode == "human":
            self._show(self.recorder.frames(FRAMES))

    def _show(self, frames: Sequence[Frame]) -> None:
        if self._window is None:
            self._window = Window(self._drawn())
        for frame in frames:
            self._window.show(frame)

    def _drawn(self) -> View:
        if self._view is None:
            self._view = View(**self._options)
        return self._view

    def render(self) -> Any:
        """As :meth:`springdrift.DriftEnv.render` says.

        Raises:
            ImportError: pygame-ce is missing, for every mode but "ansi"; says what to install.
        """
        if self.mode == "human":
            return None
        if self.mode == "ansi":
            return ansi(self.recorder.now(), scenario=self._options.get("scenario", True))
        if self.mode == "rgb_array":
            return self._drawn().array(self.recorder.now())
        return [self._drawn().array(frame) for frame in self._since_last()]

    def _since_last(self) -> Iterator[Frame]:
        """Frames since the last call, one by one: those of every cycle, or as many as memory has room for."""
        recorder, now = self.recorder, self.recorder.now()
        first, fresh = self._listed, self._listed is None or self._listed > recorder.done
        first = recorder.oldest if fresh or first is None else max(first, recorder.oldest)
        missed = first - (self._listed or 0) if not fresh else 0
        self._listed = recorder.done
        cycles = recorder.done - first
        if fresh:
            yield now if not cycles else recorder.frames(1, first)[0]
        width, height = self._drawn().size
        room = max(1, LIST_BYTES // (3 * width * height) - 1)
        wanted = FRAMES * cycles
        if wanted <= room and not missed:
            for cycle in range(first + 1, recorder.done + 1):
                yield from recorder.frames(FRAMES, cycle)
            return
        count, most = cycles + missed, max(1, room // FRAMES)
        gym.logger.warn(
            f"{count} cycles since the last render() would be {FRAMES * count} pictures of "
            f"{3e-6 * width * height:.1f} MB: the list holds fewer, over the last {cycles} cycles. Call "
            f"render() at least every {most} cycles, take a smaller size in render_options, or film with "
            "springdrift_agents.play.record.SmoothVideo, which keeps no pictures in memory"
        )
        each = min(FRAMES, room // cycles)
        if each:
            for cycle in range(first + 1, recorder.done + 1):
                yield from recorder.frames(each, cycle)
        else:
            for n in range(room):
                yield recorder.frames(1, first + (n + 1) * cycles // room)[0]

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window:
            self._window.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_view": None, "_window": None}
