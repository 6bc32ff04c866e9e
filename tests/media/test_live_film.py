"""Films without an end: whole after every picture, and no picture waits for the next one."""

import io
from fractions import Fraction

import av
import pytest

from media.errors import MediaError
from media.live_film import fragment, opening, sample
from tests.media.streams import HEIGHT, RATE, WIDTH, pictures

TICKS = 3600


def film(count: int) -> bytes:
    """So many pictures, each a fragment."""
    stream = pictures(count)
    parts = [opening(stream[0], WIDTH, HEIGHT, RATE)]
    for number, picture in enumerate(stream, 1):
        body = sample(picture)
        parts += fragment(number, picture.pts - stream[0].pts, TICKS, picture.key_frame, len(body)), body
    return b"".join(parts)


@pytest.mark.parametrize("count", [1, 2, 30])
def test_all_pictures_so_far_can_be_played_each_at_its_time(count: int) -> None:
    with av.open(io.BytesIO(film(count)), "r") as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.time_base) == (WIDTH, HEIGHT, Fraction(1, 90_000))
        packets = [packet for packet in container.demux(stream) if packet.size]
        keys = [number for number, packet in enumerate(packets) if packet.is_keyframe]
        frames = [frame for packet in packets for frame in packet.decode()]
        frames += stream.decode(None)
    assert [packet.pts for packet in packets] == [number * TICKS for number in range(count)]
    assert keys == list(range(0, count, RATE))
    assert len(frames) == count


def test_a_film_may_go_on_for_years() -> None:
    years = 5 * 365 * 86_400 * 90_000
    assert years.to_bytes(8, "big") in fragment(1, years, TICKS, True, 10)


def test_a_film_cannot_begin_with_a_picture_that_needs_another() -> None:
    with pytest.raises(MediaError, match="begin"):
        opening(pictures(2)[1], WIDTH, HEIGHT, RATE)
