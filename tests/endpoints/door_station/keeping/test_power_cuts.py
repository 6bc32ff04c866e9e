"""Power cuts: at every step of what the store writes, with and without what was not synced; and a real process killed.

The first half replays a log of every operation on the disk up to each of its steps: what was written and not synced is
lost, or there in part. SQLite promises that a commit is on the disk whole (synchronous = FULL), so it is one step.
"""

import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from endpoints.door_station.keeping.disk import Disk
from endpoints.door_station.keeping.index import Index
from endpoints.door_station.keeping.items import Event, Item, State
from endpoints.door_station.keeping.quota import Quota
from endpoints.door_station.keeping.store import INDEX, Store
from media.fragments import whole
from media.movie import MovieWriter
from tests.endpoints.door_station.keeping.tus_server import TOKEN, TusServer, tus_server
from tests.media.film import HEIGHT, RATE, WIDTH, pictures, played, sounds

SESSION = "0123456789abcdef0123456789abcdef"
FRAGMENTS = 10
"""A message of the recording process has seven, and its end."""
JPEG = b"\xff\xd8" + bytes(range(256)) * 8 + b"\xff\xd9"


@dataclass
class Volatile:
    """What would be on the disk: files as they are, and as they were when they were last synced."""

    now: dict[str, bytes] = field(default_factory=dict)
    safe: dict[str, bytes] = field(default_factory=dict)
    """Name -> content, after the last sync of both."""
    rows: tuple[Item, ...] = ()


class LoggingDisk(Disk):
    """Writes down the state of the disk after every operation, with and without what was not synced."""

    def __init__(self, syncs: bool = True) -> None:
        self.syncs = syncs
        self.state = Volatile()
        self.log: list[Volatile] = []
        self.promised: list[list[str]] = []
        """At each step of the log: the hashes of what was finished before it."""
        self.finished: list[str] = []
        self._names: dict[int, str] = {}
        self._contents: dict[str, bytes] = {}

    def note(self) -> None:
        state = self.state
        self.log.append(Volatile(dict(state.now), dict(state.safe), state.rows))
        self.promised.append(list(self.finished))

    def create(self, path: Path) -> int:
        file = super().create(path)
        self._names[file] = path.name
        self.state.now[path.name] = b""
        self._sync(path.name)
        return file

    def append(self, file: int, data: bytes) -> None:
        name = self._names[file]
        self.state.now[name] += data[: len(data) // 2]
        self.note()
        self.state.now[name] += data[len(data) // 2 :]
        self.note()
        super().append(file, data)
        self._sync(name)

    def write(self, path: Path, offset: int, data: bytes) -> None:
        before = self.state.now[path.name]
        for written in (data[: len(data) // 2], data):
            self.state.now[path.name] = before[:offset] + written + before[offset + len(written) :]
            self.note()
        super().write(path, offset, data)
        self._sync(path.name)

    def rename(self, old: Path, new: Path) -> None:
        super().rename(old, new)
        self.state.now[new.name] = self.state.now.pop(old.name)
        for file, name in self._names.items():
            self._names[file] = new.name if name == old.name else name
        self.note()
        if self.syncs:
            self.state.safe[new.name] = self.state.safe.pop(old.name)
        self.note()

    def remove(self, path: Path) -> None:
        super().remove(path)
        self.state.now.pop(path.name, None)
        self.note()
        if self.syncs:
            self.state.safe.pop(path.name, None)
        self.note()

    def _sync(self, name: str) -> None:
        self.note()
        if self.syncs:
            self.state.safe[name] = self.state.now[name]
        self.note()


class LoggingIndex(Index):
    """Tells the disk of each commit."""

    disk: LoggingDisk

    def put(self, item: Item) -> None:
        super().put(item)
        self._committed()

    def mark(self, number: int, state: State) -> None:
        super().mark(number, state)
        self._committed()

    def remove(self, number: int) -> None:
        super().remove(number)
        self._committed()

    def _committed(self) -> None:
        self.disk.state.rows = tuple(self.all())
        self.disk.note()


def film(seconds: float = 1.0) -> list[bytes]:
    made: list[bytes] = []
    movie = MovieWriter(WIDTH, HEIGHT, RATE, made.append)
    heard = iter(sounds(seconds))
    for picture in pictures(50)[: round(seconds * RATE)]:
        movie.picture(picture)
        movie.sound(next(heard))
        movie.sound(next(heard))
    movie.close()
    return made


def a_day(folder: Path, disk: LoggingDisk) -> None:
    """Two messages and two pictures, an upload that is noted, and a quota that then takes what was uploaded."""

    def index(path: Path) -> Index:
        made = LoggingIndex(path)
        made.disk = disk
        return made

    def promise(item: Item | None) -> Item:
        assert item is not None
        disk.finished.append(item.sha256)
        disk.note()
        return item

    fragments, items = film(), list[Item]()
    store = Store(folder, Quota(size=10**6), disk, index)
    for number in range(2):
        recording = store.begin("301", SESSION)
        for fragment in fragments:
            recording.append(fragment)
        items.append(promise(recording.finish()))
        jpeg = JPEG + bytes([number]) + JPEG[-2:]
        items.append(promise(store.keep_picture("301", SESSION, Event.RING, datetime.now(UTC), jpeg)))
    store.mark(items[0], State.UPLOADED)
    disk.finished.remove(items[0].sha256)
    store.trim(10**6 - sum(item.size for item in items[1:]))
    assert store.items() == items[1:]
    store.close()


def after_a_cut(folder: Path, files: dict[str, bytes], rows: Iterable[Item]) -> Store:
    """The store as it starts again with these files and rows."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    index = Index(folder / INDEX)
    for item in rows:
        index.put(item)
    index.close()
    return Store(folder)


def lost_and_unreadable(log: LoggingDisk, folder: Path, every: int = 1) -> tuple[int, int]:
    """Over all steps of the log: finished items that are gone, and items that are not what they should be."""
    lost = unreadable = 0
    chosen = random.Random(3)
    for number, (state, promised) in enumerate(zip(log.log[::every], log.promised[::every], strict=True)):
        partly = {name: _partly(state, name, chosen) for name in set(state.now) | set(state.safe)}
        for way, files in enumerate((state.safe, {name: data for name, data in partly.items() if data is not None})):
            store = after_a_cut(folder / f"{number}-{way}", files, state.rows)
            found = {item.sha256: item for item in store.items()}
            lost += sum(1 for one in promised if one not in found)
            unreadable += sum(1 for item in found.values() if not _readable(store, item))
            store.close()
    return lost, unreadable


def _partly(state: Volatile, name: str, chosen: random.Random) -> bytes | None:
    """A file of which some blocks reached the disk though nobody synced them, others are as they were, or zeros."""
    now, safe = state.now.get(name), state.safe.get(name)
    if now is None or safe is None:
        return chosen.choice((now, safe))
    before = safe.ljust(len(now), b"\0")
    at = range(0, len(before), 512)
    return b"".join((now if chosen.random() < 0.5 else before)[start : start + 512] for start in at)


def _readable(store: Store, item: Item) -> bool:
    content = store.path(item).read_bytes()
    if hashlib.sha256(content).hexdigest() != item.sha256 or item.state is State.DAMAGED:
        return False
    return item.label.event is not Event.MESSAGE or whole(store.path(item).open("rb")).size == len(content)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is one: what is synced here is only synced for the log."""
    shared = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    if not os.access(shared, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        yield Path(folder)


def test_a_power_cut_at_any_step_loses_nothing_finished_and_leaves_nothing_unreadable(memory: Path) -> None:
    disk = LoggingDisk()
    a_day(memory / "day", disk)
    assert len(disk.log) > 40
    assert lost_and_unreadable(disk, memory / "after") == (0, 0)


def test_the_same_without_syncing_does_lose_what_was_finished(memory: Path) -> None:
    disk = LoggingDisk(syncs=False)
    a_day(memory / "day", disk)
    lost, _ = lost_and_unreadable(disk, memory / "after", every=4)
    assert lost > 0


# --- a process that is killed ---------------------------------------------------------------------------------------


@dataclass
class Told:
    """What the killed processes said before they died."""

    finished: dict[str, str] = field(default_factory=dict)
    """Id -> hash."""
    safe: dict[str, int] = field(default_factory=dict)
    """Id -> bytes that were on the disk."""

    def hear(self, line: str) -> None:
        match line.split():
            case [identifier, "finished", digest, "."]:
                self.finished[identifier] = digest
            case [identifier, "safe", size, "."]:
                self.safe[identifier] = int(size)
            case _:
                raise AssertionError(f"the recording process has failed: {line!r}")


def test_a_process_killed_at_random_instants_loses_and_doubles_nothing(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    instants, seed = request.config.getoption("--power-cuts"), random.randrange(10**6)
    with tus_server() as server:
        told = _killed(tmp_path / "kept", server, instants, random.Random(seed))
        store = Store(tmp_path / "kept")
        items = {item.label.id: item for item in store.items()}
        assert told.finished.keys() <= items.keys(), f"seed {seed}"
        assert told.safe.keys() <= items.keys(), f"seed {seed}"
        for identifier, item in items.items():
            content = store.path(item).read_bytes()
            assert told.finished.get(identifier, item.sha256) == item.sha256 == hashlib.sha256(content).hexdigest()
            assert len(content) >= told.safe.get(identifier, 0)
            assert played(content).pictures > 0
            if item.state is State.UPLOADED:
                assert bytes(server.uploads[identifier].data) == content
        assert len(server.finished) == len(set(server.finished))
        assert (len(told.finished) > 0, len(told.safe) > len(told.finished)) == (True, True)
        store.close()


def _killed(folder: Path, server: TusServer, instants: int, chosen: random.Random) -> Told:
    """Record and upload in processes that are killed, each a moment after it has written so many fragments."""
    program = [sys.executable, "-m", "tests.endpoints.door_station.keeping.recording_process"]
    told = Told()
    with subprocess.Popen(
        [*program, str(folder), server.url, TOKEN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as mother:
        assert mother.stdin is not None
        assert mother.stdout is not None
        for number in range(instants):
            mother.stdin.write("begin\n")
            mother.stdin.flush()
            child = int(mother.stdout.readline())
            for _ in range(number % FRAGMENTS):
                told.hear(mother.stdout.readline())
            time.sleep(chosen.uniform(0.0, 0.05))  # the random instant
            os.kill(child, signal.SIGKILL)
            while (line := mother.stdout.readline()) != "gone\n":
                told.hear(line)
    return told
