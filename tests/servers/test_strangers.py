"""Who is no door station of the community and no device of the home gets nowhere, and soon no answer."""

import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from servers.community.authority import Community, Role
from tests.servers.calls import answer, end_cancelled, ring, visit
from tests.servers.homes import Home, own_address, tls_files
from tests.servers.peer import Login, Peer

pytestmark = pytest.mark.kamailio


@pytest.mark.flow("V1")
def test_a_door_stations_certificate_needs_no_login(tls_home: Home) -> None:
    screen = tls_home.screen("indoor1")
    call = visit(tls_home)
    answer(screen, ring(screen))
    assert call.final().status == 200


def test_another_communitys_door_station_is_refused(tls_home: Home, tmp_path: Path) -> None:
    foreign = tls_files(Community.create(tmp_path / "ca", "Elsewhere").issue("door-station", "door1", [], tmp_path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(tls_home.certificate(Role.DOOR_STATION, "door1").authority)
    context.load_cert_chain(foreign.certificate, foreign.key)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # so that the refusal is part of the handshake
    listener = tls_home.listener("tls")
    stream = socket.create_connection((listener.address, listener.port))
    with stream, pytest.raises(ssl.SSLError, match=r"(?i)unknown ca"):
        context.wrap_socket(stream, server_hostname=listener.address)


@pytest.mark.parametrize("role", [Role.INDOOR_UNIT, Role.PHONE, Role.HOMELINK])
def test_a_certificate_of_another_role_is_no_door_station(tls_home: Home, role: Role) -> None:
    caller = tls_home.peer("door1", tls=tls_home.certificate(role, f"false {role}"))
    assert caller.call(tls_home.uri).final().status == 407


def test_without_a_certificate_nobody_calls_over_tls(tls_home: Home) -> None:
    assert tls_home.peer("door1").call(tls_home.uri).final().status == 407


def test_over_tls_a_doors_account_is_not_enough(tls_home: Home) -> None:
    login = tls_home.add("door1", "door")
    assert tls_home.peer("door1", "tls").call(tls_home.uri, login).final().status == 403


def test_a_stranger_cannot_ring_the_home(plain_home: Home) -> None:
    screen = plain_home.screen("indoor1")
    stranger = plain_home.peer("stranger")
    assert stranger.call(plain_home.uri).final().status == 407
    assert stranger.call(plain_home.uri, Login("door1", "guess", plain_home.site.homelink.realm)).final().status == 407
    assert screen.is_silent(0.3)


@pytest.mark.parametrize("user", ["somebody", "0085212345678", "indoor1"])
def test_a_door_station_reaches_the_home_and_no_other_address(plain_home: Home, user: str) -> None:
    plain_home.screen("indoor1")
    uri = plain_home.uri.replace("sip:home@", f"sip:{user}@")
    assert plain_home.peer("door1").call(uri, plain_home.add("door1", "door")).final().status == 404


def test_the_server_is_no_relay_to_other_hosts(plain_home: Home) -> None:
    victim = plain_home.peer("victim")
    assert plain_home.peer("door1").call(victim.contact, plain_home.add("door1", "door")).final().status == 404
    assert victim.is_silent(0.3)


@pytest.mark.parametrize("method", ["MESSAGE", "PUBLISH", "REFER", "BYE"])
def test_methods_that_nobody_needs_are_refused(plain_home: Home, method: str) -> None:
    stranger = plain_home.peer("stranger")
    headers = {"From": "<sip:a@b>;tag=1", "To": "<sip:home@b>", "Call-ID": f"odd-{method}", "CSeq": f"1 {method}"}
    stranger.request(method, plain_home.uri, headers)
    assert stranger.wait(lambda m: m.status > 0).status == 405


def test_guessing_a_password_ends_in_silence_for_that_account_only(plain_home: Home) -> None:
    good = plain_home.add("indoor1")
    other = plain_home.screen("indoor2")
    thief, wrong = plain_home.peer("thief"), Login("indoor1", "guess", good.realm)
    for _ in range(plain_home.site.limits.failures):
        assert thief.register(wrong, plain_home.site.address_of_record).status == 403
    with pytest.raises(AssertionError, match="nothing more came"):
        thief.authenticated("REGISTER", f"sip:{good.realm}", plain_home.site.address_of_record, wrong, limit=0.5)
    call = visit(plain_home)
    answer(other, ring(other))
    assert call.final().to_tag == "indoor2"


def test_a_scanner_gets_no_answer_at_all(plain_home: Home) -> None:
    scanner = Peer(plain_home.listener("udp"), "100", source=own_address())
    with scanner:
        headers = {"From": "<sip:100@1.1.1.1>;tag=1", "To": "<sip:100@1.1.1.1>", "Call-ID": "scan", "CSeq": "1 OPTIONS"}
        scanner.request("OPTIONS", plain_home.uri, headers, "User-Agent: friendly-scanner")
        assert scanner.is_silent(0.5)
        scanner.request("OPTIONS", plain_home.uri, headers)
        assert scanner.is_silent(0.5), "the source is banned, whatever it calls itself now"
    plain_home.server.wait_for("scanner friendly-scanner")


def test_a_flood_is_silenced_and_the_home_rings_on(guarded_home: Home) -> None:
    """The flood comes from the devices' own address, as from a neighbour behind the same router."""
    screen, login = guarded_home.peer("indoor1", "udp"), guarded_home.add("indoor1")
    assert screen.register(login, guarded_home.site.address_of_record).status == 200
    door, account = guarded_home.peer("door1", "udp"), guarded_home.add("door1", "door")
    uri = screen.server_uri("home")
    first = door.call(uri, account)
    end = ring(screen)
    first.cancel()
    end_cancelled(screen, end)
    flood = guarded_home.peer("flood", "udp")
    for number in range(5 * guarded_home.site.limits.requests):
        headers = {"From": "<sip:x@y>;tag=1", "To": "<sip:x@y>", "Call-ID": f"flood{number}", "CSeq": "1 OPTIONS"}
        flood.request("OPTIONS", uri, headers)
    guarded_home.server.wait_for("flood of OPTIONS")
    call = door.call(uri, account)
    answer(screen, ring(screen))
    assert call.final().status == 200
    answered = 0
    with suppress(AssertionError):
        while flood.wait(lambda m: m.status == 200, 0.5):
            answered += 1
    assert answered <= guarded_home.site.limits.requests * 2
    assert guarded_home.server.log.count("flood of OPTIONS") == 1, "a flood does not flood the log"


def test_trying_many_accounts_ends_in_silence_for_the_source(guarded_home: Home) -> None:
    listener = guarded_home.listener("udp")
    with Peer(listener, "thief", source=own_address()) as thief:
        for number in range(guarded_home.site.limits.source_failures - 1):
            guess = Login(f"user{number}", "x", "home301.example")
            assert thief.register(guess, guarded_home.site.address_of_record).status == 403
        last = Login("user99", "x", "home301.example")
        with pytest.raises(AssertionError, match="nothing more came"):
            thief.authenticated("REGISTER", "sip:x", guarded_home.site.address_of_record, last, limit=0.5)
        assert thief.is_silent(0.2)


def test_a_stranger_cannot_hold_connections(guarded_home: Home) -> None:
    """Only who proved who they are keeps a connection for longer than [limits] idle."""
    screen, stranger = guarded_home.screen("indoor1", transport="tcp"), guarded_home.peer("stranger", "tcp")
    with pytest.raises(ConnectionError, match="closed"):
        stranger.wait(lambda _: False)
    call = visit(guarded_home)
    answer(screen, ring(screen))
    assert call.final().status == 200


@pytest.mark.parametrize(
    "packet",
    [
        b"\x00" * 200,
        b"INVITE sip:home@x SIP/2.0\r\nContent-Length: -5\r\n\r\n",
        b"INVITE sip:home@x SIP/2.0\r\nFrom: " + b"A" * 60000 + b"\r\n\r\n",
        b"REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=\r\nCSeq: 99999999999 REGISTER\r\n\r\n",
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKnobody\r\nCSeq: 1 INVITE\r\n\r\n",
    ],
)
def test_broken_packets_do_no_harm(plain_home: Home, packet: bytes) -> None:
    listener = plain_home.listener("udp")
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        sender.bind((own_address(), 0))
        sender.sendto(packet, (listener.address, listener.port))
    screen = plain_home.screen("indoor1")
    call = visit(plain_home)
    answer(screen, ring(screen))
    assert call.final().status == 200


def test_the_server_does_not_tell_what_it_is(plain_home: Home) -> None:
    answer_ = plain_home.peer("stranger").call(plain_home.uri).final()
    assert (answer_["Server"], answer_["Warning"]) == ("intercom", "")


def test_a_busy_caller_is_no_flood(guarded_home: Home) -> None:
    door, login = guarded_home.peer("door1"), guarded_home.add("door1", "door")
    for _ in range(guarded_home.site.limits.requests):
        assert door.call(guarded_home.uri, login).final().status == 480


def test_a_client_that_never_gets_its_nonce_right_is_silenced(guarded_home: Home) -> None:
    """Each of its tries would cost a transaction's memory, at whatever speed it likes."""
    client, login = guarded_home.peer("indoor1"), guarded_home.add("indoor1")
    record, uri = guarded_home.site.address_of_record, f"sip:{login.realm}"
    headers = {"From": f"<{record}>;tag=1", "To": f"<{record}>", "Call-ID": "loop", "Contact": f"<{client.contact}>"}
    client.request("REGISTER", uri, {**headers, "CSeq": "1 REGISTER"})
    old = login.answer(client.wait(lambda m: m.status == 401), "REGISTER", uri)
    client.request("REGISTER", uri, {**headers, "CSeq": "2 REGISTER"}, old)
    assert client.wait(lambda m: m["CSeq"].startswith("2 ")).status == 200
    for number in range(3, 3 * guarded_home.site.limits.requests):
        client.request("REGISTER", uri, {**headers, "CSeq": f"{number} REGISTER"}, old)
    guarded_home.server.wait_for("flood of REGISTER")
