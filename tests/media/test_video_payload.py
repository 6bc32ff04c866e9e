"""H.264 out of RTP payloads: every form of modes 0 and 1, and whatever a hostile sender makes of them."""

import random

import pytest

from media.errors import PacketError
from media.h264 import START_CODE
from media.h264_payload import depayload

IDR = b"\x65picture"


def test_single_nal_unit_gets_a_start_code() -> None:
    assert depayload(IDR) == START_CODE + IDR


def test_fragments_make_the_nal_unit_again() -> None:
    fragments = (b"\x7c\x85pic", b"\x7c\x05tu", b"\x7c\x45re")
    assert b"".join(map(depayload, fragments)) == START_CODE + IDR


def test_aggregate_is_taken_apart() -> None:
    assert depayload(b"\x78\x00\x02\x67a\x00\x03\x68bc") == START_CODE + b"\x67a" + START_CODE + b"\x68bc"


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x65", b"\x60x", b"\x79xx", b"\x7dxx", b"\x7fxx", b"\x78\x00", b"\x78\x00\x05abc"],
    ids=["empty", "one byte", "type 0", "STAP-B", "FU-B", "type 31", "half a length", "cut short"],
)
def test_what_is_no_h264_is_refused(payload: bytes) -> None:
    with pytest.raises(PacketError):
        depayload(payload)


def test_any_bytes_give_bytes_or_a_packet_error() -> None:
    source = random.Random(6184)
    for _ in range(2000):
        payload = source.randbytes(source.randrange(40))
        try:
            stream = depayload(payload)
        except PacketError:
            continue
        assert len(stream) <= 5 * len(payload)
