"""The events that Kamailio appends when something happens to a call, read in order."""

import re
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from servers.errors import RecordError
from servers.kamailio.database import BUSY_SECONDS

BATCH = 500
_FACT = re.compile(r"([a-z_]+)=((?:[0-9a-f]{2})*)")


class EventKind(StrEnum):
    """What happened."""

    BEGIN = "begin"
    ANSWER = "answer"
    END = "end"
    RESTART = "restart"
    """Kamailio is started: no call is going on."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a call's story."""

    number: int
    """Grows with time, within one file."""
    record: str
    kind: EventKind
    at: datetime
    facts: dict[str, str]


class EventFile:
    """The file of one Kamailio, open until `close`; to be used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Raises RecordError if it cannot be opened."""
        try:
            self._file = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            self.origin: str = self._file.execute("SELECT id FROM origin").fetchone()[0]
        except sqlite3.Error as error:
            raise RecordError(f"{path} holds no events: {error}") from error
        self._path = path

    def after(self, number: int) -> list[Event]:
        """The next events, at most `BATCH`. Raises RecordError if the file cannot be read."""
        rows = self._run(
            "SELECT id, record, kind, at, facts FROM event WHERE id > ? ORDER BY id LIMIT ?", number, BATCH
        )
        return [_event(*row) for row in rows]

    def forget(self, number: int) -> None:
        """Delete the events up to `number`, which are folded."""
        self._run("DELETE FROM event WHERE id <= ?", number)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _run(self, statement: str, *values: object) -> list[Any]:
        try:
            return self._file.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise RecordError(f"{self._path} cannot be used: {error}") from error


def note_restart(path: Path) -> None:
    """Kamailio is about to be started: whatever was going on was interrupted. Raises RecordError."""
    row = (EventKind.RESTART.value, f"{time.time():.6f}")
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as file, file:
            file.execute("INSERT INTO event (record, kind, at, facts) VALUES ('', ?, ?, '')", row)
    except sqlite3.Error as error:
        raise RecordError(f"{path} cannot be written: {error}") from error


def facts_of(text: str) -> dict[str, str]:
    """``caller=64 6f`` without blanks -> ``{"caller": "do"}``; bytes that are no UTF-8 become U+FFFD."""
    return {name: bytes.fromhex(value).decode("utf-8", "replace") for name, value in _FACT.findall(text)}


def _event(number: int, record: str, kind: str, at: str, facts: str) -> Event:
    return Event(number, record, EventKind(kind), datetime.fromtimestamp(float(at), UTC), facts_of(facts))


def last_number(events: Sequence[Event]) -> int:
    """Of a batch that is not empty."""
    return events[-1].number
