"""A display on a Linux framebuffer (/dev/fb0), without a desktop: words and picture drawn by `hal.drawing`."""

import fcntl
import logging
import mmap
import os
import struct
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from hal.camera import Picture
from hal.display import Scene
from hal.drawing import render
from hal.errors import DeviceUnavailable, HalError

log = logging.getLogger(__name__)

# linux/fb.h: ioctls, and the leading fields of fb_var_screeninfo and fb_fix_screeninfo.
_GET_VARIABLE, _GET_FIXED = 0x4600, 0x4602
_VARIABLE, _FIXED = struct.Struct("8I3I"), struct.Struct("16sL4I3HI")
_INFO_BYTES = 256

PIXELS = {(16, 11): "RGB565", (24, 0): "RGB", (24, 16): "BGR", (32, 0): "RGBX", (32, 16): "BGRX"}
"""The order of a pixel's bytes in memory, by bits per pixel and the bit at which red begins."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the pixels lie in memory; `stride` is bytes per line, `red` the bit at which red begins."""

    width: int
    height: int
    bits: int
    stride: int
    red: int

    def pack(self, image: Image.Image) -> bytes:
        """An RGB image of this size as lines of `stride` bytes."""
        line = self.width * self.bits // 8
        order = PIXELS[self.bits, self.red]
        pixels = rgb565(image) if order == "RGB565" else image.tobytes("raw", order)
        if line == self.stride:
            return pixels
        gap = bytes(self.stride - line)
        return b"".join(pixels[at : at + line] + gap for at in range(0, len(pixels), line))


class FramebufferDisplay:
    """Draws on `device`. Size and pixels are asked of the driver.

    `width`, `height`, `bits` (16: RGB565, 32: XRGB8888) describe a device that cannot be asked, such as a plain file.
    A thread of its own draws the newest scene and picture; what came in between is never drawn.
    """

    def __init__(self, device: str = "/dev/fb0", width: int = 0, height: int = 0, bits: Literal[0, 16, 32] = 0) -> None:
        self._memory, self._layout = _open(Path(device), width, height, bits)
        self._changed = threading.Condition()
        self._scene: Scene | None = None
        self._picture: Picture | None = None
        self._dirty = self._closed = False
        self._thread = threading.Thread(target=self._draw, name="display", daemon=True)
        self._thread.start()

    def show(self, scene: Scene) -> None:
        """Show these words; a scene that is not live also removes the picture."""
        with self._changed:
            self._scene = scene
            self._picture = self._picture if scene.live else None
            self._wake()

    def picture(self, picture: Picture) -> None:
        """Show this picture, if the scene is live; never blocks."""
        with self._changed:
            if self._scene is not None and self._scene.live:
                self._picture = picture
                self._wake()

    def close(self) -> None:
        """Dark; twice does no harm."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._wake()
        self._thread.join()
        self._memory[:] = bytes(len(self._memory))
        self._memory.close()

    def _wake(self) -> None:
        self._dirty = True
        self._changed.notify()

    def _draw(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._dirty)
                self._dirty = False
                if self._closed:
                    return
                scene, picture = self._scene, self._picture
            if scene is not None:
                self._paint(scene, picture)

    def _paint(self, scene: Scene, picture: Picture | None) -> None:
        try:
            image = render(scene, picture, (self._layout.width, self._layout.height))
        except ValueError as error:
            log.warning("The display was given what it cannot draw: %s.", error)
            return
        pixels = self._layout.pack(image)
        self._memory[: len(pixels)] = pixels


def rgb565(image: Image.Image) -> bytes:
    """An RGB image as 16 bits per pixel, little-endian, red in the upper five bits."""
    import numpy as np

    red, green, blue = (np.asarray(plane).astype("<u2") for plane in image.split())
    red &= 0xF8
    red <<= 8
    green &= 0xFC
    green <<= 3
    blue >>= 3
    packed: bytes = (red | green | blue).tobytes()
    return packed


def _open(device: Path, width: int, height: int, bits: int) -> tuple[mmap.mmap, Layout]:
    try:
        descriptor = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise DeviceUnavailable(f"The display {device} cannot be opened: {error.strerror}.") from error
    try:
        layout = _ask(descriptor) or _told(device, width, height, bits)
        return mmap.mmap(descriptor, layout.stride * layout.height), layout
    except (OSError, ValueError) as error:
        if isinstance(error, HalError):
            raise
        raise DeviceUnavailable(f"The display {device} cannot be mapped: {error}.") from error
    finally:
        os.close(descriptor)


def _ask(descriptor: int) -> Layout | None:
    """What the driver says; None if this is no framebuffer."""
    variable, fixed = bytearray(_INFO_BYTES), bytearray(_INFO_BYTES)
    try:
        fcntl.ioctl(descriptor, _GET_VARIABLE, variable)
        fcntl.ioctl(descriptor, _GET_FIXED, fixed)
    except OSError:
        return None
    return layout_of(bytes(variable), bytes(fixed))


def layout_of(variable: bytes, fixed: bytes) -> Layout:
    """From fb_var_screeninfo and fb_fix_screeninfo. Raises DeviceUnavailable for pixels that cannot be drawn."""
    width, height, _, _, _, _, bits, _, red, _, _ = _VARIABLE.unpack_from(variable)
    stride = _FIXED.unpack_from(fixed)[-1]
    return _checked(Layout(width, height, bits, stride, red))


def _told(device: Path, width: int, height: int, bits: int) -> Layout:
    if not (width and height and bits):
        raise DeviceUnavailable(f"{device} is no framebuffer, and width, height and bits do not say what else it is.")
    return _checked(Layout(width, height, bits, width * bits // 8, 11 if bits == 16 else 16))


def _checked(layout: Layout) -> Layout:
    if (layout.bits, layout.red) not in PIXELS:
        raise DeviceUnavailable(
            f"A display with {layout.bits} bits per pixel, red from bit {layout.red}, is not known."
        )
    if layout.width < 64 or layout.height < 64:
        raise DeviceUnavailable(f"A display of {layout.width} x {layout.height} is too small; it needs 64 x 64.")
    return layout
