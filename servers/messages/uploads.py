"""What doors hand in: the states of a tus upload, without HTTP.

Written by hand: tuspyserver and fastapi-tusd write plain files under ids of their own, and hash nothing. Here the id is
the door's, so that the same item is the same upload for ever; what has come is encrypted before it is on the disk, and
how much of it counts is read from the file itself, so that nothing else needs to be in step with it.
"""

import errno
import hashlib
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any

from sqlalchemy import Row, insert, select, update

from servers.errors import DatabaseError
from servers.messages.errors import (
    ChecksumWrong,
    MessageError,
    NoUpload,
    StorageFull,
    Unreadable,
    UploadBusy,
    UploadConflict,
)
from servers.messages.keys import sync_folder
from servers.messages.label import Label
from servers.messages.sealed import Sealed
from servers.messages.store import MessageStore, make_room
from servers.messages.table import ITEM

RESERVE = 32 << 20
"""Bytes of the disk that stay free."""
MEGABYTE = 1 << 20
BUSY_SECONDS = 3.0
"""So long a request waits for the one before, whose line may just have been cut."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FACTS = ("size", "sha256", "filetype")


class Step(Enum):
    """What became of an upload by a request."""

    MORE = auto()
    """More is to come."""
    NEW = auto()
    """With this request it is in the store."""
    OLD = auto()
    """It was there already."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of an upload is here, in bytes."""

    offset: int
    length: int
    step: Step = Step.MORE


class Uploads:
    """From any thread. Raises DatabaseError and what `servers.messages.errors` has."""

    def __init__(self, store: MessageStore) -> None:
        self._store = store
        self._released = threading.Condition()
        self._busy: set[tuple[str, str]] = set()

    def create(self, home: str, label: Label) -> list[str]:
        """Begin an upload; one that is known is left as it is. Gives the ids of items that had to give way."""
        if label.size > self._store.limits.largest * MEGABYTE:
            raise MessageError(f"an item has {self._store.limits.largest} megabytes at most")
        known = self._row(home, label.id)
        if known is not None:
            if any(getattr(known, name) != getattr(label, name) for name in _FACTS):
                raise UploadConflict(f"{label.id} is another item")
            return []
        with _full_disk_told():
            self._check_disk(label.size)
            return self._insert(home, label)

    def progress(self, home: str, identifier: str) -> Progress:
        """How much is here; finishes what only a power cut kept from it."""
        with self._alone(home, identifier) as row:
            if row.arrived is not None or row.deleted is not None:
                return Progress(row.size, row.size, Step.OLD)
            file = self._opened(row)
            return self.settled(row, file, file.length())

    @contextmanager
    def appending(self, home: str, identifier: str, offset: int) -> Iterator["Appending"]:
        """To write at `offset`, which must be the end. `Appending.progress` counts."""
        with self._alone(home, identifier) as row:
            if row.arrived is not None or row.deleted is not None:
                raise UploadConflict("it is here already")
            file = self._opened(row)
            if offset != file.length():
                raise UploadConflict(f"the next byte is {file.length()}")
            yield Appending(self, row, file, offset)

    def _opened(self, row: Row[Any]) -> Sealed:
        file = self._store.sealed(row)
        with _full_disk_told():
            file.create()
        return file

    def settled(self, row: Row[Any], file: Sealed, length: int) -> Progress:
        """Into the store, if it is whole. Raises ChecksumWrong."""
        if length < row.size:
            return Progress(length, row.size)
        with _full_disk_told():
            file.sync()
            sync_folder(self._store.path(row.home, row.id).parent)
            if not _matches(file, row.sha256):
                file.clear()
                raise ChecksumWrong("the checksum is wrong: begin again")
            with self._store.changing() as connection:
                mine = (ITEM.c.home == row.home, ITEM.c.id == row.id, ITEM.c.deleted.is_(None))
                connection.execute(update(ITEM).where(*mine).values(arrived=datetime.now(UTC)))
        return Progress(row.size, row.size, Step.NEW)

    def _insert(self, home: str, label: Label) -> list[str]:
        with self._store.changing() as connection:
            gone = make_room(connection, home, label.size, self._store.limits.megabytes * MEGABYTE)
            if gone is None:
                raise StorageFull("nothing is left here that may give way")
            known = select(ITEM.c.id).where(ITEM.c.home == home, ITEM.c.id == label.id)
            if connection.execute(known).first() is None:
                _, wrapped = self._store.keys.new_item(home)
                facts = {"home": home, "sort": label.sort.value, "created": datetime.now(UTC)}
                key = {"home_key": wrapped.home_key, "wrapped": wrapped.secret}
                connection.execute(insert(ITEM).values(label.model_dump(exclude={"lost"}) | facts | key))
        for identifier in gone:
            self._store.drop_files(home, identifier)
        return gone

    def _check_disk(self, size: int) -> None:
        if shutil.disk_usage(self._store.path("", "").parent).free < size + RESERVE:
            raise StorageFull("the disk is full")

    def _row(self, home: str, identifier: str) -> Row[Any] | None:
        with self._store.database.reading() as connection:
            return connection.execute(select(ITEM).where(ITEM.c.home == home, ITEM.c.id == identifier)).first()

    @contextmanager
    def _alone(self, home: str, identifier: str) -> Iterator[Row[Any]]:
        with self._released:
            if not self._released.wait_for(lambda: (home, identifier) not in self._busy, BUSY_SECONDS):
                raise UploadBusy("another request writes to it")
            self._busy.add((home, identifier))
        try:
            row = self._row(home, identifier)
            if row is None:
                raise NoUpload(f"there is no upload {identifier}")
            yield row
        finally:
            with self._released:
                self._busy.discard((home, identifier))
                self._released.notify_all()


class Appending:
    """One request that writes to an upload."""

    def __init__(self, uploads: Uploads, row: Row[Any], file: Sealed, offset: int) -> None:
        self._uploads, self._row, self._file = uploads, row, file
        self.progress = Progress(offset, row.size)

    def write(self, data: bytes) -> None:
        """More of it. Raises StorageFull; what was written before counts. Raises UploadConflict beyond its length."""
        if self.progress.offset + len(data) > self.progress.length:
            raise UploadConflict("this is more than was announced")
        try:
            with _full_disk_told():
                self.progress = Progress(self._file.append(data), self.progress.length)
        except StorageFull:
            self.progress = Progress(self._file.length(), self.progress.length)
            raise

    def finish(self) -> None:
        """Everything of this request is written. Raises ChecksumWrong."""
        self.progress = self._uploads.settled(self._row, self._file, self.progress.offset)


def _matches(file: Sealed, sha256: str) -> bool:
    digest = hashlib.sha256()
    try:
        for piece in file.read():
            digest.update(piece)
    except Unreadable:
        return False
    return digest.hexdigest() == sha256


@contextmanager
def _full_disk_told() -> Iterator[None]:
    """A full disk is told as one, whoever meets it; other trouble of the disk is trouble."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull("the disk is full") from error
        raise DatabaseError(f"the disk cannot be used: {error.strerror}") from error
    except DatabaseError as error:
        if "disk is full" in str(error):
            raise StorageFull("the disk is full") from error
        raise
