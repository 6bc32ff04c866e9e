"""The index of a finished film (`sidx`, ISO/IEC 14496-12, 8.16.3): players know how long it is, and jump anywhere.

A film that grows keeps room for it between its description (moov) and its first fragment: a `free` box. When it is
finished the index is written there in two steps, first all but the box's header, then the header, which lies in one
sector of the disk: whenever the power goes, it is a film with room for an index, or with one.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_HEADER = struct.Struct(">I4s")
_INDEX = struct.Struct(">I4sIIIIIHH")
"""Size, type, version and flags, track, time scale, earliest time, offset of the first part, 0, number of parts."""
_PART = struct.Struct(">III")
"""Bytes, duration, 0: whether it begins with a key frame is not told."""
_MARK = b"ivx1"
MOST = 300
"""Parts that the room is made for: of a longer film neighbours are told as one."""
_ROOM = _INDEX.size + MOST * _PART.size + _HEADER.size
_ALIGNED = 8


@dataclass(frozen=True, slots=True)
class Patch:
    """Bytes that belong at this offset of a film."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class _Track:
    """The one of the pictures."""

    number: int
    scale: int
    """Ticks per second."""


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    start: int
    """Of its content."""
    end: int


def with_room(fragment: bytes) -> bytes:
    """The first fragment of a film, with room for the index before its `moof`."""
    at = next((box.start - _HEADER.size for box in _boxes(fragment) if box.kind == b"moof"), 0)
    padding = _HEADER.size + -(at + _HEADER.size) % _ALIGNED
    return fragment[:at] + _free(padding) + _free(_ROOM, _MARK) + fragment[at:]


def index_of(film: BinaryIO, size: int, duration_ms: int) -> tuple[Patch, Patch] | None:
    """What is to be written into the first `size` bytes of `film`, in this order; None if there is no room for it.

    Raises ValueError for what is no film.
    """
    room, track, parts, at = None, None, list[tuple[int, int]](), 0
    while at < size:
        film.seek(at)
        length, kind = _header(film.read(_HEADER.size))
        if kind in (b"moov", b"moof") or (kind == b"free" and length == _ROOM):
            content = film.read(length - _HEADER.size)
            if kind == b"moov":
                track = _picture_track(content)
            elif kind == b"free":
                room = at if content.startswith(_MARK) else room
            elif track is not None and (begins := _begins(content, track.number)) is not None:
                parts.append((at, begins))
        at += length
    if room is None or track is None or not parts:
        return None
    return _patches(room, track, _fewer(parts), (size, duration_ms * track.scale // 1000))


def _patches(room: int, track: _Track, parts: list[tuple[int, int]], end: tuple[int, int]) -> tuple[Patch, Patch]:
    """`parts`: offset and time of each; `end`: the same of the film's end."""
    length = _INDEX.size + len(parts) * _PART.size
    first, earliest = parts[0]
    index = bytearray(_INDEX.pack(
        length, b"sidx", 0, track.number, track.scale, earliest, first - room - length, 0, len(parts)
    ))  # fmt: skip
    for (offset, begins), (next_offset, ends) in zip(parts, [*parts[1:], end], strict=True):
        index += _PART.pack(next_offset - offset, max(0, ends - begins), 0)
    index += _free(_ROOM - length)[: _HEADER.size]
    return Patch(room + _HEADER.size, bytes(index[_HEADER.size :])), Patch(room, bytes(index[: _HEADER.size]))


def _fewer(parts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    while len(parts) > MOST:
        parts = parts[::2]
    return parts


def _free(size: int, mark: bytes = b"") -> bytes:
    return (_HEADER.pack(size, b"free") + mark).ljust(size, b"\0")


def _header(data: bytes) -> tuple[int, bytes]:
    if len(data) < _HEADER.size:
        raise ValueError("a film ends in the middle of a box")
    length, kind = _HEADER.unpack(data)
    if length < _HEADER.size:
        raise ValueError(f"a box of {length} bytes in a film")
    return length, kind


def _boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[_Box]:
    end = len(data) if end is None else end
    while start < end:
        length, kind = _header(data[start : start + _HEADER.size])
        if start + length > end:
            raise ValueError(f"a box of {length} bytes in {end - start}")
        yield _Box(kind, start + _HEADER.size, start + length)
        start += length


def _inside(data: bytes, box: _Box, *path: bytes) -> Iterator[_Box]:
    """The boxes at that path in `box`."""
    for inner in _boxes(data, box.start, box.end):
        if inner.kind == path[0]:
            yield from _inside(data, inner, *path[1:]) if path[1:] else (inner,)


def _picture_track(moov: bytes) -> _Track | None:
    for track in _inside(moov, _Box(b"moov", 0, len(moov)), b"trak"):
        for kind in _inside(moov, track, b"mdia", b"hdlr"):
            if moov[kind.start + 8 : kind.start + 12] == b"vide":
                (head,), (media,) = _inside(moov, track, b"tkhd"), _inside(moov, track, b"mdia", b"mdhd")
                return _Track(_behind_times(moov, head), _behind_times(moov, media))
    return None


def _behind_times(data: bytes, box: _Box) -> int:
    """The number behind the times of making and of changing."""
    at = box.start + (20 if _version(data, box) else 12)
    return _number(data[at : min(at + 4, box.end)], 4)


def _begins(moof: bytes, track: int) -> int | None:
    """When the pictures of a fragment begin, in ticks of their track; None if it has none."""
    for part in _inside(moof, _Box(b"moof", 0, len(moof)), b"traf"):
        (head,) = _inside(moof, part, b"tfhd")
        if _number(moof[head.start + 4 : head.start + 8], 4) == track:
            (time,) = _inside(moof, part, b"tfdt")
            size = 8 if _version(moof, time) else 4
            return _number(moof[time.start + 4 : time.start + 4 + size], size)
    return None


def _version(data: bytes, box: _Box) -> int:
    return _number(data[box.start : min(box.start + 1, box.end)], 1)


def _number(data: bytes, size: int) -> int:
    if len(data) < size:
        raise ValueError("a box of a film is too short")
    return int.from_bytes(data, "big")
