"""The memory between device and world: sound by the clock, pictures by number."""

import pytest

from hal.camera import Picture
from sim.shared import TRACK_SAMPLES, PictureSlots, SoundTrack, create_memory


def track() -> SoundTrack:
    return SoundTrack(create_memory("test", SoundTrack.SIZE))


def slots() -> PictureSlots:
    return PictureSlots(create_memory("test", PictureSlots.SIZE))


def grey(level: int, width: int = 4, height: int = 2) -> Picture:
    return Picture(width, height, bytes([level]) * (width * height * 3 // 2), float(level))


def test_what_was_written_at_a_time_is_read_at_that_time() -> None:
    sound = track()
    sound.write(1000, b"\1\2\3\4")
    assert sound.read(999, 4) == b"\0\0\1\2\3\4\0\0"


def test_a_gap_between_two_sounds_is_silence_and_not_what_was_there_a_round_ago() -> None:
    sound = track()
    sound.write(0, b"\7\7" * TRACK_SAMPLES)
    sound.write(TRACK_SAMPLES + 100, b"\1\1")
    assert sound.read(TRACK_SAMPLES, 101) == bytes(200) + b"\1\1"


def test_sound_survives_the_end_of_the_memory() -> None:
    sound = track()
    sound.write(TRACK_SAMPLES - 1, b"\1\1\2\2\3\3")
    assert sound.read(TRACK_SAMPLES - 1, 3) == b"\1\1\2\2\3\3"


def test_sound_that_follows_without_a_gap_is_read_across_both_pieces() -> None:
    sound = track()
    sound.write(10, b"\1\1\2\2")
    sound.write(12, b"\3\3")
    assert sound.end == 13
    assert sound.read(10, 3) == b"\1\1\2\2\3\3"
    sound.write(11, b"\4\4")
    assert sound.read(10, 3) == b"\1\1\4\4\0\0"


def test_sound_older_than_the_memory_is_silence() -> None:
    sound = track()
    sound.write(0, b"\7\7" * 100)
    sound.write(2 * TRACK_SAMPLES, b"\1\1")
    assert sound.read(0, 100) == bytes(200)


def test_sound_beyond_the_end_is_silence() -> None:
    assert track().read(123, 3) == bytes(6)


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="whole 16-bit samples"):
        track().write(0, b"\1")


def test_the_newest_picture_is_seen_once() -> None:
    pictures = slots()
    assert pictures.look() is None
    pictures.write(grey(1))
    pictures.write(grey(2))
    seen = pictures.look()
    assert seen is not None
    number, picture = seen
    assert (number, bytes(picture.data), picture.taken) == (2, bytes([2]) * 12, 2.0)
    assert pictures.look(number) is None


def test_a_picture_stays_while_three_more_come() -> None:
    pictures = slots()
    pictures.write(grey(1))
    seen = pictures.look()
    for level in (2, 3, 4):
        pictures.write(grey(level))
    assert seen is not None
    assert bytes(seen[1].data) == bytes([1]) * 12


def test_a_copy_is_not_overwritten() -> None:
    pictures = slots()
    pictures.write(grey(1))
    seen = pictures.copy()
    for level in range(2, 20):
        pictures.write(grey(level))
    assert seen is not None
    assert seen[1].data == bytes([1]) * 12


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (Picture(4, 2, bytes(11), 0.0), "11 bytes are not 4 x 2 I420"),
        (Picture(3, 2, bytes(9), 0.0), "3 x 2 is not a picture size"),
        (Picture(4096, 2, bytes(4096 * 3), 0.0), "4096 x 2 is not a picture size"),
    ],
)
def test_a_picture_of_a_wrong_size_is_refused(picture: Picture, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        slots().write(picture)


def test_both_ends_see_the_plug_and_the_switch() -> None:
    sound = track()
    assert not sound.active
    assert not sound.gone
    sound.active = sound.gone = True
    assert sound.active
    assert sound.gone
