"""What a display shows."""

import time

import pytest
from PIL import Image, ImageChops, ImageStat

from hal.camera import Picture
from hal.display import Scene
from hal.drawing import (
    BLACK,
    BLUE,
    GREEN,
    NIGHT,
    RED,
    SLATE,
    no_picture,
    picture_box,
    render,
    to_i420,
    to_image,
    video_area,
)
from hal.lettering import fitted, font, text_width

RINGING = Scene("Gate 1 is calling", "Answer or decline", ("answer", "decline", "unlock"), live=True)
SIZES = [(64, 64), (320, 240), (480, 272), (320, 480), (800, 480), (1024, 600)]


def quarters(width: int, height: int) -> Image.Image:
    """Red, green, blue and white in the four corners."""
    image = Image.new("RGB", (width, height), "white")
    image.paste((220, 30, 30), (0, 0, width // 2, height // 2))
    image.paste((30, 200, 30), (width // 2, 0, width, height // 2))
    image.paste((30, 30, 220), (0, height // 2, width // 2, height))
    return image


def picture(image: Image.Image) -> Picture:
    return Picture(image.width, image.height, to_i420(image), 0.0)


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference per pixel and channel, 0 to 255."""
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


def test_an_image_survives_the_way_to_i420_and_back() -> None:
    image = quarters(64, 48)
    back = to_image(picture(image))
    for corner in ((0, 0), (63, 0), (0, 47), (63, 47)):
        seen, drawn = (each.crop((*corner, corner[0] + 1, corner[1] + 1)) for each in (back, image))
        assert difference(seen, drawn) < 4
    assert difference(back, image) < 6


def test_i420_has_studio_range() -> None:
    assert to_i420(Image.new("RGB", (2, 2), "black")) == bytes([16] * 4 + [128, 128])
    assert to_i420(Image.new("RGB", (2, 2), "white")) == bytes([235] * 4 + [128, 128])


@pytest.mark.parametrize("data", [bytes(7), bytes(5), b""])
def test_bytes_that_are_no_picture_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="2x2 has 6 bytes"):
        to_image(Picture(2, 2, data, 0.0))


def test_odd_sides_are_refused() -> None:
    with pytest.raises(ValueError, match="even sides"):
        to_i420(Image.new("RGB", (3, 2)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", [(64, 48), (48, 64), (160, 90)])
def test_the_live_picture_is_shown_whole_undistorted_and_clear_of_the_bar(
    size: tuple[int, int], shape: tuple[int, int]
) -> None:
    seen = picture(quarters(*shape))
    left, top, right, bottom = box = picture_box(RINGING, seen, size)
    area = video_area(RINGING, size)
    assert left >= 0
    assert top >= 0
    assert right <= area[2]
    assert bottom <= area[3] < size[1]
    assert (right - left) / (bottom - top) == pytest.approx(shape[0] / shape[1], rel=0.1)
    assert right - left == area[2] or bottom - top == area[3]
    screen = render(RINGING, seen, size)
    assert screen.size == size
    assert difference(screen.crop(box), quarters(right - left, bottom - top)) < 12


def test_the_area_beside_a_picture_is_black() -> None:
    screen = render(RINGING, picture(quarters(64, 48)), (800, 480))
    assert screen.getpixel((10, 10)) == BLACK


def test_a_live_scene_without_a_picture_has_its_words_and_an_empty_area() -> None:
    screen = render(RINGING, None, (800, 480))
    assert screen.crop(video_area(RINGING, (800, 480))).getcolors() == [(800 * 384, BLACK)]


def test_buttons_have_their_colours_and_vanish_with_their_actions() -> None:
    def colours(scene: Scene) -> set[object]:
        found = render(scene, None, (800, 480)).getcolors(1 << 20)
        return {colour for count, colour in found or [] if count > 500}

    assert {GREEN, RED, BLUE} <= colours(RINGING)
    assert not {GREEN, RED, BLUE} & colours(Scene("Missed call", "Gate 1"))


@pytest.mark.parametrize("live", [True, False])
def test_more_buttons_than_fit_become_smaller_and_stay_whole(live: bool) -> None:
    many = ("dnd", "history", "messages", "monitor", "guard", "emergency", "hangup")
    drawn = render(Scene("Hall", "2 new messages", many, live), None, (800, 480))
    for side in (0, 798):
        edge = pixels_of(drawn.crop((side, 300, side + 2, 480)).tobytes())
        assert max(map(max, edge)) < max(SLATE)
    right = drawn.crop((600, 300, 800, 480)).tobytes()
    assert sum(pixel == bytes(RED) for pixel in pixels_of(right)) > 200


def pixels_of(data: bytes) -> list[bytes]:
    return [data[at : at + 3] for at in range(0, len(data), 3)]


def test_a_scene_that_is_not_live_shows_no_picture() -> None:
    idle = Scene("Flat 301")
    with_picture = render(idle, picture(quarters(64, 48)), (320, 240))
    assert difference(with_picture, render(idle, None, (320, 240))) == 0


def test_other_words_look_different() -> None:
    one, other = (render(Scene("Flat 301", detail), None, (480, 272)) for detail in ("ready", "not registered"))
    assert difference(one, other) > 0.1


def test_what_is_drawn_may_be_drawn_on_without_harm_to_the_next() -> None:
    idle = Scene("Flat 301")
    first = render(idle, None, (320, 240))
    first.paste("white", (0, 0, 320, 240))
    assert render(idle, None, (320, 240)).getpixel((0, 0)) == NIGHT


def test_words_are_shortened_to_the_width_they_have() -> None:
    letters = font(20, "Gate")
    text = fitted("Gate 1, the one behind the second courtyard", letters, 200)
    assert text.endswith("…")
    assert 150 < text_width(text, letters) <= 200
    assert fitted("Gate", letters, 200) == "Gate"


def test_no_picture_is_drawn_once_and_stamped_anew() -> None:
    before = time.monotonic()
    one, two = no_picture(640, 480), no_picture(640, 480)
    assert one.data is two.data
    assert before <= one.taken <= two.taken
    image = to_image(one)
    assert image.size == (640, 480)
    assert ImageStat.Stat(image.convert("L")).stddev[0] > 20
    assert difference(image, to_image(no_picture(640, 480, "Camera gone"))) > 0.1


@pytest.mark.parametrize("size", [(2, 2), (32, 16), (176, 144), (1920, 1080)])
def test_no_picture_fits_any_even_size(size: tuple[int, int]) -> None:
    assert len(no_picture(*size).data) == size[0] * size[1] * 3 // 2
