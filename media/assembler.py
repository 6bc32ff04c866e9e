"""Access units from RTP packets in order (RFC 6184, packetization-modes 0 and 1).

A picture is complete with its marker bit, not with the first packet of the next one: that saves a whole frame time.
After a loss everything is dropped until a key frame, because a picture that refers to a lost one shows garbage.
"""

from dataclasses import dataclass

from media.errors import PacketError
from media.h264 import NAL_IDR, NAL_SPS, nal_types
from media.h264_payload import STAP_A, depayload
from media.rtp_packet import RtpPacket

MAX_UNIT_BYTES = 4_000_000
KEY_FRAME_PATIENCE = 3.0
"""Seconds without a key frame after which a stream is shown anyway: some refresh piece by piece and have none."""
_NAL_AUD = 9


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One picture as an Annex B byte stream."""

    data: bytes
    timestamp: int
    key_frame: bool


def starts_key_frame(packet: RtpPacket) -> bool:
    """Whether the packet begins with an SPS, alone or aggregated: what a key frame begins with."""
    payload = packet.payload
    if len(payload) > 3 and payload[0] & 0x1F == STAP_A:
        return payload[3] & 0x1F == NAL_SPS
    return bool(payload) and payload[0] & 0x1F == NAL_SPS


class FrameAssembler:
    """`push` packets in order, say `lost` when one will not come."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._timestamp: int | None = None
        self._damaged = True
        self._sps_seen = False
        self._waiting_since: float | None = None
        self.waiting_for_key = True
        self.dropped = 0

    def lost(self) -> None:
        """A packet is missing before the next one."""
        self._reset()
        self._damaged = self.waiting_for_key = True
        self._waiting_since = None

    def push(self, packet: RtpPacket, now: float) -> list[AccessUnit]:
        """The pictures that this packet completes: none, one, or (after a picture without a marker) two.

        Raises PacketError for a payload that is not H.264; what was collected before it is kept.
        """
        units = []
        if self._parts and packet.timestamp != self._timestamp:
            units += self._finish(now)
        self._timestamp = packet.timestamp
        self._collect(packet.payload)
        if packet.marker:
            units += self._finish(now)
        return units

    def _collect(self, payload: bytes) -> None:
        part = depayload(payload) if payload else b""
        self._size += len(part)
        if self._size > MAX_UNIT_BYTES:
            self.lost()
            raise PacketError(f"a picture of more than {MAX_UNIT_BYTES} bytes")
        self._parts.append(part)

    def _finish(self, now: float) -> list[AccessUnit]:
        data, damaged = b"".join(self._parts), self._damaged
        self._reset()
        self._damaged = False
        types = nal_types(data)
        if not types:
            return []
        key = NAL_IDR in types
        whole = not damaged or types[0] in (NAL_SPS, _NAL_AUD)
        self._sps_seen = self._sps_seen or NAL_SPS in types
        if self.waiting_for_key and not self._ends_the_wait(key and whole and self._sps_seen, now):
            self.dropped += 1
            return []
        return [AccessUnit(data, self._timestamp or 0, key)]

    def _ends_the_wait(self, good_key: bool, now: float) -> bool:
        if self._waiting_since is None:
            self._waiting_since = now
        if not good_key and now - self._waiting_since < KEY_FRAME_PATIENCE:
            return False
        self.waiting_for_key, self._waiting_since = False, None
        return True

    def _reset(self) -> None:
        self._parts.clear()
        self._size = 0
