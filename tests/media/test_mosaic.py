"""Several pictures as one: each whole, in its place, with its words, and nothing of what was there before."""

import pytest

from hal.camera import Picture
from hal.drawing import caption
from media.mosaic import Mosaic

WIDTH, HEIGHT, STRIP = 480, 360, 20


def grey(value: int, width: int = 320, height: int = 240) -> Picture:
    return Picture(width, height, bytes([value]) * (width * height) + bytes([128]) * (width * height // 2), 0.0)


def luma(picture: Picture, left: int, top: int) -> int:
    return picture.data[top * picture.width + left]


@pytest.mark.parametrize("side", [1, 2, 3])
def test_each_picture_is_in_the_middle_of_its_own_tile(side: int) -> None:
    mosaic = Mosaic(WIDTH, HEIGHT, side, STRIP)
    for number in range(side * side):
        mosaic.show(number, grey(40 + 20 * number))
    whole = mosaic.picture(7.0)
    assert (whole.width, whole.height, whole.size, whole.taken) == (WIDTH, HEIGHT, WIDTH * HEIGHT * 3 // 2, 7.0)
    tile = mosaic.tile
    for number in range(side * side):
        left, top = number % side * tile[0], number // side * tile[1]
        middle = luma(whole, left + tile[0] // 2, top + (tile[1] - STRIP) // 2)
        assert middle == pytest.approx(40 + 20 * number, abs=2)


def test_a_wide_picture_is_whole_with_bars_and_leaves_nothing_of_the_one_before() -> None:
    mosaic = Mosaic(WIDTH, HEIGHT, 1, STRIP)
    mosaic.show(0, grey(200))
    mosaic.show(0, grey(100, 640, 160))
    whole = mosaic.picture(0.0)
    assert luma(whole, WIDTH // 2, 10) == 16
    assert luma(whole, WIDTH // 2, (HEIGHT - STRIP) // 2) == pytest.approx(100, abs=2)
    assert luma(whole, 3, (HEIGHT - STRIP) // 2) == pytest.approx(100, abs=2)


def test_words_are_below_and_a_frame_shows_which_one_is_chosen() -> None:
    mosaic = Mosaic(WIDTH, HEIGHT, 2, STRIP)
    strip = caption(*mosaic.strip, "1  Gate 1: 2 watching")
    for number in range(4):
        mosaic.show(number, grey(100))
        mosaic.words(number, strip, chosen=number == 3)
    whole = mosaic.picture(0.0)
    assert max(luma(whole, left, HEIGHT // 2 - STRIP // 2) for left in range(WIDTH // 2)) > 200, "letters"
    assert luma(whole, WIDTH // 2 + 1, HEIGHT // 2 + 50) == 235
    assert luma(whole, 1, 50) < 200
    mosaic.show(3, grey(100))
    mosaic.words(3, strip, chosen=False)
    assert luma(mosaic.picture(0.0), WIDTH // 2 + 1, HEIGHT // 2 + 50) < 200


def test_tiles_that_are_no_whole_blocks_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Mosaic(WIDTH, HEIGHT, 7, STRIP)
