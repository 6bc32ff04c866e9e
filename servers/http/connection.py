"""One HTTP connection: uvicorn's, which also tells whose certificate it is, and ends when nobody asks anything."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

IDLE_SECONDS = 20.0
"""Within this a connection brings a whole request."""
LARGEST_BODY = 1 << 20
"""Bytes."""
UPLOADS = "/uploads"
TUS = "1.0.0"


class Connection(H11Protocol):
    """Puts the role and name of a certificate that our authority signed into the request's scope."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop after the TLS handshake."""
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn narrows what asyncio declares
        certificate, application = subject(transport.get_extra_info("peercert")), self.app

        async def identified(scope: Scope, receive: Receive, send: Send) -> None:
            await application({**scope, "certificate": certificate}, receive, send)

        self.app = identified
        self.loop.call_later(IDLE_SECONDS, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if self.cycle is None:
            self.transport.abort()


def subject(certificate: dict[str, Any] | None) -> tuple[str, str, str]:
    """Role and name of a verified certificate, and the name of who signed it; all "" without one."""
    parts, issuer = _parts(certificate, "subject"), _parts(certificate, "issuer")
    return parts.get("organizationalUnitName", ""), parts.get("commonName", ""), issuer.get("commonName", "")


def _parts(certificate: dict[str, Any] | None, whose: str) -> dict[str, str]:
    return {name: value for group in (certificate or {}).get(whose, ()) for name, value in group}


class SmallBodies:
    """Refuses bodies beyond `LARGEST_BODY`, announced or not; but for uploads, which have a limit of their own."""

    def __init__(self, application: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
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

    def __init__(self, application: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""

        async def told(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"tus-resumable", TUS.encode())]
            await send(message)

        about_upload = scope["type"] == "http" and scope["path"].startswith(UPLOADS)
        await self._application(scope, receive, told if about_upload else send)
