"""Reading SIP messages as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endpoints.sip.message import Message, display_and_uri, info_digit, is_call_uri, quoted, session_id_header

INVITE = (
    "INVITE sip:a@b SIP/2.0\r\n"
    'f: "Gate \\"1\\" <x>" <sip:gate1@example;user=phone>;tag=12\r\n'
    "To: <sip:a@b;tag=not-this>;TAG=abc;x=1\r\n"
    "CSeq: 7 INVITE\r\n"
    "Session-ID: AB12345678901234567890123456789a;remote=0\r\n"
    "X-Intercom-Challenge: first\r\n"
    "X-Intercom-Challenge: second\r\n"
    "Subject: folded\r\n  line\r\n"
    "c: application/SDP;x=1\r\n"
    "\r\n"
    "v=0\r\n"
)


def test_parts_of_a_message() -> None:
    message = Message.parse(INVITE)
    assert (message.method, message.status, message.to_tag) == ("INVITE", 0, "abc")
    assert message.header("From").startswith('"Gate')
    assert message.header("subject") == "folded line"
    assert message.session_id == "ab12345678901234567890123456789a"
    assert message.extension_headers("x-intercom-") == {"x-intercom-challenge": "first"}
    assert message.sdp == "v=0\n"


def test_status_and_method_of_a_response() -> None:
    message = Message.parse("SIP/2.0 183 Session Progress\r\nCSeq: 1 INVITE\r\nTo: sip:a@b;tag=9\r\n\r\n")
    assert (message.status, message.method, message.to_tag) == (183, "INVITE", "9")


def test_description_in_a_multipart_body() -> None:
    body = (
        "--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--x--\r\n"
    )
    message = Message.parse(f"INVITE sip:a SIP/2.0\r\nContent-Type: multipart/mixed;boundary=x\r\n\r\n{body}")
    assert message.sdp.startswith("v=0")


@pytest.mark.parametrize(
    ("asserted", "kind"),
    [
        ("<sip:desk1@lakeside.example;kind=console>", "console"),
        ('"Gate 1" <sip:gate1@lakeside.example;kind=door;x=1>', "door"),
        ("<sip:desk1@lakeside.example>;kind=console", ""),
        ("", ""),
    ],
)
def test_what_the_caller_is_asserted_to_be(asserted: str, kind: str) -> None:
    assert Message.parse(f"INVITE sip:a SIP/2.0\r\nP-Asserted-Identity: {asserted}\r\n\r\n").caller_kind == kind


@pytest.mark.parametrize(
    ("reason", "failure"),
    [
        ('SIP;cause=480;text="The guard cannot be reached"', (480, "The guard cannot be reached")),
        ("sip ; cause = 503", (503, "")),
        ("SIP;cause=200", None),
        ("Q.850;cause=480", None),
        ("preemption;cause=1", None),
    ],
)
def test_a_bye_tells_that_the_call_broke(reason: str, failure: tuple[int, str] | None) -> None:
    assert Message.parse(f"BYE sip:a SIP/2.0\r\nReason: {reason}\r\n\r\n").failure == failure


@pytest.mark.parametrize(
    ("reason", "elsewhere"),
    [
        ('SIP;cause=200;text="Call completed elsewhere"', True),
        ("sip ; cause=200", True),
        ('Q.850;cause=16, SIP;cause=200;text="x"', True),
        ("SIP;cause=487", False),
        ("Q.850;cause=200", False),
        ("", False),
    ],
)
def test_reason_answered_elsewhere(reason: str, elsewhere: bool) -> None:
    assert Message.parse(f"CANCEL sip:a SIP/2.0\r\nReason: {reason}\r\n\r\n").answered_elsewhere is elsewhere


@pytest.mark.parametrize(
    ("value", "name", "uri"),
    [
        ('"Gate \\"1\\"" <sip:g@x;user=phone>;tag=1', 'Gate "1"', "sip:g@x"),
        ("Gate 1 <sip:g@x>", "Gate 1", "sip:g@x"),
        ("<sips:g@x?h=1>", "", "sips:g@x"),
        ("sip:g@x;tag=1", "", "sip:g@x"),
    ],
)
def test_name_and_address(value: str, name: str, uri: str) -> None:
    assert display_and_uri(value) == (name, uri)


@pytest.mark.parametrize(
    ("body", "digit"),
    [("Signal=5\r\nDuration=160\r\n", "5"), ("signal= #", "#"), ("*", "*"), ("Signal=55", ""), ("x", "")],
)
def test_digit_of_an_info(body: str, digit: str) -> None:
    assert info_digit(body) == digit


def test_nothing_breaks_out_of_a_header() -> None:
    assert is_call_uri("sip:home@127.0.0.1:5061;transport=tls")
    assert not is_call_uri("sip:a@b\r\nX: 1")
    assert not is_call_uri("sip:a@b> x")
    assert quoted('a"b\\\r\nX: 1') == '"a\\"b\\\\  X: 1"'
    assert session_id_header("1" * 32, "") == "1" * 32 + ";remote=" + "0" * 32


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    message = Message.parse(text)
    for value in (message.method, message.to_tag, message.sdp, message.session_id, message.content_type):
        assert isinstance(value, str)
    assert message.status >= 0
    assert message.answered_elsewhere in (True, False)


@pytest.mark.parametrize(
    ("header", "user"),
    [
        ("P-Asserted-Identity: <sip:indoor1@home.example>", "indoor1"),
        ('P-Asserted-Identity: "Hall" <sip:a%20b@home.example;kind=indoor>', "a b"),
        ("P-Asserted-Identity: <tel:+12025550147>", ""),
        ("X: y", ""),
    ],
)
def test_who_answered_is_what_the_server_asserts(header: str, user: str) -> None:
    assert Message.parse(f"SIP/2.0 200 OK\r\n{header}\r\n\r\n").asserted_user == user
