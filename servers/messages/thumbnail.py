"""A small picture of an item: of a film its first key frame, of a picture the picture."""

import io
from typing import TYPE_CHECKING, cast

from servers.messages.errors import MessageError
from servers.messages.items import Item
from servers.messages.label import Sort
from servers.messages.sealed import Sealed

if TYPE_CHECKING:  # loaded when the first one is made
    from PIL.Image import Image

WIDTH, HEIGHT = 320, 240
LARGEST_PIXELS = 4096 * 4096
QUALITY = 80
HEAD = 4 << 20
"""Bytes of a film in which its first key frame is looked for."""


def thumbnail_of(item: Item, content: Sealed) -> bytes:
    """JPEG of at most `WIDTH` x `HEIGHT`. Raises MessageError for what shows nothing. Takes some 50 ms."""
    from PIL import Image as Pillow

    try:
        if item.sort is Sort.PICTURE:
            picture: Image = Pillow.open(io.BytesIO(b"".join(content.read())), formats=["JPEG"])
        else:
            picture = _first_frame(b"".join(content.read(0, HEAD)))
        if picture.width * picture.height > LARGEST_PIXELS:
            raise MessageError(f"{item.id} is too large for a thumbnail")
        picture.thumbnail((WIDTH, HEIGHT))
        file = io.BytesIO()
        picture.convert("RGB").save(file, "JPEG", quality=QUALITY)
    except (OSError, ValueError, Pillow.DecompressionBombError) as error:  # PyAV's errors are OSError or ValueError
        raise MessageError(f"{item.id} shows nothing: {error}") from error
    return file.getvalue()


def _first_frame(head: bytes) -> "Image":
    import av

    with av.open(io.BytesIO(head), "r", format="mp4") as film:
        if not film.streams.video:
            raise MessageError("this film has no picture")
        stream = film.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        for frame in film.decode(stream):
            return cast("Image", frame.to_image())  # type: ignore[no-untyped-call]
    raise MessageError("this film has no key frame")
