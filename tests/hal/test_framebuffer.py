"""The display on a framebuffer; a plain file stands for the memory."""

import struct
import threading
from pathlib import Path

import pytest
from PIL import Image

from hal.camera import Picture
from hal.display import Scene
from hal.drawing import render, to_i420
from hal.errors import DeviceUnavailable
from hal.framebuffer import FramebufferDisplay, Layout, layout_of, rgb565
from tests.hal.heard import LIMIT

CALL = Scene("Gate 1 is calling", actions=("answer",), live=True)
RED = Picture(64, 48, to_i420(Image.new("RGB", (64, 48), (220, 20, 20))), 0.0)


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    path = tmp_path / "fb"
    path.write_bytes(bytes(160 * 120 * 4))
    return path


def wait_for(path: Path, pixels: bytes) -> None:
    """Until the display's thread has drawn `pixels`."""
    pause = threading.Event()
    for _ in range(int(LIMIT * 100)):
        if path.read_bytes()[: len(pixels)] == pixels:
            return
        pause.wait(0.01)
    raise AssertionError("the display never showed it")


def test_scene_and_picture_reach_the_memory_and_closing_is_dark(memory: Path) -> None:
    display = FramebufferDisplay(str(memory), 160, 120, 32)
    display.show(CALL)
    wait_for(memory, render(CALL, None, (160, 120)).tobytes("raw", "BGRX"))
    display.picture(RED)
    wait_for(memory, render(CALL, RED, (160, 120)).tobytes("raw", "BGRX"))
    display.show(Scene("Flat 301"))
    wait_for(memory, render(Scene("Flat 301"), None, (160, 120)).tobytes("raw", "BGRX"))
    display.close()
    display.close()
    assert not any(memory.read_bytes())


def test_a_picture_before_its_scene_or_after_it_is_not_shown(memory: Path) -> None:
    display = FramebufferDisplay(str(memory), 160, 120, 32)
    display.picture(RED)
    display.show(CALL)
    wait_for(memory, render(CALL, None, (160, 120)).tobytes("raw", "BGRX"))
    display.close()


def test_a_small_display_has_16_bits(memory: Path) -> None:
    display = FramebufferDisplay(str(memory), 160, 120, 16)
    display.show(CALL)
    wait_for(memory, rgb565(render(CALL, None, (160, 120))))
    display.close()


def test_rubbish_is_logged_and_the_next_picture_shown(memory: Path, caplog: pytest.LogCaptureFixture) -> None:
    display = FramebufferDisplay(str(memory), 160, 120, 32)
    display.show(CALL)
    wait_for(memory, render(CALL, None, (160, 120)).tobytes("raw", "BGRX"))
    display.picture(Picture(64, 48, b"rubbish", 0.0))
    pause = threading.Event()
    for _ in range(int(LIMIT * 100)):
        if "cannot draw" in caplog.text:
            break
        pause.wait(0.01)
    display.picture(RED)
    wait_for(memory, render(CALL, RED, (160, 120)).tobytes("raw", "BGRX"))
    display.close()
    assert caplog.text.count("cannot draw") == 1


def test_rgb565_is_5_6_and_5_bits_little_endian() -> None:
    image = Image.new("RGB", (4, 1))
    for x, colour in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255), (8, 4, 8)]):
        image.putpixel((x, 0), colour)
    assert rgb565(image) == struct.pack("<4H", 0xF800, 0x07E0, 0x001F, 0x0821)


def test_lines_are_as_far_apart_as_the_driver_says() -> None:
    packed = Layout(2, 2, 32, 12, 16).pack(Image.new("RGB", (2, 2), (1, 2, 3)))
    assert packed == (bytes([3, 2, 1, 0]) * 2 + bytes(4)) * 2


def driver_says(width: int, height: int, bits: int, red: int, stride: int) -> tuple[bytes, bytes]:
    """fb_var_screeninfo and fb_fix_screeninfo as linux/fb.h lays them out."""
    variable = struct.pack("8I3I", width, height, width, 2 * height, 0, 0, bits, 0, red, 8, 0)
    fixed = struct.pack("16sL4I3HI", b"vc4drmfb", 0, stride * height, 0, 0, 2, 1, 1, 0, stride)
    return variable.ljust(160, b"\0"), fixed.ljust(80, b"\0")


def test_the_driver_is_asked_for_the_layout(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variable, fixed = driver_says(150, 100, 32, 16, 640)

    def ioctl(descriptor: int, request: int, answer: bytearray) -> int:
        said = {0x4600: variable, 0x4602: fixed}[request]
        answer[: len(said)] = said
        return 0

    monkeypatch.setattr("fcntl.ioctl", ioctl)
    display = FramebufferDisplay(str(memory))
    display.show(CALL)
    wait_for(memory, render(CALL, None, (150, 100)).tobytes("raw", "BGRX")[:600])
    display.close()


def test_pixels_that_are_not_known_are_refused() -> None:
    with pytest.raises(DeviceUnavailable, match="8 bits per pixel"):
        layout_of(*driver_says(640, 480, 8, 0, 640))
    with pytest.raises(DeviceUnavailable, match="too small"):
        layout_of(*driver_says(32, 32, 32, 16, 128))


def test_a_display_that_is_not_there_or_not_described_is_unavailable(memory: Path, tmp_path: Path) -> None:
    with pytest.raises(DeviceUnavailable, match="cannot be opened: No such file"):
        FramebufferDisplay(str(tmp_path / "fb9"))
    with pytest.raises(DeviceUnavailable, match="no framebuffer"):
        FramebufferDisplay(str(memory))
    with pytest.raises(DeviceUnavailable, match="cannot be mapped"):
        FramebufferDisplay(str(memory), 640, 480, 32)
