"""Pictures to frames and back, with and without padded lines."""

import pytest

from hal.camera import Picture
from media.errors import PacketError
from media.frames import decoded, fill, new_frame, to_frame, to_picture
from tests.media.pictures import numbered


@pytest.mark.parametrize(("width", "height"), [(640, 480), (322, 242), (176, 144), (2, 2)])
def test_a_picture_comes_back_as_it_was(width: int, height: int) -> None:
    data = bytes(index * 7 % 251 for index in range(width * height * 3 // 2))
    picture = Picture(width, height, data, 1.5)
    assert to_picture(to_frame(picture), 1.5) == picture


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_kind_of_bytes_will_do(kind: type) -> None:
    picture = numbered(3)
    assert to_picture(to_frame(Picture(320, 240, kind(picture.data), 0.0)), 0.0).data == picture.data


def test_another_size_is_refused() -> None:
    with pytest.raises(PacketError, match="320x240"):
        fill(new_frame(640, 480), numbered(1))


def test_another_format_becomes_planar_yuv() -> None:
    rgb = to_frame(numbered(5)).reformat(format="rgb24")
    back = to_picture(rgb, 0.0)
    assert (back.width, back.height, len(back.data)) == (320, 240, 320 * 240 * 3 // 2)


def test_an_odd_size_is_refused() -> None:
    with pytest.raises(PacketError, match="even"):
        to_picture(new_frame(321, 241), 0.0)


@pytest.mark.parametrize(("width", "height"), [(640, 480), (322, 242)])
def test_a_decoders_picture_is_copied_or_joined_to_the_same_bytes(width: int, height: int) -> None:
    picture = numbered(9, width, height, taken=2.5)
    seen = decoded(to_frame(picture), 2.5)
    copy = bytearray(seen.size)
    seen.copy_to(memoryview(copy))
    assert copy == bytes(seen.data) == picture.data
    assert (seen.width, seen.height, seen.taken) == (width, height, 2.5)
