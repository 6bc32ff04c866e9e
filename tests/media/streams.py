"""Encoded streams and their RTP packets, made once per form, for the tests of the video path."""

import time
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

import av

from media.encoder import EncodedPicture
from media.frames import to_frame
from media.h264 import H264Encoder, nal_types
from media.rtp_packet import RtpPacket, parse
from media.rtp_packetizer import RtpPacketizer
from tests.media.pictures import numbered

WIDTH, HEIGHT, RATE = 320, 240, 25


@lru_cache(maxsize=8)
def pictures(count: int, key_every: int = RATE) -> tuple[EncodedPicture, ...]:
    """Numbered pictures 0, 1, 2 ... as our encoder makes them."""
    encoder = H264Encoder(WIDTH, HEIGHT, RATE, 500_000, "libx264")
    made = []
    for number in range(count):
        frame = to_frame(numbered(number, WIDTH, HEIGHT))
        pts = 1 + number * 3600
        (coded,) = encoder.encode(frame, pts, key=number % key_every == 0)
        made.append(EncodedPicture(coded.data, coded.pts, coded.key_frame, number / RATE))
    return tuple(made)


@lru_cache(maxsize=2)
def unsliced_pictures(count: int, key_every: int = RATE) -> tuple[EncodedPicture, ...]:
    """The same from an encoder that cuts no slices, main profile, as a board's or another phone's may be."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    codec.time_base, codec.framerate, codec.bit_rate = Fraction(1, 90_000), Fraction(RATE), 500_000
    params = f"keyint={key_every}:min-keyint={key_every}:scenecut=0:repeat-headers=1:threads=1"
    codec.options = {"preset": "veryfast", "tune": "zerolatency", "profile": "main", "x264-params": params}
    made = []
    for number in range(count):
        frame = to_frame(numbered(number, WIDTH, HEIGHT))
        frame.pts, frame.time_base = 1 + number * 3600, Fraction(1, 90_000)
        data = b"".join(bytes(packet) for packet in codec.encode(frame))
        made.append(EncodedPicture(data, 1 + number * 3600, 5 in nal_types(data), number / RATE))
    return tuple(made)


def packets_of(stream: tuple[EncodedPicture, ...], single_nal_units: bool = True) -> list[list[bytes]]:
    """RTP packets, a list for each picture."""
    packetizer = RtpPacketizer(single_nal_units)
    made = [packetizer.packetize(picture) for picture in stream]
    packetizer.close()
    return made


def parsed(packets: list[bytes]) -> list[RtpPacket]:
    return [parse(packet) for packet in packets]


def eventually(holds: Callable[[], bool], what: str, limit: float = 30.0) -> None:
    """Wait until `holds()`, for signs that cannot be waited for otherwise."""
    end = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < end, f"not within {limit} s: {what}"
        time.sleep(0.005)
