"""A management server of two nodes: what registers at one is called through the other, and one may die at any time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.cloud.site import CloudSite, load_site
from servers.cloud.telephones import prepare
from servers.community.authority import Community, Role
from servers.kamailio import accounts
from servers.kamailio.database import opened
from servers.kamailio.shared_accounts import shared
from servers.records import Result
from tests.servers.calls import answer, end_cancelled, ring
from tests.servers.clusters import contacts, has_account, kill, known_at, running_nodes, until
from tests.servers.databases import cluster, empty_database
from tests.servers.network import COMMUNITY, REALM
from tests.servers.nodes import Node, Server, site_text
from tests.servers.peer import Call, Message, Peer

__all__ = ["cluster"]
pytestmark = pytest.mark.kamailio
Nodes = tuple[Node, Node]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, cluster: str) -> Iterator[Nodes]:
    folder = tmp_path_factory.mktemp("cluster")
    community = Community.create(folder / "authority", "Lakeside")
    identity = {"realm": REALM, "community": COMMUNITY}
    settings = f'[timers]\nring = 5\nreach = 1\n[database]\nurl = "{empty_database(cluster)}"\n'
    with running_nodes(folder, Role.MANAGEMENT, identity, ("tls", "udp"), community, settings) as both:
        yield both


@pytest.fixture
def nodes(pair: Nodes) -> Iterator[Nodes]:
    """Both, with no devices and no memory of earlier tests."""
    yield pair
    pair[0].forget()
    pair[1].forget(keep=[device.name for device in accounts.devices(pair[1].site)])


def visit(node: Node, flat: str = "303") -> Call:
    door = node.peer("gate1", tls=node.certificate(Role.DOOR_STATION, "gate1"))
    return door.call(node.uri_of(flat))


def start_again(node: Node) -> None:
    node.server = Server(node.site_file, name=node.server.name)
    node.server.wait_until_it_serves()


def invitations(screen: Peer) -> list[Message]:
    return [message for message in screen.unread if message.start.startswith("INVITE ")]


def test_whoever_is_registered_at_one_node_is_called_through_the_other(nodes: Nodes) -> None:
    one, two = nodes
    screens = [one.screen("indoor1", home="303"), one.screen("indoor2", transport="udp", home="303")]
    screens.append(two.screen("indoor3", home="303"))
    for screen in screens:
        known_at(two, screen)
    call = visit(two)
    invites = [ring(screen) for screen in screens]
    rang = {call.wait(lambda message: message.status == 183).to_tag for _ in screens}
    assert rang == {"indoor1", "indoor2", "indoor3"}
    answer(screens[0], invites[0])
    response = call.final()
    assert (response.status, response["P-Asserted-Identity"]) == (200, f"<sip:indoor1@{REALM}>")
    for screen in screens[1:]:
        assert "completed elsewhere" in screen.wait_request("CANCEL")["Reason"]
    call.ack(response)
    screens[0].wait_request("ACK")
    call.in_dialog("BYE", response)
    screens[0].respond(screens[0].wait_request("BYE"), 200, "OK")
    record = two.record_of(call, Result.ANSWERED)
    assert (record.called, record.answered_by) == ("303", "indoor1")
    assert one.records_of(call.call_id) == [record], "every node reads it, one wrote it"


def test_an_account_made_at_one_node_is_good_at_the_other(nodes: Nodes) -> None:
    one, two = nodes
    login = one.add("indoor7", "indoor", "303")
    peer = two.peer("indoor7")
    peer.login = login
    until(lambda: has_account(two, "indoor7"), "the account is not known")
    assert peer.register(login, login.address_of_record).status == 200
    known_at(one, peer)
    one.remove("indoor7")
    until(lambda: not has_account(two, "indoor7"), "the account is still known")
    assert peer.register(login, login.address_of_record).status == 403
    assert contacts(two, "indoor7") == ()


def test_a_node_killed_while_it_rings_costs_this_call_alone(nodes: Nodes) -> None:
    one, two = nodes
    moving, staying = one.screen("indoor1", home="303"), two.screen("indoor2", home="303")
    known_at(two, moving)
    known_at(one, staying)
    lost = visit(one)
    ring(moving)
    orphan = ring(staying)
    kill(one)
    end_cancelled(staying, orphan)
    moved = two.peer("indoor1")
    moved.login = moving.login
    assert moved.register(moving.login, moving.login.address_of_record).status == 200
    call = visit(two)
    invite = ring(moved)
    ring(staying)
    answer(moved, invite)
    assert call.final().status == 200
    two.record_of(call, Result.ANSWERED)
    assert two.records_of(lost.call_id) == [], "the killed node's is on its own disk"
    start_again(one)
    record = two.record_of(lost, Result.FAILED)
    assert (record.reason, len(two.records_of(call.call_id))) == ("server interrupted", 1)
    known_at(one, moved)
    visit(one)
    ring(moved)
    assert len(invitations(moved)) == 0, "the old place is forgotten, nobody rings twice"


def cloud_node(folder: Path, database_url: str) -> CloudSite:
    """The site of one node of a cloud server, as far as its accounts matter."""
    folder.mkdir()
    identity = {"name": "Cloud", "realm": "cloud.example", "address": "127.0.0.1"}
    text = site_text(folder, Role.CLOUD, identity, ("udp",), None, f'[database]\nurl = "{database_url}"\n')
    (folder / "site.toml").write_text(text)
    site = load_site(folder / "site.toml")
    prepare(site)
    return site


def telephones(site: CloudSite) -> dict[str, str]:
    with opened(site.databases.accounts) as file:
        return {row["address"]: row["number"] for row in file.execute("SELECT * FROM telephone")}


@pytest.mark.flow("V3")
def test_telephone_numbers_that_one_node_is_told_are_known_to_the_others(tmp_path: Path, cluster: str) -> None:
    url = empty_database(cluster)
    one, two = cloud_node(tmp_path / "one", url), cloud_node(tmp_path / "two", url)
    with shared(one) as common:
        common.replace_telephones("lakeside", {"301": "+12025550147", "302": "+12025550147"})
        common.replace_telephones("hillside", {"301": "+12025550199"})
        common.replace_telephones("lakeside", {"301": "+12025550147"})
    for site in (one, two):
        with shared(site) as common:
            edition = common.copy()
            assert common.copy(edition) == edition
        assert telephones(site) == {"301.lakeside": "+12025550147", "301.hillside": "+12025550199"}
