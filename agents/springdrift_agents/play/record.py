"""Films of an env's episodes, smooth and as they happen, whatever its render mode."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
from numpy.typing import NDArray

from springdrift.render.env import DrawnEnv
from springdrift.render.frame import Frame
from springdrift.render.view import FPS, FRAMES, View
from springdrift_agents.play.movie import SUFFIXES, Movie


class SmoothVideo(gym.Wrapper[NDArray[Any], Any, NDArray[Any], Any]):
    """Films episodes with every cycle's movement, 16 pictures a cycle.

    Gymnasium's own ``RecordVideo`` takes one picture a step. A step is a cycle, and at the end of each the
    mass is where it was: in its films the machine stands still. This wrapper follows the mass within the
    cycle, so it needs no pictures from the env: the env may have any render mode, a window or none. Films
    are encoded as they go, in memory that does not grow. Files are named like ``episode-3.mp4``.

    Args:
        env: a world of which pictures can be made, such as ``springdrift/InclinedMass-v0``. Wrappers that
            change actions go around this one.
        folder: where the films are written.
        episodes: which to film, by their number since the wrapper was made; all when None.
        suffix: ".mp4", ".gif" or ".webp".
        frames: pictures a cycle.
        fps: pictures a second.
        policy: a name for the picture.
        view: options of :class:`springdrift.render.view.View`; mp4 needs an even ``size``.

    Raises:
        TypeError: another env.
        ValueError: an unknown suffix, or options that no film can have.
        ImportError: the extra "render" is missing.

    >>> import tempfile, springdrift
    >>> folder = tempfile.TemporaryDirectory()
    >>> env = gym.make("springdrift/InclinedMass-v0", scenario="stationary", cycles=2)  # no render mode
    >>> env = SmoothVideo(env, folder.name, view={"size": (320, 208)})
    >>> _ = env.reset(seed=0)
    >>> _ = env.step(0), env.step(0)
    >>> env.close()
    >>> [path.name for path in env.films]
    ['episode-0.mp4']
    >>> folder.cleanup()
    """

    def __init__(
        self,
        env: gym.Env[NDArray[Any], Any],
        folder: str | Path,
        episodes: Callable[[int], bool] | None = None,
        *,
        suffix: str = ".mp4",
        frames: int = FRAMES,
        fps: float = FPS,
        policy: str = "",
        view: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(env)
        inner = env.unwrapped
        if not isinstance(inner, DrawnEnv):
            raise TypeError(f"SmoothVideo films worlds of which pictures can be made, got {inner}")
        moving = [one for one in SUFFIXES if one != ".png"]
        if suffix not in moving:
            raise ValueError(f"suffix must be one of {', '.join(moving)}, got {suffix!r}")
        if frames < 1:
            raise ValueError(f"frames must be at least 1, got {frames}")
        self.films: list[Path] = []  # as they are finished
        self._folder, self._suffix, self._fps, self._frames = Path(folder), suffix, fps, frames
        self._wanted = episodes
        self._view = View(**{**(view or {})})
        self._actions = inner.world.actions
        self._recorder = inner.recorder(inner.world, policy=policy)
        self._movie: Movie | None = None
        self._episode = -1

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Start an episode, and its film; the film of the last one is finished."""
        self._finish()
        found = self.env.reset(seed=seed, options=options)
        self._episode += 1
        if self._wanted is None or self._wanted(self._episode):
            path = self._folder / f"episode-{self._episode}{self._suffix}"
            self._movie = Movie(path, self._view.size, self._fps)
            self._recorder.begin()
            self._film([self._recorder.now()])
        return found

    def step(self, action: Any) -> tuple[NDArray[Any], Any, bool, bool, dict[str, Any]]:
        """One cycle; its film is finished at the deadline."""
        if self._movie is None:
            return self.env.step(action)
        self._recorder.before(self._actions.check(action))
        found = self.env.step(action)
        self._recorder.after()
        self._film(self._recorder.frames(self._frames))
        if found[2] or found[3]:
            self._finish()
        return found

    def _film(self, frames: Sequence[Frame]) -> None:
        assert self._movie
        try:
            for frame in frames:
                self._movie.add(self._view.array(frame))
        except BaseException:
            movie, self._movie = self._movie, None
            movie.abandon()
            raise

    def _finish(self) -> None:
        if self._movie:
            movie, self._movie = self._movie, None
            movie.close()
            self.films.append(movie.path)

    def close(self) -> None:
        """Finish the film, and close the env."""
        self._finish()
        self.env.close()
