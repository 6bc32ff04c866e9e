"""Access units from packets: when a picture is complete, and what is dropped after a loss."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.assembler import KEY_FRAME_PATIENCE, AccessUnit, FrameAssembler
from media.decoder import H264Decoder
from media.encoder import EncodedPicture
from media.errors import PacketError
from media.rtp_packet import RtpPacket
from tests.media.pictures import number_of
from tests.media.streams import packets_of, parsed, pictures, unsliced_pictures


def push_all(assembler: FrameAssembler, packets: list[RtpPacket], now: float = 0.0) -> list[AccessUnit]:
    return [unit for packet in packets for unit in assembler.push(packet, now)]


def shown(units: list[AccessUnit]) -> list[int]:
    decoder = H264Decoder()
    return [number_of(picture) for unit in units for picture in decoder.decode(unit.data, 0.0)]


@pytest.mark.parametrize(
    ("stream", "single_nal_units", "packet_types"),
    [
        (pictures(30), True, {1, 5, 6, 7, 8}),
        (unsliced_pictures(30), False, {1, 24, 28}),
    ],
    ids=["packetization-mode 0: single NAL units", "packetization-mode 1: STAP-A and FU-A"],
)
def test_every_picture_is_complete_with_its_marker(
    stream: tuple[EncodedPicture, ...], single_nal_units: bool, packet_types: set[int]
) -> None:
    assembler, units = FrameAssembler(), []
    per_picture = packets_of(stream, single_nal_units)
    assert {packet[12] & 0x1F for packets in per_picture for packet in packets} >= packet_types & {1, 24, 28, 7, 8}
    for packets in per_picture:
        made = push_all(assembler, parsed(packets))
        assert len(made) == 1, "one picture, and not one packet later"
        units += made
    assert shown(units) == list(range(30))


def test_a_sender_without_markers_costs_a_frame_time_but_no_picture() -> None:
    assembler, units = FrameAssembler(), []
    for packet in parsed([packet for packets in packets_of(pictures(10)) for packet in packets]):
        packet.marker = 0
        units += assembler.push(packet, 0.0)
    assert shown(units) == list(range(9))


def test_after_a_loss_nothing_is_shown_until_a_key_frame() -> None:
    assembler = FrameAssembler()
    per_picture = [parsed(packets) for packets in packets_of(pictures(30, key_every=10))]
    before = [unit for packets in per_picture[:4] for unit in push_all(assembler, packets)]
    assembler.lost()
    after = [unit for packets in per_picture[5:] for unit in push_all(assembler, packets)]
    assert shown(before + after) == [0, 1, 2, 3, *range(10, 30)]
    assert assembler.dropped == 5


def test_a_key_frame_without_its_first_packets_is_no_start() -> None:
    assembler = FrameAssembler()
    per_picture = [parsed(packets) for packets in packets_of(pictures(20, key_every=10))]
    units = push_all(assembler, per_picture[0][2:])
    units += [unit for packets in per_picture[1:] for unit in push_all(assembler, packets)]
    assert shown(units) == list(range(10, 20))


def test_a_stream_that_never_has_a_key_frame_is_tried_at_last() -> None:
    assembler = FrameAssembler()
    slices = [parsed(packets) for packets in packets_of(pictures(10))[1:]]
    assert push_all(assembler, slices[0], now=1.0) == []
    assert push_all(assembler, slices[1], now=1.0 + KEY_FRAME_PATIENCE)


def test_a_payload_that_is_not_h264_is_refused() -> None:
    with pytest.raises(PacketError, match="an RTP payload is not"):
        FrameAssembler().push(RtpPacket(payload=b"\x18\x00\x50only a few bytes"), 0.0)


@given(st.lists(st.tuples(st.binary(max_size=40), st.booleans(), st.integers(0, 3))))
def test_any_payload_is_assembled_or_refused(payloads: list[tuple[bytes, bool, int]]) -> None:
    assembler = FrameAssembler()
    for payload, marker, timestamp in payloads:
        packet = RtpPacket(payload=payload, marker=int(marker), timestamp=timestamp)
        try:
            units = assembler.push(packet, 0.0)
        except PacketError:
            continue
        assert all(unit.data for unit in units)
