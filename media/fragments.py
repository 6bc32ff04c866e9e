"""Fragments of an MP4 file that grows, each sealed with a checksum, so that a power cut costs one of them at most.

After each fragment (moof and mdat, ISO/IEC 14496-12) stands a box of type `free`, which players skip: a mark, the
CRC-32 of everything since the last seal, and how long the film is up to here. What has no right seal behind it is torn.
The index of a film and the room for it (`media.film_index`) are in no checksum, for they change when it is finished.
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
_CHANGING = (b"free", b"sidx")
"""Boxes that no checksum covers."""


def sealed(fragment: bytes, end_ms: int) -> bytes:
    """`fragment` with its seal; `end_ms`: milliseconds from the film's beginning to the fragment's end."""
    crc, at = 0, 0
    while at < len(fragment):
        size, kind = _HEADER.unpack_from(fragment, at)
        if kind not in _CHANGING:
            crc = zlib.crc32(fragment[at : at + size], crc)
        at += size
    return fragment + _SEAL.pack(_SEAL.size, b"free", _MARK, crc, end_ms)


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
        crc = crc if kind in _CHANGING else zlib.crc32(header, crc)
        digest.update(header)
        rest, last = length - _HEADER.size, b""
        while rest > 0 and (last := film.read(min(rest, _PIECE))):
            crc = crc if kind in _CHANGING else zlib.crc32(last, crc)
            digest.update(last)
            rest -= len(last)
        if rest:
            return found
        size += length
        if kind == b"free" and length == _SEAL.size and last.startswith(_MARK):
            _, _, _, sealed_crc, end_ms = _SEAL.unpack(header + last)
            if sealed_crc != crc:
                return found
            found, crc = Whole(size, end_ms, digest.hexdigest()), 0
    return found
