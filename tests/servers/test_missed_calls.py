"""Who keeps the record of a call was away when it was made: it learns of it later, once (P3, P4, H2)."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from endpoints.config.people import Directory
from endpoints.service import Service
from servers.database import Database
from servers.directory.entries import Flat
from servers.directory.store import DirectoryStore
from servers.records import CallRecord, Result, records
from servers.records.call import Wanted
from servers.records.keeper import caught_up
from tests.servers.calls import answer, ring
from tests.servers.network import Network, running_network, service_url
from tests.servers.nodes import Node, free_port

pytestmark = pytest.mark.kamailio
LIMIT = 60.0
"""Seconds; a server that was away is asked again after ever longer pauses."""
SESSIONS = iter(f"{number:032x}" for number in range(1, 100))


@pytest.fixture(scope="module")
def _network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    settings = f"[timers]\nreach = 0.5\n[http]\nport = {free_port('127.0.0.1')}\n"
    with running_network(tmp_path_factory.mktemp("network"), "udp", settings=settings) as running:
        yield running


@pytest.fixture
def network(_network: Network) -> Iterator[Network]:
    yield _network
    _network.forget()


@pytest.fixture
def session() -> str:
    """Of the only call of a test."""
    return next(SESSIONS)


def header(session: str) -> str:
    return f"Session-ID: {session};remote={'0' * 32}"


def kept(node: Node, session: str, relayed: bool | None = False) -> list[CallRecord]:
    return records(node.site, wanted=Wanted(session_id=session, relayed=relayed))


def soon(node: Node, session: str, wanted: Callable[[CallRecord], bool] = lambda record: True) -> CallRecord:
    """The one record that it keeps of that call, as soon as it has it."""
    deadline = time.monotonic() + LIMIT
    while not (found := kept(node, session)) or not wanted(found[0]):
        assert time.monotonic() < deadline, f"{node.server.name} keeps {found}: {node.server.log}"
        threading.Event().wait(0.05)
    assert len(found) == 1, found
    return found[0]


def everything_told(home: Node) -> bool:
    with caught_up(home.site) as store:
        return not store.untold()


@pytest.mark.flow("P3")
@pytest.mark.flow("H2")
def test_the_management_server_was_down_when_a_resident_called_the_guard_and_another_home(
    network: Network, session: str
) -> None:
    home, other, management = network.homes["301"], network.homes["302"], network.management
    caller, second = home.screen("indoor1"), next(SESSIONS)
    management.server.stop()
    for called, its in (("guard", session), ("302", second)):
        assert caller.call(home.uri_of(called), caller.login, header(its)).final().status == 503
    own = soon(home, session, lambda record: record.result is Result.FAILED)
    assert (own.caller, own.called) == ("indoor1", "guard")
    management.start_again()
    missed = soon(management, session)
    assert (missed.id, missed.caller, missed.caller_kind, missed.called) == (own.id, "301", "indoor", "guard")
    assert (missed.stage, missed.flat, missed.result, missed.started) == ("guard", "301", Result.FAILED, own.started)
    there = soon(other, second)
    assert (there.id, there.caller, there.called, there.flat) == (soon(home, second).id, "301", "home", "302")
    assert not kept(management, second), "a call between two homes only goes through"


@pytest.mark.flow("H2")
def test_the_other_home_was_down_when_it_was_called(network: Network, session: str) -> None:
    ours, theirs = network.homes["301"], network.homes["302"]
    caller = ours.screen("indoor1")
    theirs.server.stop()
    call = caller.call(ours.uri_of("302"), caller.login, header(session))
    assert call.final().status == 480
    assert (soon(ours, session).caller, soon(ours, session).called) == ("indoor1", "302")
    theirs.start_again()
    missed = soon(theirs, session)
    assert (missed.caller, missed.caller_kind, missed.called) == ("301", "indoor", "home")
    assert missed.answered is None
    assert not kept(network.management, session), "a call between two homes only goes through"
    assert len(kept(network.management, session, relayed=True)) == 1


@pytest.mark.flow("P4")
def test_the_management_server_was_down_when_a_phone_on_4g_called_the_guard(network: Network, session: str) -> None:
    cloud, management = network.cloud, network.management
    phone = cloud.screen("phone1", "phone", home="301.lakeside")
    management.server.stop()
    assert phone.call(cloud.uri_of("guard"), phone.login, header(session)).final().status == 480
    management.start_again()
    missed = soon(management, session)
    assert (missed.caller, missed.caller_kind, missed.called) == ("301", "phone", "guard")
    assert (missed.stage, missed.flat) == ("guard", "301")
    assert not kept(cloud, session), "the phone and the management server keep it"


@pytest.mark.flow("P3")
def test_a_call_that_both_servers_saw_stays_one_record_at_each(network: Network, session: str) -> None:
    home, management = network.homes["301"], network.management
    guard, caller = management.screen("desk1", "console"), home.screen("indoor1")
    call = caller.call(home.uri_of("guard"), caller.login, header(session))
    answer(guard, ring(guard))
    final = call.final()
    call.ack(final)
    call.in_dialog("BYE", final)
    guard.respond(guard.wait_request("BYE"), 200, "OK")
    deadline = time.monotonic() + LIMIT
    while soon(home, session).ended is None or not everything_told(home):
        assert time.monotonic() < deadline, home.server.log
        threading.Event().wait(0.05)
    both = [soon(node, session, lambda record: record.ended is not None) for node in (home, management)]
    assert [(record.result, record.answered_by) for record in both] == [(Result.ANSWERED, "desk1")] * 2
    assert both[1].handed_by == "homelink-301"


def test_a_homes_devices_read_at_their_homelink_who_can_be_called_also_when_management_is_down(
    network: Network,
) -> None:
    home, management = network.homes["301"], network.management
    database = Database(management.site.database_url)
    DirectoryStore(database).set_flat("302", Flat(name="Family Weber", telephone="+12025550147"))
    database.close()
    login = home.add("indoor1")
    screen = Service(service_url(home), login.user, login.password)
    deadline = time.monotonic() + LIMIT
    while (answer := screen.request("GET", "/directory")).status != 200 or b"Weber" not in answer.body:
        assert time.monotonic() < deadline, home.server.log
        threading.Event().wait(0.05)
    assert Directory.model_validate_json(answer.body).flats["302"].name == "Family Weber"
    assert b"+12025550147" not in answer.body
    guest = home.add("guest1", "guest")
    assert Service(service_url(home), guest.user, guest.password).request("GET", "/directory").status == 403
    management.server.stop()
    assert screen.request("GET", "/directory") == answer
    assert screen.request("GET", "/directory", etag=answer.etag).status == 304
    management.start_again()
