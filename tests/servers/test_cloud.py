"""Who may register at the cloud server (R3), whom they reach there, and the way to the telephone network (V3)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from servers.cloud.site import CloudSite
from servers.cloud.telephones import replace
from servers.community.authority import Community, Role
from servers.kamailio.config import Transport
from tests.servers.calls import answer, refuse, ring
from tests.servers.network import CLOUD_REALM, start_server
from tests.servers.nodes import Node, own_address
from tests.servers.peer import SDP, Call, Login, Message, Peer, callee_request

pytestmark = pytest.mark.kamailio
TIMERS = "[timers]\nring = 2\nreach = 0.5\n"
LAKESIDE = Login("lakeside", "", CLOUD_REALM)


@contextmanager
def running_cloud(
    folder: Path, transport: Transport, community: Community | None, settings: str, address: str = ""
) -> Iterator[Node]:
    identity = {"realm": CLOUD_REALM, "address": address or own_address()}
    node = start_server(folder, Role.CLOUD, "cloud", identity, [transport], community, settings)
    try:
        node.server.wait_until_it_serves()
        yield node
    finally:
        node.server.stop()


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("tls")
    with running_cloud(folder, "tls", Community.create(folder / "authority", "Lakeside"), TIMERS) as node:
        yield node


@pytest.fixture
def cloud(tls_server: Node) -> Iterator[Node]:
    yield tls_server
    tls_server.forget()


def phone(cloud: Node, name: str, flat: str) -> Peer:
    """A phone of that flat, registered."""
    return cloud.screen(name, "phone", home=flat)


def management(cloud: Node) -> Peer:
    """The management server of the community, registered by its certificate."""
    cloud.add("lakeside", "management")
    peer = cloud.peer("lakeside", tls=cloud.certificate(Role.MANAGEMENT, "lakeside"))
    assert peer.register(LAKESIDE, f"sip:lakeside@{CLOUD_REALM}").status == 200
    return peer


def give_number(cloud: Node, number: str) -> None:
    """As its management server does: a telephone for 301.lakeside."""
    assert isinstance(cloud.site, CloudSite)
    replace(cloud.site, "lakeside", {"301": number})


@pytest.mark.flow("R3")
def test_a_phone_registers_as_its_flat_and_a_management_server_as_its_community(cloud: Node) -> None:
    one = cloud.peer("phone1")
    login = cloud.add("phone1", "phone", "301.lakeside")
    assert one.register(login, f"sip:302.lakeside@{CLOUD_REALM}").status == 403
    assert one.register(login, f"sip:301.lakeside@{CLOUD_REALM}").status == 200
    assert management(cloud).register(LAKESIDE, f"sip:hillside@{CLOUD_REALM}").status == 403


@pytest.mark.flow("V2")
def test_the_phones_of_a_flat_ring_for_a_call_from_their_management_server(cloud: Node) -> None:
    screens = [phone(cloud, name, "301.lakeside") for name in ("phone1", "phone2")]
    call = management(cloud).call(cloud.uri_of("301.lakeside") + ";stage=phones")
    invites = [ring(screen) for screen in screens]
    answer(screens[0], invites[0])
    assert call.final().to_tag == "phone1"


@pytest.mark.flow("V2")
def test_another_communitys_phones_do_not_ring(cloud: Node) -> None:
    phone(cloud, "phone1", "301.hillside")
    assert management(cloud).call(cloud.uri_of("301.hillside") + ";stage=phones").final().status == 403


@pytest.mark.flow("P2")
def test_a_phone_reaches_the_guard_through_its_community(cloud: Node) -> None:
    below, caller = management(cloud), phone(cloud, "phone1", "301.lakeside")
    call = caller.call(cloud.uri_of("guard"), caller.login)
    invite = ring(below)
    assert invite["P-Called-Party-ID"] == f"<sip:guard@{CLOUD_REALM}>"
    assert invite["P-Asserted-Identity"].startswith(f"<sip:301.lakeside@{CLOUD_REALM}")
    refuse(below, invite, 486, "Busy Here")
    assert call.final().status == 486


OUT_OF_REACH = "<sip:192.0.2.1:5061;transport=tls;lr>"
"""What a management server behind a router writes into Record-Route."""


def acknowledged(call: Call) -> Message:
    """The 200, acknowledged as such a server passes it on: its own Record-Route is off."""
    final = call.final()
    final.headers.remove(("Record-Route", OUT_OF_REACH))
    call.ack(final)
    return final


@pytest.mark.flow("V2")
def test_a_phones_end_of_a_visit_finds_the_management_server_behind_its_router(cloud: Node) -> None:
    below, screen = management(cloud), phone(cloud, "phone1", "301.lakeside")
    call = below.call(cloud.uri_of("301.lakeside") + ";stage=phones", headers=f"Record-Route: {OUT_OF_REACH}")
    invite = ring(screen)
    answer(screen, invite)
    acknowledged(call)
    screen.wait_request("ACK")
    callee_request(screen, invite, "phone1", "BYE")
    below.respond(below.wait_request("BYE"), 200, "OK")
    assert screen.wait(lambda m: m.method == "BYE").status == 200


@pytest.mark.flow("P2")
def test_a_phones_call_to_the_guard_is_changed_and_ended_through_that_router(cloud: Node) -> None:
    below, caller = management(cloud), phone(cloud, "phone1", "301.lakeside")
    call = caller.call(cloud.uri_of("guard"), caller.login)
    invite = below.wait_request("INVITE")
    invite.headers.insert(0, ("Record-Route", OUT_OF_REACH))
    below.respond(invite, 200, "OK", "guard", body=SDP.format(port=5000))
    final = call.final()
    call.ack(final)
    below.wait_request("ACK")
    call.in_dialog("BYE", final)
    below.respond(below.wait_request("BYE"), 200, "OK")
    assert caller.wait(lambda m: m.method == "BYE").status == 200


def test_a_phone_calls_nobody_in_another_community(cloud: Node) -> None:
    caller = phone(cloud, "phone1", "301.lakeside")
    assert caller.call(cloud.uri_of("301.hillside"), caller.login).final().status == 404


def test_without_a_trunk_there_is_no_way_to_a_telephone(cloud: Node) -> None:
    door = cloud.peer("gate1", tls=cloud.certificate(Role.DOOR_STATION, "gate1"))
    call = door.call(cloud.uri_of("301.lakeside") + ";stage=telephone")
    assert call.final().status == 480


@pytest.mark.flow("V3")
def test_only_a_door_or_a_guard_calls_a_telephone_and_only_one_with_a_number(tmp_path: Path) -> None:
    gateway = f"sip:{own_address()}:5060;transport=udp"
    trunk = f'[trunk]\nuri = "{gateway}"\nport = 5064\n'
    with running_cloud(tmp_path, "tls", Community.create(tmp_path / "authority", "Lakeside"), TIMERS + trunk) as cloud:
        give_number(cloud, "+12025550147")
        caller = phone(cloud, "phone1", "301.lakeside")
        assert caller.call(cloud.uri_of("301.hillside") + ";stage=telephone", caller.login).final().status == 404
        door = cloud.peer("gate1", tls=cloud.certificate(Role.DOOR_STATION, "gate1"))
        assert door.call(cloud.uri_of("302.lakeside") + ";stage=telephone").final().status == 480
        assert door.call(cloud.uri_of("301.lakeside") + ";stage=telephone").final().status == 503
