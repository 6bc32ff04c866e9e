"""Uploads: whatever is cut, replayed, torn or told wrong, an item comes into the store whole, once, or not at all."""

import errno
import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from servers.database import Database
from servers.messages.errors import ChecksumWrong, MessageError, NoMessage, NoUpload, StorageFull, UploadConflict
from servers.messages.keys import HomeKeys
from servers.messages.sealed import CHUNK, Sealed
from servers.messages.settings import MessagesSection
from servers.messages.store import Filter, MessageStore
from servers.messages.uploads import Step, Uploads
from tests.servers.messages.visitors import Left, noise, picture

HOME = "301"


def store_in(folder: Path, **limits: Any) -> MessageStore:
    database = Database(f"sqlite:///{folder / 'store.sqlite'}")
    return MessageStore(database, folder / "items", HomeKeys(folder / "keys"), MessagesSection(**limits))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MessageStore]:
    made = store_in(tmp_path)
    yield made
    made.database.close()


def hand_in(uploads: Uploads, left: Left, home: str = HOME) -> None:
    uploads.create(home, left.label)
    with uploads.appending(home, left.id, 0) as appending:
        appending.write(left.content)
        appending.finish()
    assert appending.progress.step is Step.NEW


class AnyDoor(RuleBasedStateMachine):
    """A door that does everything, in any order, to one item; beside it only what has arrived is in the list."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp())
        self.store = store_in(self.folder)
        self.uploads = Uploads(self.store)
        self.created = self.arrived = False
        self.left = noise()
        self.sent = b""
        """What the server must have."""

    @initialize(size=st.sampled_from([1, 999, CHUNK, CHUNK + 1, 3 * CHUNK - 7]))
    def rings(self, size: int) -> None:
        self.left = noise(size)

    @rule()
    def create(self) -> None:
        self.uploads.create(HOME, self.left.label)
        self.created = True

    @precondition(lambda self: self.created and not self.arrived)
    @rule(share=st.floats(0, 1), cut=st.booleans(), wrong=st.sampled_from([False, False, False, True]))
    def send(self, share: float, cut: bool, wrong: bool) -> None:
        offset = len(self.sent)
        piece = self.left.content[offset : offset + max(1, round(share * (len(self.left.content) - offset)))]
        if wrong:
            piece = bytes(255 - byte for byte in piece)
        with self.uploads.appending(HOME, self.left.id, offset) as appending:
            for start in range(0, len(piece), 50_000):
                appending.write(piece[start : start + 50_000])
            self.sent += piece
            if not cut:
                self.settle(appending.finish)

    def settle(self, ask: Callable[[], object]) -> None:
        """What the server does when it looks whether the item is whole."""
        if len(self.sent) == len(self.left.content) and self.sent != self.left.content:
            with pytest.raises(ChecksumWrong):
                ask()
            self.sent = b""
        else:
            ask()
            self.arrived = self.sent == self.left.content

    @precondition(lambda self: self.created)
    @rule()
    def ask(self) -> None:
        if self.arrived:
            assert self.uploads.progress(HOME, self.left.id).step is Step.OLD
        else:
            self.settle(lambda: self.uploads.progress(HOME, self.left.id))

    @precondition(lambda self: self.created)
    @rule(offset=st.integers(0, 4 * CHUNK))
    def send_elsewhere(self, offset: int) -> None:
        if offset == len(self.sent) and not self.arrived:
            return
        with pytest.raises(UploadConflict), self.uploads.appending(HOME, self.left.id, offset):
            pass

    @precondition(lambda self: self.created and not self.arrived)
    @rule()
    def send_too_much(self) -> None:
        offset = len(self.sent)
        with self.uploads.appending(HOME, self.left.id, offset) as appending, pytest.raises(UploadConflict):
            appending.write(bytes(len(self.left.content) - offset + 1))

    @precondition(lambda self: self.created and not self.arrived and self.sent)
    @rule(lost=st.integers(1, 2 * CHUNK))
    def lose_power(self, lost: int) -> None:
        """What was not on the disk yet is gone, in the middle of a chunk; the server starts again."""
        path = self.store.path(HOME, self.left.id)
        os.truncate(path, max(0, path.stat().st_size - lost))
        self.uploads = Uploads(self.store)
        offset = self.uploads.progress(HOME, self.left.id).offset
        assert offset < len(self.sent)
        self.sent = self.sent[:offset]

    @invariant()
    def the_list_has_what_is_whole(self) -> None:
        assert [one.id for one in self.store.page(HOME, Filter(), 10)] == [self.left.id] * self.arrived
        if self.arrived:
            assert b"".join(self.store.content(HOME, self.left.id).read()) == self.left.content

    def teardown(self) -> None:
        self.store.database.close()
        shutil.rmtree(self.folder)


TestAnyDoor = AnyDoor.TestCase
TestAnyDoor.settings = settings(max_examples=10, stateful_step_count=10, deadline=None)


def test_what_a_home_deleted_does_not_come_back(store: MessageStore) -> None:
    uploads, left = Uploads(store), noise()
    hand_in(uploads, left)
    store.delete(HOME, left.id)
    uploads.create(HOME, left.label)
    found = uploads.progress(HOME, left.id)
    assert (found.offset, found.step) == (len(left.content), Step.OLD)
    assert store.page(HOME, Filter(), 10) == []
    assert not store.path(HOME, left.id).exists()
    with pytest.raises(NoMessage):
        store.content(HOME, left.id)


def test_the_same_id_in_two_homes_is_two_items(store: MessageStore) -> None:
    uploads, one = Uploads(store), noise()
    other = replace(one, content=random.randbytes(70_000))
    hand_in(uploads, one, "301")
    hand_in(uploads, other, "302")
    assert b"".join(store.content("301", one.id).read()) == one.content
    assert b"".join(store.content("302", one.id).read()) == other.content
    with pytest.raises(UploadConflict, match="another item"):
        uploads.create("301", other.label)
    with pytest.raises(NoUpload):
        uploads.progress("303", one.id)


def test_a_full_disk_loses_nothing_that_was_counted(store: MessageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads, left = Uploads(store), noise(3 * CHUNK)
    uploads.create(HOME, left.label)
    append = Sealed.append
    written: list[bytes] = []

    def full(file: Sealed, data: bytes) -> int:
        if len(written) == 1:
            append(file, data[:100])
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(data)
        return append(file, data)

    monkeypatch.setattr(Sealed, "append", full)
    with uploads.appending(HOME, left.id, 0) as appending:
        appending.write(left.content[:CHUNK])
        with pytest.raises(StorageFull):
            appending.write(left.content[CHUNK:])
    monkeypatch.undo()
    offset = uploads.progress(HOME, left.id).offset
    assert offset == CHUNK + 100
    with uploads.appending(HOME, left.id, offset) as appending:
        appending.write(left.content[offset:])
        appending.finish()
    assert b"".join(store.content(HOME, left.id).read()) == left.content


def test_a_full_disk_takes_nothing_new(store: MessageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1 << 20))
    with pytest.raises(StorageFull):
        Uploads(store).create(HOME, noise().label)


def test_when_a_home_is_full_what_was_seen_gives_way_and_unseen_messages_never(tmp_path: Path) -> None:
    store = store_in(tmp_path, megabytes=1, largest=1)
    uploads = Uploads(store)
    seen, photo = noise(400_000), replace(picture(), content=random.randbytes(300_000))
    unseen = noise(300_000)
    for left in (seen, photo, unseen):
        hand_in(uploads, left)
    store.set_read(HOME, seen.id, True, "indoor1")
    assert uploads.create(HOME, noise(400_000).label) == [seen.id]
    assert uploads.create(HOME, noise(300_000).label) == [photo.id]
    with pytest.raises(StorageFull):
        uploads.create(HOME, noise(100_000).label)
    assert [one.id for one in store.page(HOME, Filter(), 10)] == [unseen.id]
    store.database.close()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"id": "x" * 32}, "id"),
        ({"sha256": "short"}, "sha256"),
        ({"size": "12"}, "the metadata says 12"),
        ({"started": "yesterday"}, "started"),
        ({"started": "2026-11-23T10:00:00"}, "started"),
        ({"event": "ring"}, "a picture has an event"),
        ({"flat": "../etc"}, "flat"),
    ],
)
def test_a_label_that_is_none_is_refused(change: dict[str, str], problem: str) -> None:
    import base64

    from servers.messages.label import label_of

    facts = noise().facts | change
    text = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in facts.items())
    with pytest.raises(MessageError, match=problem):
        label_of(text, 1000)


def test_a_new_key_opens_what_the_old_one_did(store: MessageStore) -> None:
    uploads, left, half = Uploads(store), noise(), noise(200_000)
    hand_in(uploads, left)
    uploads.create(HOME, half.label)
    with uploads.appending(HOME, half.id, 0) as appending:
        appending.write(half.content[:150_000])
    before = store.keys.all(HOME)
    assert store.rotate(HOME) == 2
    assert before[0].number not in {key.number for key in store.keys.all(HOME)}
    with uploads.appending(HOME, half.id, 150_000) as appending:
        appending.write(half.content[150_000:])
        appending.finish()
    for one in (left, half):
        assert b"".join(store.content(HOME, one.id).read()) == one.content


def test_what_is_old_goes_and_what_a_power_cut_left_too(store: MessageStore) -> None:
    from sqlalchemy import update

    from servers.messages.table import ITEM

    uploads, old, new = Uploads(store), noise(), noise()
    hand_in(uploads, old)
    hand_in(uploads, new)
    store.set_days(HOME, 3)
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    with store.changing() as connection:
        connection.execute(update(ITEM).where(ITEM.c.id == old.id).values(arrived=long_ago))
    orphan = store.path(HOME, "f" * 32)
    orphan.write_bytes(b"row is gone")
    assert store.forget_old() == [HOME]
    assert [one.id for one in store.page(HOME, Filter(), 10)] == [new.id]
    assert not store.path(HOME, old.id).exists()
    assert not orphan.exists()
    assert store.forget_old() == []
