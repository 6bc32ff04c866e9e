"""The whole video path on loopback: camera, encoder, fan-out, SRTP, receivers; and FFmpeg's own player as a peer."""

import queue
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hal.camera import Picture
from media.description import SrtpKey, VideoMedia
from media.encoder import VideoEncoder, VideoSettings
from media.rtp_fanout import RtpFanout
from media.rtp_sockets import RtpSockets
from media.video_receiver import VideoReceiver
from tests.media.pictures import NumberedCamera, number_of
from tests.media.streams import eventually

LIMIT = 30.0
SETTINGS = VideoSettings(width=320, height=240, rate=25, bit_rate=500_000, encoder="libx264")


class Screen:
    """A receiver whose pictures the test waits for."""

    def __init__(self, encrypted: bool) -> None:
        self.pictures: queue.Queue[Picture] = queue.Queue()
        self.sockets = RtpSockets("127.0.0.1")
        self.receiver = VideoReceiver(self.sockets, SrtpKey.generate() if encrypted else None, self.pictures.put)

    def ring(self, fanout: RtpFanout, name: str) -> None:
        offer = fanout.offer()
        self.receiver.start(offer)
        assert fanout.add(name, self.receiver.answer(offer))

    def next_number(self) -> int:
        return number_of(self.pictures.get(timeout=LIMIT))

    def count(self, name: str) -> float:
        value = self.receiver.statistics()[name]
        assert isinstance(value, (int, float))
        return value

    def close(self) -> None:
        self.receiver.close()
        self.receiver.close()
        self.sockets.close()


@pytest.fixture
def camera() -> NumberedCamera:
    return NumberedCamera()


@pytest.fixture
def encoder(camera: NumberedCamera) -> Iterator[VideoEncoder]:
    encoder = VideoEncoder(camera, SETTINGS)
    encoder.start()
    yield encoder
    encoder.close()


@pytest.fixture(params=[True, False], ids=["SRTP", "RTP"])
def encrypted(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def fanout(encoder: VideoEncoder, encrypted: bool) -> Iterator[RtpFanout]:
    sockets = RtpSockets("127.0.0.1")
    fanout = RtpFanout(sockets, SrtpKey.generate() if encrypted else None, encoder)
    yield fanout
    fanout.close()
    sockets.close()


@pytest.mark.flow("V4")
def test_every_ringing_screen_shows_what_the_camera_sees(
    fanout: RtpFanout, camera: NumberedCamera, encrypted: bool
) -> None:
    screens = [Screen(encrypted) for _ in range(4)]
    for number, screen in enumerate(screens):
        screen.ring(fanout, f"screen{number}")
    for screen in screens:
        numbers = [screen.next_number() for _ in range(10)]
        assert numbers == sorted(numbers)
        assert 0 < numbers[-1] <= camera.number
        assert screen.count("broken") == 0
        assert screen.count("time_to_first_frame_ms") > 0
    for screen in screens:
        screen.close()


@pytest.mark.flow("V1")
def test_after_the_answer_only_the_winner_goes_on(fanout: RtpFanout, encrypted: bool) -> None:
    winner, loser = Screen(encrypted), Screen(encrypted)
    winner.ring(fanout, "winner")
    loser.ring(fanout, "loser")
    winner.next_number()
    loser.next_number()
    fanout.keep_only("winner")
    loser.receiver.stop()
    shown, silent = winner.count("frames_decoded"), loser.count("frames_decoded")
    eventually(lambda: winner.count("frames_decoded") > shown + 5, "the winner's picture goes on")
    assert loser.count("frames_decoded") == silent
    winner.close()
    loser.close()


def test_a_screen_serves_one_call_after_the_other(fanout: RtpFanout, encrypted: bool) -> None:
    screen = Screen(encrypted)
    for call in range(3):
        screen.ring(fanout, f"call{call}")
        screen.next_number()
        screen.receiver.stop()
        fanout.remove(f"call{call}")
        while not screen.pictures.empty():
            screen.pictures.get()
    screen.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "video-receiver"]


def test_a_re_invite_that_changes_nothing_does_not_interrupt_the_picture(fanout: RtpFanout, encrypted: bool) -> None:
    screen = Screen(encrypted)
    screen.ring(fanout, "screen")
    screen.next_number()
    shown = screen.count("frames_decoded")
    screen.ring(fanout, "screen")
    assert screen.count("frames_decoded") >= shown, "the same reception goes on"
    assert fanout.statistics()["replayed"] == 0
    screen.next_number()
    screen.close()


def test_a_lost_key_frame_is_asked_for_again(fanout: RtpFanout, encrypted: bool) -> None:
    """A screen whose reception begins late has missed the key frame; its PLI brings the next at once."""
    screen = Screen(encrypted)
    offer = fanout.offer()
    fanout.add("late", screen.receiver.answer(offer))
    for _ in range(3):
        screen.sockets.rtp.settimeout(LIMIT)
        screen.sockets.rtp.recv(2048)
    screen.sockets.rtp.setblocking(False)
    screen.receiver.start(offer)
    screen.next_number()
    eventually(lambda: screen.count("pli_sent") >= 1, "the request is counted")
    screen.close()


def test_an_unknown_sender_is_not_shown(encrypted: bool) -> None:
    screen = Screen(encrypted)
    screen.receiver.start(VideoMedia("127.0.0.9", 5000, 5001))
    with socket.socket(type=socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.sendto(bytes(100), ("127.0.0.1", screen.sockets.rtp_port))
    eventually(lambda: screen.count("foreign") == 1, "the stranger is counted")
    screen.close()


def test_ffmpeg_plays_the_stream_from_its_sdp(encoder: VideoEncoder, tmp_path: Path) -> None:
    """RTP and SDES as another implementation reads them: ffmpeg decodes 25 pictures of it without an error."""
    ours, theirs = RtpSockets("127.0.0.1"), RtpSockets("127.0.0.1")
    fanout = RtpFanout(ours, SrtpKey.generate(), encoder)
    offer = fanout.offer()
    assert offer.key is not None
    sdp = tmp_path / "stream.sdp"
    sdp.write_text(
        f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n"
        f"m=video {theirs.rtp_port} RTP/SAVP 96\na=rtpmap:96 H264/90000\n"
        f"a=fmtp:96 profile-level-id={offer.profile_level_id};packetization-mode={offer.packetization_mode}\n"
        f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{offer.key.inline}\n"
    )
    target = VideoMedia("127.0.0.1", theirs.rtp_port, theirs.rtcp_port, direction="recvonly")
    theirs.close()
    pictures = tmp_path / "pictures.yuv"
    command = ["ffmpeg", "-v", "warning", "-protocol_whitelist", "file,udp,rtp,srtp", "-i", str(sdp)]
    with subprocess.Popen(
        [*command, "-frames:v", "25", "-fps_mode", "passthrough", "-pix_fmt", "yuv420p", str(pictures)],
        stderr=subprocess.PIPE,
        text=True,
    ) as player:
        fanout.add("ffmpeg", target)
        _, errors = player.communicate(timeout=60)
    fanout.close()
    ours.close()
    size = 320 * 240 * 3 // 2
    shown = [Picture(320, 240, pictures.read_bytes()[at : at + size], 0.0) for at in range(0, 25 * size, size)]
    numbers = [number_of(picture) for picture in shown]
    assert player.returncode == 0, errors
    assert numbers == sorted(numbers), errors
    assert numbers[-1] - numbers[0] >= 20
