"""The servers below, as far as they have opened connections to be asked through: one request at a time on each."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import httpcore

from servers.errors import ServerError
from servers.kamailio.kinds import Kind
from servers.relay.amounts import AMOUNTS
from servers.relay.paths import PROTOCOL
from servers.relay.streams import Stream

log = logging.getLogger(__name__)

_ORIGIN = httpcore.Origin(b"http", b"home", 80)
KEPT = 30.0
"""Seconds that a connection which was used waits to be used again; the server below waits longer."""
PATIENCE = 5.0
"""Seconds for another connection, while all of a server below are in use."""
Read = TypeVar("Read")
Switch = Callable[[bytes, asyncio.Protocol], None]
"""Of `servers.http.connection`."""
_SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + PROTOCOL + b"\r\n\r\n"


class NotConnected(ServerError, ConnectionError):
    """The server below has no connection to this one now."""


class AllInUse(ServerError, ConnectionError):
    """It answers, or offers, as many as it may."""


class _Network(httpcore.AsyncNetworkStream):
    """A stream as httpcore wants it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  (httpcore's word)
        return await _told(self._stream.read(max_bytes), timeout, httpcore.ReadTimeout, httpcore.ReadError)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await _told(self._stream.write(buffer), timeout, httpcore.WriteTimeout, httpcore.WriteError)

    async def aclose(self) -> None:
        self._stream.abort()

    def get_extra_info(self, info: str) -> object:
        return self._stream.ended if info == "is_readable" else None


async def _told(work: Awaitable[Read], limit: float | None, late: type[Exception], broken: type[Exception]) -> Read:
    """With httpcore's own errors."""
    try:
        return await asyncio.wait_for(work, limit)
    except TimeoutError as error:
        raise late from error
    except OSError as error:
        raise broken(str(error)) from error


@dataclass(eq=False, slots=True)
class Line:
    """One connection that a server below opened."""

    stream: Stream
    http: httpcore.AsyncHTTP11Connection


@dataclass(slots=True)
class _Server:
    """All connections of one server below."""

    lines: set[Line] = field(default_factory=set)
    idle: deque[Line] = field(default_factory=deque)
    waiting: deque["asyncio.Future[Line]"] = field(default_factory=deque)


class Below:
    """By name of a server below: the flat at a management server, the community at a cloud server. On one loop."""

    def __init__(self, kind: Kind) -> None:
        """`kind` is that of their accounts."""
        self.kind, self._most = kind, AMOUNTS[kind].most
        self._servers: dict[str, _Server] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def connected(self, name: str) -> bool:
        """Whether it can be asked now, or as soon as it has answered others."""
        return name in self._servers

    def park(self, name: str, switch: Switch) -> None:
        """Keep a connection of that server, which `switch` gives.

        Raises AllInUse for one too many, ConnectionError if it has ended already.
        """
        self._loop = asyncio.get_running_loop()
        if name in self._servers and len(self._servers[name].lines) >= self._most:
            raise AllInUse(f"{name} has {self._most} connections here")
        stream = Stream(lambda: self._gone(name, line))
        line = Line(stream, httpcore.AsyncHTTP11Connection(_ORIGIN, _Network(stream), KEPT))
        switch(_SWITCHED, stream)
        if name not in self._servers:
            log.info("%s is connected to be asked", name)
        server = self._servers.setdefault(name, _Server())
        server.lines.add(line)
        _offer(server, line)

    async def take(self, name: str) -> Line:
        """A connection to ask one question; `give_back` it. Raises NotConnected, AllInUse."""
        server = self._servers.get(name)
        if server is None:
            raise NotConnected(f"{name} is not connected")
        while server.idle:
            line = server.idle.pop()
            if not (line.stream.ended or line.http.has_expired()):
                return line
            line.stream.abort()
        return await _wait(server)

    def give_back(self, name: str, line: Line) -> None:
        """The answer is read, or nobody wants it."""
        server = self._servers.get(name)
        if server is None or line not in server.lines or not line.http.is_idle():
            line.stream.abort()
            return
        _offer(server, line)
        asyncio.get_running_loop().call_later(KEPT + 1, _retire, line)

    def end(self) -> None:
        """All connections end. From any thread."""
        if self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        for server in self._servers.values():
            for line in server.lines:
                line.stream.abort()

    def _gone(self, name: str, line: Line) -> None:
        server = self._servers[name]
        server.lines.discard(line)
        if line in server.idle:
            server.idle.remove(line)
        if server.lines:
            return
        del self._servers[name]
        log.info("%s is not connected any more", name)
        for waiting in server.waiting:
            if not waiting.done():
                waiting.set_exception(NotConnected(f"{name} is not connected"))


def _offer(server: _Server, line: Line) -> None:
    while server.waiting:
        waiting = server.waiting.popleft()
        if not waiting.done():
            waiting.set_result(line)
            return
    server.idle.append(line)


async def _wait(server: _Server) -> Line:
    waiting: asyncio.Future[Line] = asyncio.get_running_loop().create_future()
    server.waiting.append(waiting)
    try:
        await asyncio.wait({waiting}, timeout=PATIENCE)
    except asyncio.CancelledError:
        if waiting.done() and not waiting.exception():
            _offer(server, waiting.result())
        waiting.cancel()
        raise
    if not waiting.done():
        waiting.cancel()
        raise AllInUse("it answers as many as it can")
    return waiting.result()


def _retire(line: Line) -> None:
    if line.http.has_expired():
        line.stream.abort()
