"""Moving and still pictures as files: mp4, gif, webp or png, whole or not at all."""

import os
import tempfile
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

SUFFIXES = (".mp4", ".gif", ".webp", ".png")


class Movie:
    """Takes pictures (height, width, 3), uint8, and is a file when closed; png keeps the last one.

    mp4 is encoded as the pictures come in; gif and webp are held until the end, in 128 colours.

    Raises:
        ValueError: an unknown kind of file, or for mp4 a size that is not a multiple of 16.
    """

    def __init__(self, path: Path, size: tuple[int, int], fps: float) -> None:
        if path.suffix not in SUFFIXES:
            raise ValueError(f"cannot write {path.name!r}; allowed endings: {', '.join(SUFFIXES)}")
        if path.suffix == ".mp4" and (size[0] % 16 or size[1] % 16):
            raise ValueError(f"width and height of an mp4 must be multiples of 16, got {size}")
        self.path, self.size, self.fps = path, size, fps
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
        os.close(handle)
        self._part = Path(name)
        self._held: list[Any] = []
        self._encoder: Any = None
        self._last: NDArray[np.uint8] | None = None
        if path.suffix == ".mp4":
            from imageio_ffmpeg import write_frames

            self._encoder = write_frames(name, size, fps=fps, quality=7, macro_block_size=16)
            self._encoder.send(None)

    def add(self, pixels: NDArray[np.uint8]) -> None:
        """One more picture."""
        if self._encoder is not None:
            self._encoder.send(np.ascontiguousarray(pixels))
        elif self.path.suffix == ".png":
            self._last = pixels
        else:
            from PIL import Image

            picture = Image.fromarray(pixels)
            if self.path.suffix == ".gif":
                picture = picture.quantize(128, dither=Image.Dither.NONE)
            self._held.append(picture)

    def close(self) -> None:
        """Finish the file and put it in its place.

        Raises:
            ValueError: no picture was added.
        """
        try:
            if self._encoder is not None:
                self._encoder.close()
            elif self._last is not None:
                from PIL import Image

                Image.fromarray(self._last).save(self._part)
            elif self._held:
                first, *others = self._held
                first.save(
                    self._part,
                    save_all=True,
                    append_images=others,
                    duration=1000 / self.fps,
                    loop=0,
                    **({"quality": 70} if self.path.suffix == ".webp" else {}),
                )
            else:
                raise ValueError(f"no picture for {self.path.name}")
            os.chmod(self._part, 0o644)
            os.replace(self._part, self.path)
        finally:
            self._part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        if kind is None:
            self.close()
        else:
            if self._encoder is not None:
                self._encoder.close()
            self._part.unlink(missing_ok=True)
