"""Our own RTSP connection to a camera, one per viewer: requests one at a time, packets as they come."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress

from servers.watching.errors import SourceAway
from servers.watching.rtsp.digest import authorization
from servers.watching.rtsp.message import Message, Packets, RtspError, Splitter
from servers.watching.targets import Target

log = logging.getLogger(__name__)

PATIENCE = 10.0
"""Seconds for connecting, and for an answer."""
PIECE = 1 << 16

Sink = Callable[[bytes], Awaitable[None]]


class Camera:
    """Nothing is sent there but what this class writes."""

    def __init__(self, target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sink: Sink) -> None:
        self._target, self._reader, self._writer, self._sink = target, reader, writer, sink
        self._splitter = Splitter()
        self._number = 0
        self._answer: asyncio.Future[Message] | None = None
        self._refusal: Message | None = None
        """What we logged in after; the same once more is enough for what follows."""

    def expect(self, channels: Collection[int]) -> None:
        """Packets may come on these."""
        self._splitter.channels = channels

    async def run(self) -> None:
        """Pass packets on as fast as they are taken, until the camera ends. Raises SourceAway."""
        try:
            while data := await self._reader.read(PIECE):
                for item in self._splitter.feed(data):
                    if isinstance(item, Packets):
                        await self._sink(item.run)
                    else:
                        self._take(item)
        except (OSError, RtspError) as error:
            raise SourceAway(f"{self._target.title} gives no picture any more: {error}") from error
        raise SourceAway(f"{self._target.title} ended")

    def _take(self, message: Message) -> None:
        """A request of the camera's own is not answered: nobody here obeys it."""
        expected = message.first.startswith("RTSP/1.0 ") and message.header("CSeq") == str(self._number)
        if expected and self._answer and not self._answer.done():
            self._answer.set_result(message)

    async def ask(self, method: str, url: str, headers: Sequence[tuple[str, str]] = ()) -> Message:
        """Log in if the camera wants it. Raises SourceAway."""
        answer = await self._once(method, url, headers)
        if status_of(answer) == 401 and self._target.user:
            self._refusal = answer
            answer = await self._once(method, url, headers)
        return answer

    async def _once(self, method: str, url: str, headers: Sequence[tuple[str, str]]) -> Message:
        self._answer = asyncio.get_running_loop().create_future()
        self._send(method, url, headers)
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._answer
        except TimeoutError as error:
            raise SourceAway(f"{self._target.title} does not answer") from error

    def _send(self, method: str, url: str, headers: Sequence[tuple[str, str]]) -> None:
        self._number += 1
        login = ""
        if self._refusal:
            login = authorization(self._refusal, method, url, self._target.user, self._target.password)
        own = [("CSeq", str(self._number)), *headers, *([("Authorization", login)] if login else [])]
        self._writer.write(bytes(Message(f"{method} {url} RTSP/1.0", tuple(own))))

    def send_packets(self, run: bytes) -> None:
        """What a viewer reports (RTCP); it is dropped rather than kept where the camera does not read."""
        if self._writer.transport.get_write_buffer_size() < PIECE:
            self._writer.write(run)

    def leave(self, url: str, session: str) -> None:
        """Say that it is over, without waiting."""
        with suppress(OSError, RuntimeError):
            self._send("TEARDOWN", url, [("Session", session)])


@asynccontextmanager
async def connected(target: Target, sink: Sink) -> AsyncIterator[Camera]:
    """Raises SourceAway."""
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(target.host, target.port, limit=PIECE)
    except (OSError, TimeoutError) as error:
        words = getattr(error, "strerror", None) or "it does not answer"
        raise SourceAway(f"{target.title} cannot be reached: {words}") from error
    try:
        yield Camera(target, reader, writer, sink)
    finally:
        writer.close()


def status_of(answer: Message) -> int:
    """Raises SourceAway for an answer that has none."""
    word = answer.first.split(" ", 2)[1] if answer.first.count(" ") else ""
    if not word.isdecimal():
        raise SourceAway("the camera's answer has no status")
    return int(word)
