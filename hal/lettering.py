"""Fonts for the words on a screen, and words that fit a width."""

from functools import lru_cache

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

LATIN = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf")
LATIN_BOLD = ("DejaVuSans-Bold.ttf", "NotoSans-Bold.ttf", "LiberationSans-Bold.ttf")
EAST_ASIAN = ("NotoSansCJK-Regular.ttc", "wqy-microhei.ttc", "wqy-zenhei.ttc", "DroidSansFallbackFull.ttf")
_FIRST_EAST_ASIAN = 0x2E80


def font(size: int, text: str, bold: bool = False) -> Font:
    """A font of `size` pixels that has the letters of `text`, as far as the system's fonts go."""
    east_asian = any(ord(letter) >= _FIRST_EAST_ASIAN for letter in text)
    return _load(size, bold, east_asian)


@lru_cache(maxsize=32)
def _load(size: int, bold: bool, east_asian: bool) -> Font:
    names = (EAST_ASIAN if east_asian else ()) + (LATIN_BOLD if bold else ()) + LATIN
    for name in names:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)  # Pillow's own, so that a bare system shows words too


def text_width(text: str, letters: Font) -> float:
    """How many pixels wide `text` is."""
    return letters.getlength(text)


def fitted(text: str, letters: Font, width: float) -> str:
    """`text`, shortened with an ellipsis until it is at most `width` pixels wide."""
    if text_width(text, letters) <= width:
        return text
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if text_width(text[:middle] + "…", letters) <= width:
            fits = middle
        else:
            too_long = middle
    return text[:fits].rstrip() + "…"
