"""Windows that show pictures: several side by side, and beside those of other libraries."""

import os
from collections.abc import Callable
from typing import Any

from springdrift.render.canvas import PAPER
from springdrift.render.frame import Frame
from springdrift.render.view import FPS, View


class NoWindowError(RuntimeError):
    """There is no display to open a window on; ``why`` says what SDL knows of it."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"no window can be opened here ({why}); without a display draw to arrays with "
            "render_mode='rgb_array', or set SDL_VIDEODRIVER=dummy"
        )
        self.why = why


class Window:
    """Shows a view's pictures on the screen; H shows and hides the truth.

    The window can be given any size, and is never larger than the screen: the picture is scaled, and places
    of the mouse are those of the picture. ``below`` pixels under the view's picture are left to the caller,
    on ``screen``. SDL is one for the whole process: each window takes the events that are its own, and one
    that another library's ``pygame.quit()`` took away is opened anew.

    Raises:
        NoWindowError: a RuntimeError: there is no display to open a window on.
    """

    _open: list["Window"] = []  # noqa: RUF012 (all windows share it: events come in for all of them at once)

    def __init__(self, view: View, title: str = "springdrift", below: int = 0) -> None:
        self.view, self.pygame, self.closed = view, view.pygame, False
        self.title = title
        self.screen = self.pygame.Surface((view.size[0], view.size[1] + below), 0, view.surface)
        self._came: list[Any] = []  # events that are this window's and were not asked for yet
        self._real = self._make()
        self._clock = self.pygame.time.Clock()
        Window._open.append(self)

    def _make(self) -> Any:
        try:
            self.pygame.display.init()
            self._refuse_unseen()
            made = self.pygame.Window(self.title, self._on_desktop(self.screen.get_size()), resizable=True)
            made.get_surface()
        except self.pygame.error as wrong:
            raise NoWindowError(str(wrong)) from wrong
        return made

    def _refuse_unseen(self) -> None:
        """Where it finds no display, SDL draws into memory and nobody sees it, unless that was asked for."""
        driver = self.pygame.display.get_driver()
        asked = os.environ.get("SDL_VIDEODRIVER") or os.environ.get("SDL_VIDEO_DRIVER")
        if driver in ("offscreen", "dummy") and not asked:
            self.pygame.display.quit()
            raise NoWindowError("no display was found")

    def _on_desktop(self, size: tuple[int, int]) -> tuple[int, int]:
        """The size, or the largest of its shape for which the screen has room."""
        wide, high = self.pygame.display.get_desktop_sizes()[0]
        factor = min(1.0, 0.97 * wide / size[0], 0.92 * high / size[1])  # a frame and a bar stand around it
        return max(1, int(size[0] * factor)), max(1, int(size[1] * factor))

    def _on_screen(self, use: Callable[[Any], Any]) -> Any:
        """What ``use`` makes of the real window, which is opened anew where SDL was shut down meanwhile.

        Its surface is asked for each time: the memory of one that SDL has taken back is not to be touched.
        """
        try:
            return use(self._real)
        except self.pygame.error:
            self._real = self._make()
            return use(self._real)

    def show(self, frame: Frame, fps: float = FPS) -> list[Any]:
        """Draw and show a frame, keep the tempo, and return the events that came in."""
        if self.closed:
            return []
        self.view.draw(frame)
        return self.flip(fps)

    def flip(self, fps: float = FPS) -> list[Any]:
        """Show what stands on the view's surface; returns the events that came in, none once closed."""
        if self.closed:
            return []
        self.screen.blit(self.view.surface, (0, 0))
        self._on_screen(self._paint)
        self._clock.tick(fps)
        self._gather()
        came, self._came = self._came, []
        place = self._on_screen(self._place)  # the window's size may be new
        events = [self._in_picture(event, place) for event in came]
        for event in events:
            if event.type == self.pygame.QUIT:
                self.close()
            elif event.type == self.pygame.KEYDOWN and event.key == self.pygame.K_h:
                self.view.truth = not self.view.truth
        return events

    def _paint(self, window: Any) -> None:
        real, place = window.get_surface(), self._place(window)
        if place.size == self.screen.get_size():
            real.blit(self.screen, place)
        else:
            real.fill(PAPER)
            real.blit(self.pygame.transform.smoothscale(self.screen, place.size), place)
        window.flip()

    def _gather(self) -> None:
        """Give each window its events; those of no window, such as a gamepad's, go to every one."""
        for event in self.pygame.event.get():
            owner = getattr(event, "window", None)
            closed = event.type == self.pygame.WINDOWCLOSE
            for window in Window._open:
                if owner is None or owner is window._real:
                    window._came.append(self.pygame.event.Event(self.pygame.QUIT) if closed else event)

    def _place(self, window: Any) -> Any:
        """Where on the window the picture lies: as large as it can be, in the middle."""
        (wide, high), (w, h) = window.get_surface().get_size(), self.screen.get_size()
        factor = min(wide / w, high / h)
        size = max(1, round(w * factor)), max(1, round(h * factor))
        return self.pygame.Rect((wide - size[0]) // 2, (high - size[1]) // 2, *size)

    def _in_picture(self, event: Any, place: Any) -> Any:
        """The event, its place on the window turned into one of the picture."""
        if not hasattr(event, "pos"):
            return event
        w, h = self.screen.get_size()
        x, y = (event.pos[0] - place.x) * w / place.w, (event.pos[1] - place.y) * h / place.h
        return self.pygame.event.Event(event.type, {**event.dict, "pos": (round(x), round(y))})

    def close(self) -> None:
        """Close the window, and no other; closing twice does no harm."""
        if not self.closed:
            self.closed = True
            Window._open.remove(self)
            if self.pygame.display.get_init():
                self._real.destroy()
