"""The call records in the database: folded, handed in, read in pages, and forgotten after their time."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, or_, select, text

from servers.database import Database
from servers.errors import RecordError
from servers.records import fold
from servers.records.call import CallRecord, Wanted
from servers.records.events import BATCH, EventFile
from servers.records.handed import Handed, hand_in
from servers.records.table import CALL, MIGRATIONS, POSITION, call_record

PAGE = 1000
"""Most records of one page."""


class RecordStore:
    """All records of one database; from any thread, and beside other processes."""

    def __init__(self, database: Database, days: int) -> None:
        """Makes or renews the tables. Raises DatabaseError."""
        self._database, self._kept = database, timedelta(days=days)
        database.migrate("records", MIGRATIONS)

    def fold(self, events: EventFile) -> bool:
        """Take the next events of a file; True if there may be more. Raises DatabaseError or RecordError."""
        with self._database.reading() as connection:
            done = connection.execute(select(POSITION.c.number).where(POSITION.c.origin == events.origin)).scalar()
        fresh = events.after(done or 0)
        if not fresh:
            return False
        with self._database.writing("records") as connection:
            fold.fold(connection, events.origin, fresh)
        return len(fresh) == BATCH

    def folded(self, origin: str) -> int:
        """Number of the last event of that file that is safe here."""
        with self._database.reading() as connection:
            return connection.execute(select(POSITION.c.number).where(POSITION.c.origin == origin)).scalar() or 0

    def hand_in(self, identifier: str, by: str, kind: str, handed: Handed, names: Collection[str] = ()) -> bool:
        """Take a device's record, once however often it comes; True if it is new here.

        `names` are those that calls of `by` stand under here. Raises RecordError.
        """
        now = datetime.now(UTC)
        with self._database.writing("records") as connection:
            return hand_in(connection, identifier, by, kind, handed.values(now, now - self._kept), {by, *names})

    def page(self, wanted: Wanted, limit: int = 100, after: str = "", within: Wanted | None = None) -> list[CallRecord]:
        """Newest first; `after` is the id of the last record of the page before; only records that `within` has too.

        Raises RecordError if the record `after` is gone.
        """
        conditions = [*_conditions(wanted), *_conditions(within or Wanted())]
        with self._database.reading() as connection:
            if after:
                last = connection.execute(select(CALL.c.started).where(CALL.c.id == after)).scalar()
                if last is None:
                    raise RecordError(f"there is no record {after!r}")
                conditions.append(or_(CALL.c.started < last, and_(CALL.c.started == last, CALL.c.id < after)))
            query = select(CALL).where(*conditions).order_by(CALL.c.started.desc(), CALL.c.id.desc())
            return [call_record(row) for row in connection.execute(query.limit(min(limit, PAGE)))]

    def all(self, wanted: Wanted, within: Wanted | None = None) -> Iterator[CallRecord]:
        """All of them, newest first, page by page."""
        after = ""
        while page := self.page(wanted, PAGE, after, within):
            yield from page
            after = page[-1].id

    def forget_old(self) -> None:
        """Delete what is older than the site file allows."""
        with self._database.writing() as connection:
            connection.execute(delete(CALL).where(CALL.c.started < datetime.now(UTC) - self._kept))

    def check(self) -> None:
        """Raises DatabaseError if the database does not answer."""
        with self._database.reading() as connection:
            connection.execute(text("SELECT 1"))


def _conditions(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    for column, value in ((CALL.c.flat, wanted.flat), (CALL.c.stage, wanted.stage)):
        if value:
            yield column == value
    if wanted.identifier:
        yield or_(CALL.c.id == wanted.identifier, CALL.c.handed == wanted.identifier)
    if wanted.community:
        yield CALL.c.flat.endswith(f".{wanted.community}", autoescape=True)
    if wanted.session_id:
        yield CALL.c.session_id == wanted.session_id
    if wanted.result is not None:
        yield CALL.c.result == wanted.result.value
    if wanted.since:
        yield CALL.c.started >= wanted.since
    if wanted.until:
        yield CALL.c.started < wanted.until
    if wanted.concerning:
        yield or_(CALL.c.caller == wanted.concerning, CALL.c.answered_by == wanted.concerning)
