"""A server of two nodes: what one takes the other has, its lamps and listeners hear of it, one key serves both."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.database import Database
from servers.messages.desk import Desk, Keeping
from servers.messages.keys import HomeKeys
from servers.messages.settings import MessagesSection
from servers.messages.uploads import Uploads
from tests.servers.messages.test_uploads import hand_in
from tests.servers.messages.visitors import noise

HOME = "303"
LIMIT = 30.0


class Shown:
    """What a lamp was told last of each home."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._shown: dict[str, tuple[int, int]] = {}

    def show(self, home: str, new: int, old: int) -> None:
        with self._changed:
            self._shown[home] = (new, old)
            self._changed.notify_all()

    def wait_for(self, new: int, old: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._shown.get(HOME) == (new, old), LIMIT), self._shown


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[tuple[Desk, Shown], ...]]:
    """Two, with a database and a folder that they share."""
    monkeypatch.setattr("servers.messages.worker.OFTEN", 0.02)
    limits = MessagesSection(folder=tmp_path / "shared")
    keeping = Keeping(lambda token: HOME, lambda: (HOME,))
    made, databases = [], []
    for name in "one", "two":
        databases.append(Database(f"sqlite:///{tmp_path / 'servers.db'}"))
        lamp = Shown()
        made.append((Desk(databases[-1], tmp_path / name, limits, keeping, lamp, alone=False), lamp))
    for desk, lamp in made:
        desk.start()
        lamp.wait_for(0, 0)
    yield tuple(made)
    for desk, _ in made:
        desk.end()
    for database in databases:
        database.close()


@pytest.mark.flow("V5")
def test_what_one_node_takes_is_shown_and_played_at_the_other(nodes: tuple[tuple[Desk, Shown], ...]) -> None:
    (one, _), (two, lamp) = nodes
    left = noise(100_000)
    hand_in(one.uploads, left, HOME)
    lamp.wait_for(1, 0)
    assert b"".join(two.store.content(HOME, left.id).read()) == left.content
    two.store.set_read(HOME, left.id, True, "indoor1")
    nodes[0][1].wait_for(0, 1)
    one.store.delete(HOME, left.id)
    lamp.wait_for(0, 0)


def test_an_upload_that_one_node_began_goes_on_at_the_other(nodes: tuple[tuple[Desk, Shown], ...]) -> None:
    (one, _), (two, _) = nodes
    left = noise(100_000)
    one.uploads.create(HOME, left.label)
    with one.uploads.appending(HOME, left.id, 0) as appending:
        appending.write(left.content[:70_000])
    with Uploads(two.store).appending(HOME, left.id, 70_000) as appending:
        appending.write(left.content[70_000:])
        appending.finish()
    assert b"".join(one.store.content(HOME, left.id).read()) == left.content


def test_nodes_that_make_the_first_key_at_once_have_the_same(tmp_path: Path) -> None:
    for number in range(20):
        home, begin, found = str(number), threading.Barrier(4), list[str]()

        def make(home: str, begin: threading.Barrier, found: list[str]) -> None:
            keys = HomeKeys(tmp_path)
            begin.wait(LIMIT)
            keys.wrap(home, bytes(32))
            found.append(keys.exported(home))

        threads = [threading.Thread(target=make, args=(home, begin, found)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT)
        assert len(found) == 4
        assert set(found) == {HomeKeys(tmp_path).exported(home)}
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []
