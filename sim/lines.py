"""The lines between the parties: everybody reaches a server through a port of ours, where a line can be cut or bad.

A party is known by its own address on loopback, a server below another by a port that only it was told of. Signalling
goes this way; sound and pictures go straight from device to device, or through the cloud server's relay.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import cast

from sim.errors import SimError
from sim.trace.hep import Address

CHUNK = 1 << 16
STALL = 0.2
"""Seconds that a lost piece of a stream costs, like TCP's first retransmission; doubled when it is lost again."""
LONGEST_STALL = 6.4


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a line is."""

    cut: bool = False
    loss: float = 0.0
    """Share of what is lost, 0 to 1."""
    delay: float = 0.0
    """Seconds each way."""

    @property
    def good(self) -> bool:
        """Nothing is wrong with it."""
        return not (self.cut or self.loss or self.delay)


GOOD = Quality()
Pair = tuple[str, str]


def pair(one: str, other: str) -> Pair:
    """The line between two parties, in whatever order they are named."""
    return (one, other) if one <= other else (other, one)


class Lines:
    """What is wrong with which line; all others are good."""

    def __init__(self) -> None:
        self._bad: dict[Pair, Quality] = {}
        self._mended: dict[Pair, asyncio.Event] = {}

    def between(self, one: str, other: str) -> Quality:
        """How good their line is now."""
        return self._bad.get(pair(one, other), GOOD)

    def set(self, one: str, other: str, quality: Quality) -> None:
        """From now on it is so."""
        place = pair(one, other)
        self._bad.pop(place, None)
        if not quality.good:
            self._bad[place] = quality
        if quality.cut:
            self._mended.setdefault(place, asyncio.Event())
        elif event := self._mended.pop(place, None):
            event.set()

    async def whole(self, one: str, other: str) -> None:
        """Wait until their line is not cut."""
        while event := self._mended.get(pair(one, other)):
            await event.wait()

    def facts(self) -> list[dict[str, object]]:
        """What is wrong, for JSON."""
        return [{"between": list(place), **asdict(quality)} for place, quality in sorted(self._bad.items())]


class Front:
    """A port of ours behind which a server is."""

    def __init__(
        self,
        server: str,
        target: Address,
        who: Callable[[Address], str],
        lines: Lines,
        names: dict[Address, str],
    ) -> None:
        """`who` knows who calls from an address; `names` is told who is behind each connection to the server."""
        self._server, self._target, self._who, self._lines, self._names = server, target, who, lines, names
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self._datagrams: asyncio.DatagramTransport | None = None

    async def open(self, address: Address, streams: bool) -> None:
        """Listen at `address`, for TCP or for UDP. Raises SimError if it is taken."""
        host, port = address
        loop = asyncio.get_running_loop()
        try:
            if streams:
                self._listener = await asyncio.start_server(self._accept, host, port)
            else:
                self._datagrams, _ = await loop.create_datagram_endpoint(lambda: _Outside(self), local_addr=address)
        except OSError as error:
            raise SimError(f"port {port} on {host} cannot be used: {error.strerror}") from error

    # --- streams -----------------------------------------------------------------------------------------------------

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        party = self._who(writer.get_extra_info("peername")[:2])
        try:
            await self._join(party, reader, writer)
        except OSError:
            pass  # the server is down: the caller sees its connection end
        finally:
            writer.close()

    async def _join(self, party: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._lines.whole(party, self._server)
        inner_reader, inner_writer = await asyncio.open_connection(*self._target)
        own = inner_writer.get_extra_info("sockname")[:2]
        self._names[own] = party
        ways = [
            asyncio.create_task(self._pump(party, reader, inner_writer)),
            asyncio.create_task(self._pump(party, inner_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            inner_writer.close()
            self._names.pop(own, None)

    async def _pump(self, party: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what comes, in order; a piece that is late holds up those behind it, as in TCP."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        passing = asyncio.create_task(self._pass_on(party, queue, writer))
        loop = asyncio.get_running_loop()
        try:
            while data := await reader.read(CHUNK):
                queue.put_nowait((loop.time() + self._lateness(party), data))
            queue.put_nowait((loop.time(), b""))
            await passing
        finally:
            passing.cancel()

    def _lateness(self, party: str) -> float:
        quality = self._lines.between(party, self._server)
        late, stall = quality.delay, STALL
        while quality.loss and random.random() < quality.loss and stall < LONGEST_STALL:
            late, stall = late + stall, 2 * stall
        return late

    async def _pass_on(
        self, party: str, queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await queue.get()
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            await self._lines.whole(party, self._server)
            if not data:
                return
            writer.write(data)
            await writer.drain()

    # --- datagrams ---------------------------------------------------------------------------------------------------

    def send(self, party: str, transport: asyncio.DatagramTransport, data: bytes, to: Address | None) -> None:
        """Pass a datagram on as the party's line lets it through."""
        quality = self._lines.between(party, self._server)
        if quality.cut or random.random() < quality.loss:
            return
        if quality.delay:
            asyncio.get_running_loop().call_later(quality.delay, _send, transport, data, to)
        else:
            _send(transport, data, to)

    def party(self, address: Address) -> str:
        """Who calls from there."""
        return self._who(address)

    async def inside(self, party: str, back: Callable[[bytes], None]) -> asyncio.DatagramTransport:
        """A socket towards the server for one caller; what comes from there goes to `back`."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Inside(back), remote_addr=self._target)
        self._names[transport.get_extra_info("sockname")[:2]] = party
        return transport

    async def close(self) -> None:
        """Hang up; twice does no harm."""
        if self._listener:
            self._listener.close()
        if self._datagrams:
            self._datagrams.close()
        for task in list(self._tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


class _Outside(asyncio.DatagramProtocol):
    """The port that callers know; each caller gets a socket of its own towards the server."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._inside: dict[Address, asyncio.Task[asyncio.DatagramTransport]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        for task in self._inside.values():
            if task.done() and not task.cancelled() and not task.exception():
                task.result().close()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        party = self._front.party(addr)
        if addr not in self._inside:
            self._inside[addr] = asyncio.ensure_future(self._front.inside(party, self._back(party, addr)))
        self._inside[addr].add_done_callback(lambda task: self._front.send(party, task.result(), data, None))

    def _back(self, party: str, addr: Address) -> Callable[[bytes], None]:
        def back(data: bytes) -> None:
            self._front.send(party, self._transport, data, addr)

        return back


class _Inside(asyncio.DatagramProtocol):
    def __init__(self, back: Callable[[bytes], None]) -> None:
        self._back = back

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._back(data)

    def error_received(self, exc: Exception) -> None:
        """The server is down; its caller waits as for any lost datagram."""


def _send(transport: asyncio.DatagramTransport, data: bytes, to: Address | None) -> None:
    if not transport.is_closing():
        transport.sendto(data, to)


def by_address(names: Mapping[Address, str]) -> Callable[[Address], str]:
    """Knows a party by its own address on loopback, whatever the port."""
    return lambda address: names.get((address[0], 0), f"{address[0]}:{address[1]}")
