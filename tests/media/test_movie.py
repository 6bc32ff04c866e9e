"""Films of a visitor: playable at every moment, also cut anywhere, and nothing that was once whole is lost."""

import io
import random

import pytest

from media.encoder import EncodedPicture
from media.errors import MediaError
from media.fragments import FragmentCutter, whole
from media.movie import FRAGMENT_SECONDS, MovieWriter
from media.recent import Heard, Recent
from tests.media.film import BEGAN, HEIGHT, RATE, WIDTH, fragments_of, pictures, played, sounds

SECONDS = 4


@pytest.fixture(scope="module")
def fragments() -> list[bytes]:
    return list(fragments_of(SECONDS))


def test_a_film_has_every_picture_all_sound_and_a_fragment_each_half_second(fragments: list[bytes]) -> None:
    seen = played(b"".join(fragments))
    assert (seen.pictures, seen.codecs) == (SECONDS * RATE, ("h264", "aac"))
    assert seen.seconds_of_sound == pytest.approx(SECONDS, abs=0.1)
    assert len(fragments) == pytest.approx(SECONDS / FRAGMENT_SECONDS, abs=1)
    found = whole(io.BytesIO(b"".join(fragments)))
    assert (found.size, found.duration_ms) == (sum(map(len, fragments)), SECONDS * 1000)


def test_a_film_without_sound_grows_as_its_pictures_come() -> None:
    made: list[bytes] = []
    movie = MovieWriter(WIDTH, HEIGHT, RATE, made.append, with_sound=False)
    for picture in pictures(2 * RATE):
        movie.picture(picture)
    assert len(made) >= 3
    movie.close()
    seen = played(b"".join(made))
    assert (seen.pictures, seen.codecs) == (2 * RATE, ("h264",))


def test_after_each_fragment_it_is_a_film_already(fragments: list[bytes]) -> None:
    shown = [played(b"".join(fragments[:count])).pictures for count in range(1, len(fragments) + 1)]
    assert shown == sorted(set(shown))
    assert shown[0] > 0


def test_cut_anywhere_what_is_whole_is_found(fragments: list[bytes]) -> None:
    film, ends = b"".join(fragments), [0]
    for fragment in fragments:
        ends.append(ends[-1] + len(fragment))
    chosen = random.Random(4)
    for cut in [*ends, *(chosen.randrange(len(film)) for _ in range(200))]:
        found = whole(io.BytesIO(film[:cut]))
        assert found.size == max(end for end in ends if end <= cut)


def test_a_hole_of_zeros_that_a_lost_write_left_ends_what_is_whole(fragments: list[bytes]) -> None:
    film, before = bytearray(b"".join(fragments)), sum(map(len, fragments[:3]))
    film[before + 2000 : before + 2512] = bytes(512)
    assert whole(io.BytesIO(bytes(film))).size == before


@pytest.mark.parametrize("nothing", [b"", b"\0" * 100, b"ftyp", random.Random(1).randbytes(1000), b"\xff" * 64])
def test_what_is_no_film_has_nothing_whole(nothing: bytes) -> None:
    assert whole(io.BytesIO(nothing)).size == 0


def test_fragments_are_cut_wherever_the_muxer_pauses(fragments: list[bytes]) -> None:
    seal = 20
    plain = [fragment[:-seal] for fragment in fragments]
    stream, chosen, cutter, made = b"".join(plain), random.Random(2), FragmentCutter(), list[bytes]()
    while stream:
        size = chosen.randrange(1, 5000)
        made += cutter.feed(stream[:size])
        stream = stream[size:]
    assert made == plain


def test_sound_that_began_late_or_paused_stays_in_time_with_the_picture() -> None:
    made: list[bytes] = []
    movie = MovieWriter(WIDTH, HEIGHT, RATE, made.append)
    for picture in pictures(SECONDS * RATE):
        movie.picture(picture)
    for heard in sounds(SECONDS):
        if heard.taken > BEGAN + 1.0 and not BEGAN + 2.0 < heard.taken < BEGAN + 3.0:
            movie.sound(heard)
    movie.close()
    assert played(b"".join(made)).seconds_of_sound == pytest.approx(SECONDS, abs=0.1)


def test_a_film_begins_with_a_key_frame_and_an_empty_one_is_nothing() -> None:
    made: list[bytes] = []
    movie = MovieWriter(WIDTH, HEIGHT, RATE, made.append)
    movie.sound(next(sounds(1)))
    with pytest.raises(MediaError):
        movie.picture(pictures(SECONDS * RATE)[1])
    movie.close()
    assert made == []


def test_a_disk_that_refuses_a_fragment_is_told_to_who_adds_the_picture() -> None:
    def full(fragment: bytes) -> None:
        raise OSError(28, "No space left on device")

    movie = MovieWriter(WIDTH, HEIGHT, RATE, full)
    with pytest.raises(OSError, match="No space"):  # noqa: PT012 - any of the pictures may complete the fragment
        for picture, heard in zip(pictures(SECONDS * RATE), sounds(SECONDS), strict=False):
            movie.picture(picture)
            movie.sound(heard)


class Follower:
    def __init__(self) -> None:
        self.pictures: list[EncodedPicture] = []
        self.sounds: list[Heard] = []

    def picture(self, picture: EncodedPicture) -> None:
        self.pictures.append(picture)

    def sound(self, heard: Heard) -> None:
        self.sounds.append(heard)


def test_the_last_seconds_are_remembered_from_a_key_frame_on_and_what_comes_follows() -> None:
    recent, follower, all_pictures = Recent(1.5), Follower(), pictures(SECONDS * RATE)
    for picture in all_pictures[:90]:
        recent.encoded(picture)
    for heard in sounds(3.6):
        recent.heard(heard)
    recent.follow(follower)
    assert (follower.pictures[0].key_frame, follower.pictures[0]) == (True, all_pictures[50])
    assert len(follower.sounds) == pytest.approx(75, abs=2)
    recent.encoded(all_pictures[90])
    assert follower.pictures == list(all_pictures[50:91])
    recent.forget()
    recent.encoded(all_pictures[91])
    assert len(follower.pictures) == 41


def test_without_a_past_a_follower_waits_for_the_first_key_frame() -> None:
    recent, follower, all_pictures = Recent(1.5), Follower(), pictures(SECONDS * RATE)
    recent.encoded(all_pictures[20])
    recent.follow(follower)
    for picture in all_pictures[21:30]:
        recent.encoded(picture)
    assert follower.pictures == list(all_pictures[25:30])
