"""The store: a folder of finished items and an index, in which a power cut at any instant loses nothing finished.

The order of writing is what makes that true:

- a message grows in a `.part` file, each fragment followed by an fsync; at its end the film gets its index, the file
  gets its name, then its row
- a picture is written and synced in a `.part` file, gets its name, then its row
- what is deleted loses its file first, then its row

So a start finds at worst a `.part` (a torn message: what is whole of it is finished now; a torn picture: deleted), a
file without a row (the row is made anew), or a row without a file (deleted before).
"""

import hashlib
import logging
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from endpoints.door_station.keeping.disk import Disk, StoreError, Trouble, told
from endpoints.door_station.keeping.index import Index, IndexDamaged
from endpoints.door_station.keeping.items import PART, Event, Item, Label, State, label_of
from endpoints.door_station.keeping.quota import Quota, doomed
from media.film_index import index_of
from media.fragments import Whole, whole

log = logging.getLogger(__name__)

INDEX = "index.db"
RESERVE = 16_000_000
"""Bytes that are left to the rest of the device."""
_JPEG_END = b"\xff\xd9"
STEP = 60.0
"""Seconds by which the clock must have been wrong before a time is told otherwise than it was written down."""


class Store:
    """Keeps items; from any thread. Everything raises StoreError when the disk does not take it."""

    def __init__(
        self,
        folder: Path,
        quota: Quota | None = None,
        disk: Disk | None = None,
        new_index: Callable[[Path], Index] = Index,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_loss: Callable[[Item], None] = lambda item: None,
        uptime: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
    ) -> None:
        """Opens the store and repairs what a power cut left.

        `on_loss` is told what had to go though no server has it; `uptime` is a clock that nobody sets, seconds.
        """
        self._folder, self._quota, self._disk, self._now = folder, quota or Quota(), disk or Disk(), now
        self._uptime, self._on_loss = uptime, on_loss
        self._made: dict[str, float] = {}
        """Id -> uptime when it started, of what waits since this start of the device."""
        self._lock = threading.RLock()
        self._recording: set[Path] = set()
        with self._telling():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._disk.sync_folder(folder.parent)
            self._index = self._open_index(new_index)
            self._next = 1 + max((label.number for label in self._labels()), default=0)
            self._next = max([self._next, *(item.label.number + 1 for item in self._index.all())])
            self._repair()

    # --- keeping -----------------------------------------------------------------------------------------------------

    def begin(self, flat: str, session_id: str, room: int = 0) -> "Recording":
        """Begin a message, for which about `room` bytes are made free."""
        with self._telling():
            self.trim(room)
            label = self._label(flat, session_id, Event.MESSAGE, self._now())
            path = self._folder / (label.name + PART)
            file = self._disk.create(path)
            self._recording.add(path)
        return Recording(self, self._disk, label, path, file)

    def keep_picture(self, flat: str, session_id: str, event: Event, started: datetime, jpeg: bytes) -> Item:
        """Keep a picture that was taken at `started`."""
        with self._telling():
            self.trim(len(jpeg))
            label = self._label(flat, session_id, event, started)
            path = self._folder / (label.name + PART)
            file = self._disk.create(path)
            try:
                self._disk.append(file, jpeg)
            except OSError:
                path.unlink(missing_ok=True)
                raise
            finally:
                self._disk.close(file)
            return self._finished(path, Item(label, len(jpeg), hashlib.sha256(jpeg).hexdigest()))

    def end(self, path: Path, label: Label) -> Item | None:
        """Called by a recording at its end: what it became, None if nothing is worth keeping."""
        with self._telling():
            self._recording.discard(path)
            found = self._whole(label, path)
            if not found.size:
                self._disk.remove(path)
                return None
            return self._finished(path, found)

    def _finished(self, path: Path, item: Item) -> Item:
        self._disk.rename(path, self._folder / item.label.name)
        self._index.put(item)
        return item

    def _label(self, flat: str, session_id: str, event: Event, started: datetime) -> Label:
        number, self._next = self._next, self._next + 1
        label = Label(number, uuid.uuid4().hex, flat, session_id, event, started)
        self._made[label.id] = self._uptime() - (self._now() - started).total_seconds()
        return label

    # --- what is kept ------------------------------------------------------------------------------------------------

    def flats(self) -> list[str]:
        """The flats that something waits for; the longest waiting first."""
        with self._telling():
            return self._index.flats()

    def oldest(self, flat: str) -> Item | None:
        """What is to be uploaded next for `flat`."""
        with self._telling():
            return self._index.oldest(flat)

    def mark(self, item: Item, state: State) -> None:
        """`item` stands elsewhere now."""
        with self._telling():
            self._index.mark(item.label.number, state)
            self._made.pop(item.label.id, None)

    def losses(self, flat: str) -> int:
        """How many items of `flat` had to go though no server had them, and none has been told of that."""
        with self._telling():
            return self._index.losses(flat)

    def told(self, flat: str, losses: int) -> None:
        """The server of `flat` has been told of so many."""
        with self._telling():
            self._index.told(flat, losses)

    def started(self, item: Item) -> datetime:
        """When `item` started, as far as is known now: a clock that was set meanwhile counts back."""
        made = self._made.get(item.label.id)
        if made is None:
            return item.label.started
        then = self._now() - timedelta(seconds=self._uptime() - made)
        return then if abs((then - item.label.started).total_seconds()) > STEP else item.label.started

    def path(self, item: Item) -> Path:
        """The file of `item`."""
        return self._folder / item.label.name

    def items(self) -> list[Item]:
        """Everything finished, oldest first."""
        with self._telling():
            return self._index.all()

    def figures(self) -> Mapping[str, object]:
        """How many items stand where, and their bytes."""
        items = self.items()
        counts = {state.value: sum(item.state is state for item in items) for state in State}
        return {**counts, "bytes": sum(item.size for item in items)}

    def trim(self, room: int = 0) -> None:
        """Delete what the quota says, so that `room` bytes more fit. Raises StoreError if the disk is full even so."""
        with self._telling():
            free = shutil.disk_usage(self._folder).free - RESERVE
            items = self._index.all()
            most = min(self._quota.size, sum(item.size for item in items) + max(0, free))
            for item in list(doomed(items, Quota(most, self._quota.age), self._now().timestamp(), room)):
                self._delete(item)
                free += item.size
            if free < room:
                raise StoreError("the disk is full: others fill it", Trouble.FULL)

    def check(self, room: int = 0) -> None:
        """Whether the disk takes anything at all, and room for so many bytes could be made."""
        with self._telling():
            free = shutil.disk_usage(self._folder).free - RESERVE
            if free + sum(item.size for item in self._index.all()) < room:
                raise StoreError("the disk is full: others fill it", Trouble.FULL)
            path = self._folder / f"check{PART}"
            path.unlink(missing_ok=True)
            file = self._disk.create(path)
            try:
                self._disk.append(file, b"check")
            finally:
                self._disk.close(file)
                path.unlink(missing_ok=True)

    def _delete(self, item: Item) -> None:
        if item.state is State.WAITING:
            log.warning("the %s of %s for flat %s is lost: there is no room, and the server was not there",
                        item.label.event, item.label.started, item.label.flat)  # fmt: skip
            self._index.lose(item.label.flat)  # before the file goes: rather counted twice than never
            self._on_loss(item)
        self._made.pop(item.label.id, None)
        self._disk.remove(self.path(item))
        self._index.remove(item.label.number)

    def close(self) -> None:
        """Close the index; twice does no harm."""
        with self._lock:
            self._index.close()

    # --- after a power cut -------------------------------------------------------------------------------------------

    def _open_index(self, new_index: Callable[[Path], Index]) -> Index:
        path = self._folder / INDEX
        try:
            return new_index(path)
        except IndexDamaged as error:
            aside = path.with_name(f"{INDEX}.damaged-{time.time_ns()}")
            log.error("%s; it is set aside as %s and made anew from the files", error, aside.name)
            path.rename(aside)
            for suffix in ("-wal", "-shm"):
                path.with_name(INDEX + suffix).unlink(missing_ok=True)
            return new_index(path)

    def _labels(self) -> Iterator[Label]:
        for path in self._folder.iterdir():
            if label := label_of(path.name.removesuffix(PART)):
                yield label

    def _repair(self) -> None:
        for path in sorted(self._folder.glob(f"*{PART}")):
            self._mend(path)
        known = {item.label.name: item for item in self._index.all()}
        files = {path.name: path for path in sorted(self._folder.iterdir()) if label_of(path.name)}
        for name, path in files.items():
            item = known.get(name)
            if item is None or item.size != path.stat().st_size:
                self._adopt(path, item)
        for name in known.keys() - files.keys():
            self._index.remove(known[name].label.number)

    def _mend(self, path: Path) -> None:
        """A file that was being written when the power went."""
        label = label_of(path.name.removesuffix(PART))
        if label is None or label.event is not Event.MESSAGE or not self._whole(label, path).size:
            self._disk.remove(path)
            return
        log.warning("the message for flat %s of %s was cut short by a power cut", label.flat, label.started)
        self._disk.rename(path, path.with_name(label.name))

    def _adopt(self, path: Path, known: Item | None) -> None:
        """A finished file whose row is missing, or speaks of another size. It stays, even if nothing in it is whole."""
        label = label_of(path.name)
        if label is None:
            return
        found = self._whole(label, path)
        if not found.size:
            log.error("%s is damaged", path.name)
            found = Item(label, path.stat().st_size, "", 0, State.DAMAGED)
        self._index.put(found if known is None or known.state is State.WAITING else known)

    def _whole(self, label: Label, path: Path) -> Item:
        """What is there of an item, after cutting off what is torn."""
        if label.event is not Event.MESSAGE:
            jpeg = path.read_bytes()
            return Item(label, len(jpeg) if jpeg.endswith(_JPEG_END) else 0, hashlib.sha256(jpeg).hexdigest())
        found = _whole(path)
        if 0 < found.size < path.stat().st_size:
            self._disk.cut(path, found.size)
        if found.size and path.suffix == PART:
            self._write_index(path, found)
            found = _whole(path)
        return Item(label, found.size, found.sha256, found.duration_ms)

    def _write_index(self, path: Path, found: Whole) -> None:
        """Of a film that is finished now; one without it can be played all the same."""
        try:
            with path.open("rb") as film:
                patches = index_of(film, found.size, found.duration_ms)
            for patch in patches or ():
                self._disk.write(path, patch.offset, patch.data)
        except (OSError, ValueError) as error:
            log.error("%s has no index: %s", path.name, error)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except OSError as error:
                raise told(error) from error


def _whole(path: Path) -> Whole:
    with path.open("rb") as film:
        return whole(film)


class Recording:
    """A message that is being recorded; one thread at a time."""

    def __init__(self, store: Store, disk: Disk, label: Label, path: Path, file: int) -> None:
        self.label = label
        self._store, self._disk, self._path, self._file = store, disk, path, file
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes that are safe."""
        return self._size

    def append(self, fragment: bytes) -> None:
        """Add a sealed fragment; it is safe when this returns. Raises StoreError, and what was safe stays so."""
        try:
            self._disk.append(self._file, fragment)
        except OSError as error:
            raise told(error) from error
        self._size += len(fragment)

    def finish(self) -> Item | None:
        """End the message: it is kept for good when this returns; None if it is empty.

        Raises StoreError; the next start of the store finishes it then.
        """
        try:
            self._disk.close(self._file)
        except OSError as error:
            raise told(error) from error
        return self._store.end(self._path, self.label)
