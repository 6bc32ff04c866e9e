"""Two of our agents call each other, each with a real PJSUA."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.peers.agent import AgentPeer, video
from tests.peers.certificates import TestAuthority

NewAgent = Callable[..., AgentPeer]
MEDIA_CONTROL = (
    "<media_control><vc_primitive><to_encoder><picture_fast_update/></to_encoder></vc_primitive></media_control>"
)


def ring(door: AgentPeer, screen: AgentPeer, keys: tuple[bytes, bytes] = (b"", b"")) -> tuple[str, str]:
    """The door calls, the screen rings with its video; gives both handles."""
    rings = len(screen.find("IncomingCall"))
    at_door = door.call(screen.uri, video=video(9000, key=keys[0]), session_id="ab" * 16)
    at_screen = screen.wait("IncomingCall", count=rings + 1)["call"]
    screen.do("ring", call=at_screen, video=video(9100, "recvonly", keys[1]))
    door.wait("EarlyMedia", call=at_door)
    return at_door, at_screen


def talk(door: AgentPeer, screen: AgentPeer, keys: tuple[bytes, bytes] = (b"", b"")) -> tuple[str, str]:
    """As `ring`, then the screen answers, and sound flows."""
    at_door, at_screen = ring(door, screen, keys)
    screen.do("answer", call=at_screen, video=video(9100, "recvonly", keys[1]))
    for peer, call in ((door, at_door), (screen, at_screen)):
        peer.wait("Answered", call=call)
        peer.wait("AudioStarted", call=call)
    return at_door, at_screen


@pytest.fixture
def pair(new_agent: NewAgent) -> tuple[AgentPeer, AgentPeer]:
    return new_agent("door"), new_agent("screen")


@pytest.mark.flow("V4")
def test_picture_is_agreed_while_it_rings(pair: tuple[AgentPeer, AgentPeer]) -> None:
    door, screen = pair
    ring(door, screen)
    offered = screen.wait("IncomingCall")
    assert (offered["caller"], offered["session_id"]) == ("sip:door@127.0.0.1", "ab" * 16)
    assert (offered["video"]["port"], offered["video"]["direction"]) == (9000, "sendonly")
    ringing, early = door.wait("Ringing"), door.wait("EarlyMedia")
    assert ringing["code"] == 183
    assert ringing["to_tag"] == early["to_tag"] != ""
    assert (early["video"]["port"], early["video"]["direction"]) == (9100, "recvonly")
    assert not door.find("Answered")
    assert not screen.find("AudioStarted")


def test_answer_repeats_the_picture_and_sound_flows(pair: tuple[AgentPeer, AgentPeer]) -> None:
    door, screen = pair
    at_door, _ = talk(door, screen)
    answered = door.wait("Answered")
    assert answered["to_tag"] == door.wait("EarlyMedia")["to_tag"]
    assert answered["video"]["port"] == 9100
    door.wait_until(lambda: _loudest(door) > 4000)
    screen.wait_until(lambda: _loudest(screen) > 4000)
    numbers = door.ask("statistics", call=at_door)
    assert numbers["codec"] == "G722"


def _loudest(peer: AgentPeer) -> int:
    seen = len(peer.events)
    peer.do("voice")
    loudest: int = peer.wait("Voice", start=seen)["loudest"]
    return loudest


def test_hang_up_ends_both_sides(pair: tuple[AgentPeer, AgentPeer]) -> None:
    door, screen = pair
    at_door, at_screen = talk(door, screen)
    screen.do("hang_up", call=at_screen, reason="done")
    assert not door.wait("Ended", call=at_door)["elsewhere"]
    screen.wait("Ended", call=at_screen)


def test_visitor_gives_up_while_it_rings(pair: tuple[AgentPeer, AgentPeer]) -> None:
    door, screen = pair
    at_door, at_screen = ring(door, screen)
    door.do("hang_up", call=at_door)
    ended = screen.wait("Ended", call=at_screen)
    assert (ended["code"], ended["elsewhere"]) == (487, False)
    assert door.wait("Ended", call=at_door)["code"] == 487


def test_resident_declines(pair: tuple[AgentPeer, AgentPeer]) -> None:
    door, screen = pair
    at_door, at_screen = ring(door, screen)
    screen.do("reject", call=at_screen, code=603)
    assert door.wait("Ended", call=at_door)["code"] == 603
    screen.wait("Ended", call=at_screen)


def test_screen_without_a_picture_rings_with_180(pair: tuple[AgentPeer, AgentPeer]) -> None:
    door, screen = pair
    door.call(screen.uri, video=video(9000))
    at_screen = screen.wait("IncomingCall")["call"]
    screen.do("ring", call=at_screen, video=None)
    assert door.wait("Ringing")["code"] == 180
    screen.do("answer", call=at_screen, video=None)
    assert door.wait("Answered")["video"] is None
    door.wait("AudioStarted")


def test_picture_agreed_only_with_the_answer(pair: tuple[AgentPeer, AgentPeer]) -> None:
    door, screen = pair
    door.call(screen.uri, video=video(9000))
    at_screen = screen.wait("IncomingCall")["call"]
    screen.do("ring", call=at_screen, video=None)
    screen.do("answer", call=at_screen, video=video(9100, "recvonly"))
    assert door.wait("Answered")["video"]["port"] == 9100


@pytest.mark.flow("V1")
def test_info_digits_and_key_frame_request(pair: tuple[AgentPeer, AgentPeer]) -> None:
    door, screen = pair
    at_door, at_screen = talk(door, screen)
    screen.do("send_info", call=at_screen, content_type="application/vnd.intercom.unlock+json", body='{"device": "x"}')
    info = door.wait("InfoReceived", call=at_door)
    assert (info["content_type"], info["body"]) == ("application/vnd.intercom.unlock+json", '{"device": "x"}')
    screen.do("send_info", call=at_screen, content_type="application/media_control+xml", body=MEDIA_CONTROL)
    door.wait("KeyFrameWanted")
    screen.do("send_dtmf", call=at_screen, digits="1#", method="info")
    door.wait("Dtmf", digit="#", method="info")
    door.do("send_dtmf", call=at_door, digits="34", method="rfc4733")
    screen.wait("Dtmf", digit="4", method="rfc4733")
    assert [one["digit"] for one in screen.find("Dtmf")] == ["3", "4"]


@pytest.mark.parametrize("holder", ["door", "screen"])
def test_hold_and_back_keeps_the_picture(pair: tuple[AgentPeer, AgentPeer], holder: str) -> None:
    handles = dict(zip(("door", "screen"), talk(*pair), strict=True))
    active, passive = pair if holder == "door" else pair[::-1]
    active.do("hold", call=handles[holder], on=True)
    passive.wait("Held", held=True)
    assert passive.wait("VideoChanged")["video"]["direction"] == "inactive"
    active.do("hold", call=handles[holder], on=False)
    passive.wait("Held", held=False)
    restored = passive.wait("VideoChanged", count=2)["video"]
    assert restored["direction"] == ("sendonly" if holder == "door" else "recvonly")
    assert restored["port"] == (9000 if holder == "door" else 9100)


def test_hold_pressed_again_and_again_ends_where_it_should(pair: tuple[AgentPeer, AgentPeer]) -> None:
    door, screen = pair
    _, at_screen = talk(door, screen)
    for on in (True, False, True, False, True):
        screen.do("hold", call=at_screen, on=on)
    door.wait("Held", held=True)
    screen.do("hold", call=at_screen, on=False)
    door.wait_until(lambda: bool(door.find("Held")) and door.find("Held")[-1]["held"] is False)
    assert door.find("VideoChanged")[-1]["video"]["direction"] == "recvonly"


def test_headers_of_ours_travel(pair: tuple[AgentPeer, AgentPeer]) -> None:
    door, screen = pair
    door.call(screen.uri, video=None, headers={"X-Intercom-Challenge": "abc", "X-Other": "1"})
    assert screen.wait("IncomingCall")["headers"] == {"x-intercom-challenge": "abc"}


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_call_over_other_transports(new_agent: NewAgent, authority: TestAuthority, transport: str) -> None:
    more: list[dict[str, Any]] = [{"transport": transport, "srtp": transport == "tls"} for _ in range(2)]
    if transport == "tls":
        more[0]["tls"], more[1]["tls"] = authority.issue("door"), authority.issue("screen", "indoor-unit")
    door, screen = new_agent("door", **more[0]), new_agent("screen", **more[1])
    keys = (b"d", b"s") if transport == "tls" else (b"", b"")
    talk(door, screen, keys)
    key = screen.wait("IncomingCall")["video"]["key"]
    assert (key is not None) == (transport == "tls")


def test_tls_refuses_strangers_and_wrong_names(new_agent: NewAgent, authority: TestAuthority, tmp_path: Any) -> None:
    other = TestAuthority(tmp_path, "other authority")
    secure = {"transport": "tls", "srtp": True}
    door = new_agent("door", tls=authority.issue("door"), **secure)
    stranger = new_agent("stranger", tls=other.issue("stranger"), **secure)
    misplaced = new_agent("misplaced", tls=authority.issue("misplaced", address="127.0.0.9"), **secure)
    assert stranger.wait("Ended", call=stranger.call(door.uri))["code"] == 503
    assert door.wait("Ended", call=door.call(stranger.uri))["code"] == 503
    assert door.wait("Ended", call=door.call(misplaced.uri))["code"] == 503
    assert not door.find("IncomingCall")
    assert not misplaced.find("IncomingCall")


def test_plain_picture_is_refused_where_srtp_is_demanded(
    pair: tuple[AgentPeer, AgentPeer], new_agent: NewAgent
) -> None:
    _, screen = pair
    secure = new_agent("secure", srtp=True)
    call = secure.call(screen.uri, video=video(9000, key=b"d"))
    assert secure.wait("Ended", call=call)["code"] in (488, 606)


def test_nobody_listens(pair: tuple[AgentPeer, AgentPeer], new_agent: NewAgent, new_port: Callable[[], int]) -> None:
    tcp = new_agent("tcp", transport="tcp")
    refused = tcp.call(f"sip:x@127.0.0.1:{new_port()}")
    assert tcp.wait("Ended", call=refused)["code"] == 503
    door, _ = pair
    silent = door.call(f"sip:x@127.0.0.1:{new_port()}", video=video(9000))
    door.do("hang_up", call=silent)
    assert door.wait("Ended", call=silent, limit=5)["code"] == 487
    assert not door.find("Ringing")


def test_hosts_that_say_nothing_leave_a_place_for_the_next_call(pair: tuple[AgentPeer, AgentPeer]) -> None:
    """The library has four places, and keeps one for half a minute for whoever did not answer at all."""
    door, screen = pair
    with socket.socket(type=socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        for _ in range(9):
            silent = door.call(f"sip:x@127.0.0.1:{nobody.getsockname()[1]}", video=video(9000))
            door.do("hang_up", call=silent)
            assert door.wait("Ended", call=silent)["code"] == 487
    talk(door, screen)


def test_what_is_no_address_is_not_called(pair: tuple[AgentPeer, AgentPeer]) -> None:
    door, _ = pair
    for uri in ("sip:x@127.0.0.1\r\nX-Evil: 1", "tel:123", ""):
        call = door.call(uri)
        assert "not a SIP address" in door.wait("Ended", call=call)["reason"]


def test_calls_that_only_rang_leave_nothing_behind_that_could_run_out(pair: tuple[AgentPeer, AgentPeer]) -> None:
    door, screen = pair
    for _ in range(70):  # more than the bridge has ports
        at_door, at_screen = ring(door, screen)
        door.do("hang_up", call=at_door)
        screen.wait("Ended", call=at_screen)
    talk(door, screen)
