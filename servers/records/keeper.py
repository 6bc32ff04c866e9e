"""The record keeper: beside a running server it folds Kamailio's events into the call records, again and again."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from servers.errors import DatabaseError, RecordError
from servers.kamailio.site import ServerSite
from servers.records.call import CallRecord, Wanted
from servers.records.events import EventFile, note_restart

if TYPE_CHECKING:  # loaded late: SIP does not wait for the database's library
    from servers.records.store import RecordStore

log = logging.getLogger(__name__)

PAUSE = 0.2
LONGEST_PAUSE = 10.0
TIDY = 60.0
"""Seconds between two looks for what can be deleted."""


class RecordKeeper:
    """A service of every server. A database that is away loses nothing: the events wait in their file."""

    def __init__(self, site: ServerSite) -> None:
        self._site = site
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="records", daemon=True)

    def start(self) -> None:
        """Begin to fold."""
        self._thread.start()

    def before_sip(self) -> None:
        """Kamailio is about to be started: the calls that it was following are over. Raises ServerError."""
        note_restart(self._site.databases.events)

    def stop(self) -> None:
        """Fold what is left, and end."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def _run(self) -> None:
        pause, lost = PAUSE, False
        while not self._ending.is_set():
            try:
                with opened_store(self._site) as (store, events):
                    log.log(logging.INFO if lost else logging.DEBUG, "records are kept")
                    pause, lost = PAUSE, False
                    self._keep(store, events)
            except (DatabaseError, RecordError) as error:
                if not lost:
                    log.error("records wait until the database is back: %s", error)
                lost = True
                self._ending.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _keep(self, store: "RecordStore", events: EventFile) -> None:
        tidied = -TIDY
        while True:
            ending = self._ending.is_set()
            while store.fold(events):
                pass
            if ending:
                return
            if time.monotonic() - tidied > TIDY:
                store.forget_old()
                events.forget(store.folded(events.origin))
                tidied = time.monotonic()
            self._ending.wait(PAUSE)


@contextmanager
def opened_store(site: ServerSite) -> "Iterator[tuple[RecordStore, EventFile]]":
    """The records of a site and its events, closed after the block. Raises DatabaseError or RecordError."""
    from servers.database import Database
    from servers.records.duty import relays_of
    from servers.records.store import RecordStore

    database = Database(site.database_url)
    try:
        store = RecordStore(database, site.records.days, relays_of(site))
        events = EventFile(site.databases.events)
        try:
            yield store, events
        finally:
            events.close()
    finally:
        database.close()


def records(site: ServerSite, limit: int = 100, wanted: Wanted | None = None) -> list[CallRecord]:
    """The latest calls, newest first, up to this moment. Raises ServerError if they cannot be read."""
    with caught_up(site) as store:
        return store.page(wanted or Wanted(), limit)


@contextmanager
def caught_up(site: ServerSite) -> "Iterator[RecordStore]":
    """The records with everything that Kamailio told of so far, whether the server runs or not. Raises ServerError."""
    site.databases.prepare()
    with opened_store(site) as (store, events):
        while store.fold(events):
            pass
        yield store
