"""One client from its first request to the end of its lease."""

import asyncio
import logging
from collections.abc import AsyncIterator

from servers.http.failures import Failures
from servers.watching.book import Book
from servers.watching.errors import NoLease, SourceAway, TooMany
from servers.watching.lease import Lease, Viewing
from servers.watching.rtsp.camera import connected
from servers.watching.rtsp.client import Client, Place, Request
from servers.watching.rtsp.message import Packets, RtspError
from servers.watching.rtsp.session import PUBLIC, Session

log = logging.getLogger(__name__)

FIRST_SECONDS = 10.0
"""Within this a client names its lease."""

_REFUSALS = {TooMany: 453, SourceAway: 502, NoLease: 404}

Items = AsyncIterator[Request | Packets]


async def converse(client: Client, book: Book, failures: Failures) -> None:
    """Serve one connection; says in the log why it ended."""
    viewing: Viewing | None = None
    try:
        if failures.banned(client.source, ""):
            return None
        items = client.items()
        async with asyncio.timeout(FIRST_SECONDS):
            request, place = await _first(client, items)
        try:
            lease = book.by_id(place.lease)
        except NoLease:
            failures.count(client.source, "")
            return await client.answer(request, 404)
        with book.viewing(lease) as viewing:
            await _watch(client, items, lease, viewing, (request, place))
    except (RtspError, SourceAway, TooMany, NoLease, OSError, TimeoutError) as error:
        log.info("watching by RTSP from %s ends: %s", client.source, str(error) or type(error).__name__)
        if not (viewing and viewing.reason):
            await client.refuse(next((status for kind, status in _REFUSALS.items() if isinstance(error, kind)), 400))
    finally:
        if viewing and viewing.reason:
            client.cut()
        else:
            await client.close()


async def _first(client: Client, items: Items) -> tuple[Request, Place]:
    """The first request that names a lease. Raises RtspError."""
    async for item in items:
        if not isinstance(item, Request):
            break
        if item.place:
            return item, item.place
        if item.method != "OPTIONS" or item.url != "*":
            await client.answer(item, 404)
            break
        await client.answer(item, 200, [("Public", PUBLIC)])
    raise RtspError("it named no lease")


async def _watch(client: Client, items: Items, lease: Lease, viewing: Viewing, first: tuple[Request, Place]) -> None:
    async with connected(lease.target, client.packets) as camera:
        session = Session(lease.target, camera, client)

        async def serve() -> None:
            await session.obey(*first)
            async for item in items:
                if isinstance(item, Packets):
                    camera.send_packets(item.run)
                elif item.place and item.place.lease == lease.id:
                    await session.obey(item, item.place)
                else:
                    await client.answer(item, 404)
                    raise RtspError("it wanted something else than its lease is for")
                if session.over:
                    return

        try:
            await viewing.while_it_holds(serve(), camera.run())
        finally:
            session.leave()
