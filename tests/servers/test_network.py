"""Who registers where, and calls that leave a home: up to management, on to the cloud, and down to another home."""

import json
import os
import signal
import time
from collections.abc import Iterator

import pytest

from endpoints.service import Service
from servers.community.authority import Role
from servers.kamailio import accounts, rpc
from servers.records import Result
from tests.servers.calls import answer, end_cancelled, refuse, ring
from tests.servers.network import COMMUNITY, Network, running_network, service_url
from tests.servers.nodes import free_port
from tests.servers.peer import Call, Peer

pytestmark = pytest.mark.kamailio
SESSION = "Session-ID: 0123456789abcdef0123456789abcdef;remote=00000000000000000000000000000000"


@pytest.fixture(scope="module")
def plain_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    settings = "[timers]\nring = 2\nreach = 0.5\n"
    with running_network(tmp_path_factory.mktemp("plain"), "udp", settings=settings) as network:
        yield network


@pytest.fixture(scope="module")
def tls_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    settings = f"[http]\nport = {free_port('127.0.0.1')}\n"
    with running_network(tmp_path_factory.mktemp("tls"), "tls", settings=settings) as network:
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


MAY_REGISTER = {
    "homelink": (Role.INDOOR_UNIT, Role.PHONE),
    "management": (Role.DOOR_STATION, Role.HOMELINK, Role.INDOOR_UNIT, Role.MANAGEMENT_CONSOLE),
    "cloud": (Role.PHONE, Role.MANAGEMENT),
}
"""The original's chapter 3.1; everybody else is told 403, whatever accounts they have."""
ACCOUNTS = {
    Role.DOOR_STATION: ("door", ""),
    Role.HOMELINK: ("homelink", "305"),
    Role.INDOOR_UNIT: ("indoor", "306"),
    Role.MANAGEMENT_CONSOLE: ("console", ""),
    Role.PHONE: ("phone", "301.lakeside"),
    Role.MANAGEMENT: ("management", ""),
}


@pytest.mark.flow("R1")
@pytest.mark.flow("R2")
@pytest.mark.flow("R3")
@pytest.mark.flow("R4")
@pytest.mark.parametrize("server", MAY_REGISTER)
def test_who_may_register_where(tls_network: Network, server: str) -> None:
    nodes = {"homelink": tls_network.homes["301"], "management": tls_network.management, "cloud": tls_network.cloud}
    node, answers = nodes[server], {}
    for role in Role:
        kind, home = ACCOUNTS[role] if role in MAY_REGISTER[server] else ("guest", "")
        login = node.add(f"a-{role}", kind, "" if server == "homelink" else home)
        peer = node.peer(login.user, tls=node.certificate(role, login.user))
        answers[role] = peer.register(login, login.address_of_record).status
    assert answers == {role: 200 if role in MAY_REGISTER[server] else 403 for role in Role}
    tls_network.forget()


@pytest.mark.flow("H1")
@pytest.mark.flow("H2")
@pytest.mark.parametrize(("mine", "dialled"), [("301", "302"), ("302", "301")])
def test_a_home_calls_another_home(network: Network, mine: str, dialled: str) -> None:
    ours, theirs = network.homes[mine], network.homes[dialled]
    caller = ours.screen("indoor1")
    screens = [theirs.screen("indoor1"), theirs.screen("phone1", "phone")]
    call = caller.call(ours.uri_of(dialled), caller.login, SESSION)
    first, other = [ring(screen) for screen in screens]
    assert first["P-Asserted-Identity"] == f"<sip:{mine}@home{dialled}.example;kind=indoor>"
    assert first["Session-ID"] == SESSION.partition(" ")[2]
    answer(screens[0], first)
    assert end_cancelled(screens[1], other)["Reason"].startswith("SIP;cause=200")
    final = call.final()
    assert final.status == 200
    call.ack(final)
    screens[0].wait_request("ACK")
    call.in_dialog("BYE", final)
    screens[0].respond(screens[0].wait_request("BYE"), 200, "OK")
    at_home, there, between = [
        node.record_of(call, lambda record: record.ended is not None) for node in (ours, theirs, network.management)
    ]
    assert (at_home.caller, at_home.called, at_home.answered_by) == ("indoor1", dialled, "indoor1")
    assert (there.caller, there.caller_kind, there.called, there.answered_by) == (mine, "indoor", "home", "indoor1")
    assert (between.caller, between.called, between.answered_by) == (mine, dialled, "indoor1")
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


def one_guard_answers(network: Network, guards: list[Peer], call: Call, caller: str) -> None:
    """All consoles and clients ring as in G1, the second answers, the first stops; then the caller hangs up."""
    invites = [ring(guard) for guard in guards]
    assert {invite["P-Asserted-Identity"] for invite in invites} == {caller}
    answer(guards[1], invites[1])
    assert end_cancelled(guards[0], invites[0])["Reason"].startswith("SIP;cause=200")
    final = call.final()
    assert final["P-Asserted-Identity"].startswith("<sip:client1@")
    call.ack(final)
    guards[1].wait_request("ACK")
    call.in_dialog("BYE", final)
    guards[1].respond(guards[1].wait_request("BYE"), 200, "OK")
    record = network.management.record_of(call, lambda record: record.ended is not None)
    assert (record.caller, record.called, record.answered_by) == ("301", "guard", "client1")


@pytest.mark.flow("P1")
@pytest.mark.flow("P3")
@pytest.mark.parametrize("kind", ["indoor", "phone"])
def test_a_resident_calls_the_guards_from_home(network: Network, kind: str) -> None:
    home = network.homes["301"]
    guards = [network.management.screen(name, "console") for name in ("console1", "client1")]
    caller = home.screen("device1", kind)
    call = caller.call(home.uri_of("guard"), caller.login, SESSION)
    one_guard_answers(network, guards, call, f"<sip:301@lakeside.example;kind={kind}>")
    record = home.record_of(call, lambda record: record.ended is not None)
    assert (record.caller, record.called, record.answered_by) == ("device1", "guard", "client1")


@pytest.mark.flow("P2")
def test_a_resident_calls_the_guards_on_a_mobile_network(network: Network) -> None:
    guards = [network.management.screen(name, "console") for name in ("console1", "client1")]
    caller = network.cloud.screen("phone1", "phone", home="301.lakeside")
    call = caller.call(network.cloud.uri_of("guard"), caller.login, SESSION)
    one_guard_answers(network, guards, call, "<sip:301@lakeside.example;kind=phone>")


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


def test_a_silent_management_server_is_told_apart_from_a_home_where_nobody_is(plain: Network) -> None:
    """5xx: the caller may try another way at once."""
    home = plain.homes["301"]
    caller = home.screen("indoor1")
    kamailio = os.getpgid(int((plain.management.site.run_folder / "pid").read_text()))
    os.killpg(kamailio, signal.SIGSTOP)
    try:
        call = caller.call(home.uri_of("302"), caller.login)
        assert call.final().status == 503
    finally:
        os.killpg(kamailio, signal.SIGCONT)
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


@pytest.mark.flow("V5")
def test_a_phone_on_4g_asks_its_home_and_a_home_that_was_away_comes_back(tls_network: Network) -> None:
    home = tls_network.homes["302"]
    login = tls_network.cloud.add("phone1", "phone", f"302.{COMMUNITY}")
    authority = tls_network.cloud.site.tls.authority if tls_network.cloud.site.tls else None
    phone = Service(service_url(tls_network.cloud), login.user, login.password, authority, patience=60)

    def answers(wanted: int) -> bytes:
        deadline = time.monotonic() + 60
        while (answer := phone.request("GET", "/messages")).status != wanted:
            assert time.monotonic() < deadline, (answer, home.server.log[-2000:])
            time.sleep(0.1)
        return answer.body

    assert json.loads(answers(200)) == {"messages": [], "next": None, "new": 0, "old": 0}
    home.server.stop()
    assert b"not connected" in answers(503)
    home.start_again()
    assert json.loads(answers(200))["new"] == 0
    tls_network.forget()
