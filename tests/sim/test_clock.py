"""The clock in the picture is read back exactly or not at all: after coding, scaling and damage."""

import itertools
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hal.camera import Picture
from sim.clock import PERIOD, Caption, read, read_image, stamp
from sim.footage.film import Footage

WIDTH, HEIGHT = 640, 480
GREY = bytes([128]) * (WIDTH * HEIGHT * 3 // 2)


def _stamped(milliseconds: int, width: int = WIDTH, height: int = HEIGHT) -> bytearray:
    picture = bytearray([90]) * (width * height * 3 // 2)
    stamp(picture, width, height, milliseconds)
    return picture


def _image(picture: Picture | bytearray) -> Image.Image:
    data = picture.data if isinstance(picture, Picture) else picture
    planes = np.frombuffer(data, np.uint8).reshape(HEIGHT * 3 // 2, WIDTH)
    return Image.fromarray(av.VideoFrame.from_ndarray(planes, format="yuv420p").to_ndarray(format="rgb24"))


def _decoded(pictures: list[Picture], bit_rate: int) -> list[bytes]:
    """The luma planes after H.264 as the door station codes it."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.bit_rate = WIDTH, HEIGHT, "yuv420p", bit_rate
    encoder.framerate, encoder.time_base = Fraction(25), Fraction(1, 25)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "x264-params": "keyint=50"}
    decoder = av.CodecContext.create("h264", "r")
    packets = [packet for number, picture in enumerate(pictures) for packet in encoder.encode(_frame(picture, number))]
    frames = [frame for packet in [*packets, *encoder.encode(None), None] for frame in decoder.decode(packet)]
    return [frame.to_ndarray()[:HEIGHT].tobytes() for frame in frames]


def _frame(picture: Picture, number: int) -> av.VideoFrame:
    planes = np.frombuffer(picture.data, np.uint8).reshape(HEIGHT * 3 // 2, WIDTH)
    frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    frame.pts = number
    return frame


@given(st.integers(0, PERIOD - 1))
@settings(max_examples=50, deadline=None)
def test_any_time_is_read_as_it_was_written(milliseconds: int) -> None:
    assert read(_stamped(milliseconds, 320, 240), 320, 240) == milliseconds


def test_the_clock_begins_again_after_its_period() -> None:
    assert read(_stamped(PERIOD + 7), WIDTH, HEIGHT) == 7


@pytest.mark.parametrize("bit_rate", [1_000_000, 300_000])
def test_the_clock_survives_h264(bit_rate: int) -> None:
    film = Footage()
    pictures = list(itertools.islice(film, 50))
    film.close()
    times = [read(luma, WIDTH, HEIGHT) for luma in _decoded(pictures, bit_rate)]
    assert times == [int(picture.taken * 1000) for picture in pictures]


@pytest.mark.parametrize("size", [(320, 240), (480, 360), (600, 450), (1000, 750), (1280, 960)])
def test_the_clock_is_read_from_a_scaled_image(size: tuple[int, int]) -> None:
    image = _image(_stamped(987_654_321)).resize(size, Image.Resampling.BILINEAR)
    assert read_image(image) == 987_654_321


def test_the_clock_is_read_from_the_part_of_a_screen_that_shows_the_picture() -> None:
    screen = Image.new("RGB", (1024, 600), "navy")
    screen.paste(_image(_stamped(5)).resize((600, 450)), (40, 90))
    assert read_image(screen, (40, 90, 640, 540)) == 5
    assert read_image(screen) is None


@pytest.mark.parametrize("size", [(640, 480), (320, 240), (352, 288), (800, 600), (1280, 720), (1920, 1080)])
def test_pictures_of_usual_sizes_carry_the_clock(size: tuple[int, int]) -> None:
    assert read(_stamped(1_234_567, *size), *size) == 1_234_567


def test_a_picture_without_a_clock_has_no_time() -> None:
    noise = np.random.default_rng(5).integers(0, 256, WIDTH * HEIGHT, np.uint8)
    assert read(noise.tobytes(), WIDTH, HEIGHT) is None
    assert read(GREY, WIDTH, HEIGHT) is None
    assert read(b"", WIDTH, HEIGHT) is None
    assert read(GREY, 0, 0) is None


def test_a_single_wrong_cell_is_noticed() -> None:
    for column in range(2, 30):
        picture = _stamped(42)
        left = 80 + column * 16
        for line in range(16):
            cell = slice(line * WIDTH + left, line * WIDTH + left + 16)
            picture[cell] = bytes(251 - value for value in picture[cell])
        assert read(picture, WIDTH, HEIGHT) is None


def test_half_an_old_and_half_a_new_clock_is_no_clock() -> None:
    picture, newer = _stamped(0x00FF_FFFF), _stamped(0x0F00_0000)
    picture[16 * WIDTH : 32 * WIDTH] = newer[16 * WIDTH : 32 * WIDTH]
    assert read(picture, WIDTH, HEIGHT) is None


def test_the_clock_touches_nothing_but_its_strip_and_leaves_it_without_colour() -> None:
    colourful = bytearray([200]) * len(GREY)
    stamp(colourful, WIDTH, HEIGHT, 1)
    image = np.asarray(_image(colourful)).astype(int)
    strip = image[:32, 80:560]
    assert np.abs(strip - strip.mean(axis=2, keepdims=True)).max() <= 2
    assert (np.frombuffer(colourful, np.uint8)[32 * WIDTH : WIDTH * HEIGHT] == 200).all()


@pytest.mark.parametrize(("width", "height"), [(100, 100), (640, 16), (0, 0)])
def test_a_picture_too_small_for_a_clock_is_refused(width: int, height: int) -> None:
    with pytest.raises(ValueError, match="too small for a clock"):
        stamp(bytearray(width * height * 3 // 2), width, height, 1)


def test_the_time_of_day_is_written_in_letters_that_stand_still() -> None:
    caption = Caption()
    first, second = bytearray(GREY), bytearray(GREY)
    caption.write(first, WIDTH, HEIGHT, "10:00:01.11")
    caption.write(second, WIDTH, HEIGHT, "10:00:08.11")
    changed = np.argwhere(np.frombuffer(first, np.uint8) != np.frombuffer(second, np.uint8))[:, 0] % WIDTH
    assert len(changed) > 20
    assert changed.max() - changed.min() < 16
    assert max(first[(HEIGHT - 20) * WIDTH : WIDTH * HEIGHT]) > 200


def test_a_text_too_long_for_the_picture_is_cut_off() -> None:
    picture = bytearray(GREY)
    Caption().write(picture, WIDTH, HEIGHT, "9" * 200)
    assert len(picture) == len(GREY)
    Caption().write(picture, WIDTH, HEIGHT, "")
