"""A reception on bytes and a clock of the test: order, loss and repair, restarts, hostile packets."""

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hal.camera import Picture
from media import rtcp
from media.decoder import H264Decoder
from media.description import SrtpKey, VideoMedia
from media.receiving_session import ReceivingSession
from media.rtp_history import SentPacket, SentPackets
from media.rtp_sockets import Address
from media.srtp import Protector, Unprotector
from tests.media.pictures import number_of
from tests.media.streams import packets_of, pictures, unsliced_pictures

DOOR: Address = ("192.0.2.1", 5000)
FRAME_TIME = 0.04
DELAY = 0.002


@dataclass
class Screen:
    """A receiving session, the pictures it showed and the RTCP it sent."""

    feedback: frozenset[str] = frozenset({"nack", "nack pli"})
    key: SrtpKey | None = None
    shown: list[int] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        remote = VideoMedia(*DOOR, 5001, key=self.key, feedback=self.feedback)
        self.session = ReceivingSession(remote, None, H264Decoder(), self._show, self._send, now=0.0)

    def _show(self, picture: Picture) -> None:
        self.shown.append(number_of(picture))

    def _send(self, data: bytes, address: Address) -> None:
        assert address[0] == DOOR[0]
        self.sent.append(data)

    def receive(self, packets: list[bytes], now: float = 0.0) -> None:
        for packet in packets:
            self.session.rtp(packet, DOOR, now)

    def count(self, name: str, now: float = 0.0) -> object:
        return self.session.statistics(now)[name]


def wire(count: int, key_every: int = 25) -> list[list[bytes]]:
    return packets_of(pictures(count, key_every))


def flat(per_picture: list[list[bytes]]) -> list[bytes]:
    return [packet for packets in per_picture for packet in packets]


def test_the_first_picture_is_shown_with_its_last_packet() -> None:
    screen, first = Screen(), wire(1)[0]
    screen.receive(first[:-1])
    assert screen.shown == []
    screen.receive(first[-1:], now=0.003)
    assert screen.shown == [0]
    assert screen.count("time_to_first_frame_ms") == 3.0


def test_a_stream_in_packetization_mode_1_is_shown() -> None:
    screen = Screen()
    screen.receive(flat(packets_of(unsliced_pictures(30), single_nal_units=False)))
    assert screen.shown == list(range(30))


def test_reordered_and_doubled_packets_change_nothing() -> None:
    screen, chance = Screen(), random.Random(3)
    packets = flat(wire(50))
    for at in range(2, len(packets) - 3, 3):
        packets[at], packets[at + 2] = packets[at + 2], packets[at]
    for at in range(10, len(packets), 10):
        packets.insert(at, packets[at - chance.randrange(1, 8)])
    screen.receive(packets)
    assert screen.shown == list(range(50))
    assert screen.count("lost") == 0


def play_with_loss(screen: Screen, repair: bool, count: int = 300, loss: float = 0.02) -> None:
    """Send `count` pictures with random loss, both ways, by a sender that keeps what it sent and may resend it."""
    chance, history = random.Random(20), SentPackets()
    for number, packets in enumerate(wire(count)):
        start = number * FRAME_TIME
        for packet in packets:
            history.add(SentPacket(int.from_bytes(packet[2:4], "big"), start, packet, {}))
            if chance.random() >= loss:
                screen.session.rtp(packet, DOOR, start)
        now = start
        while now < start + FRAME_TIME:
            now = min(max(screen.session.attend(now), now + 0.001), start + FRAME_TIME)
            asked = [sequence for data in screen.sent for sequence in rtcp.parse(data).lost] if repair else []
            screen.sent.clear()
            for sequence in asked:
                again = history.get(sequence, now)
                if again is not None and chance.random() >= loss:
                    screen.session.rtp(again.plain, DOOR, now + DELAY)


def test_with_two_percent_loss_repair_shows_nearly_all_pictures_and_much_more_than_without() -> None:
    repaired, unrepaired = Screen(), Screen(feedback=frozenset())
    play_with_loss(repaired, repair=True)
    play_with_loss(unrepaired, repair=False)
    assert len(repaired.shown) >= 290
    assert len(unrepaired.shown) <= 200
    assert repaired.shown == sorted(set(repaired.shown))
    assert unrepaired.shown == sorted(set(unrepaired.shown)), "pictures are left out, never shown wrong"


def test_no_picture_that_refers_to_a_lost_one_is_shown() -> None:
    screen, per_picture = Screen(feedback=frozenset()), wire(30, key_every=10)
    screen.receive(flat(per_picture[:3]), now=0.1)
    screen.receive(flat(per_picture[4:9]), now=0.2)
    screen.session.attend(0.5)
    assert screen.shown == [0, 1, 2]
    screen.receive(flat(per_picture[9:]), now=0.5)
    assert screen.shown == [0, 1, 2, *range(10, 30)]


def test_a_whole_key_frame_behind_a_gap_is_shown_without_waiting_for_the_gap() -> None:
    screen, per_picture = Screen(), wire(21, key_every=10)
    screen.receive(flat(per_picture[:3]))
    screen.receive(flat(per_picture[5:]))
    assert screen.shown == [0, 1, 2, *range(10, 21)]


def test_it_asks_for_a_key_frame_at_once_and_until_one_decodes() -> None:
    screen, now = Screen(), 0.0
    while now < 1.0:
        now = max(screen.session.attend(now), now + 0.001)
    asked = [data for data in screen.sent if rtcp.parse(data).key_frame]
    assert 5 <= len(asked) <= 10
    assert rtcp.parse(screen.sent[0]).key_frame
    screen.receive(wire(1)[0], now)
    screen.sent.clear()
    while now < 2.0:
        now = max(screen.session.attend(now), now + 0.001)
    assert not any(rtcp.parse(data).key_frame for data in screen.sent)
    assert any(rtcp.parse(data).reports for data in screen.sent), "reports go on"


def test_a_loss_that_nobody_repairs_leads_to_a_key_frame_request() -> None:
    screen, per_picture = Screen(), wire(10)
    screen.session.attend(0.0)
    screen.receive(flat(per_picture[:3]) + flat(per_picture[4:6]), now=1.0)
    screen.sent.clear()
    screen.session.attend(1.0)
    assert rtcp.parse(screen.sent[0]).lost
    assert not rtcp.parse(screen.sent[0]).key_frame
    screen.session.attend(1.3)
    assert rtcp.parse(screen.sent[-1]).key_frame


def test_a_restarted_sender_is_followed() -> None:
    screen = Screen()
    screen.receive(flat(wire(10)), now=0.1)
    screen.receive(flat(packets_of(pictures(5))), now=0.2)
    assert screen.shown == [*range(10), *range(5)]
    assert screen.count("restarts") == 1


def test_a_single_foreign_ssrc_does_not_disturb_the_stream() -> None:
    screen, stray = Screen(), wire(1)[0][0]
    packets = flat(wire(10))
    for at in range(5, len(packets), 5):
        packets.insert(at, stray)
    screen.receive(packets)
    assert screen.shown == list(range(10))
    assert screen.count("restarts") == 0


def test_rtp_from_another_port_of_the_same_host_is_taken_and_another_host_is_not() -> None:
    screen = Screen()
    for packet in flat(wire(2)):
        screen.session.rtp(packet, ("192.0.2.66", 5000), 0.0)
        screen.session.rtp(packet, (DOOR[0], 40_000), 0.0)
    assert screen.shown == [0, 1]
    assert screen.count("foreign") == len(flat(wire(2)))


def test_srtp_packets_are_shown_once_and_forged_or_replayed_ones_are_counted() -> None:
    key = SrtpKey.generate()
    screen, ours, theirs = Screen(key=key), Protector(key), Protector(SrtpKey.generate())
    plain = flat(wire(3))
    protected = [ours.rtp(packet) for packet in plain]
    screen.receive(protected)
    assert screen.shown == [0, 1, 2]
    screen.receive(protected + plain + [theirs.rtp(packet) for packet in plain])
    assert screen.shown == [0, 1, 2]
    assert screen.count("unauthentic") == screen.count("broken") == 3 * len(plain)


def test_srtcp_that_was_not_protected_is_refused_and_a_protected_report_is_taken() -> None:
    key = SrtpKey.generate()
    screen = Screen(key=key)
    report = rtcp.sender_report(1, "door", 0, 0, 0)
    screen.session.rtcp(report, (DOOR[0], 5001), 0.0)
    assert screen.count("unauthentic") == 1
    screen.session.rtcp(Protector(key).rtcp(report), (DOOR[0], 5001), 0.0)
    assert screen.count("unauthentic") == 1


def test_what_the_screen_sends_is_protected_by_its_own_key() -> None:
    key, sent = SrtpKey.generate(), list[bytes]()
    remote = VideoMedia(*DOOR, 5001, key=SrtpKey.generate())
    session = ReceivingSession(remote, key, H264Decoder(), lambda _: None, lambda data, _: sent.append(data), now=0.0)
    session.attend(0.0)
    assert rtcp.parse(Unprotector(key).rtcp(sent[0])).key_frame


def test_it_opens_the_way_for_the_stream_in_its_own_key() -> None:
    key, opened = SrtpKey(bytes(range(30))), list[tuple[bytes, Address]]()
    session = ReceivingSession(
        VideoMedia(*DOOR, 5001),
        key,
        H264Decoder(),
        lambda _: None,
        lambda *_: None,
        now=0.0,
        send_rtp=lambda data, address: opened.append((data, address)),
    )
    session.attend(0.0)
    [(data, address)] = opened
    assert address == DOOR
    assert len(Unprotector(key).rtp(data)) == 12


def test_a_display_that_fails_does_not_stop_the_reception(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Picture) -> None:
        raise RuntimeError("the display is on fire")

    remote = VideoMedia(*DOOR, 5001)
    session = ReceivingSession(remote, None, H264Decoder(), fail, lambda *_: None, now=0.0)
    for packet in flat(wire(5)):
        session.rtp(packet, DOOR, 0.0)
    assert session.statistics(0.0)["frames_decoded"] == 5
    assert caplog.text.count("could not be shown") == 1


@given(st.lists(st.binary(max_size=300), max_size=30))
def test_arbitrary_datagrams_are_counted_and_dropped(datagrams: list[bytes]) -> None:
    screen = Screen()
    for data in datagrams:
        screen.session.rtp(data, DOOR, 0.0)
        screen.session.rtcp(data, DOOR, 0.0)
    assert screen.shown == []
    assert screen.session.attend(0.0) > 0.0


mutations = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 2000), st.integers(0, 255)), max_size=40)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example([(0, 690, 209)], [], random.Random(0))  # an SPS that asks the decoder to hold pictures back
@given(mutations, st.lists(st.integers(0, 10_000), max_size=10), st.randoms(use_true_random=False))
def test_a_broken_stream_never_stops_the_reception(
    flips: list[tuple[int, int, int]], cuts: list[int], chance: random.Random
) -> None:
    screen = Screen()
    packets = [bytearray(packet) for packet in flat(wire(12, key_every=5))]
    for which, where, value in flips:
        packet = packets[which % len(packets)]
        packet[where % len(packet)] = value
    for which in cuts:
        del packets[which % len(packets)][which % 40 :]
    middle = packets[5:20]
    chance.shuffle(middle)
    packets[5:20] = middle
    now = 0.0
    for broken in packets:
        now += 0.01
        screen.session.rtp(bytes(broken) or b"\0", DOOR, now)
        screen.session.attend(now)
    fresh = flat(packets_of(pictures(3)))
    for healthy in fresh:
        screen.session.rtp(healthy, DOOR, now)
        screen.session.attend(now)
    assert screen.shown[-1:] == [2], "a healthy stream after it is shown"
