"""SIP messages as servers capture them become one ladder per visit: each hop once, stages together, no secrets."""

import ipaddress
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import SimError
from sim.main import main
from sim.trace.book import ANY_PORT, Agent, Book
from sim.trace.hep import Address, parse
from sim.trace.ladder import draw
from sim.trace.message import read

SESSION = "ab30317f1a784dc48ff824d0d3715d86"
DOOR, SCREEN = ("127.0.1.1", 40001), ("127.0.1.3", 40003)
HOMELINK, MANAGEMENT = ("127.0.0.1", 5061), ("127.0.0.1", 5071)
NAMES = {(DOOR[0], ANY_PORT): "door1", (SCREEN[0], ANY_PORT): "indoor1", HOMELINK: "homelink", MANAGEMENT: "management"}
AGENTS = {1: Agent("homelink", frozenset({HOMELINK[1]})), 2: Agent("management", frozenset({MANAGEMENT[1]}))}


def hep(agent: int, source: Address, destination: Address, payload: bytes, seconds: int = 1) -> bytes:
    chunks = [
        (3, ipaddress.ip_address(source[0]).packed),
        (4, ipaddress.ip_address(destination[0]).packed),
        (7, struct.pack(">H", source[1])),
        (8, struct.pack(">H", destination[1])),
        (9, struct.pack(">I", seconds)),
        (10, struct.pack(">I", 0)),
        (12, struct.pack(">I", agent)),
        (15, payload),
    ]
    body = b"".join(struct.pack(">HHH", 0, kind, 6 + len(value)) + value for kind, value in chunks)
    return b"HEP3" + struct.pack(">H", 6 + len(body)) + body


def sip(start: str, branch: str, *more: str, call: str = "call-1", cseq: str = "1 INVITE", body: str = "") -> bytes:
    kind = ["Content-Type: application/sdp"] if body else []
    lines = [start, f"Via: SIP/2.0/TLS 127.0.0.1;branch={branch}", f"Call-ID: {call}", f"CSeq: {cseq}"]
    lines += ["From: <sip:door1@home.example>;tag=a", "To: <sip:301@home.example>", *kind, *more]
    return "\r\n".join([*lines, "", body]).encode()


def book_of(*packets: bytes) -> Book:
    book = Book()
    book.know(AGENTS, NAMES)
    for packet in packets:
        book.add(parse(packet))
    return book


INVITE = "INVITE sip:home@127.0.0.1:5061 SIP/2.0"
SESSION_ID = f"Session-ID: {SESSION};remote={'0' * 32}"
TO_HOMELINK = hep(1, DOOR, HOMELINK, sip(INVITE, "b1", SESSION_ID, body="v=0"))


def test_a_hop_tells_who_sent_what_to_whom() -> None:
    (visit,) = book_of(TO_HOMELINK).visits()
    (hop,) = visit.hops
    assert (hop.sender, hop.receiver, hop.message.label) == ("door1", "homelink", "INVITE +SDP")
    assert (visit.session, visit.caller, visit.called) == (SESSION, "door1", "home")


def test_what_two_servers_captured_of_one_hop_is_one_hop() -> None:
    between = sip(INVITE, "b2", SESSION_ID)
    up = hep(1, HOMELINK, MANAGEMENT, between, 2)
    in_ = hep(2, ("127.0.0.1", 51234), MANAGEMENT, between, 2)
    (visit,) = book_of(up, in_).visits()
    assert [(hop.sender, hop.receiver, hop.times) for hop in visit.hops] == [("homelink", "management", 1)]


def test_a_retransmission_is_counted_not_drawn_again() -> None:
    (visit,) = book_of(TO_HOMELINK, TO_HOMELINK, TO_HOMELINK).visits()
    assert [hop.times for hop in visit.hops] == [3]
    assert "x3" in draw(visit)


def test_the_stages_of_a_visit_are_one_ladder() -> None:
    refused = hep(1, HOMELINK, DOOR, sip("SIP/2.0 480 Nobody is registered", "b1"), 2)
    second = hep(2, DOOR, MANAGEMENT, sip("INVITE sip:301@m SIP/2.0", "b9", SESSION_ID, call="call-2"), 3)
    (visit,) = book_of(TO_HOMELINK, refused, second).visits()
    assert visit.parties() == ["door1", "homelink", "management"]
    assert visit.outcome == "480 Nobody is registered"
    lines = draw(visit).splitlines()
    assert lines[0] == f"door1 calls home: 480 Nobody is registered (session {SESSION})"
    assert [line.split()[0] for line in lines[3:]] == ["0.000", "1.000", "2.000"]
    assert "- INVITE +SDP -" in lines[3]
    assert "<480 Nobody is reg" in lines[4]


def test_a_cancel_says_why() -> None:
    why = 'Reason: SIP;cause=200;text="Call completed elsewhere"'
    (visit,) = book_of(
        TO_HOMELINK, hep(1, HOMELINK, SCREEN, sip("CANCEL sip:x SIP/2.0", "b3", why, cseq="1 CANCEL"))
    ).visits()
    assert draw(visit).rstrip().endswith("Call completed elsewhere")


def test_registrations_and_health_questions_are_no_visits() -> None:
    assert book_of(hep(1, DOOR, HOMELINK, sip("REGISTER sip:x SIP/2.0", "b1", cseq="1 REGISTER"))).visits() == []


def test_no_secret_is_kept() -> None:
    login = 'Authorization: Digest username="door1", response="0123456789abcdef", cnonce="xyz"'
    key = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
    text = read(sip(INVITE, "b1", login, body=key)).text
    assert "0123456789abcdef" not in text
    assert "c2VjcmV0" not in text
    assert 'username="door1"' in text


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_value_error(noise: bytes) -> None:
    for packet in (noise, b"HEP3" + noise, TO_HOMELINK[: len(noise)] + noise):
        try:
            book_of(packet)
        except ValueError:
            continue


@pytest.mark.parametrize("start", ["", "SIP/2.0 abc", "INVITE", "HELLO world again"])
def test_no_start_line_no_message(start: str) -> None:
    with pytest.raises(ValueError, match="not a SIP message"):
        read(sip(start, "b1"))


def test_the_command_says_that_there_is_no_simulator(tmp_path: Path) -> None:
    with pytest.raises(SimError, match="tells of no simulator"):
        main(["trace", str(tmp_path / "none.json")])
