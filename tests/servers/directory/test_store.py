"""The directory is changed in whole steps, and each gives it the next version."""

import base64
from concurrent.futures import ThreadPoolExecutor

import pytest

from servers.database import Database
from servers.directory.entries import Console, Device, Flat
from servers.directory.store import DirectoryStore
from servers.errors import DirectoryError
from servers.kamailio.kinds import Kind

KEY = base64.b64encode(bytes(range(32))).decode()
CHEN = Flat(
    name="Family Chen",
    homelink="sip:home@10.0.0.7:5061;transport=tls",
    telephone="+86105550301",
    devices=(Device(name="phone1", kind=Kind.PHONE, key=KEY), Device(name="indoor1", kind=Kind.INDOOR)),
)


@pytest.fixture
def store(database: Database) -> DirectoryStore:
    return DirectoryStore(database)


def test_it_begins_empty_with_version_0(store: DirectoryStore) -> None:
    edition = store.edition()
    assert (edition.version, dict(edition.flats), dict(edition.consoles)) == (0, {}, {})


def test_every_change_gives_the_next_version(store: DirectoryStore) -> None:
    store.set_flat("301", CHEN)
    store.set_flat("1002", Flat(name="Family Rossi"))
    store.set_console("console1", Console(priority=0.5))
    edition = store.edition()
    assert edition.version == 3
    assert edition.flats == {"301": CHEN, "1002": Flat(name="Family Rossi")}
    assert list(edition.flats) == ["301", "1002"]
    assert edition.consoles == {"console1": Console(priority=0.5)}
    store.remove_flat("301")
    store.remove_console("console1")
    assert (store.version(), list(store.edition().flats)) == (5, ["1002"])


def test_what_changes_nothing_is_no_new_version(store: DirectoryStore) -> None:
    store.set_flat("301", CHEN)
    store.set_flat("301", CHEN)
    assert store.version() == 1


def test_replacing_a_flat_takes_its_old_devices_out(store: DirectoryStore) -> None:
    store.set_flat("301", CHEN)
    store.replace_flats({"301": Flat(name="Family Li"), "302": CHEN})
    assert store.edition().flats == {"301": Flat(name="Family Li"), "302": CHEN}
    store.replace_flats({"303": CHEN}, only=True)
    assert list(store.edition().flats) == ["303"]


def test_what_is_not_there_cannot_be_removed(store: DirectoryStore) -> None:
    with pytest.raises(DirectoryError, match="no flat 301"):
        store.remove_flat("301")
    with pytest.raises(DirectoryError, match="no console one"):
        store.remove_console("one")
    assert store.version() == 0


def test_changes_at_the_same_moment_all_count(store: DirectoryStore) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: store.set_flat(str(number), CHEN), range(100, 120)))
    assert (store.version(), len(store.edition().flats)) == (20, 20)
