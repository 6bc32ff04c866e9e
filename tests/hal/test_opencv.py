"""The camera by OpenCV: files, a network camera, and a capture in the test's hand."""

import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, cast

import cv2
import numpy as np
import pytest

from hal import opencv
from hal.camera import Picture
from hal.errors import DeviceLost, DeviceUnavailable, HalError
from hal.opencv import Fit, Grabber, OpenCvCamera, described, fitted
from tests.hal.heard import LIMIT
from tests.hal.rtsp import rtsp_camera


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Ten frames of 96x64 at 50 a second, each lighter than the one before."""
    path = str(tmp_path_factory.mktemp("clip") / "clip.avi")
    writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 50, (96, 64))
    for number in range(10):
        writer.write(np.full((64, 96, 3), 20 + 20 * number, np.uint8))
    writer.release()
    return path


def luma(picture: Picture) -> float:
    """Mean of the middle of the luma plane."""
    plane = np.frombuffer(picture.data, np.uint8)[: picture.width * picture.height]
    return float(plane.reshape(picture.height, picture.width)[picture.height // 2].mean())


def read_all(camera: OpenCvCamera) -> None:
    """Read until the camera is lost, at most a thousand pictures."""
    for _ in range(1000):
        camera.read()


def test_a_file_is_delivered_as_i420_at_the_size_asked_for(clip: str) -> None:
    camera = OpenCvCamera(clip)
    camera.start(48, 32, 25)
    pictures = [camera.read() for _ in range(4)]
    camera.close()
    assert {(picture.width, picture.height, len(picture.data)) for picture in pictures} == {(48, 32, 48 * 32 * 3 // 2)}
    assert all(picture.data.contiguous for picture in pictures if isinstance(picture.data, memoryview))
    brightness = [luma(picture) for picture in pictures]
    assert brightness[0] == pytest.approx(16 + 20 * 219 / 255, abs=3)
    assert brightness == sorted(brightness)


def test_pictures_come_no_faster_than_asked_for(clip: str) -> None:
    camera = OpenCvCamera(clip)
    camera.start(96, 64, 5)
    taken = [camera.read().taken for _ in range(4)]
    camera.close()
    assert min(np.diff(taken)) > 0.4 / 5


def test_a_file_begins_again_at_its_end(clip: str) -> None:
    camera = OpenCvCamera(clip)
    camera.start(96, 64, 50)
    brightness = [luma(camera.read()) for _ in range(25)]
    camera.close()
    assert any(later < earlier for earlier, later in pairwise(brightness))


def test_a_file_that_is_not_to_begin_again_is_lost_at_its_end(clip: str) -> None:
    camera = OpenCvCamera(clip, loop=False)
    camera.start(96, 64, 50)
    with pytest.raises(DeviceLost, match=r"clip\.avi delivers no more pictures"):
        read_all(camera)
    camera.start(96, 64, 50)
    assert len(camera.read().data) == 96 * 64 * 3 // 2
    camera.close()


@pytest.mark.parametrize(
    ("rotate", "corner"), [(0, "top left"), (90, "top right"), (180, "bottom right"), (270, "bottom left")]
)
def test_a_camera_that_hangs_sideways_is_turned(tmp_path: Path, rotate: Literal[0, 90, 180, 270], corner: str) -> None:
    path = str(tmp_path / "still.png")
    image = np.zeros((64, 64, 3), np.uint8)
    image[:32, :32] = 255
    cv2.imwrite(path, image)
    camera = OpenCvCamera(path, rotate=rotate)
    camera.start(64, 64, 25)
    plane = np.frombuffer(camera.read().data, np.uint8)[: 64 * 64].reshape(64, 64)
    camera.close()
    lit = {
        f"{vertical} {horizontal}"
        for vertical, y in (("top", 8), ("bottom", 56))
        for horizontal, x in (("left", 8), ("right", 56))
        if plane[y, x] > 200
    }
    assert lit == {corner}


def stripes(height: int, width: int) -> Any:
    """Dark left, grey middle, light right, a third each."""
    frame = np.zeros((height, width, 3), np.uint8)
    frame[:, width // 3 : 2 * width // 3] = 100
    frame[:, 2 * width // 3 :] = 200
    return frame


@pytest.mark.parametrize("shape", [(90, 160), (160, 90), (48, 64), (479, 641)])
@pytest.mark.parametrize("fit", ["crop", "letterbox"])
def test_every_shape_fits_the_size_asked_for(shape: tuple[int, int], fit: Fit) -> None:
    assert fitted(stripes(*shape), 64, 48, fit).shape == (48, 64, 3)


def test_crop_cuts_the_sides_and_letterbox_adds_bars() -> None:
    wide = stripes(30, 90)
    cut = fitted(wide, 30, 30, "crop")
    assert cut[:, 3:-3].min() == cut[:, 3:-3].max() == 100
    whole = fitted(wide, 30, 30, "letterbox")
    assert (whole[15, 2, 0], whole[15, 15, 0], whole[15, 28, 0]) == (0, 100, 200)
    assert whole[:9].max() == whole[21:].max() == 0


def test_a_frame_that_already_fits_is_not_copied() -> None:
    frame = stripes(48, 64)
    assert fitted(frame, 64, 48, "crop") is frame


class Capture:
    """cv2.VideoCapture as a driver would make it behave; `steps` lets frames through."""

    def __init__(self) -> None:
        self.steps = threading.Semaphore(0)
        self.grabbed = self.decoded = 0
        self.gone = self.released = False

    def grab(self) -> bool:
        self.steps.acquire(timeout=LIMIT)
        self.grabbed += not self.gone
        return not self.gone

    def retrieve(self) -> tuple[bool, Any]:
        self.decoded += 1
        return True, np.full((2, 2, 3), self.grabbed, np.uint8)

    def release(self) -> None:
        self.released = True


@pytest.fixture
def capture() -> Capture:
    return Capture()


@pytest.fixture
def grabber(capture: Capture) -> Iterator[Grabber]:
    grabber = Grabber(cast(cv2.VideoCapture, capture), 1000, None, "Camera 0")
    yield grabber
    capture.gone = True
    capture.steps.release(1000)
    grabber.stop()


def wait_until(condition: Any) -> None:
    pause = threading.Event()
    for _ in range(int(LIMIT * 100)):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it never happened")


def test_a_slow_reader_gets_the_newest_picture_and_no_old_one(capture: Capture, grabber: Grabber) -> None:
    for number in range(1, 6):
        capture.steps.release()
        wait_until(lambda number=number: capture.decoded == number)
    wait_until(lambda: grabber._frame is not None and grabber._frame[0, 0, 0] == 5)
    assert grabber.next()[0][0, 0, 0] == 5
    capture.steps.release()
    assert grabber.next()[0][0, 0, 0] == 6


def test_a_camera_that_is_unplugged_is_lost_and_released(capture: Capture, grabber: Grabber) -> None:
    capture.gone = True
    capture.steps.release()
    with pytest.raises(DeviceLost, match="Camera 0 delivers no more pictures"):
        grabber.next()
    wait_until(lambda: capture.released)


def test_a_camera_that_hangs_is_lost(grabber: Grabber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opencv, "_PATIENCE", 0.05)
    with pytest.raises(DeviceLost, match="no picture for a second"):
        grabber.next()


def test_a_network_camera_is_shown_and_lost_when_it_goes() -> None:
    with rtsp_camera(luma=150) as server:
        camera = OpenCvCamera(server.url)
        camera.start(48, 32, 25)
        assert luma(camera.read()) == pytest.approx(150, abs=8)
        server.unplug()
        with pytest.raises(DeviceLost, match="Camera rtsp://127"):
            read_all(camera)
        camera.close()


def test_a_network_camera_that_is_not_there_is_unavailable_and_its_password_secret(free_port: int) -> None:
    camera = OpenCvCamera(f"rtsp://door:hunter2@127.0.0.1:{free_port}/live")
    with pytest.raises(DeviceUnavailable, match=r"rtsp://\*\*\*@127\.0\.0\.1") as refused:
        camera.start(48, 32, 25)
    assert "hunter2" not in str(refused.value)
    camera.close()


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (0, "Camera 0"),
        ("/dev/video2", "Camera /dev/video2"),
        ("rtsp://host/live", "Camera rtsp://host/live"),
        ("rtsp://me:p@ss@host:554/live?a=b", "Camera rtsp://***@host:554/live?a=b"),
    ],
)
def test_a_source_has_a_name_without_secrets(source: int | str, name: str) -> None:
    assert described(source) == name


@pytest.mark.parametrize("source", [97, "/dev/video97", "nowhere.mp4"])
def test_what_is_not_there_is_unavailable(source: int | str) -> None:
    with pytest.raises(DeviceUnavailable, match="does not exist"):
        OpenCvCamera(source)


def test_a_file_without_pictures_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no pictures here")
    camera = OpenCvCamera(str(path))
    with pytest.raises(DeviceUnavailable, match="no pictures that can be decoded"):
        camera.start(48, 32, 25)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"fit": "stretch"}, "crop or letterbox"),
        ({"rotate": 45}, "0, 90, 180, 270"),
        ({"fourcc": "JPEGS"}, "four letters"),
    ],
)
def test_impossible_options_are_refused(clip: str, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        OpenCvCamera(clip, **options)


def test_an_unstarted_closed_or_odd_camera_is_a_mistake(clip: str) -> None:
    camera = OpenCvCamera(clip)
    with pytest.raises(HalError, match="before it was started"):
        camera.read()
    with pytest.raises(ValueError, match="even sides"):
        camera.start(47, 32, 25)
    camera.close()
    with pytest.raises(HalError, match="closed"):
        camera.start(48, 32, 25)
