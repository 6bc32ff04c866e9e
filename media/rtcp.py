"""RTCP of a video stream: what reports and feedback say, and how ours are written.

RFC 3550 (reports), RFC 4585 (NACK, PLI), RFC 5104 (FIR), RFC 2032 (the old FIR).
"""

import struct
import time
from dataclasses import dataclass

from media.aiortc_parts import (
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
)
from media.errors import PacketError

OLD_FIR = 192
"""Packet type of RFC 2032, section 5.2.1."""
_SDES_CNAME = 1
_NTP_TO_UNIX = 2_208_988_800
_MAX_NACKS = 128
"""Sequence numbers in one request: more is a stream to start again, not to repair."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What one RTCP packet (compound or reduced-size) asks and reports."""

    key_frame: bool = False
    lost: tuple[int, ...] = ()
    """Sequence numbers to send again."""
    reports: tuple[RtcpReceiverInfo, ...] = ()
    sender: RtcpSenderInfo | None = None
    sender_ssrc: int = 0


def parse(data: bytes) -> Feedback:
    """Read an RTCP packet. Raises PacketError for bytes that are none."""
    if len(data) < 8:
        raise PacketError(f"an RTCP packet of {len(data)} bytes")
    try:
        packets = RtcpPacket.parse(data)
    except (ValueError, IndexError, struct.error) as error:
        raise PacketError(f"broken RTCP: {error}") from error
    return _feedback(packets, old_fir=OLD_FIR in _packet_types(data))


def _packet_types(data: bytes) -> set[int]:
    """All packet types of a compound whose lengths were checked before."""
    types, at = set(), 0
    while at + 4 <= len(data):
        types.add(data[at + 1])
        at += 4 + 4 * int.from_bytes(data[at + 2 : at + 4], "big")
    return types


def _feedback(packets: list[AnyRtcpPacket], old_fir: bool) -> Feedback:
    key_frame = old_fir
    lost: list[int] = []
    reports: list[RtcpReceiverInfo] = []
    sender: RtcpSrPacket | None = None
    for packet in packets:
        if isinstance(packet, RtcpPsfbPacket):
            key_frame = key_frame or packet.fmt in (RTCP_PSFB_PLI, RTCP_PSFB_FIR)
        elif isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
            lost += packet.lost
        elif isinstance(packet, RtcpRrPacket):
            reports += packet.reports
        elif isinstance(packet, RtcpSrPacket):
            reports += packet.reports
            sender = packet
    if sender is None:
        return Feedback(key_frame, tuple(seq & 0xFFFF for seq in lost[:_MAX_NACKS]), tuple(reports))
    numbers = tuple(seq & 0xFFFF for seq in lost[:_MAX_NACKS])
    return Feedback(key_frame, numbers, tuple(reports), sender.sender_info, sender.ssrc)


def sender_report(ssrc: int, cname: str, rtp_timestamp: int, packets: int, octets: int) -> bytes:
    """SR and SDES of a sender; `rtp_timestamp` is now in the stream's clock."""
    info = RtcpSenderInfo(ntp_now(), rtp_timestamp & 0xFFFFFFFF, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
    return bytes(RtcpSrPacket(ssrc, info)) + _sdes(ssrc, cname)


def receiver_report(ssrc: int, cname: str, report: RtcpReceiverInfo | None) -> bytes:
    """RR and SDES of a receiver; the head of every compound that asks for something."""
    return bytes(RtcpRrPacket(ssrc, [report] if report else [])) + _sdes(ssrc, cname)


def picture_loss(ssrc: int, media_ssrc: int) -> bytes:
    """PLI: send a key frame."""
    return bytes(RtcpPsfbPacket(RTCP_PSFB_PLI, ssrc, media_ssrc))


def negative_acknowledgement(ssrc: int, media_ssrc: int, lost: list[int]) -> bytes:
    """Generic NACK: send these packets (extended sequence numbers, in order) again."""
    rounds: dict[int, list[int]] = {}
    for number in lost[:_MAX_NACKS]:
        rounds.setdefault(number >> 16, []).append(number & 0xFFFF)  # one packet must not span a wrap
    return b"".join(bytes(RtcpRtpfbPacket(RTCP_RTPFB_NACK, ssrc, media_ssrc, part)) for part in rounds.values())


def ntp_now() -> int:
    """Now as a 64-bit NTP time stamp."""
    return int((time.time() + _NTP_TO_UNIX) * (1 << 32))


def _sdes(ssrc: int, cname: str) -> bytes:
    return bytes(RtcpSdesPacket([RtcpSourceInfo(ssrc, [(_SDES_CNAME, cname.encode()[:255])])]))
