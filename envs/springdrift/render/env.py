"""The scalar env over worlds of which pictures can be made."""

from collections.abc import Mapping
from typing import Any

from springdrift.game.env import DriftEnv
from springdrift.render.renderer import Recorder, Renderer, check_render_options
from springdrift.render.view import FPS


class DrawnEnv(DriftEnv):
    """An env whose class also names the recorder of its worlds, and so has every render mode.

    ``render_options``: ``size``, ``font_scale``, ``truth`` and ``scenario`` of
    :class:`~springdrift.render.view.View`.
    """

    metadata = {  # noqa: RUF012 (gymnasium declares it so)
        "render_modes": ["human", "rgb_array", "rgb_array_list", "ansi"],
        "render_fps": FPS,
    }

    @classmethod
    def recorder(
        cls, world: Any, index: int = 0, policy: str = "", threshold: float | None = None
    ) -> Recorder:
        """What follows world ``index`` of a batch and cuts it into frames.

        Args:
            world: the batch.
            index: which of its worlds.
            policy: whose decisions they are, for the picture.
            threshold: error at which that policy retrains.
        """
        raise NotImplementedError

    @classmethod
    def renderer(
        cls, world: Any, mode: str | None, options: Mapping[str, Any] | None, index: int = 0
    ) -> Renderer | None:
        options = check_render_options(options)
        return Renderer(cls.recorder(world, index), mode, options) if mode else None
