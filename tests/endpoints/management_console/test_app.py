"""A console with fake devices and a fake agent."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from endpoints.management_console.main import compose
from endpoints.screens.app import ScreenApp
from endpoints.sip.agent import CallId, Transferred
from endpoints.unlock import Request, verify
from tests.endpoints.app_bench import Bench, bench, site_file

KEY = Ed25519PrivateKey.generate()
PRIVATE = base64.b64encode(KEY.private_bytes_raw()).decode()
PUBLIC = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()
SITE = f"""
[device]
name = "console1"
place = "Gate house"
[console]
priority = 2
[sip]
user = "guard"
auth_user = "console1"
domain = "lakeside.example"
password = "secret"
registrar = "sip:127.0.0.1:5061"
transport = "udp"
address = "127.0.0.1"
[dial]
2 = "console2"
[unlock]
key = "{PRIVATE}"
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench[ScreenApp]]:
    with bench("management-console", compose, site_file(tmp_path, SITE), monkeypatch) as made:
        made.agent.register()
        made.settle()
        yield made


def press(desk: Bench[ScreenApp], button: str) -> None:
    desk.devices[f"{button}_button"].press()
    desk.settle()


def talking(desk: Bench[ScreenApp], **call: str) -> CallId:
    handle = desk.agent.incoming(headers={"x-intercom-challenge": "once"}, session_id="s1")
    desk.settle()
    press(desk, "answer")
    desk.agent.answered(handle)
    desk.settle()
    assert desk.app.state.phase == "talking"
    return handle


@pytest.mark.flow("R1")
def test_it_registers_as_guard_with_the_preference_of_its_priority(desk: Bench[ScreenApp]) -> None:
    settings = desk.agent.settings
    assert settings is not None
    assert (settings.user, settings.auth_user, settings.preference) == ("guard", "console1", 0.9)


@pytest.mark.flow("G1")
def test_a_guard_opens_the_door_of_the_visitor_with_the_consoles_own_key(desk: Bench[ScreenApp]) -> None:
    call = talking(desk)
    press(desk, "unlock")
    sent = desk.agent.sent("send_info")[0]
    request = Request.from_json(str(sent.arguments["body"]))
    assert (sent.call, request.device) == (call, "console1")
    assert verify(PUBLIC, request, "s1", "guard")


@pytest.mark.flow("G1")
def test_a_guard_passes_the_visitor_on_and_is_free_when_the_other_one_answers(desk: Bench[ScreenApp]) -> None:
    call = talking(desk)
    desk.devices["keypad"].type("2")
    press(desk, "transfer")
    assert desk.agent.sent("transfer")[0].arguments["target"] == "sip:console2@lakeside.example"
    desk.agent.emit(Transferred(call, 200, "OK"))
    desk.settle()
    assert desk.agent.sent("hang_up")[0].call == call
    assert desk.told("transferred") == [{"call": call, "code": 200, "reason": "OK"}]
    assert not desk.devices["microphone"].running


def test_an_emergency_is_answered_over_a_talk_which_ends(desk: Bench[ScreenApp]) -> None:
    first = talking(desk)
    second = desk.agent.incoming("sip:302@lakeside", "Family Rossi", "s2", emergency=True)
    desk.settle()
    assert desk.app.state.phase == "talking"
    assert desk.told("ringing")[-1]["emergency"] is True
    assert desk.port.ask("state")["waiting"] == "Family Rossi (302)"
    json.dumps(desk.port.ask("state"))
    press(desk, "answer")
    assert desk.agent.sent("hang_up")[0].call == first
    assert desk.agent.sent("answer")[-1].call == second
    desk.agent.answered(second)
    desk.settle()
    assert (desk.app.state.call, desk.app.state.phase) == (second, "talking")
    assert desk.devices["microphone"].running


def test_the_list_of_calls_tells_what_became_of_each(desk: Bench[ScreenApp]) -> None:
    desk.agent.end(talking(desk))
    for elsewhere in (True, False):
        call = desk.agent.incoming("sip:301@lakeside", "Family Chen", f"s{elsewhere}")
        desk.settle()
        desk.agent.end(call, 487, elsewhere=elsewhere)
        desk.settle()
    calls = desk.port.ask("state")["calls"]
    assert isinstance(calls, list)
    assert [call["why"] for call in calls] == ["answered", "answered-elsewhere", "nobody answered"]
    assert [call["address"] for call in calls][-1] == "sip:301@lakeside"
    press(desk, "callback")
    assert desk.agent.sent("call")[0].arguments["uri"] == "sip:301@lakeside.example"


def test_switching_off_ends_all_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with bench("management-console", compose, site_file(tmp_path, SITE), monkeypatch) as desk:
        talking(desk)
        desk.agent.incoming("sip:302@lakeside", "Family Rossi", "s2", emergency=True)
        desk.settle()
    assert [each.call for each in desk.agent.sent("hang_up")] == ["call-1", "call-2"]
