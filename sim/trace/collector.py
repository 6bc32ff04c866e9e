"""The socket on loopback to which the servers send copies of their SIP messages."""

import asyncio
import logging
import socket

from sim.trace.book import Book
from sim.trace.hep import parse

log = logging.getLogger(__name__)

BUFFER = 1 << 20


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, book: Book) -> None:
        self._book = book

    def datagram_received(self, data: bytes, addr: object) -> None:
        """One captured message; what cannot be read is told and left out."""
        try:
            self._book.add(parse(data))
        except ValueError as error:
            log.warning("a captured message is left out: %s", error)


class Collector:
    """Opened before the servers' files are written, so that they can name its port; `start` when the book exists."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._socket.bind((address, 0))
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def address(self) -> str:
        """Where the copies go: ``127.0.0.1:40123``."""
        host, port = self._socket.getsockname()
        return f"{host}:{port}"

    async def start(self, book: Book) -> None:
        """Begin to fill `book`."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Protocol(book), sock=self._socket)

    def close(self) -> None:
        """Take no more; twice does no harm."""
        if self._transport:
            self._transport.close()
        self._socket.close()
