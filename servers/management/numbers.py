"""Tells Kamailio which flats there are, so that a number that nobody has is told apart from a home where nobody is.

The numbers of accounts it reads by itself. The directory may be changed by any process and on another machine, and
Kamailio may be started again, so both are looked at again and again.
"""

import logging
import threading
from collections.abc import Collection
from typing import TYPE_CHECKING

from servers.errors import DatabaseError, NotRunning, RpcError
from servers.kamailio import rpc
from servers.kamailio.site import ServerSite

if TYPE_CHECKING:  # loaded late: SIP does not wait for the database's library
    from servers.directory.store import DirectoryStore

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds between two looks."""
LONGEST_PAUSE = 10.0
TABLE, VERSION = "flats", "@version"
"""Kamailio's table, and what in it is no flat: the version of the directory that it has."""


class Numbers:
    """A service of the management server: follows the directory."""

    def __init__(self, site: ServerSite) -> None:
        self._site = site
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="numbers", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def _run(self) -> None:
        pause = PAUSE
        while not self._ending.is_set():
            try:
                self._follow()
            except DatabaseError as error:  # the record keeper complains of it
                log.debug("the directory cannot be read: %s", error)
                self._ending.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _follow(self) -> None:
        from servers.database import Database
        from servers.directory.store import DirectoryStore

        database = Database(self._site.database_url)
        try:
            store = DirectoryStore(database)
            while not self._ending.is_set():
                self._look(store)
                self._ending.wait(PAUSE)
        finally:
            database.close()

    def _look(self, store: "DirectoryStore") -> None:
        version = store.version()
        try:
            if version != self._known():
                edition = store.edition()
                self._tell(edition.version, edition.flats)
        except NotRunning:
            log.debug("Kamailio does not run yet")
        except RpcError as error:
            log.warning("the flats of the directory are not told: %s", error)

    def _known(self) -> int | None:
        """The version that Kamailio has, None after its start."""
        try:
            answer = rpc.call(self._site.control, "htable.get", TABLE, VERSION)
        except RpcError:
            return None
        return int(answer["item"]["value"])

    def _tell(self, version: int, flats: Collection[str]) -> None:
        """New ones before old ones go: nobody who exists is missing meanwhile."""
        control = self._site.control
        for flat in flats:
            rpc.call(control, "htable.seti", TABLE, flat, 1)
        for slot in rpc.call(control, "htable.dump", TABLE):
            for item in slot["slot"]:
                if item["name"] not in flats:
                    rpc.call(control, "htable.delete", TABLE, item["name"])
        rpc.call(control, "htable.seti", TABLE, VERSION, version)
