"""An indoor unit with fake devices and a fake agent; the phone is the same behaviour with another board."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from endpoints.resident.compose import compose
from endpoints.screens.app import ScreenApp
from endpoints.sip.agent import CallId, InfoReceived
from endpoints.unlock import RESULT_TYPE, UNLOCK_TYPE, Request, Result, verify
from hal.camera import Picture
from hal.errors import DeviceLost
from hal.mock import MockCamera
from media.description import SrtpKey, VideoMedia
from media.encoder import VideoEncoder, VideoSettings
from media.rtp_fanout import RtpFanout
from media.rtp_sockets import RtpSockets
from tests.endpoints.app_bench import Bench, bench, site_file

KEY = Ed25519PrivateKey.generate()
PRIVATE = base64.b64encode(KEY.private_bytes_raw()).decode()
PUBLIC = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()

SITE = f"""
[device]
name = "indoor1"
place = "Hall"
flat = "301"
[sip]
user = "indoor1"
domain = "home.example"
password = "secret"
registrar = "sip:127.0.0.1:5061"
transport = "udp"
address = "127.0.0.1"
[timers]
message = 4.0
ring = 60.0
[unlock]
key = "{PRIVATE}"
"""
CHALLENGE = {"x-intercom-challenge": "once"}


@dataclass
class Gate:
    """A door somewhere that sends its picture."""

    encoder: VideoEncoder
    fanout: RtpFanout

    @property
    def offer(self) -> VideoMedia:
        """Its section of the INVITE."""
        return self.fanout.offer()


@pytest.fixture
def gate() -> Iterator[Gate]:
    encoder = VideoEncoder(MockCamera(), VideoSettings(320, 240))
    encoder.start()
    sockets = RtpSockets("127.0.0.1")
    fanout = RtpFanout(sockets, SrtpKey.generate(), encoder)
    yield Gate(encoder, fanout)
    fanout.close()
    sockets.close()
    encoder.close()


@pytest.fixture
def hall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench[ScreenApp]]:
    with bench("indoor-unit", compose, site_file(tmp_path, SITE), monkeypatch) as made:
        made.agent.register()
        made.settle()
        yield made


def press(hall: Bench[ScreenApp], button: str) -> None:
    hall.devices[f"{button}_button"].press()
    hall.settle()


def visitor(hall: Bench[ScreenApp], video: VideoMedia | None = None, session_id: str = "s1") -> CallId:
    call = hall.agent.incoming(video=video, headers=CHALLENGE, session_id=session_id)
    hall.settle()
    return call


def decoded(hall: Bench[ScreenApp]) -> int:
    """Pictures decoded in this reception."""
    figures: Any = hall.port.ask("stats")
    count: int = figures["video"].get("frames_decoded", 0)
    return count


def talking(hall: Bench[ScreenApp]) -> CallId:
    call = visitor(hall)
    press(hall, "answer")
    hall.agent.answered(call)
    hall.settle()
    assert hall.app.state.phase == "talking"
    return call


@pytest.mark.flow("V4")
def test_it_rings_with_the_live_picture_and_with_the_microphone_off(hall: Bench[ScreenApp], gate: Gate) -> None:
    visitor(hall, gate.offer)
    answer = hall.agent.sent("ring")[0].arguments["video"]
    assert isinstance(answer, VideoMedia)
    assert answer.direction == "recvonly"
    gate.fanout.add("hall", answer)
    hall.wait(lambda: hall.devices["display"].shown is not None, "the picture on the display")
    assert hall.devices["display"].scene.title == "Gate 1 is calling"
    assert "microphone" not in hall.devices or not hall.devices["microphone"].running
    hall.wait(lambda: bool(hall.told("first-picture")), "the news of the first picture")
    assert hall.told("first-picture")[0]["after_ms"] > 0  # type: ignore[operator]


def test_the_picture_goes_on_when_a_person_answers(hall: Bench[ScreenApp], gate: Gate) -> None:
    call = visitor(hall, gate.offer)
    video = hall.agent.sent("ring")[0].arguments["video"]
    assert isinstance(video, VideoMedia)
    gate.fanout.add("hall", video)
    hall.wait(lambda: decoded(hall) > 0, "the picture while it rings")
    before = decoded(hall)
    press(hall, "answer")
    assert hall.agent.sent("answer")[0].arguments["video"] == video
    hall.agent.answered(call, "", gate.offer)
    hall.settle()
    assert hall.devices["microphone"].running
    assert decoded(hall) >= before, "an answer that changes nothing must not begin the picture anew"
    before = decoded(hall)
    hall.wait(lambda: decoded(hall) > before, "the picture after the answer")
    hall.agent.end(call)
    hall.settle()
    assert hall.devices["display"].shown is None
    assert not hall.devices["microphone"].running
    assert hall.phases() == ["ringing", "answering", "talking", "ended"]


def test_a_display_that_fails_costs_the_picture_and_not_the_call(
    hall: Bench[ScreenApp], gate: Gate, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(picture: Picture) -> None:
        raise DeviceLost("The display does not answer.")

    monkeypatch.setattr(hall.devices["display"], "picture", fail)
    call = visitor(hall, gate.offer)
    video = hall.agent.sent("ring")[0].arguments["video"]
    assert isinstance(video, VideoMedia)
    gate.fanout.add("hall", video)
    hall.wait(lambda: decoded(hall) > 3, "pictures that nobody sees")
    assert caplog.text.count("The display does not answer.") == 1
    press(hall, "answer")
    hall.agent.answered(call, "", gate.offer)
    hall.settle()
    assert hall.app.state.phase == "talking"


def test_it_rings_without_a_picture_that_it_cannot_show(hall: Bench[ScreenApp]) -> None:
    visitor(hall, None)
    assert hall.agent.sent("ring")[0].arguments["video"] is None
    assert not hall.devices["display"].scene.live


def test_a_declined_call_is_603_and_over(hall: Bench[ScreenApp]) -> None:
    visitor(hall)
    press(hall, "decline")
    assert hall.agent.sent("reject")[0].arguments["code"] == 603
    assert hall.app.state.phase == "idle"


@pytest.mark.flow("V1")
def test_answered_elsewhere_stops_the_ringing_and_is_not_missed(hall: Bench[ScreenApp]) -> None:
    call = visitor(hall)
    hall.agent.end(call, 487, "Call completed elsewhere", elsewhere=True)
    hall.settle()
    assert hall.devices["display"].scene.title == "Answered elsewhere"
    assert hall.told("missed") == []
    hall.pass_time(5)
    assert hall.devices["display"].scene.title == "Hall"


@pytest.mark.flow("V1")
def test_two_answer_in_the_same_moment_and_the_other_one_wins(hall: Bench[ScreenApp]) -> None:
    call = visitor(hall)
    press(hall, "answer")
    hall.agent.end(call, 200, "Call completed elsewhere", elsewhere=True)
    hall.settle()
    assert hall.devices["display"].scene.title == "Answered elsewhere"
    assert not hall.devices["microphone"].running


def test_a_visitor_who_goes_is_a_missed_call(hall: Bench[ScreenApp]) -> None:
    hall.agent.end(visitor(hall), 487)
    hall.settle()
    assert hall.devices["display"].scene.title == "Missed call"
    missed = hall.port.ask("state")["missed_calls"]
    assert isinstance(missed, list)
    assert [(each["caller"], each["why"]) for each in missed] == [("Gate 1", "nobody answered")]


def test_ringing_ends_even_if_the_end_of_the_call_gets_lost(hall: Bench[ScreenApp]) -> None:
    visitor(hall)
    hall.pass_time(61)
    assert hall.app.state.outcome == "missed"
    assert hall.agent.sent("reject")[0].arguments["code"] == 480


def test_do_not_disturb_refuses_silently_and_keeps_the_name(hall: Bench[ScreenApp]) -> None:
    press(hall, "dnd")
    visitor(hall)
    assert hall.agent.sent("reject")[0].arguments["code"] == 480
    assert hall.agent.sent("ring") == []
    assert "speaker" not in hall.devices
    assert hall.told("missed")[0]["why"] == "do not disturb"


def test_a_second_visitor_hears_busy_and_the_talk_goes_on(hall: Bench[ScreenApp]) -> None:
    first = talking(hall)
    second = visitor(hall, session_id="s2")
    assert hall.agent.sent("reject")[0].call == second
    assert hall.agent.sent("reject")[0].arguments["code"] == 486
    assert (hall.app.state.call, hall.app.state.phase) == (first, "talking")


def test_mute(hall: Bench[ScreenApp]) -> None:
    talking(hall)
    press(hall, "mute")
    assert hall.devices["display"].scene.detail == "Microphone off"
    assert hall.port.ask("state")["muted"] is True


def test_hang_up(hall: Bench[ScreenApp]) -> None:
    call = talking(hall)
    press(hall, "hangup")
    assert hall.agent.sent("hang_up")[0].call == call
    assert hall.app.state.phase == "idle"


def test_unlock_sends_a_signature_that_only_this_device_can_make(hall: Bench[ScreenApp]) -> None:
    call = talking(hall)
    press(hall, "unlock")
    sent = hall.agent.sent("send_info")[0]
    assert (sent.call, sent.arguments["content_type"]) == (call, UNLOCK_TYPE)
    request = Request.from_json(str(sent.arguments["body"]))
    assert (request.device, request.challenge) == ("indoor1", "once")
    assert verify(PUBLIC, request, "s1", "301")
    hall.agent.emit(InfoReceived(call, RESULT_TYPE, Result(True, "granted", "next").to_json()))
    hall.settle()
    assert hall.devices["display"].scene.detail == "The door is open"


def test_unlock_before_the_answer_sends_nothing(hall: Bench[ScreenApp]) -> None:
    visitor(hall)
    press(hall, "unlock")
    assert hall.agent.sent("send_info") == []


def dialled(hall: Bench[ScreenApp], keys: str) -> CallId:
    """Type on the keypad; gives the call that follows."""
    hall.devices["keypad"].type(keys)
    hall.settle()
    return hall.agent.sent("call")[-1].call


@pytest.mark.flow("H1")
def test_another_home_is_called_by_its_number_and_answers(hall: Bench[ScreenApp]) -> None:
    call = dialled(hall, "302#")
    asked = hall.agent.sent("call")[0].arguments
    assert asked["uri"] == "sip:302@home.example"
    assert not asked["headers"]
    assert len(str(asked["session_id"])) == 32
    hall.agent.ringing(call)
    hall.settle()
    assert hall.devices["display"].scene.title == "Calling 302"
    assert not hall.devices["microphone"].running if "microphone" in hall.devices else True
    hall.agent.answered(call)
    hall.settle()
    assert hall.devices["microphone"].running
    assert hall.phases() == ["dialling", "calling", "alerting", "talking"]
    press(hall, "hangup")
    assert hall.agent.sent("hang_up")[0].call == call
    assert not hall.devices["microphone"].running


@pytest.mark.flow("P1")
def test_the_guards_button_waits_in_the_queue_and_tells_the_place(hall: Bench[ScreenApp]) -> None:
    press(hall, "guard")
    call = hall.agent.sent("call")[0].call
    assert hall.agent.sent("call")[0].arguments["uri"] == "sip:guard@home.example"
    hall.agent.queued(call, 2)
    hall.settle()
    assert hall.devices["display"].scene.detail == "All are busy, you are number 2"
    hall.agent.queued(call, 1)
    hall.settle()
    assert hall.devices["display"].scene.detail == "All are busy, you are next"
    assert [told["position"] for told in hall.told("queued")] == [2, 1]
    press(hall, "hangup")
    assert hall.agent.sent("hang_up")[0].call == call
    assert hall.app.state.phase == "idle"


def test_the_emergency_button_ends_whatever_goes_on_and_says_so_in_its_call(hall: Bench[ScreenApp]) -> None:
    first = talking(hall)
    press(hall, "emergency")
    assert hall.agent.sent("hang_up")[0].call == first
    asked = hall.agent.sent("call")[0].arguments
    assert (asked["uri"], asked["headers"]) == ("sip:guard@home.example", {"Priority": "emergency"})
    press(hall, "emergency")
    assert len(hall.agent.sent("call")) == 1


def test_state_and_figures_carry_no_secret(hall: Bench[ScreenApp]) -> None:
    talking(hall)
    told = json.dumps([hall.port.ask("state"), hall.port.ask("stats"), hall.port.published])
    assert PRIVATE not in told
    assert "once" not in told


def test_switching_off_hangs_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with bench("indoor-unit", compose, site_file(tmp_path, SITE), monkeypatch) as hall:
        call = talking(hall)
    assert hall.agent.sent("hang_up")[-1].call == call
    assert not hall.devices["microphone"].running
