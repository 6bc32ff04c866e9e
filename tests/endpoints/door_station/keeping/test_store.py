"""The store: what is finished stays, what is torn is mended, and what has no room goes in the stated order."""

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from endpoints.door_station.keeping.disk import Disk, StoreError, Trouble
from endpoints.door_station.keeping.index import Index
from endpoints.door_station.keeping.items import PART, Event, Item, Label, State, label_of
from endpoints.door_station.keeping.quota import Quota, doomed
from endpoints.door_station.keeping.store import INDEX, Store
from media.fragments import sealed

SESSION = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 23, 14, 0, 0, 123456, tzinfo=UTC)
JPEG = b"\xff\xd8 a picture \xff\xd9"
FRAGMENT = sealed(b"\0\0\0\x11mdat the film", 500)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "kept", now=lambda: NOW)
    yield made
    made.close()


def message(store: Store, flat: str = "301", fragments: int = 3) -> Item:
    recording = store.begin(flat, SESSION)
    for _ in range(fragments):
        recording.append(FRAGMENT)
    item = recording.finish()
    assert item is not None
    return item


def again(store: Store, folder: Path) -> Store:
    store.close()
    return Store(folder, now=lambda: NOW)


def test_a_message_and_a_picture_are_kept_in_order_and_survive_a_restart(store: Store, tmp_path: Path) -> None:
    first = message(store)
    second = store.keep_picture("301", SESSION, Event.RING, NOW, JPEG)
    third = message(store, "302")
    assert [first.label.number, second.label.number, third.label.number] == [1, 2, 3]
    after = again(store, tmp_path / "kept")
    assert after.items() == [first, second, third]
    assert after.flats() == ["301", "302"]
    assert after.oldest("301") == first
    assert first.sha256 == hashlib.sha256(after.path(first).read_bytes()).hexdigest()
    assert (first.duration_ms, first.label.file_type, second.label.file_type) == (500, "video/mp4", "image/jpeg")
    after.mark(first, State.UPLOADED)
    assert after.oldest("301") == second
    assert after.figures()["waiting"] == 2
    after.close()


def test_only_we_may_read_what_is_kept(store: Store) -> None:
    item = message(store)
    assert store.path(item).stat().st_mode & 0o077 == 0
    assert store.path(item).parent.stat().st_mode & 0o077 == 0


def test_a_file_name_says_everything_that_a_lost_index_said(store: Store, tmp_path: Path) -> None:
    kept = [message(store), store.keep_picture("302", "", Event.WRONG_CODE, NOW, JPEG)]
    store.path(kept[1]).with_name(Label(3, "b" * 32, "303", "", Event.RING, NOW).name).write_bytes(JPEG[:-1])
    store.close()
    (tmp_path / "kept" / INDEX).write_bytes(os.urandom(8192))
    after = Store(tmp_path / "kept")
    assert [(item.label, item.sha256) for item in after.items()[:2]] == [(item.label, item.sha256) for item in kept]
    assert after.items()[2].state is State.DAMAGED
    assert list((tmp_path / "kept").glob(f"{INDEX}.damaged-*"))
    assert message(after).label.number == 4
    after.close()


@pytest.mark.parametrize("name", ["notes.txt", "00000001.301..message.20261123T000000000000.x.mp4", "1.2.3.jpg"])
def test_a_file_that_is_not_ours_is_left_alone(store: Store, tmp_path: Path, name: str) -> None:
    (tmp_path / "kept" / name).write_text("x")
    again(store, tmp_path / "kept").close()
    assert label_of(name) is None
    assert (tmp_path / "kept" / name).exists()


def test_a_torn_message_is_finished_with_what_is_whole(store: Store, tmp_path: Path) -> None:
    recording = store.begin("301", SESSION)
    recording.append(FRAGMENT)
    recording.append(FRAGMENT)
    part = next((tmp_path / "kept").glob(f"*{PART}"))
    with part.open("ab") as file:
        file.write(FRAGMENT[:11])
    after = again(store, tmp_path / "kept")
    (item,) = after.items()
    assert (item.label, item.size, item.duration_ms) == (recording.label, 2 * len(FRAGMENT), 500)
    assert after.path(item).read_bytes() == FRAGMENT * 2
    after.close()


def test_an_empty_message_and_a_torn_picture_leave_nothing(store: Store, tmp_path: Path) -> None:
    assert store.begin("301", SESSION).finish() is None
    store.begin("301", SESSION)
    label = Label(9, "0" * 32, "301", SESSION, Event.RING, NOW)
    (tmp_path / "kept" / (label.name + PART)).write_bytes(JPEG[:5])
    after = again(store, tmp_path / "kept")
    assert after.items() == []
    assert [path.name for path in (tmp_path / "kept").iterdir() if not path.name.startswith(INDEX)] == []
    after.close()


def test_a_file_without_a_row_gets_one_and_a_row_without_a_file_goes(store: Store, tmp_path: Path) -> None:
    kept, gone = message(store), message(store)
    store.path(gone).unlink()
    label = Label(7, "a" * 32, "302", SESSION, Event.RING, NOW)
    (tmp_path / "kept" / label.name).write_bytes(JPEG)
    after = again(store, tmp_path / "kept")
    assert [item.label for item in after.items()] == [kept.label, label]
    after.close()


# --- no room --------------------------------------------------------------------------------------------------------


def item_of(number: int, state: State, days_old: float = 0.0, size: int = 10) -> Item:
    started = NOW - timedelta(days=days_old)
    return Item(Label(number, f"{number:032x}", "301", SESSION, Event.RING, started), size, "", 0, state)


ITEMS = [
    item_of(1, State.WAITING, 90),
    item_of(2, State.UPLOADED, 80),
    item_of(3, State.REFUSED, 70),
    item_of(4, State.UPLOADED, 5),
    item_of(5, State.WAITING, 4),
    item_of(6, State.UPLOADED, 40),
]


@pytest.mark.parametrize(
    ("size", "room", "gone"),
    [
        (99, 0, [2, 6]),
        (40, 10, [2, 6, 4]),
        (20, 0, [2, 6, 4, 3]),
        (10, 0, [2, 6, 4, 3, 1]),
        (5, 0, [2, 6, 4, 3, 1, 5]),
    ],
)
def test_what_has_no_room_goes_in_the_stated_order(size: int, room: int, gone: list[int]) -> None:
    found = doomed(ITEMS, Quota(size, 30 * 86_400), NOW.timestamp(), room)
    assert [item.label.number for item in found] == gone


@pytest.mark.parametrize("years", [-50, 50])
def test_a_wrong_clock_deletes_nothing_that_waits(years: int) -> None:
    then = (NOW + timedelta(days=365 * years)).timestamp()
    assert {item.state for item in doomed(ITEMS, Quota(), then)} <= {State.UPLOADED}


def test_what_was_made_before_the_clock_was_set_is_dated_when_it_is(tmp_path: Path) -> None:
    clock, uptime = [datetime(1970, 1, 1, 0, 5, tzinfo=UTC)], [300.0]
    store = Store(tmp_path / "kept", now=lambda: clock[0], uptime=lambda: uptime[0])
    before, pictured = message(store), store.keep_picture("301", SESSION, Event.RING, clock[0], JPEG)
    assert store.started(before) == clock[0]
    clock[0], uptime[0] = NOW, 360.0
    after = message(store)
    assert store.started(before) == store.started(pictured) == NOW - timedelta(seconds=60)
    assert store.started(after) == NOW
    assert [item.label.number for item in store.items()] == [1, 2, 3]
    store.close()


def test_room_is_made_for_what_comes_and_a_loss_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lost: list[Item] = []
    store = Store(tmp_path / "kept", Quota(size=3 * len(FRAGMENT)), on_loss=lost.append)
    first = message(store, fragments=2)
    store.mark(message(store, fragments=1), State.UPLOADED)
    third = message(store, fragments=1)
    assert store.items()[0] == first
    store.trim(2 * len(FRAGMENT))
    assert store.items() == [third]
    assert "is lost" in caplog.text
    assert lost == [first]
    assert not store.path(first).exists()
    store.close()
    again = Store(tmp_path / "kept")
    assert (again.losses("301"), again.losses("302")) == (1, 0)
    again.close()


class FailingDisk(Disk):
    """A disk that takes only the first `left` appends."""

    def __init__(self, error: int) -> None:
        self.error, self.left = error, 1 << 30

    def append(self, file: int, data: bytes) -> None:
        self.left -= 1
        if self.left < 0:
            os.write(file, data[: len(data) // 2])
            raise OSError(self.error, os.strerror(self.error))
        super().append(file, data)


def test_a_disk_that_runs_full_in_a_message_keeps_what_was_safe(tmp_path: Path) -> None:
    disk = FailingDisk(28)
    store = Store(tmp_path / "kept", disk=disk)
    recording = store.begin("301", SESSION)
    recording.append(FRAGMENT)
    disk.left = 0
    with pytest.raises(StoreError, match="full") as raised:
        recording.append(FRAGMENT)
    assert raised.value.trouble is Trouble.FULL
    item = recording.finish()
    assert item is not None
    assert store.path(item).read_bytes() == FRAGMENT
    with pytest.raises(StoreError):
        store.keep_picture("301", SESSION, Event.RING, NOW, JPEG)
    store.close()


@pytest.mark.parametrize(("error", "trouble"), [(30, Trouble.READ_ONLY), (5, Trouble.BROKEN), (122, Trouble.FULL)])
def test_what_is_wrong_with_the_disk_is_told(tmp_path: Path, error: int, trouble: Trouble) -> None:
    disk = FailingDisk(error)
    store = Store(tmp_path / "kept", disk=disk)
    disk.left = 0
    with pytest.raises(StoreError) as raised:
        store.keep_picture("301", SESSION, Event.RING, NOW, JPEG)
    assert raised.value.trouble is trouble
    store.close()


def test_a_full_disk_is_told_before_a_message_begins(store: Store) -> None:
    store.check(room=1000)
    for wanted in (store.check, lambda room: store.begin("301", SESSION, room)):
        with pytest.raises(StoreError) as raised:
            wanted(1 << 60)
        assert raised.value.trouble is Trouble.FULL


def test_an_index_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / INDEX).mkdir()
    with pytest.raises(StoreError):
        Index(tmp_path / INDEX)
