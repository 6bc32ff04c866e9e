"""The camera on a Pi's connector, over a stand-in for picamera2 that needs no Pi."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from hal.errors import DeviceLost, DeviceUnavailable, HalError
from hal.mock import grey
from hal.picamera2 import PiCamera, without_padding


class StandIn:
    """As much of picamera2.Picamera2 as is used, with lines `STRIDE` bytes apart."""

    STRIDE = 64
    opened: "list[StandIn]" = []  # noqa: RUF012 - emptied by the fixture

    def __init__(self, number: int) -> None:
        if number:
            raise IndexError("list index out of range")
        self.running = self.closed = self.gone = False
        self.released = 0
        self.asked: dict[str, Any] = {}
        StandIn.opened.append(self)

    def create_video_configuration(self, **asked: Any) -> dict[str, Any]:
        return asked

    def configure(self, asked: dict[str, Any]) -> None:
        if asked["main"]["size"][0] > 1920:
            raise RuntimeError("cannot allocate buffers")
        self.asked = asked

    def camera_configuration(self) -> dict[str, Any]:
        return {"main": {**self.asked["main"], "stride": self.STRIDE}}

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False

    def close(self) -> None:
        self.closed = True

    def capture_request(self, wait: float) -> "StandIn":
        if self.gone:
            raise TimeoutError(f"no picture for {wait} s")
        return self

    def make_buffer(self, stream: str) -> bytes:
        width, height = 48, 32
        if self.asked["main"]["size"] != (width, height):
            width, height = 64, 48
        luma = (b"\x10" * width).ljust(self.STRIDE, b"x") * height
        chroma = (b"\x80" * (width // 2)).ljust(self.STRIDE // 2, b"x") * height
        return luma + chroma

    def get_metadata(self) -> dict[str, int]:
        return {"SensorTimestamp": 12_500_000_000}

    def release(self) -> None:
        self.released += 1


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    StandIn.opened.clear()
    monkeypatch.setitem(sys.modules, "picamera2", SimpleNamespace(Picamera2=StandIn))


def test_pictures_come_as_i420_of_the_size_and_rate_asked_for() -> None:
    camera = PiCamera()
    camera.start(48, 32, 25)
    picture = camera.read()
    assert (picture.width, picture.height, picture.taken) == (48, 32, 12.5)
    assert bytes(picture.data) == b"\x10" * (48 * 32) + b"\x80" * (48 * 16)
    board = StandIn.opened[0]
    assert board.asked["main"] == {"size": (48, 32), "format": "YUV420"}
    assert board.asked["controls"] == {"FrameDurationLimits": (40_000, 40_000)}
    assert board.released == 1
    camera.close()
    camera.close()
    assert (board.running, board.closed) == (False, True)


def test_a_camera_that_stops_delivering_is_lost_and_can_be_started_again() -> None:
    camera = PiCamera()
    camera.start(64, 48, 25)
    StandIn.opened[0].gone = True
    with pytest.raises(DeviceLost, match="no more pictures"):
        camera.read()
    StandIn.opened[0].gone = False
    camera.start(64, 48, 25)
    assert len(camera.read().data) == 64 * 48 * 3 // 2
    camera.close()


def test_what_is_not_there_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeviceUnavailable, match="no camera 3"):
        PiCamera(3)
    camera = PiCamera()
    with pytest.raises(DeviceUnavailable, match="2592x1944@25: cannot allocate"):
        camera.start(2592, 1944, 25)
    camera.close()
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(DeviceUnavailable, match="needs picamera2"):
        PiCamera()


def test_a_closed_or_unstarted_camera_is_a_mistake() -> None:
    camera = PiCamera()
    with pytest.raises(HalError, match="before it was started"):
        camera.read()
    camera.close()
    with pytest.raises(HalError, match="closed"):
        camera.start(64, 48, 25)


def test_a_picture_without_gaps_is_not_copied() -> None:
    data = bytearray(grey(64, 48).data)
    tight = without_padding(data, 64, 48, 64)
    data[0] = 7
    assert (tight[0], len(tight)) == (7, 64 * 48 * 3 // 2)


def test_a_short_picture_is_a_loss() -> None:
    with pytest.raises(DeviceLost, match="10 bytes, too few for 64x48"):
        without_padding(bytes(10), 64, 48, 64)
