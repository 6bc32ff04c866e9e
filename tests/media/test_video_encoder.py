"""The video encoder: for whom it encodes, when key frames come, and what it survives."""

import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from av import VideoFrame

from media.decoder import H264Decoder
from media.encoder import KEY_FRAME_SPACING, EncodedPicture, VideoEncoder, VideoSettings
from media.h264 import (
    NAL_IDR,
    NAL_PPS,
    NAL_SPS,
    SLICE_BYTES,
    CodedPicture,
    H264Encoder,
    NoEncoder,
    nal_types,
    parameter_sets,
)
from tests.media.pictures import NumberedCamera, number_of
from tests.media.streams import eventually, pictures, unsliced_pictures

LIMIT = 30.0


class Sink:
    """Collects what the encoder delivers."""

    def __init__(self) -> None:
        self.packets: list[EncodedPicture] = []
        self._arrived = threading.Condition()

    def encoded(self, packet: EncodedPicture) -> None:
        with self._arrived:
            self.packets.append(packet)
            self._arrived.notify_all()

    def wait(self, count: int) -> list[EncodedPicture]:
        """The first `count` packets."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.packets) >= count, LIMIT), f"only {len(self.packets)} came"
            return self.packets[:count]


class BrokenSink:
    """Fails at its first picture."""

    def __init__(self) -> None:
        self.failed = threading.Event()

    def encoded(self, packet: EncodedPicture) -> None:
        self.failed.set()
        raise RuntimeError("disk full")


def started(camera: NumberedCamera, **changes: object) -> VideoEncoder:
    settings: dict[str, object] = {
        "width": 320,
        "height": 240,
        "rate": 50,
        "bit_rate": 500_000,
        "encoder": "libx264",
        "key_interval": 1000.0,
    }
    settings |= changes
    encoder = VideoEncoder(camera, VideoSettings(**settings))  # type: ignore[arg-type]
    encoder.start()
    return encoder


@pytest.fixture
def camera() -> NumberedCamera:
    return NumberedCamera()


@pytest.fixture
def encoder(camera: NumberedCamera) -> Iterator[VideoEncoder]:
    encoder = started(camera)
    yield encoder
    encoder.close()
    assert not [thread for thread in threading.enumerate() if thread.name in ("video-camera", "video-pictures")]


def test_nothing_is_encoded_while_nobody_watches(encoder: VideoEncoder, camera: NumberedCamera) -> None:
    eventually(lambda: camera.number > 3, "the camera delivers")
    assert encoder.counters.encoded == 0
    assert encoder.latest() is not None
    sink = Sink()
    encoder.attach(sink)
    sink.wait(3)
    encoder.detach(sink)
    eventually(lambda: encoder.statistics()["sinks"] == 0, "the sink is gone")
    seen, number = len(sink.packets), camera.number
    eventually(lambda: camera.number > number + 3, "the camera goes on")
    assert len(sink.packets) <= seen + 1


def test_the_first_picture_of_each_sink_is_a_key_frame_that_stands_alone(encoder: VideoEncoder) -> None:
    eventually(lambda: encoder.latest() is not None, "the camera delivers")
    early, late = Sink(), Sink()
    encoder.attach(early)
    early.wait(4)
    encoder.attach(late)
    for sink in (early, late):
        first = sink.wait(1)[0]
        assert first.key_frame
        assert nal_types(first.data)[:2] == [NAL_SPS, NAL_PPS]
    assert early.wait(2)[0].key_frame


def test_a_patient_sink_costs_the_others_no_key_frame_but_alone_it_has_one_at_once(encoder: VideoEncoder) -> None:
    eventually(lambda: encoder.latest() is not None, "the camera delivers")
    alone, late = Sink(), Sink()
    encoder.attach(alone, patient=True)
    assert alone.wait(1)[0].key_frame
    alone.wait(3)
    before = encoder.counters.key_frames
    encoder.attach(late, patient=True)
    late.wait(3)
    assert encoder.counters.key_frames - before <= 1  # the one of each second, perhaps


def test_pictures_come_in_order_each_with_its_time(encoder: VideoEncoder) -> None:
    sink, decoder = Sink(), H264Decoder()
    encoder.attach(sink)
    packets = sink.wait(30)
    numbers = [number_of(picture) for packet in packets for picture in decoder.decode(packet.data, packet.taken)]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) >= 29, "only the picture of the first key frame may come twice"
    stamps = [packet.pts for packet in packets]
    assert all(later > earlier for earlier, later in pairwise(stamps))
    ticks, seconds = packets[-1].pts - packets[1].pts, packets[-1].taken - packets[1].taken
    assert ticks == pytest.approx(seconds * 90_000, abs=90)


def test_a_key_frame_comes_when_asked_for_but_requests_in_a_row_share_one(encoder: VideoEncoder) -> None:
    sink = Sink()
    encoder.attach(sink)
    sink.wait(2)
    began = time.monotonic()
    for _ in range(100):
        encoder.key_frame()
    allowed = 2 + (time.monotonic() - began) / KEY_FRAME_SPACING
    eventually(lambda: sum(packet.key_frame for packet in sink.packets) >= 2, "the one that was asked for")
    keys = [packet for packet in sink.wait(len(sink.packets) + 20) if packet.key_frame]
    assert len(keys) <= allowed + 1


def test_a_key_frame_comes_each_interval_without_being_asked_for(camera: NumberedCamera) -> None:
    encoder, sink = started(camera, key_interval=0.2), Sink()
    encoder.attach(sink)
    packets = sink.wait(45)
    encoder.close()
    assert len([packet for packet in packets if packet.key_frame]) >= 4


def test_a_sink_that_fails_is_detached_once_and_the_others_go_on(
    encoder: VideoEncoder, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = Sink(), BrokenSink()
    encoder.attach(bad)
    encoder.attach(good)
    assert bad.failed.wait(LIMIT)
    good.wait(10)
    assert encoder.statistics()["sinks"] == 1
    assert caplog.text.count("a video sink failed") == 1


def test_a_lost_camera_leaves_its_last_picture_and_comes_back(
    encoder: VideoEncoder, camera: NumberedCamera, caplog: pytest.LogCaptureFixture
) -> None:
    sink = Sink()
    encoder.attach(sink)
    sink.wait(5)
    camera.lose()
    eventually(lambda: "the camera is gone" in caplog.text, "the loss is logged")
    count = len(sink.packets)
    encoder.key_frame()
    assert any(packet.key_frame for packet in sink.wait(count + 2)[count:]), "the still goes on, also as key frame"
    camera.find()
    eventually(lambda: "the camera is back" in caplog.text, "the return is logged")
    sink.wait(len(sink.packets) + 5)
    assert caplog.text.count("the camera is gone") == 1


def test_a_camera_that_is_not_always_on_runs_only_while_watched(camera: NumberedCamera) -> None:
    encoder, sink = started(camera, camera_always_on=False), Sink()
    assert camera.starts == 0
    encoder.attach(sink)
    assert sink.wait(3)[0].key_frame
    encoder.detach(sink)
    eventually(lambda: camera.stops == 1, "the camera rests")
    eventually(lambda: encoder.latest() is None, "the next visitor does not see the last one")
    encoder.close()


def test_pictures_of_another_size_are_refused_once_in_the_log(
    camera: NumberedCamera, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    start = camera.start
    monkeypatch.setattr(camera, "start", lambda width, height, rate: start(width // 2, height // 2, rate))
    encoder, sink = started(camera), Sink()
    encoder.attach(sink)
    eventually(lambda: encoder.counters.dropped > 5, "pictures are dropped")
    encoder.close()
    assert sink.packets == []
    assert caplog.text.count("160x120") == 1


def test_closing_twice_and_before_the_start_does_no_harm(camera: NumberedCamera) -> None:
    encoder = VideoEncoder(camera, VideoSettings())
    encoder.close()
    encoder.close()


def test_every_nal_unit_fits_a_packet_and_the_profile_is_constrained_baseline() -> None:
    for picture in pictures(30):
        assert max(map(len, picture.data.split(b"\0\0\1"))) <= SLICE_BYTES + 4
    sps = parameter_sets(pictures(30)[0].data)
    assert sps[4] & 0x1F == NAL_SPS
    assert sps[5] == 66, "baseline"
    assert sps[6] & 0x40, "constraint_set1: what main-profile decoders need"
    assert sps[7] == 31, "level 3.1 as in profile-level-id 42e01f"


def test_key_frames_of_an_encoder_that_sends_its_parameter_sets_once_get_them_again() -> None:
    encoder = H264Encoder(320, 240, 25, 500_000, "libx264")
    whole = unsliced_pictures(30)[0].data
    assert encoder._with_parameter_sets(whole, nal_types(whole)) == whole
    bare = b"\0\0\0\1\x65slice"
    assert nal_types(encoder._with_parameter_sets(bare, [NAL_IDR])) == [NAL_SPS, NAL_PPS, NAL_IDR]


def test_an_encoder_that_this_board_has_not_is_refused_with_what_there_is() -> None:
    with pytest.raises(NoEncoder, match="libx264"):
        H264Encoder(320, 240, 25, 500_000, "h264_v4l2m2m")


def test_without_a_wish_the_encoder_that_opens_here_is_taken() -> None:
    assert H264Encoder(320, 240, 25, 500_000, "auto").name in ("libx264", "h264_v4l2m2m")


def test_an_encoder_that_lags_behind_delivers_each_picture_with_its_own_time(
    camera: NumberedCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A board's encoder keeps pictures in its queue: three of them here, the empty ones of the start among them."""
    whole, queue = H264Encoder.encode, list[CodedPicture]()

    def lagging(self: H264Encoder, frame: VideoFrame, pts: int, key: bool) -> list[CodedPicture]:
        queue.extend(whole(self, frame, pts, key))
        return [queue.pop(0)] if len(queue) > 3 else []

    monkeypatch.setattr(H264Encoder, "encode", lagging)
    encoder, sink, decoder = started(camera), Sink(), H264Decoder()
    encoder.attach(sink)
    packets = sink.wait(10)
    encoder.close()
    assert packets[0].key_frame
    numbers = [number_of(picture) for packet in packets for picture in decoder.decode(packet.data, packet.taken)]
    assert numbers == sorted(numbers)
    assert all(later.taken > earlier.taken for earlier, later in pairwise(packets[1:]))
    assert packets[-1].pts - packets[1].pts == pytest.approx((packets[-1].taken - packets[1].taken) * 90_000, abs=90)
