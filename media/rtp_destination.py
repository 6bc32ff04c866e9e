"""One receiver of a fanned-out video stream: where it is, in which form it takes the packets, what it reports."""

import ipaddress
import time
from dataclasses import dataclass, field

from media.aiortc_parts import RtcpReceiverInfo
from media.description import CLOCK_RATE, VideoMedia
from media.errors import MediaError
from media.rtcp import ntp_now
from media.rtp_sockets import Address
from media.srtp import Unprotector

RESEND_RATE = 200.0
"""Packets per second that one receiver can make us send again, so that a hostile one gains nothing."""
RESEND_BURST = 100.0


class UnusableDestination(MediaError, ValueError):
    """What the other side answered cannot be sent to."""


@dataclass(slots=True)
class Destination:
    """Made by `destination`; changed by its fan-out only."""

    name: str
    media: VideoMedia
    rtp: Address
    rtcp: Address
    opener: Unprotector
    failures: int = 0
    key_frames_asked: int = 0
    resent: int = 0
    report: RtcpReceiverInfo | None = None
    round_trip: float | None = None
    _tokens: float = RESEND_BURST
    _refilled: float = field(default_factory=time.monotonic)

    def may_resend(self, now: float) -> bool:
        """Take one packet from the allowance of resent packets."""
        self._tokens = min(RESEND_BURST, self._tokens + (now - self._refilled) * RESEND_RATE)
        self._refilled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def reported(self, report: RtcpReceiverInfo) -> None:
        """Keep what the receiver says about our stream."""
        self.report = report
        if report.lsr:
            ticks = ((ntp_now() >> 16) - report.lsr - report.dlsr) & 0xFFFFFFFF
            self.round_trip = ticks / 65536 if ticks < 1 << 31 else None

    def statistics(self) -> dict[str, object]:
        """What a technician wants to know about this receiver."""
        report = self.report
        return {
            "address": f"{self.rtp[0]}:{self.rtp[1]}",
            "send_failures": self.failures,
            "key_frames_asked": self.key_frames_asked,
            "resent": self.resent,
            "packets_lost": report.packets_lost if report else None,
            "fraction_lost": report.fraction_lost / 256 if report else None,
            "jitter_ms": report.jitter * 1000 / CLOCK_RATE if report else None,
            "round_trip_ms": self.round_trip * 1000 if self.round_trip is not None else None,
        }


def destination(name: str, media: VideoMedia, own_address: str) -> Destination:
    """Check what the other side wants. Raises UnusableDestination."""
    try:
        ip = ipaddress.ip_address(media.address)
    except ValueError as error:
        raise UnusableDestination(f"{media.address!r} is not an IP address") from error
    if ip.version != ipaddress.ip_address(own_address).version or ip.is_unspecified:
        raise UnusableDestination(f"{ip} cannot be reached from {own_address}")
    if not (0 < media.port < 65536 and 0 < media.rtcp_port < 65536):
        raise UnusableDestination(f"ports {media.port} and {media.rtcp_port} are not both valid")
    if not 0 <= media.payload_type < 128:
        raise UnusableDestination(f"{media.payload_type} is not a payload type")
    address = str(ip)
    return Destination(name, media, (address, media.port), (address, media.rtcp_port), Unprotector(media.key))
