"""Keeps the way to a receiver open: a router before us lets packets in only where some went out (RFC 6263).

A receiver that only watches sends no RTP. So it sends empty packets of a payload type that nobody agreed to (section
4.6), which every RTP receiver must ignore: quickly until the stream comes, then often enough for any router.
"""

import secrets
import struct

OPENING_SECONDS = 0.2
OPENING_COUNT = 50
"""After ten seconds nobody seems to send; then as seldom as in a stream."""
KEEPING_SECONDS = 15.0
"""Shorter than any router should forget a way after (RFC 6263, section 5)."""
UNKNOWN_PAYLOAD_TYPE = 127
_HEADER = struct.Struct("!BBHII")


class KeepAlive:
    """No clock in it: `now` comes from outside, in seconds."""

    def __init__(self, ssrc: int, now: float) -> None:
        self._ssrc = ssrc
        self._next = now
        self._sent = 0
        self._sequence = secrets.randbelow(1 << 15)

    @property
    def next_check(self) -> float:
        """When `packet` may have one."""
        return self._next

    def packet(self, heard: bool, now: float) -> bytes:
        """The packet to be sent now, b"" for none; `heard` tells whether the stream came."""
        if now < self._next:
            return b""
        opening = not heard and self._sent < OPENING_COUNT
        self._next = now + (OPENING_SECONDS if opening else KEEPING_SECONDS)
        self._sent += 1
        self._sequence = (self._sequence + 1) & 0xFFFF
        return _HEADER.pack(0x80, UNKNOWN_PAYLOAD_TYPE, self._sequence, 0, self._ssrc)
