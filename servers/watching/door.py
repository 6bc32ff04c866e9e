"""A door station's pictures, asked for with a token: over HTTP or a WebSocket, at the address of the target alone."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING

import h11

from servers.community.authority import Role
from servers.http.connection import subject
from servers.kamailio.config import TlsFiles
from servers.watching.errors import SourceAway
from servers.watching.targets import Target

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

log = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds for connecting and for the beginning of an answer."""
SILENCE = 15.0
"""Seconds without a picture after which a door is given up."""
PIECE = 1 << 16
LARGEST_MESSAGE = 1 << 22
_REFUSALS = {
    401: "the door station does not believe this server: its directory may be old",
    403: "the door station does not let this server watch",
    429: "as many watch this door as may",
    503: "the door station gives no picture now",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """The beginning of an answer, and what comes then, without end or with one."""

    content_type: str
    pieces: AsyncIterator[bytes]


class Doors:
    """Asks door stations; with TLS only those that have a certificate of our community."""

    def __init__(self, tls: TlsFiles | None) -> None:
        self._context = _context(tls) if tls else None

    @asynccontextmanager
    async def ask(self, door: Target, path: str, token: str) -> AsyncIterator[Picture]:
        """GET `path` while the block runs. Raises SourceAway."""
        try:
            async with asyncio.timeout(PATIENCE):
                reader, writer = await asyncio.open_connection(door.host, door.port, ssl=self._security(door))
        except (OSError, TimeoutError) as error:
            raise SourceAway(f"{door.title} cannot be reached: {_words(error)}") from error
        try:
            _only_doors(door, writer)
            answer = _Answer(door, reader, writer)
            async with asyncio.timeout(PATIENCE):
                content_type = await answer.begin(path, token)
            yield Picture(content_type, answer.pieces())
        except TimeoutError as error:
            raise SourceAway(f"{door.title} says nothing") from error
        except (OSError, h11.ProtocolError) as error:
            raise SourceAway(f"{door.title} gives no picture: {_words(error)}") from error
        finally:
            writer.transport.abort()

    @asynccontextmanager
    async def listen(self, door: Target, token: str) -> AsyncIterator[AsyncIterator[bytes | str]]:
        """The door's messages while the block runs: pictures, and words about them. Raises SourceAway."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidHandshake, InvalidStatus

        scheme = "wss" if door.secure else "ws"
        place = f"{scheme}://{f'[{door.host}]' if ':' in door.host else door.host}:{door.port}/live"
        opening = connect(
            place,
            ssl=self._security(door),
            additional_headers={"Authorization": f"Bearer {token}"},
            compression=None,
            proxy=None,
            open_timeout=PATIENCE,
            close_timeout=0.5,
            max_size=LARGEST_MESSAGE,
            max_queue=4,
            user_agent_header=None,
        )
        try:
            connection = await opening
        except InvalidStatus as error:
            status = error.response.status_code
            raise SourceAway(_REFUSALS.get(status, f"the door station answers {status}")) from error
        except (OSError, TimeoutError, InvalidHandshake) as error:
            raise SourceAway(f"{door.title} cannot be reached: {_words(error)}") from error
        try:
            yield _messages(connection)
        finally:
            connection.transport.abort()

    def renew(self, door: Target, token: str) -> None:
        """Move the end of what is watched with the lease of this token. Waits; raises SourceAway."""
        context = self._security(door)
        connection: HTTPConnection
        if context:
            connection = HTTPSConnection(door.host, door.port, timeout=PATIENCE, context=context)
        else:
            connection = HTTPConnection(door.host, door.port, timeout=PATIENCE)
        try:
            connection.request("POST", "/renew", headers={"Authorization": f"Bearer {token}", "Content-Length": "0"})
            status = connection.getresponse().status
        except (OSError, HTTPException) as error:
            raise SourceAway(f"{door.title} cannot be reached: {_words(error)}") from error
        finally:
            connection.close()
        if status >= 300:
            raise SourceAway(_REFUSALS.get(status, f"{door.title} answers {status}"))

    def _security(self, door: Target) -> ssl.SSLContext | None:
        if door.secure and self._context is None:
            raise SourceAway(f"{door.title} is watched over TLS, and this server has no [tls]")
        return self._context if door.secure else None


class _Answer:
    """One HTTP answer of a door."""

    def __init__(self, door: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._door, self._reader, self._writer = door, reader, writer
        self._connection = h11.Connection(h11.CLIENT)

    async def begin(self, path: str, token: str) -> str:
        """Ask; gives the content type. Raises SourceAway for a refusal."""
        headers = [("Host", self._door.url.partition("//")[2]), ("Authorization", f"Bearer {token}")]
        request = h11.Request(method="GET", target=path, headers=[*headers, ("Connection", "close")])
        for event in (request, h11.EndOfMessage()):
            self._writer.write(self._connection.send(event) or b"")
        answer = await self._next()
        while isinstance(answer, h11.InformationalResponse):
            answer = await self._next()
        if not isinstance(answer, h11.Response) or answer.status_code != 200:
            status = getattr(answer, "status_code", 0)
            raise SourceAway(_REFUSALS.get(status, f"{self._door.title} answers {status}"))
        types = [value for name, value in answer.headers if name == b"content-type"]
        return types[0].decode("latin-1") if types else "application/octet-stream"

    async def pieces(self) -> AsyncIterator[bytes]:
        """As they come. Raises SourceAway if the door falls silent, or dies in the middle."""
        try:
            while True:
                async with asyncio.timeout(SILENCE):
                    event = await self._next()
                if isinstance(event, h11.Data):
                    yield bytes(event.data)
                else:
                    return
        except (OSError, TimeoutError, h11.ProtocolError) as error:
            raise SourceAway(f"{self._door.title} gives no picture any more: {_words(error)}") from error

    async def _next(self) -> object:
        while (event := self._connection.next_event()) is h11.NEED_DATA:
            self._connection.receive_data(await self._reader.read(PIECE))
        return event


async def _messages(connection: "ClientConnection") -> AsyncIterator[bytes | str]:
    from websockets.exceptions import ConnectionClosed

    try:
        async for message in connection:
            yield message
    except ConnectionClosed as error:
        log.info("a door station ended what was watched: %s", error)


def _context(tls: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(tls.authority)
    context.load_cert_chain(tls.certificate, tls.key)
    return context


def _only_doors(door: Target, writer: asyncio.StreamWriter) -> None:
    """A token goes to nobody who is no door station of the community."""
    if door.secure and subject(writer.get_extra_info("peercert"))[0] != Role.DOOR_STATION:
        raise SourceAway(f"at the address of {door.title} is no door station")


def _words(error: BaseException) -> str:
    with suppress(AttributeError):
        return str(error.strerror or error or type(error).__name__)  # type: ignore[attr-defined]
    return str(error) or "it takes too long"
