"""Calls that leave a home: up to the management server, on to the cloud, and down to another home."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.kamailio import accounts, rpc
from servers.records import Result
from tests.servers.calls import answer, end_cancelled, refuse, ring
from tests.servers.network import Network, running_network

pytestmark = pytest.mark.kamailio
SESSION = "Session-ID: 0123456789abcdef0123456789abcdef;remote=00000000000000000000000000000000"


@pytest.fixture(scope="module")
def plain_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    settings = "[timers]\nring = 2\nreach = 0.5\n"
    with running_network(tmp_path_factory.mktemp("plain"), "udp", settings=settings) as network:
        yield network


@pytest.fixture(scope="module")
def tls_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with running_network(tmp_path_factory.mktemp("tls"), "tls") as network:
        yield network


@pytest.fixture(params=["plain_network", "tls_network"])
def network(request: pytest.FixtureRequest) -> Iterator[Network]:
    found: Network = request.getfixturevalue(request.param)
    yield found
    found.forget()


@pytest.fixture
def plain(plain_network: Network) -> Iterator[Network]:
    yield plain_network
    plain_network.forget()


@pytest.mark.flow("H1")
@pytest.mark.flow("H2")
def test_a_home_calls_another_home(network: Network) -> None:
    ours, theirs = network.homes["301"], network.homes["302"]
    caller = ours.screen("indoor1")
    screens = [theirs.screen(name) for name in ("indoor1", "indoor2")]
    call = caller.call(ours.uri_of("302"), caller.login, SESSION)
    first, other = [ring(screen) for screen in screens]
    assert first["P-Asserted-Identity"] == "<sip:301@home302.example;kind=indoor>"
    assert first["Session-ID"] == SESSION.partition(" ")[2]
    answer(screens[0], first)
    end_cancelled(screens[1], other)
    final = call.final()
    assert final.status == 200
    call.ack(final)
    screens[0].wait_request("ACK")
    call.in_dialog("BYE", final)
    screens[0].respond(screens[0].wait_request("BYE"), 200, "OK")
    at_home, there, between = [
        node.record_of(call, lambda record: record.ended is not None) for node in (ours, theirs, network.management)
    ]
    assert (at_home.caller, at_home.called, at_home.answered_by) == ("indoor1", "302", "indoor1")
    assert (there.caller, there.caller_kind, there.called, there.answered_by) == ("301", "indoor", "home", "indoor1")
    assert (between.caller, between.called, between.answered_by) == ("301", "302", "indoor1")
    assert {record.session_id for record in (at_home, there, between)} == {"0123456789abcdef0123456789abcdef"}


@pytest.mark.flow("H1")
@pytest.mark.parametrize(("code", "reason", "heard"), [(603, "Decline", 603), (486, "Busy Here", 486)])
def test_what_the_other_home_says_reaches_the_caller(plain: Network, code: int, reason: str, heard: int) -> None:
    ours, theirs = plain.homes["301"], plain.homes["302"]
    caller, screen = ours.screen("phone1", "phone"), theirs.screen("indoor1")
    call = caller.call(ours.uri_of("302"), caller.login)
    refuse(screen, ring(screen), code, reason)
    assert call.final().status == heard
    for node in (ours, theirs, plain.management):
        assert node.record_of(call, lambda record: record.code == heard)


@pytest.mark.flow("H1")
def test_a_home_where_nobody_answers_or_is(plain: Network) -> None:
    ours, theirs = plain.homes["301"], plain.homes["302"]
    caller = ours.screen("indoor1")
    assert caller.call(ours.uri_of("302"), caller.login).final().status == 480
    screen = theirs.screen("indoor1")
    call = caller.call(ours.uri_of("302"), caller.login)
    end_cancelled(screen, ring(screen))
    assert call.final().status == 408
    assert ours.record_of(call, Result.NO_ANSWER).code == 408


@pytest.mark.flow("H1")
def test_a_number_that_nobody_has_is_told_apart_from_a_home_where_nobody_is(network: Network) -> None:
    home = network.homes["301"]
    caller = home.screen("indoor1")
    for dialled, heard in (("302", 480), ("999", 404)):
        call = caller.call(home.uri_of(dialled), caller.login)
        final = call.final()
        assert final.status == heard
        for node in (home, network.management):
            assert node.record_of(call, lambda record: record.ended is not None).code == heard
    assert final.start == "SIP/2.0 404 No such number"


@pytest.mark.flow("H1")
def test_a_caller_who_gives_up_silences_the_other_home(plain: Network) -> None:
    ours, theirs = plain.homes["301"], plain.homes["302"]
    caller, screen = ours.screen("indoor1"), theirs.screen("indoor1")
    call = caller.call(ours.uri_of("302"), caller.login)
    invite = ring(screen)
    call.cancel('Reason: SIP;cause=487;text="Gave up"')
    assert end_cancelled(screen, invite)["Reason"] == 'SIP;cause=487;text="Gave up"'
    assert call.final().status == 487
    assert theirs.record_of(call, Result.CANCELLED).caller == "301"


@pytest.mark.flow("P1")
@pytest.mark.flow("P3")
def test_a_resident_calls_the_guard_from_home(network: Network) -> None:
    home, management = network.homes["301"], network.management
    guard, caller = management.screen("desk1", "console"), home.screen("indoor1")
    call = caller.call(home.uri_of("guard"), caller.login, SESSION)
    invite = ring(guard)
    assert invite["P-Asserted-Identity"] == "<sip:301@lakeside.example;kind=indoor>"
    answer(guard, invite)
    final = call.final()
    assert final["P-Asserted-Identity"] == "<sip:desk1@lakeside.example>"
    call.ack(final)
    guard.wait_request("ACK")
    call.in_dialog("BYE", final)
    guard.respond(guard.wait_request("BYE"), 200, "OK")
    kept = [node.record_of(call, lambda record: record.ended is not None) for node in (home, management)]
    assert [(record.caller, record.called, record.answered_by) for record in kept] == [
        ("indoor1", "guard", "desk1"),
        ("301", "guard", "desk1"),
    ]


def test_a_door_station_gets_no_further_than_the_home(plain: Network) -> None:
    home = plain.homes["301"]
    assert home.peer("door1").call(home.uri_of("302"), home.add("door1", "door")).final().status == 404


def test_a_home_calls_itself_through_management_and_reaches_nobody(plain: Network) -> None:
    home = plain.homes["301"]
    caller = home.screen("indoor1")
    assert caller.call(home.uri_of("301"), caller.login).final().status == 480


def test_nobody_but_the_management_server_calls_a_home_from_above(plain: Network) -> None:
    """In plain SIP the home is known above by a contact that nobody else learns, and the caller by its address."""
    home = plain.homes["302"]
    home.screen("indoor1")
    contact = accounts.registrations(plain.management.site)["homelink-302"][0].partition(":")[2].partition("@")[0]
    stranger = home.peer("stranger")
    assert stranger.call(home.uri_of(contact)).final().status == 407


def test_a_silent_management_server_is_told_apart_from_a_home_where_nobody_is(tmp_path: Path) -> None:
    """5xx: the caller may try another way at once."""
    with running_network(tmp_path, "udp", ["301"], "[timers]\nreach = 0.5\n") as network:
        home = network.homes["301"]
        caller = home.screen("indoor1")
        network.management.server.stop()
        call = caller.call(home.uri_of("302"), caller.login)
        assert call.final().status == 503
        assert home.record_of(call, Result.FAILED).code == 503


@pytest.mark.flow("R1")
def test_homes_come_back_when_the_management_server_does(tls_network: Network) -> None:
    """Over TLS the connection is the way to a home: HomeLink notices its end and registers again."""
    management = tls_network.management
    log = management.server.log
    os.kill(int((management.site.run_folder / "pid").read_text()), signal.SIGKILL)
    for flat in tls_network.homes:
        management.server.wait_for(f"homelink-{flat} registered", log.count(f"homelink-{flat} registered") + 1)
    ours, theirs = tls_network.homes["301"], tls_network.homes["302"]
    caller, screen = ours.screen("indoor1"), theirs.screen("indoor1")
    call = caller.call(ours.uri_of("302"), caller.login)
    answer(screen, ring(screen))
    assert call.final().status == 200
    tls_network.forget()


def test_the_way_to_a_home_stays_open_when_nothing_is_said(tls_network: Network) -> None:
    """Strangers' connections are closed after seconds, but not those of servers to one another."""
    for node in (tls_network.management, *tls_network.homes.values()):
        assert node.site.upstream is not None
        connections = rpc.call(node.site.control, "core.tcp_list")
        above = [one for one in connections if node.site.upstream.uri.endswith(f":{one['src_port']};transport=tls")]
        assert [one["lifetime"] for one in above] == [3605], connections
