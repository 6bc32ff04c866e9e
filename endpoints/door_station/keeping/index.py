"""The index of what is kept: an SQLite file. The files themselves say the same, but for what the server has already."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from endpoints.door_station.keeping.disk import StoreError, Trouble
from endpoints.door_station.keeping.items import Event, Item, Label, State

_SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, flat TEXT NOT NULL, session_id TEXT NOT NULL,
    event TEXT NOT NULL, started TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
    duration_ms INTEGER NOT NULL, state TEXT NOT NULL
) STRICT
"""
_LOSSES = "CREATE TABLE IF NOT EXISTS losses (flat TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT"
_COLUMNS = "number, id, flat, session_id, event, started, size, sha256, duration_ms, state"
_TROUBLES = {
    sqlite3.SQLITE_FULL: Trouble.FULL,
    sqlite3.SQLITE_READONLY: Trouble.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: Trouble.READ_ONLY,
}
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class IndexDamaged(StoreError):
    """The file is no index any more."""


@contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGED:
            raise IndexDamaged(f"the index is damaged: {error}") from error
        raise StoreError(f"the index cannot be used: {error}", _TROUBLES.get(code, Trouble.BROKEN)) from error


class Index:
    """One row for each finished item; what a call changed is on the disk when it returns. All raise StoreError.

    One thread at a time.
    """

    def __init__(self, path: Path) -> None:
        with _telling():
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                self._database.execute("PRAGMA journal_mode = WAL")
                self._database.execute("PRAGMA synchronous = FULL")
                self._database.execute(_SCHEMA)
                self._database.execute(_LOSSES)
                problem = self._database.execute("PRAGMA quick_check(1)").fetchone()[0]
            except sqlite3.Error:
                self._database.close()
                raise
        if problem != "ok":
            self._database.close()
            raise IndexDamaged(f"the index is damaged: {problem}")

    def put(self, item: Item) -> None:
        """Add an item, or replace the one of the same number."""
        label = item.label
        what = (label.number, label.id, label.flat, label.session_id, label.event, label.started.isoformat())
        values = (*what, item.size, item.sha256, item.duration_ms, item.state)
        self._do(f"INSERT OR REPLACE INTO items ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)", values)  # noqa: S608

    def mark(self, number: int, state: State) -> None:
        """An item stands elsewhere now."""
        self._do("UPDATE items SET state = ? WHERE number = ?", (state, number))

    def remove(self, number: int) -> None:
        """Forget an item."""
        self._do("DELETE FROM items WHERE number = ?", (number,))

    def all(self) -> list[Item]:
        """Every item, oldest first."""
        return self._items("")

    def oldest(self, flat: str) -> Item | None:
        """What `flat` has been waiting for longest."""
        found = self._items("WHERE state = 'waiting' AND flat = ? ORDER BY number LIMIT 1", (flat,))
        return found[0] if found else None

    def flats(self) -> list[str]:
        """The flats that something waits for, in order."""
        rows = self._do("SELECT flat FROM items WHERE state = 'waiting' GROUP BY flat ORDER BY min(number)")
        return [row[0] for row in rows]

    def lose(self, flat: str) -> None:
        """One more of `flat` that no server will get."""
        self._do("INSERT INTO losses VALUES (?, 1) ON CONFLICT (flat) DO UPDATE SET count = count + 1", (flat,))

    def losses(self, flat: str) -> int:
        """How many of those its server has not been told of."""
        rows = self._do("SELECT count FROM losses WHERE flat = ?", (flat,))
        return int(rows[0][0]) if rows else 0

    def told(self, flat: str, count: int) -> None:
        """Its server knows of `count` of them now."""
        self._do("UPDATE losses SET count = max(0, count - ?) WHERE flat = ?", (count, flat))

    def close(self) -> None:
        """Close the file; twice does no harm."""
        self._database.close()

    def _items(self, where: str, values: tuple[Any, ...] = ()) -> list[Item]:
        order = "" if "ORDER" in where else " ORDER BY number"
        return [_item(row) for row in self._do(f"SELECT {_COLUMNS} FROM items {where}{order}", values)]  # noqa: S608

    def _do(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        with _telling():
            return self._database.execute(statement, values).fetchall()


def _item(row: Any) -> Item:
    number, identifier, flat, session_id, event, started, size, sha256, duration_ms, state = row
    label = Label(number, identifier, flat, session_id, Event(event), datetime.fromisoformat(started))
    return Item(label, size, sha256, duration_ms, State(state))
