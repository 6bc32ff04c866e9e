"""Live pictures, still encoded: over WebSocket from a door or a server, by RTSP from a video recorder."""

import json
import ssl
import struct
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from endpoints.errors import ServiceError
from endpoints.screens.watching.lease import REFUSALS, LeaseRefused

if TYPE_CHECKING:  # loaded when somebody watches
    import asyncio

    from websockets.asyncio.client import ClientConnection

PATIENCE = 5.0
"""Seconds until it is connected."""
SILENCE = 15.0
"""Seconds without a picture after which a source is given up."""
LARGEST = 1 << 22
"""Bytes of one picture."""
_STAMP = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class Unit:
    """One access unit of H.264 (Annex B); key frames have SPS and PPS."""

    data: bytes
    taken: float
    """Seconds on the clock of whoever took it; only differences mean something here."""
    key_frame: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What is said beside the pictures: {"viewers": 2}, {"end": "expired"}."""

    facts: Mapping[str, Any]


class LiveSource(Protocol):
    """One stream of pictures, for one thread; `close` and `say` from any."""

    def open(self) -> None:
        """Connect. Raises ServiceError."""

    def units(self) -> Iterator[Unit | Told]:
        """What comes, until it ends. Raises ServiceError."""

    def say(self, text: str) -> None:
        """Send the token of a renewed lease; does nothing where none is asked for."""

    def round_trip(self) -> float:
        """Seconds to the other side and back, 0.0 while it is not known."""

    def close(self) -> None:
        """End it, also under who waits."""


class WebSocketSource:
    """Binary messages are 8 bytes of time (microseconds, big endian) and a picture; the others JSON.

    Its loop runs on the thread that takes the pictures, while it waits for them: a connection over TLS is not safe in
    two threads at once before Python 3.13, and websockets' own threads read and write at the same time.
    """

    def __init__(self, url: str, headers: Mapping[str, str], context: ssl.SSLContext | None) -> None:
        """`url` is that of the web page, http or https."""
        self._url, self._headers, self._context = f"ws{url.removeprefix('http')}", headers, context
        self._runner: asyncio.Runner | None = None
        self._socket: ClientConnection | None = None
        self._owner, self._closed = 0, False

    def open(self) -> None:
        """Connect; the same thread takes the pictures. Raises ServiceError."""
        import asyncio

        from websockets.exceptions import InvalidHandshake, InvalidStatus

        self._owner, self._runner = threading.get_ident(), asyncio.Runner()
        try:
            self._socket = self._runner.run(self._connect())
        except InvalidStatus as error:
            raise LeaseRefused(REFUSALS.get(error.response.status_code, "No picture now")) from error
        except (OSError, InvalidHandshake, TimeoutError) as error:
            raise ServiceError(f"{_host(self._url)} cannot be reached: {error}") from error
        finally:
            if self._socket is None or self._closed:
                self.close()

    async def _connect(self) -> "ClientConnection":
        from websockets.asyncio.client import connect

        return await connect(
            self._url, ssl=self._context, additional_headers=self._headers, open_timeout=PATIENCE,
            close_timeout=0.5, max_size=LARGEST, compression=None, proxy=None, ping_interval=5.0,
        )  # fmt: skip

    def units(self) -> Iterator[Unit | Told]:
        """What comes, until it ends. Raises ServiceError."""
        from websockets.exceptions import ConnectionClosed

        if self._socket is None or self._runner is None:
            raise ServiceError("it is not connected")
        while not self._closed:
            try:
                message = self._runner.run(self._next(self._socket))
            except ConnectionClosed:
                return
            except TimeoutError as error:
                raise ServiceError(f"{_host(self._url)} sends no pictures") from error
            if isinstance(message, bytes):
                yield unit_of(message)
            else:
                yield Told(_facts(message))

    async def _next(self, socket: "ClientConnection") -> str | bytes:
        import asyncio

        async with asyncio.timeout(SILENCE):
            return await socket.recv()

    def say(self, text: str) -> None:
        """Send the token of a renewed lease."""
        socket = self._socket
        if socket is not None:
            self._soon(lambda: socket.send(text))

    def round_trip(self) -> float:
        """Seconds to the other side and back, by WebSocket's own pings."""
        return self._socket.latency if self._socket is not None else 0.0

    def close(self) -> None:
        """End it, also under who waits."""
        self._closed = True
        runner, socket = self._runner, self._socket
        if threading.get_ident() != self._owner:  # who takes the pictures ends it, as soon as it sees this
            if socket is not None:
                self._soon(socket.close)
        elif runner is not None:
            self._runner = self._socket = None
            if socket is not None:
                runner.run(_farewell(socket))
            runner.close()

    def _soon(self, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """On the loop, as soon as it runs; never, if it has ended."""
        runner = self._runner
        if runner is not None:
            with suppress(RuntimeError):
                loop = runner.get_loop()
                loop.call_soon_threadsafe(lambda: loop.create_task(_done(job())))


async def _done(job: Coroutine[Any, Any, None]) -> None:
    from websockets.exceptions import ConnectionClosed

    with suppress(ConnectionClosed):
        await job


async def _farewell(socket: "ClientConnection") -> None:
    await socket.close()


def unit_of(message: bytes) -> Unit:
    """A binary message. Raises ServiceError for one that is too short."""
    from media.h264 import NAL_IDR, nal_types

    if len(message) <= _STAMP.size:
        raise ServiceError(f"a picture of {len(message)} bytes is none")
    data = message[_STAMP.size :]
    return Unit(data, _STAMP.unpack_from(message)[0] / 1e6, NAL_IDR in nal_types(data))


def _facts(text: str) -> Mapping[str, Any]:
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _host(url: str) -> str:
    """Without a login that may stand in it."""
    return urlsplit(url).hostname or url


_AT_ONCE = {
    "rtsp_transport": "tcp",
    "allowed_media_types": "video",
    "fflags": "nobuffer",
    "analyzeduration": "100000",
    "fpsprobesize": "0",
}
"""FFmpeg would look at a second of the stream before it gives the first picture."""


class RtspSource:
    """H.264 of a video recorder, over TCP."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._container: Any = None
        self._closed = threading.Event()

    def open(self) -> None:
        """Connect. Raises ServiceError."""
        import av
        from av.error import FFmpegError

        try:
            self._container = av.open(self._url, options=_AT_ONCE, timeout=(PATIENCE, SILENCE))
        except (FFmpegError, OSError) as error:
            raise ServiceError(f"{_host(self._url)} gives no picture: {error.strerror}") from error
        video = self._container.streams.video
        if not video or video[0].codec_context.name != "h264":
            self._container.close()
            raise ServiceError(f"{_host(self._url)} has no picture in H.264")

    def units(self) -> Iterator[Unit | Told]:
        """What comes, until it ends. Raises ServiceError."""
        from av.error import FFmpegError

        from media.h264 import NAL_SPS, nal_types

        stream = self._container.streams.video[0]
        sets = bytes(stream.codec_context.extradata or b"")
        begun = False
        try:
            for packet in self._container.demux(stream):
                if self._closed.is_set():
                    return
                data = bytes(packet)
                begun = begun or bool(packet.is_keyframe)  # what comes before shows nothing
                if not data or not begun:
                    continue
                if packet.is_keyframe and NAL_SPS not in nal_types(data):
                    data = sets + data
                taken = float(packet.pts * packet.time_base) if packet.pts is not None else time.monotonic()
                yield Unit(data, taken, bool(packet.is_keyframe))
        except (FFmpegError, OSError) as error:
            raise ServiceError(f"{_host(self._url)} gives no picture any more: {error.strerror}") from error
        finally:
            self._container.close()

    def say(self, text: str) -> None:
        """RTSP has no word for it: a recorder asks for its own login."""

    def round_trip(self) -> float:
        """It is not measured."""
        return 0.0

    def close(self) -> None:
        """End it with the next picture."""
        self._closed.set()
