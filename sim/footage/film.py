"""Pictures for the simulated camera: the bundled clip in a loop, or the webcam, each with the clock drawn in."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import av

from hal.camera import Camera, Picture
from hal.errors import DeviceUnavailable
from media.frames import to_picture
from sim.clock import Caption, stamp
from sim.footage import FOLDER, VISITOR

if TYPE_CHECKING:
    from av.container import InputContainer

WEBCAM = Path("/dev/video0")

log = logging.getLogger(__name__)


class Film(Protocol):
    """Endless pictures; whoever takes them keeps the pace."""

    def __iter__(self) -> Iterator[Picture]:
        """The pictures, without end."""

    def __next__(self) -> Picture:
        """The next picture, stamped with the time at which it is given out."""

    def close(self) -> None:
        """Give everything back; twice does no harm."""


class Stamper:
    """Draws both clocks into pictures: cells for programs, time of day for people."""

    def __init__(self) -> None:
        self._caption = Caption()

    def __call__(self, data: bytearray, width: int, height: int) -> Picture:
        """The picture taken now: `data` is stamped in place."""
        taken = time.monotonic()
        stamp(data, width, height, int(taken * 1000))
        now = time.time()
        text = time.strftime(" %Y-%m-%d %H:%M:%S", time.localtime(now)) + f".{int(now * 100) % 100:02d} "
        self._caption.write(data, width, height, text)
        return Picture(width, height, data, taken)


class Footage:
    """A video file in a loop at `rate` pictures per second, decoded as it goes: about 1 % of a core, no memory."""

    def __init__(self, path: Path = FOLDER / VISITOR, width: int = 640, height: int = 480, rate: int = 25) -> None:
        """Raises DeviceUnavailable if `path` is not a video that can be played."""
        self._size, self._rate, self._stamp = (width, height), rate, Stamper()
        try:
            self._file: InputContainer = av.open(str(path))
            self._stream = self._file.streams.video[0]
        except (av.FFmpegError, IndexError) as error:
            raise DeviceUnavailable(f"{path} cannot be played: {error}") from error
        self._stream.thread_type = "NONE"
        self._frames = self._file.decode(self._stream)
        self._frame = next(self._frames)
        self._source_rate = float(self._stream.average_rate or rate)
        self._due = 0.0

    def __iter__(self) -> Iterator[Picture]:
        """The pictures, without end."""
        return self

    def __next__(self) -> Picture:
        """The next picture; its data is a buffer of its own."""
        while self._due >= 1.0:
            self._due -= 1.0
            self._frame = self._decode()
        self._due += self._source_rate / self._rate
        width, height = self._size
        frame = self._frame
        if (frame.width, frame.height) != self._size:
            frame = frame.reformat(width, height, format="yuv420p")
        return self._stamp(bytearray(to_picture(frame, 0.0).data), width, height)

    def _decode(self) -> av.VideoFrame:
        frame = next(self._frames, None)
        if frame is None:
            self._file.seek(0)
            self._frames = self._file.decode(self._stream)
            frame = next(self._frames)
        return frame

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Webcam:
    """The machine's own camera, with the clock drawn in."""

    def __init__(self, camera: Camera, width: int = 640, height: int = 480, rate: int = 25) -> None:
        """Raises DeviceUnavailable."""
        self._camera, self._stamp = camera, Stamper()
        camera.start(width, height, rate)

    def __iter__(self) -> Iterator[Picture]:
        """The pictures, at the camera's own pace."""
        return self

    def __next__(self) -> Picture:
        """The next picture. Raises DeviceLost."""
        picture = self._camera.read()
        return self._stamp(bytearray(picture.data), picture.width, picture.height)

    def close(self) -> None:
        """Give the camera back."""
        self._camera.close()


def open_film(width: int = 640, height: int = 480, rate: int = 25, webcam: Path = WEBCAM) -> Film:
    """The webcam if this machine has one that can be opened, else the bundled visitor; the log says which."""
    if webcam.exists():
        from hal.opencv import OpenCvCamera

        try:
            film = Webcam(OpenCvCamera(source=str(webcam)), width, height, rate)
        except DeviceUnavailable as error:
            log.warning("the webcam cannot be used, the bundled visitor comes instead: %s", error)
        else:
            log.info("the visitor is who stands before %s", webcam)
            return film
    return Footage(FOLDER / VISITOR, width, height, rate)
