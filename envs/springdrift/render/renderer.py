"""What a render mode does with an episode: show it, keep its frames, or write it down."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from springdrift.game import arguments
from springdrift.render.frame import Frame
from springdrift.render.view import FRAMES, View, Window, ansi

RENDER_OPTIONS = ("size", "font_scale", "truth", "scenario")


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
    """Follows an episode and cuts it into frames, as :class:`springdrift.incline.recorder.Recorder` does."""

    def before(self, action: int) -> None:
        """A cycle is about to begin with this decision."""

    def after(self) -> None:
        """The cycle is done."""

    def now(self) -> Frame:
        """The moment at which the world stands."""

    def frames(self, count: int) -> list[Frame]:
        """``count`` moments of the last cycle, evenly spaced, the last at its end."""


class Renderer:
    """Renders an episode in one of the env's render modes.

    Args:
        record: makes the recorder of an episode as it begins.
        mode: "human", "rgb_array", "rgb_array_list" or "ansi".
        options: as :func:`check_render_options` gives them.

    Raises:
        ImportError: pygame-ce is missing, for every mode but "ansi"; says what to install.
    """

    def __init__(self, record: Callable[[], Recorder], mode: str, options: Mapping[str, Any]) -> None:
        self.mode = mode
        self._record, self._options = record, dict(options)
        self._recorder: Recorder | None = None
        self._frames: list[Frame] = []
        self._view = None if mode == "ansi" else View(**self._options)
        self._window: Window | None = None

    def begin(self) -> None:
        """An episode starts, or goes on from a state of its own."""
        self._recorder = self._record()
        self._frames = [self._recorder.now()]
        self._show()

    def before(self, action: int) -> None:
        assert self._recorder
        self._recorder.before(action)

    def after(self) -> None:
        assert self._recorder
        self._recorder.after()
        if self.mode == "human":
            self._frames = self._recorder.frames(FRAMES)
            self._show()
        elif self.mode == "rgb_array_list":
            self._frames += self._recorder.frames(FRAMES)
        else:
            self._frames = [self._recorder.now()]

    def _show(self) -> None:
        if self.mode != "human":
            return
        assert self._view
        if self._window is None:
            self._window = Window(self._view)
        for frame in self._frames:
            self._window.show(frame)

    def render(self) -> Any:
        """As :meth:`springdrift.InclinedMassEnv.render` says."""
        if self.mode == "human":
            return None
        if self._view is None:
            return ansi(self._frames[-1], scenario=self._options.get("scenario", True))
        if self.mode == "rgb_array":
            return self._view.array(self._frames[-1])
        frames, self._frames = self._frames, []
        return [self._view.array(frame) for frame in frames]

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window:
            self._window.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_view": None, "_window": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._view = None if self.mode == "ansi" else View(**self._options)
