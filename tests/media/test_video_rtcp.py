"""RTCP: every way to ask for a key frame, what is asked again, and bytes that are no RTCP."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import rtcp
from media.aiortc_parts import RtcpReceiverInfo
from media.errors import PacketError
from media.reception import Reception

EMPTY_RR = bytes.fromhex("80c90001 00000001")
REPORT = RtcpReceiverInfo(2, fraction_lost=5, packets_lost=9, highest_sequence=70000, jitter=90, lsr=1, dlsr=2)


@pytest.mark.parametrize(
    "asking",
    [
        pytest.param(rtcp.picture_loss(1, 2), id="PLI, RFC 4585"),
        pytest.param(bytes.fromhex("84ce0004 00000001 00000000 00000002 07000000"), id="FIR, RFC 5104"),
        pytest.param(bytes.fromhex("80c00001 00000002"), id="FIR, RFC 2032"),
    ],
)
@pytest.mark.parametrize("head", [b"", EMPTY_RR], ids=["alone", "behind a report"])
def test_each_form_of_key_frame_request_is_understood(head: bytes, asking: bytes) -> None:
    assert rtcp.parse(head + asking).key_frame


def test_a_report_alone_asks_for_nothing() -> None:
    feedback = rtcp.parse(rtcp.receiver_report(1, "screen", REPORT))
    assert (feedback.key_frame, feedback.lost) == (False, ())
    assert feedback.reports == (REPORT,)


@given(st.sets(st.integers(60_000, 70_000), min_size=1, max_size=100))
def test_lost_packets_are_named_also_across_the_wrap(numbers: set[int]) -> None:
    packet = rtcp.receiver_report(1, "screen", None) + rtcp.negative_acknowledgement(1, 2, sorted(numbers))
    assert set(rtcp.parse(packet).lost) == {number & 0xFFFF for number in numbers}


def test_a_hostile_nack_is_cut_short() -> None:
    flood = struct.pack("!BBHLL", 0x81, 205, 2 + 300, 1, 2) + struct.pack("!HH", 0, 0xFFFF) * 300
    assert len(rtcp.parse(flood).lost) <= 128


def test_a_sender_report_carries_the_time() -> None:
    feedback = rtcp.parse(rtcp.sender_report(7, "door", 90_000, 3, 1000))
    assert feedback.sender is not None
    assert (feedback.sender_ssrc, feedback.sender.rtp_timestamp, feedback.sender.packet_count) == (7, 90_000, 3)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_with_a_value_error(data: bytes) -> None:
    try:
        feedback = rtcp.parse(data)
    except PacketError:
        return
    assert data[0] >> 6 == 2, f"version 2 only, and this was read: {feedback}"


@given(st.integers(0, 31), st.integers(192, 207), st.binary(max_size=120))
def test_arbitrary_bodies_behind_a_valid_header_are_refused_or_read(count: int, kind: int, body: bytes) -> None:
    body += bytes(-len(body) % 4)
    try:
        feedback = rtcp.parse(struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body)
    except PacketError:
        return
    assert all(0 <= sequence < 65536 for sequence in feedback.lost)


def test_loss_and_jitter_are_counted_as_in_rfc_3550() -> None:
    reception = Reception()
    for number in [1, 2, 3, 5, 6, 8]:
        reception.packet(number, timestamp=number * 3600, now=number * 0.04)
    assert reception.lost == 2
    assert reception.jitter_ms == pytest.approx(0, abs=1e-6)
    first = reception.report(9, now=1.0)
    assert (first.packets_lost, first.fraction_lost, first.highest_sequence) == (2, 2 * 256 // 8, 8)
    reception.packet(7, timestamp=7 * 3600, now=1.0)
    assert reception.lost == 1, "a resent packet is not lost any more"
    for number in range(9, 60):
        reception.packet(number, timestamp=number * 3600, now=number * 0.04 + (0.01 if number % 2 else 0))
    assert 5 < reception.jitter_ms < 15
    assert reception.report(9, now=2.0).fraction_lost == 0
