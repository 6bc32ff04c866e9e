"""Sent RTP packets of the last second: for resending what was lost, and for who comes right after a key frame."""

from collections.abc import Iterator
from dataclasses import dataclass

KEEP_SECONDS = 1.0
_SLOTS = 2048


@dataclass(slots=True)
class SentPacket:
    """One packet as the packetizer made it, and as it went out, by payload type."""

    sequence: int
    sent: float
    plain: bytes
    wire: dict[int, bytes]


class SentPackets:
    """The packets sent in the last `KEEP_SECONDS`, at most `_SLOTS`; not for several threads at once."""

    def __init__(self) -> None:
        self._slots: list[SentPacket | None] = [None] * _SLOTS
        self._next: int | None = None
        self._key_sequence = 0
        self._key_sent = float("-inf")

    def add(self, packet: SentPacket) -> None:
        """Remember `packet`, the next one of the stream."""
        self._slots[packet.sequence % _SLOTS] = packet
        self._next = (packet.sequence + 1) & 0xFFFF

    def key_frame(self, sequence: int, now: float) -> None:
        """A key frame begins with the packet `sequence`."""
        self._key_sequence, self._key_sent = sequence, now

    def get(self, sequence: int, now: float) -> SentPacket | None:
        """The packet with this sequence number, if it is not too old."""
        packet = self._slots[sequence % _SLOTS]
        if packet is None or packet.sequence != sequence or now - packet.sent > KEEP_SECONDS:
            return None
        return packet

    def since_key_frame(self, now: float, seconds: float) -> Iterator[SentPacket]:
        """The last key frame and all that followed, if it was sent at most `seconds` ago; else nothing."""
        if self._next is None or now - self._key_sent > seconds:
            return
        for offset in range((self._next - self._key_sequence) & 0xFFFF):
            packet = self.get((self._key_sequence + offset) & 0xFFFF, now)
            if packet is not None:
                yield packet
