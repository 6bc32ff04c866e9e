"""A kept picture is the picture, and whatever lies in its file does no harm."""

import pytest

from media.errors import PacketError
from media.still import from_jpeg, to_jpeg
from tests.media.pictures import numbered


def test_a_picture_comes_back_as_it_was() -> None:
    seen = numbered(1)
    jpeg = to_jpeg(seen)
    assert jpeg.startswith(b"\xff\xd8\xff")
    back = from_jpeg(jpeg, 5.0)
    assert (back.width, back.height, back.taken) == (seen.width, seen.height, 5.0)
    differences = [abs(one - other) for one, other in zip(bytes(seen.data), bytes(back.data), strict=True)]
    assert sum(differences) / len(differences) < 6


@pytest.mark.parametrize("data", [b"", b"no picture" * 20, to_jpeg(numbered(1))[:60]])
def test_bytes_that_are_no_picture_are_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(PacketError, match=f"these {len(data)} bytes"):
        from_jpeg(data)
