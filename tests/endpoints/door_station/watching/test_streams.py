"""What a watcher is sent when there is room, and what not when there is none."""

import asyncio
from typing import cast

import h11
import pytest
from websockets.protocol import State
from websockets.server import ServerProtocol

from endpoints.config.site import Video
from endpoints.door_station.watching.feed import Shown
from endpoints.door_station.watching.outlet import BUFFER, Outlet
from endpoints.door_station.watching.streams import Ended, FilmStream, LiveStream, Stream, Watcher
from endpoints.door_station.watching.tokens import Permit
from media.encoder import EncodedPicture
from tests.media.streams import HEIGHT, RATE, WIDTH, pictures

WATCHER = Watcher(Permit("homelink:home301", "indoor1", "l1", 1, 0.0), "10.0.0.9")
VIDEO = Video(width=WIDTH, height=HEIGHT, rate=RATE)


class FakeTransport:
    """A connection whose other end reads when the test says so."""

    def __init__(self, secure: bool = False) -> None:
        self.secure, self.waiting, self.closed = secure, 0, False
        self.written: list[bytes] = []

    def get_extra_info(self, name: str) -> object:
        return self if name == "ssl_object" and self.secure else None

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return self.closed

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.closed = True

    abort = close


def outlet(transport: FakeTransport) -> Outlet:
    return Outlet(cast(asyncio.Transport, transport))


def live(transport: FakeTransport) -> LiveStream:
    return LiveStream(outlet(transport), WATCHER, ServerProtocol(state=State.OPEN))


def show(streams: list[Stream], stream: tuple[EncodedPicture, ...]) -> None:
    for picture in stream:
        shown = Shown(picture)
        for each in streams:
            each.take(shown)


@pytest.mark.parametrize(("secure", "waiting"), [(False, BUFFER + 1), (True, 1)])
def test_who_is_behind_loses_pictures_up_to_a_key_frame_and_nobody_else_does(secure: bool, waiting: int) -> None:
    slow, quick = FakeTransport(secure), FakeTransport(secure)
    streams: list[Stream] = [live(slow), live(quick)]
    stream = pictures(15, 5)
    show(streams, stream[:3])
    slow.waiting = waiting
    show(streams, stream[3:7])  # a key frame is among them
    slow.waiting = 0
    show(streams, stream[7:])
    sent = [Shown(picture).message for picture in stream]
    assert quick.written == sent
    assert slow.written == [*sent[:3], *sent[10:]]
    assert (streams[0].pictures, streams[0].lost, streams[1].lost) == (8, 7, 0)


def test_nobody_begins_in_the_middle_of_a_group() -> None:
    transport = FakeTransport()
    show([live(transport)], pictures(10, 5)[3:])
    assert len(transport.written) == 5


def test_all_watchers_are_sent_the_very_same_bytes() -> None:
    transports = [FakeTransport() for _ in range(8)]
    show([live(each) for each in transports], pictures(1))
    assert len({id(each.written[0]) for each in transports}) == 1


def test_an_end_is_said_once_and_nothing_follows() -> None:
    transport = FakeTransport()
    stream = live(transport)

    async def ended() -> None:
        stream.finish(Ended.EXPIRED)

    asyncio.run(ended())
    (farewell,) = transport.written
    assert b'{"end": "expired"}' in farewell
    show([stream], pictures(2))
    stream.say({"viewers": 1})
    assert transport.written == [farewell]


def test_a_film_goes_on_at_its_own_time_after_a_loss() -> None:
    transport, http = FakeTransport(), h11.Connection(h11.SERVER)
    http.receive_data(b"GET /live.mp4 HTTP/1.1\r\nHost: x\r\n\r\n")
    http.next_event()
    http.send(h11.Response(status_code=200, headers=[]))
    film = FilmStream(outlet(transport), WATCHER, http, VIDEO)
    stream = pictures(11, 5)
    show([film], stream[:1])
    transport.waiting = BUFFER + 1
    show([film], stream[1:4])
    transport.waiting = 0
    show([film], stream[4:6])
    first, second = transport.written
    assert b"ftyp" in first[:20]
    assert b"ftyp" not in second
    assert (stream[5].pts - stream[0].pts).to_bytes(8, "big") in second
