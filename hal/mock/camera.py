"""A fake camera."""

import queue
import time

from hal.camera import Picture
from hal.errors import DeviceLost, DeviceUnavailable
from hal.mock.checks import check_picture, check_usable


def grey(width: int, height: int, luma: int = 128) -> Picture:
    """An even grey picture."""
    data = bytes([luma]) * (width * height) + bytes([128]) * (width * height // 2)
    return Picture(width, height, data, time.monotonic())


class MockCamera:
    """Delivers what the test shows it; handles: `show`, `unplug`, `plug`, `started`."""

    def __init__(self) -> None:
        self.started: tuple[int, int, int] | None = None
        """Width, height and rate while it runs."""
        self._pictures: queue.Queue[Picture | None] = queue.Queue()
        self._shown: Picture | None = None
        self._unplugged = False
        self._closed = False

    def show(self, picture: Picture) -> None:
        """Let the camera see `picture`; from then on it is delivered at the rate asked for, until the next."""
        self._shown = check_picture(picture)
        self._pictures.put(picture)

    def unplug(self) -> None:
        """The camera goes away: `read` raises DeviceLost, `start` DeviceUnavailable."""
        self._unplugged = True
        self._pictures.put(None)

    def plug(self) -> None:
        """The camera is back, as if opened anew: it has to be started again."""
        self._unplugged = False
        self._closed = False
        self.started = None

    def start(self, width: int, height: int, rate: int) -> None:
        """Begin to deliver. Raises DeviceUnavailable, ValueError for a size or rate that no camera has."""
        if self._unplugged:
            raise DeviceUnavailable("The fake camera is unplugged.")
        check_usable("camera", self._closed)
        if width <= 0 or height <= 0 or width % 2 or height % 2 or not 1 <= rate <= 120:
            raise ValueError(
                f"a camera delivers even sides and 1 to 120 pictures a second, not {width}x{height}@{rate}"
            )
        self.started = (width, height, rate)

    def read(self) -> Picture:
        """The next picture that was shown, else the last one again, else grey. Raises DeviceLost, HalError."""
        check_usable("camera", self._closed, self.started is not None)
        width, height, rate = self.started or (0, 0, 0)
        picture = self._next(1 / rate)
        if self._unplugged:
            raise DeviceLost("The fake camera was unplugged.")
        if picture is None:
            picture = self._shown or grey(width, height)
        if (picture.width, picture.height) != (width, height):
            raise ValueError(f"the camera was started at {width}x{height} and shown {picture.width}x{picture.height}")
        return Picture(width, height, picture.data, time.monotonic())

    def stop(self) -> None:
        """Stop delivering."""
        self.started = None

    def close(self) -> None:
        """Stop; twice does no harm."""
        self.stop()
        self._closed = True

    def _next(self, seconds: float) -> Picture | None:
        if self._unplugged:
            return None
        try:
            return self._pictures.get(timeout=seconds)
        except queue.Empty:
            return None
