"""Calls that leave a home: up to the management server, on to the cloud, and down to another home."""

from collections.abc import Iterator

import pytest

from tests.servers.calls import answer, end_cancelled, ring
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
