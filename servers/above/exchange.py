"""A service beside SIP: keeps a server and the one above in step, again and again, whoever was away in between."""

import logging
import random
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from servers.above.client import ServiceAbove
from servers.errors import DatabaseError, NeighbourError, RecordError
from servers.kamailio.site import ServerSite, UpstreamSection

if TYPE_CHECKING:  # loaded late: SIP does not wait for the database's library
    from servers.records.store import RecordStore

log = logging.getLogger(__name__)

FIRST_RETRY, LONGEST_RETRY = 1.0, 60.0
"""Seconds; doubled in between."""

Errand = Callable[[ServiceAbove, "RecordStore"], None]
"""One thing to ask or to tell. Raises NeighbourError, DatabaseError or RecordError to be tried again."""


class Exchange:
    """Runs its errands every [upstream] refresh seconds, on a thread of its own."""

    def __init__(self, site: ServerSite, upstream: UpstreamSection, errands: Callable[[], Sequence[Errand]]) -> None:
        """`errands` gives them on the thread that runs them, where what they need is loaded."""
        self._site, self._refresh, self._errands = site, upstream.refresh, errands
        self._service = ServiceAbove(upstream, site.tls_files)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="above", daemon=True)

    def start(self) -> None:
        """Begin, if the site file names the service of the server above."""
        if self._service.known:
            self._thread.start()

    def stop(self) -> None:
        """Ask no more; a question that is under way is not waited for long."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(0.5)

    def _run(self) -> None:
        from servers.database import Database
        from servers.records.store import RecordStore

        retry, pause = 0.0, min(self._refresh, FIRST_RETRY)
        database, errands = Database(self._site.database_url), self._errands()
        while not self._ending.wait(pause * random.uniform(0.75, 1.25)):
            try:
                store = RecordStore(database, self._site.records.days)
                for errand in errands:
                    errand(self._service, store)
                if retry:
                    log.info("the service of the server above answers again")
                retry, pause = 0.0, self._refresh
            except (NeighbourError, DatabaseError, RecordError) as error:
                if not retry:
                    log.warning("directory and records wait for the server above: %s", error)
                retry = pause = min(max(2 * retry, min(self._refresh, FIRST_RETRY)), LONGEST_RETRY)
        database.close()
