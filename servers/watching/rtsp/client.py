"""The connection of somebody who watches by RTSP: requests that are whole and proper, answers, packets."""

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass

from servers.watching.rtsp.message import Message, Packets, RtspError, Splitter

LARGEST_REPORT = 2048
"""Bytes of an RTCP packet that a client may send."""
PIECE = 1 << 14
_REQUEST = re.compile(r"([A-Z_]{1,20}) (\S{1,400}) RTSP/1\.0")
_URL = re.compile(r"(rtsp://[A-Za-z0-9.:\[\]-]{1,100}/([A-Za-z0-9_-]{8,64}))(?:/(?:track([0-7]))?)?", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,10}")
_WORDS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    453: "Not Enough Bandwidth",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
    502: "Bad Gateway",
}


@dataclass(frozen=True, slots=True)
class Place:
    """What a URL names."""

    base: str
    """``rtsp://host:port/LEASE`` as the client wrote it."""
    lease: str
    track: int | None


@dataclass(frozen=True, slots=True)
class Request:
    """What a client wants."""

    method: str
    url: str
    number: str
    message: Message

    @property
    def place(self) -> Place | None:
        """None for a URL that names no lease: another path, a query, a login, dots."""
        match = _URL.fullmatch(self.url)
        return Place(match[1], match[2], int(match[3]) if match[3] else None) if match else None


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._splitter = Splitter(LARGEST_REPORT)
        self._asked: Request | None = None
        self.source: str = (writer.get_extra_info("peername") or ("",))[0]

    def expect(self, channels: Collection[int]) -> None:
        """Reports may come on these; anything else ends the connection."""
        self._splitter.channels = channels

    async def items(self) -> AsyncIterator[Request | Packets]:
        """Until the client leaves. Raises RtspError for what is no request."""
        while data := await self._reader.read(PIECE):
            for item in self._splitter.feed(data):
                yield item if isinstance(item, Packets) else self._request(item)

    def _request(self, message: Message) -> Request:
        match, number = _REQUEST.fullmatch(message.first), message.header("CSeq")
        if match is None or not _NUMBER.fullmatch(number):
            self._writer.write(bytes(Message("RTSP/1.0 400 Bad Request", ())))
            raise RtspError("no proper request")
        self._asked = Request(match[1], match[2], number, message)
        return self._asked

    async def answer(
        self, request: Request, status: int, headers: Sequence[tuple[str, str]] = (), body: bytes = b""
    ) -> None:
        """Say so."""
        self._asked = None
        first = f"RTSP/1.0 {status} {_WORDS[status]}"
        self._writer.write(bytes(Message(first, (("CSeq", request.number), *headers), body)))
        await self._writer.drain()

    async def refuse(self, status: int) -> None:
        """Answer what was asked last, if it was not answered yet."""
        if self._asked:
            await self.answer(self._asked, status)

    async def packets(self, run: bytes) -> None:
        """Pictures; no faster than they are read."""
        self._writer.write(run)
        await self._writer.drain()

    def cut(self) -> None:
        """Not one byte more."""
        self._writer.transport.abort()

    async def close(self) -> None:
        """What was said is sent yet, if the client reads it."""
        self._writer.close()
        try:
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self.cut()
