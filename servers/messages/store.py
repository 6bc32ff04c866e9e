"""What visitors left, for all homes of a server: rows in its database, each with an encrypted file."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, delete, func, insert, or_, select, update

from servers.database import Database
from servers.messages.errors import NoMessage, Unreadable
from servers.messages.items import Count, Item, item_of, wrapped_of
from servers.messages.keys import HomeKeys
from servers.messages.label import Sort
from servers.messages.sealed import Sealed
from servers.messages.settings import MessagesSection
from servers.messages.table import ITEM, MIGRATIONS, RETENTION

PAGE = 200
"""Items of a page, at most."""
REMEMBERED = timedelta(days=400)
"""So long is known which deleted items must not come back, after they were deleted."""
UNFINISHED = timedelta(days=14)
"""So long is kept what a door has begun to hand in."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which items; "" and None leave a thing open."""

    sort: Sort | None = None
    read: bool | None = None
    session_id: str = ""


class MessageStore:
    """From any thread. Raises DatabaseError, and NoMessage for what is not there. A home sees nothing but its own."""

    def __init__(self, database: Database, folder: Path, keys: HomeKeys, limits: MessagesSection) -> None:
        self._database, self.keys, self.limits = database, keys, limits
        self._folder, self._lock, self._migrated = folder, threading.Lock(), False
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def database(self) -> Database:
        """With its tables, which the first question makes: at the start the database may be away."""
        with self._lock:
            if not self._migrated:
                self._database.migrate("messages", MIGRATIONS)
                self._migrated = True
        return self._database

    # --- reading ---------------------------------------------------------------------------------------------------

    def page(self, home: str, wanted: Filter, limit: int, after: str = "") -> list[Item]:
        """Newest first; `after` is the id of the last item of the page before, which may be deleted by now."""
        conditions = [*_live(home), *_conditions(wanted)]
        with self.database.reading() as connection:
            if after:
                conditions.append(_older(connection, home, after))
            query = select(ITEM).where(*conditions).order_by(ITEM.c.started.desc(), ITEM.c.id.desc())
            return [item_of(row) for row in connection.execute(query.limit(min(limit, PAGE)))]

    def all(self, home: str) -> Iterator[Item]:
        """Newest first, page by page."""
        after = ""
        while page := self.page(home, Filter(), PAGE, after):
            yield from page
            after = page[-1].id

    def one(self, home: str, identifier: str) -> Item:
        """Raises NoMessage if this home has none of that id."""
        return item_of(self._row(home, identifier))

    def count(self, home: str) -> Count:
        """Messages that nobody of the home has seen, and those that somebody has."""
        mine = (*_live(home), ITEM.c.sort == Sort.MESSAGE.value)
        with self.database.reading() as connection:
            query = select(ITEM.c.read, func.count()).where(*mine).group_by(ITEM.c.read)
            counts = {bool(read): number for read, number in connection.execute(query)}
        return Count(counts.get(False, 0), counts.get(True, 0))

    def states(self) -> dict[str, tuple[int, int, int, datetime | None]]:
        """Of each home: items, those that were read, messages, and when the newest came; it differs after a change."""
        message = case((ITEM.c.sort == Sort.MESSAGE.value, 1), else_=0)
        read = case((ITEM.c.read.is_(True), 1), else_=0)
        columns = (ITEM.c.home, func.count(), func.sum(read), func.sum(message), func.max(ITEM.c.arrived))
        query = select(*columns).where(ITEM.c.deleted.is_(None), ITEM.c.arrived.is_not(None)).group_by(ITEM.c.home)
        with self.database.reading() as connection:
            return {
                home: (count, seen, messages, newest)
                for home, count, seen, messages, newest in connection.execute(query)
            }

    def of_sessions(self, home: str, sessions: Sequence[str]) -> dict[str, list[str]]:
        """Ids of what was left in these visits, oldest first."""
        found: dict[str, list[str]] = {}
        query = select(ITEM.c.session_id, ITEM.c.id).where(*_live(home), ITEM.c.session_id.in_(set(sessions) - {""}))
        with self.database.reading() as connection:
            for session, identifier in connection.execute(query.order_by(ITEM.c.started)):
                found.setdefault(session, []).append(identifier)
        return found

    def content(self, home: str, identifier: str) -> Sealed:
        """The file of an item. Raises NoMessage, Unreadable if it is not here (another node may have it)."""
        file = self.sealed(self._row(home, identifier))
        if not file.there:
            raise Unreadable(f"the file of {identifier} is missing here")
        return file

    def thumbnail(self, home: str, identifier: str) -> Sealed:
        """The file of its thumbnail, which need not be there."""
        return self.sealed(self._row(home, identifier), ".thumbnail")

    def sealed(self, row: Row[Any], ending: str = "") -> Sealed:
        """A file that belongs to a row."""
        key = self.keys.unwrap(row.home, wrapped_of(row))
        return Sealed(self.path(row.home, row.id, ending), key, f"{row.home}/{row.id}{ending}")

    def path(self, home: str, identifier: str, ending: str = "") -> Path:
        """Where it lies."""
        return self._folder / home / f"{identifier}{ending}"

    # --- changing --------------------------------------------------------------------------------------------------

    def set_read(self, home: str, identifier: str, read: bool, who: str) -> Item:
        """For all devices of the home. Raises NoMessage."""
        with self.database.writing("messages") as connection:
            row = _found(connection, home, identifier)
            if bool(row.read) == read:
                return item_of(row)
            values = {"read": read, "read_by": who if read else ""}
            connection.execute(update(ITEM).where(*_this(home, identifier)).values(values))
            return item_of(_found(connection, home, identifier))

    def delete(self, home: str, identifier: str) -> None:
        """For all devices of the home, and for ever: it does not come back when a door hands it in again."""
        with self.database.writing("messages") as connection:
            _found(connection, home, identifier)
            _bury(connection, [(home, identifier)])
        self.drop_files(home, identifier)

    def drop_files(self, home: str, identifier: str) -> None:
        """Of an item that is deleted."""
        for ending in ("", ".thumbnail"):
            self.path(home, identifier, ending).unlink(missing_ok=True)

    # --- what is kept how long -------------------------------------------------------------------------------------

    def days(self, home: str) -> int:
        """How long this home keeps things."""
        with self.database.reading() as connection:
            wish = connection.execute(select(RETENTION.c.days).where(RETENTION.c.home == home)).scalar()
        return min(wish or self.limits.days, self.limits.days)

    def set_days(self, home: str, days: int) -> None:
        """What the home wishes; the site file's limit stays."""
        with self.database.writing("messages") as connection:
            connection.execute(delete(RETENTION).where(RETENTION.c.home == home))
            connection.execute(insert(RETENTION).values(home=home, days=days))

    def homes(self) -> list[str]:
        """Those that have anything."""
        with self.database.reading() as connection:
            return list(connection.execute(select(ITEM.c.home).distinct()).scalars())

    def forget_old(self) -> list[str]:
        """Delete what is too old, and files that belong to nothing; gives the homes whose list has changed."""
        changed = [home for home in self.homes() if self._forget_old(home)]
        with self.database.writing("messages") as connection:
            now = datetime.now(UTC)
            ended = or_(
                ITEM.c.deleted < now - REMEMBERED, ITEM.c.arrived.is_(None) & (ITEM.c.created < now - UNFINISHED)
            )
            connection.execute(delete(ITEM).where(ended))
        self._drop_orphans()
        return changed

    def _forget_old(self, home: str) -> bool:
        """By when it came: a door's clock may have been wrong."""
        oldest = datetime.now(UTC) - timedelta(days=self.days(home))
        with self.database.writing("messages") as connection:
            query = select(ITEM.c.id).where(*_live(home), ITEM.c.arrived < oldest)
            old = list(connection.execute(query).scalars())
            _bury(connection, [(home, identifier) for identifier in old])
        for identifier in old:
            self.drop_files(home, identifier)
        return bool(old)

    def _drop_orphans(self) -> None:
        """A power cut came between a row and its file. Files of new rows cannot be hit: rows are made first."""
        for folder in self._folder.iterdir():
            files = {path.name.partition(".")[0]: path for path in folder.iterdir()}
            with self.database.reading() as connection:
                query = select(ITEM.c.id).where(ITEM.c.home == folder.name, ITEM.c.deleted.is_(None))
                known = set(connection.execute(query).scalars())
            for identifier in files.keys() - known:
                self.drop_files(folder.name, identifier)

    def rotate(self, home: str) -> int:
        """A new key for the home; gives how many items it opens now. Raises NoMessage."""
        with self.database.writing("messages") as connection:
            self.keys.add(home)
            rows = connection.execute(select(ITEM).where(ITEM.c.home == home, ITEM.c.deleted.is_(None))).all()
            for row in rows:
                again = self.keys.wrap(home, self.keys.unwrap(home, wrapped_of(row)))
                values = {"home_key": again.home_key, "wrapped": again.secret}
                connection.execute(update(ITEM).where(*_this(home, row.id)).values(values))
        self.keys.keep_newest(home)
        return len(rows)

    def _row(self, home: str, identifier: str) -> Row[Any]:
        with self.database.reading() as connection:
            return _found(connection, home, identifier)

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """A transaction beside which no other changes items or wraps their keys."""
        with self.database.writing("messages") as connection:
            yield connection


def make_room(connection: Connection, home: str, size: int, room: int) -> list[str] | None:
    """Delete pictures and what was seen, oldest first, until `size` more bytes fit into `room`.

    Gives the ids of what was deleted; None, and nothing is deleted, if only unseen messages are left.
    """
    used = connection.execute(select(func.sum(ITEM.c.size)).where(*_kept(home))).scalar() or 0
    gone: list[str] = []
    if used + size <= room:
        return gone
    yielding = or_(ITEM.c.read.is_(True), ITEM.c.sort == Sort.PICTURE.value)
    query = select(ITEM.c.id, ITEM.c.size).where(*_live(home), yielding).order_by(ITEM.c.arrived)
    for identifier, freed in connection.execute(query).all():
        gone.append(identifier)
        used -= freed
        if used + size <= room:
            _bury(connection, [(home, one) for one in gone])
            return gone
    return None


def _bury(connection: Connection, items: Sequence[tuple[str, str]]) -> None:
    """The key goes with it: what is deleted cannot be read from a file that was copied, or not yet removed."""
    now = datetime.now(UTC)
    for home, identifier in items:
        values: dict[str, Any] = {"deleted": now, "wrapped": b"", "home_key": ""}
        connection.execute(update(ITEM).where(*_this(home, identifier)).values(values))


def _this(home: str, identifier: str) -> tuple[ColumnElement[bool], ...]:
    return (ITEM.c.home == home, ITEM.c.id == identifier)


def _kept(home: str) -> tuple[ColumnElement[bool], ...]:
    return (ITEM.c.home == home, ITEM.c.deleted.is_(None))


def _live(home: str) -> tuple[ColumnElement[bool], ...]:
    return (*_kept(home), ITEM.c.arrived.is_not(None))


def _found(connection: Connection, home: str, identifier: str) -> Row[Any]:
    row = connection.execute(select(ITEM).where(*_live(home), ITEM.c.id == identifier)).first()
    if row is None:
        raise NoMessage(f"there is no message {identifier}")
    return row


def _older(connection: Connection, home: str, after: str) -> ColumnElement[bool]:
    last = connection.execute(select(ITEM.c.started).where(*_this(home, after))).scalar()
    if last is None:
        raise NoMessage(f"there is no message {after}")
    before = or_(ITEM.c.started < last, ITEM.c.id < after)
    return and_(ITEM.c.started <= last, before)  # a range that the index knows


def _conditions(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    if wanted.sort is not None:
        yield ITEM.c.sort == wanted.sort.value
    if wanted.read is not None:
        yield ITEM.c.read.is_(wanted.read)
    if wanted.session_id:
        yield ITEM.c.session_id == wanted.session_id
