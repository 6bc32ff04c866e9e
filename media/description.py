"""What two sides agree about one video stream: addresses, payload type, keys."""

import base64
import os
from dataclasses import dataclass, field

CLOCK_RATE = 90_000
"""RTP clock of H.264 video, ticks per second (RFC 6184)."""


@dataclass(frozen=True, slots=True)
class SrtpKey:
    """SDES key of one sender (RFC 4568), suite AES_CM_128_HMAC_SHA1_80: 16 bytes of key and 14 of salt."""

    material: bytes = field(repr=False)
    tag: int = 1

    @classmethod
    def generate(cls) -> "SrtpKey":
        """A fresh random key."""
        return cls(os.urandom(30))

    @property
    def inline(self) -> str:
        """The base64 text after ``inline:``."""
        return base64.b64encode(self.material).decode()


@dataclass(frozen=True, slots=True)
class VideoMedia:
    """One side's video section: where it wants RTP and RTCP, and in which form.

    `direction` is that side's view (RFC 4566): a door offers "sendonly", a screen answers "recvonly".
    """

    address: str
    port: int
    rtcp_port: int
    payload_type: int = 96
    packetization_mode: int = 0
    profile_level_id: str = "42e01f"
    direction: str = "sendonly"
    key: SrtpKey | None = None
    """The key with which *that side* protects what it sends; None is plain RTP/AVP."""
    feedback: frozenset[str] = frozenset({"nack", "nack pli", "ccm fir"})
