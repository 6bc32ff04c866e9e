"""Reception statistics of one RTP stream: loss, jitter and the report block about them (RFC 3550, appendix A)."""

from media.aiortc_parts import RtcpReceiverInfo, RtcpSenderInfo, clamp_packets_lost
from media.description import CLOCK_RATE


class Reception:
    """Counts one stream's packets by extended sequence number."""

    def __init__(self) -> None:
        self.received = 0
        self._base: int | None = None
        self._highest = 0
        self._jitter = 0.0
        self._transit: float | None = None
        self._expected_before = self._received_before = 0
        self._last_sender_report: tuple[int, float] | None = None

    def packet(self, number: int, timestamp: int, now: float) -> None:
        """One packet arrived `now` (seconds)."""
        if self._base is None:
            self._base = self._highest = number
        self.received += 1
        if number > self._highest:
            self._highest = number
            # Transit times are compared modulo 32 bits: the time stamp wraps every 13 hours.
            transit = now * CLOCK_RATE - timestamp
            if self._transit is not None:
                difference = (transit - self._transit + (1 << 31)) % (1 << 32) - (1 << 31)
                self._jitter += (abs(difference) - self._jitter) / 16
            self._transit = transit

    def sender_report(self, info: RtcpSenderInfo, now: float) -> None:
        """The sender's report arrived `now`."""
        self._last_sender_report = (info.ntp_timestamp >> 16) & 0xFFFFFFFF, now

    @property
    def lost(self) -> int:
        """Packets that never came; repaired ones did come."""
        return max(0, self._expected - self.received)

    @property
    def jitter_ms(self) -> float:
        """Interarrival jitter."""
        return self._jitter * 1000 / CLOCK_RATE

    def report(self, ssrc: int, now: float) -> RtcpReceiverInfo:
        """The report block about this stream since the last one."""
        expected, received = self._expected - self._expected_before, self.received - self._received_before
        self._expected_before, self._received_before = self._expected, self.received
        missing = max(0, expected - received)
        seen, at = self._last_sender_report or (0, now)
        return RtcpReceiverInfo(
            ssrc=ssrc,
            fraction_lost=min(255, missing * 256 // expected) if expected > 0 else 0,
            packets_lost=clamp_packets_lost(self._expected - self.received),
            highest_sequence=self._highest & 0xFFFFFFFF,
            jitter=int(self._jitter) & 0xFFFFFFFF,
            lsr=seen,
            dlsr=int((now - at) * 65536) & 0xFFFFFFFF,
        )

    @property
    def _expected(self) -> int:
        return 0 if self._base is None else self._highest - self._base + 1
