"""What is read of RTSP by either side: whole messages and packets however they are cut, and no nonsense at all."""

import base64
import hashlib
import re
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servers.watching.rtsp.digest import authorization
from servers.watching.rtsp.message import Message, Packets, RtspError, Splitter
from servers.watching.rtsp.sdp import described
from servers.watching.rtsp.transport import Channels, granted, wanted

ANSWER = Message("RTSP/1.0 200 OK", (("CSeq", "1"), ("Session", "a;timeout=60")), b"v=0\r\n")
PACKETS = b"$\x00\x00\x05abcde$\x01\x00\x01x"
SDP = (
    b"v=0\r\no=- 17 3 IN IP4 10.0.0.9\r\ns=Camera\r\nc=IN IP4 10.0.0.9\r\nu=http://10.0.0.9/\r\na=control:rtsp://10.0.0.9/cam\r\n"
    b"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=1\r\n"
    b"m=audio 0 RTP/AVP 0\r\na=control:rtsp://10.0.0.9/cam/audio\r\n"
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([bytes(ANSWER), PACKETS, b"\r\n"]), max_size=6), st.data())
def test_it_does_not_matter_how_the_stream_is_cut(parts: list[bytes], data: st.DataObject) -> None:
    stream, splitter, found, run = b"".join(parts), Splitter(), [], b""
    splitter.channels = {0, 1}
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        piece, stream = stream[:size], stream[size:]
        for item in splitter.feed(piece):
            if isinstance(item, Packets):
                run += item.run
            else:
                found.append(item)
    headers = (*ANSWER.headers, ("Content-Length", "5"))
    assert found == [Message(ANSWER.first, headers, ANSWER.body)] * parts.count(bytes(ANSWER))
    assert run == PACKETS * parts.count(PACKETS)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300))
def test_nonsense_is_one_error_and_nothing_else(noise: bytes) -> None:
    for start in (b"", b"DESCRIBE x RTSP/1.0\r\n", b"$\x00"):
        splitter = Splitter()
        splitter.channels = {0, 1}
        with suppress(RtspError):
            list(splitter.feed(start + noise))
    with suppress(RtspError):
        described(noise, "rtsp://10.0.0.9/cam")
    with suppress(RtspError):
        described(SDP + noise, "rtsp://10.0.0.9/cam")


@pytest.mark.parametrize("packet", [b"$\x02\x00\x01x", b"$\x00\x09\x00" + bytes(0x900)])
def test_packets_come_on_the_channels_that_were_agreed_and_are_no_larger_than_may(packet: bytes) -> None:
    splitter = Splitter(2048)
    splitter.channels = {0, 1}
    with pytest.raises(RtspError):
        list(splitter.feed(packet))


def test_a_description_has_tracks_by_number_and_no_address() -> None:
    found = described(SDP, "rtsp://10.0.0.9/cam/")
    assert (found.whole, found.tracks) == (
        "rtsp://10.0.0.9/cam",
        ("rtsp://10.0.0.9/cam/trackID=1", "rtsp://10.0.0.9/cam/audio"),
    )
    assert re.findall(r"a=control:(\S+)", found.text.decode()) == ["*", "track0", "track1"]
    assert b"10.0.0.9" not in found.text
    assert b"H264/90000" in found.text


@pytest.mark.parametrize(
    ("header", "channels"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=4-5", Channels(4, 5)),
        ("RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP;unicast;interleaved=6-7", Channels(6, 7)),
        ("RTP/AVP/TCP;unicast", Channels(2, 3)),
        ("RTP/AVP/TCP;interleaved=0-1", None),
        ("RTP/AVP/TCP;interleaved=4-4", None),
        ("RTP/SAVP/TCP;interleaved=4-5", None),
        ('RTP/AVP/TCP;interleaved=4-5;mode="RECORD"', None),
    ],
)
def test_a_transport_is_one_within_the_connection_on_free_channels(header: str, channels: Channels | None) -> None:
    assert wanted(header, 1, {0, 1}) == channels


def test_a_camera_uses_what_it_says() -> None:
    assert granted("RTP/AVP/TCP;unicast;interleaved=8-9;ssrc=1", Channels(0, 1)) == Channels(8, 9)
    assert granted("RTP/AVP;unicast;server_port=1-2", Channels(0, 1)) is None


def test_a_login_is_a_digest_where_the_camera_knows_it() -> None:
    offers = (("WWW-Authenticate", 'Basic realm="r"'), ("WWW-Authenticate", 'Digest realm="r", nonce="n"'))
    told = authorization(Message("RTSP/1.0 401 Unauthorized", offers), "PLAY", "rtsp://x/y", "u", "p")

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    assert f'response="{md5(md5("u:r:p") + ":n:" + md5("PLAY:rtsp://x/y"))}"' in told
    basic = authorization(Message("RTSP/1.0 401 Unauthorized", offers[:1]), "PLAY", "rtsp://x/y", "u", "p")
    assert basic == "Basic " + base64.b64encode(b"u:p").decode()
    strange = (("WWW-Authenticate", "Bearer"),)
    assert authorization(Message("RTSP/1.0 401 Unauthorized", strange), "PLAY", "rtsp://x/y", "u", "p") == ""
