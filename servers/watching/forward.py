"""What a lease lets through over HTTP: one kind of picture from one door or camera, until the lease is over."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from servers.http.connection import gone
from servers.watching.errors import SourceAway
from servers.watching.lease import Viewing

log = logging.getLogger(__name__)

FAREWELL = 0.3
"""Seconds that an end may take; then the connection is cut."""
LARGEST_TEXT = 1000
TRY_AGAIN = 1013
GOING_AWAY = 1001


class LiveResponse(Response):
    """Pieces as they come; no faster than they are read, no longer than the lease holds."""

    def __init__(
        self, stack: AsyncExitStack, viewing: Viewing, content_type: str, pieces: AsyncIterator[bytes]
    ) -> None:
        """`stack` holds what is given back at the end."""
        super().__init__(status_code=200, headers={"Cache-Control": "no-store", "Content-Type": content_type})
        del self.headers["content-length"]
        self._stack, self._viewing, self._pieces = stack, viewing, pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve it, as ASGI says."""
        async with self._stack:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            try:
                await self._viewing.while_it_holds(self._pass_on(send), gone(receive))
            except SourceAway as error:
                log.info("%s", error)
        try:
            async with asyncio.timeout(FAREWELL):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            log.info("somebody who watched reads no more: the connection is cut")

    async def _pass_on(self, send: Send) -> None:
        async for piece in self._pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})


async def forward_socket(socket: WebSocket, viewing: Viewing, messages: AsyncIterator[bytes | str]) -> None:
    """Pass messages on until the lease is over, or one of both leaves; nothing goes to the door or the camera."""
    await socket.accept()
    try:
        await viewing.while_it_holds(_down(socket, messages), _left(socket))
    except WebSocketDisconnect:
        return
    except SourceAway as error:
        log.info("%s", error)
    await farewell(socket, viewing.reason)


async def farewell(socket: WebSocket, reason: str) -> None:
    """Say why it ends, if it is still heard; "" if the source went away."""
    if WebSocketState.DISCONNECTED in (socket.client_state, socket.application_state):
        return
    try:
        async with asyncio.timeout(FAREWELL):
            if reason:
                await socket.send_text(json.dumps({"end": reason}))
            await socket.close(GOING_AWAY if reason else TRY_AGAIN, reason)
    except (TimeoutError, RuntimeError, WebSocketDisconnect):
        log.info("somebody who watched has gone without a word")


async def _down(socket: WebSocket, messages: AsyncIterator[bytes | str]) -> None:
    send = socket.send
    async for message in messages:
        if isinstance(message, bytes):
            await send({"type": "websocket.send", "bytes": message})
        elif len(message) <= LARGEST_TEXT:
            await send({"type": "websocket.send", "text": message})


async def _left(socket: WebSocket) -> None:
    message: Any = {"type": ""}
    while message["type"] != "websocket.disconnect":
        message = await socket.receive()
