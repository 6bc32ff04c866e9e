"""Serves the world's HTTP application with uvicorn, inside our event loop and under our signals."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from sim.errors import SimError

KEEP = 60
"""Seconds that an idle connection stays: longer than clients keep theirs, else a request meets its end."""
GRACE = 1
"""Seconds that open requests get at the end."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the simulator's own business."""
        yield


def listen(address: str, port: int = 0) -> socket.socket:
    """A socket that listens at `port` (0: any free one). Raises SimError if it is taken."""
    listener = socket.socket(proto=socket.IPPROTO_TCP)  # named for asyncio's TCP_NODELAY
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise SimError(f"port {port} on {address} cannot be used for the page: {error.strerror}") from error
    return listener


class WebServer:
    """The application behind a listening socket, which it closes at its end."""

    def __init__(self, app: FastAPI, listener: socket.socket) -> None:
        self._socket = listener
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=GRACE,
            timeout_keep_alive=KEEP,
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where the application answers."""
        address, port = self._socket.getsockname()[:2]
        return f"http://{address}:{port}"

    def start(self) -> None:
        """Begin to serve on the running event loop."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))

    async def close(self) -> None:
        """Stop; twice does no harm."""
        self._server.should_exit = True
        if self._task:
            await self._task
        self._socket.close()
