"""Snapshot: a picture as a JPEG with time and place written into it."""

from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING

from hal.camera import Picture
from media.frames import to_frame

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

QUALITY = 85
FONTS = ("NotoSansCJK-Regular.ttc", "wqy-microhei.ttc", "DejaVuSans.ttf")
"""Fonts that write most places' names, the first one that is installed; without any Pillow's own (Latin) font."""


def snapshot(picture: Picture, place: str, when: datetime) -> bytes:
    """`picture` as JPEG, below it in the picture `place` and `when` (its own time zone). Raises PacketError."""
    from PIL import ImageDraw

    image = to_frame(picture).to_image()  # type: ignore[no-untyped-call]
    height = max(18, picture.height // 16)
    font = _font(round(height * 0.62))
    draw = ImageDraw.Draw(image, "RGBA")
    draw.rectangle((0, picture.height - height, picture.width, picture.height), fill=(0, 0, 0, 150))
    middle = picture.height - height / 2
    draw.text((height * 0.4, middle), place, font=font, fill="white", anchor="lm")
    time = f"{when:%Y-%m-%d %H:%M:%S %Z}".rstrip()
    draw.text((picture.width - height * 0.4, middle), time, font=font, fill="white", anchor="rm")
    jpeg = BytesIO()
    image.save(jpeg, "JPEG", quality=QUALITY)
    return jpeg.getvalue()


def _font(size: int) -> "FreeTypeFont | ImageFont":
    from PIL import ImageFont

    for name in FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)
