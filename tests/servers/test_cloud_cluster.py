"""A cloud server of two nodes with relays apart: the management server registers at both, calls go through either."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from servers.community.authority import Community, Role
from servers.media_relay import Interface, MediaRelay, RelaySettings
from tests.servers.calls import answer, end_cancelled, ring
from tests.servers.clusters import has_account, kill, known_at, running_nodes, until
from tests.servers.databases import cluster, empty_database
from tests.servers.network import CLOUD_REALM, COMMUNITY, REALM, start_server
from tests.servers.nodes import Node
from tests.servers.peer import Call, Peer

__all__ = ["cluster"]
pytestmark = pytest.mark.kamailio


@dataclass(frozen=True)
class World:
    one: Node
    two: Node
    management: Node
    relay: MediaRelay
    phone: Peer
    """At node two."""


@pytest.fixture(scope="module")
def relay() -> Iterator[MediaRelay]:
    running = MediaRelay(RelaySettings((Interface("127.0.0.1"),), 41000, 41999))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, cluster: str, relay: MediaRelay) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("clouds")
    community = Community.create(folder / "authority", "Lakeside")
    settings = f'[timers]\nreach = 1\n[media]\nrelay = "always"\n[database]\nurl = "{empty_database(cluster)}"\n'
    relays = f'relays = ["127.0.0.1:{relay.address[1]}"]\n'
    with running_nodes(folder, Role.CLOUD, {"realm": CLOUD_REALM}, ("tls",), community, settings, relays) as clouds:
        identity = {"realm": REALM, "community": COMMUNITY}
        place = start_server(folder, Role.MANAGEMENT, COMMUNITY, identity, ["tls"], community, registered_at(*clouds))
        try:
            place.server.wait_until_it_serves()
            for cloud in clouds:
                cloud.server.wait_for(f"{COMMUNITY} registered")
            yield World(*clouds, place, relay, clouds[1].screen("phone1", "phone", home="301.lakeside"))
        finally:
            place.server.stop()


def registered_at(one: Node, two: Node) -> str:
    one.add(COMMUNITY, "management")
    until(lambda: has_account(two, COMMUNITY), "the account is not known")
    first, second = (cloud.uri_of("").replace("@", "", 1) for cloud in (one, two))
    return f'[upstream]\nuri = "{first}"\nstandby = ["{second}"]\nuser = "{COMMUNITY}"\nrealm = "{CLOUD_REALM}"\n'


def visit(management: Node) -> Call:
    door = management.peer("gate1", tls=management.certificate(Role.DOOR_STATION, "gate1"))
    return door.call(management.uri_of("301") + ";stage=phones")


@pytest.mark.flow("P2")
def test_a_phone_rings_the_guard_once_though_the_management_server_is_registered_twice(world: World) -> None:
    guard = world.management.screen("desk1", "console")
    call = world.phone.call(world.two.uri_of("guard"), world.phone.login)
    answer(guard, ring(guard))
    assert call.final().status == 200
    assert not [message for message in guard.unread if message.start.startswith("INVITE ")]


@pytest.mark.flow("V2")
def test_a_visit_reaches_the_phone_through_the_node_that_is_left(world: World) -> None:
    known_at(world.one, world.phone)
    visit(world.management)
    invite = ring(world.phone)
    assert world.relay.calls(), "what they say goes through a machine that no node's death concerns"
    kill(world.one)
    end_cancelled(world.phone, invite)
    call = visit(world.management)
    answer(world.phone, ring(world.phone))
    final = call.final()
    assert final.status == 200
    call.ack(final)
    world.phone.wait_request("ACK")
    call.in_dialog("BYE", final)
    world.phone.respond(world.phone.wait_request("BYE"), 200, "OK")
