"""An episode shown inside a notebook."""

import base64
import tempfile
from pathlib import Path

from springdrift_agents.play.watch import Episode, show
from springdrift_agents.policies.registry import policy


class Inline:
    """A short film that a notebook shows by itself; ``data`` holds the mp4.

    >>> film = inline("never", "stationary", cycles=(0, 1), frames=2, size=(320, 208))
    >>> film._repr_html_()[:39]
    '<video controls loop src="data:video/mp'
    """

    def __init__(self, data: bytes) -> None:
        self.data = data

    def _repr_html_(self) -> str:
        coded = base64.b64encode(self.data).decode()
        return f'<video controls loop src="data:video/mp4;base64,{coded}"></video>'


def inline(
    policy_spec: str = "threshold",
    scenario: str = "abrupt",
    *,
    versus: str | None = None,
    seed: int = 0,
    cycles: tuple[int, int] = (10, 40),
    size: tuple[int, int] = (640, 400),
    frames: int = 12,
    truth: bool = False,
) -> Inline:
    """Cycles of an episode as a film; options as in ``springdrift watch``.

    Raises:
        ValueError: an unknown policy or scenario, or a part that is empty or not within the episode.
    """
    specs = [policy_spec, *([versus] if versus else [])]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "episode.mp4"
        episodes = [Episode(policy(spec), spec, scenario, seed) for spec in specs]
        show(episodes, out=file, part=cycles, size=size, frames=frames, truth=truth)
        return Inline(file.read_bytes())
