"""RTP payloads of H.264 back to an Annex B byte stream (RFC 6184): single NAL units, STAP-A and FU-A.

Packetization-modes 0 and 1 know nothing else. aiortc has the same, but brings asyncio and its media tracks with it:
47 modules and 2.5 MB in each screen.
"""

from media.errors import PacketError
from media.h264 import START_CODE

STAP_A, FU_A = 24, 28
_TYPE, _NRI = 0x1F, 0xE0
_START = 0x80


def depayload(payload: bytes) -> bytes:
    """What one RTP payload adds to the byte stream. Raises PacketError."""
    if len(payload) < 2:
        raise PacketError(f"an RTP payload is not H.264: it has {len(payload)} bytes")
    kind = payload[0] & _TYPE
    if kind == FU_A:
        return _fragment(payload)
    if 0 < kind < STAP_A:
        return START_CODE + payload
    if kind == STAP_A:
        return _aggregate(payload)
    raise PacketError(f"an RTP payload is not H.264 of packetization-mode 0 or 1: NAL unit type {kind}")


def _fragment(payload: bytes) -> bytes:
    if not payload[1] & _START:
        return payload[2:]
    header = payload[0] & _NRI | payload[1] & _TYPE
    return START_CODE + bytes((header,)) + payload[2:]


def _aggregate(payload: bytes) -> bytes:
    parts: list[bytes] = []
    at = 1
    while at < len(payload):
        start, size = at + 2, int.from_bytes(payload[at : at + 2], "big")
        at = start + size
        if at > len(payload):
            raise PacketError("an RTP payload is not H.264: an aggregate is cut short")
        parts += START_CODE, payload[start:at]
    return b"".join(parts)
