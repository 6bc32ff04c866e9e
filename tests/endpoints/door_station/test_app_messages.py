"""A door station with fake devices: a visitor leaves a message, and it is at the home's server, whatever happens."""

import errno
import math
import os
from array import array
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from endpoints.door_station.app import DoorApp
from endpoints.door_station.main import compose
from endpoints.sip.agent import CallId
from hal.indicator import Signal
from hal.microphone import SAMPLE_RATE
from tests.endpoints.app_bench import Bench, bench, site_file
from tests.endpoints.door_station.keeping.tus_server import TOKEN, TusServer, tus_server
from tests.media.film import played

SITE = """
people = "people.toml"
[device]
name = "door1"
[sip]
user = "door1"
domain = "door1.example"
transport = "udp"
address = "127.0.0.1"
[video]
width = 320
height = 240
[messages]
limit = 20
quota = 50
"""
PEOPLE = """
[flats.301]
name = "Family Chen"
homelink = "sip:home@127.0.0.1:5061"
[flats.301.messages]
url = "{url}"
token = "{token}"
"""


@pytest.fixture
def server() -> Iterator[TusServer]:
    with tus_server() as made:
        yield made


@pytest.fixture
def door(tmp_path: Path, server: TusServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench[DoorApp]]:
    (tmp_path / "people.toml").write_text(PEOPLE.format(url=server.url, token=TOKEN))
    with bench("door-station", compose, site_file(tmp_path, SITE), monkeypatch) as made:
        ready(made)
        yield made


def ready(door: Bench[DoorApp]) -> None:
    """The store is open, and the camera has a picture."""

    def pictures() -> int:
        figures: Any = door.port.ask("stats")
        count: int = figures["video"]["encoder"].get("pictures", 0)
        return count

    door.wait(lambda: door.app.state.keeps, "the open store")
    door.wait(lambda: pictures() > 0, "the first picture")


def ring(door: Bench[DoorApp]) -> CallId:
    door.devices["keypad"].type("301#")
    door.settle()
    call = door.agent.sent("call")[-1].call
    door.agent.ringing(call)
    door.settle()
    return call


def nobody_answers(door: Bench[DoorApp]) -> None:
    call = ring(door)
    door.agent.end(call, 408)
    door.settle()
    assert door.app.state.phase == "offering"


def speak(door: Bench[DoorApp], seconds: float) -> None:
    samples = (round(12000 * math.sin(2 * math.pi * 300 * at / SAMPLE_RATE)) for at in range(SAMPLE_RATE // 2))
    sound = array("h", samples).tobytes()
    for _ in range(round(2 * seconds)):
        door.devices["microphone"].say(sound)


def recorded(door: Bench[DoorApp], pieces: int) -> int:
    """Fragments' worth of the message on the disk."""
    parts = list((door.data / "messages").glob("*.mp4.part"))
    return int(bool(parts) and parts[0].stat().st_size > 3000 * pieces)


def message(door: Bench[DoorApp]) -> None:
    """A visitor leaves a short message."""
    nobody_answers(door)
    door.wait(lambda: door.devices.get("microphone") is not None and door.devices["microphone"].running, "microphone")
    if door.app.state.phase == "offering":  # else the words are over already
        door.devices["keypad"].type("#")
        door.settle()
    assert (door.app.state.phase, door.devices["indicator"].lit) == ("recording", Signal.TALKING)
    speak(door, 2)
    door.wait(lambda: recorded(door, 2) > 0, "the first fragments on the disk")
    door.devices["keypad"].type("5")
    door.settle()


@pytest.mark.flow("V5")
def test_a_message_is_kept_and_at_the_homes_server_with_picture_and_sound(
    door: Bench[DoorApp], server: TusServer
) -> None:
    message(door)
    door.wait(lambda: len(server.finished) == 2, "the picture and the message at the server")
    session = door.agent.sent("call")[0].arguments["session_id"]
    uploads = [server.uploads[identifier] for identifier in server.finished]
    film = next(upload for upload in uploads if upload.metadata["filetype"] == "video/mp4")
    assert {upload.metadata["session_id"] for upload in uploads} == {session}
    assert {upload.metadata.get("event") for upload in uploads} == {"ring", None}
    seen = played(bytes(film.data))
    assert (seen.codecs, seen.pictures > 5) == (("h264", "aac"), True)
    assert int(film.metadata["duration_ms"]) == pytest.approx(1000 * seen.seconds_of_sound, abs=1500)
    door.wait(lambda: bool(door.told("message-kept")), "the message on the disk")
    kept = door.told("message-kept")[0]
    assert (kept["flat"], kept["id"]) == ("301", film.metadata["id"])
    assert door.app.state.phase == "idle"
    door.wait(lambda: door.port.ask("messages")["uploaded"] == 2, "the note that it is uploaded")
    assert not door.devices["microphone"].running


@pytest.mark.flow("V5")
def test_a_home_server_that_is_down_gets_it_later_even_after_a_restart(
    tmp_path: Path, server: TusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.status = 503
    (tmp_path / "people.toml").write_text(PEOPLE.format(url=server.url, token=TOKEN))
    with bench("door-station", compose, site_file(tmp_path, SITE), monkeypatch) as door:
        ready(door)
        message(door)
        door.wait(lambda: bool(door.told("message-kept")), "the message on the disk")
    server.status = 0
    with bench("door-station", compose, site_file(tmp_path, SITE), monkeypatch) as door:
        door.wait(lambda: len(server.finished) == 2, "the picture and the message at the server")


def test_a_device_that_is_switched_off_in_a_message_keeps_it(
    tmp_path: Path, server: TusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "people.toml").write_text(PEOPLE.format(url=server.url, token=TOKEN))
    server.status = 503
    with bench("door-station", compose, site_file(tmp_path, SITE), monkeypatch) as door:
        ready(door)
        nobody_answers(door)
        door.devices["keypad"].type("#")
        door.wait(lambda: recorded(door, 1) > 0, "the first fragment on the disk")
        kept = door.data / "messages"
    (film,) = kept.glob("*.mp4")
    assert played(film.read_bytes()).pictures > 0


def test_the_words_are_spoken_first_and_a_visitor_may_leave_without_a_word(door: Bench[DoorApp]) -> None:
    nobody_answers(door)
    door.wait(lambda: any(door.devices["speaker"].heard), "the words")
    door.devices["keypad"].type("*")
    door.settle()
    assert door.app.state.phase == "idle"
    assert door.told("message-kept") == door.told("message-lost") == []
    door.wait(lambda: not door.devices["speaker"].running, "silence at the panel")
    assert not list((door.data / "messages").glob("*.mp4*"))


@pytest.mark.parametrize(
    ("error", "trouble"), [(errno.ENOSPC, "full"), (errno.EROFS, "read-only"), (errno.EIO, "broken")]
)
def test_a_disk_that_fails_is_told_and_the_call_side_goes_on(
    door: Bench[DoorApp], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: int, trouble: str
) -> None:
    def fails(*arguments: object) -> int:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr("endpoints.door_station.keeping.disk.os.fsync", fails)
    nobody_answers(door)
    door.devices["keypad"].type("#")
    door.wait(lambda: bool(door.told("message-lost")), "the loss of the message")
    door.wait(lambda: not door.app.state.keeps, "the state of the disk")
    assert door.told("store")[-1]["trouble"] == trouble
    assert door.port.ask("messages")["trouble"] == door.port.ask("state")["store_trouble"] == trouble
    assert f"nothing of visitors can be kept: the disk is {trouble}" in caplog.text
    door.wait(lambda: door.devices["indicator"].lit is Signal.FAULT, "the lamp that tells of it")
    call = ring(door)
    door.agent.answered(call, "a")
    door.settle()
    assert door.app.state.phase == "talking"
    door.agent.end(call)
    door.settle()


def test_a_clock_that_is_not_set_is_told_and_messages_are_kept(
    tmp_path: Path, server: TusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "people.toml").write_text(PEOPLE.format(url=server.url, token=TOKEN))
    keeper = "endpoints.door_station.keeping.keeper"
    monkeypatch.setattr(f"{keeper}.EARLIEST", datetime.now(UTC) + timedelta(days=1))
    monkeypatch.setattr(f"{keeper}.TRY_AGAIN", 0.05)
    with bench("door-station", compose, site_file(tmp_path, SITE), monkeypatch) as door:
        ready(door)
        assert door.told("store")[-1] == {"trouble": "", "why": "", "clock_set": False}
        assert (door.devices["indicator"].lit, door.port.ask("messages")["clock_set"]) == (Signal.FAULT, False)
        message(door)
        door.wait(lambda: len(server.finished) == 2, "the picture and the message at the server")
        monkeypatch.setattr(f"{keeper}.EARLIEST", datetime(2020, 1, 1, tzinfo=UTC))
        door.wait(lambda: door.app.state.clock_set, "the clock that is set")
        assert door.devices["indicator"].lit is Signal.IDLE


@pytest.mark.flow("V5")
def test_each_moment_of_a_visit_has_its_picture_at_the_homes_server(
    tmp_path: Path, server: TusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = PEOPLE.replace("[flats.301.messages]", 'telephone = ["sip:301@127.0.0.1:5062"]\n[flats.301.messages]')
    (tmp_path / "people.toml").write_text(people.format(url=server.url, token=TOKEN))
    monkeypatch.setattr("endpoints.door_station.keeping.keeper.SETTLE", 0.0)
    with bench("door-station", compose, site_file(tmp_path, SITE), monkeypatch) as door:
        ready(door)
        door.agent.end(ring(door), 503)
        door.settle()
        telephone = door.agent.sent("call")[-1].call
        door.agent.answered(telephone)
        door.settle()
        door.agent.digits(telephone, "1")
        door.settle()
        door.agent.digits(telephone, "47#")  # half a code is a wrong one
        door.devices["exit_button"].press()
        door.devices["tamper_switch"].set(True)
        moments = {"ring", "answer", "wrong-code", "unlock", "tamper"}
        door.wait(lambda: len(server.finished) >= len(moments), "a picture of each moment")
        session = door.agent.sent("call")[0].arguments["session_id"]
        kept = [server.uploads[identifier] for identifier in server.finished]
        assert {one.metadata["event"] for one in kept} == moments
        assert {(one.metadata["session_id"], bytes(one.data[:3])) for one in kept} == {(session, b"\xff\xd8\xff")}


def test_a_site_without_messages_has_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "people.toml").write_text(PEOPLE.format(url="http://127.0.0.1:9", token=TOKEN))
    site = SITE.replace("[messages]", "[messages]\nenabled = false")
    with bench("door-station", compose, site_file(tmp_path, site), monkeypatch) as door:
        door.agent.end(ring(door), 408)
        door.settle()
        assert (door.app.state.phase, door.app.state.outcome) == ("ended", "no-answer")
        assert not (door.data / "messages").exists()
