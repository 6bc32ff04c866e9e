"""Who of a home looked at what, written down in the background, so that a page of a list waits for no disk."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select

from servers.database import Database
from servers.messages.table import ACCESS

SAME = timedelta(minutes=1)
"""A film is fetched in many pieces; within this it is one access."""
KEPT = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Access:
    """What somebody did."""

    home: str
    who: str
    """Account."""
    way: str
    """"" for an account of this server, else the server that spoke for it."""
    what: str
    """list, content, thumbnail, read, unread, delete, export; "lost 3" of a door that had to delete three unseen."""
    item: str = ""


class Journal:
    """`note` returns at once; `write` puts what was noted on the disk. From any thread."""

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._noted: list[dict[str, Any]] = []
        self._last: dict[Access, datetime] = {}

    def note(self, access: Access) -> None:
        """Somebody did this now."""
        now = datetime.now(UTC)
        with self._lock:
            before = self._last.get(access)
            self._last[access] = now
            if before is None or now - before > SAME:
                self._noted.append(asdict(access) | {"at": now})

    def write(self) -> None:
        """Raises DatabaseError; what was noted is kept for the next time."""
        with self._lock:
            noted, self._noted = self._noted, []
            limit = datetime.now(UTC) - SAME
            self._last = {access: at for access, at in self._last.items() if at > limit}
        if not noted:
            return
        written = False
        try:
            with self._database().writing("messages") as connection:
                connection.execute(insert(ACCESS), noted)
            written = True
        finally:
            if not written:
                with self._lock:
                    self._noted = noted + self._noted

    def page(self, home: str, limit: int, before: int | None = None) -> Sequence[dict[str, Any]]:
        """Newest first; `before` is the number of the last one of the page before."""
        older = [ACCESS.c.number < before] if before is not None else []
        query = select(ACCESS).where(ACCESS.c.home == home, *older).order_by(ACCESS.c.number.desc()).limit(limit)
        with self._database().reading() as connection:
            return [
                {name: value for name, value in row._mapping.items() if name != "home"}
                for row in connection.execute(query)
            ]

    def forget_old(self) -> None:
        """Delete what is older than `KEPT`."""
        with self._database().writing("messages") as connection:
            connection.execute(delete(ACCESS).where(ACCESS.c.at < datetime.now(UTC) - KEPT))
