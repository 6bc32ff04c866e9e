"""What the stages of a visit ask of the agent: no server is told at once, and a call that was left never comes back."""

import re
from collections.abc import Callable

import pytest

from sim.peers.sipp import Sipp, audio, confirm, pause, receive, reply, respond
from tests.peers.agent import AgentPeer

NewAgent = Callable[..., AgentPeer]
NewSipp = Callable[..., Sipp]
TAKEN_BACK = (receive("CANCEL"), confirm())
HUNG_UP = (receive("ACK"), receive("BYE"), confirm())
AT_ONCE = 8.0
"""Seconds on a busy machine; a SIP library by itself gives up after 32."""


@pytest.fixture
def door(new_agent: NewAgent) -> AgentPeer:
    return new_agent("door")


def test_a_server_that_is_down_is_told_at_once(new_agent: NewAgent, new_port: Callable[[], int]) -> None:
    door = new_agent("door", transport="tcp")
    call = door.call(f"sip:home@127.0.0.1:{new_port()};transport=tcp")
    assert door.wait("Ended", limit=AT_ONCE, call=call)["code"] in (502, 503)


def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up(door: AgentPeer, new_sipp: NewSipp) -> None:
    crossing = (*TAKEN_BACK, reply("200 OK", audio()), *HUNG_UP)
    sipp = new_sipp(receive("INVITE"), reply("180 Ringing"), *crossing)
    call = door.call(sipp.uri)
    door.wait("Ringing", call=call)
    door.do("hang_up", call=call, reason="the door calls elsewhere")
    sipp.finish()
    door.wait("Ended", call=call)
    assert not door.find("AudioStarted")


def test_a_server_that_answers_after_it_was_given_up_is_hung_up(door: AgentPeer, new_sipp: NewSipp) -> None:
    sipp = new_sipp(receive("INVITE"), receive("INVITE"), pause(200), reply("200 OK", audio()), *HUNG_UP)
    call = door.call(sipp.uri)
    door.wait_until(lambda: len(sipp.received("INVITE")) > 0)
    door.do("hang_up", call=call, reason="the door calls elsewhere")
    door.wait("Ended", call=call)
    sipp.finish()
    assert [one["event"] for one in door.events if one.get("call") == call] == ["Ended"]


def test_a_server_that_rings_after_it_was_given_up_is_cancelled(door: AgentPeer, new_sipp: NewSipp) -> None:
    rings = (reply("180 Ringing"), *TAKEN_BACK, reply("487 Request Terminated"), receive("ACK"))
    sipp = new_sipp(receive("INVITE"), receive("INVITE"), *rings)
    call = door.call(sipp.uri)
    door.wait_until(lambda: len(sipp.received("INVITE")) > 0)
    door.do("hang_up", call=call, reason="the door calls elsewhere")
    door.wait("Ended", call=call)
    sipp.finish()
    assert not door.find("Ringing")


def test_each_server_is_given_the_account_of_its_own_realm(new_agent: NewAgent, new_sipp: NewSipp) -> None:
    challenge = 'WWW-Authenticate: Digest realm="{}", nonce="abc", algorithm=MD5, qop="auth"'
    homes = [
        new_sipp(
            receive("INVITE"), reply("401 Unauthorized", headers=(challenge.format(realm),)), receive("ACK"),
            receive("INVITE"), reply("480 Nobody is registered"), receive("ACK"),
        )
        for realm in ("home", "lakeside")
    ]  # fmt: skip
    login = {"realm": "home", "user": "door-at-home", "password": "other"}
    door = new_agent("door", password="secret", realm="lakeside", logins=[login])
    for home in homes:
        door.call(home.uri)
        home.finish()
    users = [re.search(r'Digest username="([^"]+)"', home.received("INVITE")[1]) for home in homes]
    assert [found and found[1] for found in users] == ["door-at-home", "door"]
    assert "other" not in door.log.read_text()


@pytest.mark.flow("R1")
@pytest.mark.flow("V1")
def test_a_door_that_registers_still_calls_peer_to_peer(new_agent: NewAgent, new_sipp: NewSipp) -> None:
    accepted = respond("200 OK", ("[last_Contact:];expires=300", "Expires: 300"))
    registrar = new_sipp(receive("REGISTER"), accepted, pause(20_000))
    at = f"sip:127.0.0.1:{registrar.port};transport=udp"
    door = new_agent("door", registrar=at, password="secret", through_registrar=False)
    door.wait("Registered")
    home = new_sipp(receive("INVITE"), reply("480 Nobody is registered"), receive("ACK"))
    call = door.call(f"sip:301@127.0.0.1:{home.port};stage=phones")
    home.finish()
    assert door.wait("Ended", call=call)["code"] == 480
    invite = home.received("INVITE")[0]
    assert invite.startswith(f"INVITE sip:301@127.0.0.1:{home.port};stage=phones SIP/2.0")
    assert "\nRoute:" not in invite
    assert len(registrar.received()) == 1
