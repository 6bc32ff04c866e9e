"""One incoming H.264 stream: RTP packets in any order become access units, and what to ask the sender for.

No sockets, no clock and no decoder in it: packets and `now` (monotonic seconds) come from outside.
"""

from dataclasses import dataclass

from media.aiortc_parts import RtcpReceiverInfo
from media.assembler import AccessUnit, FrameAssembler, starts_key_frame
from media.errors import PacketError
from media.reception import Reception
from media.reorder import ReorderBuffer
from media.rtcp import Feedback
from media.rtp_packet import RtpPacket

REPAIR_SECONDS = 0.2
"""How long a picture may wait for a resent packet."""
NO_REPAIR_SECONDS = 0.03
"""The same where the sender does not resend: only late packets are waited for."""
MAX_JUMP = 3000
"""Packets; a larger step in the sequence is a restarted sender (RFC 3550, appendix A.1)."""


@dataclass(slots=True)
class StreamCounters:
    """Over all streams (SSRCs) of a call."""

    packets: int = 0
    broken: int = 0
    late: int = 0
    restarts: int = 0
    gaps_lost: int = 0
    lost_before: int = 0


class IncomingVideo:
    """The stream of one sender; a new SSRC or a large jump starts it afresh."""

    def __init__(self, repair: bool) -> None:
        """`repair`: the sender resends on NACK."""
        self._patience = REPAIR_SECONDS if repair else NO_REPAIR_SECONDS
        self._repair = repair
        self._candidate: RtpPacket | None = None
        self._key_start: tuple[int, int] | None = None
        self.ssrc: int | None = None
        self.counters = StreamCounters()
        self.disturbed = True
        """Something else than a packet in order came: `expire`, `nacks` or a key frame may be due."""
        self._begin()

    def packet(self, packet: RtpPacket, now: float) -> list[AccessUnit]:
        """Take one packet: the pictures that are complete with it, in order."""
        if packet.ssrc == self.ssrc and (passing := self._reorder.pass_by(packet.sequence_number)) is not None:
            return self._passed(passing, packet, now)
        self.disturbed = True
        number = self._reorder.extend(packet.sequence_number)
        if packet.ssrc != self.ssrc or abs(number - self._highest) > MAX_JUMP:
            return self._maybe_restart(packet, now)
        return self._ordered(number, packet, now)

    def expire(self, now: float) -> list[AccessUnit]:
        """Give up packets that have been missing for too long: the pictures that follow them."""
        if not self._reorder.skip_expired(now):
            return []
        self._lost()
        return self._drain(now)

    def nacks(self, now: float) -> list[int]:
        """Extended sequence numbers to ask for now."""
        return self._reorder.nacks(now) if self._repair else []

    def next_check(self) -> float:
        """When `expire` or `nacks` has something to do."""
        return self._reorder.next_check()

    @property
    def waiting_for_key(self) -> bool:
        """Whether nothing can be shown before the next key frame."""
        return self._assembler.waiting_for_key

    def restart_at_key(self) -> None:
        """Drop everything until a key frame: the decoder could not use what it got."""
        self._lost()

    def sender_report(self, feedback: Feedback, now: float) -> None:
        """Keep the time of the sender's report, for its round-trip time."""
        if feedback.sender is not None and feedback.sender_ssrc == self.ssrc:
            self._reception.sender_report(feedback.sender, now)

    def report(self, now: float) -> RtcpReceiverInfo | None:
        """The report block for the sender, None before its first packet."""
        return None if self.ssrc is None else self._reception.report(self.ssrc, now)

    @property
    def lost(self) -> int:
        """Packets that never came."""
        return self.counters.lost_before + self._reception.lost

    @property
    def jitter_ms(self) -> float:
        """Interarrival jitter (RFC 3550)."""
        return self._reception.jitter_ms

    def _begin(self) -> None:
        self._reorder = ReorderBuffer(self._patience)
        self._assembler = FrameAssembler()
        self._reception = Reception()
        self._highest = 0

    def _maybe_restart(self, packet: RtpPacket, now: float) -> list[AccessUnit]:
        """The first stream starts at once, another one with its second packet in a row: a stray packet is none."""
        before, self._candidate = self._candidate, packet
        if self.ssrc is None:
            return self._restart(packet, [packet], now)
        if before is None or not _follows(before, packet):
            self.counters.late += 1
            return []
        self.counters.restarts += 1
        self.counters.lost_before += self._reception.lost
        return self._restart(packet, [before, packet], now)

    def _restart(self, packet: RtpPacket, packets: list[RtpPacket], now: float) -> list[AccessUnit]:
        self._begin()
        self.ssrc, self._candidate = packet.ssrc, None
        units = []
        for each in packets:
            units += self._ordered(self._reorder.extend(each.sequence_number), each, now)
        return units

    def _passed(self, number: int, packet: RtpPacket, now: float) -> list[AccessUnit]:
        """What `_ordered` does, where nothing is out of order: by far the most packets."""
        self._candidate = None
        self.counters.packets += 1
        self._highest = number
        self._reception.packet(number, packet.timestamp, now)
        return self._assembled(packet, now)

    def _ordered(self, number: int, packet: RtpPacket, now: float) -> list[AccessUnit]:
        self._candidate = None
        self.counters.packets += 1
        self._highest = max(self._highest, number)
        self._reception.packet(number, packet.timestamp, now)
        if not self._reorder.insert(number, packet, now):
            self.counters.late += 1
            return []
        if self._reorder.gap:
            self._jump_to_key_frame(number, packet)
        return self._drain(now)

    def _jump_to_key_frame(self, number: int, packet: RtpPacket) -> None:
        """A whole key frame behind a gap: nothing before it is needed any more."""
        if starts_key_frame(packet):
            self._key_start = number, packet.timestamp
        if self._key_start is None or not packet.marker or packet.timestamp != self._key_start[1]:
            return
        first = self._key_start[0]
        if self._reorder.has_all(first, number):
            self._reorder.skip_to(first)
            self._lost()

    def _drain(self, now: float) -> list[AccessUnit]:
        units = []
        while (packet := self._reorder.take()) is not None:
            units += self._assembled(packet, now)
        return units

    def _assembled(self, packet: RtpPacket, now: float) -> list[AccessUnit]:
        try:
            return self._assembler.push(packet, now)
        except PacketError:
            self.counters.broken += 1
            self.disturbed = True
            return []

    def _lost(self) -> None:
        self.counters.gaps_lost += 1
        self.disturbed = True
        self._key_start = None
        self._assembler.lost()


def _follows(before: RtpPacket, packet: RtpPacket) -> bool:
    return before.ssrc == packet.ssrc and packet.sequence_number == (before.sequence_number + 1) & 0xFFFF
