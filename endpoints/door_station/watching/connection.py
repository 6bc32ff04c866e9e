"""One connection of a watcher: one request, a token first, and then what was asked for.

HTTP/1.1 is h11's, WebSocket is that of `websockets`; both without sockets of their own, because a stream has to be
ended at a moment, and a watcher who is behind must be seen in the transport's buffer.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

import h11
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from endpoints.config.site import Video
from endpoints.door_station.watching.desk import Desk
from endpoints.door_station.watching.feed import Feed
from endpoints.door_station.watching.outlet import Outlet
from endpoints.door_station.watching.stills import Stills
from endpoints.door_station.watching.streams import (
    BOUNDARY,
    FilmStream,
    LiveStream,
    MotionJpegStream,
    Stream,
    Watcher,
)
from endpoints.door_station.watching.tokens import Permit, Refused, token_in

log = logging.getLogger(__name__)

ASKING = 10.0
"""Seconds within which a connection brings its request."""
LARGEST_REQUEST = 16_384
LARGEST_MESSAGE = 8192
"""Bytes of a WebSocket message of a watcher, which is a token."""
CONNECTIONS, OF_ONE = 64, 24
"""That may be open, in all and from one address."""
_SAME_FOR_ALL = [(b"cache-control", b"no-store"), (b"access-control-allow-origin", b"*"), (b"connection", b"close")]
"""Any page may ask: what lets it see something is a token, never a cookie."""


@dataclass(frozen=True, slots=True)
class Door:
    """What a connection is served from."""

    desk: Desk
    feed: Feed
    stills: Stills
    video: Video
    connections: "dict[Connection, str]"
    """Those that are open, and their addresses."""


class Connection(asyncio.Protocol):
    """Loop's thread."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._transport = cast(asyncio.Transport, None)
        self._address = ""
        self._raw = bytearray()
        self._http = h11.Connection(h11.SERVER, LARGEST_REQUEST)
        self._socket: ServerProtocol | None = None
        self._asked = False
        self._stream: Stream | None = None
        self._permit: Permit | None = None
        self._impatient: asyncio.TimerHandle | None = None
        self._snapshot: asyncio.Task[None] | None = None

    # --- asyncio.Protocol --------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody is there; whoever says nothing for long, or has too many connections, is sent away."""
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if peer else ""
        open_ones = self._door.connections
        if len(open_ones) >= CONNECTIONS or sum(other == self._address for other in open_ones.values()) >= OF_ONE:
            self._transport.abort()
            return
        open_ones[self] = self._address
        self._impatient = asyncio.get_running_loop().call_later(ASKING, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        """A part of the request, or what a watcher says over WebSocket; after any other request nothing is heard."""
        if self._socket is not None:
            self._socket.receive_data(data)
            self._hear(self._socket)
        elif not self._asked:
            self._raw += data
            self._read(data)

    def connection_lost(self, error: Exception | None) -> None:
        """It is over, whoever ended it."""
        self._door.connections.pop(self, None)
        if self._impatient is not None:
            self._impatient.cancel()
        if self._stream is not None:
            self._door.desk.leave(self._stream)
            self._stop(self._stream)
            self._stream = None

    def abort(self) -> None:
        """End it now."""
        self._transport.abort()

    # --- the request -------------------------------------------------------------------------------------------------

    def _read(self, data: bytes) -> None:
        try:
            self._http.receive_data(data)
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            self._asked = True
            self._answer(HTTPStatus(error.error_status_hint), b"this is no request of HTTP\n")
            return
        if isinstance(event, h11.Request):
            self._asked = True
            if self._impatient is not None:
                self._impatient.cancel()
            try:
                self._serve(event)
            except Refused as refused:
                self._refuse(refused)

    def _serve(self, request: h11.Request) -> None:
        path, _, query = request.target.decode("ascii").partition("?")
        headers = {name.decode("ascii"): value.decode("latin-1") for name, value in request.headers}
        self._permit = self._door.desk.admit(self._address, _token(headers, query))
        page = self._pages.get(path)
        if page is None:
            raise Refused(HTTPStatus.NOT_FOUND, f"there is no {path[:40]} here")
        method, serve = page
        if request.method.decode("ascii") != method:
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, f"{path} takes {method}")
        if path == LIVE and headers.get("upgrade", "").lower() != "websocket":
            raise Refused(HTTPStatus.UPGRADE_REQUIRED, f"{path} is a WebSocket")
        serve(self, self._permit)

    def _refuse(self, refused: Refused) -> None:
        if self._permit is not None:  # else it is written down already
            self._door.desk.note_refusal(self._address, refused)
        more = {HTTPStatus.UNAUTHORIZED: (b"www-authenticate", b"Bearer"), HTTPStatus.TOO_MANY_REQUESTS: _LATER}
        extra = [more[refused.status]] if refused.status in more else []
        self._answer(refused.status, f"{refused}\n".encode(), headers=extra)

    # --- pages -------------------------------------------------------------------------------------------------------

    def _renew(self, permit: Permit) -> None:
        count = self._door.desk.renew(permit)
        self._answer_json({"streams": count, "expires": permit.expires})

    def _end(self, permit: Permit) -> None:
        self._answer_json({"streams": self._door.desk.revoke(permit)})

    def _give_snapshot(self, permit: Permit) -> None:
        self._snapshot = asyncio.get_running_loop().create_task(self._send_snapshot(Watcher(permit, self._address)))

    async def _send_snapshot(self, watcher: Watcher) -> None:
        jpeg = await self._door.stills.now()
        if jpeg is None:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, b"the camera sees nothing\n")
            return
        self._door.desk.note_snapshot(watcher)
        self._answer(HTTPStatus.OK, jpeg, b"image/jpeg")

    def _show_jpegs(self, permit: Permit) -> None:
        outlet = self._begin(permit, b"multipart/x-mixed-replace; boundary=" + BOUNDARY)
        stream = MotionJpegStream(outlet, Watcher(permit, self._address), self._http)
        self._enter(stream)
        self._door.stills.join(stream)

    def _show_film(self, permit: Permit) -> None:
        outlet = self._begin(permit, b"video/mp4")
        self._watch(FilmStream(outlet, Watcher(permit, self._address), self._http, self._door.video))

    def _show_live(self, permit: Permit) -> None:
        self._door.desk.room_for(permit)
        protocol = ServerProtocol(max_size=LARGEST_MESSAGE, logger=log)
        protocol.receive_data(bytes(self._raw))
        request = next((event for event in protocol.events_received() if isinstance(event, Request)), None)
        if request is None:
            raise Refused(HTTPStatus.BAD_REQUEST, "this is no request of WebSocket")
        response = protocol.accept(request)
        protocol.send_response(response)
        self._transport.write(b"".join(protocol.data_to_send()))
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self._transport.close()
            return
        self._socket = protocol
        self._watch(LiveStream(Outlet(self._transport), Watcher(permit, self._address), protocol))

    _pages: Mapping[str, tuple[str, Callable[["Connection", Permit], None]]] = {
        "/live": ("GET", _show_live),
        "/live.mp4": ("GET", _show_film),
        "/live.mjpeg": ("GET", _show_jpegs),
        "/snapshot.jpg": ("GET", _give_snapshot),
        "/renew": ("POST", _renew),
        "/end": ("POST", _end),
    }

    # --- watching ----------------------------------------------------------------------------------------------------

    def _begin(self, permit: Permit, content: bytes) -> Outlet:
        """The head of an answer that goes on. Raises Refused."""
        self._door.desk.room_for(permit)
        head = h11.Response(status_code=HTTPStatus.OK, headers=[(b"content-type", content), *_SAME_FOR_ALL])
        outlet = Outlet(self._transport)
        outlet.write(self._http.send(head) or b"")
        return outlet

    def _watch(self, stream: Stream) -> None:
        self._enter(stream)
        if not self._door.feed.join(stream):
            log.error("nobody can watch: there is no encoder")
            self._transport.abort()

    def _enter(self, stream: Stream) -> None:
        self._stream = stream
        self._door.desk.enter(stream)

    def _stop(self, stream: Stream) -> None:
        if isinstance(stream, MotionJpegStream):
            self._door.stills.leave(stream)
        else:
            self._door.feed.leave(stream)

    def _hear(self, protocol: ServerProtocol) -> None:
        """What a watcher says: a new token of the same lease moves the end."""
        for event in protocol.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT and self._stream is not None:
                self._stream.say(self._renewed(bytes(event.data)))
        if output := b"".join(protocol.data_to_send()):
            self._transport.write(output)
        if protocol.close_expected():
            self._transport.close()

    def _renewed(self, token: bytes) -> dict[str, object]:
        try:
            permit = self._door.desk.admit(self._address, token.decode("ascii", "replace").strip())
        except Refused as refused:
            return {"refused": str(refused)}
        if self._permit is None or permit.key != self._permit.key:
            return {"refused": "the token is of another lease"}
        self._door.desk.renew(permit)
        return {"expires": permit.expires}

    # --- answers -----------------------------------------------------------------------------------------------------

    def _answer_json(self, facts: Mapping[str, object]) -> None:
        self._answer(HTTPStatus.OK, json.dumps(facts).encode(), b"application/json")

    def _answer(
        self,
        status: HTTPStatus,
        body: bytes,
        content: bytes = b"text/plain; charset=utf-8",
        headers: list[tuple[bytes, bytes]] | None = None,
    ) -> None:
        """A whole answer, and the end of the connection."""
        length = (b"content-length", str(len(body)).encode())
        every = [(b"content-type", content), length, *_SAME_FOR_ALL, *(headers or [])]
        head = h11.Response(status_code=status, headers=every, reason=status.phrase.encode())
        with suppress(h11.LocalProtocolError):  # what came was no HTTP at all, and the answer goes nowhere
            for event in (head, h11.Data(body), h11.EndOfMessage()):
                self._transport.write(self._http.send(event) or b"")
        self._transport.close()


LIVE = "/live"
_LATER = (b"retry-after", b"60")


def _token(headers: Mapping[str, str], query: str) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return token_in(query)
