"""Camera on a Raspberry Pi's CSI connector, by picamera2 (libcamera); the Pi's own image processor scales and converts.

picamera2 comes with Raspberry Pi OS (`apt install python3-picamera2`); it is imported when the camera is opened.
"""

import contextlib
import time
from typing import Any, Literal

from hal.camera import Bytes, Picture
from hal.errors import DeviceLost, DeviceUnavailable, HalError

_PATIENCE = 1.0


class PiCamera:
    """The camera number `camera` (0 is the first). `rotate`: 0 or 180 degrees."""

    def __init__(self, camera: int = 0, rotate: Literal[0, 180] = 0) -> None:
        if rotate not in (0, 180):
            raise ValueError(f"rotate is 0 or 180 degrees, not {rotate!r}")
        self._rotate = rotate
        self._size = (0, 0)
        self._stride = 0
        self._camera: Any = _open(camera)
        self._running = False

    def start(self, width: int, height: int, rate: int) -> None:
        """Begin to deliver. Raises DeviceUnavailable, HalError if closed."""
        if self._camera is None:
            raise HalError("The camera was closed and cannot be started.")
        self.stop()
        try:
            self._configure(width, height, rate)
            self._camera.start()
        except RuntimeError as error:
            raise DeviceUnavailable(f"The camera cannot deliver {width}x{height}@{rate}: {error}.") from error
        self._size, self._running = (width, height), True

    def read(self) -> Picture:
        """Wait for the next picture. Raises DeviceLost, HalError before `start`."""
        if not self._running:
            raise HalError("The camera was read before it was started.")
        try:
            request = self._camera.capture_request(wait=_PATIENCE)
        except (RuntimeError, TimeoutError) as error:
            raise DeviceLost(f"The camera delivers no more pictures: {error}.") from error
        try:
            data = request.make_buffer("main")
            # Of the same clock as time.monotonic() on a machine that is never suspended.
            taken = request.get_metadata().get("SensorTimestamp", time.monotonic_ns()) / 1e9
        finally:
            request.release()
        width, height = self._size
        return Picture(width, height, without_padding(data, width, height, self._stride), taken)

    def stop(self) -> None:
        """Power the sensor down."""
        if self._running:
            self._running = False
            with contextlib.suppress(RuntimeError):  # a camera that is gone does not stop in order
                self._camera.stop()

    def close(self) -> None:
        """Give the camera back; twice does no harm."""
        self.stop()
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.close()

    def _configure(self, width: int, height: int, rate: int) -> None:
        duration = 1_000_000 // rate
        options: dict[str, Any] = {"buffer_count": 3}
        if self._rotate:
            import libcamera

            options["transform"] = libcamera.Transform(hflip=1, vflip=1)
        configuration = self._camera.create_video_configuration(
            main={"size": (width, height), "format": "YUV420"},
            controls={"FrameDurationLimits": (duration, duration)},
            **options,
        )
        self._camera.configure(configuration)
        self._stride = self._camera.camera_configuration()["main"]["stride"]


def without_padding(data: Bytes, width: int, height: int, stride: int) -> Bytes:
    """I420 whose lines of luma are `stride` bytes apart (of chroma, half of that), as I420 without gaps.

    Nothing is copied if there are none. Raises DeviceLost for data that is too short for a picture.
    """
    view = memoryview(data).cast("B")
    if len(view) < stride * height * 3 // 2:
        raise DeviceLost(f"The camera delivered {len(view)} bytes, too few for {width}x{height}.")
    if stride == width:
        return view[: width * height * 3 // 2]
    luma = [view[line * stride : line * stride + width] for line in range(height)]
    base, half = stride * height, stride // 2
    chroma = [view[base + line * half : base + line * half + width // 2] for line in range(height)]
    return b"".join((*luma, *chroma))


def _open(number: int) -> Any:
    try:
        from picamera2 import Picamera2
    except ImportError as error:
        raise DeviceUnavailable(f"The camera needs picamera2, which is not installed: {error}.") from error
    try:
        return Picamera2(number)
    except (RuntimeError, IndexError) as error:
        raise DeviceUnavailable(f"There is no camera {number} on the board's connector: {error}.") from error
