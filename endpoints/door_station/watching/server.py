"""The watchers' thread: the port, its loop, and what every connection shares."""

import asyncio
import os
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from endpoints.config.site import Video, Watching
from endpoints.door_station.watching.connection import CONNECTIONS, Connection, Door
from endpoints.door_station.watching.desk import Desk, Tell
from endpoints.door_station.watching.diary import Diary
from endpoints.door_station.watching.feed import Feed, Source
from endpoints.door_station.watching.outlet import FAREWELL, SEND_BUFFER
from endpoints.door_station.watching.stills import Stills
from endpoints.door_station.watching.tokens import TokenJudge
from endpoints.errors import ServiceError
from hal.camera import Picture

if TYPE_CHECKING:  # loaded only where the site file asks for it
    from endpoints.door_station.watching.rtsp import RtspServer

NICENESS = 10
"""Of this thread: when the processor is short, a visit's threads come first."""
_HANDSHAKE, _GOODBYE = 10.0, 1.0
_STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the server needs of the door station; all of it may be called from any thread."""

    source: Source
    latest: Callable[[], Picture | None]
    busy: Callable[[], bool]
    """Whether a visit is on."""
    tell: Tell


class WatchingServer:
    """Serves from `start` to `close`."""

    def __init__(
        self, settings: Watching, video: Video, judge: TokenJudge, diary: Diary, surroundings: Surroundings
    ) -> None:
        self._settings, self._video, self._judge, self._diary = settings, video, judge, diary
        self._around = surroundings
        self._thread = threading.Thread()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._figures: Callable[[], Mapping[str, object]] = dict
        self.port = 0
        """Where it listens, 0 before the start."""
        self._tls: ssl.SSLContext | None = None
        self._address = ""

    def start(self, address: str, tls: ssl.SSLContext | None) -> None:
        """Take the port of `address`, and serve. Raises ServiceError."""
        self._tls, self._address = tls, address
        listening = _listen(address, self._settings.port)
        self.port = int(listening.getsockname()[1])
        self._thread = threading.Thread(target=self._run, args=(listening,), name="watching", daemon=True)
        self._thread.start()
        self._ready.wait()

    def figures(self) -> Mapping[str, object]:
        """For the service port; from any thread."""
        return {"port": self.port, **self._figures()}

    def close(self) -> None:
        """End every stream, and serve no more; twice does no harm."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_STOP_SECONDS)

    def _run(self, listening: socket.socket) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        try:
            with asyncio.Runner() as runner:
                runner.run(self._serve(listening))
        finally:
            self._ready.set()

    async def _serve(self, listening: socket.socket) -> None:
        loop, around = asyncio.get_running_loop(), self._around
        self._loop = loop
        desk = Desk(self._judge, self._settings.viewers, self._diary, around.tell, loop)
        feed = Feed(around.source, loop, around.busy)
        stills = Stills(around.latest, loop, self._settings.jpeg_rate, around.busy)
        door = Door(desk, feed, stills, self._video, {})
        self._figures = lambda: {**desk.figures(), "dropped": feed.dropped}
        server = await loop.create_server(
            lambda: Connection(door),
            sock=listening,
            ssl=self._tls,
            ssl_handshake_timeout=_HANDSHAKE if self._tls else None,
            ssl_shutdown_timeout=_GOODBYE if self._tls else None,
        )
        rtsp = self._open_rtsp(desk, feed)
        self._ready.set()
        await self._stop.wait()
        server.close()
        desk.close()
        stills.close()
        if rtsp is not None:
            rtsp.close()
        await _farewell(door)
        if rtsp is not None:
            rtsp.join()

    def _open_rtsp(self, desk: Desk, feed: Feed) -> "RtspServer | None":
        port = self._settings.rtsp_port
        if port is None:
            return None
        from endpoints.door_station.watching.rtsp import RtspServer

        rtsp = RtspServer(self._address, port, desk, feed)
        figures = self._figures
        self._figures = lambda: {**figures(), "rtsp_port": rtsp.port}
        rtsp.start()
        return rtsp


async def _farewell(door: Door) -> None:
    """Let last words go out, then end what is left."""
    if door.connections:
        await asyncio.sleep(FAREWELL)
    for connection in tuple(door.connections):
        connection.abort()
    await asyncio.sleep(0)


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named for asyncio's TCP_NODELAY
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # each connection inherits it
        listening.bind((address, port))
        listening.listen(CONNECTIONS)
    except OSError as error:
        listening.close()
        reason = error.strerror
        raise ServiceError(f"[watching] cannot listen on {address} port {port}: {reason}") from error
    return listening
