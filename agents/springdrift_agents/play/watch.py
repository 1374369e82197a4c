"""An episode of a policy, cycle by cycle: watched in a window, recorded to a file, or both."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import dropwhile, takewhile
from pathlib import Path

from springdrift import ENV_ID, WORLDS
from springdrift.game.world import World
from springdrift.registry import world_spec
from springdrift.render.env import DrawnEnv
from springdrift.render.frame import Frame
from springdrift.render.view import FPS, FRAMES, View
from springdrift.render.window import Window
from springdrift_agents.evaluation.rollout import begun, rollout
from springdrift_agents.evaluation.seeds import world_seeds
from springdrift_agents.play.movie import Movie
from springdrift_agents.policies.base import Policy, observe_of


class Episode:
    """One world under one policy, a cycle at a time.

    Raises:
        ValueError: an unknown scenario or env, or one without pictures.

    >>> from springdrift_agents.policies.registry import policy
    >>> episode = Episode(policy("never"), "never", "stationary", seed=0, cycles=3)
    >>> sum(1 for _ in episode.frames(4))
    13
    """

    def __init__(
        self,
        policy: Policy,
        name: str,
        scenario: str,
        seed: int,
        cycles: int | None = None,
        env: str = ENV_ID,
    ) -> None:
        kind = world_spec(env).env
        if not issubclass(kind, DrawnEnv):
            drawn = [id for id, spec in WORLDS.items() if issubclass(spec.env, DrawnEnv)]
            raise ValueError(f"no pictures are made of {env}; allowed: {', '.join(drawn)}")
        seeds = world_seeds("evaluation", seed, 1)
        world = begun(seeds, scenario, env=env, observe=observe_of(policy), cycles=cycles)
        self.world: World = world
        self.policy = policy
        threshold = getattr(policy, "error", None)
        self.recorder = kind.recorder(world, policy=name, threshold=threshold)

    def frames(self, count: int) -> Iterator[Frame]:
        """The start, then ``count`` frames a cycle, up to the deadline."""
        yield self.recorder.now()
        for _ in rollout(self.policy, self.world, lambda actions: self.recorder.before(int(actions[0]))):
            self.recorder.after()
            yield from self.recorder.frames(count)


def show(
    episodes: Sequence[Episode],
    *,
    out: Path | None = None,
    window: bool = False,
    truth: bool = False,
    scenario: bool = True,
    font_scale: float = 1.0,
    size: tuple[int, int] = (960, 600),
    part: tuple[int, int] | None = None,
    frames: int = FRAMES,
    fps: int = FPS,
) -> int:
    """Play episodes side by side into a file, a window, or both; returns the number of pictures.

    Args:
        episodes: one or more, of the same world.
        out: the file to write: mp4, gif, webp, or png of the last moment.
        window: show it as well; closing the window ends the playing, and keeps what was recorded.
        truth: show what no operator can see.
        scenario: tell the scenario's name.
        font_scale: size of the letters, from 0.7 to 1.4.
        size: of each episode's picture; even numbers for mp4.
        part: first and last cycle to play; None for all.
        frames: pictures a cycle.
        fps: pictures a second.

    Raises:
        ValueError: an unknown kind of file, or a part that is empty or not within the episode.
    """
    still = out is not None and out.suffix == ".png" and not window
    moments = _part(episodes, part, 1 if still else frames)
    if still:  # the rest would be drawn for nobody
        moments = iter(deque(moments, maxlen=1))
    picture = _Picture([View(size, font_scale, truth, scenario) for _ in episodes])
    count = 0
    with ExitStack() as opened:
        screen = opened.enter_context(closing(Window(picture.whole, "springdrift"))) if window else None
        movie = opened.enter_context(Movie(out, picture.whole.size, fps)) if out else None
        for together in moments:
            if screen and screen.closed:
                break
            picture.draw(together)
            if movie:
                movie.add(picture.whole.pixels())
            if screen:
                screen.flip(fps)
                picture.share_truth()
            count += 1
    return count


class _Picture:
    """Views side by side on one surface, that of ``whole``; a single one is the whole itself."""

    def __init__(self, views: Sequence[View]) -> None:
        self.views, (width, height) = views, views[0].size
        self.whole = views[0] if len(views) == 1 else View((width * len(views), height), truth=views[0].truth)

    def draw(self, moments: Sequence[Frame]) -> None:
        """A moment of each."""
        for place, (view, moment) in enumerate(zip(self.views, moments, strict=True)):
            view.draw(moment)
            if view is not self.whole:
                self.whole.surface.blit(view.surface, (place * view.size[0], 0))

    def share_truth(self) -> None:
        """Every view shows the truth if the whole does, to which a window's keys go."""
        for view in self.views:
            view.truth = self.whole.truth


def _part(
    episodes: Sequence[Episode], part: tuple[int, int] | None, frames: int
) -> Iterator[tuple[Frame, ...]]:
    """The moments of that part of the episodes."""
    deadline = episodes[0].recorder.now().cycles
    first, last = part or (0, deadline)
    if not 0 <= first < last <= deadline:
        raise ValueError(
            f"the part to play must run from a lower to a higher cycle, within 0 to {deadline}, "
            f"got {first} to {last}"
        )
    together = zip(*(episode.frames(frames) for episode in episodes), strict=True)
    return takewhile(lambda at: at[0].time <= last, dropwhile(lambda at: at[0].time < first, together))
