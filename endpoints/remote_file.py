"""A file at a server, read piece by piece as it is needed (RFC 9110, section 14): a film begins before it is here."""

import io
import time
from collections import OrderedDict
from collections.abc import Callable

from endpoints.errors import ServiceError
from endpoints.session import ServiceSession

PIECE = 128 << 10
"""Bytes; a second of a film at a megabit."""
_KEPT = 6
"""Pieces that stay, for a player that goes back a little."""
_PAUSES = (0.5, 1.0, 2.0)
"""Seconds before a piece is asked for again."""


class RemoteFile(io.RawIOBase):
    """For one thread; closing it does not close its session."""

    def __init__(
        self, session: ServiceSession, path: str, size: int, pause: Callable[[float], None] = time.sleep
    ) -> None:
        """`size` in bytes, as the server told it before."""
        super().__init__()
        self._session, self._path, self._size, self._pause = session, path, size, pause
        self._at = 0
        self._tag = ""
        self._pieces: OrderedDict[int, bytes] = OrderedDict()

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next byte comes from."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As of any file; asks nothing."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, b"" behind the end. Raises ServiceError."""
        if self._at >= self._size:
            return b""
        number, skip = divmod(self._at, PIECE)
        piece = self._piece(number)
        part = piece[skip:] if size < 0 else piece[skip : skip + size]
        self._at += len(part)
        return part

    def _piece(self, number: int) -> bytes:
        if number not in self._pieces:
            self._pieces[number] = self._fetch(number)
            if len(self._pieces) > _KEPT:
                self._pieces.popitem(last=False)
        self._pieces.move_to_end(number)
        return self._pieces[number]

    def _fetch(self, number: int) -> bytes:
        for pause in _PAUSES:
            try:
                return self._ask(number)
            except ServiceError:
                if self._session.closed:
                    raise
                self._pause(pause)
        return self._ask(number)

    def _ask(self, number: int) -> bytes:
        start, end = number * PIECE, min((number + 1) * PIECE, self._size)
        matching = {"If-Range": self._tag} if self._tag else {}
        reply = self._session.get(self._path, {"Range": f"bytes={start}-{end - 1}", **matching})
        if reply.status != 206 or len(reply.body) != end - start:
            raise ServiceError(f"{self._path} cannot be read: {reply.status} with {len(reply.body)} bytes")
        self._tag = reply.headers.get("etag", "")
        return reply.body
