"""A connection that changed hands, as a stream: with flow control both ways, and an end that is noticed."""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

WINDOW = 1 << 16
"""Bytes that wait for a slow reader, twice at most, before the sender has to wait too."""
GRACE = 5.0
"""Seconds for the last bytes of a connection."""
_ALIVE = {socket.TCP_KEEPIDLE: 20, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 4}
"""Seconds, and a count: routers keep the connection open, and a peer without power is noticed after 40 s."""


class Stream(asyncio.StreamReaderProtocol):
    """What asyncio has for streams, for a transport that another protocol had before."""

    def __init__(self, lost: Callable[[], None] = lambda: None) -> None:
        """`lost` is called once, when the connection ends, whoever ended it."""
        loop = asyncio.get_running_loop()
        self._reader = asyncio.StreamReader(WINDOW, loop)
        super().__init__(self._reader, loop=loop)
        self._lost = lost
        self._writer: asyncio.StreamWriter | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """From now on it can be used."""
        super().connection_made(transport)
        self._writer = asyncio.StreamWriter(
            cast(asyncio.Transport, transport), self, self._reader, asyncio.get_running_loop()
        )
        keep_alive(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        super().connection_lost(exc)
        self._lost()

    def eof_received(self) -> bool:
        """A peer that says no more hears no more either."""
        super().eof_received()
        return False

    @property
    def ended(self) -> bool:
        """Nothing can be asked through it any more."""
        return self._writer is None or self._writer.is_closing() or self._reader.at_eof()

    async def read(self, most: int) -> bytes:
        """What has come, b"" at the end. Raises OSError."""
        return await self._reader.read(most)

    async def write(self, data: bytes) -> None:
        """Raises OSError."""
        if self._writer is None:
            raise ConnectionResetError("the connection was never there")
        self._writer.write(data)
        await self._writer.drain()

    def close(self) -> None:
        """What was written goes out first, if the peer still takes it."""
        if self._writer is not None:
            self._writer.close()
            asyncio.get_running_loop().call_later(GRACE, self._writer.transport.abort)

    def abort(self) -> None:
        """At once; what is under way is lost."""
        if self._writer is not None:
            self._writer.transport.abort()


def keep_alive(transport: asyncio.BaseTransport) -> None:
    """The system asks again and again whether the other end is there."""
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _ALIVE.items():
        connection.setsockopt(socket.IPPROTO_TCP, option, value)
