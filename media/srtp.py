"""SRTP and SRTCP of one direction (RFC 3711, AES_CM_128_HMAC_SHA1_80); without a key packets stay as they are."""

from pylibsrtp import Error, Policy, Session

from media.description import SrtpKey
from media.errors import PacketError

REPLAY_WINDOW = 1024
"""Packets: a resent packet may be a second old and must not count as too old."""


class SrtpError(PacketError):
    """A packet that is not authentic, was seen before, or does not fit."""


class Protector:
    """Protects what we send; not for several threads at once.

    One per key, for all forms of a stream: two would count the same packet index twice and so repeat the key stream.
    """

    def __init__(self, key: SrtpKey | None) -> None:
        self._session = _session(key, Policy.SSRC_ANY_OUTBOUND) if key else None

    def rtp(self, packet: bytes) -> bytes:
        """The SRTP packet. Raises SrtpError."""
        if self._session is None:
            return packet
        try:
            return self._session.protect(packet)
        except (Error, ValueError) as error:
            raise SrtpError(f"cannot protect an RTP packet: {error}") from error

    def rtcp(self, packet: bytes) -> bytes:
        """The SRTCP packet. Raises SrtpError."""
        if self._session is None:
            return packet
        try:
            return self._session.protect_rtcp(packet)
        except (Error, ValueError) as error:
            raise SrtpError(f"cannot protect an RTCP packet: {error}") from error


class Unprotector:
    """Opens what one other side sends."""

    def __init__(self, key: SrtpKey | None) -> None:
        self._session = _session(key, Policy.SSRC_ANY_INBOUND) if key else None

    def rtp(self, packet: bytes) -> bytes:
        """The RTP packet. Raises SrtpError."""
        if self._session is None:
            return packet
        try:
            return self._session.unprotect(packet)
        except (Error, ValueError) as error:
            raise SrtpError(f"an RTP packet is refused: {error}") from error

    def rtcp(self, packet: bytes) -> bytes:
        """The RTCP packet. Raises SrtpError."""
        if self._session is None:
            return packet
        try:
            return self._session.unprotect_rtcp(packet)
        except (Error, ValueError) as error:
            raise SrtpError(f"an RTCP packet is refused: {error}") from error


def _session(key: SrtpKey, ssrc_type: int) -> Session:
    if len(key.material) != 30:
        raise SrtpError(f"an SRTP key has 30 bytes, not {len(key.material)}")
    policy = Policy(key=key.material, ssrc_type=ssrc_type, srtp_profile=Policy.SRTP_PROFILE_AES128_CM_SHA1_80)
    policy.window_size = REPLAY_WINDOW
    policy.allow_repeat_tx = True  # the same packet under another payload type
    return Session(policy)
