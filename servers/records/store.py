"""The call records in the database: folded, handed in, read in pages, and forgotten after their time."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, insert, or_, select, text, update

from servers.database import Database
from servers.errors import RecordError
from servers.records import fold
from servers.records.call import CallRecord, Wanted
from servers.records.events import BATCH, EventFile
from servers.records.handed import Handed, Teller, hand_in
from servers.records.table import CALL, MIGRATIONS, PICTURE, POSITION, call_record

PAGE = 1000
"""Most records of one page."""


class RecordStore:
    """All records of one database; from any thread, and beside other processes."""

    def __init__(self, database: Database, days: int, relays: fold.Relays = lambda facts: False) -> None:
        """Makes or renews the tables; `relays` tells which calls only go through. Raises DatabaseError."""
        self._database, self._kept, self._relays = database, timedelta(days=days), relays
        database.migrate("records", MIGRATIONS)

    def fold(self, events: EventFile) -> bool:
        """Take the next events of a file; True if there may be more. Raises DatabaseError or RecordError."""
        with self._database.reading() as connection:
            done = connection.execute(select(POSITION.c.number).where(POSITION.c.origin == events.origin)).scalar()
        fresh = events.after(done or 0)
        if not fresh:
            return False
        with self._database.writing("records") as connection:
            fold.fold(connection, events.origin, fresh, self._relays)
        return len(fresh) == BATCH

    def folded(self, origin: str) -> int:
        """Number of the last event of that file that is safe here."""
        with self._database.reading() as connection:
            return connection.execute(select(POSITION.c.number).where(POSITION.c.origin == origin)).scalar() or 0

    def hand_in(self, identifier: str, teller: Teller, handed: Handed) -> bool:
        """Take a record of others, once however often it comes; True if it is new here. Raises RecordError."""
        now = datetime.now(UTC)
        home = teller.caller or teller.name
        facts = {"stage": handed.stage, "kind": teller.kind, "called": handed.called, "home": home}
        values = handed.values(now, now - self._kept) | {"relayed": self._relays(facts)}
        with self._database.writing("records") as connection:
            return hand_in(connection, identifier, teller, values)

    def complete(self, call_id: str, session_id: str) -> bool:
        """Whether this call stands here already, from its begin to its end."""
        session = and_(CALL.c.session_id == session_id, CALL.c.session_id != "")
        same = or_(session, and_(CALL.c.call_id == call_id, CALL.c.call_id != ""))
        with self._database.reading() as connection:
            known = select(CALL.c.id).where(same, CALL.c.interrupted.is_(False)).limit(1)
            return connection.execute(known).first() is not None

    def untold(self, limit: int = PAGE) -> Sequence[CallRecord]:
        """The calls that went up and are over, oldest first, of which the server above was not told yet."""
        up = (CALL.c.stage == "up", CALL.c.ended.is_not(None), CALL.c.told_above.is_(False))
        with self._database.reading() as connection:
            found = connection.execute(select(CALL).where(*up).order_by(CALL.c.started).limit(limit))
            return [call_record(row) for row in found]

    def told(self, identifier: str) -> None:
        """The server above has it."""
        with self._database.writing() as connection:
            connection.execute(update(CALL).where(CALL.c.id == identifier).values(told_above=True))

    def keep_picture(self, identifier: str, by: str, jpeg: bytes) -> None:
        """The picture of a call that `by` handed in, once however often it comes. Raises RecordError without one."""
        with self._database.writing("records") as connection:
            mine = (or_(CALL.c.id == identifier, CALL.c.handed == identifier), CALL.c.handed_by == by)
            record = connection.execute(select(CALL.c.id).where(*mine)).scalar()
            if record is None:
                raise RecordError(f"{by} handed in no record {identifier}")
            connection.execute(delete(PICTURE).where(PICTURE.c.record == record))
            connection.execute(insert(PICTURE).values(record=record, jpeg=jpeg))
            link = f"records/{record}/picture"
            connection.execute(update(CALL).where(CALL.c.id == record).values(picture=link))

    def picture(self, record: str) -> bytes | None:
        """JPEG, None without one."""
        with self._database.reading() as connection:
            jpeg = connection.execute(select(PICTURE.c.jpeg).where(PICTURE.c.record == record)).scalar()
            return bytes(jpeg) if jpeg is not None else None

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
    named = ((CALL.c.flat, wanted.flat), (CALL.c.stage, wanted.stage), (CALL.c.session_id, wanted.session_id))
    yield from (column == value for column, value in named if value)
    if wanted.identifier:
        yield or_(CALL.c.id == wanted.identifier, CALL.c.handed == wanted.identifier)
    if wanted.community:
        yield CALL.c.flat.endswith(f".{wanted.community}", autoescape=True)
    if wanted.relayed is not None:
        yield CALL.c.relayed.is_(wanted.relayed)
    if wanted.result is not None:
        yield CALL.c.result == wanted.result.value
    if wanted.since:
        yield CALL.c.started >= wanted.since
    if wanted.until:
        yield CALL.c.started < wanted.until
    if wanted.concerning:
        yield or_(CALL.c.caller == wanted.concerning, CALL.c.answered_by == wanted.concerning)
