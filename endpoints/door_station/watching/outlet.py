"""One watcher's connection: it takes whole pictures or none, and it can be ended at once."""

import asyncio
import socket
import struct
from contextlib import suppress

BUFFER = 1 << 16
"""Bytes that may wait in this process for one watcher; who is further behind gets no more pictures for now."""
SEND_BUFFER = 1 << 16
"""Bytes that the kernel may keep for one watcher, which it doubles: half a second of a picture on a slow line."""
UNACKNOWLEDGED = 20_000
"""Milliseconds after which a watcher who acknowledges nothing is gone (RFC 5482)."""
FAREWELL = 0.4
"""Seconds that last words may take; then nothing more is sent, not even what the kernel still has."""


class Outlet:
    """Of one connection; loop's thread."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        # TLS buffers in a second place, which is empty unless the first is full.
        self._limit = 0 if transport.get_extra_info("ssl_object") else BUFFER
        self.bytes = 0
        """Written so far, without TLS."""
        self._set(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED)

    @property
    def clogged(self) -> bool:
        """Whether it is behind, or gone."""
        return self._transport.is_closing() or self._transport.get_write_buffer_size() > self._limit

    def write(self, data: bytes) -> None:
        """Send `data` as soon as may be."""
        if not self._transport.is_closing():
            self.bytes += len(data)
            self._transport.write(data)

    def finish(self, last: bytes = b"") -> None:
        """Send `last`, if there is room for it, and close; at the latest after `FAREWELL` seconds nothing is sent."""
        if not self.clogged:
            self.write(last)
        self._transport.close()
        asyncio.get_running_loop().call_later(FAREWELL, self.abort)

    def abort(self) -> None:
        """Send nothing any more; what the kernel still has is thrown away (RST)."""
        self._set(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _set(self, level: int, option: int, value: int | bytes) -> None:
        """An option of the socket, if that is still there."""
        under = self._transport.get_extra_info("socket")
        if under is not None:
            with suppress(OSError):
                under.setsockopt(level, option, value)
