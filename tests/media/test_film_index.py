"""The index of a finished film: its length is known at once, any place can be jumped to, and nothing else changes."""

import io
import random
import struct
from contextlib import suppress

import av
import pytest

from media.film_index import MOST, index_of, with_room
from media.fragments import sealed, whole
from tests.media.film import movie, played

SECONDS = 6


@pytest.fixture(scope="module")
def film() -> bytes:
    """As it lies on the disk before its end."""
    return movie(SECONDS)


def indexed(film: bytes, steps: int = 2) -> bytes:
    """With so many of the index's two patches."""
    found = whole(io.BytesIO(film))
    patches = index_of(io.BytesIO(film), found.size, found.duration_ms)
    assert patches is not None
    made = bytearray(film)
    for patch in patches[:steps]:
        made[patch.offset : patch.offset + len(patch.data)] = patch.data
    return bytes(made)


def parts(film: bytes) -> list[tuple[int, int]]:
    """Offset and length in ticks of each part in the index."""
    at = film.index(b"sidx") - 4
    size, _, _, _, _, _, offset, _, count = struct.unpack_from(">I4sIIIIIHH", film, at)
    found, offset = [], at + size + offset
    for number in range(count):
        length, ticks, _ = struct.unpack_from(">III", film, at + 32 + 12 * number)
        found.append((offset, ticks))
        offset += length
    assert offset == len(film)
    return found


def times(film: bytes) -> list[float]:
    with av.open(io.BytesIO(film), "r") as container:
        return [float(packet.pts * packet.time_base) for packet in container.demux(video=0) if packet.pts is not None]


def test_a_finished_film_tells_its_length_and_shows_the_same(film: bytes) -> None:
    done = indexed(film)
    assert len(done) == len(film)
    assert played(done) == played(film)
    assert times(done) == times(film)
    found = parts(done)
    assert all(done[offset + 4 : offset + 8] == b"moof" for offset, _ in found)
    with av.open(io.BytesIO(done), "r") as container:
        assert container.duration == pytest.approx(SECONDS * 1_000_000, abs=100_000)
        stream = container.streams.video[0]
        assert stream.duration == sum(ticks for _, ticks in found)


class Line:
    """A film that comes by a line: nobody can look at its end."""

    def __init__(self, film: bytes) -> None:
        self._film = io.BytesIO(film)

    def read(self, size: int) -> bytes:
        return self._film.read(size)


def test_who_has_only_its_beginning_knows_its_end(film: bytes) -> None:
    told = []
    for way in (film, indexed(film)):
        with av.open(Line(way), "r", options={"probesize": "50000", "analyzeduration": "200000"}) as container:
            told.append(container.duration or 0)
    assert told[0] < SECONDS * 500_000
    assert told[1] == SECONDS * 1_000_000


def test_a_player_jumps_to_the_key_frame_before_a_moment(film: bytes) -> None:
    with av.open(io.BytesIO(indexed(film)), "r") as container:
        for moment in (4.5, 1.2, 5.9):
            container.seek(round(moment * 1e6))
            assert next(container.decode(video=0)).time == pytest.approx(int(moment), abs=0.01)


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_at_every_step_it_is_the_whole_film(film: bytes, steps: int) -> None:
    found = whole(io.BytesIO(indexed(film, steps)))
    assert (found.size, found.duration_ms) == (len(film), SECONDS * 1000)
    assert played(indexed(film, steps)) == played(film)


def test_an_index_is_written_once(film: bytes) -> None:
    assert index_of(io.BytesIO(indexed(film)), len(film), 1) is None


def test_the_index_of_a_torn_film_ends_where_it_does(film: bytes) -> None:
    torn = film[: -len(film) // 3]
    found = whole(io.BytesIO(torn))
    done = indexed(torn[: found.size])
    assert parts(done)
    with av.open(io.BytesIO(done), "r") as container:
        assert container.duration == pytest.approx(1000 * found.duration_ms, abs=100_000)


def test_a_header_never_lies_in_two_sectors(film: bytes) -> None:
    patches = index_of(io.BytesIO(film), len(film), SECONDS * 1000)
    assert patches is not None
    assert (patches[1].offset % 8, len(patches[1].data)) == (0, 8)


def test_a_film_longer_than_its_index_is_told_in_larger_parts(film: bytes) -> None:
    head, fragment = _head_and_fragment(film)
    long = sealed(with_room(head + fragment), 10) + sealed(fragment, 20) * (2 * MOST)
    done = indexed(long)
    assert len(parts(done)) <= MOST
    assert whole(io.BytesIO(done)).size == len(long)


def _head_and_fragment(film: bytes) -> tuple[bytes, bytes]:
    """What is before the room, and a fragment without its seal."""
    starts = [offset for offset, _ in parts(indexed(film))]
    at, kinds = 0, list[bytes]()
    while kinds[-1:] != [b"moov"]:
        size, kind = struct.unpack_from(">I4s", film, at)
        kinds.append(kind)
        at += size
    return film[:at], film[starts[0] : starts[1] - 20]


@pytest.mark.parametrize("seed", range(50))
def test_a_spoilt_film_is_a_value_error_at_most(film: bytes, seed: int) -> None:
    chosen, spoilt = random.Random(seed), bytearray(film)
    for _ in range(20):
        spoilt[chosen.randrange(1500)] = chosen.randrange(256)
    with suppress(ValueError):
        index_of(io.BytesIO(spoilt), len(spoilt), 1000)
