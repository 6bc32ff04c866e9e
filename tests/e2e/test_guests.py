"""Other people's phones beside our screens: registered at HomeLink with the guest account, over plain UDP."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from sim import clock
from sim.client import Community
from sim.peers.baresip import Baresip
from tests.e2e.visits import dial, ended, rings_everywhere, sees_the_visitor, talks

pytestmark = pytest.mark.kamailio


@pytest.fixture
def guest(plain: Community, tmp_path: Path) -> Iterator[Baresip]:
    """A baresip with early media, registered with the guest account that the simulator prints."""
    with Baresip(tmp_path / "guest", plain.guest_account(early=True)) as peer:
        peer.log.wait_for("200 OK")
        yield peer


@pytest.mark.flow("R2")
@pytest.mark.flow("V4")
def test_a_third_party_phone_shows_the_visitor_before_answering_beside_our_screens(
    plain: Community, guest: Baresip
) -> None:
    door = dial(plain)
    rings_everywhere(plain)
    guest.first_frame()
    for screen in plain.screens:
        sees_the_visitor(screen)
    picture = guest.snapshot()
    assert clock.read_image(Image.open(picture)) is not None, "baresip shows something else than the camera's picture"
    assert door.state()["phase"] == "ringing"


def test_a_third_party_phone_answers_and_ours_stop(plain: Community, guest: Baresip) -> None:
    door = dial(plain)
    rings_everywhere(plain)
    guest.first_frame()
    guest.accept()
    guest.log.wait_for("Call established")
    talks(door)
    for screen in plain.screens:
        ended(screen, "answered-elsewhere")
    guest.hang_up()
    ended(door, "hung-up")


def test_ours_answer_and_a_third_party_phone_stops(plain: Community, guest: Baresip) -> None:
    door = dial(plain)
    rings_everywhere(plain)
    guest.first_frame()
    screen = plain.screens[0]
    screen.press("answer")
    talks(screen, door)
    guest.log.wait_for("audio: destroyed")
