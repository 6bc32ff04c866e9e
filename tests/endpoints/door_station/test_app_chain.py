"""A door station with fake devices and a fake agent: a visit that falls through its stages, down to a telephone."""

import json
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from endpoints.door_station.app import DoorApp
from endpoints.door_station.chain import Home, Way
from endpoints.door_station.events import DirectoryChanged
from endpoints.door_station.main import compose
from endpoints.sip.agent import CallId, TransferAsked
from hal.errors import DeviceLost
from media.prompts import speech
from media.tones import FRAME_BYTES
from tests.endpoints.app_bench import Bench, bench, site_file

SITE = """
people = "people.toml"
[device]
name = "door1"
call_guard = "0"
language = "zh"
[sip]
user = "door1"
domain = "door1.example"
transport = "udp"
address = "127.0.0.1"
[timers]
confirm = 10
[chain.home]
ring = 20
"""
PEOPLE = """
[flats.301]
name = "Family Chen"
homelink = "sip:home@127.0.0.1:5061"
phones = ["sip:301@127.0.0.1:5062;stage=phones", "sip:301@127.0.0.1:5063;stage=phones"]
telephone = ["sip:301@127.0.0.1:5062;stage=telephone"]
[guard]
uris = ["sip:guard@127.0.0.1:5062"]
"""
STAGES = ["home", "phones", "phones", "telephone"]


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench[DoorApp]]:
    (tmp_path / "people.toml").write_text(PEOPLE)
    with bench("door-station", compose, site_file(tmp_path, SITE), monkeypatch) as made:
        yield made


def dial(door: Bench[DoorApp], keys: str = "301#") -> CallId:
    door.devices["keypad"].type(keys)
    door.settle()
    return latest(door)


def latest(door: Bench[DoorApp]) -> CallId:
    return door.agent.sent("call")[-1].call


def end(door: Bench[DoorApp], code: int) -> None:
    door.agent.end(latest(door), code)
    door.settle()


def press(door: Bench[DoorApp], digits: str) -> None:
    door.agent.digits(latest(door), digits)
    door.settle()


def at_the_telephone(door: Bench[DoorApp]) -> CallId:
    """The visit has come to the telephone, which was answered."""
    dial(door)
    for code in (503, 503, 503):
        end(door, code)
    door.agent.ringing(latest(door))
    door.agent.answered(latest(door))
    door.settle()
    return latest(door)


def heard_there(door: Bench[DoorApp], frames: int) -> bytes:
    """What the other side hears in so many frames."""
    voice = door.agent.voice
    assert voice is not None
    return b"".join(voice.capture() for _ in range(frames))


def told_code(door: Bench[DoorApp]) -> str:
    """The code as a person hears it: four digits after the sentence."""
    spoken = heard_there(door, 600)
    digits = ""
    place = spoken.index(speech("zh", ["code"]).samples.rstrip(b"\0"))
    while len(digits) < 4:
        found = {number: spoken.find(_digit(number), place) for number in "0123456789"}
        heard = min((number for number in found if found[number] >= 0), key=lambda number: found[number])
        digits, place = digits + heard, found[heard] + len(_digit(heard))
    return digits


def _digit(number: str) -> bytes:
    return speech("zh", [number]).samples.rstrip(b"\0")


@pytest.mark.flow("V3")
def test_a_visit_falls_through_all_stages_with_one_session_id_and_audio_only_at_the_telephone(
    door: Bench[DoorApp],
) -> None:
    at_the_telephone(door)
    calls = [command.arguments for command in door.agent.sent("call")]
    people = ["home@127.0.0.1:5061", "301@127.0.0.1:5062;stage=phones", "301@127.0.0.1:5063;stage=phones"]
    assert [call["uri"] for call in calls] == [f"sip:{one}" for one in (*people, "301@127.0.0.1:5062;stage=telephone")]
    assert len({call["session_id"] for call in calls}) == 1
    assert [call["video"] is not None for call in calls] == [True, True, True, False]
    assert [facts["stage"] for facts in door.told("stage")] == STAGES
    assert len({facts["session_id"] for facts in door.told("calling")}) == 1
    end(door, 200)
    dial(door)
    assert door.agent.sent("call")[-1].arguments["session_id"] != calls[0]["session_id"]


def test_the_next_stage_waits_for_the_end_of_the_last_one(door: Bench[DoorApp]) -> None:
    door.agent.ends_calls = False
    call = dial(door)
    door.agent.early_media(call, "a")
    door.settle()
    door.pass_time(20)
    assert (door.app.state.phase, len(door.agent.sent("call"))) == ("changing", 1)
    door.agent.answered(call, "a")
    door.settle()
    assert [command.call for command in door.agent.sent("hang_up")] == [call, call]
    end(door, 200)
    assert door.agent.sent("call")[-1].arguments["uri"] == "sip:301@127.0.0.1:5062;stage=phones"
    assert door.app.state.phase == "calling"


def test_all_silent_comes_to_the_telephone_within_the_budget(door: Bench[DoorApp]) -> None:
    dial(door)
    seconds = 0.0
    while door.app.state.stage != "telephone":
        door.pass_time(0.5)
        seconds += 0.5
        assert seconds < 45
    assert seconds <= 3 * 1.5


def test_a_voicemail_never_hears_the_visitor_and_does_not_win(door: Bench[DoorApp]) -> None:
    call = at_the_telephone(door)
    assert door.app.state.phase == "confirming"
    assert "microphone" not in door.devices  # it was never opened
    question = speech("zh", ["press-one"], pause=1.5).samples
    assert heard_there(door, len(question) // FRAME_BYTES + 20) == (question * 2)[: len(question) + 20 * FRAME_BYTES]
    before = len(door.devices["speaker"].heard)
    door.agent.voice.play(array("h", [9000] * 320).tobytes())  # type: ignore[union-attr]
    assert array("h", [9000] * 320).tobytes() not in bytes(door.devices["speaker"].heard[before:])
    press(door, "4720#")
    door.pass_time(11)
    assert door.agent.sent("hang_up")[-1].call == call
    assert (door.app.state.phase, door.app.state.outcome) == ("ended", "no-answer")
    assert heard_there(door, 1) == bytes(FRAME_BYTES)
    assert door.told("unlock") == []


@pytest.mark.flow("V3")
def test_who_presses_1_talks_is_told_a_code_and_opens_the_door_with_it_once(door: Bench[DoorApp]) -> None:
    at_the_telephone(door)
    press(door, "1")
    assert door.app.state.phase == "talking"
    assert door.devices["microphone"].running
    code = told_code(door)
    press(door, code)
    assert door.devices["lock"].pulses == [5.0]
    written = door.written()[0]
    assert (written["granted"], written["how"], written["who"], written["flat"]) == (
        True,
        "telephone",
        "telephone",
        "301",
    )
    assert written["session_id"] == door.agent.sent("call")[-1].arguments["session_id"]
    second = told_code(door)
    assert second != code
    press(door, code)
    assert len(door.devices["lock"].pulses) == 1
    press(door, f"{second}#")
    assert len(door.devices["lock"].pulses) == 2
    assert code not in json.dumps(door.port.published) + json.dumps(door.written())


def test_wrong_codes_are_written_down_and_end_it_for_the_call(door: Bench[DoorApp]) -> None:
    at_the_telephone(door)
    press(door, "1")
    code = told_code(door)
    wrong = "0000" if code != "0000" else "1111"
    press(door, wrong * 5 + code)
    assert [line["why"] for line in door.written()] == ["wrong-code", "wrong-code", "too-many"]
    assert door.devices["lock"].pulses == []


def test_star_tells_the_code_again_and_the_visitor_hears_nothing_of_it(door: Bench[DoorApp]) -> None:
    at_the_telephone(door)
    press(door, "1")
    code = told_code(door)
    heard = bytes(door.devices["speaker"].heard)
    press(door, "*")
    assert told_code(door) == code
    assert _digit(code[0]) not in bytes(door.devices["speaker"].heard)[len(heard) :]


def test_a_lock_that_fails_is_told_to_the_telephone(door: Bench[DoorApp], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(seconds: float) -> None:
        raise DeviceLost("The relay does not answer.")

    monkeypatch.setattr(door.devices["lock"], "pulse", fail)
    at_the_telephone(door)
    press(door, "1")
    press(door, told_code(door))
    assert heard_there(door, 100).startswith(speech("zh", ["door-failed"]).samples.rstrip(b"\0"))
    assert [line["why"] for line in door.written()] == ["lock-failed"]


@pytest.mark.flow("G1")
def test_a_guard_is_called_with_the_picture_and_queued_with_words(door: Bench[DoorApp]) -> None:
    call = dial(door, "0#")
    arguments: dict[str, Any] = dict(door.agent.sent("call")[-1].arguments)
    assert (arguments["uri"], arguments["video"] is not None) == ("sip:guard@127.0.0.1:5062", True)
    door.agent.trying(call)
    door.agent.queued(call, 2)
    door.settle()
    door.pass_time(100)
    assert door.app.state.phase == "ringing"
    door.agent.queued(call, 1)
    door.settle()
    assert [facts["position"] for facts in door.told("queued")] == [2, 1]


@pytest.mark.flow("G1")
def test_a_guard_passes_the_visitor_on_with_the_picture_and_the_challenge(door: Bench[DoorApp]) -> None:
    call = dial(door, "0#")
    door.agent.answered(call, "a")
    door.agent.emit(TransferAsked(call, "sip:console2@lakeside.example", "sip:guard@lakeside.example"))
    door.settle()
    first, second = (command.arguments for command in door.agent.sent("call"))
    assert second["uri"] == "sip:console2@127.0.0.1:5062"
    assert all(first[name] == second[name] for name in ("video", "session_id", "headers"))
    door.agent.answered(latest(door), "b")
    door.settle()
    assert door.agent.sent("tell_transfer")[0].arguments == {"code": 200, "reason": "OK"}
    assert [command.call for command in door.agent.sent("hang_up")] == [call]
    assert (door.app.state.phase, door.app.state.call) == ("talking", latest(door))


def test_a_changed_directory_counts_from_the_next_visit_on(door: Bench[DoorApp]) -> None:
    door.loop.post(DirectoryChanged({"7": Home("7", (Way("home", "sip:home@127.0.0.1:7777"),))}))
    door.settle()
    dial(door, "7#")
    assert door.agent.sent("call")[-1].arguments["uri"] == "sip:home@127.0.0.1:7777"
    json.dumps(door.port.ask("state"))
    assert door.port.ask("state")["stage"] == "home"
