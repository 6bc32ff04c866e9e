"""Reorder buffer: RTP packets of one stream in order again, which are missing, and when to give them up.

Sequence numbers are extended to 32 bits and more (RFC 3550, appendix A.1), so nothing here knows about wrapping.
"""

from dataclasses import dataclass

from media.rtp_packet import RtpPacket

CAPACITY = 512
REORDER_SECONDS = 0.005
"""A packet may come this much after its successors before it is asked for again."""
REORDER_PACKETS = 3
ASK_AGAIN_SECONDS = 0.05


@dataclass(slots=True)
class _Missing:
    since: float
    asked: float | None = None


class ReorderBuffer:
    """`insert` what arrives, then `take` what is in order. No clock in it: `now` comes from outside."""

    def __init__(self, patience: float) -> None:
        """`patience`: seconds to wait for a missing packet."""
        self._patience = patience
        self._next: int | None = None
        self._highest = 0
        self._waiting: dict[int, RtpPacket] = {}
        self._missing: dict[int, _Missing] = {}

    def extend(self, sequence: int) -> int:
        """The extended number of a 16-bit sequence number: the one nearest to the highest seen."""
        if self._next is None:
            return sequence + 0x10000
        return self._highest + ((sequence - self._highest + 0x8000) & 0xFFFF) - 0x8000

    def pass_by(self, sequence: int) -> int | None:
        """The extended number if this packet comes next, with none waiting or missing: then it need not go in."""
        number = self._next
        if number is None or sequence != number & 0xFFFF or self._missing or self._waiting:
            return None
        self._highest, self._next = number, number + 1
        return number

    def insert(self, number: int, packet: RtpPacket, now: float) -> bool:
        """Keep `packet` under its extended `number`; False if it came too late or twice."""
        if self._next is None:
            self._next, self._highest = number, number - 1
        if number < self._next or number in self._waiting:
            return False
        for skipped in range(max(self._highest + 1, self._next), number):
            self._missing[skipped] = _Missing(now)
        self._missing.pop(number, None)
        self._highest = max(self._highest, number)
        self._waiting[number] = packet
        return True

    def take(self) -> RtpPacket | None:
        """The next packet in order, None if it has not come yet."""
        if self._next is None or (packet := self._waiting.pop(self._next, None)) is None:
            return None
        self._next += 1
        return packet

    @property
    def gap(self) -> bool:
        """Whether packets wait for one that is missing."""
        return bool(self._missing)

    def nacks(self, now: float) -> list[int]:
        """The extended numbers that have to be asked for now, lowest first."""
        ask = [number for number, missing in self._missing.items() if self._ask_at(number, missing) <= now]
        for number in ask:
            self._missing[number].asked = now
        return ask

    def skip_expired(self, now: float) -> bool:
        """Give up what has been missing for too long, or blocks a full buffer; whether anything was lost."""
        if not self._missing:
            return False
        full = self._highest - min(self._missing) >= CAPACITY
        if not full and now < self._give_up_at():
            return False
        keep_after = self._highest - CAPACITY // 2 if full else -1
        expired = {n for n, m in self._missing.items() if n <= keep_after or now - m.since >= self._patience}
        self._drop(max(expired) + 1)
        return True

    def skip_to(self, number: int) -> None:
        """Continue with `number`, whatever is missing before it."""
        self._drop(number)

    def has_all(self, first: int, last: int) -> bool:
        """Whether all packets from `first` to `last` are waiting."""
        return all(number in self._waiting for number in range(first, last + 1))

    def next_check(self) -> float:
        """When `nacks` or `skip_expired` has something to do, on the clock of `now`."""
        if not self._missing:
            return float("inf")
        return min(self._give_up_at(), *(self._ask_at(number, missing) for number, missing in self._missing.items()))

    def _give_up_at(self) -> float:
        return min(missing.since for missing in self._missing.values()) + self._patience

    def _ask_at(self, number: int, missing: _Missing) -> float:
        if missing.asked is not None:
            return missing.asked + ASK_AGAIN_SECONDS
        return missing.since if self._highest - number >= REORDER_PACKETS else missing.since + REORDER_SECONDS

    def _drop(self, until: int) -> None:
        """Forget everything below `until`, then go on with the first packet that is there."""
        self._missing = {number: missing for number, missing in self._missing.items() if number >= until}
        self._waiting = {number: packet for number, packet in self._waiting.items() if number >= until}
        self._next = until
