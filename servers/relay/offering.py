"""Keeps connections to every node of the server above, so that phones on 4G reach what is kept here."""

import asyncio
import base64
import logging
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from servers.above.client import trusting
from servers.errors import NeighbourError
from servers.kamailio.kinds import Kind
from servers.kamailio.site import ServerSite, UpstreamSection
from servers.relay.above import Dial, FromAbove, Headers
from servers.relay.amounts import AMOUNTS, Amount
from servers.relay.pauses import Pauses

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
FULL_SECONDS = 1.0
PATIENCE = 10.0
"""Seconds for each step of a new connection."""
Make = Callable[..., FromAbove]
"""Of a connection's protocol, for its watcher."""


class Offering:
    """One per server that has one above."""

    def __init__(self, site: ServerSite, upstream: UpstreamSection, amount: Amount) -> None:
        """`amount` is for each node."""
        self._urls: Sequence[str] = upstream.services
        self._dialling = _Dialling(site, upstream)
        self._first, self._amount = min(upstream.refresh, FIRST_PAUSE), amount

    async def run(self, make: Make) -> None:
        """Until it is cancelled."""
        nodes = [_Node(self._dialling, url, Pauses(self._first), self._amount, make) for url in self._urls]
        await asyncio.gather(*(node.run() for node in nodes))


class _Dialling:
    """What a connection to the server above needs."""

    def __init__(self, site: ServerSite, upstream: UpstreamSection) -> None:
        self._tls, self._role, self._authority = site.tls_files, site.parent, upstream.authority
        login = base64.b64encode(f"{upstream.user}:{upstream.password}".encode()).decode("ascii")
        self._login: Headers = [("Authorization", f"Basic {login}")] if upstream.password else []

    async def dial(self, url: str, made: Callable[[], FromAbove]) -> FromAbove:
        """A connection that was taken. Raises OSError, NeighbourError."""
        place = urlsplit(url)
        context = trusting(self._tls) if place.scheme == "https" and self._tls else None
        if place.scheme == "https" and context is None:
            raise NeighbourError("it needs certificates, and this server has none")
        port = place.port or (443 if context else 80)
        headers = [("Host", place.netloc), *self._login]
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE):
            transport, dial = await loop.create_connection(
                lambda: Dial(headers, self._admitted, made), place.hostname or "", port, ssl=context
            )
        taken = False
        try:
            async with asyncio.timeout(PATIENCE):
                connection = await dial.taken
            taken = True
            return connection
        finally:
            if not taken:
                transport.abort()

    def _admitted(self, certificate: tuple[str, str, str]) -> bool:
        role, _, authority = certificate
        return role == self._role and self._authority in ("", authority)


class _Node:
    """The connections to one node; some are always free."""

    def __init__(self, dialling: _Dialling, url: str, pauses: Pauses, amount: Amount, make: Make) -> None:
        self._dialling, self._url, self._pauses, self._amount, self._make = dialling, url, pauses, amount, make
        self._free: set[FromAbove] = set()
        self._all: list[asyncio.BaseTransport] = []
        self._changed = asyncio.Event()
        self._away = False

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            self._changed.clear()
            if len(self._free) >= self._amount.spare:
                await self._changed.wait()
            elif self._full():
                await asyncio.sleep(FULL_SECONDS)
            elif pause := self._pauses.left(time.monotonic()):
                await asyncio.sleep(pause)
            else:
                await self._one_more()

    async def _one_more(self) -> None:
        try:
            connection = await self._dialling.dial(self._url, lambda: self._make(watcher=self))
        except (OSError, NeighbourError) as error:
            self._pauses.failed(time.monotonic())
            if not self._away:
                log.warning("relay: %s is not reached: %s", self._url, error or type(error).__name__)
            self._away = True
            return
        if self._away or not self._all:
            log.info("relay: %s can ask this server", self._url)
        self._away = False
        self._all.append(connection.transport)
        if not (connection.used or connection.transport.is_closing()):
            self._free.add(connection)

    def _full(self) -> bool:
        self._all = [one for one in self._all if not one.is_closing()]
        return len(self._all) >= self._amount.most

    def busy(self, connection: FromAbove) -> None:
        """A question came."""
        self._pauses.worked()
        self._free.discard(connection)
        self._changed.set()

    def free(self, connection: FromAbove) -> None:
        """It is answered."""
        self._free.add(connection)
        self._changed.set()

    def lost(self, connection: FromAbove) -> None:
        """Nobody asks through it any more."""
        now = time.monotonic()
        self._free.discard(connection)
        if not connection.used:
            self._pauses.lost(now, now - connection.began)
        self._changed.set()


def offering_of(site: ServerSite) -> Offering | None:
    """None where there is no server above, or none with an HTTP service."""
    if site.upstream is None or not site.upstream.service:
        return None
    return Offering(site, site.upstream, AMOUNTS[Kind(site.program)])
