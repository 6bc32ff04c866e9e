"""The fan-out: the same bytes to every destination, key frames, repairs; none of them can hurt the others."""

import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media import rtcp
from media.aiortc_parts import RtcpReceiverInfo, RtpPacket
from media.description import SrtpKey, VideoMedia
from media.encoder import EncodedPicture, VideoSink
from media.rtp_destination import RESEND_BURST
from media.rtp_fanout import RtpFanout
from media.rtp_sockets import NoPorts, RtpSockets
from media.srtp import Protector, Unprotector
from tests.media.streams import eventually, pictures, unsliced_pictures

LIMIT = 30.0


class Source:
    """Stands for the encoder: the test delivers the pictures."""

    def __init__(self, modes: tuple[int, ...] = (0, 1)) -> None:
        self.packetization_modes = modes
        self.sinks: list[VideoSink] = []
        self.asked: list[bool] = []

    def attach(self, sink: VideoSink) -> None:
        self.sinks.append(sink)

    def detach(self, sink: VideoSink) -> None:
        self.sinks = [other for other in self.sinks if other is not sink]

    def key_frame(self, new_destination: bool = False) -> None:
        self.asked.append(new_destination)

    def deliver(self, *sent: EncodedPicture) -> None:
        for picture in sent:
            for sink in self.sinks:
                sink.encoded(picture)


class Screen:
    """A destination with real sockets that the test reads."""

    def __init__(self, host: str = "127.0.0.1", key: SrtpKey | None = None, payload_type: int = 96) -> None:
        self.key, self.payload_type = key, payload_type
        self.sockets = RtpSockets(host)
        self.sockets.rtp.settimeout(LIMIT)
        self.sockets.rtcp.settimeout(LIMIT)
        self.protector = Protector(key)

    @property
    def media(self) -> VideoMedia:
        ports = self.sockets.rtp_port, self.sockets.rtcp_port
        return VideoMedia(
            self.sockets.address, *ports, direction="recvonly", key=self.key, payload_type=self.payload_type
        )

    def take(self, count: int) -> list[bytes]:
        return [self.sockets.rtp.recv(2048) for _ in range(count)]

    def nothing_more(self) -> bool:
        self.sockets.rtp.setblocking(False)
        try:
            self.sockets.rtp.recv(2048)
        except BlockingIOError:
            return True
        finally:
            self.sockets.rtp.settimeout(LIMIT)
        return False

    def tell(self, fanout: RtpFanout, data: bytes, protect: bool = True) -> None:
        data = self.protector.rtcp(data) if protect else data
        offer = fanout.offer()
        self.sockets.rtcp.sendto(data, (offer.address, offer.rtcp_port))

    def ask(self, fanout: RtpFanout, request: bytes) -> None:
        self.tell(fanout, rtcp.receiver_report(1, "screen", None) + request)


def count(fanout: RtpFanout, name: str) -> int:
    value = fanout.statistics()[name]
    assert isinstance(value, int)
    return value


def packets_of(fanout: RtpFanout) -> int:
    return count(fanout, "packets")


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def fanout(source: Source) -> Iterator[RtpFanout]:
    yield from made(source, None)


@pytest.fixture
def secret(source: Source) -> Iterator[RtpFanout]:
    yield from made(source, SrtpKey.generate())


def made(source: Source, key: SrtpKey | None) -> Iterator[RtpFanout]:
    sockets = RtpSockets("127.0.0.1")
    fanout = RtpFanout(sockets, key, source)
    yield fanout
    fanout.close()
    fanout.close()
    sockets.close()
    assert source.sinks == []


@pytest.fixture
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was sent a moment ago counts as just sent, however slow the machine."""
    monkeypatch.setattr("media.rtp_fanout.REPLAY_SECONDS", 60.0)
    monkeypatch.setattr("media.rtp_history.KEEP_SECONDS", 60.0)
    monkeypatch.setattr("media.rtp_destination.RESEND_RATE", 0.0)


@pytest.fixture
def screens() -> Iterator[list[Screen]]:
    made = [Screen() for _ in range(3)]
    yield made
    for screen in made:
        screen.sockets.close()


@pytest.mark.flow("V4")
def test_every_screen_gets_the_same_protected_bytes(secret: RtpFanout, source: Source, screens: list[Screen]) -> None:
    for number, screen in enumerate(screens):
        assert secret.add(f"screen{number}", screen.media)
    source.deliver(*pictures(5))
    sent = packets_of(secret)
    received = [screen.take(sent) for screen in screens]
    assert received[0] == received[1] == received[2]
    key = secret.offer().key
    opened = [RtpPacket.parse(Unprotector(key).rtp(packet)) for packet in received[0][:1]]
    assert opened[0].payload_type == 96


def test_the_offer_says_where_and_how(secret: RtpFanout) -> None:
    offer = secret.offer("192.0.2.7")
    assert (offer.address, offer.direction, offer.packetization_mode) == ("192.0.2.7", "sendonly", 0)
    assert offer.port % 2 == 0
    assert offer.rtcp_port == offer.port + 1
    assert offer.feedback == {"nack", "nack pli", "ccm fir"}
    assert offer.key is not None


def test_it_takes_pictures_only_while_somebody_watches(
    fanout: RtpFanout, source: Source, screens: list[Screen]
) -> None:
    assert source.sinks == []
    fanout.add("one", screens[0].media)
    assert source.sinks == [fanout]
    fanout.remove("one")
    fanout.remove("one")
    assert source.sinks == []


@pytest.mark.usefixtures("slow_machine")
def test_a_screen_right_after_a_key_frame_gets_that_one_again(
    fanout: RtpFanout, source: Source, screens: list[Screen]
) -> None:
    fanout.add("first", screens[0].media)
    source.deliver(*pictures(2))
    fanout.add("second", screens[1].media)
    sent = packets_of(fanout)
    assert screens[0].take(sent) == screens[1].take(sent)
    assert source.asked == []


def test_a_later_screen_gets_a_new_key_frame(
    fanout: RtpFanout, source: Source, screens: list[Screen], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("media.rtp_fanout.REPLAY_SECONDS", -1.0)
    fanout.add("first", screens[0].media)
    source.deliver(*pictures(2))
    fanout.add("second", screens[1].media)
    assert source.asked == [True]
    assert screens[1].nothing_more()


def test_removed_screens_get_nothing_more_and_the_kept_one_does(
    fanout: RtpFanout, source: Source, screens: list[Screen]
) -> None:
    for number, screen in enumerate(screens):
        fanout.add(str(number), screen.media)
    source.deliver(pictures(5)[0])
    before = packets_of(fanout)
    for screen in screens:
        screen.take(before)
    fanout.keep_only("1")
    source.deliver(*pictures(5)[1:])
    screens[1].take(packets_of(fanout) - before)
    assert screens[0].nothing_more()
    assert screens[2].nothing_more()


@pytest.mark.usefixtures("slow_machine")
def test_a_screen_that_is_told_again_moves_or_stays(fanout: RtpFanout, source: Source, screens: list[Screen]) -> None:
    fanout.add("screen", screens[0].media)
    source.deliver(pictures(3)[0])
    first = packets_of(fanout)
    screens[0].take(first)
    fanout.add("screen", screens[0].media)
    assert screens[0].nothing_more(), "nothing is sent twice to one that stays"
    fanout.add("screen", screens[1].media)
    screens[1].take(first)
    source.deliver(pictures(3)[1])
    screens[1].take(packets_of(fanout) - first)
    assert screens[0].nothing_more()
    hold = VideoMedia("127.0.0.1", 9, 10, direction="inactive")
    assert not fanout.add("screen", hold)
    assert source.sinks == []


@pytest.mark.parametrize(
    "media",
    [
        VideoMedia("nowhere.example", 5000, 5001, direction="recvonly"),
        VideoMedia("0.0.0.0", 5000, 5001, direction="recvonly"),
        VideoMedia("::1", 5000, 5001, direction="recvonly"),
        VideoMedia("127.0.0.1", 70_000, 70_001, direction="recvonly"),
        VideoMedia("127.0.0.1", 5000, 5001, payload_type=200, direction="recvonly"),
        VideoMedia("127.0.0.1", 5000, 5001, direction="recvonly", key=SrtpKey(b"short")),
    ],
)
def test_a_destination_that_cannot_be_is_refused_and_hurts_nobody(
    fanout: RtpFanout, source: Source, screens: list[Screen], media: VideoMedia, caplog: pytest.LogCaptureFixture
) -> None:
    fanout.add("good", screens[0].media)
    assert not fanout.add("bad", media)
    assert "no video to bad" in caplog.text
    source.deliver(pictures(1)[0])
    screens[0].take(packets_of(fanout))


def test_an_unreachable_destination_hurts_nobody(fanout: RtpFanout, source: Source, screens: list[Screen]) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    fanout.add("switched off", VideoMedia("127.0.0.1", port, port, direction="recvonly"))
    fanout.add("no route", VideoMedia("255.255.255.255", 5000, 5001, direction="recvonly"))
    fanout.add("good", screens[0].media)
    source.deliver(*pictures(10))
    screens[0].take(packets_of(fanout))
    assert count(fanout, "send_failures") > 0


def test_another_payload_type_gets_the_same_picture_under_it(
    secret: RtpFanout, source: Source, screens: list[Screen]
) -> None:
    screens[1].payload_type = 109
    secret.add("96", screens[0].media)
    secret.add("109", screens[1].media)
    source.deliver(*pictures(3))
    key, sent = secret.offer().key, packets_of(secret)
    one, other = (
        [RtpPacket.parse(opener.rtp(packet)) for packet in screen.take(sent)]
        for opener, screen in ((Unprotector(key), screens[0]), (Unprotector(key), screens[1]))
    )
    assert {packet.payload_type for packet in other} == {109}
    assert [packet.payload for packet in one] == [packet.payload for packet in other]


def test_an_encoder_without_slices_serves_packetization_mode_1_only(screens: list[Screen]) -> None:
    source, sockets = Source(modes=(1,)), RtpSockets("127.0.0.1")
    fanout = RtpFanout(sockets, None, source)
    mode_1 = VideoMedia(
        "127.0.0.1", screens[0].sockets.rtp_port, screens[0].sockets.rtcp_port, 96, 1, direction="recvonly"
    )
    assert fanout.offer().packetization_mode == 1
    assert not fanout.add("mode 0", screens[1].media)
    assert fanout.add("mode 1", mode_1)
    source.deliver(*unsliced_pictures(30))
    packets = screens[0].take(packets_of(fanout))
    assert max(map(len, packets)) <= 1200
    assert {packet[12] & 0x1F for packet in packets} >= {24, 28}
    fanout.close()
    sockets.close()


def test_a_key_frame_request_reaches_the_encoder(secret: RtpFanout, source: Source) -> None:
    screen = Screen(key=SrtpKey.generate())
    secret.add("screen", screen.media)
    screen.ask(secret, rtcp.picture_loss(1, 0))
    eventually(lambda: source.asked == [False], "the request arrives")
    screen.ask(secret, bytes.fromhex("80c00001 00000002"))
    eventually(lambda: source.asked == [False, False], "the old FIR arrives")
    screen.sockets.close()


def test_feedback_from_strangers_and_forgers_is_not_obeyed(secret: RtpFanout, source: Source) -> None:
    screen, stranger = Screen(key=SrtpKey.generate()), Screen("127.0.0.2")
    secret.add("screen", screen.media)
    plea = rtcp.receiver_report(1, "x", None) + rtcp.picture_loss(1, 0)
    stranger.tell(secret, plea)
    eventually(lambda: count(secret, "rtcp_foreign") == 1, "the stranger is counted")
    screen.tell(secret, plea, protect=False)
    eventually(lambda: count(secret, "rtcp_broken") == 1, "the unprotected plea is counted")
    replayed = screen.protector.rtcp(plea)
    screen.tell(secret, replayed, protect=False)
    screen.tell(secret, replayed, protect=False)
    eventually(lambda: count(secret, "rtcp_broken") == 2, "the replay is counted")
    assert source.asked == [False]
    screen.sockets.close()
    stranger.sockets.close()


@pytest.mark.usefixtures("slow_machine")
def test_lost_packets_are_resent_as_the_same_bytes_and_not_without_end(secret: RtpFanout, source: Source) -> None:
    screen = Screen(key=SrtpKey.generate())
    secret.add("screen", screen.media)
    source.deliver(*pictures(20))
    packets = screen.take(packets_of(secret))
    sequences = [int.from_bytes(packet[2:4], "big") for packet in packets]
    screen.ask(secret, rtcp.negative_acknowledgement(1, 0, sequences[3:6]))
    assert screen.take(3) == packets[3:6]
    screen.ask(secret, rtcp.negative_acknowledgement(1, 0, [sequences[0] + 9000]))
    for _ in range(20):
        screen.ask(secret, rtcp.negative_acknowledgement(1, 0, sequences))
    eventually(lambda: count(secret, "packets_asked") == 4 + 20 * len(sequences), "all requests are read")
    assert count(secret, "resent") == RESEND_BURST
    screen.sockets.close()


def test_reports_tell_the_time_and_what_a_receiver_says_is_kept(
    fanout: RtpFanout, source: Source, screens: list[Screen]
) -> None:
    fanout.add("screen", screens[0].media)
    source.deliver(*pictures(3))
    sent = packets_of(fanout)
    packets = screens[0].take(sent)
    report = rtcp.parse(screens[0].sockets.rtcp.recv(2048))
    assert report.sender is not None
    assert report.sender_ssrc == int.from_bytes(packets[0][8:12], "big")
    block = RtcpReceiverInfo(report.sender_ssrc, 64, 17, 1, 900, report.sender.ntp_timestamp >> 16 & 0xFFFFFFFF, 0)
    screens[0].tell(fanout, rtcp.receiver_report(1, "screen", block))

    def kept() -> bool:
        destinations = fanout.statistics()["destinations"]
        assert isinstance(destinations, dict)
        said = destinations["screen"]
        return (said["packets_lost"], said["fraction_lost"], said["jitter_ms"]) == (17, 0.25, 10.0) and (
            said["round_trip_ms"] is not None
        )

    eventually(kept, "the report is kept")


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300))
def test_arbitrary_bytes_do_not_stop_the_feedback(
    fanout: RtpFanout, source: Source, screens: list[Screen], data: bytes
) -> None:
    fanout.add("screen", screens[0].media)
    asked = len(source.asked)
    screens[0].tell(fanout, data)
    screens[0].ask(fanout, rtcp.picture_loss(1, 0))
    eventually(lambda: len(source.asked) > asked, "a request after it is still obeyed")


def test_ports_come_as_an_even_and_the_next_odd_one() -> None:
    sockets = RtpSockets("127.0.0.1")
    assert sockets.rtp_port % 2 == 0
    assert sockets.rtcp_port == sockets.rtp_port + 1
    with pytest.raises(NoPorts, match="cannot bind"):
        RtpSockets("127.0.0.1", sockets.rtp_port)
    with pytest.raises(NoPorts, match="even"):
        RtpSockets("127.0.0.1", sockets.rtp_port + 1)
    with pytest.raises(NoPorts, match="not an IP address"):
        RtpSockets("intercom.example")
    sockets.close()
    sockets.close()
