"""What the fakes refuse: input that real hardware would turn into noise, rubbish or a crash."""

import json

from hal.camera import Picture
from hal.errors import HalError
from hal.service_port import Facts


def check_picture(picture: Picture) -> Picture:
    """`picture` if its sides are even and its data is I420 of that size. Raises ValueError."""
    width, height, size = picture.width, picture.height, memoryview(picture.data).nbytes
    if width <= 0 or height <= 0 or width % 2 or height % 2:
        raise ValueError(f"a picture has even sides above 0, not {width}x{height}")
    if size != width * height * 3 // 2:
        raise ValueError(f"an I420 picture of {width}x{height} has {width * height * 3 // 2} bytes, not {size}")
    return picture


def check_sound(sound: bytes) -> None:
    """Raises ValueError for what is not 1 sample to 1 second of s16le mono at 16 kHz."""
    if len(sound) % 2 or not 0 < len(sound) <= 32_000:
        raise ValueError(f"sound has an even number of bytes, at most a second (32000) at once, not {len(sound)}")


def check_facts(facts: Facts) -> None:
    """Raises ValueError for facts that JSON cannot carry."""
    try:
        json.dumps(dict(facts), allow_nan=False)
    except TypeError as error:
        raise ValueError(f"these facts do not fit into JSON: {error}") from error


def check_usable(what: str, closed: bool, running: bool = True) -> None:
    """Raises HalError if a device is used after `close` or before `start`."""
    if closed:
        raise HalError(f"The fake {what} was used after it was closed.")
    if not running:
        raise HalError(f"The fake {what} was used before it was started.")
