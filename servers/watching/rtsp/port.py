"""The port where cameras are watched by RTSP, on a thread of its own, so that pictures wait for no page."""

import asyncio
import logging
import socket
import threading

from servers.errors import ServerError
from servers.http.failures import Failures
from servers.watching.book import Book
from servers.watching.rtsp.client import Client
from servers.watching.rtsp.conversation import converse

log = logging.getLogger(__name__)

CONNECTIONS = 64
"""At the same time, of all."""


class RtspPort:
    """Serves whoever names a lease, and nobody else."""

    def __init__(self, address: str, port: int, book: Book, failures: int, ban: float) -> None:
        """After `failures` guesses in a minute a source is not listened to for `ban` seconds."""
        self.port = port
        self._address, self._book = address, book
        self._failures = Failures(failures, failures, ban)
        self._thread = threading.Thread(target=self._run, name="rtsp", daemon=True)
        self._socket: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over = asyncio.Event()
        self._open = 0

    def start(self) -> None:
        """Take the port. Raises ServerError."""
        family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named for asyncio's TCP_NODELAY
        try:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind((self._address, self.port))
        except OSError as error:
            taken.close()
            place = f"{self._address} port {self.port}"
            raise ServerError(f"[watching] rtsp_port cannot listen on {place}: {error.strerror}") from error
        self._socket = taken
        self._loop = asyncio.new_event_loop()
        self._thread.start()

    def stop(self) -> None:
        """End; twice without harm."""
        if self._thread.is_alive() and self._loop:
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join(2.0)

    def _run(self) -> None:
        loop = self._loop
        if loop is None:
            return
        try:
            loop.run_until_complete(self._serve())
        finally:
            loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._take, sock=self._socket, limit=1 << 16)
        log.info("rtsp serves port %d", self.port)
        await self._over.wait()
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(reader, writer)
        if self._open >= CONNECTIONS:
            client.cut()
            return
        self._open += 1
        try:
            await converse(client, self._book, self._failures)
        finally:
            self._open -= 1
