"""Fragments of an MP4 file that grows, each sealed with a checksum, so that a power cut costs one of them at most.

After each fragment (moof and mdat, ISO/IEC 14496-12) stands a box of type `free`, which players skip: a mark, the
CRC-32 of everything since the last seal, and how long the film is up to here. What has no right seal behind it is torn.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_HEADER = struct.Struct(">I4s")
_SEAL = struct.Struct(">I4s4sII")
_MARK = b"ivf1"
_PIECE = 1 << 16


def sealed(fragment: bytes, end_ms: int) -> bytes:
    """`fragment` with its seal; `end_ms`: milliseconds from the film's beginning to the fragment's end."""
    return fragment + _SEAL.pack(_SEAL.size, b"free", _MARK, zlib.crc32(fragment), end_ms)


class FragmentCutter:
    """Cuts what a muxer writes into fragments; the first one begins with the boxes before it (ftyp, moov)."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0
        """Where the next box in the buffer begins."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The fragments that `data` completes."""
        self._buffer += data
        while len(self._buffer) >= self._at + _HEADER.size:
            size, kind = _HEADER.unpack_from(self._buffer, self._at)
            end = self._at + size
            if size < _HEADER.size or len(self._buffer) < end:
                return
            self._at = end
            if kind == b"mdat":
                yield bytes(self._buffer[:end])
                del self._buffer[:end]
                self._at = 0


@dataclass(frozen=True, slots=True)
class Whole:
    """The part of a film that is certainly as it was written; all zero if there is none."""

    size: int = 0
    duration_ms: int = 0
    sha256: str = hashlib.sha256().hexdigest()


def whole(film: BinaryIO) -> Whole:
    """How far `film` is whole, read from its beginning."""
    found, digest, size, crc = Whole(), hashlib.sha256(), 0, 0
    while len(header := film.read(_HEADER.size)) == _HEADER.size:
        length, kind = _HEADER.unpack(header)
        if kind == b"free" and length == _SEAL.size:
            seal = header + film.read(length - _HEADER.size)
            if len(seal) < _SEAL.size or _SEAL.unpack(seal)[2:4] != (_MARK, crc):
                return found
            digest.update(seal)
            size, crc = size + length, 0
            found = Whole(size, _SEAL.unpack(seal)[4], digest.hexdigest())
            continue
        rest = length - _HEADER.size
        crc, size = zlib.crc32(header, crc), size + max(length, 0)
        digest.update(header)
        while rest > 0 and (piece := film.read(min(rest, _PIECE))):
            crc, rest = zlib.crc32(piece, crc), rest - len(piece)
            digest.update(piece)
        if rest:
            return found
    return found
