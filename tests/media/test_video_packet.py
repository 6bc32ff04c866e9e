"""Received RTP packets: the same as another library writes and reads, and any bytes are a packet or a PacketError."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from media import aiortc_parts
from media.errors import PacketError
from media.rtp_packet import RtpPacket, parse

PLAIN = b"\x80\xe3\x00\x07\x00\x00\x03\x84\x00\x00\x00\x05\x67picture"


def test_header_fields_and_payload_are_read() -> None:
    assert parse(PLAIN) == RtpPacket(99, 1, 7, 900, 5, b"\x67picture")


@given(
    st.integers(0, 127),
    st.integers(0, 1),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.lists(st.integers(0, 0xFFFFFFFF), max_size=15),
    st.binary(max_size=40),
    st.integers(0, 255),
)
def test_packets_of_another_library_are_read(
    kind: int, marker: int, sequence: int, timestamp: int, sources: list[int], payload: bytes, padding: int
) -> None:
    packet = aiortc_parts.RtpPacket(kind, marker, sequence, timestamp, 5, payload)
    packet.csrc, packet.padding_size = sources, padding
    assert parse(packet.serialize()) == RtpPacket(kind, marker, sequence, timestamp, 5, payload)


def test_a_header_extension_is_left_out() -> None:
    extension = b"\xbe\xde\x00\x01\x10\xff\x00\x00"
    assert parse(b"\x90" + PLAIN[1:12] + extension + PLAIN[12:]) == parse(PLAIN)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PLAIN[:11],
        b"\x40" + PLAIN[1:],
        b"\x8f" + PLAIN[1:],
        b"\x90" + PLAIN[1:13],
        b"\x90" + PLAIN[1:12] + b"\xbe\xde\xff\xff",
        b"\xa0" + PLAIN[1:] + b"\x00",
        b"\xa0" + PLAIN[1:] + b"\xff",
    ],
)
def test_a_broken_packet_is_refused(data: bytes) -> None:
    with pytest.raises(PacketError):
        parse(data)


@given(st.binary(max_size=64))
@example(b"\xa0" + bytes(11))
def test_any_bytes_are_a_packet_or_a_packet_error(data: bytes) -> None:
    try:
        packet = parse(data)
    except PacketError:
        return
    assert packet.payload in data
