"""What holds for every camera."""

import time

import pytest

from hal.camera import Camera
from hal.errors import HalError
from tests.hal.contracts.bench import Bench


@pytest.mark.parametrize("size", [(64, 48), (96, 64)])
def test_pictures_are_i420_of_the_size_asked_for_and_in_order(bench: Bench, size: tuple[int, int]) -> None:
    camera: Camera = bench.device
    camera.start(*size, 25)
    begin = time.monotonic()
    pictures = [camera.read() for _ in range(4)]
    assert {(picture.width, picture.height) for picture in pictures} == {size}
    assert {memoryview(picture.data).nbytes for picture in pictures} == {size[0] * size[1] * 3 // 2}
    taken = [picture.taken for picture in pictures]
    assert taken == sorted(taken)
    assert begin - 5 < taken[0] <= taken[-1] <= time.monotonic()


def test_a_camera_may_be_stopped_and_started_at_another_size(bench: Bench) -> None:
    camera: Camera = bench.device
    camera.start(64, 48, 25)
    camera.read()
    camera.stop()
    camera.stop()
    camera.start(96, 64, 10)
    assert camera.read().width == 96


def test_a_closed_camera_neither_starts_nor_delivers(bench: Bench) -> None:
    camera: Camera = bench.device
    camera.start(64, 48, 25)
    camera.close()
    camera.close()
    with pytest.raises(HalError):
        camera.read()
    with pytest.raises(HalError):
        camera.start(64, 48, 25)
