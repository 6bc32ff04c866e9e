"""Sources of live pictures: a video recorder by RTSP (M4), the messages of a WebSocket, and what goes wrong there."""

import struct
from contextlib import suppress

import pytest

from endpoints.errors import ServiceError
from endpoints.screens.watching.lease import Direct, Lease
from endpoints.screens.watching.live import RtspSource, Told, Unit, WebSocketSource, unit_of
from endpoints.screens.watching.viewer import source_of
from endpoints.service import Service
from media.decoder import H264Decoder
from media.h264 import NAL_SPS, nal_types
from tests.hal.rtsp import rtsp_camera
from tests.media.film import pictures

SERVER = Service("http://127.0.0.1:9", "console1", "secret")


def units(source: RtspSource, count: int) -> list[Unit]:
    found: list[Unit] = []
    for come in source.units():
        assert not isinstance(come, Told)
        found.append(come)
        if len(found) == count:
            break
    return found


@pytest.mark.flow("M4")
def test_a_camera_of_a_recorder_is_watched_from_its_first_key_frame_on() -> None:
    with rtsp_camera(120) as camera:
        source = source_of(SERVER, Lease(id="x", target="yard", direct=Direct(url=camera.url)))
        assert isinstance(source, RtspSource)
        source.open()
        come = units(source, 12)
        source.close()
    assert come[0].key_frame
    assert NAL_SPS in nal_types(come[0].data)
    decoder = H264Decoder()
    shown = [picture for unit in come for picture in decoder.decode(unit.data, unit.taken)]
    assert shown
    assert (shown[-1].width, shown[-1].height) == (96, 64)
    assert come[-1].taken > come[0].taken


def test_a_recorder_that_goes_away_ends_the_picture() -> None:
    with rtsp_camera(120) as camera:
        source = RtspSource(camera.url)
        source.open()
        come = source.units()
        next(come)
        camera.unplug()
        with suppress(ServiceError):  # of two ways to end, FFmpeg takes one
            for _ in come:
                assert camera.url
        assert next(come, None) is None


@pytest.mark.parametrize(
    "source",
    [
        RtspSource("rtsp://guard:hidden@127.0.0.1:9/1"),
        WebSocketSource("http://127.0.0.1:9/live?token=hidden", {}, None),
    ],
    ids=["rtsp", "websocket"],
)
def test_who_is_not_there_is_named_without_the_login(source: RtspSource | WebSocketSource) -> None:
    with pytest.raises(ServiceError, match=r"127\.0\.0\.1") as told:
        source.open()
    assert "hidden" not in str(told.value)
    source.close()


def test_a_message_is_a_time_and_a_picture() -> None:
    key, other = pictures(2)
    unit = unit_of(struct.pack(">Q", 7_250_000) + key.data)
    assert unit == Unit(key.data, 7.25, True)
    assert not unit_of(struct.pack(">Q", 1) + other.data).key_frame
    for short in (b"", bytes(8)):
        with pytest.raises(ServiceError):
            unit_of(short)


def test_a_lease_shows_no_secret_and_one_without_pictures_is_refused() -> None:
    lease = Lease(
        id="s3cret", target="gate1", paths={"live": "/leases/s3cret/live"}, direct=Direct(url="u", token="t0ken")
    )
    assert not any(secret in repr(lease) for secret in ("s3cret", "t0ken"))
    with pytest.raises(ServiceError, match="gate1 has no live pictures"):
        source_of(SERVER, Lease(id="x", target="gate1"))
