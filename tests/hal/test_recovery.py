"""Devices that go away in a call, on the test's own time."""

import queue
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from hal.drawing import no_picture
from hal.errors import BackendNotFound, DeviceLost, DeviceUnavailable, HalError
from hal.mock import MockCamera, MockMicrophone, MockSpeaker, grey
from hal.recovery import LAST_DELAY, SteadyCamera, SteadyMicrophone, SteadySpeaker, Surroundings
from tests.hal.heard import LIMIT, Heard


@dataclass
class World:
    """Time, threads and chance as the test wants them, and what was reported."""

    now: float = 0.0
    jobs: list[Callable[[], None]] = field(default_factory=list)
    reports: list[tuple[str, str | None]] = field(default_factory=list)

    def around(self) -> Surroundings:
        return Surroundings(lambda: self.now, self.pass_, self.jobs.append, lambda: 0.5)

    def pass_(self, seconds: float) -> None:
        self.now += seconds

    def report(self, name: str, error: HalError | None) -> None:
        self.reports.append((name, str(error) if error else None))

    def run_jobs(self) -> int:
        jobs, self.jobs[:] = list(self.jobs), []
        for job in jobs:
            job()
        return len(jobs)


@pytest.fixture
def world() -> World:
    return World()


def steady(world: World, opener: Callable[[], MockCamera]) -> SteadyCamera:
    return SteadyCamera(opener, world.report, around=world.around())


def test_a_camera_that_works_is_passed_through(world: World) -> None:
    camera = MockCamera()
    kept = steady(world, lambda: camera)
    kept.start(64, 48, 25)
    camera.show(grey(64, 48, 200))
    assert kept.read().data == grey(64, 48, 200).data
    kept.stop()
    assert camera.started is None
    kept.close()
    assert world.reports == []


def test_a_lost_camera_is_reported_once_and_its_place_taken_by_a_still(world: World) -> None:
    camera = MockCamera()
    kept = steady(world, lambda: camera)
    kept.start(64, 48, 25)
    camera.unplug()
    for _ in range(50):
        assert kept.read().data == no_picture(64, 48).data
        world.run_jobs()
    assert world.reports == [("camera", "The fake camera was unplugged.")]
    kept.close()


def test_the_still_comes_at_the_rate_asked_for(world: World) -> None:
    camera = MockCamera()
    camera.unplug()
    kept = steady(world, lambda: camera)
    kept.start(64, 48, 25)
    for _ in range(100):
        kept.read()
    assert world.now == pytest.approx(4.0)
    kept.close()


def test_a_camera_that_comes_back_is_started_again_and_reported_once(world: World) -> None:
    camera = MockCamera()
    kept = steady(world, lambda: camera)
    kept.start(64, 48, 25)
    camera.unplug()
    kept.read()
    camera.plug()
    world.now += 10
    kept.read()
    assert world.run_jobs() == 1
    assert camera.started == (64, 48, 25)
    camera.show(grey(64, 48, 50))
    assert kept.read().data == grey(64, 48, 50).data
    assert world.reports == [("camera", "The fake camera was unplugged."), ("camera", None)]
    kept.close()


def test_a_camera_missing_from_the_start_is_no_error_and_is_tried_again(world: World) -> None:
    camera = MockCamera()
    camera.unplug()
    kept = steady(world, lambda: camera)
    kept.start(64, 48, 25)
    camera.plug()
    world.now += 1
    kept.read()
    world.run_jobs()
    assert [error for _, error in world.reports] == ["The fake camera is unplugged.", None]
    kept.close()


def test_attempts_grow_further_apart_up_to_half_a_minute(world: World) -> None:
    tries: list[float] = []

    def opener() -> MockCamera:
        tries.append(world.now)
        raise DeviceUnavailable("no such camera")

    kept = steady(world, opener)
    kept.start(64, 48, 10)
    while len(tries) < 10:
        kept.read()
        world.run_jobs()
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert gaps == pytest.approx([0.5, 1, 2, 4, 8, 16, 30, 30, 30], abs=0.25)
    assert len(world.reports) == 1
    kept.close()


def test_a_camera_that_fails_as_soon_as_it_is_back_is_not_tried_faster(world: World) -> None:
    camera = MockCamera()
    kept = steady(world, lambda: camera)
    kept.start(64, 48, 25)
    returns: list[float] = []
    for _ in range(5):
        camera.unplug()
        while kept.read().data == no_picture(64, 48).data:
            camera.plug()
            world.run_jobs()
        returns.append(world.now)
    gaps = [later - earlier for earlier, later in pairwise(returns)]
    assert all(later > 1.5 * earlier for earlier, later in pairwise(gaps))
    world.now += LAST_DELAY + 1
    before = world.now
    camera.unplug()
    while kept.read().data == no_picture(64, 48).data:
        camera.plug()
        world.run_jobs()
    assert world.now - before < 1
    kept.close()


def test_pictures_go_on_while_an_attempt_takes_its_time(world: World) -> None:
    camera = MockCamera()
    camera.unplug()
    kept = steady(world, lambda: camera)
    kept.start(64, 48, 25)
    world.now += 5
    for _ in range(100):
        kept.read()
    assert len(world.jobs) == 1
    kept.close()


def test_closing_during_an_attempt_gives_the_device_back(world: World) -> None:
    camera = MockCamera()
    camera.unplug()
    kept = steady(world, lambda: camera)
    kept.start(64, 48, 25)
    world.now += 5
    kept.read()
    camera.plug()
    kept.close()
    kept.close()
    world.run_jobs()
    assert camera.started is None
    with pytest.raises(HalError, match="closed"):
        kept.start(64, 48, 25)


def test_stopping_during_an_attempt_leaves_the_camera_stopped(world: World) -> None:
    calls: list[str] = []
    camera = MockCamera()

    def opener() -> MockCamera:
        calls.append("open")
        if len(calls) == 1:
            raise DeviceUnavailable("not yet")
        kept.stop()
        return camera

    kept = steady(world, opener)
    kept.start(64, 48, 25)
    world.now += 5
    kept.read()
    world.run_jobs()
    assert camera.started is None
    kept.start(32, 32, 10)
    assert camera.started == (32, 32, 10)
    assert calls == ["open", "open"]
    kept.close()


def test_a_mistake_in_the_board_file_is_not_taken_for_a_loss(world: World) -> None:
    def opener() -> MockCamera:
        raise BackendNotFound("camera has no backend 'opencvv'")

    kept = steady(world, opener)
    for _ in range(2):
        with pytest.raises(BackendNotFound):
            kept.start(64, 48, 25)
    assert world.reports == []


def test_reading_before_starting_is_a_mistake(world: World) -> None:
    with pytest.raises(HalError, match="before it was started"):
        steady(world, MockCamera).read()


def test_a_lost_microphone_is_silent_until_it_is_back(world: World) -> None:
    microphone = MockMicrophone()
    kept = SteadyMicrophone(lambda: microphone, world.report, around=world.around())
    kept.start()
    microphone.say(b"ab" * 320)
    assert kept.read(320) == b"ab" * 320
    microphone.unplug()
    assert kept.read(320) == bytes(640)
    microphone.plug()
    world.now += 5
    assert kept.read(320) == bytes(640)
    world.run_jobs()
    microphone.say(b"cd" * 320)
    assert kept.read(320) == b"cd" * 320
    kept.stop()
    assert not microphone.running
    kept.close()
    assert world.reports == [("microphone", "The fake microphone was unplugged."), ("microphone", None)]


def test_a_lost_speaker_may_be_written_to_until_it_is_back(world: World) -> None:
    speaker = MockSpeaker()
    kept = SteadySpeaker(lambda: speaker, world.report, around=world.around())
    kept.start()
    kept.write(b"ab" * 320)
    speaker.unplug()
    kept.write(b"cd" * 320)
    speaker.plug()
    world.now += 5
    kept.write(b"ef" * 320)
    world.run_jobs()
    kept.write(b"gh" * 320)
    assert speaker.heard == b"ab" * 320 + b"gh" * 320
    kept.stop()
    assert not speaker.running
    kept.close()
    assert world.reports == [("speaker", "The fake speaker was unplugged."), ("speaker", None)]


def test_the_device_is_brought_back_by_a_thread_of_its_own() -> None:
    camera, reports = MockCamera(), Heard()
    clock = iter(range(0, 100_000, 10))
    around = Surroundings(clock=lambda: float(next(clock)), wait=lambda seconds: None)
    kept = SteadyCamera(lambda: camera, reports, around=around)
    kept.start(64, 48, 25)
    camera.unplug()
    kept.read()
    assert isinstance(reports.next()[1], DeviceLost)
    camera.plug()
    told: queue.Queue[object] = reports._told
    for _ in range(int(LIMIT * 1000)):
        kept.read()
        if not told.empty():
            break
    assert reports.next() == ("camera", None)
    kept.close()
