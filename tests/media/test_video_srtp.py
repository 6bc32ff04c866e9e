"""SRTP: what comes back, what is refused, and one key for several forms of a stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.aiortc_parts import RtpPacket
from media.description import SrtpKey
from media.srtp import Protector, SrtpError, Unprotector

KEY = SrtpKey(bytes(range(30)))


def rtp(sequence: int, payload_type: int = 96) -> bytes:
    return RtpPacket(payload_type, sequence_number=sequence, ssrc=5, payload=b"picture").serialize()


def test_a_packet_comes_back_as_it_was() -> None:
    wire = Protector(KEY).rtp(rtp(1))
    assert wire != rtp(1)
    assert len(wire) == len(rtp(1)) + 10
    assert Unprotector(KEY).rtp(wire) == rtp(1)


def test_without_a_key_packets_stay_as_they_are() -> None:
    assert Unprotector(None).rtp(Protector(None).rtp(rtp(1))) == rtp(1)
    assert Unprotector(None).rtcp(Protector(None).rtcp(b"report")) == b"report"


def test_a_replayed_packet_is_refused() -> None:
    wire, opener = Protector(KEY).rtp(rtp(1)), Unprotector(KEY)
    opener.rtp(wire)
    with pytest.raises(SrtpError, match="replay"):
        opener.rtp(wire)


def test_a_packet_resent_within_the_window_is_taken() -> None:
    protector, opener = Protector(KEY), Unprotector(KEY)
    wires = [protector.rtp(rtp(sequence)) for sequence in range(600)]
    for wire in wires[1:]:
        opener.rtp(wire)
    assert opener.rtp(wires[0]) == rtp(0)


def test_one_packet_may_go_out_under_two_payload_types_without_a_second_key_stream() -> None:
    protector = Protector(KEY)
    first, second = protector.rtp(rtp(1, 96)), protector.rtp(rtp(1, 97))
    assert first[12:-10] == second[12:-10]
    assert Unprotector(KEY).rtp(second) == rtp(1, 97)


def test_a_key_of_another_length_is_refused_and_never_printed() -> None:
    with pytest.raises(SrtpError, match="30 bytes, not 16"):
        Protector(SrtpKey(b"sixteen bytes...".ljust(16)))
    assert "material" not in repr(KEY)


@given(st.binary(max_size=1600))
def test_arbitrary_bytes_are_refused(data: bytes) -> None:
    opener = Unprotector(KEY)
    with pytest.raises(SrtpError):
        opener.rtp(data)
    with pytest.raises(SrtpError):
        opener.rtcp(data)
