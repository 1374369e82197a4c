"""Moving and still pictures as files: mp4, gif, webp or png, whole or not at all."""

import subprocess
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from springdrift_agents.files import replacing

GIF_FPS = 50  # players slow down what has a shorter delay
# what ffmpeg is told of each kind of film; the palettes of a gif are made picture by picture, as memory
# would grow with the length of a film whose palette waits for its end
ENCODERS = {
    ".mp4": "-c:v libx264 -preset veryfast -tune animation -crf 24 -pix_fmt yuv420p -movflags +faststart",
    ".gif": "-filter_complex "
    "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1:dither=none",
    ".webp": "-c:v libwebp_anim -quality 70 -loop 0",
}
SUFFIXES = (*ENCODERS, ".png")


class Movie:
    """Takes pictures (height, width, 3), uint8, and is a file when closed; png keeps the last one.

    Pictures are encoded as they come in, so that memory does not grow with the length of a film.

    Raises:
        ValueError: an unknown kind of file; for mp4 an odd width or height; for gif more than 50 pictures a
            second.
        OSError: there is no encoder, or it cannot write the file; says why, and leaves nothing behind.
    """

    def __init__(self, path: Path, size: tuple[int, int], fps: float) -> None:
        if path.suffix not in SUFFIXES:
            raise ValueError(f"cannot write {path.name!r}; allowed endings: {', '.join(SUFFIXES)}")
        if path.suffix == ".mp4" and (size[0] % 2 or size[1] % 2):
            raise ValueError(f"width and height of an mp4 must be even, got {size}")
        if path.suffix == ".gif" and fps > GIF_FPS:
            raise ValueError(f"a gif shows at most {GIF_FPS} pictures a second, got {fps:g}")
        self.path, self.size, self.fps = path, size, fps
        self._count = 0
        self._last: NDArray[np.uint8] | None = None
        self._encoder: subprocess.Popen[bytes] | None = None
        command = _ffmpeg() if path.suffix in ENCODERS else []
        self._place = ExitStack()
        self._part = self._place.enter_context(replacing(path))
        said = tempfile.TemporaryFile()  # noqa: SIM115 (the stack closes it)
        self._said = self._place.enter_context(said)  # what the encoder complains of
        if command:
            self._start(command)

    def _start(self, command: list[str]) -> None:
        width, height = self.size
        command += f"-y -hide_banner -loglevel error -f rawvideo -pix_fmt rgb24 -s {width}x{height}".split()
        command += ["-r", f"{self.fps:g}", "-i", "-", *ENCODERS[self.path.suffix].split()]
        command += ["-f", self.path.suffix[1:], str(self._part)]
        try:
            self._encoder = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._said
            )
        except OSError as wrong:
            self._leave()
            raise OSError(f"the encoder {command[0]} cannot be started: {wrong.strerror}") from wrong

    def add(self, pixels: NDArray[np.uint8]) -> None:
        """One more picture.

        Raises:
            OSError: the encoder has ended; says what it complained of.
        """
        self._count += 1
        if self._encoder is None:
            self._last = pixels
            return
        assert self._encoder.stdin
        try:
            self._encoder.stdin.write(np.ascontiguousarray(pixels).data)
        except OSError as wrong:
            raise self._failed() from wrong

    def close(self) -> None:
        """Finish the file and put it in its place.

        Raises:
            ValueError: no picture was added.
            OSError: the encoder failed; says what it complained of.
        """
        if not self._count:
            self.abandon()
            raise ValueError(f"no picture for {self.path.name}")
        if self._encoder is not None and self._end(self._encoder):
            raise self._failed()
        if self._last is not None:
            from PIL import Image

            try:
                Image.fromarray(self._last).save(self._part)
            except BaseException:
                self.abandon()
                raise
        self._place.close()

    def abandon(self) -> None:
        """Leave no file."""
        if self._encoder is not None:
            self._encoder.kill()
            self._end(self._encoder)
        self._leave()

    @staticmethod
    def _end(encoder: "subprocess.Popen[bytes]") -> int:
        """Close the encoder's input, and wait for its exit status."""
        assert encoder.stdin
        with suppress(OSError):  # it ended before the last picture was through
            encoder.stdin.close()
        return encoder.wait()

    def _leave(self) -> None:
        left = OSError("the film was abandoned")
        self._place.__exit__(OSError, left, None)

    def _failed(self) -> OSError:
        """The encoder's failure in one sentence; nothing is left of the film."""
        assert self._encoder
        code = self._end(self._encoder)
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        why = lines[-1] if lines else f"it ended with status {code}"
        self.abandon()
        return OSError(f"{self.path} was not written: the encoder (ffmpeg) failed: {why}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()


def _ffmpeg() -> list[str]:
    """The encoder's command: that of imageio-ffmpeg, or of the variable IMAGEIO_FFMPEG_EXE."""
    from imageio_ffmpeg import get_ffmpeg_exe

    try:
        return [get_ffmpeg_exe()]
    except RuntimeError as missing:
        raise OSError(
            "no encoder was found: install imageio-ffmpeg anew, or name an ffmpeg in IMAGEIO_FFMPEG_EXE"
        ) from missing
