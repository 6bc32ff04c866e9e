"""A door station with fake devices and a fake agent: visits from the first key to the last sign."""

import base64
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from endpoints.config.codes import hash_code
from endpoints.door_station.app import DoorApp
from endpoints.door_station.main import compose
from endpoints.sip.agent import CallId, InfoReceived
from endpoints.unlock import RESULT_TYPE, UNLOCK_TYPE, sign
from hal.errors import DeviceLost
from hal.indicator import Signal
from media.description import SrtpKey, VideoMedia
from tests.endpoints.app_bench import Bench, bench, site_file

KEY = Ed25519PrivateKey.generate()
PRIVATE = base64.b64encode(KEY.private_bytes_raw()).decode()
PUBLIC = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()
CODE = hash_code("4711")

SITE = f"""
people = "people.toml"
[device]
name = "door1"
call_flat = "301"
[sip]
user = "door1"
domain = "door1.example"
transport = "udp"
address = "127.0.0.1"
[codes]
family = "{CODE}"
[lockout]
attempts = 2
"""
PEOPLE = f"""
[flats.301]
name = "Family Chen"
homelink = "sip:home@127.0.0.1:5061"
[flats.301.devices]
indoor1 = "{PUBLIC}"
"""


class Screen:
    """A screen somewhere: a UDP socket that the door's pictures reach."""

    def __init__(self) -> None:
        self.socket = socket.socket(type=socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.0)
        self.packets = 0
        port = self.socket.getsockname()[1]
        self.media = VideoMedia("127.0.0.1", port, port, direction="recvonly", key=SrtpKey.generate())

    def sees(self) -> bool:
        """Whether pictures came since the last question."""
        before = self.packets
        while True:
            try:
                self.packets += self.socket.recv(2048)[1] & 0x7F == 96
            except BlockingIOError:
                return self.packets > before


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench[DoorApp]]:
    (tmp_path / "people.toml").write_text(PEOPLE)
    with bench("door-station", compose, site_file(tmp_path, SITE), monkeypatch) as made:
        yield made


@pytest.fixture
def screens() -> Iterator[list[Screen]]:
    made = [Screen(), Screen()]
    yield made
    for screen in made:
        screen.socket.close()


def dial(door: Bench[DoorApp], keys: str = "301#") -> CallId:
    door.devices["keypad"].type(keys)
    door.settle()
    return door.agent.sent("call")[-1].call


def lamp(door: Bench[DoorApp]) -> Signal:
    signal: Signal = door.devices["indicator"].lit
    return signal


def sinks(door: Bench[DoorApp]) -> int:
    """How many the encoder works for."""
    figures: Any = door.port.ask("stats")
    count: int = figures["video"]["encoder"]["sinks"]
    return count


def pictures_seen(door: Bench[DoorApp]) -> int:
    """How many pictures the camera delivered."""
    figures: Any = door.port.ask("stats")
    count: int = figures["video"]["encoder"]["pictures"]
    return count


def talking(door: Bench[DoorApp]) -> CallId:
    call = dial(door)
    door.agent.early_media(call, "a")
    door.agent.answered(call, "a")
    door.settle()
    assert door.app.state.phase == "talking"
    return call


def unlock_body(door: Bench[DoorApp], challenge: str = "", private: str = PRIVATE) -> str:
    command = door.agent.sent("call")[-1]
    headers, session = command.arguments["headers"], command.arguments["session_id"]
    assert isinstance(headers, dict)
    return sign(private, challenge or headers["X-Intercom-Challenge"], str(session), "301", "indoor1").to_json()


def ask(door: Bench[DoorApp], call: CallId, body: str) -> dict[str, object]:
    door.agent.emit(InfoReceived(call, UNLOCK_TYPE, body))
    door.settle()
    sent = door.agent.sent("send_info")[-1].arguments
    assert sent["content_type"] == RESULT_TYPE
    result: dict[str, object] = json.loads(str(sent["body"]))
    return result


@pytest.mark.flow("V1")
@pytest.mark.flow("V4")
def test_every_ringing_screen_sees_the_visitor_and_only_the_winner_goes_on(
    door: Bench[DoorApp], screens: list[Screen]
) -> None:
    call = dial(door)
    offer = door.agent.sent("call")[0].arguments["video"]
    assert isinstance(offer, VideoMedia)
    assert offer.direction == "sendonly"
    for name, screen in zip("ab", screens, strict=True):
        door.agent.early_media(call, name, screen.media)
    door.wait(lambda: all(screen.packets or screen.sees() for screen in screens), "the picture on both screens")
    assert sinks(door) == 1
    door.agent.answered(call, "b", screens[1].media)
    door.settle()
    screens[0].sees()
    door.wait(screens[1].sees, "the picture going on at the winner")
    door.wait(screens[1].sees, "and on")
    assert not screens[0].sees()
    door.agent.end(call)
    door.settle()
    assert door.phases() == ["dialling", "calling", "ringing", "talking", "idle"]
    assert door.app.state.screens == frozenset()
    assert sinks(door) == 0


def test_a_branch_with_a_broken_description_does_not_disturb_the_others(
    door: Bench[DoorApp], screens: list[Screen]
) -> None:
    call = dial(door)
    door.agent.early_media(call, "broken", None)
    door.agent.early_media(call, "unreachable", VideoMedia("no such address", 1, 2, direction="recvonly"))
    door.agent.early_media(call, "good", screens[0].media)
    door.wait(screens[0].sees, "the picture at the good branch")
    assert door.app.state.phase == "ringing"


def test_the_camera_goes_and_the_call_goes_on(door: Bench[DoorApp], screens: list[Screen]) -> None:
    call = dial(door)
    door.agent.early_media(call, "a", screens[0].media)
    door.wait(screens[0].sees, "the picture")
    door.devices["camera"].unplug()
    door.wait(lambda: "camera" in door.app.state.missing, "the loss of the camera")
    screens[0].sees()
    door.wait(screens[0].sees, "a picture that says there is none")
    door.agent.answered(call, "a", screens[0].media)
    door.settle()
    assert door.app.state.phase == "talking"
    assert [facts["device"] for facts in door.told("device-lost")] == ["camera"]


@pytest.mark.parametrize(
    ("code", "outcome"),
    [(503, "unreachable"), (480, "unreachable"), (404, "unreachable"), (603, "declined"), (486, "busy")],
)
def test_a_call_that_comes_to_nothing_is_told_to_the_visitor_and_forgotten(
    door: Bench[DoorApp], code: int, outcome: str
) -> None:
    call = dial(door)
    door.agent.end(call, code, "")
    door.settle()
    assert (door.app.state.phase, door.app.state.outcome) == ("ended", outcome)
    assert lamp(door) is Signal.REFUSED
    door.pass_time(10)
    assert door.app.state.phase == "idle"
    assert lamp(door) is Signal.IDLE


def test_one_declines_and_the_others_ring_on(door: Bench[DoorApp], screens: list[Screen]) -> None:
    call = dial(door)
    door.agent.early_media(call, "a", screens[0].media)
    door.agent.early_media(call, "b", screens[1].media)  # a's 603 stays at HomeLink, the door hears nothing of it
    door.wait(screens[1].sees, "the picture")
    door.agent.answered(call, "b", screens[1].media)
    door.settle()
    assert door.app.state.branch == "b"


def test_a_home_that_says_nothing_is_given_up(door: Bench[DoorApp]) -> None:
    dial(door)
    door.pass_time(5)
    assert door.app.state.outcome == "unreachable"
    assert len(door.agent.sent("hang_up")) == 1


def test_ringing_ends_after_a_while_and_a_late_answer_is_hung_up(door: Bench[DoorApp]) -> None:
    call = dial(door)
    door.agent.ringing(call)
    door.settle()
    door.pass_time(46)
    assert (door.app.state.phase, door.app.state.outcome) == ("ended", "no-answer")
    door.agent.answered(call, "late")
    door.settle()
    assert len(door.agent.sent("hang_up")) == 2
    assert "talking" not in door.phases()


def test_the_visitor_gives_up_while_it_rings(door: Bench[DoorApp]) -> None:
    call = dial(door)
    door.agent.ringing(call)
    dial(door, "*")
    assert door.agent.sent("hang_up")[0].call == call
    assert door.app.state.phase == "idle"


def test_a_wrong_flat_calls_nobody(door: Bench[DoorApp]) -> None:
    door.devices["keypad"].type("999#")
    door.settle()
    assert door.agent.sent("call") == []
    assert door.told("refused") == [{"why": "wrong-flat"}]


def test_the_next_visit_after_a_failed_one_has_its_own_call_and_challenge(door: Bench[DoorApp]) -> None:
    door.agent.end(dial(door), 503)
    door.settle()
    second = dial(door)
    first_call, second_call = door.agent.sent("call")
    assert second == second_call.call
    assert first_call.arguments["session_id"] != second_call.arguments["session_id"]
    assert first_call.arguments["headers"] != second_call.arguments["headers"]


# --- the lock -------------------------------------------------------------------------------------------------------


def test_a_resident_opens_the_door(door: Bench[DoorApp]) -> None:
    call = talking(door)
    door.wait(lambda: pictures_seen(door) > 0, "the camera's first picture")
    result = ask(door, call, unlock_body(door))
    assert result["granted"] is True
    assert door.devices["lock"].pulses == [5.0]
    assert door.devices["indicator"].lit is Signal.UNLOCKED
    facts = door.told("unlock")[0]
    assert (facts["granted"], facts["how"], facts["who"], facts["flat"]) == (True, "sip", "indoor1", "301")
    assert [(line["who"], line["granted"]) for line in door.written()] == [("indoor1", True)]
    picture = door.data / "pictures" / str(facts["picture"])
    door.wait(picture.is_file, "the picture of who was let in")


def test_a_replay_is_refused_told_and_written_down(door: Bench[DoorApp]) -> None:
    call = talking(door)
    body = unlock_body(door)
    ask(door, call, body)
    result = ask(door, call, body)
    assert (result["granted"], result["reason"]) == (False, "replayed")
    assert len(door.devices["lock"].pulses) == 1
    assert [line["why"] for line in door.written()] == ["granted", "replayed"]
    assert ask(door, call, unlock_body(door, str(result["challenge"])))["granted"] is True


def test_an_unlock_before_the_answer_or_after_the_end_is_refused_and_written_down(door: Bench[DoorApp]) -> None:
    call = dial(door)
    door.agent.early_media(call, "a")
    assert ask(door, call, unlock_body(door))["reason"] == "not-in-call"
    door.agent.answered(call, "a")
    door.settle()
    body = unlock_body(door)
    door.agent.end(call)
    door.settle()
    assert ask(door, call, body)["reason"] == "not-in-call"
    assert door.devices["lock"].pulses == []
    assert [line["granted"] for line in door.written()] == [False, False]


def test_a_strangers_key_and_a_foreign_call_open_nothing(door: Bench[DoorApp]) -> None:
    stranger = base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()
    call = talking(door)
    assert ask(door, call, unlock_body(door, private=stranger))["reason"] == "wrong-signature"
    other = door.agent.incoming()
    assert ask(door, other, unlock_body(door))["reason"] == "not-in-call"
    assert door.devices["lock"].pulses == []


def test_a_flood_of_attempts_is_refused_and_written_down_once(door: Bench[DoorApp]) -> None:
    call = talking(door)
    reasons = [ask(door, call, "open!")["reason"] for _ in range(20)]
    assert reasons == ["malformed"] * 5 + ["too-many"] * 15
    assert [line["why"] for line in door.written()] == ["malformed"] * 5 + ["too-many"]


def test_a_lock_that_fails_is_told_to_the_resident(door: Bench[DoorApp], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(seconds: float) -> None:
        raise DeviceLost("The relay does not answer.")

    call = talking(door)
    monkeypatch.setattr(door.devices["lock"], "pulse", fail)
    result = ask(door, call, unlock_body(door))
    assert (result["granted"], result["reason"]) == (False, "lock-failed")
    assert "lock" in door.app.state.missing
    assert door.written()[-1]["granted"] is False


def test_the_exit_button_opens_at_any_time(door: Bench[DoorApp]) -> None:
    door.devices["exit_button"].press()
    talking(door)
    door.devices["exit_button"].press()
    door.settle()
    assert len(door.devices["lock"].pulses) == 2
    assert {line["how"] for line in door.written()} == {"exit-button"}


def test_door_codes_open_and_lock_out(door: Bench[DoorApp]) -> None:
    door.devices["keypad"].type("*4711#")
    door.wait(lambda: door.devices["lock"].pulses == [5.0], "the code opening the door")
    for _ in range(2):
        door.devices["keypad"].type("*0000#")
        door.wait(lambda: door.app.state.phase == "ended", "the refusal of a wrong code")
        door.pass_time(10)
    door.devices["keypad"].type("*4711#")
    door.settle()
    assert door.app.state.outcome == "locked-out"
    assert [line["why"] for line in door.written()] == ["granted", "wrong code", "wrong code", "locked out"]
    told = [{**facts, "picture": ""} for _, facts in door.port.published]  # its name is a time, which may be 13:47:11
    assert "4711" not in json.dumps(told)


def test_a_code_is_not_shown_while_it_is_typed(door: Bench[DoorApp]) -> None:
    door.devices["keypad"].type("*47")
    door.settle()
    assert door.port.ask("state")["dialled"] == "***"


def test_alarms_are_told(door: Bench[DoorApp]) -> None:
    door.devices["door_contact"].set(True)
    door.devices["tamper_switch"].set(True)
    door.settle()
    door.pass_time(61)
    assert door.told("alarm") == [{"alarm": "tamper", "on": True}, {"alarm": "door-left-open", "on": True}]
    door.devices["door_contact"].set(False)
    door.settle()
    assert door.port.ask("state")["alarms"] == ["tamper"]


def test_the_service_port_answers_with_state_and_figures(door: Bench[DoorApp]) -> None:
    talking(door)
    state = door.port.ask("state")
    assert (state["phase"], state["flat"], state["unlocked"]) == ("talking", "301", False)
    json.dumps(state)
    figures = door.port.ask("stats")
    json.dumps(figures)
    assert {"process", "video", "audio"} <= set(figures)


def test_switching_off_ends_the_visit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "people.toml").write_text(PEOPLE)
    with bench("door-station", compose, site_file(tmp_path, SITE), monkeypatch) as door:
        call = talking(door)
    assert door.agent.sent("hang_up")[-1].call == call
    assert not door.devices["lock"].unlocked
    assert not door.devices["microphone"].running
