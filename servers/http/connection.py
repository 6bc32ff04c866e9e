"""One HTTP connection: uvicorn's, which also tells whose certificate it is, ends when idle, and can be taken over."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

IDLE_SECONDS = 20.0
"""Within this a connection brings a whole request."""
LARGEST_BODY = 1 << 20
"""Bytes."""
UPLOADS = "/uploads"
TUS = "1.0.0"


PassesOn = Callable[[Scope, bool], bool]
"""Scope of a request for a WebSocket, whether the server above asks -> whether it is for a server below.

Then it is an ordinary request here, with `switch` in its scope.
"""


async def gone(receive: Receive) -> None:
    """Returns when whoever asked has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


class Connection(H11Protocol):
    """Puts into a request's scope whose `certificate` it is (role, name, and who signed it), and `switch`."""

    above = False
    """The server above asks."""
    _upgraded = False
    """A WebSocket has the transport now."""

    def __init__(self, *arguments: Any, passes_on: PassesOn = lambda scope, above: False, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._passes_on = passes_on
        if self.ws_protocol_class is not None:
            self.ws_protocol_class = self._web_socket  # type: ignore[assignment]  # made the same way

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop after the TLS handshake."""
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn narrows what asyncio declares
        self.app = self._marking(self.app, transport)
        self.loop.call_later(IDLE_SECONDS, self._end_if_idle)

    def _marking(self, application: Application, transport: asyncio.BaseTransport) -> Application:
        marks = {"certificate": subject(transport.get_extra_info("peercert")), "switch": self.switch}

        async def marked(scope: Scope, receive: Receive, send: Send) -> None:
            await application({**scope, **marks}, receive, send)

        return marked

    def switch(self, answer: bytes, protocol: asyncio.Protocol) -> None:
        """Answer the request that is served now with `answer`, a head of status 101, and leave the connection.

        `protocol` has it from now on. Raises ConnectionError if it has just ended.
        """
        if self.transport.is_closing():
            raise ConnectionResetError("the connection has ended")
        early, _ = self.conn.trailing_data
        self._unset_keepalive_if_required()
        self.connections.discard(self)
        self.cycle.disconnected = True  # so that uvicorn says nothing
        self.flow.resume_reading()
        self.transport.write(answer)
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        if early:
            protocol.data_received(early)

    def _should_upgrade(self) -> bool:
        return super()._should_upgrade() and not self._passes_on(cast(Scope, self.scope), self.above)

    def _unsupported_upgrade_warning(self) -> None:
        """What is not known is served as if it had not been asked for (RFC 9110 7.8)."""

    def _web_socket(self, **arguments: Any) -> Any:
        protocol: Any = self.config.ws_protocol_class(**arguments)  # type: ignore[misc]  # asked for above
        protocol.app = self.app
        self._upgraded = True
        return protocol

    def _end_if_idle(self) -> None:
        if self.cycle is None and not self._upgraded:
            self.transport.abort()


class Socket(WebSocketsSansIOProtocol):
    """A WebSocket; one that was refused with an answer is done, and no error of the application."""

    async def send(self, message: Any) -> None:
        """Called by the application."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True


def subject(certificate: dict[str, Any] | None) -> tuple[str, str, str]:
    """Role and name of a verified certificate, and the name of who signed it; all "" without one."""
    parts, issuer = _parts(certificate, "subject"), _parts(certificate, "issuer")
    return parts.get("organizationalUnitName", ""), parts.get("commonName", ""), issuer.get("commonName", "")


def _parts(certificate: dict[str, Any] | None, whose: str) -> dict[str, str]:
    return {name: value for group in (certificate or {}).get(whose, ()) for name, value in group}


class SmallBodies:
    """Refuses bodies beyond `LARGEST_BODY`, announced or not; but for uploads, which have a limit of their own."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and scope["path"].startswith(UPLOADS):
            return await self._application(scope, receive, send)
        announced = dict(scope.get("headers", ())).get(b"content-length", b"0")
        if scope["type"] == "http" and int(announced) > LARGEST_BODY:
            await send({"type": "http.response.start", "status": 413, "headers": [(b"connection", b"close")]})
            await send({"type": "http.response.body", "body": b""})
            return None
        taken = 0

        async def counted() -> Any:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            return message if taken <= LARGEST_BODY else {"type": "http.disconnect"}

        return await self._application(scope, counted, send)


class TusAnswers:
    """Every answer about an upload says which tus it speaks, refusals too."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""

        async def told(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"tus-resumable", TUS.encode())]
            await send(message)

        about_upload = scope["type"] == "http" and scope["path"].startswith(UPLOADS)
        await self._application(scope, receive, told if about_upload else send)
