"""Lines between the parties: what a good one, a cut one and a slow one do to streams and datagrams."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest

from sim.community import free_port
from sim.lines import Front, Lines, Quality, by_address
from sim.plan import ADDRESS
from sim.trace.hep import Address

DOOR = "127.0.1.1"
LIMIT = 10.0
Echo = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1000):
        writer.write(data)
    writer.close()


@asynccontextmanager
async def front(lines: Lines, streams: bool = True) -> AsyncIterator[tuple[Address, dict[Address, str]]]:
    """A front before an echo server, and the names that it keeps."""
    own, outer = free_port(), free_port()
    names: dict[Address, str] = {(DOOR, 0): "door1"}
    one = Front("homelink", (ADDRESS, own), by_address(names), lines, names)
    await one.open((ADDRESS, outer), streams)
    loop = asyncio.get_running_loop()
    if streams:
        server = await asyncio.start_server(echo, ADDRESS, own)
        close: Callable[[], None] = server.close
    else:
        transport, _ = await loop.create_datagram_endpoint(EchoDatagrams, local_addr=(ADDRESS, own))
        close = transport.close
    try:
        yield (ADDRESS, outer), names
    finally:
        await one.close()
        close()


class EchoDatagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.transport.sendto(data, addr)


class Caller(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.heard.put_nowait(data)


async def said(streams: Echo, words: bytes, limit: float = LIMIT) -> bytes:
    """What comes back, b"" if nothing does."""
    reader, writer = streams
    writer.write(words)
    try:
        return await asyncio.wait_for(reader.readexactly(len(words)), limit)
    except TimeoutError:
        return b""


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def work() -> None:
        await story()

    asyncio.run(work())


def test_who_calls_is_known_to_the_servers_side_and_what_is_said_passes_both_ways() -> None:
    async def story() -> None:
        async with front(Lines()) as (address, names):
            streams = await asyncio.open_connection(*address, local_addr=(DOOR, 0))
            assert await said(streams, b"INVITE") == b"INVITE"
            assert list(names.values()) == ["door1", "door1"]
            streams[1].close()

    run(story)


def test_nothing_passes_a_cut_line_and_nothing_is_lost_when_it_is_mended() -> None:
    async def story() -> None:
        lines = Lines()
        async with front(lines) as (address, _):
            streams = await asyncio.open_connection(*address, local_addr=(DOOR, 0))
            assert await said(streams, b"one") == b"one"
            lines.set("homelink", "door1", Quality(cut=True))
            assert await said(streams, b"two", 0.3) == b""
            lines.set("door1", "homelink", Quality())
            assert await asyncio.wait_for(streams[0].readexactly(3), LIMIT) == b"two"
            streams[1].close()

    run(story)


def test_a_slow_line_is_late_each_way() -> None:
    async def story() -> None:
        lines = Lines()
        lines.set("door1", "homelink", Quality(delay=0.1))
        async with front(lines) as (address, _):
            streams = await asyncio.open_connection(*address, local_addr=(DOOR, 0))
            begin = asyncio.get_running_loop().time()
            assert await said(streams, b"slow") == b"slow"
            assert asyncio.get_running_loop().time() - begin >= 0.2
            streams[1].close()

    run(story)


def test_somebody_elses_line_is_not_cut() -> None:
    async def story() -> None:
        lines = Lines()
        lines.set("door2", "homelink", Quality(cut=True))
        async with front(lines) as (address, _):
            streams = await asyncio.open_connection(*address, local_addr=(DOOR, 0))
            assert await said(streams, b"hello") == b"hello"
            streams[1].close()

    run(story)


def test_datagrams_pass_a_good_line_and_are_lost_on_a_bad_one() -> None:
    async def story() -> None:
        lines = Lines()
        async with front(lines, streams=False) as (address, _):
            loop = asyncio.get_running_loop()
            transport, caller = await loop.create_datagram_endpoint(Caller, local_addr=(DOOR, 0), remote_addr=address)
            transport.sendto(b"one")
            assert await asyncio.wait_for(caller.heard.get(), LIMIT) == b"one"
            lines.set("door1", "homelink", Quality(loss=1.0))
            transport.sendto(b"lost")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(caller.heard.get(), 0.3)
            lines.set("door1", "homelink", Quality(delay=0.05))
            transport.sendto(b"late")
            assert await asyncio.wait_for(caller.heard.get(), LIMIT) == b"late"
            transport.close()

    run(story)
