"""Draws what a display shows: the live picture, and a bar of words and buttons below it. Converts I420 from and to RGB.

Colours are BT.601 with studio range (luma 16-235), as cameras and H.264 at these sizes have it.
"""

import time
from functools import lru_cache

from PIL import Image, ImageDraw

from hal.camera import Picture
from hal.display import Scene
from hal.lettering import fitted, font, text_width

Size = tuple[int, int]
Box = tuple[int, int, int, int]
Colour = tuple[int, int, int]

NIGHT: Colour = (13, 17, 23)
BAR: Colour = (24, 31, 42)
EDGE: Colour = (52, 64, 82)
WHITE: Colour = (245, 247, 250)
GREY: Colour = (160, 172, 188)
BLACK: Colour = (0, 0, 0)
GREEN: Colour = (22, 138, 74)
RED: Colour = (200, 48, 56)
BLUE: Colour = (38, 99, 214)
SLATE: Colour = (66, 80, 101)

BUTTONS: dict[str, tuple[str, Colour]] = {
    "answer": ("Answer", GREEN),
    "decline": ("Decline", RED),
    "unlock": ("Unlock", BLUE),
    "hangup": ("Hang up", RED),
    "mute": ("Mute", SLATE),
    "dnd": ("Do not disturb", SLATE),
    "call": ("Call", GREEN),
    "guard": ("Call the guard", GREEN),
    "emergency": ("Emergency", RED),
    "callback": ("Call back", GREEN),
    "transfer": ("Transfer", BLUE),
    "history": ("Calls", SLATE),
    "messages": ("Messages", SLATE),
    "play": ("Play", GREEN),
    "delete": ("Delete", RED),
    "monitor": ("Monitor", SLATE),
    "snapshot": ("Snapshot", BLUE),
    "record": ("Record", RED),
}
"""The words and the colour of each action of a scene."""

_SMOOTH = 4
_SMALLEST = 5
"""Unit of buttons that nobody could read any smaller."""
_Y_FULL = [min(255, max(0, round((y - 16) * 255 / 219))) for y in range(256)]
_C_FULL = [min(255, max(0, round((c - 128) * 255 / 224 + 128))) for c in range(256)]
_Y_STUDIO = [round(y * 219 / 255 + 16) for y in range(256)]
_C_STUDIO = [round((c - 128) * 224 / 255 + 128) for c in range(256)]


# --- pictures -------------------------------------------------------------------------------------------------------


def to_image(picture: Picture, size: Size | None = None) -> Image.Image:
    """`picture` as RGB, scaled to `size` if given. Raises ValueError if its data does not fit its width and height."""
    width, height = picture.width, picture.height
    data = memoryview(picture.data).cast("B")
    luma, chroma = width * height, width * height // 4
    if len(data) != luma + 2 * chroma:
        raise ValueError(f"an I420 picture of {width}x{height} has {luma + 2 * chroma} bytes, not {len(data)}")
    half, target = (width // 2, height // 2), size or (width, height)
    y = _plane(data[:luma], (width, height), _Y_FULL, target)
    u = _plane(data[luma : luma + chroma], half, _C_FULL, target)
    v = _plane(data[luma + chroma :], half, _C_FULL, target)
    return Image.merge("YCbCr", (y, u, v)).convert("RGB")


def to_i420(image: Image.Image) -> bytes:
    """An RGB image with even sides as the bytes of an I420 picture. Raises ValueError for odd sides."""
    if image.width % 2 or image.height % 2:
        raise ValueError(f"I420 needs even sides, not {image.width}x{image.height}")
    y, u, v = image.convert("YCbCr").split()
    half = (image.width // 2, image.height // 2)
    chroma = [plane.resize(half, Image.Resampling.BOX).point(_C_STUDIO).tobytes() for plane in (u, v)]
    return b"".join((y.point(_Y_STUDIO).tobytes(), *chroma))


def no_picture(width: int, height: int, words: str = "No picture") -> Picture:
    """What is shown and sent in place of a camera that is gone, taken now."""
    return Picture(width, height, _no_picture(width, height, words), time.monotonic())


@lru_cache(maxsize=64)
def caption(width: int, height: int, words: str) -> Picture:
    """A strip of words, to be put below a picture; both sides even, at least 8 pixels high."""
    image = Image.new("RGB", (width, height), BAR)
    letters = font(max(6, height * 2 // 3), words)
    text = fitted(words, letters, width - height)
    ImageDraw.Draw(image).text((height // 2, height // 2), text, WHITE, letters, "lm")
    return Picture(width, height, to_i420(image), 0.0)


def _plane(data: memoryview, size: Size, table: list[int], target: Size) -> Image.Image:
    whole = Image.frombuffer("L", size, data, "raw", "L", 0, 1)  # type: ignore[arg-type]  # it takes any buffer
    plane = whole.point(table)
    return plane if size == target else plane.resize(target, Image.Resampling.BILINEAR)


@lru_cache(maxsize=4)
def _no_picture(width: int, height: int, words: str) -> bytes:
    image = Image.new("RGB", (width, height), NIGHT)
    unit = min(width, height) // 16
    middle = (width // 2, height // 2 - unit)
    _paste_shape(image, _crossed_camera(unit), (middle[0] - 4 * unit, middle[1] - 3 * unit), GREY)
    if words:
        letters = font(max(10, unit * 3 // 2), words)
        ImageDraw.Draw(image).text((middle[0], middle[1] + 4 * unit), words, WHITE, letters, "mm")
    return to_i420(image)


def _crossed_camera(unit: int) -> Image.Image:
    """A mask, 8 x 6 units, of a video camera struck through."""
    step = unit * _SMOOTH
    mask = Image.new("L", (8 * step, 6 * step), 0)
    draw = ImageDraw.Draw(mask)
    draw.rounded_rectangle((step // 2, step, 5 * step, 5 * step), step // 2, 255)
    draw.polygon(
        [(5.4 * step, 2.6 * step), (7.5 * step, 1.4 * step), (7.5 * step, 4.6 * step), (5.4 * step, 3.4 * step)], 255
    )
    draw.line((step * 0.7, step * 5.8, step * 7.1, step * 0.4), 0, step)
    draw.line((step * 0.7, step * 5.8, step * 7.1, step * 0.4), 255, step // 3)
    return mask


# --- screens --------------------------------------------------------------------------------------------------------


def render(scene: Scene, picture: Picture | None, size: Size) -> Image.Image:
    """The whole screen of `size` (at least 64 x 64). The live picture fills `video_area` as far as its shape allows."""
    if not scene.live:
        return _words(scene, size).copy()
    screen = Image.new("RGB", size, BLACK)
    bar = _bar(scene, size)
    screen.paste(bar, (0, size[1] - bar.height))
    if picture is not None:
        left, top, right, bottom = picture_box(scene, picture, size)
        screen.paste(to_image(picture, (right - left, bottom - top)), (left, top))
    return screen


def video_area(scene: Scene, size: Size) -> Box:
    """Left, top, right, bottom of the part of a live screen that is left for the picture."""
    return (0, 0, size[0], size[1] - _bar_height(scene, size))


def picture_box(scene: Scene, picture: Picture, size: Size) -> Box:
    """Left, top, right, bottom of where `render` puts the picture: whole, undistorted, in the middle of the area."""
    _, _, width, height = video_area(scene, size)
    scale = min(width / picture.width, height / picture.height)
    shown = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    left, top = (width - shown[0]) // 2, (height - shown[1]) // 2
    return (left, top, left + shown[0], top + shown[1])


def _unit(size: Size) -> int:
    """The height that letters and spaces are measured by."""
    return max(8, min(size[1] // 20, size[0] // 26))


def _bar_height(scene: Scene, size: Size) -> int:
    unit = _unit(size)
    return min(size[1] // 2, unit * (8 if _stacked(scene, size) else 4))


def _stacked(scene: Scene, size: Size) -> bool:
    return _buttons_width(scene, _unit(size)) > size[0] * 0.6


@lru_cache(maxsize=8)
def _bar(scene: Scene, size: Size) -> Image.Image:
    unit, height = _unit(size), _bar_height(scene, size)
    bar = Image.new("RGB", (size[0], height), BAR)
    ImageDraw.Draw(bar).line((0, 0, size[0], 0), EDGE, max(1, unit // 12))
    buttons = _buttons_width(scene, unit)
    if _stacked(scene, size):
        _two_lines(bar, scene, unit, size[0] - 2 * unit)
        _draw_row(bar, scene, unit, height - unit * 13 // 4)
    else:
        _two_lines(bar, scene, unit, size[0] - buttons - 3 * unit)
        _draw_buttons(bar, scene, unit, size[0] - buttons - unit, (height - unit * 5 // 2) // 2)
    return bar


def _two_lines(bar: Image.Image, scene: Scene, unit: int, width: int) -> None:
    _line(bar, scene.title, (unit, unit * (5 if scene.detail else 8) // 4), (unit * 5 // 4, unit, unit * 7 // 8), width)
    if scene.detail:
        detail = font(unit, scene.detail)
        ImageDraw.Draw(bar).text((unit, unit * 3), fitted(scene.detail, detail, width), GREY, detail, "lm")


def _line(image: Image.Image, text: str, at: tuple[int, int], sizes: tuple[int, ...], width: int) -> None:
    """A bold line of the largest of `sizes` that fits; the smallest is shortened if even that does not."""
    fonts = [font(size, text, bold=True) for size in sizes]
    letters = next((each for each in fonts if text_width(text, each) <= width), fonts[-1])
    ImageDraw.Draw(image).text(at, fitted(text, letters, width), WHITE, letters, "lm")


@lru_cache(maxsize=8)
def _words(scene: Scene, size: Size) -> Image.Image:
    """A screen without a picture: the words in the middle, the buttons below."""
    unit, (width, height) = _unit(size), size
    screen = _dusk(size)
    draw = ImageDraw.Draw(screen)
    title, detail = font(unit * 2, scene.title, bold=True), font(unit * 5 // 4, scene.detail)
    middle = height // 2 - (2 * unit if scene.actions else 0)
    draw.text((width // 2, middle - unit), fitted(scene.title, title, width - 2 * unit), WHITE, title, "mm")
    draw.text((width // 2, middle + unit * 3 // 2), fitted(scene.detail, detail, width - 2 * unit), GREY, detail, "mm")
    _draw_row(screen, scene, unit, height - 4 * unit)
    return screen


def _dusk(size: Size) -> Image.Image:
    """A background that is a little lighter towards the bottom."""
    column = Image.new("RGB", (1, 64))
    for step in range(64):
        column.putpixel((0, step), tuple(a + (b - a) * step // 63 for a, b in zip(NIGHT, BAR, strict=True)))
    return column.resize(size, Image.Resampling.BILINEAR)


# --- buttons --------------------------------------------------------------------------------------------------------


def _label(action: str) -> tuple[str, Colour]:
    return BUTTONS.get(action, (action.capitalize(), SLATE))


def _button_width(action: str, unit: int) -> int:
    text = _label(action)[0]
    return round(text_width(text, font(unit, text, bold=True))) + 2 * unit


def _buttons_width(scene: Scene, unit: int) -> int:
    widths = [_button_width(action, unit) for action in scene.actions]
    return sum(widths) + max(0, len(widths) - 1) * unit * 2 // 3


def _draw_row(image: Image.Image, scene: Scene, unit: int, top: int) -> None:
    """All buttons in the middle, smaller where they would not fit."""
    while (width := _buttons_width(scene, unit)) > image.width and unit > _SMALLEST:
        unit -= 1
    _draw_buttons(image, scene, unit, (image.width - width) // 2, top)


def _draw_buttons(image: Image.Image, scene: Scene, unit: int, left: int, top: int) -> None:
    height = unit * 5 // 2
    for action in scene.actions:
        text, colour = _label(action)
        width = _button_width(action, unit)
        _paste_shape(image, _pill(width, height), (left, top), colour)
        letters = font(unit, text, bold=True)
        ImageDraw.Draw(image).text((left + width // 2, top + height // 2), text, WHITE, letters, "mm")
        left += width + unit * 2 // 3


def _pill(width: int, height: int) -> Image.Image:
    mask = Image.new("L", (width * _SMOOTH, height * _SMOOTH), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, mask.width - 1, mask.height - 1), mask.height // 3, 255)
    return mask


def _paste_shape(image: Image.Image, mask: Image.Image, at: tuple[int, int], colour: Colour) -> None:
    small = mask.resize((mask.width // _SMOOTH, mask.height // _SMOOTH), Image.Resampling.BOX)
    image.paste(colour, (*at, at[0] + small.width, at[1] + small.height), small)
