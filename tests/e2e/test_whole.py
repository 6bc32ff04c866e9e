"""The whole community: three servers, two homes, two doors, three consoles, phones at home and on 4G, a telephone."""

from pathlib import Path

import pytest

from sim.client import Community
from sim.peers.nvr import nvr_here
from sim.player import Player
from sim.report import Story
from sim.scenario import load
from sim.watching_visit import WatchingVisit

pytestmark = pytest.mark.kamailio


@pytest.mark.flow("R1")
@pytest.mark.flow("R2")
@pytest.mark.flow("R3")
def test_everybody_registers_where_the_document_says(whole: Community) -> None:
    assert [server["role"] for server in whole.facts["servers"]] == ["homelink", "homelink", "management", "cloud"]
    for name in (
        "console1",
        "console2",
        "console3",
        "indoor302",
        "indoor303",
        "door1",
        "door2",
        "indoor1",
        "phone1",
        "phone2",
    ):
        assert whole[name].state()["registered"] is True, name


@pytest.mark.flow("V1")
def test_a_visit_is_told_message_by_message(whole: Community) -> None:
    door, screen = whole["door1"], whole["indoor1"]
    door.type("301#")
    screen.wait_for("ringing")
    screen.press("answer")
    screen.wait_for("audio-started")
    screen.press("hangup")
    door.wait_for("ended")
    ladder = whole.ladder(until="200 BYE")
    assert "INVITE +SDP" in ladder
    assert "183 +SDP" in ladder
    assert "Call completed elsewhere" in ladder
    assert whole.visits()[-1]["outcome"] == "200 OK"


def _played(name: str, flow: str) -> object:
    return pytest.param(name, marks=pytest.mark.flow(flow), id=name)


@pytest.mark.parametrize(
    "name",
    [
        _played("v2-line-cut", "V2"),
        _played("v3-falls-through", "V3"),
        _played("v3-voicemail-does-not-win", "V3"),
        _played("v5-power-cut", "V5"),
        _played("v5-clock", "V5"),
        _played("v5-disk-full", "V5"),
    ],
)
def test_a_scenario_comes_true(whole: Community, name: str) -> None:
    told: list[str] = []
    failure = Player(whole, load(name), told.append).play()
    assert not failure, "\n".join([*told, failure, whole.ladder() if whole.visits() else "no SIP message"])


@pytest.mark.flow("M1")
@pytest.mark.flow("M2")
@pytest.mark.flow("M3")
def test_everybody_watches_without_a_call(whole: Community, tmp_path: Path) -> None:
    if not nvr_here():
        pytest.skip("no recorder here: apt-get install gir1.2-gst-rtsp-server-1.0")
    story = Story("Watching", tmp_path)
    WatchingVisit(whole, story).play()
    assert [check for check in story.checks if not check.holds] == []
    assert len(story.checks) == 10
    assert len(list(tmp_path.glob("*.png"))) == 5
