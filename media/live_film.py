"""A film without an end: fragmented MP4 (ISO/IEC 14496-12, -15) with one fragment for each picture as it comes.

FFmpeg's muxer describes the stream, but it keeps each picture back until the next one, a frame's time later. So the
fragments of one picture are made here; the picture itself is put into them once for all who watch.
"""

import struct
from fractions import Fraction

import av
from av.error import FFmpegError

from media.description import CLOCK_RATE
from media.encoder import EncodedPicture
from media.errors import MediaError
from media.h264 import nal_units

_TICK = Fraction(1, CLOCK_RATE)
_TRACK = 1
_SYNC, _DEPENDS = 0x02000000, 0x01010000
"""Flags of a sample: one that needs no other, one that does and is no place to begin."""
_BASE_IS_MOOF = 0x020000
_OFFSET_DURATION_SIZE_FLAGS = 0x000701
_FRAGMENT = struct.Struct(
    ">I4s"  # moof
    "I4sII"  # mfhd: sequence number
    "I4s"  # traf
    "I4sII"  # tfhd: track
    "I4sIQ"  # tfdt version 1: decode time
    "I4sIIiIII"  # trun: one sample
    "I4s"  # mdat
)
_TRAF = struct.calcsize(">I4sI4sIII4sIQI4sIIiIII")
_MOOF = _FRAGMENT.size - 8
_MFHD, _TFHD, _TFDT, _TRUN = 16, 16, 20, 32


def opening(picture: EncodedPicture, width: int, height: int, rate: int) -> bytes:
    """The boxes that begin such a film (ftyp, moov), told by its first key frame. Raises MediaError."""
    if not picture.key_frame:
        raise MediaError("a film cannot begin with a picture that is no key frame")
    written: list[bytes] = []
    options = {"movflags": "empty_moov+delay_moov+default_base_moof+skip_trailer"}
    container = av.open(_Writer(written), "w", format="mp4", options=options)
    try:
        stream = container.add_mux_stream("h264", rate, width=width, height=height, time_base=_TICK)
        container.start_encoding()
        packet = av.Packet(picture.data)
        packet.stream, packet.time_base, packet.duration = stream, _TICK, CLOCK_RATE // rate
        packet.pts = packet.dts = 0
        packet.is_keyframe = True
        container.mux_one(packet)
    except FFmpegError as error:
        raise MediaError(f"a film cannot begin: {error}") from error
    finally:
        container.close()
    return _until_fragment(b"".join(written))


def sample(picture: EncodedPicture) -> bytes:
    """The picture as it lies in a film: each NAL unit with its length before it (ISO/IEC 14496-15, 5.3.4.2)."""
    parts: list[bytes] = []
    for unit in nal_units(picture.data):
        parts += len(unit).to_bytes(4, "big"), unit
    return b"".join(parts)


def fragment(number: int, time: int, duration: int, key_frame: bool, size: int) -> bytes:
    """What stands before a sample of `size` bytes; `number` from 1 on, `time` and `duration` in ticks of 90 kHz."""
    return _FRAGMENT.pack(
        *(_MOOF, b"moof"),
        *(_MFHD, b"mfhd", 0, number),
        *(_TRAF, b"traf"),
        *(_TFHD, b"tfhd", _BASE_IS_MOOF, _TRACK),
        *(_TFDT, b"tfdt", 1 << 24, time),
        *(_TRUN, b"trun", _OFFSET_DURATION_SIZE_FLAGS, 1, _FRAGMENT.size, duration, size),
        _SYNC if key_frame else _DEPENDS,
        *(8 + size, b"mdat"),
    )


def _until_fragment(film: bytes) -> bytes:
    at = 0
    while at + 8 <= len(film):
        size, kind = struct.unpack_from(">I4s", film, at)
        if kind == b"moof":
            return film[:at]
        at += max(size, 8)
    raise MediaError("a film cannot begin: its first picture is not in it")


class _Writer:
    """The file that the muxer believes to write."""

    def __init__(self, written: list[bytes]) -> None:
        self._written = written

    def write(self, data: bytes) -> int:
        self._written.append(bytes(data))
        return len(data)
