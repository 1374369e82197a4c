"""Moving and still pictures as files: mp4, gif, webp or png, whole or not at all."""

import os
import tempfile
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

SUFFIXES = (".mp4", ".gif", ".webp", ".png")
GIF_FPS = 50  # players slow down what has a shorter delay
ENCODERS: dict[str, dict[str, Any]] = {
    ".mp4": {"quality": 7, "macro_block_size": 16},
    ".webp": {
        "codec": "libwebp_anim",
        "macro_block_size": 1,
        "output_params": ["-quality", "70", "-loop", "0"],
    },
}


class Movie:
    """Takes pictures (height, width, 3), uint8, and is a file when closed; png keeps the last one.

    Pictures are encoded as they come in, so that memory does not grow with the length of a film.

    Raises:
        ValueError: an unknown kind of file; for mp4 a size that is not a multiple of 16; for gif more than
            50 pictures a second.
    """

    def __init__(self, path: Path, size: tuple[int, int], fps: float) -> None:
        if path.suffix not in SUFFIXES:
            raise ValueError(f"cannot write {path.name!r}; allowed endings: {', '.join(SUFFIXES)}")
        if path.suffix == ".mp4" and (size[0] % 16 or size[1] % 16):
            raise ValueError(f"width and height of an mp4 must be multiples of 16, got {size}")
        if path.suffix == ".gif" and fps > GIF_FPS:
            raise ValueError(f"a gif shows at most {GIF_FPS} pictures a second, got {fps:g}")
        self.path, self.size, self.fps = path, size, fps
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
        os.close(handle)
        self._part = Path(name)
        self._count = 0
        self._encoder: Any = None
        self._gif: _Gif | None = None
        self._last: NDArray[np.uint8] | None = None
        if path.suffix in ENCODERS:
            from imageio_ffmpeg import write_frames

            self._encoder = write_frames(name, size, fps=fps, **ENCODERS[path.suffix])
            self._encoder.send(None)
        elif path.suffix == ".gif":
            self._gif = _Gif(self._part.open("wb"), fps)

    def add(self, pixels: NDArray[np.uint8]) -> None:
        """One more picture."""
        self._count += 1
        if self._encoder is not None:
            self._encoder.send(np.ascontiguousarray(pixels))
        elif self._gif is not None:
            self._gif.add(pixels)
        else:
            self._last = pixels

    def close(self) -> None:
        """Finish the file and put it in its place.

        Raises:
            ValueError: no picture was added.
        """
        try:
            self._finish()
            if not self._count:
                raise ValueError(f"no picture for {self.path.name}")
            if self._last is not None:
                from PIL import Image

                Image.fromarray(self._last).save(self._part)
            os.chmod(self._part, 0o644)
            os.replace(self._part, self.path)
        finally:
            self._part.unlink(missing_ok=True)

    def abandon(self) -> None:
        """Leave no file."""
        try:
            self._finish()
        finally:
            self._part.unlink(missing_ok=True)

    def _finish(self) -> None:
        if self._encoder is not None:
            self._encoder.close()
        if self._gif is not None:
            self._gif.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()


class _Gif:
    """A gif written picture by picture: of each, only what has changed, in 128 colours of its own.

    A picture is written once it is known for how long it stands; the times are hundredths of a second, and
    their rounding errors do not add up.
    """

    def __init__(self, file: BinaryIO, fps: float) -> None:
        self.file, self.fps = file, fps
        self._before: NDArray[np.uint8] | None = None
        self._waiting: tuple[Any, tuple[int, int], int] | None = None  # picture, place, when it comes
        self._count = 0

    def add(self, pixels: NDArray[np.uint8]) -> None:
        if self._before is None:
            changed = np.ones(pixels.shape[:2], np.bool_)
        else:
            changed = (pixels != self._before).any(axis=2)
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        if len(rows):
            self._write()
            part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            picture = _few_colours(pixels[part], changed[part])
            if self._before is None:
                self._head(picture)
            self._waiting = picture, (int(columns[0]), int(rows[0])), self._now()
            self._before = pixels.copy()
        self._count += 1

    def _now(self) -> int:
        """Hundredths of a second since the film began."""
        return round(100 * self._count / self.fps)

    def _head(self, picture: Any) -> None:
        from PIL import GifImagePlugin

        for block in GifImagePlugin.getheader(picture.copy(), info={"loop": 0})[0]:
            self.file.write(block)

    def _write(self) -> None:
        if self._waiting is None:
            return
        from PIL import GifImagePlugin

        picture, place, since = self._waiting
        options = {"duration": 10 * (self._now() - since), "disposal": 1, "transparency": 127}
        for block in GifImagePlugin.getdata(picture, place, include_color_table=True, **options):
            self.file.write(block)

    def close(self) -> None:
        self._write()
        if self._before is not None:
            self.file.write(b";")
        self.file.close()


def _few_colours(pixels: NDArray[np.uint8], changed: NDArray[np.bool_]) -> Any:
    """The picture in 127 colours; number 127 is see-through, and stands where nothing has changed."""
    from PIL import Image

    picture = Image.fromarray(pixels).quantize(127, dither=Image.Dither.NONE)
    numbers = np.array(picture)
    numbers[~changed] = 127
    colours = (picture.getpalette() or [])[: 3 * 127]
    found = Image.fromarray(numbers)
    found.putpalette(colours + [0] * (3 * 128 - len(colours)))
    return found
