"""Odd but legal ways in which the called side may answer (peers.md), played by SIPp to our agent as a door."""

from collections.abc import Callable

import pytest

from sim.peers.sipp import Sipp, audio, confirm, pause, picture, receive, reply, request, respond
from tests.peers.agent import AgentPeer, video

NewSipp = Callable[..., Sipp]
SCREEN = audio() + picture()
BYE = (request("BYE", 9), receive("200"))
ESTABLISHED = (receive("INVITE"), reply("200 OK", SCREEN), receive("ACK"))


@pytest.fixture
def door(new_agent: Callable[..., AgentPeer]) -> AgentPeer:
    return new_agent("door")


def play(door: AgentPeer, sipp: Sipp) -> str:
    """Call the scenario and let it finish."""
    call = door.call(sipp.uri, video=video(9000))
    sipp.finish()
    door.wait("Ended", call=call)
    return call


def test_180_then_183(door: AgentPeer, new_sipp: NewSipp) -> None:
    steps = (reply("180 Ringing"), reply("183 Progress", SCREEN), pause(50), reply("200 OK", SCREEN), receive("ACK"))
    play(door, new_sipp(receive("INVITE"), *steps, *BYE))
    assert [one["code"] for one in door.find("Ringing")] == [180, 183]
    assert door.wait("EarlyMedia")["video"]["port"] == 21000
    assert door.wait("Answered")["video"]["port"] == 21000


def test_183_then_180_changes_nothing(door: AgentPeer, new_sipp: NewSipp) -> None:
    steps = (reply("183 Progress", SCREEN), reply("180 Ringing"), pause(50), reply("200 OK", SCREEN), receive("ACK"))
    play(door, new_sipp(receive("INVITE"), *steps, *BYE))
    assert len(door.find("EarlyMedia")) == 1
    assert [one["code"] for one in door.find("Ringing")] == [183, 180]


def test_the_next_hop_has_it_before_anybody_rings(door: AgentPeer, new_sipp: NewSipp) -> None:
    late = (reply("180 Ringing"), reply("100 Trying"), pause(50), reply("200 OK", SCREEN), receive("ACK"))
    call = play(door, new_sipp(receive("INVITE"), reply("100 Trying"), pause(50), *late, *BYE))
    assert [one["event"] for one in door.events if one.get("call") == call][:3] == ["Trying", "Ringing", "Answered"]


@pytest.mark.flow("G1")
def test_waiting_in_a_queue_is_no_ringing_and_each_new_position_is_told(door: AgentPeer, new_sipp: NewSipp) -> None:
    places = ("2", "2", "1", "2", "nonsense")
    queue = [reply("182 Queued", headers=(f"X-Queue-Position: {place}",)) for place in places]
    steps = (*queue, pause(50), reply("180 Ringing"), pause(50), reply("200 OK", SCREEN), receive("ACK"))
    play(door, new_sipp(receive("INVITE"), *steps, *BYE))
    assert [one["position"] for one in door.find("Queued")] == [2, 1, 2, 0]
    assert [one["code"] for one in door.find("Ringing")] == [180]


def test_183_without_sdp(door: AgentPeer, new_sipp: NewSipp) -> None:
    steps = (reply("183 Progress"), pause(50), reply("200 OK", SCREEN), receive("ACK"))
    play(door, new_sipp(receive("INVITE"), *steps, *BYE))
    assert door.wait("Ringing")["code"] == 183
    assert not door.find("EarlyMedia")
    assert door.wait("Answered")["video"]["port"] == 21000


def test_200_without_any_183(door: AgentPeer, new_sipp: NewSipp) -> None:
    play(door, new_sipp(*ESTABLISHED, pause(100), *BYE))
    assert not door.find("Ringing")
    assert door.wait("Answered")["to_tag"] == "a"


def test_200_without_sdp_keeps_the_early_one(door: AgentPeer, new_sipp: NewSipp) -> None:
    steps = (reply("183 Progress", SCREEN), pause(50), reply("200 OK"), receive("ACK"), receive("BYE"), confirm())
    sipp = new_sipp(receive("INVITE"), *steps)
    call = door.call(sipp.uri, video=video(9000))
    assert door.wait("Answered")["video"]["port"] == 21000
    door.wait_until(lambda: door.ask("statistics", call=call).get("codec") == "PCMU")
    door.do("hang_up", call=call)
    sipp.finish()


@pytest.mark.flow("V4")
def test_every_forked_early_dialog_is_told(door: AgentPeer, new_sipp: NewSipp) -> None:
    rings = [
        reply("183 Progress", audio() + picture(port), tag=tag)
        for tag, port in (("a", 21000), ("b", 22000), ("c", 23000))
    ]
    answer = (pause(50), reply("200 OK", audio() + picture(21000), tag="a"), receive("ACK"))
    play(door, new_sipp(receive("INVITE"), *rings, *answer, *BYE))
    told = {one["to_tag"]: one["video"]["port"] for one in door.find("EarlyMedia")}
    assert told == {"a": 21000, "b": 22000, "c": 23000}
    assert door.wait("Answered")["to_tag"] == "a"


@pytest.mark.flow("V1")
def test_second_of_two_200s_is_acknowledged_and_ended(door: AgentPeer, new_sipp: NewSipp) -> None:
    both = (reply("200 OK", SCREEN, tag="a"), receive("ACK"), reply("200 OK", audio() + picture(22000), tag="b"))
    ended = (receive("ACK", optional=True), receive("BYE"), confirm(), pause(300))
    sipp = new_sipp(receive("INVITE"), *both, *ended, *BYE)
    play(door, sipp)
    assert [one["to_tag"] for one in door.find("Answered")] == ["a"]
    assert all(";tag=b" in text for text in sipp.received("BYE"))
    tags = {
        tag
        for text in sipp.received("ACK")
        for tag in ("a", "b")
        if f";tag={tag}\r\n" in text.replace("\n", "\r\n").replace("\r\r", "\r")
    }
    assert tags == {"a", "b"}


def test_branch_with_broken_sdp_does_not_spoil_the_call(door: AgentPeer, new_sipp: NewSipp) -> None:
    broken = "v=0\no=x\nm=video notaport RTP/AVP\nnonsense\n"
    steps = (
        reply("183 Progress", broken, tag="x"),
        reply("183 Progress", SCREEN),
        pause(50),
        reply("200 OK", SCREEN),
        receive("ACK"),
    )
    play(door, new_sipp(receive("INVITE"), *steps, *BYE))
    pictures = {one["to_tag"]: one["video"] for one in door.find("EarlyMedia")}
    assert pictures["a"]["port"] == 21000
    assert pictures.get("x") is None
    assert door.wait("Answered")["to_tag"] == "a"


@pytest.mark.flow("V1")
def test_a_branch_that_is_gone_when_its_prack_comes_does_not_end_the_call(door: AgentPeer, new_sipp: NewSipp) -> None:
    reliable = reply("183 Progress", SCREEN, ("Require: 100rel", "RSeq: 1"), tag="b")
    gone = (reliable, receive("PRACK"), respond("481 Call/Transaction Does Not Exist"))
    steps = (*gone, reply("200 OK", SCREEN, tag="a"), receive("ACK"))
    play(door, new_sipp(receive("INVITE"), *steps, pause(200), *BYE))
    assert door.wait("Answered")["to_tag"] == "a"


def test_reliable_183_gets_a_prack(door: AgentPeer, new_sipp: NewSipp) -> None:
    reliable = reply("183 Progress", SCREEN, ("Require: 100rel", "RSeq: 1"))
    steps = (reliable, receive("PRACK"), confirm(), reply("200 OK", SCREEN), receive("ACK"))
    sipp = new_sipp(receive("INVITE"), *steps, *BYE)
    play(door, sipp)
    assert "RAck: 1 " in sipp.received("PRACK")[0]
    assert len(door.find("EarlyMedia")) == 1


def test_re_invite_right_after_the_ack(door: AgentPeer, new_sipp: NewSipp) -> None:
    again = (
        request("INVITE", 2, audio() + picture(24000)),
        receive("100", True),
        receive("200"),
        request("ACK", 2),
        pause(100),
    )
    sipp = new_sipp(*ESTABLISHED, *again, *BYE)
    play(door, sipp)
    assert door.wait("VideoChanged")["video"]["port"] == 24000
    answer = next(text for text in sipp.received("SIP/2.0 200") if "2 INVITE" in text)
    assert "m=video 9000 RTP/AVP 96" in answer
    assert "a=sendonly" in answer


def test_update_moves_the_picture(door: AgentPeer, new_sipp: NewSipp) -> None:
    sipp = new_sipp(*ESTABLISHED, request("UPDATE", 2, audio() + picture(24000)), receive("200"), *BYE)
    play(door, sipp)
    assert door.wait("VideoChanged")["video"]["port"] == 24000
    assert "m=video 9000 RTP/AVP 96" in next(text for text in sipp.received("SIP/2.0 200") if "UPDATE" in text)


def test_held_and_taken_back(door: AgentPeer, new_sipp: NewSipp) -> None:
    def again(number: int, direction: str) -> tuple[str, ...]:
        body = audio(direction=direction) + picture(direction="inactive" if direction == "sendonly" else "recvonly")
        return request("INVITE", number, body), receive("100", True), receive("200"), request("ACK", number), pause(50)

    play(door, new_sipp(*ESTABLISHED, *again(2, "sendonly"), *again(3, "sendrecv"), *BYE))
    assert [one["held"] for one in door.find("Held")] == [True, False]
    assert [one["video"]["direction"] for one in door.find("VideoChanged")] == ["inactive", "recvonly"]


def test_long_answer(door: AgentPeer, new_sipp: NewSipp) -> None:
    more = "".join(f"a=x-note:{number} {'x' * 60}\n" for number in range(30))
    play(
        door,
        new_sipp(
            receive("INVITE"), reply("183 P", SCREEN + more), reply("200 OK", SCREEN + more), receive("ACK"), *BYE
        ),
    )
    assert door.wait("EarlyMedia")["video"]["port"] == 21000


def test_peer_without_video_gets_an_audio_call(door: AgentPeer, new_sipp: NewSipp) -> None:
    refused = audio() + "m=video 0 RTP/AVP 96\n"
    play(door, new_sipp(receive("INVITE"), reply("200 OK", refused), receive("ACK"), pause(100), *BYE))
    assert door.wait("Answered")["video"] is None
    assert "refused video" in door.log.read_text()


def test_digits_by_both_kinds_of_info(door: AgentPeer, new_sipp: NewSipp) -> None:
    relay = request("INFO", 2, "Signal=5\nDuration=160\n", ("Content-Type: application/dtmf-relay",))
    bare = request("INFO", 3, "#\n", ("Content-Type: application/dtmf",))
    play(door, new_sipp(*ESTABLISHED, relay, receive("200"), bare, receive("200"), *BYE))
    assert [(one["digit"], one["method"]) for one in door.find("Dtmf")] == [("5", "info"), ("#", "info")]


def test_session_timer_is_agreed(door: AgentPeer, new_sipp: NewSipp) -> None:
    timed = reply("200 OK", SCREEN, ("Session-Expires: 90;refresher=uac", "Supported: timer", "Require: timer"))
    sipp = new_sipp(receive("INVITE"), timed, receive("ACK"), pause(50), *BYE)
    play(door, sipp)
    sent = sipp.received("INVITE")[0]
    assert "Session-Expires: 300" in sent
    assert "timer" in sent
    assert "Session-ID: " in sent


@pytest.mark.parametrize(("code", "text"), [(486, "Busy Here"), (603, "Decline"), (480, "Temporarily Unavailable")])
def test_refusals(door: AgentPeer, new_sipp: NewSipp, code: int, text: str) -> None:
    sipp = new_sipp(receive("INVITE"), reply("180 Ringing"), reply(f"{code} {text}"), receive("ACK"))
    call = play(door, sipp)
    ended = door.wait("Ended", call=call)
    assert (ended["code"], ended["elsewhere"]) == (code, False)


def test_cancel_carries_our_reason(door: AgentPeer, new_sipp: NewSipp) -> None:
    cancelled = (receive("CANCEL"), confirm(), reply("487 Request Terminated"), receive("ACK"))
    sipp = new_sipp(receive("INVITE"), reply("183 Progress", SCREEN), *cancelled)
    call = door.call(sipp.uri, video=video(9000))
    door.wait("EarlyMedia")
    door.do("hang_up", call=call, reason="the visitor went away")
    sipp.finish()
    assert 'text="the visitor went away"' in sipp.received("CANCEL")[0]
    assert door.wait("Ended")["code"] == 487
