"""Two homes that both have a camera see each other (H1); a device without one is seen by nobody."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from endpoints.config.site import Video
from endpoints.resident.compose import compose
from endpoints.screens.app import ScreenApp
from endpoints.screens.own_picture import OwnPicture
from endpoints.screens.screen import Screen
from endpoints.sip.agent import CallId
from hal.display import Scene
from hal.mock import MockCamera, MockDisplay
from media.description import VideoMedia
from tests.endpoints.app_bench import Bench, bench, site_file
from tests.endpoints.screens.test_app import SITE, press

HERE = "sip:127.0.0.1:5060"
VIDEO = Video(width=320, height=240)


@dataclass
class Neighbour:
    """Another home's screen."""

    screen: Screen
    display: MockDisplay
    camera: MockCamera


@pytest.fixture
def neighbour() -> Iterator[Neighbour]:
    display, camera = MockDisplay(), MockCamera()
    display.show(Scene("Neighbour", live=True))
    screen = Screen(display, "127.0.0.1", True, OwnPicture(camera, VIDEO))
    screen.prepare()
    yield Neighbour(screen, display, camera)
    screen.close()


@pytest.fixture
def hall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench[ScreenApp]]:
    site = site_file(tmp_path, SITE + "[video]\nwidth = 320\nheight = 240\n")
    with bench("indoor-unit", compose, site, monkeypatch) as made:
        made.agent.register()
        made.settle()
        yield made


def camera_is_on(hall: Bench[ScreenApp]) -> bool:
    return "camera" in hall.devices and hall.devices["camera"].started is not None


def section(hall: Bench[ScreenApp], command: str) -> VideoMedia:
    """Our part of the session description that the agent was given."""
    video = hall.agent.sent(command)[-1].arguments["video"]
    assert isinstance(video, VideoMedia)
    return video


def visit(hall: Bench[ScreenApp], offer: VideoMedia) -> CallId:
    call = hall.agent.incoming("sip:302@home.example", "Family Rossi", "s9", offer)
    hall.settle()
    return call


@pytest.mark.flow("H1")
def test_both_see_each_other_and_no_camera_is_on_before_the_answer(
    hall: Bench[ScreenApp], neighbour: Neighbour
) -> None:
    offer = neighbour.screen.offer(HERE)
    assert offer is not None
    assert (offer.direction, offer.key is not None) == ("sendrecv", True)
    call = visit(hall, offer)
    ours = section(hall, "ring")
    assert (ours.direction, camera_is_on(hall)) == ("sendrecv", False)
    neighbour.screen.branch("hall", ours)
    hall.wait(lambda: hall.devices["display"].shown is not None, "the neighbour while it rings")
    assert not camera_is_on(hall)
    press(hall, "answer")
    neighbour.screen.move(ours, "hall")
    hall.agent.answered(call, "hall", offer)
    hall.settle()
    hall.wait(lambda: neighbour.display.shown is not None, "the hall at the neighbour's")
    assert camera_is_on(hall)
    hall.agent.end(call)
    hall.settle()
    hall.wait(lambda: not camera_is_on(hall), "the camera off")


@pytest.mark.flow("H1")
def test_our_own_call_shows_us_to_who_rings_and_sees_who_answers(hall: Bench[ScreenApp], neighbour: Neighbour) -> None:
    hall.wait(lambda: hall.app.screen.able, "the decoder")
    hall.devices["keypad"].type("302#")
    hall.settle()
    offer, call = section(hall, "call"), hall.agent.sent("call")[0].call
    assert offer.direction == "sendrecv"
    answer = neighbour.screen.watch(offer)
    assert answer is not None
    hall.agent.early_media(call, "neighbour", answer)
    hall.settle()
    hall.wait(lambda: neighbour.display.shown is not None, "the hall while it rings at the neighbour's")
    neighbour.screen.move(offer, "hall")
    hall.agent.answered(call, "neighbour", answer)
    hall.settle()
    hall.wait(lambda: hall.devices["display"].shown is not None, "the neighbour after the answer")


def test_a_door_never_sees_who_opens_it(hall: Bench[ScreenApp], neighbour: Neighbour) -> None:
    offer = neighbour.screen.offer(HERE)
    assert offer is not None
    call = visit(hall, VideoMedia(offer.address, offer.port, offer.rtcp_port, direction="sendonly", key=offer.key))
    assert section(hall, "ring").direction == "recvonly"
    press(hall, "answer")
    hall.agent.answered(call, "hall", offer)
    hall.settle()
    assert not camera_is_on(hall)


def test_a_device_without_a_camera_offers_to_look_only() -> None:
    screen = Screen(MockDisplay(), "127.0.0.1", False)
    screen.prepare()
    offer = screen.offer(HERE)
    screen.close()
    assert offer is not None
    assert (offer.direction, offer.key) == ("recvonly", None)
