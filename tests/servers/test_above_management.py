"""What management says to the cloud server above it, and takes from it (R3, V2, V3, P2): the test is the cloud."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from servers.records import Result
from tests.servers.calls import answer, refuse, ring
from tests.servers.network import running_management
from tests.servers.nodes import Node, free_port, own_address
from tests.servers.peer import Call, Message, Peer

pytestmark = pytest.mark.kamailio
CHALLENGE = 'Proxy-Authenticate: Digest realm="cloud.example", nonce="n1", qop="auth"'


@dataclass
class Below:
    """A management server, and the cloud that it registered at."""

    management: Node
    cloud: Peer
    register: Message

    @property
    def contact(self) -> str:
        """Where the cloud calls the community: known to the cloud alone."""
        return self.register.contact

    def visit(self, uri: str, headers: str = "") -> Call:
        door = self.management.peer("gate1")
        return door.call(self.management.uri_of("301") + uri, self.management.add("gate1", "door"), headers)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Below]:
    address = own_address()
    port = free_port(address)
    above = f'[upstream]\nuri = "sip:{address}:{port};transport=udp"\nuser = "lakeside"\n'
    settings = f'{above}password = "secret"\nrealm = "cloud.example"\n[timers]\nreach = 0.5\n'
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("below")
        management = stack.enter_context(running_management(folder, "udp", settings=settings))
        cloud = stack.enter_context(Peer(management.listener(), "cloud", source=address, port=port))
        register = cloud.wait_request("REGISTER")
        cloud.respond(register, 200, "OK", "cloud", f"Contact: <{register.contact}>;expires=3600")
        yield Below(management, cloud, register)


@pytest.fixture
def below(server: Below) -> Iterator[Below]:
    yield server
    server.management.forget()
    server.cloud.unread.clear()


def invited(cloud: Peer) -> Message:
    """The INVITE that comes up, after the management server has answered a challenge."""
    first = cloud.wait_request("INVITE")
    cloud.respond(first, 407, "Proxy Authentication Required", "challenge", CHALLENGE)
    cloud.wait_request("ACK")
    return cloud.wait(lambda m: m.start.startswith("INVITE ") and bool(m["Proxy-Authorization"]))


@pytest.mark.flow("R3")
def test_it_registers_as_its_community(below: Below) -> None:
    assert below.register.start == "REGISTER sip:cloud.example SIP/2.0"
    assert below.register["To"] == "<sip:lakeside@cloud.example>"
    assert re.fullmatch("sip:[0-9a-f]{32}@.*", below.contact), "nobody can guess it"


@pytest.mark.flow("V2")
def test_a_visit_goes_on_to_the_phones_of_the_flat(below: Below) -> None:
    call = below.visit(";stage=phones", "Session-ID: 0123456789abcdef0123456789abcdef")
    invite = invited(below.cloud)
    assert invite.start == "INVITE sip:301.lakeside@cloud.example;stage=phones SIP/2.0"
    assert invite["P-Asserted-Identity"] == "<sip:gate1@lakeside.example;kind=door>"
    assert invite["Session-ID"] == "0123456789abcdef0123456789abcdef"
    below.cloud.respond(invite, 183, "Session Progress", "phone", body="v=0\r\n")
    assert call.wait(lambda m: m.status == 183).body == "v=0\r\n"
    who = "P-Asserted-Identity: <sip:anna@cloud.example>"
    below.cloud.respond(invite, 200, "OK", "phone", who, body="v=0\r\n")
    final = call.final()
    call.ack(final)
    assert below.cloud.wait_request("ACK")
    record = below.management.record_of(call, Result.ANSWERED)
    assert (record.called, record.answered_by) == ("301", "anna")
    call.in_dialog("BYE", final)
    below.cloud.respond(below.cloud.wait_request("BYE"), 200, "OK")
    assert call.peer.wait(lambda m: m.status == 200 and m.method == "BYE")


@pytest.mark.flow("V3")
@pytest.mark.parametrize(("code", "result"), [(603, Result.DECLINED), (408, Result.NO_ANSWER), (486, Result.NO_ANSWER)])
def test_what_became_of_the_telephone_reaches_the_door(below: Below, code: int, result: Result) -> None:
    call = below.visit(";stage=telephone")
    invite = invited(below.cloud)
    assert invite.start == "INVITE sip:301.lakeside@cloud.example;stage=telephone SIP/2.0"
    refuse(below.cloud, invite, code, "No")
    assert call.final().status == code
    assert below.management.record_of(call, result).code == code


def test_a_cloud_that_refuses_us_is_server_trouble_not_a_person(below: Below) -> None:
    call = below.visit(";stage=phones")
    refuse(below.cloud, invited(below.cloud), 403, "Forbidden")
    assert call.final().status == 503


def test_a_silent_cloud_is_server_trouble(below: Below) -> None:
    assert below.visit(";stage=phones").final().status == 503


@pytest.mark.flow("P2")
@pytest.mark.flow("P4")
def test_a_resident_on_a_mobile_network_calls_the_guard(below: Below) -> None:
    guard = below.management.screen("desk1", "console")
    who = "P-Asserted-Identity: <sip:301.lakeside@cloud.example;kind=phone>"
    call = below.cloud.call(below.contact, headers=f"{who}\r\nP-Called-Party-ID: <sip:guard@cloud.example>")
    invite = ring(guard)
    assert invite["P-Asserted-Identity"] == "<sip:301@lakeside.example;kind=phone>"
    assert not invite["P-Called-Party-ID"]
    answer(guard, invite)
    assert call.final()["P-Asserted-Identity"] == "<sip:desk1@lakeside.example>"
    record = below.management.record_of(call, Result.ANSWERED)
    assert (record.caller, record.caller_kind, record.called, record.answered_by) == ("301", "phone", "guard", "desk1")


def test_a_call_from_the_cloud_does_not_go_back_there(below: Below) -> None:
    called = "P-Called-Party-ID: <sip:302.lakeside@cloud.example;stage=phones>"
    assert below.cloud.call(below.contact, headers=called).final().status == 404
    assert not [message for message in below.cloud.unread if message.is_request]


def test_without_a_called_party_nobody_is_called(below: Below) -> None:
    assert below.cloud.call(below.contact).final().status in (404, 480)
