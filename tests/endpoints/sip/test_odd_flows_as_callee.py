"""Odd but legal ways in which a caller may call our agent as a screen (peers.md), played by SIPp."""

import socket
from collections.abc import Callable

import pytest

from sim.peers.sipp import Sipp, audio, from_caller, invite, pause, picture, receive, remember
from tests.peers.agent import AgentPeer, video

NewSipp = Callable[..., Sipp]
OFFER = audio() + picture(direction="sendonly")
SCREEN = video(9100, "recvonly")
ACK = from_caller("ACK", 1)
BYE = (from_caller("BYE", 9), receive("200"))
ELSEWHERE = 'Reason: SIP;cause=200;text="Call completed elsewhere"'


@pytest.fixture
def screen(new_agent: Callable[..., AgentPeer]) -> AgentPeer:
    return new_agent("screen")


def ring(screen: AgentPeer) -> str:
    """Ring with the picture; gives the call's handle."""
    call: str = screen.wait("IncomingCall", limit=10)["call"]
    screen.do("ring", call=call, video=SCREEN)
    return call


def answer(screen: AgentPeer) -> str:
    """Ring and answer at once."""
    call = ring(screen)
    screen.do("answer", call=call, video=SCREEN)
    return call


def start(screen: AgentPeer, new_sipp: NewSipp, *steps: str) -> Sipp:
    return new_sipp(*steps, target=f"127.0.0.1:{screen.port}", service="screen")


def test_183_and_200_carry_the_same_answer(screen: AgentPeer, new_sipp: NewSipp) -> None:
    sipp = start(screen, new_sipp, invite(1, OFFER), receive("100"), receive("183"), remember("200"), ACK, *BYE)
    answer(screen)
    sipp.finish()
    early, final = sipp.received("SIP/2.0 183")[0], sipp.received("SIP/2.0 200")[0]
    assert "m=video 9100 RTP/AVP 96" in early
    assert "a=recvonly" in early
    assert early.partition("m=audio")[2].strip() == final.partition("m=audio")[2].strip()
    assert not sipp.received("SIP/2.0 180")


def test_offer_with_codecs_nobody_knows_and_a_long_description(screen: AgentPeer, new_sipp: NewSipp) -> None:
    strange = audio(formats="111 97 0").replace(
        "a=rtpmap:0", "a=rtpmap:111 mystery/48000/2\na=rtpmap:97 odd/8000\na=rtpmap:0"
    )
    moving = "m=video 21000 RTP/AVP 107 108 109\na=rtpmap:107 AV2/90000\na=rtpmap:108 H264/90000\n"
    moving += "a=fmtp:108 profile-level-id=4d001f;packetization-mode=1\na=rtpmap:109 VP8/90000\na=sendonly\n"
    filler = "".join(f"a=x-note:{number} {'x' * 60}\n" for number in range(30))
    sipp = start(
        screen,
        new_sipp,
        invite(1, strange + moving + filler),
        receive("100"),
        receive("183"),
        remember("200"),
        ACK,
        *BYE,
    )
    answer(screen)
    sipp.finish()
    assert screen.wait("IncomingCall")["video"]["payload_type"] == 108
    final = sipp.received("SIP/2.0 200")[0]
    assert "m=video 9100 RTP/AVP 108" in final
    assert "profile-level-id=4d001f;packetization-mode=1" in final


def test_caller_that_requires_100rel(screen: AgentPeer, new_sipp: NewSipp) -> None:
    prack = from_caller("PRACK", 2, headers=("RAck: [$number] 1 INVITE",))
    reliable = remember("183")
    steps = (
        invite(1, OFFER, ("Require: 100rel", "Supported: 100rel")),
        receive("100"),
        reliable,
        prack,
        receive("200"),
    )
    sipp = start(screen, new_sipp, *steps, remember("200"), ACK, *BYE)
    call = ring(screen)
    screen.wait("IncomingCall")
    screen.do("answer", call=call, video=SCREEN)
    sipp.finish()
    assert "Require: 100rel" in sipp.received("SIP/2.0 183")[0]


def test_caller_without_an_offer(screen: AgentPeer, new_sipp: NewSipp) -> None:
    steps = (invite(1), receive("100"), receive("180"), remember("200"), from_caller("ACK", 1, audio()), pause(100))
    sipp = start(screen, new_sipp, *steps, *BYE)
    answer(screen)
    sipp.finish()
    assert screen.wait("IncomingCall")["video"] is None
    assert screen.find("Answered")


def test_re_invite_right_after_the_ack(screen: AgentPeer, new_sipp: NewSipp) -> None:
    again = (
        invite(2, audio() + picture(24000, "sendonly"), again=True),
        receive("100", True),
        remember("200"),
        from_caller("ACK", 2),
    )
    sipp = start(
        screen,
        new_sipp,
        invite(1, OFFER),
        receive("100"),
        receive("183"),
        remember("200"),
        ACK,
        *again,
        pause(100),
        *BYE,
    )
    answer(screen)
    sipp.finish()
    assert screen.wait("VideoChanged")["video"]["port"] == 24000
    assert all("m=video 9100" in text for text in sipp.received("SIP/2.0 200") if "INVITE" in text)


@pytest.mark.flow("V1")
@pytest.mark.parametrize(("reason", "elsewhere"), [((ELSEWHERE,), True), ((), False)])
def test_cancel_says_why(screen: AgentPeer, new_sipp: NewSipp, reason: tuple[str, ...], elsewhere: bool) -> None:
    cancel = (from_caller("CANCEL", 1, headers=reason, inside=False), receive("200"), remember("487"), ACK)
    sipp = start(screen, new_sipp, invite(1, OFFER), receive("100"), receive("183"), *cancel)
    ring(screen)
    sipp.finish()
    assert screen.wait("Ended")["elsewhere"] is elsewhere


@pytest.mark.flow("V1")
def test_bye_before_the_ack_means_that_another_answered(screen: AgentPeer, new_sipp: NewSipp) -> None:
    """So does PJSUA, as caller, to the second of two who answer at once."""
    sipp = start(screen, new_sipp, invite(1, OFFER), receive("100"), receive("183"), remember("200"), *BYE)
    answer(screen)
    sipp.finish()
    assert screen.wait("Ended")["elsewhere"] is True
    assert not screen.find("Answered")


def test_bye_with_a_reason(screen: AgentPeer, new_sipp: NewSipp) -> None:
    bye = (from_caller("BYE", 9, headers=(ELSEWHERE,)), receive("200"))
    sipp = start(
        screen, new_sipp, invite(1, OFFER), receive("100"), receive("183"), remember("200"), ACK, pause(50), *bye
    )
    answer(screen)
    sipp.finish()
    assert screen.wait("Ended")["elsewhere"] is True


def test_info_is_answered_at_once_whatever_it_carries(screen: AgentPeer, new_sipp: NewSipp) -> None:
    strange = from_caller("INFO", 2, "hello\n", ("Content-Type: text/strange",))
    empty = from_caller("INFO", 3)
    steps = (
        invite(1, OFFER),
        receive("100"),
        receive("183"),
        remember("200"),
        ACK,
        strange,
        receive("200"),
        empty,
        receive("200"),
    )
    sipp = start(screen, new_sipp, *steps, *BYE)
    answer(screen)
    sipp.finish()
    assert screen.wait("InfoReceived")["content_type"] == "text/strange"


def test_picture_without_h264_gives_an_audio_call_and_the_reason(screen: AgentPeer, new_sipp: NewSipp) -> None:
    other = "m=video 21000 RTP/AVP 97\na=rtpmap:97 VP8/90000\na=sendonly\n"
    sipp = start(
        screen, new_sipp, invite(1, audio() + other), receive("100"), receive("180"), remember("200"), ACK, *BYE
    )
    answer(screen)
    sipp.finish()
    assert "m=video 0" in sipp.received("SIP/2.0 200")[0]
    assert "no H.264" in screen.log.read_text()


def test_caller_with_a_broken_offer_is_refused(screen: AgentPeer, new_sipp: NewSipp) -> None:
    sipp = start(screen, new_sipp, invite(1, "v=0\nm=audio what\n"), remember("400"), ACK)
    sipp.finish()
    assert not screen.find("IncomingCall")


INVITE = """INVITE sip:screen@127.0.0.1:{port} SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:{own};branch=z9hG4bK{number}
From: <sip:scanner@127.0.0.1>;tag={number}
To: <sip:screen@127.0.0.1>
Call-ID: flood-{number}
CSeq: 1 INVITE
Contact: <sip:scanner@127.0.0.1:{own}>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: {length}

{body}"""


def test_flood_of_calls_is_survived_and_refused(screen: AgentPeer) -> None:
    body = audio().replace("\n", "\r\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as scanner:
        scanner.bind(("127.0.0.1", 0))
        scanner.settimeout(10)
        own = scanner.getsockname()[1]
        for number in range(120):
            facts = {"port": screen.port, "own": own, "number": number, "length": len(body), "body": body}
            scanner.sendto(
                INVITE.format(**facts).replace("\r\n", "\n").replace("\n", "\r\n").encode(), ("127.0.0.1", screen.port)
            )
        while b" 503 " not in scanner.recv(65_536):
            pass
    for event in screen.find("IncomingCall"):
        screen.do("reject", call=event["call"], code=486)
        screen.wait("Ended", call=event["call"])
    assert 0 < len(screen.find("IncomingCall")) <= 32
    assert screen.stop() == 0
