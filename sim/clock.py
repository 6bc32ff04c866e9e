"""A clock in the picture: cells that a program reads back after coding and scaling, and digits for people.

The strip at the top edge has two rows of 30 cells, each a fortieth of the picture's width: two known cells (white and
black, then black and white), then 40 bits of milliseconds and a CRC-16, most significant bit first. At 640 pixels a
cell is one macroblock, which H.264 keeps even at a low bit rate. Only the luma is read; the standard library suffices.
"""

import binascii
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from hal.camera import Bytes

if TYPE_CHECKING:
    from PIL.Image import Image

CELLS_ACROSS = 40
"""Cells that would fill the picture's width."""
PERIOD = 1 << 40
"""The clock begins again after this many milliseconds (34 years)."""
_COLUMNS = 30
_MARGIN = (CELLS_ACROSS - _COLUMNS) // 2
_WHITE, _BLACK = 235, 16
_CONTRAST = 60
"""Least difference of luma between the known cells: below it there is no clock."""


def stamp(picture: bytearray | memoryview, width: int, height: int, milliseconds: int) -> None:
    """Draw the clock into a writable I420 `picture`. Raises ValueError if the picture is too small for it."""
    edges = _edges(width)
    cell = edges[1] - edges[0]
    if cell < 4 or height < 3 * cell or len(picture) < width * height * 3 // 2:
        raise ValueError(f"a picture of {width} x {height} in {len(picture)} bytes is too small for a clock")
    bits = _bits(milliseconds)
    for row in (0, 1):
        cells = zip(bits[row * _COLUMNS : (row + 1) * _COLUMNS], pairwise(edges), strict=True)
        line = b"".join(_cell(bit, end - start) for bit, (start, end) in cells)
        for number in range(row * cell, (row + 1) * cell):
            start = number * width + edges[0]
            picture[start : start + len(line)] = line
    _remove_colour(picture, (width, height), (edges[0] // 2, 0), ((edges[-1] - edges[0] + 1) // 2, cell))


def read(luma: Bytes, width: int, height: int, stride: int | None = None) -> int | None:
    """The milliseconds in a picture's luma plane (of any size, also scaled after stamping), None if there are none."""
    stride = width if stride is None else stride
    cell = width / CELLS_ACROSS
    if cell < 3 or height < 2 * cell or len(luma) < stride * (height - 1) + width:
        return None
    levels = [_level(luma, stride, cell, row, column) for row in (0, 1) for column in range(_COLUMNS)]
    white, black = (levels[0] + levels[_COLUMNS + 1]) / 2, (levels[1] + levels[_COLUMNS]) / 2
    if white - black < _CONTRAST:
        return None
    return _value([level > (white + black) / 2 for level in levels])


def read_image(image: "Image", box: tuple[int, int, int, int] | None = None) -> int | None:
    """The milliseconds in a Pillow image, or in the part `box` (left, top, right, bottom) that is the picture."""
    part = (image.crop(box) if box else image).convert("L")
    return read(part.tobytes(), part.width, part.height)


def _bits(milliseconds: int) -> list[bool]:
    """All cells, row after row; True is white."""
    time = (milliseconds % PERIOD).to_bytes(5, "big")
    word = int.from_bytes(time + binascii.crc_hqx(time, 0xFFFF).to_bytes(2, "big"), "big")
    data = [bool(word >> place & 1) for place in range(55, -1, -1)]
    return [True, False, *data[:28], False, True, *data[28:]]


def _value(bits: list[bool]) -> int | None:
    if not bits[0] or bits[1] or bits[_COLUMNS] or not bits[_COLUMNS + 1]:
        return None
    data = bits[2:_COLUMNS] + bits[_COLUMNS + 2 :]
    word = int("".join("1" if bit else "0" for bit in data), 2)
    time, check = divmod(word, 1 << 16)
    return time if binascii.crc_hqx(time.to_bytes(5, "big"), 0xFFFF) == check else None


@lru_cache(maxsize=16)
def _edges(width: int) -> list[int]:
    """Where the cells of a row begin, and where the last one ends."""
    return [round((_MARGIN + column) * width / CELLS_ACROSS) for column in range(_COLUMNS + 1)]


@lru_cache(maxsize=16)
def _cell(white: bool, width: int) -> bytes:
    return bytes([_WHITE if white else _BLACK]) * width


def _level(luma: Bytes, stride: int, cell: float, row: int, column: int) -> float:
    """Mean luma of the middle of a cell, where neighbours and blur do not reach."""
    left = int((_MARGIN + column + 0.3) * cell)
    right = max(left + 1, int((_MARGIN + column + 0.7) * cell))
    top = int((row + 0.3) * cell)
    bottom = max(top + 1, int((row + 0.7) * cell))
    lines = (luma[line * stride + left : line * stride + right] for line in range(top, bottom))
    return sum(sum(line) for line in lines) / ((right - left) * (bottom - top))


def _remove_colour(
    picture: bytearray | memoryview, size: tuple[int, int], corner: tuple[int, int], part: tuple[int, int]
) -> None:
    """Make a rectangle grey: its upper left `corner` and its size `part` are in chroma samples."""
    (width, height), (left, top) = size, corner
    grey, stride = bytes([128]) * part[0], width // 2
    for plane in (width * height, width * height + stride * (height // 2)):
        first = plane + top * stride + left
        for start in range(first, first + part[1] * stride, stride):
            picture[start : start + part[0]] = grey


class Caption:
    """Words in the picture's lower left corner, white on black: glyphs are drawn once and then only copied."""

    def __init__(self, size: int = 20) -> None:
        """`size`: height of the letters in pixels."""
        self._size = size
        self._glyphs: dict[str, list[bytes]] = {}

    def write(self, picture: bytearray | memoryview, width: int, height: int, text: str) -> None:
        """Draw `text` into a writable I420 `picture`; what does not fit its width is cut off."""
        glyphs = [self._glyph(letter) for letter in text]
        lines = [b"".join(parts)[: width & ~1] for parts in zip(*glyphs, strict=True)][:height]
        if not lines:
            return
        top = height - len(lines)
        for number, line in enumerate(lines):
            start = (top + number) * width
            picture[start : start + len(line)] = line
        part = (len(lines[0]) // 2, len(lines) // 2)
        _remove_colour(picture, (width, height), (0, height // 2 - part[1]), part)

    def _glyph(self, letter: str) -> list[bytes]:
        known = self._glyphs.get(letter)
        if known is None:
            known = self._glyphs[letter] = _draw(letter, self._size)
        return known


def _draw(letter: str, size: int) -> list[bytes]:
    """The luma lines of one letter in a cell that is as wide for every letter, so that a running clock stands still."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size)
    width, height = round(size * 0.62) + 1 & ~1, round(size * 1.3) + 1 & ~1
    cell = Image.new("L", (width, height), _BLACK)
    ImageDraw.Draw(cell).text((width / 2, height / 2), letter, fill=_WHITE, font=font, anchor="mm")
    luma = cell.tobytes()
    return [luma[line * width : (line + 1) * width] for line in range(height)]
