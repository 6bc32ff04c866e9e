"""Everything about what visitors leave, put together for the pages: store, uploads, news, lamp, journal, worker."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from servers.database import Database
from servers.messages.errors import MessageError, Unreadable
from servers.messages.items import Count, Item
from servers.messages.journal import Access, Journal
from servers.messages.keys import HomeKeys
from servers.messages.news import News
from servers.messages.settings import MessagesSection
from servers.messages.store import MessageStore
from servers.messages.thumbnail import thumbnail_of
from servers.messages.uploads import Uploads
from servers.messages.worker import Worker

if TYPE_CHECKING:
    from fastapi import APIRouter

    from servers.http.app import Backend
    from servers.http.login import Identity

log = logging.getLogger(__name__)


class ShowsCount(Protocol):
    """A lamp."""

    def show(self, home: str, new: int, old: int) -> None:
        """So many messages wait."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """Whose messages this server keeps, and who may deposit."""

    home_of: Callable[[str], str | None]
    """The home that a deposit's token is for; None for one that is none."""
    homes: Callable[[], Iterable[str]]
    """Those that have devices here."""


class Desk:
    """One per server."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        limits: MessagesSection,
        keeping: Keeping,
        lamp: ShowsCount | None,
        alone: bool = True,
    ) -> None:
        """`folder`: see `store_of`; not `alone`: other nodes change the same messages."""
        self.store = store_of(database, folder, limits)
        self.uploads, self.journal, self.news = Uploads(self.store), Journal(lambda: self.store.database), News()
        self.keeping, self._lamp = keeping, lamp
        self._worker = Worker(self._regular, None if alone else self._look)
        self._states: Mapping[str, Sequence[object]] = {}
        """What was known of each home when `_look` looked last."""

    def start(self) -> None:
        """Begin; every lamp shows what it should."""
        self._worker.start()
        self._worker.do(self.show_all)

    def end(self) -> None:
        """Endless answers end; what was noted is written down."""
        self.news.end()
        self._worker.end()

    def note(self, access: Access) -> None:
        """Write down who did what."""
        self.journal.note(access)
        self._worker.do(self.journal.write)

    def arrived(self, home: str, identifier: str) -> None:
        """Something new is in the store: everybody is told at once, its thumbnail is made after that."""
        item = self.store.one(home, identifier)
        log.info("a %s for %s arrived", item.event or "message", home)
        self.changed(home, "added", item)
        self._worker.do(lambda: self._prepare_thumbnail(item))

    def lost(self, home: str, count: int, before: str) -> None:
        """A door had to delete so many items of this home before the item `before`: nobody will ever see them."""
        log.warning("%d of what was left for %s is lost: its door was full while this server was away", count, home)
        self.note(Access(home, "door", "", f"lost {count}", before))

    def changed(self, home: str, change: str, item: Item | None = None) -> None:
        """Tell lamp and listeners. `change`: added, read, deleted; changed: any of them, through another node."""
        count = self._show(home)
        told: dict[str, Any] = {"change": change} | state(count)
        self.news.tell(home, told | ({"message": item.told()} if item else {}))

    def show_all(self) -> None:
        """On the lamps of all homes."""
        for home in {*self.keeping.homes(), *self.store.homes()}:
            self._show(home)

    def _look(self) -> None:
        """Tell what changed through another node: lamps and listeners here hear of it too."""
        before, self._states = self._states, self.store.states()
        for home in before.keys() | self._states.keys():
            if before.get(home) != self._states.get(home):
                self.changed(home, "changed")

    def _show(self, home: str) -> Count:
        count = self.store.count(home)
        if self._lamp:
            self._lamp.show(home, count.new, count.old)
        return count

    def thumbnail(self, home: str, identifier: str) -> bytes:
        """JPEG; made now if the worker has not come to it. Raises NoMessage, MessageError if it shows nothing."""
        file = self.store.thumbnail(home, identifier)
        try:
            jpeg = b"".join(file.read())
        except (FileNotFoundError, Unreadable):
            jpeg = b""
        if not jpeg:  # not made yet, or a power cut took it
            jpeg = thumbnail_of(self.store.one(home, identifier), self.store.content(home, identifier))
            file.replace(jpeg)
        return jpeg

    def left_in(self, home: str, sessions: Sequence[str]) -> dict[str, list[str]]:
        """Ids of what was left in these visits."""
        return self.store.of_sessions(home, sessions)

    def _prepare_thumbnail(self, item: Item) -> None:
        try:
            self.thumbnail(item.home, item.id)
        except MessageError as error:
            log.info("no thumbnail: %s", error)

    def _regular(self) -> None:
        self.journal.forget_old()
        for home in self.store.forget_old():
            self.changed(home, "deleted")
        self.show_all()


def store_of(database: Database, folder: Path, limits: MessagesSection) -> MessageStore:
    """The store of a server; `folder` is for files and keys, unless the site file names others."""
    folder = limits.folder or folder
    return MessageStore(database, folder / "items", HomeKeys(limits.keys or folder / "keys"), limits)


def state(count: Count) -> dict[str, int]:
    """As JSON."""
    return {"new": count.new, "old": count.old}


def desk_pages(
    backend: "Backend", folder: Path, limits: MessagesSection, keeping: Keeping, lamp: ShowsCount | None
) -> "Sequence[APIRouter]":
    """A desk for a server's HTTP service, and its pages."""
    from servers.messages import pages, upload_pages

    alone = backend.site.nodes is None
    if not alone and limits.folder is None:
        log.warning("each node keeps the messages that it is handed in: [messages] folder names one that all share")
    desk = Desk(backend.database, folder, limits, keeping, lamp, alone)

    def left_in(caller: "Identity", sessions: Sequence[str]) -> dict[str, list[str]]:
        return desk.left_in(caller.home, sessions) if caller.kind.resident else {}

    backend.left_in = left_in
    desk.start()
    backend.at_end(desk.end)
    return (upload_pages.router_of(desk), *pages.routers_of(desk))
