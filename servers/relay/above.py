"""The connection to the server above, turned round: that server asks through it and is answered like a phone."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Protocol, cast

import h11

from servers.errors import NeighbourError
from servers.http.connection import Application, Connection, Receive, Scope, Send, subject
from servers.relay.paths import PARK, PROTOCOL, passes
from servers.relay.streams import keep_alive

log = logging.getLogger(__name__)

KEPT_LONGER = 90
"""Seconds that a used connection is kept; the server above ends it before, so that no question meets its end."""
Headers = list[tuple[str, str]]
Admitted = Callable[[tuple[str, str, str]], bool]
"""Whether this is the server above, by its certificate: role, name, and who signed it."""


class Watcher(Protocol):
    """Who keeps enough connections."""

    def busy(self, connection: "FromAbove") -> None:
        """A question came."""

    def free(self, connection: "FromAbove") -> None:
        """It is answered; the next may come."""

    def lost(self, connection: "FromAbove") -> None:
        """It has ended."""


class FromAbove(Connection):
    """Serves what the server above asks on behalf of phones of this server's homes, and nothing else."""

    above = True

    def __init__(self, *arguments: Any, watcher: Watcher, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.timeout_keep_alive = KEPT_LONGER
        self._watcher = watcher
        self.used, self.began = False, time.monotonic()

    def _marking(self, application: Application, transport: asyncio.BaseTransport) -> Application:
        marked = super()._marking(application, transport)

        async def limited(scope: Scope, receive: Receive, send: Send) -> None:
            if passes(scope["path"]):
                await marked({**scope, "above": True}, receive, send)
            elif scope["type"] == "http":
                await send({"type": "http.response.start", "status": 404, "headers": []})
                await send({"type": "http.response.body", "body": b""})
            else:
                await send({"type": "websocket.close"})

        return limited

    def _end_if_idle(self) -> None:
        """It waits to be asked, however long."""

    def data_received(self, data: bytes) -> None:
        """A question, or more of it."""
        self.used = True
        self._watcher.busy(self)
        super().data_received(data)

    def on_response_complete(self) -> None:
        """Called by uvicorn's cycle."""
        super().on_response_complete()
        if not self.transport.is_closing():
            self._watcher.free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        super().connection_lost(exc)
        self._watcher.lost(self)


class Dial(asyncio.Protocol):
    """Asks the server above to take this connection; then `made()` serves on it."""

    def __init__(self, headers: Headers, admitted: Admitted, made: Callable[[], FromAbove]) -> None:
        self.taken: asyncio.Future[FromAbove] = asyncio.get_running_loop().create_future()
        self._headers, self._admitted, self._made = headers, admitted, made
        self._http = h11.Connection(h11.CLIENT)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """After the TLS handshake, in which address and authority were checked; its role is checked here."""
        self._transport = transport = cast(asyncio.Transport, transport)
        certificate = transport.get_extra_info("peercert")
        if certificate is not None and not self._admitted(subject(certificate)):
            return self._fail("its certificate is not that of the server above")
        upgrade = [("Connection", "Upgrade"), ("Upgrade", PROTOCOL.decode())]
        request = h11.Request(method="GET", target=PARK, headers=[*self._headers, *upgrade])
        transport.write((self._http.send(request) or b"") + (self._http.send(h11.EndOfMessage()) or b""))
        return None

    def data_received(self, data: bytes) -> None:
        """Its answer, and maybe the first question behind it."""
        self._http.receive_data(data)
        try:
            event = self._http.next_event()
        except h11.RemoteProtocolError:
            return self._fail("it speaks no HTTP")
        if event is h11.NEED_DATA:
            return None
        if not isinstance(event, h11.InformationalResponse) or event.status_code != 101:
            return self._fail(f"it refuses with {getattr(event, 'status_code', 'nothing')}")
        return self._hand_over(cast(asyncio.Transport, self._transport))

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self._fail(str(exc or "it ended the connection"))

    def _hand_over(self, transport: asyncio.Transport) -> None:
        early, _ = self._http.trailing_data
        connection = self._made()
        keep_alive(transport)
        transport.set_protocol(connection)
        connection.connection_made(transport)
        self.taken.set_result(connection)
        if early:
            connection.data_received(early)

    def _fail(self, why: str) -> None:
        if not self.taken.done():
            self.taken.set_exception(NeighbourError(why))
        if self._transport is not None:
            self._transport.abort()
