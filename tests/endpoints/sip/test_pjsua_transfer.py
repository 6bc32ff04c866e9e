"""Transfers (REFER, RFC 3515), notices (MESSAGE) and emergencies: our agents among themselves, and with SIPp."""

from collections.abc import Callable

import pytest

from sim.peers.sipp import Sipp, audio, confirm, from_caller, invite, receive, remember, reply, request, respond
from tests.endpoints.sip.test_pjsua_calls import talk
from tests.peers.agent import AgentPeer

NewAgent = Callable[..., AgentPeer]
NewSipp = Callable[..., Sipp]
ACK = from_caller("ACK", 1)
BYE = (from_caller("BYE", 9), receive("200"))
REPORT = ("Event: refer", "Subscription-State: terminated;reason=noresource", "Content-Type: message/sipfrag")


@pytest.mark.flow("G1")
def test_a_guard_passes_a_visitor_on_to_another_guard(new_agent: NewAgent) -> None:
    door, first, second = new_agent("door"), new_agent("first"), new_agent("second")
    at_door, at_first = talk(door, first)
    first.do("transfer", call=at_first, target=second.uri)
    asked = door.wait("TransferAsked", call=at_door)
    assert asked["target"] == second.uri
    assert asked["by"] == "sip:first@127.0.0.1"
    moved = door.call(second.uri)
    at_second = second.wait("IncomingCall")["call"]
    second.do("answer", call=at_second, video=None)
    door.wait("Answered", call=moved)
    door.do("tell_transfer", call=at_door, code=200)
    assert first.wait("Transferred", call=at_first)["code"] == 200
    first.do("hang_up", call=at_first)
    door.wait("Ended", call=at_door)
    door.wait("AudioStarted", call=moved)
    assert not door.find("Ended", call=moved)


def test_a_transfer_that_nobody_answers_leaves_the_call_as_it_was(new_agent: NewAgent) -> None:
    door, first = new_agent("door"), new_agent("first")
    at_door, at_first = talk(door, first)
    first.do("transfer", call=at_first, target="sip:nobody@127.0.0.1")
    door.wait("TransferAsked", call=at_door)
    door.do("tell_transfer", call=at_door, code=480, reason="Temporarily Unavailable")
    told = first.wait("Transferred", call=at_first)
    assert (told["code"], told["reason"]) == (480, "Temporarily Unavailable")
    assert first.ask("statistics", call=at_first) != {}
    assert not first.find("Ended")


def test_a_phone_that_knows_no_transfer_refuses_it(new_agent: NewAgent, new_sipp: NewSipp) -> None:
    console = new_agent("console")
    steps = (invite(1, audio()), receive("100"), remember("200"), ACK, receive("REFER"), respond("405 No"), *BYE)
    sipp = new_sipp(*steps, target=f"127.0.0.1:{console.port}", service="console")
    call = console.wait("IncomingCall")["call"]
    console.do("answer", call=call, video=None)
    console.wait("Answered", call=call)
    console.do("transfer", call=call, target="sip:guard@lakeside.example")
    assert console.wait("Transferred", call=call)["code"] == 405
    sipp.finish()
    sent = sipp.received("REFER")[0]
    assert "Refer-To: <sip:guard@lakeside.example>" in sent
    assert "Referred-By: <sip:console@127.0.0.1>" in sent


def test_reports_of_a_transfer_count_when_they_are_final(new_agent: NewAgent, new_sipp: NewSipp) -> None:
    console = new_agent("console")
    trying, done = (f"SIP/2.0 {line}\n" for line in ("100 Trying", "200 OK"))
    steps = (
        *(receive("INVITE"), reply("200 OK", audio()), receive("ACK"), receive("REFER"), confirm()),
        *(request("NOTIFY", 2, trying, REPORT), receive("200"), request("NOTIFY", 3, done, REPORT), receive("200")),
        *(request("BYE", 4), receive("200")),
    )
    sipp = new_sipp(*steps)
    call = console.call(sipp.uri)
    console.wait("Answered", call=call)
    console.do("transfer", call=call, target="sip:guard@lakeside.example")
    assert console.wait("Transferred", call=call)["code"] == 200
    sipp.finish()
    assert len(console.find("Transferred")) == 1


def test_a_server_tells_how_many_wait(new_agent: NewAgent, new_sipp: NewSipp) -> None:
    console = new_agent("console")
    body = '{"waiting": 2, "emergency": 0}'
    message = from_caller("MESSAGE", 1, body, ("Content-Type: application/vnd.intercom.queue+json",), inside=False)
    new_sipp(message, receive("200"), target=f"127.0.0.1:{console.port}", service="console").finish()
    told = console.wait("Notice")
    assert (told["content_type"], told["body"].strip()) == ("application/vnd.intercom.queue+json", body)


@pytest.mark.parametrize("priority", ["emergency", "Emergency"])
def test_an_emergency_call_and_who_the_server_says_it_is(new_agent: NewAgent, new_sipp: NewSipp, priority: str) -> None:
    console = new_agent("console")
    said = ('P-Asserted-Identity: "Family Chen" <sip:301@lakeside.example>', f"Priority: {priority}")
    steps = (invite(1, audio(), (*said, "X-Queue-Waiting: 2")), receive("100"), remember("486"), ACK)
    sipp = new_sipp(*steps, target=f"127.0.0.1:{console.port}", service="console")
    call = console.wait("IncomingCall")
    assert (call["caller"], call["caller_name"]) == ("sip:301@lakeside.example", "Family Chen")
    assert call["emergency"] is True
    assert call["headers"] == {"x-queue-waiting": "2"}
    console.do("reject", call=call["call"], code=486)
    sipp.finish()
