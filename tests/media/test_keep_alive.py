"""A receiver that only watches opens the routers before it, and keeps them open."""

import itertools

from media.keep_alive import KEEPING_SECONDS, OPENING_COUNT, OPENING_SECONDS, UNKNOWN_PAYLOAD_TYPE, KeepAlive
from media.rtp_packet import RtpPacket, parse


def sent(keep_alive: KeepAlive, heard_after: float, until: float) -> list[tuple[float, RtpPacket]]:
    """What is sent in `until` seconds, of which nothing is heard for the first `heard_after`."""
    found: list[tuple[float, RtpPacket]] = []
    while (now := keep_alive.next_check) < until:
        found.append((now, parse(keep_alive.packet(now >= heard_after, now))))
    return found


def test_it_begins_at_once_with_a_packet_that_nobody_plays() -> None:
    keep_alive = KeepAlive(7, 0.0)
    packet = parse(keep_alive.packet(False, 0.0))
    assert (packet.ssrc, packet.payload_type, packet.payload) == (7, UNKNOWN_PAYLOAD_TYPE, b"")
    assert keep_alive.packet(False, OPENING_SECONDS / 2) == b""


def test_a_lost_packet_is_followed_by_others_until_the_stream_comes() -> None:
    found = sent(KeepAlive(7, 0.0), heard_after=1.0, until=60.0)
    assert len([now for now, _ in found if now < 1.0]) == round(1.0 / OPENING_SECONDS)
    later = [now for now, _ in found if now >= 1.0]
    assert all(after - before <= KEEPING_SECONDS for before, after in itertools.pairwise(later))
    assert len(later) <= 6
    numbers = [packet.sequence_number for _, packet in found]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_where_nothing_ever_comes_it_becomes_patient() -> None:
    found = sent(KeepAlive(7, 0.0), heard_after=1e9, until=60.0)
    assert OPENING_COUNT <= len(found) <= OPENING_COUNT + 5
