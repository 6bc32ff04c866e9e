"""The snapshot: a JPEG of the right size that shows the picture, and words in it."""

from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO

import pytest
from PIL import Image, ImageChops

from hal.camera import Picture
from media.errors import PacketError
from media.snapshot import snapshot
from tests.media.pictures import numbered

WHEN = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


def opened(jpeg: bytes) -> Image.Image:
    image = Image.open(BytesIO(jpeg))
    assert image.format == "JPEG"
    return image.convert("L")


def test_it_shows_the_picture_above_the_words() -> None:
    picture = numbered(9)
    image = opened(snapshot(picture, "Gate 1", WHEN))
    assert image.size == (320, 240)
    luma = Image.frombytes("L", image.size, bytes(picture.data[: 320 * 240]))
    above = (0, 0, 320, 200)
    difference = ImageChops.difference(image.crop(above), luma.crop(above)).tobytes()
    assert sum(difference) / len(difference) < 30


@pytest.mark.parametrize(
    ("place", "when"),
    [
        ("Gate 2", WHEN),
        ("Gate 1", WHEN + timedelta(seconds=1)),
        ("Gate 1", WHEN.astimezone(timezone(timedelta(hours=8)))),
    ],
    ids=["place", "second", "time zone"],
)
def test_place_and_time_are_in_it(place: str, when: datetime) -> None:
    words = (0, 222, 320, 240)
    first = opened(snapshot(numbered(9), "Gate 1", WHEN)).crop(words)
    other = opened(snapshot(numbered(9), place, when)).crop(words)
    assert max(first.tobytes()) > 200, "bright letters"
    assert max(ImageChops.difference(first, other).tobytes()) > 100


def test_a_picture_with_too_few_bytes_is_refused() -> None:
    with pytest.raises(PacketError, match="320x240"):
        snapshot(Picture(320, 240, bytes(100), 0.0), "Gate 1", WHEN)
