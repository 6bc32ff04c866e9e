"""A received RTP packet (RFC 3550, section 5.1): a screen parses a hundred a second, so only what it needs."""

import struct
from dataclasses import dataclass

from media.errors import PacketError

_HEADER = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!2xH")
_VERSION, _PADDING, _EXTENDED, _SOURCES = 0xC0, 0x20, 0x10, 0x0F


@dataclass(slots=True)
class RtpPacket:
    """Header fields and payload; contributing sources and header extensions are left out."""

    payload_type: int = 0
    marker: int = 0
    sequence_number: int = 0
    timestamp: int = 0
    ssrc: int = 0
    payload: bytes = b""


def parse(data: bytes) -> RtpPacket:
    """The packet in a datagram. Raises PacketError."""
    if len(data) < _HEADER.size:
        raise PacketError(f"an RTP packet has at least {_HEADER.size} bytes, not {len(data)}")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    payload = data[_HEADER.size :] if first == 0x80 else _payload(first, data)
    return RtpPacket(second & 0x7F, second >> 7, sequence, timestamp, ssrc, payload)


def _payload(first: int, data: bytes) -> bytes:
    """What is between the header with all its extras and the padding."""
    if first & _VERSION != 0x80:
        raise PacketError(f"an RTP packet has version 2, not {first >> 6}")
    start, end = _HEADER.size + 4 * (first & _SOURCES), len(data)
    if first & _EXTENDED:
        if start + _EXTENSION.size > end:
            raise PacketError("the header extension of an RTP packet is cut short")
        start += _EXTENSION.size + 4 * _EXTENSION.unpack_from(data, start)[0]
    if first & _PADDING:
        if not data[-1]:
            raise PacketError("the padding of an RTP packet has no length")
        end -= data[-1]
    if start > end:
        raise PacketError("an RTP packet is shorter than its header and padding")
    return data[start:end]
