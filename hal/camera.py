"""Camera: one picture after the other, as planar YUV."""

from dataclasses import dataclass
from typing import Protocol

Bytes = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: planar YUV 4:2:0 (I420), ``width * height * 3 // 2`` bytes; width and height are even."""

    width: int
    height: int
    data: Bytes
    taken: float
    """When it was taken, seconds of ``time.monotonic()``."""

    @property
    def size(self) -> int:
        """Bytes of `data`."""
        return len(self.data)

    def copy_to(self, target: memoryview) -> None:
        """Copy `data` into `target`, which has `size` bytes; the cheapest way to what a decoder made."""
        target[:] = self.data


class Camera(Protocol):
    """Delivers pictures at the size and rate it was opened with."""

    def start(self, width: int, height: int, rate: int) -> None:
        """Begin to deliver pictures of `width` x `height` at `rate` per second. Raises DeviceUnavailable."""

    def read(self) -> Picture:
        """Wait for the next picture (at most about a second). Raises DeviceLost."""

    def stop(self) -> None:
        """Stop delivering (power down the sensor); `start` may be called again."""

    def close(self) -> None:
        """Give the device back; twice does no harm."""
