"""Who watched what, from when until when, and why it ended: written down in the background, in order."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from servers.database import Database
from servers.watching.lease import Lease
from servers.watching.table import MIGRATIONS, WATCHED

KEPT = timedelta(days=400)
Row = dict[str, Any]


class Journal:
    """`note` returns at once; `write` puts what was noted on the disk. From any thread."""

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._noted: dict[str, Row] = {}
        self._ready = False

    def note(self, lease: Lease) -> None:
        """As it is now: granted, renewed or ended."""
        row = row_of(lease)
        with self._lock:
            self._noted[row["id"]] = row

    def write(self) -> None:
        """Raises DatabaseError; what was noted is kept for the next time."""
        with self._lock:
            noted, self._noted = self._noted, {}
        written = False
        try:
            self._prepare()
            with self._database().writing("watching") as connection:
                for identifier, row in noted.items():
                    mine = WATCHED.c.id == identifier
                    if not connection.execute(update(WATCHED).where(mine).values(row)).rowcount:
                        connection.execute(insert(WATCHED).values(row))
            written = True
        finally:
            if not written:
                with self._lock:
                    self._noted = noted | self._noted

    def page(self, limit: int) -> Sequence[Row]:
        """Newest first."""
        self._prepare()
        with self._database().reading() as connection:
            rows = connection.execute(select(WATCHED).order_by(WATCHED.c.began.desc()).limit(limit))
            return [dict(row._mapping) for row in rows]

    def forget_old(self) -> None:
        """Delete what is older than `KEPT`."""
        self._prepare()
        with self._database().writing("watching") as connection:
            connection.execute(delete(WATCHED).where(WATCHED.c.began < datetime.now(UTC) - KEPT))

    def _prepare(self) -> None:
        if not self._ready:
            self._database().migrate("watching", MIGRATIONS)
            self._ready = True


def row_of(lease: Lease) -> Row:
    """What is written of a lease."""
    return {
        "id": lease.mark,
        "who": lease.who.name,
        "home": lease.who.home,
        "way": lease.who.way,
        "target": lease.target.name,
        "direct": lease.direct,
        "began": lease.began,
        "until": lease.expires,
        "ended": lease.ended,
        "reason": lease.reason,
        "viewers": lease.most,
    }
