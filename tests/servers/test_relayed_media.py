"""The media relay of a cloud server (V2, V3, P2): every ringing phone has a way of its own through it, none is left.

Everybody here is on one machine, so the relay is told to take every call; `test_nat.py` has routers between them.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from servers.community.authority import Community, Role
from servers.kamailio.config import Listener
from servers.records import Result
from tests.servers.calls import end_cancelled, refuse
from tests.servers.nodes import Node, own_address
from tests.servers.peer import SDP, Call, Message, Peer, callee_request
from tests.servers.relays import (
    DOOR_KEY,
    PHONE_KEY,
    Media,
    key_pressed,
    keys,
    places,
    relayed,
    rtp,
    wait_until_relayed,
)
from tests.servers.test_cloud import TIMERS, give_number, management, phone, running_cloud

pytestmark = pytest.mark.kamailio
FLAT = "301.lakeside"
KEYS, PACKET_SECONDS = 6, 0.02
ALWAYS = '[media]\nrelay = "always"\n'


@pytest.fixture(scope="module")
def relaying_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("cloud")
    community = Community.create(folder / "authority", "Lakeside")
    with running_cloud(folder, "tls", community, TIMERS + ALWAYS) as node:
        yield node


@pytest.fixture
def cloud(relaying_server: Node) -> Iterator[Node]:
    assert relayed(relaying_server) == []
    yield relaying_server
    wait_until_relayed(relaying_server, 0)
    relaying_server.forget()


@dataclass
class Screen:
    """A phone that rings, with its sockets and the INVITE that it got."""

    peer: Peer
    media: Media
    invite: Message


class Visit:
    """A door's call to the phones of a flat, each of which answered 183 with a description of its own."""

    def __init__(self, cloud: Node, names: tuple[str, ...], stack: ExitStack) -> None:
        self.door = stack.enter_context(closing(Media("127.0.0.1", DOOR_KEY, "sendonly")))
        peers = [phone(cloud, name, FLAT) for name in names]
        self.call: Call = management(cloud).call(cloud.uri_of(FLAT) + ";stage=phones", body=self.door.description())
        self.screens = {peer.name: self._ring(peer, stack) for peer in peers}
        progress = [self.call.wait(lambda m: m.status == 183) for _ in peers]
        self.progress = {message.to_tag: message for message in progress}

    def _ring(self, peer: Peer, stack: ExitStack) -> Screen:
        media = stack.enter_context(closing(Media("127.0.0.1", PHONE_KEY, "recvonly")))
        invite = peer.wait_request("INVITE")
        peer.respond(invite, 183, "Session Progress", peer.name, body=media.description())
        return Screen(peer, media, invite)

    def answered_by(self, name: str) -> Message:
        screen = self.screens[name]
        screen.peer.respond(screen.invite, 200, "OK", name, body=screen.media.description())
        final = self.call.final()
        self.call.ack(final)
        screen.peer.wait_request("ACK")
        return final


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


@pytest.mark.flow("V2")
@pytest.mark.flow("V4")
def test_the_door_is_seen_on_every_phone_before_one_answers_and_the_winner_keeps_it(
    cloud: Node, stack: ExitStack
) -> None:
    visit = Visit(cloud, ("phone1", "phone2"), stack)
    assert len(relayed(cloud)) == 2
    targets = {name: places(message)["video"] for name, message in visit.progress.items()}
    assert len({place.port for place in targets.values()}) == 2
    for number, (name, screen) in enumerate(visit.screens.items()):
        offered = places(screen.invite)["video"]
        assert offered.port != visit.door.sockets["video"].getsockname()[1]

        def play(name: str = name, number: int = number, screen: Screen = screen) -> None:
            screen.media.open_way("video", places(screen.invite)["video"])
            visit.door.send("video", targets[name], rtp(number))

        assert screen.media.hears("video", play, rtp(number)), name

    winner = visit.screens["phone1"]
    final = visit.answered_by("phone1")
    end_cancelled(visit.screens["phone2"].peer, visit.screens["phone2"].invite)
    wait_until_relayed(cloud, 1)
    to_phone, to_door = places(final)["audio"], places(winner.invite)["audio"]
    assert winner.media.hears("audio", lambda: visit.door.send("audio", to_phone, rtp(7)), rtp(7))
    assert visit.door.hears("audio", lambda: winner.media.send("audio", to_door, rtp(8)), rtp(8))
    visit.call.in_dialog("BYE", final)
    winner.peer.respond(winner.peer.wait_request("BYE"), 200, "OK")


@pytest.mark.flow("V2")
def test_the_keys_of_srtp_pass_as_they_are_and_nothing_is_added(cloud: Node, stack: ExitStack) -> None:
    visit = Visit(cloud, ("phone1",), stack)
    line = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"
    assert keys(visit.screens["phone1"].invite) == [line + DOOR_KEY] * 2
    assert keys(visit.progress["phone1"]) == [line + PHONE_KEY] * 2
    assert "fingerprint" not in visit.screens["phone1"].invite.body
    assert {place.profile for place in places(visit.screens["phone1"].invite).values()} == {"RTP/SAVP", "RTP/SAVPF"}
    visit.call.cancel()
    end_cancelled(visit.screens["phone1"].peer, visit.screens["phone1"].invite)
    assert visit.call.final().status == 487


@pytest.mark.flow("V2")
def test_nothing_is_left_when_everybody_declines(cloud: Node, stack: ExitStack) -> None:
    visit = Visit(cloud, ("phone1", "phone2"), stack)
    for screen in visit.screens.values():
        refuse(screen.peer, screen.invite, 603, "Decline")
    assert visit.call.final().status == 603


def test_nothing_is_left_when_nobody_answers(cloud: Node, stack: ExitStack) -> None:
    visit = Visit(cloud, ("phone1", "phone2"), stack)
    for screen in visit.screens.values():
        end_cancelled(screen.peer, screen.invite)
    assert visit.call.final().status == 408


@pytest.mark.flow("P2")
def test_a_call_down_to_the_community_is_relayed_and_changed_and_ended_from_below(
    cloud: Node, stack: ExitStack
) -> None:
    below, caller = management(cloud), phone(cloud, "phone1", FLAT)
    mine = stack.enter_context(closing(Media("127.0.0.1", PHONE_KEY, "recvonly")))
    guard = stack.enter_context(closing(Media("127.0.0.1", DOOR_KEY, "sendonly")))
    call = caller.call(cloud.uri_of("guard"), caller.login, body=mine.description())
    invite = below.wait_request("INVITE")
    below.respond(invite, 200, "OK", "guard", body=guard.description())
    final = call.final()
    call.ack(final)
    below.wait_request("ACK")
    assert mine.hears("audio", lambda: guard.send("audio", places(invite)["audio"], rtp(1)), rtp(1))

    callee_request(below, invite, "guard", "INVITE", body=guard.description(version=2))
    again = caller.wait_request("INVITE")
    assert places(again)["audio"].port != guard.sockets["audio"].getsockname()[1]
    caller.respond(again, 200, "OK", body=mine.description(version=2))
    confirmed = below.wait(lambda m: m.status == 200 and m.method == "INVITE")
    assert places(confirmed)["audio"].port != mine.sockets["audio"].getsockname()[1]
    assert guard.hears("audio", lambda: mine.send("audio", places(again)["audio"], rtp(2)), rtp(2))
    assert len(relayed(cloud)) == 1
    callee_request(below, invite, "guard", "BYE")
    caller.respond(caller.wait_request("BYE"), 200, "OK")


@pytest.mark.flow("P2")
def test_of_several_guards_behind_one_server_the_one_who_answers_is_heard(cloud: Node, stack: ExitStack) -> None:
    below, caller = management(cloud), phone(cloud, "phone1", FLAT)
    mine = stack.enter_context(closing(Media("127.0.0.1", PHONE_KEY, "recvonly")))
    guards = {name: stack.enter_context(closing(Media("127.0.0.1", DOOR_KEY, "sendonly"))) for name in ("one", "two")}
    call = caller.call(cloud.uri_of("guard"), caller.login, body=mine.description())
    invite = below.wait_request("INVITE")
    for name, guard in guards.items():
        below.respond(invite, 183, "Session Progress", name, body=guard.description())
        assert call.wait(lambda m: m.status == 183).to_tag == name
    below.respond(invite, 200, "OK", "one", body=guards["one"].description())
    final = call.final()
    call.ack(final)
    below.wait_request("ACK")
    for_phone, for_guard = places(invite)["audio"], places(final)["audio"]
    assert mine.hears("audio", lambda: guards["one"].send("audio", for_phone, rtp(3)), rtp(3))
    assert guards["one"].hears("audio", lambda: mine.send("audio", for_guard, rtp(4)), rtp(4))
    call.in_dialog("BYE", final)
    below.respond(below.wait_request("BYE"), 200, "OK")


@pytest.mark.flow("V2")
def test_a_call_whose_ends_have_both_vanished_is_over(cloud: Node, stack: ExitStack) -> None:
    """They agreed on a session timer (RFC 4028) and nobody renews it: our BYE, the record's end, and no relay."""
    door = stack.enter_context(closing(Media("127.0.0.1", DOOR_KEY, "sendonly")))
    below, screen = management(cloud), phone(cloud, "phone1", FLAT)
    call = below.call(cloud.uri_of(FLAT) + ";stage=phones", body=door.description())
    invite = screen.wait_request("INVITE")
    screen.respond(invite, 200, "OK", "phone1", extra="Session-Expires: 2;refresher=uac", body=door.description())
    call.ack(call.final())
    screen.wait_request("ACK")
    for bye in [vanished.wait_request("BYE") for vanished in (below, screen)]:
        (below if bye["To"] == call.sender else screen).respond(bye, 200, "OK")
    assert cloud.record_of(call, lambda record: record.ended is not None).result == Result.ANSWERED


def test_a_dead_relay_does_not_silence_the_phones(cloud: Node) -> None:
    """They ring without a picture, and may still open the door; a second later there is a new relay."""
    screen, caller = phone(cloud, "phone1", FLAT), management(cloud)
    for process in _children_named("rtpengine", cloud.server.process.pid):
        os.kill(process, signal.SIGKILL)
    media = Media("127.0.0.1", DOOR_KEY, "sendonly")
    call = caller.call(cloud.uri_of(FLAT) + ";stage=phones", body=media.description())
    refuse(screen, screen.wait_request("INVITE"), 603, "Decline")
    assert call.final().status == 603
    cloud.server.wait_for("media relay serves", 2)
    media.close()


def _without_srtp(media: Media) -> str:
    """What a gateway to the telephone network says of `media`: sound and keys."""
    lines = media.description(video="").replace("RTP/SAVP 9", "RTP/AVP").splitlines()
    return "".join(f"{line}\r\n" for line in lines if not line.startswith("a=crypto"))


def all_keys_arrive(telephone: Media, invite: Message, door: Media, final: Message) -> None:
    """Pressed at the pace of a person, which is what it took to lose them."""
    assert "telephone-event" in invite.body
    assert "telephone-event" in final.body
    for number in range(KEYS):
        for packet in key_pressed(number):
            telephone.send("audio", places(invite)["audio"], packet)
            time.sleep(PACKET_SECONDS)
    assert door.keys_heard(10 * KEYS) == {20 * number + packet for number in range(KEYS) for packet in range(10)}


def ask_for_an_offer(call: Call, final: Message, gateway: Peer, answer: str) -> None:
    """A re-INVITE without a description, as some send it after a hold: the reply offers, the ACK answers."""
    call.in_dialog("INVITE", final)
    asked = gateway.wait_request("INVITE")
    assert asked.body == ""
    gateway.respond(asked, 200, "OK", body=SDP.format(port=4002))
    assert places(call.final())["audio"].profile == "RTP/SAVP"
    call.in_dialog("ACK", final, body=answer, count=False)
    confirmed = gateway.wait(lambda m: m.is_request and m.method == "ACK" and bool(m.body))
    assert (places(confirmed)["audio"].profile, keys(confirmed)) == ("RTP/AVP", [])


def _children_named(name: str, parent: int) -> list[int]:
    children = Path(f"/proc/{parent}/task").glob("*/children")
    found = [int(child) for file in children for child in file.read_text().split()]
    return [child for child in found if Path(f"/proc/{child}/comm").read_text().strip() == name]


@pytest.mark.flow("V3")
def test_a_telephone_hears_the_door_without_srtp_also_after_a_change(tmp_path: Path, stack: ExitStack) -> None:
    address, port = own_address(), 5064
    gateway = stack.enter_context(Peer(Listener("udp", address, port), "gateway", source=own_address()))
    uri = f"sip:{gateway.address};transport=udp"
    trunk = f'[trunk]\nuri = "{uri}"\nport = {port}\n'
    community = Community.create(tmp_path / "authority", "Lakeside")
    with running_cloud(tmp_path, "tls", community, TIMERS + trunk, address) as cloud:
        give_number(cloud, "+12025550147")
        caller = cloud.peer("gate1", tls=cloud.certificate(Role.DOOR_STATION, "gate1"))
        door = stack.enter_context(closing(Media("127.0.0.1", DOOR_KEY, "sendonly")))
        call = caller.call(cloud.uri_of(FLAT) + ";stage=telephone", body=door.description())
        invite = gateway.wait_request("INVITE")
        assert invite.start.startswith("INVITE sip:+12025550147@")
        assert (places(invite)["audio"].profile, keys(invite)) == ("RTP/AVP", [])
        telephone = stack.enter_context(closing(Media("127.0.0.1", "", "sendrecv")))
        plain = _without_srtp(telephone)
        gateway.respond(invite, 200, "OK", "telephone", body=plain)
        final = call.final()
        call.ack(final)
        gateway.wait_request("ACK")
        assert places(final)["audio"].profile == "RTP/SAVP"
        all_keys_arrive(telephone, invite, door, final)

        call.in_dialog("INVITE", final, body=door.description(version=2))
        again = gateway.wait_request("INVITE")
        assert (places(again)["audio"].profile, keys(again)) == ("RTP/AVP", [])
        gateway.respond(again, 200, "OK", body=plain)
        assert places(call.final())["audio"].profile == "RTP/SAVP"

        callee_request(gateway, invite, "telephone", "UPDATE", body=plain + "a=sendonly\r\n")
        held = caller.wait_request("UPDATE")
        assert (places(held)["audio"].profile, "a=sendonly" in held.body) == ("RTP/SAVP", True)
        caller.respond(held, 200, "OK", body=door.description(version=3))
        assert places(gateway.wait(lambda m: m.status == 200 and m.method == "UPDATE"))["audio"].profile == "RTP/AVP"
        ask_for_an_offer(call, final, gateway, door.description(version=4))
        call.in_dialog("BYE", final)
        gateway.respond(gateway.wait_request("BYE"), 200, "OK")
        wait_until_relayed(cloud, 0)
        cloud.forget()


def test_calls_inside_one_private_network_pass_nobody(tmp_path: Path, stack: ExitStack) -> None:
    with running_cloud(tmp_path, "tls", Community.create(tmp_path / "authority", "Lakeside"), TIMERS) as cloud:
        visit = Visit(cloud, ("phone1",), stack)
        assert visit.screens["phone1"].invite.body == visit.door.description()
        assert relayed(cloud) == []
        visit.call.cancel()
        end_cancelled(visit.screens["phone1"].peer, visit.screens["phone1"].invite)
        assert visit.call.final().status == 487
        cloud.forget()
