"""Several live pictures as one: a wall of 1, 4 or 9, each whole and undistorted, with a strip of words below."""

import numpy as np
import numpy.typing as npt

from hal.camera import Picture
from media.frames import to_frame, to_picture

Plane = npt.NDArray[np.uint8]
Planes = tuple[Plane, Plane, Plane]
_BLACK = (16, 128, 128)
_EDGE = 235
"""Luma of the frame around a tile that is chosen."""
_EDGE_WIDTH = 4


class Mosaic:
    """A picture of `width` x `height` with `side` x `side` tiles; for one thread."""

    def __init__(self, width: int, height: int, side: int, strip: int) -> None:
        """`strip`: height of the words below each tile; all in pixels. Raises ValueError for tiles of odd size."""
        self.tile = (width // side, height // side)
        if any(length % 2 for length in (width, height, strip, *self.tile)):
            raise ValueError(f"{side} x {side} tiles do not fit {width}x{height} in whole blocks of 2 x 2")
        self._size, self._side, self._strip = (width, height), side, strip
        self._planes: Planes = (
            np.full((height, width), _BLACK[0], np.uint8),
            np.full((height // 2, width // 2), _BLACK[1], np.uint8),
            np.full((height // 2, width // 2), _BLACK[2], np.uint8),
        )

    @property
    def strip(self) -> tuple[int, int]:
        """Width and height of the words below a tile."""
        return self.tile[0], self._strip

    def show(self, number: int, picture: Picture) -> None:
        """Put `picture` into tile `number`, row by row from 0. Raises PacketError for a picture that is none."""
        width, height = self.tile[0], self.tile[1] - self._strip
        scale = min(width / picture.width, height / picture.height)
        inner = (max(2, round(picture.width * scale) // 2 * 2), max(2, round(picture.height * scale) // 2 * 2))
        frame = to_frame(picture).reformat(width=inner[0], height=inner[1], interpolation="FAST_BILINEAR")
        small = to_picture(frame, picture.taken)
        left, top = self._corner(number)
        self._clear(left, top, width, height)
        self._put(_planes(small), left + (width - inner[0]) // 4 * 2, top + (height - inner[1]) // 4 * 2)

    def words(self, number: int, strip: Picture, chosen: bool) -> None:
        """Put a picture of words, of the size of `strip`, below tile `number`; a chosen one has a frame around it."""
        left, top = self._corner(number)
        self._put(_planes(strip), left, top + self.tile[1] - self._strip)
        if chosen:
            luma = self._planes[0][top : top + self.tile[1], left : left + self.tile[0]]
            luma[-_EDGE_WIDTH:] = luma[:, :_EDGE_WIDTH] = luma[:, -_EDGE_WIDTH:] = luma[:_EDGE_WIDTH] = _EDGE

    def picture(self, taken: float) -> Picture:
        """All of it, as it is now."""
        return Picture(*self._size, b"".join(plane.tobytes() for plane in self._planes), taken)

    def _corner(self, number: int) -> tuple[int, int]:
        row, column = divmod(number, self._side)
        return column * self.tile[0], row * self.tile[1]

    def _clear(self, left: int, top: int, width: int, height: int) -> None:
        for plane, value, half in zip(self._planes, _BLACK, (1, 2, 2), strict=True):
            plane[top // half : (top + height) // half, left // half : (left + width) // half] = value

    def _put(self, planes: Planes, left: int, top: int) -> None:
        for target, plane, half in zip(self._planes, planes, (1, 2, 2), strict=True):
            height, width = plane.shape
            target[top // half : top // half + height, left // half : left // half + width] = plane


def _planes(picture: Picture) -> Planes:
    data = np.frombuffer(picture.data, np.uint8)
    width, height = picture.width, picture.height
    luma, chroma = width * height, width * height // 4
    half = (height // 2, width // 2)
    y, u, v = data[:luma], data[luma : luma + chroma], data[luma + chroma :]
    return y.reshape(height, width), u.reshape(half), v.reshape(half)


def side_for(count: int) -> int:
    """1, 2 or 3: the smallest wall that holds so many."""
    return 1 if count <= 1 else 2 if count <= 4 else 3
