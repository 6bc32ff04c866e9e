"""Phones on mobile networks and in strange homes, a community behind its router: the call still comes through (V2, P2).

Linux network namespaces play the machines; their routers translate addresses and let nothing in that is no answer.
"""

import queue
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from endpoints.sip.sdp import answer_section, offer_section, parse, remote_video, video_index
from hal.camera import Picture
from media.description import SrtpKey, VideoMedia
from media.encoder import VideoEncoder, VideoSettings
from media.rtp_fanout import RtpFanout
from media.rtp_sockets import RtpSockets
from media.video_receiver import VideoReceiver
from servers.community.authority import Community, Role
from tests.media.pictures import NumberedCamera, number_of
from tests.servers.calls import end_cancelled
from tests.servers.network import CLOUD_REALM
from tests.servers.nodes import Node
from tests.servers.peer import Call, Message, Peer
from tests.servers.relays import DOOR_KEY, PHONE_KEY, Media, places, rtp, wait_until_relayed
from tests.servers.routers import Internet, Namespace, internet
from tests.servers.test_cloud import running_cloud

pytestmark = pytest.mark.kamailio
FLAT = "301.lakeside"
TIMERS = "[timers]\nring = 60\nreach = 5\n"
LIMIT = 30.0
SETTINGS = VideoSettings(width=320, height=240, rate=15, bit_rate=300_000, encoder="libx264")


@dataclass
class End:
    """Somebody behind a router: signalling and sockets."""

    host: Namespace
    peer: Peer
    media: Media


class Door:
    """The door station's picture, made by its encoder, for every phone that told where it wants it."""

    def __init__(self, end: End, stack: ExitStack) -> None:
        self.end = end
        encoder = VideoEncoder(NumberedCamera(), SETTINGS)
        with end.host.entered():
            sockets = RtpSockets(Internet.PRIVATE)
        stack.callback(sockets.close)
        self.fanout = RtpFanout(sockets, SrtpKey.generate(), encoder)
        stack.callback(encoder.close)
        stack.callback(self.fanout.close)
        encoder.start()

    def offer(self) -> str:
        return self.end.media.description(video=offer_section(self.fanout.offer()))

    def shows(self, name: str, progress: Message) -> None:
        """Send to where this phone's 183 says."""
        remote = remote_video(parse(progress.body), secure=True)
        assert isinstance(remote, VideoMedia), remote
        assert self.fanout.add(name, remote)


class Screen:
    """The phone's side of that: what it decoded."""

    def __init__(self, end: End, stack: ExitStack) -> None:
        self.end, self.pictures = end, queue.Queue[Picture]()
        with end.host.entered():
            sockets = RtpSockets(Internet.PRIVATE)
        stack.callback(sockets.close)
        self._receiver = VideoReceiver(sockets, SrtpKey.generate(), self.pictures.put)
        stack.callback(self._receiver.close)
        self.answer = ""

    def rings(self) -> Message:
        """The INVITE, answered 183; from now on it wants to see."""
        invite = self.end.peer.wait_request("INVITE")
        session = parse(invite.body)
        offer, index = remote_video(session, secure=True), video_index(session, secure=True)
        assert isinstance(offer, VideoMedia), offer
        assert index is not None
        assert offer.address == Internet.SERVER
        section = answer_section(self._receiver.answer(offer), session, index)
        self.answer = self.end.media.description(video=section)
        self._receiver.start(offer)
        self.end.peer.respond(invite, 183, "Session Progress", self.end.peer.name, body=self.answer)
        return invite

    def sees(self, count: int) -> None:
        """Return when it decoded so many pictures, in order."""
        numbers = [number_of(self.pictures.get(timeout=LIMIT)) for _ in range(count)]
        assert numbers == sorted(numbers), numbers
        assert numbers[-1] > numbers[0] > 0, numbers


class World:
    """The cloud server in the middle, and who is behind which router."""

    def __init__(self, net: Internet, cloud: Node, stack: ExitStack) -> None:
        self.net, self.cloud, self.stack = net, cloud, stack

    def phone(self, name: str, host: Namespace) -> End:
        """A phone of the flat, registered from there."""
        with self.net.server.entered():
            login = self.cloud.add(name, "phone", FLAT)
        with host.entered():
            peer = self.cloud.peer(name, source=Internet.PRIVATE)
            peer.login = login
            assert peer.register(login, login.address_of_record).status == 200
        return End(host, peer, self._media(host, PHONE_KEY, "recvonly"))

    def management(self) -> End:
        """The community's management server, and the sockets of a door beside it."""
        with self.net.server.entered():
            login = self.cloud.add("lakeside", "management")
        files = self.cloud.certificate(Role.MANAGEMENT, "lakeside")
        with self.net.community.entered():
            peer = self.cloud.peer("lakeside", tls=files, source=Internet.PRIVATE)
            assert peer.register(login, f"sip:lakeside@{CLOUD_REALM}").status == 200
        return End(self.net.community, peer, self._media(self.net.community, DOOR_KEY, "sendonly"))

    def relays(self, count: int) -> None:
        """Return when the relay holds so many calls."""
        with self.net.server.entered():
            wait_until_relayed(self.cloud, count)

    def _media(self, host: Namespace, key: str, direction: str) -> Media:
        with host.entered():
            made = Media(Internet.PRIVATE, key, direction)
        self.stack.callback(made.close)
        return made


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Internet, Node]]:
    folder: Path = tmp_path_factory.mktemp("nat")
    with internet() as net, ExitStack() as stack:
        with net.server.entered():
            community = Community.create(folder / "authority", "Lakeside")
            cloud = stack.enter_context(running_cloud(folder, "tls", community, TIMERS, Internet.SERVER))
        yield net, cloud


@pytest.fixture
def world(served: tuple[Internet, Node]) -> Iterator[World]:
    net, cloud = served
    with ExitStack() as stack:
        made = World(net, cloud, stack)
        try:
            yield made
            made.relays(0)
        finally:
            net.radio.perfect()
            with net.server.entered():
                cloud.forget()


def talk(caller: End, callee: End, final: Message, invite: Message) -> bool:
    """Whether sound goes both ways."""
    to_callee, to_caller = places(final)["audio"], places(invite)["audio"]
    both: list[Callable[[], None]] = [
        lambda: caller.media.send("audio", to_callee, rtp(100)),
        lambda: callee.media.send("audio", to_caller, rtp(200)),
    ]

    def speak() -> None:
        for each in both:
            each()

    return callee.media.hears("audio", speak, rtp(100)) and caller.media.hears("audio", speak, rtp(200))


def answered(callee: End, invite: Message, call: Call, body: str) -> Message:
    callee.peer.respond(invite, 200, "OK", callee.peer.name, body=body)
    final = call.final()
    call.ack(final)
    callee.peer.wait_request("ACK")
    return final


def hang_up(call: Call, final: Message, other: Peer) -> None:
    call.in_dialog("BYE", final)
    other.respond(other.wait_request("BYE"), 200, "OK")


@pytest.mark.flow("R3")
@pytest.mark.flow("V2")
@pytest.mark.flow("V4")
def test_every_phone_behind_its_routers_sees_the_visitor_before_anybody_answers(world: World) -> None:
    """One on a bad radio link, behind its own router and its carrier's, one in a strange home; both have the door's
    own address. One answers, and is seen no less; nothing is kept for the other."""
    radio = world.net.radio
    radio.loss, radio.delay, radio.late, radio.lateness = 0.02, 0.03, 0.03, 0.04
    door = Door(world.management(), world.stack)
    hosts = {"phone1": world.net.on_the_way, "phone2": world.net.at_friends}
    screens = {name: Screen(world.phone(name, host), world.stack) for name, host in hosts.items()}
    call = door.end.peer.call(world.cloud.uri_of(FLAT) + ";stage=phones", body=door.offer())
    invites = {name: screen.rings() for name, screen in screens.items()}
    for _ in screens:
        progress = call.wait(lambda m: m.status == 183)
        door.shows(progress.to_tag, progress)
    for screen in screens.values():
        screen.sees(10)

    winner = screens["phone1"]
    final = answered(winner.end, invites["phone1"], call, winner.answer)
    end_cancelled(screens["phone2"].end.peer, invites["phone2"])
    door.fanout.keep_only("phone1")
    world.relays(1)
    winner.sees(20)
    assert talk(door.end, winner.end, final, invites["phone1"])
    assert radio.lost
    assert radio.overtaken
    hang_up(call, final, winner.end.peer)


@pytest.mark.flow("P2")
def test_a_phone_behind_two_routers_talks_to_the_guard_behind_another(world: World) -> None:
    guard, phone = world.management(), world.phone("phone1", world.net.on_the_way)
    call = phone.peer.call(world.cloud.uri_of("guard"), phone.peer.login, body=phone.media.description())
    invite = guard.peer.wait_request("INVITE")
    assert {place.address for place in places(invite).values()} == {Internet.SERVER}
    final = answered(guard, invite, call, guard.media.description())
    assert talk(phone, guard, final, invite)
    hang_up(call, final, guard.peer)
