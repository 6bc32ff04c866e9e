"""Pictures and a camera for the tests of the video path: detailed, moving, and with a number that can be read back."""

import random
import threading
import time
from functools import lru_cache

from hal.camera import Picture
from hal.errors import DeviceLost

CELL = 16
"""Side of one luma block of the number, pixels."""
BITS = 16
BLACK, WHITE = 30, 220


@lru_cache(maxsize=4)
def _texture(width: int, height: int) -> bytes:
    """Soft blobs, like a real scene: noise would not fit any bit rate."""
    coarse = random.Random(7)
    columns = width // 32 + 2
    rows = [[coarse.randrange(60, 200) for _ in range(columns)] for _ in range(height // 32 + 2)]
    return b"".join(_blend(rows[y // 32], width) for y in range(height))


def _blend(row: list[int], width: int) -> bytes:
    return bytes((row[x // 32] * (32 - x % 32) + row[x // 32 + 1] * (x % 32)) // 32 for x in range(width))


def numbered(number: int, width: int = 320, height: int = 240, taken: float | None = None) -> Picture:
    """A picture that moves with `number` and carries it as black and white blocks in the first rows."""
    texture = _texture(width, height)
    shift = (number * 4) % width
    luma = bytearray(texture[shift:] + texture[:shift])
    bits = bytes(WHITE if number >> bit & 1 else BLACK for bit in range(BITS))
    row = b"".join(bytes([value]) * CELL for value in bits)
    for y in range(CELL):
        luma[y * width : y * width + len(row)] = row
    chroma = bytes([128]) * (width * height // 2)
    return Picture(width, height, bytes(luma) + chroma, time.monotonic() if taken is None else taken)


def number_of(picture: Picture) -> int:
    """The number that `numbered` put into a picture, after any amount of coding."""
    at = CELL // 2 * picture.width + CELL // 2
    return sum((picture.data[at + bit * CELL] > 125) << bit for bit in range(BITS))


class NumberedCamera:
    """A camera at `rate` pictures a second (from `start`); `lose` and `find` unplug it and plug it in again."""

    def __init__(self) -> None:
        self._present = threading.Event()
        self._present.set()
        self._period, self._size, self._due = 0.0, (0, 0), 0.0
        self.number = 0
        self.starts = self.stops = 0

    def start(self, width: int, height: int, rate: int) -> None:
        if not self._present.is_set():
            raise DeviceLost("the test has unplugged the camera")
        self._size, self._period, self._due = (width, height), 1 / rate, time.monotonic()
        self.starts += 1

    def read(self) -> Picture:
        self._due = max(self._due + self._period, time.monotonic())
        time.sleep(max(0.0, self._due - time.monotonic()))
        if not self._present.is_set():
            raise DeviceLost("the test has unplugged the camera")
        self.number += 1
        return numbered(self.number, *self._size)

    def stop(self) -> None:
        self.stops += 1

    def close(self) -> None:
        self.stop()

    def lose(self) -> None:
        self._present.clear()

    def find(self) -> None:
        self._present.set()
